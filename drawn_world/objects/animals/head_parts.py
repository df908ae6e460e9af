"""What the heads of four-legged animals are made of, in skull radii, x toward the nose."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.frame import Frame, flattened
from drawn_world.objects.animals.quadruped import Coat
from drawn_world.renderer import Material, Sculpture

PUPIL = Material((18, 15, 16), "glass")
HORN = Material((206, 194, 164), "skin")


def eyes(s: Sculpture, f: Frame, coat: Coat, x: float, y: float, z: float, radius: float) -> None:
    """An eye on each side; with an iris where the coat has one, else all dark with a glint."""
    for side in (1, -1):
        r = radius * f.size
        if coat.iris is None:
            s.ellipsoid(f(x, y, side * z), (r, r, r), coat.eye, "eye")
        else:
            out = np.array([x, 0.4 * y, side * z]) / np.hypot(x, z)
            s.ellipsoid(f(x, y, side * z), (r, r, r), coat.iris, "eye")
            s.ellipsoid(
                f(*(np.array([x, y, side * z]) + out * radius * 0.5)), (0.7 * r,) * 3, PUPIL, "eye"
            )


def ear(
    s: Sculpture,
    f: Frame,
    outer: Material,
    inner: Material | None,
    points,
    radii,
    normal,
    thickness: float = 0.3,
) -> None:
    """A flat ear on each side.

    Args:
        s: sculpture to add them to.
        f: frame of the head.
        outer: material of the outside.
        inner: material of the inside; None for an ear that hangs.
        points: path along the right ear (z > 0), in the head's frame.
        radii: half widths along the path.
        normal: where the inside of the right ear looks.
        thickness: of the ear as a share of its width.
    """
    for side in (1, -1):
        mirror = np.array([1, 1, side])
        n = f.axes @ (np.asarray(normal, float) * mirror)
        n /= np.linalg.norm(n)
        path = np.array([f(*(np.asarray(p, float) * mirror)) for p in points])
        r = np.asarray(radii) * f.size
        s.sweep(path, r, outer, "ear", shape=flattened(n, thickness))
        if inner is not None:
            s.sweep(
                path + n * r.max() * thickness * 0.75,
                r * 0.62,
                inner,
                "ear",
                shape=flattened(n, thickness * 0.6),
            )


def snout(s, f, material, part, start, end, radii, shape=(1.0, 1.0, 0.9)) -> None:
    """A tapering piece of a face between two points of the head's frame."""
    middle = (np.asarray(start, float) + end) / 2
    s.sweep(
        [f(*start), f(*middle), f(*end)],
        np.array([radii[0], np.mean(radii) * 0.97, radii[1]]) * f.size,
        material,
        part,
        shape=f.axes @ np.diag(shape) @ f.axes.T,
    )


def ball(s, f, material, part, centre, radii) -> None:
    """An ellipsoid that turns with the head."""
    s.ellipsoid(f(*centre), np.asarray(radii) * f.size, material, part, rotation=f.axes)


def nostrils(s, f, material, x, y, z, r) -> None:
    """A nostril on each side of the muzzle."""
    for side in (1, -1):
        ball(s, f, material, "muzzle", (x, y, side * z), (r, r * 0.8, r * 0.7))


def horn(s, f, path, side, radii, material=HORN) -> None:
    """One horn, tine or beam along local points, mirrored to the left where `side` is -1."""
    points = [f(x, y, side * z) for x, y, z in path]
    s.sweep(points, np.array(radii) * f.size, material, "horn")
