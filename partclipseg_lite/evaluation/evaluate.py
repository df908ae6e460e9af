"""Score a model on a dataset, in all settings in one pass."""

import sys
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ..datasets.sample import IGNORE, Sample
from ..inference.predict import check_numbers, predict
from ..inference.sharing import Share
from ..network.models import CLIPSeg, PartCLIPSeg
from ..vocabulary import Vocabulary
from .decisions import chosen_probability, resized_labels
from .metrics import Evaluator
from .predictions import PredictionWriter


def predicted_labels(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    batch_size: int = 4,
    progress: bool = False,
    indices: Sequence[int] | None = None,
) -> Iterator[tuple[Sample, dict[str, Tensor]]]:
    """Each sample with its labels, `{"oracle_obj": int64 [H, W], "pred_all": …, "plain": …}`.

    One label a pixel in every setting: ids of `vocabulary`, at the picture's size, on the model's
    device. Words are the bare names of `vocabulary`. Nothing of the ground truth reaches the model;
    Oracle-Obj uses the list of objects present when labels are decided, as its name says. With
    `indices` only those samples, in that order.

    Raises:
        ValueError: no pictures, a batch size that is none, or samples whose ids are not those of
            `vocabulary`.
        FloatingPointError: the model's scores are no numbers.
    """
    for sample, labels, _ in _predicted(
        model, samples, vocabulary, batch_size, progress, indices, scored=False
    ):
        yield sample, labels


def _predicted(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    batch_size: int,
    progress: bool,
    indices: Sequence[int] | None,
    scored: bool,
) -> Iterator[tuple[Sample, dict[str, Tensor], dict[str, Tensor]]]:
    """As `predicted_labels`, and if `scored` the probabilities of the chosen labels beside them."""
    if type(batch_size) is not int or batch_size < 1:
        raise ValueError(f"batch_size must be a whole number from 1, got {batch_size!r}")
    if not len(samples):
        raise ValueError("there are no pictures to score; give a data set with at least one")
    of_samples = getattr(samples, "vocabulary", vocabulary)
    if of_samples != vocabulary:
        raise ValueError(
            f"the labels of the pictures are ids of {of_samples!r}, and the vocabulary to score is "
            f"{vocabulary!r}; give samples.vocabulary, or read the pictures with the other one"
        )
    asked = vocabulary.asked()
    # Ids of all objects -> of those asked for; objects without parts, and the last entry for IGNORE
    # = -1, have none.
    position = torch.tensor(
        [asked.objects.index(o) if o in asked.objects else IGNORE for o in vocabulary.objects]
        + [IGNORE]
    )
    indices = range(len(samples)) if indices is None else indices
    starts = range(0, len(indices), batch_size)
    for start in tqdm(
        starts, disable=not progress, desc="evaluate", file=sys.stdout, mininterval=2, ncols=100
    ):
        batch = [samples[i] for i in indices[start : start + batch_size]]
        for sample in batch:
            sample.check_ids(vocabulary)
        output = predict(model, [s.image for s in batch], asked)
        check_numbers(output.object_part_logits)
        for b, sample in enumerate(batch):
            scores, objects = output.object_part_logits[b], None
            if output.object_logits is not None:
                objects = torch.cat([output.object_logits[b], output.background_logits[b]])
            present = position[torch.from_numpy(np.unique(sample.object_map))]
            labels = resized_labels(scores, objects, present, asked, sample.part_map.shape)
            named = labels if scored else {}
            sure = {s: chosen_probability(scores, ids, asked) for s, ids in named.items()}
            yield sample, labels, sure


def count(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    batch_size: int = 4,
    progress: bool = False,
    predictions: PredictionWriter | None = None,
    share: Share | None = None,
) -> Evaluator:
    """An evaluator that has counted every picture: `.compute()` scores, `.pictures` to compare.

    Scored are full frames at the labels' own size; the labels are those of `predicted_labels`. With
    `predictions` they are written there, and pictures that have theirs are not predicted again;
    `samples` then needs `names`. Each of several processes predicts its `share` of the pictures (by
    default as the launcher says; all of them have to call this), and each is given all counts. The
    pictures stand in the order of `samples`, whoever came to them first.
    """
    evaluator, share = Evaluator(vocabulary), share or Share()
    ahead, there = list(share.of(range(len(samples)))), set()
    if predictions is not None:
        there = {i for i in ahead if predictions.has(samples.names[i])}
        ahead = [i for i in ahead if i not in there]
        for sample in (samples[i] for i in sorted(there)):
            labels = predictions.read(sample.name, sample.part_map.shape)
            evaluator.update(labels, sample.object_map, sample.part_map, sample.name)
    shown = progress and share.is_first
    scored = predictions is not None and predictions.scores
    labelled = _predicted(model, samples, vocabulary, batch_size, shown, ahead, scored)
    for sample, labels, sure in labelled:
        labels = {setting: ids.cpu().numpy() for setting, ids in labels.items()}
        if predictions is not None:
            sure = {setting: chosen.cpu().numpy() for setting, chosen in sure.items()}
            predictions.write(sample.name, labels, sure)
        evaluator.update(labels, sample.object_map, sample.part_map, sample.name)
    whole, counted = Evaluator(vocabulary), []
    for part, indices in share.from_all((evaluator, [*sorted(there), *ahead])):
        whole.merge(part)
        counted += indices
    whole.arrange(sorted(range(len(counted)), key=counted.__getitem__))
    return whole


def evaluate(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    batch_size: int = 4,
    progress: bool = False,
    predictions: PredictionWriter | None = None,
    share: Share | None = None,
) -> dict:
    """Scores of `Evaluator.compute` in percent, and the `seconds` they took; see `count`."""
    begun = time.time()
    counted = count(model, samples, vocabulary, batch_size, progress, predictions, share)
    scores = counted.compute()
    return {**scores, "seconds": round(time.time() - begun, 1)}
