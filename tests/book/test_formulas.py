"""Formulas are set by KaTeX when the book is rendered, one that is none is told with its place."""

import io

import pytest
from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.util.console import strip_colors

import formulas
import render_pages

PAGE = """
Title
=====

Inline :math:`\\frac{a}{b} < \\gamma` here, see :eq:`total`.

.. math::
   :label: total

   L = \\sum_{c} B_c

.. math:: \\begin{aligned} a &= b \\\\ c &= d \\end{aligned}
"""


@pytest.fixture
def built(tmp_path):
    """A function: builds a page of reStructuredText; its HTML, and Sphinx's warnings."""
    render_pages.fetch_javascript()

    def build(text):
        (tmp_path / "index.rst").write_text(text, encoding="utf-8")
        options = {"extensions": ["formulas"], "html_math_renderer": "katex", "html_theme": "basic"}
        told = io.StringIO()
        out = tmp_path / "out"
        folders = (tmp_path, None, out, tmp_path / "trees", "html")
        Sphinx(*folders, confoverrides=options, status=None, warning=told).build()
        page = BeautifulSoup((out / "index.html").read_text(encoding="utf-8"), "html.parser")
        return page, strip_colors(told.getvalue())

    return build


def test_every_formula_is_set_and_says_what_it_was(built):
    page, told = built(PAGE)
    assert told == ""
    sources = [tag.get_text() for tag in page.select(".math annotation")]
    assert sources[0] == r"\frac{a}{b} < \gamma" and r"L = \sum_{c} B_c" in sources[1]
    assert len(page.select("span.math .katex")) == 1
    assert len(page.select("div.math .katex-display")) == 2
    assert not page.select("script[src*=mathjax]")
    assert any("katex.min.css" in link["href"] for link in page.select("link[href]"))


def test_a_numbered_formula_carries_its_number_and_is_where_links_lead(built):
    page, _ = built(PAGE)
    numbered = page.select_one("div.math:has(.eqno)")
    assert numbered.select_one(".eqno").get_text().startswith("(1)")
    assert page.select_one(f'a.reference[href="#{numbered["id"]}"]').get_text() == "(1)"


def test_what_is_no_formula_is_a_warning_with_its_place_and_stays_text(built):
    page, told = built("T\n=\n\nA :math:`\\frac{a` and :math:`b`.\n")
    assert "index.rst:4: WARNING: KaTeX parse error" in told
    assert page.select("span.math")[0].get_text() == r"\frac{a"
    assert page.select("span.math")[1].select(".katex")


def test_without_katex_the_error_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(formulas, "KATEX", tmp_path / "katex.min.js")
    setter = formulas.Setter()
    with pytest.raises(RuntimeError, match=r"asked for 'x'; is .*katex\.min\.js there"):
        setter("x", False)
    setter.close()
