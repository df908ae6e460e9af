"""The rendered book: pages that load, show their pictures and need no network; and the checks.

It shows the chapters as this test run executed them, which test_chapters.py looks at, too.
"""

import functools
import json
import os
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

import check_in_browser
import check_pages
import javascript
import print_book
import quiz
import render_pages
from book_pages import BUILD, ROOT, chapters, toc_pages

EXECUTED = [path.stem for path in chapters()]
LABORATORY_PAGE = "notebooks/06_attention_control"
LIVING = ["book/intro", "notebooks/00_whole_system", "notebooks/02_what_clip_knows"]
MOST_EMBEDDED = 300_000  # bytes of a laboratory's data
REPOSITORY = "https://github.com/example/partclipseg"
PAGES = toc_pages()


# ---- the rendered book ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def book(executed):
    """The rendered book with all chapters executed, as on a checkout from GitHub."""
    for chapter in reversed(chapters()):  # another worker may be on its way from the first on
        executed(chapter)
    os.environ["PARTCLIPSEG_REPOSITORY"] = REPOSITORY
    try:
        output = BUILD / "test_book"
        render_pages.main(["--output", str(output), "--need-executed"])
    finally:
        del os.environ["PARTCLIPSEG_REPOSITORY"]
    return output


@pytest.fixture(scope="module")
def browser():
    """The program of Chromium; without one the tests fail and say how to get it."""
    if os.environ.get("PARTCLIPSEG_SKIP_BROWSER") == "1":
        pytest.skip("PARTCLIPSEG_SKIP_BROWSER=1")
    program = check_in_browser.find_chromium()
    if not program:
        pytest.fail(
            f"{check_in_browser.HOW_TO_GET_CHROMIUM}; "
            "or skip these tests with PARTCLIPSEG_SKIP_BROWSER=1"
        )
    return program


@pytest.fixture(scope="module")
def seen_in_browser(book, browser):
    """Faults of every page, looked at wide and light, narrow and dark, and by axe."""
    return check_in_browser.check_pages(book, PAGES, browser, axe=axe_core())


def axe_core():
    """axe-core's script, installed if it is not yet."""
    return javascript.install() / "axe-core" / "axe.min.js"


def test_the_files_of_the_book_have_no_fault(book):
    assert check_pages.check_files(book) == []


def test_the_printed_book_has_bookmarks_all_code_and_answers_of_quizzes(book, browser, tmp_path):
    chapter = "notebooks/04_generalized_parts"
    given = ["--root", str(book), "--output", str(tmp_path / "book.pdf"), "--pages"]
    print_book.main([*given, "book/how_to_read", chapter])
    paper = PdfReader(tmp_path / "book.pdf")
    assert [mark["/Title"] for mark in paper.outline] == [
        "How to read this book",
        "4. Generalized parts and object context",
    ]
    printed = squeezed("".join(page.extract_text() for page in paper.pages))
    shown = check_pages.parsed(book / f"{chapter}.html").select("div.cell:not(.tag_hide-input) pre")
    lines = [squeezed(line) for pre in shown for line in pre.get_text().splitlines()]
    long_ones = [line for line in lines if len(line) > 60]
    assert len(long_ones) > 20
    assert [line for line in long_ones if line not in printed] == []
    answers = [why for one in quiz.quizzes()[Path(chapter).name] for _, why in one["answers"]]
    assert [why for why in answers if letters(why) not in letters(printed)] == []
    assert "Showcodecellsource" not in printed


def letters(text: str) -> str:
    """The letters and digits of a text, without signs, which a page may set otherwise."""
    return re.sub(r"[^a-zA-Z0-9]", "", text)


def squeezed(text: str) -> str:
    """The ASCII letters, digits and signs of a text, as they follow each other."""
    return "".join(one for one in text if "!" <= one <= "~")


@pytest.mark.parametrize("name", EXECUTED)
def test_an_executed_chapter_shows_pictures(book, name):
    page = check_pages.parsed(book / "notebooks" / f"{name}.html")
    pictures = page.select("div.cell_output img")
    assert pictures
    for picture in pictures:
        if picture["src"].startswith("data:"):
            continue
        with Image.open(book / "notebooks" / picture["src"]) as opened:
            assert min(opened.size) > 50


def test_the_chapter_on_attention_control_opens_with_a_laboratory_of_six_pictures(book):
    page = check_pages.parsed(book / f"{LABORATORY_PAGE}.html")
    data = page.select_one(".pcl-lab > script[type='application/json']").string
    assert len(data.encode()) < MOST_EMBEDDED
    kinds = [scene["kind"] for scene in json.loads(data)["scenes"]]
    assert min(kinds.count("seen"), kinds.count("novel")) >= 3
    outputs = page.select("article div.cell_output")
    shown = [bool(output.select(".pcl-lab")) for output in outputs if output.select("img")]
    assert shown[0], "another picture comes first"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_in_chromium_without_errors_or_network_and_passes_axe(seen_in_browser, name):
    assert seen_in_browser[name] == []


@pytest.fixture
def page(browser):
    """A page of Chromium, which is closed before another test starts its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=browser, args=check_in_browser.arguments()
        )
        yield chromium.new_page()
        chromium.close()


def test_the_laboratory_answers_a_reader_without_a_kernel(book, page):
    page.goto((book / f"{LABORATORY_PAGE}.html").as_uri())
    page.wait_for_function(check_in_browser.LABORATORIES_READY)
    before = page.locator(".pcl-table").inner_text()
    slider = page.locator(".pcl-lab").get_by_label("γ", exact=True)
    for _ in range(9):
        slider.press("ArrowRight")
    assert page.locator(".pcl-table").inner_text() != before


@pytest.mark.parametrize("name", LIVING)
def test_every_choice_of_a_living_picture_shows_another_one(book, page, name):
    page.goto((book / f"{name}.html").as_uri())
    figure = page.locator("fieldset[id^='word-masks']").first
    choices, picture = figure.locator("label"), figure.locator(".stack")
    shown = set()
    for k in range(choices.count()):
        choices.nth(k).click()
        page.wait_for_function(check_in_browser.FONTS_LOADED)
        shown.add(picture.screenshot())
    assert len(shown) == choices.count() >= 4


# ---- the checks themselves see what they are for -------------------------------------------------

WIDGET = '<script type="application/vnd.jupyter.widget-view+json">{"model_id": "gone"}</script>'
FAULTY = {
    "a missing picture": ('<img src="no.png">', "no.png, which is not there"),
    "a broken picture": ('<img src="broken.png">', "cannot be read as a picture"),
    "a script from a CDN": (
        '<script src="https://cdn.example.org/x.js"></script>',
        "from the network",
    ),
    "a font from a CDN": (
        "<style>@import url('https://fonts.example.org/x');</style>",
        "from the network",
    ),
    "a dead link": ('<a href="nowhere.html">x</a>', "nowhere.html, which is not there"),
    "a dead anchor": ('<a href="#nowhere">x</a>', "has no 'nowhere'"),
    "a traceback": (
        '<div class="cell"><div class="cell_output">'
        '<div class="output traceback">E</div></div></div>',
        "error",
    ),
    "a warning": (
        '<div class="cell"><div class="cell_output"><div class="output stderr">W</div></div></div>',
        "stderr",
    ),
    "a widget without state": (WIDGET, "without its state"),
    "an unresolved reference": ("<p>see {ref}`x`</p>", "unresolved reference"),
    "a table left as text": ("<p>| a | b |\n|---|---|\n| 1 | 2 |</p>", "left as text"),
    "a picture without words": ('<img src="_images/a.png" width="1" height="1">', "without words"),
    "a picture with its file for words": (
        '<img alt="a.webp" src="data:x">',
        "a picture without words",
    ),
    "a picture that makes the page jump": (
        '<img alt="A" src="../_images/a.png">',
        "without its size",
    ),
    "a heavy page": ('<script src="heavy.js"></script>', "loads 2.10 MB, more than 0.7"),
    "a formula that was not set": ('<p class="math">x</p>', "formula left as text: 'x'"),
    "the builder's folder": (f"<p>{ROOT}</p>", "the folder it was built in"),
}


@pytest.mark.parametrize(("body", "message"), FAULTY.values(), ids=FAULTY.keys())
def test_the_check_of_the_files_sees(tmp_path, body, message):
    (tmp_path / "broken.png").write_bytes(b"no picture")
    (tmp_path / "heavy.js").write_bytes(bytes(2_100_000))
    page = tmp_path / "page.html"
    page.write_text(
        f'<html><link href="figures.css"><article><h1>Title</h1>{body}</article></html>',
        encoding="utf-8",
    )
    checks = (
        check_pages.check_loaded,
        functools.partial(check_pages.check_links, root=tmp_path),
        check_pages.check_outputs,
        check_pages.check_markup,
        check_pages.check_formulas,
        check_pages.check_pictures,
        check_pages.check_weight,
        check_pages.check_widgets,
    )
    faults = [fault for check in checks for fault in check(page)]
    assert any(message in fault for fault in faults), faults


DEAD_SLIDER = """<article><div class="cell_output">
    <img src="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>">
    <div class="noUi-handle" tabindex="0" aria-valuenow="0" aria-valuemax="3"
    onkeydown="this.setAttribute('aria-valuenow', 1)">x</div></div></article>"""
FAULTY_IN_BROWSER = {
    "a slider without effect": (DEAD_SLIDER, "moves, but the picture stays the same"),
    "a console error": ("<script>console.error('oh')</script>", "console: oh"),
    "a script that fails": ("<script>nothing.here()</script>", "script error"),
    "a request to another host": (
        "<script>fetch('https://example.org/x').catch(() => 0)</script>",
        "asked the network",
    ),
    "an empty picture": (
        '<img src="data:image/png;base64,AAAA" width="9" height="9">',
        "empty picture",
    ),
    "what a screen reader cannot name": (
        "<main><button></button><p>text</p></main>",
        "button-name: <button></button>",
    ),
    "a page that is too wide": ('<div style="width: 2000px">wide</div>', "wider than a window"),
}


def test_the_check_in_the_browser_sees_what_it_is_for(tmp_path, browser):
    for number, (body, _) in enumerate(FAULTY_IN_BROWSER.values()):
        (tmp_path / f"{number}.html").write_text(
            f"<!doctype html><html><body>{body}</body></html>", encoding="utf-8"
        )
    names = [str(number) for number in range(len(FAULTY_IN_BROWSER))]
    faults = check_in_browser.check_pages(tmp_path, names, browser, axe=axe_core())
    for number, (what, (_, message)) in enumerate(FAULTY_IN_BROWSER.items()):
        assert any(message in fault for fault in faults[str(number)]), f"{what} was not seen"


# ---- where the launch buttons lead -----------------------------------------------------------


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize(
    "address", ["git@github.com:someone/some.thing.git", "https://github.com/someone/some.thing"]
)
def test_launch_buttons_follow_the_address_of_the_checkout(monkeypatch, address):
    monkeypatch.setenv("PARTCLIPSEG_REPOSITORY", address)
    assert render_pages.repository_url() == "https://github.com/someone/some.thing"
    monkeypatch.setenv("PARTCLIPSEG_REPOSITORY", "/srv/git/book")
    assert render_pages.repository_url() == ""
