"""The potted plant: a pot, and one of many ways to grow out of it.

Parts: pot, plant.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import blend, pick, shade, tint
from drawn_world.objects.patterns import band, stripes
from drawn_world.objects.shapes import box, turned_body
from drawn_world.objects.things.foliage import (
    blades,
    cactus,
    fern,
    flowers,
    little_tree,
    palm,
    rosette,
    tulips,
)
from drawn_world.renderer import Material, Sculpture


def pottedplant(rng: np.random.Generator, colour: str) -> Sculpture:
    """A plant in a pot of the named colour."""
    thing = Sculpture()
    rim, soil = _pot(thing, rng, colour)
    grow = pick(rng, rosette, fern, flowers, tulips, cactus, little_tree, blades, palm)
    grow(thing, rng, soil, rim)
    return thing


def _pot(thing, rng, colour):
    """The pot with its soil; returns (radius of the opening, height of the soil)."""
    rgb = tint(colour, rng)
    wide, tall = rng.uniform(0.13, 0.17), rng.uniform(0.18, 0.27)
    kind = pick(rng, "tapered", "tapered", "straight", "bowl", "square")
    decoration = rng.random()
    light = blend(rgb, (250, 246, 236), 0.6) if sum(rgb) < 480 else shade(rgb, 0.62)
    if decoration < 0.25:
        clay = Material(rgb, "matte", band(1, tall * 0.4, tall * 0.62), light)
    elif decoration < 0.4:
        clay = Material(rgb, "matte", stripes(1, tall * 0.34, 0.4), light)
    elif decoration < 0.55:
        zigzag = rng.integers(3, 6)
        clay = Material(
            rgb,
            "matte",
            lambda p: (
                (
                    np.abs(
                        p[:, 1]
                        - tall * 0.5
                        - tall * 0.12 * np.sign(np.sin(2 * zigzag * np.arctan2(p[:, 2], p[:, 0])))
                    )
                    < tall * 0.09
                )
                * 1.0
            ),
            light,
        )
    else:
        clay = Material(rgb, "matte")
    soil = Material((74, 54, 42), "matte")
    if kind == "square":
        half = wide * 0.92
        box(thing, (0, tall / 2, 0), (half, tall / 2, half), clay, "pot")
        box(
            thing,
            (0, tall + 0.012, 0),
            (half * 1.06, 0.014, half * 1.06),
            Material(shade(rgb, 0.9), "matte"),
            "pot",
        )
        inner = half * 0.92
        thing.face(
            [
                (-inner, tall + 0.028, -inner),
                (inner, tall + 0.028, -inner),
                (inner, tall + 0.028, inner),
                (-inner, tall + 0.028, inner),
            ],
            soil,
            "pot",
        )
        return half, tall + 0.028
    if kind == "bowl":
        turned_body(
            thing,
            [(0, 0.7 * wide), (0.25 * tall, 1.02 * wide), (0.6 * tall, 1.15 * wide), (tall, wide)],
            clay,
            "pot",
        )
        opening = wide
    elif kind == "straight":
        turned_body(thing, [(0, 0.92 * wide), (tall, 0.95 * wide)], clay, "pot")
        opening = wide * 0.95
    else:
        turned_body(thing, [(0, wide * rng.uniform(0.62, 0.75)), (tall, wide)], clay, "pot")
        thing.cylinder(
            (0, tall - 0.012, 0),
            (0, 1, 0),
            wide * 1.1,
            0.03,
            Material(shade(rgb, 0.94), "matte"),
            "pot",
        )
        opening = wide * 1.1
    if rng.random() < 0.35:  # a saucer
        thing.cylinder(
            (0, 0.009, 0), (0, 1, 0), wide * 1.08, 0.009, Material(shade(rgb, 0.85), "matte"), "pot"
        )
    top = tall + (0.019 if kind == "tapered" else 0.1 * opening + 0.002)
    thing.disc((0, top, 0), (0, 1, 0), opening * 0.9, soil, "pot")
    return opening, top
