"""Bars and confusions say, class by class, what was counted."""

import numpy as np
import pytest
from helpers import DRAWN
from matplotlib.colors import to_hex

from partclipseg_lite.figures.base import SEEN, UNSEEN
from partclipseg_lite.figures.classes import (
    confusion_matrix,
    confusions_table,
    part_bars,
    part_confusion,
)
from partclipseg_lite.vocabulary import Vocabulary

ANIMALS = Vocabulary.from_names(
    ["cat's head", "cat's tail", "dog's head", "dog's ear"], seen_objects=["cat"]
)
#: [found, true]: cat's head, cat's tail, dog's head, dog's ear, background
COUNTED = np.array(
    [
        [50, 4, 30, 0, 0],
        [10, 6, 0, 0, 7],
        [20, 0, 60, 0, 0],
        [0, 0, 10, 0, 1],
        [20, 0, 0, 0, 100],
    ]
)


def rows(**changed):
    found = {
        "dog's head": {"iou": 40.0, "pixels": 100, "seen": False},
        "cat's head": {"iou": 60.0, "pixels": 100, "seen": True},
        "dog's ear": {"iou": None, "pixels": 0, "seen": False},
        "cat's tail": {"iou": 25.0, "pixels": 10, "seen": True},
    }
    return {name: {**row, **changed} for name, row in found.items()}


def test_every_part_in_view_has_its_bar_the_seen_objects_first():
    (axes,) = part_bars(rows()).axes
    named = [tick.get_text() for tick in axes.get_yticklabels()]
    assert named == ["cat's head", "cat's tail", "dog's head"]
    assert [bar.get_width() for bar in axes.patches] == [60, 25, 40]
    assert [to_hex(bar.get_facecolor()) for bar in axes.patches] == [SEEN, SEEN, UNSEEN]
    assert [bar.get_alpha() for bar in axes.patches] == [1, 0.35, 1], "ten pixels decide little"


def test_many_parts_stand_in_columns_that_fit_a_page():
    many = {
        name: {"iou": 1.0, "pixels": 500, "seen": True}
        for name in Vocabulary.load("ade20k_part_234").object_parts
    }
    picture = part_bars(many)
    shown = [tick.get_text() for axes in picture.axes for tick in axes.get_yticklabels()]
    assert sorted(shown) == sorted(many) and len(picture.axes) == 4
    width, height = picture.get_size_inches()
    assert width < 7.5 and height < 10


def test_without_a_part_in_view_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="no object part has a labelled pixel"):
        part_bars(rows(pixels=0))
    with pytest.raises(ValueError, match="no part has a labelled pixel"):
        confusion_matrix(np.zeros((5, 5), int), ANIMALS)


def test_confusion_of_generalized_parts_is_what_a_loop_over_pairs_counts():
    found = part_confusion(COUNTED, ANIMALS)
    names = [*ANIMALS.parts, "none"]
    expected = np.zeros((len(names), len(names)), int)
    parts = [name.split("'s ")[1] for name in ANIMALS.object_parts] + ["none"]
    for (f, t), pixels in np.ndenumerate(COUNTED):
        expected[names.index(parts[f]), names.index(parts[t])] += pixels
    assert np.array_equal(found, expected) and found.sum() == COUNTED.sum()


def test_the_matrix_shows_shares_of_the_true_part():
    picture = confusion_matrix(COUNTED, ANIMALS)
    axes = picture.axes[0]
    shares = np.asarray(axes.images[0].get_array())
    true = [tick.get_text() for tick in axes.get_yticklabels()]
    found = [tick.get_text() for tick in axes.get_xticklabels()]
    assert true == ["head", "tail", "background"], "no pixel is truly an ear"
    assert found == ["ear", "head", "tail", "background"]
    assert np.allclose(shares.sum(1), 1)
    heads = COUNTED[:, [0, 2]].sum()
    assert shares[0] == pytest.approx([10 / heads, 160 / heads, 10 / heads, 20 / heads])


def test_a_matrix_of_a_real_vocabulary_fits_a_page():
    for name in ("pascal_part_116", "ade20k_part_234"):
        known = Vocabulary.load(name)
        picture = confusion_matrix(np.ones((len(known) + 1,) * 2, int), known)
        assert max(picture.get_size_inches()) < 10


def test_the_most_frequent_confusions_come_first():
    lines = confusions_table(COUNTED, ANIMALS, count=3)._repr_markdown_().splitlines()
    assert lines[2:] == [
        "| dog's head | cat's head | 30% |",
        "| cat's head | dog's head | 20% |",
        "| cat's head | background | 20% |",
    ]
    assert (
        len(confusions_table(np.diag([3, 4, 5, 6, 7]), ANIMALS)._repr_markdown_().splitlines()) == 2
    )


def test_what_is_truly_nothing_is_taken_for_no_part():
    nothing = np.zeros((5, 5), int)
    nothing[0, 4], nothing[4, 2] = 900, 3
    lines = confusions_table(nothing, ANIMALS)._repr_markdown_().splitlines()
    assert lines[2:] == ["| dog's head | background | 100% |"]


def test_the_drawn_world_has_a_matrix():
    confusion = np.eye(len(DRAWN) + 1, dtype=int)
    image = np.asarray(confusion_matrix(confusion, DRAWN).axes[0].images[0].get_array())
    assert np.array_equal(image, np.eye(len(DRAWN.parts) + 1))
