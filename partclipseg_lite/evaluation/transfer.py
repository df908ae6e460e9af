"""Whether parts that many seen objects teach are found better on novel objects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..vocabulary import Vocabulary
from .intervals import Interval


@dataclass(frozen=True, eq=False)
class Transfer:
    """The unseen object parts of a dataset that have a score, K in all.

    Attributes:
        names: object parts, K of them.
        teachers: how many seen objects have the generalized part, int64 `[K]`.
        iou: percent, float64 `[K]`.
        pixels: labelled pixels, float64 `[K]`.
    """

    names: tuple[str, ...]
    teachers: np.ndarray
    iou: np.ndarray
    pixels: np.ndarray

    @classmethod
    def of(cls, per_object_part: Mapping[str, Mapping], vocabulary: Vocabulary) -> Transfer:
        """From the entry "per_object_part" of `Evaluator.compute`."""
        unseen = [vocabulary.object_parts[t] for t in (~vocabulary.seen).nonzero().flatten()]
        names = tuple(name for name in unseen if per_object_part[name]["iou"] is not None)
        parts = [vocabulary.parse(name)[1] for name in names]
        return cls(
            names,
            np.array([len(vocabulary.owners(part, seen=True)) for part in parts]),
            np.array([per_object_part[name]["iou"] for name in names], float),
            np.array([per_object_part[name]["pixels"] for name in names], float),
        )

    def correlations(self) -> dict[str, float]:
        """Rank correlations with the IoU, rounded to two digits.

        Of teachers, of pixels, and of teachers among parts of equal pixels.
        """
        found = {
            "seen objects": rank_correlation(self.teachers, self.iou),
            "pixels": rank_correlation(self.pixels, self.iou),
            "seen objects at equal pixels": rank_correlation(
                self.teachers, self.iou, given=self.pixels
            ),
        }
        return {name: round(value, 2) for name, value in found.items()}


def rank_correlation(a: np.ndarray, b: np.ndarray, given: np.ndarray | None = None) -> float:
    """Spearman's rank correlation of two rows of numbers, -1 to 1.

    With `given`, the partial one: how `a` and `b` go together among equals in `given`.
    """
    rows = [a, b] if given is None else [a, b, given]
    ranks = np.corrcoef([_ranks(row) for row in rows])
    if given is None:
        return float(ranks[0, 1])
    (ab, ac), bc = ranks[0, 1:], ranks[1, 2]
    return float((ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2)))


def correlation_interval(
    a: np.ndarray, b: np.ndarray, given: np.ndarray | None = None, resamples: int = 1000
) -> Interval:
    """`rank_correlation` with its 95 % interval, a bootstrap over the K things that were ranked."""
    rows = (a, b) if given is None else (a, b, given)
    drawn = np.random.default_rng(0).integers(0, len(a), (resamples, len(a)))
    found = [rank_correlation(*(row[which] for row in rows)) for which in drawn]
    low, high = np.percentile(found, [2.5, 97.5])
    return Interval(float(low), rank_correlation(*rows), float(high))


def _ranks(row: np.ndarray) -> np.ndarray:
    """Ranks from 1, float64 `[K]`; equal numbers share the mean of theirs."""
    _, position, counts = np.unique(row, return_inverse=True, return_counts=True)
    return (counts.cumsum() - (counts - 1) / 2)[position]
