"""The dog, in five breeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawn_world.objects.animals.coats import (
    CREAM,
    DARK_COATS,
    contrasting,
    fur_colour,
    light_below,
    make_coat,
    patches,
    socks,
)
from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.head_parts import ball, ear, eyes, snout
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped, vary
from drawn_world.objects.animals.tail_parts import tail_root
from drawn_world.objects.palette import blend, shade
from drawn_world.renderer import Sculpture


@dataclass(frozen=True)
class Breed:
    """A kind of dog.

    Attributes:
        plan: proportions.
        ears: "floppy", "folded" or "pricked".
        muzzle: length of the muzzle in skull radii.
        blunt: its radius in skull radii.
        weight: how common the breed is.
    """

    plan: Plan
    ears: str
    muzzle: float
    blunt: float
    weight: float


POSES = {"stand": 3, "walk": 3, "sit": 2, "lie": 1, "run": 1}
BREEDS: dict[str, Breed] = {
    "retriever": Breed(
        Plan(
            height=0.78, depth=0.37, width=0.29, waist=0.84, rump=0.86, thigh=0.105, leg=0.046,
            neck=0.13, neck_radius=(0.135, 0.105), neck_angle=(30, 58),
            head=0.135, nose_down=8, poses=POSES,
        ),
        ears="floppy", muzzle=0.75, blunt=0.50, weight=3,
    ),
    "shepherd": Breed(
        Plan(
            height=0.80, depth=0.37, width=0.27, waist=0.80, rump=0.84, thigh=0.105, leg=0.044,
            neck=0.14, neck_radius=(0.14, 0.105), neck_angle=(30, 58),
            head=0.125, nose_down=8, poses=POSES,
        ),
        ears="pricked", muzzle=0.95, blunt=0.42, weight=2,
    ),
    "terrier": Breed(
        Plan(
            height=0.74, depth=0.36, width=0.29, waist=0.88, rump=0.9, thigh=0.095, leg=0.044,
            neck=0.10, neck_radius=(0.12, 0.105), neck_angle=(42, 66),
            head=0.145, nose_down=4, poses=POSES,
        ),
        ears="folded", muzzle=0.7, blunt=0.45, weight=2,
    ),
    "dachshund": Breed(
        Plan(
            height=0.42, depth=0.27, width=0.24, waist=0.90, rump=0.90, thigh=0.075, leg=0.040,
            neck=0.12, neck_radius=(0.105, 0.085), neck_angle=(36, 60),
            head=0.112, nose_down=8, poses=POSES,
        ),
        ears="floppy", muzzle=1.05, blunt=0.38, weight=1.5,
    ),
    "greyhound": Breed(
        Plan(
            height=0.92, depth=0.34, width=0.22, waist=0.62, rump=0.82, thigh=0.10, leg=0.033,
            neck=0.21, neck_radius=(0.10, 0.075), neck_angle=(44, 64),
            head=0.100, nose_down=10, poses=POSES,
        ),
        ears="folded", muzzle=1.2, blunt=0.34, weight=1.5,
    ),
}  # fmt: skip


def dog(rng: np.random.Generator, colour: str) -> Sculpture:
    """Five breeds, from dachshund to greyhound; ears floppy, folded or pricked."""
    breeds = list(BREEDS.values())
    weights = np.array([breed.weight for breed in breeds])
    breed = breeds[int(rng.choice(len(breeds), p=weights / weights.sum()))]
    plan = vary(breed.plan, rng)
    main = fur_colour(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        iris = (120, 78, 40) if colour in DARK_COATS else None
        second = contrasting(colour, rng)
        style = rng.random()
        if style < 0.2:
            return make_coat(
                main,
                pattern=patches(rng, 2.4, 0.3),
                second=second,
                light=second if rng.random() < 0.5 else main,
                dark=shade(main, 0.75),
                iris=iris,
            )
        if style < 0.4:
            tan = fur_colour("tan", rng) if colour in ("black", "brown") else second
            return make_coat(
                main,
                pattern=light_below(plan, 0.6),
                socks=socks(0.3 * plan.height),
                second=tan,
                light=tan,
                iris=iris,
            )
        light = blend(main, CREAM, 0.3) if colour not in DARK_COATS else shade(main, 1.2)
        return make_coat(main, light=light, dark=shade(main, rng.uniform(0.6, 0.9)), iris=iris)

    return build_quadruped(
        rng,
        plan,
        coat,
        _head(breed.ears, breed.muzzle * rng.uniform(0.9, 1.1), breed.blunt),
        _tail,
    )


def _head(ears: str, muzzle: float, blunt: float):
    """A head with those ears, and a muzzle of that length and radius."""

    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.92, 0.88))
        tip = 0.65 + muzzle
        snout(s, f, coat.head, "head", (0.2, -0.15, 0), (0.7, -0.2, 0), (0.75, blunt * 1.05))
        snout(
            s,
            f,
            coat.light,
            "muzzle",
            (0.72, -0.22, 0),
            (tip, -0.34, 0),
            (blunt * 1.08, blunt * 0.8),
        )
        ball(s, f, coat.light, "muzzle", (tip - 0.1, -0.56, 0), (0.42, 0.2, blunt * 0.6))
        ball(s, f, coat.nose, "muzzle", (tip + blunt * 0.72, -0.14, 0), (0.22, 0.2, 0.24))
        eyes(s, f, coat, 0.72, 0.24, 0.56, 0.2)
        if ears == "floppy":
            long = rng.uniform(0.75, 1.2)
            ear(
                s,
                f,
                coat.dark,
                None,
                [
                    (-0.15, 0.6, 0.66),
                    (-0.2, 0.25, 0.98),
                    (-0.1, -0.2 * long, 1.02),
                    (0.0, -0.75 * long, 0.95),
                ],
                [0.24, 0.36, 0.44, 0.26],
                (0.1, 0.15, 1),
                0.34,
            )
        elif ears == "folded":
            ear(
                s,
                f,
                coat.dark,
                None,
                [(-0.2, 0.65, 0.55), (-0.15, 1.1, 0.75), (0.25, 0.95, 0.92), (0.5, 0.55, 0.95)],
                [0.36, 0.34, 0.3, 0.1],
                (0.5, 0.2, 0.9),
                0.4,
            )
        else:
            ear(
                s,
                f,
                coat.head,
                coat.inner_ear,
                [(-0.25, 0.55, 0.5), (-0.3, 1.2, 0.6), (-0.3, 1.8, 0.62)],
                [0.46, 0.32, 0.07],
                (0.8, 0, 0.6),
            )

    return head


def _tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = tail_root(b, pose)
    style = rng.choice(("up", "level", "down", "curled", "bushy"))
    if pose in ("sit", "lie"):
        side = rng.normal(0, 0.12)
        path = [root, (root[0] - 0.18, 0.05, side), (root[0] - 0.36, 0.05, 2 * side)]
        s.sweep(path, [0.05, 0.05, 0.02], coat.tail, "tail")
    elif style == "curled":
        path = [root, root + (-0.1, 0.14, 0), root + (-0.02, 0.25, 0.03), root + (0.1, 0.17, 0.06)]
        s.sweep(path, [0.06, 0.06, 0.055, 0.035], coat.tail, "tail")
    else:
        rise = {
            "up": rng.uniform(0.2, 0.34),
            "level": rng.uniform(-0.02, 0.1),
            "down": rng.uniform(-0.3, -0.18),
            "bushy": rng.uniform(-0.1, 0.25),
        }[style]
        fat = 1.5 if style == "bushy" else 1.0
        path = [
            root,
            root + (-0.16, 0.35 * rise, 0),
            root + (-0.30, 0.8 * rise, rng.normal(0, 0.05)),
            root + (-0.38, 1.35 * rise, rng.normal(0, 0.07)),
        ]
        s.sweep(path, np.array([0.05, 0.045 * fat, 0.042 * fat, 0.016]), coat.tail, "tail")
