"""A row of the ledger as it stands on the page: a closed line, and what opens below it.

    python -c "import sys; sys.path.append('book/tools'); import ledger_row as l;
    print(l.source_line('P:581'))"

Takes no time; it has no command of its own.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Mapping

from ledger_effects import (
    SETTINGS,
    change,
    command,
    difference,
    looked_up,
    on_its_batch,
    share,
    short,
    signed,
    trained_for,
)
from ledger_rows import FILES, KINDS, Row
from results_page import table

COMMIT = "8abceefff960920019096982688e3e8209ed39de"
RELEASE = f"https://github.com/kaist-cvml/part-clipseg/blob/{COMMIT}"
#: What the weights of a measurement are called, and the batches.
STATES = {
    "start": "before the first step",
    "early": "after a tenth of the training",
    "trained": "at the end of the training",
}
COLUMNS = {"start": "start", "early": "a tenth", "trained": "end"}
BATCHES = {
    "usual": "the usual batch",
    "close_ups": "close-ups, which have no background",
    "novel": "pictures that show a novel object, too",
}
TERMS = {
    "object_part": "masks of object parts",
    "part": "masks of parts",
    "object": "masks of objects",
    "dice": "Dice",
    "separation": "separation",
    "enhancement": "enhancement",
}
CONTROL = ("separation", "enhancement")
#: Letters in the grids of examples -> class of the cell; what they stand for is said beside them.
CELLS = {"h": "head", "t": "torso", "e": "eye", "c": "one", "d": "two", "b": "back", "X": "twice"}


def anchor(name: str) -> str:
    """The address of a row inside of the page."""
    return "row-" + name.replace("_", "-")


def effects(row: Row, record: Mapping, results: Mapping) -> list[tuple[str, str]]:
    """What the closed row shows on its right: (label, value)."""
    shown = []
    if row.settings:
        found = on_its_batch(row, record)
        shown = [("loss", change(*found["loss"])), ("gradient moves", share(found["moved"]))]
    elif row.scores:
        label = "same predictions"
        first, second = (looked_up(record["scores"], path) for _, path in row.scores[:2])
        shown = [(label, f"{first:.1f} / {second:.1f}")]
    told = difference(row, results)
    if told:
        value = f"{told['oracle_obj']['value']:+.1f}".replace("-", "−")
        open_ = " ?" if told["oracle_obj"]["verdict"] == "not decided" else ""
        shown.append(("unseen mIoU", value + open_))
    elif row.settings:
        shown.append(("unseen mIoU", "not measured"))
    elif not row.scores:
        shown.append(("", row.no_training))
    return shown


def summary(row: Row, record: Mapping, results: Mapping) -> str:
    """The closed row, as HTML."""
    others = " · ".join(KINDS[kind] for kind in row.kinds[1:])
    kinds = f'<span class="kinds">also {others}</span>' if others else ""
    cells = "".join(
        f"<span><small>{label}</small> {value}</span>"
        for label, value in effects(row, record, results)
    )
    return (
        f'<summary><span class="what">{inline(row.title)}{kinds}</span>'
        f'<span class="effects">{cells}</span></summary>'
    )


def inline(text: str) -> str:
    """Plain text with code in backticks, as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


def source_line(place: str) -> str:
    """A place in the release, "P:607-609", as a link to it at the commit that is meant."""
    file, _, lines = place.partition(":")
    path = FILES.get(file, file)
    if path.startswith("detectron2/"):  # not of the release
        return f"`{place}`"
    first, _, last = lines.partition("-")
    fragment = f"#L{first}" + (f"-L{last}" if last else "") if first else ""
    return f"[`{place}`]({RELEASE}/{path}{fragment})"


def sentence(test: str) -> str:
    """A test's name as the sentence that it is, with its file."""
    file, name = test.split("::")
    return f"*{name.removeprefix('test_').replace('_', ' ')}* (`{file}`)"


def cell(token: str) -> tuple[str, str]:
    """Class and text of a cell of a grid, from its letter or number."""
    if re.fullmatch(r"\d*\.?\d+", token):
        return f'value" style="--v:{min(1.0, float(token)):.2f}', token
    corner = " corner" if token == "," or token.isupper() and token != "X" else ""
    letter = token if token == "X" else token.lower()
    if letter in ".,":
        return f"empty{corner}", ""
    return CELLS[letter] + corner, "2×" if letter == "X" else letter


def grid(caption: str, cells: Iterable[str]) -> str:
    """A small picture of cells, as HTML; its words are what a screen reader reads."""
    lines = [line.split() if " " in line else list(line) for line in cells]
    size = " fine" if len(lines) > 8 else ""
    spoken = "; ".join(" ".join("nothing" if t in ".," else t for t in line) for line in lines)
    spoken = caption if size else f"{caption}: {spoken}"
    drawn = "".join(
        f'<i class="{kind}">{"" if size else text}</i>'
        for line in lines
        for kind, text in map(cell, line)
    )
    return (
        f'<figure class="ledger-grid{size}"><div role="img" aria-label="{html.escape(spoken)}" '
        f'style="--columns:{len(lines[0])}">{drawn}</div>'
        f"<figcaption>{inline(caption)}</figcaption></figure>"
    )


def before_and_after(found: Mapping) -> list[list[str]]:
    """The lines of a measurement that a switch changed, and loss and gradient in any case."""
    lines = [["loss", *map(short, found["loss"])]]
    lines += [
        [TERMS[name], *map(short, pair)] for name, pair in found["terms"].items() if changed(*pair)
    ]
    lines.append(["length of the gradient", *map(short, found["gradient"])])
    lines += [
        [f"… that {name} passes to the weights", *map(short, pair)]
        for name, pair in found["control"].items()
        if changed(*pair)
    ]
    return lines


def changed(before: float | None, after: float | None) -> bool:
    """Whether two numbers differ in more than their last digits."""
    if before is None or after is None:
        return before is not after
    return not math.isclose(before, after, rel_tol=1e-3, abs_tol=1e-12)


def measured(row: Row, record: Mapping) -> str:
    """What a switch did, in words and in a table."""
    found, state = on_its_batch(row, record), STATES[row.states[-1]]
    direction = row.switched or "from the paper to the release"
    moved = found["moved"]
    words = (
        "the gradient stays the same"
        if not moved
        else f"the gradient moves by {share(moved)} of its length"
    )
    where = "On " + BATCHES[row.batch]
    text = f"{where}, {state}, {direction}: {words}."
    if row.batch != "usual":
        usual = record["switches"][row.name]["usual"][row.states[-1]]["moved"]
        text += f" On the usual batch it moves by {share(usual)}."
    text += row.also and " " + row.also.format(**record["scores"])
    if len(row.states) > 1:
        return text + "\n\n" + shares(record["switches"][row.name]["usual"])
    return text + "\n\n" + table(["", "before", "after"], before_and_after(found))


def shares(by_state: Mapping) -> str:
    """Which share of the whole gradient each loss of attention control passes, by state."""
    lines = [
        [
            f"{name}, {reading}",
            *(
                share(found["control"][name][i] / found["gradient"][i])
                for found in by_state.values()
            ),
        ]
        for name, ours in (("separation", "soft"), ("enhancement", "paper's"))
        for i, reading in enumerate((ours, "released"))
    ]
    return table(["share of the gradient", *(COLUMNS[state] for state in by_state)], lines)


def worth(row: Row, results: Mapping) -> str:
    """What the departure does to masks of novel objects, or how to find out."""
    told = difference(row, results)
    if told:
        name = trained_for(row)
        one = {**results["models"], **results["experiments"]}[name]
        seeds = len(one["difference"]["seeds"])
        return (
            f"Unseen mIoU in the drawn world, {seeds} seed{'s' if seeds > 1 else ''}: "
            + ", ".join(
                f"{signed(told[s])} in {title} ({told[s]['verdict']})"
                for s, title in SETTINGS.items()
            )
            + ". See [](results.md)."
        )
    if row.settings:
        return f"Not measured in a training. To find out:\n\n```bash\n{command(row)}\n```"
    return ""


def scored(row: Row, record: Mapping) -> str:
    """The scores of the same predictions that belong to a row."""
    scores = record["scores"]
    lines = [[label, f"{looked_up(scores, path):.1f}"] for label, path in row.scores]
    kinds = {path.rsplit("_", 1)[-1].rsplit("/", 1)[-1] for _, path in row.scores}
    what = "Unseen mIoU" if kinds == {"unseen"} else "Harmonic mean"
    return f"{what} on {scores['pictures']} test pictures, in percent:\n\n" + table(
        ["", what], lines
    )


def read_otherwise(row: Row, record: Mapping) -> str:
    """What a reading does to weights that were trained in the other."""
    found = record["scores"]["at_test_time"].get(row.name)
    if not found:
        return ""
    told = [
        f"{signed(found['difference']['oracle_obj'][key])} ({key}, "
        f"{found['difference']['oracle_obj'][key]['verdict']})"
        for key in ("seen", "unseen")
    ]
    return (
        "\n\nThe shipped model was trained in the paper's reading and is only *read* otherwise "
        "here, which is not what a training would give. Difference in Oracle-Obj: "
        f"{' and '.join(told)}."
    )


def indented(text: str) -> str:
    """Text as the body of a definition: its lines after the first stand below the first."""
    first, *others = text.splitlines()
    return "\n".join([f": {first}", *(f"  {line}" if line else "" for line in others)])


def body(row: Row, record: Mapping, results: Mapping) -> str:
    """The opened row, as Markdown."""
    places = ", ".join(map(source_line, row.lines))
    release = f"{row.release.strip()} {places}".strip()
    ours = row.ours.strip()
    if row.option:
        values = ", ".join(f"`{key}={value}`" for key, value in row.settings.items())
        ours += f" Switch: {values}."
    parts = {
        "The paper": row.paper,
        "The release": release,
        "Here": ours,
        "It touches": row.touches,
    }
    if row.settings:
        parts["Measured"] = measured(row, record)
    if row.scores:
        parts["Counted"] = scored(row, record) + read_otherwise(row, record)
    if row.settings:
        parts["Worth"] = worth(row, results)
    proofs = [f"- {sentence(test)}" for test in row.tests]
    if row.chapter:
        proofs.append(f"- [](../notebooks/{row.chapter}.ipynb)")
    parts["Shown by"] = "\n".join(proofs)
    text = []
    for name, part in parts.items():
        text.append(f"{name}\n{indented(part.strip())}\n")
        if name == "It touches" and (row.example or row.grids):
            text.append(f"Example\n{indented(row.example.strip())}\n")
            if row.grids:
                text[-1] += (
                    "\n  "
                    + f'<div class="ledger-grids">{"".join(grid(**g) for g in row.grids)}</div>\n'
                )
    return "\n".join(text)


def opened(row: Row, record: Mapping, results: Mapping) -> str:
    """A row: closed until somebody opens it."""
    return (
        f'<details class="ledger-row" id="{anchor(row.name)}" data-kinds="{" ".join(row.kinds)}">\n'
        f"{summary(row, record, results)}\n\n{body(row, record, results)}\n</details>\n"
    )
