"""Fetch, prepare and check Pascal-Part-116.

    python data_scripts/pascal_part_116.py
    python data_scripts/pascal_part_116.py --source PascalPart116.tar.gz
    python data_scripts/pascal_part_116.py --raw
    python data_scripts/pascal_part_116.py --voc VOCdevkit/VOC2010 --parts Annotations_Part

Takes the time of the download and an estimated ten minutes; stopped, the same command goes on.

OV-PARTS hands out one archive; it states no licence, and PASCAL VOC's terms hold for the pictures.
Where its links are dead, `--raw` makes the set from what it was made of: VOC 2010 and the original
Pascal-Part, whose names are merged into the 116. That is close to the benchmark, not the same:

- The benchmark's outlines are thinner and lie up and to the left by a pixel. On 2008_000700, the
  one picture that we could compare, the person has 20,573 pixels here and 15,784 there, IoU 0.76;
  where both label a part, it is the same one on 96 % of the pixels. Scores on the two are not to be
  mixed.
- Which pictures belong to which split is not published with the code. Here, validation is VOC
  2010's `ImageSets/Segmentation/val.txt` and training the other annotated pictures, without those
  in which no part is labelled; the check says how the counts differ from the papers'.
- Where two objects meet, the later one of the file covers the earlier, as in Pascal-Part's own
  code; a small part covers a large one.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from PIL import Image

import archives
from partclipseg_lite.datasets.label_files import read_ids, visible_images
from partclipseg_lite.vocabulary import Vocabulary

ARCHIVE = archives.Source.on_drive("PascalPart116.tar.gz", "1QF0BglrcC0teKqx15vP8qJNakGgCWaEH")
VOC = archives.Source(
    "VOCtrainval_03-May-2010.tar",
    "http://host.robots.ox.ac.uk/pascal/VOC/voc2010/VOCtrainval_03-May-2010.tar",
    "http://host.robots.ox.ac.uk/pascal/VOC/voc2010/",
)
RAW = archives.Source(
    "trainval.tar.gz",
    "http://roozbehm.info/pascal-parts/trainval.tar.gz",
    "http://roozbehm.info/pascal-parts/pascal-parts.html",
)
FOLDERS = ("images", "annotations_detectron2_obj", "annotations_detectron2_part")
OBJECTS, PARTS = FOLDERS[1:]
NOTHING = 255
#: Pascal-Part's classes by other names than VOC's
CLASSES = {"table": "diningtable"}
#: Pascal-Part's abbreviations, without a number at the end -> the benchmark's parts
ABBREVIATIONS = {
    **{name: name for name in (
        "beak body cap chainwheel coach door engine hair handlebar head headlight mouth muzzle "
        "neck nose plant pot saddle screen stern tail torso wheel window").split()},
    **{side + part: part for part in ("ear", "eye", "foot", "hand", "horn", "leg", "wing")
       for side in "lr"},
    **{f"{side}ebrow": "eyebrow" for side in "lr"},
    **{f"{side}larm": "lower arm" for side in "lr"},
    **{f"{side}uarm": "upper arm" for side in "lr"},
    **{f"{side}{half}leg": "leg" for side in "lr" for half in "lu"},
    **{f"{side}{end}{half}leg": "leg" for side in "lr" for end in "fb" for half in ("", "l", "u")},
    **{f"{side}{end}pa": "paw" for side in "lr" for end in "fb"},
    **{f"{side}{end}ho": "hoof" for side in "lr" for end in "fb"},
    **{f"{end}wheel": "wheel" for end in "fb"},
    **{f"{end}liplate": "license plate" for end in "fb"},
    **{f"{side}mirror": "mirror" for side in ("left", "right")},
    **{f"{of}{where}side": part for of in ("", "h", "c")  # h, c: of a train's head, of a coach
       for where, part in (("front", "front"), ("back", "back"), ("roof", "roof"),
                           ("left", "side"), ("right", "side"))},
}  # fmt: skip


def fill(folder: Path, source: Path) -> None:
    """Bring what a dataset consists of into `folder`, and count the labels of each picture."""
    contents, move = archives.opened(source, folder)
    root = archives.find_root(contents, *FOLDERS)
    for name in (*FOLDERS, "train_16shot.json", "classes.json"):
        if (root / name).exists():
            archives.place(root / name, folder / name, move)
    count_labels(folder)


def count_labels(folder: Path) -> None:
    """Write the lists that the evaluation needs: which objects and parts each picture shows."""
    for kind, where in (("obj", OBJECTS), ("part", PARTS)):
        for split in sorted(p.name for p in (folder / where).iterdir() if p.is_dir()):
            counts = {}
            for path in archives.bar_of(
                visible_images(folder / where / split), desc=f"{split} {kind}"
            ):
                ids = np.unique(read_ids(path, 8))
                counts[path.name] = ids[ids != NOTHING].tolist()
            path = folder / PARTS / f"{split}_{kind}_label_count.json"
            path.write_text(json.dumps(counts), encoding="utf-8")


# ---- from VOC 2010 and Pascal-Part ---------------------------------------------------------------


def fill_from_raw(folder: Path, voc: Path, parts: Path) -> None:
    """Make the set of VOC 2010's pictures and Pascal-Part's `.mat` files."""
    pictures, _ = archives.opened(voc, folder)
    masks, _ = archives.opened(parts, folder)
    pictures = archives.find_root(pictures, "JPEGImages", "ImageSets/Segmentation/val.txt")
    val = set((pictures / "ImageSets/Segmentation/val.txt").read_text().split())
    files = sorted(p for p in masks.rglob("*.mat") if not p.name.startswith("."))
    if not files:
        raise FileNotFoundError(f"{parts} holds no .mat file; take Pascal-Part's Annotations_Part")
    unknown: dict[str, int] = {}
    for path in archives.bar_of(files, desc="converting", unit="picture"):
        objects, labels = read_mat(path, unknown)
        if (labels == NOTHING).all():
            continue
        split = "val" if path.stem in val else "train"
        archives.place(
            pictures / "JPEGImages" / f"{path.stem}.jpg",
            folder / "images" / split / f"{path.stem}.jpg",
            move=False,
        )
        for where, ids in ((OBJECTS, objects), (PARTS, labels)):
            target = folder / where / split / f"{path.stem}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(ids).save(target)
    for name, count in sorted(unknown.items()):
        print(f"left out, since the benchmark has no such part: {name}, {count} times")
    count_labels(folder)


def read_mat(path: Path, unknown: dict[str, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Object and object-part ids of a Pascal-Part file, `uint8 [H, W]`, 255 for nothing.

    Args:
        path: the `.mat` file.
        unknown: counts parts that the benchmark does not have, such as a screen's frame.

    Raises:
        ValueError: it cannot be read, or has a class that VOC has not.
    """
    from scipy.io import loadmat

    try:
        anno = loadmat(path, squeeze_me=True, struct_as_record=False)["anno"]
        found = [(getattr(o, "class"), o.mask, np.atleast_1d(o.parts)) for o in
                 np.atleast_1d(anno.objects)]  # fmt: skip
    except Exception as error:  # scipy raises whatever it meets
        raise ValueError(f"{path} is no file of Pascal-Part ({error}); extract it again") from error
    vocabulary = Vocabulary.load("pascal_part_116")
    objects = np.full(found[0][1].shape, NOTHING, np.uint8)
    labels = objects.copy()
    for cls, mask, parts in found:
        obj, mask = CLASSES.get(cls, cls), mask.astype(bool)
        if obj not in vocabulary.objects:
            raise ValueError(f"{path} has the class {cls!r}, which VOC has not")
        objects[mask], labels[mask] = vocabulary.object_index(obj), NOTHING
        large_first = sorted(parts, key=lambda part: -int(part.mask.astype(bool).sum()))
        for part in large_first:
            base = re.sub(r"_\d+$", "", part.part_name)
            name = f"{obj}'s {ABBREVIATIONS.get(base)}"
            if name in vocabulary:
                labels[part.mask.astype(bool) & mask] = vocabulary.index(name)
            elif unknown is not None:
                unknown[f"{obj}'s {base}"] = unknown.get(f"{obj}'s {base}", 0) + 1
    return objects, labels


def main(argv: list[str] | None = None) -> None:
    """Fetch where needed, prepare, check."""
    parser = archives.arguments(__doc__, "PascalPart116")
    parser.add_argument("--raw", action="store_true", help="make it of VOC 2010 and Pascal-Part")
    parser.add_argument("--voc", type=Path, metavar="PATH", help="VOC 2010, archive or folder")
    parser.add_argument("--parts", type=Path, metavar="PATH", help="Pascal-Part, the same")
    args = parser.parse_args(argv)

    def make(folder: Path) -> None:
        if args.raw or args.voc or args.parts:
            voc = args.voc or archives.fetch(VOC, args.downloads)
            fill_from_raw(folder, voc, args.parts or archives.fetch(RAW, args.downloads))
        else:
            fill(folder, args.source or archives.fetch(ARCHIVE, args.downloads))

    archives.prepare(args.out, make, accept_errors=args.accept_errors)


if __name__ == "__main__":
    archives.run("pascal_part_116", main)
