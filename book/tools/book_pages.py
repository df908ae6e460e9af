"""Where the parts of the book lie and which pages it has, for the scripts beside it.

    python -c "import sys; sys.path.append('book/tools'); import book_pages as b;
    print(b.toc_pages())"

Takes no time; it has no command of its own.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "_build"
EXECUTED = BUILD / "executed"  # mirrors the repository: _build/executed/notebooks/NN.ipynb
HTML = BUILD / "html"
LOGS = BUILD / "logs"
TOC = ROOT / "book" / "_toc.yml"
CONFIG = ROOT / "_config.yml"


def fail(message: str) -> None:
    """Ends the script with one clear line on stderr and exit status 1."""
    sys.exit(f"error: {message}")


def toc_pages() -> list[str]:
    """Every page of the book in reading order, as a path from the root without its ending."""
    toc = yaml.safe_load(TOC.read_text(encoding="utf-8"))
    pages = [toc["root"]]
    for part in toc["parts"]:
        pages += [chapter["file"] for chapter in part["chapters"]]
    return pages


def chapters() -> list[Path]:
    """The notebooks of the table of contents, in reading order; a missing one ends the script."""
    paths = [ROOT / f"{page}.ipynb" for page in toc_pages() if page.startswith("notebooks/")]
    missing = [str(path.relative_to(ROOT)) for path in paths if not path.exists()]
    if missing:
        fail(
            f"book/_toc.yml lists {', '.join(missing)}, which does not exist: "
            "write it or take it out"
        )
    return paths


def executed_path(chapter: Path) -> Path:
    """Where the executed copy of a chapter lies."""
    return EXECUTED / chapter.relative_to(ROOT)


def read_notebook(path: Path) -> dict:
    """A notebook's JSON as it stands in the file."""
    return json.loads(path.read_text(encoding="utf-8"))


def write_notebook(path: Path, notebook: dict) -> None:
    """Writes a notebook the way Jupyter does, so that git shows only real changes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def tags(cell: dict) -> set[str]:
    """The tags of one notebook cell."""
    return set(cell.get("metadata", {}).get("tags", []))


def fresh_folder(path: Path) -> Path:
    """An empty folder at `path`; whatever was there is removed."""
    if path.exists():
        shutil.rmtree(path)
    path.mkdir(parents=True)
    return path
