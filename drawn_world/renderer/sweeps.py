"""How sweeps become chains of cones, cut finely where it shows."""

from __future__ import annotations

import math

import numpy as np

from drawn_world.renderer.screen import THINNEST, View, outline
from drawn_world.renderer.sculpture import Sculpture

CHUNK = 80_000  # pixel-solid pairs worked on at a time: about what the processor's cache holds


def cut_sweeps(sculpture: Sculpture, view: View):
    """Cut all sweeps into cones, or into ellipsoids where they point at the viewer.

    That is where one end of a cone would lie inside the other.

    Returns (solid [n], start [n, 4], end [n, 4], shape [n, 3, 3]) and lists of (solid [m], centre
    [m, 3], axes [m, 3, 3]).
    """
    sweeps, scale = sculpture._sweeps, view.scale
    length = np.array([len(sweep[1]) for sweep in sweeps])
    radii = np.maximum(np.concatenate([sweep[2] for sweep in sweeps]), 0.15 / scale)
    knots = np.column_stack([np.concatenate([sweep[1] for sweep in sweeps]), radii])
    first = np.cumsum(length) - length
    last = first + length - 1
    inner = np.ones(len(knots), bool)
    inner[last] = False
    here_at = np.flatnonzero(inner)  # every knot but the last of each sweep begins a span
    owner = np.repeat(np.arange(len(sweeps)), length - 1)
    here, there = knots[here_at], knots[here_at + 1]
    before, after = (
        knots[np.maximum(here_at - 1, 0)],
        knots[np.minimum(here_at + 2, len(knots) - 1)],
    )
    begins, ends = np.isin(here_at, first), np.isin(here_at + 1, last)
    before[begins] = 2 * here[begins] - there[begins]  # the curve goes straight on beyond its ends
    after[ends] = 2 * there[ends] - here[ends]
    pieces = _pieces(before, here, there, after, scale)
    for k, sweep in enumerate(sweeps):
        if sweep[3] is not None:
            pieces[owner == k] = max(1, round(sweep[3] / (length[k] - 1)))

    span = np.repeat(np.arange(len(pieces)), pieces)
    step = np.arange(len(span)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    b, h, n, f = before[span], here[span], there[span], after[span]

    def at(t):
        curve = h + 0.5 * t * (
            (n - b) + t * ((2 * b - 5 * h + 4 * n - f) + t * (3 * (h - n) + f - b))
        )
        curve[:, 3] = np.maximum(curve[:, 3], 0.15 / scale)
        return np.column_stack([view.points(curve[:, :3]), curve[:, 3] * scale])

    start, end = at((step / pieces[span])[:, None]), at(((step + 1) / pieces[span])[:, None])
    solid = np.array([sweep[0] for sweep in sweeps])[owner[span]]
    shape = (view.turn @ np.array([sweep[4] for sweep in sweeps]))[owner[span]]

    delta = end - start
    rmax = np.maximum(start[:, 3], end[:, 3])
    (exx, exy, eyy), *_ = outline(
        shape @ shape.transpose(0, 2, 1) + (THINNEST / rmax**2)[:, None, None] * np.eye(3)
    )
    across = exx * delta[:, 0] ** 2 + 2 * exy * delta[:, 0] * delta[:, 1] + eyy * delta[:, 1] ** 2
    toward = across < 1.05 * delta[:, 3] ** 2 + 0.02
    balls = []
    for k in np.flatnonzero(toward):
        count = (
            int(np.clip(math.ceil(np.abs(delta[k]).max() / max(0.12 * rmax[k], 0.5)), 1, 16)) + 1
        )
        ball = start[k] + np.linspace(0, 1, count)[:, None] * delta[k]
        balls.append((np.full(count, solid[k]), ball[:, :3], shape[k] * ball[:, 3, None, None]))
    keep = ~toward
    return (solid[keep], start[keep], end[keep], shape[keep]), balls


def _pieces(before, here, there, after, scale):
    """Cones needed for each span.

    More where the curve bulges or turns on the screen, and along thin tubes, whose bounding boxes
    would be mostly empty.
    """
    middle = (9 * (here + there) - before - after) / 16
    bulge = np.abs(middle - (here + there) / 2).max(1) * scale
    enter, leave = (there - before)[:, :3], (after - here)[:, :3]
    length = np.linalg.norm(enter, axis=1) * np.linalg.norm(leave, axis=1) + 1e-12
    turn = np.arccos(np.clip((enter * leave).sum(1) / length, -1, 1))
    thin = (
        np.linalg.norm((there - here)[:, :3], axis=1)
        * scale
        / np.maximum(4 * scale * (here + there)[:, 3], 12)
    )
    pieces = np.ceil(np.maximum(np.maximum(np.sqrt(bulge / 0.25), turn / 0.25), thin))
    return np.clip(pieces, 1, 14).astype(int)


def chunks(solid, start, end, shape, pixels: int = CHUNK):
    """Cones in groups whose bounding boxes hold about `pixels` pixels."""
    area = np.prod(np.abs(end[:, :2] - start[:, :2]) + (start[:, 3:] + end[:, 3:]), 1)
    group = (np.cumsum(area) // pixels).astype(int)
    cuts = [0, *(np.flatnonzero(np.diff(group)) + 1), len(group)]
    for a, b in zip(cuts[:-1], cuts[1:], strict=True):
        if b > a:
            yield solid[a:b], start[a:b], end[a:b], shape[a:b]


# ---- rows and pixels
# ---------------------------------------------------------------------------------------------
