"""Local frames of bodies and heads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


def flattened(normal, thickness: float) -> np.ndarray:
    """[3, 3] shape for sweeps: a sphere squeezed to `thickness` along `normal`."""
    normal = np.asarray(normal, float) / np.linalg.norm(normal)
    return np.eye(3) - (1 - thickness) * np.outer(normal, normal)


@dataclass(frozen=True)
class Frame:
    """A local frame inside the object frame.

    Attributes:
        origin: [3], of the local frame.
        axes: [3, 3], turns local directions.
        size: units per local unit.
    """

    origin: np.ndarray
    axes: np.ndarray
    size: float = 1.0

    def __call__(self, *point: float) -> np.ndarray:
        """A local point (x, y, z), in the object frame."""
        return self.origin + self.size * (self.axes @ np.asarray(point, float))

    def local(self, points: np.ndarray) -> np.ndarray:
        """Object-frame points [N, 3] in local coordinates."""
        axes = (self.axes / self.size).astype(np.float32)
        return (points - self.origin.astype(np.float32)) @ axes
