"""What birds, ducks and hens are made of: feathered bodies, wings, tails, thin legs, round eyes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawn_world.objects.animals.frame import Frame, flattened
from drawn_world.objects.palette import tint
from drawn_world.renderer import Material, Sculpture, smoothstep

PUPIL = Material((20, 17, 18), "glass")
COMB = Material((206, 38, 36), "skin")


@dataclass(frozen=True)
class Plumage:
    """Materials of one bird."""

    body: Material
    head: Material
    wing: Material
    tip: Material  # flight feathers
    tail: Material
    beak: Material
    leg: Material


def feather_colour(colour: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """The named colour, a little lighter or darker each time."""
    return tint(colour, rng, 3.0)


def feathers(colour, pattern=None, second=None) -> Material:
    """Feathers of that colour, and of a second one where there is a pattern."""
    return Material(tuple(colour), "feather", pattern, None if second is None else tuple(second))


def light_breast(points_below: float):
    """A pattern: the second colour below that height."""
    return lambda points: smoothstep(points[:, 1], points_below + 0.06, points_below - 0.06)


def bird_eyes(
    s: Sculpture, f: Frame, x: float, y: float, z: float, radius: float, ring: Material | None
) -> None:
    """A round eye on each side, with a ring around the pupil where a material is given."""
    for side in (1, -1):
        r = radius * f.size
        if ring is not None:
            s.ellipsoid(f(x, y, side * z), (r, r, r), ring, "eye")
            s.ellipsoid(f(x * 1.1, y, side * (z + 0.45 * radius)), (0.68 * r,) * 3, PUPIL, "eye")
        else:
            s.ellipsoid(f(x, y, side * z), (r, r, r), PUPIL, "eye")


def bird_body(s: Sculpture, body: Frame, stations, material: Material, width: float = 0.9) -> None:
    """The trunk, along rows (x, y, radius) of the body's frame from the tail to the breast."""
    stations = np.asarray(stations, float)
    s.sweep(
        [body(x, y, 0) for x, y, _ in stations],
        stations[:, 2],
        material,
        "torso",
        shape=(1, 1, width),
    )


def folded_wings(
    s: Sculpture,
    body: Frame,
    wing: Material,
    tip: Material,
    height: float,
    long: float,
    deep: float,
    out: float,
) -> None:
    """Wings laid against the sides: coverts and, below and behind them, flight feathers."""
    for side in (1, -1):
        normal = body.axes @ np.array([0.05, 0.25, side * 1.0])
        for k in range(4):
            start, end = (
                body(0.10, height - 0.02 * k, side * out),
                body(-long + 0.07 * k, height - 0.03 - 0.028 * k, side * out * (0.55 + 0.06 * k)),
            )
            s.sweep(
                [start, (start + end) / 2 + normal * 0.012, end],
                np.array([0.35, 0.42, 0.08]) * deep,
                tip,
                "wing",
                shape=flattened(normal, 0.16),
            )
        start, end = (
            body(0.19, height + 0.01, side * out * 0.98),
            body(-0.55 * long, height + 0.005, side * out * 0.9),
        )
        s.sweep(
            [start, (start + end) / 2 + normal * 0.035, end],
            np.array([0.55, 0.95, 0.35]) * deep,
            wing,
            "wing",
            shape=flattened(normal, 0.3),
        )


def feather_fan(
    s: Sculpture,
    root,
    along,
    up,
    material: Material,
    part: str,
    count: int,
    spread: float,
    long: float,
    wide: float,
    thick: float = 0.12,
) -> None:
    """Flat feathers radiating from `root` around `along` in the plane whose normal is `up`."""
    along, up = (
        np.asarray(along, float) / np.linalg.norm(along),
        np.asarray(up, float) / np.linalg.norm(up),
    )
    across = np.cross(along, up)
    for t in np.linspace(-1, 1, count):
        angle = np.radians(spread) * t
        direction = np.cos(angle) * along + np.sin(angle) * across
        reach = long * (1 - 0.06 * t * t)
        s.sweep(
            [root, root + 0.55 * reach * direction, root + reach * direction],
            [wide * 0.6, wide, wide * 0.65],
            material,
            part,
            shape=flattened(up, thick),
        )


def spread_wings(
    s: Sculpture,
    body: Frame,
    wing: Material,
    tip: Material,
    lift: float,
    span: float,
    sweep_back: float,
) -> None:
    """Wings in flight: an arm of coverts, then secondaries and primaries as separate feathers."""

    def feather(root, end, radii, normal):
        points = [body(*root), body(*((root + end) / 2)), body(*end)]
        s.sweep(points, radii, tip, "wing", shape=flattened(normal, 0.14))

    for side in (1, -1):
        out = np.array([0.0, np.sin(lift), side * np.cos(lift)])
        shoulder = np.array([0.16, 0.10, side * 0.12])
        bend = np.array([-0.5 * sweep_back, 0.02, 0.0])
        wrist = shoulder + span * 0.45 * out + np.array([0.10, 0.04, 0.0])
        hand = wrist + span * 0.24 * (out + bend)
        normal = body.axes @ np.cross(np.array([1.0, 0, 0]), out)
        back = np.array([-1.0, -0.03, 0.0])
        for t in np.linspace(0, 1, 6):  # secondaries
            root = shoulder + (wrist - shoulder) * t
            end = root + back * (0.34 + 0.05 * t) + out * 0.03 * t
            feather(root, end, [0.055, 0.062, 0.035], normal)
        for t in np.linspace(0, 1, 6):  # primaries
            root = wrist + (hand - wrist) * t
            direction = back * (1.05 - 0.75 * t) + out * (0.15 + 0.85 * t)
            end = root + direction / np.linalg.norm(direction) * (0.38 + 0.10 * t) * span / 0.8
            feather(root, end, [0.045, 0.05, 0.016], normal)
        inner = np.array([0.045, 0, 0])
        s.sweep(
            [
                body(*(shoulder - inner)),
                body(*((shoulder + wrist) / 2 - inner + (0.01, 0.01, 0))),
                body(*(wrist - inner)),
                body(*(hand - 0.6 * inner)),
            ],
            [0.12, 0.125, 0.095, 0.03],
            wing,
            "wing",
            shape=flattened(normal, 0.3),
        )


def bird_legs(
    s: Sculpture,
    body: Frame,
    x: float,
    width: float,
    material: Material,
    thigh: Material,
    radius: float,
    rng,
    webbed: bool = False,
) -> None:
    """Two thin legs with toes, and feathered thighs that belong to the legs."""
    step = rng.uniform(-0.09, 0.09)
    for side in (1, -1):
        hip = body(x, -0.08, side * width)
        foot = np.array([hip[0] + 0.04 + side * step, radius, side * width * 1.05])
        knee = np.array([hip[0] - 0.05 + side * 0.4 * step, hip[1] * 0.52, side * width])
        s.sweep([hip, 0.45 * hip + 0.55 * knee, knee], [0.095, 0.06, radius * 1.3], thigh, "leg")
        s.tube([knee, (knee + foot) / 2, foot], radius, material, "leg")
        for toe in (-0.5, 0.0, 0.5) if not webbed else (-0.4, 0.4):
            end = foot + (0.13 * np.cos(toe), -0.2 * radius, 0.13 * np.sin(toe))
            s.tube([foot, end], radius * 0.85, material, "leg")
        if webbed:
            s.sweep(
                [foot, foot + (0.12, -0.3 * radius, 0)],
                [radius, 0.065],
                material,
                "leg",
                shape=(1, 0.2, 1),
            )
        s.tube([foot, foot + (-0.06, 0, 0)], radius * 0.8, material, "leg")
