"""Eq. 10, put together from the mask losses and attention control.

Each step is a method of `Objective`.
"""

from dataclasses import replace
from types import EllipsisType

import torch
from torch import Tensor, nn

from ..network.models import CLIPSeg, Conditions, PartCLIPSeg, SegmentationOutput
from ..settings import LossSettings
from . import attention_control as control
from .attention_control import AttentionPlan
from .masks import (
    Targets,
    dice_counts,
    dice_loss,
    make_targets,
    mask_counts,
    mask_losses,
)


class Objective:
    """What training minimises, as the paper means it (Eq. 10).

    L = L_mask + lambda_sep L_sep + lambda_enh L_enh. A subclass may put another
    step in the place of one of these; that is how the public release is followed.

    Args:
        loss: the weights, gamma, and the form of the separation loss ("paper":
            printed, without gradient; "soft").
        grid: side of the grid of patches.
    """

    def __init__(self, loss: LossSettings, grid: int):
        self.loss, self.grid, self.soft = loss, grid, loss.separation == "soft"

    def __call__(
        self,
        model: PartCLIPSeg | CLIPSeg,
        activations: list[Tensor],
        words: Conditions | Tensor,
        targets: Targets,
        chosen: AttentionPlan | None | EllipsisType = ...,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to minimise for one batch, and its unweighted terms by name.

        One forward serves masks and attention. Which maps are looked at may have
        been `chosen` before; otherwise it is read off the targets, for which a GPU
        has to be waited for.
        """
        if not self.controls(model):
            chosen = None
        elif chosen is ...:
            chosen = self.chosen(targets, words)
        plan = chosen and self.placed(chosen, targets)
        output = model(activations, words, plan and plan.tap)
        # Means over many pixels, and maps that meet a threshold: in full precision.
        device = output.object_part_logits.device.type
        with torch.autocast(device, enabled=False):
            terms = self.mask_losses(output, targets)
            if self.loss.dice_weight:
                terms["dice"] = dice_loss(output, targets)
            if plan is not None:
                terms |= self.attention_losses(plan, targets)
        return self.total(terms, targets), terms

    def total(self, terms: dict[str, Tensor], targets: Targets) -> Tensor:
        """The weighted sum of Eqs. 5 and 10."""
        loss = self.loss
        weights = {
            "object_part": 1.0,
            "part": loss.part_weight,
            "object": loss.object_weight,
            "dice": loss.dice_weight,
            "separation": loss.separation_weight,
            "enhancement": loss.enhancement_weight,
        }
        return sum(weights[name] * term for name, term in terms.items())

    # ---- what training meets

    def channels(self, images: Tensor) -> Tensor:
        """Training pictures as the network meets them, RGB `uint8 [B, 3, H, W]`."""
        return images

    def targets(
        self, object_map: Tensor, part_map: Tensor, *words: Tensor
    ) -> Targets:
        """See `make_targets`."""
        return make_targets(object_map, part_map, *words)

    def counts(
        self, targets: Targets, plan: AttentionPlan | None
    ) -> dict[str, Tensor]:
        """What the means of a batch are over, by name.

        The sums of several batches' counts make each, as `Targets.whole`, a share.
        """
        objects, images = plan.groups if plan else 0, len(targets.valid)
        number = lambda n: torch.full((), n, device=targets.valid.device)  # noqa: E731
        return {
            **mask_counts(targets, self.loss.background_weight),
            **(dice_counts(targets) if self.loss.dice_weight else {}),
            "objects": number(objects),
            "images": number(images),
        }

    def decayed(self, model: PartCLIPSeg | CLIPSeg) -> dict[str, nn.Parameter]:
        """What weight decay pulls towards zero, by name: all that is trained."""
        return {
            name: weight
            for name, weight in model.named_parameters()
            if weight.requires_grad
        }

    # ---- Eq. 5

    def mask_losses(
        self, output: SegmentationOutput, targets: Targets
    ) -> dict[str, Tensor]:
        """See `losses.masks.mask_losses`."""
        return mask_losses(output, targets, self.loss.background_weight)

    # ---- Eqs. 6-9

    def on_grid(self, masks: Tensor) -> Tensor:
        """Masks `bool [B, T, S, S]` on the grid of patches, `float [B, T, N]`."""
        return control.area_on_grid(masks, self.grid)

    def controls(self, model: PartCLIPSeg | CLIPSeg) -> bool:
        """Whether attention is looked at: the baseline has no parts of objects."""
        weights = self.loss.separation_weight, self.loss.enhancement_weight
        return isinstance(model, PartCLIPSeg) and any(weights)

    def plan(self, targets: Targets, words: Conditions) -> AttentionPlan | None:
        """Which maps a batch needs, grouped by object; None without a part."""
        chosen = self.chosen(targets, words)
        return chosen and self.placed(chosen, targets)

    def chosen(self, targets: Targets, words: Conditions) -> AttentionPlan | None:
        """The plan as far as it depends on what is shown, not on where."""
        shown = targets.object_parts.flatten(2).any(-1, keepdim=True)  # (B, T, 1)
        return control.plan_attention(shown.float(), words)

    def placed(self, plan: AttentionPlan, targets: Targets) -> AttentionPlan:
        """The plan with the masks of these targets on the grid."""
        masks = targets.object_parts[plan.image, plan.slot]  # (K, S, S)
        return replace(plan, area=self.on_grid(masks[None])[0])

    def attention_losses(
        self, plan: AttentionPlan, targets: Targets
    ) -> dict[str, Tensor]:
        """Both losses of attention control, each a mean over the objects shown."""
        maps = self.maps(plan)
        objects = targets.whole["objects"] if targets.whole else plan.groups
        return {
            "separation": self.separation(maps, plan).sum() / objects,
            "enhancement": self.enhancement(maps, plan).sum() / objects,
        }

    def maps(self, plan: AttentionPlan) -> Tensor:
        """Eq. 6, [K, N]."""
        return control.object_part_maps(plan)

    def smooth(self, maps: Tensor) -> Tensor:
        """Maps [K, N] after the Gaussian."""
        return control.smooth(maps, self.grid)

    def claims(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        """Eq. 7, [K, N], hard or soft."""
        normalised = self.smooth(control.stretch(maps))
        if self.soft:
            return control.soft_claims(
                normalised, self.loss.gamma, self.loss.temperature
            )
        return self.reached(normalised)

    def reached(self, normalised: Tensor) -> Tensor:
        """The hard claims of Eq. 7."""
        return control.claims(normalised, self.loss.gamma)

    def separation(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        """Eq. 8 of each object, [G]."""
        form = (
            control.soft_separation_loss if self.soft else control.separation_loss
        )
        return form(self.claims(maps, plan), plan.group, plan.groups)

    def peaks(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        """The peak of each map, [K]."""
        return control.peaks(maps, plan.area)

    def enhancement(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        """Eq. 9 of each object, [G]."""
        return control.enhancement_loss(
            self.peaks(maps, plan), plan.group, plan.groups
        )
