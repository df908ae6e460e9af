"""Attention control: where do the parts of one object look?

Do they overlap, does one of them look nowhere? The maps come out of the decoder's
last block through `AttentionTap` (Eq. 6); the separation loss (Eqs. 7-8) punishes
places that several parts of an object claim, the enhancement loss (Eq. 9) lifts the
part with the weakest peak. Letters: K maps, one for each object part present in an
image; G objects present; N places of the grid.
"""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from ..network.decoder import AttentionTap
from ..network.models import Conditions


def area_on_grid(masks: Tensor, grid: int) -> Tensor:
    """The share of each grid cell that a mask covers, `float [B, T, grid*grid]`.

    Area-aware, so a part of one pixel still has a cell with a positive share.

    Args:
        masks: binary, `[B, T, S, S]`.
        grid: side of the grid of patches.
    """
    return F.adaptive_avg_pool2d(masks.float(), grid).flatten(2)


@dataclass
class AttentionPlan:
    """Which attention the object parts of a batch need, and how maps come of it.

    Attributes:
        tap: hand this to the model's forward.
        part_row: rows of `tap.weights` with the part's attention, `int64 [K]`.
        object_row: rows with the object's attention, `int64 [K]`.
        area: share of each cell covered by the part, `float [K, N]`.
        image: image in the batch, `int64 [K]`.
        slot: object part among the conditions of that image, `int64 [K]`.
        obj: object among the conditions of that image, `int64 [K]`; parts of one
            object in one image meet in a group.
        group: number of that group, `int64 [K], 0..G-1`.
        groups: their number G.
    """

    tap: AttentionTap
    part_row: Tensor
    object_row: Tensor
    area: Tensor
    image: Tensor
    slot: Tensor
    obj: Tensor
    group: Tensor
    groups: int

    def regrouped(self, maps: Tensor, obj: Tensor) -> "AttentionPlan | None":
        """The plan of some of its maps, in other groups; None without maps.

        Args:
            maps: which ones, `int64 [M]`; one may come twice.
            obj: the object in whose group each stands, `int64 [M]`.
        """
        if not len(maps):
            return None
        fields = {
            name: getattr(self, name)[maps]
            for name in ("part_row", "object_row", "area", "image", "slot")
        }
        return replace(self, **fields, obj=obj, **_groups(fields["image"], obj))

    def to(self, device: torch.device) -> "AttentionPlan":
        """The same plan on another device, which is not waited for."""
        moved = {
            name: value.to(device, non_blocking=True)
            for name, value in vars(self).items()
            if isinstance(value, Tensor)
        }
        rows = self.tap.rows.to(device, non_blocking=True)
        return replace(self, **moved, tap=replace(self.tap, rows=rows))


def _groups(image: Tensor, obj: Tensor) -> dict:
    """The groups of maps that share image and object, numbered."""
    pairs, group = (image * (obj.amax() + 1) + obj).unique(return_inverse=True)
    return {"group": group, "groups": len(pairs)}


def plan_attention(area: Tensor, conditions: Conditions) -> AttentionPlan | None:
    """The plan for the parts that have an area; None if there is none.

    Args:
        area: of `area_on_grid`, `float [B, T, N]`.
        conditions: with or without batch axis.
    """
    image, slot = (area.sum(-1) > 0).nonzero(as_tuple=True)  # (K,), (K,)
    if not len(image):
        return None
    words = conditions.expand(len(area))
    parts, objects = words.parts.shape[1], words.objects.shape[1]
    sequences = parts + objects + 1
    obj = words.object_of[image, slot]
    part_sequence = image * sequences + words.part_of[image, slot]
    object_sequence = image * sequences + parts + obj
    rows, where = torch.cat([part_sequence, object_sequence]).unique(
        return_inverse=True
    )
    part_row, object_row = where.chunk(2)
    return AttentionPlan(
        AttentionTap(rows),
        part_row,
        object_row,
        area[image, slot],
        image,
        slot,
        obj,
        **_groups(image, obj),
    )


def object_part_maps(plan: AttentionPlan) -> Tensor:
    """Eq. 6: A = mean over the part's mask of (A_object + A_part), `float [K, N]`.

    From the tapped attention, mean of the heads. Queries are averaged with the
    part's area in each cell as weight: exactly the mean over the pixels of the mask
    when each pixel takes the attention of its cell. Rows and columns of the class
    token are left out.
    """
    attention = plan.tap.weights.to(plan.area.dtype).mean(dim=1)[:, 1:, 1:]
    share = plan.area / plan.area.sum(-1, keepdim=True).clamp(min=1e-12)  # (K, N)
    # Averaging first and adding afterwards keeps K maps in memory, not K x N.
    of_object = share[:, None] @ attention[plan.object_row]  # (K, 1, N)
    of_part = share[:, None] @ attention[plan.part_row]
    return (of_object + of_part)[:, 0]


def stretch(maps: Tensor) -> Tensor:
    """Each map stretched to 0..1 (min-max), `float [K, N]` as `maps`."""
    low, high = maps.amin(-1, keepdim=True), maps.amax(-1, keepdim=True)
    return (maps - low) / (high - low + 1e-9)


def smooth(maps: Tensor, grid: int) -> Tensor:
    """Each map `[K, N]` after a 3x3 Gaussian of sigma 0.5, reflected at the border.

    It is Attend-and-Excite's smoothing.
    """
    return gaussian_blur(maps.view(-1, 1, grid, grid), [3, 3], [0.5, 0.5]).flatten(
        1
    )


def normalise_maps(maps: Tensor, grid: int) -> Tensor:
    """A^norm of Eq. 7: each map `[K, N]` stretched to 0..1, then smoothed."""
    return smooth(stretch(maps), grid)


def claims(normalised: Tensor, gamma: float) -> Tensor:
    """Eq. 7: B = 1 where the normalised map reaches `gamma`, else 0."""
    return (normalised >= gamma).to(normalised.dtype)


def soft_claims(normalised: Tensor, gamma: float, temperature: float) -> Tensor:
    """Eq. 7 with a sigmoid in place of the step: 0..1, and a gradient."""
    return torch.sigmoid((normalised - gamma) / temperature)


def overlap(claim: Tensor, group: Tensor, groups: int) -> Tensor:
    """The ratio of Eq. 8 for each object, `float [G]`; it has no gradient.

    Places that several parts claim / places that any claims.
    """
    # (G, N)
    count = claim.new_zeros(groups, claim.shape[1]).index_add(0, group, claim)
    return (count > 1).sum(-1) / (count >= 1).sum(-1).clamp(min=1)


def soft_overlap(claim: Tensor, group: Tensor, groups: int) -> Tensor:
    """The ratio of Eq. 8 for claims in 0..1, `float [G]`.

    Equal to `overlap` where claims are 0 and 1. Claims are taken as independent
    chances: none = prod(1 - B), exactly one = sum_c B_c prod_{others}(1 - B).
    """
    free = (1 - claim).clamp(min=1e-6)
    # (G, N)
    none = (
        claim.new_zeros(groups, claim.shape[1])
        .index_add(0, group, free.log())
        .exp()
    )
    one = none * claim.new_zeros(groups, claim.shape[1]).index_add(
        0, group, claim / free
    )
    many = (1 - none - one).clamp(min=0)
    return many.sum(-1) / (1 - none).sum(-1).clamp(min=1e-6)


def parts_in(group: Tensor, groups: int) -> Tensor:
    """|C| of Eq. 8: how many parts each object shows, int64 [G]."""
    return group.new_zeros(groups).index_add(0, group, torch.ones_like(group))


def separation_loss(claim: Tensor, group: Tensor, groups: int) -> Tensor:
    """Eq. 8 for each object, `float [G]`: overlap over the number of its parts.

    Claims are `[K, N]`.
    """
    return overlap(claim, group, groups) / parts_in(group, groups)


def soft_separation_loss(claim: Tensor, group: Tensor, groups: int) -> Tensor:
    """Eq. 8 with the gradient that the printed one lacks, [G].

    Claims [K, N] come from `soft_claims`.
    """
    return soft_overlap(claim, group, groups) / parts_in(group, groups)


def peaks(maps: Tensor, area: Tensor) -> Tensor:
    """Each map's peak inside its part's mask, `float [K]`.

    0 where the mask has no cell. It is the inner maximum of Eq. 9.
    """
    return torch.where(area > 0, maps, torch.zeros_like(maps)).amax(-1)


def enhancement_loss(peak: Tensor, group: Tensor, groups: int) -> Tensor:
    """Eq. 9 for each object, [G]: 1 - the smallest of its parts' peaks [K]."""
    return 1 - peak.new_full((groups,), torch.inf).scatter_reduce(
        0, group, peak, "amin"
    )
