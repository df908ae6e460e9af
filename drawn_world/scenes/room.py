"""The room: wall, window, pictures, floor."""

from __future__ import annotations

import numpy as np

from drawn_world.renderer.shading import Light
from drawn_world.scenes.canvas import Canvas
from drawn_world.scenes.scenery import ground

WALLPAPERS = (
    (226, 214, 196), (198, 212, 220), (214, 222, 200), (232, 208, 200),
    (206, 200, 220), (236, 226, 196), (180, 198, 190),
)  # fmt: skip
WOODS = ((176, 128, 84), (150, 106, 70), (196, 156, 112), (128, 92, 66))
CARPETS = ((188, 178, 166), (150, 160, 170), (176, 150, 140), (206, 196, 178))
CLOTHS = ((196, 90, 80), (90, 130, 160), (226, 190, 110), (130, 150, 110))
FRAMES = ((92, 66, 46), (60, 60, 62), (210, 180, 110))
PICTURES = ((120, 160, 190), (206, 130, 100), (150, 170, 120), (180, 140, 170))
WHITE_PAINT = (246, 244, 238)


def room(c: Canvas) -> tuple[float, Light]:
    """A room, papered or painted, with floorboards or a carpet."""
    horizon = c.uniform(0.5, 0.66)
    wall = c.vary((70, 84, 104), 12) if c.shifted else c.vary(c.pick(*WALLPAPERS), 5)
    _wall(c, horizon, wall)
    if c.chance(0.5):
        _window(c)
    for _ in range(c.rng.integers(0, 3)):
        _picture(c, wall)
    floor = _floor(c, horizon)
    if c.chance(0.35):
        rug = c.vary(c.pick(*CLOTHS), 8)
        cx, cy = c.uniform(0.3, 0.7), horizon + 0.6 * (1 - horizon)
        for rx, ry, colour in (
            (0.42, 0.13, rug * 0.85),
            (0.39, 0.115, rug),
            (0.33, 0.095, rug * 0.9 + 22),
        ):
            c.ellipse(cx, cy, rx, ry, colour)
    c.rectangle(-1, horizon - 0.022, 2, horizon + 0.002, np.clip(wall * 0.3 + 172, 0, 250))
    c.gradient(horizon, horizon + 0.012, floor * 0.7, floor * 0.95)
    side = c.pick(-1.0, 1.0) * c.uniform(0.3, 0.7)
    return horizon, Light(
        (side, 0.7, 0.75), (1.0, 0.97, 0.9), (0.53, 0.52, 0.50), (0.34, 0.31, 0.28)
    )


def _wall(c: Canvas, horizon: float, wall) -> None:
    """Plain, striped or dotted."""
    c.gradient(0, horizon, wall * 1.03, wall * 0.94)
    design = c.rng.random()
    if design < 0.35:
        stripes = np.sin(c.x * np.pi * c.rng.integers(14, 30) + c.uniform(0, 6))
        c.image *= 1 + (0.03 * np.tanh(stripes * 4) * (c.y < horizon))[..., None]
    elif design < 0.55:
        n = c.rng.integers(9, 15)
        u, v = c.x * n, c.y * n
        dots = np.hypot((u + 0.5 * (np.floor(v) % 2)) % 1 - 0.5, v % 1 - 0.5)
        c.over(wall * c.pick(0.88, 1.1), c.step((0.16 - dots) / n) * (c.y < horizon) * 0.8)


def _window(c: Canvas) -> None:
    """A window with a view, a sill and perhaps curtains."""
    left, top = c.uniform(0.02, 0.7), c.uniform(0.02, 0.1)
    right, bottom = left + c.uniform(0.2, 0.3), top + c.uniform(0.2, 0.3)
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    c.rectangle(left - 0.015, top - 0.015, right + 0.015, bottom + 0.015, WHITE_PAINT)
    found = c.window(left, top, right, bottom)
    if found:
        box, x, y = found
        inside = c.between(x, left, right) * c.between(y, top, bottom)
        t = np.clip((y - top) / (bottom - top), 0, 1)[..., None]
        c.over(np.array((150, 196, 232)) * (1 - t) + np.array((222, 236, 240)) * t, inside, box)
        hedge = c.step(y - top - 0.75 * (bottom - top) - 0.02 * np.sin(x * 30 + 1))
        c.over((128, 168, 106), hedge * inside, box)
    c.rectangle(middle_x - 0.006, top, middle_x + 0.006, bottom, WHITE_PAINT)
    c.rectangle(left, middle_y - 0.006, right, middle_y + 0.006, WHITE_PAINT)
    c.rectangle(left - 0.03, bottom + 0.012, right + 0.03, bottom + 0.028, (236, 232, 224))
    if c.chance(0.6):
        cloth = c.vary(c.pick(*CLOTHS), 8)
        for x0, x1 in ((left - 0.06, left + 0.04), (right - 0.04, right + 0.06)):
            found = c.window(x0, top - 0.03, x1, bottom + 0.05)
            if found:
                box, x, y = found
                folds = (0.9 + 0.12 * np.sin(x * 190))[..., None]
                c.over(
                    cloth * folds,
                    c.between(x, x0, x1) * c.between(y, top - 0.03, bottom + 0.05),
                    box,
                )


def _picture(c: Canvas, wall) -> None:
    """A framed picture and its shadow on the wall."""
    left, top, width, height = c.rng.uniform((0, 0.04, 0.08, 0.08), (0.85, 0.22, 0.17, 0.17))
    right, bottom = left + width, top + height
    paint = c.vary(c.pick(*PICTURES), 10)
    c.rectangle(left + 0.006, top + 0.008, right + 0.006, bottom + 0.008, wall * 0.8)
    for inset, colour in (
        (0, c.vary(c.pick(*FRAMES), 6)),
        (0.012, c.vary((238, 234, 226), 3)),
        (0.025, paint),
    ):
        c.rectangle(left + inset, top + inset, right - inset, bottom - inset, colour)
    c.ellipse(
        left + 0.6 * width, top + 0.45 * height, 0.13 * width, 0.13 * width, paint * 0.5 + 120
    )


def _floor(c: Canvas, horizon: float) -> np.ndarray:
    """Floorboards that run away from the viewer, or a carpet. Returns the floor's colour."""
    if not c.chance(0.65):
        floor = c.vary(c.pick(*CARPETS), 6)
        ground(c, horizon, floor * 0.95, floor * 1.05, 0.03, 0.01, 1.0)
        return floor
    floor = c.vary(c.pick(*WOODS), 6)
    ground(c, horizon, floor * 0.92, floor * 1.06, 0.02, 0.03, 1.0)
    t = np.clip((c.y - horizon) / (1 - horizon), 0, 1)
    u = (c.x - c.uniform(0.3, 0.7)) / (0.55 + 1.0 * t) * c.uniform(9, 14)
    board = np.floor(u)
    c.image *= 1 + ((((board * 0.618) % 1) - 0.5) * 0.12 * (t > 0))[..., None]
    seam = np.abs(u - board - 0.5)
    c.image *= 1 - (0.28 * np.clip((seam - 0.46) / 0.03, 0, 1) * (t > 0))[..., None]
    return floor
