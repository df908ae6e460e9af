"""What pictures of the drawn world show: how large parts are, and how much of them is hidden."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .drawn import DrawnWorld, RenderedWorld


@dataclass(frozen=True, eq=False)
class PartsInView:
    """Every part of every object that can be seen in some pictures, K in all.

    Attributes:
        names: generalized part names, str `[K]`.
        pixels: visible pixels, int64 `[K]`.
        fractions: share that no other object hides, float64 `[K]`.
    """

    names: np.ndarray
    pixels: np.ndarray
    fractions: np.ndarray

    def __len__(self) -> int:
        return len(self.names)

    def median_pixels(self) -> dict[str, float]:
        """Median of the visible pixels of each generalized part, the smallest first."""
        names = np.unique(self.names).tolist()
        medians = {name: float(np.median(self.pixels[self.names == name])) for name in names}
        return dict(sorted(medians.items(), key=lambda entry: entry[1]))


def parts_in_view(world: DrawnWorld | RenderedWorld) -> PartsInView:
    """Sizes of all parts in the pictures of a world, in pixels of the size that it is drawn at."""
    parts = [
        (name, part.visible_pixels, part.visible_fraction)
        for i in range(len(world))
        for item in world.picture(i).items
        for name, part in item.parts.items()
    ]
    names, pixels, fractions = zip(*parts, strict=True)
    return PartsInView(np.array(names), np.array(pixels), np.array(fractions))
