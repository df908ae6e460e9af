"""What grows in pots: leaves, flowers, cactus, little tree, palm.

Every plant is a function (sculpture, rng, height of the soil, radius of the opening); its part is
"plant".
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import pick, shade, tint
from drawn_world.objects.patterns import stripes
from drawn_world.objects.shapes import frame
from drawn_world.renderer import Material


def _green(rng, low=0.8, high=1.2):
    base = pick(rng, (62, 142, 58), (74, 156, 74), (46, 120, 62), (104, 164, 66), (58, 128, 84))
    return np.clip(np.asarray(base, float) * rng.uniform(low, high), 0, 255)


def _leaf(thing, base, direction, length, width, colour, droop=0.3) -> None:
    """A flat leaf of that half width, which starts along `direction` and bends down."""
    base, way = np.asarray(base, float), np.asarray(direction, float) / np.linalg.norm(direction)
    across = np.cross(way, (0.0, 1.0, 0.0))
    across = across if np.linalg.norm(across) > 0.05 else np.array([0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    flat = np.outer(across, across) + 0.14 * (np.eye(3) - np.outer(across, across))
    share = np.linspace(0, 1, 5)[:, None]
    points = base + length * (share * way - share**2 * droop * np.array([0.0, 0.75, 0.0]))
    thing.sweep(
        points,
        width * np.array([0.25, 0.8, 1.0, 0.68, 0.06]),
        Material(tuple(colour), "leaf"),
        "plant",
        shape=flat,
    )


def _around(rng, count):
    """Evenly spread directions about the vertical with a little disorder."""
    start = rng.uniform(0, 2 * np.pi)
    return start + (np.arange(count) + rng.uniform(-0.3, 0.3, count)) * 2 * np.pi / count


def rosette(thing, rng, soil, rim):
    """Broad leaves on short stalks, like a hosta or a rubber plant."""
    green, size = _green(rng), rng.uniform(0.24, 0.34)
    for count, lift in ((7, 0.45), (6, 1.1), (4, 2.6)):
        for angle in _around(rng, count):
            way = np.array([np.cos(angle), lift * rng.uniform(0.8, 1.2), np.sin(angle)])
            _leaf(
                thing,
                (0.02 * way[0], soil, 0.02 * way[2]),
                way,
                size * rng.uniform(0.85, 1.15),
                size * 0.19,
                green * rng.uniform(0.82, 1.18),
                droop=0.55,
            )


def fern(thing, rng, soil, rim):
    """Many narrow leaves that arch over the rim."""
    green, size = _green(rng, 0.9, 1.25), rng.uniform(0.32, 0.42)
    for angle in _around(rng, 17):
        way = np.array([np.cos(angle), rng.uniform(0.9, 2.6), np.sin(angle)])
        _leaf(
            thing,
            (0, soil, 0),
            way,
            size * rng.uniform(0.8, 1.15),
            0.026,
            green * rng.uniform(0.8, 1.2),
            droop=rng.uniform(0.6, 0.85),
        )


def _bloom(thing, centre, way, radius, petals, heart):
    """A daisy-like flower that looks along `way`."""
    turn = frame(way)
    for angle in np.arange(6) * 2 * np.pi / 6:
        out = turn @ np.array([0.0, np.cos(angle), np.sin(angle)])
        side = turn @ np.array([0.0, -np.sin(angle), np.cos(angle)])
        thing.ellipsoid(
            np.asarray(centre) + out * radius * 0.62,
            (radius * 0.45, radius * 0.14, radius * 0.34),
            petals,
            "plant",
            rotation=frame(out, side),
        )
    thing.ellipsoid(
        np.asarray(centre) + turn[:, 0] * radius * 0.1, np.full(3, radius * 0.34), heart, "plant"
    )


def flowers(thing, rng, soil, rim):
    """Stems with daisies above a tuft of leaves."""
    green = _green(rng)
    petals = Material(
        tint(pick(rng, "red", "pink", "yellow", "purple", "white", "orange"), rng), "leaf"
    )
    heart = Material(
        tint("brown" if sum(petals.colour[:2]) > 420 and petals.colour[2] < 120 else "yellow", rng),
        "leaf",
    )
    for angle in _around(rng, 9):
        _leaf(
            thing,
            (0, soil, 0),
            (np.cos(angle), rng.uniform(0.5, 1.4), np.sin(angle)),
            rng.uniform(0.16, 0.24),
            0.04,
            green * rng.uniform(0.8, 1.15),
            droop=0.6,
        )
    count = int(rng.integers(3, 6))
    for angle in _around(rng, count):
        height, out = rng.uniform(0.26, 0.4), rng.uniform(0.07, 0.17)
        tip = np.array([out * np.cos(angle), soil + height, out * np.sin(angle)])
        thing.tube(
            [(0, soil, 0), (tip[0] * 0.4, soil + height * 0.55, tip[2] * 0.4), tip],
            0.0095,
            Material(tuple(green * 0.8), "leaf"),
            "plant",
        )
        _bloom(
            thing,
            tip,
            (np.cos(angle), 0.55, np.sin(angle)),
            rng.uniform(0.065, 0.085),
            petals,
            heart,
        )


def tulips(thing, rng, soil, rim):
    """Upright cups on straight stems with long leaves."""
    green = _green(rng)
    cup = Material(
        tint(pick(rng, "red", "pink", "yellow", "purple", "orange", "white"), rng), "leaf"
    )
    inner = Material(shade(cup.colour, 0.82), "leaf")
    for angle in _around(rng, int(rng.integers(4, 7))):
        height, out = rng.uniform(0.26, 0.38), rng.uniform(0.05, 0.13)
        tip = np.array([out * np.cos(angle), soil + height, out * np.sin(angle)])
        thing.tube(
            [(tip[0] * 0.4, soil, tip[2] * 0.4), tip],
            0.0105,
            Material(tuple(green * 0.9), "leaf"),
            "plant",
        )
        thing.ellipsoid(tip + (0, 0.035, 0), (0.04, 0.052, 0.04), cup, "plant")
        for turn in angle + np.arange(3) * 2.1:
            thing.ellipsoid(
                tip + np.array([0.022 * np.cos(turn), 0.06, 0.022 * np.sin(turn)]),
                (0.022, 0.044, 0.022),
                inner,
                "plant",
            )
        _leaf(
            thing,
            (tip[0] * 0.4, soil, tip[2] * 0.4),
            (np.cos(angle + 0.6) * 0.6, 1.6, np.sin(angle + 0.6) * 0.6),
            height * rng.uniform(0.75, 1.0),
            0.032,
            green * rng.uniform(0.8, 1.15),
            droop=0.25,
        )


def cactus(thing, rng, soil, rim):
    """A ribbed column with arms, or a ball; sometimes in flower."""
    green = _green(rng, 0.85, 1.05)
    ribs = int(rng.integers(9, 13))
    skin = Material(
        tuple(green),
        "leaf",
        lambda p: 0.5 + 0.5 * np.cos(ribs * np.arctan2(p[:, 2], p[:, 0])),
        tuple(green * 0.68),
    )
    if rng.random() < 0.3:
        radius = rim * rng.uniform(0.85, 1.0)
        thing.ellipsoid((0, soil + radius * 0.85, 0), (radius, radius, radius), skin, "plant")
        top = soil + radius * 1.85
    else:
        height, radius = rng.uniform(0.34, 0.5), rng.uniform(0.062, 0.08)
        thing.sweep(
            [(0, soil, 0), (0, soil + height / 2, 0), (0, soil + height - radius, 0)],
            [radius * 0.94, radius, radius * 0.92],
            skin,
            "plant",
        )
        top = soil + height
        arm = Material(tuple(green * 0.95), "leaf")
        turn = rng.uniform(0, np.pi)
        for side in (turn, turn + np.pi)[: int(rng.integers(1, 3))]:
            out, low = (
                np.array([np.cos(side), 0, np.sin(side)]),
                soil + height * rng.uniform(0.25, 0.5),
            )
            start = np.array([0, low, 0])
            thing.sweep(
                [
                    start,
                    start + out * 0.105 + (0, 0.012, 0),
                    start + out * 0.145 + (0, 0.06, 0),
                    start + out * 0.15 + (0, rng.uniform(0.12, 0.2), 0),
                ],
                [0.036, 0.04, 0.042, 0.038],
                arm,
                "plant",
            )
    if rng.random() < 0.6:
        petals = Material(tint(pick(rng, "pink", "red", "yellow"), rng), "leaf")
        _bloom(
            thing, (0, top, 0), (0.2, 1.0, 0.1), 0.05, petals, Material(tint("yellow", rng), "leaf")
        )


def little_tree(thing, rng, soil, rim):
    """A small standard tree: a trunk and a clipped or cloudy crown, sometimes with fruit."""
    green = _green(rng, 0.8, 1.05)
    trunk = rng.uniform(0.16, 0.26)
    size = rng.uniform(0.15, 0.19)
    thing.sweep(
        [
            (0, soil, 0),
            (rng.normal(0, 0.012), soil + trunk / 2, 0),
            (0, soil + trunk + size * 0.4, 0),
        ],
        [0.022, 0.017, 0.016],
        Material((112, 80, 54), "matte"),
        "plant",
    )
    crown = np.array([0, soil + trunk + size * 0.85, 0])
    seeds = rng.uniform(0, 6, 3)
    dapple = Material(
        tuple(green),
        "leaf",
        lambda p: (
            (
                np.sin(p[:, 0] * 95 + seeds[0])
                * np.sin(p[:, 1] * 88 + seeds[1])
                * np.sin(p[:, 2] * 91 + seeds[2])
                > 0.12
            )
            * 1.0
        ),
        tuple(green * 1.3),
    )
    cloudy = rng.random() < 0.6
    thing.ellipsoid(crown, np.full(3, size * (0.86 if cloudy else 1.0)), dapple, "plant")
    if cloudy:
        for angle in _around(rng, 9):
            up = rng.uniform(-0.6, 0.75)
            out = np.sqrt(1 - up**2) * size * 0.62
            thing.ellipsoid(
                crown + (out * np.cos(angle), up * size * 0.75, out * np.sin(angle)),
                np.full(3, size * rng.uniform(0.4, 0.52)),
                dapple,
                "plant",
            )
    if rng.random() < 0.4:
        fruit = Material(tint(pick(rng, "red", "orange", "yellow"), rng), "skin")
        for angle in _around(rng, 11):
            up = rng.uniform(-0.7, 0.8)
            out = np.sqrt(1 - up**2) * size * 1.04
            thing.ellipsoid(
                crown + (out * np.cos(angle), up * size * 1.04, out * np.sin(angle)),
                np.full(3, 0.022),
                fruit,
                "plant",
            )


def blades(thing, rng, soil, rim):
    """Stiff upright leaves with pale edges, like a snake plant."""
    green = _green(rng, 0.7, 0.95)
    for angle in _around(rng, 10):
        out, height = rim * rng.uniform(0.1, 0.5), rng.uniform(0.26, 0.48)
        way = np.array([0.22 * np.cos(angle), 1.0, 0.22 * np.sin(angle)])
        base = np.array([out * np.cos(angle), soil + height * 0.42, out * np.sin(angle)])
        turn = frame(way, (np.cos(angle + 1.5), 0, np.sin(angle + 1.5)))
        cross = Material(
            tuple(green * rng.uniform(0.9, 1.15)),
            "leaf",
            stripes(1, 0.055, 0.35, rng.random()),
            tuple(np.clip(green * 1.5, 0, 255)),
        )
        thing.ellipsoid(base, (height * 0.58, 0.011, 0.034), cross, "plant", rotation=turn)


def palm(thing, rng, soil, rim):
    """A slender trunk with arching fronds."""
    green, height = _green(rng), rng.uniform(0.16, 0.26)
    top = np.array([rng.normal(0, 0.02), soil + height, rng.normal(0, 0.02)])
    bark = Material((140, 106, 70), "matte", stripes(1, 0.03, 0.4), (104, 76, 50))
    thing.sweep(
        [(0, soil, 0), top * (0.5, 1, 0.5) - (0, height / 2, 0), top],
        [0.034, 0.027, 0.024],
        bark,
        "plant",
    )
    for angle in _around(rng, 11):
        way = np.array([np.cos(angle), rng.uniform(0.5, 2.2), np.sin(angle)])
        _leaf(
            thing,
            top,
            way,
            rng.uniform(0.28, 0.36),
            0.034,
            green * rng.uniform(0.8, 1.2),
            droop=0.62,
        )
