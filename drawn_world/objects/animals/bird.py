"""Small birds, standing or flying. Lengths are in body lengths (breast to the tail's root)."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.plumage import (
    Plumage,
    bird_body,
    bird_eyes,
    bird_legs,
    feather_colour,
    feather_fan,
    feathers,
    folded_wings,
    light_breast,
    spread_wings,
)
from drawn_world.objects.palette import blend, pick, shade
from drawn_world.renderer import Material, Sculpture, rotation

# beak length and thickness in head radii, head radius, tail length, fatness of the body, leg
# length; weight
SORTS = {
    "songbird": (0.95, 0.30, 0.165, 0.42, 1.0, 0.26, 4),
    "crow": (1.35, 0.40, 0.155, 0.40, 0.95, 0.28, 2),
    "gull": (1.3, 0.32, 0.145, 0.30, 0.92, 0.30, 2),
    "finch": (0.62, 0.44, 0.185, 0.34, 1.12, 0.22, 2),
    "parrot": (0.75, 0.5, 0.17, 0.62, 0.9, 0.22, 1.5),
}


def _bird_plumage(rng, colour: str, belly: float) -> Plumage:
    main = feather_colour(colour, rng)
    contrast = {"white": "grey", "black": "grey"}.get(
        colour, pick(rng, "white", "cream", "grey", "black")
    )
    second = feather_colour(contrast, rng)
    wing = pick(rng, shade(main, 0.72), shade(main, 0.82), blend(main, second, 0.5))
    if colour == "white":
        wing = pick(rng, feather_colour("grey", rng), shade(main, 0.8))
    elif colour == "black":
        wing = pick(rng, shade(main, 1.5), shade(main, 2.0))
    tip = (
        shade(wing, 0.55) if colour != "white" else feather_colour(pick(rng, "grey", "black"), rng)
    )
    pale_belly = colour not in ("white", "black") and rng.random() < 0.55
    light = blend(main, (246, 236, 216), 0.78)
    body = feathers(main, light_breast(belly) if pale_belly else None, light)
    beak = Material(
        pick(rng, (226, 170, 52), (60, 56, 56), (228, 120, 48), (150, 130, 100)), "skin"
    )
    leg = Material(pick(rng, (196, 126, 62), (70, 62, 60), (216, 150, 60)), "skin")
    return Plumage(
        body,
        feathers(main if rng.random() < 0.75 else shade(main, 0.6)),
        feathers(wing),
        feathers(tip),
        feathers(tip),
        beak,
        leg,
    )


def _bird_head(
    s: Sculpture, f: Frame, plumage: Plumage, sort: str, long: float, thick: float, rng
) -> None:
    s.ellipsoid(
        f(0, 0, 0), np.array([1.05, 0.95, 0.9]) * f.size, plumage.head, "head", rotation=f.axes
    )
    if sort == "parrot":
        s.sweep(
            [f(0.7, 0.05, 0), f(1.25, -0.02, 0), f(1.42, -0.62, 0)],
            np.array([0.42, 0.36, 0.06]) * f.size,
            plumage.beak,
            "beak",
        )
    else:
        droop = 0.25 if sort == "crow" else 0.08
        s.sweep(
            [f(0.75, -0.02, 0), f(0.95 + 0.5 * long, -0.06, 0), f(0.95 + long, -0.06 - droop, 0)],
            np.array([1.25 * thick, 0.8 * thick, 0.05]) * f.size,
            plumage.beak,
            "beak",
            shape=f.axes @ np.diag([1, 0.9, 0.8]) @ f.axes.T,
        )
    ring = Material((226, 220, 200), "skin") if sum(plumage.head.colour) < 300 else None
    bird_eyes(s, f, 0.42, 0.22, 0.68, 0.24, ring)
    if sort == "songbird" and rng.random() < 0.25:
        for k in range(3):
            s.sweep(
                [f(0.1 - 0.2 * k, 0.75, 0), f(-0.25 - 0.3 * k, 1.45 - 0.12 * k, 0)],
                np.array([0.25, 0.05]) * f.size,
                plumage.head,
                "head",
            )


def bird(rng: np.random.Generator, colour: str, flying: bool = False) -> Sculpture:
    """A small bird with a pointed beak and a long tail.

    It stands on the ground, or flies with its wings spread.
    """
    s = Sculpture()
    names = list(SORTS)
    weights = np.array([SORTS[n][-1] for n in names])
    sort = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    beak, thick, head, tail, fat, leg, _ = SORTS[sort]
    tail, leg, fat = (
        tail * rng.uniform(0.85, 1.2),
        leg * rng.uniform(0.9, 1.15),
        fat * rng.uniform(0.94, 1.06),
    )
    lean = rng.uniform(-4, 10) if flying else rng.uniform(8, 38)
    height = 0.0 if flying else leg + 0.17
    body = Frame(np.array([0.0, height, 0.0]), rotation("z", lean))
    plumage = _bird_plumage(rng, colour, height - 0.03)
    bird_body(
        s,
        body,
        [
            (-0.42, 0.02, 0.05),
            (-0.28, 0.01, 0.13 * fat),
            (-0.05, 0.0, 0.205 * fat),
            (0.16, 0.02, 0.205 * fat),
            (0.30, 0.07, 0.155 * fat),
        ],
        plumage.body,
    )
    nod = rotation("y", rng.normal(0, 18)) @ rotation("z", rng.normal(-4 if not flying else 0, 7))
    seat = body(0.40, 0.16 if not flying else 0.10, 0)
    s.sweep(
        [body(0.26, 0.06, 0), seat],
        [0.16 * fat, head * 0.92],
        plumage.head if plumage.head.colour == plumage.body.colour else plumage.body,
        "torso",
    )
    _bird_head(
        s,
        Frame(seat + (nod @ np.array([0.3, 0.12, 0])) * head, nod, head),
        plumage,
        sort,
        beak,
        thick,
        rng,
    )
    droop = (
        rotation("z", -lean + rng.uniform(-6, 14)) if flying else rotation("z", rng.uniform(-8, 10))
    )
    back = body.axes @ droop @ np.array([-1.0, 0.0, 0.0])
    root = body(-0.36, 0.03, 0)
    if not flying:  # the tail must not dip into the ground
        back[1] = max(back[1], (0.05 - root[1]) / tail)
    feather_fan(
        s,
        root,
        back,
        np.cross((0, 0, 1.0), back),
        plumage.tail,
        "tail",
        7 if flying else 5,
        rng.uniform(12, 20) if flying else rng.uniform(4, 10),
        tail,
        0.055,
        0.34,
    )
    if flying:
        spread_wings(
            s,
            body,
            plumage.wing,
            plumage.tip,
            np.radians(rng.choice((rng.uniform(20, 62), rng.uniform(-30, 15)))),
            rng.uniform(0.72, 0.95),
            rng.uniform(0.3, 1.1),
        )
        for side in (1, -1):
            s.tube(
                [body(-0.12, -0.16, side * 0.05), body(-0.3, -0.15, side * 0.05)],
                0.018,
                plumage.leg,
                "leg",
            )
    else:
        folded_wings(s, body, plumage.wing, plumage.tip, 0.045, 0.50, 0.125, 0.19 * fat * 0.9)
        bird_legs(s, body, -0.03, 0.07, plumage.leg, plumage.body, 0.020, rng)
    return s


def flying_bird(rng: np.random.Generator, colour: str) -> Sculpture:
    """A bird in the air."""
    return bird(rng, colour, flying=True)
