"""Running what the results need: what is there is kept, what is missing is trained and scored.

    run_missing(jobs("toy*"), Path("runs/experiments"), processes=2)

Each training has a folder `EXPERIMENT-seedN`, which one process at a time works in; so several
processes, and several machines that share the folder, take what nobody else has taken. Stopped at
any moment, the same call goes on.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from ..datasets.drawn import DrawnWorld
from ..evaluation.attention import attention_on, measure
from ..evaluation.evaluate import count
from ..network.models import CLIPSeg, PartCLIPSeg
from ..settings import Settings
from ..training.loop import train
from ..weights.locate import SHIPPED
from .launch import KEEP_MEMORY, launch
from .pictures import Pictures
from .plan import Job
from .run import Run

#: Of the pictures that are scored, which no training has seen.
TEST_SEED = 0
#: Pictures a split.
PICTURES = {"test": 600, "shifted": 300, "validation": 200}
#: The first test pictures, in which attention is measured.
LOOKED_AT = 150
#: Seconds of one step of four pictures on one of two idle cores, where no run tells.
SECONDS_A_STEP = 0.4


def is_done(job: Job, work: Path) -> bool:
    """Whether the training was done, with these very settings, and scored on all its splits."""
    try:
        metrics = json.loads((work / job.name / "metrics.json").read_text(encoding="utf-8"))
        # Settings that are younger than the run have their defaults.
        settings = Settings.model_validate(metrics["settings"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    splits = set(job.experiment.splits) if job.experiment.scored else set()
    return settings == job.settings and splits <= set(metrics.get("splits", {}))


def run_job(job: Job, work: Path) -> dict:
    """Train and score one; returns what its `metrics.json` then holds.

    `metrics.json` is that of a `Run`, with "splits" (split -> scores) and "attention" (quantity ->
    mean over objects of the first test pictures; PartCLIPSeg only), and, where processes share the
    training, "seconds_with_set_up", from their start to their end. `SPLIT.npz` holds the
    `PictureCounts` behind the scores.
    """
    settings, folder, more = job.settings, work / job.name, {}
    overrides = {**job.experiment.overrides, "training.seed": job.seed}
    start, processes = settings.model.start, job.experiment.processes
    if start in SHIPPED and (here := work / f"{start}-seed0" / "weights.safetensors").exists():
        overrides["model.start"] = str(here)
        settings = Settings.from_preset(settings.preset, overrides)
    data, phrases = settings.data, settings.data.labels == "phrases"
    if processes > 1 and not torch.cuda.is_available():
        more, in_one_go = {"processes": processes}, not folder.exists()
        if not (folder / "weights.safetensors").exists():
            seconds = launch(settings.preset, overrides, folder, processes)
            more |= {"seconds_with_set_up": seconds} if in_one_go else {}
    samples = None if phrases else Pictures.drawn(work / "pictures", training_world(job))
    model, log = train(settings, folder, samples, progress=False, keep=job.strip)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    splits, attention, run = {}, {}, Run(job.settings, folder, pictures_of(job, "test"))
    if job.experiment.scored:
        for split in job.experiment.splits:
            world = DrawnWorld(split, pictures_of(job, split), data.size, TEST_SEED, "all")
            pictures = Pictures.drawn(work / "pictures", world)
            counted = count(model, pictures, run.vocabulary)
            counted.pictures.save(folder / f"{split}.npz")
            splits[split] = counted.compute()
        attention = attention_summary(model, test_pictures(job, work), job)
    scores = splits.get("test", {})
    return run.record(model, log, scores, splits=splits, attention=attention, **more)


def training_world(job: Job) -> DrawnWorld:
    """The training pictures of a job."""
    data = job.settings.data
    return DrawnWorld("train", data.images, data.size, data.seed, data.objects)


def pictures_of(job: Job, split: str) -> int:
    """On how many pictures of a split a job is scored."""
    return min(PICTURES[split], job.experiment.pictures)


def test_pictures(job: Job, work: Path) -> Pictures:
    """The test pictures of a job."""
    size, images = job.settings.data.size, pictures_of(job, "test")
    return Pictures.drawn(work / "pictures", DrawnWorld("test", images, size, TEST_SEED, "all"))


def attention_summary(model: PartCLIPSeg | CLIPSeg, pictures: Pictures, job: Job) -> dict:
    """Quantity of `measure` -> its mean over the objects with two parts or more, in view."""
    if isinstance(model, CLIPSeg):
        return {}
    loss, vocabulary = job.settings.loss, pictures.vocabulary
    rows: dict[str, list[float]] = {}
    for i in range(min(LOOKED_AT, len(pictures))):
        for look in attention_on(model, pictures[i], vocabulary).values():
            if len(look.masks) > 1:
                for quantity, value in measure(look, loss).items():
                    rows.setdefault(quantity, []).append(value)
    return {quantity: sum(values) / len(values) for quantity, values in rows.items()}


def run_missing(
    chosen: Sequence[Job], work: Path, say: Callable[[str], None] = print, waits: bool = True
) -> None:
    """Run every job that is not done and that no other process works on.

    Args:
        chosen: the jobs, stages that others start from first.
        work: the folder of runs, shared by all who take part.
        say: told what is begun and what came out.
        waits: whether to wait for stages that another process is running.

    Raises:
        RuntimeError: some could not be trained; the others are done all the same.
    """
    work.mkdir(parents=True, exist_ok=True)
    failed = []
    for job in chosen:
        lock = FileLock(work / f".{job.name}.lock")
        try:
            # Others cannot begin before a stage that they start from is done.
            lock.acquire(timeout=-1 if waits and not job.experiment.scored else 0)
        except Timeout:
            continue
        with lock:
            if is_done(job, work):
                continue
            begun = time.time()
            try:
                metrics = run_job(job, work)
            except (ValueError, OSError, FloatingPointError, RuntimeError) as error:
                say(f"{job.name} failed: {error}")
                failed.append(job.name)
                continue
            say(f"{job.name}: {in_words(metrics)}, {time.time() - begun:.0f} s")
    if failed:
        raise RuntimeError(f"{len(failed)} trainings failed: {', '.join(failed)}")


def run_in_processes(pattern: str, work: Path, processes: int) -> None:
    """Several processes of one thread each, which take one job after the other.

    Two of them keep two cores busier than one process of two threads.

    Raises:
        RuntimeError: one of them failed; what is done stays done.
    """
    environment = {**os.environ, **KEEP_MEMORY, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "partclipseg_lite", "experiments", "run", "--only", pattern]
    running = [
        subprocess.Popen([*command, "--work", str(work), "--jobs", "1"], env=environment)
        for _ in range(processes)
    ]
    failed = [process.wait() for process in running]
    if any(failed):
        raise RuntimeError(
            f"{sum(map(bool, failed))} of {processes} processes failed, see above; what is done "
            "is kept, and the same command goes on"
        )


def in_words(metrics: dict) -> str:
    """Scores of a run in one line, seen / unseen / harmonic by setting."""
    scores = metrics["scores"]
    shown = [
        f"{setting} "
        + " / ".join(f"{scores[setting][key]:.1f}" for key in ("seen", "unseen", "harmonic"))
        for setting in ("oracle_obj", "pred_all", "plain")
        if scores and None not in (scores[setting]["seen"], scores[setting]["unseen"])
    ]
    return ", ".join(shown) or "trained"


def seconds_needed(chosen: Sequence[Job], work: Path, processes: int) -> float:
    """An estimate of how long the missing jobs take, by the steps of the runs that are done."""
    missing = [job for job in chosen if not is_done(job, work)]
    done = [job for job in chosen if is_done(job, work)]
    known = [
        json.loads((work / job.name / "metrics.json").read_text(encoding="utf-8")) for job in done
    ]
    steps = sum(m["settings"]["training"]["steps"] for m in known)
    a_step = sum(m["training_seconds"] for m in known) / steps if steps else SECONDS_A_STEP
    return a_step * sum(job.settings.training.steps for job in missing) / processes
