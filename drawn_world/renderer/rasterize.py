"""Which pixels a solid covers, and how near it is there.

There are closed forms for ellipsoids, cones, cylinders and faces. Everything here is on the screen:
x right, y down, z toward the viewer, all in pixels of the supersampled picture. The pixel-solid
pairs of all solids of one kind are computed in one go; what depends on the row alone is computed
once a row.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from drawn_world.renderer.screen import THINNEST, View, expand, outline, rows_between
from drawn_world.renderer.sculpture import Face, Sculpture
from drawn_world.renderer.sweeps import chunks, cut_sweeps


class Pairs:
    """Pairs of a pixel and a solid that covers it.

    Attributes:
        pixel: int [n], flat pixel index.
        depth: float32 [n], toward the viewer.
        solid: int [n].
        normals: function (chosen pairs [m], their surface points float32 [3, m]) -> float32 [3, m].
    """

    def __init__(self, pixel, depth, solid, normals):
        self.pixel, self.depth, self.solid, self.normals = pixel, depth, solid, normals


def all_pairs(sculpture: Sculpture, view: View) -> list[Pairs]:
    """The pairs of every painted solid of a sculpture, in a few batches."""
    batches = []
    solids = [np.array([e[0] for e in sculpture._ellipsoids], int)]
    centres = [view.points(np.array([e[1] for e in sculpture._ellipsoids]).reshape(-1, 3))]
    axes = [
        view.turn @ np.array([e[2] for e in sculpture._ellipsoids]).reshape(-1, 3, 3) * view.scale
    ]
    if sculpture._sweeps:
        cones, balls = cut_sweeps(sculpture, view)
        batches += [cone_pairs(*chunk, view.size) for chunk in chunks(*cones)]
        for ball in balls:
            for column, value in zip((solids, centres, axes), ball, strict=True):
                column.append(value)
    solid = np.concatenate(solids)
    if len(solid):
        batches.append(
            ellipsoid_pairs(solid, np.concatenate(centres), np.concatenate(axes), view.size)
        )
    batches += [cylinder_pairs(*cylinder, view) for cylinder in sculpture._cylinders]
    if sculpture._discs:
        batches.append(disc_pairs(sculpture._discs, view))
    if sculpture._faces:
        batches.append(face_pairs(sculpture._faces, view))
    return [pairs for pairs in batches if pairs is not None and len(pairs.pixel)]


def _quadric_normals(shape, offset, item):
    """inv(shape) applied to offsets [3, n], `shape` chosen by item [n]."""
    quadric = np.linalg.inv(shape).reshape(-1, 9).T.astype(np.float32)
    xx, xy, xz, _, yy, yz, _, _, zz = (column.take(item) for column in quadric)
    x, y, z = offset
    return np.stack([xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z])


def ellipsoid_pairs(solid, centre, axes, size, flat_normal=None) -> Pairs:
    """The pairs of n ellipsoids.

    Depth is the front of the quadric: z = cz + g.d + h sqrt(1 - d'E d), with d the offset in the
    image plane. Discs are ellipsoids without thickness; they bring their normals.

    Args:
        solid: int [n].
        centre: [n, 3].
        axes: [n, 3, 3].
        size: pixels a side.
        flat_normal: [n, 3] normals of discs, or None.
    """
    shape = axes @ axes.transpose(0, 2, 1) + THINNEST * np.eye(3)
    (a, b, c), gx, gy, h = outline(shape)
    reach = np.sqrt(shape[:, 1, 1])
    item, row = rows_between(centre[:, 1] - reach, centre[:, 1] + reach, size)
    dy = row + 0.5 - centre[item, 1]
    shift = -b[item] * dy / a[item]
    middle = centre[item, 0] + shift
    half_squared = np.maximum((1 - c[item] * dy * dy) / a[item] + shift * shift, 0)
    half = np.sqrt(half_squared)
    first, last = (
        np.ceil(middle - half - 0.5).astype(np.int64),
        np.floor(middle + half - 0.5).astype(np.int64),
    )
    base = centre[item, 2] + gy[item] * dy + gx[item] * shift
    per_row = [middle, half_squared, base, gx[item], h[item] * np.sqrt(a[item])]
    (middle, half_squared, base, lean, bulge), x, pixel, item = expand(
        row, first, last, size, per_row, item
    )
    dx = x - middle
    depth = base + lean * dx + bulge * np.sqrt(np.maximum(half_squared - dx * dx, 0))
    centre32 = centre.T.astype(np.float32)

    def normals(chosen, points):
        which = item[chosen]
        if flat_normal is not None:
            return flat_normal.T[:, which]
        return _quadric_normals(shape, points - centre32.take(which, 1), which)

    return Pairs(pixel, depth, solid[item], normals)


def cone_pairs(solid, start, end, shape, size) -> Pairs:
    """The pairs of n cones between spheres: start, end [n, 4] = (x, y, z, r).

    shape [n, 3, 3] stretches the spheres.

    With E the metric of the stretched unit sphere's outline, the front of the sphere of radius r at
    an offset d lies at z = g.d + h sqrt(r^2 - d'E d). The envelope of the spheres along the axis is
    the largest t (dz - g.D) + h sqrt(q(t)) over t in 0..1, where q(t) = (r0 + t dr)^2 - (d - t D)'E
    (d - t D) = C + B t - a t^2; the best t has a closed form.
    """
    delta = end - start
    rmax = np.maximum(start[:, 3], end[:, 3])
    outer = shape @ shape.transpose(0, 2, 1) + (THINNEST / rmax**2)[:, None, None] * np.eye(3)
    (exx, exy, eyy), gx, gy, h = outline(outer)
    ex, ey = exx * delta[:, 0] + exy * delta[:, 1], exy * delta[:, 0] + eyy * delta[:, 1]  # E D
    a = ex * delta[:, 0] + ey * delta[:, 1] - delta[:, 3] ** 2
    dz = (delta[:, 2] - gx * delta[:, 0] - gy * delta[:, 1]) / h
    lean = dz / np.sqrt(a * (a + dz * dz))
    reach = np.sqrt(np.stack([outer[:, 0, 0], outer[:, 1, 1]], 1))
    low = np.minimum(start[:, :2] - start[:, 3:] * reach, end[:, :2] - end[:, 3:] * reach)
    high = np.maximum(start[:, :2] + start[:, 3:] * reach, end[:, :2] + end[:, 3:] * reach)
    item, row = rows_between(low[:, 1], high[:, 1], size)
    dy = row + 0.5 - start[item, 1]
    # a strip around the axis that is surely wide enough, cut with the bounding box
    steep = np.where(np.abs(delta[:, 1]) < 1e-3, 1e-3, delta[:, 1])
    slant = delta[:, 0] / steep
    on_axis = start[item, 0] + dy * slant[item]
    half = (rmax * (reach[:, 0] + reach[:, 1] * np.abs(slant)))[item]
    first = np.ceil(np.maximum(low[item, 0], on_axis - half) - 0.5).astype(np.int64)
    last = np.floor(np.minimum(high[item, 0], on_axis + half) - 0.5).astype(np.int64)
    r0, dr = start[:, 3], delta[:, 3]
    per_row = [
        start[item, 0], 2 * (r0 * dr)[item] + 2 * dy * ey[item], 2 * ex[item],  # B = b0 + b1 dx
        # C = c0 + c1 dx - c2 dx^2
        (r0 * r0)[item] - eyy[item] * dy * dy, -2 * exy[item] * dy, exx[item],
        a[item], 0.5 / a[item], lean[item], dz[item], start[item, 2] + gy[item] * dy,
        gx[item], h[item],
    ]  # fmt: skip
    values, x, pixel, item = expand(row, first, last, size, per_row, item)
    x0, b0, b1, c0, c1, c2, a, half_over_a, lean, dz, z0, gx, h = values
    dx = x - x0
    b = b0 + b1 * dx
    c = c0 + dx * (c1 - c2 * dx)
    peak = b * half_over_a
    t = np.clip(peak + lean * np.sqrt(np.maximum(c + np.float32(0.5) * b * peak, 0)), 0, 1)
    q = c + t * (b - a * t)
    depth = z0 + gx * dx + h * (t * dz + np.sqrt(np.maximum(q, 0)))
    inside = np.flatnonzero(q > 0)
    t, item, pixel, depth = t[inside], item[inside], pixel[inside], depth[inside]
    start32, delta32 = start[:, :3].T.astype(np.float32), delta[:, :3].T.astype(np.float32)

    def normals(chosen, points):
        which = item[chosen]
        offset = points - start32.take(which, 1) - t[chosen] * delta32.take(which, 1)
        return _quadric_normals(outer, offset, which)

    return Pairs(pixel, depth, solid[item], normals)


def disc_pairs(discs, view: View) -> Pairs:
    """All flat round faces."""
    normal = np.array([d[2] for d in discs]) @ view.turn.T
    helper = np.eye(3)[np.abs(normal).argmin(1)]
    across = np.cross(normal, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    radius = np.array([d[3] for d in discs])[:, None, None] * view.scale
    axes = np.stack([across, np.cross(normal, across), np.zeros_like(across)], 2) * radius
    facing = np.where(normal[:, 2:] < 0, -normal, normal).astype(np.float32)
    solid, centre = np.array([d[0] for d in discs]), view.points(np.array([d[1] for d in discs]))
    return ellipsoid_pairs(solid, centre, axes, view.size, facing)


def cylinder_pairs(solid, centre, axis, radius, half_length, view: View) -> Pairs | None:
    """The round wall of one cylinder (its ends are discs)."""
    centre, axis, size = view.points(centre), view.turn @ axis, view.size
    radius, half_length = radius * view.scale, half_length * view.scale
    across = 1 - axis[2] ** 2
    reach = radius * np.sqrt(np.clip(1 - axis[:2] ** 2, 0, 1)) + half_length * np.abs(axis[:2])
    low, high = np.ceil(centre[:2] - reach - 0.5), np.floor(centre[:2] + reach - 0.5)
    (x0, y0), (x1, y1) = np.clip(low, 0, size).astype(int), np.clip(high, -1, size - 1).astype(int)
    if x1 < x0 or y1 < y0 or across < 1e-4:
        return None
    columns, rows = np.arange(x0, x1 + 1), np.arange(y0, y1 + 1)[:, None]
    ux, uy, uz = (np.float32(v) for v in axis)
    dx, dy = (
        (columns + 0.5 - centre[0]).astype(np.float32),
        (rows + 0.5 - centre[1]).astype(np.float32),
    )
    along = dx * ux + dy * uy
    root = (along * uz) ** 2 - np.float32(across) * (
        dx * dx + dy * dy - along * along - np.float32(radius * radius)
    )
    dz = (along * uz + np.sqrt(np.maximum(root, 0))) / np.float32(across)
    inside = (root >= 0) & (np.abs(along + dz * uz) <= half_length)
    pixel = (rows * size + columns)[inside]
    axis32, centre32 = axis.astype(np.float32), centre.astype(np.float32)

    def normals(chosen, points):
        offset = points - centre32[:, None]
        return offset - axis32[:, None] * (axis32 @ offset)

    return Pairs(pixel, dz[inside] + centre32[2], np.full(len(pixel), solid), normals)


def face_pairs(faces: Sequence[tuple[int, Face]], view: View) -> Pairs | None:
    """The pairs of all polygons.

    Every edge crosses the pixel rows it spans, and between each two crossings of a row lies the
    inside. Pixel centres decide, so that polygons which share an edge leave neither gap nor
    overlap.
    """
    normals = np.array([face.normals for _, face in faces]) @ view.turn.T  # [F, 2, 3]
    shown = np.array([not face.one_sided for _, face in faces]) | (normals[:, :, 2].sum(1) > 0)
    faces = [face for face, keep in zip(faces, shown, strict=True) if keep]
    normals = normals[shown]
    if not faces:
        return None
    solid = np.array([s for s, _ in faces])
    count = np.array([len(face.points) for _, face in faces])
    first = np.cumsum(count) - count
    owner = np.repeat(np.arange(len(faces)), count)
    here = view.points(np.concatenate([face.points for _, face in faces]))
    following = np.arange(len(here)) + 1
    following[first + count - 1] = first
    there = here[following]
    # the plane of each polygon itself, by Newell's method: `normals` may be bent for round shading
    anchor = here[first][owner]
    plane = np.add.reduceat(np.cross(here - anchor, there - anchor), first)
    usable = np.abs(plane[:, 2]) > 1e-3 * np.linalg.norm(plane, axis=1) + 1e-9
    middle = np.add.reduceat(here, first) / count[:, None]
    near, far = np.maximum.reduceat(here[:, 2], first), np.minimum.reduceat(here[:, 2], first)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.where(usable[:, None], -plane[:, :2] / plane[:, 2:], 0.0)
        lean = (there[:, 0] - here[:, 0]) / (there[:, 1] - here[:, 1])
    low, high = np.minimum(here[:, 1], there[:, 1]), np.maximum(here[:, 1], there[:, 1])
    edge, row = rows_between(low, np.nextafter(high, -np.inf), view.size)
    keep = usable[owner[edge]]
    edge, row = edge[keep], row[keep]
    x = here[edge, 0] + (row + 0.5 - here[edge, 1]) * lean[edge]
    order = np.lexsort((x, row, owner[edge]))
    x, row, face = x[order], row[order], owner[edge[order]]
    enter, leave, row, face = np.ceil(x[::2] - 0.5), np.ceil(x[1::2] - 0.5) - 1, row[::2], face[::2]
    base = (
        middle[face, 2]
        + (row + 0.5 - middle[face, 1]) * slope[face, 1]
        - middle[face, 0] * slope[face, 0]
    )
    per_row = [base, slope[face, 0], far[face], near[face]]
    (base, slope_x, far, near), x, pixel, face = expand(
        row, enter.astype(np.int64), leave.astype(np.int64), view.size, per_row, face
    )
    depth = np.clip(base + slope_x * x, far, near)

    normals = np.where(normals[:, :1, 2:] + normals[:, 1:, 2:] < 0, -normals, normals).astype(
        np.float32
    )
    change = normals[:, 1] - normals[:, 0]
    start = view.points(np.array([f.start for _, f in faces])).T.astype(np.float32)
    along = np.array([f.along for _, f in faces]) @ view.turn.T
    along = (along / ((along * along).sum(1, keepdims=True) * view.scale)).T.astype(np.float32)
    bent = (np.abs(change) > 1e-6).any()

    def bent_normals(chosen, points):
        k = face[chosen]
        base = normals[:, 0].T.take(k, 1)
        if not bent:
            return base
        share = np.clip(((points - start.take(k, 1)) * along.take(k, 1)).sum(0), 0, 1)
        return base + share * change.T.take(k, 1)

    return Pairs(pixel, depth, solid[face], bent_normals)
