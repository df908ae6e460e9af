"""One prediction as several evaluators see it: which pixels count, and how the scores differ."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.patches import Patch

from ..datasets.sample import IGNORE
from .base import (
    FAINT,
    INK,
    Picture,
    as_rgb,
    display_size,
    enlarge,
    legend_of,
    new_picture,
    panel_ratio,
    show_image,
    styled,
    upscale_nearest,
)

RIGHT, WRONG = "#b9c4cf", INK
STRIPES = 6  # pixels between two of the lines that hatch what is wrong


def verdict_image(image, predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Where a prediction is right (pale), wrong (dark, hatched), or does not count (faded picture).

    Args:
        image: RGB, `[H, W, 3]`.
        predicted: labels, `int [H, W]`.
        truth: the same, IGNORE where a pixel does not count; both as `Evaluator.compared` has them.

    Returns:
        uint8 `[h, w, 3]`, enlarged where the picture is small.
    """
    size = display_size(np.shape(as_rgb(image)))
    shown = 255 - 0.35 * (255.0 - enlarge(as_rgb(image), size))
    counts = upscale_nearest(truth != IGNORE, size)
    wrong = upscale_nearest((truth != IGNORE) & (predicted != truth), size)
    y, x = np.indices(wrong.shape)
    shown[counts & ~wrong] = _colour(RIGHT)
    shown[wrong] = _colour(WRONG)
    shown[wrong & ((x + y) % STRIPES < 2)] = 255
    return shown.astype(np.uint8)


@styled
def counted_pixels(image, compared: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Picture:
    """`verdict_image` for each title, with the share of the counted pixels that is right.

    Args:
        image: RGB, `[H, W, 3]`.
        compared: title -> (prediction, truth), `int [H, W]` each, as `Evaluator.compared` gives.
    """
    panel = 2.35
    picture = new_picture(panel * len(compared), panel * panel_ratio(as_rgb(image)) + 0.95)
    row = picture.subplots(1, len(compared), squeeze=False)[0]
    for axes, (title, (predicted, truth)) in zip(row, compared.items(), strict=True):
        counts = truth != IGNORE
        right = (predicted == truth)[counts].mean() if counts.any() else float("nan")
        told = f"{title}\n{right:.0%} of {counts.mean():.0%} right"
        show_image(axes, verdict_image(image, predicted, truth), told)
    handles = [
        Patch(facecolor=RIGHT),
        Patch(facecolor=WRONG, edgecolor="white", hatch="//////", linewidth=0),
        Patch(facecolor="white", edgecolor=FAINT),
    ]
    names = ["counts, and is right", "counts, and is wrong", "does not count"]
    legend_of(picture, handles, names, loc="outside lower center", ncols=3, fontsize=8)
    return picture


@styled
def verdicts(
    scores: Mapping[str, Mapping[str, tuple[float, float, float]]], xlabel: str
) -> Picture:
    """A dot with its interval for each score, grouped; the first group and row stand at the top.

    Args:
        scores: group -> {row: (low, value, high)}.
        xlabel: what is measured, with its unit.

    Raises:
        ValueError: nothing to draw.
    """
    rows = [(group, row, told) for group, found in scores.items() for row, told in found.items()]
    if not rows:
        raise ValueError("no scores to draw; give {group: {row: (low, value, high)}}")
    order = list(scores)
    places = [-(k + 1.1 * order.index(group)) for k, (group, _, _) in enumerate(rows)]
    picture = new_picture(6.4, 0.75 + 0.24 * -min(places))
    axes = picture.subplots()
    for place, (_, _, (low, value, high)) in zip(places, rows, strict=True):
        axes.plot([low, high], [place, place], color=INK, linewidth=1.3)
        axes.plot(value, place, "o", color=INK, markersize=5.5)
    for group in order:
        first = next(k for k, row in enumerate(rows) if row[0] == group)
        axes.text(
            0, places[first] + 0.85, group, transform=axes.get_yaxis_transform(), weight="bold"
        )
    axes.set_yticks(places, [row for _, row, _ in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
    axes.set_ylim(min(places) - 0.6, 1.5)
    axes.set_xlabel(xlabel)
    return picture


def _colour(name: str) -> list[int]:
    return [int(name[at : at + 2], 16) for at in (1, 3, 5)]
