"""A slider that works in a page without a kernel: all its pictures are in the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # ipywidgets comes with the notebooks, not with the package
    import ipywidgets as widgets


def picture_slider(pictures: Mapping[str, bytes], start: str, name: str) -> widgets.VBox:
    """A slider over a stack of pictures.

    Args:
        pictures: label -> PNG bytes, in the order of the slider.
        start: the label that is shown at first.
        name: what the slider is called.

    Raises:
        ValueError: `start` is no label.
    """
    import ipywidgets as widgets

    labels = list(pictures)
    if start not in pictures:
        raise ValueError(f"{start!r} is no label of the slider; there are {', '.join(labels)}")
    wide, index = widgets.Layout(width="100%", max_width="480px"), labels.index(start)
    images = [widgets.Image(value=png, layout=wide) for png in pictures.values()]
    if hasattr(widgets, "Stack"):
        stack = widgets.Stack(images, selected_index=index)
    else:  # ipywidgets 7, which Colab has: the labels stand above the pictures, too
        stack = widgets.Tab(images, selected_index=index)
        for position, label in enumerate(labels):
            stack.set_title(position, label)
    slider = widgets.SelectionSlider(options=labels, index=index, description=name, layout=wide)
    box = widgets.VBox([slider, stack])
    # In the browser; kept with its widgets.
    box.link = widgets.jslink((slider, "index"), (stack, "selected_index"))
    return box
