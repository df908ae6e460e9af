"""The shipped record of the release, opened: checkpoint, picture, and comparisons by kind."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from open_clip import SimpleTokenizer

from ..figures.text import Markdown, table
from ..inference.predict import predict, resize_logits
from ..network.models import PartCLIPSeg, SegmentationOutput
from ..vocabulary import Vocabulary
from ..weights.converters import DEAD_OFFICIAL, OFFICIAL_PREFIX, dead_reason
from .comparison import Row, deterministic_weight, shipped_reference

#: What trains in the release -> how the names of its tensors start: the release chooses by name.
TRAINED = {
    "text embeddings": r"clip\.text_model\.embeddings",
    "decoder": r"decoder",
    "adapter": r"visual_adapter",
}

#: Kind of comparison -> pattern of its rows' names.
KINDS = {
    "lists of names": r"_classes$",
    "the picture, prepared": r"^preprocessing",
    "losses": r"loss, |^cross-",
    "a gradient, or none": r"has a gradient",
    "gradients": r"^gradient of",
    "logits": r"^logits",
    "attention": r"^merged",
    "labels at test time": r"_argmax$",
    "scores at test time": r"_scores$",
    "evaluator": r"numbers\)$",
}


def official_shapes() -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor of an official checkpoint, under its own names."""
    shapes = json.loads((shipped_reference() / "official_state_dict.json").read_text())
    return {name: tuple(shape) for name, shape in shapes.items()}


def official_sizes() -> dict[str, int]:
    """Name, without the prefix that all share -> number of values."""
    return {
        name.removeprefix(OFFICIAL_PREFIX): math.prod(shape)
        for name, shape in official_shapes().items()
    }


def trained_sizes() -> dict[str, int]:
    """Kind of tensor that trains in the release -> number of values."""
    sizes = official_sizes()
    return {
        kind: sum(number for name, number in sizes.items() if re.match(pattern, name))
        for kind, pattern in TRAINED.items()
    }


def dead_sizes() -> dict[str, dict[str, int]]:
    """Reason -> {name: number of values} of the tensors that we leave out for it."""
    dead: dict[str, dict[str, int]] = {}
    for name, number in official_sizes().items():
        if reason := dead_reason(name, DEAD_OFFICIAL):
            dead.setdefault(reason, {})[name] = number
    return dead


def checkpoint_summary(vocabulary: Vocabulary) -> str:
    """What an official checkpoint holds, what trains, its size, and the tokens that its words meet.

    Args:
        vocabulary: what it was trained on.
    """
    sizes, trained = official_sizes(), trained_sizes()
    total, training = sum(sizes.values()), sum(trained.values())
    in_file = 4 * total + 8 * training  # AdamW keeps two numbers for each that it trains
    encode = SimpleTokenizer().encode
    met = {token for word in (*vocabulary.parts, *vocabulary.objects) for token in encode(word)}
    known = official_shapes()[
        f"{OFFICIAL_PREFIX}clip.text_model.embeddings.token_embedding.weight"
    ][0]
    return "\n".join(
        [
            f"{len(sizes)} tensors, {total / 1e6:.1f} M values, "
            f"{training / 1e6:.1f} M of them trained:",
            *(f"  {kind:16} {number / 1e6:5.1f} M" for kind, number in trained.items()),
            f"4 bytes a value, 8 more for each trained one: {in_file / 1e6:.0f} MB",
            f"tokens in the names of the training vocabulary: {len(met)} of {known:,}",
        ]
    )


def loaded_summary(model: PartCLIPSeg) -> str:
    """Where every value of the official checkpoint went when `model` was made of it.

    Raises:
        ValueError: the numbers of values do not add up.
    """
    dead, total = dead_sizes(), sum(official_sizes().values())
    left_out = sum(sum(names.values()) for names in dead.values())
    ours = sum(p.numel() for p in model.parameters())
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    places = official_shapes()[
        f"{OFFICIAL_PREFIX}clip.vision_model.embeddings.position_embedding.weight"
    ][0]
    more = (1 + model.backbone.grid**2 - places) * model.backbone.width
    if ours != total - left_out + more or trainable != sum(trained_sizes().values()):
        raise ValueError(f"{ours:,} values, {trainable:,} trainable: not what the checkpoint holds")
    return "\n".join(
        [
            *(
                f"{sum(names.values()):7,} values in {', '.join(names)}: {reason}"
                for reason, names in dead.items()
            ),
            f"ours: {ours:,} = {total:,} - {left_out:,} + {more:,} for a larger grid",
            f"trainable: {trainable:,}",
        ]
    )


def forward_summary(model: PartCLIPSeg, vocabulary: Vocabulary, output: SegmentationOutput) -> str:
    """What one question asks, the shapes of its answers, and the blocks that nothing reads."""
    parts, objects = len(vocabulary.parts), len(vocabulary.objects)
    unread = model.backbone.clip.visual.transformer.resblocks[model.backbone.layers[-1] + 1 :]
    values = sum(p.numel() for p in unread.parameters())
    return "\n".join(
        [
            f"{parts} parts + {objects} objects + background = {parts + objects + 1} conditions of "
            f"{1 + model.backbone.grid**2} tokens",
            *(
                f"  {name:20} {tuple(getattr(output, name).shape)}"
                for name in (
                    "part_logits",
                    "object_logits",
                    "background_logits",
                    "object_part_logits",
                )
            ),
            f"blocks that nothing reads: {len(unread)}, {values / 1e6:.1f} M parameters",
        ]
    )


def make_up_checkpoint(path: str | Path) -> Path:
    """Write an official checkpoint of `deterministic_weight`s, 0.6 GB; its path comes back."""
    tensors = {name: deterministic_weight(name, shape) for name, shape in official_shapes().items()}
    torch.save({"model": tensors}, path)
    return Path(path)


def recorded_picture() -> tuple[np.ndarray, np.ndarray]:
    """(test picture, RGB uint8 `[H, W, 3]`; the release's best part, int64 `[H, W]`)."""
    with np.load(shipped_reference() / "released.npz") as arrays:
        return arrays["test_image"], arrays["part_argmax"].astype(np.int64)


def best_part(model: PartCLIPSeg, image: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """The winning generalized part at each pixel, int64 `[H, W]`."""
    logits = predict(model, [image], vocabulary).part_logits[0]
    return resize_logits(logits, image.shape[:2]).argmax(0).cpu().numpy()


def by_kind(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Kind of comparison -> its rows; kinds without a row are left out.

    Raises:
        ValueError: a row is of no kind, or of several.
    """
    found: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    for row in rows:
        kinds = [kind for kind, pattern in KINDS.items() if re.search(pattern, row.name)]
        if len(kinds) != 1:
            raise ValueError(f"the row {row.name!r} is of the kinds {kinds}, expected one")
        found[kinds[0]].append(row)
    return {kind: some for kind, some in found.items() if some}


def summary(groups: Mapping[str, list[Row]]) -> str:
    """One line a kind: how many rows agree within which tolerance; then the numbers in all."""
    lines = []
    for kind, some in groups.items():
        agree = sum(row.agrees for row in some)
        lines.append(f"{kind:22} {agree:2} of {len(some):2} within {some[0].tolerance:.0e}")
    counted = sum(
        int(re.search(r"(\d+) numbers", row.name)[1]) for row in groups.get("evaluator", ())
    )
    lines.append(f"the evaluator's rows stand for {counted} numbers")
    rows = [row for some in groups.values() for row in some]
    return "\n".join(
        [*lines, f"{sum(row.agrees for row in rows)} of {len(rows)} comparisons agree"]
    )


def deviations_table(rows: Iterable[Row]) -> Markdown:
    """Every row of a comparison: what was compared, how far it is off and how far it may be."""
    cells = [[row.name, f"{row.deviation:.1e}", f"{row.tolerance:.0e}", row.unit] for row in rows]
    return table(["compared", "deviation", "allowed", "of what"], cells)
