"""What stands on the page of execution: each chapter, its seconds, the machine, the day.

    python -c "import sys; sys.path.append('book/tools'); import execution_status as e;
    print(e.table())"

Takes no time; `render_pages.py` puts the table in the place of MARK on book/status.md.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
from pathlib import Path

from book_pages import ROOT, chapters, executed_path, read_notebook

MARK = "<!-- the table of executed chapters -->"
HEAD = "| chapter | executed | seconds | on |\n|---|---|---|---|"


def machine() -> str:
    """This machine in words: "2 cores, AMD EPYC 7763 64-Core Processor, Python 3.12.3"."""
    info, model = Path("/proc/cpuinfo"), ""
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else ""
    words = [f"{os.cpu_count()} cores", model or platform.machine(), platform.system()]
    return ", ".join([*words, f"Python {platform.python_version()}"])


def place_and_day() -> dict[str, str]:
    """What the record of an executed chapter says besides its seconds."""
    return {"machine": machine(), "date": datetime.date.today().isoformat()}


def title_of(chapter: Path) -> str:
    """The heading of a chapter."""
    lines = "".join("".join(cell["source"]) + "\n" for cell in read_notebook(chapter)["cells"])
    return next(line[2:] for line in lines.splitlines() if line.startswith("# "))


def row(chapter: Path) -> str:
    """A line of the table; dashes where the chapter was not executed."""
    record = executed_path(chapter).with_suffix(".json")
    found = json.loads(record.read_text()) if record.exists() else {}
    seconds = f"{found['seconds']:.0f}" if found else "–"
    cells = [f"[{title_of(chapter)}](../{chapter.relative_to(ROOT).as_posix()})"]
    cells += [found.get("date", "–"), seconds, found.get("machine", "–")]
    return "| " + " | ".join(cells) + " |"


def table() -> str:
    """All chapters in reading order, in Markdown."""
    return "\n".join([HEAD, *map(row, chapters())])
