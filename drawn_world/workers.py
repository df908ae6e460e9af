"""Several processes that compute: a method of some object, called once for each of many arguments.

Python's own pools import the caller's main module again in every process, which calls for an
`if __name__ == "__main__":` in each script, and brings along whatever that module imports. Here a
worker is a plain `python -c`: it loads this package from the very files that the caller uses, reads
its task from its standard input and writes results to its standard output, both pickled.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

READY = "drawn_world worker ready"
AHEAD = 2  # results that a worker may hold while nobody reads them
_PACKAGE = Path(__file__).resolve().parent

# The worker's first lines. Its search path is that of the caller, and this package is loaded by its
# place: a drawn_world or a random.py that lies in the folder where the caller stands is not met.
_START = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.path[:] = {path!r}
import importlib.util
spec = importlib.util.spec_from_file_location(
    "drawn_world", {init!r}, submodule_search_locations=[{folder!r}])
package = sys.modules["drawn_world"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from drawn_world import workers, world
workers.serve()
"""


class _CannotStart(Exception):
    """No worker can be had here."""


def run(method: Callable, arguments: Sequence[tuple], processes: int) -> Iterator[Any]:
    """Results of `method(*a)` for every `a` of `arguments`, in their order.

    `method` is a bound method of a picklable object of this package. Every worker takes each
    `processes`-th argument and waits when its results are not fetched. With one process, or where
    no other can be started (a frozen application, a locked-down machine), this process computes.

    Raises:
        RuntimeError: where a worker fails or dies; the message names the arguments.
    """
    processes = min(processes, len(arguments))
    started: list[subprocess.Popen] = []
    try:
        if processes > 1:
            try:
                for _ in range(processes):
                    started.append(_start())
                for k, worker in enumerate(started):
                    _give(worker, (method, list(arguments[k::processes])))
            except _CannotStart as reason:
                warnings.warn(
                    f"no further Python process can be started ({reason}): drawing in this one",
                    RuntimeWarning,
                    stacklevel=2,
                )
                processes = 1
        if processes <= 1:
            _end(started)
            yield from (method(*a) for a in arguments)
            return
        for k, a in enumerate(arguments):
            yield _result(started[k % processes], a)
    finally:
        _end(started)


def _start() -> subprocess.Popen:
    if getattr(sys, "frozen", False) or not sys.executable:
        raise _CannotStart("this application brings no Python interpreter")
    code = _START.format(
        path=_search_path(), init=str(_PACKAGE / "__init__.py"), folder=str(_PACKAGE)
    )
    # One thread a worker: several processes with a pool of threads each would fight for the cores.
    single = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = {**dict.fromkeys(single, "1"), **os.environ}
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
    except OSError as error:
        raise _CannotStart(error) from error


def _search_path() -> list[str]:
    """This process's `sys.path` with the folder of the running script, or the current one, last."""
    path = [entry for entry in sys.path if entry]
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = {os.getcwd(), *([str(Path(main).resolve().parent)] if main else [])}
    asked_for = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    last = [entry for entry in path if entry in beside and entry not in asked_for]
    return [entry for entry in path if entry not in last] + last


def _give(worker: subprocess.Popen, task: tuple) -> None:
    """Wait until the worker is up, and hand over its task."""
    try:
        if pickle.load(worker.stdout) != READY:
            raise _CannotStart(f"{sys.executable} does not answer as Python does")
        pickle.dump(task, worker.stdin, pickle.HIGHEST_PROTOCOL)
        worker.stdin.flush()
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise _CannotStart(f"a worker ended with exit code {worker.wait()}") from error


def _result(worker: subprocess.Popen, arguments: tuple) -> Any:
    try:
        fine, value = pickle.load(worker.stdout)
    except (EOFError, OSError, pickle.UnpicklingError) as error:
        raise RuntimeError(
            f"a worker process died with exit code {worker.wait()} while it drew pictures "
            f"{arguments[0]} to {arguments[-1] - 1}; perhaps memory ran out. "
            "workers=1 draws in this process"
        ) from error
    if not fine:
        raise RuntimeError(
            f"a worker process failed on pictures {arguments[0]} to {arguments[-1] - 1}:\n{value}"
        )
    return value


def _end(started: list[subprocess.Popen]) -> None:
    """No worker outlives its use. One that the caller forgets ends when its pipe breaks."""
    for worker in started:
        worker.kill()
    for worker in started:
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            try:
                pipe.close()
            except OSError:  # what it never read cannot be flushed
                pass
    started.clear()


# ---- in the worker -------------------------------------------------------------------------------


def serve() -> None:
    """Do one task: read it, compute, write the results. This is all that a worker does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the caller, who ends the workers
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not end up among the results
    try:
        _write(results, READY)
        method, arguments = pickle.load(sys.stdin.buffer)
    except (OSError, EOFError):  # the caller has gone
        os._exit(1)
    waiting: queue.Queue = queue.Queue(AHEAD)
    writer = threading.Thread(target=_pass_on, args=(waiting, results), daemon=True)
    writer.start()
    for a in arguments:
        try:
            waiting.put((True, method(*a)))
        except Exception:
            waiting.put((False, traceback.format_exc()))
            break
    waiting.put(None)
    writer.join()


def _pass_on(waiting: queue.Queue, results: BinaryIO) -> None:
    """Write results while the next ones are computed."""
    try:
        while (result := waiting.get()) is not None:
            _write(results, result)
    except OSError:  # nobody reads any more
        os._exit(1)


def _write(results: BinaryIO, message: Any) -> None:
    pickle.dump(message, results, pickle.HIGHEST_PROTOCOL)
    results.flush()
