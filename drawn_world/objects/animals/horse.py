"""The horse."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.coats import CREAM, fur_colour, make_coat, patches, socks
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes, nostrils, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.palette import blend, pick, shade
from drawn_world.renderer import Sculpture

PLAN = Plan(
    height=1.02, depth=0.41, width=0.31, waist=0.92, rump=0.96, thigh=0.118, leg=0.042,
    neck=0.38, neck_radius=(0.165, 0.095), neck_angle=(38, 62),
    head=0.118, nose_down=46, hoofed=True, back=0.018,
    poses={"stand": 3, "walk": 3, "run": 2, "graze": 1.5},
)  # fmt: skip


def horse(rng: np.random.Generator, colour: str) -> Sculpture:
    """Long legs, a long arched neck with a mane, and a long tail."""
    plan = vary(PLAN, rng, 0.05)
    main = fur_colour(colour, rng)
    hair = (
        pick(rng, shade(main, 0.42), (44, 36, 34), blend(main, CREAM, 0.7))
        if colour not in ("white", "cream", "black")
        else shade(main, 0.8)
    )
    kept: list[tuple[Coat, Pose]] = []

    def coat(plan: Plan, pose: Pose) -> Coat:
        style = rng.random()
        white = fur_colour("white", rng)
        muzzle = shade(main, 0.72)
        if style < 0.2 and colour in ("brown", "black", "tan"):
            made = make_coat(
                main,
                pattern=patches(rng, 1.6, 0.25),
                second=white,
                light=muzzle,
                dark=hair,
                nose=shade(muzzle, 0.5),
            )
        elif style < 0.6:
            made = make_coat(
                main,
                pattern=socks(0.2),
                second=white if colour != "white" else shade(main, 0.6),
                light=muzzle,
                dark=hair,
                nose=shade(muzzle, 0.5),
            )
        else:
            made = make_coat(main, light=muzzle, dark=hair, nose=shade(muzzle, 0.5))
        kept.append((made, pose))
        return made

    def head(s, f, c, r) -> None:
        _head(s, f, c, r)
        _mane(s, f, kept[0][1].body, c, r)

    return build_quadruped(rng, plan, coat, head, _tail)


def _head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.95, 0.74))
    ball(s, f, coat.head, "head", (0.15, -0.38, 0), (0.85, 0.66, 0.62))
    snout(s, f, coat.head, "head", (0.3, -0.12, 0), (1.75, -0.22, 0), (0.80, 0.52), (1, 1, 0.82))
    snout(s, f, coat.head, "muzzle", (1.8, -0.24, 0), (2.45, -0.32, 0), (0.50, 0.47), (1, 1, 0.9))
    ball(s, f, coat.light, "muzzle", (2.6, -0.38, 0), (0.36, 0.42, 0.44))
    nostrils(s, f, coat.nose, 2.82, -0.2, 0.27, 0.13)
    eyes(s, f, coat, 0.55, 0.28, 0.6, 0.16)
    ear(
        s,
        f,
        coat.head,
        coat.inner_ear,
        [(-0.4, 0.7, 0.35), (-0.38, 1.25, 0.44), (-0.28, 1.7, 0.4)],
        [0.2, 0.25, 0.05],
        (0.8, 0, 0.6),
        0.5,
    )
    for lock in (-0.2, 0.0, 0.2):
        s.sweep(
            [f(-0.5, 0.85, lock * 0.6), f(0.1, 1.02, lock), f(0.62, 0.72, lock * 1.3)],
            np.array([0.22, 0.2, 0.07]) * f.size,
            coat.dark,
            "head",
        )


def _mane(s: Sculpture, f: Frame, body: Frame, coat: Coat, rng) -> None:
    """A mane from behind the ears down to the withers; its locks hang to both sides of the neck."""
    top, bottom = f(-0.75, 0.7, 0), body(0.27, 0.46 * 0.42, 0)
    bow = (top + bottom) / 2 + np.array([-0.03, 0.045, 0])
    s.sweep([top, bow, bottom], [0.045, 0.055, 0.035], coat.dark, "neck", shape=(1, 1, 0.7))
    for t in np.linspace(0.03, 0.9, 9):
        root = (1 - t) ** 2 * top + 2 * t * (1 - t) * bow + t * t * bottom
        for side in (1, -1):
            long = rng.uniform(0.13, 0.19) * (1 - 0.3 * t)
            s.sweep(
                [
                    root,
                    root + (0.0, -0.3 * long, side * 0.075),
                    root + (rng.uniform(-0.02, 0.03), -long, side * 0.095),
                ],
                [0.034, 0.034, 0.01],
                coat.dark,
                "neck",
                shape=(1, 1, 0.6),
            )


def _tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = b(-0.44, 0.13, 0)
    flow = rng.uniform(0.02, 0.12) + (0.18 if pose == "run" else 0)
    drop = {"lie": -0.22, "run": -0.35}.get(pose, rng.uniform(-0.62, -0.5))
    for k in range(5):
        side = rng.normal(0, 0.03)
        path = [
            root,
            root + (-0.09 - 0.4 * flow, 0.0 - 0.02 * k, side * 0.3),
            root + (-0.12 - flow, 0.45 * drop, side),
            root
            + (
                -0.10 - 1.2 * flow + rng.normal(0, 0.02),
                drop * rng.uniform(0.85, 1.02),
                side * 1.5,
            ),
        ]
        s.sweep(path, [0.035, 0.048, 0.05, 0.014], coat.dark, "tail")
