"""The slider shows the picture of its label, in the browser as in Python."""

import ipywidgets
import pytest

from partclipseg_lite.figures.slider import picture_slider

PICTURES = {"0.10": b"first", "0.20": b"second", "0.30": b"third"}


@pytest.fixture(params=["of these ipywidgets", "of ipywidgets 7"], autouse=True)
def widgets(request, monkeypatch):
    """ipywidgets as installed, and without what version 7 lacks."""
    if request.param == "of ipywidgets 7":
        monkeypatch.delattr(ipywidgets, "Stack", raising=False)


def test_the_slider_starts_at_its_label_and_holds_every_picture():
    box = picture_slider(PICTURES, "0.20", "γ")
    slider, stack = box.children
    assert (
        slider.value == "0.20"
        and slider.description == "γ"
        and list(slider.options) == list(PICTURES)
    )
    assert stack.children[stack.selected_index].value == b"second"
    assert [picture.value for picture in stack.children] == list(PICTURES.values())


def test_slider_and_pictures_are_linked_in_the_browser():
    box = picture_slider(PICTURES, "0.20", "γ")
    assert (box.link.source, box.link.target) == (
        (box.children[0], "index"),
        (box.children[1], "selected_index"),
    )


def test_a_start_that_is_no_label_is_refused():
    with pytest.raises(
        ValueError, match="'0.3' is no label of the slider; there are 0.10, 0.20, 0.30"
    ):
        picture_slider(PICTURES, "0.3", "γ")


def test_where_there_is_no_stack_the_tabs_bear_the_labels(monkeypatch):
    monkeypatch.delattr(ipywidgets, "Stack", raising=False)
    tabs = picture_slider(PICTURES, "0.20", "γ").children[1]
    assert [tabs.get_title(position) for position in range(3)] == list(PICTURES)
