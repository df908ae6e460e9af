"""The aeroplane: airliner, business jet, propeller plane or biplane, on the ground or in the air.

Parts: body, wing, tail, engine, wheel. It stands on its wheels at y = 0, or flies with the wheels
up.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import IRON, pick, tint
from drawn_world.objects.shapes import turned
from drawn_world.objects.vehicles.aircraft_parts import GLASS, fin, livery, nacelle, windows, wing
from drawn_world.objects.vehicles.small_aeroplanes import biplane, propeller_plane
from drawn_world.objects.vehicles.tilted import Tilted
from drawn_world.objects.vehicles.wheels import landing_wheel
from drawn_world.renderer import Material, Sculpture


def aeroplane(rng: np.random.Generator, colour: str) -> Sculpture:
    """An aeroplane on the ground."""
    return _aeroplane(rng, colour, on_ground=True)


def flying_aeroplane(rng: np.random.Generator, colour: str) -> Sculpture:
    """An aeroplane in the air, banking and climbing a little; small ones keep their wheels out."""
    return _aeroplane(rng, colour, on_ground=False)


def _aeroplane(rng, colour, on_ground):
    sculpture = thing = Sculpture()
    if not on_ground:
        thing = Tilted(sculpture, turned(pitch=rng.uniform(-8, 16), roll=rng.normal(0, 16)))
    build = pick(
        rng, _airliner, _airliner, _airliner, _jet, propeller_plane, propeller_plane, biplane
    )
    rgb = tint(colour, rng)
    if rng.random() < 0.6 or colour in ("white", "silver", "grey"):
        body, accent = (
            rgb,
            rgb if rng.random() < 0.5 else tint(pick(rng, "white", "red", "blue", "yellow"), rng),
        )
    else:
        body, accent = tint(pick(rng, "white", "white", "silver"), rng), rgb
    build(thing, rng, body, accent, on_ground)
    return sculpture


def _airliner(thing, rng, body, accent, on_ground):
    radius, length = rng.uniform(0.95, 1.12), rng.uniform(5.6, 7.0)
    centre = radius + 1.05
    skin = livery(rng, body, accent, radius, centre)
    plain = Material(tuple(body), "metal")
    tail_paint = Material(tuple(accent), "metal")
    metal = Material(tint("silver", rng), "metal") if rng.random() < 0.5 else plain
    h = length
    thing.sweep(
        [
            (-h, centre + 0.55 * radius, 0),
            (-0.72 * h, centre + 0.3 * radius, 0),
            (-0.42 * h, centre, 0),
            (0.2 * h, centre, 0),
            (0.62 * h, centre, 0),
            (0.82 * h, centre - 0.05 * radius, 0),
            (0.96 * h, centre - 0.22 * radius, 0),
        ],
        [0.1 * radius, 0.6 * radius, radius, radius, radius, 0.8 * radius, 0.28 * radius],
        skin,
        "body",
    )
    windows(
        thing,
        np.arange(-0.5 * h, 0.6 * h, 0.58),
        centre + 0.22 * radius,
        0.22 * radius,
        radius,
        0.14,
    )
    for side in (1, -1):  # cockpit and doors
        thing.ellipsoid(
            (0.83 * h, centre + 0.36 * radius, side * 0.4 * radius),
            (0.34, 0.16, 0.3),
            GLASS,
            "body",
        )
        for x in (0.66 * h, -0.55 * h):
            thing.ellipsoid(
                (x, centre + 0.02 * radius, side * radius * (0.99 if x > 0 else 0.82)),
                (0.03, 0.42, 0.04),
                IRON,
                "body",
            )
    span, sweep_back = rng.uniform(5.0, 6.2), rng.uniform(1.4, 2.4)
    root = (0.35, centre - 0.55 * radius, 0.4)
    tip = (-sweep_back, centre - 0.55 * radius + 0.6, span)
    wing(thing, root, tip, (3.0, 0.9), 0.09, metal, "wing")
    if rng.random() < 0.5:
        wing(
            thing,
            tip,
            (tip[0] - 0.5, tip[1] + 0.75, tip[2] + 0.12),
            (0.8, 0.4),
            0.12,
            tail_paint,
            "wing",
            upright=True,
        )
    fin(
        thing,
        (-0.8 * h, centre + 0.5 * radius, 0),
        (-h - 0.5, centre + radius + 2.1, 0),
        (2.6, 1.1),
        0.09,
        tail_paint,
    )
    wing(
        thing,
        (-0.86 * h, centre + 0.45 * radius, 0.2),
        (-h - 0.3, centre + 0.6 * radius, 2.5),
        (1.7, 0.7),
        0.1,
        metal,
        "tail",
    )
    pods = [0.33] if rng.random() < 0.7 else [0.28, 0.56]
    cowl = Material(tuple(accent) if rng.random() < 0.5 else tint("silver", rng), "metal")
    for share in pods:
        x, y, z = np.asarray(root) * (1 - share) + np.asarray(tip) * share
        for side in (1, -1):
            nacelle(
                thing, (x + 1.15, y - 0.6, side * z), 0.58 if len(pods) == 1 else 0.46, 1.8, cowl
            )
            thing.tube(
                [(x + 0.7, y - 0.25, side * z), (x - 0.2, y - 0.05, side * z)],
                0.14,
                metal,
                "engine",
            )
    if on_ground:
        landing_wheel(
            thing, 0.72 * h, 0.0, 0.3, 0.3, (0.72 * h - 0.1, centre - 0.7 * radius, 0.0), 0.3
        )
        for side in (1, -1):
            for x in (-0.65, -0.05):
                landing_wheel(
                    thing,
                    x,
                    side * 1.15,
                    0.36,
                    0.36,
                    (-0.35, centre - 0.6 * radius, side * 0.95),
                    0.34,
                )


def _jet(thing, rng, body, accent, on_ground):
    radius, length = 0.74, rng.uniform(4.0, 4.9)
    centre = radius + 0.62
    skin, tail_paint = livery(rng, body, accent, radius, centre), Material(tuple(accent), "metal")
    plain = Material(tuple(body), "metal")
    h = length
    thing.sweep(
        [
            (-h, centre + 0.25, 0),
            (-0.6 * h, centre + 0.1, 0),
            (-0.2 * h, centre, 0),
            (0.5 * h, centre, 0),
            (0.78 * h, centre - 0.08, 0),
            (h, centre - 0.26, 0),
        ],
        [0.1, 0.5 * radius, radius, radius, 0.72 * radius, 0.1],
        skin,
        "body",
    )
    windows(thing, np.linspace(-0.22 * h, 0.42 * h, 5), centre + 0.18, 0.18, radius, 0.17)
    for side in (1, -1):
        thing.ellipsoid((0.68 * h, centre + 0.34, side * 0.27), (0.34, 0.15, 0.22), GLASS, "body")
    wing(
        thing,
        (-0.1, centre - 0.42, 0.3),
        (-1.5, centre - 0.1, rng.uniform(3.7, 4.4)),
        (2.2, 0.7),
        0.09,
        plain,
        "wing",
    )
    fin_top = (-h - 0.35, centre + 2.1, 0)
    fin(
        thing,
        (-0.72 * h, centre + 0.25, 0),
        fin_top,
        (2.0, 1.1),
        0.1,
        tail_paint,
    )
    wing(
        thing,
        (fin_top[0] + 0.1, fin_top[1] + 0.05, 0.0),
        (fin_top[0] - 0.5, fin_top[1] + 0.1, 1.8),
        (1.3, 0.6),
        0.1,
        tail_paint,
        "tail",
    )
    cowl = Material(tuple(accent) if rng.random() < 0.4 else tint("silver", rng), "metal")
    for side in (1, -1):
        nacelle(thing, (-0.55 * h, centre + 0.35, side * 0.95), 0.4, 1.6, cowl)
        thing.tube(
            [(-0.55 * h, centre + 0.3, side * 0.4), (-0.55 * h, centre + 0.35, side * 0.8)],
            0.14,
            plain,
            "body",
        )
    if on_ground:
        landing_wheel(thing, 0.66 * h, 0.0, 0.22, 0.22, (0.63 * h, centre - 0.5, 0.0), 0.2)
        for side in (1, -1):
            landing_wheel(
                thing, -0.7, side * 1.0, 0.27, 0.27, (-0.6, centre - 0.4, side * 0.8), 0.24
            )
