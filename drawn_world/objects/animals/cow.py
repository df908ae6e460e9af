"""The cow."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.coats import contrasting, fur_colour, make_coat, patches
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes, horn, nostrils, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.palette import blend, shade
from drawn_world.renderer import Sculpture

PLAN = Plan(
    height=0.88, depth=0.48, width=0.42, waist=1.02, rump=0.94, thigh=0.125, leg=0.056,
    neck=0.20, neck_radius=(0.19, 0.135), neck_angle=(6, 30),
    head=0.135, nose_down=34, hoofed=True, back=0.012,
    poses={"stand": 3, "walk": 3, "graze": 2.5, "lie": 1.5},
)  # fmt: skip


def cow(rng: np.random.Generator, colour: str) -> Sculpture:
    """Heavy, level-backed, often in patches, with a broad pale muzzle, horns and a tufted tail."""
    plan = vary(PLAN, rng, 0.05)
    main = fur_colour(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        second = contrasting(colour, rng)
        pale = blend(main, (232, 176, 164), 0.75)
        tuft = shade(main, 0.55) if colour != "white" else (90, 70, 60)
        if rng.random() < 0.68:
            return make_coat(
                main,
                pattern=patches(rng, 1.9, rng.uniform(-0.05, 0.35)),
                second=second,
                light=pale,
                dark=main,
                nose=(96, 60, 58),
            )
        return make_coat(main, light=pale, dark=tuft, nose=(96, 60, 58))

    sculpture = build_quadruped(rng, plan, coat, _head(rng.random() < 0.75), _tail)
    return sculpture


def _head(horns: bool):
    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        ball(s, f, coat.head, "head", (0, 0.05, 0), (0.95, 0.85, 0.85))
        snout(s, f, coat.head, "head", (0.2, -0.05, 0), (1.3, -0.2, 0), (0.82, 0.62))
        snout(
            s, f, coat.head, "muzzle", (1.35, -0.24, 0), (1.75, -0.36, 0), (0.60, 0.56), (1, 1, 1)
        )
        ball(s, f, coat.light, "muzzle", (2.0, -0.42, 0), (0.48, 0.52, 0.64))
        nostrils(s, f, coat.nose, 2.36, -0.26, 0.32, 0.13)
        eyes(s, f, coat, 0.62, 0.3, 0.66, 0.17)
        ear(
            s,
            f,
            coat.dark,
            coat.inner_ear,
            [(-0.35, 0.35, 0.7), (-0.45, 0.35, 1.2), (-0.55, 0.15, 1.75)],
            [0.22, 0.38, 0.1],
            (0.8, 0.35, -0.2),
            0.35,
        )
        if horns:
            grow, tilt = rng.uniform(0.75, 1.35), rng.uniform(-0.2, 0.5)
            for side in (1, -1):
                path = [
                    (-0.3, 0.7, 0.45),
                    (-0.25, 1.0, 0.45 + 0.6 * grow),
                    (0.0 + tilt, 1.0 + 0.65 * grow, 0.55 + 0.72 * grow),
                ]
                horn(s, f, path, side, [0.23, 0.18, 0.05])
        ball(s, f, coat.head, "head", (-0.15, 0.8, 0), (0.35, 0.25, 0.4))

    return head


def _tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = b(-0.46, 0.12, 0)
    swing, side = rng.uniform(-0.03, 0.14), rng.normal(0, 0.06)
    drop = -0.5 if pose != "lie" else -0.25
    path = [
        root,
        root + (-0.07, -0.02, 0),
        root + (-0.1 - 0.3 * swing, 0.5 * drop, side * 0.5),
        root + (-0.08 - swing, drop, side),
    ]
    s.sweep(path, [0.034, 0.032, 0.02, 0.02], coat.tail, "tail")
    s.sweep(
        [
            np.array(path[-1]) + (0, 0.03, 0),
            np.array(path[-1]) + (0, -0.06, 0),
            np.array(path[-1]) + (-0.01, -0.15, 0),
        ],
        [0.02, 0.042, 0.012],
        coat.dark,
        "tail",
    )
