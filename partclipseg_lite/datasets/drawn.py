"""The drawn world as a dataset: samples and vocabulary, made of what `drawn_world` hands out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Dataset

import drawn_world
from drawn_world import SPLITS, Item, PartInPicture, kinds
from partclipseg_lite.datasets.sample import Labels, Sample
from partclipseg_lite.vocabulary import Vocabulary

__all__ = ["SPLITS", "DrawnWorld", "Item", "PartInPicture", "Picture", "RenderedWorld", "kinds"]


@dataclass(frozen=True)
class Picture:
    """A sample together with what is in it.

    Attributes:
        sample: image and maps, labelled with ids of the drawn vocabulary.
        scene: name of the backdrop.
        items: the objects, from the farthest to the nearest.
    """

    sample: Sample
    scene: str
    items: tuple[Item, ...]

    @property
    def image(self) -> np.ndarray:
        """The sample's image, uint8 [S, S, 3]; what captions are written about has one."""
        return self.sample.image

    @classmethod
    def of(cls, drawn: drawn_world.Picture) -> Picture:
        """The same picture with a `Sample` in it."""
        maps = drawn.object_map.astype(np.int64), drawn.part_map.astype(np.int64)
        return cls(Sample(drawn.image, *maps, drawn.name), drawn.scene, drawn.items)


class RenderedWorld(drawn_world.Rendered, Dataset):
    """All pictures of a world in memory: indexing gives a `Sample`, `picture(i)` a `Picture`.

    Attributes:
        images: uint8 [N, S, S, 3].
        object_maps: int16 [N, S, S].
        part_maps: int16 [N, S, S].
        names: N names.
        scenes: N scene names.
        items: N tuples of `Item`.
        vocabulary: the drawn vocabulary.
    """

    @property
    def vocabulary(self) -> Vocabulary:
        """The vocabulary that the labels belong to."""
        return Vocabulary.load("drawn")

    def __getitem__(self, index: int) -> Sample:
        return self.picture(index).sample

    def picture(self, index: int) -> Picture:
        """The picture at `index`."""
        return Picture.of(super().picture(index))


class DrawnWorld(Dataset):
    """Pictures of the drawn world: `world[i]` is a `Sample`, `picture(i)` tells what is in it.

    Label ids are those of `vocabulary`, the full drawn vocabulary, whatever the objects.

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
        self.world = drawn_world.World(split, images, size, seed, objects)
        self.split, self.images = self.world.split, self.world.images
        self.size, self.seed, self.objects = self.world.size, self.world.seed, self.world.objects
        self.vocabulary = Vocabulary.load("drawn")

    @property
    def names(self) -> list[str]:
        """Names of the samples."""
        return [self.world.name(i) for i in range(self.images)]

    def __len__(self) -> int:
        return self.images

    def __getitem__(self, index: int) -> Sample:
        return self.picture(index).sample

    def labels(self, index: int) -> Labels:
        """The maps of a picture."""
        sample = self[index]
        return Labels(sample.name, sample.object_map, sample.part_map)

    def __repr__(self) -> str:
        return f"Drawn{self.world!r}"

    def picture(self, index: int) -> Picture:
        """The picture at `index`; negative ones count from the end. IndexError beyond the end."""
        return Picture.of(self.world.picture(index))

    def render_all(
        self, workers: int = 2, chunk: int = 32, progress: bool = False
    ) -> RenderedWorld:
        """Every picture, drawn into arrays: `drawn_world.World.render_all` has the arguments."""
        rendered = self.world.render_all(workers, chunk, progress)
        return RenderedWorld(**vars(rendered))
