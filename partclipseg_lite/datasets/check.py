"""What is wrong, odd or worth knowing about a dataset's folder, as data and as a table.

Every picture and mask is read once. An error makes a sample unusable or wrong; a warning says that
somebody may stumble; a note is good to know.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from ..vocabulary import Vocabulary
from . import ade20k_part_234 as ade
from . import partimagenet
from . import pascal_part_116 as pascal
from .folders import layout_of, splits_of
from .images import read_image
from .label_files import (
    CLASSES,
    CocoFile,
    DepthError,
    ListedImage,
    choose_vocabulary,
    decode_mask,
    read_coco,
    read_ids,
    read_json,
    visible_images,
)
from .metadata import orientation_of
from .sample import IGNORE
from .views import SHOTS

USUAL = {
    "pascal_part_116": "pascal_part_116",
    "ade20k_part_234": ade.USUAL,
    "partimagenet": partimagenet.USUAL,
}
#: pictures of each split, as the papers count them
EXPECTED = {
    ("pascal_part_116", "train"): 8431,
    ("pascal_part_116", "val"): 850,
    ("ade20k_part_234", "training"): 7347,
    ("ade20k_part_234", "validation"): 1016,
}
FEW_PIXELS = 100
OTHERS_PARTS = 0.1  # share of part pixels on other objects beyond which the order is wrong


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Attributes:
        level: "error", "warning" or "note".
        split: where, "" for the whole folder.
        what: in words, the same for all files with it.
        count: how often.
        example: the first file, class or message.
    """

    level: str
    split: str
    what: str
    count: int
    example: str


class _Log:
    """Findings in the making: those of one kind are counted, the first gives the example."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str], list] = {}

    def add(self, level: str, split: str, what: str, example: object = "", count: int = 1) -> None:
        entry = self._found.setdefault((level, split, what), [0, str(example)])
        entry[0] += count

    def findings(self) -> list[Finding]:
        rank = ("error", "warning", "note")
        found = [Finding(*key, *value) for key, value in self._found.items()]
        return sorted(found, key=lambda f: rank.index(f.level))


def check_dataset(folder: str | os.PathLike, *, progress: bool = False) -> list[Finding]:
    """All findings about a folder in one of the known layouts, errors first.

    Args:
        folder: in the layout of Pascal-Part-116, ADE20K-Part-234 or PartImageNet.
        progress: whether to show bars.

    Raises:
        FileNotFoundError: there is no such folder.
        ValueError: it has no known layout; the message names what each needs.
    """
    folder, log = Path(folder), _Log()
    layout = layout_of(folder)
    try:
        vocabulary = choose_vocabulary(folder, None, USUAL[layout])
    except ValueError as error:
        log.add("error", "", f"{CLASSES} is damaged", error)
        return log.findings()
    for path in folder.rglob("._*"):
        log.add("warning", "", "hidden macOS files (passed over)", path.relative_to(folder))
    scan = {"pascal_part_116": _pascal, "ade20k_part_234": _ade, "partimagenet": _imagenet}[layout]
    names: dict[str, str] = {}
    for split in splits_of(folder):
        pictures = visible_images(folder / "images" / split)
        log.add("note", split, "pictures", vocabulary.name, len(pictures))
        expected = EXPECTED.get((layout, split))
        if expected not in (None, len(pictures)) and vocabulary == Vocabulary.load(USUAL[layout]):
            log.add("warning", split, f"pictures; the papers count {expected}", "", len(pictures))
        for picture in pictures:
            if names.setdefault(picture.stem, split) != split:
                log.add(
                    "warning",
                    split,
                    f"pictures that are in {names[picture.stem]}, too",
                    picture.name,
                )
        pixels, shown_in = np.zeros((2, len(vocabulary)), np.int64)

        def count(parts: np.ndarray, pixels=pixels, shown_in=shown_in) -> None:
            here = np.bincount(parts[parts != IGNORE].ravel(), minlength=len(pixels))
            pixels += here
            shown_in += here > 0

        def bar(items: Iterable, split=split):
            return tqdm(items, desc=f"checking {split}", unit="picture", disable=not progress)

        scan(folder, split, vocabulary, pictures, log, count, bar)
        _classes(split, vocabulary, pixels, shown_in, log)
    _few_shots(folder, names, log)
    return log.findings()


def as_table(findings: Iterable[Finding]) -> str:
    """The findings as lines of text, a verdict last."""
    findings = list(findings)
    lines = [
        f"{f.level:8}{f.split:12}{f.count:>8,}  {f.what}{f': {f.example}' if f.example else ''}"
        for f in findings
    ]
    errors = sum(f.level == "error" for f in findings)
    return "\n".join([*lines, f"{errors} kinds of errors" if errors else "no errors"])


# ---- one split of each layout --------------------------------------------------------------------


def _pascal(folder, split, vocabulary, pictures, log: _Log, count: Callable, bar) -> None:
    wide = vocabulary.ignore_label > 255
    owners = np.append(vocabulary.object_of.numpy(), IGNORE)
    objects_of: dict[str, list[int]] = {}
    for picture in bar(pictures):
        size = _size(picture, split, log)
        maps = {}
        for where, names in ((pascal.OBJECTS, vocabulary.objects), (pascal.PARTS, vocabulary)):
            path = folder / where / split / f"{picture.stem}.png"
            ids = _labels(path, 16 if wide else 8, split, log)
            if ids is not None and _fits(ids, size, path, split, log):
                maps[where] = _known(ids, len(names), vocabulary.ignore_label, path, split, log)
        if pascal.OBJECTS in maps:
            ids = maps[pascal.OBJECTS]
            objects_of[f"{picture.stem}.png"] = np.unique(ids[ids != IGNORE]).tolist()
        if pascal.PARTS in maps:
            count(maps[pascal.PARTS])
            if (maps[pascal.PARTS] == IGNORE).all():
                log.add("note", split, "pictures without a part", picture.name)
        if len(maps) == 2:
            labelled = maps[pascal.PARTS] != IGNORE
            strange = owners[maps[pascal.PARTS]] != maps[pascal.OBJECTS]
            if strange[labelled].any():
                log.add("warning", split, "pictures with parts on other objects", picture.name)
    for where in (pascal.OBJECTS, pascal.PARTS):
        _orphans(folder / where / split, pictures, split, log)
    path = folder / pascal.PARTS / f"{split}_obj_label_count.json"
    if not path.is_file():
        log.add("note", split, "no count of objects (made when needed)", path.name)
        return
    counted = _try(lambda: read_json(path), split, "count of objects is damaged", log)
    if isinstance(counted, dict):
        for name, objects in objects_of.items():
            if sorted(counted.get(name, [])) != objects:
                log.add(
                    "warning",
                    split,
                    "pictures with other objects than counted",
                    f"{name}: {counted.get(name)}, its mask has {objects}",
                )


def _ade(folder, split, vocabulary, pictures, log: _Log, count: Callable, bar) -> None:
    path = folder / ade.LIST.format(ade.SHORT.get(split, split))
    listed = _try(lambda: read_coco(path), split, "list of instances is damaged", log)
    if listed is None:
        return
    _try(
        lambda: ade.check_categories(listed.categories, vocabulary, path),
        split,
        "categories are not the objects of the vocabulary",
        log,
    )
    of_picture = _listed_pictures(listed, pictures, split, log)
    owners = np.append(vocabulary.object_of.numpy(), IGNORE)
    right = total = 0
    for picture in bar(pictures):
        size = _size(picture, split, log)
        label_path = folder / ade.PARTS / split / f"{picture.stem}.png"
        ids = _labels(label_path, 16, split, log)
        if ids is None or not _fits(ids, size, label_path, split, log):
            continue
        parts = _known(ids, len(vocabulary), ade.NOTHING, label_path, split, log)
        count(parts)
        if picture.name not in of_picture:
            continue
        of_part, agrees = owners[parts], np.zeros(parts.shape, dtype=bool)
        for category, mask in _masks(of_picture[picture.name], listed, size, split, log):
            if not 0 <= category < len(vocabulary.objects):
                log.add(
                    "error",
                    split,
                    "instances of unknown categories",
                    f"{category} in {picture.name}",
                )
                continue
            agrees |= mask & (of_part == category)
            if not (mask & (parts != IGNORE)).any():
                log.add("note", split, "instances without a part", picture.name)
        labelled = parts != IGNORE
        right, total = right + int(agrees[labelled].sum()), total + int(labelled.sum())
    _orphans(folder / ade.PARTS / split, pictures, split, log)
    if total and right < (1 - OTHERS_PARTS) * total:
        log.add(
            "error",
            split,
            "part pixels on other objects: the labels have another order, such "
            "as that of ade20kpart234_mapping.json",
            f"{100 * (total - right) / total:.0f} %",
            total - right,
        )
    elif right < total:
        log.add(
            "note", split, "part pixels outside the instances of their object", "", total - right
        )


def _imagenet(folder, split, vocabulary, pictures, log: _Log, count: Callable, bar) -> None:
    dataset = _try(
        lambda: partimagenet.PartImageNet(folder, split, objects="all", missing="skip"),
        split,
        "cannot be opened",
        log,
    )
    if dataset is None:
        return
    if dataset.passed_over:
        log.add(
            "note", split, "listed pictures of other classes (passed over)", "", dataset.passed_over
        )
    shown = {partimagenet.wnid_of(name) for name in dataset.names}
    ids = partimagenet.object_ids(folder, vocabulary)
    seen_only = split.startswith("train")
    absent = [
        vocabulary.objects[o]
        for wnid, o in ids.items()
        if wnid not in shown and (vocabulary.seen_object[o] or not seen_only)
    ]
    if absent and vocabulary == Vocabulary.load(partimagenet.USUAL):
        log.add(
            "warning",
            split,
            "objects that no picture shows; is it the variant with disjoint classes, "
            "PartImageNet_OOD, and not PartImageNet_Seg?",
            ", ".join(absent[:6]),
            len(absent),
        )
    listed = read_coco(partimagenet.find_list(folder, split))
    if any("'s " in name for name in listed.categories.values()):
        log.add(
            "warning",
            split,
            "list with object-specific categories, which annotations do not "
            "use; made by the release's preparation",
            listed.path.name,
        )
    _listed_pictures(listed, pictures, split, log)
    for index in bar(range(len(dataset))):
        sample = _try(lambda i=index: dataset[i], split, "pictures that cannot be used", log)
        if sample is not None:
            count(sample.part_map)
            if (sample.part_map == IGNORE).all():
                log.add("note", split, "pictures without a part", sample.name)


# ---- single checks -------------------------------------------------------------------------------


def _try(read: Callable, split: str, what: str, log: _Log):
    """What `read` gives, or None and an error with its message."""
    try:
        return read()
    except (OSError, ValueError) as error:
        log.add("error", split, what, error)
        return None


def _size(picture: Path, split: str, log: _Log) -> tuple[int, int] | None:
    """(height, width) of a picture that can be read to its end."""
    try:
        size = read_image(picture, upright=False).shape[:2]
    except (OSError, ValueError) as error:
        log.add("error", split, "pictures that cannot be read", error)
        return None
    with suppress(Exception), Image.open(picture) as image:  # Pillow minds what we do not
        if orientation_of(image) != 1:
            log.add("note", split, "pictures with an EXIF rotation (not applied)", picture.name)
    return size


def _labels(path: Path, bits: int, split: str, log: _Log) -> np.ndarray | None:
    try:
        return read_ids(path, bits)
    except FileNotFoundError:
        log.add("error", split, "pictures without a mask", path)
    except DepthError as error:
        log.add("error", split, f"masks that are not of {bits} bits and one channel", error)
    except ValueError as error:
        log.add("error", split, "masks that cannot be read", error)
    return None


def _fits(ids: np.ndarray, size, path: Path, split: str, log: _Log) -> bool:
    if size is not None and ids.shape != size:
        log.add(
            "error",
            split,
            "masks of another size than their picture",
            f"{path} is {ids.shape[1]}x{ids.shape[0]}, not {size[1]}x{size[0]}",
        )
    return size is None or ids.shape == size


def _known(ids, full: int, nothing: int, path: Path, split: str, log: _Log) -> np.ndarray:
    """The ids with IGNORE where nothing, or nothing known, is labelled."""
    ids = ids.astype(np.int64)
    unknown = (ids >= full) & (ids != nothing)
    if unknown.any():
        log.add(
            "error",
            split,
            f"masks with ids beyond 0 to {full - 1} and {nothing}",
            f"{path}: {np.unique(ids[unknown])[:5].tolist()}",
        )
    return np.where(ids < full, ids, IGNORE)


def _orphans(folder: Path, pictures: list[Path], split: str, log: _Log) -> None:
    """Masks that no picture belongs to."""
    stems = {picture.stem for picture in pictures}
    if folder.is_dir():
        for path in visible_images(folder):
            if path.stem not in stems:
                log.add("warning", split, "masks without a picture", path)


def _listed_pictures(
    listed: CocoFile, pictures: list[Path], split: str, log: _Log
) -> dict[str, ListedImage]:
    """Picture's name -> its entry; both sides are compared."""
    there, of_picture = {p.name for p in pictures}, {i.file_name: i for i in listed.images}
    for name in of_picture:
        if name not in there:
            log.add("error", split, "pictures that the list names and nobody has", name)
    for name in there - set(of_picture):
        log.add("warning", split, "pictures that the list does not name", name)
    return of_picture


def _masks(listed: ListedImage, coco: CocoFile, size, split: str, log: _Log):
    """(category, mask) of each instance that fits its picture."""
    if size is not None and size != (listed.height, listed.width):
        log.add(
            "error",
            split,
            "pictures of another size than listed",
            f"{listed.file_name} is {size[1]}x{size[0]}, not {listed.width}x{listed.height}",
        )
        return
    for annotation in listed.annotations:
        mask = _try(
            lambda a=annotation: decode_mask(a, listed, coco.path),
            split,
            "instances that cannot be decoded",
            log,
        )
        if mask is not None:
            yield annotation["category_id"], mask


def _classes(split: str, vocabulary: Vocabulary, pixels, shown_in, log: _Log) -> None:
    """Classes that few pixels or a single picture decide."""
    if split.startswith("train"):
        return
    for what, which in (
        ("parts that no picture shows", pixels == 0),
        (f"parts that fewer than {FEW_PIXELS} pixels decide", (0 < pixels) & (pixels < FEW_PIXELS)),
        ("parts that a single picture decides", (shown_in == 1) & (pixels >= FEW_PIXELS)),
    ):
        found = np.flatnonzero(which)
        if len(found):
            shown = [f"{vocabulary.object_parts[t]} {pixels[t]:,} px" for t in found[:6]]
            log.add(
                "note",
                split,
                what,
                ", ".join(shown) + (", …" if len(found) > 6 else ""),
                len(found),
            )


def _few_shots(folder: Path, names: dict[str, str], log: _Log) -> None:
    path = folder / SHOTS
    if not path.is_file():
        return
    listed = _try(lambda: read_json(path), "", "few-shot list is damaged", log)
    try:
        files = [entry["file_name"].replace("\\", "/") for entry in listed or ()]
    except (KeyError, TypeError, AttributeError) as error:
        log.add("error", "", "few-shot list is damaged", error)
        return
    for name in files:
        if Path(name).stem not in names:
            log.add("error", "", "few-shot pictures that nobody has", name)
