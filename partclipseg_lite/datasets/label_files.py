"""Files of real datasets, read one at a time; each fault is one sentence that names the file.

Label images hold ids of 8 or 16 bits; COCO files hold masks as polygons or run lengths.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask
from torch import Tensor

from ..vocabulary import Vocabulary
from .images import read_labels
from .sample import IGNORE, check_plain_name

CLASSES = "classes.json"
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")
UNREADABLE = (OSError, SyntaxError, ValueError)  # what Pillow raises for damaged files
DEPTHS = {8: np.uint8, 16: np.uint16}


class DepthError(ValueError):
    """A label image has several channels, or another number of bits than its layout says."""


def visible_images(folder: Path) -> list[Path]:
    """The pictures in a folder by name, without hidden ones such as macOS's `._NAME.jpg`.

    Raises:
        ValueError: two differ in their suffix alone, and would share one label file.
    """
    found = sorted(
        p
        for p in folder.iterdir()
        if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")
    )
    by_stem: dict[str, Path] = {}
    for path in found:
        if (other := by_stem.setdefault(path.stem, path)) is not path:
            raise ValueError(
                f"{other} and {path.name} differ in their suffix alone, so that both would have "
                f"the label file {path.stem}.png; rename or remove one"
            )
    return found


def read_ids(path: Path, bits: int) -> np.ndarray:
    """The ids of a label image as they stand in the file, `uint8 or uint16 [H, W]`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is damaged.
        DepthError: it has several channels, or another depth than `bits`.
    """
    if not path.is_file():
        raise FileNotFoundError(f"label file {path} is missing; extract the dataset again")
    try:
        with Image.open(path) as image:
            mode = image.mode
    except UNREADABLE:
        mode = "L"  # `read_labels` says what is wrong
    found = 8 if mode in ("1", "L", "P") else 16 if mode.startswith("I") else None
    if found != bits:
        hint = "; ids above 255 may have been lost on the way" if (found, bits) == (8, 16) else ""
        raise DepthError(f"{path} must hold one channel of {bits} bits, got mode {mode!r}{hint}")
    return read_labels(path).astype(DEPTHS[bits])


def to_positions(
    ids: np.ndarray, known: Sequence[int], full: int, nothing: int, path: Path
) -> np.ndarray:
    """Ids of a label file as positions in `known`; those that `known` leaves out become IGNORE.

    Args:
        ids: whole numbers, `[H, W]`.
        known: the id of each position.
        full: the ids in use are 0 to `full - 1`.
        nothing: the id that means "nothing labelled".
        path: for the message.

    Returns:
        `int64 [H, W]`.

    Raises:
        ValueError: an id lies beyond `full`.
    """
    lookup = np.full(nothing + 1, IGNORE, dtype=np.int64)
    lookup[np.asarray(known, dtype=np.int64)] = np.arange(len(known))
    unknown = np.unique(ids[(ids >= full) & (ids != nothing)]).tolist()
    if unknown:
        raise ValueError(
            f"{path} holds the ids {unknown[:5]}, expected 0 to {full - 1} and {nothing} for "
            "nothing; is it another dataset's, or another version's?"
        )
    return lookup[ids]


def restricted(positions: np.ndarray, ids: Tensor, full: int) -> np.ndarray:
    """Positions among `full` names -> positions in a vocabulary that has only `ids` of them."""
    lookup = np.full(full + 1, IGNORE, dtype=np.int64)  # IGNORE is the last entry
    lookup[ids.numpy()] = np.arange(len(ids))
    return lookup[positions]


def read_class_list(path: Path) -> Vocabulary:
    """The vocabulary that a classes.json holds.

    Raises:
        ValueError: it is damaged, or an entry stands twice; the file is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return Vocabulary.from_dict(json.loads(text, object_pairs_hook=_each_once))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a class list ({error}); take a fresh copy of it"
        ) from error


def _each_once(pairs: list[tuple[str, object]]) -> dict:
    """A JSON object; `ValueError` if a name stands twice, of which Python would keep the last."""
    table = dict(pairs)
    if len(table) < len(pairs):
        twice = next(key for key in table if sum(key == k for k, _ in pairs) > 1)
        raise ValueError(f"entry {twice!r} is there twice")
    return table


def choose_vocabulary(root: Path, vocabulary: Vocabulary | str | None, usual: str) -> Vocabulary:
    """The vocabulary asked for; else the one in the folder's classes.json; else the usual one.

    Raises:
        ValueError: classes.json is damaged, or lists other classes than those asked for.
    """
    path = root / CLASSES
    stored = read_class_list(path) if path.is_file() else None
    if vocabulary is None:
        return stored or Vocabulary.load(usual)
    chosen = Vocabulary.load(vocabulary) if isinstance(vocabulary, str) else vocabulary
    full = stored or Vocabulary.load(usual)
    for names, ids, listed, what in (
        (chosen.objects, chosen.object_ids, full.objects, "object"),
        (chosen.object_parts, chosen.ids, full.object_parts, "object part"),
    ):
        for name, i in zip(names, ids.tolist(), strict=True):
            if i >= len(listed) or listed[i] != name:
                here = listed[i] if i < len(listed) else "nothing"
                raise ValueError(
                    f"{root} labels {full.name!r}: its {what} {i} is {here!r}, that of the "
                    f"vocabulary {chosen.name!r} is {name!r}; leave the vocabulary out"
                )
    return chosen


def full_vocabulary(root: Path, usual: str) -> Vocabulary:
    """The vocabulary whose ids the folder's files hold, whatever part of it was asked for."""
    return choose_vocabulary(root, None, usual)


# ---- COCO ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ListedImage:
    """A picture in a COCO file.

    Attributes:
        file_name: as the file has it.
        height: in pixels.
        width: in pixels.
        annotations: its annotations, in the order of the file.
    """

    file_name: str
    height: int
    width: int
    annotations: tuple[dict, ...]

    @property
    def stem(self) -> str:
        """The file's name without folder and suffix."""
        return Path(self.file_name).stem


@dataclass(frozen=True)
class CocoFile:
    """What a COCO file lists.

    Attributes:
        path: the file.
        images: in the order of the file.
        categories: id -> name.
    """

    path: Path
    images: tuple[ListedImage, ...]
    categories: dict[int, str]


def read_json(path: str | os.PathLike):
    """What a JSON file holds.

    Raises:
        ValueError: it is none.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is no JSON ({error}); it may be truncated: extract it again"
        ) from error


def read_coco(path: Path) -> CocoFile:
    """A COCO file, its masks still encoded.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is no JSON, or lacks what such a file has.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; extract the dataset again")
    contents = read_json(path)
    try:
        of_image: dict[int, list[dict]] = {}
        for annotation in contents["annotations"]:
            annotation["category_id"], annotation["segmentation"]  # raises where one is missing
            of_image.setdefault(annotation["image_id"], []).append(annotation)
        images = tuple(
            ListedImage(i["file_name"], i["height"], i["width"], tuple(of_image.pop(i["id"], ())))
            for i in contents["images"]
        )
        categories = {c["id"]: c["name"] for c in contents["categories"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is no COCO file: it lacks or misuses {error}; expected lists `images`, "
            "`annotations` and `categories`"
        ) from error
    if of_image:
        raise ValueError(
            f"{path} annotates {len(of_image)} pictures that it does not list, such as number "
            f"{next(iter(of_image))}; extract it again"
        )
    return CocoFile(path, images, categories)


def decode_mask(annotation: dict, image: ListedImage, path: Path) -> np.ndarray:
    """The mask of an annotation: polygons, plain or packed run lengths, `bool [H, W]`.

    Raises:
        ValueError: it cannot be decoded or has another size than its picture.
    """
    coded, size = annotation["segmentation"], [image.height, image.width]
    where = f"{path}: annotation {annotation.get('id')} of {image.file_name}"
    try:
        if isinstance(coded, list):
            if not coded:
                return np.zeros(size, dtype=bool)
            coded = coco_mask.merge(coco_mask.frPyObjects(coded, *size))
        elif isinstance(coded["counts"], list):
            coded = coco_mask.frPyObjects(coded, *size)
        mask = coco_mask.decode(coded)
    except Exception as error:  # pycocotools raises whatever it meets
        raise ValueError(f"{where} cannot be decoded ({error}); extract it again") from error
    if list(mask.shape) != size:
        raise ValueError(
            f"{where} is {mask.shape[1]}x{mask.shape[0]} pixels, its picture "
            f"{image.width}x{image.height}"
        )
    return mask.astype(bool)


def encode_mask(mask: np.ndarray) -> dict:
    """A `bool [H, W]` mask as COCO's packed run lengths, ready for JSON."""
    coded = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": list(mask.shape), "counts": coded["counts"].decode("ascii")}


def check_present(folder: Path, listed: CocoFile, missing: str) -> tuple[ListedImage, ...]:
    """The pictures of a list that are in `folder`.

    Args:
        folder: where the pictures are.
        listed: the list.
        missing: "error", or "skip" to leave absent pictures out.

    Raises:
        FileNotFoundError: pictures are absent and `missing` is "error", or all are.
        ValueError: `missing` is something else.
    """
    if missing not in ("error", "skip"):
        raise ValueError(f"missing must be 'error' or 'skip', got {missing!r}")
    there = {p.name for p in visible_images(folder)}
    absent = [i.file_name for i in listed.images if i.file_name not in there]
    if absent and (missing == "error" or len(absent) == len(listed.images)):
        raise FileNotFoundError(
            f"{len(absent)} of the {len(listed.images)} pictures that {listed.path} names are not "
            f"in {folder}, such as {absent[0]}; extract them again, or pass missing='skip'"
        )
    return tuple(i for i in listed.images if i.file_name in there)


def find_split(folder: Path, split: str, other_names: Iterable[tuple[str, ...]]) -> str:
    """The name that `split` has in `folder`, where "val" may be called "validation".

    Raises:
        FileNotFoundError: it is not there; the message lists what is.
        ValueError: it is no plain name.
    """
    check_plain_name(split, "the split")
    names = [split, *(name for same in other_names if split in same for name in same)]
    for name in names:
        if (folder / name).is_dir():
            return name
    present = sorted(p.name for p in folder.glob("*") if p.is_dir() and p.name[0] != ".")
    known = f"splits here: {', '.join(present)}" if present else f"{folder} holds no split"
    raise FileNotFoundError(f"no folder {folder / split}; {known}")
