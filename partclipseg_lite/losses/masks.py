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
    """

    object_parts: Tensor
    parts: Tensor
    objects: Tensor
    background: Tensor
    part_pixels: Tensor
    counted: Tensor
    valid: Tensor


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


def masked_bce(
    logits: Tensor, masks: Tensor, selections: list[Tensor], weight: Tensor
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
    """
    right = torch.where(masks, logits, -logits).flatten(2)  # (B, C, S*S)
    # Halves are too coarse.
    right = right.to(torch.promote_types(right.dtype, torch.float32))
    bce = -(weight.to(right.dtype)[:, None] @ F.logsigmoid(right))  # (B, 1, S*S)
    means = []
    for pixels in selections:
        count = (pixels.sum(dim=(1, 2, 3))[:, None] * (weight > 0)).sum()
        means.append((bce * pixels.flatten(2)).sum() / count.clamp(min=1))
    return means


def mask_losses(
    output: SegmentationOutput, targets: Targets, background_weight: float = 0.05
) -> dict[str, Tensor]:
    """The terms of Eq. 5, unweighted, by name.

    `object_part`, with background channel, and for PartCLIPSeg `part` and `object`.
    Which pixels count is not in the paper; as released, object parts learn from
    part pixels and from background (two means, added), parts from part pixels,
    objects from every pixel. An object's pixels without a part teach objects only.
    """
    channels = targets.valid.to(
        torch.promote_types(output.object_part_logits.dtype, torch.float32)
    )
    background = channels.new_full((len(channels), 1), background_weight)
    masks = torch.cat([targets.object_parts, targets.background], dim=1)
    on_parts, on_background = masked_bce(
        output.object_part_logits,
        masks,
        [targets.part_pixels, targets.background],
        torch.cat([channels, background], dim=1),
    )
    losses = {"object_part": on_parts + on_background}
    if output.part_logits is not None:
        ones = lambda x: channels.new_ones(x.shape[:2])  # noqa: E731
        losses["part"] = masked_bce(
            output.part_logits,
            targets.parts,
            [targets.part_pixels],
            ones(output.part_logits),
        )[0]
        logits = torch.cat([output.object_logits, output.background_logits], dim=1)
        losses["object"] = masked_bce(
            logits,
            torch.cat([targets.objects, targets.background], dim=1),
            [targets.counted],
            torch.cat([ones(output.object_logits), background], dim=1),
        )[0]
    return losses


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
    terms = [
        (
            output.object_part_logits[:, :parts],
            targets.object_parts,
            targets.counted,
        )
    ]
    if output.part_logits is not None:
        terms += [
            (output.part_logits, targets.parts, targets.part_pixels),
            (output.object_logits, targets.objects, targets.counted),
        ]
    means = []
    for logits, masks, pixels in terms:
        # (B, 1, S*S)
        allowed = pixels.flatten(2).to(
            torch.promote_types(logits.dtype, torch.float32)
        )
        # (B, C, S*S)
        found, true = (
            logits.to(allowed.dtype).sigmoid().flatten(2) * allowed,
            masks.flatten(2) * allowed,
        )
        # (B, C)
        overlap, size = (found * true).sum(-1), found.sum(-1) + true.sum(-1)
        shown = true.sum(-1) > 0
        means.append(
            ((1 - (2 * overlap + 1) / (size + 1)) * shown).sum()
            / shown.sum().clamp(min=1)
        )
    return torch.stack(means).sum()
