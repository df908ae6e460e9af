"""A small software renderer: true depth buffer, deferred light, exact part maps.

How it is fast without a graphics card: every solid has a closed-form depth per pixel (`raster.py`),
`np.maximum.at` keeps the nearest, and normals, patterns and light are computed only for what is
visible. Nothing loops over pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from drawn_world.renderer.rasterize import Pairs, all_pairs, face_pairs
from drawn_world.renderer.screen import View
from drawn_world.renderer.sculpture import NOTHING, Camera, Sculpture
from drawn_world.renderer.shading import FINISH_NAMES, SOFT_FINISHES, Light, shade


@dataclass
class Layer:
    """One rendered sculpture at supersampled size H = W = size * supersample.

    Attributes:
        rgb: float32 [H, W, 3], 0..255, zero outside the object (not premultiplied).
        alpha: float32 [H, W], 0 or 1; soft edges come from shrinking.
        part_index: int16 [H, W]; k is part_names[k], -1 nothing, -2 object without part. A
            label-only face may set it where alpha is 0.
        depth: float32 [H, W], units toward the viewer relative to the frame's origin, -inf where
            there is nothing.
        part_names: names of parts that `part_index` counts.
        supersample: pixels of the layer along one output pixel.
        box: (top, left, bottom, right) of the pixels with a label, end-exclusive, at supersampled
            size; zeros if none.
    """

    rgb: np.ndarray
    alpha: np.ndarray
    part_index: np.ndarray
    depth: np.ndarray
    part_names: tuple[str, ...]
    supersample: int
    box: tuple[int, int, int, int]

    def shrink(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The layer at output size S.

        Returns:
            Premultiplied colour float32 [S, S, 3], alpha float32 [S, S], part_index int16 [S, S].
        """
        s = self.supersample
        if s == 1:
            return self.rgb, self.alpha, self.part_index
        h, w = self.alpha.shape[0] // s, self.alpha.shape[1] // s
        rgb = np.zeros((h, w, 3), np.float32)
        alpha = np.zeros((h, w), np.float32)
        top, left, bottom, right = self.box
        top, left, bottom, right = top // s, left // s, -(-bottom // s), -(-right // s)
        if bottom > top:
            block = np.s_[top * s : bottom * s, left * s : right * s]
            tall = self.alpha[block].reshape(bottom - top, s, right - left, s)
            alpha[top:bottom, left:right] = sum(
                tall[:, i, :, j] for i in range(s) for j in range(s)
            ) / (s * s)
            tall = self.rgb[block].reshape(bottom - top, s, right - left, s, 3)
            rgb[top:bottom, left:right] = sum(
                tall[:, i, :, j] for i in range(s) for j in range(s)
            ) / (s * s)
        return rgb, alpha, self.part_index[s // 2 :: s, s // 2 :: s]


def render(
    sculpture: Sculpture,
    camera: Camera,
    size: int,
    light: Light | None = None,
    supersample: int = 2,
) -> Layer:
    """Draw a sculpture on a square.

    Whatever falls outside the square is cut off. Deterministic: equal arguments give equal arrays.

    Args:
        sculpture: what to draw.
        camera: where from.
        size: output pixels a side.
        light: of the scene; None for a plain one.
        supersample: pixels drawn along one output pixel.

    Raises:
        ValueError: where size or supersample is below 1.
    """
    if size < 1 or supersample < 1:
        raise ValueError(
            f"size and supersample must be at least 1; got size={size}, supersample={supersample}"
        )
    side = size * supersample
    turn = camera.matrix() * np.array(
        [[1.0], [-1.0], [1.0]]
    )  # camera frame with y down, as on the screen
    origin = np.array([camera.centre[0] * supersample, camera.centre[1] * supersample, 0.0])
    view = View(turn, camera.scale * supersample, origin, side)
    low, high = sculpture.bounds()
    extent = float((high - low).max())

    batches = all_pairs(sculpture, view)
    buffer, nearest = _nearest(batches, side)
    seen = np.flatnonzero(nearest >= 0)
    part_index = _part_map(sculpture, view, buffer, nearest, seen)
    rgb = np.zeros((side * side, 3), np.float32)
    if len(seen):
        colour, normal = _visible_surface(sculpture, view, batches, buffer, nearest, seen, extent)
        points = view.back(_screen(seen, buffer[seen], side))
        finish = np.array([FINISH_NAMES.index(m.finish) for m in sculpture.materials])[
            sculpture._material
        ][nearest[seen]]
        hidden = _occlusion(buffer, seen, side, extent * view.scale)
        up = camera.matrix()[:, 1].astype(np.float32)
        rgb[seen] = shade(colour, normal, points, finish, hidden, up, light or Light(), extent).T

    grid = (part_index != NOTHING).reshape(side, side)
    rows, columns = np.flatnonzero(grid.any(1)), np.flatnonzero(grid.any(0))
    box = (rows[0], columns[0], rows[-1] + 1, columns[-1] + 1) if len(rows) else (0, 0, 0, 0)
    return Layer(
        rgb=rgb.reshape(side, side, 3),
        alpha=(nearest >= 0).astype(np.float32).reshape(side, side),
        part_index=part_index.reshape(side, side),
        depth=(buffer / np.float32(view.scale)).reshape(side, side),
        part_names=tuple(sculpture.part_names),
        supersample=supersample,
        box=tuple(int(v) for v in box),
    )


def _nearest(batches: list[Pairs], side: int) -> tuple[np.ndarray, np.ndarray]:
    """Depth buffer float32 [side^2] (-inf: empty) and the nearest solid int [side^2] (-1: none)."""
    buffer = np.full(side * side, -np.inf, np.float32)
    for pairs in batches:
        pairs.depth = pairs.depth + (pairs.solid * 2e-3).astype(np.float32)  # later solids win ties
        np.maximum.at(buffer, pairs.pixel, pairs.depth)
    nearest = np.full(side * side, -1, np.int64)
    for pairs in batches:
        wins = np.flatnonzero(pairs.depth == buffer[pairs.pixel])
        nearest[pairs.pixel[wins]] = pairs.solid[wins]
    return buffer, nearest


def _part_map(sculpture: Sculpture, view: View, buffer, nearest, seen) -> np.ndarray:
    """The part of the nearest solid, or of a label-only face in front of it, int16 [side^2]."""
    part_of = np.array(sculpture._part, np.int16)
    part_index = np.full(len(buffer), NOTHING, np.int16)
    part_index[seen] = part_of[nearest[seen]]
    pairs = face_pairs(sculpture._label_faces, view) if sculpture._label_faces else None
    if pairs is not None:
        nearer = np.flatnonzero(pairs.depth > buffer[pairs.pixel])
        nearer = nearer[
            np.argsort(pairs.depth[nearer], kind="stable")
        ]  # of several labels the nearest is written last
        part_index[pairs.pixel[nearer]] = part_of[pairs.solid[nearer]]
    return part_index


def _screen(pixel: np.ndarray, depth: np.ndarray, side: int) -> np.ndarray:
    """float32 [3, n]: screen points of pixels at a depth."""
    row = pixel // side
    return np.stack(
        [
            (pixel - row * side).astype(np.float32) + np.float32(0.5),
            row.astype(np.float32) + np.float32(0.5),
            depth,
        ]
    )


def _visible_surface(
    sculpture, view, batches, buffer, nearest, seen, extent
) -> tuple[np.ndarray, np.ndarray]:
    """Base colour and normal, each float32 [3, n], of the seen pixels.

    Where solids of the same soft finish lie close behind each other, colour and normal are
    averages, with weights that fall with the distance: limbs flow out of the body without a seam.
    Depth and part map stay exact.
    """
    side = view.size
    finish = np.array([FINISH_NAMES.index(m.finish) for m in sculpture.materials])[
        sculpture._material
    ]
    soft = np.array([m.finish in SOFT_FINISHES for m in sculpture.materials])[sculpture._material]
    reach = np.float32(max(2.2 * sculpture.soften * extent * view.scale, 1e-3))
    gathered = []
    for pairs in batches:
        behind = buffer[pairs.pixel] - pairs.depth
        kept = np.flatnonzero(behind < reach)
        behind, pixel, solid = behind[kept], pairs.pixel[kept], pairs.solid[kept]
        front = nearest[pixel]
        own = solid == front
        use = np.flatnonzero(
            own & (behind == 0) | ~own & soft[solid] & (finish[solid] == finish[front])
        )
        kept, behind, pixel, solid = kept[use], behind[use], pixel[use], solid[use]
        screen = _screen(pixel, pairs.depth[kept], side)
        normal = pairs.normals(kept, screen)
        normal = normal / np.sqrt((normal * normal).sum(0) + np.float32(1e-12))
        gathered.append((pixel, solid, (1 - behind / reach) ** 2, screen, normal))
    pixel, solid, weight, screen, normal = (
        np.concatenate(column, -1) for column in zip(*gathered, strict=True)
    )
    colour = _base_colours(sculpture, np.array(sculpture._material)[solid], view.back(screen))
    slot = np.zeros(side * side, np.int64)
    slot[seen] = np.arange(len(seen))
    into = slot[pixel]
    total = np.bincount(into, weight, len(seen))
    blended = np.stack(
        [np.bincount(into, row * weight, len(seen)) / total for row in (*colour, *normal)]
    ).astype(np.float32)
    blended[4] *= -1  # the camera frame has y up
    return blended[:3], blended[3:]


def _base_colours(sculpture: Sculpture, material: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Colour before light, float32 [3, n], of points [3, n] in the object frame."""
    first = np.array([m.colour for m in sculpture.materials], np.float32).T
    second = np.array([m.colour2 or m.colour for m in sculpture.materials], np.float32).T
    share = np.zeros(len(material), np.float32)
    for k, m in enumerate(sculpture.materials):
        if m.pattern is not None:
            where = np.flatnonzero(material == k)
            if len(where):
                share[where] = np.clip(m.pattern(points.T[where]), 0, 1)
    colour = first.take(material, 1)
    if share.any():
        colour += share * (second - first).take(material, 1)
    return colour


def _occlusion(buffer: np.ndarray, seen: np.ndarray, side: int, extent: float) -> np.ndarray:
    """How deep each seen pixel lies behind the local average of the surface, float32 0..1.

    A cheap ambient occlusion.
    """
    step = max(1, side // 64)
    rough = buffer.reshape(side, side)[step // 2 :: step, step // 2 :: step]
    present = np.isfinite(rough)
    depth = np.where(present, rough, 0).astype(np.float32)
    count = present.astype(np.float32)
    for _ in range(2):
        depth, count = _box_blur(depth), _box_blur(count)
    average = Image.fromarray(depth / np.maximum(count, 1e-6), "F").resize(
        (side, side), Image.BILINEAR
    )
    ahead = np.asarray(average).ravel()[seen] - buffer[seen]
    return np.clip(ahead / np.float32(0.16 * extent), 0, 1)


def _box_blur(grid: np.ndarray) -> np.ndarray:
    grid = np.pad(grid, 1, mode="edge")
    grid = grid[:-2] + grid[1:-1] + grid[2:]
    return grid[:, :-2] + grid[:, 1:-1] + grid[:, 2:]
