"""Tables of means with their spread, and of differences that say whether they exceed it."""

from collections.abc import Mapping, Sequence

import numpy as np

from .attention_lab import TWO_SPREADS, mean_and_error
from .text import Markdown, table

Values = Mapping[str, Mapping[str, Mapping[str, np.ndarray]]]


def paired_table(values: Values, first: str, second: str) -> Markdown:
    """One row a quantity and group: means of two models with two standard errors, and their difference object by object.

    Args:
        values: {quantity: {group: {model: float `[n]`}}}; `first` and `second` are models.

    "lower" and "higher" are said only where the difference exceeds two of its standard errors.
    """
    rows = []
    for quantity, groups in values.items():
        for group, models in groups.items():
            means = [_with_errors(models[title]) for title in (first, second)]
            change = models[second] - models[first]
            mean, error = mean_and_error(change)
            verdict = "unclear" if abs(mean) <= TWO_SPREADS * error else "lower" if mean < 0 else "higher"
            rows.append([quantity, group, *means, _with_errors(change, "+"), verdict])
    return table(["", "objects", first, second, "difference", ""], rows, "Means ± two standard errors over objects.")


def seeds_table(scores: Mapping[str, Sequence[Mapping[str, float]]], keys: Sequence[str]) -> Markdown:
    """One row a model: mean over training seeds of each score, ± their standard deviation where there are several.

    Args:
        scores: model -> one {key: score} a seed.
    """
    rows = []
    for title, seeds in scores.items():
        found = np.array([[seed[key] for key in keys] for seed in seeds])                      # (seeds, keys)
        spread = [f" ± {s:.1f}" for s in found.std(0, ddof=1)] if len(found) > 1 else [""] * len(keys)
        rows.append([title, *(f"{mean:.1f}{s}" for mean, s in zip(found.mean(0), spread)), len(found)])
    return table(["mIoU in percent", *keys, "seeds"], rows)


def gains_table(
    ours: Sequence[Mapping[str, float]], others: Sequence[Mapping[str, float]], keys: Sequence[str]
) -> Markdown:
    """One row a score: the gain of our mean over theirs in points, and whether it exceeds the spread between seeds.

    Args:
        ours, others: one {key: score} for each training seed. The spread is the root of the sum of both variances; of a
            single seed none is known.
    """
    rows, better = [], 0
    for key in keys:
        pair = [np.array([seed[key] for seed in seeds]) for seeds in (ours, others)]
        gain = pair[0].mean() - pair[1].mean()
        better += gain > 0
        said = "one training seed: no spread is known"
        if min(map(len, pair)) > 1:
            spread = np.sqrt(sum(scores.var(ddof=1) for scores in pair))
            said = f"{'more than' if abs(gain) > spread else 'within'} the spread between seeds ({spread:.1f})"
        rows.append([key, f"{gain:+.1f}", said])
    return table(["", "points", "how sure"], rows, f"Better in {better} of {len(keys)} groups.")


def _with_errors(samples: np.ndarray, sign: str = "") -> str:
    mean, error = mean_and_error(samples)
    return f"{mean:{sign}.3f} ± {TWO_SPREADS * error:.3f}"
