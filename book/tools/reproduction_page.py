"""Write book/reproduction.md: the paper's numbers beside those of finished runs, none typed.

    python book/tools/reproduction_page.py                       write the page from the records
    python book/tools/reproduction_page.py --check               status 1 if the page is stale
    python book/tools/reproduction_page.py --runs runs           print the page of another folder
    python book/tools/reproduction_page.py --add runs/NAME       keep a run as a record, and write

Takes a second. Records of runs are in partclipseg_lite/data/records/runs; what fills which row is
said by the presets.
"""

import argparse
import json
import sys
from pathlib import Path

from partclipseg_lite.experiments.paper import SETTINGS, Paper, Row, Table, paper, presets_of
from partclipseg_lite.experiments.records import load_record, record_path
from partclipseg_lite.experiments.reproduction import (
    RUNS,
    Line,
    Told,
    groups,
    lines,
    load_runs,
    slim,
)
from partclipseg_lite.files import write_whole

PAGE = Path(__file__).resolve().parents[1] / "reproduction.md"
HEADER = ["system", "score", "paper", "from", "ours", "difference", "95 %", "seeds", "reading", ""]
RUN_HEADER = ["", "run", "reading", "seed", "commit", "checkpoint", "GPU hours", "hardware"]

TEXT = """# The paper beside our runs

```{{admonition}} {filled} of {total} rows have a run of ours so far
:class: note
Written by `book/tools/reproduction_page.py` from the records of runs in
`partclipseg_lite/data/records/runs` and from
`partclipseg_lite/data/paper_results.yaml`. Where there is no run, the last
column has the preset that fills the row: `papermill notebooks/full_run.ipynb run.ipynb -p preset
PRESET`, then `python book/tools/reproduction_page.py --add runs/PRESET`.
```

**How to read it.** Percent. *ours* is the mean over training seeds, *seeds* how many there are,
with their sample deviation, *95 %* the interval over pictures, which is another spread: with other
pictures of the same kind the same weights would lie there. Scores are counted as the release counts
them, one object at a time; our own scores of whole pictures are in each run's report. *difference*
is ours less the paper's, in points. The verdict is **same** where they are at most {tolerance:g}
apart, which is our choice; beyond, **higher** or **lower** if the paper's number lies outside of
our interval, else **not decided**. The paper reports the best of its checkpoints, chosen by the
scores that it reports; runs in the released reading show the last step and, below it, the best. "–"
is a number of the paper that we could not read: the bodies of its tables are pictures in the text
that we have.

{tables}

## Cost (table A4)

{cost}

## The runs

{runs}

## Where the numbers were read

{sources}
"""


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    all_lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in all_lines)


def number(value: float | None, sign: str = "") -> str:
    """Two decimals, or a dash."""
    return "–" if value is None else f"{value:{sign}.2f}"


def open_row(row: Row) -> list[list[str]]:
    """A row of the paper without a run of ours: a line a setting, and what would fill it."""
    command = "" if row.by else f"`-p preset {presets_of(row.cell)[0]}`"
    found = []
    for setting, scores in row.scores.items():
        of = row.sources[setting]
        if row.by and not of:
            continue
        few = len(scores) <= 3
        shown = [
            title(setting, " / ".join(scores) if few else f"{len(scores)} object parts"),
            " / ".join(map(number, scores.values())) if few or of else "–",
            " / ".join(dict.fromkeys(mark(of[key]) for key in scores if key in of)),
        ]
        found.append([*shown, *[""] * 5, "" if found else command])
    return found


def run_row(line: Line, numbers: dict[str, int]) -> list[str]:
    """A number of ours beside the paper's."""
    source = line.row.sources[line.setting].get(line.key)
    interval = "" if line.low is None else f"{line.low:.1f} to {line.high:.1f}"
    spread = "" if line.spread is None else f" ± {line.spread:.1f}"
    told = ", ".join(str(numbers[run.name]) for run in line.runs)
    return [
        title(line.setting, line.key),
        number(line.paper),
        mark(source) if source else "",
        number(line.ours),
        "" if line.difference is None else number(line.difference, "+"),
        interval,
        f"{len(line.runs)}{spread}",
        f"{line.reading} [{told}]",
        f"**{line.verdict}**" if line.verdict else "",
    ]


def title(setting: str, key: str) -> str:
    """What a score is called, "Pred-All harmonic"."""
    return f"{SETTINGS[setting]} {key.replace('_', ' ')}"


def mark(source: str) -> str:
    """A source's letter, linked to the legend."""
    letters = {key: chr(ord("a") + i) for i, key in enumerate(paper().sources)}
    return letters[source]


def table(of: Table, filled: dict[str, list[list[Told]]], numbers: dict[str, int]) -> str:
    """One table of the paper."""
    shown = []
    for row in of.rows.values():
        runs = filled.get(row.cell, [])
        rows = [run_row(line, numbers) for line in lines(row, runs)] if runs else open_row(row)
        name = f"*{row.name}*, {row.by}" if row.by else f"**{row.name}**"
        shown += [[name if i == 0 else "", *cells] for i, cells in enumerate(rows)]
    notes = [of.note, *(f"{row.name}: {row.note}" for row in of.rows.values() if row.note)]
    text = "\n\n".join([f"## {of.title} (table {of.name})", markdown(HEADER, shown)])
    return "\n\n".join([text, *(note for note in notes if note)])


def cost(of: Paper) -> str:
    """What the paper says a training takes, and what was measured here."""
    held, ours = of.cost, "not measured"
    source = mark(held["source"])
    if record_path("benchmark_gpu").is_file():
        record = load_record("benchmark_gpu")
        item = record["items"].get("gpu/pascal_part_116/batch 8")
        if item:
            ours = f"{item['peak_mb'] / 1e3:.1f} GB, in bf16 on an {record['hardware']['gpu']}"
    return (
        "Memory of a training step on Pascal-Part-116 with batches of 8: "
        f"{held['gpu_memory_gb']:g} GB in the paper ({source}), {ours} here; see [what it "
        f"costs](benchmark.md). Parameters: {held['parameters_million']:g} million in the paper "
        f"({source})."
    )


def runs_table(runs: list[Told], numbers: dict[str, int]) -> str:
    """What each run is, and why some fill no row."""
    rows, others = [], []
    for run in runs:
        why = run.why_not()
        if why is not None:
            others.append(f"`{run.name}` fills no row: {why}.")
            continue
        hours = run.gpu_hours
        told = run.metrics
        rows.append(
            [
                str(numbers[run.name]),
                f"`{told['preset']}`",
                run.reading,
                str(run.seed),
                told["commit"] or "–",
                told["weights_sha256"][:12],
                "–" if hours is None else f"{hours:.1f}",
                told["environment"]["device"],
            ]
        )
    shown = markdown(RUN_HEADER, rows) if rows else "None yet."
    return "\n\n".join([shown, *others])


def page(runs: list[Told]) -> str:
    """The whole page, from the runs that are given."""
    held, filled = paper(), groups(runs)
    numbers = {run.name: i for i, run in enumerate((r for r in runs if not r.why_not()), start=1)}
    mine = [row for row in held.rows.values() if not row.by]
    return TEXT.format(
        filled=sum(row.cell in filled for row in mine),
        total=len(mine),
        tolerance=held.tolerance,
        tables="\n\n".join(table(of, filled, numbers) for of in held.tables.values()),
        cost=cost(held),
        runs=runs_table(runs, numbers),
        sources="\n".join(f"- {mark(key)}: {said}." for key, said in held.sources.items()),
    )


def add(folder: Path) -> Path:
    """Keep a finished run as a record; returns its file."""
    path = folder / "metrics.json"
    if not path.is_file():
        sys.exit(f"error: {folder} holds no metrics.json; run notebooks/full_run.ipynb with it")
    kept = slim(json.loads(path.read_text(encoding="utf-8")))
    run = Told(folder.name, kept)
    if why := run.why_not():
        sys.exit(f"error: {folder} fills no row of the paper: {why}")
    RUNS.mkdir(parents=True, exist_ok=True)
    target = RUNS / f"{kept['preset']}-seed{run.seed}.json"
    write_whole(target, json.dumps(kept, indent=1))
    return target


def main() -> None:
    """Reads the command line; writes, prints or compares the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    chosen.add_argument("--runs", type=Path, metavar="DIR", help="print the page of these runs")
    chosen.add_argument("--add", type=Path, metavar="RUN", help="a finished run's folder")
    args = parser.parse_args()
    try:
        if args.runs is not None:
            print(page(load_runs(args.runs)))
            return
        if args.add is not None:
            print(f"wrote {add(args.add)}")
        text = page(load_runs())
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    if not args.check:
        PAGE.write_text(text, encoding="utf-8")
        print(f"wrote {PAGE}")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"{PAGE} is not what the records say; run python book/tools/reproduction_page.py")


if __name__ == "__main__":
    main()
