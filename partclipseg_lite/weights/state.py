"""The trained part of a model as tensors by name, and the fingerprint of the frozen part."""

import hashlib
from pathlib import Path

import torch
from torch import nn

from .files import WeightsError


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Everything but the frozen part of the backbone.

    A frozen random background embedding belongs to it.
    """
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    return {
        name: tensor
        for name, tensor in model.state_dict().items()
        if not name.startswith("backbone.") or name in trained
    }


def fingerprint(module: nn.Module) -> str:
    """16 hex digits of a module's frozen tensors (names, shapes, values.

    Floats compared in half precision).
    """
    digest = hashlib.sha256()
    trained = {name for name, p in module.named_parameters() if p.requires_grad}
    for name, tensor in sorted(module.state_dict().items()):
        if name.endswith("positional_embedding") or name in trained:
            continue  # interpolated to the image size; the rest identifies the weights
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().half().numpy().tobytes())
    return digest.hexdigest()[:16]


def load_trained(model: nn.Module, tensors: dict[str, torch.Tensor], path: str | Path) -> None:
    """Copy `tensors` into the trained part of `model`.

    Raises:
        WeightsError: some are missing, left over or misshapen; it lists them.
    """
    expected = trained_state(model)
    missing, extra = (
        sorted(expected.keys() - tensors.keys()),
        sorted(tensors.keys() - expected.keys()),
    )
    shapes = [
        f"{n} is {tuple(tensors[n].shape)}, expected {tuple(expected[n].shape)}"
        for n in expected.keys() & tensors.keys()
        if tensors[n].shape != expected[n].shape
    ]
    if missing or extra or shapes:
        raise WeightsError(
            f"{path} does not fit {type(model).__name__}: {len(missing)} tensors missing "
            f"{missing[:3]}, "
            f"{len(extra)} not known {extra[:3]}, {len(shapes)} of another shape {shapes[:3]}"
        )
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(tensors[name])
