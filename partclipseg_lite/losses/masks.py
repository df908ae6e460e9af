"""Mask losses at three granularities (Eq. 5).

Each is a binary cross-entropy over the pixels that can teach something.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..datasets.sample import IGNORE
from ..network.models import SegmentationOutput

# In an object map of training: a pixel of a novel object, whose parts must stay
# unknown.
LEFT_OUT = -2


@dataclass
class Targets:
    """Masks of the conditions of a batch, at the resolution of the logits.

    Attributes:
        object_parts: `bool [B, T, S, S]`.
        parts: `bool [B, P, S, S]`.
        objects: `bool [B, O, S, S]`.
        background: nothing labelled, `bool [B, 1, S, S]`.
        part_pixels: some part labelled, `bool [B, 1, S, S]`.
        counted: pixels that teach the object channels, `bool [B, 1, S, S]`.
        valid: False for padding among the object parts, `bool [B, T]`.
        whole: what the means are over, by name, where these images are a share of
            a larger batch; None where they are all.
    """

    object_parts: Tensor
    parts: Tensor
    objects: Tensor
    background: Tensor
    part_pixels: Tensor
    counted: Tensor
    valid: Tensor
    whole: dict[str, Tensor] | None = None


def make_targets(
    object_map: Tensor,
    part_map: Tensor,
    part_of: Tensor,
    object_part_ids: Tensor,
    part_ids: Tensor,
    object_ids: Tensor,
    valid: Tensor,
) -> Targets:
    """Masks of all conditions, from the two label maps of each image.

    A pixel teaches "head" whether it is a cat's or a cow's. That is how one
    annotation supervises three granularities. Objects marked `LEFT_OUT` teach
    nothing.

    Args:
        object_map: object ids, `int64 [B, S, S]`.
        part_map: object-part ids, `int64 [B, S, S]`.
        part_of: generalized part of each object part, `int64 [all object parts]`.
        object_part_ids: ids of the conditions, `int64 [B, T]`.
        part_ids: the same for parts, `int64 [B, P]`.
        object_ids: the same for objects, `int64 [B, O]`.
        valid: False for padding among the object parts, `bool [B, T]`.
    """
    labelled = part_map != IGNORE
    general = torch.where(
        labelled, part_of.to(part_map.device)[part_map.clamp(min=0)], IGNORE
    )
    one_of = lambda m, ids: m[:, None] == ids[:, :, None, None]  # noqa: E731
    return Targets(
        one_of(part_map, object_part_ids) & valid[:, :, None, None],
        one_of(general, part_ids),
        one_of(object_map, object_ids),
        (object_map == IGNORE)[:, None],
        labelled[:, None],
        (object_map != LEFT_OUT)[:, None],
        valid,
    )


def values(pixels: Tensor, weight: Tensor) -> Tensor:
    """How many values a mean is over: pixels selected, channels of positive weight.

    Args:
        pixels: `bool [B, 1, S, S]`.
        weight: `float [B, C]`.
    """
    return (pixels.sum(dim=(1, 2, 3))[:, None] * (weight > 0)).sum()


def masked_bce(
    logits: Tensor,
    masks: Tensor,
    selections: list[Tensor],
    weight: Tensor,
    counts: list[Tensor] | None = None,
) -> list[Tensor]:
    """Mean of weight * BCE over each selection of pixels, one number a selection.

    BCE is -log sigmoid(x) where the mask is, -log sigmoid(-x) elsewhere. The mean
    is over the pixels selected and the channels of positive weight. Several
    selections share one pass over the logits. 0 if nothing is selected: a batch
    without background must lose one term, not the whole step.

    Args:
        logits: `float [B, C, S, S]`.
        masks: `bool [B, C, S, S]`.
        selections: pixels that count, each `bool [B, 1, S, S]`.
        weight: `float [B, C]`.
        counts: what each mean is over, if that is more than these images.
    """
    right = torch.where(masks, logits, -logits).flatten(2)  # (B, C, S*S)
    # Halves are too coarse.
    right = right.to(torch.promote_types(right.dtype, torch.float32))
    bce = -(weight.to(right.dtype)[:, None] @ F.logsigmoid(right))  # (B, 1, S*S)
    counts = counts or [values(pixels, weight) for pixels in selections]
    return [
        (bce * pixels.flatten(2)).sum() / count.clamp(min=1)
        for pixels, count in zip(selections, counts, strict=True)
    ]


def questions(targets: Targets, background_weight: float) -> dict[str, tuple]:
    """What Eq. 5 asks at each granularity: masks, pixels that count, weights.

    Which pixels count is not in the paper; as released, object parts learn from
    part pixels and from background (two means, added), parts from part pixels,
    objects from every pixel. An object's pixels without a part teach objects only.
    """
    channels = targets.valid.double()  # (B, T)
    background = channels.new_full((len(channels), 1), background_weight)
    ones = lambda masks: channels.new_ones(masks.shape[:2])  # noqa: E731
    return {
        "object_part": (
            torch.cat([targets.object_parts, targets.background], dim=1),
            {"part_pixels": targets.part_pixels, "background": targets.background},
            torch.cat([channels, background], dim=1),
        ),
        "part": (
            targets.parts,
            {"part": targets.part_pixels},
            ones(targets.parts),
        ),
        "object": (
            torch.cat([targets.objects, targets.background], dim=1),
            {"object": targets.counted},
            torch.cat([ones(targets.objects), background], dim=1),
        ),
    }


def mask_counts(
    targets: Targets, background_weight: float = 0.05
) -> dict[str, Tensor]:
    """How many values each mean of `mask_losses` is over, `int64 []` by name."""
    return {
        name: values(pixels, weight)
        for _, selections, weight in questions(targets, background_weight).values()
        for name, pixels in selections.items()
    }


def mask_losses(
    output: SegmentationOutput, targets: Targets, background_weight: float = 0.05
) -> dict[str, Tensor]:
    """The terms of Eq. 5, unweighted, by name; see `questions`.

    `object_part`, with background channel, and for PartCLIPSeg `part` and `object`.
    """
    logits = {"object_part": output.object_part_logits}
    if output.part_logits is not None:
        logits["part"] = output.part_logits
        logits["object"] = torch.cat(
            [output.object_logits, output.background_logits], dim=1
        )
    losses, asked = {}, questions(targets, background_weight)
    for name in logits:
        masks, selections, weight = asked[name]
        counts = targets.whole and [targets.whole[key] for key in selections]
        losses[name] = sum(
            masked_bce(logits[name], masks, [*selections.values()], weight, counts)
        )
    return losses


def dice_questions(targets: Targets) -> dict[str, tuple[Tensor, Tensor]]:
    """Masks and pixels that count, at each granularity."""
    return {
        "dice_object_part": (targets.object_parts, targets.counted),
        "dice_part": (targets.parts, targets.part_pixels),
        "dice_object": (targets.objects, targets.counted),
    }


def shown(masks: Tensor, pixels: Tensor) -> Tensor:
    """Which channels have a pixel that counts, `bool [B, C]`."""
    return (masks & pixels).flatten(2).any(-1)


def dice_counts(targets: Targets) -> dict[str, Tensor]:
    """How many channels each mean of `dice_loss` is over, `int64 []` by name."""
    return {
        name: shown(masks, pixels).sum()
        for name, (masks, pixels) in dice_questions(targets).items()
    }


def dice_loss(output: SegmentationOutput, targets: Targets) -> Tensor:
    """The dice loss, averaged over the channels shown in their image.

    1 - 2 sum(p y) / (sum(p) + sum(y)) with p = sigmoid(logits). Every channel
    weighs the same, an eye of ten pixels like a torso of a thousand (Milletari et
    al., V-Net, 2016; 1 is added above and below the line). One mean for each
    granularity, added: parts over the pixels with a part, the others over every
    pixel but those of objects left out. Not in the paper. A granularity of which
    nothing is shown gives 0.
    """
    parts = output.object_part_logits.shape[1] - 1
    logits = {"dice_object_part": output.object_part_logits[:, :parts]}
    if output.part_logits is not None:
        logits["dice_part"] = output.part_logits
        logits["dice_object"] = output.object_logits
    means, asked = [], dice_questions(targets)
    for name, scores in logits.items():
        masks, pixels = asked[name]
        # (B, 1, S*S)
        allowed = pixels.flatten(2).to(
            torch.promote_types(scores.dtype, torch.float32)
        )
        # (B, C, S*S)
        found, true = (
            scores.to(allowed.dtype).sigmoid().flatten(2) * allowed,
            masks.flatten(2) * allowed,
        )
        # (B, C)
        overlap, size = (found * true).sum(-1), found.sum(-1) + true.sum(-1)
        there = shown(masks, pixels)
        count = targets.whole[name] if targets.whole else there.sum()
        means.append(
            ((1 - (2 * overlap + 1) / (size + 1)) * there).sum()
            / count.clamp(min=1)
        )
    return torch.stack(means).sum()
