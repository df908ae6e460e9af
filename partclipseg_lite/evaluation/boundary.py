"""Boundaries of label maps: for the true boundary IoU, and for what the release reports.

Boundary IoU (Cheng et al., CVPR 2021) is the IoU of two masks counted only within distance d of
each mask's own outline, d = 2 % of the image diagonal. A mask keeps a pixel in its interior if the
whole (2d+1) x (2d+1) window around the pixel belongs to the mask. In a label map that is so exactly
where the window holds a single label, so one running minimum and one running maximum give the
boundary regions of all classes together, however many there are.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..datasets.sample import IGNORE

BOUNDARY_RATIO = 0.02  # of the image diagonal: Cheng et al.'s setting for COCO-sized pictures


def boundary_width(shape: tuple[int, int], ratio: float = BOUNDARY_RATIO) -> int:
    """Thickness d of the boundary region in pixels, at least 1.

    That is ratio x diagonal of the image, whose shape is (H, W).
    """
    height, width = shape
    return max(1, int(round(ratio * float(np.hypot(height, width)))))


def boundary_labels(labels: np.ndarray, width: int | None = None) -> np.ndarray:
    """Each label in the boundary region of its own mask, IGNORE elsewhere, `int [H, W]`.

    Outside the image lies nothing: mask pixels at the image's edge are boundary, as in the
    reference implementation.

    Args:
        labels: `int [H, W]`; pixels that are IGNORE belong to no mask.
        width: d in pixels; default: `boundary_width`.
    """
    width = boundary_width(labels.shape) if width is None else width
    window = {"size": 2 * width + 1, "mode": "constant", "cval": IGNORE}
    lowest = ndimage.minimum_filter(labels, **window)
    highest = ndimage.maximum_filter(labels, **window)
    return np.where(lowest == highest, IGNORE, labels)


def released_boundary_quantity(labels: np.ndarray) -> np.ndarray:
    """What the release compares under the name "boundary IoU": a map of label *differences*.

    It erodes the label map itself, as if it were one mask, and subtracts: inside a part the
    difference is 0, which is also the id of the first object part, and on an outline it is the
    difference of two ids, which names no part that is there. Only at the edge of the image, where
    zeros are eroded in, does the true id survive. Kept so that the released numbers can be
    reproduced; it says nothing about boundaries.

    Args:
        labels: `int [H, W], 0..T`, T standing for ignored.

    Returns:
        The differences, `int [H, W], 0..T`.

    Raises:
        ValueError: labels from 255 on, where the release computes nothing (its maps are 8 bit).
    """
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < 255:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, expected 0..254: the "
            f"released quantity is defined on 8-bit label maps only"
        )
    size = 2 * boundary_width(labels.shape) + 1
    return labels - ndimage.minimum_filter(labels, size=size, mode="constant", cval=0)
