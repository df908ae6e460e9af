"""Pictures for a close look, chosen by a rule about the parts in them and never by hand."""

from collections.abc import Callable, Iterable

import numpy as np

from ..vocabulary import Vocabulary, split_name
from .drawn import DrawnWorld
from .sample import IGNORE, Sample


def first_complete(world: DrawnWorld, obj: str, pixels: int = 8) -> Sample:
    """The first picture with `obj` alone that shows at least `pixels` pixels of each of its parts.

    Raises:
        ValueError: there is none.
    """
    wanted = world.vocabulary.parts_of(obj)
    for picture in map(world.picture, range(len(world))):
        if len(picture.items) == 1 and picture.items[0].obj == obj:
            parts = picture.items[0].parts
            if all(part in parts and parts[part].visible_pixels >= pixels for part in wanted):
                return picture.sample
    raise ValueError(
        f"no picture of {world!r} shows one {obj} alone with {pixels} pixels of each part"
    )


def first_part(
    samples: Iterable[Sample], vocabulary: Vocabulary, part: str, rule: Callable[[np.ndarray], bool]
) -> tuple[Sample, str, np.ndarray]:
    """(sample, object part, mask bool `[H, W]`) of the first `part` whose mask meets the rule.

    Raises:
        ValueError: there is none.
    """
    for sample in samples:
        for t in np.unique(sample.part_map[sample.part_map != IGNORE]).tolist():
            name, mask = vocabulary.object_parts[t], sample.part_map == t
            if split_name(name)[1] == part and rule(mask):
                return sample, name, mask
    raise ValueError(f"no {part} in these samples meets the rule")


def seen_and_novel_with(
    parts: Iterable[str], split: str, images: int, size: int, pixels: int = 8
) -> list[Sample]:
    """For each of these parts the first seen and the first novel object that have it, by alphabet.

    Each object comes once, alone, in the first picture that shows at least `pixels` pixels of each
    of its parts.

    Raises:
        ValueError: no object is left that has a part, or no picture shows one so.
    """
    vocabulary, chosen = Vocabulary.load("drawn"), []
    for part in parts:
        for seen in (True, False):
            owners = [obj for obj in vocabulary.owners(part, seen=seen) if obj not in chosen]
            if not owners:
                raise ValueError(f"no {'seen' if seen else 'novel'} object with a {part} is left")
            chosen.append(min(owners))
    return [
        first_complete(DrawnWorld(split, images, size, objects=[obj]), obj, pixels)
        for obj in chosen
    ]


def seen_and_novel(split: str, images: int, size: int) -> dict[str, DrawnWorld]:
    """{"seen": pictures of objects with part masks in training, "novel": as many of the others}."""
    vocabulary = Vocabulary.load("drawn")
    groups: dict[str, list[str]] = {"seen": [], "novel": []}
    for obj, is_seen in zip(vocabulary.objects, vocabulary.seen_object.tolist(), strict=True):
        groups["seen" if is_seen else "novel"].append(obj)
    return {
        group: DrawnWorld(split, images, size, objects=objects) for group, objects in groups.items()
    }
