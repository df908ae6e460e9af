"""Pictures with their labels: overlays, samples, comparisons, contact sheets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from PIL import Image
from scipy import ndimage

from ..datasets.sample import IGNORE, Sample
from ..vocabulary import Vocabulary
from .base import (
    INK,
    Picture,
    as_array,
    as_rgb,
    checked_floats,
    checked_number,
    display_size,
    enlarge,
    legend_of,
    new_picture,
    panel_ratio,
    show_image,
    spread,
    styled,
    upscale_nearest,
)
from .palette import object_palette, part_palette

PANEL = 2.9  # inches
NAMES_ON_A_SIDE = 14  # that fit beside a panel


def overlay(
    image,
    label_map,
    vocabulary: Vocabulary,
    *,
    alpha: float = 0.7,
    fade: float = 0.35,
    outlines: bool = True,
) -> np.ndarray:
    """The image with coloured parts, at display size, RGB `uint8 [H', W', 3]`.

    Args:
        image: RGB, `[H, W, 3]`.
        label_map: object-part ids, `int [h, w]`; below 0 or from T on nothing is painted.
        vocabulary: of the T object parts.
        alpha: 0 leaves the image under the parts, 1 covers it.
        fade: 0 leaves the rest of the image, 1 turns it white.
        outlines: thin white lines between neighbouring parts.
    """
    colours = part_palette(vocabulary)[vocabulary.part_of.numpy()]
    return _paint(image, label_map, colours, alpha, fade, outlines)


def _paint(
    image,
    label_map,
    colours: np.ndarray,
    alpha: float = 0.7,
    fade: float = 0.35,
    outlines: bool = True,
) -> np.ndarray:
    alpha, fade = checked_number(alpha, "alpha", 0, 1), checked_number(fade, "fade", 0, 1)
    image, labels = as_rgb(image), checked_floats(label_map, "the label map")
    if labels.dtype.kind not in "biuf":
        raise ValueError(f"the label map has dtype {labels.dtype}, expected whole numbers")
    labels = labels.astype(int)
    if labels.ndim != 2:
        raise ValueError(f"the label map has shape {labels.shape}, expected [H, W]")
    size = display_size(image.shape)
    canvas, labels = enlarge(image, size).astype(float), upscale_nearest(labels, size)
    labels = np.where((labels >= 0) & (labels < len(colours)), labels, IGNORE)
    # The last row is white, for IGNORE = -1.
    towards = np.concatenate([colours, np.full((1, 3), 255)]).astype(float)
    share = np.array([*[alpha] * len(colours), fade])
    canvas += share[labels][..., None] * (towards[labels] - canvas)
    if outlines:
        edge = _edges(labels, thickness=max(1, round(min(size) / 256)))
        canvas[edge] += 0.9 * (255 - canvas[edge])
    return canvas.round().astype(np.uint8)


def _edges(labels: np.ndarray, thickness: int) -> np.ndarray:
    """True on lines of the given thickness where two labels meet."""
    edge = np.zeros(labels.shape, bool)
    edge[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edge[1:] |= labels[1:] != labels[:-1]
    return ndimage.binary_dilation(edge, np.ones((thickness, thickness))) if thickness > 1 else edge


@styled
def show_sample(sample: Sample, vocabulary: Vocabulary) -> Picture:
    """Image, object map and part map side by side.

    Objects are named in place, parts in the margins.
    """
    present = np.unique(sample.part_map[sample.part_map != IGNORE]).tolist()
    several = len({int(vocabulary.object_of[t]) for t in present}) > 1
    names = {
        t: vocabulary.object_parts[t] if several else vocabulary.parts[vocabulary.part_of[t]]
        for t in present
    }
    labels = upscale_nearest(sample.part_map, display_size(sample.part_map.shape))
    anchors = {t: _anchor(labels == t) for t in present}
    from_left = sorted(present, key=lambda t: anchors[t])
    on_left = sum(x < labels.shape[1] / 2 for x, _ in anchors.values())
    on_left = min(max(on_left, len(present) - NAMES_ON_A_SIDE), NAMES_ON_A_SIDE)
    sides = from_left[:on_left], from_left[on_left:]
    # All in inches: three panels of equal height, margins for the names on both sides of the third.
    panel, gap = PANEL / panel_ratio(sample.image), 0.1
    margins = [0.3 + 0.068 * max((len(names[t]) for t in side), default=0) for side in sides]
    width, height = 3 * panel + 2 * gap + sum(margins), PANEL + 0.3
    picture = new_picture(width, height)
    picture.set_layout_engine("none")
    lefts = (0, panel + gap, 2 * panel + 2 * gap + margins[0])
    axes = [picture.add_axes((left / width, 0, panel / width, PANEL / height)) for left in lefts]
    show_image(axes[0], enlarge(sample.image, display_size(sample.image.shape)), "image")
    show_image(
        axes[1], _paint(sample.image, sample.object_map, object_palette(vocabulary)), "objects"
    )
    show_image(axes[2], overlay(sample.image, sample.part_map, vocabulary), "parts")
    _name_objects(axes[1], sample.object_map, vocabulary)
    colours = part_palette(vocabulary)[vocabulary.part_of.numpy()] / 255
    for direction, side in zip((-1, 1), sides, strict=True):
        _name_parts(axes[2], {t: anchors[t] for t in side}, names, colours, direction, labels.shape)
    return picture


def _anchor(mask: np.ndarray) -> tuple[float, float]:
    """(x, y) of the pixel deepest inside a mask."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.unravel_index(depth.argmax(), mask.shape)
    return float(x), float(y)


def _name_objects(axes: Axes, object_map: np.ndarray, vocabulary: Vocabulary) -> None:
    labels = upscale_nearest(object_map, display_size(object_map.shape))
    for obj in np.unique(labels[labels != IGNORE]).tolist():
        x, y = _anchor(labels == obj)
        axes.text(
            x,
            y,
            vocabulary.objects[obj],
            ha="center",
            va="center",
            color="white",
            weight="bold",
            path_effects=[withStroke(linewidth=2.5, foreground=INK)],
        )


def _name_parts(
    axes: Axes,
    anchors: dict[int, tuple[float, float]],
    names: dict[int, str],
    colours: np.ndarray,
    direction: int,
    shape: tuple[int, int],
) -> None:
    """Names in the left (direction -1) or right (1) margin, a thin line to each part's anchor."""
    height, width = shape
    order = sorted(anchors, key=lambda t: anchors[t][1])
    places = spread([anchors[t][1] for t in order], 0, height, gap=0.068 * height)
    edge = -0.5 if direction < 0 else width - 0.5
    for t, y in zip(order, places, strict=True):
        x = [anchors[t][0], edge, edge + direction * 0.03 * width]
        axes.plot(
            x,
            [anchors[t][1], y, y],
            color=INK,
            linewidth=0.7,
            clip_on=False,
            path_effects=[withStroke(linewidth=1.7, foreground="white")],
        )
        axes.plot(*anchors[t], "o", markersize=4, color=colours[t], markeredgecolor=INK)
        axes.text(
            x[-1] + direction * 0.012 * width,
            y,
            names[t],
            va="center",
            fontsize=8.5,
            ha="right" if direction < 0 else "left",
        )


@styled
def compare(
    images, label_maps: Mapping, vocabulary: Vocabulary, *, image_column: bool = True
) -> Picture:
    """Columns: the image, then one overlay for each title; the names of all visible parts below.

    Args:
        images: one image or sample, or a list of them (rows).
        label_maps: {title: label map `[h, w]`}, or for several images {title: list of label maps};
            in the place of a map stands a sample for its true parts, or a `Segmentation` for what
            it found.
        vocabulary: of the object parts.
        image_column: the first column shows the image by itself.

    Raises:
        ValueError: a title has another number of maps than there are images.
    """
    single = not isinstance(images, (list, tuple))
    images = [as_rgb(image) for image in ([images] if single else images)]
    columns = {title: [maps] if single else list(maps) for title, maps in label_maps.items()}
    columns = {title: [_labels(one, vocabulary) for one in maps] for title, maps in columns.items()}
    for title, maps in columns.items():
        if len(maps) != len(images):
            raise ValueError(f"{title!r} has {len(maps)} label maps for {len(images)} images")
    shown = {int(t) for maps in columns.values() for one in maps for t in np.unique(as_array(one))}
    parts = sorted({int(vocabulary.part_of[t]) for t in shown if 0 <= t < len(vocabulary)})
    first = int(image_column)
    panel = PANEL * 0.8
    width = panel * (len(columns) + first)
    per_row = max(1, int(width / 1.05))
    ratio = max(map(panel_ratio, images))
    legend_height = 0.19 * -(-len(parts) // per_row) + 0.12
    picture = new_picture(width, panel * ratio * len(images) + 0.22 + legend_height)
    axes = picture.subplots(len(images), len(columns) + first, squeeze=False)
    for row, image in enumerate(images):
        if image_column:
            show_image(
                axes[row, 0], enlarge(image, display_size(image.shape)), "" if row else "image"
            )
        for column, (title, maps) in enumerate(columns.items(), start=first):
            show_image(
                axes[row, column], overlay(image, maps[row], vocabulary), "" if row else title
            )
    colours = part_palette(vocabulary) / 255
    if parts:
        legend_of(
            picture,
            [Patch(color=colours[p]) for p in parts],
            [vocabulary.parts[p] for p in parts],
            ncols=per_row,
            loc="outside lower center",
            fontsize=8,
            handlelength=1,
            handleheight=1,
            columnspacing=1,
        )
    return picture


def _labels(labels, vocabulary: Vocabulary) -> np.ndarray:
    """A label map [h, w] from one, from a sample or from a result of a segmenter."""
    if hasattr(labels, "labels_in"):
        return labels.labels_in(vocabulary)
    return as_array(getattr(labels, "part_map", labels))


@styled
def contact_sheet(
    images: Sequence, columns: int = 6, titles: Sequence[str] | None = None
) -> Picture:
    """Many images in a grid, each in a cell of the first one's proportions.

    Args:
        images: RGB, each `[H, W, 3]`.
        columns: images in a row, at most.
        titles: one for each image.

    Raises:
        ValueError: no images, or another number of titles.
    """
    images = [as_rgb(image) for image in images]
    if not images:
        raise ValueError("no images to show; give at least one")
    if titles is not None and len(titles) != len(images):
        raise ValueError(f"{len(titles)} titles for {len(images)} images; give one for each")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    cell = min(PANEL, 10 / columns)
    height = cell * panel_ratio(images[0]) + (0.22 if titles else 0.04)
    picture = new_picture(cell * columns, height * rows)
    picture.get_layout_engine().set(w_pad=0.015, h_pad=0.015, wspace=0, hspace=0)
    grid = picture.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid[len(images) :]:
        axes.set_axis_off()
    for axes, image, title in zip(grid, images, titles or [""] * len(images), strict=False):
        show_image(axes, enlarge(image, display_size(image.shape, at_least=200)))
        axes.set_title(title, fontsize=8, pad=2)
    return picture


def close_up(image, box: Sequence[int], side: int = 200) -> np.ndarray:
    """The square around a box, a little wider than it, as RGB uint8 `[side, side, 3]`.

    Args:
        image: RGB `[H, W, 3]`.
        box: left, top, right, bottom in pixels.
        side: of the cut-out in pixels.
    """
    image = as_rgb(image)
    height, width = image.shape[:2]
    wanted = min(max(box[2] - box[0], box[3] - box[1]) * 1.15, height, width)
    left = np.clip((box[0] + box[2] - wanted) / 2, 0, width - wanted)
    top = np.clip((box[1] + box[3] - wanted) / 2, 0, height - wanted)
    cut = (left, top, left + wanted, top + wanted)
    return np.asarray(Image.fromarray(image).resize((side, side), box=cut))
