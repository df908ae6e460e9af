"""Scores as the benchmark counts them: one object at a time, by the release's own evaluator."""

from __future__ import annotations

import dataclasses

import numpy as np
from torch.utils.data import Dataset

from ..datasets.views import picture_of
from ..evaluation.counts import PictureCounts
from ..evaluation.evaluate import predicted_labels
from ..evaluation.intervals import bootstrap
from ..evaluation.summary import plain_numbers
from ..inference.sharing import Share
from ..network.models import CLIPSeg, PartCLIPSeg
from ..release.evaluator import Released


def count_objects(
    model: PartCLIPSeg | CLIPSeg, samples: Dataset, progress: bool = True
) -> Released:
    """The release's evaluator after all samples, each of which shows one object alone.

    Several processes share them, and each is given all counts.

    Args:
        model: in eval mode.
        samples: as `datasets.chosen.objects_to_score` gives them.
        progress: show a bar.
    """
    vocabulary, share = samples.vocabulary, Share()
    mine, whole = (Released(vocabulary, Released.counted) for _ in range(2))
    ahead, shown = share.of(range(len(samples))), progress and share.is_first
    for sample, labels in predicted_labels(model, samples, vocabulary, 4, shown, ahead):
        asked = {setting: labels[setting] for setting in Released.counted}
        mine.update(asked, sample.object_map, sample.part_map, sample.name)
    for part in share.from_all(mine):
        whole.merge(part)
    return whole


def as_released(evaluator: Released) -> dict:
    """What it computes, with intervals over pictures: objects of one picture stay together."""
    scores, counts = evaluator.compute(), by_picture(evaluator.pictures)
    scores["samples"], scores["images"] = scores["images"], len(counts)
    for setting, counted in counts.settings.items():
        for key, interval in bootstrap(counted, evaluator.headlines).items():
            ends = {f"{key}_low": interval.low, f"{key}_high": interval.high}
            scores[setting] |= plain_numbers(ends)
    return scores


def by_picture(counts: PictureCounts) -> PictureCounts:
    """The counts of samples `PICTURE#OBJECT` summed over the objects of each picture."""
    pictures, of = np.unique([picture_of(name) for name in counts.names], return_inverse=True)
    summed = {}
    for setting, rows in counts.settings.items():
        summed[setting] = np.zeros((len(pictures), *rows.shape[1:]), rows.dtype)
        np.add.at(summed[setting], of, rows)
    return dataclasses.replace(counts, names=tuple(pictures.tolist()), settings=summed)
