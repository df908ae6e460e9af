"""One run: from settings to a folder with weights, scores and what is needed to compare them later.

    run = Run.from_preset("toy", {"training.steps": 500})
    metrics = run.finish()                          # or step by step: train, evaluate, record

Stopped at any moment, the same call takes the run up at its newest checkpoint.
"""

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..datasets.drawn import DrawnWorld
from ..datasets.sample import Sample
from ..evaluation.evaluate import evaluate
from ..files import write_whole
from ..inference.sharing import Share
from ..network.models import CLIPSeg, PartCLIPSeg
from ..settings import Settings
from ..training.checkpoints import newest_step
from ..training.loop import train
from ..vocabulary import Vocabulary
from ..weights.state import fingerprint
from .environment import environment
from .parameters import Parameters
from .progress import one_line

IMAGES = 300  # test pictures, those of the results page
TEST = {"split": "test", "seed": 0}


@dataclass(frozen=True)
class Run:
    """A training and its evaluation on test pictures, in one folder.

    Attributes:
        settings: everything that the training is told.
        folder: where it writes; made when the training begins.
        images: how many test pictures to score.
        overrides: what was changed in the preset, to be kept beside the scores.

    Raises:
        ValueError: `folder` is a file.
    """

    settings: Settings
    folder: Path
    images: int = IMAGES
    overrides: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        if self.folder.exists() and not self.folder.is_dir():
            raise ValueError(f"the run's folder {self.folder} is a file; name another one")

    @classmethod
    def from_preset(
        cls,
        preset: str,
        overrides: Mapping[str, Any] | None = None,
        folder: str | Path = "",
        images: int = IMAGES,
    ) -> "Run":
        """The run of a preset with dotted overrides; an empty `folder` stands for `default_folder`.

        Raises:
            ValueError: what is unknown or wrong in preset and overrides; or `folder` is a file.
        """
        settings = Settings.from_preset(preset, overrides)
        return cls(
            settings, Path(folder or default_folder(settings)), images, dict(overrides or {})
        )

    @classmethod
    def from_parameters(cls, given: Parameters) -> "Run":
        """The run that a notebook's checked parameters ask for."""
        return cls.from_preset(given.preset, given.overrides, given.output_dir, given.images)

    @functools.cached_property
    def vocabulary(self) -> Vocabulary:
        """The names that are scored: all object parts, the unseen ones too."""
        return Vocabulary.load(self.settings.vocabulary)

    @functools.cached_property
    def test_samples(self) -> list[Sample]:
        """The first `images` test pictures, with all objects; drawn once and kept."""
        world = DrawnWorld(**TEST, images=self.images, size=self.settings.data.size, objects="all")
        return list(world)

    @property
    def files(self) -> list[str]:
        """Names of what the run has written; hidden ones, such as its lock, left out."""
        return sorted(path.name for path in self.folder.iterdir() if path.name[0] != ".")

    @property
    def newest_step(self) -> int:
        """Step of the newest checkpoint in the folder, 0 where there is none."""
        return newest_step(self.folder / "checkpoints")

    def train(self) -> tuple[PartCLIPSeg | CLIPSeg, list[dict]]:
        """(model in eval mode, log of mean losses), with a word where it takes up a run.

        Raises:
            ValueError: the folder holds a run with other settings, or they cannot be trained.
            FloatingPointError: the loss is no number any more.
        """
        if self.newest_step:
            print(f"taking up the run in {self.folder} after step {self.newest_step}")
        with one_line():
            return train(self.settings, self.folder)

    def evaluate(self, model: PartCLIPSeg | CLIPSeg) -> dict:
        """Scores on the test pictures, in percent, and `seconds`, as `evaluate` gives them."""
        model.to(Share().device)
        with one_line():
            return evaluate(model, self.test_samples, self.vocabulary, progress=True)

    def record(
        self, model: PartCLIPSeg | CLIPSeg, log: list[dict], scores: dict, **more: dict
    ) -> dict:
        """Write `metrics.json` into the folder, whole or not at all; returns what it holds.

        That is settings, overrides, environment, the hashes of settings, vocabulary, CLIP and
        weights, the seconds of the training (all sittings together), the last losses, the pictures
        and the scores, and `more` by name.
        """
        metrics = {
            "preset": self.settings.preset,
            "overrides": dict(self.overrides),
            "settings": self.settings.model_dump(mode="json"),
            "settings_hash": self.settings.hash(),
            "vocabulary_hash": self.vocabulary.hash,
            "backbone": fingerprint(model.backbone.clip),
            "weights_sha256": _sha256(self.folder / "weights.safetensors"),
            "environment": environment(),
            "training_seconds": log[-1]["seconds"],
            "last_loss": log[-1],
            "dataset": {"name": self.settings.data.name, **TEST, "images": self.images},
            "scores": scores,
            **more,
        }
        if Share().is_first:
            write_whole(self.folder / "metrics.json", json.dumps(metrics, indent=1))
        return metrics

    def finish(self) -> dict:
        """Train, evaluate and record: the contents of `metrics.json`."""
        model, log = self.train()
        return self.record(model, log, self.evaluate(model))


def default_folder(settings: Settings) -> Path:
    """`runs/PRESET`, and `runs/PRESET-HASH` for settings that differ from their preset's.

    It lies in the repository that the current folder belongs to, else in the current folder, and is
    given relative to the latter.
    """
    changed = settings != Settings.from_preset(settings.preset)
    name = settings.preset + (f"-{settings.hash()[:8]}" if changed else "")
    return Path(os.path.relpath(_repository() / "runs" / name))


def _repository() -> Path:
    """The repository's folder where we are in it, else the current folder."""
    here = Path.cwd()
    inside = (
        p for p in (here, *here.parents) if (p / "partclipseg_lite" / "settings.py").is_file()
    )
    return next(inside, here)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
