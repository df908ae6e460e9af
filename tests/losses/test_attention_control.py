"""Attention maps and the two losses equal slow loops over pixels; the smallest part counts.

`soft` has the gradient.
"""

import math

import pytest
import torch
from helpers import GRID, SIZE, random_activations, random_conditions, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg_lite.losses.attention_control import (
    AttentionPlan,
    area_on_grid,
    claims,
    normalise_maps,
    object_part_maps,
    overlap,
    plan_attention,
    soft_claims,
    soft_overlap,
)
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.decoder import AttentionTap
from partclipseg_lite.settings import LossSettings

N = GRID * GRID
# Object 0 has parts 0, 1, 2 and object 1 has parts 0, 1.
CONDITIONS = random_conditions(3, 2, [0, 1, 2, 0, 1], [0, 0, 0, 1, 1])


def random_masks(batch=2, slots=5, seed=0, absent=0.3):
    """Masks at image resolution that do not keep to the grid; some are empty."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, slots + 2, (batch, SIZE // 2, SIZE // 2), generator=rng)
    labels = labels.repeat_interleave(2, 1).repeat_interleave(2, 2).roll(1, 2)
    keep = torch.rand(batch, slots, generator=rng) > absent
    return (labels[:, None] == torch.arange(slots)[:, None, None]) & keep[:, :, None, None]


def tapped(masks, seed=0):
    """(plan with filled attention, model, activations) of one forward."""
    model, activations = tiny_model(seed=seed), random_activations(len(masks), seed=seed)
    plan = plan_attention(area_on_grid(masks, GRID), CONDITIONS)
    with torch.no_grad():
        model(activations, CONDITIONS, plan.tap)
    return plan, model, activations


def hand_made(group, area=None):
    """A plan for maps that a test makes itself: only groups and areas matter to the losses."""
    group = torch.tensor(group)
    area = torch.ones(len(group), N) if area is None else area
    return AttentionPlan(
        AttentionTap(torch.tensor([0])),
        group,
        group,
        area,
        group,
        group,
        group,
        group,
        int(group.max()) + 1,
    )


def separation_loss(maps, plan, temperature=None):
    """Mean over objects, printed or soft."""
    soft = {} if temperature is None else {"temperature": temperature}
    loss = LossSettings(separation="paper" if temperature is None else "soft", **soft)
    return Objective(loss, GRID).separation(maps, plan).mean()


def enhancement_loss(maps, plan):
    return Objective(LossSettings(), GRID).enhancement(maps, plan).mean()


# ---- where a part is -----------------------------------------------------------------------------


@given(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
@settings(max_examples=25)
def test_a_part_of_one_pixel_is_never_lost(row, column):
    mask = torch.zeros(1, 1, SIZE, SIZE, dtype=torch.bool)
    mask[0, 0, row, column] = True
    area = area_on_grid(mask, GRID)[0, 0].view(GRID, GRID)
    assert area[row // 8, column // 8] == pytest.approx(1 / 64) and (area > 0).sum() == 1


def test_area_is_the_share_of_each_cell():
    masks = random_masks()
    area = area_on_grid(masks, GRID)
    for cell in range(N):
        y, x = 8 * (cell // GRID), 8 * (cell % GRID)
        torch.testing.assert_close(
            area[:, :, cell], masks[:, :, y : y + 8, x : x + 8].float().mean(dim=(2, 3))
        )


# ---- maps (Eq. 6) --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1])
def test_maps_are_the_mean_over_the_pixels_of_the_mask(seed):
    masks = random_masks(seed=seed)
    plan, model, activations = tapped(masks, seed)
    maps = object_part_maps(plan)
    everything = AttentionTap(torch.arange(2 * 6))  # 3 parts, 2 objects, background, twice
    with torch.no_grad():
        model(activations, CONDITIONS, everything)
    attention = everything.weights.mean(1)
    present = [(b, t) for b in range(2) for t in range(5) if masks[b, t].any()]
    assert list(zip(plan.image.tolist(), plan.slot.tolist(), strict=True)) == present
    for row, (b, t) in enumerate(present):
        part, obj = int(CONDITIONS.part_of[t]), int(CONDITIONS.object_of[t])
        total, pixels = torch.zeros(N), 0
        for y in range(SIZE):
            for x in range(SIZE):
                if masks[b, t, y, x]:
                    query = 1 + (y // 8) * GRID + x // 8  # token 0 is the class token
                    total += (
                        attention[b * 6 + 3 + obj, query, 1:] + attention[b * 6 + part, query, 1:]
                    )
                    pixels += 1
        torch.testing.assert_close(maps[row], total / pixels, atol=1e-5, rtol=1e-4)


def test_parts_of_one_object_in_one_image_form_a_group():
    plan, _, _ = tapped(random_masks(absent=0.0))
    owner = [
        (int(b), int(CONDITIONS.object_of[t])) for b, t in zip(plan.image, plan.slot, strict=True)
    ]
    assert plan.groups == len(set(owner)) == 4
    for i, a in enumerate(owner):
        for j, b in enumerate(owner):
            assert (plan.group[i] == plan.group[j]) == (a == b)


def test_only_the_attention_of_present_words_is_tapped():
    masks = torch.zeros(2, 5, SIZE, SIZE, dtype=torch.bool)
    masks[1, 3, 4:9, 4:9] = True  # part 0 of object 1, in image 1 only
    plan, _, _ = tapped(masks)
    assert plan.tap.rows.tolist() == [6 + 0, 6 + 3 + 1] and plan.tap.weights.shape[0] == 2
    assert plan.tap.rows[plan.part_row].tolist() == [6] and plan.tap.rows[
        plan.object_row
    ].tolist() == [10]


def test_without_any_part_there_is_no_plan():
    assert plan_attention(torch.zeros(2, 5, N), CONDITIONS) is None


# ---- normalisation -------------------------------------------------------------------------------


def test_normalised_maps_are_stretched_then_smoothed():
    maps = torch.rand(3, N, generator=torch.Generator().manual_seed(0)) * 0.01 + 5
    found = normalise_maps(maps, GRID)
    kernel = [math.exp(-0.5 * (d / 0.5) ** 2) for d in (-1, 0, 1)]
    kernel = [k / sum(kernel) for k in kernel]
    mirror = lambda i: -i if i < 0 else 2 * (GRID - 1) - i if i >= GRID else i  # noqa: E731
    for row, one in zip(found, maps, strict=True):
        scaled = ((one - one.min()) / (one.max() - one.min())).view(GRID, GRID)
        for y in range(GRID):
            for x in range(GRID):
                expected = sum(
                    kernel[dy + 1] * kernel[dx + 1] * float(scaled[mirror(y + dy), mirror(x + dx)])
                    for dy in (-1, 0, 1)
                    for dx in (-1, 0, 1)
                )
                assert row[y * GRID + x].item() == pytest.approx(expected, abs=1e-5)


def test_a_map_without_contrast_claims_nothing_and_breaks_nothing():
    maps = torch.full((1, N), 0.2, requires_grad=True)
    normalised = normalise_maps(maps, GRID)
    normalised.sum().backward()
    assert (normalised == 0).all() and torch.isfinite(maps.grad).all()


# ---- separation (Eqs. 7-8) -----------------------------------------------------------------------


@given(st.integers(0, 10_000), st.lists(st.integers(0, 2), min_size=1, max_size=12))
@settings(max_examples=30)
def test_the_overlap_of_hard_claims_is_counting(seed, group):
    group = [sorted(set(group)).index(g) for g in group]
    claim = (torch.rand(len(group), N, generator=torch.Generator().manual_seed(seed)) > 0.6).float()
    found, soft = (
        form(claim, torch.tensor(group), max(group) + 1) for form in (overlap, soft_overlap)
    )
    for g in range(max(group) + 1):
        times = sum(claim[k] for k in range(len(group)) if group[k] == g)
        claimed = int((times >= 1).sum())
        expected = int((times > 1).sum()) / claimed if claimed else 0.0
        assert found[g].item() == pytest.approx(expected) and soft[g].item() == pytest.approx(
            expected, abs=1e-4
        )


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_soft_claims_are_the_chance_of_two_claims_over_that_of_any(seed):
    claim = torch.rand(3, N, generator=torch.Generator().manual_seed(seed)) * 0.98
    many = anyone = 0.0
    for n in range(N):
        for outcome in range(8):
            bits = [(outcome >> k) & 1 for k in range(3)]
            chance = math.prod(
                float(c if bit else 1 - c) for c, bit in zip(claim[:, n], bits, strict=True)
            )
            many += chance * (sum(bits) > 1)
            anyone += chance * (sum(bits) >= 1)
    assert soft_overlap(claim, torch.zeros(3, dtype=torch.long), 1).item() == pytest.approx(
        many / anyone, rel=1e-4
    )


def peaks(places):
    maps = torch.zeros(len(places), N)
    for row, (y, x) in zip(maps, places, strict=True):
        row[y * GRID + x] = 1
    return maps


@pytest.mark.parametrize("temperature", [None, 0.01])
def test_sharp_maps_apart_cost_nothing_and_identical_ones_one_over_their_number(temperature):
    apart, plan = peaks([(0, 0), (0, 3), (3, 0)]), hand_made([0, 0, 0])
    assert separation_loss(apart, plan, temperature=temperature).item() == pytest.approx(
        0, abs=1e-3
    )
    same = peaks([(1, 1)] * 3)
    assert separation_loss(same, plan, temperature=temperature).item() == pytest.approx(
        1 / 3, abs=1e-3
    )


def test_separation_is_the_mean_over_objects():
    # An identical pair, and three apart.
    maps = torch.cat([peaks([(1, 1)] * 2), peaks([(0, 0), (3, 3), (0, 3)])])
    assert separation_loss(maps, hand_made([0, 0, 1, 1, 1])).item() == pytest.approx(
        (1 / 2 + 0) / 2, abs=1e-4
    )
    assert separation_loss(maps[:1], hand_made([0])).item() == pytest.approx(0, abs=1e-5)


def test_the_printed_separation_has_no_gradient_and_the_soft_one_has():
    maps = torch.rand(4, N, generator=torch.Generator().manual_seed(1), requires_grad=True)
    plan = hand_made([0, 0, 1, 1])
    assert not separation_loss(maps, plan).requires_grad
    separation_loss(maps, plan, temperature=0.05).backward()
    assert torch.isfinite(maps.grad).all() and (maps.grad.abs().sum(1) > 0).all()


def test_a_step_down_the_soft_gradient_separates_maps():
    maps = torch.rand(3, N, generator=torch.Generator().manual_seed(2), requires_grad=True)
    plan = hand_made([0, 0, 0])
    optimizer, first = torch.optim.Adam([maps], lr=0.02), separation_loss(maps, plan).item()
    for _ in range(60):
        optimizer.zero_grad()
        separation_loss(maps, plan, temperature=0.05).backward()
        optimizer.step()
    assert separation_loss(maps, plan).item() < 0.5 * first  # the printed loss sees it too


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_soft_separation_tends_to_the_printed_one_as_the_temperature_falls(seed):
    maps = torch.rand(4, N, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    plan = hand_made([0, 0, 1, 1])
    closest = (normalise_maps(maps, GRID) - 0.3).abs().min().item()
    hard = separation_loss(maps, plan).item()
    assert separation_loss(maps, plan, temperature=closest / 30).item() == pytest.approx(
        hard, abs=1e-4
    )


def test_claims_reach_the_threshold_itself():
    assert claims(torch.tensor([0.29, 0.3, 0.31], dtype=torch.float64), 0.3).tolist() == [0, 1, 1]
    assert soft_claims(torch.tensor([0.3], dtype=torch.float64), 0.3, 0.05).item() == pytest.approx(
        0.5
    )


# ---- enhancement (Eq. 9) -------------------------------------------------------------------------


@given(st.integers(0, 1000))
@settings(max_examples=20)
def test_enhancement_is_one_minus_the_weakest_peak_inside_its_mask(seed):
    rng = torch.Generator().manual_seed(seed)
    maps, area = (
        torch.rand(5, N, generator=rng),
        torch.rand(5, N, generator=rng).sub(0.5).clamp(min=0),
    )
    area[:, 0] += 0.1
    group, losses = [0, 0, 1, 1, 1], []
    for g in range(2):
        peak_of_each = [
            max(float(maps[k, n]) for n in range(N) if area[k, n] > 0)
            for k in range(5)
            if group[k] == g
        ]
        losses.append(1 - min(peak_of_each))
    assert enhancement_loss(maps, hand_made(group, area)).item() == pytest.approx(
        sum(losses) / 2, abs=1e-6
    )


def test_enhancement_lifts_the_weakest_peak_and_no_other():
    maps = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.3]], requires_grad=True)
    area = torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # row 1: the 0.8 lies outside
    enhancement_loss(maps, hand_made([0, 0, 0], area)).backward()
    assert maps.grad.tolist() == [[0, 0], [-1, 0], [0, 0]]


def test_a_part_of_one_pixel_gets_its_gradient_through_the_whole_model():
    masks = torch.zeros(1, 5, SIZE, SIZE, dtype=torch.bool)
    masks[0, 0, :20], masks[0, 1, 31, 31] = True, True
    model = tiny_model()
    plan = plan_attention(area_on_grid(masks, GRID), CONDITIONS)
    model(random_activations(1), CONDITIONS, plan.tap)
    maps = object_part_maps(plan)
    assert len(maps) == 2 and 0 <= maps.min() and (maps.sum(-1) <= 2 + 1e-5).all()
    enhancement_loss(maps[1:], hand_made([0], plan.area[1:])).backward()
    assert model.decoder.blocks[-1].self_attn.q_proj.weight.grad.abs().sum() > 0
