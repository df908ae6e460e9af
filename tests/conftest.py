"""What every test may rely on: no downloads, no windows, and no hurry."""

import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

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
