"""Write what README.md and the presets' files say about commands, hardware, time and the paper.

    python book/tools/experiments_table.py             write
    python book/tools/experiments_table.py --check     write nothing; status 1 if one is stale

Takes a second. Numbers come from `data/paper_results.yaml`, and times from the benchmark's record.
"""

import argparse
import sys
import textwrap
from pathlib import Path

from partclipseg_lite.experiments.paper import SETTINGS, Row, rows_of
from partclipseg_lite.experiments.records import load_record, record_path
from partclipseg_lite.settings import PRESETS, Settings

ROOT = Path(__file__).resolve().parents[2]
README, FOLDER = ROOT / "README.md", ROOT / "partclipseg_lite" / "data" / "presets"
BEGIN, END = "<!-- experiments: written by book/tools/experiments_table.py -->", "<!-- end -->"
WRITTEN = ("Hardware: ", "Expected time: ", "Paper: ")
VARIANTS = ("released", "t4")


def presets() -> list[str]:
    """The presets whose files this script completes: those that train on a dataset's folder."""
    return [name for name in PRESETS if Settings.from_preset(name).data.name == "folder"]


# ---- a preset's file -----------------------------------------------------------------------------


def header(name: str) -> list[str]:
    """The lines that this script writes at the head of a preset's file, after its title."""
    facts = [*cost(Settings.from_preset(name)), "Paper: " + paper_in_words(name)]
    lines = [
        "",
        f"  papermill notebooks/full_run.ipynb run.ipynb -p preset {name}",
        f"  python -m partclipseg_lite train --preset {name}",
        "",
    ]
    for fact in facts:
        lines += textwrap.wrap(fact, 98, subsequent_indent="  ", break_on_hyphens=False)
    return [f"# {line}".rstrip() for line in lines]


def paper_in_words(name: str) -> str:
    """What the paper has for a preset, in a sentence."""
    rows = rows_of(name)
    return " | ".join(row.in_words() for row in rows) if rows else "has no such experiment."


def cost(settings: Settings) -> list[str]:
    """Hardware and time as far as they were measured, "Hardware: …" and "Expected time: …"."""
    measured = step_of(settings)
    if measured is None:
        small = settings.training.accumulation > 1
        return [
            f"Hardware: one GPU{' of 16 GB' if small else ''}; its memory was not measured.",
            "Expected time: not measured.",
        ]
    item, card = measured
    minutes = settings.training.steps * item["seconds"] / 60
    return [
        f"Hardware: one GPU; a step took {item['peak_mb'] / 1e3:.1f} GB on an {card}.",
        f"Expected time: {minutes:.0f} min for all steps at {1e3 * item['seconds']:.0f} ms each, "
        "as measured there; reading pictures and scoring were not measured.",
    ]


def step_of(settings: Settings) -> tuple[dict, str] | None:
    """What the benchmark measured of such a training step, and on which card."""
    model, training = settings.model, settings.training
    # Measured is the whole model, in bf16, with frozen words.
    as_measured = model.kind == "partclipseg" and settings.reading.text_embeddings == "frozen"
    as_measured &= settings.loss.enhancement_weight > 0 and settings.data.objects == "seen"
    if not record_path("benchmark_gpu").is_file() or not as_measured or training.accumulation > 1:
        return None
    record, again = load_record("benchmark_gpu"), ", recompute" if training.recompute else ""
    name = f"gpu/{settings.vocabulary}/batch {training.batch_size}{again}"
    item = record["items"].get(name)
    return (item, record["hardware"]["gpu"]) if item else None


def file_text(name: str) -> str:
    """The whole file of a preset: its title, what is written here, its notes, its settings."""
    lines = (FOLDER / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    end = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    about, rest = lines[:end], lines[end:]
    title = about[: next((i for i, line in enumerate(about) if line == "#"), len(about))]
    notes, written = [], False
    for line in about[len(title) :]:
        written = line.startswith(tuple(f"# {word}" for word in WRITTEN)) or (
            written and line.startswith("#   ")
        )
        if not written and not line.startswith("#   "):
            notes.append(line)
    while notes and notes[0] == "#":
        notes.pop(0)
    while notes and notes[-1] == "#":
        notes.pop()
    middle = ["#", *notes] if notes else []
    return "\n".join([*title, *header(name), *middle, *rest]) + "\n"


# ---- the README ----------------------------------------------------------------------------------


def table() -> str:
    """The table of experiments: what, the command, what the paper has."""
    lines = ["| experiment | command | paper |", "|---|---|---|"]
    for name in sorted(presets(), key=order):
        if name.endswith(tuple(f"_{variant}" for variant in VARIANTS)):
            continue
        also = [f"`_{v}`" for v in VARIANTS if f"{name}_{v}" in PRESETS]
        title = PRESETS.about(name).splitlines()[0].rstrip(".")
        command = f"`-p preset {name}`" + (f", also {' and '.join(also)}" if also else "")
        lines.append(f"| {title} | {command} | {'; '.join(map(brief, rows_of(name))) or '–'} |")
    return "\n".join(lines)


def order(name: str) -> tuple:
    """Rows of the paper in its order, then what it does not have."""
    rows = rows_of(name)
    names = ("T1", "T2", "T3", "T4", "T5", "T6", "T7", "A5", "A6", "A7", "A8")
    return (names.index(rows[0].table) if rows else len(names), "few_shot" in name, len(name), name)


def brief(row: Row) -> str:
    """The harmonic means, "T1 Pred-All 30.67, Oracle-Obj 38.79"; "?" where we could not read."""
    means = []
    for setting, scores in row.scores.items():
        key = next((k for k in scores if k.endswith(("harmonic", "all"))), None)
        value = scores.get(key) if key else None
        means.append(f"{SETTINGS[setting]} {'?' if value is None else f'{value:.2f}'}")
    return f"{row.table} {', '.join(means)}"


def readme(text: str) -> str:
    """README.md with the table of today between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        sys.exit(f"error: {README} lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    """Reads the command line; writes the files, or compares them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    check = parser.parse_args().check
    wanted = {FOLDER / f"{name}.yaml": file_text(name) for name in presets()}
    wanted[README] = readme(README.read_text(encoding="utf-8"))
    stale = [p for p, text in wanted.items() if p.read_text(encoding="utf-8") != text]
    if check and stale:
        names = ", ".join(path.name for path in stale)
        sys.exit(f"{names}: not up to date; run python book/tools/experiments_table.py")
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
