"""The bibliography says who and when, as the text does."""

import re

from pybtex.database import Entry, Person, parse_file

from bibliography_style import label
from book_pages import ROOT


def entry(*authors):
    persons = [Person(author) for author in authors]
    return Entry("article", fields={"year": "2024"}, persons={"author": persons})


def test_one_two_and_more_authors():
    assert label(entry("Choi, Jiho")) == "Choi, 2024"
    assert label(entry("Choi, Jiho", "Van Gool, Luc")) == "Choi and Van Gool, 2024"
    assert label(entry("Choi, Jiho", "Lee, Seonho", "Shim, Hyunjung")) == "Choi et al., 2024"
    assert label(entry("Carion, Nicolas", "others")) == "Carion et al., 2024"


def test_the_labels_of_the_book_are_plain_and_told_apart():
    labels = [label(one) for one in parse_file(ROOT / "book" / "refs.bib").entries.values()]
    assert len(set(labels)) == len(labels) > 10
    assert all(re.fullmatch(r"[^{}\\,]+, 20\d\d", one) for one in labels), labels
