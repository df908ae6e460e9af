"""A training in several processes that share each batch, as a user would launch it.

    seconds = launch("toy", {"training.steps": 1400}, Path("runs/twelve_minutes"), processes=2)

`book/running.md` says how this compares with one process of two threads on a machine's two cores.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: For glibc, which hands every large tensor back to the system and is given it again, page by page;
#: keeping it saves an eighth.
KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**33),
    "MALLOC_TOP_PAD_": str(2**28),
}


def command(preset: str, overrides: Mapping[str, Any], folder: Path, processes: int) -> list[str]:
    """What trains `preset` with other settings into `folder`, on processes of one thread."""
    shared = ["--cpu", "--num_processes", str(processes), "--num_cpu_threads_per_process", "1"]
    shared += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"]
    changed = [f"{key}={json.dumps(value)}" for key, value in overrides.items()]
    return [
        *(sys.executable, "-m", "accelerate.commands.launch", *shared),
        *("-m", "partclipseg_lite", "train", "--preset", preset, "--output", str(folder)),
        *(["--set", *changed] if changed else []),
    ]


def launch(preset: str, overrides: Mapping[str, Any], folder: Path, processes: int) -> float:
    """Train, from the start of the processes to their end; returns the seconds of all that.

    `train` with the same settings then returns at once.

    Raises:
        RuntimeError: the processes failed; what they said stands above.
    """
    begun = time.time()
    environment = {**os.environ, **KEEP_MEMORY, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command(preset, overrides, folder, processes), env=environment)
    if done.returncode:
        raise RuntimeError(f"{processes} processes that share a training failed, see above")
    return time.time() - begun
