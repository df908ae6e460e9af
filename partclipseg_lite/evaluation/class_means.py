"""From counted pixels to means over seen and unseen classes, for many counts at once.

Letters: C = T + 1 classes, background last; ... any leading axes (resamples, seeds, pictures).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .counts import KINDS

HEADLINES = ("seen", "unseen", "harmonic")


def class_ious(totals: np.ndarray) -> np.ndarray:
    """IoU of every class in percent, `float64 [..., C]`; NaN for a class without a labelled pixel.

    Args:
        totals: pixels, `[..., 3, C]`, as in `counts.KINDS`.
    """
    correct, predicted, labelled = (totals[..., KINDS.index(kind), :] for kind in KINDS)
    return percent(correct, predicted + labelled - correct, labelled > 0)


def over_segmentation(totals: np.ndarray) -> np.ndarray:
    """Share of each class's predicted pixels that lie outside the truth, in percent; OSI of HOPS.

    NaN for a class without a labelled or without a predicted pixel. Shapes as in `class_ious`.
    """
    correct, predicted, labelled = (totals[..., KINDS.index(kind), :] for kind in KINDS)
    return percent(predicted - correct, predicted, (labelled > 0) & (predicted > 0))


def under_segmentation(totals: np.ndarray) -> np.ndarray:
    """Share of each class's labelled pixels that are missed, in percent; USI of HOPS.

    NaN for a class without a labelled pixel. Shapes as in `class_ious`.
    """
    correct, labelled = (totals[..., KINDS.index(kind), :] for kind in ("correct", "labelled"))
    return percent(labelled - correct, labelled, labelled > 0)


def mean_iou(seen: np.ndarray) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
    """The statistic of a comparison: totals `[..., 3, C]` -> mIoU in percent, `float64 [...]` each.

    Gives `{"seen", "unseen", "harmonic"}`; background takes no part.

    Args:
        seen: of the T object parts, those of seen objects, `bool [T]`: `vocabulary.seen`.
    """
    seen = np.asarray(seen, dtype=bool)

    def statistic(totals: np.ndarray) -> dict[str, np.ndarray]:
        return means(class_ious(totals), seen)

    return statistic


def means(scores: np.ndarray, seen: np.ndarray) -> dict[str, np.ndarray]:
    """`{"seen", "unseen", "harmonic"}`: means of `scores [..., C]` over classes, without NaNs."""
    T = len(seen)
    of_seen, of_unseen = mean(scores[..., :T][..., seen]), mean(scores[..., :T][..., ~seen])
    return dict(
        zip(HEADLINES, (of_seen, of_unseen, harmonic_mean(of_seen, of_unseen)), strict=True)
    )


def harmonic_mean(a, b) -> np.ndarray:
    """2ab / (a + b); 0 if both are 0, NaN if one is."""
    total = np.asarray(a, float) + np.asarray(b, float)
    return np.divide(2 * a * b, total, out=np.zeros_like(total), where=total != 0)[()]


def percent(numerator: np.ndarray, denominator: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """100 numerator / denominator, NaN where not `valid`; shapes are equal."""
    out = np.full(numerator.shape, np.nan)
    return np.divide(100 * numerator, denominator, out=out, where=valid)


def mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis without the NaNs; NaN, silently, if nothing is left."""
    known = ~np.isnan(values)
    count = known.sum(-1)
    total = np.where(known, values, 0).sum(-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)[()]
