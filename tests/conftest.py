"""What every test may rely on: no downloads, no windows, and no hurry."""

import os
import pickle
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest  # noqa: E402
from filelock import FileLock  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "tools"))
sys.path.insert(0, str(ROOT / "data_scripts"))
sys.path.insert(0, str(ROOT))  # or tests/drawn_world would pass for the package drawn_world

# Test machines are small and shared: a slow example is no failure, and every run tries the same.
settings.register_profile(
    "shared_machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared_machine")


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    """A function (name, make) -> what `make()` gives.

    It is made once in a test run, by the first worker that asks for the name; the others read it.
    """
    folder = tmp_path_factory.getbasetemp()
    folder = folder if worker_id == "master" else folder.parent  # which all workers share

    def made(name, make):
        path = folder / f"{name}.pickle"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                path.write_bytes(pickle.dumps(make()))
        return pickle.loads(path.read_bytes())

    return made
