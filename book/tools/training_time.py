"""Time a training step at several commits in turn, and record the ratios for the page of costs.

    python book/tools/training_time.py 418a365 6e0d7ee                  and the working tree
    python book/tools/training_time.py 418a365 6e0d7ee --blocks 20      more repeats

Takes about ten minutes. Each commit trains the toy preset in a process of its own, on one thread;
they take turns, a few steps each, so that whatever else the machine does meets all. Seconds are
those of the processor. How far the losses are those of the first commit is recorded, too.
"""

from __future__ import annotations

import argparse
import datetime
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from book_pages import ROOT, fail
from partclipseg_lite.experiments.records import write_record
from partclipseg_lite.release.benchmark import hardware

TODAY = "working tree"
STEPS = 4  # of one commit before it is the other's turn
# What younger commits have in the preset otherwise; a commit is given what it knows.
SAME = {"model.start": None, "training.learning_rate": 0.001, "training.precision": "float32"}
READINGS = {"paper": {}, "released": {"reading": "released", "loss.separation": "paper"}}
# Runs in either commit: prints the seconds of each block of steps when it is asked for it, then
# every loss.
TRAINING = """
import importlib, json, sys, tempfile, time
import torch
from partclipseg_lite import DrawnWorld
from partclipseg_lite.settings import Settings

overrides, steps = json.loads(sys.argv[1]), int(sys.argv[2])
loop = importlib.import_module("partclipseg_lite.training")
if not hasattr(loop, "train"):
    loop = importlib.import_module("partclipseg_lite.training.loop")
update, done, begun = torch.optim.AdamW.step, 0, None

def counted(*arguments, **named):
    global done, begun
    result = update(*arguments, **named)
    done += 1
    if done % steps == 0:
        print(time.process_time() - begun if begun else None, flush=True)
        sys.stdin.readline()
        begun = time.process_time()
    return result

torch.set_num_threads(1)
torch.optim.AdamW.step = counted
known = Settings.from_preset("toy").model_dump()
groups = {group: values for group, values in known.items() if isinstance(values, dict)}
known |= {f"{group}.{key}": 0 for group, values in groups.items() for key in values}
settings = Settings.from_preset("toy", {k: v for k, v in overrides.items() if k in known})
world = DrawnWorld("train", images=16, size=settings.data.size)
pictures = [world[i] for i in range(16)]
with tempfile.TemporaryDirectory() as folder:
    _, log = loop.train(settings, folder, pictures, progress=False)
print(json.dumps([{k: v for k, v in entry.items() if k != "seconds"} for entry in log]))
"""


def unpacked(commit: str, folder: Path) -> Path:
    """The files of a commit, in `folder`."""
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True)
    if packed.returncode:
        fail(f"no commit {commit!r} here: {packed.stderr.decode().strip()}")
    folder.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def started(tree: Path, overrides: dict) -> subprocess.Popen:
    """A training with the package of `tree`, which waits for its turn after each block."""
    return subprocess.Popen(
        [sys.executable, "-c", TRAINING, json.dumps(overrides), str(STEPS)],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def in_turn(trees: list[Path], overrides: dict, blocks: int) -> Iterator[list]:
    """For each block the seconds of every tree; at the end the logs of all."""
    overrides = {
        **SAME,
        **overrides,
        "training.steps": STEPS * (blocks + 1),
        "training.log_every": 1,
        "training.checkpoint_every": 10**6,
    }
    with ExitStack() as stack:
        runs = [stack.enter_context(started(tree, overrides)) for tree in trees]
        for block in range(blocks + 1):
            times = {}
            for k in np.roll(range(len(runs)), block).tolist():  # none goes always first
                if block:
                    runs[k].stdin.write("\n")
                    runs[k].stdin.flush()
                times[k] = runs[k].stdout.readline().strip()
            if block:  # the first warms up
                yield [float(times[k]) / STEPS for k in range(len(runs))]
        yield [json.loads(run.communicate("\n")[0]) for run in runs]


def largest_difference(log: list[dict], other: list[dict]) -> float:
    """How far the sum of the losses is off in any step, in parts of the other's."""
    return max(
        abs(one["total"] - two["total"]) / abs(two["total"])
        for one, two in zip(log, other, strict=True)
    )


def measured(trees: dict[str, Path], overrides: dict, blocks: int) -> dict[str, dict]:
    """Of each tree: seconds of a step by block; beside the first, the ratio and the losses."""
    *seconds, logs = in_turn(list(trees.values()), overrides, blocks)
    found = {}
    for k, name in enumerate(trees):
        ratios = [block[k] / block[0] for block in seconds]
        found[name] = {
            "seconds": [block[k] for block in seconds],
            "ratio": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
            "losses_differ_by": largest_difference(logs[k], logs[0]),
        }
    return found


def main() -> None:
    """Reads the command line, measures, writes the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commits", nargs="+", help="the first is what the others are compared with")
    parser.add_argument("--blocks", type=int, default=12, help="turns of each (default 12)")
    options = parser.parse_args()
    readings = {}
    with tempfile.TemporaryDirectory() as folder:
        trees = {commit: unpacked(commit, Path(folder) / commit) for commit in options.commits}
        trees[TODAY] = ROOT
        for reading, overrides in READINGS.items():
            readings[reading] = measured(trees, overrides, options.blocks)
            for name, found in readings[reading].items():
                print(reading, name, {k: v for k, v in found.items() if k != "seconds"}, flush=True)
    record = {
        "date": datetime.date.today().isoformat(),
        "hardware": {**hardware(), "threads": 1},
        "steps": STEPS * options.blocks,
        "readings": readings,
    }
    print(f"wrote {write_record('training_time', record)}")


if __name__ == "__main__":
    main()
