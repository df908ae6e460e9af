"""Eq. 10 as one module: from a batch of pictures to the number that a training step minimises."""

import numpy as np
from torch import Tensor, nn

from ..losses.objective import Objective
from ..network.models import CLIPSeg, PartCLIPSeg
from ..release.departures import as_read
from ..settings import Settings
from ..vocabulary import Vocabulary
from .examples import taught
from .prompts import WordBank


class LossModule(nn.Module):
    """The model behind one `forward(batch) -> loss`.

    That is what accelerate can wrap for several devices.
    """

    def __init__(self, model: PartCLIPSeg | CLIPSeg, vocabulary: Vocabulary, settings: Settings):
        super().__init__()
        self.model, self.settings = model, settings
        self.seen = taught(vocabulary, settings)
        self.bank = WordBank(model, self.seen, settings.training.vary_words)
        self.objective = as_read(Objective, settings.reading)(settings.loss, model.backbone.grid)

    def forward(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to minimise for a batch of `TrainingExamples`, and its unweighted terms.

        `step` seeds the phrasings.
        """
        backbone, objective = self.model.backbone, self.objective
        pixels = backbone.preprocess(objective.channels(batch["image"]))
        pixels = pixels * batch["jitter"][:, :1, None, None] + batch["jitter"][:, 1:, None, None]
        words = self.bank.conditions(
            batch, np.random.default_rng([self.settings.training.seed, step, 2**31])
        )
        targets = objective.targets(
            batch["object_map"],
            batch["part_map"],
            self.seen.part_of,
            batch["object_part_ids"],
            batch["part_ids"],
            batch["object_ids"],
            batch["valid"],
        )
        return objective(self.model, backbone.activations(pixels), words, targets)
