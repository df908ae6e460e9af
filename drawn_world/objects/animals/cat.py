"""The cat."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.coats import (
    CREAM,
    PINK,
    fur_colour,
    make_coat,
    socks,
    tabby,
)
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.animals.tail_parts import tail_root
from drawn_world.objects.palette import blend, pick, shade
from drawn_world.renderer import Sculpture

PLAN = Plan(
    height=0.60, depth=0.30, width=0.27, waist=0.90, rump=0.92, thigh=0.085, leg=0.040,
    neck=0.08, neck_radius=(0.115, 0.10), neck_angle=(28, 62),
    head=0.148, poses={"stand": 2, "walk": 3, "sit": 3, "lie": 1.5},
)  # fmt: skip


def cat(rng: np.random.Generator, colour: str) -> Sculpture:
    """Slim, with pointed ears and a long thin tail; plain, tabby or with white socks."""
    plan = vary(PLAN, rng)
    main = fur_colour(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        iris = pick(rng, (150, 190, 70), (226, 184, 60), (110, 180, 200))
        light = blend(main, CREAM, 0.75) if colour != "black" else shade(main, 1.25)
        if colour in ("orange", "grey", "brown", "cream") and rng.random() < 0.65:
            return make_coat(
                main,
                pattern=tabby(rng, pose),
                second=shade(main, 0.58),
                light=light,
                nose=PINK,
                iris=iris,
            )
        if colour != "white" and rng.random() < 0.4:
            white = fur_colour("white", rng)
            return make_coat(
                main, pattern=socks(0.16), second=white, light=white, nose=PINK, iris=iris
            )
        return make_coat(
            main, light=light, nose=PINK if colour != "black" else (60, 46, 48), iris=iris
        )

    return build_quadruped(rng, plan, coat, _head, _tail)


def _head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.92, 1.02))
    for side in (1, -1):
        ball(s, f, coat.light, "head", (0.80, -0.36, side * 0.22), (0.36, 0.27, 0.30))
        ball(s, f, coat.head, "head", (0.25, -0.32, side * 0.55), (0.55, 0.45, 0.45))
    ball(s, f, coat.light, "head", (0.72, -0.56, 0), (0.30, 0.2, 0.28))
    ball(s, f, coat.nose, "head", (1.09, -0.2, 0), (0.12, 0.1, 0.15))
    eyes(s, f, coat, 0.76, 0.14, 0.53, 0.235)
    ear(
        s,
        f,
        coat.head,
        coat.inner_ear,
        [(0.0, 0.55, 0.55), (-0.04, 1.05, 0.66), (-0.06, 1.55, 0.74)],
        [0.5, 0.3, 0.06],
        (0.85, 0, 0.5),
    )


def _tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = tail_root(b, pose)
    if pose in ("sit", "lie"):
        side = rng.choice((-1, 1))
        path = [
            root,
            (root[0] - 0.18, 0.05, side * 0.1),
            (root[0] - 0.1, 0.04, side * 0.32),
            (root[0] + 0.25, 0.04, side * 0.36),
            (root[0] + 0.42, 0.045, side * 0.3),
        ]
    else:
        curl, rise = rng.uniform(-0.12, 0.2), rng.uniform(0.15, 0.5)
        path = [
            root,
            root + (-0.2, 0.02 + 0.1 * rise, 0),
            root + (-0.36, 0.35 * rise, rng.normal(0, 0.05)),
            root + (-0.38, 0.75 * rise + 0.1, rng.normal(0, 0.08)),
            root + (-0.3 - curl, 1.2 * rise + 0.1, rng.normal(0, 0.08)),
        ]
    s.sweep(path, [0.052, 0.046, 0.042, 0.04, 0.03], coat.tail, "tail")
