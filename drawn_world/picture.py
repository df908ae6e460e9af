"""What one drawn picture consists of: the arrays, and the list of what is in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PartInPicture:
    """Where one part of one object is seen.

    Attributes:
        box: (left, top, right, bottom) in pixels, right and bottom exclusive.
        visible_pixels: labelled pixels.
        visible_fraction: visible pixels / pixels it would have in this frame if no other object
            stood before it.
    """

    box: tuple[int, int, int, int]
    visible_pixels: int
    visible_fraction: float


@dataclass(frozen=True)
class Item:
    """One object of a picture; boxes and counts as in `PartInPicture`.

    Attributes:
        obj: name of the object, one of `names.OBJECTS`.
        colour: name of its colour, one of `names.COLOURS`.
        box: of all its visible pixels.
        parts: its visible parts, by the name of the part ("head").
        visible_pixels: pixels of the object, with a part or without.
        visible_fraction: how much of it no other object hides.
    """

    obj: str
    colour: str
    box: tuple[int, int, int, int]
    parts: dict[str, PartInPicture]
    visible_pixels: int
    visible_fraction: float


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn picture with exact labels and with what is in it.

    Attributes:
        image: uint8 [S, S, 3], RGB.
        object_map: int16 [S, S], positions in `names.OBJECTS`, `names.IGNORE` elsewhere.
        part_map: int16 [S, S], positions in `names.OBJECT_PARTS`, `names.IGNORE` where there is no
            object, or a piece of one that is no part (a bicycle's frame).
        name: "split-seed-index"; no other picture has it.
        scene: name of the backdrop, one of `scenes.SCENES`.
        items: the objects, from the farthest to the nearest; those hidden completely are left out.
    """

    image: np.ndarray
    object_map: np.ndarray
    part_map: np.ndarray
    name: str
    scene: str
    items: tuple[Item, ...]
