"""The numbers of the ledger's examples, worked out again by the classes that they are about.

Each function gives what must stand in the example of its row; pictures are read from the page's own
grids.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import integrate, stats

from ledger_rows import rows
from partclipseg_lite.losses import attention_control as control
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.decoder import FiLM
from partclipseg_lite.network.models import VisualAdapter
from partclipseg_lite.reading import BUNDLES, PAPER, Reading
from partclipseg_lite.release import recorded
from partclipseg_lite.release.departures import as_read
from partclipseg_lite.release.evaluator import released_boundary_quantity
from partclipseg_lite.settings import LossSettings, Settings
from partclipseg_lite.vocabulary import Vocabulary

ROWS = {row.name: row for row in rows()}
PASCAL, DRAWN = Vocabulary.load("pascal_part_116"), Vocabulary.load("drawn")


def objective(option: str = "", grid: int = 4) -> Objective:
    """The paper's, or with one option as released."""
    reading = Reading(**{option: BUNDLES["released"][option]}) if option else PAPER
    return as_read(Objective, reading)(LossSettings(separation="paper"), grid)


def cells(name: str, caption: str) -> np.ndarray:
    """Letters of a row's grid whose caption begins so, `[rows, columns]`."""
    (found,) = [g for g in ROWS[name].grids if g["caption"].startswith(caption)]
    return np.array([line.split() if " " in line else list(line) for line in found["cells"]])


def masks(letters: np.ndarray, *of: str) -> torch.Tensor:
    """Bool `[1, T, H, W]`: where each of some letters stands, in either case."""
    lower = np.char.lower(letters)
    return torch.from_numpy(np.stack([lower == letter for letter in of]))[None]


def claims(name: str, caption: str) -> torch.Tensor:
    """Float `[2, N]`: the places that h and t claim; X is claimed by both."""
    letters = cells(name, caption)
    both = letters == "X"
    return torch.from_numpy(np.stack([(letters == c) | both for c in "ht"])).flatten(1).float()


def of_one_object(claim: torch.Tensor) -> tuple[float, float]:
    """Overlap and separation loss of claims of one object."""
    group = torch.zeros(len(claim), dtype=torch.long), 1
    return control.overlap(claim, *group).item(), control.separation_loss(claim, *group).item()


def enhancement(peaks: list[float], group: list[int]) -> float:
    """Eq. 9, mean over the objects."""
    groups = torch.tensor(group)
    found = control.enhancement_loss(torch.tensor(peaks), groups, int(groups.max()) + 1)
    return found.mean().item()


def spot(option: str) -> np.ndarray:
    """The middle 3 x 3 cells of a smoothed single place of 1."""
    one = torch.zeros(1, 7, 7)
    one[0, 3, 3] = 1
    return objective(option, 7).smooth(one.flatten(1)).view(7, 7)[2:5, 2:5].numpy()


def bce(logit: float) -> float:
    """Of a pixel of the part."""
    return F.binary_cross_entropy_with_logits(torch.tensor(logit), torch.tensor(1.0)).item()


# ---- what must stand in a row's example ----------------------------------------------------------


def object_row():
    training, test = PASCAL.seen_only().asked(), PASCAL.asked()
    numbers = [v.objects.index("cat") for v in (training, test)]
    kept = [
        o
        for i, o in enumerate(training.objects)
        if training.parts[i] == test.parts[test.objects.index(o)]
    ]
    assert len(training.objects) == 11 and kept == ["aeroplane", "bottle", "bus"]
    return [
        f'object {numbers[0]} and reads "{training.parts[numbers[0]]}"',
        f'is object {numbers[1]}, and reads "{test.parts[numbers[1]]}"',
    ]


def background_embedding():
    return [f"1/√512 = {512**-0.5:.3f}"]


def text_embeddings():
    sizes = {kind: number / 1e6 for kind, number in recorded.trained_sizes().items()}
    return [
        f"{sum(sizes.values()):.1f} million",
        f"{sizes['text embeddings']:.1f} million",
        f"{sizes['decoder']:.1f} million",
    ]


def film():
    steered = FiLM(1, 1)
    for layer, value in ((steered.mul, 3.0), (steered.add, 1.0)):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.constant_(layer.bias, value)
    found = steered(torch.full((1, 1, 1, 1), 2.0), torch.zeros(1, 1, 1))
    return [f"make {found.item():.0f}"]


def adapter():
    mixed = VisualAdapter(4)
    torch.nn.init.zeros_(mixed.fc[2].weight)
    return [f"goes on as {mixed(torch.ones(1, 1, 4))[0, 0, 0].item():.1f}"]


def sixteen_objects():
    parts = len(PASCAL.objects_with_parts)
    seen = len(PASCAL.seen_only().objects_with_parts)
    named = len(PASCAL.objects)
    return [f"{seen} seen + {parts - seen} novel + {named - parts} without parts = {named} names"]


def bce_sign():
    return [
        f"{bce(2.0):.2f}",
        f"{bce(-2.0):.2f}",
        f"{1 - bce(2.0):.2f} and −{abs(1 - bce(-2.0)):.2f}",
    ]


def background_weight():
    weight = LossSettings().background_weight
    return [f"= {math.log(2) * (4 + weight) / 5:.2f}", f"ln 2 = {math.log(2):.2f}"]


def separation_gradient():
    overlap, loss = of_one_object(claims("separation_gradient", "claims"))
    assert overlap == pytest.approx(3 / 6)
    return [f"3/6, divided by 2 parts, is {loss:.2f}"]


def grid_masks():
    letters = cells("grid_masks", "pixels")
    both = masks(letters, "e", "h")
    area = objective(grid=2).on_grid(both)[0]
    corner = objective("grid_masks", 2).on_grid(both)[0]
    looked_at = np.argwhere(np.char.isupper(letters) | (letters == ",")).tolist()
    assert looked_at == [[0, 0], [0, 8], [8, 0], [8, 8]]
    for caption, found in (("by area", area), ("nearest", corner)):
        shown = cells("grid_masks", caption).astype(float)
        np.testing.assert_allclose(found.sum(0).view(2, 2).numpy(), shown, atol=0.005)
    assert corner[0].sum() == 0
    return [f"36/64 = {area[0, 0].item():.2f}"]


def map_mean():
    return [f"2 · 1/17 = {2 / 17:.3f}", f"{2 / 17 * 3 / 16:.3f} in the release's"]


def attention_sum():
    return [f"2/17 = {2 / 17:.3f}", f"1/17 = {1 / 17:.3f}"]


def peak_in():
    values = torch.from_numpy(cells("peak_in", "its map").astype(np.float32)).flatten()[None]
    area = masks(cells("peak_in", "the part"), "h")[0].flatten(1).float()
    inside, anywhere = control.peaks(values, area).item(), values.max().item()
    return [f"1 − {inside} = {1 - inside}", f"release's is {1 - anywhere:.0f}"]


def peak_of():
    kept = spot("")[1, 1]
    return [f"0.5 · {kept:.2f} = {0.5 * kept:.2f}"]


def gaussian():
    for caption, option in (("σ", ""), ("released", "gaussian")):
        shown = cells("gaussian", caption).astype(float)
        np.testing.assert_allclose(spot(option), shown, atol=0.005)
    return ["single place of 1"]


def parts_of():
    peaks = [0.9, 0.8, 0.4, 0.7]
    return [
        f"/ 2 = {enhancement(peaks, [0, 0, 1, 1]):.1f}",
        f"= {enhancement(peaks * 2, [0] * 4 + [1] * 4):.1f} for both",
    ]


def claim_in():
    claim = claims("claim_in", "claims")
    on_object = masks(cells("claim_in", "the object"), "c")[0].flatten(1).float()
    _, loss = of_one_object(claim)
    overlap, _ = of_one_object(claim * on_object)
    return [f"1/3/2 = {loss:.2f}", f"shared: {overlap:.0f}"]


def separation_over():
    overlap, loss = of_one_object(claims("claim_in", "claims"))
    return [f"1/3/2 = {loss:.2f}", f"1/3 = {overlap:.2f}"]


def warmup():
    return [f"is {0.5 ** Settings().training.poly_power:.2f} of"]


def boundary():
    inner = cells("boundary", "labels").astype(int)
    labels = np.full((40, 40), 45)
    labels[18:22, 18:22] = inner
    found = released_boundary_quantity(labels)[18:22, 18:22]
    np.testing.assert_array_equal(found, cells("boundary", "its").astype(int))
    return ["holds 0 and 2"]


def dice():
    return [f"{10 / (10 + 990):.0%}".replace("%", " %")]


def few_words():
    training, seen = Settings.from_preset("toy").training, DRAWN.seen_only()
    few = training.parts_per_image, training.objects_per_image
    every = len(seen.parts), len(seen.objects)
    assert f"{every[0]}, {every[1]} and" in ROWS["few_words"].ours
    assert f"{len(seen)}." in ROWS["few_words"].ours
    return [f"{a} + {b} + 1 = {a + b + 1}" for a, b in (few, every)]


def lambdas():
    ours = Settings.from_preset("toy").loss.enhancement_weight
    return [f"weighs {0.9 * LossSettings().enhancement_weight:.3f}", f"or {0.9 * ours:.2f}"]


EXAMPLES = [
    object_row, background_embedding, text_embeddings, film, adapter, sixteen_objects, bce_sign,
    background_weight, separation_gradient, grid_masks, map_mean, attention_sum, peak_in, peak_of,
    gaussian, parts_of, claim_in, separation_over, warmup, boundary, dice, few_words, lambdas,
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda function: function.__name__)
def test_the_numbers_of_an_example_are_those_that_the_code_gives(example):
    text = ROWS[example.__name__].example
    for number in example():
        assert number in text


# ---- facts that no other test shows --------------------------------------------------------------


def test_labels_resized_twice_come_back_one_column_off():
    columns = torch.arange(500, dtype=torch.float64)[None, None, None]
    enlarged = F.interpolate(columns, size=(1, 1067), mode="nearest")
    back = F.interpolate(enlarged, size=(1, 500), mode="nearest")
    off = (columns - back).flatten()
    assert set(off.tolist()) == {0.0, 1.0}
    assert f"{int(off.sum())} of its 500 columns" in ROWS["resized_twice"].example


def test_adamw_forgets_a_common_factor():
    steps = []
    for factor in (1.0, 0.01):
        weight = torch.nn.Parameter(torch.zeros(1))
        weight.grad = torch.tensor([3.0 * factor])
        torch.optim.AdamW([weight], lr=1e-4).step()
        steps.append(-weight.item())
    assert steps == pytest.approx([1e-4, 1e-4], rel=1e-5)
    assert "the learning rate in both cases" in ROWS["clipping"].example


def test_the_best_of_twenty_is_above_the_mean():
    def density(x):
        return 20 * x * stats.norm.pdf(x) * stats.norm.cdf(x) ** 19

    highest, _ = integrate.quad(density, -8, 8)
    assert f"{0.5 * highest:.1f} points above the mean" in ROWS["best_checkpoint"].example
