"""What all figures share: the canvas, the style, upscaling, PNG bytes."""

from __future__ import annotations

import functools
import io
from collections.abc import Callable

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

INK, FAINT = "#222222", "#8a8a8a"
# Blue, orange: distinct to colour-blind eyes too.
SEEN, UNSEEN, HARMONIC = "#2f6db3", "#e08214", "#6b6b6b"
DISPLAY_SIZE = 384  # pictures are shown with their shorter side at least about this many pixels
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.titlecolor": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "savefig.facecolor": "white",
}


def styled(draw: Callable) -> Callable:
    """A decorator: draw with the style above, whatever style a notebook has set."""

    @functools.wraps(draw)
    def wrapper(*args, **kwargs):
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return wrapper


class Picture(Figure):
    """A matplotlib Figure that shows itself in a notebook, without pyplot."""

    draw = styled(Figure.draw)  # some settings are read only now, when the caller's style is back
    savefig = styled(Figure.savefig)

    def _repr_png_(self) -> bytes:
        return to_png_bytes(self)


def new_picture(width: float, height: float) -> Picture:
    """Empty white figure of width x height inches (100 pixels an inch unless scaled)."""
    return Picture(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")


def show_image(axes: Axes, image: np.ndarray, title: str = "", **kwargs) -> None:
    """An image or map without ticks, pixels kept square; keyword arguments go to `Axes.imshow`."""
    axes.imshow(image, **{"interpolation": "nearest", **kwargs})
    axes.set_axis_off()
    axes.set_autoscale_on(False)  # marks drawn later never change the frame
    axes.set_title(title)


def as_rgb(image) -> np.ndarray:
    """An image as RGB, `uint8 [H, W, 3]`.

    Args:
        image: a Sample, a PIL image, or an array or tensor `[H, W, 3]`, uint8 or float in 0..1.

    Raises:
        ValueError: it has another shape.
        TypeError: it has another dtype.
    """
    image = getattr(image, "image", image)
    if isinstance(image, Image.Image):
        image = image.convert("RGB")
    image = as_array(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(
            f"the image has shape {image.shape}, expected [H, W, 3] (RGB, channels last)"
        )
    if image.dtype.kind == "f":
        return (np.clip(image, 0, 1) * 255).round().astype(np.uint8)
    if image.dtype != np.uint8:
        raise TypeError(f"the image has dtype {image.dtype}, expected uint8, or floats in 0..1")
    return image


def as_array(values) -> np.ndarray:
    """A NumPy array from an array, a list or a tensor on any device."""
    if not hasattr(values, "detach"):
        return np.asarray(values)
    values = values.detach().cpu()
    return (values.float() if values.is_floating_point() else values).numpy()  # NumPy knows no bf16


def upscale_nearest(array, size: int | tuple[int, int]) -> np.ndarray:
    """A map resized by nearest pixel, so that it stays a map of squares.

    Smaller sizes work too. Pixel centres are aligned, as in `Sample.resized`.

    Args:
        array: `[h, w]` or `[h, w, C]`.
        size: a side, or height and width, in pixels.

    Raises:
        ValueError: a size below 1.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ValueError(f"size must be positive, got {size!r}")
    array = np.asarray(array) if not hasattr(array, "detach") else array.detach().cpu().numpy()
    rows = ((np.arange(height) + 0.5) * array.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * array.shape[1] / width).astype(int)
    return array[np.ix_(rows, columns)]


def enlarge(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A photograph or drawing, `uint8 [H, W, 3]`, at `size` (height, width), smoothly."""
    if image.shape[:2] == tuple(size):
        return image
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BICUBIC))


def display_size(shape: tuple[int, ...], at_least: int = DISPLAY_SIZE) -> tuple[int, int]:
    """Height and width, enlarged by a whole number.

    It is the smallest that makes the shorter side `at_least` pixels.
    """
    factor = max(1, -(-at_least // min(shape[:2])))
    return shape[0] * factor, shape[1] * factor


def spread(wanted, low: float, high: float, gap: float) -> np.ndarray:
    """Positions for labels: near the wanted ones, in order, `gap` apart, within low..high.

    The `wanted` ones ascend. Each label first moves up just enough to clear the one before it; then
    whatever stands beyond `high` is pushed back.
    """
    wanted = np.asarray(wanted, float)
    gap = min(gap, (high - low) / max(1, len(wanted)))
    slot = np.arange(len(wanted)) * gap
    places = np.maximum.accumulate(np.maximum(wanted - slot, low + gap / 2)) + slot
    return np.minimum(places, high - gap / 2 - slot[::-1])


def to_png_bytes(picture, scale: float = 1.0) -> bytes:
    """PNG bytes of a figure or of an image array, for widgets and files.

    Equal input gives equal bytes.

    Args:
        picture: a Figure, or an array: uint8 or float 0..1, `[H, W]`, `[H, W, 3]` or `[H, W, 4]`.
        scale: resolution factor: dots per inch of a figure, nearest-pixel enlargement of an array.

    Raises:
        ValueError: a scale that is not positive.
        TypeError: anything else than a figure or an array.
    """
    if not scale > 0:
        raise ValueError(f"scale must be positive, got {scale!r}")
    buffer = io.BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(
            buffer, format="png", dpi=picture.get_dpi() * scale, metadata={"Software": None}
        )
        return buffer.getvalue()
    array = as_array(picture)
    if array.dtype.kind == "f":
        array = (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise TypeError(
            f"expected a figure or an image array, got {type(picture).__name__} with dtype "
            f"{array.dtype} and shape {array.shape}"
        )
    if scale != 1:
        height, width = (max(1, round(side * scale)) for side in array.shape[:2])
        array = upscale_nearest(array, (height, width))
    Image.fromarray(array).save(buffer, format="png")
    return buffer.getvalue()
