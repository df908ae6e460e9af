"""Curved sheets and vehicle bodies: what car, van, bus and truck share.

A body is a side profile and a width. `Shell` turns them into a smooth sheet of patches with one
part name each, and puts windows, seams, lamps and bumpers on it. Object frame: +x forward, +y up, z
to the side.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK
from drawn_world.renderer import Sculpture

LIFT = 0.012  # how far a window or a lamp stands off the sheet, so that it wins in the depth buffer


def surface(sculpture: Sculpture, grid, materials, parts) -> None:
    """A smooth sheet through a grid of points.

    Args:
        sculpture: to add it to.
        grid: [R, C, 3]; outward is (along the columns) x (along the rows).
        materials: [R - 1][C - 1] `Material` of each patch.
        parts: [R - 1][C - 1] part name of each patch.
    """
    grid = np.asarray(grid, float)
    quads = np.stack(
        [grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], axis=2
    )  # [R-1, C-1, 4, 3]
    facing = np.cross(
        quads[:, :, 2] - quads[:, :, 0], quads[:, :, 3] - quads[:, :, 1]
    )  # [R-1, C-1, 3]
    flat, area = _unit(facing)
    padded = np.pad(facing, ((1, 1), (1, 1), (0, 0)))
    corner, _ = _unit(
        padded[1:, 1:] + padded[1:, :-1] + padded[:-1, 1:] + padded[:-1, :-1]
    )  # [R, C, 3]
    level, _ = _unit(corner[:, 1:] + corner[:, :-1])
    station, _ = _unit(corner[1:] + corner[:-1])
    low, high, near, far = level[:-1], level[1:], station[:, :-1], station[:, 1:]
    upward = (low * high).sum(2) < (near * far).sum(
        2
    )  # normals turn across a patch where it curves more
    pairs = np.where(upward[..., None, None], np.stack([low, high], 2), np.stack([near, far], 2))
    pairs = 0.8 * pairs + 0.2 * flat[:, :, None]
    bottom, left = (quads[:, :, 0] + quads[:, :, 1]) / 2, (quads[:, :, 0] + quads[:, :, 3]) / 2
    starts = np.where(upward[..., None], bottom, left)
    along = (
        np.where(
            upward[..., None],
            (quads[:, :, 3] + quads[:, :, 2]) / 2,
            (quads[:, :, 1] + quads[:, :, 2]) / 2,
        )
        - starts
    )
    short = (along**2).sum(2) < 1e-10
    pairs[short], along[short] = flat[short][:, None], (quads[:, :, 2] - quads[:, :, 0])[short]
    for r, c in np.argwhere(area[..., 0] > 1e-5):
        sculpture._face(
            quads[r, c],
            pairs[r, c],
            materials[r][c],
            parts[r][c],
            True,
            starts[r, c],
            along[r, c],
            flat[r, c],
        )


def _unit(vectors):
    """(unit vectors, lengths); a zero vector stays zero."""
    length = np.sqrt((vectors**2).sum(-1, keepdims=True))
    return vectors / np.maximum(length, 1e-12), length


class Shell:
    """A vehicle body from its side profile.

    Args:
        profile: rows (x, y, part) of the upper outline, from the tail's lower end over the roof to
            the nose's lower end; x never decreases. The part is that of the strip from this row to
            the next.
        half_width: the widest half width.
        levels: rows (y, share of the half width), from the sill up: how the sides lean.
        taper: (length, cut) of tail and of nose: the rounded corners in plan.
        crown: how far the middle of roof, bonnet and ends bulges out.
        stations: more x where patches must end, such as door edges.
    """

    def __init__(
        self, profile, half_width, levels, taper=((0.3, 0.1), (0.4, 0.12)), crown=0.03, stations=()
    ):
        x, y = (np.array([row[k] for row in profile], float) for k in (0, 1))
        names = [row[2] for row in profile]
        for cut in stations:
            if np.abs(x - cut).min() > 0.015:
                at = int(np.searchsorted(x, cut))
                y = np.insert(y, at, np.interp(cut, x, y))
                x = np.insert(x, at, cut)
                names.insert(at, names[at - 1])
        self.x, self.y, self.names = x, y, names
        self.half_width, self.levels, self.taper, self.crown = (
            half_width,
            np.asarray(levels, float),
            taper,
            crown,
        )
        self.tail, self.nose, self.roof = x[0], x[-1], y.max()
        self.sill, self.top = self.levels[0, 0], int(np.argmax(y))

    def z(self, x, y):
        """Half width of the side at (x, y)."""
        x, y = np.asarray(x, float), np.asarray(y, float)
        (rear, rear_cut), (front, front_cut) = self.taper
        from_tail = np.clip(1 - (x - self.tail) / rear, 0, 1)
        from_nose = np.clip(1 - (self.nose - x) / front, 0, 1)
        plan = 1 - rear_cut * from_tail**2 - front_cut * from_nose**2
        return np.interp(y, self.levels[:, 0], self.levels[:, 1]) * plan * self.half_width

    def nose_x(self, y):
        """Where the front is at a height."""
        return np.interp(-np.asarray(y), -self.y[self.top :], self.x[self.top :])

    def tail_x(self, y):
        """Where the rear is at a height."""
        return np.interp(y, self.y[: self.top + 1], self.x[: self.top + 1])

    def skin(self, sculpture, paint, side_part, glass, roof_paint=None) -> None:
        """Draw the sheet.

        side_part(x, y) names the patch of the side with that middle; windows of the outline are
        `glass` between painted pillars.
        """
        x, y, levels = self.x, self.y, self.levels
        height = np.minimum(levels[:, :1], y)  # [R, C]
        side = np.stack([np.broadcast_to(x, height.shape), height, self.z(x, height)], axis=2)
        edge = np.stack([x, y, self.z(x, y)], axis=1)
        slope = np.stack([np.gradient(x), np.gradient(y)], axis=1)
        outward = np.stack([-slope[:, 1], slope[:, 0]], axis=1)
        outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
        deck = []
        for share, bulge in (
            (1.0, 0.0),
            (0.9, 0.45),
            (0.4, 1.0),
            (-0.4, 1.0),
            (-0.9, 0.45),
            (-1.0, 0.0),
        ):
            row = edge * (1, 1, share)
            row[:, :2] += outward * bulge * self.crown
            deck.append(row)
        deck = np.stack(deck)  # [6, C, 3]

        middle = (side[:-1, :-1] + side[1:, 1:]) / 2
        side_names = [[side_part(px, py) for px, py in row] for row in middle[..., :2]]
        side_paint = [[paint] * (len(x) - 1)] * (len(levels) - 1)
        names = self.names[:-1]
        pillars = ["side" if name == "window" else name for name in names]
        deck_names = [pillars, names, names, names, pillars]
        colour = {"window": glass, "roof": roof_paint or paint}
        deck_paint = [[colour.get(name, paint) for name in row] for row in deck_names]
        surface(sculpture, side, side_paint, side_names)
        mirrored = (side * (1, 1, -1))[:, ::-1]
        surface(
            sculpture,
            mirrored,
            [row[::-1] for row in side_paint],
            [row[::-1] for row in side_names],
        )
        surface(sculpture, deck, deck_paint, deck_names)

    def panel(self, sculpture, corners, material, part, sides=(1, -1), lift=LIFT) -> None:
        """A flat panel on the sides, seen from outside; `corners` [K, 2] are (x, y)."""
        corners = np.asarray(corners, float)
        points = np.column_stack([corners, self.z(corners[:, 0], corners[:, 1]) + lift])
        (ax, ay, az), (bx, by, bz) = (
            (points[1] - points[0]).tolist(),
            (points[-1] - points[0]).tolist(),
        )
        normal = np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])
        normal *= np.sign(normal[2]) / max(np.sqrt(normal @ normal), 1e-12)
        for side in sides:
            flip = np.array([1.0, 1.0, side])
            outward = normal * flip
            sculpture._face(points * flip, np.stack([outward] * 2), material, part, outward=outward)

    def line(self, sculpture, corners, radius, material, part, sides=(1, -1), lift=0.0) -> None:
        """A thin line on the sides through `corners` [K, 2] (x, y)."""
        corners = np.asarray(corners, float)
        for start, end in zip(corners[:-1], corners[1:], strict=True):
            way = end - start
            across = radius * np.array([-way[1], way[0]]) / max(np.hypot(*way), 1e-9)
            self.panel(
                sculpture,
                [start - across, end - across, end + across, start + across],
                material,
                part,
                sides,
                LIFT + lift,
            )

    def glazing(
        self,
        sculpture,
        x_low,
        x_high,
        low,
        high,
        glass,
        frame_material=None,
        sides=(1, -1),
        inset=0.07,
    ) -> None:
        """A side window between two x and two heights, cut where the body's ends lean inward."""
        heights = np.linspace(low, high, 4)
        left = np.maximum(x_low, self.tail_x(heights + 0.03) + inset)
        right = np.minimum(x_high, self.nose_x(heights + 0.03) - inset)
        keep = np.flatnonzero(right - left > 0.05)
        if len(keep) < 2:
            return
        heights, left, right = heights[keep], left[keep], right[keep]
        bent = (
            right.max() > self.nose - self.taper[1][0] or left.min() < self.tail + self.taper[0][0]
        )
        cuts = np.linspace(
            0, 1, 4 if bent else 2
        )  # slices, so that the glass follows the body's rounded corners
        panes = [(frame_material, 0.035, LIFT * 0.5)] if frame_material is not None else []
        for material, grow, lift in [*panes, (glass, 0.0, LIFT)]:
            rim = heights + grow * np.linspace(-1, 1, len(heights))
            low_x, high_x = left - grow, right + grow
            for start, end in zip(cuts[:-1], cuts[1:], strict=True):
                near, far = low_x + start * (high_x - low_x), low_x + end * (high_x - low_x)
                corners = np.column_stack(
                    [np.concatenate([far, near[::-1]]), np.concatenate([rim, rim[::-1]])]
                )
                self.panel(sculpture, corners, material, "window", sides, lift)

    def end_panel(
        self, sculpture, front, low, high, half_width, material, part, lift=LIFT, offset=0.0
    ) -> None:
        """A rectangle on the nose (`front`) or tail, centred at z = `offset`."""
        where = self.nose_x if front else self.tail_x
        away = (self.crown + lift) * (1 if front else -1)
        sculpture.face(
            [
                (where(y) + away, y, z)
                for y, z in (
                    (low, offset - half_width),
                    (low, offset + half_width),
                    (high, offset + half_width),
                    (high, offset - half_width),
                )
            ],
            material,
            part,
        )

    def lamp(self, sculpture, front, y, share, radii, material, part) -> None:
        """A lamp on each side of the nose or tail, at that share of the half width."""
        x = self.nose_x(y) if front else self.tail_x(y)
        out = (0.4 * self.crown - 0.33 * radii[0]) * (1 if front else -1)
        for side in (1, -1):
            sculpture.ellipsoid((x + out, y, side * share * self.z(x, y)), radii, material, part)

    def bumper(self, sculpture, front, y, radius, material, part) -> None:
        """A bumper bent around the nose or the tail, half sunk in."""
        sign = 1 if front else -1
        end = (self.nose_x(y) if front else self.tail_x(y)) - sign * 0.25 * radius
        side = [
            (end - sign * back, y, self.z(end - sign * back, y) - 0.35 * radius)
            for back in (0.34, 0.12)
        ]
        side += [(end + sign * 0.3 * self.crown, y, 0.7 * self.half_width)]
        points = (
            side
            + [(end + sign * self.crown, y, 0.0)]
            + [(px, py, -pz) for px, py, pz in side[::-1]]
        )
        sculpture.sweep(points, radius, material, part, shape=(1.0, 1.3, 1.0))

    def rails(self, sculpture, start, end, share, material) -> None:
        """Two rails along the roof on short feet."""
        for side in (1, -1):
            z = side * share * float(self.z(start, self.roof))
            ends = [np.interp(x, self.x, self.y) for x in (start, end)]
            path = [
                (start, ends[0], z),
                (start + 0.08, self.roof + 0.07, z),
                (end - 0.08, self.roof + 0.07, z),
                (end, ends[1], z),
            ]
            for a, b in zip(path[:-1], path[1:], strict=True):
                sculpture.tube([a, b], 0.024, material, "roof")

    def seam(self, sculpture, x, low, high) -> None:
        """The dark gap beside a door."""
        heights = [low, *(level for level in self.levels[:, 0] if low < level < high), high]
        self.line(sculpture, [(x, h) for h in heights], 0.009, DARK, "door")
