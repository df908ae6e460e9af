"""Fetch, prepare and check ADE20K-Part-234.

    python data_scripts/ade20k_part_234.py
    python data_scripts/ade20k_part_234.py --source ADE20KPart234.tar.gz

Takes the time of the download and an estimated ten minutes; stopped, the same command goes on.

OV-PARTS hands out one archive, which is ready as it is; it states no licence, and ADE20K's own
terms hold for the pictures.
"""

from __future__ import annotations

from pathlib import Path

import archives

ARCHIVE = archives.Source.on_drive("ADE20KPart234.tar.gz", "1EBVPW_tqzBOQ_DC6yLcouyxR7WrctRKi")
WANTED = (
    "images",
    "annotations_detectron2_part",
    "ade20k_instance_*.json",
    "train_16shot.json",
    "classes.json",
)


def fill(folder: Path, source: Path) -> None:
    """Bring what a dataset consists of into `folder`."""
    contents, move = archives.opened(source, folder)
    root = archives.find_root(contents, *WANTED[:3])
    for pattern in WANTED:
        for path in root.glob(pattern):
            archives.place(path, folder / path.name, move)


def main(argv: list[str] | None = None) -> None:
    """Fetch where needed, prepare, check."""
    args = archives.arguments(__doc__, "ADE20KPart234").parse_args(argv)

    def make(folder: Path) -> None:
        fill(folder, args.source or archives.fetch(ARCHIVE, args.downloads))

    archives.prepare(args.out, make, accept_errors=args.accept_errors)


if __name__ == "__main__":
    archives.run("ade20k_part_234", main)
