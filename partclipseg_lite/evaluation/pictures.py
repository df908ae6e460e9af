"""Single pictures: what was found, set beside what is there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..datasets.sample import IGNORE, Sample
from ..inference.segmenter import PartSegmenter, Segmentation
from ..vocabulary import Vocabulary, split_name

Labels = np.ndarray | Sample | Segmentation


def iou(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks, bool `[H, W]`, 0 to 1; NaN if both are empty."""
    union = (a | b).sum()
    return float((a & b).sum() / union) if union else float("nan")


def part_ious(
    found: Labels | list[Labels],
    truth: Labels | list[Labels],
    vocabulary: Vocabulary,
    *,
    least_pixels: int = 1,
) -> dict[str, float]:
    """IoU of every object part that is in view, 0 to 1, counted over all pictures together.

    Args:
        found: what was found in one picture, a result or int `[H, W]`; or a list of them.
        truth: that picture, or its part map, int `[H, W]`; or a list of them.
        vocabulary: names the ids of maps.
        least_pixels: a part of fewer true pixels has no entry.
    """
    found, truth = _pixels(found, vocabulary), _pixels(truth, vocabulary)
    ids, pixels = np.unique(truth[truth != IGNORE], return_counts=True)
    kept = ids[pixels >= least_pixels].tolist()
    return {vocabulary.object_parts[t]: iou(found == t, truth == t) for t in kept}


def agreement(a: Segmentation, b: Segmentation, vocabulary: Vocabulary) -> dict[str, float]:
    """IoU of each mask of `a` with the mask of `b` whose name means the same, by the names of `a`.

    Names without a counterpart are left out; where neither mask has a pixel, the IoU is NaN.
    """
    theirs = {vocabulary.canonical(name): name for name in b.names}
    ours = {name: vocabulary.canonical(name) for name in a.names}
    return {
        name: iou(a.masks[name], b.masks[theirs[meant]])
        for name, meant in ours.items()
        if meant in theirs
    }


def find_told(
    segmenter: PartSegmenter, samples: Sequence[Sample], vocabulary: Vocabulary
) -> list[Segmentation]:
    """What is found in each picture when all parts of its own objects are asked for."""
    return [segmenter(sample.image, _names_in(sample, vocabulary)) for sample in samples]


def _names_in(sample: Sample, vocabulary: Vocabulary) -> dict[str, tuple[str, ...]]:
    present = np.unique(sample.object_map[sample.object_map != IGNORE]).tolist()
    names = {vocabulary.objects[o]: vocabulary.parts_of(vocabulary.objects[o]) for o in present}
    return {obj: parts for obj, parts in names.items() if parts}


@dataclass(frozen=True, eq=False)
class Scored:
    """A picture, what was found in it, and how good that is.

    Attributes:
        sample: the picture with its true maps.
        found: the result.
        score: mean IoU over the parts in view, 0 to 1.
    """

    sample: Sample
    found: Segmentation
    score: float


def rank(
    segmenter: PartSegmenter,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    *,
    least_pixels: int = 12,
) -> list[Scored]:
    """Pictures from the worst to the best by the mean IoU of their parts, the objects being told.

    Parts of fewer than `least_pixels` pixels do not count; pictures without any other are left out.
    """
    ranked = []
    for sample, found in zip(samples, find_told(segmenter, samples, vocabulary), strict=True):
        ious = part_ious(found, sample, vocabulary, least_pixels=least_pixels)
        if ious:
            ranked.append(Scored(sample, found, float(np.mean(list(ious.values())))))
    return sorted(ranked, key=lambda scored: scored.score)


def extremes(ranked: Sequence[Scored]) -> dict[str, Scored]:
    """The two worst, the middle one and the best of at least four ranked pictures, by name."""
    places = {"worst": 0, "second worst": 1, "middle": len(ranked) // 2, "best": -1}
    return {name: ranked[place] for name, place in places.items()}


def middle_prediction(
    predictions: Sequence[tuple[Sample, Mapping[str, np.ndarray]]],
    vocabulary: Vocabulary,
    setting: str = "oracle_obj",
    *,
    least_pixels: int = 12,
) -> tuple[Sample, Mapping[str, np.ndarray]]:
    """Of predicted pictures the one of median mean IoU over its parts, with its labels.

    Args:
        predictions: pictures and their labels, as `evaluate.predicted_labels` gives them.
        vocabulary: of their object parts.
        setting: the labels to rank by.
        least_pixels: parts of fewer pixels do not count; pictures without any other take no part.

    Raises:
        ValueError: no picture has a part of that many pixels.
    """
    ranked = []
    for sample, labels in predictions:
        found = part_ious(
            np.asarray(labels[setting]), sample, vocabulary, least_pixels=least_pixels
        )
        if found:
            ranked.append((float(np.mean(list(found.values()))), sample, labels))
    if not ranked:
        raise ValueError(f"no picture has a part of {least_pixels} pixels or more")
    _, sample, labels = sorted(ranked, key=lambda one: one[0])[len(ranked) // 2]
    return sample, labels


def halves(found: Segmentation, names: Iterable[str]) -> dict[str, np.ndarray]:
    """The maps of which object parts are made, and their own, float `[H, W]`, by quoted names.

    First the generalized parts, then the objects, then the object parts: “head”, “dog”, “dog's
    head”.
    """
    names = list(names)
    owners = [split_name(name) for name in names]
    whole = {part: found.parts[part] for _, part in owners}
    whole |= {obj: found.objects[obj] for obj, _ in owners}
    whole |= {name: found.probability_of[name] for name in names}
    return {f"“{name}”": values for name, values in whole.items()}


def masks_of(
    sample: Sample, names: Iterable[str], vocabulary: Vocabulary, *, rest: str = ""
) -> dict[str, np.ndarray]:
    """True masks of object parts, bool `[H, W]`.

    The objects' other pixels under the name `rest`.
    """
    masks = {name: sample.part_map == vocabulary.index(name) for name in names}
    if rest:
        masks[rest] = (sample.object_map != IGNORE) & ~np.any(list(masks.values()), axis=0)
    return masks


def means_over(
    maps: Mapping[str, np.ndarray], places: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Mean of each map, float `[H, W]`, over each place, bool `[H, W]`: `{place: {map: mean}}`."""
    return {
        place: {name: float(np.asarray(values)[where].mean()) for name, values in maps.items()}
        for place, where in places.items()
    }


def _pixels(labels: Labels | list[Labels], vocabulary: Vocabulary) -> np.ndarray:
    """All labels of one picture or of several, in one row."""
    several = labels if isinstance(labels, list) else [labels]
    return np.concatenate([_labels(one, vocabulary).ravel() for one in several])


def _labels(labels: Labels, vocabulary: Vocabulary) -> np.ndarray:
    if isinstance(labels, Segmentation):
        return labels.labels_in(vocabulary)
    return labels.part_map if isinstance(labels, Sample) else np.asarray(labels)
