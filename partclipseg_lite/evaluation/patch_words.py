"""What a CLIP knows of single patches by itself: which of several words each is likest to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..datasets.sample import IGNORE, Sample
from ..network.backbone import Backbone
from ..vocabulary import Vocabulary


def patch_words(
    backbone: Backbone, image: np.ndarray, texts: Sequence[str], block: int = -1
) -> Tensor:
    """How likely each patch is each of `texts`, `float [C, grid, grid]`, 1 in sum over the texts.

    The softmax of `Backbone.patch_similarity` at CLIP's own temperature.

    Args:
        backbone: of a CLIP that pools its patches by averaging.
        image: RGB uint8 `[H, W, 3]`.
        texts: C of them.
        block: whose patches; the last by default.
    """
    pixels = backbone.preprocess(torch.from_numpy(image.copy()).permute(2, 0, 1)[None])
    similarity = backbone.patch_similarity(pixels, texts, block)[0]
    return (similarity * backbone.clip.logit_scale.exp()).softmax(0)


def on_patches(labels: np.ndarray, grid: int) -> np.ndarray:
    """The label that most pixels of each patch have, `int [grid, grid]`; IGNORE counts like one.

    Args:
        labels: `int [H, W]`, ids from `IGNORE` = -1.
        grid: patches in a row.
    """
    rows, columns = (np.arange(side) * grid // side for side in labels.shape)
    patch = rows[:, None] * grid + columns
    counts = np.zeros((grid * grid, labels.max() + 2), np.int64)
    np.add.at(counts, (patch, labels - IGNORE), 1)
    return counts.argmax(1).reshape(grid, grid) + IGNORE


def object_patches(
    backbone: Backbone, samples: Sequence[Sample], vocabulary: Vocabulary, block: int = -1
) -> dict[str, float]:
    """On which share of the patches of objects the likeliest object is the right one, 0 to 1.

    Args:
        backbone: see `patch_words`.
        samples: pictures with the objects of `vocabulary`.
        vocabulary: its objects are the words, as "a dog".
        block: whose patches.

    Returns:
        {"seen", "novel"}: over the patches of such objects; NaN if there are none.
    """
    texts = [f"a {obj}" for obj in vocabulary.objects]
    right: dict[str, list[np.ndarray]] = {"seen": [], "novel": []}
    novel = np.isin(vocabulary.objects, list(vocabulary.novel_objects))
    for sample in samples:
        likeliest = patch_words(backbone, sample.image, texts, block).argmax(0).numpy()
        truth = on_patches(sample.object_map, backbone.grid)
        there = truth != IGNORE
        hits, of_novel = (likeliest == truth)[there], novel[truth[there]]
        right["seen"].append(hits[~of_novel])
        right["novel"].append(hits[of_novel])
    every = {kind: np.concatenate(hits) for kind, hits in right.items()}
    return {kind: float(hits.mean()) if len(hits) else np.nan for kind, hits in every.items()}


def part_patches(
    backbone: Backbone, samples: Sequence[Sample], vocabulary: Vocabulary
) -> dict[str, dict[str, float]]:
    """The same for the parts of an object that is told, on its labelled patches.

    Objects of a single part are left out.

    Returns:
        {"CLIP alone", "always the largest part": {"seen", "novel"}}; the largest is the part with
        most patches of that kind of object in all `samples`.
    """
    hits: dict[str, list[bool]] = {"seen": [], "novel": []}
    labels: dict[str, list[int]] = {}
    for sample in samples:
        truth, owner = (
            on_patches(labelled, backbone.grid) for labelled in (sample.part_map, sample.object_map)
        )
        for o in np.unique(owner[(owner != IGNORE) & (truth != IGNORE)]).tolist():
            obj = vocabulary.objects[o]
            ids = (vocabulary.object_of == o).nonzero().flatten().numpy()
            if len(ids) < 2:
                continue
            there = (owner == o) & (truth != IGNORE)
            texts = [f"a {vocabulary.object_parts[t]}" for t in ids]
            likeliest = ids[patch_words(backbone, sample.image, texts).argmax(0).numpy()]
            hits[_kind(obj, vocabulary)] += (likeliest == truth)[there].tolist()
            labels.setdefault(obj, []).extend(truth[there].tolist())
    largest: dict[str, list[bool]] = {"seen": [], "novel": []}
    for obj, met in labels.items():
        largest[_kind(obj, vocabulary)] += (np.array(met) == np.bincount(met).argmax()).tolist()
    return {
        title: {kind: float(np.mean(of)) if of else np.nan for kind, of in found.items()}
        for title, found in (("CLIP alone", hits), ("always the largest part", largest))
    }


def middle_picture(backbone: Backbone, samples: Sequence[Sample], vocabulary: Vocabulary) -> Sample:
    """Of pictures with objects the one where the median share of their patches is named rightly.

    Raises:
        ValueError: no picture shows an object on a patch.
    """
    ranked = []
    for sample in samples:
        shares = object_patches(backbone, [sample], vocabulary)
        known = [share for share in shares.values() if not np.isnan(share)]
        if known:
            ranked.append((np.mean(known), len(ranked), sample))
    if not ranked:
        raise ValueError(f"none of {len(samples)} pictures shows an object on a patch")
    return sorted(ranked, key=lambda one: one[:2])[len(ranked) // 2][-1]


def _kind(obj: str, vocabulary: Vocabulary) -> str:
    return "novel" if obj in vocabulary.novel_objects else "seen"
