"""Time a training step of two commits in turn, and record the ratio for the page of costs.

    python book/tools/training_time.py 418a365                  beside the working tree
    python book/tools/training_time.py 418a365 --blocks 20      more repeats

Takes about eight minutes. Each commit trains the toy preset in a process of its own, on one thread;
the two take turns, a few steps each, so that whatever else the machine does meets both. Seconds are
those of the processor. The sums of all losses have to be equal to the last digit, or nothing is
written.
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

from book_pages import ROOT, fail
from partclipseg_lite.experiments.records import write_record
from partclipseg_lite.release.benchmark import hardware

STEPS = 4  # of one commit before it is the other's turn
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
settings = Settings.from_preset("toy", overrides)
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


def in_turn(before: Path, after: Path, overrides: dict, blocks: int) -> Iterator[tuple]:
    """For each block the seconds before and after; at the end both logs of losses."""
    overrides = {
        **overrides,
        "training.steps": STEPS * (blocks + 1),
        "training.log_every": 1,
        "training.checkpoint_every": 10**6,
    }
    with ExitStack() as stack:
        runs = [stack.enter_context(started(tree, overrides)) for tree in (before, after)]
        for block in range(blocks + 1):
            times = []
            for run in runs[:: 1 if block % 2 else -1]:  # neither goes always first
                if block:
                    run.stdin.write("\n")
                    run.stdin.flush()
                times.append(run.stdout.readline().strip())
            if block:  # the first warms up
                yield tuple(map(float, times[:: 1 if block % 2 else -1]))
        yield tuple(json.loads(run.communicate("\n")[0]) for run in runs)


def measured(before: Path, after: Path, overrides: dict, blocks: int) -> dict:
    """Seconds of a step of both, block by block, and the median and range of their ratio."""
    *seconds, (losses, same) = in_turn(before, after, overrides, blocks)
    for one, other in zip(losses, same, strict=True):
        if one["total"] != other["total"]:
            fail(f"the losses differ from step {one['step']} on: {one}, {other}")
    ratios = [now / then for then, now in seconds]
    return {
        "before": [then / STEPS for then, _ in seconds],
        "after": [now / STEPS for _, now in seconds],
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
        "steps_with_equal_losses": len(losses),
        "largest_difference_of_a_term": {
            name: max(
                abs(one[name] - other[name]) / abs(other[name] or 1)
                for one, other in zip(losses, same, strict=True)
            )
            for name in losses[0]
            if name != "step"
        },
    }


def main() -> None:
    """Reads the command line, measures, writes the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("commit", help="the commit to compare the working tree with")
    parser.add_argument("--blocks", type=int, default=12, help="turns of each (default 12)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        before = unpacked(options.commit, Path(folder))
        found = {}
        for reading, overrides in READINGS.items():
            found[reading] = measured(before, ROOT, overrides, options.blocks)
            print(reading, json.dumps(found[reading]), flush=True)
    record = {
        "commit": options.commit,
        "date": datetime.date.today().isoformat(),
        "hardware": {**hardware(), "threads": 1},
        "steps_a_block": STEPS,
        "readings": found,
    }
    print(f"wrote {write_record('training_time', record)}")


if __name__ == "__main__":
    main()
