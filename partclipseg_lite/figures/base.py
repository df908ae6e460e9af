"""What all figures share: the canvas, the style, upscaling, PNG bytes."""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Callable, Sequence
from numbers import Real

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from PIL import Image

from ..datasets.images import read_image

INK, FAINT = "#222222", "#8a8a8a"
# Blue, orange: distinct to colour-blind eyes too.
SEEN, UNSEEN, HARMONIC = "#2f6db3", "#e08214", "#6b6b6b"
DISPLAY_SIZE = 384  # pictures are shown with their shorter side at least about this many pixels
LONGEST = 4096  # pixels of the longer side at most, whatever the shorter one is then
STEEPEST = 6.0  # panels are at most so many times as high as wide, or as wide as high
STYLE = {
    "text.parse_math": False,  # a "$" in a name is a "$"
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
    """Decorator: draw with the style above and matplotlib's defaults, whatever a notebook has set.

    Letters that the font lacks are drawn as boxes, without a warning.
    """

    @functools.wraps(draw)
    def wrapper(*args, **kwargs):
        with matplotlib.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            warnings.filterwarnings("ignore", message="Matplotlib currently does not support")
            matplotlib.rcdefaults()
            matplotlib.rcParams.update(STYLE)
            return draw(*args, **kwargs)

    return wrapper


class Picture(Figure):
    """A matplotlib Figure that shows itself in a notebook, without pyplot."""

    draw = styled(Figure.draw)  # some settings are read only now, when the caller's style is back
    draw_without_rendering = styled(Figure.draw_without_rendering)
    savefig = styled(Figure.savefig)

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """Sharp on fine screens: twice the pixels, and the width at which they are shown."""
        return to_png_bytes(self, 2), {"width": round(self.get_figwidth() * self.get_dpi())}


def new_picture(width: float, height: float) -> Picture:
    """Empty white figure of width x height inches (100 pixels an inch unless scaled)."""
    return Picture(figsize=(width, height), dpi=100, layout="constrained", facecolor="white")


def show_image(axes: Axes, image: np.ndarray, title: str = "", **kwargs) -> None:
    """An image or map without ticks, pixels kept square; keyword arguments go to `Axes.imshow`."""
    axes.imshow(image, **{"interpolation": "nearest", **kwargs})
    axes.set(xticks=[], yticks=[])  # matplotlib measures even those that are not drawn
    axes.set_axis_off()
    axes.set_autoscale_on(False)  # marks drawn later never change the frame
    axes.set_title(title)


def as_rgb(image) -> np.ndarray:
    """RGB `uint8 [H, W, 3]` of a Sample, PIL image, array or tensor, read as by `read_image`."""
    image = getattr(image, "image", image)
    if isinstance(image, Image.Image):
        return read_image(image)
    image = as_array(image)
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(
            f"the image has shape {image.shape}, expected [H, W, 3] (RGB, channels last)"
        )
    if image.dtype.kind not in "fb" and image.dtype.itemsize > 2:
        raise TypeError(f"the image has dtype {image.dtype}, expected uint8, or floats in 0..1")
    return image if image.dtype == np.uint8 else read_image(image)


def as_array(values) -> np.ndarray:
    """A NumPy array from an array, a list or a tensor on any device."""
    if not hasattr(values, "detach"):
        return np.asarray(values)
    values = values.detach().cpu()
    return (values.float() if values.is_floating_point() else values).numpy()  # NumPy knows no bf16


def checked_number(value, what: str, low: float, high: float) -> float:
    """The number `value`, from `low` to `high`.

    Raises:
        TypeError: it is no number.
        ValueError: it lies outside.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{what} must be a number, got {type(value).__name__}")
    if not low <= value <= high:  # NaN is neither
        raise ValueError(f"{what} must lie in {low}..{high}, got {str(value)[:40]}")
    return float(value)


def upscale_nearest(array, size: int | tuple[int, int]) -> np.ndarray:
    """A map resized by nearest pixel, so that it stays a map of squares.

    Smaller sizes work too. Pixel centres are aligned, as in `Sample.resized`.

    Args:
        array: `[h, w]` or `[h, w, C]`.
        size: a side, or height and width, in pixels.

    Raises:
        TypeError: a size that is no number.
        ValueError: a size below 1 or beyond all pictures.
    """
    sides = size if isinstance(size, tuple | list) else (size, size)
    if len(sides) != 2:
        raise ValueError(f"size must be a side, or height and width, got {str(size)[:40]}")
    height, width = (int(checked_number(side, "a side of size", 1, 10**5)) for side in sides)
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

    It is the smallest that makes the shorter side `at_least` pixels. The longer side
    has at most LONGEST pixels: then the number is smaller, or even a fraction.
    """
    height, width = shape[:2]
    if max(height, width) > LONGEST:
        scale = LONGEST / max(height, width)
        return max(1, round(height * scale)), max(1, round(width * scale))
    factor = max(1, min(-(-at_least // min(height, width)), LONGEST // max(height, width)))
    return height * factor, width * factor


def panel_ratio(image: np.ndarray) -> float:
    """Height of a panel for `image` relative to its width; long strips get less room."""
    return float(np.clip(image.shape[0] / image.shape[1], 1 / STEEPEST, STEEPEST))


def checked_floats(values, what: str) -> np.ndarray:
    """An array without NaN and infinity; `ValueError` naming it otherwise."""
    array = as_array(values)
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise ValueError(f"{what} has {bad} values that are not finite; replace them, or leave it")
    return array


def legend_of(picture: Picture, handles: Sequence, names: Sequence[str], **kwargs) -> None:
    """A legend of names as they are, also of those that begin with "_" (matplotlib drops them)."""
    legend = picture.legend(handles, [f"{i}" for i in range(len(names))], **kwargs)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)


def plain_ticks(axis: Axis) -> None:
    """Numbers such as 1,000 at a logarithmic axis, whose own labels are markup."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(NullFormatter())


def power_of_ten(exponent: int) -> str:
    """The text "10⁻³" of -3: figures read no markup."""
    return "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


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
        ValueError: a scale outside 0.001..100.
        TypeError: anything else than a figure or an array; a scale that is no number.
    """
    scale = checked_number(scale, "scale", 1e-3, 100)
    buffer = io.BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(
            buffer, format="png", dpi=picture.get_dpi() * scale, metadata={"Software": None}
        )
        return buffer.getvalue()
    array = checked_floats(picture, "the image")
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
