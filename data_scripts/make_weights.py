"""Remake every weight file that ships, and the measured scores: the work of `make weights`.

    python data_scripts/make_weights.py                  everything
    python data_scripts/make_weights.py --collect        only gather finished runs (--help for more)

Takes an estimated three hours on two cores; stopped at any moment, the same command goes on.

1. The tiny CLIP. 2. For each training seed PartCLIPSeg, PartCLIPSeg without attention control, and
the CLIPSeg baseline, on the same pictures for the same steps. 3. Scores of each on the test split.
4. Seed 0 becomes the shipped weights, and `partclipseg_lite/data/records/toy.json` the record that
the book reads.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import torch

from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.sample import Sample
from partclipseg_lite.evaluation.evaluate import evaluate
from partclipseg_lite.experiments.collect import collect
from partclipseg_lite.experiments.records import write_record
from partclipseg_lite.files import write_whole
from partclipseg_lite.settings import Settings, parse_overrides
from partclipseg_lite.training.loop import train
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.locate import shipped_path
from partclipseg_lite.weights.models import load_model, save_model
from partclipseg_lite.weights.tiny_clip import load_toy_clip, toy_clip_path

ROOT = Path(__file__).resolve().parents[1]
PRESETS = ("toy", "toy_no_attention_control", "toy_clipseg")
TEST_SEED, TEST_PICTURES = 0, {"test": 300, "shifted": 150}


class Pictures:
    """Rendered samples in arrays that were written once; every training process maps them."""

    def __init__(self, folder: Path):
        self.images, self.object_maps, self.part_maps = (
            np.load(folder / f"{name}.npy", mmap_mode="r")
            for name in ("images", "object_maps", "part_maps")
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> Sample:
        object_map, part_map = (
            self.object_maps[i].astype(np.int64),
            self.part_maps[i].astype(np.int64),
        )
        return Sample(np.array(self.images[i]), object_map, part_map, str(i))


def draw(folder: Path, world: DrawnWorld) -> None:
    """Render `world` into `folder` unless it is there already."""
    if (folder / "done").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rendered = world.render_all(workers=2)
    for name in ("images", "object_maps", "part_maps"):
        np.save(folder / f"{name}.npy", getattr(rendered, name))
    (folder / "done").touch()


def train_clip(finished: Path, minutes: float | None) -> None:
    """Train the tiny CLIP unless `finished` is there, then ship it in place of the one before."""
    if not finished.exists():
        finished.parent.mkdir(parents=True, exist_ok=True)
        training = finished.with_name("toy_clip_in_training.safetensors")
        subprocess.run(
            [
                sys.executable,
                ROOT / "data_scripts" / "train_toy_clip.py",
                "--out",
                training,
                *(["--minutes", str(minutes)] if minutes else []),
            ],
            check=True,
        )
        training.replace(finished)
    shutil.copyfile(finished, toy_clip_path())


def one_run(preset: str, seed: int, work: Path, overrides: dict) -> None:
    """Train and score one model in this process; a finished one is left alone."""
    torch.set_num_threads(1)
    output = work / f"{preset}-seed{seed}"
    settings = Settings.from_preset(preset, {**overrides, "training.seed": seed})
    train(settings, output, samples=Pictures(work / "pictures" / "train"), progress=False)
    for split in ("test", "shifted"):
        scores = output / f"{split}.json"
        if not scores.exists():
            model, _, _, _ = load_model(output)
            result = evaluate(model, Pictures(work / "pictures" / split), Vocabulary.load("drawn"))
            write_whole(scores, json.dumps(result))
            shown = {}
            for setting in ("oracle_obj", "pred_all", "plain"):
                found = [result[setting][key] for key in ("seen", "unseen", "harmonic")]
                shown[setting] = [None if score is None else round(score, 1) for score in found]
            print(preset, seed, split, shown, flush=True)


def main() -> None:
    """Read the command line and do what is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "runs" / "weights", help="folder for runs and pictures"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--presets", nargs="+", default=list(PRESETS), choices=PRESETS)
    parser.add_argument("--set", nargs="*", default=[], dest="assignments", metavar="key=value")
    parser.add_argument(
        "--clip-minutes",
        type=float,
        help="in place of its usual steps; 0 keeps the shipped tiny CLIP",
    )
    parser.add_argument("--one", nargs=2, metavar=("PRESET", "SEED"), help=argparse.SUPPRESS)
    parser.add_argument(
        "--collect", action="store_true", help="only gather finished runs into weights and results"
    )
    args = parser.parse_args()
    overrides = parse_overrides(args.assignments)
    if args.one:
        one_run(args.one[0], int(args.one[1]), args.work, overrides)
        return
    begun = time.time()
    if not args.collect:
        print(
            "This takes an estimated three hours on two CPU cores; it can be taken up again.",
            flush=True,
        )
        if args.clip_minutes != 0:
            train_clip(args.work / "toy_clip.safetensors", args.clip_minutes)
        data = Settings.from_preset("toy", overrides).data
        draw(
            args.work / "pictures" / "train",
            DrawnWorld("train", images=data.images, size=data.size, seed=data.seed),
        )
        for split in ("test", "shifted"):
            draw(
                args.work / "pictures" / split,
                DrawnWorld(split, images=TEST_PICTURES[split], size=data.size, seed=TEST_SEED),
            )
        run_all([(preset, seed) for seed in args.seeds for preset in args.presets], args)
    ship(args.work, time.time() - begun)


def run_all(jobs: list[tuple[str, int]], args: argparse.Namespace) -> None:
    """Two processes of one thread each keep two cores busier than one process of two threads."""
    # glibc hands every large tensor back to the system and is given it again, page by page; keeping
    # it saves an eighth.
    keep_memory = {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(2**33),
        "MALLOC_TOP_PAD_": str(2**28),
    }
    environment = {**os.environ, **keep_memory, "OMP_NUM_THREADS": "1"}
    running: list[subprocess.Popen] = []
    for preset, seed in jobs:
        while len(running) == 2:
            time.sleep(2)
            for process in [p for p in running if p.poll() is not None]:
                running.remove(process)
                if process.returncode:
                    raise SystemExit(f"a run failed with exit code {process.returncode}")
        print(f"start {preset} seed {seed}", flush=True)
        running.append(
            subprocess.Popen(
                [
                    sys.executable,
                    __file__,
                    "--work",
                    str(args.work),
                    "--one",
                    preset,
                    str(seed),
                    *(["--set", *args.assignments] if args.assignments else []),
                ],
                env=environment,
            )
        )
    for process in running:
        if process.wait():
            raise SystemExit(f"a run failed with exit code {process.returncode}")


def ship(work: Path, seconds: float) -> None:
    """Ship seed 0 of each preset (half precision) and record the scores of all seeds."""
    models = collect(work, PRESETS)
    if not models:
        raise SystemExit(f"no scored run in {work}; nothing was shipped or recorded")
    for preset, collected in models.items():
        run = work / f"{preset}-seed{collected['seeds'][0]}"
        model, settings, vocabulary, _ = load_model(run)
        headline = {
            s: {k: collected["test"][s][k] for k in ("seen", "unseen", "harmonic")}
            for s in ("oracle_obj", "pred_all", "plain")
        }
        save_model(
            shipped_path(preset),
            model,
            settings,
            vocabulary,
            half=True,
            extra={
                "log": json.loads((run / "log.json").read_text()),
                "test": headline,
                "pictures": TEST_PICTURES["test"],
                "test_seed": TEST_SEED,
            },
        )
        print(f"{preset}: {shipped_path(preset).stat().st_size / 1e6:.2f} MB, {headline}")
    path = write_record(
        "toy",
        {
            "date": date.today().isoformat(),
            "pictures": TEST_PICTURES["test"],
            "shifted_pictures": TEST_PICTURES["shifted"],
            "test_seed": TEST_SEED,
            "clip": load_toy_clip()[2],
            "models": models,
        },
    )
    print(f"wrote {path} after {seconds / 60:.0f} min")


if __name__ == "__main__":
    main()
