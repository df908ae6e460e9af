"""How fast a device could do the matrix products of a computation: the roofline.

A product takes at least its floating-point operations over the device's rate, and at least the
bytes that it reads and writes over the memory's (Williams et al., "Roofline", 2009). What lies
between products (activations, norms, losses) has no floor here, so the bound is honest: nothing
that keeps its intermediate results in memory is faster.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

#: Dense bf16 operations a second as the vendor's data sheets say, by a word of the device's name.
DATASHEET = {"H100 PCIe": 756e12, "H100": 989e12, "H200": 989e12}


@dataclass(frozen=True)
class Product:
    """One matrix product, convolution or fused attention: its operations, the bytes it moves."""

    flops: int
    moved: int


class Products(TorchDispatchMode):
    """Counts what runs under it, forward and backward, in the order in which it runs.

    Operations are those of `torch.utils.flop_counter`, a multiplication and an addition being two.
    """

    def __init__(self):
        super().__init__()
        self.found: list[Product] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            tensors = [x for x in tree_leaves((args, kwargs, out)) if isinstance(x, torch.Tensor)]
            moved = sum(x.numel() * x.element_size() for x in tensors)
            self.found.append(Product(int(count(*args, **kwargs, out_val=out)), moved))
        return out


@dataclass(frozen=True)
class Rates:
    """What a device can do: bf16 operations a second, bytes read and written a second."""

    flops: float
    memory: float

    def floor(self, products: list[Product]) -> float:
        """Seconds that the products take at least, one after another."""
        return sum(max(p.flops / self.flops, p.moved / self.memory) for p in products)


def measured_rates(device: torch.device, side: int = 8192, times: int = 20) -> Rates:
    """The rates of a device, from a large bf16 product and a large copy, `times` of each."""
    left, right = (torch.randn(side, side, device=device).bfloat16() for _ in range(2))
    source = torch.zeros(side, side, 4, device=device)  # 1 GB with the usual side
    target = torch.empty_like(source)
    product = _seconds(lambda: left @ right, device, times)
    copy = _seconds(lambda: target.copy_(source), device, times)
    return Rates(2 * side**3 / product, 2 * source.numel() * source.element_size() / copy)


def datasheet_flops(name: str) -> float | None:
    """Operations a second in bf16 that the vendor gives for the device, None if not known here."""
    return next((rate for word, rate in DATASHEET.items() if word in name), None)


def _seconds(call: Callable, device: torch.device, times: int) -> float:
    """Mean duration of a call, waiting for the device only before the first and after the last."""

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    for _ in range(3):
        call()
    wait()
    begun = time.perf_counter()
    for _ in range(times):
        call()
    wait()
    return (time.perf_counter() - begun) / times
