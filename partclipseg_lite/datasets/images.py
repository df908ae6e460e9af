"""Reading pictures: whatever people have becomes RGB `uint8 [H, W, 3]`.

Or one error that says what is wrong with it.
"""

import re
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

ImageLike = str | Path | Image.Image | np.ndarray | Tensor
# Two characters at least, so that C:/ is a drive.
URL = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)


def read_image(image: ImageLike) -> np.ndarray:
    """Any image as RGB, `uint8 [H, W, 3]`.

    Args:
        image: a path or a PIL image of any mode (transparency is laid on white, 16-bit grey
            scaled, EXIF rotation applied); or an array or a tensor, uint8, uint16 or floats in
            0..1, `[H, W]`, `[H, W, 3|4]` or `[3, H, W]`.

    Raises:
        TypeError: `image` is something else.
        ValueError: it cannot be read; the message says what is wrong.
        FileNotFoundError: the file is not there.
    """
    if isinstance(image, str | Path):
        return _from_file(image)
    if isinstance(image, Image.Image):
        return _from_pil(image, "the PIL image")
    if not isinstance(image, Tensor | np.ndarray):
        raise TypeError(
            "an image must be a path, a PIL image, a NumPy array or a tensor, got "
            f"{type(image).__name__}"
        )
    if isinstance(image, Tensor):
        image = image.detach().cpu()
        # NumPy has no bfloat16
        image = (image.float() if image.is_floating_point() else image).numpy()
    return _from_array(image)


def _from_file(name: str | Path) -> np.ndarray:
    if URL.match(str(name)):
        raise ValueError(
            f"{str(name)!r} is a URL; download the image first and give the file's path"
        )
    if not Path(name).is_file():
        raise FileNotFoundError(f"no image at {str(name)!r}")
    try:
        opened = Image.open(name)
    except Exception as error:  # PIL's plugins raise whatever they meet in a broken file
        raise ValueError(
            f"{name} cannot be read as an image ({error}); is it truncated or no image?"
        ) from error
    with opened:
        return _from_pil(opened, str(name))


def _from_pil(image: Image.Image, name: str) -> np.ndarray:
    try:  # PIL reads the pixels only now
        return _as_rgb(ImageOps.exif_transpose(image))
    except Exception as error:
        raise ValueError(
            f"{name} cannot be read as an image ({error}); is it truncated or no image?"
        ) from error


def _as_rgb(image: Image.Image) -> np.ndarray:
    if image.mode.startswith("I") or image.mode == "F":  # whole numbers of 16 or 32 bits, or floats
        values = np.asarray(image, dtype=np.float64)
        if not np.isfinite(values).all():
            raise ValueError("some of its pixels are not finite")
        deep = image.mode.startswith("I;16") or values.max() > 255
        top = 65535 if deep else 1 if image.mode == "F" and values.max() <= 1 else 255
        image = Image.fromarray((values.clip(0, top) / top * 255).round().astype(np.uint8))
    if image.mode == "La":  # PIL converts it to nothing else
        image = image.convert("LA")
    if image.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    return np.array(image.convert("RGB"))


def _from_array(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if array.ndim == 3 and shape[0] in (1, 3, 4) and shape[-1] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if (
        array.ndim not in (2, 3)
        or (array.ndim == 3 and array.shape[-1] not in (3, 4))
        or 0 in shape
    ):
        raise ValueError(
            f"an image must be [H, W], [H, W, 3] or [H, W, 4], got shape {shape}"
            f"{'; for several images give a list' if array.ndim == 4 else ''}"
        )
    if array.dtype.kind == "f":
        if not (array.min() >= 0 and array.max() <= 1):  # NaN is neither
            raise ValueError(
                f"float images must lie in 0..1, got {array.min():.3g}..{array.max():.3g}; "
                "divide by 255?"
            )
        array = (array * 255).round().astype(np.uint8)
    elif array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype == bool:
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        raise ValueError(
            f"an image array must be uint8, uint16 or float in 0..1, got {array.dtype}"
        )
    return _from_pil(Image.fromarray(np.ascontiguousarray(array)), "the array")
