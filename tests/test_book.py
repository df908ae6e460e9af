"""The book: clean notebooks in git, and rendered pages that load, show their pictures and need no network.

Two chapters are executed for the rendered book of this test, the first and the one with the slider; nbval
runs every notebook in the same `make test`, and `make book` renders all of them executed.
"""

import functools
import importlib
import json
import os
import re
import shutil
from pathlib import Path

import book_files
import browse_book
import build_book
import check_book
import execute_notebooks
import pytest
import refresh_facts
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXECUTED = ["00_whole_system", "06_attention_control"]
SLIDER_PAGE = "notebooks/06_attention_control"
REPOSITORY = "https://github.com/example/partclipseg"
PAGES = book_files.toc_pages()

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
def test_a_notebook_prints_facts_that_nbval_compares(path):
    cells = book_files.read_notebook(path)["cells"]
    assert any(refresh_facts.FACT in book_files.tags(cell) for cell in cells), (
        "a stripped notebook passes vacuously"
    )


@by_name
def test_a_notebook_is_easy_to_read(path):
    notebook = book_files.read_notebook(path)
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown" and "".join(first["source"]).startswith("# ")
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            assert len(source.splitlines()) <= 25, f"cell {number} has {len(source.splitlines())} lines"
            assert not re.search(r"\bnn\.Module\b", source), (
                f"cell {number} defines a model; that belongs in the package"
            )


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


# ---- the rendered book ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book():
    """A rendered book with two executed chapters, as on a checkout from GitHub."""
    os.environ["PARTCLIPSEG_REPOSITORY"] = REPOSITORY
    try:
        execute_notebooks.main([*EXECUTED, "--jobs", "1"])
        output = book_files.BUILD / "test_book"
        build_book.main(["--output", str(output)])
    finally:
        del os.environ["PARTCLIPSEG_REPOSITORY"]
    return output


@pytest.fixture(scope="module")
def browser():
    """The program of Chromium; without one the tests fail and say how to get it."""
    if os.environ.get("PARTCLIPSEG_SKIP_BROWSER") == "1":
        pytest.skip("PARTCLIPSEG_SKIP_BROWSER=1")
    program = browse_book.find_chromium()
    if not program:
        pytest.fail(f"{browse_book.HOW_TO_GET_CHROMIUM}; or skip these tests with PARTCLIPSEG_SKIP_BROWSER=1")
    return program


@pytest.fixture(scope="module")
def seen_in_browser(book, browser):
    """Faults of every page, looked at wide and light, narrow and dark."""
    return browse_book.check_in_browser(book, PAGES, browser)


def test_the_files_of_the_book_have_no_fault(book):
    assert check_book.check_files(book) == []


@pytest.mark.parametrize("name", EXECUTED)
def test_an_executed_chapter_shows_pictures(book, name):
    page = check_book.parsed(book / "notebooks" / f"{name}.html")
    pictures = page.select("div.cell_output img")
    assert pictures
    for picture in pictures:
        with Image.open(book / "notebooks" / picture["src"]) as opened:
            assert min(opened.size) > 50


def test_the_chapter_on_attention_control_has_a_widget_with_its_state(book):
    page = check_book.parsed(book / f"{SLIDER_PAGE}.html")
    assert page.find("script", type=check_book.WIDGET_VIEW) and page.find(
        "script", type=check_book.WIDGET_STATE
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_in_chromium_without_errors_or_network(seen_in_browser, name):
    assert seen_in_browser[name] == []


def test_the_slider_is_there_for_a_reader_without_a_kernel(book, browser):
    from playwright.sync_api import sync_playwright

    arguments = browse_book.arguments()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=arguments)
        page = chromium.new_page()
        page.goto((book / f"{SLIDER_PAGE}.html").as_uri())
        page.wait_for_function(browse_book.WIDGETS_DRAWN)
        assert page.locator("article .noUi-handle").count() >= 1
        assert browse_book.check_slider(page) == []
        chromium.close()


# ---- the checks themselves see what they are for -------------------------------------------------

WIDGET = '<script type="application/vnd.jupyter.widget-view+json">{"model_id": "gone"}</script>'
FAULTY = {
    "a missing picture": ('<img src="no.png">', "no.png, which is not there"),
    "a broken picture": ('<img src="broken.png">', "cannot be read as a picture"),
    "a script from a CDN": ('<script src="https://cdn.example.org/x.js"></script>', "from the network"),
    "a font from a CDN": ("<style>@import url('https://fonts.example.org/x');</style>", "from the network"),
    "a dead link": ('<a href="nowhere.html">x</a>', "nowhere.html, which is not there"),
    "a dead anchor": ('<a href="#nowhere">x</a>', "has no 'nowhere'"),
    "a traceback": (
        '<div class="cell"><div class="cell_output"><div class="output traceback">E</div></div></div>',
        "error",
    ),
    "a warning": (
        '<div class="cell"><div class="cell_output"><div class="output stderr">W</div></div></div>',
        "stderr",
    ),
    "a widget without state": (WIDGET, "without its state"),
    "an unresolved reference": ("<p>see {ref}`x`</p>", "unresolved reference"),
    "a table left as text": ("<p>| a | b |\n|---|---|\n| 1 | 2 |</p>", "left as text"),
    "the builder's folder": (f"<p>{ROOT}</p>", "the folder it was built in"),
}


@pytest.mark.parametrize(("body", "message"), FAULTY.values(), ids=FAULTY.keys())
def test_the_check_of_the_files_sees(tmp_path, body, message):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    page = tmp_path / "page.html"
    page.write_text(
        f'<html><link href="figures.css"><article><h1>Title</h1>{body}</article></html>', encoding="utf-8"
    )
    checks = (
        check_book.check_loaded,
        functools.partial(check_book.check_links, root=tmp_path),
        check_book.check_outputs,
        check_book.check_markup,
        check_book.check_widgets,
    )
    faults = [fault for check in checks for fault in check(page)]
    assert any(message in fault for fault in faults), faults


DEAD_SLIDER = """<article><div class="cell_output"><img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'
    width='9' height='9'/>"><div class="noUi-handle" tabindex="0" aria-valuenow="0" aria-valuemax="3"
    onkeydown="this.setAttribute('aria-valuenow', 1)">x</div></div></article>"""
FAULTY_IN_BROWSER = {
    "a slider without effect": (DEAD_SLIDER, "moves, but the picture stays the same"),
    "a console error": ("<script>console.error('oh')</script>", "console: oh"),
    "a script that fails": ("<script>nothing.here()</script>", "script error"),
    "a request to another host": (
        "<script>fetch('https://example.org/x').catch(() => 0)</script>",
        "asked the network",
    ),
    "an empty picture": ('<img src="data:image/png;base64,AAAA" width="9" height="9">', "empty picture"),
    "a page that is too wide": ('<div style="width: 2000px">wide</div>', "wider than a window"),
    "a formula that was not set": ('<article><span class="math">x</span></article>', "formula left as text"),
}


def test_the_check_in_the_browser_sees_what_it_is_for(tmp_path, browser):
    for number, (body, _) in enumerate(FAULTY_IN_BROWSER.values()):
        (tmp_path / f"{number}.html").write_text(
            f"<!doctype html><html><body>{body}</body></html>", encoding="utf-8"
        )
    names = [str(number) for number in range(len(FAULTY_IN_BROWSER))]
    faults = browse_book.check_in_browser(tmp_path, names, browser)
    for number, (what, (_, message)) in enumerate(FAULTY_IN_BROWSER.items()):
        assert any(message in fault for fault in faults[str(number)]), f"{what} was not seen"


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
    fact = refresh_facts.cleaned(notebook_with([stream, stream], [refresh_facts.FACT]), "x")["cells"][0]
    plain = refresh_facts.cleaned(notebook_with([stream], []), "x")
    assert fact["outputs"] == [{"output_type": "stream", "name": "stdout", "text": ["2\n", "2\n"]}]
    assert fact["execution_count"] == 1 and plain["cells"][0]["execution_count"] is None
    assert plain["cells"][0]["outputs"] == [] and "papermill" not in plain["metadata"]


def test_a_picture_is_no_fact():
    picture = {"output_type": "display_data", "data": {"image/png": ""}, "metadata": {}}
    with pytest.raises(SystemExit, match="image/png"):
        refresh_facts.cleaned(notebook_with([picture], [refresh_facts.FACT]), "x")


def test_an_unknown_chapter_is_refused_and_nothing_is_executed(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["refresh_facts.py", "06_atention_control"])
    monkeypatch.setattr(refresh_facts, "execute_main", lambda *_: pytest.fail("chapters were executed"))
    with pytest.raises(SystemExit, match="no chapter 06_atention_control; there are 00_whole_system, "):
        refresh_facts.main()


def test_a_chapter_is_executed_again_when_a_record_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(execute_notebooks, "ROOT", tmp_path)
    records = tmp_path / "partclipseg_lite" / "data" / "records"
    records.mkdir(parents=True)
    found = []
    for text in ("{}", "{}", '{"steps": 1}'):
        (records / "toy.json").write_text(text)
        execute_notebooks.environment_fingerprint.cache_clear()
        found.append(execute_notebooks.environment_fingerprint())
    execute_notebooks.environment_fingerprint.cache_clear()
    assert found[0] == found[1] != found[2]


def test_a_chapter_is_executed_again_when_a_cell_changes(tmp_path):
    notebook = notebook_with([], [])
    path = tmp_path / "chapter.ipynb"
    path.write_text(json.dumps(notebook))
    before = execute_notebooks.fingerprint(path)
    notebook["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": ["2\n"]}]
    path.write_text(json.dumps(notebook))
    assert execute_notebooks.fingerprint(path) == before, "outputs are no part of a chapter"
    notebook["cells"][0]["source"] = ["print(3)"]
    path.write_text(json.dumps(notebook))
    assert execute_notebooks.fingerprint(path) != before


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize(
    "address", ["git@github.com:someone/some.thing.git", "https://github.com/someone/some.thing"]
)
def test_launch_buttons_follow_the_address_of_the_checkout(monkeypatch, address):
    monkeypatch.setenv("PARTCLIPSEG_REPOSITORY", address)
    assert build_book.repository_url() == "https://github.com/someone/some.thing"
    monkeypatch.setenv("PARTCLIPSEG_REPOSITORY", "/srv/git/book")
    assert build_book.repository_url() == ""
