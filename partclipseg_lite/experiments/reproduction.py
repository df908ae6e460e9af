"""Finished runs beside the paper: which cell a run fills, and how far ours is from the paper's.

A run is told by its `metrics.json`. It counts for the rows of its preset if it was trained with the
preset's settings, whatever its seed and the machine's own settings (`FREE`), and was scored as the
benchmark scores, on the whole split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..evaluation.class_means import HEADLINES
from ..figures.text import Markdown, table
from ..settings import PRESETS, Settings
from .paper import SETTINGS, Row, paper, rows_of
from .records import FOLDER

RUNS = FOLDER / "runs"
#: What may differ from the preset's: it decides where and how fast, or chooses among equals.
FREE = (
    "data.folder",
    "training.seed",
    "training.workers",
    "training.accumulation",
    "training.recompute",
    "training.precision",
    "training.tracker",
    "training.log_every",
    "training.checkpoint_every",
)
#: Of a run's metrics, what a record of it keeps whole.
KEPT = (
    "preset",
    "overrides",
    "settings",
    "settings_hash",
    "vocabulary_hash",
    "backbone",
    "weights_sha256",
    "environment",
    "commit",
    "training_seconds",
    "processes",
    "dataset",
    "by_step",
)


@dataclass(frozen=True)
class Told:
    """A finished run.

    Attributes:
        name: of its file or folder.
        metrics: what its `metrics.json` holds.
    """

    name: str
    metrics: Mapping

    @property
    def settings(self) -> Settings:
        """Its settings; those that are younger than it have their defaults."""
        return Settings.model_validate(self.metrics["settings"])

    @property
    def seed(self) -> int:
        """Of its training."""
        return self.settings.training.seed

    @property
    def reading(self) -> str:
        """Its reading: "paper", "released", or the nearer one with what differs."""
        return self.settings.reading.name

    @property
    def gpu_hours(self) -> float | None:
        """Hours of the training times processes; None on a processor, or where it is not known."""
        m = self.metrics
        if m["environment"]["device"].startswith("CPU") or "processes" not in m:
            return None
        return m["training_seconds"] * m["processes"] / 3600

    def why_not(self) -> str | None:
        """Why it fills no cell of the paper, None if it fills those of its preset."""
        preset = self.metrics["preset"]
        if preset not in PRESETS or not PRESETS.cells(preset):
            return f"the paper has no row for the preset {preset!r}"
        changed = _changed(self.settings, Settings.from_preset(preset))
        if changed:
            return f"other settings than the preset's: {', '.join(changed)}"
        if not self.metrics.get("released"):
            return "it was not scored as the benchmark scores"
        if not self.metrics["dataset"].get("whole"):
            return f"only {self.metrics['dataset']['images']} pictures were scored"
        wanted = PRESETS[preset].get("test.folder")
        scored = self.metrics["dataset"]["vocabulary"]
        if (scored == self.settings.vocabulary) == (wanted is not None):
            return f"it was scored on {scored}"
        return None

    def score(self, setting: str, key: str) -> float | None:
        """A score as the benchmark counts; the name of an object part stands for its IoU."""
        scores = self.metrics["released"][setting]
        if "'s " in key:
            return scores["per_object_part"].get(key, {}).get("iou")
        return scores.get(key)


def _changed(settings: Settings, preset: Settings) -> list[str]:
    """The dotted names of settings that differ, less those in `FREE` and those of `test`."""
    mine, theirs = (
        _flat(one.model_dump(mode="json", exclude={"test", "preset"})) for one in (settings, preset)
    )
    return [name for name in mine if mine[name] != theirs[name] and name not in FREE]


def _flat(values: Mapping) -> dict:
    return {
        f"{group}.{key}" if isinstance(inner, Mapping) else group: value
        for group, inner in values.items()
        for key, value in (inner.items() if isinstance(inner, Mapping) else [("", inner)])
    }


@dataclass(frozen=True)
class Line:
    """One number of ours beside the paper's.

    Attributes:
        row: of the paper.
        setting: "pred_all" or "oracle_obj".
        key: the score.
        paper: the paper's, or None.
        runs: whose mean ours is, one a seed; none: nobody ran it yet.
        reading: of the runs, with a word if the best of several steps was taken.
        ours: the mean over seeds, or None.
        low: of the 95 % interval over pictures, the mean of the seeds'; None where there is none.
        high: the same.
        spread: sample deviation over seeds, None for one.
    """

    row: Row
    setting: str
    key: str
    paper: float | None
    runs: tuple[Told, ...] = ()
    reading: str = ""
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    spread: float | None = None

    @property
    def difference(self) -> float | None:
        """Ours less the paper's."""
        return None if None in (self.ours, self.paper) else self.ours - self.paper

    @property
    def verdict(self) -> str:
        """Same, higher, lower or not decided; "" where there is nothing to compare.

        "same": not farther apart than the tolerance; else "higher" or "lower" if the paper's
        number lies outside of our interval, and "not decided" if it does not.
        """
        if self.difference is None:
            return ""
        if abs(self.difference) <= paper().tolerance:
            return "same"
        if self.low is None or self.low <= self.paper <= self.high:
            return "not decided"
        return "higher" if self.difference > 0 else "lower"


def load_runs(folder: Path = RUNS) -> list[Told]:
    """The runs in a folder: `NAME.json`, or `NAME/metrics.json`.

    Raises:
        ValueError: a file is damaged; it is named.
    """
    found = []
    for path in sorted([*folder.glob("*.json"), *folder.glob("*/metrics.json")]):
        name = path.parent.name if path.name == "metrics.json" else path.stem
        try:
            told = Told(name, json.loads(path.read_text(encoding="utf-8")))
            told.settings, told.why_not(), told.gpu_hours
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(
                f"{path} tells no run ({type(error).__name__}: {str(error).splitlines()[0]}); "
                "remove it, or score the run again"
            ) from error
        found.append(told)
    return found


def slim(metrics: Mapping) -> dict:
    """Of a run's metrics what the page of reproductions needs: no tables but one."""
    kept = {key: metrics[key] for key in KEPT if key in metrics}
    for part in ("scores", "released"):
        if part in metrics:
            kept[part] = {
                name: _means(scores) if isinstance(scores, Mapping) else scores
                for name, scores in metrics[part].items()
            }
    for setting, scores in metrics.get("released", {}).items():
        if isinstance(scores, Mapping):
            of = scores["per_object_part"].items()
            rows = {name: {"iou": row["iou"], "pixels": row["pixels"]} for name, row in of}
            kept["released"][setting]["per_object_part"] = rows
    return kept


def _means(scores: Mapping) -> dict:
    return {key: value for key, value in scores.items() if not isinstance(value, Mapping)}


def groups(runs: Iterable[Told]) -> dict[str, list[list[Told]]]:
    """Cell of the paper -> runs that fill it, those of one reading together, a seed once.

    Of several with the same seed the last counts.
    """
    found: dict[str, dict[str, dict[int, Told]]] = {}
    for run in runs:
        if run.why_not() is None:
            for row in rows_of(run.metrics["preset"]):
                found.setdefault(row.cell, {}).setdefault(run.reading, {})[run.seed] = run
    return {
        cell: [[seeds[seed] for seed in sorted(seeds)] for seeds in readings.values()]
        for cell, readings in found.items()
    }


def lines(row: Row, of_row: Sequence[Sequence[Told]]) -> list[Line]:
    """The numbers of a row, each beside ours of every reading, or beside nothing.

    Args:
        row: of the paper.
        of_row: what `groups` has for it.
    """
    found = []
    for setting, scores in row.scores.items():
        for key, value in scores.items():
            if not of_row:
                found.append(Line(row, setting, key, value))
            for runs in of_row:
                found.append(_line(row, setting, key, value, runs))
                if key in HEADLINES and all(run.metrics.get("by_step") for run in runs):
                    found.append(_best(row, setting, key, value, runs))
    return found


def _line(row: Row, setting: str, key: str, value: float | None, runs: Sequence[Told]) -> Line:
    def mean(name: str) -> float | None:
        values = [run.score(setting, name) for run in runs]
        return None if None in values else float(np.mean(values))

    ours = mean(key)
    many = [run.score(setting, key) for run in runs] if len(runs) > 1 and ours is not None else None
    spread = float(np.std(many, ddof=1)) if many else None
    ends = mean(f"{key}_low"), mean(f"{key}_high")
    return Line(row, setting, key, value, tuple(runs), runs[0].reading, ours, *ends, spread)


def _best(row: Row, setting: str, key: str, value: float | None, runs: Sequence[Told]) -> Line:
    """The same of the step with the best harmonic mean, by which the paper chooses."""
    steps = [
        max(run.metrics["by_step"], key=lambda step: step[setting]["harmonic"] or 0.0)
        for run in runs
    ]
    values = [step[setting][key] for step in steps]
    ours = None if None in values else float(np.mean(values))
    spread = float(np.std(values, ddof=1)) if len(values) > 1 and ours is not None else None
    told = f"{runs[0].reading}, best of {len(runs[0].metrics['by_step'])} steps"
    return Line(row, setting, key, value, tuple(runs), told, ours, spread=spread)


def beside_the_paper(metrics: Mapping) -> Markdown:
    """A run's scores beside the paper's for every row that it fills, or why it fills none."""
    run = Told("this run", metrics)
    if (why := run.why_not()) is not None:
        return Markdown(f"This run fills no row of the paper: {why}.")
    found = [line for row in rows_of(metrics["preset"]) for line in lines(row, [[run]])]
    rows = [
        [
            line.row.table,
            f"{SETTINGS[line.setting]} {line.key.replace('_', ' ')}",
            *(_number(value) for value in (line.paper, line.ours, line.low, line.high)),
            line.verdict,
            line.reading,
        ]
        for line in found
    ]
    return table(["", "score", "paper", "ours", "from", "to", "", "reading"], rows)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
