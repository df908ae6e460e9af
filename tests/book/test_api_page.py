"""The page of public names: each room exists, and its docstrings are told as they are."""

import inspect

import pytest

import api_page
from book_pages import ROOT, toc_pages


def test_every_page_of_the_rooms_is_in_the_book_and_every_chapter_of_ideas_has_some():
    assert set(api_page.ROOMS) <= set(toc_pages())
    chapters = {page for page in toc_pages() if page.startswith("notebooks/")}
    assert chapters - set(api_page.ROOMS) == {"notebooks/00_whole_system"}
    assert api_page.MARK in (ROOT / "book" / "api.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted({n for names in api_page.ROOMS.values() for n in names}))
def test_a_room_lists_each_public_name_that_it_defines_with_a_sentence(name):
    of, text = api_page.module(name), api_page.section(name)
    assert text.startswith(f"({api_page.label(name)})=\n")
    source = inspect.getsource(of)
    for member, thing in api_page.members(of).items():
        assert f"def {member}(" in source or f"class {member}" in source
        assert api_page.sentence(thing), f"{name}.{member} has no docstring"
        assert f"`{member}" in text


def test_a_page_is_called_by_its_title():
    assert api_page.title("notebooks/06_attention_control") == "Attention control"
    assert api_page.title("book/ledger") == "The ledger: paper, release, ours"


def test_a_sentence_means_what_it_says_in_markdown():
    def f(x, *more, _own=0):
        """Gives `a*b` of <x>, 2*x_1 and $y.

        More.
        """

    assert api_page.sentence(f) == r"Gives `a*b` of \<x>, 2\*x\_1 and \$y."
    assert api_page.called("f", f) == "f(x, *more)"


def test_a_chapter_names_its_rooms_inside_the_box_at_its_head():
    text = "# T\n\n```{admonition} Before you start\n:class: note\n\n**Goal.** G.\n```\nmore"
    notebook = {"cells": [{"source": text}, {"source": "x"}]}
    told = api_page.with_rooms(notebook, "03_clipseg")["cells"][0]["source"]
    link = "{ref}`network.decoder <api-network-decoder>`"
    assert told == text.replace("G.\n```", f"G.\n\n**In the package.** {link}.\n```")
    assert api_page.with_rooms(notebook, "00_whole_system") == notebook
