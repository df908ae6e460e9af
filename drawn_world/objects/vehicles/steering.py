"""Turning the front of a two-wheeler."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.shapes import turned


class Steering:
    """Turns points about a vertical axis through `pivot`; the angle is in degrees."""

    def __init__(self, pivot, angle: float):
        self.pivot = np.array([pivot[0], 0.0, 0.0])
        self.turn = turned(yaw=angle)

    def __call__(self, points) -> np.ndarray:
        """Points float [..., 3], turned about the steering axis."""
        return (np.asarray(points, float) - self.pivot) @ self.turn.T + self.pivot
