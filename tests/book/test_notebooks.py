"""The sources of the book: clean notebooks in git, prose that names what exists, kept facts."""

import importlib
import json
import re

import pytest

import book_pages
import execute_chapters
import refresh_facts
from book_pages import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = book_pages.toc_pages()

by_name = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


# ---- notebooks as they are in git ----------------------------------------------------------------


def test_every_notebook_is_a_page_and_every_page_exists():
    pages = {page for page in PAGES if page.startswith("notebooks/")}
    assert pages == {f"notebooks/{path.stem}" for path in NOTEBOOKS}
    for page in set(PAGES) - pages:
        assert (ROOT / f"{page}.md").exists(), page


@by_name
def test_a_notebook_in_git_carries_no_output_but_its_facts(path):
    assert refresh_facts.faults(path) == []


@by_name
def test_a_notebook_prints_facts_that_are_compared(path):
    cells = book_pages.read_notebook(path)["cells"]
    assert any(refresh_facts.FACT in book_pages.tags(cell) for cell in cells), (
        "a stripped notebook passes vacuously"
    )


@by_name
def test_a_notebook_is_easy_to_read(path):
    notebook = book_pages.read_notebook(path)
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown" and "".join(first["source"]).startswith("# ")
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            folded = "hide-input" in cell["metadata"].get("tags", [])  # imports, for the most part
            lines = len(source.splitlines())
            assert lines <= (45 if folded else 25), f"cell {number} has {lines} lines"
            assert not re.search(r"\bnn\.Module\b", source), (
                f"cell {number} defines a model; that belongs in the package"
            )


@by_name
def test_a_chapter_shows_at_most_sixty_lines_of_code_beside_its_solutions(path):
    shown, solved = 0, False
    for cell in book_pages.read_notebook(path)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            begun, ended = source.rfind("{solution-start}"), source.rfind("{solution-end}")
            solved = begun > ended if max(begun, ended) >= 0 else solved
        elif not solved and "hide-input" not in book_pages.tags(cell):
            shown += sum(bool(line.strip()) for line in source.splitlines())
    assert shown <= 60


# ---- what the prose names exists -----------------------------------------------------------------


def test_every_name_of_the_package_on_a_page_of_prose_exists():
    from partclipseg_lite.settings import setting_names

    settings = setting_names()
    for page in (ROOT / "book").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        for dotted in re.findall(r"`(partclipseg_lite(?:\.\w+)+)`", text):
            module, _, attribute = dotted.rpartition(".")
            assert hasattr(importlib.import_module(module), attribute), f"{page.name}: {dotted}"
        for name in re.findall(r"`((?:loss|model|training|data)\.\w+)`", text):
            assert name in settings, f"{page.name}: {name}"


def test_the_commands_that_stay_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("book", "html", "test", "weights"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


# ---- refreshing facts ----------------------------------------------------------------------------


def notebook_with(outputs: list, tags: list[str]) -> dict:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {"tags": tags},
        "execution_count": 3,
        "outputs": outputs,
        "source": ["print(2)"],
    }
    return {"cells": [cell], "metadata": {"papermill": {}}, "nbformat": 4, "nbformat_minor": 5}


def test_refreshing_keeps_the_text_of_facts_and_nothing_else():
    stream = {"output_type": "stream", "name": "stdout", "text": ["2\n"]}
    fact = refresh_facts.cleaned(notebook_with([stream, stream], [refresh_facts.FACT]), "x")[
        "cells"
    ][0]
    plain = refresh_facts.cleaned(notebook_with([stream], []), "x")
    assert fact["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["2\n", "2\n"]}]
    assert fact["execution_count"] == 1 and plain["cells"][0]["execution_count"] is None
    assert plain["cells"][0]["outputs"] == [] and "papermill" not in plain["metadata"]


def test_a_picture_is_no_fact():
    picture = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {}}
    with pytest.raises(SystemExit, match="image/png"):
        refresh_facts.cleaned(notebook_with([picture], [refresh_facts.FACT]), "x")


def said(text):
    return {"output_type": "stream", "name": "stdout", "text": [text]}


def result(text):
    data = {"text/plain": [text]}
    return {"output_type": "execute_result", "data": data, "execution_count": 7, "metadata": {}}


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ([said("2\n")], [said("3\n")]),
        ([said("2\n")], []),
        ([said("2\n")], [said("2\n"), result("3")]),
        ([result("2")], [result("2.0")]),
        ([result("2")], [said("2")]),
        ([], [said("2\n")]),
    ],
)
def test_a_fact_that_is_no_longer_printed_is_found(then, now):
    fact, plain = [refresh_facts.FACT], ["hide-input"]
    in_git = refresh_facts.cleaned(notebook_with(then, fact), "x")
    same = refresh_facts.changes(in_git, "x", notebook_with(then, fact))
    [change] = refresh_facts.changes(in_git, "x", notebook_with(now, fact))
    assert same == [] and change.startswith("x, cell 0 printed\n")
    in_git = refresh_facts.cleaned(notebook_with(then, plain), "x")
    assert refresh_facts.changes(in_git, "x", notebook_with(now, plain)) == [], "it is no fact"


def test_a_chapter_that_fails_is_told_with_what_it_raised(tmp_path, monkeypatch):
    notebook = notebook_with([], [])
    notebook["cells"][0]["source"] = ["raise ValueError('as it should')"]
    (tmp_path / "notebooks").mkdir()
    chapter = tmp_path / "notebooks" / "chapter.ipynb"
    chapter.write_text(json.dumps(notebook))
    for name in ("ROOT", "BUILD", "LOGS"):
        monkeypatch.setattr(execute_chapters, name, tmp_path)
    went_through, _ = execute_chapters.execute(chapter)
    assert not went_through
    assert execute_chapters.told(chapter).splitlines()[-1] == "ValueError: as it should"


def test_an_unknown_chapter_is_refused_and_nothing_is_executed(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["refresh_facts.py", "06_atention_control"])
    monkeypatch.setattr(
        refresh_facts, "execute_main", lambda *_: pytest.fail("chapters were executed")
    )
    with pytest.raises(
        SystemExit, match="no chapter 06_atention_control; there are 00_whole_system, "
    ):
        refresh_facts.main()


# ---- when a chapter is executed again ---------------------------------------------------------


def test_a_chapter_is_executed_again_when_a_record_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(execute_chapters, "ROOT", tmp_path)
    records = tmp_path / "partclipseg_lite" / "data" / "records"
    records.mkdir(parents=True)
    found = []
    for text in ("{}", "{}", '{"steps": 1}'):
        (records / "toy.json").write_text(text)
        execute_chapters.environment_fingerprint.cache_clear()
        found.append(execute_chapters.environment_fingerprint())
    execute_chapters.environment_fingerprint.cache_clear()
    assert found[0] == found[1] != found[2]


def test_a_chapter_is_executed_again_when_a_cell_changes(tmp_path):
    notebook = notebook_with([], [])
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps(notebook))
    before = execute_chapters.fingerprint(path)
    notebook["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["2\n"]}]
    path.write_text(json.dumps(notebook))
    assert execute_chapters.fingerprint(path) == before, "outputs are no part of a chapter"
    notebook["cells"][0]["source"] = ["print(3)"]
    path.write_text(json.dumps(notebook))
    assert execute_chapters.fingerprint(path) != before


def test_the_chapter_that_takes_longest_is_one_of_the_book():
    assert execute_chapters.LONGEST in [chapter.stem for chapter in book_pages.chapters()]
