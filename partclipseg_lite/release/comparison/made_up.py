"""The made-up weights of reference runs: the name of a tensor says what is in it."""

import zlib

import numpy as np
import torch
from torch import Tensor


def deterministic_weight(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """The value of the official tensor `name` in reference runs, `float32`.

    A stream of NumPy's frozen MT19937 for each name, scaled by kind: norms around 1, biases and
    embeddings small, matrices by the square root of what they sum over.
    """
    if name.endswith("logit_scale"):
        return torch.full(shape, 4.6052)
    stream = np.random.RandomState((zlib.crc32(name.encode()) + seed) % 2**32)
    x = stream.standard_normal(shape).astype(np.float32).astype(np.float64)
    if len(shape) == 1:
        x = 1 + 0.1 * x if "norm" in name and name.endswith("weight") else 0.02 * x
    elif "embedding" in name and "patch" not in name:
        x = 0.02 * x
    else:
        many = any(part in name for part in ("conv", "part_obj_with_cond_embed", "patch_embedding"))
        x = x / np.sqrt(float(np.prod(shape[1:]) if many else shape[-1]))
    return torch.from_numpy(x.astype(np.float32))
