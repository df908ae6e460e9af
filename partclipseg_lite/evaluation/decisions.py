"""From scores to one label a pixel: the three ways in which predictions are read.

- Oracle-Obj: the objects in the picture are told; the best of *their* parts wins, there is no
  background.
- Pred-All: the model's own object map chooses the object of each pixel; the best part of that
  object wins.
- plain: the best of all object parts and background wins, nothing is told and nothing is gated.

Labels are object-part ids 0..T-1; T means background and IGNORE (-1) "no prediction". Scores may be
logits or probabilities, since only their order matters: the release multiplies probabilities by 0,
here a score that is out of the race is never looked at, which gives the same winner.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..datasets.sample import IGNORE
from ..inference.predict import resize_logits
from ..vocabulary import Vocabulary


def oracle_obj_labels(
    object_part_scores: Tensor, present: Tensor, vocabulary: Vocabulary
) -> Tensor:
    """Best part among the parts of the objects that are known to be in the picture.

    Args:
        object_part_scores: `[T, H, W]`, or `[T+1, H, W]` whose last channel (background) is not
            looked at.
        present: the object map `[H, W]` or a list of object ids; IGNORE is skipped.
        vocabulary: of the T object parts.

    Returns:
        Labels, `int64 [H, W], 0..T-1`; IGNORE everywhere if no object with parts is present.

    Raises:
        ValueError: scores of another shape, or object ids outside the vocabulary.
    """
    scores, _ = _split_background(object_part_scores, vocabulary, background="optional")
    objects = torch.as_tensor(present, device=scores.device).unique()
    objects = objects[objects != IGNORE]
    if objects.numel() and not 0 <= int(objects.min()) <= int(objects.max()) < len(
        vocabulary.objects
    ):
        raise ValueError(
            f"present holds object ids {objects.tolist()}, vocabulary {vocabulary.name!r} has "
            f"0..{len(vocabulary.objects) - 1} and {IGNORE} for nothing"
        )
    candidates = torch.isin(vocabulary.object_of.to(scores.device), objects).nonzero().flatten()
    if not len(candidates):
        return torch.full(scores.shape[-2:], IGNORE, dtype=torch.long, device=scores.device)
    return candidates[scores[candidates].argmax(0)]


def pred_all_labels(
    object_part_scores: Tensor, object_scores: Tensor | None, vocabulary: Vocabulary
) -> Tensor:
    """Best part of the object that wins at each pixel; background where background wins.

    Args:
        object_part_scores: `[T+1, H, W]`, background last.
        object_scores: `[O+1, H, W]`, background last, O all objects of the vocabulary or only
            those with parts; None for a model without object channels: then it is
            `plain_labels`.
        vocabulary: of the T object parts.

    Returns:
        Labels, `int64 [H, W], 0..T`; T is background (also where an object without parts wins).

    Raises:
        ValueError: scores of another shape.
    """
    if object_scores is None:
        return plain_labels(object_part_scores, vocabulary)
    scores, background = _split_background(object_part_scores, vocabulary, background="required")
    objects = _object_ids(object_scores, vocabulary).to(scores.device)
    winner = objects[object_scores.argmax(0)]  # [H, W] object ids, O for background
    # The parts of each object in a padded table [O+1, K]: K scores per pixel are looked at instead
    # of T.
    table = _parts_table(vocabulary).to(scores.device)
    slots = table[winner].permute(2, 0, 1)  # [K, H, W] object-part ids, -1 in empty slots
    candidates = scores.gather(0, slots.clamp(min=0)).masked_fill(slots < 0, -torch.inf)
    labels = slots.gather(0, candidates.argmax(0, keepdim=True))[0]
    return labels.masked_fill(labels < 0, background)


def plain_labels(object_part_scores: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Best of all T object parts and background, `int64 [H, W], 0..T`; T is background.

    Args:
        object_part_scores: `[T+1, H, W]`, background last.
        vocabulary: of the T object parts.

    Raises:
        ValueError: scores of another shape.
    """
    _split_background(object_part_scores, vocabulary, background="required")
    return object_part_scores.argmax(0)


def resized_labels(
    object_part_scores: Tensor,
    object_scores: Tensor | None,
    present: Tensor,
    vocabulary: Vocabulary,
    size: tuple[int, int],
) -> dict[str, Tensor]:
    """The three readings of scores that are first resized to `size`, one object's at a time.

    The labels are those of the functions above on all scores resized at once, which for the 235
    channels of a large picture are gigabytes.

    Args:
        object_part_scores: `[T+1, h, w]`, background last.
        object_scores: as for `pred_all_labels`, `[O+1, h, w]`, or None.
        present: as for `oracle_obj_labels`.
        vocabulary: of the T object parts.
        size: height and width.

    Returns:
        {"oracle_obj", "pred_all", "plain": `int64 [H, W]`}.

    Raises:
        ValueError: scores of another shape.
    """
    scores, background = _split_background(object_part_scores, vocabulary, background="required")
    winner = None if object_scores is None else _winning_object(object_scores, vocabulary, size)
    present = set(torch.as_tensor(present).unique().tolist())
    best = resize_logits(object_part_scores[background:], size)[0]
    nothing = torch.full(size, background, dtype=torch.long, device=scores.device)
    plain, pred_all = nothing, nothing
    told = torch.full_like(nothing, IGNORE)
    told_best = torch.full_like(best, -torch.inf)
    for o in vocabulary.object_of.unique(sorted=False).tolist():
        ids = (vocabulary.object_of == o).nonzero().flatten().to(scores.device)
        top, which = resize_logits(scores[ids], size).max(0)
        label = ids[which]
        plain, best = _better(label, top, plain, best)
        if o in present:
            told, told_best = _better(label, top, told, told_best)
        if winner is not None:
            pred_all = torch.where(winner == o, label, pred_all)
    return {"oracle_obj": told, "pred_all": plain if winner is None else pred_all, "plain": plain}


def chosen_probability(
    object_part_scores: Tensor, labels: Tensor, vocabulary: Vocabulary
) -> Tensor:
    """How probable the model held the label of each pixel, `float32 [H, W], 0..1`.

    One resized channel at a time, as `resized_labels`.

    Args:
        object_part_scores: logits `[T+1, h, w]`, background last.
        labels: `int64 [H, W], 0..T`, T for background; where IGNORE, the result is 0.
        vocabulary: of the T object parts.

    Raises:
        ValueError: scores of another shape.
    """
    _split_background(object_part_scores, vocabulary, background="required")
    chosen = torch.zeros(labels.shape, device=labels.device)
    for label in labels.unique().tolist():
        if label != IGNORE:
            logits = resize_logits(object_part_scores[label : label + 1], tuple(labels.shape))[0]
            chosen = torch.where(labels == label, logits.float().sigmoid(), chosen)
    return chosen


def _better(label: Tensor, score: Tensor, before: Tensor, best: Tensor) -> tuple[Tensor, Tensor]:
    """(labels, scores), `[H, W]`, of the better of two; of equals the smaller label, as argmax."""
    wins = (score > best) | ((score == best) & ((label < before) | (before < 0)))
    return torch.where(wins, label, before), torch.where(wins, score, best)


def _winning_object(
    object_scores: Tensor, vocabulary: Vocabulary, size: tuple[int, int], group: int = 8
) -> Tensor:
    """Object id of the best of the resized `object_scores`, O for background, `int64 [H, W]`."""
    ids = _object_ids(object_scores, vocabulary).to(object_scores.device)
    winner = torch.full(size, len(vocabulary.objects) + 1, device=ids.device)
    best = torch.full(size, -torch.inf, dtype=object_scores.dtype, device=ids.device)
    for some, own in zip(object_scores.split(group), ids.split(group), strict=True):
        top, which = resize_logits(some, size).max(0)
        winner, best = _better(own[which], top, winner, best)
    return winner


def _split_background(
    scores: Tensor, vocabulary: Vocabulary, background: str
) -> tuple[Tensor, int]:
    """Scores of the T object parts, `[T, H, W]`, and the label of background, T.

    Raises:
        ValueError: scores of another shape.
    """
    T = len(vocabulary)
    allowed = (T + 1,) if background == "required" else (T, T + 1)
    if scores.ndim != 3 or scores.shape[0] not in allowed:
        expected = " or ".join(f"[{n}, H, W]" for n in allowed)
        raise ValueError(
            f"object_part_scores has shape {list(scores.shape)}, expected {expected} for the "
            f"{T} object parts of vocabulary {vocabulary.name!r}; give one image at a time"
        )
    return scores[:T], T


def _object_ids(object_scores: Tensor, vocabulary: Vocabulary) -> Tensor:
    """Object id of every channel of `object_scores`; O for background.

    Raises:
        ValueError: another number of channels.
    """
    count, with_parts = len(vocabulary.objects), vocabulary.object_of.unique()
    for ids in (torch.arange(count), with_parts):
        if object_scores.ndim == 3 and object_scores.shape[0] == len(ids) + 1:
            return torch.cat([ids, torch.tensor([count])])
    raise ValueError(
        f"object_scores has shape {list(object_scores.shape)}, expected [{count + 1}, H, W] "
        f"(all objects) or [{len(with_parts) + 1}, H, W] (objects with parts), background last"
    )


def _parts_table(vocabulary: Vocabulary) -> Tensor:
    """Object-part ids of each object, `int64 [O+1, K]`, padded with -1.

    K is the largest number of parts of one object.
    """
    object_of = vocabulary.object_of
    counts = torch.bincount(object_of, minlength=len(vocabulary.objects))
    order = object_of.argsort(stable=True)
    first = counts.cumsum(0) - counts
    slot = torch.arange(len(order)) - first[object_of[order]]
    table = torch.full((len(vocabulary.objects) + 1, int(counts.max())), -1)
    table[object_of[order], slot] = order
    return table
