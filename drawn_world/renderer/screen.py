"""From the object frame to the screen, and from rows of pixels to flat arrays.

All kinds of solids share this. On the screen x points right, y down and z toward the viewer, all in
pixels of the supersampled picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

THINNEST = 0.09  # square of the least half thickness in pixels: nothing vanishes when seen edge-on


class View:
    """The way from the object frame to the screen.

    Attributes:
        turn: [3, 3], to the camera frame with y down.
        scale: pixels per unit.
        origin: [3], where the object frame's origin lands.
        size: pixels a side.
    """

    def __init__(self, turn: np.ndarray, scale: float, origin: np.ndarray, size: int) -> None:
        self.turn, self.scale, self.origin, self.size = turn, scale, origin, size

    def points(self, points: np.ndarray) -> np.ndarray:
        """Points [n, 3] of the object frame, on the screen."""
        return points @ (self.turn.T * self.scale) + self.origin

    def back(self, screen: np.ndarray) -> np.ndarray:
        """Screen points [3, n] in the object frame, float32 [3, n]."""
        inverse = (self.turn.T / self.scale).astype(np.float32)
        return inverse @ screen - (inverse @ self.origin.astype(np.float32))[:, None]


def rows_between(low, high, size):
    """Rows whose centres lie between `low` and `high` [n], as (item of each row, row)."""
    first = np.clip(np.ceil(low - 0.5), 0, size).astype(np.int64)
    last = np.clip(np.floor(high - 0.5), -1, size - 1).astype(np.int64)
    count = np.maximum(last - first + 1, 0)
    item = np.repeat(np.arange(len(count)), count)
    return item, np.repeat(first - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))


def expand(row, first, last, size, per_row: Sequence[np.ndarray], item):
    """Expand row spans first..last to pixels.

    Values that are constant along a row are repeated for each of its pixels.

    Returns:
        Repeated values float32 [k, n], x of each pixel centre float32 [n], flat pixel index [n],
            item [n].
    """
    first = np.clip(first, 0, size)
    count = np.maximum(np.minimum(last, size - 1) - first + 1, 0)
    start = first - (np.cumsum(count) - count)
    step = np.arange(int(count.sum()))
    x = np.repeat(start, count) + step
    pixel = np.repeat(row * size + start, count) + step
    values = np.repeat(np.stack(per_row).astype(np.float32), count, axis=1)
    return values, x.astype(np.float32) + np.float32(0.5), pixel, np.repeat(item, count)


def outline(shape):
    """Outline and front of the ellipsoids {p: p' inv(shape) p <= 1}, shape [n, 3, 3].

    Returns:
        The metric E of the outline as (Exx, Exy, Eyy), and gx, gy, h of the front z = gx x + gy y +
            h sqrt(1 - d'E d).
    """
    det = shape[:, 0, 0] * shape[:, 1, 1] - shape[:, 0, 1] ** 2
    metric = shape[:, 1, 1] / det, -shape[:, 0, 1] / det, shape[:, 0, 0] / det
    zx, zy = shape[:, 2, 0], shape[:, 2, 1]
    gx, gy = zx * metric[0] + zy * metric[1], zx * metric[1] + zy * metric[2]
    return metric, gx, gy, np.sqrt(np.maximum(shape[:, 2, 2] - zx * gx - zy * gy, 0))
