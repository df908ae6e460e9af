"""A slice of the torture suite goes well, and the suite sees what does not go well."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import strategies as some

from torture import damage, trying
from torture.trying import GOOD, HANG, TRACEBACK, WRONG, Area, Broken, Wrong

RUN = Path(__file__).with_name("run.py")
forked = pytest.mark.skipif(
    trying.START != "fork", reason="starts anew for each try: too slow here"
)


def attempt(recipe, folder, stage):
    """What every kind of end looks like from the inside."""
    (folder / "left behind").write_text("x")
    match recipe:
        case "refused":
            trying.outcome(int, "x")
        case "accepted what it should not":
            trying.refused(int, "3", why="threes are bad")
        case "refused what it should not":
            trying.accepted(int, "x")
        case "another error":
            trying.outcome(lambda: {}["x"])
        case "without a word":
            trying.outcome(_raise, ValueError())
        case "torch's advice":
            trying.outcome(_raise, ValueError("set weights_only=False"))
        case "wrong":
            raise Wrong("2 + 2 = 5")
        case "broken":
            raise Broken("no")
        case "leaves":
            sys.exit(0)
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "hangs":
            time.sleep(600)


def _raise(error):
    raise error


KINDS = {
    "good": GOOD,
    "refused": GOOD,
    "accepted what it should not": WRONG,
    "refused what it should not": TRACEBACK,
    "another error": TRACEBACK,
    "without a word": TRACEBACK,
    "torch's advice": TRACEBACK,
    "wrong": WRONG,
    "broken": TRACEBACK,
    "leaves": TRACEBACK,
    "dies": TRACEBACK,
    "hangs": HANG,
    "good again": GOOD,
}


@forked
def test_every_try_gets_its_verdict_and_none_costs_the_suite(tmp_path):
    area = Area("an area", attempt, some.nothing())
    verdicts = list(trying.judged(area, list(KINDS), tmp_path, limit=3))
    assert {verdict.recipe: verdict.kind for verdict in verdicts} == KINDS
    assert [v.recipe for v in verdicts if v.unclear] == ["refused"]
    assert list(tmp_path.iterdir()) == []
    table = trying.table(verdicts, {"the moon": "too far"}).splitlines()
    assert table[0].split() == [
        "tried",
        "good",
        "silently",
        "wrong",
        "traceback",
        "hang",
        "s",
        "a",
        "try",
    ]
    assert table[1].split()[:7] == ["an", "area", "13", "3", "2", "7", "1"]
    assert table[2].split() == ["the", "moon", "not", "tried", "too", "far"]
    report = trying.report(verdicts, 7, {})
    assert report["tried"] == 13 and report[HANG] == 1 and len(report["finds"]) == 10
    assert json.loads(json.dumps(report)) == report


def test_the_same_seed_draws_the_same_different_recipes():
    first, again, other = (trying.drawn_recipes(damage.DAMAGES, 50, seed) for seed in (3, 3, 4))
    assert first == again != other
    assert len({json.dumps(recipe) for recipe in first}) == 50
    assert trying.drawn_recipes(some.booleans(), 50, 0) in ([True, False], [False, True])
    assert trying.drawn_recipes(some.booleans(), 0, 0) == []


@pytest.mark.parametrize("kind", damage.KINDS)
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_damage_damages(kind, where):
    contents = bytes(range(200)) * 3
    assert damage.damaged(contents, [kind, where]) != contents
    damage.damaged(b"", [kind, where])


def test_files_that_look_whole_and_are_not_are_found(tmp_path):
    (tmp_path / ".partial.json").write_text("{")
    (tmp_path / "whole.json").write_text("{}")
    assert damage.faults_in(tmp_path) == ""
    for name, contents in (("a.json", '{"a": NaN}'), ("b.png", "x"), ("c.safetensors", "")):
        (tmp_path / name).write_text(contents)
        assert damage.faults_in(tmp_path).startswith(f"{name} is not whole: ")
        (tmp_path / name).unlink()


FAULTY = """
import json, sys, time
sys.path[:0] = [{tests!r}]
from pathlib import Path
from torture import kills, trying

def half(folder, stage):                       # written in place, slowly
    with (folder / "a.json").open("w") as file:
        file.write("[1, ")
        file.flush()
        time.sleep(1)
        file.write("2]")

def other(folder, stage):                      # depends on where it was killed
    begun = (folder / "begun").exists()
    (folder / "begun").touch()
    time.sleep(1)
    (folder / "a.json").write_text(json.dumps([begun]))

def stumbles(folder, stage):                   # cannot go on
    (folder / "begun").mkdir()
    time.sleep(1)

for run in (half, other, stumbles):
    job = kills.Job(run.__name__, run, kills.files_in)
    usual = kills.measure(job, Path("."), 60)
    print(kills.killed(job, [["time", 0.5]], Path("."), usual, 60).kind)
"""


@forked
def test_jobs_that_do_not_survive_a_kill_are_found(tmp_path):
    code = FAULTY.format(tests=str(RUN.parents[1]))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300
    )
    assert done.stdout.splitlines() == [WRONG, WRONG, TRACEBACK], done.stderr


@pytest.mark.slow
@forked
def test_a_slice_of_all_goes_well(tmp_path):
    # In a process of its own: one that has trained, or has threads, cannot be forked.
    size = ["--kills", "3", "--inputs", "45", "--disks", "0", "--seed", "0"]
    done = subprocess.run(
        [sys.executable, str(RUN), *size, "--json", str(tmp_path / "report.json")],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["tried"] >= 45 and report["kills"] == 3 and report["finds"] == []
