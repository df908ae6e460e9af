"""What the laboratory of attention control shows, found with models.

    scenes = look_at({"with control": model}, samples, vocabulary)
    laboratory(scenes)

Letters: K parts of one object; N patches; T object parts in view.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..datasets.sample import IGNORE, Sample
from ..figures.laboratory import Gaze, Scene
from ..figures.laboratory_picture import GAMMAS
from ..figures.maps import upscale_nearest
from ..inference.predict import encode
from ..inference.segmenter import Segmentation
from ..losses.attention_control import AttentionPlan, plan_attention
from ..losses.objective import Objective
from ..network.models import PartCLIPSeg
from ..reading import PAPER, RELEASED
from ..release.departures import as_read
from ..settings import LossSettings
from ..vocabulary import Vocabulary
from .attention import _words_in_view, shares_over_gamma

Steps = PartCLIPSeg | Mapping[int, PartCLIPSeg]
READINGS = {"paper": PAPER, "released": RELEASED}


def look_at(
    models: Mapping[str, Steps], samples: Iterable[Sample], vocabulary: Vocabulary
) -> list[Scene]:
    """A scene for each object of which a sample shows a part, as `figures.laboratory` draws it.

    Args:
        models: title -> model, or step of its training -> model. The last step is looked at in
            every block and head, earlier ones in the mean of the last block's heads.
        samples: pictures with the masks that stand for M_c in Eq. 6.
        vocabulary: the full one, whose ids the samples' maps hold.

    Raises:
        ValueError: no sample shows a part.
    """
    scenes = []
    for sample in samples:
        if (sample.part_map != IGNORE).any():
            scenes += _scenes_of(models, sample, vocabulary)
    if not scenes:
        raise ValueError("none of the samples shows a part; nothing to look at")
    return scenes


def as_sample(found: Segmentation, name: str = "picture") -> tuple[Sample, Vocabulary]:
    """A segmented picture as if its masks were true, and the vocabulary of its words.

    So that the laboratory takes a picture without labels: M_c is where the model itself sees the
    part.
    """
    words = found.vocabulary
    object_of = np.append(words.object_of.numpy(), IGNORE)  # -1, background, takes the last
    part_map = np.where(found.label_map < 0, IGNORE, found.label_map)
    return Sample(found.image, object_of[found.label_map], part_map, name), words


def trade_offs(
    models: Mapping[str, PartCLIPSeg], samples: Sequence[Sample], vocabulary: Vocabulary
) -> dict[str, np.ndarray]:
    """Model -> mean overlap and missing places of all objects at each of `GAMMAS`, `[n, 2]`."""
    return {
        title: shares_over_gamma(model, samples, vocabulary, GAMMAS.tolist())
        for title, model in models.items()
    }


def overlap_where(path: np.ndarray, missing: Mapping[str, float]) -> dict[str, float]:
    """Overlap that a path of `trade_offs` has where a share of places is missing, NaN beyond it.

    Args:
        path: float `[n, 2]`, overlap and missing for a rising γ.
        missing: name of the share -> the share.
    """
    shares = np.maximum.accumulate(path[:, 1])  # more γ, fewer claims; noise aside
    found = np.interp(list(missing.values()), shares, path[:, 0], left=np.nan, right=np.nan)
    return dict(zip(missing, found.tolist(), strict=True))


def _scenes_of(models: Mapping[str, Steps], sample: Sample, vocabulary: Vocabulary) -> list[Scene]:
    words = _words_in_view(sample, vocabulary)
    masks = torch.from_numpy(sample.part_map) == words.ids[:, None, None]  # (T, H, W)
    steps = {
        title: dict(one) if isinstance(one, Mapping) else {0: one} for title, one in models.items()
    }
    grid = next(iter(next(iter(steps.values())).values())).backbone.grid
    as_read_on = {
        name: as_read(Objective, reading)(LossSettings(), grid)
        for name, reading in READINGS.items()
    }
    seen = {
        title: {
            step: _maps(model, sample, words, masks, as_read_on, every=step == max(of_title))
            for step, model in of_title.items()
        }
        for title, of_title in steps.items()
    }
    on_grid = {name: objective.on_grid for name, objective in as_read_on.items()}
    area, corner = (on_grid[name](masks[None])[0] for name in READINGS)  # (T, N) each
    scenes = []
    for o, obj in enumerate(words.objects):
        mine = (words.object_of == o).nonzero()[:, 0]
        mask = sample.object_map == int(words.object_ids[o])
        centre = upscale_nearest(mask, (grid, grid)).astype(bool).ravel()
        holder = area[mine].argmax(0).where(area[mine].sum(0) > 0, torch.tensor(-1))
        within = on_grid["released"](torch.from_numpy(mask)[None, None])[0, 0] > 0
        scenes.append(
            Scene(
                title=obj,
                kind="seen" if bool(words.seen_object[o]) else "novel",
                image=sample.image,
                parts=tuple(words.parts[p] for p in words.part_of[mine].tolist()),
                own=(area[mine] > 0).numpy(),
                holder=holder.numpy(),
                on_object=centre,
                within=within.numpy(),
                corners=corner[mine].sum(-1).int().numpy(),
                gazes={
                    title: {
                        step: _gaze(found, mine, holder if step == max(of_title) else None)
                        for step, found in of_title.items()
                    }
                    for title, of_title in seen.items()
                },
            )
        )
    return scenes


@torch.no_grad()
def _maps(
    model: PartCLIPSeg,
    sample: Sample,
    words: Vocabulary,
    masks: Tensor,
    objectives: Mapping[str, Objective],
    every: bool,
) -> tuple[dict[str, Tensor], Tensor]:
    """(reading -> maps [blocks, heads, T, N], both tables of each part [T, N, N])."""
    device = model.backbone.mean.device
    activations, conditions = encode(model, [sample.image]), model.embed(words)
    # Every part has its map, also one whose mask misses every place of a reading's grid.
    all_parts = plan_attention(torch.ones(1, len(masks), 1, device=device), conditions)
    plans = {
        name: replace(all_parts, area=objective.on_grid(masks[None].to(device))[0])
        for name, objective in objectives.items()
    }
    blocks = range(len(model.decoder.blocks))
    found: dict[str, list[Tensor]] = {name: [] for name in objectives}
    for block in blocks if every else blocks[-1:]:
        tap = replace(plans["paper"].tap, block=block)
        model(activations, conditions, tap)
        weights = tap.weights.float()
        kept = weights if every else weights.mean(1, keepdim=True)
        for name, objective in objectives.items():
            found[name].append(_by_head(objective, plans[name], kept))
    plan = plans["paper"]
    mean = weights.mean(1)[:, 1:, 1:]
    both = mean[plan.object_row] + mean[plan.part_row]  # (T, N, N)
    return {name: torch.stack(one) for name, one in found.items()}, both.cpu()


def _by_head(objective: Objective, plan: AttentionPlan, weights: Tensor) -> Tensor:
    """Eq. 6 of each head by itself, `[heads, T, N]`; their mean is that of all heads."""
    heads = [
        objective.maps(replace(plan, tap=replace(plan.tap, weights=one[:, None])))
        for one in weights.unbind(1)
    ]
    return torch.stack(heads).cpu()


def _gaze(found: tuple[dict[str, Tensor], Tensor], mine: Tensor, holder: Tensor | None) -> Gaze:
    """What `_maps` found of some of the object parts; with a row for each patch that one holds."""
    maps, both = {name: one[:, :, mine].numpy() for name, one in found[0].items()}, found[1]
    if holder is None:
        return Gaze(maps)
    looks = both[mine][holder.clamp(min=0), torch.arange(len(holder))]
    return Gaze(maps, (looks * (holder >= 0)[:, None]).numpy())
