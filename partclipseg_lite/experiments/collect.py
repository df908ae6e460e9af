"""From scored runs, one a training seed, to the record of a model: what `make weights` writes.

A folder of runs holds `PRESET-seedN/`, each with settings.json and one `SPLIT.json` a scored split.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..evaluation.metrics import mean_and_spread

SPLITS = ("test", "shifted")


def seed_of(run: Path) -> int:
    """Training seed of a run's folder, `.../toy-seed12` -> 12."""
    return int(run.name.rpartition("seed")[2])


def scored_runs(folder: Path, preset: str, splits: Sequence[str] = SPLITS) -> list[Path]:
    """Runs of `preset` that are scored on every split, by training seed."""
    runs = [
        run for run in folder.glob(f"{preset}-seed*") if run.name.rpartition("seed")[2].isdigit()
    ]
    return sorted(
        (run for run in runs if all((run / f"{s}.json").is_file() for s in splits)), key=seed_of
    )


def collect_model(runs: Sequence[Path], splits: Sequence[str] = SPLITS) -> dict:
    """The record of one model from its scored runs, the first of which ships.

    Returns:
        `seeds`; `summary`, {split: `mean_and_spread` over seeds}; `test`, all scores of the first
        run; `object_part_iou`, one {object part: Oracle-Obj IoU in percent or None} a run; `steps`.

    Raises:
        ValueError: the runs were trained for different numbers of steps.
    """
    scores = {split: [_read(run / f"{split}.json") for run in runs] for split in splits}
    steps = [_read(run / "settings.json")["training"]["steps"] for run in runs]
    if len(set(steps)) > 1:
        raise ValueError(
            f"{[run.name for run in runs]} were trained for {steps} steps; train them equally long"
        )
    return {
        "seeds": [seed_of(run) for run in runs],
        "summary": {split: mean_and_spread(results) for split, results in scores.items()},
        "test": scores["test"][0],
        "object_part_iou": [
            {name: row["iou"] for name, row in result["oracle_obj"]["per_object_part"].items()}
            for result in scores["test"]
        ],
        "steps": steps[0],
    }


def collect(folder: Path, presets: Iterable[str]) -> dict[str, dict]:
    """{preset: `collect_model` of its runs} for the presets that have scored runs in `folder`."""
    runs = {preset: scored_runs(folder, preset) for preset in presets}
    return {preset: collect_model(found) for preset, found in runs.items() if found}


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))
