"""Pictures and maps stay what they were, bit by bit: weights were trained on them, pages show them.

A processor chooses how OpenBLAS and numpy compute: of these 300 pictures five have one value that
is off by one level on one with AVX-512. So what is compared with the digests is drawn by a process
that chooses as one with AVX2 would, and what is drawn here is compared with that.

The digests were recorded before the drawn world became a package of its own. Who changes a picture
on purpose records them again: `python tests/drawn_world/test_digests.py`.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from packaging.version import Version

from drawn_world import World

# numpy before 2.3 rounds some functions otherwise: one value of one of these 300 pictures is then
# off by one level.
ALLOWED = 0 if Version(np.__version__) >= Version("2.3") else 1
#: As a processor with AVX2 chooses.
CHOICES = {
    "OPENBLAS_CORETYPE": "Haswell",
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
}
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


def draw_all(path: str) -> None:
    """Write all worlds into a file."""
    arrays = {}
    for name, world in WORLDS.items():
        pictures = list(World(*world))
        for field in ("image", "object_map", "part_map"):
            arrays[f"{name} {field}"] = np.stack([getattr(one, field) for one in pictures])
    np.savez(path, **arrays)


def drawn_with_avx2(folder: Path) -> dict[str, list[SimpleNamespace]]:
    """The pictures of each world, drawn by a process that computes as `CHOICES` say."""
    path = folder / "drawn.npz"
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, **CHOICES, "PYTHONPATH": str(root)}
    subprocess.run([sys.executable, __file__, str(path)], env=environment, check=True)
    arrays = np.load(path)
    return {
        name: [
            SimpleNamespace(image=image, object_map=objects, part_map=parts)
            for image, objects, parts in zip(
                *(arrays[f"{name} {field}"] for field in ("image", "object_map", "part_map")),
                strict=True,
            )
        ]
        for name in WORLDS
    }


@pytest.fixture(scope="module")
def with_avx2(tmp_path_factory):
    return drawn_with_avx2(tmp_path_factory.mktemp("drawn"))


@pytest.fixture
def drawn(name, pictures):
    """The pictures of a world; the other tests look at those of 96 pixels, too."""
    world = World(*WORLDS[name])
    [first, *_] = those = pictures[world.split]
    as_those = (first.name, len(first.image), len(those)) == (world.name(0), world.size, len(world))
    return those if as_those else list(world)


@pytest.mark.parametrize("name", WORLDS)
def test_pictures_and_maps_are_equal_bit_by_bit(name, with_avx2):
    recorded = json.loads(FILE.read_text())[name]
    found = map(digest, with_avx2[name])
    other = [i for i, pair in enumerate(zip(found, recorded, strict=True)) if len({*pair}) > 1]
    assert len(other) <= ALLOWED, f"{len(other)} pictures of {name} differ: {other}"


@pytest.mark.parametrize("name", WORLDS)
def test_another_processor_changes_a_value_by_a_level_and_no_map(name, drawn, with_avx2):
    for here, there in zip(drawn, with_avx2[name], strict=True):
        assert np.array_equal(here.object_map, there.object_map)
        assert np.array_equal(here.part_map, there.part_map)
        off = np.abs(here.image.astype(int) - there.image)
        assert off.max() <= 1 and np.count_nonzero(off) <= 3


if __name__ == "__main__":
    if sys.argv[1:]:
        draw_all(sys.argv[1])
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = drawn_with_avx2(Path(folder))
        digests = {name: [digest(one) for one in pictures] for name, pictures in found.items()}
        FILE.write_text(json.dumps(digests, indent=0))
