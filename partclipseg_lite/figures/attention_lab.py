"""Figures of the chapter on attention control.

Small grids with their numbers, two trained models side by side, what every threshold trades, means
with their spread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.patches import Patch, Rectangle

from ..vocabulary import Vocabulary
from .base import (
    FAINT,
    INK,
    SEEN,
    UNSEEN,
    Picture,
    as_array,
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
from .laboratory_picture import draw_trade
from .maps import (
    COVERAGE_COLOURS,
    COVERAGE_NAMES,
    MISSING,
    ONE,
    OVERLAP,
    _aspect,
    _checked,
    _part_colours,
    coverage,
    coverage_image,
    coverage_shares,
)

TWO_SPREADS = 2.0  # whiskers reach two standard errors to each side


class Look(Protocol):
    """Where a model looks for the parts of one object (`evaluation.attention` makes them)."""

    masks: Mapping[str, np.ndarray]
    on_object: np.ndarray

    def by_part(self) -> tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]]:
        """(maps, normalised maps), each {part: float `[h, w]`}."""


@styled
def number_grids(
    grids: Mapping[str, np.ndarray],
    *,
    masks: Mapping[str, np.ndarray] | None = None,
    columns: int = 3,
) -> Picture:
    """Small maps with every value written in its cell, two digits or whole numbers.

    Args:
        grids: title -> `float or int [h, w]`, each coloured from 0 to 1, or to its largest value
            if that is larger.
        masks: title -> cells framed in orange, `bool [h, w]`, for example those of the part's own
            mask.
        columns: maps in a row, at most.
    """
    grids, masks = _checked(grids), masks or {}
    columns = min(columns, len(grids))
    rows = -(-len(grids) // columns)
    picture = new_picture(1.75 * columns, 2.0 * rows)
    axes_grid = picture.subplots(rows, columns, squeeze=False).ravel()
    for axes in axes_grid[len(grids) :]:
        axes.set_axis_off()
    for axes, (title, values) in zip(axes_grid, grids.items(), strict=False):
        high, digits = max(1.0, values.max()), 0 if values.dtype.kind in "iub" else 2
        show_image(axes, values, title, cmap="viridis", vmin=0, vmax=high)
        for (row, column), value in np.ndenumerate(values):
            axes.text(
                column,
                row,
                f"{value:.{digits}f}",
                ha="center",
                va="center",
                fontsize=9,
                color=INK if value > 0.6 * high else "white",
            )
        for row, column in zip(*np.nonzero(masks.get(title, np.zeros(values.shape))), strict=True):
            axes.add_patch(
                Rectangle(
                    (column - 0.44, row - 0.44),
                    0.88,
                    0.88,
                    fill=False,
                    edgecolor=UNSEEN,
                    linewidth=2,
                )
            )
    return _settled(picture)


@styled
def one_part_on_the_grid(image, mask, step: int, box: tuple[int, int, int, int]) -> Picture:
    """A part smaller than a cell, twice.

    On the left the pixels that nearest sampling looks at, on the right the share of each cell that
    the part covers.

    Args:
        image: RGB, `[H, W, 3]`.
        mask: `bool [H, W]`, as the image.
        step: pixels in a cell.
        box: (top, left, bottom, right) of the close-up, its sides multiples of `step`.

    Raises:
        ValueError: a box that leaves the image or cuts cells.
    """
    top, left, bottom, right = box
    image, mask = as_rgb(image), as_array(mask).astype(bool)
    height, width = bottom - top, right - left
    inside = 0 <= top < bottom <= mask.shape[0] and 0 <= left < right <= mask.shape[1]
    if image.shape[:2] != mask.shape or not inside or height % step or width % step:
        raise ValueError(
            f"box {box} must lie in the image and be a multiple of {step} pixels high and wide; "
            f"image and mask must have one size, got {image.shape[:2]} and {mask.shape}"
        )
    close, part = image[top:bottom, left:right], mask[top:bottom, left:right]
    shares = part.reshape(height // step, step, width // step, step).mean((1, 3))
    picture = new_picture(5.4, 3.0)
    axes = picture.subplots(1, 2)
    show_image(axes[0], close, "dots: the pixels that\nnearest sampling looks at")
    show_image(axes[1], close, "share of each cell\nthat the part covers", alpha=0.35)
    for panel in axes:
        _outline(panel, part, part.shape)
        for at in range(0, height + 1, step):
            panel.axhline(at - 0.5, color="white", linewidth=1)
        for at in range(0, width + 1, step):
            panel.axvline(at - 0.5, color="white", linewidth=1)
    y, x = np.mgrid[0:height:step, 0:width:step]
    axes[0].plot(
        x.ravel(),
        y.ravel(),
        "o",
        color=UNSEEN,
        markersize=5,
        markeredgecolor="white",
        clip_on=False,
    )
    for (row, column), share in np.ndenumerate(shares):
        axes[1].text(
            (column + 0.5) * step - 0.5,
            (row + 0.5) * step - 0.5,
            f"{share:.0%}",
            ha="center",
            va="center",
            weight="bold" if share else "normal",
        )
    return _settled(picture)


def box_around(mask, step: int, cells: int = 3) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of a close-up of `cells` x `cells` cells around the mask's centre.

    mask  bool [H, W], somewhere True; at the border the box is moved into the picture
    """
    mask, side = as_array(mask).astype(bool), cells * step
    corner = [
        int(np.clip(places.mean() // step * step - cells // 2 * step, 0, length - side))
        for places, length in zip(np.nonzero(mask), mask.shape, strict=True)
    ]
    return corner[0], corner[1], corner[0] + side, corner[1] + side


@styled
def side_by_side(
    image,
    models: Mapping[str, tuple[Mapping, Mapping]],
    gamma: float,
    *,
    masks: Mapping,
    obj_mask,
    vocabulary: Vocabulary | None = None,
    power: float = 0.5,
) -> Picture:
    """The parts of one object as two (or more) models see them.

    One row a part, two columns a model. The top row shows what all parts claim together.

    Args:
        image: RGB, `[H, W, 3]`.
        models: title -> (maps, normalised), both part -> `float [h, w]`; the left column of a model
            shows `maps`, on one colour scale for all models and parts, the right one where
            `normalised` reaches `gamma`.
        gamma: a part claims the places where its map reaches gamma.
        masks: part -> `bool [H, W]`, drawn as an outline.
        obj_mask: the object, `bool [H, W]`.
        vocabulary: gives the parts the colours that they have in all other figures.
        power: exponent of the colour scale; below 1 it opens up the small values.

    Raises:
        ValueError: a model lacks a part of `masks`.
    """
    image, parts = as_rgb(image), list(masks)
    for title, pair in models.items():
        missing = [part for part in parts for maps in pair if part not in maps]
        if missing:
            raise ValueError(f"{title!r} has no map of {missing[0]!r}; give maps of all of {parts}")
    models = {
        title: (_checked(maps), _checked(normalised))
        for title, (maps, normalised) in models.items()
    }
    size, panel, ratio = display_size(image.shape), 1.15, panel_ratio(image)
    top = max(maps[part].max() for maps, _ in models.values() for part in parts)
    scale = PowerNorm(power, vmin=0, vmax=top)
    picture = new_picture(2 * panel * len(models) + 0.25, panel * ratio * (len(parts) + 2) + 1.15)
    grid = picture.add_gridspec(len(parts) + 2, 2 * len(models))
    picture.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0.01, hspace=0.01)
    grey = 255 - 0.6 * (255 - enlarge(image, size).mean(-1, keepdims=True))
    colours = _part_colours(parts, vocabulary)
    left = []
    for m, (title, (maps, normalised)) in enumerate(models.items()):
        covered = coverage({part: normalised[part] for part in parts}, gamma, obj_mask)
        head = picture.add_subplot(grid[:2, 2 * m : 2 * m + 2])
        show_image(head, coverage_image(covered, image), f"{title}\n{_shares(covered)}")
        for row, part in enumerate(parts, start=2):
            axes = picture.add_subplot(grid[row, 2 * m])
            show_image(
                axes, maps[part], cmap="viridis", norm=scale, aspect=_aspect(maps[part], image)
            )
            _outline(axes, masks[part], maps[part].shape)
            if m == 0:
                axes.text(
                    -0.06, 0.5, part, transform=axes.transAxes, rotation=90, ha="right", va="center"
                )
            left.append(axes)
            claimed = upscale_nearest(normalised[part] >= gamma, size)[..., None]
            claims = np.where(claimed, 0.2 * grey + 0.8 * colours[row - 2], grey).astype(np.uint8)
            axes = picture.add_subplot(grid[row, 2 * m + 1])
            show_image(axes, claims)
            _outline(axes, masks[part], claims.shape[:2])
    bar = picture.colorbar(
        left[0].images[0], ax=picture.axes, location="bottom", fraction=0.025, pad=0.01, aspect=40
    )
    bar.outline.set_visible(False)
    bar.set_ticks(
        [0, top / 4, top / 2, top], labels=[f"{value:.2g}" for value in (0, top / 4, top / 2, top)]
    )
    bar.minorticks_off()
    bar.set_label("left: the map, one scale for all    right: where it claims", fontsize=8)
    picture.legend(
        handles=_handles(),
        loc="outside lower center",
        ncols=1,
        fontsize=8,
        handlelength=1,
        handleheight=1,
    )
    return _settled(picture)


def looks_beside(
    image, looks: Mapping[str, Look], gamma: float, vocabulary: Vocabulary | None = None
) -> Picture:
    """`side_by_side` of where several models look for the parts of one object.

    looks  {title: look}, all of the same object in the same picture
    """
    first = next(iter(looks.values()))
    maps = {title: look.by_part() for title, look in looks.items()}
    return side_by_side(
        image, maps, gamma, masks=first.masks, obj_mask=first.on_object, vocabulary=vocabulary
    )


@styled
def trade_off(paths: Mapping[str, np.ndarray], gamma: float) -> Picture:
    """Overlap against missing places over every γ, a line a model, marked at one.

    Args:
        paths: model -> float `[len(GAMMAS), 2]`, overlap and missing at each of
            `laboratory_picture.GAMMAS`, shares.
        gamma: the threshold that is marked.
    """
    picture = new_picture(4.6, 3.6)
    axes = picture.subplots()
    handles = draw_trade(axes, paths, gamma)
    axes.grid(color="#e6e6e6", linewidth=0.6)
    axes.text(2, 3, "↙ better", fontsize=9)
    legend_of(picture, handles, list(paths), loc="outside upper center", ncols=len(paths))
    return picture


@styled
def means_with_errors(
    values: Mapping[str, Mapping[str, Mapping[str, np.ndarray]]], *, columns: int = 2
) -> Picture:
    """One panel a quantity: means over objects, with whiskers of two standard errors.

    Args:
        values: quantity -> group -> model -> `float [n]`; all panels have the same groups and
            models.
        columns: panels in a row, at most.
    """
    columns = min(columns, len(values))
    rows = -(-len(values) // columns)
    picture = new_picture(2.7 * columns, 2.3 * rows + 0.3)
    axes_grid = picture.subplots(rows, columns, squeeze=False).ravel()
    for axes in axes_grid[len(values) :]:
        axes.set_axis_off()
    colours, handles = (FAINT, SEEN, UNSEEN), {}
    for axes, (quantity, groups) in zip(axes_grid, values.items(), strict=False):
        for g, models in enumerate(groups.values()):
            for m, (model, samples) in enumerate(models.items()):
                mean, error = mean_and_error(samples)
                place = g + (m - (len(models) - 1) / 2) * 0.26
                drawn = axes.errorbar(
                    place,
                    mean,
                    TWO_SPREADS * error,
                    fmt="o",
                    color=colours[m % 3],
                    capsize=3,
                    markersize=5,
                )
                handles.setdefault(model, drawn)
        axes.set(title=quantity, xlim=(-0.6, len(groups) - 0.4))
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
        axes.set_xticks(range(len(groups)), list(groups))
        axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    place = {"loc": "outside lower center", "ncols": len(handles), "fontsize": 8.5}
    legend_of(picture, list(handles.values()), list(handles), **place)
    return _settled(picture)


def mean_and_error(values) -> tuple[float, float]:
    """Mean and its standard error (0 for a single value).

    Raises:
        ValueError: there is no value.
    """
    values = as_array(values).astype(float).ravel()
    if not len(values):
        raise ValueError("no values to average")
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()), float(error)


def _settled(picture: Picture) -> Picture:
    """The picture, laid out once.

    Square panels move after the first layout, and titles of two lines would lose their top.
    """
    picture.get_layout_engine().execute(picture)
    return picture


def _shares(covered: np.ndarray) -> str:
    shares = coverage_shares(covered)
    return f"overlap {shares['overlap']:.0%}, missing {shares['missing']:.0%}"


def _handles() -> list[Patch]:
    return [
        Patch(facecolor=COVERAGE_COLOURS[k], edgecolor=FAINT, label=COVERAGE_NAMES[k])
        for k in (ONE, OVERLAP, MISSING)
    ]


def _outline(axes, mask, shape: tuple[int, int]) -> None:
    """A white line around `mask`, `bool [H, W]`, over a map of another shape."""
    mask = as_array(mask).astype(float)
    y, x = (
        (np.arange(side) + 0.5) * other / side - 0.5
        for side, other in zip(mask.shape, shape, strict=True)
    )
    for colour, width in ((INK, 1.6), ("white", 0.8)):
        axes.contour(x, y, mask, levels=[0.5], colors=[colour], linewidths=width)
