"""Draw the README's picture: novel objects above, the parts that the shipped weights find below.

    python book/tools/readme_picture.py

Takes 20 seconds. Each column is the first test picture of a world of one novel object that shows
all of its parts; nothing else is selected.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.sample import IGNORE
from partclipseg_lite.figures import overlay
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.vocabulary import Vocabulary

OUT = Path(__file__).resolve().parents[1] / "assets" / "hero.jpg"


def shows_all_parts(items, parts, size: int) -> bool:
    """One object, a tenth of the frame, with at least 12 pixels of each of its parts."""
    return (
        len(items) == 1
        and set(items[0].parts) == set(parts)
        and items[0].visible_pixels > 0.1 * size * size
        and min(part.visible_pixels for part in items[0].parts.values()) >= 12
    )


def first_pictures(size: int) -> dict[str, np.ndarray]:
    """Novel object -> its first test picture of `size` x `size` pixels that shows all its parts."""
    vocabulary, found = Vocabulary.load("drawn"), {}
    for obj, seen in zip(vocabulary.objects, vocabulary.seen_object.tolist(), strict=True):
        if seen:
            continue
        world = DrawnWorld("test", images=400, size=size, objects=[obj])
        pictures = map(world.picture, range(len(world)))
        found[obj] = next(
            p.sample.image
            for p in pictures
            if shows_all_parts(p.items, vocabulary.parts_of(obj), size)
        )
    return found


def painted(obj: str, image: np.ndarray, segmenter: PartSegmenter) -> np.ndarray:
    """A picture `uint8 [H, W, 3]` with all parts of an object as the segmenter finds them."""
    vocabulary = Vocabulary.load("drawn")
    names = [f"{obj}'s {part}" for part in vocabulary.parts_of(obj)]
    found = segmenter(image, names)
    labels = np.append([vocabulary.index(name) for name in names], IGNORE)[found.label_map]
    return overlay(image, labels, vocabulary)


def main(size: int = 224) -> None:
    """Draws and segments pictures of `size` x `size` pixels and writes book/assets/hero.jpg."""
    segmenter, columns = PartSegmenter.from_pretrained("toy"), []
    for obj, image in first_pictures(size).items():
        columns.append(np.vstack([image, painted(obj, image, segmenter)]))
    Image.fromarray(np.hstack(columns)).save(OUT, quality=88)
    print(f"wrote {OUT}, {OUT.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
