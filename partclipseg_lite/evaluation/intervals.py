"""95 % intervals: of a score over pictures, of a difference over pictures and training seeds.

These resample with replacement (Efron's percentile bootstrap); `over_seeds` takes Student's t.
Scores of class means are ratios of sums over pictures, so a resample needs no picture again: it
weights the counts of each picture by how often it was drawn, sums, and computes the score. Letters:
N pictures, S training seeds, R resamples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

LEVEL = 0.95
Statistic = Callable[[np.ndarray], Mapping[str, np.ndarray]]


class Interval(NamedTuple):
    """A value with its 95 % interval; NaN where there is none."""

    low: float
    value: float
    high: float

    def for_other_pictures(self, pictures: int, others: int) -> Interval:
        """Where the score of `others` other pictures falls, 95 % of the time.

        This is wider: the interval itself says where the score of all pictures is, and other ones
        have a spread of their own, N/M of this one's variance.

        Args:
            pictures: N, whose interval this is.
            others: M, drawn like them.
        """
        wider = float(np.sqrt(1 + pictures / others))
        return Interval(
            self.value - wider * (self.value - self.low),
            self.value,
            self.value + wider * (self.high - self.value),
        )

    @property
    def verdict(self) -> str:
        """Of a difference a - b: whether a is "higher", "lower", or it is "not decided".

        Decided is what lies wholly on one side of zero.
        """
        return "higher" if self.low > 0 else "lower" if self.high < 0 else "not decided"


def over_seeds(
    mine: Sequence[Mapping[str, float]], its: Sequence[Mapping[str, float]]
) -> dict[str, Interval]:
    """Mean differences of two models' scores with 95 % intervals over training seeds.

    By Student's t of the differences seed by seed: what other seeds would have given on the same
    pictures. One seed alone has no interval.

    Args:
        mine: {score: value} of each seed.
        its: the same of the other model, of the same seeds in the same order.

    Raises:
        ValueError: the two have not as many seeds.
    """
    if len(mine) != len(its):
        raise ValueError(f"{len(mine)} seeds of one model and {len(its)} of the other are no pairs")
    found = {}
    for score in mine[0]:
        gains = np.array([one[score] - other[score] for one, other in zip(mine, its, strict=True)])
        half = np.nan
        if len(gains) > 1:
            half = stats.t.ppf(0.975, len(gains) - 1) * stats.sem(gains)
        gain = gains.mean()
        found[score] = Interval(float(gain - half), float(gain), float(gain + half))
    return found


def bootstrap(
    counts: np.ndarray, statistic: Statistic, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Each number of `statistic` with its 95 % interval over pictures.

    The interval says what other pictures of the same kind would have given with the same weights.
    It does not depend on the order of the pictures. There is none for a single picture, nor for a
    number that more than 5 % of the resamples lack, such as a mean over classes that one or two
    pictures show.

    Args:
        counts: of each picture, `[N, ...]`, such as `PictureCounts.settings["oracle_obj"]`.
        statistic: takes sums over pictures, `[R, ...]`, and gives numbers by name, `[R]` each;
            `class_means.mean_iou(vocabulary.seen)`, say.
        resamples: R.
        seed: of the resampling.

    Raises:
        ValueError: no pictures.
    """
    counts = np.asarray(counts)
    _check(counts.ndim >= 1 and len(counts), "counts have no picture; give at least one")
    counts = counts[sorted(range(len(counts)), key=lambda i: counts[i].tobytes())]
    drawn = _pictures_drawn(len(counts), resamples, np.random.default_rng(seed))
    values = statistic(_sums(drawn, counts[None])[:, 0])
    points = statistic(counts.sum(0, dtype=np.float64)[None])
    return {
        key: _interval(float(points[key][0]), values[key], known=len(counts) > 1) for key in points
    }


def paired_difference(
    counts_a: np.ndarray,
    counts_b: np.ndarray,
    statistic: Statistic,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Each number of a minus that of b, mean over training seeds, with its 95 % interval.

    Resamples pictures and seeds: both models are scored on the same drawn pictures, and on the same
    drawn seeds, seed s of a being paired with seed s of b. `Interval.verdict` has the word for it.
    With one seed the interval speaks of these two trainings alone.

    Args:
        counts_a: `[S, N, ...]`, as `counts.paired` gives them.
        counts_b: of the same seeds and pictures, in the same order.
        statistic: as for `bootstrap`; takes `[R, S, ...]`.
        resamples: R.
        seed: of the resampling.

    Raises:
        ValueError: other shapes in a and b, or no seed or picture.
    """
    counts_a, counts_b = np.asarray(counts_a), np.asarray(counts_b)
    _check(
        counts_a.shape == counts_b.shape and counts_a.ndim >= 2,
        f"counts have shapes {list(counts_a.shape)} and {list(counts_b.shape)}, expected the same "
        "[seeds, pictures, ...] twice",
    )
    seeds, pictures = counts_a.shape[:2]
    _check(seeds and pictures, f"counts have {seeds} seeds and {pictures} pictures")
    rng = np.random.default_rng(seed)
    drawn = _pictures_drawn(pictures, resamples, rng)
    a, b = (statistic(_sums(drawn, counts)) for counts in (counts_a, counts_b))  # [R, S] each
    points_a, points_b = (
        statistic(counts.sum(1, dtype=np.float64)) for counts in (counts_a, counts_b)
    )
    which = rng.integers(0, seeds, (resamples, seeds))
    found = {}
    for key in points_a:
        values = _over_seeds(a[key] - b[key], which)
        found[key] = _interval(
            float((points_a[key] - points_b[key]).mean()), values, known=pictures > 1
        )
    return found


def unpaired_difference(
    counts_a: np.ndarray,
    counts_b: np.ndarray,
    statistic: Statistic,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Interval]:
    """Each number of a minus that of b, on other pictures each, with its 95 % interval.

    Both sets of pictures are drawn by themselves.

    Args:
        counts_a: `[S, N, ...]`, of which seeds are averaged and not drawn.
        counts_b: `[S, M, ...]`.
        statistic: as for `bootstrap`; takes `[R, S, ...]`.
        resamples: R.
        seed: of the resampling.

    Raises:
        ValueError: no seed or picture.
    """
    rng = np.random.default_rng(seed)
    values, points, known = [], [], True
    for counts in (np.asarray(counts_a), np.asarray(counts_b)):
        _check(counts.ndim >= 2 and all(counts.shape[:2]), "counts have no seed or no picture")
        drawn = _pictures_drawn(counts.shape[1], resamples, rng)
        values.append(statistic(_sums(drawn, counts)))
        points.append(statistic(counts.sum(1, dtype=np.float64)))
        known &= counts.shape[1] > 1
    (a, b), (point_a, point_b) = values, points
    return {
        key: _interval(
            float(point_a[key].mean() - point_b[key].mean()),
            a[key].mean(1) - b[key].mean(1),
            known=known,
        )
        for key in a
    }


def mean_over_seeds(
    counts: np.ndarray, statistic: Statistic, resamples: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Each number of `statistic`, mean over training seeds, with its 95 % interval over pictures.

    Seeds are not resampled: their spread is another quantity (`metrics.mean_and_spread`), and is
    to be shown apart.

    Args:
        counts: `[S, N, ...]`, as `counts.paired` gives them.
        statistic: as for `bootstrap`; takes `[R, S, ...]`.
        resamples: R.
        seed: of the resampling.

    Raises:
        ValueError: no seed or picture.
    """
    counts = np.asarray(counts)
    _check(counts.ndim >= 2 and all(counts.shape[:2]), "counts have no seed or no picture")
    drawn = _pictures_drawn(counts.shape[1], resamples, np.random.default_rng(seed))
    values, points = statistic(_sums(drawn, counts)), statistic(counts.sum(1, dtype=np.float64))
    return {
        key: _interval(float(points[key].mean()), values[key].mean(1), known=counts.shape[1] > 1)
        for key in points
    }


def _pictures_drawn(pictures: int, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each picture is in each resample, `float64 [R, N]`."""
    if type(resamples) is not int or resamples < 1:
        raise ValueError(f"resamples must be a whole number from 1, got {resamples!r}")
    shares = np.full(pictures, 1 / pictures)
    return rng.multinomial(pictures, shares, size=resamples).astype(np.float64)


def _sums(drawn: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Counts `[S, N, ...]` summed over the pictures of each resample, `float64 [R, S, ...]`."""
    seeds, pictures, *rest = counts.shape
    flat = counts.reshape(seeds, pictures, -1)
    sums = np.stack([drawn @ of_seed for of_seed in flat.astype(np.float64)], axis=1)
    return sums.reshape(len(drawn), seeds, *rest)


def _over_seeds(values: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Means over the drawn seeds, `[R]`, of `values [R, S]`; `which [R, S]` says who was drawn.

    The mean of S values varies with S - 1 in the denominator, that of a resample of them with S:
    few seeds would look more certain than they are, so deviations are widened by that much.
    """
    seeds, means = values.shape[1], values.mean(1)
    if seeds == 1:
        return means
    resampled = np.take_along_axis(values, which, axis=1).mean(1)
    return means + np.sqrt(seeds / (seeds - 1)) * (resampled - means)


def _interval(value: float, values: np.ndarray, known: bool) -> Interval:
    """The middle 95 % of `values [R]`; none where too many resamples have no value."""
    there = ~np.isnan(values)
    values = values[there]
    if not known or there.mean() < LEVEL or np.isnan(value):
        return Interval(float("nan"), value, float("nan"))
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), value, float(high))


def _check(holds: object, message: str) -> None:
    if not holds:
        raise ValueError(message)
