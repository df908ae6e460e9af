"""The rows of the ledger as book/ledger.yaml holds them, for the scripts beside it.

    python -c "import sys; sys.path.append('book/tools'); import ledger_rows as l;
    print(len(l.rows()))"

Takes no time; it has no command of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from partclipseg_lite.reading import BUNDLES, Reading

SOURCE = Path(__file__).resolve().parents[1] / "ledger.yaml"
#: Kind -> what its chip and its section say. A row stands in the section of its first kind.
KINDS = {
    "network": "Network",
    "data": "Data",
    "losses": "Mask losses",
    "attention": "Attention control",
    "training": "Training",
    "evaluation": "Evaluation",
    "ours": "Ours",
}
#: The files of the release by the letters that stand for them, from its root.
FILES = {
    "M": "transformers/models/partclipseg/modeling_partclipseg.py",
    "P": "baselines/partclipseg.py",
    "E": "baselines/evaluation/partclipseg_evaluation.py",
    "D": "baselines/data/dataset_mappers/object_part_mapper.py",
    "DI": "baselines/data/dataset_mappers/partimagenet_mapper.py",
    "T": "train_net.py",
}


@dataclass(frozen=True)
class Row:
    """One departure, of the release from the paper or of this package from both.

    Attributes:
        name: by which the page links to it.
        title: a sentence without its full stop.
        kinds: of KINDS; it stands among the first and is found under all.
        paper: what the paper says.
        release: what the release does.
        lines: where, each `FILE:LINES` with a letter of FILES or a path.
        ours: what this package does in either reading.
        touches: what it reaches: masks, gradients, scores.
        example: one that can be checked by eye.
        grids: pictures of the example, each a caption and rows of letters.
        tests: `FILE::NAME` of the tests that carry it.
        chapter: `[TITLE](FILE)` of the chapter that shows it, if one does.
        option: the option of `Reading` that switches it, if one does.
        switch: dotted settings that make it, from the reference of measure_departures.py.
        batch: the batch on which it shows: "usual", "close_ups" or "novel".
        states: the weights with which it is measured: "start", "early", "trained".
        switched: in words, from what to what, where that is not from the paper to the release.
        also: a sentence more on what was measured, with fields of the record's scores.
        scores: measured scores that belong to it, each a label and its path in the record.
        experiment: in data/experiments.yaml, if a training tells what it is worth.
        from_experiment: whether that training has the departure, or is without it.
        no_training: why no training can tell what it is worth, where none can.
    """

    name: str
    title: str
    kinds: tuple[str, ...]
    paper: str
    release: str
    ours: str
    touches: str
    tests: tuple[str, ...]
    lines: tuple[str, ...] = ()
    example: str = ""
    grids: tuple[Mapping[str, Any], ...] = ()
    chapter: str = ""
    option: str = ""
    switch: Mapping[str, Any] = field(default_factory=dict)
    batch: str = "usual"
    states: tuple[str, ...] = ("trained",)
    switched: str = ""
    also: str = ""
    scores: tuple[tuple[str, str], ...] = ()
    experiment: str = ""
    from_experiment: bool = True
    no_training: str = ""

    @property
    def settings(self) -> dict[str, Any]:
        """Dotted settings that put the departure in the place of the reference; {} if none do."""
        if self.option:
            return {f"reading.{self.option}": BUNDLES["released"][self.option]}
        return dict(self.switch)


@functools.cache
def rows() -> tuple[Row, ...]:
    """All rows, in the order of the page.

    Raises:
        ValueError: two have one name, or one has an unknown kind or option.
    """
    found = []
    for entry in yaml.safe_load(SOURCE.read_text(encoding="utf-8")):
        lists = {key: tuple(value) for key, value in entry.items() if isinstance(value, list)}
        row = Row(**{**entry, **lists})
        if not set(row.kinds) <= set(KINDS) or not row.kinds:
            raise ValueError(f"row {row.name!r} has kinds {row.kinds}, expected some of {[*KINDS]}")
        if row.option and row.option not in Reading.model_fields:
            raise ValueError(f"row {row.name!r} is of {row.option!r}, no option of Reading")
        if row.name in {other.name for other in found}:
            raise ValueError(f"two rows are called {row.name!r}")
        found.append(row)
    order = list(KINDS)
    return tuple(sorted(found, key=lambda row: order.index(row.kinds[0])))
