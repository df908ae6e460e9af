"""From finished runs to the record of the book: scores with intervals, differences, spreads.

A folder of runs holds `EXPERIMENT-seedN/` with `metrics.json` and the counts of every picture, as
`queue.run_job` leaves them.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..evaluation.class_means import mean_iou
from ..evaluation.counts import PictureCounts, paired
from ..evaluation.intervals import Interval, mean_over_seeds, paired_difference
from ..evaluation.metrics import mean_and_spread
from ..vocabulary import Vocabulary
from .plan import Experiment, Job
from .queue import is_done

SETTINGS = ("oracle_obj", "pred_all", "plain")
#: The metrics of a run that a record keeps, where the run has them.
KEPT = (
    "settings_hash",
    "weights_sha256",
    "environment",
    "training_seconds",
    "processes",
    "seconds_with_set_up",
)


def finished(experiment: Experiment, work: Path) -> list[int]:
    """Training seeds of an experiment that are trained and scored in `work`."""
    return [seed for seed in range(experiment.seeds) if is_done(Job(experiment, seed), work)]


def summaries(experiments: dict[str, Experiment], work: Path) -> dict[str, dict]:
    """Name -> `summary_of` of each scored experiment that has finished runs, in their order."""
    return {
        name: summary_of(one, work)
        for name, one in experiments.items()
        if one.scored and finished(one, work)
    }


def summary_of(experiment: Experiment, work: Path) -> dict:
    """What finished runs of an experiment scored: `seeds`, and `summary` as in `collect`."""
    seeds = finished(experiment, work)
    runs = [_read(work / Job(experiment, seed).name / "metrics.json") for seed in seeds]
    return {
        "seeds": seeds,
        "summary": {
            split: mean_and_spread([run["splits"][split] for run in runs])
            for split in experiment.splits
        },
    }


def collect(experiment: Experiment, other: Experiment | None, work: Path) -> dict:
    """The record of one experiment from its finished runs, told against those of another.

    Returns:
        `title`, `preset`, `overrides`, `steps`, `pictures`, `seeds`; `runs`, of each seed what is
        needed to compare it later; `summary`, {split: `mean_and_spread` over seeds}; `intervals`,
        {split: {setting: {score: [low, value, high]}}}, over pictures, of the mean over seeds;
        `difference`, from the experiment that it is told against, over pictures and seeds, or None;
        `attention`, quantity -> mean and values; `object_part_iou`, one {object part: Oracle-Obj
        IoU in percent or None} a seed; `median_seed`, and `test`, all scores of that seed.
    """
    seeds = finished(experiment, work)
    folders = [work / Job(experiment, seed).name for seed in seeds]
    runs = [_read(folder / "metrics.json") for folder in folders]
    median = seeds[median_of([validation_score(run) for run in runs])]
    quantities = runs[0]["attention"]
    return {
        "title": experiment.title,
        "preset": experiment.preset,
        "overrides": dict(experiment.overrides),
        "steps": runs[0]["settings"]["training"]["steps"],
        "pictures": {split: runs[0]["splits"][split]["images"] for split in experiment.splits},
        **summary_of(experiment, work),
        "runs": [{key: run[key] for key in KEPT if key in run} for run in runs],
        "intervals": {split: _intervals(folders, split) for split in experiment.splits},
        "difference": other and difference(experiment, other, work),
        "attention": {
            quantity: {
                "values": (values := [run["attention"][quantity] for run in runs]),
                "mean": float(np.mean(values)),
            }
            for quantity in quantities
        },
        "object_part_iou": [
            {
                name: row["iou"]
                for name, row in run["splits"]["test"]["oracle_obj"]["per_object_part"].items()
            }
            for run in runs
        ],
        "median_seed": median,
        "test": runs[seeds.index(median)]["splits"]["test"],
    }


def difference(experiment: Experiment, other: Experiment, work: Path) -> dict | None:
    """An experiment minus another on the same test pictures, seed by seed.

    Returns:
        {"from": name, "seeds": those that both have, setting: {score: {"low", "value", "high",
        "verdict"}}}; None for the same experiment, or where they share no seed or no picture.
    """
    seeds = [seed for seed in finished(experiment, work) if seed in finished(other, work)]
    if experiment.name == other.name or not seeds:
        return None
    mine, theirs = (
        [PictureCounts.load(work / Job(one, seed).name / "test.npz") for seed in seeds]
        for one in (experiment, other)
    )
    told: dict = {"from": other.name, "seeds": seeds}
    for setting in SETTINGS:
        found = paired_difference(*paired(mine, theirs, setting=setting), _mean_iou())
        told[setting] = {
            key: {**interval._asdict(), "verdict": interval.verdict}
            for key, interval in found.items()
        }
    return told


def validation_score(run: dict) -> float:
    """By which seeds are put in order: harmonic means told and untold, test where nothing else is.

    Pictures of the validation split decide; an experiment that ships none is only put in order.
    """
    scores = run["splits"].get("validation", run["splits"]["test"])
    return sum(scores[setting]["harmonic"] or 0.0 for setting in ("oracle_obj", "pred_all"))


def median_of(values: Sequence[float]) -> int:
    """Position of the median of values, the lower one of two."""
    return int(np.argsort(values, kind="stable")[(len(values) - 1) // 2])


def _intervals(folders: Sequence[Path], split: str) -> dict:
    counts = [PictureCounts.load(folder / f"{split}.npz") for folder in folders]
    return {
        setting: {
            key: list(_known(interval))
            for key, interval in mean_over_seeds(
                paired(counts, setting=setting)[0], _mean_iou()
            ).items()
        }
        for setting in SETTINGS
    }


def _known(interval: Interval) -> list[float | None]:
    return [None if np.isnan(end) else end for end in interval]


def _mean_iou():
    return mean_iou(Vocabulary.load("drawn").seen.numpy())


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
