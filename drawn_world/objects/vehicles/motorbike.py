"""The motorbike.

Parts: wheel, saddle, handlebar, headlight. Engine and tank belong to the object but to no part.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import (
    AMBER,
    DARK,
    IRON,
    LAMP,
    STEEL,
    TAIL_RED,
    blend,
    pick,
    shade,
    tint,
)
from drawn_world.objects.patterns import stripes
from drawn_world.objects.shapes import turned
from drawn_world.objects.vehicles.steering import Steering
from drawn_world.objects.vehicles.wheels import cast_wheel, mudguard
from drawn_world.renderer import Material, Sculpture


def motorbike(rng: np.random.Generator, colour: str) -> Sculpture:
    """A motorbike: cruiser, naked or sports, with tank and panels in the named colour."""
    thing = Sculpture()
    style = pick(rng, "cruiser", "cruiser", "naked", "naked", "sports")
    radius = rng.uniform(0.30, 0.335)
    rear = np.array([-rng.uniform(0.66, 0.72), radius, 0.0])
    front = np.array([rng.uniform(0.68, 0.74) + (0.1 if style == "cruiser" else 0.0), radius, 0.0])
    head = np.array(
        [front[0] - (0.36 if style == "cruiser" else 0.26), rng.uniform(0.86, 0.92), 0.0]
    )
    steer, still = Steering(head, rng.normal(0, 6)), Steering((0, 0, 0), 0.0)
    paint = Material(tint(colour, rng), "metal")
    dark_paint = Material(shade(paint.colour, 0.72), "metal")
    chrome = STEEL if style != "sports" or rng.random() < 0.3 else DARK
    spokes = int(rng.integers(3, 7)) if style != "cruiser" else int(rng.integers(5, 10))
    hub = Material(
        tint(
            pick(rng, "silver", "silver", "grey", "orange" if style == "sports" else "silver"), rng
        ),
        "metal",
    )
    cast_wheel(thing, rear, radius, 0.085, still, spokes, hub)
    cast_wheel(thing, front, radius, 0.07, steer, spokes, hub)
    for side in (-1, 1):
        thing.tube(
            steer([front + (0, 0, side * 0.095), head + (0.0, 0.03, side * 0.085)]),
            0.026,
            chrome,
            None,
        )
        thing.tube([rear + (0, 0, side * 0.1), (-0.12, 0.36, side * 0.09)], 0.026, IRON, None)
        thing.tube([rear + (0.02, 0.02, side * 0.1), (-0.38, 0.66, side * 0.1)], 0.03, chrome, None)
    _engine(thing, rng, style, chrome)
    _body(thing, rng, style, paint, dark_paint, rear, front, radius, steer)
    _bars(thing, rng, style, head, steer, chrome)
    return thing


def _engine(thing, rng, style, chrome):
    """Crankcase, finned cylinders, exhausts, foot pegs."""
    fins = Material((150, 152, 160), "metal", stripes(1, 0.036, 0.45), (58, 60, 66))
    thing.ellipsoid((0.0, 0.34, 0.0), (0.26, 0.15, 0.15), IRON, None)
    thing.cylinder((-0.06, 0.35, 0.0), (0, 0, 1), 0.12, 0.18, STEEL, None)
    thing.cylinder((0.15, 0.32, 0.0), (0, 0, 1), 0.075, 0.165, IRON, None)
    leans = (-0.16, 0.2) if style == "cruiser" else (0.1,)
    for lean in leans:
        thing.cylinder(
            (0.02 + 0.75 * lean, 0.54, 0.0), (lean * 1.5, 1.0, 0.0), 0.11, 0.13, fins, None
        )
    thing.tube(
        [(0.42, 0.78, 0.0), (0.36, 0.4, 0.0), (0.1, 0.26, 0.0), (-0.2, 0.28, 0.0)],
        0.028,
        DARK,
        None,
    )
    thing.tube([(0.44, 0.8, 0.0), (-0.1, 0.66, 0.0), (-0.5, 0.68, 0.0)], 0.04, DARK, None)
    for side in (-1, 1) if style == "cruiser" or rng.random() < 0.5 else (1,):
        low = 0.27 if style != "sports" else 0.34
        thing.tube(
            [
                (0.2, 0.45, side * 0.12),
                (0.28, 0.3, side * 0.15),
                (0.0, 0.22, side * 0.17),
                (-0.3, low - 0.03, side * 0.19),
            ],
            0.032,
            chrome if style == "cruiser" else IRON,
            None,
        )
        thing.sweep(
            [
                (-0.25, low - 0.03, side * 0.19),
                (-0.5, low + 0.01, side * 0.2),
                (-0.85, low + 0.07, side * 0.2),
            ],
            [0.042, 0.056, 0.056],
            STEEL,
            None,
        )
        thing.disc((-0.91, low + 0.082, side * 0.2), (-1.0, 0.18, 0), 0.04, DARK, None)


def _body(thing, rng, style, paint, dark_paint, rear, front, radius, steer):
    """Tank, seat, tail, mudguards, fairing."""
    leather = Material(tint(pick(rng, "black", "black", "black", "brown", "tan"), rng), "matte")
    trim = (
        blend(paint.colour, (250, 248, 240), 0.75)
        if rng.random() < 0.5
        else shade(paint.colour, 0.4)
    )
    tank = Material(
        paint.colour,
        "metal",
        lambda p: (np.abs(p[:, 1] - 0.80 - 0.12 * p[:, 0]) < 0.022) * 1.0,
        trim,
    )
    tank = tank if rng.random() < 0.45 else paint
    thing.ellipsoid((0.2, 0.8, 0.0), (0.31, 0.14, 0.165), tank, None, rotation=turned(pitch=11))
    thing.ellipsoid((0.29, 0.84, 0.0), (0.2, 0.12, 0.155), tank, None)
    thing.cylinder((0.27, 0.955, 0.0), (0.1, 1, 0), 0.035, 0.014, STEEL, None)
    thing.ellipsoid((-0.2, 0.58, 0.0), (0.2, 0.11, 0.13), dark_paint, None)
    if style == "cruiser":
        seat = [(0.0, 0.74, 0), (-0.2, 0.7, 0), (-0.42, 0.75, 0), (-0.66, 0.83, 0)]
        widths = [0.09, 0.13, 0.125, 0.09]
    else:
        seat = [(0.02, 0.78, 0), (-0.2, 0.765, 0), (-0.42, 0.8, 0), (-0.62, 0.88, 0)]
        widths = [0.085, 0.12, 0.115, 0.08]
    seat = np.asarray(seat, float)
    thing.sweep(seat + (0, 0.01, 0), widths, leather, "saddle", shape=(0.6, 0.5, 1.0))
    tail = (rear[0] - 0.12, 0.80 if style != "cruiser" else 0.7, 0.0)
    thing.sweep([(-0.3, 0.7, 0), (-0.55, tail[1] - 0.06, 0), tail], [0.1, 0.09, 0.05], paint, None)
    thing.ellipsoid((tail[0] - 0.045, tail[1], 0), (0.025, 0.034, 0.055), TAIL_RED, None)
    above = radius - 0.02 + 0.012
    if style != "sports":
        mudguard(thing, rear, above, (0.3, 0.95), 0.095, paint)
    mudguard(thing, front, above, (0.22, 0.8), 0.082, paint, steer)
    if style == "sports":
        thing.ellipsoid((0.4, 0.62, 0.0), (0.3, 0.3, 0.19), paint, None, rotation=turned(pitch=20))
        thing.ellipsoid((0.12, 0.38, 0.0), (0.36, 0.13, 0.185), dark_paint, None)
        thing.ellipsoid(
            (0.52, 0.93, 0.0), (0.2, 0.15, 0.15), paint, None, rotation=turned(pitch=-29)
        )
        thing.ellipsoid(
            (0.46, 1.03, 0.0),
            (0.14, 0.11, 0.12),
            Material((116, 140, 158), "glass"),
            None,
            rotation=turned(pitch=-34),
        )


def _bars(thing, rng, style, head, steer, chrome):
    """Handlebar, mirrors, headlight, indicators."""
    high = (
        head
        + {"cruiser": (-0.06, 0.2, 0), "naked": (-0.03, 0.13, 0), "sports": (-0.06, 0.05, 0)}[style]
    )
    grip = Material((44, 44, 48), "rubber")
    thing.tube(steer([head + (0, 0.02, 0), high + (0.02, -0.02, 0)]), 0.032, IRON, "handlebar")
    for side in (-1, 1):
        back = -0.16 if style == "cruiser" else -0.09
        bend = [
            high,
            high + (0.03, 0.03, side * 0.12),
            high + (-0.03, 0.04, side * 0.27),
            high + (back, 0.02, side * 0.38),
        ]
        thing.tube(steer(bend), 0.021, chrome, "handlebar")
        thing.tube(steer([bend[2], bend[3]]), 0.03, grip, "handlebar")
        thing.tube(
            steer([bend[2] + (0.05, 0.0, 0), bend[3] + (0.09, -0.01, 0)]), 0.01, STEEL, "handlebar"
        )
        if style != "sports" or rng.random() < 0.5:
            mirror = bend[2] + (0.03, 0.16, side * 0.06)
            thing.tube(steer([bend[2], mirror]), 0.011, DARK, None)
            thing.ellipsoid(
                steer(mirror + (0, 0.03, side * 0.01)),
                (0.02, 0.042, 0.062),
                STEEL,
                None,
                rotation=steer.turn,
            )
    if style == "sports":
        for side in (-1, 1):
            thing.ellipsoid(
                steer((0.665, 0.86, side * 0.075)),
                (0.05, 0.04, 0.058),
                LAMP,
                "headlight",
                rotation=steer.turn,
            )
        return
    lamp = head + (0.16, 0.03, 0)
    thing.ellipsoid(steer(lamp), (0.11, 0.105, 0.105), chrome, "headlight", rotation=steer.turn)
    thing.ellipsoid(
        steer(lamp + (0.06, 0, 0)), (0.07, 0.093, 0.093), LAMP, "headlight", rotation=steer.turn
    )
    for side in (-1, 1):
        thing.tube(
            steer([lamp + (-0.03, -0.03, 0), lamp + (-0.02, -0.04, side * 0.15)]), 0.011, DARK, None
        )
        thing.ellipsoid(
            steer(lamp + (-0.02, -0.04, side * 0.17)), (0.028, 0.028, 0.03), AMBER, None
        )
