"""Execute the chapters with papermill into _build/executed; the notebooks in git stay untouched.

    python book/tools/execute_chapters.py                                every chapter of the book
    python book/tools/execute_chapters.py 06_attention_control --force   one, even when unchanged

Takes about six minutes for all chapters on two idle cores, a second when nothing changed. A chapter
is executed again only when its own cells, the packages, their weights, the records it reads or the
Python environment changed. Each runs by itself, from the folder notebooks/, as it would in Jupyter.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from book_pages import (
    BUILD,
    EXECUTED,
    LOGS,
    ROOT,
    chapters,
    executed_path,
    fail,
    read_notebook,
    tags,
    write_notebook,
)
from execution_status import place_and_day

# Parameters that the book gives to a notebook instead of its own defaults: results go to the build
# folder.
PARAMETERS = {"full_run": {"output_dir": "../_build/runs/full_run"}}
HEARTBEAT = 30  # seconds between two signs of life while chapters run
LONGEST = "10_the_real_thing"  # begun first, so that no job waits for it alone in the end


@functools.cache
def environment_fingerprint() -> str:
    """A hash of everything besides its own cells that can change what a chapter shows."""
    digest = hashlib.sha256()
    for name in ("torch", "numpy", "matplotlib", "open_clip_torch", "ipywidgets"):
        try:
            digest.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            fail(
                f"'{name}' is not installed here; "
                "run this through `make book`, or install .[notebooks,book]"
            )
    digest.update(sys.version.encode())
    for folder in ("partclipseg_lite", "drawn_world"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not {"__pycache__", ".ruff_cache"} & set(path.parts):
                digest.update(str(path.relative_to(ROOT)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


def fingerprint(chapter: Path) -> str:
    """A hash of a chapter's cells (not its outputs) and of the environment it runs in."""
    cells = [
        [cell["cell_type"], "".join(cell["source"]), sorted(tags(cell))]
        for cell in read_notebook(chapter)["cells"]
    ]
    text = json.dumps([cells, PARAMETERS.get(chapter.stem), environment_fingerprint()])
    return hashlib.sha256(text.encode()).hexdigest()


def record_path(chapter: Path) -> Path:
    """Beside an executed chapter: its fingerprint, how long it took, where and when."""
    return executed_path(chapter).with_suffix(".json")


def is_fresh(chapter: Path) -> bool:
    """Whether an executed copy exists that belongs to today's chapter, package and environment."""
    if not (executed_path(chapter).exists() and record_path(chapter).exists()):
        return False
    return json.loads(record_path(chapter).read_text())["fingerprint"] == fingerprint(chapter)


def parameter_arguments(chapter: Path) -> list[str]:
    """papermill's arguments for PARAMETERS; refuses names that the parameters cell does not hold.

    papermill itself only warns about an unknown name, and without a cell tagged `parameters` the
    notebook's own values would silently win.
    """
    arguments = []
    for name, value in PARAMETERS.get(chapter.stem, {}).items():
        sources = [
            "".join(cell["source"])
            for cell in read_notebook(chapter)["cells"]
            if "parameters" in tags(cell)
        ]
        if not any(re.search(rf"^{name}\b", source, re.MULTILINE) for source in sources):
            fail(
                f"{chapter.relative_to(ROOT)} has no cell tagged 'parameters' "
                f"that sets '{name}'; add it"
            )
        arguments += ["-r", name, value]
    return arguments


def tidy(notebook: dict) -> dict:
    """The notebook without papermill's injected cell and records, which hold local paths."""
    notebook["metadata"].pop("papermill", None)
    notebook["cells"] = [
        cell for cell in notebook["cells"] if "injected-parameters" not in tags(cell)
    ]
    for cell in notebook["cells"]:
        cell["metadata"].pop("papermill", None)
        cell["metadata"].pop("execution", None)
    return notebook


def log_path(chapter: Path) -> Path:
    """What papermill said when it last executed a chapter."""
    return LOGS / f"{chapter.stem}.log"


def told(chapter: Path) -> str:
    """The end of a chapter's log, where the error stands that stopped it."""
    # papermill's own stack comes first; what the chapter raised follows its last line.
    log = log_path(chapter).read_text(encoding="utf-8")
    raised = log.rpartition("papermill.exceptions.PapermillExecutionError:")[2]
    return "\n".join(raised.strip().splitlines()[-40:])


def execute(chapter: Path) -> tuple[bool, float]:
    """Runs one chapter from top to bottom: whether it went through, and the seconds it took."""
    started = time.monotonic()
    unfinished = BUILD / "unfinished" / chapter.name
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    output_dir = PARAMETERS.get(chapter.stem, {}).get("output_dir")
    if output_dir:  # a finished run would be resumed, and then nothing new would be shown
        shutil.rmtree(chapter.parent / output_dir, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "papermill",
        str(chapter),
        str(unfinished),
        "--cwd",
        str(chapter.parent),
    ]
    command += ["--kernel", "python3", "--no-progress-bar", *parameter_arguments(chapter)]
    log_path(chapter).parent.mkdir(parents=True, exist_ok=True)
    environment = dict(os.environ)
    environment.pop("MPLBACKEND", None)  # it would keep pictures out of the notebook
    environment["PARTCLIPSEG_BOOK"] = "1"  # the playground is then the page's, not the kernel's
    # The kernel named python3 is found beside this interpreter even when its environment is not
    # activated.
    environment["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    )
    with open(log_path(chapter), "w", encoding="utf-8") as log:
        run = subprocess.run(
            command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env=environment
        )
    seconds = time.monotonic() - started
    if run.returncode == 0:
        write_notebook(executed_path(chapter), tidy(read_notebook(unfinished)))
        record = {"fingerprint": fingerprint(chapter), "seconds": round(seconds, 1)}
        record |= place_and_day()
        record_path(chapter).write_text(json.dumps(record) + "\n")
        unfinished.unlink()
    return run.returncode == 0, seconds


def execute_all(selected: list[Path], jobs: int) -> bool:
    """Executes chapters `jobs` at a time, with a line as each ends: whether all went through."""
    failed, started = [], time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = {pool.submit(execute, chapter): chapter for chapter in selected}
        while running:
            done, _ = concurrent.futures.wait(
                running, timeout=HEARTBEAT, return_when=concurrent.futures.FIRST_COMPLETED
            )
            for future in done:
                chapter = running.pop(future)
                went_through, seconds = future.result()
                word = "done  " if went_through else "FAILED"
                print(f"   {word} {chapter.stem:<28} {seconds:6.0f} s", flush=True)
                if not went_through:
                    failed.append(chapter)
            if not done:
                print(f"   … {time.monotonic() - started:.0f} s, {len(running)} to go", flush=True)
    for chapter in failed:
        print(f"\n--- from {log_path(chapter).relative_to(ROOT)}\n{told(chapter)}", flush=True)
    return not failed


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and executes the chapters that changed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", help="chapters by name, for example 03_clipseg; all without"
    )
    parser.add_argument("--jobs", type=int, default=2, help="chapters side by side (default 2)")
    parser.add_argument(
        "--force", action="store_true", help="execute again even when nothing changed"
    )
    options = parser.parse_args(arguments)

    known = {chapter.stem: chapter for chapter in chapters()}
    for name in options.names:
        if name not in known:
            fail(f"no chapter '{name}'; the table of contents has {', '.join(known)}")
    selected = [known[name] for name in options.names] if options.names else list(known.values())
    stale = [chapter for chapter in selected if options.force or not is_fresh(chapter)]
    stale.sort(key=lambda chapter: chapter.stem != LONGEST)
    unchanged = len(selected) - len(stale)
    print(
        f"== executing {len(stale)} of {len(selected)} chapters ({unchanged} unchanged)", flush=True
    )
    if stale and not execute_all(stale, max(1, options.jobs)):
        fail(f"a chapter did not run; the executed ones are under {EXECUTED.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
