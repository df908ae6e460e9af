"""Edits of attention: rows stay rows, and each does what its name says."""

import pytest
import torch
from helpers import DRAWN, sample, tiny_model

from partclipseg_lite.evaluation import edits
from partclipseg_lite.inference.predict import predict, resize_logits

ALL = [edits.look_everywhere, edits.sharpened, edits.blurred, edits.moved]


def looking_at(cell, token=0.0, grid=5):
    """One sequence, head and query that looks at the class token and at one patch."""
    weights = torch.zeros(1, 1, 1, 1 + grid**2)
    weights[..., 0], weights[..., 1 + cell[0] * grid + cell[1]] = token, 1 - token
    return weights


def patches(weights):
    grid = int(weights[0, 0, 0, 1:].numel() ** 0.5)
    return weights[0, 0, 0, 1:].view(grid, grid)


@pytest.mark.parametrize("edit", ALL)
def test_rows_still_sum_to_one_and_none_is_negative(edit):
    weights = torch.rand(3, 2, 26, 26).softmax(-1)
    edited = edit(weights)
    assert edited.shape == weights.shape and (edited >= 0).all()
    torch.testing.assert_close(edited.sum(-1), torch.ones(3, 2, 26))


def test_moved_looks_to_the_right_and_over_the_edge_everywhere():
    edited = edits.moved(looking_at((2, 1), token=0.25), cells=2)
    assert patches(edited)[2, 3] == 0.75 and edited[..., 0] == 0.25
    lost = patches(edits.moved(looking_at((2, 4)), cells=1))
    torch.testing.assert_close(lost, torch.full((5, 5), 1 / 25))


def test_blurred_spreads_a_look_over_its_window():
    spread = patches(edits.blurred(looking_at((2, 2)), cells=3))
    torch.testing.assert_close(spread[1:4, 1:4], torch.full((3, 3), 1 / 9))
    assert spread.sum() == pytest.approx(1) and (spread > 0).sum() == 9


def test_sharpened_is_the_power_of_each_row():
    row = torch.tensor([0.1, 0.2, 0.7]).view(1, 1, 1, 3)
    expected = row**4 / (row**4).sum()
    torch.testing.assert_close(edits.sharpened(row), expected)
    torch.testing.assert_close(edits.sharpened(row, power=1), row)


def test_masks_are_those_of_the_model_and_change_with_an_edit():
    model, picture = tiny_model(), sample(("cat",))
    ways = {"as it is": None, "same": lambda weights: weights, "blind": edits.look_everywhere}
    found = edits.probabilities_edited(model, picture.image, "cat's head", DRAWN, ways)
    logits = predict(model, [picture.image], DRAWN.restrict(["cat's head"])).object_part_logits[0]
    own = resize_logits(logits, picture.part_map.shape)[0].sigmoid().numpy()
    assert found["as it is"] == pytest.approx(own, abs=1e-6)
    assert found["same"] == pytest.approx(own, abs=1e-6)
    assert abs(found["blind"] - own).max() > 1e-4
