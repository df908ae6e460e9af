"""Fetch, prepare and check PartImageNet's 40 classes as PartCLIPSeg uses them.

    python data_scripts/partimagenet.py --synsets LOC_synset_mapping.txt
    python data_scripts/partimagenet.py --source PartImageNet_Seg.zip

Takes the time of a download of 3.1 GB and an estimated ten minutes; stopped, the same command goes
on.

`PartImageNet_Seg` has 158 classes. Kept are, for training, pictures of the 25 seen objects, and for
validation of all 40; the release's own preparation removes the others from the source, this one
copies what it needs and changes nothing there. `LOC_synset_mapping.txt` is Kaggle's list of
ImageNet's names; without it the 40 ids that ship are taken.
"""

from __future__ import annotations

import json
from pathlib import Path

import archives
from partclipseg_lite.datasets.label_files import choose_vocabulary, read_json
from partclipseg_lite.datasets.partimagenet import (
    SYNSETS,
    USUAL,
    find_list,
    object_ids,
    wnid_of,
)

HUB = "https://huggingface.co/datasets/turkeyju/PartImageNet"
ARCHIVE = archives.Source("PartImageNet_Seg.zip", f"{HUB}/resolve/main/PartImageNet_Seg.zip", HUB)
SPLITS = ("train", "val")


def fill(folder: Path, source: Path, synsets: Path | None = None) -> None:
    """Bring the pictures of the vocabulary's objects, and their annotations, into `folder`."""
    contents, move = archives.opened(source, folder)
    root = archives.find_root(contents, *(f"images/{split}" for split in SPLITS))
    for path in (synsets, root / SYNSETS, root.parent / SYNSETS):
        if path is not None and path.is_file():
            archives.place(path, folder / SYNSETS, move=False)
            break
    if (root / "classes.json").is_file():
        archives.place(root / "classes.json", folder / "classes.json", move=False)
    vocabulary = choose_vocabulary(folder, None, USUAL)
    objects = object_ids(folder, vocabulary)
    for split in SPLITS:
        kept = {w for w, o in objects.items() if split != "train" or vocabulary.seen_object[o]}
        _split(root, folder, split, kept, move)


def _split(root: Path, folder: Path, split: str, kept: set[str], move: bool) -> None:
    listed = read_json(find_list(root, split))
    images = [image for image in listed["images"] if wnid_of(image["file_name"]) in kept]
    absent = []
    for image in archives.bar_of(images, desc=split, unit="picture"):
        path = root / "images" / split / Path(image["file_name"]).name
        if path.is_file():
            archives.place(path, folder / "images" / split / path.name, move)
        else:
            absent.append(image["file_name"])
    if absent:  # the check names them, too
        print(f"{split}: {len(absent)} listed pictures are absent, such as {absent[0]}")
    ids = {image["id"] for image in images}
    chosen = [a for a in listed["annotations"] if a["image_id"] in ids]
    kept_list = {**listed, "images": images, "annotations": chosen}
    (folder / f"{split}.json").write_text(json.dumps(kept_list), encoding="utf-8")


def main(argv: list[str] | None = None) -> None:
    """Fetch where needed, prepare, check."""
    parser = archives.arguments(__doc__, "PartImageNet")
    parser.add_argument("--synsets", type=Path, metavar="FILE", help="Kaggle's LOC_synset_mapping")
    args = parser.parse_args(argv)

    def make(folder: Path) -> None:
        fill(folder, args.source or archives.fetch(ARCHIVE, args.downloads), args.synsets)

    archives.prepare(args.out, make, accept_errors=args.accept_errors)


if __name__ == "__main__":
    archives.run("partimagenet", main)
