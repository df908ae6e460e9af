"""Where the time of a forward goes."""

from __future__ import annotations

import time
from collections.abc import Callable

from torch import nn


def seconds_by_module(model: nn.Module, run: Callable[[], object]) -> dict[str, float]:
    """Name of each direct child of `model` -> seconds spent in it while `run()` runs.

    On a GPU, work is only queued when a module returns: the numbers mean something on processors.
    """
    seconds = dict.fromkeys((name for name, _ in model.named_children()), 0.0)
    begun: dict[str, float] = {}

    def starts(name: str) -> Callable:
        return lambda *_: begun.update({name: time.perf_counter()})

    def ends(name: str) -> Callable:
        return lambda *_: seconds.update({name: seconds[name] + time.perf_counter() - begun[name]})

    hooks = []
    try:
        for name, module in model.named_children():
            hooks += [
                module.register_forward_pre_hook(starts(name)),
                module.register_forward_hook(ends(name)),
            ]
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return seconds
