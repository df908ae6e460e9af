"""The network of a reference folder: its recorded numbers, and the model to meet them."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from ...losses.objective import Objective
from ...network.models import PartCLIPSeg
from ...reading import RELEASED
from ...settings import LossSettings
from ...vocabulary import Vocabulary
from ...weights.converters import partclipseg_from_official
from ..departures import as_read
from .expected import CROSS_ENTROPIES
from .folder import how_many, read_arrays, read_json
from .inference import inference_rows
from .made_up import deterministic_weight
from .rows import Row
from .training import training_rows

RELEASED_LOSS = LossSettings(separation="paper", separation_weight=0.1, enhancement_weight=0.01)


class NetworkReference:
    """The recorded forward, backward and inference of one folder, and the model to meet them.

    Attributes:
        recorded: numbers and lists by name.
        arrays: arrays by name.
        full, train, test: the vocabulary; what of it training and inference ask for.
        base_objects: names of the seen objects, with parts or without.
        images: how many pictures the training step has.
        bce_names: the cross-entropies that the release computes for them.
        model, objective: network and losses in the released reading.
    """

    def __init__(self, folder: Path):
        self.recorded = read_json(folder / "released.json")
        self.arrays = read_arrays(folder / "released.npz")
        shapes = checked_shapes(folder / "official_state_dict.json")
        seed = self.recorded.get("seed") or 0
        if type(seed) is not int:
            raise ValueError(f"{self.recorded.path} has the seed {seed!r}, expected a whole number")
        full = Vocabulary.load(self.recorded["vocabulary"])
        self.full, self.test, self.train = full, full.asked(), full.seen_only().asked()
        self.base_objects = [
            o for o, seen in zip(full.objects, full.seen_object.tolist(), strict=True) if seen
        ]
        #: What rows there should be depends on the images: see `network_rows`.
        self.images = max(how_many(self.arrays, "image"), how_many(self.recorded, "alone")) or 2
        self.bce_names: Sequence[str] = CROSS_ENTROPIES
        side = input_side(self.recorded, folder)
        tensors = {name: deterministic_weight(name, shape, seed) for name, shape in shapes.items()}
        self.model: PartCLIPSeg = partclipseg_from_official(tensors, side, RELEASED, str(folder))
        self.objective = as_read(Objective, RELEASED)(RELEASED_LOSS, self.model.backbone.grid)

    def compare(self) -> Iterator[Row]:
        """Every recorded number of the network beside ours."""
        yield from self.names()
        yield from training_rows(self)
        if "test_image" in self.arrays:
            yield from inference_rows(self)

    def names(self) -> Iterator[Row]:
        """The lists of names, in the order in which the release asks them."""
        ours = {
            "train_text_classes": [n.replace("'s", "") for n in self.train.object_parts],
            "train_part_classes": self.train.parts,
            "train_obj_in_part_classes": self.train.objects,
            "test_text_classes": self.test.object_parts,
            "test_part_classes": self.test.parts,
            "test_obj_in_part_classes": self.test.objects,
            "test_obj_classes": self.full.objects,
        }
        for key, mine in ours.items():
            if key in self.recorded:
                theirs = self.recorded[key]
                if not isinstance(theirs, list):
                    raise ValueError(
                        f"{self.recorded.path} has {key} as {str(theirs)[:60]!r}, expected a list "
                        "of names"
                    )
                different = sum(a != b for a, b in zip_longest(mine, theirs))
                yield Row(key, different, 0, "differences")


def checked_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of the official tensors.

    Raises:
        ValueError: something in the file is no shape of a tensor.
    """
    shapes = read_json(path)
    for name, shape in shapes.items():
        sides = shape if isinstance(shape, list) else [0]
        if not all(type(n) is int and n > 0 for n in sides) or math.prod(sides) > 10**8:
            raise ValueError(
                f"{path} has {name!r} as {str(shape)[:60]!r}, expected the shape of a tensor; "
                "take a fresh copy"
            )
    return {name: tuple(shape) for name, shape in shapes.items()}


def input_side(recorded: Mapping, folder: Path) -> int:
    """The side of the network's square input in pixels.

    Raises:
        ValueError: the recorded shape of the logits is none that the network could have given.
    """
    shape = recorded.get("logits_shape", [0, 0, 352, 352])
    if not isinstance(shape, list) or [type(n) for n in shape] != [int] * 4:
        raise ValueError(
            f"{recorded.path} has the logits_shape {str(shape)[:60]!r}, expected four whole "
            "numbers such as [2, 53, 352, 352]"
        )
    height, width = shape[-2:]
    if not 0 < height <= 1024:
        raise ValueError(f"{folder} records logits of {height}x{width}; expected at most 1024x1024")
    if height != width:
        raise ValueError(
            f"{folder} records logits of {height}x{width}; the network's input is square"
        )
    return height
