"""What the parts of an object look at, measured with their true masks.

Do the claims of several parts meet? Is a place of the object, or a whole part, claimed by nobody?
Letters: K parts of one object in view; N = grid x grid places; H, W the sides of the picture.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..datasets.sample import IGNORE, Sample
from ..figures.maps import coverage, coverage_shares
from ..inference.predict import encode, predict
from ..losses import attention_control as control
from ..losses.attention_control import AttentionPlan
from ..losses.objective import Objective
from ..network.decoder import AttentionTap
from ..network.models import PartCLIPSeg
from ..settings import LossSettings
from ..vocabulary import Vocabulary
from .edits import Edit, look_everywhere


@dataclass(frozen=True, eq=False)
class ObjectAttention:
    """Where a model looks for the parts of one object in one picture.

    Attributes:
        obj: the object's name.
        masks: generalized part -> true mask, bool `[H, W]`; K parts in the order of the maps.
        on_object: bool `[H, W]`, the object's own mask.
        maps: float `[K, N]`, Eq. 6 with the true masks.
        plan: the plan of these maps alone, in one group.
        grid: side of the grid of places.
    """

    obj: str
    masks: dict[str, np.ndarray]
    on_object: np.ndarray
    maps: Tensor
    plan: AttentionPlan
    grid: int

    @property
    def normalised(self) -> Tensor:
        """A^norm of Eq. 7, float `[K, N]`."""
        return control.normalise_maps(self.maps, self.grid)

    def by_part(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """(maps, normalised maps), each as generalized part -> float `[grid, grid]`."""
        square = (-1, self.grid, self.grid)
        maps, normalised = (
            m.detach().cpu().view(square).numpy() for m in (self.maps, self.normalised)
        )
        return dict(zip(self.masks, maps, strict=True)), dict(
            zip(self.masks, normalised, strict=True)
        )


def attention_on(
    model: PartCLIPSeg,
    sample: Sample,
    vocabulary: Vocabulary,
    gradients: bool = False,
    activations: Sequence[Tensor] | None = None,
) -> dict[str, ObjectAttention]:
    """Object -> its `ObjectAttention`, for objects with a part in view; only these are asked for.

    Args:
        model: asked with a tap.
        sample: a picture with its true masks.
        vocabulary: the full one, whose ids the sample's maps hold.
        gradients: keep what a loss of the maps needs to reach the model's weights.
        activations: those of the picture, where they are known already.
    """
    if not _has_parts(sample):
        return {}
    words = _words_in_view(sample, vocabulary)
    device, grid = model.backbone.mean.device, model.backbone.grid
    masks = torch.from_numpy(sample.part_map) == words.ids[:, None, None]  # (T, H, W)
    with torch.set_grad_enabled(gradients):
        conditions = model.embed(words)
        plan = control.plan_attention(
            control.area_on_grid(masks[None].to(device), grid), conditions
        )
        if activations is None:
            activations = encode(model, [sample.image])
        model(activations, conditions, plan.tap)
        maps = control.object_part_maps(plan)  # (K, N)
        found = {}
        for o in plan.obj.unique().tolist():
            mine = (plan.obj == o).nonzero()[:, 0]
            parts = {
                words.parts[words.part_of[t]]: masks[t].numpy() for t in plan.slot[mine].tolist()
            }
            on_object = sample.object_map == int(words.object_ids[o])
            one = plan.regrouped(mine, plan.obj[mine])
            found[words.objects[o]] = ObjectAttention(
                words.objects[o], parts, on_object, maps[mine], one, grid
            )
    return found


def encode_for(
    models: Mapping[str, PartCLIPSeg], image: np.ndarray
) -> Iterator[tuple[str, PartCLIPSeg, list[Tensor]]]:
    """(title, model, activations of the picture) of each model.

    Models with one backbone share what it gives.
    """
    of_backbone: dict[torch.nn.Module, list[Tensor]] = {}
    for title, model in models.items():
        if model.backbone not in of_backbone:
            of_backbone[model.backbone] = encode(model, [image])
        yield title, model, of_backbone[model.backbone]


def looks_of(
    models: Mapping[str, PartCLIPSeg], samples: Iterable[Sample], vocabulary: Vocabulary
) -> dict[str, dict[str, ObjectAttention]]:
    """Object -> model -> where it looks for the object's parts, as `attention_on` finds it.

    An object that several samples show is looked at in the last of them.
    """
    found: dict[str, dict[str, ObjectAttention]] = {}
    for sample in samples:
        for title, model, activations in encode_for(models, sample.image):
            looks = attention_on(model, sample, vocabulary, activations=activations)
            for obj, look in looks.items():
                found.setdefault(obj, {})[title] = look
    return found


def control_losses(attention: ObjectAttention, loss: LossSettings) -> dict[str, Tensor]:
    """Scalars of one object: Eq. 8 as "printed" and in its "soft" form, Eq. 9 ("enhancement")."""
    maps, plan = attention.maps, attention.plan
    printed, soft = (
        Objective(loss.model_copy(update={"separation": form}), attention.grid)
        for form in ("paper", "soft")
    )
    return {
        "printed": printed.separation(maps, plan)[0],
        "soft": soft.separation(maps, plan)[0],
        "enhancement": printed.enhancement(maps, plan)[0],
    }


def measure(attention: ObjectAttention, loss: LossSettings) -> dict[str, float]:
    """Quantity -> its value for one object, all of them shares in 0..1.

    Of the claimed places, those that several parts claim (overlap); of the object's and the claimed
    places together, those of the object that nobody claims (missing places); of the parts, those
    that claim nothing of their own mask (missing parts) and those whose map peaks outside of it
    (peak elsewhere); Eq. 8 as printed and soft; Eq. 9.
    """
    maps, own = attention.maps.detach(), attention.plan.area > 0
    claimed = control.claims(control.normalise_maps(maps, attention.grid), loss.gamma) > 0
    shares = shares_at(attention, loss.gamma)
    losses = control_losses(attention, loss)
    return {
        "overlap": shares["overlap"],
        "missing places": shares["missing"],
        "missing parts": 1 - float((claimed & own).any(-1).float().mean()),
        "peak elsewhere": 1 - float(own.gather(-1, maps.argmax(-1, keepdim=True)).float().mean()),
        "separation, printed": losses["printed"].item(),
        "separation, soft": losses["soft"].item(),
        "enhancement": losses["enhancement"].item(),
    }


def measure_looks(
    looks: Mapping[str, Mapping[str, ObjectAttention]], loss: LossSettings
) -> dict[str, dict[str, float]]:
    """Text "object, model" -> `measure`, for what `looks_of` gives."""
    return {
        f"{obj}, {title}": measure(look, loss)
        for obj, of_model in looks.items()
        for title, look in of_model.items()
    }


def shares_at(attention: ObjectAttention, gamma: float) -> dict[str, float]:
    """Shares of overlapping and of missing places at a threshold: {"overlap", "missing"}."""
    return coverage_shares(coverage(attention.by_part()[1], gamma, attention.on_object))


def shares_over_gamma(
    model: PartCLIPSeg, samples: Iterable[Sample], vocabulary: Vocabulary, gammas: Sequence[float]
) -> np.ndarray:
    """Mean overlap and missing places over all objects at each threshold, `[len(gammas), 2]`."""
    found = [one for sample in samples for one in attention_on(model, sample, vocabulary).values()]
    return np.mean(
        [[list(shares_at(one, gamma).values()) for gamma in gammas] for one in found], axis=0
    )


def measure_groups(
    models: Mapping[str, PartCLIPSeg],
    groups: Mapping[str, Iterable[Sample]],
    vocabulary: Vocabulary,
    loss: LossSettings,
) -> dict[str, dict[str, dict[str, np.ndarray]]]:
    """Quantity -> group -> model -> float `[n]`: `measure` of n objects with two parts or more.

    The order of objects is the same for all models, so that they can be compared one by one.
    """
    rows = {(group, title): [] for group in groups for title in models}
    for group, samples in groups.items():
        for sample in samples:
            for title, model, activations in encode_for(models, sample.image):
                found = attention_on(model, sample, vocabulary, activations=activations).values()
                rows[group, title] += [measure(one, loss) for one in found if len(one.maps) > 1]
    quantities = dict.fromkeys(
        quantity for found in rows.values() for row in found for quantity in row
    )
    return {
        quantity: {
            group: {
                title: np.array([row[quantity] for row in rows[group, title]]) for title in models
            }
            for group in groups
        }
        for quantity in quantities
    }


def tap_changes(
    model: PartCLIPSeg,
    image: np.ndarray,
    words: Vocabulary,
    edit: Edit = look_everywhere,
) -> tuple[torch.Size, float, float]:
    """What a tap on all parts and objects does to the logits of one picture.

    Returns:
        The shape of the tapped weights, words x heads x queries x keys; the largest change of a
        logit by tapping alone (nothing but rounding); the largest change by the edit.
    """
    rows = torch.arange(len(words.parts) + len(words.objects))
    taps = None, AttentionTap(rows), AttentionTap(rows, edit=edit)
    untapped, tapped, edited = (
        predict(model, [image], words, tap).object_part_logits for tap in taps
    )
    return (
        taps[1].weights.shape,
        float((tapped - untapped).abs().max()),
        float((edited - untapped).abs().max()),
    )


@torch.no_grad()
def shares_changed_in(
    model: PartCLIPSeg,
    sample: Sample,
    vocabulary: Vocabulary,
    edits: Mapping[str, Edit],
    activations: Sequence[Tensor] | None = None,
) -> dict[str, float]:
    """Of each edit of attention: share of the labelled pixels whose best part changes by it.

    Asked are the parts in view; an edit acts on the tables of all their parts and objects.
    `activations` are those of the picture, where they are known already.
    """
    words = _words_in_view(sample, vocabulary)
    rows, embedded = torch.arange(len(words.parts) + len(words.objects)), model.embed(words)
    if activations is None:
        activations = encode(model, [sample.image])
    labelled = torch.from_numpy(sample.part_map != IGNORE)

    def best(tap: AttentionTap | None) -> Tensor:
        return (
            model(activations, embedded, tap).object_part_logits[0, :-1].argmax(0).cpu()[labelled]
        )

    as_it_is = best(None)
    return {
        title: float((best(AttentionTap(rows, edit=edit)) != as_it_is).float().mean())
        for title, edit in edits.items()
    }


def shares_changed(
    models: Mapping[str, PartCLIPSeg],
    groups: Mapping[str, Sequence[Sample]],
    vocabulary: Vocabulary,
    pictures: int,
    edits: Mapping[str, Edit],
) -> dict[str, dict[str, dict[str, float]]]:
    """Edit -> group -> model -> mean of `shares_changed_in` over the group's first pictures."""
    shares: dict = {e: {g: {title: [] for title in models} for g in groups} for e in edits}
    for group, samples in groups.items():
        for sample in (samples[i] for i in range(pictures)):
            for title, model, activations in encode_for(models, sample.image):
                found = shares_changed_in(model, sample, vocabulary, edits, activations)
                for edit, share in found.items():
                    shares[edit][group][title].append(share)
    return {
        edit: {g: {t: float(np.mean(of)) for t, of in found.items()} for g, found in by.items()}
        for edit, by in shares.items()
    }


def soft_beside_printed(
    attention: ObjectAttention, loss: LossSettings, temperatures: Iterable[float]
) -> list[tuple[float, float, float, int]]:
    """(temperature, soft, printed separation, places with a gradient) for each temperature.

    Counted are the values of the maps whose gradient exceeds a thousandth of the largest. The maps
    must have been found with `gradients=True`.
    """
    rows, printed = [], control_losses(attention, loss)["printed"].item()
    for temperature in temperatures:
        soft = loss.model_copy(update={"separation": "soft", "temperature": temperature})
        value = Objective(soft, attention.grid).separation(attention.maps, attention.plan).sum()
        slope = torch.autograd.grad(value, attention.maps, retain_graph=True)[0].abs()
        rows.append((temperature, value.item(), printed, int((slope > 1e-3 * slope.max()).sum())))
    return rows


def enhancement_with(
    attention: ObjectAttention,
    on_grid: Callable[[Tensor], Tensor],
    weights: Iterable[Tensor],
) -> tuple[float, float]:
    """Eq. 9 of an object whose masks come to the grid in some way, and its gradient's length.

    A part of which nothing is left on the grid has a map of zeros, whose peak is the smallest.

    Args:
        attention: found with `gradients=True`.
        on_grid: masks bool `[1, K, H, W]` -> float `[1, K, N]`, such as `Objective.on_grid`.
        weights: those that the gradient is asked for.
    """
    masks = torch.from_numpy(np.stack([*attention.masks.values()]))[None]
    area = on_grid(masks)[0].to(attention.maps)
    maps = control.object_part_maps(replace(attention.plan, area=area))
    plan = attention.plan
    loss = control.enhancement_loss(control.peaks(maps, area), plan.group, plan.groups).sum()
    slopes = torch.autograd.grad(loss, [*weights], retain_graph=True, allow_unused=True)
    return loss.item(), sum(float(g.square().sum()) for g in slopes if g is not None) ** 0.5


def shares_on_grid(mask: np.ndarray, on_grid: Callable[[Tensor], Tensor]) -> list[float]:
    """What is left of a mask, bool `[H, W]`, on the grid: the values of its places beyond 0."""
    places = on_grid(torch.from_numpy(mask)[None, None])
    return places[places > 0].tolist()


def lost_on_grid(
    samples: Iterable[Sample], vocabulary: Vocabulary, on_grid: Callable[[Tensor], Tensor]
) -> dict[str, list[bool]]:
    """Generalized part -> for each time in view, whether no place of the grid is left of it.

    Args:
        samples: pictures with their true masks.
        vocabulary: the full one.
        on_grid: masks bool `[1, T, H, W]` -> float `[1, T, N]`, such as `Objective.on_grid`.
    """
    lost: dict[str, list[bool]] = {}
    for sample in filter(_has_parts, samples):
        words = _words_in_view(sample, vocabulary)
        masks = torch.from_numpy(sample.part_map) == words.ids[:, None, None]
        for part, places in zip(words.part_of.tolist(), on_grid(masks[None])[0], strict=True):
            lost.setdefault(words.parts[part], []).append(not bool((places > 0).any()))
    return lost


def _has_parts(sample: Sample) -> bool:
    return bool((sample.part_map != IGNORE).any())


def _words_in_view(sample: Sample, vocabulary: Vocabulary) -> Vocabulary:
    return vocabulary.restrict(
        [vocabulary.object_parts[t] for t in np.unique(sample.part_map) if t != IGNORE]
    )
