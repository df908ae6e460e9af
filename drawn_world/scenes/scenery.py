"""What several backdrops share: sky, clouds, hills, trees, houses, and ground.

The ground lies flat in perspective.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from drawn_world.scenes.canvas import Canvas

SKIES = (  # zenith, horizon
    ((92, 156, 222), (206, 228, 240)),
    ((120, 176, 226), (226, 236, 240)),
    ((86, 140, 206), (190, 216, 236)),
    ((140, 182, 216), (232, 234, 228)),
    ((128, 166, 206), (240, 224, 206)),
    ((166, 186, 204), (218, 224, 228)),
)
SHIFTED_SKIES = (
    ((82, 74, 130), (244, 170, 120)),
    ((196, 132, 140), (250, 214, 160)),
    ((90, 110, 116), (176, 190, 186)),
)
WALLS = (
    (206, 180, 156),
    (188, 150, 128),
    (214, 206, 190),
    (168, 176, 186),
    (196, 190, 170),
    (176, 130, 112),
)


def sky(c: Canvas, horizon: float, clouds: float = 0.8) -> None:
    """Sky from the upper edge to the horizon; with probability `clouds` fleecy or heaped clouds."""
    zenith, low = c.pick(*(SHIFTED_SKIES if c.shifted else SKIES))
    c.gradient(0, horizon + 2 * c.pixel, c.vary(zenith, 9), c.vary(low, 5), 0.9)
    if c.chance(1 - clouds):
        return
    if c.chance(0.4):
        rows = np.s_[: int(np.ceil(min(horizon, 1.0) * c.size))]
        veil = (
            0.6 * c.noise(5, 9)[rows] + 0.35 * c.noise(11, 20)[rows] + 0.2 * c.noise(23, 40)[rows]
        )
        fade = np.clip((horizon - c.y[rows]) / 0.12, 0, 1)
        c.over(c.vary((250, 251, 252), 2), np.clip(0.45 * veil - 0.05, 0, 0.75) * fade, rows)
    else:
        for _ in range(c.rng.integers(1, 5)):
            _cloud(
                c,
                c.uniform(-0.05, 1.05),
                c.uniform(0.04, max(0.06, horizon * 0.7)),
                c.uniform(0.09, 0.2),
            )


def _cloud(c: Canvas, cx: float, cy: float, width: float) -> None:
    """A heap of soft balls above a flat base."""
    found = c.window(cx - 1.3 * width, cy - width, cx + 1.3 * width, cy + 0.3 * width)
    if not found:
        return
    box, x, y = found
    body = 0.0
    for _ in range(7):
        px, py = cx + c.uniform(-0.7, 0.7) * width, cy - c.uniform(0, 0.3) * width
        body = body + np.exp(
            -((x - px) ** 2 + (y - py) ** 2 * 1.9) / (0.5 * (width * c.uniform(0.28, 0.5)) ** 2)
        )
    base = np.clip((cy + 0.16 * width - y) / (0.22 * width), 0, 1)
    shade = np.clip((y - cy + 0.2 * width) / width, 0, 0.6)[..., None] * np.array(
        (40, 34, 24), np.float32
    )
    c.over(253 - shade, np.clip((body - 0.25) * 1.7, 0, 0.95) * base, box)


def ridge(c: Canvas, height: float, swing: float, colour, foot: float, rough: float = 1.0) -> None:
    """A line of hills: everything between a wavy ridge, `height` above the `foot`, and the foot."""
    line = 0.0
    for k in (3, 6, 11 * rough, 19 * rough):
        line = line + np.sin(c.x * k * c.uniform(0.8, 1.2) + c.uniform(0, 6.3)) / k**0.8
    top = foot - height - swing * 0.5 * line
    shade = np.clip(1.06 - 0.12 * (c.y - top) / max(height, 1e-3), 0.9, 1.06)[..., None]
    c.over(np.asarray(colour, np.float32) * shade, c.step(c.y - top) * c.step(foot + c.pixel - c.y))


def hills(c: Canvas, horizon: float, colours) -> None:
    """Some of the ridges given by `colours`, from the hazy far one to the near one."""
    for k in range(c.rng.integers(0, len(colours) + 1)):
        height = (0.11 - 0.03 * k) * c.uniform(0.4, 1.3)
        ridge(c, height, height * 0.5, c.vary(colours[k], 5), horizon)


def tree(c: Canvas, x: float, foot: float, height: float, leaves, snow: bool = False) -> None:
    """A round tree or a fir; in snow always a fir, powdered white."""
    leaves = np.asarray(leaves, np.float32)
    light, dark, trunk = np.clip(leaves * 1.16 + 6, 0, 255), leaves * 0.78, (92, 68, 48)
    c.ellipse(x, foot, height * 0.28, height * 0.035, leaves * 0.45, 0.5, 0.8)
    if snow or c.chance(0.35):
        c.rectangle(x - 0.03 * height, foot - 0.2 * height, x + 0.03 * height, foot, trunk)
        for k in range(4):
            half = height * (0.13 + 0.055 * k)
            _fir_branch(
                c,
                x,
                foot - height * (1 - 0.2 * k),
                foot - height * (0.58 - 0.15 * k),
                half,
                light,
                dark,
                snow,
            )
        return
    c.rectangle(x - 0.045 * height, foot - 0.5 * height, x + 0.045 * height, foot, trunk)
    crown = c.rng.uniform((-0.17, 0.5, 0.15), (0.17, 0.8, 0.23), (7, 3)) * height
    for px, py, r in crown:
        c.ellipse(x + px + 0.02 * height, foot - py + 0.025 * height, r, r * 0.95, dark)
    for px, py, r in crown:
        c.ellipse(
            x + px - 0.015 * height, foot - py - 0.02 * height, r * 0.85, r * 0.8, leaves, 0.95, 0.3
        )
        c.ellipse(
            x + px - 0.05 * height, foot - py - 0.06 * height, r * 0.5, r * 0.45, light, 0.55, 0.9
        )


def _fir_branch(c: Canvas, x, top, bottom, half, light, dark, snow: bool) -> None:
    found = c.window(x - half, top, x + half, bottom)
    if not found:
        return
    box, px, py = found
    down = (py - top) / (bottom - top)
    side = np.clip((px - x) / half * 0.5 + 0.5, 0, 1)[..., None]
    colour = light * (1 - side) + dark * side
    if snow:
        colour = colour + np.clip(1.1 - down * 1.7, 0, 0.85)[..., None] * (
            np.array((244, 247, 252)) - colour
        )
    c.over(colour, c.step((half * down - np.abs(px - x)) * 0.8) * c.step(bottom - py), box)


def trees(c: Canvas, horizon: float, most: int, leaves=(74, 122, 62), snow: bool = False) -> None:
    """Up to `most` trees along the horizon."""
    for _ in range(c.rng.integers(0, most + 1)):
        tree(
            c,
            c.uniform(-0.03, 1.03),
            horizon + c.uniform(-0.004, 0.03),
            c.uniform(0.11, 0.26),
            c.vary(leaves, 9),
            snow,
        )


def buildings(c: Canvas, horizon: float, night: bool = False) -> None:
    """A street front: houses with rows of windows and gabled or flat roofs."""
    x = c.uniform(-0.1, 0.25)
    while x < 1.0 and c.chance(0.9):
        width, height = c.uniform(0.12, 0.26), c.uniform(0.12, 0.34)
        wall = c.vary(c.pick(*WALLS))
        if night:
            wall = wall * 0.2 + np.array((6, 8, 16))
        _house(c, x, horizon - height, x + width, horizon + 0.004, wall, night)
        x += width + c.pick(0.0, 0.004, c.uniform(0.02, 0.2))


def _house(c: Canvas, left, top, right, bottom, wall, night: bool) -> None:
    width, height, roof = right - left, bottom - top, wall * 0.62
    c.rectangle(left, top, right, bottom, wall)
    if c.chance(0.5):
        found = c.window(left - 0.015, top - 0.35 * width, right + 0.015, top)
        if found:
            box, x, y = found
            slope = 0.5 * width + 0.015 - np.abs(x - left - width / 2) - (top - y) * 1.7
            c.over(roof, c.step(slope) * c.step(top - y), box)
    else:
        c.rectangle(left - 0.006, top - 0.012, right + 0.006, top + 0.004, roof)
    columns, rows = max(2, round(width / 0.06)), max(1, round(height / 0.085))
    dx, dy = width / columns, height / rows
    for i in range(columns):
        for j in range(rows):
            x, y = left + (i + 0.5) * dx, top + (j + 0.55) * dy
            pane = np.array((108, 126, 142)) * (0.25 if night else c.uniform(0.85, 1.15))
            if night and c.chance(0.45):
                pane = c.vary((250, 214, 130), 6)
            c.rectangle(x - 0.2 * dx, y - 0.25 * dy, x + 0.2 * dx, y + 0.25 * dy, pane)


@lru_cache(maxsize=1)
def _texture() -> np.ndarray:
    """Noise float32 [256, 256] that repeats without a seam, standard deviation 1.

    Features are about four cells wide.
    """
    table = np.random.default_rng(11).standard_normal((256, 256)).astype(np.float32)
    for axis in (0, 1, 0, 1):
        table = table + np.roll(table, 1, axis) + np.roll(table, -1, axis)
    return table / table.std()


def ground(
    c: Canvas, horizon: float, far, near, grain: float, patches: float, streak: float = 2.0
) -> None:
    """The ground below the horizon: a soft gradient with broad patches and a fine grain.

    Both lie flat in perspective.

    Args:
        c: canvas to paint on.
        horizon: where the ground begins.
        far: colour at the horizon.
        near: colour at the lower border.
        grain: how much the grain changes the brightness.
        patches: how much the patches do.
        streak: how much wider than deep the grain is.
    """
    c.gradient(horizon, 1.0, far, near, 0.7)
    first = max(int(horizon * c.size) - 1, 0)
    if first >= c.size:
        return
    rows = np.s_[first:]
    t = np.clip((c.y[rows] - horizon) / max(1 - horizon, 1e-6), 0, 1)
    away = 1 / (t + 0.32)
    u, v = (c.x - 0.5) * away, np.broadcast_to(away, (len(t), c.size))
    table, shift = _texture(), c.rng.integers(0, 256, 2)

    def sample(frequency: float) -> np.ndarray:
        # The offset keeps coordinates positive, where truncation is the same as rounding down.
        across = (u * (frequency / streak) + (1024 + shift[0])).astype(np.int64)
        along = (v * frequency + shift[1]).astype(np.int64)
        return table[along & 255, across & 255]

    clear = np.clip(t * 2.2 + 0.12, 0, 1)  # far away the grain is too fine to see
    texture = grain * clear * (0.7 * sample(150.0) + 0.5 * sample(370.0))
    if patches:
        broad = c.noise(4, 9)[rows]
        texture = texture + patches * broad
    c.image[rows] *= 1 + (texture * c.step(c.y[rows] - horizon))[..., None]
