"""Tensors of a source under our names and in a model: each is used, or dead for a reason."""

import re
from collections.abc import Mapping

import torch
from open_clip.model import CLIP
from torch import Tensor

from ...network.models import CLIPSeg, PartCLIPSeg
from ..clips import build_clip
from ..files import WeightsError, describe
from .names import CLIP_PREFIX, TRANSPOSED, Table


def dead_reason(name: str, dead: Mapping[str, str]) -> str | None:
    """Why the tensor `name` is left out, or None."""
    return next((reason for pattern, reason in dead.items() if re.fullmatch(pattern, name)), None)


def convert(
    tensors: Mapping[str, Tensor],
    table: Table,
    dead: Mapping[str, str],
    source: str,
    expected: str,
    prefix: str = "",
) -> dict[str, Tensor]:
    """`tensors` under our names, `float32`.

    Their own names are those of `table` and `dead` behind `prefix`.

    Raises:
        WeightsError: a tensor is neither used nor dead, one is missing, or one is not finite; it
            says what `source` is in place of `expected`.
    """
    used = {prefix + name for names in table.values() for name in names}
    missing = sorted(used - tensors.keys())
    unknown = sorted(
        name
        for name in tensors.keys() - used
        if not name.startswith(prefix) or dead_reason(name.removeprefix(prefix), dead) is None
    )
    if missing or unknown:
        raise WeightsError(
            f"{source} is {describe(tensors)}, expected {expected}: {len(missing)} tensors missing "
            f"{missing[:3]}, {len(unknown)} not known {unknown[:3]}; nothing was loaded"
        )
    broken = sorted(name for name in used if not torch.isfinite(tensors[name]).all())
    if broken:
        raise WeightsError(
            f"{source} has NaN or infinite values in {len(broken)} tensors {broken[:3]}; "
            "take another checkpoint"
        )
    found = {}
    for ours, names in table.items():
        parts = [tensors[prefix + name].float() for name in names]
        found[ours] = (
            torch.cat(parts) if len(parts) > 1 else parts[0].T if ours in TRANSPOSED else parts[0]
        )
    return found


def split_clip(
    converted: Mapping[str, Tensor], config: dict, source: str
) -> tuple[CLIP, dict[str, Tensor]]:
    """CLIP of open_clip's `config` with its share of the tensors, and the other tensors."""
    tensors = {
        name.removeprefix(CLIP_PREFIX): t
        for name, t in converted.items()
        if name.startswith(CLIP_PREFIX)
    }
    try:
        clip = build_clip(config, tensors)
    except RuntimeError as error:  # another depth or shape: PyTorch lists them all
        raise WeightsError(
            f"{source} does not fit its configuration ({' '.join(str(error).split())[:400]})"
        ) from error
    return clip, {name: t for name, t in converted.items() if not name.startswith(CLIP_PREFIX)}


def fill(model: CLIPSeg | PartCLIPSeg, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors` over everything in `model` but its CLIP.

    Raises:
        WeightsError: names or shapes differ.
    """
    state = {name: t for name, t in model.state_dict().items() if not name.startswith(CLIP_PREFIX)}
    wrong = [
        f"{name} is {list(tensors[name].shape) if name in tensors else 'missing'}, "
        f"expected {list(t.shape)}"
        for name, t in state.items()
        if name not in tensors or tensors[name].shape != t.shape
    ]
    wrong += [f"{name} is not known" for name in tensors.keys() - state.keys()]
    if wrong:
        raise WeightsError(
            f"{source} does not fit {type(model).__name__}: {len(wrong)} tensors differ "
            f"({'; '.join(wrong[:3])})"
        )
    model.load_state_dict(tensors, strict=False)
