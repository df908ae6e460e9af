"""Checkpoints of a run: written whole or not at all, read only by the run that wrote them."""

import json
import shutil
from pathlib import Path

import torch
from torch import nn

from ..settings import Settings
from ..weights.state import fingerprint, trained_state


def save_checkpoint(
    folder: Path,
    step: int,
    model: nn.Module,
    optimizer,
    schedule,
    log: list[dict],
    settings: Settings,
):
    """Write `folder/step_N` whole or not at all, then drop older ones."""
    partial, final = folder / f".step_{step:07d}.partial", folder / f"step_{step:07d}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        torch.save(
            {
                "model": trained_state(model),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "step": step,
                "settings_hash": settings.hash(),
                "backbone": fingerprint(model.backbone.clip),
            },
            partial / "state.pt",
        )
        # Inside a folder that is moved as a whole.
        (partial / "log.json").write_text(json.dumps(log))
        partial.replace(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in sorted(folder.glob("step_*"))[:-1]:
        shutil.rmtree(old)


def latest_checkpoint(
    folder: Path, settings: Settings, backbone: nn.Module
) -> tuple[dict, list[dict]] | None:
    """State and log of the newest whole checkpoint, or None.

    Raises:
        ValueError: it belongs to other settings or another CLIP.
    """
    found = sorted(folder.glob("step_*"))
    if not found:
        return None
    state = torch.load(found[-1] / "state.pt", map_location="cpu", weights_only=True)
    for key, mine, what in (
        ("settings_hash", settings.hash(), "other settings"),
        ("backbone", fingerprint(backbone), "another CLIP"),
    ):
        if state[key] != mine:
            raise ValueError(
                f"{found[-1]} was written with {what} than this run's; choose another output "
                f"folder, or delete {folder} to start anew"
            )
    return state, json.loads((found[-1] / "log.json").read_text())
