"""Small helpers shared by the builders of vehicles and things: colours, rotations, lofts, patterns.

Everything here only calls the primitives of `render.Sculpture`. Points are in the object frame:
+x forward, +y up with the ground at y = 0, +z to the side; lengths in metres.
"""

from __future__ import annotations

import numpy as np

from drawn_world.renderer import rotation


def turned(pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation [3, 3] by angles in degrees.

    Roll about x, then pitch (nose up) about z, then yaw (nose to -z) about y.
    """
    return rotation("y", yaw) @ rotation("z", pitch) @ rotation("x", roll)


def frame(along, across_hint=(0.0, 0.0, 1.0)) -> np.ndarray:
    """Rotation [3, 3] with the columns `along`, a normal, and what is nearest to `across_hint`."""
    along = np.asarray(along, float) / np.linalg.norm(along)
    across = np.asarray(across_hint, float) - np.dot(across_hint, along) * along
    if np.linalg.norm(across) < 1e-6:
        across = np.cross(along, (0.36, 0.48, 0.8))
    across /= np.linalg.norm(across)
    return np.stack([along, np.cross(across, along), across], axis=1)


def loft(sculpture, stations, material, part, flatness: float = 0.35) -> None:
    """A smooth upright body from horizontal ellipses.

    Args:
        sculpture: to add it to.
        stations: rows (x, y, half depth along x, half width along z) from bottom to top; the ratio
            of depth to width is that of the widest row.
        material: of the body.
        part: of the body.
        flatness: height of the rounded ends as a share of their half width.
    """
    stations = np.asarray(stations, float)
    widest = stations[stations[:, 3].argmax()]
    points = np.column_stack([stations[:, :2], np.zeros(len(stations))])
    sculpture.sweep(
        points, stations[:, 3], material, part, shape=(widest[2] / widest[3], flatness, 1.0)
    )


def turned_body(sculpture, outline, material, part) -> None:
    """A body turned about the y axis along rows (height, radius), with almost flat ends."""
    outline = np.asarray(outline, float)
    points = np.zeros((len(outline), 3))
    points[:, 1] = outline[:, 0]
    points[0, 1] += 0.1 * outline[0, 1]
    sculpture.sweep(points, outline[:, 1], material, part, shape=(1.0, 0.1, 1.0))


def box(sculpture, centre, half, material, part) -> None:
    """An axis-aligned box; `half` are the half lengths along x, y, z."""
    (x, y, z), (a, b, c) = centre, half
    corners = [(x - a, y - b, z), (x + a, y - b, z), (x + a, y + b, z), (x - a, y + b, z)]
    offset_box(sculpture, corners, z - c, z + c, material, part)


def offset_box(
    sculpture, profile, z_low, z_high, material, part, move=lambda points: points
) -> None:
    """A convex profile in x-y between two z planes, which need not be symmetric.

    `move` turns all points.
    """
    profile = np.asarray(profile, float)[:, :2]
    low = move(np.column_stack([profile, np.full(len(profile), z_low)]))
    high = move(np.column_stack([profile, np.full(len(profile), z_high)]))
    sculpture.face(low, material, part)
    sculpture.face(high, material, part)
    for i in range(len(profile)):
        j = (i + 1) % len(profile)
        sculpture.face(np.stack([low[i], low[j], high[j], high[i]]), material, part)


def ring_points(centre, radius: float, count: int) -> np.ndarray:
    """Points [count + 1, 3] of a closed circle around `centre` in the x-y plane: a wheel's."""
    angle = np.linspace(0, 2 * np.pi, count + 1)
    across, up = radius * np.cos(angle), radius * np.sin(angle)
    return np.asarray(centre, float) + np.stack([across, up, np.zeros_like(angle)], axis=1)
