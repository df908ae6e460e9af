"""The shipped record of the release, opened: its checkpoint counted and made up, its picture asked again, its rows by kind."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch

from ..inference.predict import predict, resize_logits
from ..network.models import PartCLIPSeg
from ..vocabulary import Vocabulary
from ..weights.converters import DEAD_OFFICIAL, OFFICIAL_PREFIX, dead_reason
from .comparison import Row, deterministic_weight, shipped_reference

#: What trains in the release -> pattern at the start of the tensors' names, as the release itself chooses them.
TRAINED = {"text embeddings": r"clip\.text_model\.embeddings", "decoder": r"decoder", "adapter": r"visual_adapter"}

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
    return {name.removeprefix(OFFICIAL_PREFIX): math.prod(shape) for name, shape in official_shapes().items()}


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


def make_up_checkpoint(path: str | Path) -> Path:
    """Write a checkpoint in the official form with the values of `deterministic_weight`, 0.6 GB; its path comes back."""
    tensors = {name: deterministic_weight(name, shape) for name, shape in official_shapes().items()}
    torch.save({"model": tensors}, path)
    return Path(path)


def recorded_picture() -> tuple[np.ndarray, np.ndarray]:
    """(the test picture, RGB uint8 `[H, W, 3]`; the generalized part that wins in the release, int64 `[H, W]`)."""
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
    """One line a kind: how many rows agree within which tolerance; then how many numbers that are."""
    lines = []
    for kind, some in groups.items():
        agree = sum(row.agrees for row in some)
        lines.append(f"{kind:22} {agree:2} of {len(some):2} within {some[0].tolerance:.0e}")
    counted = sum(int(re.search(r"(\d+) numbers", row.name)[1]) for row in groups.get("evaluator", ()))
    lines.append(f"the evaluator's rows stand for {counted} numbers")
    rows = [row for some in groups.values() for row in some]
    return "\n".join([*lines, f"{sum(row.agrees for row in rows)} of {len(rows)} comparisons agree"])
