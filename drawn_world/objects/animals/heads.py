"""Heads of the four-legged species, in skull radii, x toward the nose."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.quadruped import Coat, Frame, flattened
from drawn_world.renderer import Material, Sculpture

PUPIL = Material((18, 15, 16), "glass")
HORN = Material((206, 194, 164), "skin")
ANTLER = Material((168, 140, 104), "skin")
COMB = Material((206, 40, 38), "skin")


def eyes(s: Sculpture, f: Frame, coat: Coat, x: float, y: float, z: float, radius: float) -> None:
    """An eye on each side; with an iris where the coat has one, else all dark with a glint."""
    for side in (1, -1):
        r = radius * f.size
        if coat.iris is None:
            s.ellipsoid(f(x, y, side * z), (r, r, r), coat.eye, "eye")
        else:
            out = np.array([x, 0.4 * y, side * z]) / np.hypot(x, z)
            s.ellipsoid(f(x, y, side * z), (r, r, r), coat.iris, "eye")
            s.ellipsoid(f(*(np.array([x, y, side * z]) + out * radius * 0.5)), (0.7 * r,) * 3, PUPIL, "eye")


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
    """A flat ear along local `points` for the right side (z > 0), mirrored to the left; `normal` is where its
    inside looks."""
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


def _snout(s, f, material, part, start, end, radii, shape=(1.0, 1.0, 0.9)) -> None:
    middle = (np.asarray(start, float) + end) / 2
    s.sweep(
        [f(*start), f(*middle), f(*end)],
        np.array([radii[0], np.mean(radii) * 0.97, radii[1]]) * f.size,
        material,
        part,
        shape=f.axes @ np.diag(shape) @ f.axes.T,
    )


def _ball(s, f, material, part, centre, radii) -> None:
    s.ellipsoid(f(*centre), np.asarray(radii) * f.size, material, part, rotation=f.axes)


def _nostrils(s, f, material, x, y, z, r) -> None:
    for side in (1, -1):
        _ball(s, f, material, "muzzle", (x, y, side * z), (r, r * 0.8, r * 0.7))


def cat_head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    _ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.92, 1.02))
    for side in (1, -1):
        _ball(s, f, coat.light, "head", (0.80, -0.36, side * 0.22), (0.36, 0.27, 0.30))
        _ball(s, f, coat.head, "head", (0.25, -0.32, side * 0.55), (0.55, 0.45, 0.45))
    _ball(s, f, coat.light, "head", (0.72, -0.56, 0), (0.30, 0.2, 0.28))
    _ball(s, f, coat.nose, "head", (1.09, -0.2, 0), (0.12, 0.1, 0.15))
    eyes(s, f, coat, 0.76, 0.14, 0.53, 0.235)
    ear(
        s,
        f,
        coat.head,
        coat.inner_ear,
        [(0.0, 0.55, 0.55), (-0.04, 1.05, 0.66), (-0.06, 1.55, 0.74)],
        [0.5, 0.3, 0.06],
        (0.85, 0, 0.5),
    )


def fox_head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    _ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.85, 0.95))
    for side in (1, -1):
        _ball(s, f, coat.light, "head", (0.1, -0.42, side * 0.62), (0.6, 0.36, 0.42))
    _snout(s, f, coat.head, "muzzle", (0.75, -0.12, 0), (1.85, -0.34, 0), (0.5, 0.2))
    _snout(s, f, coat.light, "muzzle", (0.7, -0.36, 0), (1.72, -0.48, 0), (0.42, 0.17))
    _ball(s, f, coat.nose, "muzzle", (2.02, -0.30, 0), (0.17, 0.15, 0.17))
    eyes(s, f, coat, 0.72, 0.22, 0.56, 0.19)
    ear(
        s,
        f,
        coat.dark,
        coat.inner_ear,
        [(-0.15, 0.5, 0.52), (-0.2, 1.2, 0.7), (-0.22, 1.85, 0.78)],
        [0.5, 0.34, 0.06],
        (0.85, 0, 0.5),
    )


def dog_head(ears: str, muzzle: float, blunt: float):
    """ears: "floppy", "pricked" or "folded"; muzzle: its length; blunt: its radius."""

    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        _ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.92, 0.88))
        tip = 0.65 + muzzle
        _snout(s, f, coat.head, "head", (0.2, -0.15, 0), (0.7, -0.2, 0), (0.75, blunt * 1.05))
        _snout(s, f, coat.light, "muzzle", (0.72, -0.22, 0), (tip, -0.34, 0), (blunt * 1.08, blunt * 0.8))
        _ball(s, f, coat.light, "muzzle", (tip - 0.1, -0.56, 0), (0.42, 0.2, blunt * 0.6))
        _ball(s, f, coat.nose, "muzzle", (tip + blunt * 0.72, -0.14, 0), (0.22, 0.2, 0.24))
        eyes(s, f, coat, 0.72, 0.24, 0.56, 0.2)
        if ears == "floppy":
            long = rng.uniform(0.75, 1.2)
            ear(
                s,
                f,
                coat.dark,
                None,
                [
                    (-0.15, 0.6, 0.66),
                    (-0.2, 0.25, 0.98),
                    (-0.1, -0.2 * long, 1.02),
                    (0.0, -0.75 * long, 0.95),
                ],
                [0.24, 0.36, 0.44, 0.26],
                (0.1, 0.15, 1),
                0.34,
            )
        elif ears == "folded":
            ear(
                s,
                f,
                coat.dark,
                None,
                [(-0.2, 0.65, 0.55), (-0.15, 1.1, 0.75), (0.25, 0.95, 0.92), (0.5, 0.55, 0.95)],
                [0.36, 0.34, 0.3, 0.1],
                (0.5, 0.2, 0.9),
                0.4,
            )
        else:
            ear(
                s,
                f,
                coat.head,
                coat.inner_ear,
                [(-0.25, 0.55, 0.5), (-0.3, 1.2, 0.6), (-0.3, 1.8, 0.62)],
                [0.46, 0.32, 0.07],
                (0.8, 0, 0.6),
            )

    return head


def cow_head(horns: bool):
    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        _ball(s, f, coat.head, "head", (0, 0.05, 0), (0.95, 0.85, 0.85))
        _snout(s, f, coat.head, "head", (0.2, -0.05, 0), (1.3, -0.2, 0), (0.82, 0.62))
        _snout(s, f, coat.head, "muzzle", (1.35, -0.24, 0), (1.75, -0.36, 0), (0.60, 0.56), (1, 1, 1))
        _ball(s, f, coat.light, "muzzle", (2.0, -0.42, 0), (0.48, 0.52, 0.64))
        _nostrils(s, f, coat.nose, 2.36, -0.26, 0.32, 0.13)
        eyes(s, f, coat, 0.62, 0.3, 0.66, 0.17)
        ear(
            s,
            f,
            coat.dark,
            coat.inner_ear,
            [(-0.35, 0.35, 0.7), (-0.45, 0.35, 1.2), (-0.55, 0.15, 1.75)],
            [0.22, 0.38, 0.1],
            (0.8, 0.35, -0.2),
            0.35,
        )
        if horns:
            grow, tilt = rng.uniform(0.75, 1.35), rng.uniform(-0.2, 0.5)
            for side in (1, -1):
                path = [
                    (-0.3, 0.7, 0.45),
                    (-0.25, 1.0, 0.45 + 0.6 * grow),
                    (0.0 + tilt, 1.0 + 0.65 * grow, 0.55 + 0.72 * grow),
                ]
                s.sweep(
                    [f(x, y, side * z) for x, y, z in path],
                    np.array([0.23, 0.18, 0.05]) * f.size,
                    HORN,
                    "horn",
                )
        _ball(s, f, coat.head, "head", (-0.15, 0.8, 0), (0.35, 0.25, 0.4))

    return head


def horse_head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    _ball(s, f, coat.head, "head", (0, 0, 0), (1.0, 0.95, 0.74))
    _ball(s, f, coat.head, "head", (0.15, -0.38, 0), (0.85, 0.66, 0.62))
    _snout(s, f, coat.head, "head", (0.3, -0.12, 0), (1.75, -0.22, 0), (0.80, 0.52), (1, 1, 0.82))
    _snout(s, f, coat.head, "muzzle", (1.8, -0.24, 0), (2.45, -0.32, 0), (0.50, 0.47), (1, 1, 0.9))
    _ball(s, f, coat.light, "muzzle", (2.6, -0.38, 0), (0.36, 0.42, 0.44))
    _nostrils(s, f, coat.nose, 2.82, -0.2, 0.27, 0.13)
    eyes(s, f, coat, 0.55, 0.28, 0.6, 0.16)
    ear(
        s,
        f,
        coat.head,
        coat.inner_ear,
        [(-0.4, 0.7, 0.35), (-0.38, 1.25, 0.44), (-0.28, 1.7, 0.4)],
        [0.2, 0.25, 0.05],
        (0.8, 0, 0.6),
        0.5,
    )
    for lock in (-0.2, 0.0, 0.2):
        s.sweep(
            [f(-0.5, 0.85, lock * 0.6), f(0.1, 1.02, lock), f(0.62, 0.72, lock * 1.3)],
            np.array([0.22, 0.2, 0.07]) * f.size,
            coat.dark,
            "head",
        )


def mane(s: Sculpture, f: Frame, body: Frame, coat: Coat, rng) -> None:
    """A mane from behind the ears down to the withers; its locks hang to both sides of the neck."""
    top, bottom = f(-0.75, 0.7, 0), body(0.27, 0.46 * 0.42, 0)
    bow = (top + bottom) / 2 + np.array([-0.03, 0.045, 0])
    s.sweep([top, bow, bottom], [0.045, 0.055, 0.035], coat.dark, "neck", shape=(1, 1, 0.7))
    for t in np.linspace(0.03, 0.9, 9):
        root = (1 - t) ** 2 * top + 2 * t * (1 - t) * bow + t * t * bottom
        for side in (1, -1):
            long = rng.uniform(0.13, 0.19) * (1 - 0.3 * t)
            s.sweep(
                [
                    root,
                    root + (0.0, -0.3 * long, side * 0.075),
                    root + (rng.uniform(-0.02, 0.03), -long, side * 0.095),
                ],
                [0.034, 0.034, 0.01],
                coat.dark,
                "neck",
                shape=(1, 1, 0.6),
            )


def sheep_head(horns: bool):
    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        _ball(s, f, coat.head, "head", (0, 0, 0), (0.95, 0.88, 0.78))
        _snout(s, f, coat.head, "head", (0.2, -0.08, 0), (0.85, -0.22, 0), (0.76, 0.6))
        _snout(s, f, coat.head, "muzzle", (0.95, -0.25, 0), (1.5, -0.45, 0), (0.57, 0.44))
        _nostrils(s, f, coat.nose, 1.88, -0.36, 0.16, 0.11)
        eyes(s, f, coat, 0.56, 0.22, 0.6, 0.17)
        ear(
            s,
            f,
            coat.head,
            coat.inner_ear,
            [(-0.3, 0.25, 0.65), (-0.42, 0.15, 1.15), (-0.5, -0.15, 1.6)],
            [0.2, 0.32, 0.08],
            (0.8, 0.4, 0),
            0.35,
        )
        for _ in range(9):
            _ball(
                s,
                f,
                coat.body,
                "head",
                (rng.uniform(-0.75, 0.15), rng.uniform(0.55, 0.85), rng.uniform(-0.45, 0.45)),
                (0.36, 0.33, 0.36),
            )
        if horns:
            for side in (1, -1):
                angle = np.linspace(0.5, 5.2, 8)
                r = np.linspace(0.72, 0.5, 8)
                path = [
                    f(-0.45 - r[k] * np.cos(a) * 0.9 + 0.1, 0.0 + r[k] * np.sin(a), side * (0.5 + 0.11 * k))
                    for k, a in enumerate(angle[::1])
                ]
                s.sweep(path, np.linspace(0.27, 0.08, 8) * f.size, HORN, "horn")

    return head


def goat_head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
    _ball(s, f, coat.head, "head", (0, 0, 0), (0.95, 0.86, 0.74))
    _snout(s, f, coat.head, "head", (0.2, -0.06, 0), (1.05, -0.24, 0), (0.74, 0.54))
    _snout(s, f, coat.head, "muzzle", (1.12, -0.26, 0), (1.8, -0.46, 0), (0.52, 0.4))
    _nostrils(s, f, coat.nose, 2.15, -0.36, 0.15, 0.1)
    s.sweep(
        [f(1.35, -0.75, 0), f(1.3, -1.25, 0), f(1.2, -1.9, 0)],
        np.array([0.24, 0.2, 0.04]) * f.size,
        coat.light,
        "muzzle",
    )
    eyes(s, f, coat, 0.58, 0.26, 0.58, 0.18)
    ear(
        s,
        f,
        coat.head,
        coat.inner_ear,
        [(-0.25, 0.3, 0.6), (-0.35, 0.3, 1.15), (-0.4, 0.1, 1.75)],
        [0.17, 0.27, 0.07],
        (0.8, 0.4, 0),
        0.35,
    )
    grow, spread = rng.uniform(0.8, 1.35), rng.uniform(0.1, 0.5)
    for side in (1, -1):
        path = [
            (0.05, 0.68, 0.28),
            (-0.25, 0.7 + 0.75 * grow, 0.32),
            (-0.85 * grow, 0.7 + 1.15 * grow, 0.34 + 0.4 * spread),
            (-1.6 * grow, 0.65 + 1.0 * grow, 0.4 + spread),
        ]
        s.sweep(
            [f(x, y, side * z) for x, y, z in path], np.array([0.25, 0.22, 0.16, 0.05]) * f.size, HORN, "horn"
        )


def deer_head(antlers: bool):
    def head(s: Sculpture, f: Frame, coat: Coat, rng) -> None:
        _ball(s, f, coat.head, "head", (0, 0, 0), (0.95, 0.86, 0.74))
        _snout(s, f, coat.head, "head", (0.2, -0.08, 0), (1.05, -0.22, 0), (0.72, 0.48))
        _snout(s, f, coat.head, "muzzle", (1.1, -0.24, 0), (1.85, -0.38, 0), (0.47, 0.32))
        _ball(s, f, coat.light, "muzzle", (1.7, -0.56, 0), (0.38, 0.16, 0.24))
        _ball(s, f, coat.nose, "muzzle", (2.12, -0.3, 0), (0.18, 0.2, 0.24))
        eyes(s, f, coat, 0.56, 0.26, 0.58, 0.2)
        ear(
            s,
            f,
            coat.head,
            coat.inner_ear,
            [(-0.35, 0.45, 0.5), (-0.5, 0.85, 1.0), (-0.6, 1.1, 1.6)],
            [0.2, 0.4, 0.08],
            (0.85, 0.1, -0.3),
            0.3,
        )
        if antlers:
            grow = rng.uniform(0.85, 1.2)
            for side in (1, -1):
                beam = [
                    (-0.15, 0.72, 0.3),
                    (-0.6, 1.5 * grow, 0.75),
                    (-0.75, 2.5 * grow, 1.3),
                    (-0.25, 3.4 * grow, 1.45),
                ]
                s.sweep(
                    [f(x, y, side * z) for x, y, z in beam],
                    np.array([0.17, 0.15, 0.12, 0.05]) * f.size,
                    ANTLER,
                    "horn",
                )
                for (x, y, z), (dx, dy) in (
                    ((-0.4, 1.15 * grow, 0.55), (0.85, 0.55)),
                    ((-0.7, 1.95 * grow, 1.0), (0.8, 0.65)),
                    ((-0.72, 2.6 * grow, 1.33), (-0.55, 0.75)),
                ):
                    s.sweep(
                        [
                            f(x, y, side * z),
                            f(x + 0.7 * dx, y + 0.3 * dy, side * z),
                            f(x + dx, y + dy, side * z * 1.08),
                        ],
                        np.array([0.12, 0.1, 0.04]) * f.size,
                        ANTLER,
                        "horn",
                    )

    return head
