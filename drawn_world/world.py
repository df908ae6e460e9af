"""The drawn world: pictures composed on demand, with exact object and part maps.

A picture depends on nothing but (seed, split, index): not on the order of access, nor on the number
of workers, and at another size it shows the same composition. Splits and seeds have disjoint random
streams, so no test picture is ever a training picture.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from drawn_world import names, workers
from drawn_world.composer import Composer
from drawn_world.picture import Item, Picture

SPLITS = ("train", "validation", "test", "shifted")
SIZES = (32, 1024)


@dataclass(frozen=True, eq=False)
class Rendered:
    """All pictures of a world in memory; `picture(i)` gives one of them.

    Attributes:
        images: uint8 [N, S, S, 3].
        object_maps: int16 [N, S, S], as in `Picture`.
        part_maps: int16 [N, S, S], as in `Picture`.
        names: N names.
        scenes: N names of scenes.
        items: N tuples of `Item`.
    """

    images: np.ndarray
    object_maps: np.ndarray
    part_maps: np.ndarray
    names: tuple[str, ...]
    scenes: tuple[str, ...]
    items: tuple[tuple[Item, ...], ...]

    def __len__(self) -> int:
        return len(self.images)

    def picture(self, index: int) -> Picture:
        """The picture at `index`; its arrays are views."""
        arrays = self.images[index], self.object_maps[index], self.part_maps[index]
        return Picture(*arrays, self.names[index], self.scenes[index], self.items[index])


class World:
    """A list of pictures that are drawn when they are asked for.

    Label ids are positions in `names.OBJECTS` and `names.OBJECT_PARTS`, whatever the objects.

    Args:
        split: "train", "validation", "test", or "shifted": other scenes, other colours, other
            scales.
        images: how many pictures.
        size: side of the square pictures in pixels, 32 to 1024.
        seed: another seed draws other pictures.
        objects: "seen" (the default for training), "all" (the default elsewhere), or a list of
            object names.

    Raises:
        ValueError: naming the value, for anything unknown or out of range.
    """

    def __init__(
        self,
        split: str = "train",
        images: int = 2000,
        size: int = 128,
        seed: int = 0,
        objects: str | Iterable[str] | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}; choose from {', '.join(SPLITS)}")
        for what, value, low, high in (
            ("images", images, 1, 10**9),
            ("size", size, *SIZES),
            ("seed", seed, 0, 2**63),
        ):
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or not low <= value <= high:
                raise ValueError(
                    f"{what} must be a whole number from {low} to {high}, got {value!r}"
                )
        self.split, self.images, self.size, self.seed = split, int(images), int(size), int(seed)
        if objects is None:
            objects = "seen" if split == "train" else "all"
        self.objects = _choose_objects(objects)

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, index: int) -> Picture:
        return self.picture(index)

    def __repr__(self) -> str:
        return (
            f"World({self.split!r}, images={self.images}, size={self.size}, seed={self.seed}, "
            f"{len(self.objects)} objects)"
        )

    def picture(self, index: int) -> Picture:
        """The picture at `index`; negative ones count from the end. IndexError beyond the end."""
        position = index + self.images if index < 0 else index
        if not 0 <= position < self.images:
            raise IndexError(f"index {index} is outside a world of {self.images} pictures")
        stream = (SPLITS.index(self.split), position)
        sequence = np.random.SeedSequence(self.seed, spawn_key=stream)
        composer = Composer(self.objects, self.size, sequence, shifted=self.split == "shifted")
        return composer.picture(self.name(position))

    def name(self, position: int) -> str:
        """The name of the picture at `position`."""
        return f"{self.split}-{self.seed}-{position:06d}"

    def render_all(self, workers: int = 2, chunk: int = 32, progress: bool = False) -> Rendered:
        """Every picture, drawn into arrays; 128 px take 115 kB of memory a picture.

        Args:
            workers: processes that draw. They import this package only, never the caller's script,
                so no `if __name__ == "__main__":` is needed. 1 draws in this process, and so does
                any number where Python cannot start another one.
            chunk: pictures that a worker hands over at a time.
            progress: whether to print how far it is.

        Raises:
            ValueError: where workers or chunk is below 1.
            RuntimeError: where a worker fails or dies, saying which pictures it was drawing.
        """
        side = self.size
        images = np.empty((self.images, side, side, 3), np.uint8)
        object_maps = np.empty((self.images, side, side), np.int16)
        part_maps = np.empty((self.images, side, side), np.int16)
        scenes: list[str] = []
        items: list[tuple[Item, ...]] = []
        for where, block in self._blocks(workers, chunk):
            images[where], object_maps[where], part_maps[where] = block[:3]
            scenes += block[3]
            items += block[4]
            if progress:
                last = "\n" if where.stop == self.images else ""
                print(f"\rdrawn {where.stop} of {self.images}", end=last, flush=True)
        named = tuple(self.name(i) for i in range(self.images))
        return Rendered(images, object_maps, part_maps, named, tuple(scenes), tuple(items))

    def _blocks(self, processes: int, chunk: int) -> Iterator[tuple[slice, tuple]]:
        """Pairs (positions, what `draw_block` returns for them), in order."""
        for what, value in (("workers", processes), ("chunk", chunk)):
            if value < 1:
                raise ValueError(f"{what} must be at least 1, got {value!r}")
        starts = range(0, self.images, chunk)
        blocks = workers.run(
            self.draw_block, [(i, min(i + chunk, self.images)) for i in starts], processes
        )
        for start, block in zip(starts, blocks, strict=True):
            yield slice(start, min(start + chunk, self.images)), block

    def draw_block(self, first: int, end: int) -> tuple:
        """(images, object maps, part maps, scenes, items) of the pictures first..end - 1."""
        pictures = [self.picture(i) for i in range(first, end)]
        return (
            np.stack([p.image for p in pictures]),
            np.stack([p.object_map for p in pictures]),
            np.stack([p.part_map for p in pictures]),
            [p.scene for p in pictures],
            [p.items for p in pictures],
        )


def _choose_objects(objects: str | Iterable[str]) -> tuple[str, ...]:
    """The chosen objects in label order."""
    if isinstance(objects, str):
        if objects not in ("seen", "all"):
            raise ValueError(f'objects must be "seen", "all" or a list of names, got {objects!r}')
        left_out = names.NOVEL_OBJECTS if objects == "seen" else ()
        return tuple(obj for obj in names.OBJECTS if obj not in left_out)
    chosen = set(objects)
    if not chosen:
        raise ValueError("the list of objects is empty; give at least one name")
    for obj in sorted(chosen - set(names.OBJECTS)):
        close = difflib.get_close_matches(obj, names.OBJECTS, n=1)
        raise ValueError(
            f"the drawn world has no {obj!r}{f'; did you mean {close[0]!r}?' if close else ''} "
            f"Known: {', '.join(names.OBJECTS)}"
        )
    return tuple(obj for obj in names.OBJECTS if obj in chosen)
