"""Backdrops in daylight.

Each paints a canvas and returns the horizon (share of the height) and the light.
"""

from __future__ import annotations

import numpy as np

from drawn_world.renderer.shading import Light
from drawn_world.scenes.canvas import Canvas
from drawn_world.scenes.scenery import buildings, ground, hills, ridge, sky, trees


def day(c: Canvas, tint=(0.30, 0.29, 0.27)) -> Light:
    """The light of a day, on ground of that tint."""
    side = c.pick(-1.0, 1.0) * c.uniform(0.2, 0.6)
    if c.shifted:
        return Light((side * 1.8, 0.45, 0.5), (1.05, 0.88, 0.72), (0.50, 0.48, 0.56), tint)
    return Light(
        (side, c.uniform(0.6, 0.9), c.uniform(0.5, 0.8)),
        (1.02, 1.0, 0.95),
        (0.54, 0.57, 0.62),
        tint,
    )


def grass(c: Canvas) -> tuple[float, Light]:
    """A meadow with trees."""
    horizon = c.uniform(0.36, 0.56)
    sky(c, horizon)
    hills(c, horizon, ((150, 176, 186), (120, 156, 132), (98, 142, 92)))
    if c.rng.random() < 0.12:
        buildings(c, horizon)
    trees(c, horizon, 5)
    near = c.vary(c.pick((92, 146, 62), (106, 152, 70), (80, 134, 64), (128, 150, 78)), 6)
    far = near * 0.7 + np.array((150, 180, 110)) * 0.36
    ground(c, horizon, far, near * 0.92, 0.045, 0.035)
    # blades: short upright strokes, longer near the viewer
    for _ in range(c.rng.integers(20, 60)):
        t = c.rng.random() ** 0.7
        x, y, tall = c.rng.random(), horizon + 0.03 + t * (0.97 - horizon), 0.008 + 0.022 * t
        c.ellipse(x, y, 0.0028 + 0.002 * t, tall, near * c.pick(0.8, 1.12, 1.2), 0.5, 0.7)
    if c.rng.random() < 0.35:
        petal = c.pick((250, 250, 245), (246, 216, 80), (232, 140, 170), (160, 130, 210))
        for _ in range(c.rng.integers(5, 25)):
            t = c.rng.random() ** 0.6
            c.ellipse(
                c.rng.random(),
                horizon + 0.03 + t * (0.97 - horizon),
                0.004 + 0.006 * t,
                0.003 + 0.005 * t,
                petal,
                0.9,
                0.4,
            )
    return horizon, day(c, (0.27, 0.31, 0.20))


def road(c: Canvas) -> tuple[float, Light]:
    """A road through a street or through the country."""
    horizon = c.uniform(0.36, 0.52)
    sky(c, horizon)
    if c.rng.random() < 0.6:
        buildings(c, horizon)
        if c.rng.random() < 0.4:
            trees(c, horizon, 3)
    else:
        hills(c, horizon, ((150, 176, 186), (126, 158, 136), (108, 146, 98)))
        trees(c, horizon, 4)
    verge = horizon + c.uniform(0.02, 0.07)
    c.gradient(
        horizon,
        verge,
        *(c.pick(((126, 158, 96), (112, 148, 84)), ((186, 182, 174), (172, 168, 160)))),
    )
    asphalt = c.vary(c.pick((112, 114, 118), (126, 124, 122), (98, 101, 108)), 5)
    ground(c, verge, asphalt * 1.12, asphalt * 0.94, 0.03, 0.02, 3.0)
    c.rectangle(-1, verge - 0.006, 2, verge + 0.008, c.vary((196, 194, 188), 4))
    paint = c.vary(c.pick((236, 234, 226), (236, 234, 226), (236, 202, 96)), 3)
    line, half = verge + c.uniform(0.3, 0.55) * (1 - verge), 0.009
    dash, gap = c.uniform(0.14, 0.22), c.uniform(0.1, 0.16)
    x = c.uniform(-0.2, 0.0)
    while x < 1:
        found = c.window(x - 0.02, line - half, x + dash + 0.02, line + half)
        if found:
            box, px, py = found
            slant = (py - line) * 0.6
            c.over(
                paint,
                c.step(np.minimum(px - slant - x, x + dash + slant - px))
                * c.step(half - np.abs(py - line))
                * 0.9,
                box,
            )
        x += dash + gap
    if c.rng.random() < 0.5:
        c.rectangle(-1, verge + 0.03, 2, verge + 0.042, paint)
    return verge, day(c, (0.29, 0.29, 0.30))


def sand(c: Canvas) -> tuple[float, Light]:
    """A beach or dunes."""
    horizon = c.uniform(0.36, 0.54)
    sky(c, horizon)
    near = c.vary(c.pick((222, 194, 144), (230, 206, 160), (214, 182, 132), (232, 214, 176)), 5)
    if c.rng.random() < 0.6:  # a beach
        shore = horizon + c.uniform(0.05, 0.12)
        deep = c.vary(c.pick((62, 128, 170), (74, 146, 172), (88, 150, 166)), 6)
        c.gradient(horizon, shore, deep, deep * 0.6 + np.array((190, 222, 214)) * 0.4)
        ground(c, shore, near * 0.94, near, 0.02, 0.02)
        edge = (
            shore
            + 0.008 * np.sin(c.x * c.uniform(9, 16) + c.uniform(0, 6))
            + 0.004 * np.sin(c.x * 31)
        )
        c.over(deep * 0.5 + 110, c.step(edge - c.y) * c.step(c.y - shore + 0.02))
        c.over((248, 250, 248), np.clip(1 - np.abs(c.y - edge) / 0.008, 0, 1) * 0.9)
        horizon = shore
    else:  # dunes
        for k in range(c.rng.integers(1, 4)):
            ridge(c, 0.09 - 0.025 * k, 0.07, near * (0.86 + 0.05 * k), horizon, 0.4)
        ground(c, horizon, near * 0.95, near, 0.02, 0.02)
    t = np.clip((c.y - horizon) / (1 - horizon), 0, 1)
    ripple = np.sin(60 * np.sqrt(t + 0.02) + 1.2 * c.noise(4, 3)) * np.clip(
        c.noise(3) * 0.6 + 0.2, 0, 1
    )
    c.image *= 1 + (0.022 * ripple * (t > 0))[..., None]
    return horizon, day(c, (0.36, 0.33, 0.26))


def snow(c: Canvas) -> tuple[float, Light]:
    """A snowy field with firs."""
    horizon = c.uniform(0.38, 0.56)
    sky(c, horizon)
    for k in range(c.rng.integers(0, 3)):
        height = 0.15 - 0.06 * k
        ridge(c, height, height * 0.8, c.vary((196, 208, 226), 4) + 14 * k, horizon, 1.3)
    trees(c, horizon, 6, (66, 104, 88), snow=True)
    near = c.vary((238, 243, 250), 2)
    c.gradient(horizon, 1.0, (220, 230, 243), near, 0.6)
    for k in range(3):  # soft drifts, each with a blue shadow below its crest
        foot = horizon + (0.06 + 0.17 * k) * c.uniform(0.8, 1.5)
        crest = (
            foot
            + 0.02 * np.sin(c.x * c.uniform(3, 7) + c.uniform(0, 6))
            + 0.01 * np.sin(c.x * c.uniform(8, 12) + c.uniform(0, 6))
        )
        below = c.y - crest
        c.image -= (
            np.where(below > 0, np.exp(-np.maximum(below, 0) / 0.09), 0) * c.uniform(0.4, 1.0)
        )[..., None] * (17, 12, 4)
    return horizon, day(c, (0.42, 0.44, 0.48))


def sky_scene(c: Canvas) -> tuple[float, Light]:
    """Sky, and perhaps a distant ridge at its foot; nothing can stand."""
    horizon = 1.02 if c.rng.random() < 0.6 else c.uniform(0.86, 0.95)
    sky(c, max(horizon, 1.0), clouds=0.9)
    if horizon < 1:
        ridge(c, 0.04, 0.05, c.vary((150, 176, 186), 5), 1.0)
        ridge(c, 0.02, 0.03, c.vary((118, 152, 118), 5), 1.0)
    return 1.02, day(c, (0.40, 0.42, 0.45))
