"""One training step of the release beside ours: losses, gradients, logits, attention."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...datasets.sample import IGNORE
from ...losses.masks import LEFT_OUT, Targets, masked_bce
from ...network.decoder import AttentionTap
from ...network.models import Conditions, PartCLIPSeg
from ...weights.converters import OFFICIAL_PREFIX, official_table
from .expected import LOSSES
from .folder import how_many, ids_of, picture_of, table_of
from .rows import Row

if TYPE_CHECKING:
    from .network import NetworkReference


@dataclass(frozen=True)
class Batch:
    """What a step is given.

    Attributes:
        pixels: float32 `[B, 3, S, S]`.
        activations: of the backbone, for each layer read.
        targets: the masks.
    """

    pixels: Tensor
    activations: list[Tensor]
    targets: Targets


def training_rows(reference: NetworkReference) -> Iterator[Row]:
    """Every recorded number of the training step: of all pictures at once, of each one alone."""
    images = [training_image(reference, i) for i in range(how_many(reference.arrays, "image"))]
    if not images:
        return
    both = batch_of(reference, images)
    if "pixel_values" in reference.arrays:
        mine = both.pixels[:, :, ::16, ::16]
        yield Row.absolute("preprocessing", mine, reference.arrays["pixel_values"], 1e-6)
    yield from step_rows(reference, both)
    for i, image in enumerate(images):
        if f"alone{i}" in reference.recorded:
            alone = batch_of(reference, [image], [a[i : i + 1] for a in both.activations])
            with torch.no_grad():
                total, terms = losses_of(reference, alone)
            recorded = table_of(reference.recorded, f"alone{i}")
            yield from loss_rows(f"image {i} alone: ", total, terms, recorded)


def training_image(reference: NetworkReference, i: int) -> tuple[Tensor, Tensor, Tensor]:
    """Recorded picture i: (pixel values `[1, 3, S, S]`, object map, part map `[1, S, S]`).

    Ids are those of `reference.train`.
    """
    image, backbone = picture_of(reference.arrays, f"image{i}"), reference.model.backbone
    obj, part = (
        ids_of(reference.arrays, f"{kind}{i}", image.shape[:2]) for kind in ("obj", "part")
    )
    # Stored in the order in which the colours were fed; the reading's own flip is a matter of the
    # training loop.
    pixels = backbone.preprocess(torch.from_numpy(image).permute(2, 0, 1)[None])
    size = backbone.image_size
    nearest = lambda a: torch.nn.functional.interpolate(  # noqa: E731
        torch.from_numpy(a.astype(np.float32))[None, None], size=(size, size), mode="nearest"
    )[0].long()
    position = {name: o for o, name in enumerate(reference.train.objects)}
    # Ids of the base objects -> ours; what has no parts is left out. Ids beyond the names (255,
    # 65535) mean nothing.
    table = torch.full((65536,), IGNORE)
    for o, name in enumerate(reference.base_objects):
        table[o] = position.get(name, LEFT_OUT)
    part_map = nearest(part)
    return (
        pixels,
        table[nearest(obj)],
        torch.where(part_map < len(reference.train), part_map, IGNORE),
    )


def batch_of(
    reference: NetworkReference,
    images: list[tuple[Tensor, Tensor, Tensor]],
    activations: list[Tensor] | None = None,
) -> Batch:
    """A batch of what `training_image` gives, and its `activations` where they are not known."""
    pixels, obj, part = (torch.cat(parts) for parts in zip(*images, strict=True))
    each = lambda count: torch.arange(count).expand(len(pixels), -1)  # noqa: E731
    train = reference.train
    targets = reference.objective.targets(
        obj,
        part,
        train.part_of,
        each(len(train)),
        each(len(train.parts)),
        each(len(train.objects)),
        torch.ones(len(pixels), len(train), dtype=torch.bool),
    )
    return Batch(pixels, activations or reference.model.backbone.activations(pixels), targets)


def losses_of(reference: NetworkReference, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
    """The sum of the losses and its terms."""
    words = reference.model.embed(reference.train)
    return reference.objective(reference.model, batch.activations, words, batch.targets)


def loss_rows(
    prefix: str, total: Tensor, terms: Mapping[str, Tensor], recorded: Mapping
) -> Iterator[Row]:
    """The losses that are recorded by name."""
    for name in LOSSES:
        if name in recorded:
            mine = total if name == "total" else terms.get(name, 0.0)
            yield Row.relative(f"{prefix}loss, {name}", mine, recorded[name], 1e-5)


def step_rows(reference: NetworkReference, batch: Batch) -> Iterator[Row]:
    """The step of all pictures: losses, gradients, and what its forward gave on the way."""
    recorded = reference.recorded
    total, terms = losses_of(reference, batch)
    yield from loss_rows("", total, terms, recorded)
    if "separation_requires_grad" in recorded:
        mine = "separation" in terms and terms["separation"].requires_grad
        theirs = recorded["separation_requires_grad"]
        if not isinstance(theirs, bool):
            raise ValueError(
                f"separation_requires_grad is recorded as {theirs!r}, expected true or false"
            )
        yield Row("separation has a gradient, or not", mine != theirs, 0, "differences")
    if "grad_norm" in recorded:
        norms = table_of(recorded, "grad_norm")
        yield from gradient_rows(reference.model, total, norms)
    logits, object_part_logits, columns = forward(reference, batch)
    for name, key, mine in (
        ("logits of parts, objects, background", "logits", logits),
        ("logits of object parts", "part_obj_logits", object_part_logits),
    ):
        if key in reference.arrays:
            yield Row.absolute(name, mine[..., 8::16, 8::16], reference.arrays[key], 1e-4)
    reference.bce_names = bce_names(batch.targets)
    if "bce_calls" in recorded:
        ours = cross_entropies(reference, logits, object_part_logits, batch.targets)
        yield from cross_entropy_rows(recorded, reference.bce_names, ours)
    if "attention_column_mean" in reference.arrays:
        merged = merged_attention(reference, columns)
        theirs = reference.arrays["attention_column_mean"]
        yield Row.absolute("merged attention", merged, theirs, 1e-5)


def gradient_rows(
    model: PartCLIPSeg, total: Tensor, recorded: Mapping[str, float]
) -> Iterator[Row]:
    """Norms of the gradients of the total loss, by official name; a recorded null is none."""
    ours_of = {theirs[0]: ours for ours, theirs in official_table().items() if len(theirs) == 1}
    recorded = {
        name.removeprefix(OFFICIAL_PREFIX): 0.0 if norm is None else norm
        for name, norm in recorded.items()
    }
    if unknown := sorted(recorded.keys() - ours_of.keys()):
        raise ValueError(
            f"gradient norms are recorded of {unknown[:3]}, "
            "which are not single tensors of the network"
        )
    parameters = {name: model.get_parameter(ours_of[name]) for name in recorded}
    trained = {name: p for name, p in parameters.items() if p.requires_grad}
    gradients = dict(
        zip(
            trained,
            torch.autograd.grad(total, list(trained.values()), allow_unused=True),
            strict=True,
        )
    )
    for name, theirs in recorded.items():
        gradient = gradients.get(name)
        mine = 0.0 if gradient is None else gradient.norm()
        yield Row.relative(f"gradient of {name}", mine, theirs, 1e-3)


# ---- the forward -------------------------------------------------------------------------------


@torch.no_grad()
def forward(reference: NetworkReference, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Logits and attention of all pictures, as `forward_of_one` gives them."""
    words = reference.model.embed(reference.train)
    of_each = [
        forward_of_one(reference.model, [a[b : b + 1] for a in batch.activations], words)
        for b in range(len(batch.pixels))
    ]
    logits, object_part_logits, columns = map(torch.cat, zip(*of_each, strict=True))
    return logits, object_part_logits, columns


def forward_of_one(
    model: PartCLIPSeg, activations: list[Tensor], words: Conditions
) -> tuple[Tensor, Tensor, Tensor]:
    """Both logits and the attention of one picture.

    One at a time: the attention of *all* words of a batch would take gigabytes.

    Returns:
        Logits `[1, P+O+1, S, S]`, those of object parts `[1, T+1, S, S]`, and attention averaged
        over queries, `[1, P+O+1, N]`.
    """
    tap = AttentionTap(torch.arange(len(words.parts) + len(words.objects) + 1))
    output = model(activations, words, tap)
    logits = torch.cat([output.part_logits, output.object_logits, output.background_logits], dim=1)
    return logits, output.object_part_logits, tap.weights.mean(1)[None, :, 1:, 1:].mean(2)


def merged_attention(reference: NetworkReference, columns: Tensor) -> Tensor:
    """The maps of object parts and of objects, `[B, T+O, N]`.

    The map of a part is half the sum with its object's; those of objects stand alone.
    """
    train, parts = reference.train, len(reference.train.parts)
    of_parts, of_objects = columns[:, :parts], columns[:, parts:-1]
    merged = (of_parts[:, train.part_of] + of_objects[:, train.object_of]) / 2
    return torch.cat([merged, of_objects], dim=1)


# ---- cross-entropies ---------------------------------------------------------------------------


def bce_names(targets: Targets) -> list[str]:
    """The cross-entropies that the release computes for these targets.

    It leaves out those of parts where a batch lacks part pixels, that of background where it lacks
    objects.
    """
    return [
        *(("part_obj|part pixels", "part|part pixels") if targets.part_pixels.any() else ()),
        *(() if targets.background.all() else ("part_obj|background pixels",)),
        "object|all pixels",
    ]


def cross_entropies(
    reference: NetworkReference, logits: Tensor, object_part_logits: Tensor, targets: Targets
) -> dict[str, Tensor]:
    """Each cross-entropy of Eq. 5 by its recorded name."""
    train, batch = reference.train, len(logits)
    parts, objects = len(train.parts), len(train.objects)
    weight = lambda count: torch.ones(batch, count)  # noqa: E731
    background = torch.full((batch, 1), reference.objective.loss.background_weight)
    with_background = lambda count: torch.cat([weight(count), background], dim=1)  # noqa: E731
    object_part = masked_bce(
        object_part_logits,
        torch.cat([targets.object_parts, targets.background], 1),
        [targets.part_pixels, targets.background],
        with_background(len(train)),
    )
    part = masked_bce(logits[:, :parts], targets.parts, [targets.part_pixels], weight(parts))
    obj = masked_bce(
        logits[:, parts:],
        torch.cat([targets.objects, targets.background], 1),
        [torch.ones_like(targets.background)],
        with_background(objects),
    )
    if not targets.background.any():
        object_part[1] = torch.tensor(torch.nan)  # the release takes the mean over no pixel
    return {
        "part_obj|part pixels": object_part[0],
        "part_obj|background pixels": object_part[1],
        "part|part pixels": part[0],
        "object|all pixels": obj[0],
    }


def cross_entropy_rows(
    recorded: Mapping, names: list[str], ours: Mapping[str, Tensor]
) -> Iterator[Row]:
    """The recorded cross-entropies, in the recorded order if that names the same."""
    calls, order = recorded["bce_calls"], recorded.get("bce_order")
    if not isinstance(calls, list):
        raise ValueError(f"bce_calls is recorded as {calls!r}, expected a list of numbers")
    if isinstance(order, list) and sorted(map(str, order)) == sorted(names):
        names = order
    if len(names) != len(calls):
        raise ValueError(
            f"{len(calls)} cross-entropies are recorded as bce_calls, "
            f"expected {len(names)}: {', '.join(names)}"
        )
    for name, theirs in zip(names, calls, strict=True):
        yield Row.relative(f"cross-entropy, {name}", ours[name], theirs, 1e-5)
