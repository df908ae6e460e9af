"""Maps on a grid: similarities, attention, and what the parts of one object claim."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from matplotlib.patches import Patch

from ..vocabulary import Vocabulary
from .base import (
    FAINT,
    Picture,
    as_array,
    as_rgb,
    checked_floats,
    checked_number,
    display_size,
    enlarge,
    new_picture,
    panel_ratio,
    show_image,
    styled,
    upscale_nearest,
)
from .palette import part_palette

PANEL, WIDTH = 1.9, 11.0  # inches: of one map at most, of all together
MISSING, NOTHING, ONE, OVERLAP = -1, 0, 1, 2
COVERAGE_COLOURS = {MISSING: "#3b3b3b", NOTHING: "#ffffff", ONE: "#7fbf7b", OVERLAP: "#d7301f"}
COVERAGE_NAMES = {
    ONE: "claimed by one part",
    OVERLAP: "by two or more: overlap",
    MISSING: "by none, though on the object: missing",
}


@styled
def heatmaps(
    image,
    maps: Mapping[str, np.ndarray],
    *,
    columns: int = 6,
    limits: tuple[float, float] | None = None,
    colours: str = "viridis",
) -> Picture:
    """The image and, beside it, maps as squares on one shared scale with its colour bar.

    Args:
        image: RGB, `[H, W, 3]`.
        maps: name -> `float [h, w]`.
        columns: panels in a row, at most.
        limits: lowest and highest value of the scale; default: of all maps together.
        colours: a matplotlib colour map; use a diverging one ("RdBu_r") with symmetric limits for
            signed maps.
    """
    image, maps = as_rgb(image), _checked(maps)
    low, high = limits or (min(m.min() for m in maps.values()), max(m.max() for m in maps.values()))
    columns = min(columns, len(maps) + 1)
    rows = -(-(len(maps) + 1) // columns)
    panel = min(PANEL, WIDTH / columns)
    ratio = panel_ratio(image)
    picture = new_picture(panel * columns + 0.6, (panel * ratio + 0.28) * rows)
    grid = picture.subplots(rows, columns, squeeze=False)
    for axes in grid.ravel():
        axes.set_axis_off()
    show_image(grid[0, 0], enlarge(image, display_size(image.shape)), "image")
    for axes, (name, values) in zip(grid.ravel()[1:], maps.items(), strict=False):
        show_image(
            axes, values, name, cmap=colours, vmin=low, vmax=high, aspect=_aspect(values, image)
        )
    bar = picture.colorbar(grid.ravel()[1].images[0], ax=grid, shrink=0.85, fraction=0.04, pad=0.01)
    bar.outline.set_visible(False)
    return picture


@styled
def map_table(image, rows: Mapping[str, Mapping[str, np.ndarray]]) -> Picture:
    """Maps in rows and columns, on one scale from 0 to 1, the image at the head of each row.

    Args:
        image: RGB uint8 `[H, W, 3]`.
        rows: {row: {column: float `[h, w]`}}, the same number of columns in each row.
    """
    image, columns = as_rgb(image), max(len(maps) for maps in rows.values())
    panel = min(PANEL, 7.6 / (columns + 1))
    ratio = image.shape[0] / image.shape[1]
    picture = new_picture(panel * (columns + 1), (panel * ratio + 0.2) * len(rows))
    grid = picture.subplots(len(rows), columns + 1, squeeze=False)
    for axes, (row, maps) in zip(grid, rows.items(), strict=True):
        show_image(axes[0], enlarge(image, display_size(image.shape)), row)
        for ax, (name, values) in zip(axes[1:], _checked(maps).items(), strict=True):
            shown = values.astype(float)
            show_image(
                ax, shown, name, cmap="viridis", vmin=0, vmax=1, aspect=_aspect(shown, image)
            )
    return picture


def three_colours(features, side: int = 384) -> np.ndarray:
    """The three leading directions of patch features as RGB: like patches, like colours.

    Args:
        features: float `[N, W]`, N patches of a square grid, row by row.
        side: of the picture in pixels.

    Returns:
        RGB, float32 `[side, side, 3]` from 0 to 1; each colour runs from its 2nd to its 98th
        percentile.
    """
    features = as_array(features)
    centred = features - features.mean(0)
    colours = centred @ np.linalg.svd(centred, full_matrices=False)[2][:3].T  # (N, 3)
    low, high = np.quantile(colours, [0.02, 0.98], axis=0)
    grid = round(len(colours) ** 0.5)
    scaled = ((colours - low) / (high - low)).clip(0, 1).astype(np.float32)
    return upscale_nearest(scaled.reshape(grid, grid, 3), side)


def coverage(maps, gamma: float, obj_mask=None) -> np.ndarray:
    """How many parts claim each place, `int [h, w]`.

    OVERLAP (2 or more), ONE, NOTHING (0) or MISSING (-1).

    Args:
        maps: normalised attention maps of the parts of one object, `float [K, h, w], 0..1`, or
            part -> `[h, w]`.
        gamma: a part claims the places where its map reaches gamma.
        obj_mask: the object, `bool [H, W]`; places of it that no part claims are MISSING. Without
            it nothing is.

    Raises:
        ValueError: maps of another shape; a gamma outside 0..1.
    """
    if isinstance(maps, Mapping):
        stack = np.stack(list(_checked(maps).values()))
    else:
        stack = checked_floats(maps, "the stack of maps")
    if stack.ndim != 3:
        raise ValueError(
            f"the maps have shape {stack.shape}, expected [K, h, w]: one map for each part"
        )
    claims = np.minimum((stack >= checked_number(gamma, "gamma", 0, 1)).sum(0), OVERLAP)
    if obj_mask is not None:
        on_object = upscale_nearest(obj_mask, claims.shape).astype(bool)
        claims = np.where((claims == NOTHING) & on_object, MISSING, claims)
    return claims


def coverage_image(covered: np.ndarray, image=None, *, alpha: float = 0.75) -> np.ndarray:
    """Picture of `coverage` over a greyed image, RGB `uint8 [H', W', 3]`.

    Green: one part; red: overlap; dark: missing.
    """
    covered, alpha = np.asarray(covered), checked_number(alpha, "alpha", 0, 1)
    size = display_size(covered.shape) if image is None else display_size(as_rgb(image).shape)
    codes = upscale_nearest(covered, size)
    canvas = np.full((*size, 3), 255.0)
    if image is not None:
        grey = enlarge(as_rgb(image), size).mean(-1, keepdims=True)
        canvas[:] = 255 - 0.6 * (255 - grey)
    for code in (MISSING, ONE, OVERLAP):
        colour = np.array([int(COVERAGE_COLOURS[code][i : i + 2], 16) for i in (1, 3, 5)])
        canvas[codes == code] += alpha * (colour - canvas[codes == code])
    return canvas.round().astype(np.uint8)


def coverage_shares(covered: np.ndarray) -> dict[str, float]:
    """Shares of `coverage`: "overlap" and "missing", both 0 to 1.

    Overlap: share of the claimed places that several parts claim (the ratio of Eq. 8). Missing:
    share of the object's unclaimed places among these and all claimed ones.
    """
    claimed, missing = (covered >= ONE).sum(), (covered == MISSING).sum()
    return {
        "overlap": float((covered == OVERLAP).sum() / max(claimed, 1)),
        "missing": float(missing / max(claimed + missing, 1)),
    }


@styled
def attention_panel(
    image,
    maps: Mapping[str, np.ndarray],
    gamma: float = 0.3,
    *,
    obj_mask=None,
    vocabulary: Vocabulary | None = None,
    title: str = "",
) -> Picture:
    """Where the parts of one object look.

    Above the maps, below the places that each part claims (map >= gamma). On the left the image,
    and all claims together: where one part claims a place, where several do (overlap), where none
    does (missing).

    Args:
        image: RGB, `[H, W, 3]`.
        maps: generalized part or "dog's head" -> normalised map, `float [h, w], 0..1`.
        gamma: a part claims the places where its map reaches gamma.
        obj_mask: the object, `bool [H, W]`: shows which of its places are missing.
        vocabulary: gives the parts the colours that they have in all other figures.
        title: of the image.
    """
    image, maps = as_rgb(image), _checked(maps)
    covered = coverage(maps, gamma, obj_mask)
    size = display_size(image.shape)
    ratio = panel_ratio(image)
    panel = min(PANEL, WIDTH / (len(maps) + 1))
    picture = new_picture(panel * (len(maps) + 1) + 0.5, 2 * panel * ratio + 1.05)
    grid = picture.subplots(2, len(maps) + 1)
    show_image(grid[0, 0], enlarge(image, size), title or "image")
    shares = coverage_shares(covered)
    found = [
        f"{kind} {share:.0%}"
        for kind, share in shares.items()
        if kind != "missing" or obj_mask is not None
    ]
    show_image(grid[1, 0], coverage_image(covered, image), "\n".join(found))
    colours = _part_colours(list(maps), vocabulary)
    grey = 255 - 0.6 * (255 - enlarge(image, size).mean(-1, keepdims=True))
    for column, (name, values) in enumerate(maps.items(), start=1):
        aspect = _aspect(values, image)
        show_image(grid[0, column], values, name, cmap="viridis", vmin=0, vmax=1, aspect=aspect)
        claimed = upscale_nearest(values >= gamma, size)[..., None]
        claims = np.where(claimed, 0.2 * grey + 0.8 * colours[column - 1], grey).astype(np.uint8)
        show_image(grid[1, column], claims, f"claims\n{(values >= gamma).mean():.0%}")
    for axes in grid[1]:
        axes.title.set_fontsize(8)
    bar = picture.colorbar(grid[0, 1].images[0], ax=grid[0], fraction=0.03, pad=0.01, shrink=0.85)
    bar.outline.set_visible(False)
    bar.ax.axhline(gamma, color="white", linewidth=2)
    bar.ax.text(1.3, gamma, " γ", va="center", transform=bar.ax.get_yaxis_transform(), fontsize=11)
    bar.set_ticks([0, 1])
    kinds = [ONE, OVERLAP] + ([MISSING] if obj_mask is not None else [])
    handles = [
        Patch(facecolor=COVERAGE_COLOURS[k], edgecolor=FAINT, label=COVERAGE_NAMES[k])
        for k in kinds
    ]
    picture.legend(
        handles=handles,
        loc="outside lower left",
        ncols=3,
        fontsize=8,
        handlelength=1,
        handleheight=1,
    )
    return picture


def _part_colours(names: list[str], vocabulary: Vocabulary | None) -> np.ndarray:
    """Colours of generalized or object-specific part names, `uint8 [K, 3]`."""
    parts = [re.split(r"'[sS] ", name)[-1] for name in names]
    if vocabulary is None or not set(parts) <= set(vocabulary.parts):
        vocabulary = Vocabulary.from_names({"object": list(dict.fromkeys(parts))})
    palette = part_palette(vocabulary)
    return palette[[vocabulary.parts.index(part) for part in parts]]


def _checked(maps: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    maps = {name: checked_floats(values, f"the map of {name!r}") for name, values in maps.items()}
    if not maps:
        raise ValueError("no maps to show; give at least one, as {name: map}")
    for name, values in maps.items():
        if values.ndim != 2:
            raise ValueError(f"the map of {name!r} has shape {values.shape}, expected [h, w]")
    return maps


def _aspect(values: np.ndarray, image: np.ndarray) -> float:
    """Height of a map's cell relative to its width that gives the image's proportions."""
    return (image.shape[0] / values.shape[0]) / (image.shape[1] / values.shape[1])
