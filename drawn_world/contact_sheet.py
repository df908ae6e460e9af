"""A sheet of all kinds of objects, each beside its parts.

`python -m drawn_world.contact_sheet FILE` takes half a minute. The colours of the parts mean
nothing; they only tell neighbours apart.
"""

from __future__ import annotations

import sys

import numpy as np
from PIL import Image

from drawn_world import names
from drawn_world.picture import Picture
from drawn_world.world import World


def contact_sheet(size: int = 112, columns: int = 6, seed: int = 0) -> np.ndarray:
    """One picture of every object with its part map, uint8 [rows * size, 2 * columns * size, 3]."""
    colours = np.random.default_rng(5).integers(60, 250, (len(names.PARTS), 3))
    part_of = [names.PARTS.index(full.partition("'s ")[2]) for full in names.OBJECT_PARTS]
    palette = np.array([*colours[part_of], (255, 255, 255)], np.uint8)  # the last for IGNORE, -1
    rows = -(-len(names.OBJECTS) // columns)
    sheet = np.full((rows * size, 2 * columns * size, 3), 255, np.uint8)
    for k, obj in enumerate(names.OBJECTS):
        picture = _best(obj, size, seed)
        top, left = k // columns * size, 2 * (k % columns) * size
        sheet[top : top + size, left : left + size] = picture.image
        sheet[top : top + size, left + size : left + 2 * size] = palette[picture.part_map]
    return sheet


def _best(obj: str, size: int, seed: int) -> Picture:
    """The picture that shows most parts of one such object, whole and large, out of some dozens."""
    first = 3 * names.OBJECTS.index(obj)  # equal numbers would show equal scenes and views
    small = World("test", images=1000, size=48, seed=seed, objects=[obj])
    scores = []
    for i in range(first, first + 30):
        picture = small.picture(i)
        left, top, right, bottom = picture.items[0].box
        whole = min(left, top) > 0 and max(right, bottom) < 48 and len(picture.items) == 1
        area = (right - left) * (bottom - top)
        scores.append((whole, len(picture.items[0].parts), area, i))
    large = World("test", images=1000, size=size, seed=seed, objects=[obj])
    return large.picture(max(scores)[-1])


if __name__ == "__main__":
    Image.fromarray(contact_sheet()).save(sys.argv[1], quality=72, method=6)
