"""Where a run took place: what stands beside its times, and beside scores that are compared."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import torch

from .. import __version__

PACKAGES = ("torch", "torchvision", "open_clip_torch", "accelerate", "numpy", "pillow")


def device_name() -> str:
    """The graphics card, or "CPU, 2 threads" where torch sees none."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}"


def environment() -> dict[str, str]:
    """Device, system, and the versions of Python, of this package and of those that compute.

    `cpu_capability`, such as "AVX2", chooses torch's kernels: sums are rounded otherwise with
    another one, and the same training can end at other weights.
    """
    return {
        "device": device_name(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "partclipseg_lite": __version__,
        **{package: version(package) for package in PACKAGES},
    }


def commit() -> str | None:
    """The commit of the sources that run here, with a "+" if they were changed since.

    None where they are installed without their repository, or git is not there.
    """
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return None
    try:
        asked = [
            "git",
            "-C",
            str(here),
            "describe",
            "--always",
            "--exclude=*",
            "--abbrev=12",
            "--dirty=+",
        ]
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip() or None
