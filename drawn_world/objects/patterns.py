"""Patterns for `Material`: stripes, bands, spokes."""

from __future__ import annotations

import numpy as np


def stripes(axis: int, period: float, share: float = 0.5, phase: float = 0.0):
    """A pattern: bands across an axis, `share` of each period in the second colour."""

    def pattern(points):
        return (((points[:, axis] / period + phase) % 1.0) < share).astype(np.float32)

    return pattern


def band(axis: int, low: float, high: float):
    """A pattern: the second colour where low <= coordinate <= high."""

    def pattern(points):
        return ((points[:, axis] >= low) & (points[:, axis] <= high)).astype(np.float32)

    return pattern


def hub_pattern(centre, radius: float, spokes: int, axis):
    """A pattern of a hub's face: the second colour between spokes (0: a ring near the edge)."""
    centre, axis = np.asarray(centre, float), np.asarray(axis, float)
    first = np.cross(axis, (0.0, 1.0, 0.0))
    first /= np.linalg.norm(first)
    second = np.cross(first, axis)

    def pattern(points):
        offset = points - centre
        across, up = offset @ first / radius, offset @ second / radius
        distance = np.hypot(across, up)
        if spokes == 0:
            return ((distance > 0.66) & (distance < 0.8)) * 1.0
        between = np.cos(spokes * np.arctan2(up, across)) < 0.25
        return (between & (distance > 0.34) & (distance < 0.86)) * 1.0

    return pattern
