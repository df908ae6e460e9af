"""The strip at each chapter's head: right boxes, right words, fit for a page."""

from xml.etree import ElementTree

import pytest

from partclipseg_lite.figures.base import SEEN
from partclipseg_lite.figures.way import ABOUT, ARROWS, BOXES, Way

SVG = "{http://www.w3.org/2000/svg}"


def drawn(chapter):
    return ElementTree.fromstring(Way(chapter)._repr_html_())


@pytest.mark.parametrize("chapter", range(12))
def test_the_boxes_of_a_chapter_are_lit_and_no_others(chapter):
    boxes = drawn(chapter).findall(f"{SVG}rect")
    lit = [number for number, box in zip(BOXES, boxes, strict=True) if box.get("fill") == SEEN]
    assert lit == [number for number in BOXES if number in ABOUT.get(chapter, (chapter,))]


def test_boxes_lie_inside_of_the_frame_and_apart_and_every_one_is_joined():
    picture = drawn(6)
    x0, y0, width, height = map(float, picture.get("viewBox").split())
    corners = []
    for box in picture.findall(f"{SVG}rect"):
        x, y, w, h = (float(box.get(key)) for key in ("x", "y", "width", "height"))
        assert x0 <= x and x + w <= x0 + width and y0 <= y and y + h <= y0 + height
        assert all(abs(x - a) >= w or abs(y - b) >= h for a, b in corners)
        corners.append((x, y))
    assert {box for pair in ARROWS for box in pair} == set(BOXES)


def test_it_says_in_words_what_it_shows():
    said = drawn(6).get("aria-label")
    assert "chapter 6 is about: attention control" in said and "CLIP" in said
    assert repr(Way(10)) == (
        "chapter 10 is about: CLIP, frozen, decoder, word by word, part × object = object part"
    )


@pytest.mark.parametrize("chapter", [-1, 12, "6", None])
def test_other_chapters_are_refused(chapter):
    with pytest.raises(ValueError, match="is not one of 0 to 11"):
        Way(chapter)
