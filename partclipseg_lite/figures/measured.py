"""Charts of what chapters measure: shares, recalls, sizes, likenesses, scores in groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .base import FAINT, INK, SEEN, UNSEEN, Picture, new_picture, plain_ticks, styled
from .spreads import Told

COLOURS = (INK, UNSEEN, SEEN, FAINT)


@styled
def dumbbells(
    pairs: Mapping[str, tuple[float, float]], names: tuple[str, str], xlabel: str
) -> Picture:
    """Two dots in a row for each name, joined by a line; the last row stands at the top.

    Args:
        pairs: name -> the two values.
        names: what the first and the second value are.
        xlabel: what is measured, with its unit.
    """
    picture = new_picture(5.6, 0.2 * len(pairs) + 0.8)
    axes = picture.subplots()
    for y, pair in enumerate(pairs.values()):
        axes.plot(pair, [y, y], color="#bbbbbb", linewidth=2, zorder=1)
    for k, name in enumerate(names):
        values = [pair[k] for pair in pairs.values()]
        axes.scatter(values, range(len(pairs)), color=COLOURS[k], label=name, s=24)
    axes.set_yticks(range(len(pairs)), pairs)
    axes.set_xlabel(xlabel)
    picture.legend(loc="outside upper right", ncols=2)
    return picture


@styled
def grouped_bars(
    values: Mapping[str, Mapping[str, float | Told]],
    xlabel: str,
    ylabel: str,
    colours: Sequence[str] = COLOURS[1:],
) -> Picture:
    """Bars side by side, with a line where a height has an interval.

    Args:
        values: series -> {group: height}.
        xlabel: of the groups.
        ylabel: of the heights, with their unit.
        colours: of the series; the first orange, the second blue.
    """
    picture = new_picture(5.6, 2.7)
    axes = picture.subplots()
    width = 0.8 / len(values)
    groups = list(next(iter(values.values())))
    for k, (series, heights) in enumerate(values.items()):
        places = np.arange(len(groups)) + (k - (len(values) - 1) / 2) * width
        shown = [heights[group] for group in groups]
        middle = [one if isinstance(one, float | int) else one.value for one in shown]
        axes.bar(places, middle, 0.95 * width, color=colours[k], label=series)
        for place, one in zip(places, shown, strict=True):
            if not isinstance(one, float | int):
                axes.plot([place, place], [one.low, one.high], color=INK, linewidth=1.2)
    axes.set_xticks(range(len(groups)), groups)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    picture.legend(loc="outside upper right", ncols=len(values))
    return picture


@styled
def size_boxes(
    names: np.ndarray, sizes: np.ndarray, xlabel: str, *, mark: float, mark_name: str
) -> Picture:
    """Box plot of sizes on a logarithmic scale, a row for each name, the smallest at the top.

    Boxes span the quartiles, whiskers reach 1.5 times as far, points lie beyond.

    Args:
        names: str `[K]`.
        sizes: numbers above 0, `[K]`, with these names.
        xlabel: what is measured, with its unit.
        mark: a size at which a red line stands.
        mark_name: what that size is.
    """
    rows = sorted(set(names.tolist()), key=lambda name: np.median(sizes[names == name]))
    picture = new_picture(5.0, 0.2 * len(rows) + 0.8)
    axes = picture.subplots()
    for y, name in enumerate(rows):
        own = sizes[names == name]
        low, middle, high = np.percentile(own, [25, 50, 75])
        reach = 1.5 * (high - low)
        near = own[(own >= low - reach) & (own <= high + reach)]
        far = np.setdiff1d(own, near)
        axes.hlines(y, near.min(), near.max(), color=INK, linewidth=0.8, zorder=1)
        axes.barh(y, high - low, 0.7, left=low, color="#a9c6e8", edgecolor=INK, linewidth=0.8)
        axes.vlines(middle, y - 0.35, y + 0.35, color=INK, linewidth=1.2)
        axes.plot(far, np.full(len(far), y), "o", color=INK, markersize=1.5)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xscale="log", xlabel=xlabel, ylim=(len(rows) - 0.4, -0.6))
    plain_ticks(axes.xaxis)
    axes.axvline(mark, color="#d7301f")
    axes.text(mark, -1.0, mark_name, color="#d7301f", ha="center", fontsize=9)
    return picture


@styled
def likeness_matrix(names: Sequence[str], values: np.ndarray) -> Picture:
    """A square of numbers from -1 (blue) to 1 (red), such as cosines, with their names.

    Args:
        names: K names of rows and columns.
        values: float `[K, K]`.
    """
    picture = new_picture(5.2, 4.2)
    axes = picture.subplots()
    shown = axes.imshow(values, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right")
    axes.set_yticks(range(len(names)), names)
    for (y, x), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.6 else INK
        axes.text(x, y, f"{value:.1f}", ha="center", va="center", color=colour)
    picture.colorbar(shown, ax=axes, shrink=0.8).outline.set_visible(False)
    return picture


@styled
def grouped_discs(
    names: Sequence[str],
    groups: np.ndarray,
    values: np.ndarray,
    areas: np.ndarray,
    *,
    xlabel: str,
    group_name: str,
) -> Picture:
    """A disc in its own row for each name, rows grouped; a grey line is the mean of the group.

    Args:
        names: K names.
        groups: a whole number for each, int `[K]`; the largest stands at the top.
        values: where the disc stands, 0 to 100, float `[K]`.
        areas: how large it is, float `[K]`.
        xlabel: what is measured, with its unit.
        group_name: what the numbers of the groups count.
    """
    order = np.lexsort((values, groups))
    kinds = np.unique(groups)
    y = np.arange(len(order)) + 1.2 * np.searchsorted(kinds, groups[order])
    picture = new_picture(6, 0.17 * y[-1] + 0.8)
    axes = picture.subplots()
    for kind in kinds:
        rows, mean = y[groups[order] == kind], values[groups == kind].mean()
        ends = [rows[0] - 0.5, rows[-1] + 0.5]
        axes.plot([mean, mean], ends, color="#aaaaaa", linewidth=2, zorder=1)
        axes.text(101, rows.mean(), f"{kind} {group_name}", va="center", fontsize=8, color=INK)
    sizes = 8 + 160 * areas[order] / areas.max()
    axes.scatter(values[order], y, s=sizes, color=UNSEEN, alpha=0.8, zorder=2)
    axes.set_yticks(y, [names[k] for k in order], fontsize=7.5)
    axes.set(xlim=(-2, 100), ylim=(-1, y[-1] + 1), xlabel=xlabel)
    return picture
