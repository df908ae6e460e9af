"""A picture under construction, in coordinates from 0 to 1: what backdrops are painted on.

Everything looks the same at any resolution, and every edge is smoothed over one pixel.
"""

from __future__ import annotations

import numpy as np
from PIL import Image


class Canvas:
    """What is painted on.

    Attributes:
        image: float32 [S, S, 3], 0..255.
        x: [1, S] from 0 to 1.
        y: [S, 1] from 0 to 1, y down.
        pixel: 1 / S.
        shifted: whether unusual skies, walls and light are wanted.
    """

    def __init__(self, size: int, rng: np.random.Generator, shifted: bool) -> None:
        self.size, self.rng, self.shifted = size, rng, shifted
        grid = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.x, self.y, self.pixel = grid[None, :], grid[:, None], 1.0 / size
        self.image = np.zeros((size, size, 3), np.float32)

    # ---- chance ----------------------------------------------------------------------------------

    def uniform(self, low: float, high: float) -> float:
        """A number between the two."""
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """True with that probability."""
        return bool(self.rng.random() < probability)

    def pick(self, *options):
        """One of the options."""
        return options[int(self.rng.integers(len(options)))]

    def vary(self, colour, spread: float = 7.0) -> np.ndarray:
        """The colour, each time a little lighter or darker and, less, of another hue."""
        change = self.rng.normal(0, 0.55 * spread, 3) + self.rng.normal(0, spread)
        return np.clip(np.asarray(colour, np.float32) + change, 0, 255)

    def noise(self, across: float, down: float | None = None) -> np.ndarray:
        """Smooth noise float32 [S, S] with about that many features across and down.

        Its standard deviation is about 1.
        """
        shape = (max(2, round(down or across)) + 2, max(2, round(across)) + 2)
        coarse = Image.fromarray(self.rng.standard_normal(shape).astype(np.float32), "F")
        return np.asarray(coarse.resize((self.size, self.size), Image.BICUBIC)) * np.float32(1.35)

    # ---- shapes ----------------------------------------------------------------------------------

    def step(self, signed: np.ndarray) -> np.ndarray:
        """1 where the signed distance is positive, 0 where negative, smooth over a pixel.

        Distances are in picture heights.
        """
        return np.clip(signed / self.pixel + 0.5, 0.0, 1.0)

    def between(self, value: np.ndarray, low: float, high: float) -> np.ndarray:
        """1 where low < value < high, smooth over a pixel."""
        return self.step(np.minimum(value - low, high - value))

    def over(self, colour, alpha: np.ndarray, box: tuple[slice, ...] = np.s_[:, :]) -> None:
        """Paint with coverage `alpha`; colour is one triple or an array [..., 3]."""
        alpha = np.asarray(alpha, np.float32)[..., None]
        self.image[box] += alpha * (np.asarray(colour, np.float32) - self.image[box])

    def window(self, left: float, top: float, right: float, bottom: float):
        """Slices of a box, one pixel wider than asked, and its x and y; None outside."""
        s = self.size
        x0, x1 = max(int(left * s) - 1, 0), min(int(right * s) + 2, s)
        y0, y1 = max(int(top * s) - 1, 0), min(int(bottom * s) + 2, s)
        if x1 <= x0 or y1 <= y0:
            return None
        return np.s_[y0:y1, x0:x1], self.x[:, x0:x1], self.y[y0:y1]

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour) -> None:
        """A filled rectangle."""
        found = self.window(left, top, right, bottom)
        if found:
            box, x, y = found
            self.over(colour, self.between(x, left, right) * self.between(y, top, bottom), box)

    def ellipse(self, cx, cy, rx, ry, colour, opacity: float = 1.0, soft: float = 0.0) -> None:
        """A filled ellipse; soft > 0 lets it fade out over that share of its radius."""
        found = self.window(cx - rx, cy - ry, cx + rx, cy + ry)
        if found:
            box, x, y = found
            distance = np.sqrt(((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2)
            inside = (1 - distance) / soft if soft else self.step((1 - distance) * min(rx, ry))
            self.over(colour, np.clip(inside, 0, 1) * opacity, box)

    def gradient(self, top: float, bottom: float, upper, lower, curve: float = 1.0) -> None:
        """Full rows from `top` to `bottom`, from one colour to the other."""
        found = self.window(0, top, 1, bottom)
        if found:
            box, _, y = found
            t = np.clip((y - top) / max(bottom - top, 1e-6), 0, 1)[..., None] ** curve
            colour = np.asarray(upper, np.float32) * (1 - t) + np.asarray(lower, np.float32) * t
            cover = self.step(np.minimum(y - top, bottom - y + 2 * self.pixel))
            self.over(colour, np.broadcast_to(cover, (len(y), self.size)), box)
