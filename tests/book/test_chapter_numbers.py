"""Chapters carry one number: in the file's name, in the table of contents, on the page."""

import re
from types import SimpleNamespace

import yaml
from docutils import nodes

import chapter_numbers
from book_pages import TOC


def test_the_number_in_a_chapters_file_is_its_place_among_the_numbered_pages():
    parts = yaml.safe_load(TOC.read_text())["parts"]
    files = [page["file"] for part in parts if part.get("numbered") for page in part["chapters"]]
    assert len(files) == 12
    for place, file in enumerate(files):
        number = re.search(r"/(\d\d)_", file)
        assert number is None or int(number[1]) == place
    assert files[9] == "book/ledger"


def test_numbers_are_counted_from_zero():
    assert chapter_numbers.lowered((1,)) == (0,) and chapter_numbers.lowered([3, 2]) == [2, 2]
    assert chapter_numbers.lowered(None) is None


def test_every_number_of_a_page_is_lowered_once_and_others_are_left(monkeypatch):
    shared = [3]  # Sphinx gives a title and its entry in the contents one and the same list
    title, other = nodes.title(secnumber=shared), nodes.title()
    entry, deeper = nodes.reference(secnumber=shared), nodes.reference(secnumber=[3, 1])
    env = SimpleNamespace(
        toc_secnumbers={"old": {"": (1,)}},
        titles={"page": title, "plain": other},
        tocs={"page": nodes.bullet_list("", entry, deeper), "plain": nodes.bullet_list()},
    )

    def numbered(self, env):
        env.toc_secnumbers = {"page": {"": (3,), "#a": (3, 1), "#b": None}, "plain": {"": None}}

    monkeypatch.setattr(chapter_numbers, "numbered_from_one", numbered)
    assert chapter_numbers.assign_section_numbers(None, env) == ["page", "plain"]
    assert env.toc_secnumbers["page"] == {"": (2,), "#a": (2, 1), "#b": None}
    assert title["secnumber"] == entry["secnumber"] == [2] and deeper["secnumber"] == [2, 1]
    assert not other.get("secnumber")
