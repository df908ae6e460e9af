"""Try everything that may go wrong, and print how it went.

    python tests/torture/run.py --kills 200 --inputs 1500 --disks 20 --seed 0 --json torture.json
    python tests/torture/run.py --only names            # areas whose names hold this text
    python tests/torture/run.py --repeat torture.json   # the finds of a report once more

Takes minutes to an hour on one core. Ends with 1 if anything was not good, else with 0.
"""

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process with threads cannot be forked safely
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
TESTS = Path(__file__).resolve().parents[1]
# Not this folder itself: its modules are those of the package `torture`.
sys.path[:] = [
    str(TESTS),
    str(TESTS.parent),
    *(p for p in sys.path if Path(p) != TESTS / "torture"),
]

from torture import commands, full_disk, kills, pictures, runs, stage, words  # noqa: E402
from torture.trying import (  # noqa: E402
    GOOD,
    START,
    Area,
    Verdict,
    drawn_recipes,
    judged,
    report,
    table,
)

AREAS = {a.name: a for module in (pictures, words, runs, commands) for a in module.AREAS}


def shares(count: int, weights: dict[str, float], seed: int) -> dict[str, int]:
    """`count` tries over names by their weights; what remains after rounding down goes by lot."""
    total = sum(weights.values())
    exact = {name: count * weight / total for name, weight in weights.items()}
    given = {name: int(number) for name, number in exact.items()}
    lot = random.Random(seed)
    by_rest = sorted(exact, key=lambda name: (given[name] - exact[name], lot.random()))
    for name in by_rest[: count - sum(given.values())]:
        given[name] += 1
    return given


def try_inputs(areas: Iterable[Area], count: int, seed: int, folder: Path, limit: float):
    """Verdicts of `count` generated inputs over the areas."""
    areas = list(areas)
    for name, many in shares(count, {a.name: a.share for a in areas}, seed).items():
        recipes = drawn_recipes(AREAS[name].recipes, many, seed)
        yield from judged(AREAS[name], recipes, folder, limit)


def try_kills(jobs, count: int, seed: int, folder: Path, limit: float) -> Iterator[Verdict]:
    """Verdicts of jobs that are killed `count` times in all, each of them up to three times."""
    for name, many in shares(count, {job.name: job.share for job in jobs}, seed).items():
        if many:
            usual = kills.measure(kills.JOBS[name], folder, limit)
        for recipe in drawn_recipes(kills.RECIPES, 3 * many, seed):
            if many > 0:  # a moment after the job's end kills nobody
                verdict = kills.killed(kills.JOBS[name], recipe[:many], folder, usual, limit)
                many -= verdict.kills
                yield verdict


def try_disks(count: int, seed: int, folder: Path, limit: float) -> Iterator[Verdict]:
    """Verdicts of `count` jobs on a disk that is too small."""
    usual: dict[str, kills.Usual] = {}
    for recipe in drawn_recipes(full_disk.RECIPES, count, seed):
        name = recipe[0]
        usual[name] = usual.get(name) or kills.measure(kills.JOBS[name], folder, limit)
        yield full_disk.filled(recipe, folder, usual[name], limit)


def repeat(finds: list[dict], folder: Path, limit: float) -> Iterator[Verdict]:
    """The finds of a report once more."""
    for find in finds:
        name, recipe = find["area"], find["recipe"]
        if name in AREAS:
            yield from judged(AREAS[name], [recipe], folder, limit)
            continue
        job = kills.JOBS[recipe[0] if name == full_disk.NAME else name]
        usual = kills.measure(job, folder, limit)
        if name == full_disk.NAME:
            yield full_disk.filled(recipe, folder, usual, limit)
        else:
            yield kills.killed(job, recipe["moments"], folder, usual, limit)


def main() -> None:
    """Run what the arguments ask for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--inputs", type=int, default=1500)
    parser.add_argument("--disks", type=int, default=20, help="jobs on a full disk")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=120, help="seconds before a try hangs")
    parser.add_argument("--only", default="", metavar="TEXT", help="areas whose names hold it")
    parser.add_argument("--json", type=Path, help="file for the report")
    parser.add_argument("--repeat", type=Path, metavar="REPORT", help="only the finds in it")
    args = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    areas = [area for area in AREAS.values() if args.only in area.name]
    jobs = [job for job in kills.JOBS.values() if args.only in job.name]
    folder, begun = Path(tempfile.mkdtemp(prefix="torture-")), time.monotonic()
    tempfile.tempdir = str(folder / "tries")
    verdicts: list[Verdict] = []
    not_tried: dict[str, str] = {}
    try:
        (folder / "tries").mkdir()
        stage.build(folder / "stage")
        given = folder / "stage", args.limit
        parts = []
        if args.repeat:
            finds = json.loads(args.repeat.read_text(encoding="utf-8"))["finds"]
            parts.append(repeat(finds, *given))
        else:
            parts.append(try_inputs(areas, args.inputs if areas else 0, args.seed, *given))
            parts.append(try_kills(jobs, args.kills if jobs else 0, args.seed, *given))
            if args.disks and args.only in full_disk.NAME:
                if reason := full_disk.why_not():
                    not_tried[full_disk.NAME] = reason
                else:
                    parts.append(try_disks(args.disks, args.seed, *given))
        for part in parts:
            for verdict in part:
                verdicts.append(verdict)
                if verdict.kind != GOOD:
                    print(verdict, flush=True)
                if args.json:
                    text = json.dumps(report(verdicts, args.seed, not_tried), indent=1)
                    args.json.write_text(text, encoding="utf-8")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(table(verdicts, not_tried))
    times, seconds = sum(verdict.kills for verdict in verdicts), time.monotonic() - begun
    print(f"{times} kills; seed {args.seed}; {seconds:.0f} s; processes by {START}")
    sys.exit(any(verdict.kind != GOOD for verdict in verdicts))


if __name__ == "__main__":
    main()
