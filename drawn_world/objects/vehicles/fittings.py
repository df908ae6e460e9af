"""What goes on and under a vehicle's body: glass, wheels, plates, mirrors, grilles, boxes."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK, shade
from drawn_world.objects.patterns import stripes
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.renderer import Material

PLATE = Material((238, 238, 232), "matte")


def glass_material(rng: np.random.Generator, dark: float = 1.0) -> Material:
    """Window glass: blue-grey with a slanting streak of reflected sky."""
    base = np.array((96, 122, 140)) * dark * rng.uniform(0.85, 1.15)
    period, phase = rng.uniform(0.9, 1.5), rng.random()
    return Material(
        tuple(base),
        "glass",
        lambda p: (
            (((p[:, 0] + 0.55 * p[:, 1] + 0.3 * p[:, 2]) / period + phase) % 1.0 < 0.3) * 0.55
        ),
        tuple(np.clip(base * 1.55 + 22, 0, 250)),
    )


def plates(sculpture, shell: Shell, low: float, height: float = 0.11, half: float = 0.24) -> None:
    """Number plates on both ends."""
    for front in (True, False):
        shell.end_panel(
            sculpture,
            front,
            low,
            low + height,
            half,
            PLATE,
            "front" if front else "back",
            lift=0.075,
        )


def mirrors(sculpture, shell: Shell, x, y, size=0.09, material=DARK) -> None:
    """Outside mirrors; no part of their own."""
    for side in (1, -1):
        z = float(shell.z(x, y))
        sculpture.ellipsoid(
            (x, y, side * (z + size)), (size * 0.6, size * 0.75, size), material, None
        )


def grille_material(rng) -> Material:
    """Horizontal or vertical bars."""
    axis = 1 if rng.random() < 0.65 else 2
    return Material((54, 55, 60), "metal", stripes(axis, 0.075, 0.4), shade((196, 200, 206), 0.95))


def crate(sculpture, low, high, material, parts, materials=None) -> None:
    """A sharp-edged box.

    Args:
        sculpture: to add it to.
        low: the corner with the lowest coordinates.
        high: the corner with the highest ones.
        material: of faces that `materials` does not name.
        parts: face (front, back, side, roof, floor) -> part; faces that are missing are left out.
        materials: face -> material.
    """
    (x0, y0, z0), (x1, y1, z1) = low, high
    faces = {
        "front": [[(x1, y0, z0), (x1, y0, z1), (x1, y1, z1), (x1, y1, z0)]],
        "back": [[(x0, y0, z0), (x0, y0, z1), (x0, y1, z1), (x0, y1, z0)]],
        "side": [[(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)] for z in (z0, z1)],
        "roof": [[(x0, y1, z0), (x1, y1, z0), (x1, y1, z1), (x0, y1, z1)]],
        "floor": [[(x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)]],
    }
    for name, quads in faces.items():
        if name in parts:
            for quad in quads:
                sculpture.face(quad, (materials or {}).get(name, material), parts[name])
