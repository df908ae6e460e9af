"""Any dataset written to disk in the layout of ADE20K-Part-234 or of PartImageNet.

Mostly the drawn world, on which everything that reads, checks and prepares real datasets is tried.
`write_pascal_part` writes the third layout.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from ..vocabulary import Vocabulary
from . import ade20k_part_234 as ade
from . import partimagenet
from .label_files import CLASSES, encode_mask
from .pascal_part_116 import write_pascal_part
from .sample import IGNORE, Sample, check_plain_name

#: super-class -> its objects in the drawn world; invented, but stable
DRAWN_SUPERCLASSES: Mapping[str, tuple[str, ...]] = {
    "Quadruped": ("cat", "cow", "deer", "dog", "fox", "goat", "horse", "sheep"),
    "Biped": ("person",),
    "Bird": ("bird", "duck", "hen"),
    "Car": ("bus", "car", "truck", "van"),
    "Bicycle": ("bicycle", "motorbike", "scooter"),
    "Aeroplane": ("aeroplane",),
    "Bottle": ("bottle",),
    "Plant": ("pottedplant",),
}


def drawn_wnid(obj: str) -> str:
    """The invented ImageNet id of an object of the drawn world: n90000000 and on, by label."""
    return f"n9{Vocabulary.load('drawn').object_index(obj):07d}"


def drawn_superclass_parts() -> list[str]:
    """Names such as "Quadruped Head": the categories of the drawn world, in their order."""
    vocabulary = Vocabulary.load("drawn")
    return [
        f"{superclass} {part.title()}"
        for superclass, objects in DRAWN_SUPERCLASSES.items()
        for part in dict.fromkeys(p for obj in objects for p in vocabulary.parts_of(obj))
    ]


def write_dataset(
    dataset: Iterable[Sample],
    root: str | os.PathLike,
    split: str,
    layout: str,
    *,
    suffix: str = ".png",
) -> Path:
    """Write samples as one split of a folder in one of the three layouts; all or nothing.

    Args:
        dataset: samples with ids of a full vocabulary, its attribute `vocabulary`.
        root: new folder, or one that holds other splits.
        split: "train", "val", …; ADE20K-Part-234 calls them "training" and "validation".
        layout: "pascal_part_116"; "ade20k_part_234", where the pixels of an object class are one
            instance; or "partimagenet", for the drawn world only, where the object with most
            labelled pixels gives the picture its name and the parts of others are left out.
        suffix: of the pictures; ".png" keeps every pixel, ".jpg" is smaller.

    Returns:
        `root`.

    Raises:
        FileExistsError: the split exists.
        ValueError: an unknown layout, unknown ids, unusable or repeated names, an empty dataset.
    """
    if layout == "pascal_part_116":
        return write_pascal_part(dataset, root, split, suffix=suffix)
    if layout not in ("ade20k_part_234", "partimagenet"):
        raise ValueError(
            f"layout must be pascal_part_116, ade20k_part_234 or partimagenet, got {layout!r}"
        )
    check_plain_name(split, "the split")
    vocabulary = dataset.vocabulary
    with _new_split(Path(root), split) as folder:
        if layout == "ade20k_part_234":
            _write_ade(_checked(dataset), folder, split, vocabulary, suffix)
        else:
            _write_partimagenet(_checked(dataset), folder, split, vocabulary, suffix)
        (folder / CLASSES).write_text(json.dumps(vocabulary.to_dict(), indent=1), encoding="utf-8")
    return Path(root)


@contextmanager
def _new_split(root: Path, split: str) -> Iterator[Path]:
    """A folder to fill, whose files are moved into `root` when the block ends without an error."""
    if (root / "images" / split).exists():
        raise FileExistsError(f"{root / 'images' / split} exists already; choose another folder")
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{root.name}.partial-", dir=root.parent))
    try:
        yield partial
        # The pictures come last: without them a split does not exist for a reader.
        files = sorted(
            (p for p in partial.rglob("*") if p.is_file()),
            key=lambda p: p.relative_to(partial).parts[0] == "images",
        )
        if not any(p.relative_to(partial).parts[0] == "images" for p in files):
            raise ValueError("the dataset is empty; nothing was written")
        for path in files:
            target = root / path.relative_to(partial)
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _checked(dataset: Iterable[Sample]) -> Iterator[tuple[str, Sample]]:
    """(file name without suffix, sample), each name once."""
    met: set[str] = set()
    indices = range(len(dataset)) if hasattr(dataset, "__len__") else None
    for index, sample in enumerate(dataset if indices is None else (dataset[i] for i in indices)):
        name = sample.name or f"{index:06d}"
        check_plain_name(name, f"sample {index}")
        if name in met:
            raise ValueError(f"two samples are named {name!r} (the second is number {index})")
        met.add(name)
        sample.check_ids(dataset.vocabulary)
        yield name, sample


def _write_ade(samples, folder: Path, split: str, vocabulary: Vocabulary, suffix: str) -> None:
    for name in (ade.IMAGES, ade.PARTS):
        (folder / name / split).mkdir(parents=True)
    images, annotations = [], []
    for name, sample in samples:
        Image.fromarray(sample.image).save(folder / ade.IMAGES / split / f"{name}{suffix}")
        ids = np.where(sample.part_map == IGNORE, ade.NOTHING, sample.part_map).astype(np.uint16)
        Image.fromarray(ids).save(folder / ade.PARTS / split / f"{name}.png")
        images.append(_listed(len(images) + 1, f"{name}{suffix}", sample))
        for o in np.unique(sample.object_map[sample.object_map != IGNORE]).tolist():
            annotations.append(_annotation(annotations, images, o, sample.object_map == o))
    listed = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": o, "name": obj} for o, obj in enumerate(vocabulary.objects)],
    }
    path = folder / ade.LIST.format(ade.SHORT.get(split, split))
    path.write_text(json.dumps(listed), encoding="utf-8")


def _write_partimagenet(
    samples, folder: Path, split: str, vocabulary: Vocabulary, suffix: str
) -> None:
    if vocabulary != Vocabulary.load("drawn"):
        raise ValueError(f"only the drawn world has invented ImageNet ids, got {vocabulary!r}")
    (folder / partimagenet.IMAGES / split).mkdir(parents=True)
    categories = drawn_superclass_parts()
    superclass = {obj: name for name, objects in DRAWN_SUPERCLASSES.items() for obj in objects}
    images, annotations = [], []
    for name, sample in samples:
        labelled = sample.object_map[sample.part_map != IGNORE]
        if not len(labelled):
            continue  # nothing that could name the picture
        o = int(np.bincount(labelled).argmax())
        obj = vocabulary.objects[o]
        file_name = f"{drawn_wnid(obj)}_{name}{suffix}"
        Image.fromarray(sample.image).save(folder / partimagenet.IMAGES / split / file_name)
        images.append(_listed(len(images) + 1, file_name, sample))
        for t in np.unique(sample.part_map[sample.object_map == o]).tolist():
            if t != IGNORE:
                part = vocabulary.parts[vocabulary.part_of[t]]
                category = categories.index(f"{superclass[obj]} {part.title()}")
                annotations.append(_annotation(annotations, images, category, sample.part_map == t))
    listed = {
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": i, "name": name, "supercategory": name.split()[0]}
            for i, name in enumerate(categories)
        ],
    }
    (folder / f"{split}.json").write_text(json.dumps(listed), encoding="utf-8")
    (folder / partimagenet.SYNSETS).write_text(
        "".join(f"{drawn_wnid(obj)} {obj}\n" for obj in vocabulary.objects), encoding="utf-8"
    )


def _listed(number: int, file_name: str, sample: Sample) -> dict:
    height, width = sample.part_map.shape
    return {"id": number, "file_name": file_name, "height": height, "width": width}


def _annotation(before: list, images: list, category: int, mask: np.ndarray) -> dict:
    rows, columns = np.nonzero(mask)
    left, top = int(columns.min()), int(rows.min())
    return {
        "id": len(before) + 1,
        "image_id": images[-1]["id"],
        "category_id": category,
        "iscrowd": 0,
        "area": int(mask.sum()),
        "bbox": [left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1],
        "segmentation": encode_mask(mask),
    }
