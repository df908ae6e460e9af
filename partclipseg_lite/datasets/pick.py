"""Pictures of the drawn world chosen by a rule that a page can state, never by eye.

    world = DrawnWorld("test", 400, size=384, objects=["dog"])
    dogs = first(world, alone("dog", part_pixels=8), count=3)

A rule is asked about each picture as it looks at 128 pixels, whatever the size of the world: so the
same picture is chosen at every size, and a rule's pixels mean the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice

from ..vocabulary import Vocabulary
from .drawn import DrawnWorld, Item, Picture, RenderedWorld
from .sample import Sample

LOOKED_AT = 128  # pixels, the side of the pictures that rules are asked about

Rule = Callable[[Picture], bool]
World = DrawnWorld | RenderedWorld


def fitting(world: World, rule: Rule) -> Iterator[int]:
    """Indices of the pictures that fit a rule, in order, each found when it is asked for."""
    return (i for i, picture in _looks(world) if rule(picture))


def first(world: World, rule: Rule, count: int = 1) -> list[Sample]:
    """The first `count` pictures that fit a rule, at the size of the world.

    Raises:
        ValueError: fewer pictures fit.
    """
    found = list(islice(fitting(world, rule), count))
    if len(found) < count:
        raise ValueError(f"only {len(found)} of {len(world)} pictures fit the rule, not {count}")
    return [world[i] for i in found]


def most_hidden(world: World, least_pixels: int = 60) -> tuple[Sample, Item]:
    """The object of which others hide most, with its picture.

    Args:
        world: where to look.
        least_pixels: objects that show fewer pixels do not count.

    Raises:
        ValueError: no object shows as many pixels.
    """
    items = [
        (item.visible_fraction, i, k)
        for i, picture in _looks(world)
        for k, item in enumerate(picture.items)
        if item.visible_pixels >= least_pixels
    ]
    if not items:
        raise ValueError(f"no object of {len(world)} pictures shows {least_pixels} pixels")
    _, i, k = min(items)
    picture = world.picture(i)
    return picture.sample, picture.items[k]


# ---- rules


def alone(obj: str, *, part_pixels: int = 0, share: float = 0.0, inside: bool = False) -> Rule:
    """The rule "one `obj` and nothing else".

    Args:
        obj: name of an object of the drawn vocabulary.
        part_pixels: so many pixels at least of each of its parts; 0 asks for no part.
        share: it covers so much of the frame, 0 to 1.
        inside: it touches no border.
    """
    wanted = Vocabulary.load("drawn").parts_of(obj) if part_pixels else ()

    def fits(picture: Picture) -> bool:
        if [item.obj for item in picture.items] != [obj]:
            return False
        item, side = picture.items[0], len(picture.sample.image)
        complete = all(_pixels(item, part) >= part_pixels for part in wanted)
        large = item.visible_pixels >= share * picture.sample.part_map.size
        return complete and large and (not inside or 0 < min(item.box) and max(item.box) < side)

    return fits


def together(objects: Iterable[str], *, part: str | Mapping[str, str], share: float = 0.0) -> Rule:
    """The rule "these objects, one of each, and nothing else, each with this part in view".

    Args:
        objects: names of objects; a name given twice asks for two of them.
        part: a generalized part that all of them show, or one for each object.
        share: each covers so much of the frame, 0 to 1.
    """
    wanted = sorted(objects)
    parts = dict.fromkeys(wanted, part) if isinstance(part, str) else part

    def fits(picture: Picture) -> bool:
        least = share * picture.sample.part_map.size
        return sorted(item.obj for item in picture.items) == wanted and all(
            _pixels(item, parts[item.obj]) and item.visible_pixels >= least
            for item in picture.items
        )

    return fits


def with_novel(count: int | None = None) -> Rule:
    """The rule "at least one novel object", among `count` objects if that is given."""
    novel = Vocabulary.load("drawn").novel_objects

    def fits(picture: Picture) -> bool:
        right_number = count is None or len(picture.items) == count
        return right_number and any(item.obj in novel for item in picture.items)

    return fits


def _pixels(item: Item, part: str) -> int:
    return item.parts[part].visible_pixels if part in item.parts else 0


def _looks(world: World) -> Iterator[tuple[int, Picture]]:
    """Index and look of every picture, drawn at `LOOKED_AT` pixels unless it is drawn already."""
    if isinstance(world, DrawnWorld):
        world = DrawnWorld(world.split, len(world), LOOKED_AT, world.seed, world.objects)
    return ((i, world.picture(i)) for i in range(len(world)))
