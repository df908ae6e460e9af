"""Measured numbers that ship with the package, read by name: `load_record("toy")`.

`toy` holds the scores of the shipped models and of all other experiments, `departures` what single
options do to one batch, `tiny_clips` what other trainings of the tiny CLIP came to, `benchmark`,
`benchmark_gpu` and `training_time` times and memory. They are package data, so a chapter finds them
from any folder.
"""

import difflib
import json
from importlib import resources
from pathlib import Path

from ..files import write_whole

FOLDER = Path(str(resources.files("partclipseg_lite").joinpath("data/records")))


def record_names() -> list[str]:
    """Names of the records that are there, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def record_path(name: str) -> Path:
    """Where the record called `name` lies, whether it was written already or not."""
    return FOLDER / f"{name}.json"


def load_record(name: str) -> dict:
    """The record called `name`.

    Raises:
        ValueError: there is none; the known names are listed.
    """
    known = record_names()
    if name not in known:
        near = difflib.get_close_matches(str(name), known, n=1)
        raise ValueError(
            f"unknown record {name!r}{f', did you mean {near[0]!r}?' if near else ''} "
            f"(known: {', '.join(known)})"
        )
    return json.loads(record_path(name).read_text(encoding="utf-8"))


def write_record(name: str, record: dict) -> Path:
    """Write a record, whole or not at all; returns its path.

    A second writing leaves nothing of the first.
    """
    path = record_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(record, indent=1))
    return path


def recorded_trainings(record: dict) -> set[str]:
    """Names ("toy-seed0") of the trainings whose scores a record of experiments holds."""
    both = {**record["models"], **record["experiments"]}
    return {f"{name}-seed{seed}" for name, one in both.items() for seed in one["seeds"]}


def turned(told: dict) -> dict:
    """The difference b - a from that of a - b, {"low", "value", "high", "verdict"}."""
    opposite = {"higher": "lower", "lower": "higher"}
    return {
        "low": -told["high"],
        "value": -told["value"],
        "high": -told["low"],
        "verdict": opposite.get(told["verdict"], told["verdict"]),
    }


def change_from(experiments: dict, name: str, reference: str, setting: str) -> dict | None:
    """Unseen mIoU of a recorded experiment minus that of another, as `difference` told it.

    None where neither of the two was compared with the other.
    """
    mine, its = experiments[name]["difference"], experiments[reference]["difference"]
    if mine and mine["from"] == reference:
        return mine[setting]["unseen"]
    return turned(its[setting]["unseen"]) if its and its["from"] == name else None


def alike(one: dict, other: dict) -> list[int]:
    """Seeds that two recorded experiments share, if every test score of these trainings is equal.

    To the last digit; [] if a score differs, or no seed is shared.
    """
    seeds = [seed for seed in one["seeds"] if seed in other["seeds"]]
    scores = [
        [
            [told["values"][experiment["seeds"].index(seed)] for seed in seeds]
            for setting in experiment["summary"]["test"].values()
            for told in setting.values()
        ]
        for experiment in (one, other)
    ]
    return seeds if scores[0] == scores[1] else []
