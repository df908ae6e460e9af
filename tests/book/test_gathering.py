"""What the pages are made of: executed chapters, with the captions of today."""

import render_pages
from book_pages import ROOT


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


def test_a_shared_link_shows_a_picture_where_the_address_of_the_book_is_known(monkeypatch):
    intro = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    monkeypatch.setenv("PARTCLIPSEG_REPOSITORY", "")
    assert render_pages.with_preview(intro) == intro
    monkeypatch.setenv("PARTCLIPSEG_REPOSITORY", "git@github.com:Owner/name.git")
    told = render_pages.with_preview(intro)
    assert '"property=og:image": "https://owner.github.io/name/_static/hero.jpg"' in told
    assert (ROOT / "book" / "assets" / "hero.jpg").is_file()
