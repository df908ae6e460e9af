"""Colours by name, colours by chance, and the materials that many objects share."""

from __future__ import annotations

import numpy as np

from drawn_world.renderer import Material

NAMED_COLOURS: dict[str, tuple[int, int, int]] = {
    "black": (42, 41, 46),
    "white": (238, 236, 230),
    "grey": (134, 136, 140),
    "brown": (122, 80, 48),
    "tan": (202, 164, 112),
    "orange": (228, 130, 44),
    "cream": (236, 220, 184),
    "red": (200, 42, 40),
    "blue": (44, 92, 190),
    "green": (56, 142, 70),
    "yellow": (240, 202, 58),
    "purple": (126, 66, 156),
    "pink": (232, 142, 172),
    "teal": (36, 142, 150),
    "silver": (186, 192, 200),
}
RUBBER = Material((46, 46, 50), "rubber")
DARK = Material((40, 41, 46), "matte")
STEEL = Material((178, 182, 190), "metal")
IRON = Material((98, 100, 108), "metal")
AMBER = Material((240, 150, 40), "glass")
TAIL_RED = Material((206, 32, 34), "glass")
LAMP = Material((255, 246, 200), "glass")


def tint(colour: str, rng: np.random.Generator, spread: float = 6.0) -> tuple[float, float, float]:
    """One RGB triple (0..255) of the named colour, a little lighter, darker or warmer each time."""
    base = np.asarray(NAMED_COLOURS[colour], float) * rng.uniform(0.92, 1.08) + rng.normal(
        0.0, spread, 3
    )
    return tuple(np.clip(base, 12, 250))


def shade(rgb, factor: float) -> tuple[float, float, float]:
    """Scale an RGB triple, clipped to 0..255."""
    return tuple(np.clip(np.asarray(rgb, float) * factor, 0, 255))


def blend(first, second, amount: float) -> tuple[float, float, float]:
    """Mix two RGB triples; `amount` 0 gives the first, 1 the second."""
    return tuple(np.asarray(first, float) * (1 - amount) + np.asarray(second, float) * amount)


def pick(rng: np.random.Generator, *options):
    """One of the options; unlike `rng.choice` it returns the option itself, whatever its type."""
    return options[int(rng.integers(len(options)))]
