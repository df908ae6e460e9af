"""Backdrops that only the shifted split shows: night, forest and studio.

Each paints a canvas and returns the horizon (share of the height) and the light.
"""

from __future__ import annotations

import numpy as np

from drawn_world.renderer.shading import Light
from drawn_world.scenes.canvas import Canvas
from drawn_world.scenes.scenery import buildings, ground, ridge, trees


def night(c: Canvas) -> tuple[float, Light]:
    """A moonlit street or wood."""
    horizon = c.uniform(0.4, 0.56)
    c.gradient(0, horizon + 2 * c.pixel, c.vary((14, 20, 48), 4), c.vary((54, 66, 112), 5))
    for _ in range(40):
        r = c.uniform(0.0025, 0.005)
        c.ellipse(
            c.rng.random(),
            c.rng.random() * horizon,
            r,
            r,
            (240, 240, 225),
            c.uniform(0.4, 1.0),
            0.8,
        )
    moon_x, moon_y, r = c.uniform(0.1, 0.9), c.uniform(0.08, 0.22), c.uniform(0.035, 0.06)
    c.ellipse(moon_x, moon_y, 4 * r, 4 * r, (150, 160, 200), 0.28, 1.0)
    c.ellipse(moon_x, moon_y, r, r, (244, 240, 222))
    ridge(c, 0.07, 0.05, (28, 36, 64), horizon)
    if c.rng.random() < 0.6:
        buildings(c, horizon, night=True)
    else:
        trees(c, horizon, 5, (24, 42, 44))
    near = c.pick((40, 52, 62), (38, 56, 50), (52, 52, 64))
    ground(c, horizon, np.array(near) * 0.9, np.array(near) * 1.15, 0.03, 0.03)
    return horizon, Light(
        (moon_x * 2 - 1, 0.8, 0.55), (0.62, 0.68, 0.88), (0.26, 0.30, 0.44), (0.14, 0.15, 0.20)
    )


def forest(c: Canvas) -> tuple[float, Light]:
    """Trunks in green light."""
    horizon = c.uniform(0.44, 0.58)
    c.gradient(0, horizon + 2 * c.pixel, c.vary((140, 172, 120), 6), c.vary((196, 210, 160), 5))
    veil = 0.7 * c.noise(7, 7) + 0.4 * c.noise(15, 15)
    c.over((92, 128, 78), np.clip(0.3 + 0.5 * veil, 0, 0.8) * np.clip((horizon - c.y) / 0.05, 0, 1))
    for layer in range(3):  # far trunks are paler and thinner
        for _ in range(c.rng.integers(4, 8)):
            x, half = c.rng.random(), (0.007 + 0.009 * layer) * c.uniform(0.7, 1.3)
            foot = horizon + 0.012 + 0.03 * layer * c.rng.random()
            bark = (
                np.array((128, 136, 108)) * (1 - 0.33 * layer)
                + np.array((82, 64, 48)) * 0.33 * layer
            )
            found = c.window(x - 2 * half, 0, x + 2 * half, foot)
            if found:
                box, px, py = found
                wide = half * (1 + 0.7 * np.clip((py - foot + 0.06) / 0.06, 0, 1) ** 2)
                shade = np.clip(1.1 - 0.35 * (px - x) / half, 0.7, 1.4)[..., None]
                c.over(bark * shade, c.step(wide - np.abs(px - x)) * c.step(foot - py), box)
    floor = c.vary(c.pick((108, 96, 58), (96, 108, 58), (122, 92, 58)), 5)
    ground(c, horizon, floor * 0.7 + np.array((150, 160, 100)) * 0.3, floor, 0.07, 0.06, 2.0)
    for _ in range(60):
        t = c.rng.random()
        c.ellipse(
            c.rng.random(),
            horizon + 0.02 + t * 0.95 * (1 - horizon),
            0.004 + 0.008 * t,
            0.002 + 0.004 * t,
            c.pick((178, 118, 52), (142, 132, 60), (120, 76, 44), (90, 120, 60)),
            0.75,
            0.5,
        )
    canopy = np.clip(0.55 * c.noise(8, 8) + 0.5 - c.y / 0.22, 0, 1)
    c.over((58, 96, 50), canopy * 0.9)
    return horizon, Light(
        (c.uniform(-0.4, 0.4), 0.95, 0.4),
        (0.92, 0.95, 0.78),
        (0.42, 0.50, 0.38),
        (0.22, 0.22, 0.16),
    )


def studio(c: Canvas) -> tuple[float, Light]:
    """A seamless sheet of coloured paper."""
    horizon = c.uniform(0.5, 0.62)
    base = c.vary(
        c.pick(
            (206, 96, 90),
            (80, 130, 176),
            (232, 196, 96),
            (126, 166, 130),
            (196, 160, 196),
            (150, 154, 160),
            (236, 168, 120),
        ),
        8,
    )
    c.gradient(0, 1.0 + c.pixel, base * 0.86, base * 1.04)
    # a seamless paper sweep: no edge where wall and floor meet, only a change of light
    bend = 1 / (1 + np.exp(-(c.y - horizon) / 0.035))
    spot = np.exp(-((c.x - 0.5) ** 2 / 0.16 + (c.y - 0.45) ** 2 / 0.2))
    c.image *= (0.9 + 0.1 * bend + 0.16 * spot)[..., None]
    return horizon, Light(
        (c.pick(-1, 1) * 0.8, 0.6, 0.7), (1.05, 1.03, 1.0), (0.48, 0.48, 0.50), (0.34, 0.33, 0.33)
    )
