"""The worked example of attention control, reckoned with loops over its sixteen cells."""

import numpy as np
import pytest
import torch

from partclipseg_lite.figures.written_attention import written_plan
from partclipseg_lite.losses import attention_control as control

HEAD, TORSO = [(0, 0), (0, 1)], [(1, 1), (1, 2), (2, 1), (2, 2)]
OBJECT = {(0, 0): 0.2, (0, 1): 0.2, (1, 1): 0.2, (1, 2): 0.2, (2, 1): 0.1, (2, 2): 0.1}
LOOKS = [
    ("head", [(0, 0)], {(0, 0): 1.0}),
    ("head", [(0, 1)], {(0, 1): 0.5, (1, 1): 0.5}),
    ("torso", TORSO, dict.fromkeys(TORSO, 0.25)),
    ("object", HEAD + TORSO, OBJECT),
]


@pytest.fixture
def plan():
    return written_plan(4, {"head": HEAD, "torso": TORSO}, LOOKS)


def maps_by_hand() -> np.ndarray:
    maps = np.zeros((2, 4, 4))
    for k, (part, cells) in enumerate((("head", HEAD), ("torso", TORSO))):
        for word, queries, shares in LOOKS:
            for query in queries:
                for cell, share in shares.items():
                    if word in (part, "object") and query in cells:
                        maps[k][cell] += share / len(cells)
    return maps


def smoothed(maps: np.ndarray) -> np.ndarray:
    kernel = np.exp(-0.5 * (np.array([-1, 0, 1]) / 0.5) ** 2)
    kernel /= kernel.sum()
    assert round(kernel[1] ** 2, 2) == 0.62, "a cell keeps 62 % of itself"
    scaled = (maps - maps.min((1, 2), keepdims=True)) / np.ptp(maps, axis=(1, 2), keepdims=True)
    padded = np.pad(scaled, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    return sum(
        kernel[i] * kernel[j] * padded[:, i : i + 4, j : j + 4] for i in range(3) for j in range(3)
    )


def test_the_maps_of_the_example_are_those_that_the_chapter_names(plan):
    maps = control.object_part_maps(plan).view(2, 4, 4).numpy()
    assert np.allclose(maps, maps_by_hand())
    assert [round(float(maps[0][cell]), 2) for cell in ((0, 0), (0, 1), (1, 1))] == [
        0.70,
        0.45,
        0.45,
    ]


def test_three_cells_are_claimed_twice_and_three_once_and_the_losses_follow(plan):
    maps = control.object_part_maps(plan)
    normalised = control.normalise_maps(maps, 4)
    assert np.allclose(normalised.view(2, 4, 4), smoothed(maps_by_hand()), atol=1e-6)
    claim, times = control.claims(normalised, 0.3), (smoothed(maps_by_hand()) >= 0.3).sum(0)
    assert ((times == 2).sum(), (times == 1).sum()) == (3, 3)
    assert float(control.overlap(claim, plan.group, 1)) == 0.5
    assert float(control.separation_loss(claim, plan.group, 1)) == 0.25
    peaks = control.peaks(maps, plan.area)
    assert peaks.tolist() == pytest.approx([0.70, 0.45])
    assert float(control.enhancement_loss(peaks, plan.group, 1)) == pytest.approx(0.55)


def test_a_table_holds_what_was_written_and_zeros(plan):
    tables = plan.tap.weights
    assert tables.shape == (3, 1, 17, 17) and float(tables[0, 0, 1 + 1, 1 + 5]) == 0.5
    assert (tables[:, :, 0] == 0).all() and float(tables.sum()) == pytest.approx(1 + 1 + 4 + 6)
    assert plan.area.sum(1).tolist() == [2, 4] and plan.area.unique().tolist() == [0, 1]
    assert torch.equal(plan.object_row, torch.tensor([2, 2])) and plan.groups == 1


def test_a_word_that_is_no_part_is_refused():
    with pytest.raises(ValueError, match="'tail' is neither a part nor 'object'"):
        written_plan(2, {"head": [(0, 0)]}, [("tail", [(0, 0)], {(0, 0): 1.0})])
