"""Eq. 10: what one training step minimises, from a batch of pictures to a number."""

import numpy as np
import torch
from torch import Tensor, nn

from ..losses import attention_control
from ..losses.masks import Targets, dice_loss, make_targets, mask_losses
from ..network.models import CLIPSeg, PartCLIPSeg
from ..reading import PAPER, Reading
from ..settings import LossSettings, Settings
from ..vocabulary import Vocabulary
from .prompts import WordBank


def total_loss(model: PartCLIPSeg | CLIPSeg, activations: list[Tensor], words, targets: Targets, grid: int,
               loss: LossSettings, reading: Reading = PAPER) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. 10 for one batch: (the sum to minimise, its unweighted terms). One forward serves masks and attention."""
    plan = None
    if isinstance(model, PartCLIPSeg) and (loss.separation_weight or loss.enhancement_weight):
        plan = attention_control.plan_batch(targets, words, grid, reading)
    output = model(activations, words, plan and plan.tap)
    terms = mask_losses(output, targets, loss.background_weight, reading)
    weights = {"object_part": 1.0, "part": loss.part_weight, "object": loss.object_weight, "dice": loss.dice_weight,
               "separation": loss.separation_weight, "enhancement": loss.enhancement_weight}
    if loss.dice_weight:
        terms["dice"] = dice_loss(output, targets)
    if plan is not None:
        temperature = loss.temperature if loss.separation == "soft" else None
        with torch.autocast(plan.area.device.type, enabled=False):     # maps meet a threshold: in full precision
            maps = attention_control.object_part_maps(plan, reading)
            terms["separation"] = attention_control.separation_loss(maps, plan, grid, loss.gamma, temperature, reading)
            terms["enhancement"] = attention_control.enhancement_loss(maps, plan, reading)
    total = sum(weights[name] * term for name, term in terms.items())
    if reading.empty_background == "lose_step" and not bool(targets.background.any()):
        total = total * 0                                # as released: NaN from an empty mean, then replaced by 0
    return total, terms


class LossModule(nn.Module):
    """The model behind one `forward(batch) -> loss`, which is what accelerate can wrap for several devices."""

    def __init__(self, model: PartCLIPSeg | CLIPSeg, vocabulary: Vocabulary, settings: Settings):
        super().__init__()
        self.model, self.settings = model, settings
        self.seen = vocabulary.seen_only()
        self.bank = WordBank(model, self.seen, settings.training.vary_words)

    def forward(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        backbone = self.model.backbone
        reading, image = self.settings.reading, batch["image"]
        pixels = backbone.preprocess(image.flip(1) if reading.channels == "bgr" else image)
        pixels = pixels * batch["jitter"][:, :1, None, None] + batch["jitter"][:, 1:, None, None]
        words = self.bank.conditions(batch, np.random.default_rng([self.settings.training.seed, step, 2**31]))
        targets = make_targets(batch["object_map"], batch["part_map"], self.seen.part_of, batch["object_part_ids"],
                               batch["part_ids"], batch["object_ids"], batch["valid"], reading)
        return total_loss(self.model, backbone.activations(pixels), words, targets, backbone.grid, self.settings.loss,
                          reading)
