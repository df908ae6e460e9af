"""The tables of an evaluator: means over classes, intervals, and every class by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .class_means import HEADLINES, mean, means, percent
from .intervals import bootstrap
from .part_sizes import mean_by_size

if TYPE_CHECKING:
    from ..vocabulary import Vocabulary
    from .metrics import Evaluator

FEW_PIXELS = 100  # a class with fewer labelled ones in all pictures is decided by a handful


def summarise(evaluator: Evaluator, setting: str) -> dict:
    """Scores of one setting in percent, NaN where there is nothing to score.

    Returns:
        "seen", "unseen", "harmonic": mIoU; with "_low" and "_high", its 95 % interval over
        pictures. "all": the mean over every labelled class; "plain" also has "background" (its
        IoU), which "all" includes there. The same three means with a prefix: "recall_",
        "boundary_iou_" (or what the evaluator calls it), "over_segmentation_" and
        "under_segmentation_", the latter two as HOPS means them (OSI: predicted pixels outside the
        truth; USI: truth missed), and "object_over_segmentation_", OSI as its code counts it, with
        the parts of an object taken together. "small_parts": mIoU by size. "classes": how many
        took part in "seen" and "unseen", of how many, and which of them are decided by fewer than
        100 pixels. "per_object_part", "per_object", "per_part": tables.
    """
    scores, totals = evaluator.class_scores(setting), evaluator.totals(setting)
    seen, T = evaluator.vocabulary.seen.numpy(), len(evaluator.vocabulary)
    columns = {"recall": scores["recall"]}
    if evaluator.boundary:
        columns[evaluator.boundary] = scores["boundary"]
    columns |= {key: scores[key] for key in ("over_segmentation", "under_segmentation")}
    summary = {key: float(value) for key, value in evaluator.headlines(totals).items()}
    summary |= _intervals(evaluator, setting)
    for name, column in columns.items():
        summary |= {f"{name}_{key}": value for key, value in means(column, seen).items()}
    summary |= _object_over_segmentation(evaluator, setting)
    summary["all"] = mean(evaluator.all_ious(setting))
    if setting == "plain":
        summary["background"] = scores["iou"][T]
    tables = _tables(evaluator.vocabulary, {"iou": scores["iou"], **columns}, scores["labelled"])
    rows = tables["per_object_part"]
    summary["small_parts"] = mean_by_size({name: row["iou"] for name, row in rows.items()}, rows)
    summary["classes"] = _classes(~np.isnan(evaluator.ious(totals)[:T]), rows)
    return summary | tables


def _intervals(evaluator: Evaluator, setting: str) -> dict[str, float]:
    """`{"seen_low", "seen_high", …}`, 95 % over pictures, of the three mIoU."""
    if not evaluator.images:
        return {}
    found = bootstrap(evaluator.pictures.settings[setting], evaluator.headlines)
    ends = ("low", "high")
    return {f"{key}_{end}": getattr(found[key], end) for key in HEADLINES for end in ends}


def _object_over_segmentation(evaluator: Evaluator, setting: str) -> dict[str, float]:
    """Of the pixels with a part of an object, those where no part of it is true: class means.

    `cal_osi` of TJU-IDVLab/HOPS, hops_evaluation.py, at commit 6273c65.
    """
    vocabulary = evaluator.vocabulary
    owner = np.append(vocabulary.object_of.numpy(), len(vocabulary.objects))
    member = owner[:, None] == np.arange(len(vocabulary.objects) + 1)  # [C, O+1]
    confusion = member.T.astype(np.int64) @ evaluator.confusion(setting) @ member
    correct, predicted, labelled = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    share = percent(predicted - correct, predicted, (labelled > 0) & (predicted > 0))
    found = means(share, vocabulary.seen_object.numpy())
    return {f"object_over_segmentation_{key}": value for key, value in found.items()}


def _classes(takes_part: np.ndarray, rows: dict[str, dict]) -> dict:
    """Which classes the means are of, and which of them rest on a handful of pixels."""
    seen = np.array([row["seen"] for row in rows.values()], dtype=bool)
    few = {
        name: row["pixels"]
        for (name, row), counts in zip(rows.items(), takes_part, strict=True)
        if counts and row["pixels"] < FEW_PIXELS
    }
    return {
        "seen": int((takes_part & seen).sum()),
        "unseen": int((takes_part & ~seen).sum()),
        "seen_in_vocabulary": int(seen.sum()),
        "unseen_in_vocabulary": int((~seen).sum()),
        f"under_{FEW_PIXELS}_pixels": few,
    }


def _tables(vocabulary: Vocabulary, columns: dict[str, np.ndarray], labelled: np.ndarray) -> dict:
    """Scores by object part, by object and by generalized part."""
    T, seen = len(vocabulary), vocabulary.seen.numpy()
    columns, pixels = {key: column[:T] for key, column in columns.items()}, labelled[:T].astype(int)
    object_of, part_of = vocabulary.object_of.numpy(), vocabulary.part_of.numpy()
    per_part = _group(vocabulary.parts, part_of, columns, pixels)
    for name, split in (("seen", seen), ("unseen", ~seen)):
        iou = {"iou": columns["iou"][split]}
        for part, row in _group(vocabulary.parts, part_of[split], iou, pixels[split]).items():
            per_part[part][f"iou_{name}"] = row["iou"]
    return {
        "per_object_part": {
            name: {
                **{key: column[t] for key, column in columns.items()},
                "pixels": int(pixels[t]),
                "seen": bool(seen[t]),
            }
            for t, name in enumerate(vocabulary.object_parts)
        },
        "per_object": _group(vocabulary.objects, object_of, columns, pixels),
        "per_part": per_part,
    }


def _group(
    names: tuple[str, ...], member_of: np.ndarray, columns: dict, pixels: np.ndarray
) -> dict:
    """Mean of each column over the scored members of each group that has members."""
    return {
        names[g]: {
            **{key: float(mean(column[member_of == g])) for key, column in columns.items()},
            "pixels": int(pixels[member_of == g].sum()),
        }
        for g in np.unique(member_of)
    }


def plain_numbers(value):
    """Python numbers all through, None for NaN."""
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value
