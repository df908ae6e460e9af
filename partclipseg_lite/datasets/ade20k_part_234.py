"""Folders in the layout of ADE20K-Part-234, as OV-PARTS ships it.

    root/
      images/{training,validation}/NAME.jpg
      annotations_detectron2_part/{training,validation}/NAME.png   object-part ids, 16 bits
      ade20k_instance_{train,val}.json        COCO: objects as instances, category 0 is object 0
      train_16shot.json                       few-shot list
      classes.json                            the vocabulary; ours, absent from the original

65535 means "nothing labelled". Ids stand in the order of the vocabulary, not in that of the
`ade20kpart234_mapping.json` that the set was built with.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ..vocabulary import Vocabulary
from .images import read_image
from .label_files import (
    ListedImage,
    check_present,
    choose_vocabulary,
    decode_mask,
    find_split,
    full_vocabulary,
    read_coco,
    read_ids,
    restricted,
    to_positions,
)
from .sample import IGNORE, Labels, Sample

IMAGES, PARTS, LIST = "images", "annotations_detectron2_part", "ade20k_instance_{}.json"
USUAL, NOTHING = "ade20k_part_234", 65535
SHORT = {"training": "train", "validation": "val"}
SAME = tuple(SHORT.items())


class ADE20KPart(Dataset):
    """A split of an ADE20K-Part-234 folder as a dataset of `Sample`, read when asked for.

    A whole picture's object map is painted from its instances, largest first, and a pixel with a
    part belongs to the object of that part.

    Args:
        root: the folder that holds `images`.
        split: "training" or "train", "validation" or "val", …
        vocabulary: a `Vocabulary`, a name for `Vocabulary.load`, or None for classes.json, else
            the usual one. With a restricted vocabulary the maps hold its positions, and everything
            outside it becomes IGNORE.
        per: "image", or "instance": a sample for each object, everything beside it IGNORE, named
            `IMAGE#NUMBER`.
        missing: "error", or "skip" to leave out pictures that the list names and nobody has.
        released: read as the release does: objects painted in the order of the file, whatever the
            parts say; an instance keeps the parts of other objects inside its mask; and with
            `per="instance"` the validation split is followed by the novel objects of the training
            pictures.
        photographs: False to list what the list names, photographs or not, for `labels(i)` alone.

    Attributes:
        names: of the samples.
        vocabulary: what the maps are labelled with.

    Raises:
        FileNotFoundError: a split, a list, a picture or a mask is missing; the file is named.
        ValueError: a damaged file, ids or sizes that do not fit; the file is named.

    `load_json` and `load_train_val_json` of register_ade_part_234.py; J6 and J11.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        split: str,
        vocabulary: Vocabulary | str | None = None,
        *,
        per: str = "image",
        missing: str = "error",
        released: bool = False,
        photographs: bool = True,
    ):
        if per not in ("image", "instance"):
            raise ValueError(f"per must be 'image' or 'instance', got {per!r}")
        self.root, self.per, self.released = Path(root), per, released
        self._photographs = photographs
        self.split = find_split(self.root / (IMAGES if photographs else PARTS), split, SAME)
        self.vocabulary = choose_vocabulary(self.root, vocabulary, USUAL)
        self._full = full_vocabulary(self.root, USUAL)
        self._items = self._list(self.split, missing)
        if released and per == "instance" and self.split == "validation":
            novel = set((~self._full.seen_object).nonzero().flatten().tolist())
            more = self._list("training", missing)
            self._items += [item for item in more if item[2]["category_id"] in novel]
        if not self._items:
            raise ValueError(f"{self._list_path(self.split)} lists nothing; extract it again")

    def _list_path(self, split: str) -> Path:
        return self.root / LIST.format(SHORT.get(split, split))

    def _list(self, split: str, missing: str) -> list[tuple[str, ListedImage, dict | None]]:
        listed = read_coco(self._list_path(split))
        check_categories(listed.categories, self._full, listed.path)
        items, images = [], listed.images
        if self._photographs:
            images = check_present(self.root / IMAGES / split, listed, missing)
        for image in images:
            for annotation in image.annotations:
                if not 0 <= annotation["category_id"] < len(self._full.objects):
                    raise ValueError(
                        f"{listed.path}: {image.file_name} holds category "
                        f"{annotation['category_id']}, expected 0 to {len(self._full.objects) - 1}"
                    )
            of_image = (None,) if self.per == "image" else image.annotations
            items += [(split, image, annotation) for annotation in of_image]
        return items

    @property
    def names(self) -> list[str]:
        """Names of the samples."""
        return [_name(image, annotation) for _, image, annotation in self._items]

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> Sample:
        split, listed, _ = self._items[index]
        image = read_image(self.root / IMAGES / split / listed.file_name, upright=False)
        return Sample(image, *self._maps(index, image.shape[:2]), name=self.names[index])

    def labels(self, index: int) -> Labels:
        """The maps of a sample; its photograph is not looked for."""
        return Labels(self.names[index], *self._maps(index))

    def _maps(
        self, index: int, picture: tuple[int, int] | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Object map and part map; `picture` is the photograph's height and width, if there."""
        split, listed, annotation = self._items[index]
        full, label_path = self._full, self.root / PARTS / split / f"{listed.stem}.png"
        ids = read_ids(label_path, 16)
        stated = (listed.height, listed.width)
        for what, shape in ((label_path, ids.shape), (self._list_path(split), stated)):
            right = stated if picture is None else picture
            if shape != right:
                whose = f"{self._list_path(split)} says" if picture is None else "the picture has"
                raise ValueError(
                    f"{what} has {shape[1]}x{shape[0]} pixels for {listed.file_name}, {whose} "
                    f"{right[1]}x{right[0]}"
                )
        parts = to_positions(ids, range(len(full)), len(full), NOTHING, label_path)
        if annotation is None:
            objects = self._paint(listed, split, parts)
        else:
            mask = decode_mask(annotation, listed, self._list_path(split))
            objects = np.where(mask, annotation["category_id"], IGNORE)
            parts = np.where(mask, parts, IGNORE)
            if not self.released:
                parts = np.where(self._owners(parts) == annotation["category_id"], parts, IGNORE)
        return (
            restricted(objects, self.vocabulary.object_ids, len(full.objects)),
            restricted(parts, self.vocabulary.ids, len(full)),
        )

    def _owners(self, parts: np.ndarray) -> np.ndarray:
        """The object of each labelled part, IGNORE elsewhere, `int64 [H, W]`."""
        owners = np.append(self._full.object_of.numpy(), IGNORE)
        return owners[parts]  # IGNORE is the last entry

    def _paint(self, listed: ListedImage, split: str, parts: np.ndarray) -> np.ndarray:
        objects = np.full(parts.shape, IGNORE, dtype=np.int64)
        masks = [
            (decode_mask(annotation, listed, self._list_path(split)), annotation["category_id"])
            for annotation in listed.annotations
        ]
        if not self.released:
            masks.sort(key=lambda pair: -int(pair[0].sum()))
        for mask, category in masks:
            objects[mask] = category
        return objects if self.released else np.where(parts == IGNORE, objects, self._owners(parts))

    def __repr__(self) -> str:
        return (
            f"ADE20KPart({str(self.root)!r}, {self.split!r}, {len(self)} samples, one an "
            f"{self.per}, {self.vocabulary!r})"
        )


def check_categories(categories: dict[int, str], full: Vocabulary, path: Path) -> None:
    """Check that the categories of a list are the objects of the vocabulary, in its order.

    Raises:
        ValueError: one is not; the message names the id and both names.
    """
    for i, name in sorted(categories.items()):
        here = full.objects[i] if 0 <= i < len(full.objects) else None
        if name != here:
            raise ValueError(
                f"{path} calls category {i} {name!r}, {full.name!r} calls it {here!r}; the list "
                "is another dataset's, or its order is another one"
            )


def _name(image: ListedImage, annotation: dict | None) -> str:
    return image.stem if annotation is None else f"{image.stem}#{annotation.get('id')}"
