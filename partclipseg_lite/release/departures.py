"""Where the public release departs from the paper: one small override for each.

An option of `Reading` chooses it. Every class below takes the place of one step of the paper's
class that it names as its base. `as_read` puts the chosen ones together. Lines are those of
kaist-cvml/part-clipseg at commit 8abceef (`M:` the network, `P:` the training code, `D:` the data
mapper, `T:` the script that trains).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.functional import gaussian_blur

from ..datasets.fit import Fit, enlarged
from ..datasets.sample import IGNORE, Sample
from ..losses.attention_control import AttentionPlan, parts_in
from ..losses.masks import LEFT_OUT, Targets
from ..losses.objective import Objective
from ..network.backbone import Backbone, encode_tokens
from ..network.models import CLIPSeg, Conditions, PartCLIPSeg, SegmentationOutput
from ..reading import Reading

# ---- network


class RowWithoutOffset(PartCLIPSeg):
    """M:1420.

    The object's row is counted from the first *part*, so that the text of "cat" is that of "coach".
    """

    def text_pairs(self, embeddings: Tensor, words: Conditions) -> Tensor:
        part_row, object_row = self.rows(words)
        background = embeddings.shape[1] - 1
        wrong = torch.where(object_row == background, object_row, object_row - words.parts.shape[1])
        return self.pairs(embeddings, part_row, wrong)


class FrozenBackground(PartCLIPSeg):
    """P:43-52. The embedding that stands for background keeps its random start."""

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.background_embedding.requires_grad_(False)


class TrainedWords(Backbone):
    """P:43-52.

    CLIP's token and position embeddings are trained (25 M parameters), against Eq. 1, as appendix
    B.2 says.
    """

    def __init__(self, **arguments):
        super().__init__(**arguments)
        self.clip.token_embedding.weight.requires_grad_(True)
        self.clip.positional_embedding.requires_grad_(True)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        if torch.is_grad_enabled() and texts:
            return encode_tokens(self.clip, self.tokenizer(list(texts)))
        self._text_cache.clear()  # the embeddings may have been trained since
        return super().embed_text(texts)


# ---- training input


class BlueFirst(Objective):
    """D:173. Training pictures are read as BGR; at test time they are RGB."""

    def channels(self, images: Tensor) -> Tensor:
        return super().channels(images).flip(1)


class NovelAsBackground(Objective):
    """D:254, P:466-484. Objects whose parts must stay unknown are taught as background."""

    def targets(self, object_map: Tensor, part_map: Tensor, *words: Tensor) -> Targets:
        return super().targets(
            torch.where(object_map == LEFT_OUT, IGNORE, object_map), part_map, *words
        )


class FitTwice(Fit):
    """D:100-105. A picture is enlarged to a short side of 800 pixels, and squashed from there."""

    def __call__(self, sample: Sample, side: int) -> Sample:
        height, width = sample.image.shape[:2]
        if (height, width) != (side, side):
            sample = sample.resized(enlarged(height, width))
        return super().__call__(sample, side)


# ---- mask loss


class LostStep(Objective):
    """P:520-564. A mean over no background pixel is NaN, and a NaN total becomes 0.

    No object pixel: no background term.
    """

    def counts(self, targets: Targets, plan: AttentionPlan | None) -> dict[str, Tensor]:
        lost = {"bare": targets.background.sum(), "covered": (~targets.background).sum()}
        return {**super().counts(targets, plan), **lost}

    def mask_losses(self, output: SegmentationOutput, targets: Targets) -> dict[str, Tensor]:
        terms = super().mask_losses(output, targets)
        covered = targets.whole["covered"] if targets.whole else (~targets.background).sum()
        terms["object_part"] = terms["object_part"] * (covered > 0)
        return terms

    def total(self, terms: dict[str, Tensor], targets: Targets) -> Tensor:
        bare = targets.whole["bare"] if targets.whole else targets.background.sum()
        return super().total(terms, targets) * (bare > 0)


# ---- attention control


class CornerPixel(Objective):
    """P:581.

    A mask comes to the grid by the one pixel at each cell's corner, which misses most small parts.
    """

    def on_grid(self, masks: Tensor) -> Tensor:
        return (
            F.interpolate(masks.float(), size=(self.grid, self.grid), mode="nearest").flatten(2) > 0
        ).float()


class HalfSum(Objective):
    """P:290. Half of the sum of part and object attention in Eq. 6."""

    def maps(self, plan: AttentionPlan) -> Tensor:
        return super().maps(plan) / 2


class MeanOverAllPlaces(Objective):
    """P:607-609. Eq. 6 is divided by all places of the grid, not by those of the mask."""

    def maps(self, plan: AttentionPlan) -> Tensor:
        return super().maps(plan) * plan.area.sum(-1, keepdim=True) / plan.area.shape[1]


class WideGaussian(Objective):
    """gaussian_smoothing.py:44.

    Exp(-((x - mu) / (2 sigma))^2) with sigma 0.5 is a true sigma of 0.707.
    """

    def smooth(self, maps: Tensor) -> Tensor:
        sigma = 0.5 * 2**0.5
        return gaussian_blur(
            maps.view(-1, 1, self.grid, self.grid), [3, 3], [sigma, sigma]
        ).flatten(1)


@dataclass
class PlanWithin(AttentionPlan):
    """A plan that also knows where each map's claims count: bool [K, N]."""

    within: Tensor


class ClaimsOnTheObject(Objective):
    """P:619-620. Claims count inside the object's mask only."""

    def placed(self, plan: AttentionPlan, targets: Targets) -> PlanWithin:
        masks = targets.objects[plan.image, plan.obj]  # (K, S, S)
        return PlanWithin(
            **vars(super().placed(plan, targets)), within=self.on_grid(masks[None])[0] > 0
        )

    def claims(self, maps: Tensor, plan: PlanWithin) -> Tensor:
        return super().claims(maps, plan) * plan.within


class LastObjectDropped(Objective):
    """P:589.

    The list of an image's objects ends before its last entry: background, or, where there is none,
    an object.
    """

    def chosen(self, targets: Targets, words: Conditions) -> AttentionPlan | None:
        plan = super().chosen(targets, words)
        if plan is None:
            return None
        seen = targets.objects.flatten(2).any(-1)  # (B, O)
        last = seen.shape[1] - 1 - seen.flip(1).float().argmax(1)  # (B,)
        lost = ~targets.background.flatten(1).any(-1)[plan.image] & (plan.obj == last[plan.image])
        kept = (~lost).nonzero()[:, 0]
        return plan.regrouped(kept, plan.obj[kept])


class PartsOfTheImage(Objective):
    """P:592.

    Every object in the image meets the maps of all parts in the image, of other objects too.
    """

    def chosen(self, targets: Targets, words: Conditions) -> AttentionPlan | None:
        plan = super().chosen(targets, words)
        if plan is None:
            return None
        # Image and object of everything that is seen.
        image, obj = targets.objects.flatten(2).any(-1).nonzero(as_tuple=True)
        group, maps = (plan.image[None] == image[:, None]).nonzero(as_tuple=True)
        return plan.regrouped(maps, obj[group])


class ClaimWhereExceeded(Objective):
    """P:620. Eq. 7 with ">" in place of ">="."""

    def reached(self, normalised: Tensor) -> Tensor:
        return (normalised > self.loss.gamma).to(normalised.dtype)


class SeparationNotDivided(Objective):
    """P:626. Eq. 8 without the division by |C|."""

    def separation(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        return super().separation(maps, plan) * parts_in(plan.group, plan.groups)


class PeakSmoothed(Objective):
    """P:613-618. Eq. 9 reads the map after the Gaussian."""

    def peaks(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        return super().peaks(self.smooth(maps), plan)


class PeakAnywhere(Objective):
    """P:618. Eq. 9 looks for the peak on the whole map, not inside the part's mask."""

    def peaks(self, maps: Tensor, plan: AttentionPlan) -> Tensor:
        return maps.amax(-1)


class DividedByImages(Objective):
    """P:632. The mean over objects is divided once more, by the number of images in the batch."""

    def attention_losses(self, plan: AttentionPlan, targets: Targets) -> dict[str, Tensor]:
        images = targets.whole["images"] if targets.whole else len(targets.objects)
        return {
            name: loss / images for name, loss in super().attention_losses(plan, targets).items()
        }


# ---- optimizer


class LayersDecayed(Objective):
    """T:177-225. Weight decay spares norms and embeddings, CLIP's table of words above all."""

    def decayed(self, model: PartCLIPSeg | CLIPSeg) -> dict[str, nn.Parameter]:
        spared = {
            id(weight)
            for module in model.modules()
            if isinstance(module, nn.LayerNorm | nn.Embedding)
            for weight in module.parameters(recurse=False)
        }
        # of positions: an nn.Embedding there, a bare parameter in open_clip
        spared.add(id(model.backbone.clip.positional_embedding))
        every = super().decayed(model)
        return {name: weight for name, weight in every.items() if id(weight) not in spared}


#: Option of `Reading` -> the departure that it puts in the paper's place. Where two meet in one
#: step, the first sees what the second gives.
DEPARTURES: dict[str, type] = {
    "object_row": RowWithoutOffset,
    "background_embedding": FrozenBackground,
    "text_embeddings": TrainedWords,
    "channels": BlueFirst,
    "novel_objects": NovelAsBackground,
    "resize": FitTwice,
    "empty_background": LostStep,
    "grid_masks": CornerPixel,
    "attention_sum": HalfSum,
    "map_mean": MeanOverAllPlaces,
    "gaussian": WideGaussian,
    "claim_in": ClaimsOnTheObject,
    "last_object": LastObjectDropped,
    "parts_of": PartsOfTheImage,
    "claim_at": ClaimWhereExceeded,
    "separation_over": SeparationNotDivided,
    "peak_of": PeakSmoothed,
    "peak_in": PeakAnywhere,
    "loss_over": DividedByImages,
    "weight_decay": LayersDecayed,
}


def as_read(paper: type, reading: Reading) -> type:
    """The paper's class with the departures that `reading` asks for in the place of its steps.

    `paper` is `PartCLIPSeg`, `Backbone`, `Fit` or `Objective`; in the paper's reading it comes back
    as it is.
    """
    departed = reading.departures()
    return _combined(
        paper, tuple(departure for option, departure in DEPARTURES.items() if option in departed)
    )


@lru_cache
def _combined(paper: type, departures: tuple[type, ...]) -> type:
    fitting = tuple(departure for departure in departures if issubclass(departure, paper))
    if not fitting:
        return paper
    return type(paper.__name__, fitting, {"__doc__": paper.__doc__, "__module__": paper.__module__})
