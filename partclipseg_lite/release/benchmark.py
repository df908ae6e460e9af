"""What a forward, a training step and many names cost.

Beside it the peer, Hugging Face's CLIPSeg, on the same weights. All weights are random: cost does
not depend on their values. Every item is timed in one process, the median of a few runs after one
to warm up. Memory is the peak of the whole process in a fresh one that does the same item twice; on
a GPU, the peak that torch allocated.
"""

import contextlib
import datetime
import fnmatch
import gc
import importlib.metadata
import json
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from ..files import write_whole
from .gpu import NEEDS_GPU, OnGpu
from .workloads import SIZES, Workloads

#: The public release, one image, 352x352, Pascal vocabulary, on two CPU cores (no GPU); measured
#: once, see book/benchmark.md.
RELEASE = {"training_seconds": 15.9, "training_mb": 6850, "inference_seconds": 5.84}
PATIENCE = 60  # seconds after which an item is not repeated further


def seconds(call: Callable, device: torch.device, repetitions: int) -> list[float]:
    """Durations of `repetitions` calls after one to warm up.

    Fewer (one at least) once `PATIENCE` is used up.
    """
    times: list[float] = []
    while len(times) < 2 or (len(times) <= repetitions and sum(times) < PATIENCE):
        begun = time.perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        times.append(time.perf_counter() - begun)
    return times[1:]


def peak_here(size: str, item: str) -> float:
    """Peak memory of this process in MB (10^6 bytes) once it has done `item` twice.

    For a process of its own.
    """
    call = Workloads(SIZES[size], torch.device("cpu")).all()[item]()
    for _ in range(2):
        call()
    status = Path("/proc/self/status")
    # On Linux a process inherits the peak of the one that started it as its own `ru_maxrss`.
    if status.is_file():
        return (
            next(
                int(line.split()[1])
                for line in status.read_text().splitlines()
                if line.startswith("VmHWM")
            )
            * 1024
            / 1e6
        )
    import resource  # not on Windows

    return (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024)
        / 1e6
    )


def _peak_of(size: str, item: str) -> float:
    """`peak_here` of a process of its own."""
    command = [sys.executable, "-m", "partclipseg_lite", "benchmark"]
    done = subprocess.run(
        [*command, "--size", size, "--peak-of", item], capture_output=True, text=True
    )
    if done.returncode:
        raise ValueError(f"measuring the memory of {item!r} failed: {done.stderr.strip()[-300:]}")
    return float(done.stdout.split()[-1])


def measure(
    size: str, pattern: str = "*", memory: bool = True
) -> Iterator[tuple[str, dict | None]]:
    """The cost of the items that fit `pattern`, one by one.

    Yields:
        (item, {"seconds": median, "runs": all, "peak_mb": peak or None}); of items `gpu/...` more,
        or None where they cannot be measured, see `OnGpu.possible`.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    work = Workloads(SIZES[size], device)
    on_gpu = OnGpu(work)
    known = [*work.all(), *on_gpu.all()]
    chosen = fnmatch.filter(known, pattern)
    if not chosen:
        raise ValueError(f"no item fits {pattern!r}; items: {', '.join(known)}")
    for name in chosen:
        if device.type == "cuda":
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        if name in on_gpu.all():
            yield name, on_gpu.all()[name]() if on_gpu.possible else None
            continue
        call = work.all()[name]()
        runs = seconds(call, device, SIZES[size].repetitions)
        peak = None
        if device.type == "cuda":
            peak = torch.cuda.max_memory_allocated(device) / 1e6
        elif memory:
            peak = _peak_of(size, name)
        yield name, {"seconds": statistics.median(runs), "runs": runs, "peak_mb": peak}
        del call
    if any(name.endswith("ours") for name in chosen):
        yield "compared/difference", {"relative": work.difference(min(SIZES[size].compared[-1], 8))}


def comparisons(items: dict[str, dict], size: str, device: str) -> list[dict]:
    """Ratios with their targets, from what was measured: {"what", "value", "target", "met"}.

    `met` is None without target.
    """
    found: list[dict] = []

    def add(
        what: str,
        value: Callable[[], float],
        at_least: float | None = None,
        at_most: float | None = None,
    ):
        try:
            number = value()
        except (KeyError, TypeError):  # not among the items measured, or measured without memory
            return
        target = (
            f"at least {at_least:g}" if at_least else f"at most {at_most:g}" if at_most else None
        )
        met = number >= at_least if at_least else number <= at_most if at_most else None
        found.append({"what": what, "value": number, "target": target, "met": met})

    took, peak = (lambda name: items[name]["seconds"]), (lambda name: items[name]["peak_mb"])
    counts = SIZES[size].compared
    for count in counts:
        add(
            f"Hugging Face / ours, {count} names",
            lambda n=count: (
                took(f"compared/{n} names/Hugging Face") / took(f"compared/{n} names/ours")
            ),
            at_least=20 if count == 58 else None,
        )
    add(
        "116-part vocabulary / (encoder + one decoder pass)",
        lambda: (
            took("vocabulary/whole")
            / (took("vocabulary/encoder") + took("vocabulary/decoder pass"))
        ),
        at_most=1.5,
    )
    low, high = SIZES[size].names[-2:]
    add(
        f"memory, {high} names / {low} names",
        lambda: peak(f"names/{high}") / peak(f"names/{low}"),
        at_most=1.1,
    )
    add(f"time, {high} names / {low} names", lambda: took(f"names/{high}") / took(f"names/{low}"))
    many = SIZES[size].batches[-1]
    add(f"time, {many} images / 1 image", lambda: took(f"images/{many}") / took("images/1"))
    if size == "full" and device == "cpu":
        add(
            "release / ours, 116-part vocabulary with its words",
            lambda: RELEASE["inference_seconds"] / took("vocabulary/whole, words new"),
        )
        for reading in ("paper", "released"):
            step = f"training/{reading}/float32"
            add(
                f"release / ours, time of a training step, {reading} reading",
                lambda s=step: RELEASE["training_seconds"] / took(s),
                at_least=4,
            )
            add(
                f"release / ours, memory of a training step, {reading} reading",
                lambda s=step: RELEASE["training_mb"] / peak(s),
                at_least=2,
            )
    for name, limit in (("gpu/pascal_part_116/batch 8", 16), ("gpu/ade20k_part_234/batch 2", 24)):
        add(f"{name}, GB", lambda n=name: peak(n) / 1e3, at_most=limit)
        add(
            f"{name}, share of the roofline",
            lambda n=name: items[n]["share_of_roofline"],
            at_least=0.6,
        )
    return found


def hardware() -> dict:
    """Where this ran."""
    info = Path("/proc/cpuinfo")
    named = (
        [
            line.split(":")[1].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        if info.is_file()
        else []
    )
    versions = {}
    for name in ("torch", "open_clip_torch", "transformers"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return {
        "cpu": named[0] if named else platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        **(_driver() if torch.cuda.is_available() else {}),
        "python": platform.python_version(),
        **versions,
    }


def _driver() -> dict:
    """The GPU's memory, the version of its driver, the version of CUDA that torch was made for."""
    asked = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    done = (
        subprocess.run(asked, capture_output=True, text=True, check=False)
        if shutil.which("nvidia-smi")
        else None
    )
    return {
        "gpu_gb": round(torch.cuda.get_device_properties(0).total_memory / 1e9, 1),
        "driver": done.stdout.split("\n")[0].strip() if done and not done.returncode else None,
        "cuda": torch.version.cuda,
    }


def _measured_before(file: Path, size: str, where: dict) -> dict[str, dict]:
    """The items in `file` if they are of this size and hardware.

    `ValueError` for a file that is no benchmark, before it would be overwritten.
    """
    try:
        earlier = json.loads(file.read_text(encoding="utf-8"))
        items = earlier["items"] if (earlier["size"], earlier["hardware"]) == (size, where) else {}
        good = all(isinstance(measured, dict) for measured in items.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        good = False
    if not good:
        raise ValueError(f"{file} exists and holds no benchmark; give another name, or remove it")
    return items


def _line(name: str, measured: dict) -> str:
    """What was measured, as the command prints it."""
    if "relative" in measured:
        return (
            "largest difference from Hugging Face's logits, relative to their largest: "
            f"{measured['relative']:.1e}"
        )
    if "matmul_flops" in measured:
        return (
            f"{name:52s} {measured['matmul_flops'] / 1e12:.1f} TFLOP/s in bf16, "
            f"{measured['copy_bytes'] / 1e9:.0f} GB/s"
        )
    peak = measured["peak_mb"]
    line = f"{name:52s} {measured['seconds']:9.3f} {'' if peak is None else f'{peak:9.0f}'}"
    if "images_per_second" in measured:
        line += f"  {measured['images_per_second']:.1f} images/s"
    if "share_of_roofline" in measured:
        stages = [f"{stage} {1e3 * took:.1f}" for stage, took in measured["stages"].items()]
        shares = [
            f"{share:.1%} of its {kind}" for kind, share in measured["share_of_flops"].items()
        ]
        line += (
            f"\n    ms: {', '.join(stages)}\n    matrix products: "
            f"{sum(measured['flops'].values()) / 1e12:.3f} TFLOP, {' and '.join(shares)} rate, "
            f"{measured['share_of_roofline']:.1%} of the roofline"
        )
    return line


def run(
    size: str = "full", pattern: str = "*", memory: bool = True, file: Path | None = None
) -> dict:
    """Measure, print as it goes, write the JSON `file`; returns what it holds.

    A file of the same size and hardware is completed: what is measured now replaces what it had,
    the rest is kept, and so is the memory where only time is measured.
    """
    where = hardware()
    print(
        ", ".join(f"{key} {value}" for key, value in where.items()),
        f"\n{'item':52s} {'seconds':>9s} {'peak MB':>9s}",
    )
    items = {}
    if file is not None and file.is_file():
        items = _measured_before(file, size, where)
    left_out = []
    for name, measured in measure(size, pattern, memory):
        if measured is None:
            left_out.append(name)
            continue
        if measured.get("peak_mb", 0) is None:
            measured["peak_mb"] = items.get(name, {}).get("peak_mb")
        items[name] = measured
        print(_line(name, measured), flush=True)
    if left_out:
        print(f"{', '.join(left_out) if len(left_out) < 3 else 'gpu/*'}: {NEEDS_GPU}")
    result = {
        "size": size,
        "date": datetime.date.today().isoformat(),
        "hardware": where,
        "release": RELEASE,
        "items": items,
        "comparisons": comparisons(items, size, "cuda" if where["gpu"] else "cpu"),
    }
    for entry in result["comparisons"]:
        verdict = {True: "met", False: "MISSED", None: ""}[entry["met"]]
        print(f"{entry['what']:62s} {entry['value']:8.2f}  {entry['target'] or '':14s} {verdict}")
    if file is not None and items:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(result, indent=1) + "\n")
        print(f"wrote {file}")
    return result
