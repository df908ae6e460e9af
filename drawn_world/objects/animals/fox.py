"""The fox."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drawn_world.objects.animals.coats import BLACK, either, fur, fur_colour, light_below, make_coat
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.animals.tail_parts import tail_root
from drawn_world.objects.palette import blend, shade
from drawn_world.renderer import Sculpture, smoothstep

PLAN = Plan(
    height=0.58, depth=0.29, width=0.24, waist=0.84, rump=0.90, thigh=0.080, leg=0.033,
    neck=0.09, neck_radius=(0.115, 0.095), neck_angle=(28, 52),
    head=0.112, nose_down=8, poses={"stand": 3, "walk": 3, "sit": 2, "lie": 1, "run": 1},
)  # fmt: skip


def fox(rng: np.random.Generator, colour: str) -> Sculpture:
    """Orange, grey or white, with a white chest, dark legs and a bushy tail with a light tip."""
    plan = vary(PLAN, rng, 0.06)
    main = fur_colour(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        white = fur_colour("white", rng)
        stocking = shade(main, 0.35) if colour in ("orange", "brown", "grey") else shade(main, 0.9)
        neck = pose.body(0.42, -0.02, 0)

        def chest(points):
            return (
                0.95
                * smoothstep(points[:, 0] - neck[0] - 0.35 * (points[:, 1] - neck[1]), -0.02, 0.03)
                * (points[:, 1] > 0.3 * plan.height)
            )

        body = fur(main, either(chest, light_below(plan)) if pose.name != "lie" else chest, white)
        legs = fur(stocking, lambda points: smoothstep(points[:, 1], 0.10, 0.24), main)
        made = make_coat(
            main,
            light=white,
            dark=blend(main, BLACK, 0.55) if colour != "white" else shade(main, 0.85),
            ear=white,
            iris=(196, 140, 50),
        )
        return replace(made, body=body, head=fur(main), legs=legs, tail=fur(main))

    return build_quadruped(rng, plan, coat, _head, _tail)


def _head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.85, 0.95))
    for side in (1, -1):
        ball(s, f, coat.light, "head", (0.1, -0.42, side * 0.62), (0.6, 0.36, 0.42))
    snout(s, f, coat.head, "muzzle", (0.75, -0.12, 0), (1.85, -0.34, 0), (0.5, 0.2))
    snout(s, f, coat.light, "muzzle", (0.7, -0.36, 0), (1.72, -0.48, 0), (0.42, 0.17))
    ball(s, f, coat.nose, "muzzle", (2.02, -0.30, 0), (0.17, 0.15, 0.17))
    eyes(s, f, coat, 0.72, 0.22, 0.56, 0.19)
    ear(
        s,
        f,
        coat.dark,
        coat.inner_ear,
        [(-0.15, 0.5, 0.52), (-0.2, 1.2, 0.7), (-0.22, 1.85, 0.78)],
        [0.5, 0.34, 0.06],
        (0.85, 0, 0.5),
    )


def _tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = tail_root(b, pose)
    if pose in ("sit", "lie"):
        side = rng.choice((-1, 1))
        path = np.array(
            [
                root,
                (root[0] - 0.15, 0.09, side * 0.15),
                (root[0] - 0.02, 0.09, side * 0.38),
                (root[0] + 0.3, 0.08, side * 0.38),
                (root[0] + 0.48, 0.06, side * 0.3),
            ]
        )
    else:
        rise, side = rng.uniform(-0.22, 0.1), rng.normal(0, 0.05)
        path = np.array(
            [
                root,
                root + (-0.14, 0.2 * rise - 0.02, 0),
                root + (-0.34, 0.7 * rise - 0.02, side),
                root + (-0.52, rise, side),
                root + (-0.68, 1.1 * rise + 0.03, side),
            ]
        )
    radii = np.array([0.04, 0.075, 0.105, 0.085, 0.015])
    s.sweep(path[:4], radii[:4], coat.tail, "tail")
    s.sweep(
        [0.35 * path[2] + 0.65 * path[3], path[3], 0.5 * (path[3] + path[4]), path[4]],
        [0.09, 0.088, 0.06, 0.012],
        coat.light,
        "tail",
    )
