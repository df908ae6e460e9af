"""Folders in the layout of Pascal-Part-116, as OV-PARTS ships it.

They are read here, and any data set is written as one.

    root/
      images/{split}/NAME.jpg or .png
      annotations_detectron2_obj/{split}/NAME.png     object ids
      annotations_detectron2_part/{split}/NAME.png    object-part ids
      annotations_detectron2_part/{split}_obj_label_count.json    {"NAME.png": [object ids in it]}
      annotations_detectron2_part/{split}_part_label_count.json   {"NAME.png": [object-part ids in
                                                                  it]}
      classes.json                                    the vocabulary; ours, absent from the original

Label images have one channel: 8 bits with 255 for "nothing labelled", or 16 bits with 65535, by
vocabulary.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from torch.utils.data import Dataset

from ..vocabulary import Vocabulary
from .images import read_image, read_labels
from .label_files import CLASSES, IMAGE_SUFFIXES, read_class_list, visible_images
from .sample import IGNORE, Labels, Sample, check_plain_name

IMAGES = "images"
OBJECTS, PARTS = "annotations_detectron2_obj", "annotations_detectron2_part"


def _read_labels(path: Path, ignore_label: int) -> np.ndarray:
    """int64 [H, W] with IGNORE in place of `ignore_label`."""
    if not path.is_file():
        raise FileNotFoundError(
            f"label file {path} is missing (its image exists); extract the data set again"
        )
    labels = read_labels(path)
    labels[labels == ignore_label] = IGNORE
    return labels


class PascalPart(Dataset):
    """A split of a Pascal-Part-116 folder as a data set of `Sample`.

    Images are read as everywhere (`read_image`), but not turned as their EXIF orientation says: the
    masks belong to the pixels as they are stored.

    Hidden macOS files ("._…"), of which the public archive holds many, are skipped.

    Args:
        root: the folder that holds `images`.
        split: "train", "val", …
        vocabulary: a `Vocabulary`, a name for `Vocabulary.load`, or None to take the folder's
            classes.json. With a restricted vocabulary the maps hold its positions, and everything
            outside it becomes IGNORE.
        photographs: False to list the label files, whose photographs may be missing, for
            `labels(i)` alone.

    Raises:
        FileNotFoundError: a split or a mask is missing; the file is named.
        ValueError: a mask of another size than its image, label ids outside the vocabulary, a
            truncated file, or another class list; the file is named.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        split: str,
        vocabulary: Vocabulary | str | None = None,
        *,
        photographs: bool = True,
    ):
        self.root, self.split = Path(root), check_plain_name(split, "the split")
        folder = self.root / (IMAGES if photographs else PARTS) / split
        if not folder.is_dir():
            present = sorted(p.name for p in folder.parent.glob("*") if p.is_dir())
            known = (
                f"splits here: {', '.join(present)}"
                if present
                else f"expected {IMAGES}/, {OBJECTS}/, {PARTS}/"
            )
            raise FileNotFoundError(f"no folder {folder}; {known}")
        self.vocabulary = _choose_vocabulary(self.root, vocabulary)
        self.files = visible_images(folder)
        if not self.files:
            raise FileNotFoundError(f"{folder} holds no image ({', '.join(IMAGE_SUFFIXES)})")
        self._restricted = not _is_full(self.vocabulary)

    @property
    def names(self) -> list[str]:
        """Names of the samples."""
        return [path.stem for path in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Sample:
        path = self.files[index]
        image = read_image(path, upright=False)
        maps = self._maps(index)
        for labels, folder in zip(maps, (OBJECTS, PARTS), strict=True):
            if labels.shape != image.shape[:2]:
                raise ValueError(
                    f"{self._label_path(folder, index)} is {labels.shape[1]}x{labels.shape[0]} "
                    f"pixels, its image {path} is {image.shape[1]}x{image.shape[0]}"
                )
        return Sample(image, *maps, name=path.stem)

    def labels(self, index: int) -> Labels:
        """The maps of a picture; its photograph is not looked for."""
        objects, parts = self._maps(index)
        if objects.shape != parts.shape:
            raise ValueError(
                f"{self._label_path(PARTS, index)} is {parts.shape[1]}x{parts.shape[0]} pixels, "
                f"the objects' labels in {OBJECTS} are {objects.shape[1]}x{objects.shape[0]}"
            )
        return Labels(self.files[index].stem, objects, parts)

    def _label_path(self, folder: str, index: int) -> Path:
        return self.root / folder / self.split / f"{self.files[index].stem}.png"

    def _maps(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Object map and part map."""
        maps = []
        for folder, ids in ((OBJECTS, self.vocabulary.object_ids), (PARTS, self.vocabulary.ids)):
            path = self._label_path(folder, index)
            labels = _read_labels(path, self.vocabulary.ignore_label)
            maps.append(self._positions(labels, ids.numpy(), path))
        return maps[0], maps[1]

    def _positions(self, labels: np.ndarray, ids: np.ndarray, path: Path) -> np.ndarray:
        """Label ids -> positions in the vocabulary."""
        if not self._restricted:
            if labels.max(initial=IGNORE) >= len(ids):
                unknown = np.unique(labels[labels >= len(ids)]).tolist()
                raise ValueError(
                    f"{path} holds the ids {unknown[:5]}; vocabulary {self.vocabulary.name!r} has "
                    f"0..{len(ids) - 1} and {self.vocabulary.ignore_label} for nothing"
                )
            return labels
        lookup = np.full(max(int(labels.max(initial=0)), int(ids.max(initial=0))) + 2, IGNORE)
        lookup[ids + 1] = np.arange(len(ids))
        return lookup[labels + 1]  # the first entry serves IGNORE itself

    def __repr__(self) -> str:
        return (
            f"PascalPart({str(self.root)!r}, {self.split!r}, "
            f"{len(self)} images, {self.vocabulary!r})"
        )


def _choose_vocabulary(root: Path, vocabulary: Vocabulary | str | None) -> Vocabulary:
    """The vocabulary asked for, checked against the folder's class list where it has one."""
    path = root / CLASSES
    stored = read_class_list(path) if path.is_file() else None
    if vocabulary is None:
        if stored is None:
            raise ValueError(
                f"{root} has no {CLASSES}: name the vocabulary, for example 'pascal_part_116'"
            )
        return stored
    if isinstance(vocabulary, str):
        vocabulary = Vocabulary.load(vocabulary)
    if stored is not None and not _agrees(vocabulary, stored):
        raise ValueError(
            f"{path} lists other classes ({stored!r}) than the "
            f"vocabulary asked for ({vocabulary!r})"
        )
    return vocabulary


def _is_full(vocabulary: Vocabulary) -> bool:
    return vocabulary.ids.tolist() == list(
        range(len(vocabulary))
    ) and vocabulary.object_ids.tolist() == list(range(len(vocabulary.objects)))


def _agrees(vocabulary: Vocabulary, stored: Vocabulary) -> bool:
    """Do all names of `vocabulary` stand at its ids in `stored`?"""

    def named(names, ids, stored_names):
        return all(
            i < len(stored_names) and stored_names[i] == name
            for name, i in zip(names, ids.tolist(), strict=True)
        )

    return (
        vocabulary.ignore_label == stored.ignore_label
        and named(vocabulary.objects, vocabulary.object_ids, stored.objects)
        and named(vocabulary.object_parts, vocabulary.ids, stored.object_parts)
    )


def write_pascal_part(
    dataset: Iterable[Sample],
    root: str | os.PathLike,
    split: str,
    *,
    vocabulary: Vocabulary | None = None,
    suffix: str = ".png",
) -> Path:
    """Write samples as one split of a Pascal-Part folder.

    All or nothing: the split is written beside `root` and moved there when complete; after an error
    no trace is left.

    Args:
        dataset: samples with ids of the full vocabulary; their names become file names.
        root: new folder, or one that holds other splits of the same vocabulary.
        split: "train", "val", …
        vocabulary: default: `dataset.vocabulary`.
        suffix: ".png" keeps every pixel; ".jpg" is smaller and, like the original, lossy.

    Returns:
        `root`.

    Raises:
        FileExistsError: the split exists.
        ValueError: unknown ids, unusable or repeated names, or an empty data set.
    """
    root = Path(root)
    check_plain_name(split, "the split")
    vocabulary = getattr(dataset, "vocabulary", None) if vocabulary is None else vocabulary
    if vocabulary is None:
        raise ValueError("the data set has no `vocabulary`; pass vocabulary=…")
    if not _is_full(vocabulary):
        raise ValueError(
            "labels are written with the ids of a full vocabulary, "
            f"got the restricted {vocabulary!r}"
        )
    if suffix not in IMAGE_SUFFIXES:
        raise ValueError(f"suffix must be one of {', '.join(IMAGE_SUFFIXES)}, got {suffix!r}")
    if (root / IMAGES / split).exists():
        raise FileExistsError(
            f"{root / IMAGES / split} exists already; choose another folder or remove it"
        )
    _choose_vocabulary(root, vocabulary)  # raises if other splits here have other classes
    root.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{root.name}.partial-", dir=root.parent))
    try:
        _write_split(dataset, partial, split, vocabulary, suffix)
        _move_into_place(partial, root, split)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return root


def _write_split(
    dataset: Iterable[Sample], folder: Path, split: str, vocabulary: Vocabulary, suffix: str
) -> None:
    dtype = np.uint8 if vocabulary.ignore_label < 256 else np.uint16
    for name in (IMAGES, OBJECTS, PARTS):
        (folder / name / split).mkdir(parents=True)
    counts: dict[str, dict[str, list[int]]] = {"obj": {}, "part": {}}
    folded: dict[str, str] = {}  # names without case -> as written
    indices = range(len(dataset)) if hasattr(dataset, "__len__") else None
    for index, sample in enumerate(dataset if indices is None else (dataset[i] for i in indices)):
        name = sample.name or f"{index:06d}"
        check_plain_name(name, f"sample {index}")
        sample.check_ids(vocabulary)
        if f"{name}.png" in counts["obj"]:
            raise ValueError(f"two samples are named {name!r} (the second is number {index})")
        if name.casefold() in folded:
            raise ValueError(
                f"sample {index} is named {name!r}, another {folded[name.casefold()]!r}: one file "
                "where case does not count; choose other names"
            )
        folded[name.casefold()] = name
        Image.fromarray(sample.image).save(folder / IMAGES / split / f"{name}{suffix}")
        for kind, where, ids in (
            ("obj", OBJECTS, sample.object_map),
            ("part", PARTS, sample.part_map),
        ):
            counts[kind][f"{name}.png"] = np.unique(ids[ids != IGNORE]).tolist()
            labels = np.where(ids == IGNORE, vocabulary.ignore_label, ids).astype(dtype)
            Image.fromarray(labels).save(folder / where / split / f"{name}.png")
    if not counts["obj"]:
        raise ValueError("the data set is empty; nothing was written")
    for kind, table in counts.items():
        (folder / PARTS / f"{split}_{kind}_label_count.json").write_text(
            json.dumps(table), encoding="utf-8"
        )
    (folder / CLASSES).write_text(json.dumps(vocabulary.to_dict(), indent=1), encoding="utf-8")


def _move_into_place(partial: Path, root: Path, split: str) -> None:
    if not root.exists():
        partial.chmod(0o755)  # temporary folders are private
        partial.rename(root)
        return
    # Another split is there already. The images come last: without them a split does not exist for
    # the reader.
    entries = [
        Path(CLASSES),
        *(Path(PARTS) / f"{split}_{kind}_label_count.json" for kind in ("obj", "part")),
        *(Path(name) / split for name in (PARTS, OBJECTS, IMAGES)),
    ]
    moved: list[Path] = []
    try:
        for entry in entries:
            if entry == Path(CLASSES) and (root / entry).exists():
                continue
            (root / entry).parent.mkdir(parents=True, exist_ok=True)
            (partial / entry).rename(root / entry)
            moved.append(root / entry)
    except OSError:
        for path in moved:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
