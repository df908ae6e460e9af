"""What the tails of several species share, in body lengths."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.quadruped import Coat
from drawn_world.renderer import Sculpture


def tail_root(b: Frame, pose: str) -> np.ndarray:
    """Where the tail begins."""
    return b(-0.44, 0.10, 0) if pose != "sit" else b(-0.42, 0.02, 0)


def short_tail(long: float, up: float, fat: float, root_x: float = -0.44):
    """Sheep (hanging), goat (upright) and deer (short, light below)."""

    def tail(s: Sculpture, b: Frame, coat: Coat, rng, pose: str) -> None:
        root = b(root_x, 0.12, 0)
        path = [
            root,
            root + (-0.07, 0.35 * up * long, 0),
            root + (-0.10, up * long, rng.normal(0, 0.015)),
        ]
        s.sweep(path, np.array([0.045, 0.05, 0.02]) * fat, coat.tail, "tail", shape=(1, 1, 0.7))
        s.sweep(
            np.array(path) + (0.025, -0.012, 0),
            np.array([0.035, 0.042, 0.016]) * fat,
            coat.light,
            "tail",
            shape=(1, 1, 0.6),
        )

    return tail
