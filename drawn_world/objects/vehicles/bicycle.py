"""The bicycle.

Parts: wheel, saddle, handlebar, chainwheel, headlight. The frame belongs to the bicycle but to no
part. Fork, front wheel and bars turn about the steering axis.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK, IRON, LAMP, RUBBER, STEEL, pick, shade, tint
from drawn_world.objects.patterns import hub_pattern, stripes
from drawn_world.objects.shapes import offset_box
from drawn_world.objects.vehicles.steering import Steering
from drawn_world.objects.vehicles.wheels import mudguard, spoked_wheel
from drawn_world.renderer import Material, Sculpture


def bicycle(rng: np.random.Generator, colour: str) -> Sculpture:
    """A bicycle: road, city or mountain, with the frame in the named colour."""
    thing = Sculpture()
    style = pick(rng, "road", "city", "city", "mountain")
    radius = rng.uniform(0.33, 0.36)
    tyre = {"road": 0.019, "city": 0.024, "mountain": 0.034}[style]
    rear, front = (
        np.array([-rng.uniform(0.49, 0.53), radius, 0.0]),
        np.array([rng.uniform(0.52, 0.57), radius, 0.0]),
    )
    low, seat = (
        np.array([-0.06, radius - 0.05, 0.0]),
        np.array([-0.21, rng.uniform(0.72, 0.8), 0.0]),
    )
    head = np.array([front[0] - 0.2, rng.uniform(0.8, 0.86), 0.0])
    collar = head + (0.035, -0.13, 0.0)
    paint = Material(tint(colour, rng), "metal")
    steer = Steering(head, rng.normal(0, 6))
    still = Steering((0, 0, 0), 0.0)
    rim = Material(tint(pick(rng, "silver", "silver", "black", colour), rng), "metal")
    tyre_material = (
        Material(shade(tint(pick(rng, "tan", "white"), rng), 0.95), "rubber")
        if rng.random() < 0.1
        else RUBBER
    )
    spoked_wheel(thing, rear, radius, tyre, still, rng, rim, tyre_material)
    spoked_wheel(thing, front, radius, tyre, steer, rng, rim, tyre_material)

    step_through = style == "city" and rng.random() < 0.55
    pipes = [(low, seat + (0.008, 0.02, 0)), (collar, low)]
    pipes.append(
        (collar + (0, 0.02, 0), (low * 0.55 + seat * 0.45))
        if step_through
        else (head + (0, -0.03, 0), seat)
    )
    for start, end in pipes:
        thing.tube([start, end], 0.021, paint, None)
    thing.tube([head, collar], 0.026, paint, None)
    for side in (-0.045, 0.045):
        thing.tube([rear + (0, 0, side), low + (0, 0, side * 0.6)], 0.013, paint, None)
        thing.tube([rear + (0, 0, side), seat + (0.01, -0.04, side * 0.4)], 0.012, paint, None)
        thing.tube(
            steer([front + (0, 0, side), collar + (0.005, -0.04, side), collar]), 0.014, paint, None
        )
    _drive(thing, rng, low, rear)
    _saddle(thing, rng, seat, style)
    _bars(thing, rng, head, style, steer)
    if style == "city" or rng.random() < 0.35:
        lamp = steer(head + (0.09, -0.03, 0))
        thing.tube(steer([head + (0, -0.02, 0), head + (0.06, -0.03, 0)]), 0.012, IRON, None)
        thing.ellipsoid(lamp, (0.055, 0.052, 0.052), STEEL, "headlight", rotation=steer.turn)
        thing.ellipsoid(
            lamp + steer.turn @ (0.032, 0, 0),
            (0.035, 0.046, 0.046),
            LAMP,
            "headlight",
            rotation=steer.turn,
        )
    if style == "city":
        _city_extras(thing, rng, rear, front, radius, seat, head, steer, paint)
    elif rng.random() < 0.4:
        mid = (collar + low) / 2
        thing.tube(
            [mid + (-0.03, 0.03, 0), mid + (0.07, 0.13, 0)],
            0.034,
            Material(tint("white", rng), "matte"),
            None,
        )
    return thing


def _drive(thing, rng, low, rear):
    """Chainwheel, chain, cranks and pedals."""
    ring, plane = rng.uniform(0.085, 0.105), 0.062
    hub = low + (0, 0, plane)
    gap = hub_pattern(hub, ring * 0.86, 5, np.array([0.0, 0.0, 1.0]))
    metal = Material((172, 176, 184), "metal", gap, (54, 55, 60))
    thing.cylinder(hub, (0, 0, 1), ring, 0.009, metal, "chainwheel", cap_material=metal)
    for lift, start in ((0.022, ring), (-0.022, -ring)):
        thing.tube([rear + (0, lift * 1.6, plane), hub + (0, start * 0.96, 0)], 0.0075, DARK, None)
    thing.cylinder(rear + (0, 0, plane), (0, 0, 1), 0.038, 0.012, IRON, None)
    angle = rng.uniform(0, 2 * np.pi)
    for side, turn in ((1, angle), (-1, angle + np.pi)):
        foot = (
            low
            + 0.165 * np.array([np.cos(turn), np.sin(turn), 0.0])
            + (0, 0, side * (plane + 0.035))
        )
        thing.tube([low + (0, 0, side * (plane + 0.02)), foot], 0.013, STEEL, None)
        thing.ellipsoid(foot + (0, 0, side * 0.045), (0.048, 0.016, 0.045), DARK, None)


def _saddle(thing, rng, seat, style):
    top = seat + (-0.03, rng.uniform(0.1, 0.15), 0)
    leather = Material(
        tint(pick(rng, "black", "black", "brown", "tan", "white", "red"), rng), "matte"
    )
    thing.tube([seat + (0, -0.05, 0), top], 0.014, STEEL, None)
    wide = 0.1 if style == "city" else 0.075
    thing.ellipsoid(top + (-0.065, 0.022, 0), (0.088, 0.04, wide), leather, "saddle")
    thing.sweep(
        [top + (-0.07, 0.028, 0), top + (0.06, 0.03, 0), top + (0.15, 0.022, 0)],
        [0.048, 0.036, 0.021],
        leather,
        "saddle",
    )


def _bars(thing, rng, head, style, steer):
    """Drop, swept or straight bars with grips; all of it is handlebar from the stem up."""
    grip = Material(tint(pick(rng, "black", "black", "brown", "red", "blue"), rng), "rubber")
    metal = STEEL if rng.random() < 0.6 else DARK
    high = head + (-0.035, 0.09 if style != "road" else 0.05, 0)
    thing.tube(steer([head + (-0.003, 0.01, 0), high]), 0.018, metal, "handlebar")
    for side in (-1, 1):
        if style == "road":
            bend = [
                high,
                high + (0.03, 0, side * 0.17),
                high + (0.11, -0.005, side * 0.2),
                high + (0.13, -0.07, side * 0.2),
                high + (0.03, -0.115, side * 0.2),
            ]
            wrap = bend[2:]
        elif style == "mountain":
            bend = [high, high + (0.03, 0.01, side * 0.15), high + (0.005, 0.015, side * 0.33)]
            wrap = [bend[1] * 0.4 + bend[2] * 0.6, bend[2]]
        else:
            bend = [
                high,
                high + (0.05, 0.05, side * 0.12),
                high + (-0.02, 0.06, side * 0.25),
                high + (-0.15, 0.045, side * 0.28),
            ]
            wrap = [bend[2] * 0.4 + bend[3] * 0.6, bend[3]]
        thing.tube(steer(bend), 0.014, metal, "handlebar")
        thing.tube(steer(wrap), 0.02, grip, "handlebar")
        if style != "road":
            thing.tube(
                steer([wrap[0] + (0.03, -0.01, 0), wrap[-1] + (0.055, -0.03, 0)]),
                0.009,
                IRON,
                "handlebar",
            )


def _city_extras(thing, rng, rear, front, radius, seat, head, steer, paint):
    """Mudguards, and sometimes a basket or a rack."""
    guard = paint if rng.random() < 0.6 else STEEL
    mudguard(thing, rear, radius + 0.014, (0.1, 0.95), 0.017, guard, count=9)
    mudguard(thing, front, radius + 0.014, (0.25, 0.95), 0.017, guard, steer)
    if rng.random() < 0.5:
        rack = seat[1] - 0.02
        for side in (-0.05, 0.05):
            thing.tube([(seat[0], rack, side), (rear[0] - 0.14, rack, side)], 0.011, IRON, None)
            thing.tube([(rear[0] - 0.1, rack, side), rear + (0, 0, side)], 0.009, IRON, None)
        for x in np.linspace(seat[0] - 0.04, rear[0] - 0.13, 4):
            thing.tube([(x, rack, -0.05), (x, rack, 0.05)], 0.009, IRON, None)
    if rng.random() < 0.45:
        wicker = Material((176, 128, 78), "matte", stripes(1, 0.035, 0.45), (118, 82, 48))
        x = head[0] + 0.2
        low, high = (
            [(x - 0.07, head[1] - 0.1), (x + 0.08, head[1] - 0.1)],
            [(x + 0.12, head[1] + 0.08), (x - 0.1, head[1] + 0.08)],
        )
        offset_box(thing, low + high, -0.14, 0.14, wicker, None, move=steer)
