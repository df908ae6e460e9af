"""Eq. 10 as one module: from a batch of pictures to the number that a training step minimises."""

from dataclasses import replace

import torch
from torch import Tensor, nn

from ..losses.attention_control import AttentionPlan
from ..losses.masks import Targets
from ..losses.objective import Objective
from ..network.models import CLIPSeg, Conditions, PartCLIPSeg
from ..release.departures import as_read
from ..settings import Settings
from ..vocabulary import Vocabulary
from .examples import phrasings_of, taught
from .prompts import WordBank


class LossModule(nn.Module):
    """The model behind one `forward(batch) -> loss`.

    That is what accelerate can wrap for several devices. Whatever the values in a batch decide, how
    many maps there are and which words, is decided by `prepare`, before the batch is on a GPU:
    `forward` then never waits for one.
    """

    def __init__(self, model: PartCLIPSeg | CLIPSeg, vocabulary: Vocabulary, settings: Settings):
        super().__init__()
        self.model = model
        self.bank = WordBank(model, phrasings_of(vocabulary, settings))
        self.objective = as_read(Objective, settings.reading)(settings.loss, model.backbone.grid)
        self.controlled = self.objective.controls(model)
        self.part_of = taught(vocabulary, settings).part_of
        self.part_of_here = self.part_of.to(self.bank.table.device)

    def prepare(self, batch: dict[str, Tensor]) -> dict:
        """A collated batch of `TrainingExamples` on the model's device, with what it decides."""
        whole = {**batch, **self.bank.needed(batch), "chosen": self.chosen(batch)}
        device = self.part_of_here.device
        return {
            name: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
            for name, value in whole.items()
        }

    def chosen(self, batch: dict[str, Tensor]) -> AttentionPlan | None:
        """The maps that the batch needs, from the labels that its pictures show."""
        if not self.controlled:
            return None
        images, device = len(batch["image"]), self.part_of_here.device
        words = Conditions(
            torch.empty(*batch["part_ids"].shape, 0),
            torch.empty(*batch["object_ids"].shape, 0),
            batch["part_of"],
            batch["object_of"],
        )
        labels = (batch[f"{kind}_labels"].view(images, 1, -1) for kind in ("object", "part"))
        plan = self.objective.chosen(self.targets(batch, *labels, self.part_of), words)
        return plan and plan.to(device)

    def counts(self, batch: dict) -> dict[str, Tensor]:
        """What the means over a batch of `prepare` are over; see `Objective.counts`."""
        targets = self.targets(batch, batch["object_map"], batch["part_map"], self.part_of_here)
        return self.objective.counts(targets, batch["chosen"])

    def targets(self, batch, object_map: Tensor, part_map: Tensor, part_of: Tensor) -> Targets:
        """The objective's targets for the words of a batch."""
        ids = (batch[name] for name in ("object_part_ids", "part_ids", "object_ids", "valid"))
        return self.objective.targets(object_map, part_map, part_of, *ids)

    def forward(
        self, batch: dict, whole: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to minimise for a batch, and its unweighted terms.

        Args:
            batch: of `prepare`.
            whole: the counts of the batch of which this one is a share: then the results of all
                shares add up to those of the batch.
        """
        backbone, objective = self.model.backbone, self.objective
        pixels = backbone.preprocess(objective.channels(batch["image"]))
        pixels = pixels * batch["jitter"][:, :1, None, None] + batch["jitter"][:, 1:, None, None]
        targets = self.targets(batch, batch["object_map"], batch["part_map"], self.part_of_here)
        targets, words = replace(targets, whole=whole), self.bank.conditions(batch)
        activations = backbone.activations(pixels)
        return objective(self.model, activations, words, targets, batch["chosen"])
