"""Jobs on a disk that is too small, then, with more room, once more by the very same command.

Linux lets root make a small file system in memory. Elsewhere this part says that it was not tried.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from hypothesis import strategies as some

from torture.damage import faults_in
from torture.kills import JOBS, Job, Usual, difference, run_job
from torture.trying import GOOD, HANG, TRACEBACK, WRONG, Verdict

NAMES = ("kill: train", "kill: cells of full_run.ipynb", "kill: segment", "kill: evaluate")
RECIPES = some.tuples(some.sampled_from(NAMES), some.floats(0, 1.25, width=16)).map(list)
ROOM, PAGE = 2**26, 4096
NAME = "full disk"


def why_not() -> str:
    """Why this cannot be tried here, "" if it can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    folder = Path(tempfile.mkdtemp(prefix="disk-"))
    try:
        return "" if _mount(folder, PAGE) else "needs the right to mount"
    finally:
        _unmount(folder)


def filled(recipe: list, stage: Path, usual: Usual, limit: float) -> Verdict:
    """The verdict of the job recipe[0] on a disk with a share of the room that it needs."""
    name, share = recipe
    begun, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="disk-"))
    try:
        kind, evidence = _fill(JOBS[name], share, folder, stage, usual, limit)
    finally:
        _unmount(folder)
    return Verdict(NAME, recipe, kind, evidence[-6000:], round(time.monotonic() - begun, 2))


def _fill(
    job: Job, share: float, folder: Path, stage: Path, usual: Usual, limit: float
) -> tuple[str, str]:
    pages = 2 + int(share * usual.size / PAGE)
    if not _mount(folder, pages * PAGE):
        raise OSError("mounting worked before, and now it does not")
    ended = run_job(job, folder, stage, limit)
    if ended.code is None:
        return HANG, f"on {pages} pages: not done after {limit:g} s"
    lines = [line for line in ended.printed.splitlines() if line.startswith("partclipseg_lite ")]
    in_words = ended.code == 2 and len(lines) == 1 and "Traceback" not in ended.printed
    if job.name == "kill: cells of full_run.ipynb":  # a cell ends with the error itself
        in_words = ended.code == 1 and "OSError" in ended.printed
    if ended.code != 0 and not in_words and "cannot write" not in ended.printed:
        return TRACEBACK, f"{ended.printed}\nexit code {ended.code} on {pages} pages"
    if fault := faults_in(folder):
        return WRONG, f"on {pages} pages, exit code {ended.code}: {fault}"
    if not _mount(folder, ROOM, "remount,"):
        raise OSError("the file system cannot be made larger")
    ended = run_job(job, folder, stage, limit)
    if ended.code != 0:
        return TRACEBACK, f"{ended.printed}\nexit code {ended.code} after making room"
    found = job.result(folder)
    if found != usual.result:
        return WRONG, f"another result once there is room: {difference(found, usual.result)}"
    return GOOD, ""


def _mount(folder: Path, size: int, options: str = "") -> bool:
    mount = shutil.which("mount")
    command = [mount, "-t", "tmpfs", "-o", f"{options}size={size}", "tmpfs", str(folder)]
    return mount is not None and subprocess.run(command, capture_output=True).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], capture_output=True)
    folder.rmdir()
