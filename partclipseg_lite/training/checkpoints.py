"""Checkpoints of a run: written whole, with a digest, two of them kept, read only by their run."""

import json
import re
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from ..settings import Settings
from ..weights.files import WeightsError, read_ours, write_tensors
from ..weights.state import fingerprint, trained_state

FORMAT = "partclipseg_lite.checkpoint"
KEPT = 2
NAME = re.compile(r"step_(\d{7,})(\.safetensors)?")  # without an ending: the form before 0.2


@dataclass
class Progress:
    """What a run has written down so far.

    Attributes:
        log: an entry of mean losses for each `training.log_every` steps.
        window: the losses since the last entry, by name: their sum and the number of steps.
    """

    log: list[dict] = field(default_factory=list)
    window: dict[str, tuple[float, int]] = field(default_factory=dict)


def save_checkpoint(
    folder: Path,
    step: int,
    model: nn.Module,
    optimizer,
    schedule,
    progress: Progress,
    settings: Settings,
) -> None:
    """Write `folder/step_N.safetensors` whole or not at all, then drop all but the newest two.

    Raises:
        FloatingPointError: a weight is infinite or NaN; nothing is written.
    """
    state = optimizer.state_dict()
    tensors = {f"model.{name}": tensor for name, tensor in trained_state(model).items()}
    for index, entries in state["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in entries.items()}
    metadata = {
        "format": FORMAT,
        "step": str(step),
        "settings_hash": settings.hash(),
        "backbone": fingerprint(model.backbone.clip),
        "groups": json.dumps(state["param_groups"]),
        "schedule": json.dumps(schedule.state_dict()),
        "log": json.dumps(progress.log),
        "window": json.dumps(
            {name: {"sum": s, "steps": n} for name, (s, n) in progress.window.items()}
        ),
    }
    write_tensors(folder / f"step_{step:07d}.safetensors", tensors, metadata)
    remove_old(folder)


def latest_checkpoint(
    folder: Path, settings: Settings, backbone: nn.Module
) -> tuple[dict, Progress] | None:
    """(state, progress) of the newest whole checkpoint, or None where there is none at all.

    A damaged one is passed over with a warning; the one before takes its place.

    Raises:
        ValueError: it belongs to other settings or another CLIP.
        WeightsError: there are checkpoints, but all are damaged.
    """
    found, faults = _found(folder), []
    for path in reversed(found):
        try:
            state, progress = _read(path)
        except (WeightsError, OSError) as error:
            faults.append(str(error))
            continue
        for key, mine, what in (
            ("settings_hash", settings.hash(), "other settings"),
            ("backbone", fingerprint(backbone), "another CLIP"),
        ):
            if state[key] != mine:
                raise ValueError(
                    f"{path} was written with {what} than this run's; choose another output "
                    f"folder, or delete {folder} to start anew"
                )
        if not 0 < state["step"] <= settings.training.steps:
            faults.append(f"{path} is of step {state['step']} of {settings.training.steps}")
            continue
        for fault in faults:
            warnings.warn(f"passed over: {fault}; going on from {path.name}", stacklevel=2)
        return state, progress
    if faults:
        raise WeightsError(
            f"no checkpoint in {folder} can be read ({faults[0]}); delete {folder} to start anew"
        )
    return None


def remove_old(folder: Path) -> None:
    """Remove all checkpoints in `folder` but the newest two."""
    for old in _found(folder)[:-KEPT]:
        _remove(old)


def newest_step(folder: Path) -> int:
    """The step of the newest checkpoint in `folder`, 0 where there is none."""
    found = _found(folder)
    return int(NAME.fullmatch(found[-1].name)[1]) if found else 0


def _found(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, oldest first; anything else that lies there is left alone."""
    named = [(NAME.fullmatch(path.name), path) for path in folder.glob("step_*")]
    return [path for _, path in sorted((int(match[1]), path) for match, path in named if match)]


def _remove(path: Path) -> None:
    if path.is_dir():  # the form before 0.2
        for file in path.iterdir():
            file.unlink()
        path.rmdir()
    else:
        path.unlink()


def _read(path: Path) -> tuple[dict, Progress]:
    if path.is_dir():
        return _read_old(path)
    keys = ("step", "settings_hash", "backbone", "groups", "schedule", "log", "window")
    tensors, metadata = read_ours(path, FORMAT, keys)
    try:
        values = {key: json.loads(metadata[key]) for key in keys if key not in keys[1:3]}
    except ValueError as error:
        raise WeightsError(f"{path} has metadata that are no JSON ({error})") from error
    moments: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, entry = name.split(".", 2)
            moments.setdefault(int(index), {})[entry] = tensor
    state = {
        "model": {
            n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")
        },
        "optimizer": {"state": moments, "param_groups": values["groups"]},
        "schedule": values["schedule"],
        "step": values["step"],
        "settings_hash": metadata["settings_hash"],
        "backbone": metadata["backbone"],
    }
    window = {
        name: (part["sum"], part["steps"]) if isinstance(part, dict) else (sum(part), len(part))
        for name, part in values["window"].items()  # 0.2 listed them one by one
    }
    return state, Progress(values["log"], window)


def _read_old(path: Path) -> tuple[dict, Progress]:
    """A checkpoint of 0.1: a folder with PyTorch's state.pt, which has no digest, and log.json."""
    keys = {"model", "optimizer", "schedule", "step", "settings_hash", "backbone"}
    try:
        state = torch.load(path / "state.pt", map_location="cpu", weights_only=True)
        log = json.loads((path / "log.json").read_text(encoding="utf-8"))
        if not isinstance(state, dict) or not keys <= state.keys() or not isinstance(log, list):
            raise ValueError("entries are missing")
    except Exception as error:  # zip, pickle and torch each have their own; their advice is unsafe
        raise WeightsError(
            f"{path} is damaged or no checkpoint ({type(error).__name__})"
        ) from error
    warnings.warn(f"{path} carries no digest, since an earlier version wrote it", stacklevel=4)
    return state, Progress(log)
