"""What the pages are made of: executed chapters, with the captions of today."""

import render_pages


def test_outputs_are_those_of_the_run_and_captions_those_of_today():
    written = {"cells": [{"id": "a", "metadata": {"tags": ["new"]}, "outputs": []}]}
    executed = {
        "metadata": {"papermill": 1},
        "cells": [
            {"id": "a", "metadata": {"tags": ["old"], "papermill": 2}, "outputs": [5]},
            {"id": "injected", "metadata": {"tags": ["injected-parameters"]}, "outputs": []},
        ],
    }
    shown = render_pages.as_written(executed, written)
    assert shown["cells"][0] == {"id": "a", "metadata": {"tags": ["new"]}, "outputs": [5]}
    assert shown["cells"][1] == executed["cells"][1] and shown["metadata"] == {"papermill": 1}
