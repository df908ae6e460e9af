"""The same dataset seen otherwise: one object at a time, a few shots, or as the release samples."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from .fit import enlarged
from .label_files import read_json
from .sample import IGNORE, Sample

SHOTS = "train_16shot.json"


class View(Dataset):
    """Samples of another dataset.

    Attributes:
        vocabulary: of that dataset.
        names: of the samples.
    """

    def __init__(self, dataset: Dataset, names: Iterable[str]):
        self.dataset, self.vocabulary, self.names = dataset, dataset.vocabulary, list(names)

    def __len__(self) -> int:
        return len(self.names)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} samples of {self.dataset!r})"


class SamplesOf(View):
    """The samples of certain pictures, in the order of the dataset.

    Args:
        dataset: any; of a sample `NAME#OBJECT`, NAME is the picture.
        names: of the pictures; those that the dataset lacks are passed over.
    """

    def __init__(self, dataset: Dataset, names: Iterable[str]):
        wanted, found = set(names), dataset.names
        self.positions = [i for i, name in enumerate(found) if picture_of(name) in wanted]
        super().__init__(dataset, (found[i] for i in self.positions))

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.positions[index]]


def picture_of(name: str) -> str:
    """The picture of a sample: "2008_000700" of "2008_000700#person"."""
    return name.partition("#")[0]


class PerObject(View):
    """One sample for each object of each picture; pixels of other objects become IGNORE.

    Args:
        dataset: one with a sample for each picture.
        released: as the release lists them, objects without parts too.
        counts: {"NAME.png": [label ids of its objects]}, the file `val_obj_label_count.json`; made
            from the object maps where it is None, which reads every sample once.

    Raises:
        ValueError: `counts` lacks a picture, or no picture shows an object.

    `load_binary_mask` of datasets/utils.py; D:248-252; J6.
    """

    def __init__(self, dataset: Dataset, *, released: bool = False, counts: dict | None = None):
        vocabulary = dataset.vocabulary
        with_parts = set(vocabulary.object_of.tolist())
        position = {i: o for o, i in enumerate(vocabulary.object_ids.tolist())}
        self.pairs: list[tuple[int, int]] = []
        for index, name in enumerate(dataset.names):
            if counts is None:
                ids = np.unique(dataset[index].object_map)
                objects = ids[ids != IGNORE].tolist()
            elif f"{name}.png" in counts:
                objects = [position[i] for i in counts[f"{name}.png"] if i in position]
            else:
                raise ValueError(
                    f"the count of objects lacks {name}.png; remove the file that holds it, and "
                    "the objects are counted again"
                )
            kept = [o for o in objects if released or o in with_parts]
            self.pairs += [(index, o) for o in kept]
        if not self.pairs:
            raise ValueError(f"no picture of {dataset!r} shows an object of its vocabulary")
        names = dataset.names
        super().__init__(dataset, (f"{names[i]}#{vocabulary.objects[o]}" for i, o in self.pairs))

    def __getitem__(self, index: int) -> Sample:
        which, o = self.pairs[index]
        whole = self.dataset[which]
        mask = whole.object_map == o
        maps = (np.where(mask, ids, IGNORE) for ids in (whole.object_map, whole.part_map))
        return Sample(whole.image, *maps, self.names[index])


class FewShot(View):
    """The samples that a list such as `train_16shot.json` names.

    Files are compared by their name alone: the list holds paths below somebody else's root, with
    which the release's own filter silently leaves nothing.

    Args:
        dataset: one with a sample for each picture.
        path: the list, `[{"file_name": "datasets/…/NAME.jpg"}, …]`.

    Raises:
        ValueError: the list is damaged, or names pictures that the dataset lacks.
    """

    def __init__(self, dataset: Dataset, path: Path):
        try:
            listed = [Path(e["file_name"].replace("\\", "/")).stem for e in read_json(path)]
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(
                f'{path} is no few-shot list ({error}); expected [{{"file_name": …}}, …]'
            ) from error
        position = {name: index for index, name in enumerate(dataset.names)}
        absent = sorted(set(listed) - set(position))
        if absent or not listed:
            raise ValueError(
                f"{path} names {len(absent)} of {len(set(listed))} pictures that are not in "
                f"{dataset!r}, such as {absent[0] if absent else None}; is it another split's?"
            )
        self.positions = sorted({position[name] for name in listed})
        super().__init__(dataset, (dataset.names[i] for i in self.positions))

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.positions[index]]


class LabelsResizedTwice(View):
    """Label maps as the benchmark scores them: enlarged and shrunk again, which shifts outlines.

    To a short side of 800 pixels and back, both times by PyTorch's "nearest", which rounds down, so
    that most columns and rows of an enlarged map come from their left and upper neighbours.
    D:100-105, E:179-184, J8.

    Args:
        dataset: any dataset.
    """

    def __init__(self, dataset: Dataset):
        super().__init__(dataset, dataset.names)

    def __getitem__(self, index: int) -> Sample:
        sample = self.dataset[index]
        height, width = sample.object_map.shape
        large = enlarged(height, width)
        rows, columns = (
            nearest(size, by)[nearest(by, size)]
            for size, by in zip((height, width), large, strict=True)
        )
        maps = (ids[np.ix_(rows, columns)] for ids in (sample.object_map, sample.part_map))
        return Sample(sample.image, *maps, sample.name)


def nearest(size: int, new: int) -> np.ndarray:
    """Where each of `new` places comes from, of `size` places, `int64 [new]`: PyTorch's "nearest".

    It reckons in the precision of the map, which is single.
    """
    places = torch.arange(size, dtype=torch.float32)[None, None, None]
    return F.interpolate(places, size=(1, new), mode="nearest").flatten().long().numpy()


class Substituted(View):
    """Samples without a part give way to random others, as under detectron2's MapDataset.

    Which ones depends on the order of access: this is the release's accident, not a rule. J10.

    Args:
        dataset: any dataset.
        seed: 42, as there, for each process that reads.
    """

    def __init__(self, dataset: Dataset, seed: int = 42):
        super().__init__(dataset, dataset.names)
        self._random, self._left = random.Random(seed), set(range(len(dataset)))

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):  # what ends a loop over it
            raise IndexError(f"index {index} is outside of {len(self)} samples")
        for _ in range(len(self)):
            sample = self.dataset[index]
            if (sample.part_map != IGNORE).any():
                self._left.add(index)
                return sample
            self._left.discard(index)
            if not self._left:
                break
            index = self._random.sample(tuple(self._left), k=1)[0]
        raise ValueError(f"no sample of {self.dataset!r} has a part")
