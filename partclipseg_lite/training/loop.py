"""Training with accelerate: one loop for both models, atomic checkpoints, exact resume.

Everything random in step s comes from (seed, s), never from a generator that runs along; so a run
that was killed and taken up again computes the very same numbers as one that was not.
"""

import itertools
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from accelerate.utils import (
    DistributedDataParallelKwargs,
    ProjectConfiguration,
    is_tensorboard_available,
)
from filelock import FileLock, Timeout
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..datasets.chosen import check_training_pictures
from ..datasets.sample import Sample
from ..files import remove_partials, write_whole
from ..network.clip_start import start_from_clip
from ..network.models import CLIPSeg, PartCLIPSeg
from ..network.precision import made_in_float32
from ..settings import Settings
from ..vocabulary import Vocabulary
from ..weights.build import build_model
from ..weights.files import read_tensors
from ..weights.models import load_model, save_model
from ..weights.start import start_from
from ..weights.state import load_trained
from .bad_batch import save_bad_batch
from .checkpoints import Progress, latest_checkpoint, remove_old, save_checkpoint
from .examples import StepSampler, TrainingExamples, taught, training_samples
from .objective import LossModule
from .phrases import PhraseExamples, PhraseLoss
from .watch import Watch

PREFETCHED = 4  # batches that each worker of the loader holds ready


def poly_schedule(settings: Settings):
    """Factor of the learning rate at a step: linear warm-up, then (1 - step/steps)^power."""
    training = settings.training

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
        return warm * max(0.0, 1 - step / training.steps) ** training.poly_power

    return factor


@made_in_float32()
def train(
    settings: Settings,
    output: str | Path,
    samples: Sequence[Sample] | None = None,
    progress: bool = True,
    keep: Sequence[int] = (),
) -> tuple[PartCLIPSeg | CLIPSeg, list[dict]]:
    """Train (or take up) the run in folder `output`: (model in eval mode, log of mean losses).

    Writes settings.json, checkpoints/, log.json and weights.safetensors. Calling it again after the
    end returns at once. The weights after each of the steps `keep` are kept in strip/, in half
    precision.

    Raises:
        ValueError: the folder holds a run of other settings, or another process trains in it; the
            settings cannot be built; their pictures do not fit.
        FileNotFoundError: there is no folder of pictures; how to prepare it is said.
        FloatingPointError: the loss or a weight became infinite or NaN.
    """
    output = Path(output)
    if samples is None:
        check_training_pictures(settings)
    check_owner(output, settings)
    training = settings.training
    accelerator = new_accelerator(training.precision, training.tracker, output)
    vocabulary = Vocabulary.load(settings.vocabulary)
    model = starting_model(settings)
    model.decoder.recompute = settings.training.recompute
    output.mkdir(parents=True, exist_ok=True)  # settings that cannot be built leave nothing behind
    with the_only_one(output, accelerator.is_main_process):
        return _train(settings, output, samples, progress, accelerator, vocabulary, model, keep)


def starting_model(settings: Settings) -> PartCLIPSeg | CLIPSeg:
    """The model as it is before the first step: what training with these settings begins with."""
    torch.manual_seed(settings.training.seed)
    model = build_model(settings)
    if settings.model.start_from_clip:
        start_from_clip(model)
    if settings.model.start:
        start_from(model, settings.model.start)
    return model


def check_owner(output: Path, settings: Settings) -> None:
    """Raise a `ValueError` if `output` holds, or may hold, a run of other settings than these.

    Its settings.json and the settings in its weights count, whatever became of its checkpoints.
    """
    written, weights = output / "settings.json", output / "weights.safetensors"
    remedy = f"choose another output folder, or delete {output} to start anew"
    if written.exists():
        try:
            theirs = Settings.model_validate_json(written.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{written} cannot be read as settings ({str(error).splitlines()[0]}); {remedy}"
            ) from error
        if theirs.hash() != settings.hash():
            raise ValueError(
                f"{output} holds a run of other settings ({differences(theirs, settings)}); "
                f"{remedy}"
            )
    elif weights.exists():
        _, metadata = read_tensors(weights)
        if metadata.get("settings_hash") != settings.hash():
            raise ValueError(f"{weights} was trained with other settings; {remedy}")


def differences(theirs: Settings, mine: Settings) -> str:
    """The settings that differ, "training.steps: 100 there, 200 here", three at most."""
    flat = [
        {
            f"{group}.{key}" if isinstance(values, dict) else group: value
            for group, values in settings.model_dump(mode="json").items()
            for key, value in (values.items() if isinstance(values, dict) else [("", values)])
        }
        for settings in (theirs, mine)
    ]
    different = [
        f"{k}: {v} there, {flat[1][k]} here" for k, v in flat[0].items() if v != flat[1][k]
    ]
    return "; ".join(different[:3]) + (f"; {len(different) - 3} more" if different[3:] else "")


def new_accelerator(
    precision: str, tracker: str | None = None, folder: Path | None = None
) -> Accelerator:
    """An accelerator of this run's own, whatever an earlier one or the environment has set.

    accelerate keeps its state for the whole process and takes advice from ACCELERATE_... variables;
    a run must end at the weights that its settings say.

    Args:
        precision: of the settings.
        tracker: "tensorboard", or None.
        folder: where it writes, in a folder of its name.

    Raises:
        ValueError: the tracker's package is not installed.
    """
    if tracker and not is_tensorboard_available():  # accelerate would go on without a word
        raise ValueError(
            f"training.tracker={tracker!r} needs a package that is not installed: pip install "
            f"{tracker}, or set training.tracker=null"
        )
    native = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8
    bf16 = precision == "bf16" or (precision == "auto" and native)  # older cards only emulate it
    kept = {name: value for name, value in os.environ.items() if name.startswith("ACCELERATE_")}
    for name in kept:
        del os.environ[name]
    try:
        AcceleratorState._reset_state(reset_partial_state=True)
        GradientState._reset_state()
        return Accelerator(
            cpu=not torch.cuda.is_available(),
            mixed_precision="bf16" if bf16 else "no",
            log_with=tracker,
            project_config=ProjectConfiguration(logging_dir=tracker and str(folder / tracker)),
            kwargs_handlers=[DistributedDataParallelKwargs(gradient_as_bucket_view=True)],
        )
    finally:
        os.environ.update(kept)


@contextmanager
def the_only_one(output: Path, main_process: bool) -> Iterator[None]:
    """Hold the lock of a run's folder; a `ValueError` says that another process holds it."""
    if not main_process:
        yield
        return
    lock = FileLock(output / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another process is training in {output}; wait for it, or choose another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()


def check_together(accelerator: Accelerator, first: int, output: Path) -> None:
    """Raise a `ValueError` if the processes would not begin with the same step."""
    begins = torch.tensor([first], device=accelerator.device)
    found = sorted(set(accelerator.gather(begins).tolist()))
    if len(found) > 1:
        raise ValueError(
            f"the processes of this run would begin with different steps {found}; let all of them "
            f"see the same folder {output}"
        )


@contextmanager
def tracked(accelerator: Accelerator, settings: Settings, first: int) -> Iterator[None]:
    """The settings' tracker, open; what it was told of steps after `first`, it forgets."""
    forget = {"tensorboard": {"purge_step": first + 1}}
    accelerator.init_trackers(settings.preset, init_kwargs=forget)
    try:
        yield
    finally:
        for tracker in accelerator.trackers:
            tracker.finish()


def _train(settings, output, samples, progress, accelerator, vocabulary, model, keep):
    training = settings.training
    if accelerator.is_main_process:
        for folder in (output, output / "checkpoints"):
            remove_partials(folder)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, poly_schedule(settings))
    resumed = latest_checkpoint(output / "checkpoints", settings, model.backbone.clip)
    if resumed is None and (output / "weights.safetensors").is_file():  # checkpoints were deleted
        finished, *_ = load_model(output)
        return finished, _log_in(output)
    first, done = 0, Progress()
    if resumed:
        state, done = resumed
        load_trained(model, state["model"], output / "checkpoints")
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
    check_together(accelerator, first, output)
    if accelerator.is_main_process:
        write_whole(
            output / "settings.json", json.dumps(settings.model_dump(mode="json"), indent=1)
        )
    if first < training.steps:
        model.to(accelerator.device)
        samples = training_samples(settings) if samples is None else samples
        examples, losses = what_is_taught(model, samples, vocabulary, settings)
        # accelerate would hand whole batches to the processes in turn, and each would take only its
        # share of the steps. One more batch than there are steps: the last update is looked at too.
        share = StepSampler(
            first,
            training.steps + 1,
            training.batch_size,
            accelerator.process_index,
            accelerator.num_processes,
            training.accumulation,
        )
        loader = DataLoader(
            examples,
            batch_sampler=share,
            num_workers=training.workers,
            pin_memory=accelerator.device.type == "cuda",
            persistent_workers=training.workers > 0,
            prefetch_factor=PREFETCHED if training.workers else None,
        )
        module, optimizer = accelerator.prepare(losses, optimizer)
        module.train()
        # Of the mask head's last layer, about a dimension of size 1: nothing is lost by it.
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
        watch = Watch(accelerator, first, done.window)
        steps = Steps(
            accelerator, losses, module, optimizer, schedule, settings, output, done, watch, keep
        )
        with tracked(accelerator, settings, first):
            try:
                steps.run(loader, first, progress)
            except NoNumber as fault:
                where = kept(output, examples, fault.step, training.batch_size, accelerator)
                raise FloatingPointError(f"{fault}; {where}") from None
    if accelerator.is_main_process:
        save_model(
            output / "weights.safetensors",
            model,
            settings,
            taught(vocabulary, settings) if settings.data.labels == "parts" else None,
            extra={"log": done.log[-1:]},
        )
        write_whole(output / "log.json", json.dumps(done.log))
        remove_old(output / "checkpoints")  # one may be left of a process that was killed
    accelerator.wait_for_everyone()  # what comes next may read the weights
    return model.eval(), done.log


def what_is_taught(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    settings: Settings,
) -> tuple[TrainingExamples, LossModule] | tuple[PhraseExamples, PhraseLoss]:
    """The examples of the settings' kind of labels, and the loss that reads them."""
    if settings.data.labels == "parts":
        examples = TrainingExamples(samples, vocabulary, settings)
        return examples, LossModule(model, vocabulary, settings)
    examples = PhraseExamples(samples, settings)
    return examples, PhraseLoss(model, examples.phrases, settings)


def kept(
    output: Path,
    examples: TrainingExamples | PhraseExamples,
    step: int,
    size: int,
    accelerator: Accelerator,
) -> str:
    """Save the batch of `step`, and say where it lies, or why it does not."""
    if not accelerator.is_main_process:
        return "the main process keeps the batch"
    try:
        return f"its batch is in {save_bad_batch(output, examples, step, size)}"
    except OSError as error:
        return f"its batch could not be saved ({error})"


def _log_in(output: Path) -> list[dict]:
    """The log of a finished run; a `ValueError` says that it is missing or damaged."""
    path = output / "log.json"
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(log, list) or not all(isinstance(entry, dict) for entry in log):
            raise ValueError("expected a list of entries")
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} cannot be read ({error}); the weights beside it are whole: use them as they "
            f"are, or delete {output} to start anew"
        ) from error
    return log


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
