"""The deer."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.coats import (
    CREAM,
    either,
    fur_colour,
    light_below,
    make_coat,
    no_pattern,
    spots,
)
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes, horn, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.animals.tail_parts import short_tail
from drawn_world.objects.palette import blend
from drawn_world.renderer import Material, Sculpture

ANTLER = Material((168, 140, 104), "skin")
PLAN = Plan(
    height=0.95, depth=0.35, width=0.27, waist=0.86, rump=0.94, thigh=0.095, leg=0.030,
    neck=0.28, neck_radius=(0.115, 0.075), neck_angle=(48, 70),
    head=0.098, nose_down=22, hoofed=True,
    poses={"stand": 3, "walk": 3, "run": 1.5, "graze": 1.5, "lie": 0.8},
)  # fmt: skip


def deer(rng: np.random.Generator, colour: str) -> Sculpture:
    """Slender, with large ears and a short tail; stags carry antlers, many coats are spotted."""
    plan = vary(PLAN, rng, 0.05)
    main = fur_colour(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        light = blend(main, CREAM, 0.8)
        upright = pose.name != "lie"
        parts = [light_below(plan)] if upright else []
        if rng.random() < 0.6 and upright:
            parts.append(spots(rng, plan))
        return make_coat(
            main,
            pattern=either(*parts) if parts else None,
            socks=no_pattern,
            second=light,
            light=light,
            ear=light,
        )

    return build_quadruped(rng, plan, coat, _head(rng.random() < 0.7), short_tail(0.11, -0.7, 0.8))


def _head(antlers: bool):
    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        ball(s, f, coat.head, "head", (0, 0, 0), (0.95, 0.86, 0.74))
        snout(s, f, coat.head, "head", (0.2, -0.08, 0), (1.05, -0.22, 0), (0.72, 0.48))
        snout(s, f, coat.head, "muzzle", (1.1, -0.24, 0), (1.85, -0.38, 0), (0.47, 0.32))
        ball(s, f, coat.light, "muzzle", (1.7, -0.56, 0), (0.38, 0.16, 0.24))
        ball(s, f, coat.nose, "muzzle", (2.12, -0.3, 0), (0.18, 0.2, 0.24))
        eyes(s, f, coat, 0.56, 0.26, 0.58, 0.2)
        ear(
            s,
            f,
            coat.head,
            coat.inner_ear,
            [(-0.35, 0.45, 0.5), (-0.5, 0.85, 1.0), (-0.6, 1.1, 1.6)],
            [0.2, 0.4, 0.08],
            (0.85, 0.1, -0.3),
            0.3,
        )
        if antlers:
            grow = rng.uniform(0.85, 1.2)
            for side in (1, -1):
                beam = [
                    (-0.15, 0.72, 0.3),
                    (-0.6, 1.5 * grow, 0.75),
                    (-0.75, 2.5 * grow, 1.3),
                    (-0.25, 3.4 * grow, 1.45),
                ]
                horn(s, f, beam, side, [0.17, 0.15, 0.12, 0.05], ANTLER)
                for (x, y, z), (dx, dy) in (
                    ((-0.4, 1.15 * grow, 0.55), (0.85, 0.55)),
                    ((-0.7, 1.95 * grow, 1.0), (0.8, 0.65)),
                    ((-0.72, 2.6 * grow, 1.33), (-0.55, 0.75)),
                ):
                    s.sweep(
                        [
                            f(x, y, side * z),
                            f(x + 0.7 * dx, y + 0.3 * dy, side * z),
                            f(x + dx, y + dy, side * z * 1.08),
                        ],
                        np.array([0.12, 0.1, 0.04]) * f.size,
                        ANTLER,
                        "horn",
                    )

    return head
