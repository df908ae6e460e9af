"""A training step taken apart: what a batch teaches, where, and how strongly each term pulls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.utils.data import default_collate

from ..datasets.sample import Sample
from ..losses.masks import Targets
from ..network.models import CLIPSeg, PartCLIPSeg
from ..settings import Settings
from ..vocabulary import Vocabulary
from .loop import what_is_taught
from .objective import LossModule


def batch_of(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    settings: Settings,
    step: int = 0,
) -> tuple[LossModule, dict]:
    """Eq. 10 for a model, and the batch that training with these settings meets at a step."""
    examples, losses = what_is_taught(model, samples, vocabulary, settings)
    places = [(step, place) for place in range(settings.training.batch_size)]
    return losses, losses.prepare(default_collate([examples[place] for place in places]))


def teaching_pixels(losses: LossModule, batch: dict) -> dict[str, Tensor]:
    """Where each mask loss pulls: the absolute gradient at each pixel, summed over its channels.

    Args:
        losses: of a PartCLIPSeg, as `batch_of` gives it.
        batch: of the same.

    Returns:
        {"object_part", "part", "object": `float32 [B, S, S]`}, the gradients with respect to the
        logits that the terms of Eq. 5 read.
    """
    backbone, objective = losses.model.backbone, losses.objective
    targets = _targets(losses, batch)
    with torch.no_grad():
        pixels = backbone.preprocess(objective.channels(batch["image"]))
        words = losses.bank.conditions(batch)
        output = losses.model(backbone.activations(pixels), words)
    names = ("object_part_logits", "part_logits", "object_logits", "background_logits")
    logits = [getattr(output, name).detach().requires_grad_() for name in names]
    for name, values in zip(names, logits, strict=True):
        setattr(output, name, values)
    found = {}
    for term, loss in objective.mask_losses(output, targets).items():
        pulls = torch.autograd.grad(loss, logits, retain_graph=True, allow_unused=True)
        found[term] = sum(pull.abs().sum(1) for pull in pulls if pull is not None)
    return found


def pulls(losses: LossModule, batch: dict) -> dict[str, tuple[float, float]]:
    """Each term of Eq. 10: its value, and the length of its weighted gradient.

    The gradient is that of all trained weights, the term multiplied by its weight of the sum; 0 for
    a term without one, as the printed separation loss is.
    """
    weights = [p for p in losses.parameters() if p.requires_grad]
    _, terms = losses(batch)
    targets, found = _targets(losses, batch), {}
    for name, term in terms.items():
        weighted = losses.objective.total({name: term}, targets)
        length = 0.0
        if weighted.requires_grad:
            parts = torch.autograd.grad(weighted, weights, retain_graph=True, allow_unused=True)
            length = float(sum((part**2).sum() for part in parts if part is not None) ** 0.5)
        found[name] = (float(term.detach()), length)
    return found


def lengths_of_pulls(
    models: Mapping[str, PartCLIPSeg | CLIPSeg],
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    settings: Settings,
) -> dict[str, dict[str, float]]:
    """Term of Eq. 10 -> model -> length of its weighted gradient, for the first batch of pictures.

    The objective is that of `settings`; the models keep their weights, whatever those were trained
    with.
    """
    found: dict[str, dict[str, float]] = {}
    for title, model in models.items():
        for term, (_, length) in pulls(*batch_of(model, samples, vocabulary, settings)).items():
            found.setdefault(term, {})[title] = length
    return found


def _targets(losses: LossModule, batch: dict) -> Targets:
    return losses.targets(batch, batch["object_map"], batch["part_map"], losses.part_of_here)
