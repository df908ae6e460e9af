"""Make the living picture of the first page: five pictures, and words that are found in each.

    python book/tools/living_picture.py --output DIR

Takes half a minute. `render_pages.py` calls it; the weights that ship answer, nothing is painted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from partclipseg_lite.figures.word_masks import WordMasks
from partclipseg_lite.inference.segmenter import PartSegmenter
from readme_picture import first_pictures, painted

FILE = "living_picture.html"
SIZE, SIDE, MAP_SIDE = 224, 760, 560
#: Names of object parts, and the halves of some.
WORDS = ("dog's head", "head", "dog", "car's wheel", "wheel", "car", "sheep's leg")


def living_picture() -> WordMasks:
    """Pictures of the novel objects side by side, and what each word is found to be in them."""
    segmenter, pictures = PartSegmenter.from_pretrained("toy"), first_pictures(SIZE)
    names = [word for word in WORDS if "'s " in word]
    answers = [segmenter(image, names) for image in pictures.values()]
    found = [{**one.probability_of, **one.parts, **one.objects} for one in answers]
    masks = {word: np.hstack([np.asarray(one[word]) for one in found]) for word in WORDS}
    parts = np.hstack([painted(obj, image, segmenter) for obj, image in pictures.items()])
    return WordMasks(
        np.hstack(list(pictures.values())),
        masks,
        ask="Choose a word; each is asked of all five pictures:",
        side=SIDE,
        map_side=MAP_SIDE,
        painted={"all their parts": parts},
    )


def write(folder: Path) -> Path:
    """The living picture as a piece of HTML in a folder; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    path.write_text(living_picture()._repr_html_() + "\n", encoding="utf-8")
    return path


def main() -> None:
    """Reads the command line and writes the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of the piece of HTML")
    path = write(parser.parse_args().output)
    print(f"wrote {path}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
