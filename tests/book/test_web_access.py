"""Pages for those who listen to them and for those who have no mouse."""

import web_access

PAGE = (
    '<summary aria-label="Toggle hidden content">\n<p>Show code cell source</p></summary>'
    '<summary aria-label="Other">x</summary><div role="list" class="citation-list"></div>'
    '<table class="table"></table><table class="table docutils"></table><table class="x"></table>'
)


def test_what_is_seen_is_what_is_read_out_and_wide_tables_can_be_reached(tmp_path):
    (tmp_path / "page.html").write_text(PAGE)
    web_access.mend(tmp_path)
    assert (tmp_path / "page.html").read_text() == (
        "<summary>\n<p>Show code cell source</p></summary>"
        '<summary aria-label="Other">x</summary><div class="citation-list"></div>'
        '<table class="table" tabindex="0"></table>'
        '<table class="table docutils" tabindex="0"></table><table class="x"></table>'
    )
    web_access.mend(tmp_path)
    assert (tmp_path / "page.html").read_text().count("tabindex") == 2
