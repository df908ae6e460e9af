"""Attention control: where do the parts of one object look, do they overlap, does one of them look nowhere?

The maps come out of the decoder's last block through `AttentionTap` (Eq. 6); the separation loss (Eqs. 7-8) punishes
places that several parts of an object claim, the enhancement loss (Eq. 9) lifts the part with the weakest peak. Letters:
K maps, one for each object part present in an image; G objects present; N places of the grid.
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from .decoder import AttentionTap
from .model import Conditions


def area_on_grid(masks: Tensor, grid: int) -> Tensor:
    """Binary masks [B, T, S, S] -> the share of each grid cell that the mask covers, float [B, T, grid*grid].

    Area-aware, so a part of one pixel still has a cell with a positive share. (The release samples one pixel a cell and
    loses most eyes.)
    """
    return F.adaptive_avg_pool2d(masks.float(), grid).flatten(2)


@dataclass
class AttentionPlan:
    """Which attention is needed for the object parts present in a batch, and how maps are put together from it.

    Attributes:
        tap: hand this to the model's forward.
        part_row, object_row: int64 [K], rows of `tap.weights` with the part's and the object's attention.
        area: float [K, N], share of each cell covered by the part.
        group: int64 [K], index in 0..G-1 of the (image, object) that the part belongs to. groups: G.
        image, slot: int64 [K], image in the batch and object part among its conditions.
    """
    tap: AttentionTap
    part_row: Tensor
    object_row: Tensor
    area: Tensor
    group: Tensor
    groups: int
    image: Tensor
    slot: Tensor


def plan_attention(area: Tensor, conditions: Conditions) -> AttentionPlan | None:
    """`area` [B, T, N] of `area_on_grid`; `conditions` with or without batch axis. None if no part is present."""
    image, slot = (area.sum(-1) > 0).nonzero(as_tuple=True)                                    # (K,), (K,)
    if not len(image):
        return None
    words = conditions.expand(len(area))
    parts, objects = words.parts.shape[1], words.objects.shape[1]
    sequences = parts + objects + 1
    obj = words.object_of[image, slot]
    part_sequence = image * sequences + words.part_of[image, slot]
    object_sequence = image * sequences + parts + obj
    rows, where = torch.cat([part_sequence, object_sequence]).unique(return_inverse=True)
    group_ids, group = (image * objects + obj).unique(return_inverse=True)
    part_row, object_row = where.chunk(2)
    return AttentionPlan(AttentionTap(rows), part_row, object_row, area[image, slot], group, len(group_ids), image, slot)


def object_part_maps(plan: AttentionPlan) -> Tensor:
    """Eq. 6: A = mean over the part's mask of (A_object + A_part), [K, N], from the tapped attention (mean of the heads).

    Queries are averaged with the part's area in each cell as weight: exactly the mean over the pixels of the mask when
    each pixel takes the attention of its cell. Rows and columns of the class token are left out, as released.
    """
    attention = plan.tap.weights.to(plan.area.dtype).mean(dim=1)[:, 1:, 1:]                    # (M, N, N)
    share = (plan.area / plan.area.sum(-1, keepdim=True))[:, None]                             # (K, 1, N)
    return (share @ (attention[plan.object_row] + attention[plan.part_row]))[:, 0]


def normalise_maps(maps: Tensor, grid: int, sigma: float = 0.5) -> Tensor:
    """Min-max to 0..1 for each map, then a 3x3 Gaussian (Attend-and-Excite's smoothing): [K, N] -> [K, N]."""
    low, high = maps.amin(-1, keepdim=True), maps.amax(-1, keepdim=True)
    scaled = (maps - low) / (high - low).clamp(min=1e-12)
    return gaussian_blur(scaled.view(-1, 1, grid, grid), [3, 3], [sigma, sigma]).flatten(1)


def claims(normalised: Tensor, gamma: float, temperature: float | None = None) -> Tensor:
    """Eq. 7: 1 where the map reaches `gamma`, else 0. With a `temperature`, relaxed to a sigmoid, which has a gradient."""
    if temperature is None:
        return (normalised >= gamma).to(normalised.dtype)
    return torch.sigmoid((normalised - gamma) / temperature)


def overlap_ratio(claim: Tensor, group: Tensor, groups: int) -> Tensor:
    """Eq. 8 for each object, [G]: places claimed by more than one part over places claimed by any.

    `claim` [K, N] in 0..1. Claims are taken as independent chances: any = 1 - prod(1 - B), exactly one =
    sum_c B_c prod_{others}(1 - B). For claims of 0 and 1 that is exactly the counting of Eq. 8.
    """
    free = (1 - claim).clamp(min=1e-6)
    log_free = claim.new_zeros(groups, claim.shape[1]).index_add(0, group, free.log())
    none = log_free.exp()
    one = none * claim.new_zeros(groups, claim.shape[1]).index_add(0, group, claim / free)
    many = (1 - none - one).clamp(min=0)
    return many.sum(-1) / (1 - none).sum(-1).clamp(min=1e-6)


def separation_loss(maps: Tensor, plan: AttentionPlan, grid: int, gamma: float = 0.3, temperature: float | None = None,
                    ) -> Tensor:
    """Mean over objects of the overlap ratio divided by the number of the object's parts (Eqs. 7-8).

    With `temperature=None` this is the printed loss: a ratio of counts, without gradient. With a temperature it is our
    `soft` form, which has one.
    """
    claim = claims(normalise_maps(maps, grid), gamma, temperature)
    members = maps.new_zeros(plan.groups).index_add(0, plan.group, maps.new_ones(len(maps)))
    return (overlap_ratio(claim, plan.group, plan.groups) / members).mean()


def enhancement_loss(maps: Tensor, plan: AttentionPlan) -> Tensor:
    """Eq. 9, mean over objects: 1 - the smallest, over the object's parts, of the map's peak inside the part's mask."""
    peak = maps.masked_fill(plan.area <= 0, -torch.inf).amax(-1)                               # (K,)
    weakest = maps.new_full((plan.groups,), torch.inf).scatter_reduce(0, plan.group, peak, "amin")
    return (1 - weakest).mean()
