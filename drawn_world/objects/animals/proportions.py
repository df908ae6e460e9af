"""Proportions of the four-legged species, in body lengths (see `Plan`), and the breeds of dogs."""

from __future__ import annotations

from dataclasses import dataclass

from drawn_world.objects.animals.quadruped import Plan

PLANS: dict[str, Plan] = {
    "cat": Plan(
        height=0.60, depth=0.30, width=0.27, waist=0.90, rump=0.92, thigh=0.085, leg=0.040,
        neck=0.08, neck_radius=(0.115, 0.10), neck_angle=(28, 62),
        head=0.148, poses={"stand": 2, "walk": 3, "sit": 3, "lie": 1.5},
    ),
    "cow": Plan(
        height=0.88, depth=0.48, width=0.42, waist=1.02, rump=0.94, thigh=0.125, leg=0.056,
        neck=0.20, neck_radius=(0.19, 0.135), neck_angle=(6, 30),
        head=0.135, nose_down=34, hoofed=True, back=0.012,
        poses={"stand": 3, "walk": 3, "graze": 2.5, "lie": 1.5},
    ),
    "horse": Plan(
        height=1.02, depth=0.41, width=0.31, waist=0.92, rump=0.96, thigh=0.118, leg=0.042,
        neck=0.38, neck_radius=(0.165, 0.095), neck_angle=(38, 62),
        head=0.118, nose_down=46, hoofed=True, back=0.018,
        poses={"stand": 3, "walk": 3, "run": 2, "graze": 1.5},
    ),
    "sheep": Plan(
        height=0.78, depth=0.50, width=0.46, waist=1.0, rump=0.98, thigh=0.085, leg=0.042,
        neck=0.12, neck_radius=(0.17, 0.135), neck_angle=(16, 44),
        head=0.125, nose_down=30, hoofed=True, poses={"stand": 3, "walk": 3, "graze": 3, "lie": 1.5},
    ),
    "goat": Plan(
        height=0.84, depth=0.40, width=0.34, waist=0.98, rump=0.94, thigh=0.092, leg=0.040,
        neck=0.22, neck_radius=(0.13, 0.09), neck_angle=(34, 60),
        head=0.112, nose_down=26, hoofed=True, poses={"stand": 3, "walk": 3, "graze": 1.5, "lie": 1},
    ),
    "deer": Plan(
        height=0.95, depth=0.35, width=0.27, waist=0.86, rump=0.94, thigh=0.095, leg=0.030,
        neck=0.28, neck_radius=(0.115, 0.075), neck_angle=(48, 70),
        head=0.098, nose_down=22, hoofed=True,
        poses={"stand": 3, "walk": 3, "run": 1.5, "graze": 1.5, "lie": 0.8},
    ),
    "fox": Plan(
        height=0.58, depth=0.29, width=0.24, waist=0.84, rump=0.90, thigh=0.080, leg=0.033,
        neck=0.09, neck_radius=(0.115, 0.095), neck_angle=(28, 52),
        head=0.112, nose_down=8, poses={"stand": 3, "walk": 3, "sit": 2, "lie": 1, "run": 1},
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Breed:
    """A kind of dog.

    ears: "floppy", "folded" or "pricked"; muzzle, blunt: length and radius of the muzzle in skull radii
    """

    plan: Plan
    ears: str
    muzzle: float
    blunt: float
    weight: float


DOG_POSES = {"stand": 3, "walk": 3, "sit": 2, "lie": 1, "run": 1}
DOG_BREEDS: dict[str, Breed] = {
    "retriever": Breed(
        Plan(
            height=0.78, depth=0.37, width=0.29, waist=0.84, rump=0.86, thigh=0.105, leg=0.046,
            neck=0.13, neck_radius=(0.135, 0.105), neck_angle=(30, 58),
            head=0.135, nose_down=8, poses=DOG_POSES,
        ),
        ears="floppy", muzzle=0.75, blunt=0.50, weight=3,
    ),
    "shepherd": Breed(
        Plan(
            height=0.80, depth=0.37, width=0.27, waist=0.80, rump=0.84, thigh=0.105, leg=0.044,
            neck=0.14, neck_radius=(0.14, 0.105), neck_angle=(30, 58),
            head=0.125, nose_down=8, poses=DOG_POSES,
        ),
        ears="pricked", muzzle=0.95, blunt=0.42, weight=2,
    ),
    "terrier": Breed(
        Plan(
            height=0.74, depth=0.36, width=0.29, waist=0.88, rump=0.9, thigh=0.095, leg=0.044,
            neck=0.10, neck_radius=(0.12, 0.105), neck_angle=(42, 66),
            head=0.145, nose_down=4, poses=DOG_POSES,
        ),
        ears="folded", muzzle=0.7, blunt=0.45, weight=2,
    ),
    "dachshund": Breed(
        Plan(
            height=0.42, depth=0.27, width=0.24, waist=0.90, rump=0.90, thigh=0.075, leg=0.040,
            neck=0.12, neck_radius=(0.105, 0.085), neck_angle=(36, 60),
            head=0.112, nose_down=8, poses=DOG_POSES,
        ),
        ears="floppy", muzzle=1.05, blunt=0.38, weight=1.5,
    ),
    "greyhound": Breed(
        Plan(
            height=0.92, depth=0.34, width=0.22, waist=0.62, rump=0.82, thigh=0.10, leg=0.033,
            neck=0.21, neck_radius=(0.10, 0.075), neck_angle=(44, 64),
            head=0.100, nose_down=10, poses=DOG_POSES,
        ),
        ears="folded", muzzle=1.2, blunt=0.34, weight=1.5,
    ),
}  # fmt: skip
