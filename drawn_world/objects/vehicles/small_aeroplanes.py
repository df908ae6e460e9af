"""Small aeroplanes with a propeller: a monoplane with a cabin, and a biplane.

Parts: body, wing, tail, engine, wheel.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK, IRON, STEEL
from drawn_world.objects.vehicles.aircraft_parts import GLASS, fin, livery, propeller_blades, wing
from drawn_world.objects.vehicles.wheels import landing_wheel
from drawn_world.renderer import Material


def propeller_plane(thing, rng, body, accent, on_ground):
    """A monoplane with a cabin, its wing high or low; the wheels stay out."""
    high_wing = rng.random() < 0.6
    radius, length = 0.62, rng.uniform(2.5, 2.9)
    centre, h = 1.25, length
    skin = livery(rng, body, accent, radius, centre)
    plain, paint = Material(tuple(body), "metal"), Material(tuple(accent), "metal")
    thing.sweep(
        [
            (-1.35 * h, centre + 0.22, 0),
            (-0.7 * h, centre + 0.12, 0),
            (0.0, centre, 0),
            (0.45 * h, centre - 0.05, 0),
        ],
        [0.1, 0.32, radius * 0.95, radius * 0.88],
        skin,
        "body",
    )
    thing.sweep(
        [
            (-0.42 * h, centre + 0.36, 0),
            (-0.02 * h, centre + 0.52, 0),
            (0.18 * h, centre + 0.46, 0),
            (0.36 * h, centre + 0.28, 0),
        ],
        [0.28, 0.5, 0.5, 0.36],
        plain,
        "body",
        shape=(1.0, 0.85, 1.0),
    )
    for side in (1, -1):  # cabin glass
        for x, wide in ((0.1 * h, 0.3), (-0.2 * h, 0.26)):
            thing.ellipsoid((x, centre + 0.56, side * 0.4), (wide, 0.2, 0.11), GLASS, "body")
    thing.ellipsoid((0.31 * h, centre + 0.56, 0), (0.2, 0.2, 0.36), GLASS, "body")
    nose = 0.62 * h
    cowl = paint if rng.random() < 0.5 else plain
    thing.sweep(
        [(0.42 * h, centre - 0.05, 0), (nose, centre - 0.06, 0), (nose + 0.25, centre - 0.07, 0)],
        [0.58, 0.5, 0.36],
        cowl,
        "engine",
    )
    for side in (1, -1):
        thing.ellipsoid((nose + 0.5, centre + 0.0, side * 0.2), (0.06, 0.1, 0.12), DARK, "engine")
    propeller_blades(
        thing, rng, (nose + 0.64, centre - 0.06, 0), int(rng.integers(2, 4)), 0.95, cowl
    )
    wing_y = centre + 0.98 if high_wing else centre - 0.36
    span = rng.uniform(3.6, 4.2)
    wing(
        thing,
        (0.1 * h, wing_y, 0.0 if high_wing else 0.3),
        (0.02 * h, wing_y + (0.1 if high_wing else 0.42), span),
        (1.5, 1.15),
        0.11,
        plain,
        "wing",
    )
    if high_wing:
        for side in (1, -1):
            thing.tube(
                [(0.15, centre - 0.42, side * 0.45), (0.15, wing_y, side * 0.48 * span)],
                0.05,
                plain,
                "wing",
            )
    fin(
        thing,
        (-1.12 * h, centre + 0.2, 0),
        (-1.42 * h, centre + 1.35, 0),
        (1.15, 0.6),
        0.12,
        paint,
    )
    wing(
        thing,
        (-1.18 * h, centre + 0.22, 0.08),
        (-1.28 * h, centre + 0.24, 1.5),
        (1.0, 0.65),
        0.12,
        plain,
        "tail",
    )
    tyre = 0.26
    landing_wheel(thing, 0.5 * h, 0.0, tyre, tyre, (0.46 * h, centre - 0.5, 0.0), 0.18)
    for side in (1, -1):
        landing_wheel(
            thing, -0.1 * h, side * 1.05, tyre, tyre, (-0.02, centre - 0.45, side * 0.35), 0.18
        )
        if rng.random() < 0.3:
            thing.ellipsoid((-0.1 * h, tyre + 0.06, side * 1.05), (0.5, 0.22, 0.16), paint, "wheel")


def biplane(thing, rng, body, accent, on_ground):
    """A biplane with an open seat; the wheels stay out."""
    length = rng.uniform(2.3, 2.6)
    centre, h = 1.12, length
    plain, paint = Material(tuple(body), "metal"), Material(tuple(accent), "metal")
    skin = livery(rng, body, accent, 0.5, centre)
    thing.sweep(
        [
            (-1.3 * h, centre - 0.4, 0),
            (-0.6 * h, centre - 0.12, 0),
            (0.1 * h, centre, 0),
            (0.5 * h, centre, 0),
        ],
        [0.09, 0.32, 0.5, 0.5],
        skin,
        "body",
    )
    thing.ellipsoid((-0.22 * h, centre + 0.44, 0), (0.36, 0.12, 0.24), DARK, "body")
    thing.face(
        [
            (0.02 * h, centre + 0.42, -0.24),
            (0.02 * h, centre + 0.42, 0.24),
            (-0.05 * h, centre + 0.72, 0.18),
            (-0.05 * h, centre + 0.72, -0.18),
        ],
        GLASS,
        "body",
    )
    thing.cylinder((0.6 * h, centre, 0), (1, 0, 0), 0.54, 0.2, paint, "engine", cap_material=DARK)
    for angle in np.arange(7) * 2 * np.pi / 7:
        thing.ellipsoid(
            (0.6 * h + 0.21, centre + 0.32 * np.cos(angle), 0.32 * np.sin(angle)),
            (0.06, 0.11, 0.11),
            STEEL,
            "engine",
        )
    propeller_blades(thing, rng, (0.6 * h + 0.36, centre, 0), 2, 0.95, paint)
    span = rng.uniform(3.0, 3.5)
    low, high = centre - 0.36, centre + 1.0
    wing(thing, (0.12 * h, low, 0.2), (0.08 * h, low + 0.15, span), (1.25, 1.1), 0.1, plain, "wing")
    wing(
        thing, (0.26 * h, high, 0.0), (0.22 * h, high + 0.1, span), (1.25, 1.1), 0.1, plain, "wing"
    )
    for side in (1, -1):
        for share in (0.35, 0.8):
            for dx in (-0.3, 0.3):
                thing.tube(
                    [
                        (0.1 * h + dx, low + 0.1, side * share * span),
                        (0.24 * h + dx, high, side * share * span),
                    ],
                    0.045,
                    IRON,
                    "wing",
                )
        thing.tube(
            [(0.24 * h, centre + 0.4, side * 0.28), (0.24 * h, high, side * 0.4)],
            0.045,
            IRON,
            "wing",
        )
    fin(
        thing,
        (-1.08 * h, centre - 0.3, 0),
        (-1.3 * h, centre + 0.6, 0),
        (1.0, 0.75),
        0.12,
        paint,
    )
    wing(
        thing,
        (-1.1 * h, centre - 0.28, 0.08),
        (-1.18 * h, centre - 0.26, 1.3),
        (0.95, 0.7),
        0.12,
        plain,
        "tail",
    )
    for side in (1, -1):
        landing_wheel(
            thing, 0.26 * h, side * 0.75, 0.36, 0.36, (0.2 * h, centre - 0.4, side * 0.3), 0.14
        )
    landing_wheel(thing, -1.12 * h, 0.0, 0.16, 0.16, (-1.08 * h, centre - 0.35, 0.0), 0.1)
