"""Write book/ledger.md: a row for each departure, from book/ledger.yaml, `Reading` and the records.

    python book/tools/ledger_page.py             write the page, and its two findings into intro.md
    python book/tools/ledger_page.py --check     change nothing; status 1 if one of them is stale

Takes a second. What each switch does to one batch is in `departures.json`, which
measure_departures.py writes; what it does to scores is in `toy.json`, from `make weights`.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from pathlib import Path

from ledger_effects import difference, on_its_batch, share, times
from ledger_row import COMMIT, CONTROL, anchor, inline, opened
from ledger_rows import KINDS, rows
from partclipseg_lite.experiments.records import load_record

TOOLS = Path(__file__).resolve().parent
PAGE, INTRO = TOOLS.parent / "ledger.md", TOOLS.parent / "intro.md"
BEGIN, END = "<!-- findings: written by book/tools/ledger_page.py -->", "<!-- end -->"
#: Decades of the figure, as powers of ten of a gradient's length.
LEAST, MOST = -4, 1


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

Some differences have no row, because nothing here shows them: the environment (Python 3.8, a
copy of transformers inside of the repository), a checkpoint that carries the optimizer's state,
the image size that the paper does not give, and two numbers of the paper for one score (Pred-All
on ADE20K-Part-234: 11.38 in section 4.2 and 19.63 in section 4.3, where the second may be left over
from an earlier evaluation).

And a word on what this page is not. Most rows are what becomes of any idea on its way through
inherited code: the order of colours comes with OV-PARTS, the Gaussian with Attend-and-Excite, the
boundary from a function made for something else. The authors released code, configurations and
checkpoints, and they answer questions in public; without that there would be no ledger. Our own
departures have rows too, and whoever finds one that is missing is asked to say so.

{script}"""


def with_findings(intro: str, record: Mapping) -> str:
    """The landing page with the two strongest findings between its marks.

    Raises:
        SystemExit: a mark is missing.
    """
    before, begin, rest = intro.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"error: {INTRO} lacks the marks {BEGIN} and {END}")
    findings = "\n".join(f"- {finding}" for finding in strongest(record))
    return f"{before}{BEGIN}\n\n{findings}\n\n{END}{after}"


def main() -> None:
    """Reads the command line; writes the page, or compares it with what it is made of."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if a page is not up to date"
    )
    check, record = parser.parse_args().check, load_record("departures")
    pages = {
        PAGE: page(record, load_record("toy")),
        INTRO: with_findings(INTRO.read_text(encoding="utf-8"), record),
    }
    for path, text in pages.items():
        if not check:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{path} is stale; run python book/tools/ledger_page.py")


if __name__ == "__main__":
    main()
