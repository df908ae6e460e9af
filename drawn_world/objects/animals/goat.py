"""The goat."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.coats import (
    CREAM,
    contrasting,
    fur_colour,
    light_below,
    make_coat,
    patches,
    socks,
)
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes, horn, nostrils, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.animals.tail_parts import short_tail
from drawn_world.objects.palette import blend, shade
from drawn_world.renderer import Sculpture

PLAN = Plan(
    height=0.84, depth=0.40, width=0.34, waist=0.98, rump=0.94, thigh=0.092, leg=0.040,
    neck=0.22, neck_radius=(0.13, 0.09), neck_angle=(34, 60),
    head=0.112, nose_down=26, hoofed=True, poses={"stand": 3, "walk": 3, "graze": 1.5, "lie": 1},
)  # fmt: skip


def goat(rng: np.random.Generator, colour: str) -> Sculpture:
    """Backward horns, a beard, a short upright tail."""
    plan = vary(PLAN, rng, 0.05)
    main = fur_colour(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        second = contrasting(colour, rng)
        iris = (214, 170, 70)
        style = rng.random()
        beard = blend(main, CREAM, 0.45) if colour != "white" else shade(main, 0.86)
        if style < 0.35:
            return make_coat(
                main,
                pattern=patches(rng, 1.8, 0.3),
                second=second,
                light=beard,
                nose=shade(main, 0.5),
                iris=iris,
            )
        if style < 0.6:
            return make_coat(
                main,
                pattern=light_below(plan, 0.7),
                socks=socks(0.24),
                second=second,
                light=beard,
                nose=shade(main, 0.5),
                iris=iris,
            )
        return make_coat(main, light=beard, nose=shade(main, 0.5), iris=iris)

    return build_quadruped(rng, plan, coat, _head, short_tail(0.15, 1.0, 0.72))


def _head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    ball(s, f, coat.head, "head", (0, 0, 0), (0.95, 0.86, 0.74))
    snout(s, f, coat.head, "head", (0.2, -0.06, 0), (1.05, -0.24, 0), (0.74, 0.54))
    snout(s, f, coat.head, "muzzle", (1.12, -0.26, 0), (1.8, -0.46, 0), (0.52, 0.4))
    nostrils(s, f, coat.nose, 2.15, -0.36, 0.15, 0.1)
    s.sweep(
        [f(1.35, -0.75, 0), f(1.3, -1.25, 0), f(1.2, -1.9, 0)],
        np.array([0.24, 0.2, 0.04]) * f.size,
        coat.light,
        "muzzle",
    )
    eyes(s, f, coat, 0.58, 0.26, 0.58, 0.18)
    ear(
        s,
        f,
        coat.head,
        coat.inner_ear,
        [(-0.25, 0.3, 0.6), (-0.35, 0.3, 1.15), (-0.4, 0.1, 1.75)],
        [0.17, 0.27, 0.07],
        (0.8, 0.4, 0),
        0.35,
    )
    grow, spread = rng.uniform(0.8, 1.35), rng.uniform(0.1, 0.5)
    for side in (1, -1):
        path = [
            (0.05, 0.68, 0.28),
            (-0.25, 0.7 + 0.75 * grow, 0.32),
            (-0.85 * grow, 0.7 + 1.15 * grow, 0.34 + 0.4 * spread),
            (-1.6 * grow, 0.65 + 1.0 * grow, 0.4 + spread),
        ]
        horn(s, f, path, side, [0.25, 0.22, 0.16, 0.05])
