"""What the paper reports, row by row, and which preset fills it: `data/paper_results.yaml`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from ..settings import PRESETS

SETTINGS = {"pred_all": "Pred-All", "oracle_obj": "Oracle-Obj"}


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes:
        table: "T1".
        name: "PartCLIPSeg".
        scores: setting -> score -> percent, None where we could not read it. A score is called as
            in a run's `metrics.json`; the name of an object part stands for its IoU.
        sources: setting -> score -> key of `Paper.sources`, for the known ones.
        by: whose numbers they are where nothing here could repeat them, else "".
        note: what else is to be known.
    """

    table: str
    name: str
    scores: Mapping[str, Mapping[str, float | None]]
    sources: Mapping[str, Mapping[str, str]]
    by: str = ""
    note: str = ""

    @property
    def cell(self) -> str:
        """What a preset's `paper` list calls it: "T1/PartCLIPSeg"."""
        return f"{self.table}/{self.name}"

    @property
    def known(self) -> dict[str, dict[str, float]]:
        """The scores that we could read."""
        found = {
            setting: {key: value for key, value in scores.items() if value is not None}
            for setting, scores in self.scores.items()
        }
        return {setting: scores for setting, scores in found.items() if scores}

    def in_words(self) -> str:
        """What is known, "T1 Pred-All seen 43.91, unseen 23.56, harmonic 30.67; Oracle-Obj …"."""
        told = [
            f"{SETTINGS[setting]} " + ", ".join(f"{key} {v:.2f}" for key, v in scores.items())
            for setting, scores in self.known.items()
        ]
        return f"{self.table} " + ("; ".join(told) or "not known to us")


@dataclass(frozen=True)
class Table:
    """A table of the paper, with the rows of later works under it.

    Attributes:
        name: "T1".
        title: what it is about.
        rows: by name.
        note: what else is to be known.
    """

    name: str
    title: str
    rows: Mapping[str, Row]
    note: str = ""


@dataclass(frozen=True)
class Paper:
    """All tables.

    Attributes:
        tables: by name, in the paper's order.
        sources: key -> where such a number was read.
        tolerance: how far ours may lie from the paper's, in points, to be called the same.
        cost: "parameters_million" and "gpu_memory_gb" of a training on Pascal-Part-116, batch 8.
    """

    tables: Mapping[str, Table]
    sources: Mapping[str, str]
    tolerance: float
    cost: Mapping[str, Any]

    @property
    def rows(self) -> dict[str, Row]:
        """Every row by its `cell`."""
        return {row.cell: row for table in self.tables.values() for row in table.rows.values()}


@functools.lru_cache(maxsize=1)
def paper() -> Paper:
    """What `data/paper_results.yaml` holds."""
    source = resources.files("partclipseg_lite").joinpath("data/paper_results.yaml")
    held = yaml.safe_load(source.read_text(encoding="utf-8"))
    tables = {}
    for name, table in held["tables"].items():
        rows = {title: _row(name, title, row) for title, row in table["rows"].items()}
        tables[name] = Table(name, table["title"], rows, table.get("note", ""))
    return Paper(tables, held["sources"], held["tolerance"], held["cost"])


def _row(table: str, name: str, held: Mapping[str, Any]) -> Row:
    scores: dict[str, dict] = {}
    sources: dict[str, dict] = {}
    for setting in (setting for setting in SETTINGS if setting in held):
        values = dict(held[setting])
        given = values.pop("source", None)
        scores[setting] = values
        sources[setting] = {
            key: given if isinstance(given, str) else given[key]
            for key, value in values.items()
            if value is not None
        }
    return Row(table, name, scores, sources, held.get("by", ""), held.get("note", ""))


def presets_of(cell: str) -> list[str]:
    """The presets that fill a row, the shortest name first: the others are the same otherwise."""
    return sorted((name for name in PRESETS if cell in PRESETS.cells(name)), key=len)


def rows_of(preset: str) -> list[Row]:
    """The rows of the paper that a run of `preset` fills."""
    rows = paper().rows
    return [rows[cell] for cell in PRESETS.cells(preset)]
