"""What counts and what is right is painted so; scores stand with their intervals."""

import numpy as np
import pytest

from partclipseg_lite.datasets.sample import IGNORE
from partclipseg_lite.figures.verdicts import counted_pixels, verdict_image, verdicts

IMAGE = np.full((4, 4, 3), 100, np.uint8)
TRUTH = np.array([[0, 0, 1, 1]] * 2 + [[IGNORE] * 4] * 2)
PREDICTED = np.array([[0, 0, 0, 1]] * 4)


def test_right_wrong_and_uncounted_pixels_look_different():
    shown = verdict_image(IMAGE, PREDICTED, TRUTH)
    side = shown.shape[0] // 4
    cell = lambda y, x: shown[y * side : (y + 1) * side, x * side : (x + 1) * side]  # noqa: E731
    assert (cell(0, 0) == (185, 196, 207)).all() and (cell(0, 3) == (185, 196, 207)).all()
    dark = (cell(0, 2) == 34).all(-1)
    assert 0.5 < dark.mean() < 0.8 and (cell(0, 2)[~dark] == 255).all()  # hatched
    assert (cell(3, 0) == 200).all()  # the picture, faded


def test_the_share_of_the_counted_pixels_that_is_right_is_said():
    nothing = np.full_like(TRUTH, IGNORE)
    picture = counted_pixels(IMAGE, {"a": (PREDICTED, TRUTH), "b": (PREDICTED, nothing)})
    titles = [axes.get_title() for axes in picture.axes]
    assert titles == ["a\n75% of 50% right", "b\nnan% of 0% right"]


def test_rows_are_grouped_from_the_top():
    scores = {"told": {"ours": (1.0, 2.0, 3.0)}, "free": {"ours": (0.0, 1.0, 2.0), "x": (4, 5, 6)}}
    axes = verdicts(scores, "mIoU").axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [float(dot.get_xdata()[0]) for dot in dots] == [2, 1, 5]
    heights = [float(dot.get_ydata()[0]) for dot in dots]
    assert heights == sorted(heights, reverse=True) and heights[0] - heights[1] > 1.5
    assert [text.get_text() for text in axes.texts] == ["told", "free"]
    with pytest.raises(ValueError, match="no scores"):
        verdicts({"told": {}}, "mIoU")
