"""Training with accelerate: one loop for both models, atomic checkpoints, exact resume.

Everything random in step s comes from (seed, s), never from a generator that runs along; so a run that was killed and
taken up again computes the very same numbers as one that was not.
"""
import json
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from . import attention_control
from .datasets.drawn import DrawnWorld
from .datasets.sample import IGNORE, Sample
from .files import write_whole
from .losses import LEFT_OUT, Targets, dice_loss, make_targets, mask_losses
from .model import CLIPSeg, PartCLIPSeg, start_from_clip
from .prompts import PromptSampler, WordBank
from .reading import PAPER, Reading
from .settings import LossSettings, Settings
from .vocabulary import Vocabulary
from .weights import build_model, fingerprint, load_trained, save_model, trained_state


class TrainingExamples(Dataset):
    """Samples as the network wants them: item (step, place in batch) -> tensors, drawn from (seed, step, place) alone."""

    def __init__(self, samples: Sequence[Sample], vocabulary: Vocabulary, settings: Settings):
        seen, training = vocabulary.seen_only(), settings.training
        self.samples, self.seed, self.size = samples, training.seed, settings.model.image_size
        self.prompts = PromptSampler(seen, training.parts_per_image, training.objects_per_image,
                                     training.object_parts_per_image)
        # Labels of the full vocabulary -> labels of the seen one; the extra last entry serves IGNORE = -1.
        self.part_label = np.full(len(vocabulary) + 1, IGNORE)
        self.part_label[seen.ids.numpy()] = np.arange(len(seen))
        # Novel objects (none are drawn for training) are marked, to be left out or taught as background.
        self.object_label = np.full(len(vocabulary.objects) + 1, LEFT_OUT)
        self.object_label[-1] = IGNORE
        self.object_label[seen.object_ids.numpy()] = np.arange(len(seen.objects))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, *place])
        sample = self.samples[int(rng.integers(len(self.samples)))]
        if sample.image.shape[:2] != (self.size, self.size):
            sample = sample.resized(self.size)
        step = -1 if rng.random() < 0.5 else 1                                    # mirrored or not
        object_map = self.object_label[sample.object_map[:, ::step]]
        part_map = self.part_label[sample.part_map[:, ::step]]
        present = lambda labels: np.setdiff1d(labels, [IGNORE, LEFT_OUT])  # noqa: E731
        prompts = self.prompts(present(object_map), present(part_map), rng)
        jitter = np.concatenate([rng.uniform(0.85, 1.15, 1), rng.uniform(-0.15, 0.15, 3)]).astype(np.float32)
        return {"image": np.ascontiguousarray(sample.image[:, ::step].transpose(2, 0, 1)), "object_map": object_map,
                "part_map": part_map, "jitter": jitter, **vars(prompts)}


class StepSampler:
    """Batches of places (step, 0..B-1) for the steps that are still to do; of several processes each takes its share.

    A batch is the same set of examples however many processes share it.
    """

    def __init__(self, first: int, last: int, batch_size: int, process: int = 0, processes: int = 1):
        if batch_size % processes:
            raise ValueError(f"a batch of {batch_size} cannot be shared by {processes} processes; choose "
                             f"training.batch_size as a multiple of {processes}")
        self.first, self.last, self.places = first, last, range(process, batch_size, processes)

    def __len__(self) -> int:
        return self.last - self.first

    def __iter__(self):
        for step in range(self.first, self.last):
            yield [(step, place) for place in self.places]


def total_loss(model: PartCLIPSeg | CLIPSeg, activations: list[Tensor], words, targets: Targets, grid: int,
               loss: LossSettings, reading: Reading = PAPER) -> tuple[Tensor, dict[str, Tensor]]:
    """Eq. 10 for one batch: (the sum to minimise, its unweighted terms). One forward serves masks and attention."""
    plan = None
    if isinstance(model, PartCLIPSeg) and (loss.separation_weight or loss.enhancement_weight):
        plan = attention_control.plan_batch(targets, words, grid, reading)
    output = model(activations, words, plan and plan.tap)
    terms = mask_losses(output, targets, loss.background_weight, reading)
    weights = {"object_part": 1.0, "part": loss.part_weight, "object": loss.object_weight, "dice": loss.dice_weight,
               "separation": loss.separation_weight, "enhancement": loss.enhancement_weight}
    if loss.dice_weight:
        terms["dice"] = dice_loss(output, targets)
    if plan is not None:
        temperature = loss.temperature if loss.separation == "soft" else None
        with torch.autocast(plan.area.device.type, enabled=False):     # maps meet a threshold: in full precision
            maps = attention_control.object_part_maps(plan, reading)
            terms["separation"] = attention_control.separation_loss(maps, plan, grid, loss.gamma, temperature, reading)
            terms["enhancement"] = attention_control.enhancement_loss(maps, plan, reading)
    total = sum(weights[name] * term for name, term in terms.items())
    if reading.empty_background == "lose_step" and not bool(targets.background.any()):
        total = total * 0                                # as released: NaN from an empty mean, then replaced by 0
    return total, terms


class LossModule(nn.Module):
    """The model behind one `forward(batch) -> loss`, which is what accelerate can wrap for several devices."""

    def __init__(self, model: PartCLIPSeg | CLIPSeg, vocabulary: Vocabulary, settings: Settings):
        super().__init__()
        self.model, self.settings = model, settings
        self.seen = vocabulary.seen_only()
        self.bank = WordBank(model, self.seen, settings.training.vary_words)

    def forward(self, batch: dict[str, Tensor], step: int) -> tuple[Tensor, dict[str, Tensor]]:
        backbone = self.model.backbone
        reading, image = self.settings.reading, batch["image"]
        pixels = backbone.preprocess(image.flip(1) if reading.channels == "bgr" else image)
        pixels = pixels * batch["jitter"][:, :1, None, None] + batch["jitter"][:, 1:, None, None]
        words = self.bank.conditions(batch, np.random.default_rng([self.settings.training.seed, step, 2**31]))
        targets = make_targets(batch["object_map"], batch["part_map"], self.seen.part_of, batch["object_part_ids"],
                               batch["part_ids"], batch["object_ids"], batch["valid"], reading)
        return total_loss(self.model, backbone.activations(pixels), words, targets, backbone.grid, self.settings.loss,
                          reading)


def poly_schedule(settings: Settings):
    """Factor of the learning rate at a step: linear warm-up, then (1 - step/steps)^power."""
    training = settings.training

    def factor(step: int) -> float:
        warm = min(1.0, (step + 1) / max(1, training.warmup_steps))
        return warm * max(0.0, 1 - step / training.steps) ** training.poly_power
    return factor


def save_checkpoint(folder: Path, step: int, model: nn.Module, optimizer, schedule, log: list[dict], settings: Settings):
    """Write `folder/step_N` whole or not at all, then drop older ones."""
    partial, final = folder / f".step_{step:07d}.partial", folder / f"step_{step:07d}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        torch.save({"model": trained_state(model), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
                    "step": step, "settings_hash": settings.hash(), "backbone": fingerprint(model.backbone.clip)},
                   partial / "state.pt")
        (partial / "log.json").write_text(json.dumps(log))      # inside a folder that is moved as a whole
        partial.replace(final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    for old in sorted(folder.glob("step_*"))[:-1]:
        shutil.rmtree(old)


def latest_checkpoint(folder: Path, settings: Settings, backbone: nn.Module) -> tuple[dict, list[dict]] | None:
    """(state, log) of the newest whole checkpoint, or None. `ValueError` if it belongs to other settings or another CLIP."""
    found = sorted(folder.glob("step_*"))
    if not found:
        return None
    state = torch.load(found[-1] / "state.pt", map_location="cpu", weights_only=True)
    for key, mine, what in (("settings_hash", settings.hash(), "other settings"),
                            ("backbone", fingerprint(backbone), "another CLIP")):
        if state[key] != mine:
            raise ValueError(f"{found[-1]} was written with {what} than this run's; choose another output folder, or "
                             f"delete {folder} to start anew")
    return state, json.loads((found[-1] / "log.json").read_text())


def training_samples(settings: Settings) -> Sequence[Sample]:
    """The drawn training pictures, rendered once (both cores) and kept in memory."""
    world = DrawnWorld("train", images=settings.data.images, size=settings.data.size, seed=settings.data.seed)
    return world.render_all(workers=2 if settings.data.images >= 200 else 1)


def train(settings: Settings, output: str | Path, samples: Sequence[Sample] | None = None, progress: bool = True,
          ) -> tuple[PartCLIPSeg | CLIPSeg, list[dict]]:
    """Train (or take up) the run in folder `output`; returns (model in eval mode, log of mean losses).

    Writes settings.json, checkpoints/, log.json and weights.safetensors. Calling it again after the end returns at once.
    """
    output, training = Path(output), settings.training
    if samples is None and settings.vocabulary != settings.data.name:
        raise ValueError(f"vocabulary {settings.vocabulary!r} does not fit the pictures of {settings.data.name!r}: so far a "
                         f"preset can only train the drawn world; for other pictures call train(..., samples=...)")
    native = torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8     # older cards only emulate it
    bf16 = training.precision == "bf16" or (training.precision == "auto" and native)
    accelerator = Accelerator(cpu=not torch.cuda.is_available(), mixed_precision="bf16" if bf16 else "no")
    vocabulary = Vocabulary.load(settings.vocabulary)
    torch.manual_seed(training.seed)
    model = build_model(settings)
    if settings.model.start_from_clip:
        start_from_clip(model)
    model.decoder.recompute = training.recompute
    resumed = latest_checkpoint(output / "checkpoints", settings, model.backbone.clip)
    log: list[dict] = []
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=training.learning_rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, poly_schedule(settings))
    first = 0
    if resumed:
        state, log = resumed
        load_trained(model, state["model"], output / "checkpoints")
        optimizer.load_state_dict(state["optimizer"])
        schedule.load_state_dict(state["schedule"])
        first = state["step"]
    output.mkdir(parents=True, exist_ok=True)            # only now: settings that cannot be built leave nothing behind
    if accelerator.is_main_process:
        write_whole(output / "settings.json", json.dumps(settings.model_dump(mode="json"), indent=1))
    if first < training.steps:
        examples = TrainingExamples(training_samples(settings) if samples is None else samples, vocabulary, settings)
        # accelerate would hand whole batches to the processes in turn, and each would take only its share of the steps.
        share = StepSampler(first, training.steps, training.batch_size, accelerator.process_index, accelerator.num_processes)
        loader = DataLoader(examples, batch_sampler=share, num_workers=training.workers)
        module, optimizer = accelerator.prepare(LossModule(model.to(accelerator.device), vocabulary, settings), optimizer)
        module.train()
        _loop(accelerator, module, model, optimizer, schedule, loader, first, settings, output, log, progress)
        model = accelerator.unwrap_model(module).model
    if accelerator.is_main_process:
        save_model(output / "weights.safetensors", model, settings, vocabulary.seen_only(), extra={"log": log[-1:]})
        write_whole(output / "log.json", json.dumps(log))
    return model.eval(), log


def _loop(accelerator, module, model, optimizer, schedule, loader, first, settings, output, log, progress) -> None:
    training, begun = settings.training, time.time() - (log[-1]["seconds"] if log else 0)
    window: dict[str, list[float]] = {}
    bar = tqdm(loader, initial=first, total=training.steps, disable=not (progress and accelerator.is_main_process),
               desc=f"train {settings.preset}", mininterval=2, file=sys.stdout, ncols=100)
    for step, batch in enumerate(bar, start=first):
        loss, terms = module(send_to_device(batch, accelerator.device), step)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss became {loss.item()} at step {step} (terms "
                                     f"{ {k: round(v.item(), 4) for k, v in terms.items()} }); lower training.learning_rate")
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(module.parameters(), training.clip_norm)
        optimizer.step()
        schedule.step()
        for name, term in {"total": loss, **terms}.items():
            window.setdefault(name, []).append(term.item())
        if (step + 1) % training.log_every == 0 or step + 1 == training.steps:
            log.append({"step": step + 1, "seconds": round(time.time() - begun, 1),
                        **{name: sum(values) / len(values) for name, values in window.items()}})
            bar.set_postfix(loss=f"{log[-1]['total']:.4f}", refresh=False)
            window = {}
        if accelerator.is_main_process and ((step + 1) % training.checkpoint_every == 0 or step + 1 == training.steps):
            save_checkpoint(output / "checkpoints", step + 1, model, optimizer, schedule, log, settings)
