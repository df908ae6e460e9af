"""Small parts are told from others by their share of the object's pixels, and averaged apart."""

import math

import pytest

from partclipseg_lite.evaluation.part_sizes import (
    SIZES,
    mean_by_size,
    seeds_by_size,
    small_object_parts,
)

SCORED = {
    "cat's eye": {"pixels": 2, "seen": True, "iou": 10.0},
    "cat's ear": {"pixels": 3, "seen": True, "iou": 20.0},
    "cat's head": {"pixels": 95, "seen": True, "iou": 60.0},
    "cat's tail": {"pixels": 0, "seen": True, "iou": None},
    "dog's eye": {"pixels": 1, "seen": False, "iou": 0.0},
    "dog's head": {"pixels": 999, "seen": False, "iou": 50.0},
}


def test_a_part_is_small_below_its_share_of_its_own_object_and_unseen_parts_are_left_out():
    assert small_object_parts(SCORED) == {
        "cat's eye": True,
        "cat's ear": False,
        "cat's head": False,
        "dog's eye": True,
        "dog's head": False,
    }
    assert small_object_parts(SCORED, share=0.031)["cat's ear"]


def test_means_are_taken_within_each_group():
    ious = {name: row["iou"] for name, row in SCORED.items()}
    expected = {
        "small, seen": 10.0,
        "small, unseen": 0.0,
        "other, seen": 40.0,
        "other, unseen": 50.0,
    }
    assert mean_by_size(ious, SCORED) == expected and tuple(expected) == SIZES


def test_a_group_without_parts_has_no_mean():
    assert math.isnan(
        mean_by_size({**dict.fromkeys(SCORED), "cat's eye": 1.0}, SCORED)["other, seen"]
    )


def test_every_seed_of_a_record_counts_and_a_record_without_seeds_is_one():
    model = {"test": {"oracle_obj": {"per_object_part": SCORED}}}
    assert seeds_by_size(model, SCORED) == [
        mean_by_size({n: r["iou"] for n, r in SCORED.items()}, SCORED)
    ]
    seeds = [dict.fromkeys(SCORED, 1.0), dict.fromkeys(SCORED, 3.0)]
    found = seeds_by_size({**model, "object_part_iou": seeds}, SCORED)
    assert [seed["small, seen"] for seed in found] == pytest.approx([1.0, 3.0])
