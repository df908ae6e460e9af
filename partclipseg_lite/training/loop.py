"""Training with accelerate: one loop for both models, atomic checkpoints, exact resume.

Everything random in step s comes from (seed, s), never from a generator that runs along; so a run
that was killed and taken up again computes the very same numbers as one that was not.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch.utils.data import DataLoader
from tqdm import tqdm

from ..datasets.sample import Sample
from ..files import write_whole
from ..network.clip_start import start_from_clip
from ..network.models import CLIPSeg, PartCLIPSeg
from ..network.precision import made_in_float32
from ..settings import Settings
from ..vocabulary import Vocabulary
from ..weights.build import build_model
from ..weights.models import save_model
from ..weights.state import load_trained
from .checkpoints import latest_checkpoint, save_checkpoint
from .examples import StepSampler, TrainingExamples, training_samples
from .objective import LossModule


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
) -> tuple[PartCLIPSeg | CLIPSeg, list[dict]]:
    """Train (or take up) the run in folder `output`; returns (model in eval mode, log of mean losses).

    Writes settings.json, checkpoints/, log.json and weights.safetensors. Calling it again after the
    end returns at once.
    """
    output, training = Path(output), settings.training
    if samples is None and settings.vocabulary != settings.data.name:
        raise ValueError(
            f"vocabulary {settings.vocabulary!r} does not fit the pictures of "
            f"{settings.data.name!r}: so far a "
            "preset can only train the drawn world; for other pictures call train(..., "
            "samples=...)"
        )
    native = (
        torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8
    )  # older cards only emulate it
    bf16 = training.precision == "bf16" or (training.precision == "auto" and native)
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(), mixed_precision="bf16" if bf16 else "no"
    )
    vocabulary = Vocabulary.load(settings.vocabulary)
    torch.manual_seed(training.seed)
    model = build_model(settings)
    if settings.model.start_from_clip:
        start_from_clip(model)
    model.decoder.recompute = training.recompute
    resumed = latest_checkpoint(output / "checkpoints", settings, model.backbone.clip)
    log: list[dict] = []
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(
        trained, lr=training.learning_rate, weight_decay=training.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, poly_schedule(settings))
    first = 0
    if resumed:
        state, log = resumed
        load_trained(model, state["model"], output / "checkpoints")
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
    output.mkdir(
        parents=True, exist_ok=True
    )  # only now: settings that cannot be built leave nothing behind
    if accelerator.is_main_process:
        write_whole(
            output / "settings.json", json.dumps(settings.model_dump(mode="json"), indent=1)
        )
    if first < training.steps:
        examples = TrainingExamples(
            training_samples(settings) if samples is None else samples, vocabulary, settings
        )
        # accelerate would hand whole batches to the processes in turn, and each would take only its
        # share of the steps.
        share = StepSampler(
            first,
            training.steps,
            training.batch_size,
            accelerator.process_index,
            accelerator.num_processes,
        )
        loader = DataLoader(examples, batch_sampler=share, num_workers=training.workers)
        module, optimizer = accelerator.prepare(
            LossModule(model.to(accelerator.device), vocabulary, settings), optimizer
        )
        module.train()
        _loop(
            accelerator,
            module,
            model,
            optimizer,
            schedule,
            loader,
            first,
            settings,
            output,
            log,
            progress,
        )
        model = accelerator.unwrap_model(module).model
    if accelerator.is_main_process:
        save_model(
            output / "weights.safetensors",
            model,
            settings,
            vocabulary.seen_only(),
            extra={"log": log[-1:]},
        )
        write_whole(output / "log.json", json.dumps(log))
    return model.eval(), log


def _loop(
    accelerator, module, model, optimizer, schedule, loader, first, settings, output, log, progress
) -> None:
    training, begun = settings.training, time.time() - (log[-1]["seconds"] if log else 0)
    window: dict[str, list[float]] = {}
    bar = tqdm(
        loader,
        initial=first,
        total=training.steps,
        disable=not (progress and accelerator.is_main_process),
        desc=f"train {settings.preset}",
        mininterval=2,
        file=sys.stdout,
        ncols=100,
    )
    for step, batch in enumerate(bar, start=first):
        loss, terms = module(send_to_device(batch, accelerator.device), step)
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss became {loss.item()} at step {step} (terms "
                f"{ {k: round(v.item(), 4) for k, v in terms.items()} }); lower "
                "training.learning_rate"
            )
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(module.parameters(), training.clip_norm)
        optimizer.step()
        schedule.step()
        for name, term in {"total": loss, **terms}.items():
            window.setdefault(name, []).append(term.item())
        if (step + 1) % training.log_every == 0 or step + 1 == training.steps:
            log.append(
                {
                    "step": step + 1,
                    "seconds": round(time.time() - begun, 1),
                    **{name: sum(values) / len(values) for name, values in window.items()},
                }
            )
            bar.set_postfix(loss=f"{log[-1]['total']:.4f}", refresh=False)
            window = {}
        if accelerator.is_main_process and (
            (step + 1) % training.checkpoint_every == 0 or step + 1 == training.steps
        ):
            save_checkpoint(
                output / "checkpoints", step + 1, model, optimizer, schedule, log, settings
            )
