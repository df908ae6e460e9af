"""The quizzes at the end of chapters: book/quizzes.yaml, as answers that open and say why.

    python -c "import sys; sys.path.append('book/tools'); import quiz;
    print(quiz.section('07_scoring'))"

Takes no time; `render_pages.py` puts a section before "What to read next". It is plain HTML on the
page: no script, and on paper every answer can be read.
"""

from __future__ import annotations

import functools
import hashlib

import yaml

from book_pages import ROOT

QUIZZES = ROOT / "book" / "quizzes.yaml"
BEFORE = "## What to read next"


@functools.cache
def quizzes() -> dict[str, list[dict]]:
    """Chapter -> questions, each with its answers, (text, why), the right one first."""
    return yaml.safe_load(QUIZZES.read_text(encoding="utf-8"))


def shuffled(question: str, answers: list) -> list[tuple[bool, str, str]]:
    """(right, text, why) of each answer, in an order that depends on the texts alone."""
    marked = [(k == 0, text, why) for k, (text, why) in enumerate(answers)]
    return sorted(marked, key=lambda one: hashlib.sha256((question + one[1]).encode()).digest())


def section(chapter: str) -> str:
    """The quiz of a chapter in Markdown; nothing if it has none."""
    questions = quizzes().get(chapter, [])
    if not questions:
        return ""
    lines = ["## Quiz", "", "Open the answer that you would give.", ""]
    for number, one in enumerate(questions, start=1):
        lines += [f"**{number}. {one['question']}**", ""]
        for right, text, why in shuffled(one["question"], one["answers"]):
            word = "" if right else "No. "
            lines += [f":::{{dropdown}} {text}", f"{word}{why}", ":::", ""]
    return "\n".join(lines)


def with_quiz(notebook: dict, chapter: str) -> dict:
    """A notebook with its quiz before "What to read next", or at its end."""
    text = section(chapter)
    if not text:
        return notebook
    cells = []
    for cell in notebook["cells"]:
        before, found, after = "".join(cell["source"]).partition(BEFORE)
        if cell["cell_type"] == "markdown" and found:
            cell = {**cell, "source": f"{before}{text}\n{found}{after}"}
            text = ""
        cells.append(cell)
    if text:
        cells.append({"cell_type": "markdown", "id": "quiz", "metadata": {}, "source": text})
    return {**notebook, "cells": cells}
