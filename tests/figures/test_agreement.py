"""The chart of agreement: where dots and bars stand, what is red, and what it refuses to draw."""

import io

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from partclipseg_lite.figures import agreement, to_png_bytes
from partclipseg_lite.figures.agreement import TOO_FAR
from partclipseg_lite.figures.base import INK, SEEN
from partclipseg_lite.release.comparison import Row

LOSSES = [Row("total", 3e-7, 1e-5, "relative"), Row("separation", 0.0, 1e-5, "relative")]
NAMES = [Row("parts", 0, 0, "differences"), Row("objects", 0, 0, "differences")]


def dots(picture, colour):
    """(x, y) of the single numbers drawn in this colour, in data coordinates."""
    lines = [
        line
        for line in picture.axes[0].lines
        if line.get_marker() == "o" and line.get_markersize() < 10
    ]
    chosen = [line for line in lines if to_rgb(line.get_color()) == to_rgb(colour)]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in chosen]


def bars(picture):
    """x of the tolerances drawn."""
    return [
        float(line.get_xdata()[0])
        for line in picture.axes[0].lines
        if line.get_marker() == "None" and to_rgb(line.get_color()) == to_rgb(INK)
    ]


def words(picture):
    return [text.get_text() for text in picture.axes[0].texts]


def test_a_deviation_is_a_dot_at_its_value_and_equal_ones_are_counted():
    picture = agreement({"names": NAMES, "losses": LOSSES})
    assert dots(picture, SEEN) == [(3e-7, 1.0)] and dots(picture, TOO_FAR) == []
    assert bars(picture) == [1e-5]  # names allow nothing, so they have no bar
    assert words(picture) == ["2", "2 of 2", "1", "2 of 2"]
    assert [label.get_text() for label in picture.axes[0].get_yticklabels()] == ["names", "losses"]


@pytest.mark.parametrize("deviation", [2e-5, 1.0, np.inf, np.nan])
def test_what_exceeds_its_tolerance_is_red_and_never_outside_the_picture(deviation):
    picture = agreement({"losses": [*LOSSES, Row("enhancement", deviation, 1e-5, "relative")]})
    ((x, _),) = dots(picture, TOO_FAR)
    low, high = picture.axes[0].get_xlim()
    assert max(bars(picture)) < x < high
    assert words(picture)[-1] == "2 of 3"


def test_one_difference_where_none_is_allowed_is_red():
    assert (
        len(dots(agreement({"names": [*NAMES, Row("order", 3, 0, "differences")]}), TOO_FAR)) == 1
    )


def test_it_is_the_same_png_every_time_and_independent_of_the_users_style():
    draw = lambda: to_png_bytes(agreement({"names": NAMES, "losses": LOSSES * 5}))  # noqa: E731
    first = draw()
    with matplotlib.rc_context(
        {"axes.facecolor": "black", "figure.facecolor": "black", "font.size": 30}
    ):
        assert draw() == first
    assert (np.asarray(Image.open(io.BytesIO(first)).convert("RGB")) == 255).all(-1).mean() > 0.5


@pytest.mark.parametrize(
    "groups, message",
    [
        ({}, "no groups"),
        ({"losses": []}, "'losses' allows nothing, it is empty"),
        ({"all": LOSSES + NAMES}, "one tolerance is needed"),
    ],
)
def test_groups_that_cannot_be_one_line_are_refused(groups, message):
    with pytest.raises(ValueError, match=message):
        agreement(groups)
