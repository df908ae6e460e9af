"""Attention edited by hand: what a tap may put in the place of the decoder's own weights.

An edit takes the weights of some sequences, float `[M, heads, 1+N, 1+N]`, and returns as many; each
query's row sums to 1. Rows and columns start with the class token; N = grid x grid patches.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..inference.predict import predict, resize_logits
from ..network.decoder import AttentionTap
from ..network.models import PartCLIPSeg
from ..vocabulary import Vocabulary

Edit = Callable[[Tensor], Tensor]


def look_everywhere(weights: Tensor) -> Tensor:
    """Attention spread equally over all keys."""
    return torch.full_like(weights, 1 / weights.shape[-1])


def sharpened(weights: Tensor, power: float = 4) -> Tensor:
    """Each row to a power: what was looked at most is looked at almost alone."""
    sharp = weights**power
    return sharp / sharp.sum(-1, keepdim=True)


def blurred(weights: Tensor, cells: int = 5) -> Tensor:
    """Each row's patches averaged over windows of `cells` x `cells` (an odd number)."""

    def blur(patches: Tensor) -> Tensor:
        return F.avg_pool2d(patches, cells, 1, cells // 2, count_include_pad=False)

    return _with_patches(weights, blur)


def moved(weights: Tensor, cells: int = 4) -> Tensor:
    """Each row's patches looked at `cells` further to the right; what leaves the picture is lost.

    A row that looked at nothing else looks everywhere.
    """

    def move(patches: Tensor) -> Tensor:
        return F.pad(patches, (cells, 0))[..., : patches.shape[-1]]

    return _with_patches(weights, move)


def probabilities_edited(
    model: PartCLIPSeg,
    image: np.ndarray,
    name: str,
    vocabulary: Vocabulary,
    edits: Mapping[str, Edit | None],
) -> dict[str, np.ndarray]:
    """The mask of one object part under each edit of its part's and its object's attention.

    Args:
        model: asked for the part alone.
        image: RGB uint8 `[H, W, 3]`.
        name: the object part, such as "dog's head".
        vocabulary: one that has it.
        edits: title -> edit; None leaves the attention as it is.

    Returns:
        Title -> probabilities, float32 `[H, W]`.
    """
    words = vocabulary.restrict([name])
    found = {}
    for title, edit in edits.items():
        tap = edit and AttentionTap(torch.arange(2), edit=edit)
        logits = predict(model, [image], words, tap).object_part_logits[0]
        found[title] = resize_logits(logits, image.shape[:2])[0].sigmoid().numpy()
    return found


def _with_patches(weights: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Weights whose patches went through `change` as images `[n, 1, grid, grid]`.

    The class token keeps its share.
    """
    token, patches = weights[..., :1], weights[..., 1:]
    grid = math.isqrt(patches.shape[-1])
    changed = change(patches.reshape(-1, 1, grid, grid)).reshape(patches.shape)
    total = changed.sum(-1, keepdim=True)
    changed = torch.where(total > 0, changed / total.clamp(min=1e-12), 1 / grid**2)
    return torch.cat([token, changed * (1 - token)], -1)
