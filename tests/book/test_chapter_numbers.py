"""Chapters carry one number: in the file's name, in the table of contents, on the page."""

import re
from types import SimpleNamespace

import yaml
from sphinx.environment.collectors.toctree import TocTreeCollector

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


def test_it_takes_the_place_of_the_numbering_that_it_builds_on(monkeypatch):
    monkeypatch.setattr(TocTreeCollector, "assign_section_numbers", None)
    asked = []
    chapter_numbers.setup(SimpleNamespace(setup_extension=asked.append))
    assert asked == ["sphinx_multitoc_numbering"]
    assert TocTreeCollector.assign_section_numbers is chapter_numbers.assign_section_numbers
