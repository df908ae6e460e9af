"""The diagram of the whole system, drawn with the real maps of one real prediction."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.patheffects import withStroke

from .base import FAINT, INK, Picture, as_rgb, new_picture, styled

FROZEN, TRAINED, ONLY_TRAINING = "#e4e4e4", "#cfe0f3", "#fbe3c8"
WORDS = "#ffffff"


@styled
def data_flow(
    image,
    object_map: np.ndarray,
    part_map: np.ndarray,
    object_part_map: np.ndarray,
    *,
    obj: str = "dog",
    part: str = "head",
) -> Picture:
    """From a picture and a name to a mask, top to bottom, with the maps found on the way.

    Args:
        image: RGB, `[H, W, 3]`.
        object_map: probabilities of `obj`, `float [h, w], 0..1`.
        part_map: probabilities of `part`, `float [h, w], 0..1`.
        object_part_map: probabilities of the object part, `float [h, w], 0..1`.
        obj: name of the object.
        part: name of the part.
    """
    picture = new_picture(5.0, 6.6)
    axes = picture.subplots()
    axes.set(xlim=(0, 10), ylim=(0, 13.2), aspect="equal")
    axes.set_axis_off()
    _thumbnail(axes, as_rgb(image), 0.4, 10.2)
    _box(axes, 5.0, 12.2, 4.0, 0.8, f"“{obj}'s {part}”", WORDS, weight="bold")
    _box(axes, 4.2, 10.5, 2.4, 0.8, f"“{obj}”", WORDS)
    _box(axes, 7.4, 10.5, 2.4, 0.8, f"“{part}”", WORDS)
    axes.text(7.0, 11.75, "split", ha="center", va="center", color=INK, fontsize=8)
    _arrow(axes, (6.4, 12.2), (5.4, 11.3))
    _arrow(axes, (7.6, 12.2), (8.6, 11.3))
    _box(axes, 0.2, 8.3, 3.4, 1.1, "CLIP image encoder", FROZEN)
    _box(axes, 4.2, 8.3, 5.6, 1.1, "CLIP text encoder", FROZEN)
    _arrow(axes, (1.9, 10.2), (1.9, 9.4))
    _arrow(axes, (5.4, 10.5), (5.4, 9.4))
    _arrow(axes, (8.6, 10.5), (8.6, 9.4))
    _box(axes, 0.2, 6.4, 9.6, 1.1, "one decoder; each word steers it in turn (FiLM)", TRAINED)
    for x in (1.9, 5.4, 8.6):
        _arrow(axes, (x, 8.3), (x, 7.5))
    for x, values, word in ((4.4, object_map, obj), (7.6, part_map, part)):
        _arrow(axes, (x + 1.0, 6.4), (x + 1.0, 5.95))
        _thumbnail(axes, values, x, 3.95, f"“{word}”", side=2.0)
        _arrow(axes, (x + 1.0, 3.95), (x + 1.0, 3.4))
    _box(axes, 4.2, 2.4, 5.6, 1.0, "put together: Proj, FiLM again", TRAINED)
    _arrow(axes, (7.0, 2.4), (7.0, 2.1))
    _thumbnail(axes, object_part_map, 6.0, 0.1, f"“{obj}'s {part}”", side=2.0)
    _box(
        axes, 0.2, 3.95, 3.4, 1.6, "attention of the\nlast block:\nseparate, enhance", ONLY_TRAINING
    )
    _arrow(axes, (1.9, 6.4), (1.9, 5.55), dashed=True)
    _box(axes, 0.2, 0.5, 3.4, 1.6, "masks at three\ngranularities\nteach all three", ONLY_TRAINING)
    _arrow(axes, (6.0, 1.1), (3.6, 1.3), dashed=True)
    _arrow(axes, (4.4, 4.2), (3.2, 2.1), dashed=True)
    for y, colour, text in (
        (3.3, FROZEN, "frozen"),
        (2.85, TRAINED, "trained"),
        (2.4, ONLY_TRAINING, "in training only"),
    ):
        axes.add_patch(
            FancyBboxPatch(
                (0.3, y), 0.22, 0.22, boxstyle="round,pad=0.02", facecolor=colour, edgecolor=FAINT
            )
        )
        axes.text(0.72, y + 0.11, text, va="center", fontsize=8)
    return picture


def _box(
    axes: Axes,
    x: float,
    y: float,
    width: float,
    height: float,
    text: str,
    colour: str,
    weight: str = "normal",
) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (x + 0.1, y + 0.1),
            width - 0.2,
            height - 0.2,
            boxstyle="round,pad=0.1",
            facecolor=colour,
            edgecolor=FAINT,
            linewidth=0.8,
        )
    )
    axes.text(
        x + width / 2,
        y + height / 2,
        text,
        ha="center",
        va="center",
        fontsize=9,
        weight=weight,
        linespacing=1.25,
    )


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], dashed: bool = False
) -> None:
    axes.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": "-|>",
            "color": INK,
            "linewidth": 0.9,
            "shrinkA": 0,
            "shrinkB": 0,
            "linestyle": "--" if dashed else "-",
        },
    )


def _thumbnail(
    axes: Axes, values: np.ndarray, x: float, y: float, title: str = "", side: float = 3.0
) -> None:
    """An image, or a map on the scale 0..1 with its name; lower left corner at (x, y)."""
    axes.imshow(
        values,
        extent=(x, x + side, y, y + side),
        cmap="viridis",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        zorder=2,
    )
    axes.add_patch(
        FancyBboxPatch(
            (x, y), side, side, boxstyle="square,pad=0", fill=False, edgecolor=FAINT, zorder=3
        )
    )
    axes.text(
        x + side / 2,
        y + 0.1,
        title,
        ha="center",
        va="bottom",
        fontsize=8.5,
        color="white",
        zorder=4,
        path_effects=[withStroke(linewidth=2, foreground=INK)],
    )
    axes.set(xlim=(0, 10), ylim=(0, 13.2))
