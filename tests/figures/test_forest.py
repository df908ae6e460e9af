"""Differences are drawn with their intervals, hollow where nothing is decided."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_hex

from partclipseg_lite.figures.forest import forest, slopes


def told(low, value, high, verdict):
    one = {"low": low, "value": value, "high": high, "verdict": verdict}
    return {setting: {"unseen": one} for setting in ("oracle_obj", "pred_all")}


def test_a_dot_is_hollow_where_the_difference_is_not_decided():
    picture = forest(
        {"a": told(1, 2, 3, "higher"), "b": told(-1, 0.5, 2, "not decided")},
    )
    axes = picture.axes[0]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [to_hex(dot.get_markerfacecolor()) for dot in dots] == ["#222222", "#ffffff"]
    ends = [list(line.get_xdata()) for line in axes.lines if len(line.get_xdata()) == 2][1:]
    assert ends == [[1, 3], [-1, 2]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    plt.close("all")


def test_novel_objects_are_named_and_what_lacks_a_score_is_left_out():
    scores = {"one": {"dog": 10.0, "cat": 20.0, "cow": None}, "two": {"dog": 15.0, "cat": 21.0}}
    picture = slopes(scores, ["dog"])
    texts = [text.get_text() for text in picture.axes[0].texts]
    assert texts == ["dog"]
    drawn = [line for line in picture.axes[0].lines if len(line.get_xdata())]
    assert [list(line.get_ydata()) for line in drawn] == [[20, 21], [10, 15]]
    plt.close("all")


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="no differences"):
        forest({})
    with pytest.raises(ValueError, match="two models"):
        slopes({"one": {"dog": 1.0}}, ["dog"])
