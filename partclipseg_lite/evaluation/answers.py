"""Several answers to the same pictures, scored side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from ..datasets.sample import Sample
from ..inference.predict import resize_logits
from ..vocabulary import Vocabulary
from .class_means import mean_iou
from .decisions import oracle_obj_labels, plain_labels
from .intervals import Interval, paired_difference
from .metrics import Evaluator


def evaluate_answers(
    answer: Callable[[Sample], Mapping[str, Tensor]],
    samples: Iterable[Sample],
    vocabulary: Vocabulary,
) -> dict[str, Evaluator]:
    """Score every answer to every picture, with the objects told and with nothing told.

    Args:
        answer: gives for a picture `{name: scores}`, float `[T+1, h, w]` of any size, background
            last.
        samples: the pictures.
        vocabulary: the T object parts.

    Returns:
        `{name: evaluator}`, with the settings "oracle_obj" and "plain".
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
    return evaluators


def difference(one: Evaluator, other: Evaluator) -> dict[str, dict[str, Interval]]:
    """One evaluator's mIoU minus the other's on the same pictures, in the same order.

    Returns:
        Setting -> {"seen", "unseen", "harmonic"}, with 95 % intervals over pictures.
    """
    statistic = mean_iou(one.vocabulary.seen.numpy())
    return {
        setting: paired_difference(
            *(evaluator.pictures.settings[setting][None] for evaluator in (one, other)), statistic
        )
        for setting in one.settings
    }
