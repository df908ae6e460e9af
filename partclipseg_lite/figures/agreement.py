"""How far two computations are apart: every compared number as a dot, beside what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from .base import FAINT, INK, SEEN, Picture, new_picture, power_of_ten, styled

TOO_FAR = "#c0392b"


class Row(Protocol):
    """One compared number: how far it is off, how far it may be, and in which unit.

    `release.comparison` makes them.
    """

    deviation: float
    tolerance: float
    unit: str


@styled
def agreement(groups: Mapping[str, Iterable[Row]]) -> Picture:
    """One line for each group: a dot at each deviation, a bar at the tolerance.

    The scale is logarithmic; dots beyond the tolerance are red. The disc at the left counts what is
    equal to the last bit. What exceeds the scale, or is NaN, stands at its right end.

    Args:
        groups: {title: rows of `compare_released`}; the rows of a group share one tolerance.

    Raises:
        ValueError: no groups, an empty one, or one with several tolerances.
    """
    lines = {title: list(rows) for title, rows in groups.items()}
    if not lines:
        raise ValueError("no groups to show; give {title: rows of compare_released}")
    for title, rows in lines.items():
        tolerances = sorted({row.tolerance for row in rows})
        if len(tolerances) != 1:
            raise ValueError(
                f"the group {title!r} allows {tolerances or 'nothing, it is empty'}; "
                "one tolerance is needed"
            )
    low, high = _decades(lines)
    room = (high / low) ** 0.12  # a share of the width, for what has no place on a log scale
    equal = low / room
    picture = new_picture(7.4, 0.34 * len(lines) + 0.9)
    axes = picture.subplots()
    left, right = equal / room**0.6, high * room**0.1
    axes.set(xscale="log", xlim=(left, right), ylim=(len(lines) - 0.4, -0.6))
    for y, rows in enumerate(lines.values()):
        _one_line(axes, y, rows, equal, high)
        agree = sum(row.agrees for row in rows)
        axes.annotate(
            f"{agree} of {len(rows)}",
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            va="center",
            textcoords="offset points",
            color=INK if agree == len(rows) else TOO_FAR,
            annotation_clip=False,
        )
    axes.set_yticks(range(len(lines)), lines)
    first, last = round(np.log10(low)), round(np.log10(high))
    decades = np.arange(first, last + 1, 1 + (last - first) // 8)
    axes.set_xticks([equal, *10.0**decades], ["equal", *(power_of_ten(d) for d in decades)])
    axes.minorticks_off()
    axes.tick_params(length=0)
    axes.axvline(low / room**0.4, color=FAINT, linewidth=0.6, linestyle=":")  # left of it no scale
    axes.set_axisbelow(True)
    axes.hlines(range(len(lines)), left, right, color="#e6e6e6", linewidth=0.6, zorder=0)
    axes.set_xlabel("deviation (dots) and what is allowed (bars)")
    axes.set_title("agree", loc="right", x=1.08, fontsize=9)
    return picture


def _decades(lines: Mapping[str, list[Row]]) -> tuple[float, float]:
    """Powers of ten below, and well above, all that has a place on a log scale."""
    values = np.array(
        [v for rows in lines.values() for row in rows for v in (row.deviation, row.tolerance)],
        float,
    )
    values = values[np.isfinite(values) & (values > 0)]
    if not len(values):
        return 1e-8, 1.0
    return 10.0 ** np.floor(np.log10(values.min())), 10.0 ** (np.floor(np.log10(values.max())) + 1)


def _one_line(axes, y: int, rows: list[Row], equal: float, high: float) -> None:
    tolerance = rows[0].tolerance
    zeros = sum(row.deviation == 0 for row in rows)
    if zeros:
        axes.plot(equal, y, "o", color=SEEN, markersize=14)
        axes.text(equal, y + 0.02, str(zeros), color="white", ha="center", va="center", fontsize=8)
    if tolerance > 0:
        axes.plot(
            [tolerance, tolerance],
            [y - 0.32, y + 0.32],
            color=INK,
            linewidth=2.2,
            solid_capstyle="butt",
        )
    others = sorted((row for row in rows if row.deviation != 0), key=lambda row: str(row.name))
    for k, row in enumerate(others):
        place = row.deviation if row.deviation <= high else high  # NaN, too, stands at the end
        # So that dots do not hide each other.
        shift = ((k * 0.618034) % 1 - 0.5) * 0.4 if len(others) > 1 else 0.0
        axes.plot(
            place,
            y + shift,
            "o",
            color=SEEN if row.agrees else TOO_FAR,
            markersize=5,
            alpha=0.8,
            markeredgewidth=0,
        )
