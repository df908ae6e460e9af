"""Folders in the layout of PartImageNet, `PartImageNet_Seg` as PartCLIPSeg uses it.

    root/
      images/{train,val}/WNID_NUMBER.JPEG
      {train,val}.json                    COCO: parts of super-classes, such as "Quadruped Head";
                                          also read from annotations/ and annotations/{train,val}/
      LOC_synset_mapping.txt              "n01440764 tench, Tinca tinca"; also read from beside root
      classes.json                        the vocabulary; ours, absent from the original

A picture shows one object: its ImageNet id stands in the file name, and the super-class parts of
the annotations are parts of that object. Nothing is ever changed or removed: pictures of classes
outside the vocabulary are passed over, and so are novel objects in training.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from ..vocabulary import Vocabulary, shipped_facts
from .images import read_image
from .label_files import (
    CocoFile,
    ListedImage,
    check_present,
    choose_vocabulary,
    decode_mask,
    find_split,
    full_vocabulary,
    read_coco,
    restricted,
)
from .sample import IGNORE, Labels, Sample, check_plain_name

IMAGES, SYNSETS = "images", "LOC_synset_mapping.txt"
USUAL = "partimagenet_40"
SAME = (("train", "training"), ("val", "validation"))
KAGGLE = re.compile(r"(n\d{8}) (?!:)(\S.*)")
EDITED = re.compile(r"(n\d{8}) : (\S.*)")  # a copy that somebody edited is around, too


class PartImageNet(Dataset):
    """A split of a PartImageNet folder as a dataset of `Sample`, read when asked for.

    Args:
        root: the folder that holds `images`.
        split: "train", "val", …
        vocabulary: a `Vocabulary`, a name for `Vocabulary.load`, or None for classes.json, else
            the usual one of 40 objects. With a restricted vocabulary the maps hold its positions,
            and everything outside it becomes IGNORE.
        objects: whose pictures: "seen" (the default for training, as the release prepares it) or
            "all" (the default elsewhere).
        missing: "error", or "skip" to leave out pictures that the list names and nobody has.
        photographs: False to list what the list names, photographs or not, for `labels(i)` alone.

    Attributes:
        names: of the samples.
        vocabulary: what the maps are labelled with.
        passed_over: how many listed pictures show other objects.

    Raises:
        FileNotFoundError: a split, a list or a picture is missing; the file is named.
        ValueError: a damaged file, an unreadable list of ImageNet's names, a part that the object
            does not have, a size that does not fit; the file is named.

    `PartImagenetDatasetMapper` of partimagenet_mapper.py.
    """

    def __init__(
        self,
        root: str | os.PathLike,
        split: str,
        vocabulary: Vocabulary | str | None = None,
        *,
        objects: str | None = None,
        missing: str = "error",
        photographs: bool = True,
    ):
        if objects not in (None, "seen", "all"):
            raise ValueError(f"objects must be 'seen' or 'all', got {objects!r}")
        self.root = Path(root)
        if photographs:
            self.split = find_split(self.root / IMAGES, split, SAME)
        else:
            self.split = _listed_split(self.root, split)
        self.vocabulary = choose_vocabulary(self.root, vocabulary, USUAL)
        full = full_vocabulary(self.root, USUAL)
        self._object_of_wnid = object_ids(self.root, full)
        listed = read_coco(find_list(self.root, self.split))
        self._path, self._part_words = listed.path, part_words(listed, full)
        if objects is None:
            objects = "seen" if self.split.startswith("train") else "all"
        wanted = {
            wnid
            for wnid, o in self._object_of_wnid.items()
            if objects == "all" or full.seen_object[o]
        }
        of_these = [i for i in listed.images if wnid_of(i.file_name) in wanted]
        self.passed_over = len(listed.images) - len(of_these)
        if not of_these:
            raise ValueError(
                f"{self._path} lists {self.passed_over} pictures, none of the objects of "
                f"{full.name!r}; names must begin with an ImageNet id such as {min(wanted)}_"
            )
        chosen = CocoFile(listed.path, tuple(of_these), listed.categories)
        self._images = chosen.images
        if photographs:
            self._images = check_present(self.root / IMAGES / self.split, chosen, missing)
        self._full = full

    @property
    def names(self) -> list[str]:
        """Names of the samples."""
        return [image.stem for image in self._images]

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> Sample:
        listed = self._images[index]
        image = read_image(self.root / IMAGES / self.split / listed.file_name, upright=False)
        if image.shape[:2] != (listed.height, listed.width):
            raise ValueError(
                f"{self._path} has {listed.width}x{listed.height} pixels for "
                f"{listed.file_name}, the picture has {image.shape[1]}x{image.shape[0]}"
            )
        return Sample(image, *self._maps(listed), name=listed.stem)

    def labels(self, index: int) -> Labels:
        """The maps of a picture; its photograph is not looked for."""
        listed = self._images[index]
        return Labels(listed.stem, *self._maps(listed))

    def _maps(self, listed: ListedImage) -> tuple[np.ndarray, np.ndarray]:
        """Object map and part map."""
        o = self._object_of_wnid[wnid_of(listed.file_name)]
        parts = np.full((listed.height, listed.width), IGNORE, dtype=np.int64)
        for annotation in listed.annotations:
            t = self._part(annotation, listed, o)
            parts[decode_mask(annotation, listed, self._path)] = t
        objects = np.where(parts == IGNORE, IGNORE, o)
        return (
            restricted(objects, self.vocabulary.object_ids, len(self._full.objects)),
            restricted(parts, self.vocabulary.ids, len(self._full)),
        )

    def _part(self, annotation: dict, listed: ListedImage, o: int) -> int:
        """Position of an annotation's part in the full vocabulary."""
        category, obj = annotation["category_id"], self._full.objects[o]
        word = self._part_words.get(category)
        name = f"{obj}'s {word}"
        if word is None or name not in self._full:
            raise ValueError(
                f"{self._path}: {listed.file_name} shows a {obj} and has category {category} "
                f"({word!r}); its parts are {', '.join(self._full.parts_of(obj))}"
            )
        return self._full.index(name)

    def __repr__(self) -> str:
        return (
            f"PartImageNet({str(self.root)!r}, {self.split!r}, {len(self)} images, "
            f"{self.vocabulary!r})"
        )


def wnid_of(file_name: str) -> str:
    """The ImageNet id at the beginning of a file's name."""
    return Path(file_name).name.split("_")[0]


def find_list(root: Path, split: str) -> Path:
    """The COCO file of a split, prepared or as it comes.

    Raises:
        FileNotFoundError: there is none.
    """
    places = [
        root / f"{split}.json",
        root / "annotations" / f"{split}.json",
        root / "annotations" / split / f"{split}.json",
    ]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(f"no annotations: none of {', '.join(map(str, places))} is there")


def _listed_split(root: Path, split: str) -> str:
    """The name under which a split has a list, where "val" may be called "validation"."""
    check_plain_name(split, "the split")
    other = next((name for same in SAME if split in same for name in same if name != split), split)
    try:
        find_list(root, split)
    except FileNotFoundError as missing:
        try:
            find_list(root, other)
        except FileNotFoundError:
            raise missing from None
        return other
    return split


def read_synsets(path: Path) -> dict[str, str]:
    """ImageNet id -> its first name, of Kaggle's LOC_synset_mapping.txt or an edited copy.

    Lines read "n01440764 tench, Tinca tinca" or all of them "n01440764 : tench".

    Raises:
        ValueError: a line reads otherwise, or an id stands twice; the line is named.
    """
    names: dict[str, str] = {}
    form = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        form = form or (EDITED if EDITED.fullmatch(line.rstrip()) else KAGGLE)
        found = form.fullmatch(line.rstrip())
        if found is None or found[1] in names:
            raise ValueError(
                f"{path}, line {number}: {line.strip()!r}; expected each id once, all lines as "
                '"n01440764 tench, Tinca tinca" (Kaggle\'s) or all as "n01440764 : tench"'
            )
        names[found[1]] = found[2].split(",")[0].strip()
    return names


def object_ids(root: Path, full: Vocabulary) -> dict[str, int]:
    """ImageNet id -> position of its object in the vocabulary.

    They come from the mapping in `root` or beside it; for the usual vocabulary they ship, too, and
    a mapping has to agree with them.

    Raises:
        FileNotFoundError: no mapping, and none ships for this vocabulary.
        ValueError: the mapping lacks an object, or gives it another id than the shipped one.
    """
    usual = full == Vocabulary.load(USUAL)
    shipped = shipped_facts(USUAL)["imagenet_ids"] if usual else None
    path = next((p for p in (root / SYNSETS, root.parent / SYNSETS) if p.is_file()), None)
    if path is None:
        if shipped is None:
            raise FileNotFoundError(f"{root / SYNSETS} is missing; it names the objects")
        return {wnid: full.object_index(obj) for obj, wnid in shipped.items()}
    names = read_synsets(path)
    found = {wnid: full.object_index(n) for wnid, n in names.items() if n in full.objects}
    if len(found) > len(set(found.values())):  # two cranes: the vocabulary says which one
        found = {w: o for w, o in found.items() if shipped and shipped[full.objects[o]] == w}
    for obj in full.objects:
        wnid = next((w for w, o in found.items() if full.objects[o] == obj), None)
        if wnid is None or (shipped is not None and shipped[obj] != wnid):
            raise ValueError(
                f"{path} gives {obj!r} the id {wnid}, expected "
                f"{shipped[obj] if shipped else 'one'}; take Kaggle's LOC_synset_mapping.txt"
            )
    return found


def part_words(listed: CocoFile, full: Vocabulary) -> dict[int, str]:
    """Category id -> generalized part: "Quadruped Head" -> "head".

    The release's preparation writes object-specific names into `categories` while annotations keep
    the ids of super-class parts; such a list is read by the shipped names.

    Raises:
        ValueError: categories are neither, or differ from the shipped ones.
    """
    usual = full == Vocabulary.load(USUAL)
    shipped = dict(enumerate(shipped_facts(USUAL)["superclass_parts"])) if usual else None
    categories = listed.categories
    if any("'s " in name for name in categories.values()):
        if shipped is None:
            raise ValueError(
                f"{listed.path} has object-specific categories such as "
                f"{next(iter(categories.values()))!r}, whose ids are not those of the annotations; "
                "take the list as it was before the release's preparation"
            )
        categories = shipped
    elif shipped is not None and categories != shipped:
        i = next(i for i in {**shipped, **categories} if shipped.get(i) != categories.get(i))
        raise ValueError(
            f"{listed.path} calls category {i} {categories.get(i)!r}, expected {shipped.get(i)!r}: "
            "is it the later variant with disjoint classes? Take PartImageNet_Seg"
        )
    return {i: name.partition(" ")[2].lower() for i, name in categories.items()}
