"""Solids turned in flight."""

from __future__ import annotations

import numpy as np

from drawn_world.renderer import Material, Sculpture


class Tilted:
    """Passes solids on to a sculpture, all of them turned: an aeroplane banks and climbs.

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
                material.colour,
                material.finish,
                lambda p: material.pattern(p @ back),
                material.colour2,
            )
            self._materials[id(material)] = (
                wrapped,
                material,
            )  # the original stays alive, so its id stays taken
        return self._materials[id(material)][0]

    def ellipsoid(self, centre, radii, material, part, rotation=None) -> None:
        """As `Sculpture.ellipsoid`."""
        turn = self.turn if rotation is None else self.turn @ rotation
        self.sculpture.ellipsoid(
            self._points(centre), radii, self._material(material), part, rotation=turn
        )

    def sweep(self, points, radii, material, part, shape=(1.0, 1.0, 1.0)) -> None:
        """As `Sculpture.sweep`."""
        shape = np.asarray(shape, float)
        self.sculpture.sweep(
            self._points(points),
            radii,
            self._material(material),
            part,
            shape=self.turn @ (np.diag(shape) if shape.ndim == 1 else shape),
        )

    def tube(self, points, radius, material, part) -> None:
        """As `Sculpture.tube`."""
        self.sculpture.tube(self._points(points), radius, self._material(material), part)

    def face(self, points, material, part) -> None:
        """As `Sculpture.face`."""
        self.sculpture.face(self._points(points), self._material(material), part)

    def disc(self, centre, normal, radius, material, part) -> None:
        """As `Sculpture.disc`."""
        self.sculpture.disc(
            self._points(centre), self._points(normal), radius, self._material(material), part
        )

    def cylinder(
        self, centre, axis, radius, half_length, material, part, cap_material=None
    ) -> None:
        """As `Sculpture.cylinder`."""
        self.sculpture.cylinder(
            self._points(centre),
            self._points(axis),
            radius,
            half_length,
            self._material(material),
            part,
            cap_material=self._material(cap_material),
        )
