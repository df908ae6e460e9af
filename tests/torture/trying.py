"""Tries and their verdicts: each try runs in a child process and ends in one of four words.

    good            it gave what is right, or refused with one of the documented errors
    silently wrong  it ended without an error although the result is not what is right
    traceback       an error of another kind, an error where there should be none, or a dead process
    hang            it did not end within the time limit

A try is an area's name and a *recipe*, plain data that JSON can hold, so that every verdict in a
report can be had again (`run.py --repeat REPORT`). What an area's attempt does with its recipe is
right as long as it neither raises `Wrong` nor lets any other error out.
"""

import json
import linecache
import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GOOD, WRONG, TRACEBACK, HANG = KINDS = ("good", "silently wrong", "traceback", "hang")
DOCUMENTED = (ValueError, TypeError, OSError, FloatingPointError)
OURS = ("partclipseg_lite", "drawn_world")
UNSAFE = "weights_only=False"  # torch's advice, which no message of ours may pass on
MEMORY = 6 * 2**30  # bytes of address space that a child may add to its parent's
BATCH = 12  # tries a child does before a fresh one takes over
# A fork is cheap and has everything imported; elsewhere each child starts anew.
START = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
processes = multiprocessing.get_context(START)


class Wrong(Exception):  # noqa: N818
    """It ended without an error, but the result is not what is right."""


class Broken(Exception):  # noqa: N818
    """It ended with an error of another kind than documented, or where none was due."""


@dataclass(frozen=True)
class Area:
    """Something that is tried.

    Attributes:
        name: in tables and reports.
        attempt: called with a recipe, an empty folder (also the current one), and the stage.
        recipes: a hypothesis strategy of plain data.
        share: of the inputs, relative to the other areas'.
    """

    name: str
    attempt: Callable[[Any, Path, Path], None]
    recipes: Any
    share: float = 1.0


@dataclass(frozen=True)
class Verdict:
    """How one try ended.

    Attributes:
        area: what was tried.
        recipe: with what.
        kind: one of `KINDS`.
        evidence: what was found, or the traceback.
        seconds: that it took.
        unclear: refused in the words of a library instead of our own; good nevertheless.
        kills: how often its process was killed.
    """

    area: str
    recipe: Any
    kind: str
    evidence: str = ""
    seconds: float = 0.0
    unclear: str = ""
    kills: int = 0

    def __str__(self) -> str:
        last = self.evidence.strip().splitlines()[-1:] or [""]
        return f"{self.kind:14s} {self.area}: {json.dumps(self.recipe)[:300]}\n    {last[0][:300]}"


# ---- inside a try --------------------------------------------------------------------------------

_unclear: list[str] = []


def outcome(function: Callable, *args, also: tuple = (), **kwargs) -> tuple[Any, Exception | None]:
    """(value, None), or (None, error) for a documented error; any other one is let out.

    Args:
        function: called with the other arguments.
        also: further errors that are documented for this call, such as IndexError.
    """
    try:
        return function(*args, **kwargs), None
    except (*DOCUMENTED, *also) as error:
        said = str(error)
        if not said.strip():
            raise Broken(f"{type(error).__name__} without a word") from error
        if UNSAFE in said:
            raise Broken(f"the message passes on {UNSAFE!r}") from error
        if not _worded_by_us(error):
            _unclear.append(f"{type(error).__name__}: {said.splitlines()[0][:200]}")
        return None, error


def refused(function: Callable, *args, why: str, also: tuple = (), **kwargs) -> None:
    """Nothing else than a documented error is right here."""
    value, error = outcome(function, *args, also=also, **kwargs)
    if error is None:
        raise Wrong(f"accepted although {why}: {value!r:.200}")


def accepted(function: Callable, *args, **kwargs) -> Any:
    """The value; here an error would be one where none was due."""
    value, error = outcome(function, *args, **kwargs)
    if error is not None:
        raise Broken(f"refused though nothing is wrong with it: {error}") from error
    return value


def _worded_by_us(error: Exception) -> bool:
    """Was it raised by a `raise` of ours? The system's own errors name file and reason anyway."""
    if isinstance(error, OSError):
        return True
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    file = last.tb_frame.f_code.co_filename
    line = linecache.getline(file, last.tb_lineno).strip()
    return any(f"{os.sep}{ours}{os.sep}" in file for ours in OURS) and line.startswith("raise")


def _judge(area: Area, recipe: Any, stage: Path) -> Verdict:
    folder = Path(tempfile.mkdtemp(prefix="try-"))
    os.chdir(folder)
    _unclear.clear()
    begun, kind, evidence = time.monotonic(), GOOD, ""
    try:
        area.attempt(recipe, folder, stage)
    except Wrong as error:
        kind, evidence = WRONG, str(error)
    except BaseException:  # SystemExit and MemoryError too
        kind, evidence = TRACEBACK, traceback.format_exc()
    seconds = time.monotonic() - begun
    os.chdir(stage)
    shutil.rmtree(folder, ignore_errors=True)
    unclear = "; ".join(_unclear) if kind == GOOD else ""
    return Verdict(area.name, recipe, kind, evidence[-6000:], round(seconds, 2), unclear)


# ---- children ------------------------------------------------------------------------------------


def limit_memory() -> None:
    """Let this process grow by `MEMORY` at most, where the system knows how."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * os.sysconf("SC_PAGE_SIZE") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ImportError, OSError, ValueError):
        pass


def into_file(path: Path) -> None:
    """Whatever this process prints goes into a file from now on, whoever prints it."""
    descriptor = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)


def _work(channel, area: Area, recipes: Sequence, stage: Path, printed: Path) -> None:
    into_file(printed)
    limit_memory()
    for recipe in recipes:
        channel.send(_judge(area, recipe, stage))


def judged(area: Area, recipes: Sequence, stage: Path, limit: float) -> Iterator[Verdict]:
    """The verdict of each recipe; what hangs or dies costs a child, not the suite.

    Args:
        area: what is tried.
        recipes: with what.
        stage: the folder that `stage.build` filled.
        limit: seconds a try may take.
    """
    rest = list(recipes)
    printed = Path(tempfile.mkdtemp(prefix="printed-")) / "printed"
    while rest:
        here, there = processes.Pipe(duplex=False)
        child = processes.Process(target=_work, args=(there, area, rest[:BATCH], stage, printed))
        child.start()
        there.close()
        for recipe in rest[:BATCH]:
            try:
                done = here.recv() if here.poll(limit) else None
                verdict = done or Verdict(area.name, recipe, HANG, f"not done after {limit:g} s")
            except EOFError:
                child.join()
                said = printed.read_text(errors="replace")[-2000:]
                death = f"the process died (exit code {child.exitcode})"
                verdict = Verdict(area.name, recipe, TRACEBACK, f"{said}\n{death}")
            rest.pop(0)
            yield verdict
            if verdict.kind == HANG or "the process died" in verdict.evidence:
                break
        child.kill()
        child.join()
        here.close()
    shutil.rmtree(printed.parent, ignore_errors=True)


def drawn_recipes(strategy, count: int, seed: int) -> list:
    """`count` recipes out of a hypothesis strategy, all different, the same ones for the same seed.

    Fewer where the strategy has no more.
    """
    found: dict[str, Any] = {}
    for turn in range(3):  # hypothesis begins simply and repeats itself: take some of many
        if count and len(found) < 3 * count:
            for recipe in _generated(strategy, 6 * count, seed + 1000 * turn):
                found.setdefault(json.dumps(recipe, sort_keys=True), recipe)
    recipes = list(found.values())
    random.Random(seed).shuffle(recipes)
    return recipes[:count]


def _generated(strategy, count: int, seed: int) -> list:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded

    found: list = []

    @seeded(seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(recipe):
        found.append(json.loads(json.dumps(recipe)))  # as a report would hold it

    collect()
    return found


# ---- tables --------------------------------------------------------------------------------------


def table(verdicts: Iterable[Verdict], not_tried: dict[str, str]) -> str:
    """Tried, good, silently wrong, traceback, hang: a line for each area and one for all."""
    rows: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        rows.setdefault(verdict.area, []).append(verdict)
    everything = [verdict for some in rows.values() for verdict in some]
    head = ("", "tried", *KINDS, "s a try")
    lines = [head, *(_line(name, some) for name, some in rows.items())]
    lines += [(name, "not tried", why, "", "", "", "") for name, why in not_tried.items()]
    lines.append(_line("all", everything))
    width = max(len(line[0]) for line in lines)
    form = f"{{:{width}s}}  {{:>9s}}  {{:>6s}}  {{:>14s}}  {{:>9s}}  {{:>4s}}  {{:>7s}}"
    return "\n".join(form.format(*line).rstrip() for line in lines)


def _line(name: str, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    counts = [sum(verdict.kind == kind for verdict in verdicts) for kind in KINDS]
    seconds = sum(verdict.seconds for verdict in verdicts) / max(1, len(verdicts))
    return (name, str(len(verdicts)), *map(str, counts), f"{seconds:.2f}")


def report(verdicts: Sequence[Verdict], seed: int, not_tried: dict[str, str]) -> dict:
    """What the JSON file holds: counts, and each verdict that is not good, to be repeated."""
    return {
        "seed": seed,
        "tried": len(verdicts),
        "kills": sum(verdict.kills for verdict in verdicts),
        **{kind: sum(verdict.kind == kind for verdict in verdicts) for kind in KINDS},
        "not tried": not_tried,
        "finds": [asdict(verdict) for verdict in verdicts if verdict.kind != GOOD],
        "unclear": [asdict(verdict) for verdict in verdicts if verdict.unclear],
    }
