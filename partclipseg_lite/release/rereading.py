"""One set of weights under both readings, and the word that each of them reads for an object."""

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import torch

from ..inference.predict import encode
from ..network.models import Conditions, PartCLIPSeg
from ..reading import Reading
from ..vocabulary import Vocabulary
from .departures import as_read


def reread(model: PartCLIPSeg, reading: Reading) -> PartCLIPSeg:
    """The same weights, not copied, computed as `reading` says. The model itself stays as it is."""
    other = copy.copy(model)
    other.__class__ = as_read(PartCLIPSeg, reading)
    return other


def words_read(model: PartCLIPSeg, vocabulary: Vocabulary) -> dict[str, str]:
    """Object -> `word_read`, for every object of the vocabulary that has parts."""
    return {obj: word_read(model, vocabulary, obj) for obj in vocabulary.objects_with_parts}


@torch.inference_mode()
def in_company(
    model: PartCLIPSeg, image: np.ndarray, name: str, company: Iterable[Sequence[str]]
) -> tuple[list[str], float]:
    """One object part asked for in lists of names: does the company change its answer?

    Returns:
        The word that steers the object's half in each list; the largest difference of a logit
        from the first list's.
    """
    words, maps, activations = [], [], encode(model, [image])
    for vocabulary in map(Vocabulary.from_names, company):
        words.append(word_read(model, vocabulary, vocabulary.parse(name)[0]))
        output = model(activations, model.embed(vocabulary))
        maps.append(output.object_part_logits[0, vocabulary.index(name)])
    return words, max(float((one - maps[0]).abs().max()) for one in maps)


def word_read(model: PartCLIPSeg, vocabulary: Vocabulary, obj: str) -> str:
    """The word whose embedding steers the object's half of the text of `obj`'s parts (Eq. 3).

    The model is asked: each word of the vocabulary gets an embedding of its own, and what comes out
    of `text_pairs` tells which was read.

    Raises:
        ValueError: the vocabulary has no part of such an object.
    """
    if obj not in vocabulary.objects_with_parts:
        raise ValueError(
            f"the vocabulary has no part of {obj!r}; "
            f"its objects are {', '.join(vocabulary.objects_with_parts)}"
        )
    words = [*vocabulary.parts, *vocabulary.objects, "background"]
    each = torch.eye(len(words))  # an embedding for every word, (P+O+1, P+O+1)
    parts, objects, _ = each.split([len(vocabulary.parts), len(vocabulary.objects), 1])
    conditions = Conditions(parts, objects, vocabulary.part_of, vocabulary.object_of).expand(1)
    pairs = model.text_pairs(each[None], conditions)  # (1, T+1, 2 (P+O+1)), [object | part]
    t = vocabulary.object_of.tolist().index(vocabulary.objects.index(obj))
    return words[int(pairs[0, t, : len(words)].argmax())]
