"""Tails of the four-legged species, in body lengths; `b` is the body's frame."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.quadruped import Coat, Frame
from drawn_world.renderer import Sculpture


def _root(b: Frame, pose: str) -> np.ndarray:
    return b(-0.44, 0.10, 0) if pose != "sit" else b(-0.42, 0.02, 0)


def cat_tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = _root(b, pose)
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


def dog_tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = _root(b, pose)
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


def fox_tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = _root(b, pose)
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


def cow_tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
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


def horse_tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
    root = b(-0.44, 0.13, 0)
    flow = rng.uniform(0.02, 0.12) + (0.18 if pose == "run" else 0)
    drop = {"lie": -0.22, "run": -0.35}.get(pose, rng.uniform(-0.62, -0.5))
    for k in range(5):
        side = rng.normal(0, 0.03)
        path = [
            root,
            root + (-0.09 - 0.4 * flow, 0.0 - 0.02 * k, side * 0.3),
            root + (-0.12 - flow, 0.45 * drop, side),
            root + (-0.10 - 1.2 * flow + rng.normal(0, 0.02), drop * rng.uniform(0.85, 1.02), side * 1.5),
        ]
        s.sweep(path, [0.035, 0.048, 0.05, 0.014], coat.dark, "tail")


def short_tail(long: float, up: float, fat: float, root_x: float = -0.44):
    """Sheep (hanging), goat (upright) and deer (short, light below)."""

    def tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
        root = b(root_x, 0.12, 0)
        path = [root, root + (-0.07, 0.35 * up * long, 0), root + (-0.10, up * long, rng.normal(0, 0.015))]
        s.sweep(path, np.array([0.045, 0.05, 0.02]) * fat, coat.tail, "tail", shape=(1, 1, 0.7))
        s.sweep(
            np.array(path) + (0.025, -0.012, 0),
            np.array([0.035, 0.042, 0.016]) * fat,
            coat.light,
            "tail",
            shape=(1, 1, 0.6),
        )

    return tail
