"""What training and segmenting cost on a GPU, beside what that GPU can do.

Settings are those of the paper's training, the whole vocabulary is asked, weights are random. The
device is waited for before the first step and after the last; where a step's time goes, its own
clock says.
"""

import statistics
import time
from collections.abc import Callable
from functools import cached_property

import torch

from ..vocabulary import Vocabulary
from .roofline import Product, Products, Rates, datasheet_flops, measured_rates
from .workloads import SIZES, TrainingStep, Workloads

NEEDS_GPU = "needs a CUDA GPU: not measured"
#: Vocabulary -> pictures in a batch; of tiny networks, whose figures nobody wants, one.
BATCHES = {"pascal_part_116": 8, "ade20k_part_234": 2, "partimagenet_40": 8}
PICTURES = 16  # segmented in one call
ENCODER = "encoder"


class Clock:
    """Moments on the device's own clock; nothing waits for them before `spans`."""

    def __init__(self, device: torch.device):
        self.on_gpu = device.type == "cuda"
        self.moments: list = []

    def __call__(self, name: str) -> None:
        """What ends now is called `name`."""
        if self.on_gpu:
            now = torch.cuda.Event(enable_timing=True)
            now.record()
        else:
            now = time.perf_counter()
        self.moments.append((name, now))

    def spans(self) -> dict[str, float]:
        """Seconds from each moment to the next, by the later one's name."""
        if self.on_gpu:
            torch.cuda.synchronize()
        pairs = zip(self.moments[:-1], self.moments[1:], strict=True)
        return {name: self._between(before, now) for (_, before), (name, now) in pairs}

    def _between(self, before, now) -> float:
        return before.elapsed_time(now) / 1e3 if self.on_gpu else now - before


class OnGpu:
    """The items `gpu/...`: each a function that measures itself."""

    def __init__(self, work: Workloads):
        self.work, self.device = work, work.device
        self.small = work.size is not SIZES["full"]
        self.steps, self.warm_up = (2, 0) if self.small else (20, 5)

    @property
    def possible(self) -> bool:
        """Tiny networks run anywhere; the paper's are measured on a GPU or not at all."""
        return self.small or self.device.type == "cuda"

    def all(self) -> dict[str, Callable[[], dict]]:
        """Name -> a function that measures it."""
        items: dict[str, Callable[[], dict]] = {"gpu/card": self.card}
        batches = dict.fromkeys(BATCHES, 1) if self.small else BATCHES
        for vocabulary, batch in batches.items():
            for again in (False, True):
                items[f"gpu/{vocabulary}/batch {batch}{', recompute' * again}"] = (
                    lambda v=vocabulary, b=batch, a=again: self.training(v, b, a)
                )
        for vocabulary in BATCHES:
            items[f"gpu/{vocabulary}/segment"] = lambda v=vocabulary: self.segmenting(v)
        return items

    @cached_property
    def rates(self) -> Rates:
        """What the device can do, measured once."""
        return measured_rates(self.device, *((64, 2) if self.small else ()))

    def card(self) -> dict:
        """The rates with which the others are compared."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else ""
        return {
            "matmul_flops": self.rates.flops,
            "copy_bytes": self.rates.memory,
            "datasheet_flops": datasheet_flops(name),
        }

    def training(self, vocabulary: str, batch: int, recompute: bool) -> dict:
        """Time of a step and of its stages, memory, and how far it is from the roofline."""
        step = self.work.real_training(vocabulary, batch, recompute)
        for _ in range(self.warm_up):
            step()
        with Peak(self.device) as memory:
            runs, wall = self._timed(step)
        took = statistics.median(sum(run.values()) for run in runs)
        return {
            "seconds": took,
            "runs": [sum(run.values()) for run in runs],
            "wall_seconds": wall,
            "images_per_second": batch / took,
            **memory,
            "stages": {stage: statistics.median(run[stage] for run in runs) for stage in runs[0]},
            **self._beside_the_roofline(step, took),
        }

    def _timed(self, step: TrainingStep) -> tuple[list[dict[str, float]], float]:
        """Stages of each of the steps in seconds; mean duration of a step by our own clock."""
        clocks = [Clock(self.device) for _ in range(self.steps)]
        self._wait()
        begun = time.perf_counter()
        for clock in clocks:
            clock("start")
            step(clock)
        self._wait()
        wall = (time.perf_counter() - begun) / self.steps
        return [clock.spans() for clock in clocks], wall

    def _beside_the_roofline(self, step: TrainingStep, took: float) -> dict:
        """Operations of the encoder and of the rest; what share of the possible is reached."""
        encoder, rest = self.products(step)
        flops = {ENCODER: _flops(encoder), "decoder": _flops(rest)}
        rates = {"measured": self.rates.flops, "datasheet": self.card()["datasheet_flops"]}
        return {
            "flops": flops,
            "share_of_flops": {
                kind: sum(flops.values()) / took / rate for kind, rate in rates.items() if rate
            },
            "roofline_seconds": self.rates.floor(encoder + rest),
            "share_of_roofline": self.rates.floor(encoder + rest) / took,
        }

    def products(self, step: TrainingStep) -> tuple[list[Product], list[Product]]:
        """The matrix products of one step: those of the encoder, and all others."""
        borders: dict[str, int] = {}
        with Products() as counted:
            step(lambda stage: borders.setdefault(stage, len(counted.found)))
        first, last = borders["targets"], borders[ENCODER]
        found = counted.found
        return found[first:last], found[:first] + found[last:]

    def segmenting(self, vocabulary: str) -> dict:
        """Pictures a second, all names of a vocabulary asked, as `PartSegmenter` does it."""
        call = self.work.segment(Vocabulary.load(vocabulary).object_parts, self.pictures)
        call()
        with Peak(self.device) as memory:
            runs = []
            for _ in range(3):
                self._wait()
                begun = time.perf_counter()
                call()
                self._wait()
                runs.append(time.perf_counter() - begun)
        took = statistics.median(runs)
        return {
            "seconds": took,
            "runs": runs,
            **memory,
            "images_per_second": self.pictures / took,
        }

    @property
    def pictures(self) -> int:
        """So many are segmented in one call."""
        return 1 if self.small else PICTURES

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


class Peak(dict):
    """While it is open, the GPU's peak in MB (10^6 bytes): what was in use, what was reserved.

    None and None where there is no GPU.
    """

    def __init__(self, device: torch.device):
        super().__init__(peak_mb=None, reserved_mb=None)
        self.device = device

    def __enter__(self) -> "Peak":
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        return self

    def __exit__(self, *error) -> None:
        if self.device.type == "cuda":
            self["peak_mb"] = torch.cuda.max_memory_allocated(self.device) / 1e6
            self["reserved_mb"] = torch.cuda.max_memory_reserved(self.device) / 1e6


def _flops(products: list[Product]) -> int:
    return sum(p.flops for p in products)
