"""Pictures and maps stay what they were, bit by bit: weights were trained on them, pages show them.

The digests were recorded before the drawn world became a package of its own. Who changes a picture
on purpose records them again: `python tests/drawn_world/test_digests.py`.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from packaging.version import Version

from drawn_world import World

# numpy before 2.3 rounds some functions otherwise: one value of one of these 300 pictures is then
# off by one level.
ALLOWED = 0 if Version(np.__version__) >= Version("2.3") else 1
FILE = Path(__file__).with_name("digests.json")
WORLDS = {
    f"{split}-{size}-{seed}-{objects}": (split, images, size, seed, objects)
    for split in ("train", "validation", "test", "shifted")
    for size, images, seed in ((96, 38, 3), (128, 37, 0))
    for objects in ["seen" if (split, size) == ("train", 128) else "all"]
}


def digest(picture) -> str:
    """16 hexadecimal digits of image, object map and part map; the maps as 64-bit numbers."""
    found = hashlib.sha256()
    maps = picture.object_map.astype("<i8"), picture.part_map.astype("<i8")
    for array in (picture.image, *maps):
        found.update(str(array.shape).encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def digests(name: str) -> list[str]:
    return [digest(picture) for picture in World(*WORLDS[name])]


@pytest.fixture
def drawn(name, pictures):
    """The pictures of a world; the other tests look at those of 96 pixels, too."""
    world = World(*WORLDS[name])
    [first, *_] = those = pictures[world.split]
    as_those = (first.name, len(first.image), len(those)) == (world.name(0), world.size, len(world))
    return those if as_those else list(world)


@pytest.mark.parametrize("name", WORLDS)
def test_pictures_and_maps_are_equal_bit_by_bit(name, drawn):
    recorded = json.loads(FILE.read_text())[name]
    found = map(digest, drawn)
    other = [i for i, pair in enumerate(zip(found, recorded, strict=True)) if len({*pair}) > 1]
    assert len(other) <= ALLOWED, f"{len(other)} of {len(drawn)} pictures of {name} differ: {other}"


if __name__ == "__main__":
    FILE.write_text(json.dumps({name: digests(name) for name in WORLDS}, indent=1) + "\n")
