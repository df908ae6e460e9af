"""Several answers to the same pictures, scored side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from ..datasets.sample import Sample
from ..inference.predict import resize_logits
from ..vocabulary import Vocabulary
from .decisions import oracle_obj_labels, plain_labels
from .metrics import Evaluator


def evaluate_answers(
    answer: Callable[[Sample], Mapping[str, Tensor]],
    samples: Iterable[Sample],
    vocabulary: Vocabulary,
) -> dict[str, dict]:
    """Score every answer to every picture, with the objects told and with nothing told.

    Args:
        answer: gives for a picture `{name: scores}`, float `[T+1, h, w]` of any size, background
            last.
        samples: the pictures.
        vocabulary: the T object parts.

    Returns:
        `{name: result}` of `Evaluator.compute` in the settings "oracle_obj" and "plain".
    """
    evaluators: dict[str, Evaluator] = {}
    for sample in samples:
        for name, scores in answer(sample).items():
            scores = resize_logits(scores, sample.part_map.shape)
            present = torch.from_numpy(sample.object_map)
            labels = {
                "oracle_obj": oracle_obj_labels(scores, present, vocabulary),
                "plain": plain_labels(scores, vocabulary),
            }
            evaluator = evaluators.setdefault(name, Evaluator(vocabulary, settings=labels))
            evaluator.update(labels, sample.object_map, sample.part_map)
    return {name: evaluator.compute() for name, evaluator in evaluators.items()}
