"""Where objects stand in a drawn picture: framing, perspective, overlap and shadows.

All positions are shares of the frame (x right, y down, 0..1), so that one composition can be drawn
at any size. One perspective rules a picture: the ground runs from the horizon to the lower border,
and an object whose feet stand at y is drawn in proportion to y - horizon. Nearer therefore means
lower, bigger, and drawn later.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from drawn_world.renderer import Camera, Sculpture

# Focal length in frame heights. It turns a position in the frame into the angle from which an
# object is seen.
FOCAL_LENGTH = 1.5


# Real lengths, from a bottle to a bus, are compressed by this power, or a dog beside a bus would be
# tiny.
SIZE_POWER = 0.35
OVERLAPPING = 0.45  # how often a further object may hide, or be hidden by, the others


# Sizes shrink with this power of the distance: exact perspective (1) would make the farther one of
# two tiny.
PERSPECTIVE_POWER = 0.75
MARGIN = 0.02


# How the main object is framed: share of pictures, and its largest extent on screen as a share of
# the frame.
# fmt: off
FRAMINGS = {
    "fill": (0.68, (0.74, 0.98)),
    "close-up": (0.14, (1.30, 1.90)),  # the front half
    "cropped": (0.08, (0.65, 1.00)),   # runs over the left or right border
    "small": (0.10, (0.40, 0.62)),
}
SHIFTED_FRAMINGS = {
    "fill": (0.40, (0.55, 1.00)),
    "close-up": (0.20, (1.30, 2.20)),
    "cropped": (0.12, (0.65, 1.10)),
    "small": (0.28, (0.22, 0.50)),
}


# fmt: on
BESIDE = (0.55, 0.80)  # extent of the main object when others stand beside it


@dataclass(frozen=True, eq=False)
class Outline:
    """A sculpture reduced to N ellipsoids, enough to know how far it reaches in any direction.

    Attributes:
        centres: [N, 3].
        squares: [N, 6], xx, yy, zz, xy, xz, yz of A A', A the axes: an ellipsoid reaches sqrt(d' A
            A' d) along d.
    """

    centres: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, sculpture: Sculpture) -> Outline:
        """The outline of a sculpture."""
        centres, matrices = [], []
        for _, centre, radii in sculpture._ellipsoids:
            centres.append(centre[None])
            matrices.append(radii[None])
        for _, points, radii, _, shape in sculpture._sweeps:
            centres.append(points)
            matrices.append(radii[:, None, None] * shape)
        for _, centre, normal, radius in sculpture._discs:  # the ends of cylinders are discs, too
            centres.append(centre[None])
            matrices.append(radius * (np.eye(3) - np.outer(normal, normal))[None])
        for _, face in sculpture._faces:
            centres.append(face.points)
            matrices.append(np.zeros((len(face.points), 3, 3)))
        matrices = np.concatenate(matrices)
        product = matrices @ matrices.transpose(0, 2, 1)
        return cls(np.concatenate(centres), product[:, [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]])

    def box(self, yaw: float, pitch: float) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) on screen around the origin, in units of the sculpture."""
        x, y, z = across_down = axes(yaw, pitch).T  # [3, 2]
        middle = self.centres @ across_down  # [N, 2]
        reach = np.sqrt(
            self.squares @ [x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z]
        )  # [N, 2]
        return (*(middle - reach).min(0), *(middle + reach).max(0))


@dataclass(frozen=True)
class Placement:
    """One object in the frame.

    Attributes:
        sculpture: the object.
        outline: of the sculpture.
        yaw: degrees, as in `Camera`.
        pitch: degrees, as in `Camera`.
        scale: frame widths per unit of the sculpture.
        origin: where the zero point of the sculpture lands.
        flying: whether it is in the air, without a shadow.
    """

    sculpture: Sculpture
    outline: Outline
    yaw: float
    pitch: float
    scale: float
    origin: tuple[float, float]
    flying: bool = False

    def camera(self, size: int) -> Camera:
        """The camera that draws this object on a frame of `size` pixels."""
        return Camera(
            self.yaw, self.pitch, self.scale * size, (self.origin[0] * size, self.origin[1] * size)
        )

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) in the frame, as if nothing cut it off."""
        left, top, right, bottom = self.outline.box(self.yaw, self.pitch)
        x, y = self.origin
        return (
            x + self.scale * left,
            y + self.scale * top,
            x + self.scale * right,
            y + self.scale * bottom,
        )


def axes(yaw: float, pitch: float) -> np.ndarray:
    """[2, 3]: where the sculpture's x, y and z axes point on screen (x right, y down)."""
    return Camera(yaw, pitch, 1.0, (0.0, 0.0)).matrix()[:2] * [[1.0], [-1.0]]


def draw_yaw(rng: np.random.Generator) -> float:
    """A yaw in degrees.

    Mostly side and three-quarter views, to both sides; some from the front or from behind.
    """
    kind, turned = rng.random(), 180.0 * rng.integers(2)
    if kind < 0.50:
        return turned + rng.normal(0, 11)
    if kind < 0.92:
        return turned + rng.choice([-1, 1]) * rng.uniform(20, 63)
    return rng.choice([-1, 1]) * 90 + rng.normal(0, 14)


def view_pitch(middle: float, horizon: float, limits: tuple[float, float]) -> float:
    """Degrees from which something at height `middle` of the frame is seen.

    From above, below the horizon.
    """
    return float(np.clip(np.degrees(np.arctan((middle - horizon) / FOCAL_LENGTH)), *limits))


def _inside(rng: np.random.Generator, low: float, high: float) -> float:
    """Uniform between the two; their middle where there is no room between them."""
    return rng.uniform(low, high) if high > low else (low + high) / 2


def frame_main(
    rng, sculpture, kind, *, horizon: float, flying: bool, alone: bool, framings: dict
) -> Placement:
    """Place the main object of a picture."""
    outline = Outline.of(sculpture)
    names = list(framings)
    framing = (
        names[int(rng.choice(len(names), p=[framings[name][0] for name in names]))]
        if alone
        else "beside"
    )
    extent = rng.uniform(*(framings[framing][1] if alone else BESIDE))
    yaw = draw_yaw(rng)
    if framing == "close-up" and rng.random() < 0.8:
        yaw = 90 + (yaw - 90 + 180) % 360 - 180  # -90..270: 180 and more looks away from us
        yaw = -yaw if yaw < 0 else 360 - yaw if yaw > 180 else yaw
    across, along = rng.random(2)
    if not alone:  # to one side, so that there is room on the other
        across = 0.3 * across if rng.random() < 0.5 else 1 - 0.3 * across
    standing = rng.uniform(0.35, 1.0) if framing in ("small", "beside") else rng.uniform(0.7, 1.0)

    pitch = float(np.clip(9, *kind.pitch))
    for _ in range(2):  # the angle depends on the position, and a little on the other way round
        left, top, right, bottom = outline.box(yaw, pitch)
        scale = extent / max(right - left, bottom - top)
        left, top, right, bottom = (scale * side for side in (left, top, right, bottom))
        width, height = right - left, bottom - top
        if framing == "close-up" and height > width:
            # Upright, or seen from the front: little to cut, much to lose.
            left, top, right, bottom, scale, width, height = (
                0.75 * value for value in (left, top, right, bottom, scale, width, height)
            )
        if flying:
            y = MARGIN - top + along * max(1 - 2 * MARGIN - height, 0)
        elif framing == "close-up":
            y = (0.04 + 0.14 * along) - top
        else:
            lowest = 1 - MARGIN - bottom
            highest = min(max(horizon + 0.05 - bottom, MARGIN - top), lowest)
            y = highest + standing * (lowest - highest)
        middle = y + (top + bottom) / 2
        pitch = view_pitch(middle, horizon, kind.pitch)
    if framing == "close-up":
        # The front end stays in the picture, the rear runs out of it.
        front = axes(yaw, pitch)[0, 0] * scale
        x = (1 - 0.06 - 0.2 * across - right) if front > 0 else (0.06 + 0.2 * across - left)
        if width < 1:  # seen from the front: nothing to cut
            x = _inside(rng, MARGIN - left, 1 - MARGIN - right)
    elif framing == "cropped":
        beyond = (0.15 + 0.2 * across) * width
        rear_left = axes(yaw, pitch)[0, 0] > 0
        cut_left = rear_left == (rng.random() < 0.7)  # rather the rear than the face
        x = (-beyond - left) if cut_left else (1 + beyond - right)
    else:
        x = MARGIN - left + across * (1 - 2 * MARGIN - width)
    return Placement(sculpture, outline, yaw, pitch, scale, (x, y), flying)


def place_beside(
    rng,
    placed: list[Placement],
    sculpture,
    kind,
    *,
    main_kind,
    horizon: float,
    flying: bool,
    tries: int = 60,
) -> Placement | None:
    """Place a further object in the perspective of the first one, apart or overlapping.

    Returns None if no try finds room.
    """
    main, outline = placed[0], Outline.of(sculpture)
    relative = (kind.length / main_kind.length) ** SIZE_POWER
    # Frame widths per unit of the new object where the main object stands.
    unit = main.scale * main_kind.size * relative / kind.size
    low, high = (0.08, 0.40) if rng.random() < OVERLAPPING else (-1.0, 0.06)
    best, best_distance = None, 0.3
    if flying or main.flying:  # nothing tells which of them is nearer
        low, high, best_distance = -1.0, 0.03, 0.03
    for _ in range(tries):
        yaw = draw_yaw(rng)
        if flying or main.flying:
            scale, y = unit * rng.uniform(0.7, 1.2), rng.uniform(0.1, 0.9)
            if not flying:
                y = rng.uniform(max(horizon, 0.45) + 0.1, 0.95)
        else:
            y = rng.uniform(horizon + 0.06, 0.97)
            scale = (
                unit * ((y - horizon) / max(main.origin[1] - horizon, 0.05)) ** PERSPECTIVE_POWER
            )
        left, top, right, bottom = (
            scale * side for side in outline.box(yaw, float(np.clip(9, *kind.pitch)))
        )
        extent = max(right - left, bottom - top)
        if kind is not main_kind:  # a bottle beside a bus: rather too large than invisible
            fitting = np.clip(extent, 0.3, 0.75) / extent
            scale, extent, left, top, right, bottom = (
                fitting * v for v in (scale, extent, left, top, right, bottom)
            )
        if not 0.28 <= extent <= 0.85:
            continue
        if flying:
            y = MARGIN - top + rng.random() * max(0.98 - (bottom - top), 0)
        if y + bottom > 1.06 or y + top < -0.02:
            continue
        x = _inside(rng, MARGIN - left, 1 - MARGIN - right)
        pitch = view_pitch(y + (top + bottom) / 2, horizon, kind.pitch)
        candidate = Placement(sculpture, outline, yaw, pitch, scale, (x, y), flying)
        if any(_stacked(candidate, other) for other in placed):
            continue
        overlap = max(_overlap(candidate, other) for other in placed)
        distance = max(low - overlap, overlap - high)
        if distance <= 0:
            return candidate
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def _overlap(a: Placement, b: Placement) -> float:
    """Share of the smaller of two boxes that the other one covers."""
    (l1, t1, r1, b1), (l2, t2, r2, b2) = a.box, b.box
    shared = max(min(r1, r2) - max(l1, l2), 0) * max(min(b1, b2) - max(t1, t2), 0)
    return shared / max(min((r1 - l1) * (b1 - t1), (r2 - l2) * (b2 - t2)), 1e-9)


def _stacked(a: Placement, b: Placement) -> bool:
    """Whether the farther object, feet hidden, would look as if it stood on the nearer one."""
    far, near = (a, b) if a.origin[1] < b.origin[1] else (b, a)
    (left, _, right, bottom), (near_left, near_top, near_right, _) = far.box, near.box
    hidden = min(right, near_right) - max(left, near_left)
    return not far.flying and hidden > 0.55 * (right - left) and bottom > near_top - 0.02


def shadow(
    placement: Placement, size: int, light_x: float, strength: float
) -> tuple[slice, slice, np.ndarray] | None:
    """The contact shadow on the ground, or None.

    Returns:
        (rows, columns, float32 [h, w] to multiply the backdrop with).

    A soft ellipse under the bounding box's footprint, seen from the object's own angle and pushed
    away from the light.
    """
    if placement.flying:
        return None
    low, high = (np.asarray(corner, float) for corner in placement.sculpture.bounds())
    half = np.maximum((high - low)[[0, 2]] / 2, 0.12 * (high - low).max()) * 1.08  # along x and z
    centre = ((high + low) / 2)[[0, 2]]
    pitch = max(placement.pitch, 7.0)
    ground = (
        axes(placement.yaw, pitch)[:, [0, 2]] * placement.scale * size
    )  # [2, 2] ground plane -> pixels
    at = np.asarray(placement.origin) * size + ground @ centre
    at[0] -= 0.12 * light_x * (high - low)[1] * placement.scale * size
    reach = np.abs(ground) @ half * 1.6
    first = np.clip(np.floor(at - reach), 0, size).astype(int)
    last = np.clip(np.ceil(at + reach) + 1, 0, size).astype(int)
    if (last <= first).any():
        return None
    columns, rows = (
        np.arange(first[0], last[0]) + 0.5 - at[0],
        np.arange(first[1], last[1]) + 0.5 - at[1],
    )
    inverse = (np.linalg.inv(ground) / half[:, None]).astype(
        np.float32
    )  # pixels -> footprint units
    along = inverse[0, 0] * columns + (inverse[0, 1] * rows)[:, None]
    across = inverse[1, 0] * columns + (inverse[1, 1] * rows)[:, None]
    distance = along**2 + across**2
    dark = strength * np.exp(-(distance**2) * 0.7) + 0.35 * strength * np.exp(-distance * 1.2)
    return (
        slice(first[1], last[1]),
        slice(first[0], last[0]),
        (1 - np.clip(dark, 0, 0.85)).astype(np.float32),
    )
