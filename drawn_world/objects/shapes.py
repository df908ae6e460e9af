"""Small helpers shared by the builders of vehicles and things: colours, rotations, lofts, patterns.

Everything here only calls the primitives of ``render.Sculpture``. Points are in the object frame: +x forward,
+y up with the ground at y = 0, +z to the side; lengths in metres.
"""

from __future__ import annotations

import numpy as np

from drawn_world.renderer import Material, Sculpture, rotation

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
    base = np.asarray(NAMED_COLOURS[colour], float) * rng.uniform(0.92, 1.08) + rng.normal(0.0, spread, 3)
    return tuple(np.clip(base, 12, 250))


def shade(rgb, factor: float) -> tuple[float, float, float]:
    """Scale an RGB triple, clipped to 0..255."""
    return tuple(np.clip(np.asarray(rgb, float) * factor, 0, 255))


def blend(first, second, amount: float) -> tuple[float, float, float]:
    """Mix two RGB triples; ``amount`` 0 gives the first, 1 the second."""
    return tuple(np.asarray(first, float) * (1 - amount) + np.asarray(second, float) * amount)


def pick(rng: np.random.Generator, *options):
    """One of the options; unlike ``rng.choice`` it returns the option itself, whatever its type."""
    return options[int(rng.integers(len(options)))]


def turned(pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """3x3 rotation in degrees: roll about x, then pitch (nose up) about z, then yaw (nose to -z) about y."""
    return rotation("y", yaw) @ rotation("z", pitch) @ rotation("x", roll)


def frame(along, across_hint=(0.0, 0.0, 1.0)) -> np.ndarray:
    """3x3 rotation whose columns are: ``along``, a normal, and the direction nearest to ``across_hint``."""
    along = np.asarray(along, float) / np.linalg.norm(along)
    across = np.asarray(across_hint, float) - np.dot(across_hint, along) * along
    if np.linalg.norm(across) < 1e-6:
        across = np.cross(along, (0.36, 0.48, 0.8))
    across /= np.linalg.norm(across)
    return np.stack([along, np.cross(across, along), across], axis=1)


def loft(sculpture, stations, material, part, flatness: float = 0.35) -> None:
    """A smooth upright body from horizontal ellipses.

    stations: rows (x, y, half depth along x, half width along z) from bottom to top; the
              ratio of depth to width is that of the widest row
    flatness: height of the rounded ends as a share of their half width
    """
    stations = np.asarray(stations, float)
    widest = stations[stations[:, 3].argmax()]
    points = np.column_stack([stations[:, :2], np.zeros(len(stations))])
    sculpture.sweep(points, stations[:, 3], material, part, shape=(widest[2] / widest[3], flatness, 1.0))


def turned_body(sculpture, outline, material, part, flatness: float = 0.1) -> None:
    """A body turned about the y axis, with almost flat ends; rows of ``outline`` are (height, radius)."""
    outline = np.asarray(outline, float)
    points = np.zeros((len(outline), 3))
    points[:, 1] = outline[:, 0]
    points[0, 1] += flatness * outline[0, 1]
    sculpture.sweep(points, outline[:, 1], material, part, shape=(1.0, flatness, 1.0))


def box(sculpture, centre, half, material, part) -> None:
    """An axis-aligned box; ``half`` are the half lengths along x, y, z."""
    (x, y, z), (a, b, c) = centre, half
    corners = [(x - a, y - b, z), (x + a, y - b, z), (x + a, y + b, z), (x - a, y + b, z)]
    offset_box(sculpture, corners, z - c, z + c, material, part)


def offset_box(sculpture, profile, z_low, z_high, material, part, move=lambda points: points) -> None:
    """A convex profile in x-y between two z planes that need not be symmetric; ``move`` turns all points."""
    profile = np.asarray(profile, float)[:, :2]
    low = move(np.column_stack([profile, np.full(len(profile), z_low)]))
    high = move(np.column_stack([profile, np.full(len(profile), z_high)]))
    sculpture.face(low, material, part)
    sculpture.face(high, material, part)
    for i in range(len(profile)):
        j = (i + 1) % len(profile)
        sculpture.face(np.stack([low[i], low[j], high[j], high[i]]), material, part)


def ring_points(centre, radius: float, count: int, axis: str = "z") -> np.ndarray:
    """[count + 1, 3] points of a closed circle in the plane across ``axis`` ("z": a wheel; "y": a rim)."""
    angle = np.linspace(0, 2 * np.pi, count + 1)
    across, up = radius * np.cos(angle), radius * np.sin(angle)
    flat = np.zeros_like(angle)
    offset = np.stack([across, up, flat] if axis == "z" else [across, flat, up], axis=1)
    return np.asarray(centre, float) + offset


def stripes(axis: int, period: float, share: float = 0.5, phase: float = 0.0):
    """A pattern for ``Material``: bands across an axis, ``share`` of each period in the second colour."""

    def pattern(points):
        return (((points[:, axis] / period + phase) % 1.0) < share).astype(np.float32)

    return pattern


def band(axis: int, low: float, high: float):
    """A pattern for ``Material``: second colour where low <= coordinate <= high."""

    def pattern(points):
        return ((points[:, axis] >= low) & (points[:, axis] <= high)).astype(np.float32)

    return pattern


def hub_pattern(centre, radius: float, spokes: int, axis):
    """A pattern for a hub's face: second colour between ``spokes`` spokes (0: a ring near the edge)."""
    centre, axis = np.asarray(centre, float), np.asarray(axis, float)
    first = np.cross(axis, (0.0, 1.0, 0.0))
    first /= np.linalg.norm(first)
    second = np.cross(first, axis)

    def pattern(points):
        offset = points - centre
        across, up = offset @ first / radius, offset @ second / radius
        distance = np.hypot(across, up)
        if spokes == 0:
            return ((distance > 0.66) & (distance < 0.8)) * 1.0
        between = np.cos(spokes * np.arctan2(up, across)) < 0.25
        return (between & (distance > 0.34) & (distance < 0.86)) * 1.0

    return pattern


class Steering:
    """Turns points about a vertical axis through ``pivot``; the angle is in degrees."""

    def __init__(self, pivot, angle: float):
        self.pivot = np.array([pivot[0], 0.0, 0.0])
        self.turn = turned(yaw=angle)

    def __call__(self, points) -> np.ndarray:
        return (np.asarray(points, float) - self.pivot) @ self.turn.T + self.pivot


class Tilted:
    """Passes solids on to a sculpture, all of them turned by one rotation: an aeroplane banks and climbs.

    Patterns turn along: they are evaluated where the solid was before.
    """

    def __init__(self, sculpture: Sculpture, turn):
        self.sculpture, self.turn, self._materials = sculpture, np.asarray(turn, float), {}

    def _points(self, points):
        return np.asarray(points, float) @ self.turn.T

    def _material(self, material):
        if material is None or material.pattern is None:
            return material
        if id(material) not in self._materials:
            back = self.turn.astype(np.float32)
            wrapped = Material(
                material.colour, material.finish, lambda p: material.pattern(p @ back), material.colour2
            )
            self._materials[id(material)] = (
                wrapped,
                material,
            )  # the original stays alive, so its id stays taken
        return self._materials[id(material)][0]

    def ellipsoid(self, centre, radii, material, part, rotation=None) -> None:
        turn = self.turn if rotation is None else self.turn @ rotation
        self.sculpture.ellipsoid(self._points(centre), radii, self._material(material), part, rotation=turn)

    def sweep(self, points, radii, material, part, shape=(1.0, 1.0, 1.0)) -> None:
        shape = np.asarray(shape, float)
        self.sculpture.sweep(
            self._points(points),
            radii,
            self._material(material),
            part,
            shape=self.turn @ (np.diag(shape) if shape.ndim == 1 else shape),
        )

    def tube(self, points, radius, material, part) -> None:
        self.sculpture.tube(self._points(points), radius, self._material(material), part)

    def face(self, points, material, part) -> None:
        self.sculpture.face(self._points(points), self._material(material), part)

    def disc(self, centre, normal, radius, material, part) -> None:
        self.sculpture.disc(
            self._points(centre), self._points(normal), radius, self._material(material), part
        )

    def cylinder(self, centre, axis, radius, half_length, material, part, cap_material=None) -> None:
        self.sculpture.cylinder(
            self._points(centre),
            self._points(axis),
            radius,
            half_length,
            self._material(material),
            part,
            cap_material=self._material(cap_material),
        )
