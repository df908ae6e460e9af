"""What goes wrong where an object part is not found: the part, the object, both, or all of it."""

import numpy as np

from ..vocabulary import Vocabulary

KINDS = ("right", "other part", "other object", "both other", "background")


def kinds_of_error(confusion: np.ndarray, vocabulary: Vocabulary) -> dict[str, dict[str, float]]:
    """What labelled pixels of seen and of unseen object parts were taken for.

    "other part": a dog's leg for its head; "other object": a dog's head for a cat's; "both other":
    for a cat's leg. Every class weighs the same, as in mIoU.

    Args:
        confusion: pixels by [predicted, true] class, background last, `int64 [T+1, T+1]`, as
            `Evaluator.confusion` gives it.
        vocabulary: of the T object parts.

    Returns:
        {"seen": {kind: mean share}, "unseen": …}; the shares of each add up to 1. Classes without a
        labelled pixel take no part.
    """
    T = len(vocabulary)
    part, obj = vocabulary.part_of.numpy(), vocabulary.object_of.numpy()
    true = confusion[:, :T].astype(float)
    labelled = true.sum(0)
    same_part, same_object = part[:, None] == part[None], obj[:, None] == obj[None]
    masks = {
        "right": same_part & same_object,
        "other part": ~same_part & same_object,
        "other object": same_part & ~same_object,
        "both other": ~same_part & ~same_object,
    }
    shares = {kind: (true[:T] * mask).sum(0) for kind, mask in masks.items()}
    shares["background"] = true[T]
    seen = vocabulary.seen.numpy()
    return {
        name: {
            kind: float(np.mean(pixels[chosen] / labelled[chosen]))
            for kind, pixels in shares.items()
        }
        for name, split in (("seen", seen), ("unseen", ~seen))
        if (chosen := split & (labelled > 0)).any()
    }
