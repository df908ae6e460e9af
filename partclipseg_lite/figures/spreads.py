"""Tables of means with their spread, and of differences that say whether they exceed it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from .attention_lab import TWO_SPREADS, mean_and_error
from .text import Markdown, table


class Told(Protocol):
    """A difference, as `evaluation.intervals.Interval`."""

    low: float
    value: float
    high: float
    verdict: str


Values = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]


def columns_table(
    columns: Mapping[str, Mapping[str, float]], form: str = "{:.3f}", corner: str = ""
) -> Markdown:
    """A table of {column: {row: number}}, written with `form`; the rows are those of the first."""
    first = next(iter(columns.values()))
    rows = [[name, *(form.format(column[name]) for column in columns.values())] for name in first]
    return table([corner, *columns], rows)


def lost_table(lost: Mapping[str, Sequence[bool]], count: int = 8) -> Markdown:
    """How often parts are in view, and lost then: the `count` worst, and all together.

    Args:
        lost: part -> for each time in view, whether it is lost.
        count: how many parts are shown.
    """
    worst = sorted(lost, key=lambda part: -np.mean(lost[part]))[:count]
    chosen = {
        **{part: lost[part] for part in worst},
        "all parts": [one for part in lost.values() for one in part],
    }
    rows = [[part, len(times), f"{np.mean(times):.0%}"] for part, times in chosen.items()]
    return table(["part", "times in view", "lost"], rows)


def temperature_table(rows: Iterable[tuple[float, float, float, int]]) -> Markdown:
    """One row for each (temperature, soft, printed separation, places with a gradient)."""
    cells = [[tau, f"{soft:.4f}", f"{printed:.4f}", places] for tau, soft, printed, places in rows]
    return table(["τ", "soft", "printed", "places with a gradient"], cells)


def pulls_table(lengths: Mapping[str, Mapping[str, float]]) -> Markdown:
    """Lengths of gradients, {term: {model: length}}, to one digit; "none" where there is none."""

    def told(length: float) -> str:
        if length == 0:
            return "none"
        return f"{length:.0f}" if length >= 10 else f"{length:.1g}"

    rows = [[term, *map(told, by_model.values())] for term, by_model in lengths.items()]
    return table(["term", *next(iter(lengths.values()))], rows)


def intervals_table(
    differences: Mapping[str, Mapping[str, Told]], form: str = "{:+.0%}", corner: str = ""
) -> Markdown:
    """A column a comparison, a row a number: the difference, its interval, and the word for it.

    Args:
        differences: {comparison: {number: difference}}.
        form: of a single number.
        corner: title of the rows.
    """

    def told(one: Told) -> str:
        low, value, high = (form.format(n) for n in (one.low, one.value, one.high))
        return f"{value} [{low}, {high}], {one.verdict}"

    first = next(iter(differences.values()))
    rows = [[name, *(told(column[name]) for column in differences.values())] for name in first]
    return table([corner, *differences], rows)


def paired_table(values: Values, first: str, second: str) -> Markdown:
    """One row a quantity and group: the means of two models, and their difference by object.

    Args:
        values: {quantity: {group: {model: float `[n]`}}}.
        first: the model that the other is compared with.
        second: the other; the difference is its value minus the first's.

    "lower" and "higher" are said only where the difference exceeds two of its standard errors.
    """
    rows = []
    for quantity, groups in values.items():
        for group, models in groups.items():
            means = [_with_errors(models[title]) for title in (first, second)]
            change = models[second] - models[first]
            mean, error = mean_and_error(change)
            verdict = (
                "unclear" if abs(mean) <= TWO_SPREADS * error else "lower" if mean < 0 else "higher"
            )
            rows.append([quantity, group, *means, _with_errors(change, "+"), verdict])
    return table(
        ["", "objects", first, second, "difference", ""],
        rows,
        "Means ± two standard errors over objects.",
    )


def seeds_table(
    scores: Mapping[str, Sequence[Mapping[str, float]]], keys: Sequence[str]
) -> Markdown:
    """One row a model: mean of each score over training seeds, ± deviation if there are several.

    Args:
        scores: model -> one {key: score} a seed.
        keys: the scores shown, in order.
    """
    rows = []
    for title, seeds in scores.items():
        found = np.array([[seed[key] for key in keys] for seed in seeds])  # (seeds, keys)
        spread = (
            [f" ± {s:.1f}" for s in found.std(0, ddof=1)] if len(found) > 1 else [""] * len(keys)
        )
        rows.append(
            [
                title,
                *(f"{mean:.1f}{s}" for mean, s in zip(found.mean(0), spread, strict=True)),
                len(found),
            ]
        )
    return table(["mIoU in percent", *keys, "seeds"], rows)


def _with_errors(samples: np.ndarray, sign: str = "") -> str:
    mean, error = mean_and_error(samples)
    return f"{mean:{sign}.3f} ± {TWO_SPREADS * error:.3f}"
