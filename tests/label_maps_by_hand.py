"""Small label maps with everything in them that evaluators treat differently."""

import numpy as np

from partclipseg_lite.vocabulary import Vocabulary

NAMES = {"cat": ["head", "tail", "leg"], "bus": ["wheel", "door"], "dog": ["head", "tail"]}
SMALL = Vocabulary.from_names(NAMES, seen_objects=["cat", "bus"])
T = len(SMALL)


def picture(seed: int, shape=(23, 31), block=4):
    """Random blocky object and part maps that fit SMALL, with pixels of objects without part, and a
    prediction."""
    rng = np.random.default_rng(seed)

    def blocks(low, high):
        coarse = rng.integers(low, high, (-(-shape[0] // block), -(-shape[1] // block)))
        return np.kron(coarse, np.ones((block, block), int))[: shape[0], : shape[1]]

    part_map = blocks(-1, T)
    object_map = np.where(
        part_map >= 0, SMALL.object_of.numpy()[part_map], blocks(-1, len(SMALL.objects))
    )
    predicted = np.where(
        rng.random(shape) < 0.6, np.where(part_map >= 0, part_map, T), blocks(0, T + 1)
    )
    return object_map, part_map, predicted
