"""The drawn world as a data set: pictures composed on demand, with exact object and part maps.

A picture depends on nothing but (seed, split, index): not on the order of access, nor on the number of
workers, and at another size it shows the same composition. Splits and seeds have disjoint random streams, so
no test picture is ever a training picture.
"""

from __future__ import annotations

import difflib
import multiprocessing
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

from partclipseg_lite.datasets.sample import Sample

from .composer import Composer, Item, PartInPicture, Picture, drawn_vocabulary, kinds

__all__ = ["SPLITS", "DrawnWorld", "Item", "PartInPicture", "Picture", "RenderedWorld", "kinds"]

SPLITS = ("train", "validation", "test", "shifted")
SIZES = (32, 1024)


@dataclass(frozen=True, eq=False)
class RenderedWorld(Dataset):
    """All pictures of a world in memory. Indexing gives a `Sample`, `picture(i)` a `Picture`.

    images       uint8 [N, S, S, 3]
    object_maps  int16 [N, S, S]
    part_maps    int16 [N, S, S]
    scenes       N scene names
    items        N tuples of `Item`
    """

    images: np.ndarray
    object_maps: np.ndarray
    part_maps: np.ndarray
    scenes: tuple[str, ...]
    items: tuple[tuple[Item, ...], ...]
    names: tuple[str, ...]

    vocabulary = property(lambda self: drawn_vocabulary())

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Sample:
        return Sample(
            self.images[index],
            self.object_maps[index].astype(np.int64),
            self.part_maps[index].astype(np.int64),
            self.names[index],
        )

    def picture(self, index: int) -> Picture:
        return Picture(self[index], self.scenes[index], self.items[index])


class DrawnWorld(Dataset):
    """Pictures of the drawn world: `world[i]` is a `Sample`, `world.picture(i)` also tells what is in it.

    split    "train", "validation", "test", or "shifted": other scenes, other colours, other scales
    images   how many
    size     side of the square pictures in pixels
    seed     another seed draws other pictures
    objects  "seen" (the default for training), "all" (the default elsewhere), or a list of object names
    Label ids are those of `vocabulary`, the full drawn vocabulary, whatever the objects.
    Raises ValueError naming the value for anything out of range.
    """

    def __init__(
        self,
        split: str = "train",
        images: int = 2000,
        size: int = 128,
        seed: int = 0,
        objects: str | Iterable[str] | None = None,
    ):
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}; choose from {', '.join(SPLITS)}")
        for name, value, low, high in (
            ("images", images, 1, 10**9),
            ("size", size, *SIZES),
            ("seed", seed, 0, 2**63),
        ):
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            if not whole or not low <= value <= high:
                raise ValueError(f"{name} must be a whole number from {low} to {high}, got {value!r}")
        self.split, self.images, self.size, self.seed = split, int(images), int(size), int(seed)
        self.vocabulary = drawn_vocabulary()
        self.objects = self._choose_objects(
            ("seen" if split == "train" else "all") if objects is None else objects
        )

    def _choose_objects(self, objects: str | Iterable[str]) -> tuple[str, ...]:
        known = self.vocabulary.objects
        if isinstance(objects, str):
            if objects not in ("seen", "all"):
                raise ValueError(f'objects must be "seen", "all" or a list of names, got {objects!r}')
            return tuple(
                obj
                for obj, seen in zip(known, self.vocabulary.seen_object.tolist(), strict=True)
                if seen or objects == "all"
            )
        chosen = set(objects)
        if not chosen:
            raise ValueError("the list of objects is empty; give at least one name")
        for obj in sorted(chosen - set(known)):
            close = difflib.get_close_matches(obj, known, n=1)
            raise ValueError(
                f"the drawn world has no {obj!r}{f'; did you mean {close[0]!r}?' if close else ''} "
                f"Known: {', '.join(known)}"
            )
        return tuple(obj for obj in known if obj in chosen)

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, index: int) -> Sample:
        return self.picture(index).sample

    def __repr__(self) -> str:
        return (
            f"DrawnWorld({self.split!r}, images={self.images}, size={self.size}, seed={self.seed}, "
            f"{len(self.objects)} objects)"
        )

    def picture(self, index: int) -> Picture:
        """The picture at `index`; negative ones count from the end. IndexError beyond the end."""
        position = index + self.images if index < 0 else index
        if not 0 <= position < self.images:
            raise IndexError(f"index {index} is outside a world of {self.images} pictures")
        sequence = np.random.SeedSequence(self.seed, spawn_key=(SPLITS.index(self.split), position))
        composer = Composer(self.objects, self.size, sequence, shifted=self.split == "shifted")
        return composer.picture(f"{self.split}-{self.seed}-{position:06d}")

    def render_all(self, workers: int = 2, chunk: int = 32, progress: bool = False) -> RenderedWorld:
        """Draw every picture, in `workers` processes, into arrays. 128 px take 115 kB of memory a picture.

        Processes are started afresh (forkserver or spawn, never fork: torch's threads do not survive one), so
        a script that calls this needs the usual `if __name__ == "__main__":`. workers=1 draws in this
        process.
        """
        side = self.size
        images = np.empty((self.images, side, side, 3), np.uint8)
        object_maps = np.empty((self.images, side, side), np.int16)
        part_maps = np.empty((self.images, side, side), np.int16)
        scenes: list[str] = []
        items: list[tuple[Item, ...]] = []
        ranges = [range(i, min(i + chunk, self.images)) for i in range(0, self.images, chunk)]
        for done, block in zip(ranges, self._blocks(ranges, workers), strict=True):
            where = slice(done.start, done.stop)
            images[where], object_maps[where], part_maps[where] = block[:3]
            scenes += block[3]
            items += block[4]
            if progress:
                last = "\n" if done.stop == self.images else ""
                print(f"\rdrawn {done.stop} of {self.images}", end=last, flush=True)
        names = tuple(f"{self.split}-{self.seed}-{i:06d}" for i in range(self.images))
        return RenderedWorld(images, object_maps, part_maps, tuple(scenes), tuple(items), names)

    def _blocks(self, ranges: Sequence[range], workers: int):
        if workers < 1:
            raise ValueError(f"workers must be at least 1, got {workers!r}")
        workers = min(workers, len(ranges))
        if workers == 1:
            yield from (_draw_block(self, indices) for indices in ranges)
            return
        method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
        context = multiprocessing.get_context(method)
        if method == "forkserver":
            context.set_forkserver_preload([__name__])  # import torch once, not once a worker
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            # A window of tasks, so that finished blocks do not pile up in memory.
            waiting = [pool.submit(_draw_block, self, indices) for indices in ranges[: 2 * workers]]
            for k in range(len(ranges)):
                yield waiting.pop(0).result()
                if k + 2 * workers < len(ranges):
                    waiting.append(pool.submit(_draw_block, self, ranges[k + 2 * workers]))


def _draw_block(world: DrawnWorld, indices: range):
    """Pictures of one block as arrays; runs in a worker."""
    pictures = [world.picture(i) for i in indices]
    return (
        np.stack([p.sample.image for p in pictures]),
        np.stack([p.sample.object_map for p in pictures]).astype(np.int16),
        np.stack([p.sample.part_map for p in pictures]).astype(np.int16),
        [p.scene for p in pictures],
        [p.items for p in pictures],
    )
