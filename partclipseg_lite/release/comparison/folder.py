"""The files of a reference folder, read and checked: what is wrong names the file and the entry."""

import json
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

import numpy as np


def shipped_reference() -> Path:
    """The folder of recorded numbers that ships with the package."""
    return Path(str(resources.files("partclipseg_lite").joinpath("data/released")))


class Entries(dict):
    """What one file holds; asking for what is not there says which file lacks what."""

    def __init__(self, path: Path, entries: Mapping):
        super().__init__(entries)
        self.path = path

    def __missing__(self, key: str):
        raise ValueError(f"{self.path} has no entry {key!r}; a reference folder needs it")


def read_json(path: Path) -> Mapping:
    """The names and values of a JSON file.

    Raises:
        FileNotFoundError: it is missing.
        ValueError: it is none.
    """
    try:
        entries = json.loads(path.read_text())
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; a reference folder needs it") from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); take a fresh copy") from error
    if not isinstance(entries, dict):
        raise ValueError(
            f"{path} holds {str(entries)[:40]!r}, expected names and values; take a fresh copy"
        )
    return Entries(path, entries)


def read_arrays(path: Path) -> Mapping[str, np.ndarray]:
    """The arrays of an `.npz` file; nothing in it is executed.

    Raises:
        FileNotFoundError: it is missing.
        ValueError: it is none, or holds more than numbers.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a reference folder needs it")
    try:
        with np.load(path, allow_pickle=False) as file:
            return Entries(path, {name: file[name] for name in file.files})
    except Exception as error:  # truncated archives fail in many ways
        said = "it holds more than numbers" if "allow_pickle" in str(error) else error
        raise ValueError(
            f"{path} is not a readable .npz file ({said}); take a fresh copy"
        ) from error


def how_many(arrays: Mapping, kind: str) -> int:
    """How many entries are called `kind` and a number."""
    return sum(re.fullmatch(kind + r"\d+", name) is not None for name in arrays)


def table_of(recorded: Mapping, key: str) -> Mapping:
    """The entry `key` if it is a table of names and values; `ValueError` otherwise."""
    if not isinstance(recorded[key], dict):
        raise ValueError(f"{key} is recorded as {str(recorded[key])[:60]!r}, expected a table")
    return recorded[key]


def number_of(value: object, name: str) -> float | None:
    """A recorded number; None and NaN are a mean over nothing."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{name} is recorded as {str(value)[:60]!r}, expected a number")


def picture_of(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The array `name` if it is a picture, uint8 [H, W, 3]."""
    image = arrays[name]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f"{name} is {image.dtype} of shape {image.shape}, expected a picture, uint8 [H, W, 3]"
        )
    return image


def ids_of(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """The array `name` if it is a map of ids, [H, W] or of `shape`, in -1..65535."""
    ids = arrays[name]
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or not ids.size:
        raise ValueError(
            f"{name} is {ids.dtype} of shape {ids.shape}, expected whole numbers [H, W]"
        )
    if shape is not None and ids.shape != shape:
        raise ValueError(f"{name} has shape {ids.shape}, expected {shape}")
    if ids.min() < -1 or ids.max() > 65535:
        raise ValueError(f"{name} holds ids {ids.min()}..{ids.max()}, expected -1..65535")
    return ids
