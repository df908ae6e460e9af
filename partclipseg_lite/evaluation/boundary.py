"""Boundaries of label maps, for the boundary IoU.

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
    found = np.full_like(labels, IGNORE)
    # Outside of what is labelled lies nothing, as outside of the image; narrow numbers are faster.
    box = tuple(ndimage.find_objects((labels != IGNORE).astype(np.uint8)) or [(slice(0),) * 2])[0]
    inside = labels[box].astype(np.int32)
    lowest = ndimage.minimum_filter(inside, **window)
    highest = ndimage.maximum_filter(inside, **window)
    found[box] = np.where(lowest == highest, IGNORE, inside)
    return found
