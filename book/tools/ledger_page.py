"""Write book/ledger.md: a row for each departure, from book/ledger.yaml, `Reading` and the records.

    python book/tools/ledger_page.py             write the page
    python book/tools/ledger_page.py --check     change nothing; status 1 if the page is stale

Takes a second. What each switch does to one batch is in `departures.json`, which
measure_departures.py writes; what it does to scores is in `toy.json`, from `make weights`.
"""

from __future__ import annotations

import argparse
import html
import math
import re
import sys
from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from ledger_rows import FILES, KINDS, Row, rows
from partclipseg_lite.experiments.plan import experiments
from partclipseg_lite.experiments.records import load_record
from results_page import signed as signed_difference
from results_page import turned

TOOLS = Path(__file__).resolve().parent
PAGE = TOOLS.parent / "ledger.md"
COMMIT = "8abceefff960920019096982688e3e8209ed39de"
RELEASE = f"https://github.com/kaist-cvml/part-clipseg/blob/{COMMIT}"
#: What the weights of a measurement are called, and the batches.
STATES = {
    "start": "before the first step",
    "early": "after a tenth of the training",
    "trained": "at the end of the training",
}
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
SETTINGS = {"oracle_obj": "Oracle-Obj", "pred_all": "Pred-All"}
#: Decades of the figure, as powers of ten of a gradient's length.
LEAST, MOST = -4, 1
#: Letters in the grids of examples -> class of the cell; what they stand for is said beside them.
CELLS = {"h": "head", "t": "torso", "e": "eye", "c": "one", "d": "two", "b": "back", "X": "twice"}


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
    return f"{percent:.{max(0, 1 - math.floor(math.log10(abs(percent))))}f} %"


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


# ---- one row -------------------------------------------------------------------------------------


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
        shown.append(("unseen mIoU", f"{told['oracle_obj']['value']:+.1f}".replace("-", "−")))
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


def table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table."""
    head = "| " + " | ".join(header) + " |\n|" + "---|" * len(header)
    return "\n".join([head, *("| " + " | ".join(line) + " |" for line in lines)])


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
    lines = []
    for state, found in by_state.items():
        cells = [
            share(norm / total)
            for name in CONTROL
            for norm, total in zip(found["control"][name], found["gradient"], strict=True)
        ]
        lines.append([STATES[state], *cells])
    header = ["share of the gradient", "separation, soft", "as released"]
    return table([*header, "enhancement, paper's", "as released"], lines)


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


# ---- the page ------------------------------------------------------------------------------------


def strongest(record: Mapping) -> tuple[str, str]:
    """The two findings that stand first, each in one sentence."""
    late = record["switches"]["all_of_it"]["usual"]["trained"]
    ours, theirs = (
        sum(late["control"][name][i] for name in CONTROL) / late["gradient"][i] for i in (0, 1)
    )
    read = record["rows_read"]["pascal_part_116"]
    row = on_its_batch(next(r for r in rows() if r.name == "object_row"), record)
    return (
        "In the released code the separation loss has **no gradient** and the enhancement loss "
        f"next to none: together they pass {times(theirs)} of the gradient of a drawn batch, where "
        f"the paper's formulas, with separation made soft, pass {share(ours)}.",
        "In the released code the text of “cat's head” is put together from the word "
        f"“{read['training']['cat']}” **in place of “cat”** in training, and from "
        f"“{read['test']['cat']}” at test time; on a drawn batch such a shift alone moves the "
        f"gradient by {share(row['moved'])} of its length.",
    )


def on_scale(power: float) -> float:
    """Where a power of ten stands between the ends of the figure, 0 to 1."""
    return max(0.0, min(1.0, (power - LEAST) / (MOST - LEAST)))


def figure(record: Mapping) -> str:
    """How far each switch moves the gradient, as a list with a dot a row on a scale of decades."""
    shown = sorted(
        (row for row in rows() if row.settings),
        key=lambda row: -on_its_batch(row, record)["moved"],
    )
    items = []
    for row in shown:
        moved = on_its_batch(row, record)["moved"]
        place = on_scale(math.log10(moved)) if moved else 0
        kind = row.kinds[0] + ("" if moved else " nothing")
        title = inline(row.title) + ("" if row.batch == "usual" else " °")
        items.append(
            f'<li class="{kind}"><a href="#{anchor(row.name)}">{title}</a>'
            f'<span class="track"><i style="--x:{place:.3f}"></i></span>'
            f"<b>{share(moved)}</b></li>"
        )
    ticks = "".join(
        f'<small style="--x:{on_scale(power):.3f}">{100 * 10.0**power:g} %</small>'
        for power in range(LEAST + 1, MOST)
    )
    axis = f'<li class="axis" aria-hidden="true"><span></span><span>{ticks}</span></li>'
    return '<ol class="ledger-figure">\n' + "\n".join([axis, *items]) + "\n</ol>"


def chips() -> str:
    """The buttons that choose kinds; without JavaScript they are not there, and all rows are."""
    count = {kind: sum(kind in row.kinds for row in rows()) for kind in KINDS}
    buttons = "".join(
        f'<button type="button" data-kind="{kind}" aria-pressed="false">{name} '
        f"<small>{count[kind]}</small></button>"
        for kind, name in KINDS.items()
    )
    return (
        '<div class="ledger-chips" role="group" aria-label="Show kinds of rows" hidden>\n'
        f'{buttons}\n<button type="button" data-all aria-pressed="false">open all</button>\n'
        '<span role="status"></span>\n</div>'
    )


def section(kind: str, record: Mapping, results: Mapping) -> str:
    """The rows of a kind under their heading."""
    own = [opened(row, record, results) for row in rows() if row.kinds[0] == kind]
    return f"### {KINDS[kind]}\n\n" + "\n".join(own)


def inlined(ending: str) -> str:
    """The page's own style or script, which lies beside this file."""
    tag = {"css": "style", "js": "script"}[ending]
    return f"<{tag}>\n{(TOOLS / f'ledger.{ending}').read_text(encoding='utf-8').strip()}\n</{tag}>"


def raw(text: str) -> str:
    """HTML that is passed on as it stands."""
    return f"```{{raw}} html\n{text}\n```"


def page(record: Mapping, results: Mapping) -> str:
    """The whole page as Markdown, from `departures.json` and `toy.json`."""
    first, second = strongest(record)
    switches = [row for row in rows() if row.settings]
    usual = [record["switches"][row.name]["usual"][row.states[-1]] for row in switches]
    return TEXT.format(
        style=raw(inlined("css")),
        script=raw(inlined("js")),
        rows=len(rows()),
        switches=len(switches),
        options=sum(bool(row.option) for row in rows()),
        trained=sum(difference(row, results) is not None for row in rows()),
        nothing=sum(not found["moved"] for found in usual),
        first=first,
        second=second,
        date=record["date"],
        commit=COMMIT[:7],
        figure=raw(figure(record)),
        batch=record["batch"],
        enhancement=record["reference"]["loss.enhancement_weight"],
        pictures=record["scores"]["pictures"],
        chips=raw(chips()),
        sections="\n".join(section(kind, record, results) for kind in KINDS),
    )


TEXT = """# The ledger: paper, release, ours

{style}

A method is described on nine pages and computed by some thousand lines, many of them inherited.
They differ, as they do everywhere. This page lists where, with a number beside each line where
there is one: {rows} rows, of which {switches} can be switched one at a time.

1. {first}
2. {second}

```{{admonition}} Measured in the drawn world
:class: note
Written by `book/tools/ledger_page.py` from `book/ledger.yaml`, the options of `Reading`,
`departures.json` ({date}; `python book/tools/measure_departures.py` makes it) and `toy.json`.
Line numbers are those of [kaist-cvml/part-clipseg](https://github.com/kaist-cvml/part-clipseg) at
commit `{commit}`, the paper is {{cite:t}}`choi2024partclipseg`. A number here says what a switch
does to *this* batch of drawn pictures. It does not say what it did to the published scores.
```

## What moves, and how far

{figure}

How far each switch moves the gradient of one batch, as a share of its length; each line is ten
times the one before. Filled: what the release does otherwise than the paper. Hollow: what this
book adds. °: on a batch that has what the row needs. What changes every word or every picture
stands on top; a detail of attention control moves little, because its two losses have small
weights. {nothing} of the {switches} move nothing on an ordinary batch.

## How to read a row

Open it. It says what the paper has, what the release does and where, what this package does in
either reading, and mostly an example that can be checked by eye. Then numbers, of three kinds,
which should not be mixed up:

*Measured*
: One batch of {batch} drawn pictures, the weights of the shipped model, and one switch: the loss,
  and the gradient, that is, the step that would be taken. The reference is the paper's reading as
  the preset `toy` has it, with soft separation, without Dice, with bare words, and with
  λ<sub>sep</sub> = 0.1 and λ<sub>enh</sub> = {enhancement}.

*Counted*
: The same predictions, of the shipped model on {pictures} test pictures, counted in several ways.
  So few pictures say how the *counting* differs, not how good the model is.

*Worth*
: What trainings with and without it differ by, in unseen mIoU, with seeds and an interval over
  pictures and seeds. So far {trained} of the {switches} have that; the others name the command
  that finds out.

All {options} options of `Reading` have a row, and each row names the tests that carry it; a test
of the page fails when one is missing. Terms are in the [glossary](glossary.md), symbols and
equations in [Notation](notation.md).

## The rows

{chips}

{sections}

## What the ledger leaves out

Some differences have no row, because nothing here shows them: weight decay by group (0 for
embeddings and norms, 1e-4 elsewhere; the paper gives none), the environment (Python 3.8, a copy
of transformers inside of the repository), a checkpoint that carries the optimizer's state, the
image size that the paper does not give, and two numbers of the paper for one score (Pred-All on
ADE20K-Part-234: 11.38 in section 4.2 and 19.63 in section 4.3, where the second may be left over
from an earlier evaluation).

And a word on what this page is not. Most rows are what becomes of any idea on its way through
inherited code: the order of colours comes with OV-PARTS, the Gaussian with Attend-and-Excite, the
boundary from a function made for something else. The authors released code, configurations and
checkpoints, and they answer questions in public; without that there would be no ledger. Our own
departures have rows too, and whoever finds one that is missing is asked to say so.

{script}"""


def main() -> None:
    """Reads the command line; writes the page, or compares it with what it is made of."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the page is not up to date"
    )
    check, text = parser.parse_args().check, page(load_record("departures"), load_record("toy"))
    if not check:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE}")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"{PAGE} is stale; run python book/tools/ledger_page.py")


if __name__ == "__main__":
    main()
