"""The motor scooter.

Parts: wheel, saddle, handlebar, headlight. Floor and shields belong to the object but to no part.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import (
    AMBER,
    IRON,
    LAMP,
    RUBBER,
    STEEL,
    TAIL_RED,
    blend,
    pick,
    shade,
    tint,
)
from drawn_world.objects.patterns import stripes
from drawn_world.objects.shapes import offset_box, turned
from drawn_world.objects.vehicles.steering import Steering
from drawn_world.objects.vehicles.wheels import cast_wheel, mudguard
from drawn_world.renderer import Material, Sculpture


def scooter(rng: np.random.Generator, colour: str) -> Sculpture:
    """A motor scooter with a step-through body, a leg shield and small wheels."""
    thing = Sculpture()
    radius = rng.uniform(0.215, 0.245)
    rear, front = np.array([-0.5, radius, 0.0]), np.array([rng.uniform(0.6, 0.66), radius, 0.0])
    head = np.array([front[0] - 0.13, rng.uniform(0.93, 0.99), 0.0])
    steer, still = Steering(head, rng.normal(0, 7)), Steering((0, 0, 0), 0.0)
    rgb = tint(colour, rng)
    paint, dark = Material(rgb, "metal"), Material(shade(rgb, 0.8), "metal")
    cream = blend(rgb, (246, 240, 226), 0.8)
    hub = Material(tint(pick(rng, "silver", "white", colour), rng), "metal")
    spokes = int(rng.integers(0, 6))
    for centre, move in ((rear, still), (front, steer)):
        cast_wheel(thing, centre, radius, 0.062, move, spokes if spokes > 2 else 0, hub)
    # Rear body: two swollen cheeks over the wheel, joined in the middle, with a two-tone band now
    # and then.
    cheek = (
        Material(rgb, "metal", lambda p: (p[:, 1] > 0.55) * 1.0, cream)
        if rng.random() < 0.25
        else paint
    )
    thing.ellipsoid((-0.5, 0.5, 0.0), (0.38, 0.2, 0.2), cheek, None, rotation=turned(pitch=-3))
    thing.ellipsoid((-0.4, 0.58, 0.0), (0.28, 0.17, 0.165), cheek, None)
    thing.ellipsoid((-0.3, 0.42, 0.0), (0.2, 0.22, 0.16), dark, None)
    thing.ellipsoid((-0.87, 0.53, 0.0), (0.028, 0.04, 0.06), TAIL_RED, None)
    thing.face(
        [(-0.885, 0.3, -0.08), (-0.885, 0.3, 0.08), (-0.86, 0.44, 0.08), (-0.86, 0.44, -0.08)],
        Material((236, 236, 230), "matte"),
        None,
    )
    thing.tube([(-0.3, 0.24, 0.0), rear], 0.06, IRON, None)
    thing.sweep(
        [(-0.3, 0.2, 0.14), (-0.5, 0.2, 0.15), (-0.78, 0.24, 0.15)],
        [0.04, 0.055, 0.05],
        STEEL,
        None,
    )
    # Floor and leg shield: a flat tunnel and a curved plate, wider at the knees.
    offset_box(
        thing, [(-0.34, 0.24), (0.3, 0.24), (0.3, 0.3), (-0.34, 0.3)], -0.17, 0.17, dark, None
    )
    thing.face(
        [(-0.3, 0.304, -0.14), (0.28, 0.304, -0.14), (0.28, 0.304, 0.14), (-0.3, 0.304, 0.14)],
        Material((66, 66, 70), "rubber", stripes(0, 0.06, 0.4), (110, 110, 114)),
        None,
    )
    shield = [(0.31, 0.3, 0), (0.36, 0.46, 0), (0.41, 0.66, 0), (0.45, 0.8, 0), (0.48, 0.9, 0)]
    thing.sweep(shield, [0.17, 0.2, 0.225, 0.2, 0.14], paint, None, shape=(0.2, 0.35, 1.0))
    thing.tube([(front[0] - 0.04, 0.36, 0.0), head], 0.05, dark, None)
    for side in (-1, 1):
        thing.tube(
            steer([front + (0, 0, side * 0.085), (front[0] - 0.03, radius + 0.2, side * 0.07)]),
            0.02,
            STEEL,
            None,
        )
    mudguard(thing, front, radius - 0.01, (0.15, 0.9), 0.082, paint, steer)
    _seat(thing, rng, rgb)
    _bars(thing, rng, head, steer, paint, rng.random() < 0.65)
    return thing


def _seat(thing, rng, rgb):
    leather = Material(
        tint(pick(rng, "black", "brown", "tan", "cream", "grey", "red"), rng), "matte"
    )
    thing.sweep(
        [(-0.14, 0.74, 0), (-0.3, 0.735, 0), (-0.46, 0.76, 0), (-0.64, 0.765, 0)],
        [0.1, 0.13, 0.14, 0.115],
        leather,
        "saddle",
        shape=(0.7, 0.45, 1.0),
    )
    if rng.random() < 0.3:
        thing.tube(
            [(-0.72, 0.68, -0.1), (-0.9, 0.72, -0.1), (-0.9, 0.72, 0.1), (-0.72, 0.68, 0.1)],
            0.014,
            STEEL,
            None,
        )
        if rng.random() < 0.6:
            offset_box(
                thing,
                [(-1.04, 0.74), (-0.76, 0.74), (-0.78, 0.98), (-1.02, 0.98)],
                -0.15,
                0.15,
                Material(shade(rgb, 0.92), "matte"),
                None,
            )


def _bars(thing, rng, head, steer, paint, high_lamp):
    """Handlebar cowl with grips and mirrors; the lamp sits in the cowl or on the shield."""
    thing.ellipsoid(
        steer(head + (0.0, 0.03, 0)), (0.1, 0.075, 0.13), paint, "handlebar", rotation=steer.turn
    )
    for side in (-1, 1):
        bend = [
            head + (0.0, 0.04, side * 0.08),
            head + (-0.03, 0.065, side * 0.2),
            head + (-0.08, 0.055, side * 0.33),
        ]
        thing.tube(steer(bend[:2]), 0.034, paint, "handlebar")
        thing.tube(steer(bend[1:]), 0.026, RUBBER, "handlebar")
        thing.tube(
            steer([bend[1] + (0.06, 0.0, 0), bend[2] + (0.075, -0.02, 0)]), 0.01, STEEL, "handlebar"
        )
        mirror = bend[1] + (0.03, 0.2, side * 0.07)
        thing.tube(steer([bend[1], mirror]), 0.011, STEEL, None)
        thing.ellipsoid(steer(mirror), (0.018, 0.052, 0.052), STEEL, None, rotation=steer.turn)
        thing.ellipsoid((head[0] - 0.02, 0.72, side * 0.185), (0.04, 0.03, 0.025), AMBER, None)
    lamp = head + (0.075, 0.03, 0) if high_lamp else np.array([head[0] + 0.03, 0.76, 0.0])
    move = steer if high_lamp else (lambda p: np.asarray(p))
    thing.ellipsoid(move(lamp), (0.07, 0.078, 0.078), STEEL, "headlight")
    thing.ellipsoid(move(lamp + (0.03, 0, 0)), (0.055, 0.069, 0.069), LAMP, "headlight")
    if rng.random() < 0.25:
        thing.face(
            steer(
                [
                    head + (0.09, 0.1, -0.15),
                    head + (0.09, 0.1, 0.15),
                    head + (-0.01, 0.38, 0.12),
                    head + (-0.01, 0.38, -0.12),
                ]
            ),
            Material((170, 198, 214), "glass"),
            None,
        )
