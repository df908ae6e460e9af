"""Sculptures, built of simple solids, and the camera that looks at them.

The object frame has x forward (toward the nose), y up with the ground at y = 0, and z to the
object's side. Seen with yaw 0 the object stands in profile and looks to the right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from drawn_world.renderer.shading import Material

NOTHING, NO_PART = -1, -2  # entries of Layer.part_index besides the indices of Layer.part_names


@dataclass(frozen=True)
class Camera:
    """Orthographic camera.

    Attributes:
        yaw: degrees; 0 profile looking right, 90 facing the viewer, 180 profile looking left, 270
            seen from behind.
        pitch: degrees; positive looks down from above.
        scale: output pixels per unit.
        centre: (px, py), where the frame's origin (0, 0, 0) lands, in output pixels, y down.
    """

    yaw: float
    pitch: float
    scale: float
    centre: tuple[float, float]

    def matrix(self) -> np.ndarray:
        """float64 [3, 3]: object frame to camera frame (x right, y up, z toward the viewer)."""
        yaw, pitch = math.radians(self.yaw), math.radians(self.pitch)
        cy, sy, cp, sp = math.cos(yaw), math.sin(yaw), math.cos(pitch), math.sin(pitch)
        return np.array([[cy, 0, -sy], [-sp * sy, cp, -sp * cy], [cp * sy, sp, cp * cy]])


def rotation(axis: str, degrees: float) -> np.ndarray:
    """float64 [3, 3] rotation about "x", "y" or "z"; about z, positive lifts +x toward +y."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    if axis == "x":
        return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    if axis == "y":
        return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    if axis == "z":
        return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    raise ValueError(f"axis {axis!r} is not known; use 'x', 'y' or 'z'")


@dataclass
class Face:
    """A planar polygon of a sculpture.

    Attributes:
        points: [K, 3].
        normals: [2, 3], at `start` and at `start + along`; interpolated, so that strips look round.
        start: [3].
        along: [3].
        one_sided: whether it is seen from outside only.
    """

    points: np.ndarray  # [K, 3]
    normals: (
        np.ndarray
    )  # [2, 3] at `start` and at `start + along`: interpolated, so that strips look round
    start: np.ndarray
    along: np.ndarray
    one_sided: bool


@dataclass
class Sculpture:
    """Solids in one object frame; a solid's `part` is a part name, or None for none.

    Where two solids are equally near (a window painted on a side), the one added later wins.

    Attributes:
        soften: how far solids of fur, wool, feather or skin flow into each other, as a fraction of
            the sculpture's extent.
        part_names: parts, in the order in which they were first used.
        materials: materials, likewise.
    """

    soften: float = 0.014
    part_names: list[str] = field(default_factory=list)
    materials: list[Material] = field(default_factory=list)
    _material: list[int] = field(default_factory=list)  # for each solid, in the order added
    _part: list[int] = field(default_factory=list)
    _ellipsoids: list = field(default_factory=list)  # (solid, centre, axes)
    _sweeps: list = field(default_factory=list)  # (solid, points, radii, samples, shape)
    _cylinders: list = field(default_factory=list)  # (solid, centre, axis, radius, half_length)
    _discs: list = field(default_factory=list)  # (solid, centre, normal, radius)
    _faces: list = field(default_factory=list)  # (solid, Face)
    _label_faces: list = field(default_factory=list)
    _known: dict[int, int] = field(default_factory=dict)  # id of a material -> its index
    _low: np.ndarray = field(default_factory=lambda: np.full(3, np.inf))
    _high: np.ndarray = field(default_factory=lambda: np.full(3, -np.inf))

    def _solid(self, material: Material, part: str | None) -> int:
        if id(material) not in self._known:
            self._known[id(material)] = len(self.materials)
            self.materials.append(material)  # kept alive here, so that its id stays its own
        if part is None:
            part_index = NO_PART
        else:
            if part not in self.part_names:
                self.part_names.append(part)
            part_index = self.part_names.index(part)
        self._material.append(self._known[id(material)])
        self._part.append(part_index)
        return len(self._part) - 1

    def _grow(self, low: np.ndarray, high: np.ndarray) -> None:
        self._low, self._high = np.minimum(self._low, low), np.maximum(self._high, high)

    def ellipsoid(
        self,
        centre,
        radii,
        material: Material,
        part: str | None,
        rotation: np.ndarray | None = None,
    ) -> None:
        """Add a solid ellipsoid; flat ones make ears, wings and leaves.

        Args:
            centre: [3].
            radii: [3], along its axes.
            material: of the surface.
            part: its part, or None.
            rotation: [3, 3], turns the axes of `radii`.
        """
        centre, radii = np.asarray(centre, float), np.asarray(radii, float)
        axes = (np.eye(3) if rotation is None else np.asarray(rotation, float)) * radii
        self._ellipsoids.append((self._solid(material, part), centre, axes))
        reach = np.sqrt((axes * axes).sum(1))
        self._grow(centre - reach, centre + reach)

    def balls(self, centres, radii, material: Material, part: str | None) -> None:
        """Add many spheres at once: curls of wool, crowns of leaves.

        Args:
            centres: [K, 3].
            radii: [K] or a number.
            material: of the surface.
            part: their part, or None.
        """
        centres = np.asarray(centres, float).reshape(-1, 3)
        radii = np.broadcast_to(np.asarray(radii, float), (len(centres),))
        axes = radii[:, None, None] * np.eye(3)
        solid = self._solid(material, part)
        self._ellipsoids += [
            (solid, centre, one) for centre, one in zip(centres, axes, strict=True)
        ]
        self._grow((centres - radii[:, None]).min(0), (centres + radii[:, None]).max(0))

    def sweep(
        self,
        points,
        radii,
        material: Material,
        part: str | None,
        samples: int | None = None,
        shape=None,
    ) -> None:
        """Add a sphere of changing radius, swept along a Catmull-Rom curve.

        Args:
            points: [K, 3], at least two, on the curve.
            radii: [K] or a number.
            material: of the surface.
            part: its part, or None.
            samples: number of cones in all; None chooses from the curve's bend and its size on the
                screen.
            shape: sweeps an ellipsoid instead: the sphere stretched by three factors along x, y, z
                (a body deeper than wide) or by a matrix [3, 3] (a flat ear).

        Raises:
            ValueError: for fewer than two points.
        """
        points = np.asarray(points, float).reshape(-1, 3)
        radii = np.broadcast_to(np.asarray(radii, float), (len(points),)).copy()
        if len(points) < 2:
            raise ValueError(
                f"a sweep needs at least two points; got {len(points)} "
                "(use ellipsoid for a single ball)"
            )
        shape = np.eye(3) if shape is None else np.asarray(shape, float)
        shape = np.diag(shape) if shape.ndim == 1 else shape
        self._sweeps.append((self._solid(material, part), points, radii, samples, shape))
        reach = radii[:, None] * np.sqrt((shape * shape).sum(1))
        self._grow((points - reach).min(0), (points + reach).max(0))

    def tube(self, points, radius, material: Material, part: str | None) -> None:
        """A thin sweep: frames, spokes, the legs of birds."""
        self.sweep(points, radius, material, part)

    def face(self, points, material: Material, part: str | None, paint: bool = True) -> None:
        """Add a planar polygon, seen from both sides.

        Args:
            points: [K, 3], around the polygon.
            material: of the surface.
            part: its part, or None.
            paint: False only labels (the inside of a spoked wheel): it never hides colour, and it
                names what is seen through it, background included.
        """
        self._face(np.asarray(points, float), None, material, part, paint)

    def _face(
        self, points, normals, material, part, paint=True, start=None, along=None, outward=None
    ) -> None:
        if normals is None:
            following = np.roll(points, -1, 0)
            normal = np.cross(points, following).sum(0)  # Newell: robust for slightly bent polygons
            length = np.linalg.norm(normal)
            if length < 1e-12:
                return
            normals = np.stack([normal, normal]) / length
            if outward is not None and normals[0] @ outward < 0:
                normals = -normals
        start = points[0] if start is None else start
        along = points[1] - points[0] if along is None else along
        face = Face(points, normals, start, along, one_sided=outward is not None)
        (self._faces if paint else self._label_faces).append((self._solid(material, part), face))
        self._grow(points.min(0), points.max(0))

    def disc(self, centre, normal, radius: float, material: Material, part: str | None) -> None:
        """A flat round face, seen from both sides."""
        centre, normal = np.asarray(centre, float), np.asarray(normal, float)
        normal = normal / np.linalg.norm(normal)
        self._discs.append((self._solid(material, part), centre, normal, float(radius)))
        reach = radius * np.sqrt(np.clip(1 - normal**2, 0, 1))
        self._grow(centre - reach, centre + reach)

    def cylinder(
        self, centre, axis, radius: float, half_length: float, material: Material, part: str | None,
        cap_material: Material | None = None,
    ) -> None:  # fmt: skip
        """A closed cylinder around `axis`, `half_length` to each side of `centre`."""
        centre, axis = np.asarray(centre, float), np.asarray(axis, float)
        axis = axis / np.linalg.norm(axis)
        self._cylinders.append(
            (self._solid(material, part), centre, axis, float(radius), float(half_length))
        )
        reach = radius * np.sqrt(np.clip(1 - axis**2, 0, 1)) + half_length * np.abs(axis)
        self._grow(centre - reach, centre + reach)
        for sign in (1.0, -1.0):
            self.disc(
                centre + sign * half_length * axis, axis, radius, cap_material or material, part
            )

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest corner, each float [3], of a box around everything."""
        if not self._part:
            raise ValueError("the sculpture is empty: add a solid before asking for its bounds")
        return self._low.copy(), self._high.copy()
