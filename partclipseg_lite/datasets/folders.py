"""Any dataset by its name or folder: `open_dataset("drawn", "test")`, `open_dataset(D, "val")`."""

from __future__ import annotations

import os
from pathlib import Path

from torch.utils.data import Dataset

from ..vocabulary import Vocabulary
from . import ade20k_part_234, pascal_part_116
from .ade20k_part_234 import ADE20KPart
from .drawn import DrawnWorld
from .label_files import find_split, read_json
from .partimagenet import PartImageNet, find_list
from .pascal_part_116 import PascalPart
from .views import SHOTS, FewShot, PerObject, Substituted

LAYOUTS = {
    "pascal_part_116": f"images/, {pascal_part_116.OBJECTS}/ and {pascal_part_116.PARTS}/",
    "ade20k_part_234": f"images/, {ade20k_part_234.PARTS}/ and ade20k_instance_SPLIT.json",
    "partimagenet": "images/ and SPLIT.json",
}
SAME_SPLIT = (("train", "training"), ("val", "validation"))


def layout_of(folder: str | os.PathLike, photographs: bool = True) -> str:
    """Which of `LAYOUTS` a folder has.

    Args:
        folder: to look at.
        photographs: False if `images/` may be missing.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has none of them; the message names what each needs, or a folder inside.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"no dataset 'drawn' and no folder is called {str(folder)!r}")
    found = _layout(folder) if photographs else _layout_of_labels(folder)
    if found is None:
        inside = [p for p in sorted(folder.iterdir()) if p.is_dir() and _layout(p)]
        if inside:
            raise ValueError(f"{folder} is no dataset but holds one: give {inside[0]}")
        here = sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))
        needs = "; ".join(f"{name} needs {what}" for name, what in LAYOUTS.items())
        raise ValueError(
            f"{folder} is no dataset that is known here: {needs}; it holds "
            f"{', '.join(here[:8]) or 'nothing'}"
        )
    return found


def _layout(folder: Path) -> str | None:
    if not (folder / "images").is_dir():
        return None
    if (folder / pascal_part_116.OBJECTS).is_dir():
        return "pascal_part_116"
    if any(folder.glob("ade20k_instance_*.json")):
        return "ade20k_part_234"
    if (folder / pascal_part_116.PARTS).is_dir():  # of neither one the whole
        return None
    for split in (p.name for p in (folder / "images").iterdir() if p.is_dir()):
        try:
            find_list(folder, split)
        except FileNotFoundError:
            continue
        return "partimagenet"
    return None


def _layout_of_labels(folder: Path) -> str | None:
    if (folder / pascal_part_116.OBJECTS).is_dir():
        return "pascal_part_116"
    if any(folder.glob("ade20k_instance_*.json")):
        return "ade20k_part_234"
    lists = ("*.json", "annotations/*.json", "annotations/*/*.json")
    there = {path.stem for pattern in lists for path in folder.glob(pattern)}
    splits = {name for same in SAME_SPLIT for name in same} | {"test"}
    return "partimagenet" if there & splits else _layout(folder)


def splits_of(folder: str | os.PathLike) -> list[str]:
    """Names of the splits of a dataset's folder."""
    images = Path(folder) / "images"
    return sorted(p.name for p in images.iterdir() if p.is_dir() and p.name[0] != ".")


def open_dataset(
    name_or_folder: str | os.PathLike,
    split: str,
    vocabulary: Vocabulary | str | None = None,
    *,
    per: str = "image",
    few_shot: bool | str | os.PathLike = False,
    released: bool = False,
    missing: str = "error",
    objects: str | None = None,
    images: int | None = None,
    size: int = 128,
    seed: int = 0,
) -> Dataset:
    """A dataset of `Sample` that has `len`, `names` and `vocabulary`.

    Args:
        name_or_folder: "drawn", or a folder in one of `LAYOUTS`, ours or the original.
        split: "train", "val" (or "training", "validation"), "test", …
        vocabulary: what the maps are labelled with; default: the folder's. A restricted one, such
            as `seen_only()`, makes everything else IGNORE.
        per: "image", or "object": a sample for each object, everything beside it IGNORE: for each
            object class in a picture of Pascal-Part, for each instance of ADE20K-Part.
        few_shot: True for the folder's train_16shot.json, or a list of that form.
        released: the release's quirks, see `ADE20KPart`, `PerObject` and `Substituted`; off
            otherwise.
        missing: "error", or "skip" to leave out pictures that a list names and nobody has.
        objects: of PartImageNet, where a picture shows one: "seen" (the default for training) or
            "all" (the default elsewhere).
        images: drawn: how many pictures (default: 400).
        size: drawn: side of the pictures in pixels.
        seed: drawn: another seed draws other pictures.

    Raises:
        FileNotFoundError: the folder, a split or a file is missing; it is named.
        ValueError: an unknown layout or option, a damaged file; it is named.
    """
    if per not in ("image", "object"):
        raise ValueError(f"per must be 'image' or 'object', got {per!r}")
    if few_shot and per == "object":
        raise ValueError("a few-shot list names whole pictures: take per='image' with it")
    if name_or_folder == "drawn":  # a Path of that name is a folder
        if few_shot or vocabulary not in (None, "drawn"):
            raise ValueError("the drawn world has no few-shot list and one vocabulary")
        split = {"val": "validation", "training": "train"}.get(split, split)
        count = 400 if images is None else images
        dataset = DrawnWorld(split, images=count, size=size, seed=seed, objects="all")
        return PerObject(dataset, released=released) if per == "object" else dataset
    folder = Path(name_or_folder)
    layout = layout_of(folder)
    if layout == "ade20k_part_234":
        one = "instance" if per == "object" else "image"
        options = {"per": one, "missing": missing, "released": released}
        dataset = ADE20KPart(folder, split, vocabulary, **options)
    elif layout == "partimagenet":
        dataset = PartImageNet(folder, split, vocabulary, objects=objects, missing=missing)
    else:
        dataset = _pascal(folder, split, vocabulary)
        if per == "object":
            path = folder / pascal_part_116.PARTS / f"{dataset.split}_obj_label_count.json"
            counts = read_json(path) if path.is_file() else None
            dataset = PerObject(dataset, released=released, counts=counts)
    if few_shot:
        dataset = FewShot(dataset, folder / SHOTS if few_shot is True else Path(few_shot))
    return Substituted(dataset) if released else dataset


def open_labels(
    name_or_folder: str | os.PathLike,
    split: str,
    *,
    images: int | None = None,
    size: int = 128,
    seed: int = 0,
) -> Dataset:
    """The labels of a dataset, for which no photograph is needed.

    It has `len`, `names`, `vocabulary` and `labels(i)`, a `Labels` for each whole picture. The
    arguments are those of `open_dataset`, and so are the errors.
    """
    if name_or_folder == "drawn":
        return open_dataset("drawn", split, images=images, size=size, seed=seed)
    folder = Path(name_or_folder)
    kinds = {
        "ade20k_part_234": ADE20KPart,
        "partimagenet": PartImageNet,
        "pascal_part_116": _pascal,
    }
    return kinds[layout_of(folder, photographs=False)](folder, split, None, photographs=False)


def _pascal(
    folder: Path, split: str, vocabulary: Vocabulary | str | None, photographs: bool = True
) -> PascalPart:
    here = folder / (pascal_part_116.IMAGES if photographs else pascal_part_116.PARTS)
    split = find_split(here, split, SAME_SPLIT)
    if vocabulary is None and not (folder / pascal_part_116.CLASSES).is_file():
        vocabulary = "pascal_part_116"
    return PascalPart(folder, split, vocabulary, photographs=photographs)
