"""Pages load what they use."""

import pytest

import render_pages
import web_weight

SEARCH = (
    '<script src="../_static/searchtools.js"></script> <script src="../searchindex.js"></script>'
)
OTHER = '<script src="../_static/research.js"></script>'
SHEET = (
    ".used{color:red}.unused{color:red}[data-theme=dark] .made{color:red}.other:hover{color:red}"
)


@pytest.fixture
def site(tmp_path):
    """A page, a page that searches, and a style sheet of the theme and one of ours."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "page.html").write_text(f'<b class="used">{SEARCH}{OTHER}</b>')
    (tmp_path / "search.html").write_text(f'<div id="search-results"></div>{SEARCH}')
    (tmp_path / "script.js").write_text("node.dataset.theme = 'dark'; node.classList.add('made');")
    for name in ("theme.css", web_weight.OURS[0]):
        (tmp_path / name).write_text(SHEET)
    render_pages.fetch_javascript()
    web_weight.lighten(tmp_path)
    return tmp_path


def test_only_the_page_that_searches_loads_the_search(site):
    page = (site / "book" / "page.html").read_text()
    assert page == f'<b class="used">{OTHER}</b>'
    assert (site / "search.html").read_text().count("<script") == 2


def test_a_rule_stays_where_a_page_or_a_script_can_ask_for_it(site):
    sheet = (site / "theme.css").read_text()
    assert ".used" in sheet and ".made" in sheet
    assert ".unused" not in sheet and ".other" not in sheet
    assert (site / web_weight.OURS[0]).read_text() == SHEET


def test_a_style_sheet_that_cannot_be_read_is_named_and_none_is_changed(site):
    (site / "theme.css").write_text(SHEET)
    (site / "broken.css").write_text("{{{")
    with pytest.raises(SystemExit, match="PurgeCSS"):
        web_weight.purge(site)
    assert (site / "theme.css").read_text() == SHEET
