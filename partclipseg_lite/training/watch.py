"""What a run keeps on the GPU between two lines of its log, so that no step waits for a number."""

from collections.abc import Callable

import torch
from torch import Tensor


class Watch:
    """Sums of the loss and its terms, and the first step at which they were no numbers.

    `add` computes on the device alone; `bad_step`, `terms` and `window` wait for it.

    Args:
        first: the first step to come.
        window: sums and counts since the last line of the log, by name.
    """

    def __init__(self, device: torch.device, first: int, window: dict[str, list]):
        self.first, self.seen = first, first
        self.names = list(window)
        self.counts = {name: count for name, (_, count) in window.items()}
        sums = [total for total, _ in window.values()]
        self.sums = torch.tensor(sums, dtype=torch.float64, device=device)
        self.zero = torch.zeros((), device=device)
        self.fine = torch.ones((), dtype=torch.bool, device=device)
        self.fine_steps = torch.zeros((), dtype=torch.int64, device=device)
        self.norm = self.zero  # of the last step, or of the first that was not fine
        self.last = self.sums  # terms of that step

    @torch.no_grad()
    def add(self, values: dict[str, Tensor], norm: Tensor | None = None) -> None:
        """One more step: its terms, and the norm of its gradient.

        Without a norm the terms are looked at and not summed.
        """
        for name in [name for name in values if name not in self.counts]:
            self.names.append(name)
            self.counts[name] = 0
            self.sums, self.last = (torch.cat([x, x.new_zeros(1)]) for x in (self.sums, self.last))
        terms = torch.stack([values.get(name, self.zero) for name in self.names]).double()
        self.last = torch.where(self.fine, terms, self.last)
        self.norm = torch.where(self.fine, self.zero if norm is None else norm, self.norm)
        self.fine = self.fine & self.last.isfinite().all() & self.norm.isfinite()
        self.fine_steps += self.fine
        self.seen += 1
        if norm is not None:
            self.sums = self.sums + terms
            for name in values:
                self.counts[name] += 1

    def bad_step(self, gather: Callable[[Tensor], Tensor]) -> int | None:
        """The first step that was not fine, None where all were.

        Args:
            gather: from a tensor [1] to those of all processes.
        """
        fine = int(gather(self.fine_steps[None]).min())
        return None if fine == self.seen - self.first else self.first + fine

    def terms(self) -> dict[str, float]:
        """The terms of the last step, or of the first that was not fine."""
        return dict(zip(self.names, self.last.tolist(), strict=True))

    def window(self) -> dict[str, list]:
        """[sum, number of steps] of each term since `restart`."""
        return {
            name: [total, self.counts[name]]
            for name, total in zip(self.names, self.sums.tolist(), strict=True)
            if self.counts[name]
        }

    def restart(self) -> None:
        """Begin new sums."""
        self.sums = torch.zeros_like(self.sums)
        self.counts = dict.fromkeys(self.counts, 0)
