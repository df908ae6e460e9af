"""Backdrops of the drawn world: six everyday scenes and three that only the shifted split shows.

A backdrop brings its light along, so that objects look as if they stood in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from drawn_world.renderer.shading import Light
from drawn_world.scenes.canvas import Canvas
from drawn_world.scenes.outdoors import grass, road, sand, sky_scene, snow
from drawn_world.scenes.room import room
from drawn_world.scenes.shifted import forest, night, studio


@dataclass(frozen=True)
class Backdrop:
    """A scene without objects.

    Attributes:
        image: float32 [S, S, 3], 0..255.
        horizon: y in pixels where the ground begins (the wall's foot indoors); more than S where
            nothing can stand.
        light: the light that objects in this scene should be rendered with.
    """

    image: np.ndarray
    horizon: float
    light: Light


SCENES: dict[str, Callable[[Canvas], tuple[float, Light]]] = {
    "grass": grass, "road": road, "sand": sand, "snow": snow, "room": room, "sky": sky_scene,
    "night": night, "forest": forest, "studio": studio,
}  # fmt: skip


def draw_scene(name: str, rng: np.random.Generator, size: int, style: str = "normal") -> Backdrop:
    """Draw the backdrop `name`.

    Args:
        name: one of SCENES.
        rng: chooses everything that differs from one to the next.
        size: pixels a side.
        style: "normal", or "shifted" for unusual skies, walls and light.

    Raises:
        ValueError: for an unknown name or style.
    """
    if name not in SCENES:
        raise ValueError(f"scene {name!r} is not known; use one of {', '.join(SCENES)}")
    if style not in ("normal", "shifted"):
        raise ValueError(f"style {style!r} is not known; use 'normal' or 'shifted'")
    canvas = Canvas(size, rng, style == "shifted")
    horizon, light = SCENES[name](canvas)
    return Backdrop(np.clip(canvas.image, 0, 255), horizon * size, light)
