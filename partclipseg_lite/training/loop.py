"""Training with accelerate: one loop for both models, atomic checkpoints, exact resume.

Everything random in step s comes from (seed, s), never from a generator that runs along; so a run
that was killed and taken up again computes the very same numbers as one that was not.
"""

import json
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch.utils.data import DataLoader

from ..datasets.chosen import check_training_pictures
from ..datasets.sample import Sample
from ..files import remove_partials, write_whole
from ..losses.objective import Objective
from ..network.clip_start import start_from_clip
from ..network.models import CLIPSeg, PartCLIPSeg
from ..network.precision import made_in_float32
from ..release.departures import as_read
from ..settings import Settings
from ..vocabulary import Vocabulary
from ..weights.build import build_model
from ..weights.models import load_model, save_model
from ..weights.start import start_from
from ..weights.state import load_trained
from .accelerators import check_together, new_accelerator, tracked
from .bad_batch import save_bad_batch
from .checkpoints import Progress, latest_checkpoint, remove_old
from .examples import StepSampler, TrainingExamples, taught, training_samples
from .objective import LossModule
from .ownership import check_owner, the_only_one
from .phrases import PhraseExamples, PhraseLoss
from .steps import NoNumber, Steps
from .watch import Watch

PREFETCHED = 4  # batches that each worker of the loader holds ready


def poly_schedule(settings: Settings):
    """Factor of the learning rate at a step: linear warm-up, then (1 - step/steps)^power."""
    training = settings.training

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
        return warm * max(0.0, 1 - step / training.steps) ** training.poly_power

    return factor


def new_optimizer(model: PartCLIPSeg | CLIPSeg, settings: Settings) -> torch.optim.AdamW:
    """AdamW over all trained weights, of which it decays those that the reading says."""
    training, grid = settings.training, model.backbone.grid
    decayed = as_read(Objective, settings.reading)(settings.loss, grid).decayed(model)
    spared = [
        weight
        for name, weight in model.named_parameters()
        if weight.requires_grad and name not in decayed
    ]
    groups = [{"params": list(decayed.values())}]
    if spared:
        groups.append({"params": spared, "weight_decay": 0.0})
    return torch.optim.AdamW(groups, lr=training.learning_rate, weight_decay=training.weight_decay)


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


def _train(settings, output, samples, progress, accelerator, vocabulary, model, keep):
    training = settings.training
    if accelerator.is_main_process:
        for folder in (output, output / "checkpoints"):
            remove_partials(folder)
    model.to(accelerator.device)  # before the optimizer, whose moments follow its parameters
    optimizer = new_optimizer(model, settings)
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
        # accelerate would put the optimizer's count of steps on the GPU, too, to be waited for.
        module, optimizer = accelerator.prepare(losses, optimizer, device_placement=[True, False])
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
