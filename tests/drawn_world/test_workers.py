"""Several processes draw for any script, know no torch, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import drawn_world
from drawn_world import World, workers

ROOT = Path(drawn_world.__file__).resolve().parent.parent
SCRIPT = """
from drawn_world import World
rendered = World("test", images=12, size=32).render_all(workers=2, chunk=2)
print("drawn", len(rendered), rendered.names[-1])
"""


@pytest.fixture
def elsewhere(monkeypatch, tmp_path):
    """An empty folder to start scripts in, from which Python still finds the package."""
    path = [str(ROOT), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("way", ["file", "standard input", "-c"])
def test_a_script_without_a_guard_can_use_workers(elsewhere, way):
    (elsewhere / "script.py").write_text(SCRIPT)
    command = {"file": ["script.py"], "standard input": ["-"], "-c": ["-c", SCRIPT]}[way]
    ran = subprocess.run(
        [sys.executable, *command], input=SCRIPT, capture_output=True, text=True, timeout=120
    )
    assert (ran.stdout, ran.stderr) == ("drawn 12 test-0-000011\n", "")


def test_workers_import_neither_torch_nor_the_package_that_learns(monkeypatch, capfd):
    import torch  # noqa: F401

    import partclipseg_lite.datasets.drawn  # noqa: F401  the caller may know both

    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")  # workers list their imports on stderr
    World("train", images=4, size=32).render_all(workers=2, chunk=2)
    met = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in capfd.readouterr().err.splitlines()
    }
    assert {"drawn_world", "numpy", "PIL"} <= met
    assert not {"torch", "partclipseg_lite", "open_clip", "__mp_main__", "multiprocessing"} & met


def test_files_beside_the_script_shadow_nothing_in_the_workers(elsewhere):
    (elsewhere / "script.py").write_text(
        "import random, numpy, queue, subprocess, threading, PIL.Image\n"
        "from pathlib import Path\n"
        "for name in ('random', 'queue', 'numpy', 'drawn_world', 'PIL'):\n"
        "    Path(name + '.py').write_text('raise SystemExit(3)')\n" + SCRIPT
    )
    script = (elsewhere / "script.py").read_text()
    # the package itself is imported before the traps are set
    (elsewhere / "script.py").write_text("import drawn_world\n" + script)
    ran = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, timeout=120)
    assert (ran.stdout, ran.stderr) == ("drawn 12 test-0-000011\n", "")


def test_a_worker_that_dies_gives_one_clear_error():
    started = []
    blocks = workers.run(World("test", 40, 64).draw_block, [(i, i + 2) for i in range(0, 40, 2)], 2)
    original = workers._start

    def remembered():
        started.append(original())
        return started[-1]

    workers._start = remembered
    try:
        next(blocks)
        started[0].kill()
        with pytest.raises(RuntimeError, match=r"died with exit code .* pictures \d+ to \d+"):
            list(blocks)
    finally:
        workers._start = original
    assert all(worker.poll() is not None for worker in started)


def test_a_worker_that_fails_says_why():
    broken = World("test", 6, 32)
    broken.objects = ("unicorn",)
    with pytest.raises(RuntimeError, match=r"(?s)failed on pictures 0 to 1.*KeyError: 'unicorn'"):
        broken.render_all(workers=2, chunk=2)


def test_nobody_reading_ends_the_workers(monkeypatch):
    started, original = [], workers._start
    monkeypatch.setattr(workers, "_start", lambda: started.append(original()) or started[-1])
    blocks = World("test", 40, 64)._blocks(2, 2)
    next(blocks)
    blocks.close()
    assert len(started) == 2 and all(worker.poll() is not None for worker in started)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX")
@pytest.mark.parametrize("sign", ["SIGINT", "SIGKILL"])
def test_an_interrupted_or_killed_caller_leaves_no_orphan(elsewhere, sign):
    script = SCRIPT.replace("images=12, size=32", "images=4000, size=64").replace(
        "from drawn_world import World",
        "import signal\nfrom drawn_world import World, workers\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background\n"
        "start = workers._start\n"
        "def told():\n    w = start(); print(w.pid, flush=True); return w\n"
        "workers._start = told",
    )
    caller = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    pids = [int(caller.stdout.readline()) for _ in range(2)]
    time.sleep(2.5)
    if sign == "SIGINT":
        os.killpg(caller.pid, signal.SIGINT)  # as Ctrl-C does: to the caller and to its workers
    else:
        caller.kill()
    _, said = caller.communicate(timeout=30)
    assert said.count("Traceback") == (sign == "SIGINT")
    for _ in range(200):
        if not any(_runs(pid) for pid in pids):
            return
        time.sleep(0.1)
    raise AssertionError(f"still running: {[pid for pid in pids if _runs(pid)]}")


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize("why", ["frozen", "no interpreter", "not Python"])
def test_where_no_process_can_be_started_this_one_draws(monkeypatch, why):
    world = World("test", 4, 32)
    alone = world.render_all(workers=1)
    if why == "frozen":
        monkeypatch.setattr(sys, "frozen", True, raising=False)
    else:
        missing = "/nowhere/python" if why == "no interpreter" else "/bin/echo"
        monkeypatch.setattr(sys, "executable", missing)
    with pytest.warns(RuntimeWarning, match="drawing in this one"):
        rendered = world.render_all(workers=2, chunk=2)
    assert np.array_equal(rendered.images, alone.images)


def test_wrong_numbers_are_refused():
    for arguments in ({"workers": 0}, {"chunk": 0}):
        with pytest.raises(ValueError, match="must be at least 1, got 0"):
            World("test", 2, 32).render_all(**arguments)
