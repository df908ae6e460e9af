"""The report of a run says what its numbers say."""

import numpy as np
import pytest
from helpers import DRAWN, sample

from partclipseg_lite.figures.base import Picture
from partclipseg_lite.figures.report import (
    attention_rows,
    learning_rate_curve,
    loss_curves,
    objects_table,
    prediction_rows,
    released_table,
    scores_table,
    setting_bars,
    settings_table,
    sizes_table,
)
from partclipseg_lite.figures.text import Markdown
from partclipseg_lite.settings import Settings

KEYS = [
    f"{kind}{key}"
    for kind in ("", "recall_", "boundary_iou_")
    for key in ("seen", "unseen", "harmonic")
]


def scores(first):
    """Scores first, first + 1, ... in the order of KEYS, and two objects in view."""
    row = {"iou": 1.5, "recall": None, "boundary_iou": 0.25}
    return {
        **{key: float(first + i) for i, key in enumerate(KEYS)},
        "per_object": {
            "sheep": {**row, "pixels": 12345},
            "cow": {**row, "pixels": 6},
            "bus": {**row, "pixels": 0},
        },
        "per_object_part": {
            "sheep's head": {"pixels": 9, "seen": False},
            "cow's head": {"pixels": 6, "seen": True},
            "bus's wheel": {"pixels": 0, "seen": True},
        },
    }


def results():
    return {"images": 7, "oracle_obj": scores(10), "pred_all": scores(20), "plain": scores(30)}


def lines(shown):
    return shown._repr_markdown_().splitlines()


def test_every_score_stands_in_its_row_and_the_caption_counts_what_is_in_view():
    table = lines(scores_table(results()))
    assert table[2:5] == [
        "| Oracle-Obj | mIoU | 10.00 | 11.00 | 12.00 |",
        "|  | recall | 13.00 | 14.00 | 15.00 |",
        "|  | boundary IoU | 16.00 | 17.00 | 18.00 |",
    ]
    assert table[5].startswith("| Pred-All | mIoU | 20.00") and table[10].endswith(
        "| 36.00 | 37.00 | 38.00 |"
    )
    assert table[-1] == "*7 pictures; 2 of 3 object parts are in view, 1 of them unseen.*"


def test_a_score_that_is_missing_is_a_dash():
    found = results()
    found["plain"]["unseen"] = None
    assert "| whole image | mIoU | 30.00 | – | 32.00 |" in lines(scores_table(found))


def test_intervals_stand_behind_their_scores_and_the_caption_says_of_what():
    found = results()
    found["oracle_obj"] |= {"seen_low": 8.25, "seen_high": 12.5, "unseen_low": None}
    table = lines(scores_table(found))
    assert table[2] == "| Oracle-Obj | mIoU | 10.00 (8.2 to 12.5) | 11.00 | 12.00 |"
    assert table[-1].endswith("In parentheses: 95 % over pictures.*")


def test_the_benchmarks_own_scores_stand_by_setting_or_a_sentence_says_that_there_are_none():
    found = {"images": 9, "pred_all": {"seen": 1.0, "unseen": None, "harmonic": 3.456}}
    found["pred_all"] |= {"seen_low": 0.5, "seen_high": 2.0}
    assert lines(released_table(found))[2:] == ["| Pred-All | 1.00 (0.5 to 2.0) | – | 3.46 |"]
    assert "no benchmark" in repr(released_table({}))


def test_small_parts_stand_in_a_table_of_their_own():
    found = results()
    for k, setting in enumerate(("oracle_obj", "pred_all", "plain")):
        found[setting]["small_parts"] = {"small, seen": 1.5 + k, "small, unseen": None}
    assert lines(sizes_table(found))[2:4] == [
        "| small, seen | 1.50 | 2.50 | 3.50 |",
        "| small, unseen | – | – | – |",
    ]


def test_the_learning_rate_is_that_of_the_step_before_each_point():
    settings = Settings.from_preset("toy", {"training.learning_rate": 0.5})
    log = [{"step": 10}, {"step": 20}]
    (axes,) = learning_rate_curve(log, settings, lambda step: 1 / (1 + step)).axes
    (line,) = axes.lines
    assert line.get_xdata().tolist() == [10, 20]
    assert line.get_ydata().tolist() == [0.05, 0.025]


def test_attention_before_stands_above_attention_after_for_the_object_with_most_parts():
    before, after = ({"head": np.full((4, 4), value), "tail": np.eye(4)} for value in (0.2, 0.8))
    one = {"before": {"wheel": np.eye(4)}, "after": {"wheel": np.eye(4)}}
    looks = {"bus": one, "dog": {"before": before, "after": after}}
    picture = attention_rows(np.zeros((8, 8, 3), np.uint8), looks)
    shown = [axes.images[0].get_array() for axes in picture.axes]
    titles = [axes.get_title() for axes in picture.axes]
    assert titles == ["dog\nbefore", "head", "tail", "dog\nafter", "head", "tail"]
    assert shown[1].max() == 0.2 and shown[4].max() == 0.8
    assert "no attention" in repr(attention_rows(np.zeros((8, 8, 3), np.uint8), {}))


def test_objects_in_view_are_listed_with_the_novel_ones_marked_and_last():
    assert lines(objects_table(results(), DRAWN))[2:] == [
        "| cow |  | 1.50 | – | 0.25 | 6 |",
        "| sheep | novel | 1.50 | – | 0.25 | 12,345 |",
    ]


def test_all_settings_are_shown_and_only_changed_ones_are_bold():
    settings = Settings.from_preset(
        "toy", {"training.steps": 5, "model.layers": [0, 2], "reading": "released"}
    )
    shown = settings_table(settings, "caption")._repr_markdown_()
    for bold in (
        "**`steps` 5**",
        "**`layers` [0, 2]**",
        "**`dice_weight` 0.5**",
        "**`channels` bgr**",
    ):
        assert bold in shown
    assert (
        "| preset | toy |" in shown and ", `batch_size` 4," in shown and shown.endswith("*caption*")
    )
    names = [
        name
        for group in settings.model_dump().values()
        if isinstance(group, dict)
        for name in group
    ]
    assert all(f"`{name}`" in shown for name in names)
    plain = settings_table(Settings())._repr_markdown_()
    assert "**" not in plain


def test_the_curves_are_the_losses_and_not_the_clock():
    log = [{"step": 5 * i, "seconds": 900.0, "total": 2.0 - i, "parts": 1.0} for i in (1, 2)]
    (axes,) = loss_curves(log).axes
    names = {text.get_text().split()[0] for text in axes.texts}
    assert names == {"total", "parts"}
    assert {tuple(line.get_xdata()) for line in axes.lines} == {(5, 10)}
    assert sorted(tuple(line.get_ydata()) for line in axes.lines) == [(1.0, 0.0), (1.0, 1.0)]


def test_bars_stand_for_the_three_settings():
    picture = setting_bars(results())
    (axes,) = picture.axes
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        "Oracle-Obj",
        "Pred-All",
        "whole image",
    ]
    assert [bar.get_height() for bar in axes.patches] == [10, 11, 12, 20, 21, 22, 30, 31, 32]


@pytest.mark.parametrize("setting", ["oracle_obj", "plain"])
def test_without_a_score_there_are_no_bars_but_a_sentence(setting):
    found = results()
    found[setting]["unseen"] = found[setting]["harmonic"] = None
    shown = setting_bars(found)
    assert isinstance(shown, Markdown) and "Too few pictures" in repr(shown)


def test_predictions_stand_beside_the_truth():
    one = sample(("cat", "cow"))
    nothing = np.full(one.part_map.shape, len(DRAWN))
    found = iter([(one, {"oracle_obj": one.part_map, "pred_all": nothing, "plain": nothing})])
    picture = prediction_rows(found, DRAWN)
    assert isinstance(picture, Picture)
    images = [axes.images[0].get_array() for axes in picture.axes]
    titles = [axes.get_title() for axes in picture.axes]
    assert titles == ["image", "truth", "objects told", "nothing told"]
    assert np.array_equal(images[1], images[2]) and not np.array_equal(images[1], images[3])
