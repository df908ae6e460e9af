"""What a row of the ledger does, looked up in the records, and how its numbers are written.

    python -c "import sys; sys.path.append('book/tools'); import ledger_effects as l;
    print(l.share(0.0117))"

Takes no time; it has no command of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import reduce
from typing import Any

from ledger_rows import Row
from partclipseg_lite.experiments.plan import experiments
from partclipseg_lite.experiments.records import turned
from results_page import signed as signed_difference

SETTINGS = {"oracle_obj": "Oracle-Obj", "pred_all": "Pred-All"}


# ---- numbers -------------------------------------------------------------------------------------


def short(value: float | None) -> str:
    """A number with three digits."""
    if value is None:
        return "–"
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.3g}"
    digits, power = f"{value:.2e}".split("e")
    return f"{digits} · 10<sup>{int(power)}</sup>".replace("-", "−")


def share(value: float | None) -> str:
    """A share in percent with two digits; what is below a billionth is called so."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) < 1e-9:
        return "< 0.0000001 %"
    percent = 100 * value
    return f"{percent:.{max(0, 1 - math.floor(math.log10(abs(percent))))}f}\N{NO-BREAK SPACE}%"


def change(before: float, after: float) -> str:
    """How much a number grew or fell, in percent of what it was."""
    if before == after:
        return "0"
    relative = after / before - 1
    return ("+" if relative > 0 else "−") + share(abs(relative)).replace("< ", "")


def signed(told: Mapping) -> str:
    """A difference and its interval, "+3.9 [+2.5, +5.4]"."""
    return signed_difference(told).replace("-", "−")


def times(value: float) -> str:
    """A small share as a power of ten, "2.5 millionths"."""
    return f"{value * 1e6:.1f} millionths"


# ---- what was measured ---------------------------------------------------------------------------


def on_its_batch(row: Row, record: Mapping) -> Mapping[str, Any]:
    """What a row's switch did to its own batch, with the last of its states."""
    return record["switches"][row.name][row.batch][row.states[-1]]


def looked_up(scores: Mapping, path: str) -> float:
    """A score by its path in the record, "model/released/pred_all/harmonic"."""
    return reduce(lambda found, key: found[key], path.split("/"), scores)


def trained_for(row: Row) -> str:
    """The experiment that tells what a row is worth: its own, or one that throws its switch."""
    if row.experiment or not row.settings or row.states == ("start",):
        return row.experiment
    for name, one in experiments().items():
        changed = {key: value for key, value in one.overrides.items() if key in row.settings}
        if changed and changed == row.settings:
            return name
    return ""


def difference(row: Row, results: Mapping) -> dict | None:
    """{setting: difference in unseen mIoU that the departure makes}; None if it was not trained."""
    name = trained_for(row)
    found = {**results["models"], **results["experiments"]}.get(name)
    if not found or not found["difference"]:
        return None
    told = {setting: found["difference"][setting]["unseen"] for setting in SETTINGS}
    return told if row.from_experiment else {key: turned(one) for key, one in told.items()}


def command(row: Row) -> str:
    """What to type to find out what a row is worth."""
    name = trained_for(row)
    if name:
        return f"python -m partclipseg_lite experiments run --only {name}"
    values = " ".join(f"{key}={value}" for key, value in row.settings.items())
    run = f"runs/{row.name}"
    return (
        f"python -m partclipseg_lite train --preset toy --set {values} --output {run}\n"
        f"python -m partclipseg_lite evaluate --weights {run} --dataset drawn --json {run}.json"
    )
