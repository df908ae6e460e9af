"""Drawn pictures in arrays that are written once; every process maps them into its memory."""

import json
from pathlib import Path

import numpy as np
from filelock import FileLock
from torch.utils.data import Dataset

from ..datasets.drawn import DrawnWorld
from ..datasets.sample import Sample
from ..files import write_whole
from ..vocabulary import Vocabulary

ARRAYS = ("images", "object_maps", "part_maps")


class Pictures(Dataset):
    """Samples of a folder that `drawn` has written.

    Attributes:
        images: uint8 [N, S, S, 3].
        object_maps: int16 [N, S, S].
        part_maps: int16 [N, S, S].
        names: N names.
        vocabulary: the drawn one.
    """

    def __init__(self, folder: Path):
        self.images, self.object_maps, self.part_maps = (
            np.load(folder / f"{name}.npy", mmap_mode="r") for name in ARRAYS
        )
        self.names = json.loads((folder / "names.json").read_text(encoding="utf-8"))
        self.vocabulary = Vocabulary.load("drawn")

    @classmethod
    def drawn(cls, folder: Path, world: DrawnWorld, workers: int = 2) -> "Pictures":
        """The pictures of `world`, drawn into a folder of its own in `folder` if need be.

        Several processes that want the same draw them once.
        """
        objects = "all" if set(world.objects) == set(Vocabulary.load("drawn").objects) else "seen"
        name = f"{world.split}-{world.images}-{world.size}-{world.seed}-{objects}"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"):
            if not (folder / name / "names.json").exists():
                (folder / name).mkdir(exist_ok=True)
                rendered = world.render_all(workers)
                for array in ARRAYS:
                    np.save(folder / name / f"{array}.npy", getattr(rendered, array))
                write_whole(folder / name / "names.json", json.dumps(list(rendered.names)))
        return cls(folder / name)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Sample:
        maps = (m[i].astype(np.int64) for m in (self.object_maps, self.part_maps))
        return Sample(np.array(self.images[i]), *maps, self.names[i])
