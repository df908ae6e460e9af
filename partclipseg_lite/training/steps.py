"""The steps of a run: forward, backward, update; a line of the log, a checkpoint now and then."""

import itertools
import math
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..settings import Settings
from ..vocabulary import Vocabulary
from ..weights.models import save_model
from .checkpoints import Progress, save_checkpoint
from .examples import taught
from .objective import LossModule
from .phrases import PhraseLoss
from .watch import Watch


class NoNumber(FloatingPointError):
    """The loss or the gradient of a step is infinite or NaN."""

    def __init__(self, step: int, terms: dict[str, float], norm: float):
        self.step, total = step, terms["total"]
        what = f"loss became {total}" if not math.isfinite(total) else f"gradient became {norm}"
        shown = {name: round(term, 4) for name, term in terms.items() if name != "total"}
        super().__init__(f"the {what} at step {step} (terms {shown}); lower training.learning_rate")


@dataclass
class Steps:
    """The loop: forward, backward, update, log, checkpoint.

    Nothing in it waits for the GPU but `look`, before a line of the log and before a checkpoint.
    """

    accelerator: Accelerator
    losses: LossModule | PhraseLoss
    module: torch.nn.Module  # `losses` as accelerate wraps it
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LambdaLR
    settings: Settings
    output: Path
    done: Progress
    watch: Watch
    keep: Sequence[int] = ()

    def run(self, loader: DataLoader, first: int, progress: bool) -> None:
        """The steps `first`, first + 1, ... of the settings.

        The last batch only checks the weights.

        Raises:
            NoNumber: the loss or the gradient is infinite or NaN.
        """
        steps, log = self.settings.training.steps, self.done.log
        begun = time.time() - (log[-1]["seconds"] if log else 0)
        shares, count = iter(loader), self.settings.training.accumulation
        bar = tqdm(
            range(first, steps + 1),
            initial=first,
            total=steps,
            disable=not (progress and self.accelerator.is_main_process),
            desc=f"train {self.settings.preset}",
            mininterval=2,
            file=sys.stdout,
            ncols=100,
        )
        for step in bar:
            if step in self.keep:
                self.keep_weights(step)
            batch = [self.losses.prepare(share) for share in itertools.islice(shares, count)]
            if step == steps:
                self.check(batch)
                self.checkpoint(step)
                break
            self.step(batch)
            if (step + 1) % self.settings.training.log_every == 0 or step + 1 == steps:
                self.write_log(step, begun)
                bar.set_postfix(loss=f"{log[-1]['total']:.4f}", refresh=False)
            if (step + 1) % self.settings.training.checkpoint_every == 0 and step + 1 < steps:
                self.checkpoint(step + 1)

    def keep_weights(self, steps: int) -> None:
        """The weights after so many steps, to be looked at."""
        self.look()
        if self.accelerator.is_main_process:
            (self.output / "strip").mkdir(exist_ok=True)
            path = self.output / "strip" / f"step{steps:06d}.safetensors"
            words = taught(Vocabulary.load(self.settings.vocabulary), self.settings)
            save_model(path, self.losses.model, self.settings, words, {"step": steps}, half=True)

    def step(self, batch: list[dict]) -> None:
        """One update, from the shares of a batch that fall to this process."""
        whole, met = self.counts(batch), []
        self.optimizer.zero_grad()
        for share in batch:
            wait = (
                self.accelerator.no_sync(self.module) if share is not batch[-1] else nullcontext()
            )
            with wait:
                loss, terms = self.module(share, whole)
                # Gradients are averaged over the processes, and their shares have to be added.
                self.accelerator.backward(loss * self.accelerator.num_processes)
            met.append({"total": loss.detach(), **terms})
        norm = self.accelerator.clip_grad_norm_(
            self.module.parameters(), self.settings.training.clip_norm
        )
        self.optimizer.step()
        self.schedule.step()
        self.watch.add(*self.summed(met, whole), norm)

    @torch.no_grad()
    def check(self, batch: list[dict]) -> None:
        """The loss after the last update has to be a number, too."""
        whole, met = self.counts(batch), []
        for share in batch:
            loss, terms = self.module(share, whole)
            met.append({"total": loss, **terms})
        self.watch.add(*self.summed(met, whole))

    @torch.no_grad()
    def counts(self, batch: list[dict]) -> dict[str, Tensor] | None:
        """What the means of the whole batch are over, of all its shares in all processes.

        None where there is one share.
        """
        if len(batch) * self.accelerator.num_processes == 1:
            return None
        counts = [self.losses.counts(share) for share in batch]
        names = list(counts[0])
        each = torch.stack([torch.stack([count[name] for name in names]) for count in counts])
        return dict(zip(names, self.accelerator.reduce(each.sum(0), "sum"), strict=True))

    @torch.no_grad()
    def summed(self, met: list[dict], whole: dict[str, Tensor] | None) -> tuple[dict, dict]:
        """The terms of all shares added up, and those that only a batch with objects has.

        Without objects in its own share, a process learns from the counts whether others had some.
        """
        had = {}
        if whole is not None and self.losses.controlled:
            had = dict.fromkeys(("separation", "enhancement"), whole["objects"] > 0)
        names = dict.fromkeys([*met[0], *had, *itertools.chain(*met)])
        none = torch.zeros_like(met[0]["total"])
        return {name: sum(terms.get(name, none) for terms in met) for name in names}, had

    def look(self) -> None:
        """Wait for all steps so far; `NoNumber` if one of them went wrong."""
        step = self.watch.bad_step()
        if step is not None:
            raise NoNumber(step, self.watch.terms(), float(self.watch.norm))

    def write_log(self, step: int, begun: float) -> None:
        """One entry of the log: the means since the last one."""
        self.look()
        means = {name: total / count for name, (total, count) in self.watch.window().items()}
        seconds = round(time.time() - begun, 1)
        self.done.log.append({"step": step + 1, "seconds": seconds, **means})
        rate = {"learning_rate": self.schedule.get_last_lr()[0]}
        self.accelerator.log({**means, **rate}, step=step + 1)
        self.watch.restart()

    def checkpoint(self, steps: int) -> None:
        """What is needed to go on after so many steps."""
        self.look()
        self.done.window = self.watch.window()
        if self.accelerator.is_main_process:
            save_checkpoint(
                self.output / "checkpoints",
                steps,
                self.losses.model,
                self.optimizer,
                self.schedule,
                self.done,
                self.settings,
            )
