"""What a run keeps on the GPU between two lines of its log, so that no step waits for a number."""

import torch
from accelerate import Accelerator
from torch import Tensor


class Watch:
    """Sums of the loss and its terms, and the first step at which they were no numbers.

    `add` computes on the device alone; `bad_step`, `terms` and `window` wait for it, and for all
    processes, whose terms add up.

    Args:
        first: the first step to come.
        window: sums over steps, and their number, since the last line of the log, by name.
    """

    def __init__(self, accelerator: Accelerator, first: int, window: dict[str, tuple[float, int]]):
        self.accelerator, self.first, self.seen = accelerator, first, first
        device, mine = accelerator.device, accelerator.is_main_process
        self.names = list(window)
        sums = [[total if mine else 0.0, steps] for total, steps in window.values()]
        self.sums = torch.tensor(sums, dtype=torch.float64, device=device).view(-1, 2)
        # Columns: the terms, the steps that had them.
        self.last = self.sums[:, 0]  # terms of the last step, or of the first that was not fine
        self.norm = self.zero = torch.zeros((), device=device)  # of the gradient in that step
        self.fine = torch.ones((), dtype=torch.bool, device=device)
        self.fine_steps = torch.zeros((), dtype=torch.int64, device=device)

    @torch.no_grad()
    def add(
        self, values: dict[str, Tensor], had: dict[str, Tensor], norm: Tensor | None = None
    ) -> None:
        """One more step.

        Args:
            values: its terms by name.
            had: for some names, `bool []`: whether there was such a term; default: there was.
            norm: of its gradient; without it the terms are looked at and not summed.
        """
        for name in [name for name in values if name not in self.names]:
            self.names.append(name)
            self.sums = torch.cat([self.sums, self.sums.new_zeros(1, 2)])
            self.last = torch.cat([self.last, self.last.new_zeros(1)])
        terms = torch.stack([values.get(name, self.zero) for name in self.names]).double()
        self.last = torch.where(self.fine, terms, self.last)
        self.norm = torch.where(self.fine, self.zero if norm is None else norm, self.norm)
        self.fine = self.fine & self.last.isfinite().all() & self.norm.isfinite()
        self.fine_steps += self.fine
        self.seen += 1
        if norm is not None:
            one = torch.ones_like(self.zero)
            there = [had.get(n, one) if n in values else self.zero for n in self.names]
            steps = torch.stack([x.to(terms.dtype) for x in there])
            self.sums = self.sums + torch.stack([terms, steps], dim=1)

    def bad_step(self) -> int | None:
        """The first step that was not fine, None where all were."""
        fine = int(self.accelerator.gather(self.fine_steps[None]).min())
        return None if fine == self.seen - self.first else self.first + fine

    def terms(self) -> dict[str, float]:
        """The terms of the last step, or of the first that was not fine."""
        terms = self.accelerator.reduce(self.last.clone(), "sum")
        return dict(zip(self.names, terms.tolist(), strict=True))

    def window(self) -> dict[str, tuple[float, int]]:
        """Sum and number of steps of each term since `restart`."""
        sums = self.accelerator.reduce(self.sums[:, 0].clone(), "sum").tolist()
        steps = self.sums[:, 1].tolist()
        return {
            name: (total, int(count))
            for name, total, count in zip(self.names, sums, steps, strict=True)
            if count
        }

    def restart(self) -> None:
        """Begin new sums."""
        self.sums = torch.zeros_like(self.sums)
