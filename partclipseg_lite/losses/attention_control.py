"""Attention control: where do the parts of one object look, do they overlap, does one of them look nowhere?

The maps come out of the decoder's last block through `AttentionTap` (Eq. 6); the separation loss (Eqs. 7-8) punishes
places that several parts of an object claim, the enhancement loss (Eq. 9) lifts the part with the weakest peak. Letters:
K maps, one for each object part present in an image; G objects present; N places of the grid.
"""
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

from ..network.decoder import AttentionTap
from ..network.models import Conditions
from ..reading import PAPER, Reading
from .masks import Targets


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
        member, within: only where the release groups otherwise, see `plan_released_groups`. `member` int64 [M]: entry m of
            `group`, then [M] long, is map member[m]; `within` bool [G, N]: places where a group's claims count.
        images: B, the number of images.
    """
    tap: AttentionTap
    part_row: Tensor
    object_row: Tensor
    area: Tensor
    group: Tensor
    groups: int
    image: Tensor
    slot: Tensor
    member: Tensor | None = None
    within: Tensor | None = None
    images: int = 1


def plan_attention(area: Tensor, conditions: Conditions, present: Tensor | None = None) -> AttentionPlan | None:
    """`area` [B, T, N] of `area_on_grid`; `conditions` with or without batch axis. None if no part is present.

    `present` bool [B, T] says which parts take part; default: those with an area.
    """
    image, slot = (area.sum(-1) > 0 if present is None else present).nonzero(as_tuple=True)    # (K,), (K,)
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
    return AttentionPlan(AttentionTap(rows), part_row, object_row, area[image, slot], group, len(group_ids), image, slot,
                         images=len(area))


def corner_on_grid(masks: Tensor, grid: int) -> Tensor:
    """Binary masks [B, T, S, S] -> bool [B, T, grid*grid]: the pixel at each cell's upper left corner, as released (P:581)."""
    return F.interpolate(masks.float(), size=(grid, grid), mode="nearest").flatten(2) > 0


def plan_batch(targets: Targets, conditions: Conditions, grid: int, reading: Reading = PAPER) -> AttentionPlan | None:
    """The plan for a training batch under a reading. None if there is nothing to control."""
    corner = reading.grid_masks == "nearest"
    area = (corner_on_grid if corner else area_on_grid)(targets.object_parts, grid).float()
    present = targets.object_parts.flatten(2).any(-1)
    plan = plan_attention(area, conditions, present)
    plain = reading.parts_of == "object" and reading.last_object == "kept" and reading.claim_in == "map"
    if plan is None or plain:
        return plan
    return plan_released_groups(plan, targets, conditions.expand(len(area)), grid, reading)


def plan_released_groups(plan: AttentionPlan, targets: Targets, words: Conditions, grid: int, reading: Reading,
                         ) -> AttentionPlan | None:
    """Group the maps as the release does: by the objects *seen in the image*, with the parts that `reading` gives each."""
    seen = targets.objects.flatten(2).any(-1)                                                  # (B, O)
    if reading.last_object == "dropped":
        # The sorted list of ids loses its last entry. Where there is background that entry is background.
        order = targets.objects.shape[1] - 1 - seen.flip(1).float().argmax(1)                  # (B,) last object seen
        no_background = ~targets.background.flatten(1).any(-1)
        seen[no_background.nonzero()[:, 0], order[no_background]] = False
    image, obj = seen.nonzero(as_tuple=True)                                                   # (G,), (G,)
    same = plan.image[None] == image[:, None]                                                  # (G, K)
    if reading.parts_of == "object":
        same &= words.object_of[plan.image, plan.slot][None] == obj[:, None]
    kept = same.any(1)                                             # an object in an image without part labels has no group
    image, obj = image[kept], obj[kept]
    group, member = same[kept].nonzero(as_tuple=True)
    if not len(group):
        return None
    within = None
    if reading.claim_in == "object":
        masks = (corner_on_grid if reading.grid_masks == "nearest" else area_on_grid)(targets.objects, grid)
        within = masks[image, obj] > 0
    return replace(plan, group=group, groups=len(image), member=member, within=within)


def object_part_maps(plan: AttentionPlan, reading: Reading = PAPER) -> Tensor:
    """Eq. 6: A = mean over the part's mask of (A_object + A_part), [K, N], from the tapped attention (mean of the heads).

    Queries are averaged with the part's area in each cell as weight: exactly the mean over the pixels of the mask when
    each pixel takes the attention of its cell. Rows and columns of the class token are left out, as released.
    """
    attention = plan.tap.weights.to(plan.area.dtype).mean(dim=1)[:, 1:, 1:]                    # (M, N, N)
    divisor = plan.area.sum(-1, keepdim=True).clamp(min=1e-12)
    if reading.map_mean == "all_places":
        divisor = torch.full_like(divisor, plan.area.shape[1])
    share = (plan.area / divisor)[:, None]                                                     # (K, 1, N)
    # Averaging first and adding afterwards keeps K maps in memory, not K x N.
    maps = (share @ attention[plan.object_row] + share @ attention[plan.part_row])[:, 0]
    return maps / 2 if reading.attention_sum == "half" else maps


def smooth(maps: Tensor, grid: int, reading: Reading = PAPER) -> Tensor:
    """A 3x3 Gaussian over each map [K, N], reflected at the border (Attend-and-Excite's smoothing)."""
    sigma = 0.5 if reading.gaussian == "sigma" else 0.5 * 2 ** 0.5
    return gaussian_blur(maps.view(-1, 1, grid, grid), [3, 3], [sigma, sigma]).flatten(1)


def normalise_maps(maps: Tensor, grid: int, reading: Reading = PAPER) -> Tensor:
    """Min-max to 0..1 for each map, then `smooth`: [K, N] -> [K, N]."""
    low, high = maps.amin(-1, keepdim=True), maps.amax(-1, keepdim=True)
    return smooth((maps - low) / (high - low + 1e-9), grid, reading)


def claims(normalised: Tensor, gamma: float, temperature: float | None = None, reading: Reading = PAPER) -> Tensor:
    """Eq. 7: 1 where the map reaches `gamma`, else 0. With a `temperature`, relaxed to a sigmoid, which has a gradient."""
    if temperature is None:
        reached = normalised >= gamma if reading.claim_at == "reached" else normalised > gamma
        return reached.to(normalised.dtype)
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


def overlap_count(claim: Tensor, group: Tensor, groups: int) -> Tensor:
    """Eq. 8 for claims of 0 and 1, counted: what `overlap_ratio` gives up to rounding, without a gradient."""
    count = claim.new_zeros(groups, claim.shape[1]).index_add(0, group, claim)
    return (count > 1).sum(-1) / (count >= 1).sum(-1).clamp(min=1)


def separation_loss(maps: Tensor, plan: AttentionPlan, grid: int, gamma: float = 0.3, temperature: float | None = None,
                    reading: Reading = PAPER) -> Tensor:
    """Mean over objects of the overlap ratio divided by the number of the object's parts (Eqs. 7-8).

    With `temperature=None` this is the printed loss: a ratio of counts, without gradient. With a temperature it is our
    `soft` form, which has one.
    """
    claim = claims(normalise_maps(maps, grid, reading), gamma, temperature, reading)
    claim = claim if plan.member is None else claim[plan.member]                               # (M, N)
    if plan.within is not None:
        claim = claim * plan.within[plan.group]
    ratio = (overlap_count if temperature is None else overlap_ratio)(claim, plan.group, plan.groups)
    if reading.separation_over == "parts":
        ratio = ratio / maps.new_zeros(plan.groups).index_add(0, plan.group, maps.new_ones(len(plan.group)))
    return over_objects(ratio, plan, reading)


def enhancement_loss(maps: Tensor, plan: AttentionPlan, reading: Reading = PAPER) -> Tensor:
    """Eq. 9, mean over objects: 1 - the smallest, over the object's parts, of the map's peak inside the part's mask.

    A part whose mask has no place on the grid (possible only with `grid_masks="nearest"`) has the peak 0.
    """
    if reading.peak_of == "smoothed":
        maps = smooth(maps, round(maps.shape[1] ** 0.5), reading)
    if reading.peak_in == "mask":
        maps = torch.where(plan.area > 0, maps, torch.zeros_like(maps))
    peak = maps.amax(-1)                                                                       # (K,)
    peak = peak if plan.member is None else peak[plan.member]                                  # (M,)
    weakest = maps.new_full((plan.groups,), torch.inf).scatter_reduce(0, plan.group, peak, "amin")
    return over_objects(1 - weakest, plan, reading)


def over_objects(loss: Tensor, plan: AttentionPlan, reading: Reading) -> Tensor:
    """Mean of the losses [G] of the objects; the release divides by the number of images once more."""
    return loss.mean() / (plan.images if reading.loss_over == "objects_and_images" else 1)
