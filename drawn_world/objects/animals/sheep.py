"""The sheep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drawn_world.objects.animals.coats import fur_colour, make_coat
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import HORN, ball, ear, eyes, nostrils, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.animals.tail_parts import short_tail
from drawn_world.objects.palette import pick, shade
from drawn_world.renderer import Material, Sculpture

PLAN = Plan(
    height=0.78, depth=0.50, width=0.46, waist=1.0, rump=0.98, thigh=0.085, leg=0.042,
    neck=0.12, neck_radius=(0.17, 0.135), neck_angle=(16, 44),
    head=0.125, nose_down=30, hoofed=True, poses={"stand": 3, "walk": 3, "graze": 3, "lie": 1.5},
)  # fmt: skip
FACES = {  # wool -> faces that go with it
    "white": ("black", "cream", "white", "grey"),
    "cream": ("brown", "cream", "black"),
    "grey": ("black", "grey", "white"),
    "black": ("black", "grey"),
    "brown": ("brown", "tan", "black"),
}


def sheep(rng: np.random.Generator, colour: str) -> Sculpture:
    """A ball of curls on thin legs, the face dark or light; rams carry curled horns."""
    plan = vary(PLAN, rng, 0.05)
    wool = Material(fur_colour(colour, rng), "wool")
    face = fur_colour(pick(rng, *FACES.get(colour, ("black", "cream"))), rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        dark_face = sum(face) < 260
        skin = make_coat(
            face, nose=shade(face, 0.5), light=face, iris=(168, 130, 60) if dark_face else None
        )
        return replace(skin, body=wool, tail=wool, light=wool)

    horned = rng.random() < 0.3
    sculpture = build_quadruped(
        rng, plan, coat, _head(horned), short_tail(0.2, -1.0, 1.35, root_x=-0.50), wool=0.062
    )
    sculpture.soften = 0.009
    return sculpture


def _head(horns: bool):
    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        ball(s, f, coat.head, "head", (0, 0, 0), (0.95, 0.88, 0.78))
        snout(s, f, coat.head, "head", (0.2, -0.08, 0), (0.85, -0.22, 0), (0.76, 0.6))
        snout(s, f, coat.head, "muzzle", (0.95, -0.25, 0), (1.5, -0.45, 0), (0.57, 0.44))
        nostrils(s, f, coat.nose, 1.88, -0.36, 0.16, 0.11)
        eyes(s, f, coat, 0.56, 0.22, 0.6, 0.17)
        ear(
            s,
            f,
            coat.head,
            coat.inner_ear,
            [(-0.3, 0.25, 0.65), (-0.42, 0.15, 1.15), (-0.5, -0.15, 1.6)],
            [0.2, 0.32, 0.08],
            (0.8, 0.4, 0),
            0.35,
        )
        for _ in range(9):
            ball(
                s,
                f,
                coat.body,
                "head",
                (rng.uniform(-0.75, 0.15), rng.uniform(0.55, 0.85), rng.uniform(-0.45, 0.45)),
                (0.36, 0.33, 0.36),
            )
        if horns:
            for side in (1, -1):
                angle = np.linspace(0.5, 5.2, 8)
                r = np.linspace(0.72, 0.5, 8)
                path = [
                    f(
                        -0.45 - r[k] * np.cos(a) * 0.9 + 0.1,
                        0.0 + r[k] * np.sin(a),
                        side * (0.5 + 0.11 * k),
                    )
                    for k, a in enumerate(angle)
                ]
                s.sweep(path, np.linspace(0.27, 0.08, 8) * f.size, HORN, "horn")

    return head
