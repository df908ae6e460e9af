"""Materials and light: what a surface looks like once the renderer knows its normal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

# One row per finish: specular strength, specular power, brightness grain, bump strength,
# environment reflection, grain stretch along x (hair and feathers lie along the body). Bumps and
# grain are looked up in object space, so that they stick to the surface when the camera turns.
FINISHES: dict[str, tuple[float, float, float, float, float, float]] = {
    "matte": (0.04, 8.0, 0.02, 0.00, 0.00, 1.0),
    "fur": (0.05, 6.0, 0.075, 0.06, 0.00, 2.6),
    "wool": (0.00, 4.0, 0.05, 0.40, 0.00, 1.0),
    "feather": (0.07, 9.0, 0.055, 0.07, 0.00, 2.2),
    "metal": (0.65, 40.0, 0.00, 0.00, 0.30, 1.0),
    "glass": (0.90, 60.0, 0.00, 0.00, 0.42, 1.0),
    "rubber": (0.12, 10.0, 0.03, 0.00, 0.00, 1.0),
    "skin": (0.12, 12.0, 0.02, 0.00, 0.00, 1.0),
    "leaf": (0.16, 14.0, 0.05, 0.06, 0.00, 1.6),
}
FINISH_NAMES = tuple(FINISHES)
_FINISH_TABLE = np.array(list(FINISHES.values()), np.float32)
# Surfaces of these finishes flow into each other where they meet; all others keep a crisp edge.
SOFT_FINISHES = ("fur", "wool", "feather", "skin")

Pattern = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Material:
    """What a solid is made of.

    Attributes:
        colour: (r, g, b), each 0..255.
        finish: one of FINISHES.
        pattern: takes object-frame points, float32 [N, 3], returns float [N] in 0..1: how far to
            mix toward `colour2`.
        colour2: (r, g, b) of the pattern; needed where there is one.

    Raises:
        ValueError: for an unknown finish, and for a pattern without `colour2`.
    """

    colour: tuple[float, float, float]
    finish: str = "matte"
    pattern: Pattern | None = None
    colour2: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.finish not in FINISHES:
            raise ValueError(
                f"finish {self.finish!r} is not known; use one of {', '.join(FINISHES)}"
            )
        if self.pattern is not None and self.colour2 is None:
            raise ValueError(
                "a material with a pattern needs colour2, the colour to mix toward; got None"
            )


@dataclass(frozen=True)
class Light:
    """Light of a scene, in the camera's frame (x right, y up, z toward the viewer).

    Attributes:
        direction: toward the lamp; any length.
        colour: of the direct light, 1 = neutral.
        sky: ambient light from above.
        ground: ambient light from below, usually tinted by the floor.
    """

    direction: tuple[float, float, float] = (-0.45, 0.75, 0.6)
    colour: tuple[float, float, float] = (1.0, 0.98, 0.94)
    sky: tuple[float, float, float] = (0.52, 0.55, 0.60)
    ground: tuple[float, float, float] = (0.30, 0.29, 0.27)


@lru_cache(maxsize=1)
def _noise_table() -> np.ndarray:
    """Smooth periodic noise, float32 [64 * 64 * 64], mean 0, standard deviation 1.

    Features are about four cells wide.
    """
    table = np.random.default_rng(7).standard_normal((64, 64, 64)).astype(np.float32)
    for axis in range(3):
        for _ in range(2):
            table = table + np.roll(table, 1, axis) + np.roll(table, -1, axis)
    return (table / table.std()).ravel()


def noise(points: np.ndarray, frequency: float | tuple[float, float, float]) -> np.ndarray:
    """Fine object-space noise, float32 [N], about -2..2.

    Looked up without interpolation: right for grain of a pixel or two, blocky when stretched over
    many pixels (use `waves` for large patches).

    Args:
        points: float32 [N, 3].
        frequency: features per unit, given once or for each axis.
    """
    cell = (points * (np.asarray(frequency, np.float32) * 4.0)).astype(np.int32) & 63
    return _noise_table()[(cell[:, 0] << 12) | (cell[:, 1] << 6) | cell[:, 2]]


def waves(rng: np.random.Generator, frequency: float) -> Pattern:
    """A smooth random field for large patches: points [N, 3] -> float32 [N], about -1..1.

    A sum of sine waves in random directions with about `frequency` features per unit.
    """
    count = 6
    direction = rng.normal(size=(3, count))
    direction /= np.linalg.norm(direction, axis=0)
    matrix = (direction * frequency * np.pi * rng.uniform(0.6, 1.5, count)).astype(np.float32)
    phase = rng.uniform(0, 2 * np.pi, count).astype(np.float32)
    weights = np.full(count, 1.0 / np.sqrt(count), np.float32)

    def field(points: np.ndarray) -> np.ndarray:
        return np.sin(points @ matrix + phase) @ weights

    return field


def smoothstep(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; `low` > `high` turns the step around."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def shade(
    colour: np.ndarray,
    normal: np.ndarray,
    points: np.ndarray,
    finish: np.ndarray,
    occlusion: np.ndarray,
    up: np.ndarray,
    light: Light,
    extent: float,
) -> np.ndarray:
    """Colours of N surface points, float32 [3, N], 0..255.

    Coordinates come first, [3, N]: long rows are what NumPy is fast with.

    Args:
        colour: float32 [3, N], base colour, 0..255.
        normal: float32 [3, N], camera frame; need not be of unit length.
        points: float32 [3, N], in the object frame.
        finish: int [N], index into FINISH_NAMES.
        occlusion: float32 [N], 0 open .. 1 hidden.
        up: float32 [3], the world's up in the camera frame.
        light: of the scene.
        extent: size of the sculpture in its own units, the yardstick for grain.
    """
    used = np.bincount(finish, minlength=len(FINISH_NAMES)) > 0
    specular, power, _, bump, mirror, _ = _FINISH_TABLE[used].max(
        0
    )  # does any of this occur at all?
    normal = normal.copy()
    brightness = np.ones(len(finish), np.float32)
    if bump > 0:
        _roughen(normal, brightness, points, finish, extent)
    normal /= np.sqrt((normal * normal).sum(0) + np.float32(1e-12))

    to_light = np.asarray(light.direction, np.float32)
    to_light = to_light / np.linalg.norm(to_light)
    diffuse = (0.5 + 0.5 * (to_light @ normal)) ** np.float32(1.6)
    sky = 0.5 + 0.5 * (up @ normal)
    direct = diffuse * (1.0 - 0.45 * occlusion) * brightness * np.float32(0.72)
    ambient = (1.0 - 0.65 * occlusion) * brightness
    lamp, above, below = (
        np.asarray(c, np.float32)[:, None] for c in (light.colour, light.sky, light.ground)
    )
    shaded = colour * (lamp * direct + (below + (above - below) * sky) * ambient)

    if specular > 0:
        strength = _FINISH_TABLE[:, 0][finish]
        shiny = np.flatnonzero(strength > 0)
        half = to_light + np.array([0, 0, 1], np.float32)
        half /= np.linalg.norm(half)
        glint = np.clip(half @ normal[:, shiny], 0, 1) ** _FINISH_TABLE[:, 1][finish[shiny]]
        shaded[:, shiny] += lamp * (200 * glint * strength[shiny] * (1 - 0.7 * occlusion[shiny]))
    if mirror > 0:
        share = _FINISH_TABLE[:, 4][finish]
        mirrors = np.flatnonzero(share > 0)
        _reflect(shaded, mirrors, normal[:, mirrors], share[mirrors], up, light)
    return np.clip(shaded, 0.0, 255.0)


def _roughen(normal, brightness, points, finish, extent) -> None:
    """Fur, wool, feathers: bumps turn the normal, grain changes the brightness, both in place.

    The fine grain also jitters the place where the coarse one is looked up: without interpolation
    its cells would show as blocks.
    """
    rough = np.flatnonzero(_FINISH_TABLE[:, 3][finish] > 0)
    _, _, grain, bump, _, stretch = _FINISH_TABLE[finish[rough]].T
    where = points[:, rough].T / np.float32(extent)
    flat = where / np.stack([stretch, np.ones_like(stretch), stretch], 1)
    fine = noise(flat, 80.0)
    coarse = noise(flat + (fine * np.float32(0.006) + np.float32(0.37))[:, None], 19.0)
    brightness[rough] += grain * (0.34 * fine + 0.22 * coarse)
    where += (fine * np.float32(0.004))[:, None]
    for row, offset in ((0, 0.11), (1, -0.23)):
        normal[row, rough] += noise(where + np.float32(offset), 26.0) * bump * np.float32(0.6)


def _reflect(shaded, at, normal, share, up, light) -> None:
    """Mix a made-up surrounding into shiny surfaces, in place.

    It is a sky that fades upward from a bright horizon, and dark ground below it.
    """
    reflected = 2.0 * normal[2] * normal
    reflected[2] -= 1.0
    height = up @ reflected
    above = smoothstep(height, -0.08, 0.12)
    sky = np.asarray(light.sky, np.float32)[:, None] * (
        330.0 * (1.0 - 0.25 * np.clip(height, 0, 1))
    )
    ground = np.asarray(light.ground, np.float32)[:, None] * 170.0
    share = share * (0.35 + 0.65 * (1 - np.clip(normal[2], 0, 1)) ** 2)
    shaded[:, at] += share * (ground + above * (sky - ground) - shaded[:, at])
