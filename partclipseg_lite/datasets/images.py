"""The one reader of pictures: whatever people have becomes RGB uint8 [H, W, 3], or one clear error.

Used by the segmenter, the datasets, the figures and the command line. The same rules hold for
files, PIL pictures, arrays and tensors, in any byte order; nothing is guessed from the values:

    8 bits                    as they are
    16 bits                   v -> round(v / 257), so that 0 is black and 65535 white
    1 bit, bool               0 or 255
    floats, PIL's mode F      in 0..1, v -> round(255 v), ties to the even number; else refused
    PIL's mode I (32 bits)    only from a PNG, PGM or TIFF file of at most 16 bits; else refused
    other whole numbers       refused: their scale is unknown
    transparency              laid on white: RGBA, LA, PA, RGBa, La, transparent colours
    palettes, CMYK, YCbCr     converted by Pillow, JPEGs of Adobe's inverted CMYK too; no LAB
    several frames            the first one (of a PIL picture: the present one)
    orientation (EXIF)        applied, unless `upright=False`; no other entry is looked at

Pillow itself reduces files of 16 bits a *colour* channel to their high bytes.
"""

import io
import os
import re
import stat

import numpy as np
from PIL import Image
from torch import Tensor

from .metadata import JPEG, PNG, UPRIGHT, only_pixels, orientation_in, orientation_of

ImageLike = str | os.PathLike | Image.Image | np.ndarray | Tensor
MOST_PIXELS = 178_956_970  # Pillow's own limit against files that unfold to gigabytes
DRAWINGS = ("EPS", "WMF")  # formats that Pillow has other programs draw
URL = re.compile(
    r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE
)  # two characters at least, so that C:/ is a drive


class UnusableImage(ValueError):
    """A picture that can be opened, but whose values mean nothing here."""


def read_image(image: ImageLike, *, upright: bool = True) -> np.ndarray:
    """Any image -> RGB uint8 [H, W, 3], by the rules above.

    Args:
        image: a path; a PIL image; an array or tensor [H, W], [H, W, 1|3|4] or [1|3|4, H, W] of
            uint8, uint16, bool or floats in 0..1. Where both readings fit, channels are last.
        upright: turn the picture as its EXIF orientation says. Datasets pass False: their masks
            belong to the pixels as they are stored.

    Raises:
        FileNotFoundError: there is no such file, or it is a folder.
        PermissionError: the file may not be read.
        ValueError, TypeError: anything else, in one sentence that names the file.
    """
    if isinstance(image, str | os.PathLike):
        return _from_file(image, upright)
    if isinstance(image, Image.Image):
        return _from_pil(image, "the PIL image", upright)
    if isinstance(image, Tensor):
        return _from_array(_array_of(image), "the tensor")
    if isinstance(image, np.ndarray):
        return _from_array(image, "the array")
    raise TypeError(
        "an image must be a path, a PIL image, a NumPy array or a tensor, got "
        f"{type(image).__name__}"
    )


def read_labels(path: str | os.PathLike) -> np.ndarray:
    """A PNG of labels -> int64 [H, W]: the numbers as they are stored, or a palette's indices.

    Raises `ValueError` naming the file for colours, transparency or another format, and the errors
    of `read_image`.
    """
    image, stored, _ = _opened(path)
    with image:
        if image.format != "PNG":
            raise ValueError(f"{path} is a {image.format} file, labels must be stored as PNG")
        if image.mode not in ("1", "L", "P", "I") and not image.mode.startswith("I;16"):
            raise ValueError(
                f"{path} must have one channel of whole numbers, got the mode {image.mode}; "
                "store the labels' numbers as a grey or palette PNG, not their colours"
            )
        labels = np.asarray(image).astype(np.int64)
    # Pillow spreads 2 and 4 bits over 0..255
    return labels // {"L;2": 85, "L;4": 17}.get(stored, 1)


# ---- files ---------------------------------------------------------------------------------------


def _from_file(name: str | os.PathLike, upright: bool) -> np.ndarray:
    image, stored, exif = _opened(name)
    with image:
        return _rgb(image, str(name), stored, upright, exif)


def _opened(name: str | os.PathLike) -> tuple[Image.Image, str, bytes | None]:
    """(the loaded picture, how its file holds the values, its EXIF block or None: ask Pillow)."""
    _check_file(name)
    try:
        image = Image.open(name)
        return image, _load(image, str(name)), None
    except UnusableImage:
        raise
    except Exception as error:  # PIL's plugins raise whatever they meet in a broken file
        if isinstance(error, PermissionError):
            raise PermissionError(f"{name} may not be read; change its permissions") from error
        if again := _opened_without_metadata(name):
            return again
        raise _unreadable(name, error) from error


def _opened_without_metadata(name: str | os.PathLike) -> tuple[Image.Image, str, bytes] | None:
    """A second try with a JPEG or PNG file, without what surrounds its pixels."""
    with open(name, "rb") as file:
        if not file.read(8).startswith((PNG, JPEG)):  # it may be a film of many gigabytes
            return None
        file.seek(0)
        kept = only_pixels(file.read())
    try:
        if kept:
            image = Image.open(io.BytesIO(kept[0]))
            return image, _load(image, str(name)), kept[1]
    except UnusableImage:
        raise
    except Exception:  # it was not the metadata: the first error tells more
        pass
    return None


def _check_file(name: str | os.PathLike) -> None:
    if isinstance(os.fspath(name), bytes):
        raise TypeError(f"an image's path must be text, got {os.fspath(name)!r}")
    if URL.match(str(name)):
        raise ValueError(
            f"{str(name)!r} is a URL; download the image first and give the file's path"
        )
    try:
        kind = os.stat(name).st_mode
    except PermissionError as error:
        raise PermissionError(f"{name} may not be read; change its permissions") from error
    except (OSError, ValueError) as error:  # ValueError: a null byte, or half a character
        raise FileNotFoundError(f"no image at {str(name)!r}; check the path") from error
    if stat.S_ISDIR(kind):
        raise FileNotFoundError(f"no image at {str(name)!r}: it is a folder; name a file in it")
    if not stat.S_ISREG(kind):  # reading from a pipe may wait for ever
        raise ValueError(
            f"{name} is a pipe, socket or device, expected an image file; copy the image into one"
        )


def _unreadable(name: str | os.PathLike, error: Exception) -> ValueError:
    if isinstance(error, Image.DecompressionBombError):
        return UnusableImage(_too_large(name, str(error)))
    if isinstance(error, MemoryError):
        return ValueError(f"{name} does not fit into memory; make the image smaller")
    return ValueError(
        f"{name} cannot be read as an image ({' '.join(str(error).split())}); is it truncated or "
        "no image? copy it again, or save it as PNG"
    )


def _too_large(name: str | os.PathLike, what: str) -> str:
    return f"{name} is too large ({what}), at most {MOST_PIXELS} pixels are read; make it smaller"


def _check_size(width: int, height: int, name: str) -> None:
    if not width or not height:
        raise UnusableImage(f"{name} has no pixels ({width}x{height}); give a picture with some")
    if width * height > MOST_PIXELS:
        raise UnusableImage(_too_large(name, f"{width}x{height} pixels"))


# ---- PIL pictures --------------------------------------------------------------------------------


def _load(image: Image.Image, name: str) -> str:
    """Read the pixels; returns how the file holds the values ("L;2"), "" if read before."""
    if image.format in DRAWINGS:
        raise UnusableImage(
            f"{name} is a drawing ({image.format}), not a picture of pixels; save it as PNG"
        )
    _check_size(*image.size, name)
    tiles = getattr(image, "tile", None)
    stored = str(tiles[0][3]) if tiles else ""
    image.load()
    return stored


def _from_pil(image: Image.Image, name: str, upright: bool) -> np.ndarray:
    try:  # PIL reads the pixels only now
        stored = _load(image, name)
    except UnusableImage:
        raise
    except Exception as error:
        raise _unreadable(name, error) from error
    return _rgb(image, name, stored, upright, None)


def _rgb(
    image: Image.Image, name: str, stored: str, upright: bool, exif: bytes | None
) -> np.ndarray:
    try:
        found = _as_rgb(image, name, stored)
    except UnusableImage:
        raise
    except Exception as error:  # such as a palette that is too short
        raise _unreadable(name, error) from error
    if not upright:
        return found
    turn = UPRIGHT.get(orientation_of(image) if exif is None else orientation_in(exif))
    return found if turn is None else np.array(Image.fromarray(found).transpose(turn))


def _as_rgb(image: Image.Image, name: str, stored: str) -> np.ndarray:
    """Loaded pixels -> RGB uint8 [H, W, 3]; `stored`: how the file held them ("L;2")."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep_grey(image, name)
    if image.mode == "LAB":
        raise UnusableImage(f"{name} has the mode LAB, which is not read; convert it to RGB first")
    if image.mode == "La":  # PIL converts it to nothing else
        image = image.convert("LA")
    if transparent := _transparent_colour(image, stored):
        image = image.copy()
        image.info["transparency"] = transparent[0]
    with_alpha = image.mode in ("RGBA", "LA", "PA", "RGBa") or (
        image.mode in ("1", "L", "P", "RGB") and "transparency" in image.info
    )
    if with_alpha or (image.mode == "P" and image.palette and image.palette.mode == "RGBA"):
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
    return np.array(image.convert("RGB"))


def _transparent_colour(image: Image.Image, stored: str) -> tuple | None:
    """The transparent colour of a PNG in 8 bits; Pillow leaves it in the file's own scale."""
    colour = image.info.get("transparency")
    if image.mode == "L" and isinstance(colour, int) and stored in ("L;2", "L;4"):
        return (colour * {"L;2": 85, "L;4": 17}[stored],)
    if image.mode == "RGB" and isinstance(colour, tuple) and stored == "RGB;16B":
        return (tuple(value >> 8 for value in colour),)
    return None


def _deep_grey(image: Image.Image, name: str) -> np.ndarray:
    values = np.asarray(image)
    if image.mode == "F":
        grey = _in_8_bits(values, name)
    else:
        bits, white_is_0 = _bits_in_file(image, name)
        if values.min() < 0 or values.max() >= 2**bits:
            raise UnusableImage(
                f"{name} has values {values.min()}..{values.max()}, expected 0..{2**bits - 1}; "
                "convert it to 8 bits first"
            )
        if bits < 16:  # such as 12: spread over 16, as a camera's software does
            values = np.round(values * (65535 / (2**bits - 1)))
        values = values.astype(np.uint16)
        grey = _in_8_bits(65535 - values if white_is_0 else values, name)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int) and image.mode != "F":
        grey = np.where(np.asarray(image) == transparent, np.uint8(255), grey)
    return np.repeat(grey[..., None], 3, axis=-1)


def _bits_in_file(image: Image.Image, name: str) -> tuple[int, bool]:
    """(bits of a value, does 0 mean white?) as the file says; 16-bit modes say it themselves."""
    tags = getattr(image, "tag_v2", {})
    white_is_0 = tags.get(262, 1) == 0
    bits = tags.get(258, (16,))
    bits = bits[0] if isinstance(bits, tuple) else bits
    if image.mode.startswith("I;16"):
        return min(int(bits), 16), white_is_0
    signed = tags.get(339, (1,)) not in (1, (1,))
    if image.format in ("PNG", "PPM") or (image.format == "TIFF" and bits <= 16 and not signed):
        return 16, white_is_0
    raise UnusableImage(
        f"{name} has 32 bits a pixel (mode I), whose scale is unknown; convert it to 8 or 16 bits "
        "first"
    )


# ---- arrays and tensors --------------------------------------------------------------------------


def _array_of(tensor: Tensor) -> np.ndarray:
    try:
        tensor = tensor.detach().cpu().resolve_conj().resolve_neg()
        if tensor.is_floating_point():  # NumPy has no bfloat16
            tensor = tensor.double()
        return tensor.numpy()
    except (RuntimeError, TypeError, NotImplementedError) as error:
        raise TypeError(
            f"a tensor of {tensor.dtype} ({tensor.layout}, on {tensor.device}) cannot be read as "
            "an image; give a plain one of uint8 or floats in 0..1"
        ) from error


def _from_array(array: np.ndarray, name: str) -> np.ndarray:
    if np.ma.is_masked(array):
        raise UnusableImage(f"{name} has masked pixels; fill them first, with `array.filled(0)`")
    array = np.asarray(array)
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
        raise UnusableImage(
            f"an image must be [H, W], [H, W, 3] or [H, W, 4], got shape {shape}"
            f"{'; for several images give a list' if array.ndim == 4 else ''}"
        )
    _check_size(array.shape[1], array.shape[0], name)
    values = np.ascontiguousarray(_in_8_bits(array, name))
    return _as_rgb(Image.fromarray(values), name, "")


def _in_8_bits(values: np.ndarray, name: str) -> np.ndarray:
    """The rule for values: any array -> uint8 of the same shape."""
    kind, size = values.dtype.kind, values.dtype.itemsize
    if kind == "f":
        if not np.isfinite(values).all():
            raise UnusableImage(
                f"{name}: float images must lie in 0..1, but some pixels are not finite; replace "
                "them, for example by np.nan_to_num"
            )
        if values.min() < 0 or values.max() > 1:
            raise UnusableImage(
                f"{name}: float images must lie in 0..1, got {values.min():.6g}.."
                f"{values.max():.6g}; divide by 255?"
            )
        return (values.astype(np.float64) * 255).round().astype(np.uint8)
    if kind == "u" and size == 2:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)  # 257 is odd: no ties
    if kind == "b":
        return values.astype(np.uint8) * 255
    if kind != "u" or size != 1:
        raise UnusableImage(
            f"an image array must be uint8, uint16 or float in 0..1, got {values.dtype}; convert it"
        )
    return values
