"""IoU by size: every part is drawn, in its split's sign, and names do not collide."""

import pytest

from partclipseg_lite.figures.sizes import size_scatter

ROWS = {
    "cat's head": {"pixels": 1000, "iou": 60.0, "seen": True},
    "cat's eye": {"pixels": 10, "iou": 5.0, "seen": True},
    "dog's head": {"pixels": 900, "iou": 40.0, "seen": False},
    "dog's muzzle": {"pixels": 950, "iou": 41.0, "seen": False},
    "dog's eye": {"pixels": 12, "iou": 0.0, "seen": False},
    "dog's horn": {"pixels": 0, "iou": None, "seen": False},
}


def test_every_part_with_a_score_is_a_dot_at_its_size_and_its_iou():
    axes = size_scatter(ROWS).axes[0]
    drawn = {c.get_label(): sorted(map(tuple, c.get_offsets())) for c in axes.collections}
    assert drawn == {
        "seen": [(10, 5), (1000, 60)],
        "unseen": [(12, 0), (900, 40), (950, 41)],
    }


def test_of_two_near_parts_one_is_named_and_seen_ones_are_not():
    told = {text.get_text() for text in size_scatter(ROWS).axes[0].texts}
    assert "dog's eye" in told and len(told & {"dog's head", "dog's muzzle"}) == 1
    assert not told & {"cat's head", "cat's eye"}
    assert not size_scatter(ROWS, names=0).axes[0].texts


def test_without_a_score_it_says_so():
    with pytest.raises(ValueError, match="no part has an IoU"):
        size_scatter({"dog's horn": ROWS["dog's horn"]})


def test_sizes_stand_at_the_axis_as_plain_numbers():
    picture = size_scatter(ROWS)
    picture.canvas.draw()
    labels = [label.get_text() for label in picture.axes[0].get_xticklabels()]
    assert "100" in labels and "1,000" in labels and not any("$" in text for text in labels)
