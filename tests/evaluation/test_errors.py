"""Errors are told apart by part and object, each class counting the same."""

import numpy as np
import pytest

from partclipseg_lite.evaluation.errors import KINDS, kinds_of_error
from partclipseg_lite.vocabulary import Vocabulary

DRAWN = Vocabulary.load("drawn")


def test_each_kind_of_error_is_what_its_name_says():
    T = len(DRAWN)
    confusion = np.zeros((T + 1, T + 1), np.int64)
    head, leg, cat_head, cat_leg = (
        DRAWN.index(name) for name in ("dog's head", "dog's leg", "cat's head", "cat's leg")
    )
    for predicted, pixels in ((head, 50), (leg, 20), (cat_head, 15), (cat_leg, 10), (T, 5)):
        confusion[predicted, head] = pixels
    confusion[leg, leg] = 7  # another unseen class, all right
    found = kinds_of_error(confusion, DRAWN)
    assert set(found) == {"unseen"}, "no pixel of a seen class"
    want = [(0.5 + 1) / 2, 0.1, 0.075, 0.05, 0.025]
    assert [found["unseen"][kind] for kind in KINDS] == pytest.approx(want)


def test_shares_add_up_and_agree_with_a_plain_count():
    rng = np.random.default_rng(0)
    confusion = rng.integers(0, 9, (len(DRAWN) + 1, len(DRAWN) + 1))
    found = kinds_of_error(confusion, DRAWN)
    assert all(sum(shares.values()) == pytest.approx(1) for shares in found.values())
    parts = list(DRAWN.object_parts)
    sums, classes = 0.0, 0
    for t, name in enumerate(parts):
        if not DRAWN.seen[t]:
            obj, part = name.split("'s ")
            other = sum(
                int(confusion[p, t])
                for p, guess in enumerate(parts)
                if guess.split("'s ")[0] != obj and guess.split("'s ")[1] == part
            )
            sums, classes = sums + other / confusion[:, t].sum(), classes + 1
    assert found["unseen"]["other object"] == pytest.approx(sums / classes)
