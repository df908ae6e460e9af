"""Jobs that are killed at random moments and then done again by the very same command.

A moment is ["time", x], the share x of the job's usual duration, or ["event", x, ms]: the given
milliseconds after the share x of what it does to files (open, rename, remove). The second kind
hits the few moments in which something is half-written; the first kind everything else.

Good is: after each kill every file that looks whole is whole; the same command then ends well, with
the result that an undisturbed one has, bit by bit.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as some

from torture.damage import faults_in
from torture.stage import NAMES, overrides, weights_of, without_seconds
from torture.trying import GOOD, HANG, TRACEBACK, WRONG, Verdict, into_file, processes

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "full_run.ipynb"
MOMENTS = some.one_of(
    some.tuples(some.just("time"), some.floats(0, 1, width=16)),
    some.tuples(some.just("event"), some.floats(0, 1, width=16), some.floats(0, 3, width=16)),
)
RECIPES = some.lists(MOMENTS, min_size=1, max_size=3)
ON_FILES = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod")


@dataclass(frozen=True)
class Job:
    """Something that writes.

    Attributes:
        name: in tables.
        run: does it; called with the folder to write into and the stage.
        result: what it left in the folder, comparable with `==`.
        share: of the kills, relative to the other jobs'.
        command: for jobs of several processes, the command in place of `run`.
    """

    name: str
    run: Callable[[Path, Path], None] | None
    result: Callable[[Path], object]
    share: float = 1.0
    command: Callable[[Path, Path], list[str]] | None = None


# ---- the jobs ------------------------------------------------------------------------------------


def _train(preset: str, folder: Path, stage: Path, *more: str, **settings) -> None:
    from partclipseg_lite.cli import main

    given = [f"{key}={json.dumps(value)}" for key, value in overrides(stage, **settings).items()]
    main(["train", "--preset", preset, "--set", *given, "--output", str(folder / "run"), *more])


def train(folder: Path, stage: Path) -> None:
    """`train` of PartCLIPSeg."""
    _train("smoke", folder, stage)


def train_clipseg(folder: Path, stage: Path) -> None:
    """`train` of the baseline."""
    _train("smoke_clipseg", folder, stage)


def train_and_evaluate(folder: Path, stage: Path) -> None:
    """`train --evaluate`."""
    _train("smoke", folder, stage, "--evaluate", test__images=2)


def segment(folder: Path, stage: Path) -> None:
    """`segment`."""
    from partclipseg_lite.cli import main

    given = ["--names", *NAMES, "--weights", str(stage / "run"), "--out", str(folder / "found")]
    main(["segment", str(stage / "image.png"), *given])


def export(folder: Path, stage: Path) -> None:
    """`export`."""
    from partclipseg_lite.cli import main

    given = ["--weights", str(stage / "run"), "--names", *NAMES]
    main(["export", *given, "--out", str(folder / "out" / "parts.onnx")])


def evaluate(folder: Path, stage: Path) -> None:
    """`evaluate` with its predictions."""
    from partclipseg_lite.cli import main

    given = ["--weights", str(stage / "run"), "--dataset", str(stage / "pascal")]
    given += ["--predictions", str(folder / "predictions")]
    main(["evaluate", *given, "--json", str(folder / "scores" / "scores.json")])


def write_dataset(folder: Path, stage: Path) -> None:
    """`write_pascal_part` of two splits, one after the other; what is there already stays."""
    from helpers import samples

    from partclipseg_lite.datasets.pascal_part_116 import write_pascal_part
    from partclipseg_lite.vocabulary import Vocabulary

    for split in ("train", "test"):
        if not (folder / "data" / "images" / split).exists():
            drawn = Vocabulary.load("drawn")
            write_pascal_part(samples(), folder / "data", split, vocabulary=drawn)


def notebook(folder: Path, stage: Path) -> None:
    """The cells of a full run as papermill prepares them, without a kernel."""
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    given = {
        "preset": "smoke",
        "overrides": overrides(stage),
        "output_dir": str(folder / "run"),
        "images": 2,
    }
    names: dict = {}
    for cell in parameterize_notebook(load_notebook_node(str(NOTEBOOK)), given).cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.get("id", "injected"), "exec"), names)


def papermill(folder: Path, stage: Path) -> list[str]:
    """The command of a full run in a kernel of its own, which outlives papermill a little."""
    given = ["-p", "preset", "smoke", "-r", "output_dir", str(folder / "run"), "-p", "images", "2"]
    settings = json.dumps({"overrides": overrides(stage)})
    out = str(folder / "out.ipynb")
    start = [sys.executable, "-m", "papermill", str(NOTEBOOK), out]
    return [*start, *given, "-y", settings, "--no-progress-bar"]


def run_in(folder: Path) -> dict:
    """Weights and log of a run, its scores where it has some, and the names of all its files."""
    run = folder / "run"
    found = {
        "files": sorted(str(path.relative_to(run)) for path in run.rglob("*")),
        "weights": weights_of(run / "weights.safetensors"),
        "log": without_seconds(json.loads((run / "log.json").read_text())),
        "settings": (run / "settings.json").read_text(),
    }
    if (run / "metrics.json").exists():
        metrics = json.loads((run / "metrics.json").read_text())
        metrics = {k: metrics[k] for k in ("settings", "scores", "last_loss", "dataset")}
        found["metrics"] = without_seconds(metrics)
    return found


def files_in(folder: Path) -> dict:
    """Every file's contents by name, JSON without what a clock gave; partial files do not count."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not any(part.startswith(".") for part in Path(name).parts):
            contents = path.read_bytes()
            is_json = path.suffix == ".json"
            found[name] = without_seconds(json.loads(contents)) if is_json else contents
    return found


JOBS = {
    job.name: job
    for job in (
        Job("kill: train", train, run_in, 30),
        Job("kill: train the baseline", train_clipseg, run_in, 12),
        Job("kill: train and evaluate", train_and_evaluate, run_in, 12),
        Job("kill: cells of full_run.ipynb", notebook, run_in, 25),
        Job("kill: papermill", None, run_in, 3, papermill),
        Job("kill: segment", segment, files_in, 12),
        Job("kill: evaluate", evaluate, files_in, 10),
        Job("kill: export", export, files_in, 2),
        Job("kill: write a dataset", write_dataset, files_in, 8),
    )
}


# ---- killing -------------------------------------------------------------------------------------


@dataclass
class Usual:
    """What an undisturbed job does: its seconds, file events, bytes of files, and result."""

    seconds: float
    events: int
    size: int
    result: object


@dataclass
class Ended:
    """How a job's process ended: exit code (None: it had to be killed as hanging), what it said."""

    code: int | None
    events: int = 0
    printed: str = ""


def measure(job: Job, stage: Path, limit: float) -> Usual:
    """An undisturbed run of a job.

    Raises:
        RuntimeError: it fails even then.
    """
    with _new_folder() as folder:
        begun = time.monotonic()
        ended = run_job(job, folder, stage, limit)
        if ended.code != 0:
            raise RuntimeError(f"{job.name} fails undisturbed: {ended.printed[-3000:]}")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return Usual(time.monotonic() - begun, ended.events, size, job.result(folder))


def killed(job: Job, moments: list, stage: Path, usual: Usual, limit: float) -> Verdict:
    """The verdict of a job that is killed at each of the moments in turn and then let go."""
    begun = time.monotonic()
    with _new_folder() as folder:
        kind, evidence, times = _kill(job, moments, folder, stage, usual, limit)
    seconds, recipe = round(time.monotonic() - begun, 2), {"moments": moments}
    return Verdict(job.name, recipe, kind, evidence[-6000:], seconds, kills=times)


def _kill(job, moments, folder, stage, usual, limit) -> tuple[str, str, int]:
    for times, moment in enumerate([*moments, None]):
        ended = run_job(job, folder, stage, limit, moment, usual)
        if ended.code is None:
            return HANG, f"not done after {limit:g} s, moment {moment}\n{ended.printed}", times
        if ended.code > 0:  # below 0: a signal, ours
            return TRACEBACK, f"{ended.printed}\nexit code {ended.code}, moment {moment}", times
        if fault := faults_in(folder):
            # papermill's own copy is written in place, and not by us
            if not fault.startswith("out.ipynb") or moment is None:
                return WRONG, f"after the moment {moment}: {fault}", times + 1
        if ended.code == 0:  # it was done before its moment came
            break
    found = job.result(folder)
    if found != usual.result:
        what = difference(found, usual.result)
        return WRONG, f"another result than undisturbed: {what}", times
    return GOOD, "", times


def difference(mine, theirs) -> str:
    """Where two results differ."""
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return f"{mine!r:.200} instead of {theirs!r:.200}"
    keys = [key for key in {**mine, **theirs} if mine.get(key) != theirs.get(key)]
    return f"{keys[0]}: {difference(mine.get(keys[0]), theirs.get(keys[0]))}" if keys else "nothing"


def run_job(job, folder, stage, limit, moment=None, usual=None) -> Ended:
    """Run a job in a process of its own, killed at `moment` if there is one."""
    descriptor, name = tempfile.mkstemp(
        prefix="printed-"
    )  # not in the folder: its disk may be full
    os.close(descriptor)
    printed = Path(name)
    try:
        if job.command:
            command = job.command(folder, stage)
            ended = _run_command(command, printed, folder, limit, moment, usual)
        else:
            ended = _run_here(job, printed, folder, stage, limit, moment, usual)
        ended.printed = printed.read_text(errors="replace")[-4000:]
        return ended
    finally:
        printed.unlink()


def _run_here(job, printed, folder, stage, limit, moment, usual) -> Ended:
    here, there = processes.Pipe(duplex=False)
    at = ()
    if moment and moment[0] == "event":
        at = (1 + int(moment[1] * usual.events), moment[2] / 1000)
    child = processes.Process(target=_do, args=(there, job.run, folder, stage, printed, at))
    child.start()
    there.close()
    if moment and moment[0] == "time":
        child.join(moment[1] * usual.seconds)
        child.kill()
    child.join(limit)
    hangs = child.is_alive()
    child.kill()
    child.join()
    events = 0
    with contextlib.suppress(EOFError):
        events = here.recv() if here.poll() else 0
    here.close()
    return Ended(None if hangs else child.exitcode, events)


def _do(channel, run, folder: Path, stage: Path, printed: Path, at: tuple) -> None:
    into_file(printed)
    os.chdir(folder)
    count = _watch(str(folder), *at)
    run(folder, stage)
    channel.send(count[0])


def _watch(folder: str, event: int = 0, delay: float = 0.0) -> list[int]:
    """Count what happens to files in `folder`, and die `delay` seconds after number `event`.

    It is a signal without a handler that kills, so that code outside of Python dies at once too.
    """
    count = [0]

    def hook(what: str, args: tuple) -> None:
        if what in ON_FILES and isinstance(args[0], str | os.PathLike):
            if os.fspath(args[0]).startswith(folder):
                count[0] += 1
                if count[0] == event:
                    if delay <= 1e-6:
                        os.kill(os.getpid(), signal.SIGKILL)
                    signal.setitimer(signal.ITIMER_REAL, delay)

    sys.addaudithook(hook)
    return count


def _run_command(command, printed, folder, limit, moment, usual) -> Ended:
    """A command with children of its own; a kill takes the first process alone, or all of them."""
    with printed.open("wb") as file:
        child = subprocess.Popen(
            command, stdout=file, stderr=file, cwd=folder, start_new_session=True
        )
    try:
        return Ended(child.wait(min(limit, moment[1] * usual.seconds) if moment else limit))
    except subprocess.TimeoutExpired:
        if moment is None or moment[0] == "event":
            os.killpg(child.pid, signal.SIGKILL)
        child.kill()
        return Ended(None if moment is None else child.wait())


@contextlib.contextmanager
def _new_folder():
    folder = Path(tempfile.mkdtemp(prefix="kill-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
