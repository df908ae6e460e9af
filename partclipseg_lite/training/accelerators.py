"""What accelerate does for a run: devices, processes, precision, a tracker."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import (
    DistributedDataParallelKwargs,
    ProjectConfiguration,
    is_tensorboard_available,
)

from ..settings import Settings


def new_accelerator(
    precision: str, tracker: str | None = None, folder: Path | None = None
) -> Accelerator:
    """An accelerator of this run's own, whatever an earlier one or the environment has set.

    accelerate keeps its state for the whole process and takes advice from ACCELERATE_... variables;
    a run must end at the weights that its settings say.

    Args:
        precision: of the settings.
        tracker: "tensorboard", or None.
        folder: where it writes, in a folder of its name.

    Raises:
        ValueError: the tracker's package is not installed.
    """
    if tracker and not is_tensorboard_available():  # accelerate would go on without a word
        raise ValueError(
            f"training.tracker={tracker!r} needs a package that is not installed: pip install "
            f"{tracker}, or set training.tracker=null"
        )
    native = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8
    bf16 = precision == "bf16" or (precision == "auto" and native)  # older cards only emulate it
    kept = {name: value for name, value in os.environ.items() if name.startswith("ACCELERATE_")}
    for name in kept:
        del os.environ[name]
    try:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        return Accelerator(
            cpu=not torch.cuda.is_available(),
            mixed_precision="bf16" if bf16 else "no",
            log_with=tracker,
            project_config=ProjectConfiguration(logging_dir=tracker and str(folder / tracker)),
            kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
        )
    finally:
        os.environ.update(kept)


def check_together(accelerator: Accelerator, first: int, output: Path) -> None:
    """Raise a `ValueError` if the processes would not begin with the same step."""
    begins = torch.tensor([first], device=accelerator.device)
    found = sorted(set(accelerator.gather(begins).tolist()))
    if len(found) > 1:
        raise ValueError(
            f"the processes of this run would begin with different steps {found}; let all of them "
            f"see the same folder {output}"
        )


@contextmanager
def tracked(accelerator: Accelerator, settings: Settings, first: int) -> Iterator[None]:
    """The settings' tracker, open; what it was told of steps after `first`, it forgets."""
    forget = {"tensorboard": {"purge_step": first + 1}}
    accelerator.init_trackers(settings.preset, init_kwargs=forget)
    try:
        yield
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()
