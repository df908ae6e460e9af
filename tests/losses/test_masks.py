"""The mask losses equal their definitions, pixel by pixel; no corner case costs a step."""

import math

import numpy as np
import pytest
import torch
from helpers import DRAWN, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.losses.masks import (
    LEFT_OUT,
    Targets,
    dice_loss,
    make_targets,
    mask_losses,
    masked_bce,
)
from partclipseg_lite.network.models import SegmentationOutput

B, T, P, O, S = 2, 4, 3, 2, 6  # noqa: E741


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def output(seed=0, dtype=torch.float64, grad=False):
    def make(channels, k):
        return random(B, channels, S, S, seed=10 * seed + k).to(dtype).requires_grad_(grad)

    return SegmentationOutput(make(T + 1, 0), make(P, 1), make(O, 2), make(1, 3))


def targets(seed=0, background=True, parts=True, valid=None):
    """Random labels: object ids 0..O-1, part ids 0..T-1.

    `background=False` puts an object at every pixel.
    """
    rng = np.random.default_rng(seed)
    objects = torch.from_numpy(rng.integers(IGNORE if background else 0, O, (B, S, S)))
    labels = torch.from_numpy(rng.integers(IGNORE if background else 0, T, (B, S, S)))
    labels = (
        torch.where(objects == IGNORE, IGNORE, labels) if parts else torch.full((B, S, S), IGNORE)
    )
    valid = torch.ones(B, T, dtype=torch.bool) if valid is None else valid
    each = lambda count: torch.arange(count).expand(B, count)  # noqa: E731
    return make_targets(
        objects, labels, torch.tensor([0, 1, 2, 1]), each(T), each(P), each(O), valid
    )


def bce(logit: float, mask: bool) -> float:
    probability = 1 / (1 + math.exp(-logit))
    return -math.log(probability if mask else 1 - probability)


def mean_over(logits, masks, pixels, weights):
    """The mean, pixel by pixel and channel by channel."""
    total, count = 0.0, 0
    for b in range(logits.shape[0]):
        for y in range(S):
            for x in range(S):
                for c in range(logits.shape[1]):
                    if pixels[b, 0, y, x] and weights[b][c] > 0:
                        total += weights[b][c] * bce(
                            logits[b, c, y, x].item(), bool(masks[b, c, y, x])
                        )
                        count += 1
    return total / max(count, 1)


# ---- targets -------------------------------------------------------------------------------------


@given(st.integers(0, 1000))
@settings(max_examples=10)
def test_targets_are_what_a_loop_over_pixels_finds(seed):
    rng = np.random.default_rng(seed)
    part_of = torch.from_numpy(rng.integers(0, 7, 9))  # 9 object parts of 7 generalized parts
    part_map = torch.from_numpy(rng.integers(IGNORE, 9, (B, S, S)))
    object_map = torch.from_numpy(rng.integers(IGNORE, 5, (B, S, S)))
    asked = [
        torch.from_numpy(np.stack([rng.permutation(n)[:k] for _ in range(B)]))
        for n, k in ((9, T), (7, P), (5, O))
    ]
    valid = torch.from_numpy(rng.random((B, T)) < 0.7)
    found = make_targets(object_map, part_map, part_of, *asked, valid)
    for b in range(B):
        for y in range(S):
            for x in range(S):
                part, obj = int(part_map[b, y, x]), int(object_map[b, y, x])
                general = int(part_of[part]) if part != IGNORE else None
                assert found.part_pixels[b, 0, y, x] == (part != IGNORE)
                assert found.background[b, 0, y, x] == (obj == IGNORE)
                for t in range(T):
                    assert found.object_parts[b, t, y, x] == (
                        part == int(asked[0][b, t]) and bool(valid[b, t])
                    )
                for p in range(P):
                    assert found.parts[b, p, y, x] == (general == int(asked[1][b, p]))
                for o in range(O):
                    assert found.objects[b, o, y, x] == (obj == int(asked[2][b, o]))


def test_a_cats_and_a_cows_head_both_teach_head():
    drawn = sample(("cat", "cow"))
    head = DRAWN.parts.index("head")
    heads = [DRAWN.index("cat's head"), DRAWN.index("cow's head")]
    part_map = torch.from_numpy(drawn.part_map).clone()
    part_map[part_map == part_map[part_map >= 0].min()] = heads[0]
    part_map[part_map == part_map.max()] = heads[1]
    found = make_targets(
        torch.from_numpy(drawn.object_map)[None],
        part_map[None],
        DRAWN.part_of,
        torch.tensor([heads]),
        torch.tensor([[head]]),
        torch.tensor([[0]]),
        torch.ones(1, 2, dtype=torch.bool),
    )
    assert found.object_parts.any(dim=(2, 3)).all()
    assert torch.equal(found.parts[0, 0], found.object_parts[0].any(0))


# ---- losses --------------------------------------------------------------------------------------


@given(st.integers(0, 1000), st.floats(0.01, 1))
@settings(max_examples=5)
def test_losses_equal_their_definitions_written_out(seed, background_weight):
    valid = torch.from_numpy(np.random.default_rng(seed).random((B, T)) < 0.7)
    out, goal = output(seed), targets(seed, valid=valid)
    found = mask_losses(out, goal, background_weight)
    ones = lambda count: [[1.0] * count for _ in range(B)]  # noqa: E731
    with_background = torch.cat([goal.object_parts, goal.background], 1)
    weights = [[float(v) for v in valid[b]] + [background_weight] for b in range(B)]
    everywhere = torch.ones(B, 1, S, S, dtype=torch.bool)
    expected = {
        "object_part": mean_over(out.object_part_logits, with_background, goal.part_pixels, weights)
        + mean_over(out.object_part_logits, with_background, goal.background, weights),
        "part": mean_over(out.part_logits, goal.parts, goal.part_pixels, ones(P)),
        "object": mean_over(
            torch.cat([out.object_logits, out.background_logits], 1),
            torch.cat([goal.objects, goal.background], 1),
            everywhere,
            [[1.0] * O + [background_weight]] * B,
        ),
    }
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].item() == pytest.approx(value, rel=1e-9), name


def dice_over(logits, masks, pixels):
    """The mean Dice loss of the channels that show something, pixel by pixel."""
    losses = []
    for b in range(logits.shape[0]):
        for c in range(masks.shape[1]):
            places = [(y, x) for y in range(S) for x in range(S) if pixels[b, 0, y, x]]
            true = [float(masks[b, c, y, x]) for y, x in places]
            found = [1 / (1 + math.exp(-logits[b, c, y, x].item())) for y, x in places]
            if sum(true):
                losses.append(
                    1
                    - (2 * sum(p * t for p, t in zip(found, true, strict=True)) + 1)
                    / (sum(found) + sum(true) + 1)
                )
    return sum(losses) / max(len(losses), 1)


@given(st.integers(0, 1000))
@settings(max_examples=5)
def test_dice_equals_its_definition_written_out(seed):
    out, goal = output(seed), targets(seed)
    goal.counted[0, :, :2] = False
    expected = (
        dice_over(out.object_part_logits, goal.object_parts, goal.counted)
        + dice_over(out.part_logits, goal.parts, goal.part_pixels)
        + dice_over(out.object_logits, goal.objects, goal.counted)
    )
    assert dice_loss(out, goal).item() == pytest.approx(expected, rel=1e-9)


def test_dice_counts_a_small_part_like_a_large_one_and_absent_ones_not_at_all():
    object_map = torch.zeros(B, S, S, dtype=torch.long)
    labels = torch.full((B, S, S), 3)
    labels[:, 0, 0] = 1  # one pixel of part 1, the rest is part 3
    each = lambda count: torch.arange(count).expand(B, count)  # noqa: E731
    goal = make_targets(
        object_map,
        labels,
        torch.tensor([0, 1, 2, 1]),
        each(T),
        each(P),
        each(O),
        torch.ones(B, T, dtype=torch.bool),
    )
    logits = torch.full((B, T + 1, S, S), -30.0)  # nothing is found
    only = lambda x: dice_loss(SegmentationOutput(x), goal).item()  # noqa: E731
    nothing = only(logits)
    small, large, absent = logits.clone(), logits.clone(), logits.clone()
    small[:, 1, 0, 0] = 30
    large[:, 3][labels == 3] = 30
    absent[:, 0] = 30
    # 1/2: the added ones, one pixel.
    assert nothing - only(small) == pytest.approx((1 - 1 / 2) / 2, abs=1e-5)
    assert nothing - only(large) == pytest.approx((1 - 1 / 36) / 2, abs=1e-5)
    assert only(absent) == nothing


def test_dice_of_nothing_shown_is_zero_and_left_out_objects_teach_nothing():
    out, goal = output(grad=True), targets(background=False, parts=False)
    goal.objects[:] = False
    assert dice_loss(out, goal) == 0
    object_map = torch.zeros(B, S, S, dtype=torch.long)
    object_map[:, 3:] = LEFT_OUT
    each = lambda count: torch.arange(count).expand(B, count)  # noqa: E731
    labels = torch.where(object_map == LEFT_OUT, IGNORE, 0)
    dice_loss(
        out,
        make_targets(
            object_map,
            labels,
            torch.tensor([0, 1, 2, 1]),
            each(T),
            each(P),
            each(O),
            torch.ones(B, T, dtype=torch.bool),
        ),
    ).backward()
    for logits in (out.object_part_logits, out.part_logits, out.object_logits):
        assert logits.grad[:, 0, :3].abs().min() > 0 and logits.grad[:, :, 3:].abs().sum() == 0


def test_the_baseline_has_one_term():
    out = output()
    only = mask_losses(SegmentationOutput(out.object_part_logits), targets())
    assert list(only) == ["object_part"]
    assert only["object_part"] == mask_losses(out, targets())["object_part"]


def test_an_object_without_parts_teaches_objects_only():
    out, goal = output(grad=True), targets(background=False, parts=False)
    losses = mask_losses(out, goal)
    assert losses["part"] == 0 and losses["object_part"] == 0 and losses["object"] > 0
    sum(losses.values()).backward()
    assert out.part_logits.grad.abs().sum() == 0 and out.object_logits.grad.abs().sum() > 0


def test_a_batch_without_background_loses_one_term_and_not_the_step():
    out, goal = output(grad=True), targets(background=False)
    assert not goal.background.any()
    losses = mask_losses(out, goal)
    masks = torch.cat([goal.object_parts, goal.background], 1)
    weights = [[1.0] * T + [0.05]] * B
    expected = mean_over(out.object_part_logits, masks, goal.part_pixels, weights)
    assert losses["object_part"].item() == pytest.approx(expected)
    sum(losses.values()).backward()
    for logits in (
        out.object_part_logits,
        out.part_logits,
        out.object_logits,
        out.background_logits,
    ):
        assert torch.isfinite(logits.grad).all() and logits.grad.abs().sum() > 0


def test_a_batch_of_nothing_but_background_keeps_every_loss_finite():
    out = output(grad=True)
    nothing = torch.full((B, S, S), IGNORE)
    each = lambda count: torch.arange(count).expand(B, count)  # noqa: E731
    goal = make_targets(
        nothing,
        nothing,
        torch.tensor([0, 1, 2, 1]),
        each(T),
        each(P),
        each(O),
        torch.ones(B, T, dtype=torch.bool),
    )
    losses = mask_losses(out, goal)
    sum(losses.values()).backward()
    assert losses["part"] == 0 and losses["object_part"] > 0 and losses["object"] > 0
    assert torch.isfinite(out.object_part_logits.grad).all()


def test_padding_gets_no_gradient_and_changes_no_loss():
    valid = torch.tensor([[True, True, False, True], [True, False, False, True]])
    out, goal = output(grad=True), targets(valid=valid)
    loss = mask_losses(out, goal)["object_part"]
    loss.backward()
    per_channel = out.object_part_logits.grad.abs().sum(dim=(2, 3))
    assert ((per_channel[:, :T] > 0) == valid).all() and (per_channel[:, T] > 0).all()
    changed = out.object_part_logits.detach().clone()
    changed[:, :T][~valid] = 7.0
    again = mask_losses(SegmentationOutput(changed), goal)["object_part"]
    assert again.item() == pytest.approx(loss.item(), rel=1e-12)


def test_perfect_masks_cost_nothing_and_inverted_ones_a_lot():
    goal = targets()
    sign = lambda masks: masks.double() * 40 - 20  # noqa: E731
    perfect = SegmentationOutput(
        sign(torch.cat([goal.object_parts, goal.background], 1)),
        sign(goal.parts),
        sign(goal.objects),
        sign(goal.background),
    )
    assert all(value < 1e-8 for value in mask_losses(perfect, goal).values())
    inverted = SegmentationOutput(*(-x for x in vars(perfect).values()))
    assert all(value > 1 for value in mask_losses(inverted, goal).values())


def test_no_background_weight_takes_the_channel_out_of_the_mean():
    out, goal = output(), targets()
    masks = torch.cat([goal.object_parts, goal.background], 1)
    expected = sum(
        mean_over(out.object_part_logits, masks, pixels, [[1.0] * T + [0.0]] * B)
        for pixels in (goal.part_pixels, goal.background)
    )
    assert mask_losses(out, goal, background_weight=0)["object_part"].item() == pytest.approx(
        expected
    )


def test_huge_logits_do_not_overflow():
    logits = torch.tensor([[[[1e4, -1e4]]]], requires_grad=True)
    everywhere = torch.ones(1, 1, 1, 2, dtype=torch.bool)
    loss = masked_bce(logits, torch.tensor([[[[False, True]]]]), [everywhere], torch.ones(1, 1))[0]
    loss.backward()
    assert loss.item() == pytest.approx(1e4) and torch.isfinite(logits.grad).all()


def test_targets_name_their_fields():
    goal = targets()
    assert (
        isinstance(goal, Targets) and goal.object_parts.dtype == goal.background.dtype == torch.bool
    )
    assert (goal.object_parts.any(1, keepdim=True) <= goal.part_pixels).all()
    assert not (goal.background & goal.part_pixels).any()
