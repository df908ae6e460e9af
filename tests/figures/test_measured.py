"""Charts and tables of what chapters measure: what stands where, with which numbers."""

import numpy as np
import pytest

from partclipseg_lite import figures
from partclipseg_lite.datasets import Sample
from partclipseg_lite.figures.records import best_and_worst, means_of, scores_table, summary_table
from partclipseg_lite.vocabulary import Vocabulary

DRAWN = Vocabulary.load("drawn")


def lines(shown):
    """Cells of each line of a table; a line that is no row is one cell."""
    rows = [line.strip() for line in str(shown).splitlines()]
    return [
        [cell.strip() for cell in (row[1:-1].split("|") if row.startswith("|") else [row])]
        for row in rows
    ]


# ---- tables


def test_columns_join_rows_by_name_and_mark_what_is_not_there():
    shown = figures.columns(
        {"a": {"x": 0.5, "y": float("nan")}, "b": {"z": 1.0}}, "{:.0%}", corner="c"
    )
    assert lines(shown)[0] == ["c", "a", "b"]
    assert lines(shown)[2:] == [["x", "50%", "–"], ["y", "–", "–"], ["z", "–", "100%"]]


def record(**unseen):
    def score(mean, std=None):
        return {"mean": mean, "std": std}

    models = {}
    for preset, mean in unseen.items():
        scores = {"seen": score(50.04, 0.26), "unseen": score(mean), "harmonic": score(None)}
        settings = {setting: scores for setting in ("oracle_obj", "pred_all", "plain")}
        models[preset] = {"summary": {"test": settings}, "seeds": [0, 1], "steps": 7}
    return {"pictures": 3, "models": models}


def test_the_summary_has_a_row_for_each_setting_and_model_and_says_how_many_seeds():
    shown = lines(summary_table(record(a=30.0, b=20.0), {"b": "B", "a": "A"}))
    assert shown[2] == ["Oracle-Obj", "B", "50.0 ± 0.3", "20.0", "–"]
    assert shown[3] == ["", "A", "50.0 ± 0.3", "30.0", "–"] and len(shown) == 2 + 6 + 2
    assert "3 test pictures" in shown[-1][0] and "(2, 2)" in shown[-1][0] and "7, 7" in shown[-1][0]
    assert means_of(record(a=30.0, b=20.0), "plain", "unseen") == {"a": 30.0, "b": 20.0}


def test_scores_of_several_answers_stand_below_each_other():
    result = {"images": 1, "plain": {"seen": 12.34, "unseen": None, "harmonic": 5.0}}
    assert lines(scores_table({"one": result}))[2:] == [["whole image", "one", "12.3", "–", "5.0"]]


def test_best_and_worst_are_unseen_parts_with_a_score_in_order():
    scores = {name: {"iou": k, "seen": k == 9} for k, name in enumerate("abcdefghij")}
    scores["none"] = {"iou": None, "seen": False}
    assert lines(best_and_worst(scores, 2))[2:] == [["i", "8", "a", "0"], ["h", "7", "b", "1"]]


# ---- charts


def test_dumbbells_have_one_row_for_each_name_with_its_two_values():
    axes = figures.dumbbells({"low": (1, 2), "high": (3, 9)}, ("true", "painted"), "x").axes[0]
    first, second = (dots.get_offsets() for dots in axes.collections)
    assert first.tolist() == [[1, 0], [3, 1]] and second.tolist() == [[2, 0], [9, 1]]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["low", "high"]


def test_bars_stand_side_by_side_and_never_overlap():
    axes = figures.grouped_bars({"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}}, "", "").axes[0]
    bars = sorted((bar.get_x(), bar.get_width(), bar.get_height()) for bar in axes.patches)
    assert [height for _, _, height in bars] == [1, 3, 2, 4]
    assert all(
        left + width <= right + 1e-9
        for (left, width, _), (right, *_) in zip(bars[:-1], bars[1:], strict=True)
    )


def test_boxes_span_the_quartiles_and_the_smallest_median_stands_at_the_top():
    names = np.array(["big"] * 5 + ["small"] * 5)
    sizes = np.array([100, 200, 300, 400, 9000, 1, 2, 3, 4, 5])
    axes = figures.size_boxes(names, sizes, "px", mark=64, mark_name="a patch").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["small", "big"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1] and axes.get_xscale() == "log"
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert spans == [(2, 4), (200, 400)]
    assert [9000] in [list(line.get_xdata()) for line in axes.lines]  # beyond the whiskers


def test_the_matrix_writes_each_value_into_its_cell():
    axes = figures.likeness_matrix(["a", "b"], np.array([[1, -0.5], [-0.5, 1]])).axes[0]
    written = {text.get_position(): text.get_text() for text in axes.texts}
    assert written == {(0, 0): "1.0", (1, 0): "-0.5", (0, 1): "-0.5", (1, 1): "1.0"}


def test_discs_are_grouped_with_the_mean_of_each_group():
    groups, values = np.array([1, 2, 1]), np.array([10.0, 50, 30])
    options = {"xlabel": "IoU", "group_name": "teachers"}
    axes = figures.grouped_discs(list("abc"), groups, values, np.ones(3), **options).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "c", "b"]
    assert [line.get_xdata()[0] for line in axes.lines] == [20, 50]
    assert [text.get_text() for text in axes.texts] == ["1 teachers", "2 teachers"]


# ---- pictures


def test_maps_in_rows_and_columns_share_one_scale_and_stand_in_order():
    image = np.zeros((8, 8, 3), np.uint8)
    rows = {
        "r": {"a": np.eye(2), "b": np.eye(4, dtype=bool)},
        "s": {"a": np.eye(2), "b": np.eye(2)},
    }
    axes = figures.map_table(image, rows).axes
    assert [ax.get_title() for ax in axes] == ["r", "a", "b", "s", "a", "b"]
    assert {ax.images[0].get_clim() for ax in (axes[1], axes[2], axes[4])} == {(0, 1)}
    with pytest.raises(ValueError, match="map of 'a' has shape"):
        figures.map_table(image, {"r": {"a": np.zeros(3)}})


def test_like_patches_get_like_colours_whatever_the_rotation_of_their_features():
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(4, 6))[np.arange(16) % 4] + 0.001 * rng.normal(size=(16, 6))
    shown = figures.three_colours(kinds, side=8)
    assert shown.shape == (8, 8, 3) and shown.min() >= 0 and shown.max() <= 1
    colours = shown[::2, ::2].reshape(16, 3)
    near = np.linalg.norm(kinds[:, None] - kinds, axis=-1) < 0.1
    apart = np.linalg.norm(colours[:, None] - colours, axis=-1)
    assert apart[near].max() < 0.1 < apart[~near].min()


def test_a_close_up_is_the_square_around_the_box_and_stays_inside_the_image():
    image = np.zeros((40, 60, 3), np.uint8)
    image[10:20, 30:40] = 255
    cut = figures.close_up(image, (30, 10, 40, 20), side=100)
    assert cut.shape == (100, 100, 3) and (cut[50, 50] == 255).all() and (cut[0, 0] == 0).all()
    assert cut[:, :, 0].mean() / 255 == pytest.approx(1 / 1.15**2, rel=0.05)
    assert figures.close_up(image, (50, 30, 60, 40), side=7).shape == (7, 7, 3)


def test_compare_takes_samples_and_results_in_the_place_of_maps():
    part_map = np.full((8, 8), DRAWN.index("dog's head"))
    sample = Sample(
        np.zeros((8, 8, 3), np.uint8), np.full((8, 8), DRAWN.object_index("dog")), part_map
    )

    class Result:
        def labels_in(self, vocabulary):
            return part_map if vocabulary is DRAWN else None

    plain = figures.compare(sample.image, {"truth": part_map, "found": part_map}, DRAWN)
    short = figures.compare(sample, {"truth": sample, "found": Result()}, DRAWN)
    assert figures.to_png_bytes(plain) == figures.to_png_bytes(short)
