"""What aeroplanes are made of: wings, windows, engines, propellers, wheels, paint.

Parts: body, wing, tail, engine, wheel.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import IRON, STEEL, blend, shade, tint
from drawn_world.objects.shapes import ring_points
from drawn_world.renderer import Material

GLASS = Material((64, 86, 108), "glass")


def wing(thing, root, tip, chords, thickness, material, part, mirror=True, upright=False):
    """A tapering flat sweep from root to tip; `chords` are full chords at both ends."""
    root, tip = np.asarray(root, float), np.asarray(tip, float)
    shape = (1.0, 0.12, thickness) if upright else (1.0, thickness, 0.12)
    for side in (1, -1) if mirror else (1,):
        flip = np.array([1, 1, side])
        thing.sweep(
            [root * flip, (root + tip) / 2 * flip, tip * flip],
            [chords[0] / 2, (chords[0] + chords[1]) / 4, chords[1] / 2],
            material,
            part,
            shape=shape,
        )


def fin(thing, root, tip, chords, thickness, material):
    """The upright fin of a tail, in the middle of the body."""
    wing(thing, root, tip, chords, thickness, material, "tail", mirror=False, upright=True)


def windows(thing, xs, height, above, radius, size):
    """Round windows at each x, on both sides of a fuselage of that radius, `above` its middle."""
    z = np.sqrt(max(radius**2 - above**2, 0))
    for x in xs:
        for side in (1, -1):
            thing.ellipsoid((x, height, side * z), (size * 0.8, size, 0.03), GLASS, "body")


def nacelle(thing, centre, radius, length, material):
    """A jet engine: cowl, dark intake with a spinner, hot end."""
    x, y, z = centre
    h = length / 2
    thing.sweep(
        [(x - h, y, z), (x - 0.2 * h, y, z), (x + 0.75 * h, y, z)],
        [radius * 0.62, radius * 0.98, radius * 0.96],
        material,
        "engine",
        shape=(0.3, 1.0, 1.0),
    )
    front = x + 0.75 * h + 0.3 * radius
    thing.tube(
        ring_points((0, 0, 0), radius * 0.84, 14)[:, [2, 0, 1]] + (front - 0.12 * radius, y, z),
        radius * 0.13,
        STEEL,
        "engine",
    )
    thing.disc(
        (front - 0.02 * radius, y, z),
        (1, 0, 0),
        radius * 0.8,
        Material(
            (50, 52, 58),
            "matte",
            lambda p: (np.sin(12 * np.arctan2(p[:, 1] - y, p[:, 2] - z)) > 0.2) * 0.5,
            (120, 124, 132),
        ),
        "engine",
    )
    thing.ellipsoid((front, y, z), (radius * 0.22, radius * 0.2, radius * 0.2), STEEL, "engine")
    thing.sweep(
        [(x - h - radius * 0.7, y, z), (x - h, y, z)], [radius * 0.2, radius * 0.42], IRON, "engine"
    )


def livery(rng, body, accent, radius, centre):
    """Fuselage material: plain, a stripe along the windows, or a coloured belly."""
    style = rng.random()
    if np.allclose(body, accent):
        accent = blend(body, (250, 248, 242), 0.85) if sum(body) < 600 else (70, 90, 150)
    if style < 0.4:
        return Material(
            tuple(body),
            "metal",
            lambda p: (np.abs(p[:, 1] - centre + 0.22 * radius) < 0.16 * radius) * 1.0,
            tuple(accent),
        )
    if style < 0.65:
        return Material(
            tuple(body), "metal", lambda p: (p[:, 1] < centre - 0.42 * radius) * 1.0, tuple(accent)
        )
    return Material(tuple(body), "metal")


def propeller_blades(thing, rng, hub, count, radius, engine_paint):
    """Nose engine with its propeller: cowl, spinner, blades."""
    x, y, z = hub
    blade = (
        Material((60, 60, 64), "matte")
        if rng.random() < 0.6
        else Material(tint("brown", rng), "matte")
    )
    start = rng.uniform(0, np.pi)
    for angle in start + np.arange(count) * 2 * np.pi / count:
        out = np.array([0.0, np.cos(angle), np.sin(angle)])
        across = np.array([0.0, -np.sin(angle), np.cos(angle)])
        turn = np.stack([out, across, (1.0, 0.0, 0.0)], axis=1)
        thing.ellipsoid(
            np.asarray(hub) + out * radius * 0.52,
            (radius * 0.52, radius * 0.09, radius * 0.03),
            blade,
            "engine",
            rotation=turn,
        )
    thing.ellipsoid(
        (x + 0.02, y, z),
        (0.2, 0.13, 0.13),
        Material(shade(engine_paint.colour, 0.85), "metal"),
        "engine",
    )
