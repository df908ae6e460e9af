"""How names share an object's pixels: counted by hand, and by a model read as it answers."""

import numpy as np
import pytest
from helpers import DRAWN, samples, tiny_model

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.evaluation import failures
from partclipseg_lite.evaluation.failures import ObjectReading
from partclipseg_lite.inference.predict import predict, resize_logits

HEAD, TORSO, TAIL = (DRAWN.index(f"dog's {part}") for part in ("head", "torso", "tail"))
CAT_HEAD, NOTHING = DRAWN.index("cat's head"), len(DRAWN)
DOG = DRAWN.object_index("dog")


def reading(told=(TORSO,) * 10, free=(TORSO,) * 10, claims=(1,) * 10, contested=(False,) * 10):
    """A dog of ten pixels, two of the head, eight of the torso, beside two pixels of nothing."""
    part_map = np.array([[HEAD] * 2 + [TORSO] * 8 + [IGNORE] * 2])
    object_map = np.where(part_map == IGNORE, IGNORE, DOG)
    sample = Sample(np.zeros((1, 12, 3), np.uint8), object_map, part_map)
    rows = [np.array([[*row, 0, 0]]) for row in (told, free, claims)]
    return ObjectReading(
        sample, DOG, DRAWN, part_map != IGNORE, *rows, np.array([[*contested, True, True]])
    )


def test_shares_are_of_the_labelled_pixels_of_the_object():
    one = reading(told=[HEAD] * 6 + [TAIL] * 4)
    assert one.name == "dog"
    assert one.shares["dog's head"] == (0.2, 0.6) and one.shares["dog's torso"] == (0.8, 0.0)
    assert one.shares["dog's tail"] == (0.0, 0.4) and len(one.shares) == len(DRAWN.parts_of("dog"))
    assert one.greediest in ("dog's head", "dog's tail") and one.excess == pytest.approx(0.4)


def test_swallowed_is_more_than_half_by_a_part_of_less_than_a_quarter():
    assert reading(told=[HEAD] * 6 + [TORSO] * 4).swallowed
    assert not reading(told=[HEAD] * 5 + [TORSO] * 5).swallowed  # half is not more than half
    assert not reading(told=[TORSO] * 10).swallowed  # the torso is large in truth


def test_claims_and_contested_pixels_are_counted_on_the_object_only():
    one = reading(claims=[0, 0, 0, 1, 1, 1, 1, 2, 2, 3], contested=[True] * 4 + [False] * 6)
    assert one.claimed_share(2) == pytest.approx(0.3)
    assert one.claimed_share(0, 0) == pytest.approx(0.3)
    assert one.claimed_share(1, 1) == pytest.approx(0.4)
    assert one.contested_share == pytest.approx(0.4)


def test_winners_are_the_owners_of_the_winning_names():
    one = reading(free=[TORSO] * 5 + [CAT_HEAD] * 3 + [NOTHING] * 2)
    assert one.winners["dog"] == 0.5 and one.winners["cat"] == 0.3
    assert one.winners["background"] == 0.2
    assert one.won_by == pytest.approx(dict(zip(failures.OWNERS, (0.5, 0.3, 0.2), strict=True)))
    assert list(failures.mean_winners([one, reading()])["dog"])[:2] == ["dog", "cat"]
    assert failures.mean_winners([one, reading()])["dog"]["dog"] == 0.75


def test_recall_by_size_puts_each_part_into_its_class():
    one = reading(told=[HEAD] + [TORSO] * 9)
    assert sorted(one.recalls.tolist()) == [[2.0, 0.5], [8.0, 1.0]]
    classes = failures.by_size([one, reading()], edges=(1, 5))
    assert {k: sorted(v.tolist()) for k, v in classes.items()} == {
        "1–4": [0.0, 0.5],
        "5 and more": [1.0, 1.0],
    }
    assert failures.recall_by_size([one, reading()])["1–24"] == pytest.approx(0.625)
    assert failures.lost_by_size([one, reading()])["1–24"] == 0.25
    assert np.isnan(failures.recall_by_size([one])["400 and more"])


def test_mean_shares_join_the_same_part_of_several_objects_the_most_overpainted_last():
    means = failures.mean_shares([reading(told=[HEAD] * 10), reading(told=[TORSO] * 10)])
    assert means["head"] == pytest.approx((0.2, 0.5)) and means["torso"] == pytest.approx(
        (0.8, 0.5)
    )
    assert list(means)[-1] == "head" and list(means)[0] == "torso"


def test_the_five_numbers_are_those_of_the_single_readings():
    readings = [reading(told=[HEAD] * 10), reading(contested=[True] * 10)]
    numbers = failures.three_failures(readings)
    assert numbers["objects swallowed by one name"] == 0.5
    assert numbers["excess of the greediest name"] == pytest.approx((0.8 + 0.2) / 2)
    assert numbers["recall of parts under 100 pixels"] == pytest.approx((1 + 0 + 0 + 1) / 4)
    assert numbers["contested pixels"] == 0.5 and numbers["pixels won by another object"] == 0


def test_differences_are_paired_on_the_same_pictures_and_not_on_others():
    whole, half = [True] * 10, [True] * 5 + [False] * 5
    some = [reading(contested=c) for c in (whole, half, [False] * 10)]
    less = [reading(contested=[False] * 10) for _ in some]
    told = failures.failures_differ(some, less)["contested pixels"]
    assert told.value == pytest.approx(0.5) and told.low == 0 and told.high == 1
    others = [*less, reading(told=[HEAD] * 10)]
    apart = failures.failures_differ(others, less)["objects swallowed by one name"]
    assert apart.value == 0.25 and apart.low == 0 < apart.high
    assert apart.verdict == "not decided"
    nothing = failures.failures_differ(less, less)["pixels won by another object"]
    assert (*nothing,) == (0, 0, 0)


def test_a_model_is_read_as_a_slow_loop_over_pixels_reads_it():
    model, sample = tiny_model(seed=3), samples()[0]
    readings = failures.read_objects(model, [sample], DRAWN, least_pixels=1)
    logits = predict(model, [sample.image], DRAWN).object_part_logits[0]
    scores = resize_logits(logits, sample.part_map.shape).numpy()
    assert [one.name for one in readings] == ["cat", "cow"]
    present = [t for t, n in enumerate(DRAWN) if n.startswith(("cat's", "cow's"))]
    for one in readings:
        own = [t for t in present if DRAWN.object_parts[t].startswith(f"{one.name}'s")]
        for y, x in zip(*np.nonzero(one.labelled), strict=True):
            at = scores[:, y, x]
            chances = sorted((1 / (1 + np.exp(-at[own]))).tolist(), reverse=True)
            assert one.told[y, x] == max(present, key=lambda t: at[t])
            assert one.free[y, x] == at.argmax()
            assert one.claims[y, x] == sum(at[t] > 0 for t in own)
            assert one.contested[y, x] == (chances[1] > chances[0] / 2)
    least = max(one.labelled.sum() for one in readings)
    large = failures.read_objects(model, [sample], DRAWN, least_pixels=int(least))
    assert len(large) < len(readings) or len({int(r.labelled.sum()) for r in readings}) == 1
