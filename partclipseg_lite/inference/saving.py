"""A result as files: a black and white PNG for each name, and an overlay; each whole or absent."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ..figures import overlay
from ..files import replacing
from .segmenter import Segmentation

LONGEST = 80  # characters of a name kept in its file's name; any system takes 255 bytes
PLAIN = re.compile(r"[a-z0-9]+(?: [a-z0-9]+)*'s [a-z0-9]+(?: [a-z0-9]+)*")
OVERLAY = "overlay.png"


def file_name(name: str) -> str:
    """The file of "dog's head" is "dog-head.png": safe on every system, distinct for every name.

    Only a-z, 0-9, "_" and "-" are used, so that neither case, reserved characters, dots nor the
    form of accents matter. A name that loses something by that ("Dog's head", "dog's b/c") gets
    twelve digits of its hash. The file's name depends on nothing but the name.
    """
    obj, possessive, part = name.rpartition("'s ")
    halves = (obj, part) if possessive else (name,)
    plain = "-".join(_plain_letters(half) for half in halves)
    if PLAIN.fullmatch(name) and len(plain) <= LONGEST:
        return f"{plain}.png"
    digits = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{plain[:LONGEST].strip('-_') or 'name'}-{digits}.png"


def _plain_letters(text: str) -> str:
    """Lower case, with "_" in place of all that is no letter or digit of ASCII."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", letters).strip("_")


def save_masks(result: Segmentation, folder: str | os.PathLike) -> dict[str, Path]:
    """Write a mask (0 or 255, uint8 [H, W]) for every name and `overlay.png`, each whole or not.

    Returns:
        name -> its file, in the order of the result's names; the overlay's under "overlay.png".
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return _save_each(result, folder, _save_whole)


def save_masks_in_new(
    result: Segmentation, folder: Path, with_overlay: bool = True
) -> dict[str, Path]:
    """As `save_masks`, into a folder that nobody reads yet, such as `files.replacing_folder`'s."""
    return _save_each(result, folder, _save, with_overlay)


def _save_each(
    result: Segmentation,
    folder: Path,
    save: Callable[[np.ndarray, Path], None],
    with_overlay: bool = True,
) -> dict[str, Path]:
    files = {name: folder / file_name(name) for name in result.names}
    for name, file in files.items():
        save(result.masks[name].astype(np.uint8) * 255, file)
    if with_overlay:
        files[OVERLAY] = folder / OVERLAY
        save(overlay(result.image, result.label_map, result.vocabulary), files[OVERLAY])
    return files


def _save_whole(image: np.ndarray, file: Path) -> None:
    with replacing(file) as temporary:
        _save(image, temporary)


def _save(image: np.ndarray, file: Path) -> None:
    # Colours compress hardly better with more effort, which takes four times as long.
    effort = 6 if image.ndim == 2 else 1
    Image.fromarray(image).save(file, format="PNG", compress_level=effort)
