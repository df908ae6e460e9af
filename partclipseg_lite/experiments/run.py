"""One run: from settings to a folder with weights, scores and what is needed to compare them later.

    run = Run.from_preset("toy", {"training.steps": 500})
    metrics = run.finish()                          # or step by step: train, count, record

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

import numpy as np
from torch.utils.data import Dataset

from ..datasets.chosen import (
    check_pictures_to_score,
    folder_to_score,
    objects_to_score,
    pictures_to_score,
)
from ..datasets.drawn import DrawnWorld
from ..datasets.sample import IGNORE, Sample
from ..evaluation.attention import attention_on
from ..evaluation.class_means import HEADLINES
from ..evaluation.evaluate import count
from ..evaluation.metrics import Evaluator
from ..files import write_whole
from ..inference.sharing import Share
from ..network.models import CLIPSeg, PartCLIPSeg
from ..release.evaluator import Released
from ..settings import Settings
from ..training.checkpoints import newest_step
from ..training.loop import starting_model, train
from ..vocabulary import Vocabulary
from ..weights.models import load_model
from ..weights.state import fingerprint
from .environment import commit, environment
from .one_by_one import as_released, count_objects
from .parameters import Parameters
from .progress import one_line

COUNTS = "test.npz"  # the counts of every picture, in the run's folder
LOOKED_AT = 8  # test pictures among which one is chosen whose attention is shown
IN_A_ROW = 6  # maps of parts
BY_OBJECT = "test_released.npz"  # the same as the benchmark scores them, one object at a time


@dataclass(frozen=True)
class Run:
    """A training and its evaluation on test pictures, in one folder.

    Attributes:
        settings: everything that the training is told.
        folder: where it writes; made when the training begins.
        images: how many pictures to score; None: as the settings say (`settings.ScoredOn`).
        overrides: what was changed in the preset, to be kept beside the scores.

    Raises:
        ValueError: `folder` is a file.
    """

    settings: Settings
    folder: Path
    images: int | None = None
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
        images: int | None = None,
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
        """The names that are scored: all object parts of the test pictures, the unseen ones too."""
        return self._chosen.vocabulary

    @functools.cached_property
    def test_samples(self) -> Dataset:
        """The test pictures, with all objects; drawn once and kept, or read when asked for.

        Raises:
            FileNotFoundError, ValueError: see `datasets.chosen.pictures_to_score`.
        """
        drawn = isinstance(self._chosen, DrawnWorld)
        return self._chosen.render_all(1) if drawn else self._chosen

    @functools.cached_property
    def _chosen(self) -> Dataset:
        return pictures_to_score(self.settings, self.images)

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
            FileNotFoundError: a dataset's folder is missing, also the one to be scored on.
            FloatingPointError: the loss is no number any more.
        """
        check_pictures_to_score(self.settings)
        if self.newest_step:
            print(f"taking up the run in {self.folder} after step {self.newest_step}")
        with one_line():
            return train(self.settings, self.folder, keep=self.steps_to_score)

    @property
    def steps_to_score(self) -> list[int]:
        """The steps after which weights are kept and scored, beside the last ones."""
        every, steps = self.settings.test.every, self.settings.training.steps
        return list(range(every, steps + 1, every)) if every and self.of_benchmark else []

    @property
    def of_benchmark(self) -> bool:
        """Whether it is scored on a dataset's folder, and so also as the benchmark does."""
        return folder_to_score(self.settings) is not None

    def count(self, model: PartCLIPSeg | CLIPSeg) -> Evaluator:
        """Every test picture counted: `.compute()` scores. Keeps the counts in the run's folder."""
        _to_device(model)
        with one_line():
            counted = count(model, self.test_samples, self.vocabulary, progress=True)
        if Share().is_first:
            counted.pictures.save(self.folder / COUNTS)
        return counted

    def evaluate(self, model: PartCLIPSeg | CLIPSeg) -> dict:
        """Scores on the test pictures, in percent."""
        return self.count(model).compute()

    def score_as_released(self, model: PartCLIPSeg | CLIPSeg, keep: bool = True) -> dict:
        """Scores as the benchmark counts them, one object at a time; {} in the drawn world.

        What stands in the paper's tables is to be compared with these. Intervals are over pictures.

        Args:
            model: to be scored.
            keep: the counts in the run's folder.
        """
        if not self.of_benchmark:
            return {}
        every = self.images or self.settings.test.images
        samples = objects_to_score(self.settings, self._chosen.names if every else None)
        _to_device(model)
        with one_line():
            counted = count_objects(model, samples)
        if keep and Share().is_first:
            counted.pictures.save(self.folder / BY_OBJECT)
        return as_released(counted)

    def score_as_paper(self, model: PartCLIPSeg | CLIPSeg) -> dict:
        """What the paper's tables are compared with: "released" and "by_step", if not empty."""
        found = {"released": self.score_as_released(model), "by_step": self.score_steps()}
        return {name: scores for name, scores in found.items() if scores}

    def score_steps(self) -> list[dict]:
        """The same for the weights kept while training: "step" and the three means of each."""
        found = []
        for step in self.steps_to_score:
            model, *_ = load_model(self.folder / "strip" / f"step{step:06d}.safetensors")
            scores = self.score_as_released(model, keep=False)
            means = {s: {key: scores[s][key] for key in HEADLINES} for s in Released.counted}
            found.append({"step": step, **means})
        return found

    def attention(self, model: PartCLIPSeg | CLIPSeg) -> tuple[np.ndarray, dict]:
        """Where the parts of one object are looked for, before training and after it.

        Returns:
            A test picture, RGB `uint8 [H, W, 3]`, and {object: {"before": {part: normalised map,
            float `[grid, grid]`}, "after": …}} of the object in the first pictures with the most
            parts in view that a row can show; {} without one, and for CLIPSeg.
        """
        first = [self.test_samples[i] for i in range(min(LOOKED_AT, len(self.test_samples)))]
        found = [(len(parts), obj, s) for s in first for obj, parts in self._in_view(s).items()]
        fit = [one for one in found if 1 < one[0] <= IN_A_ROW]
        if isinstance(model, CLIPSeg) or not fit:
            return first[0].image, {}
        _, obj, sample = max(fit, key=lambda one: one[0])
        models = {"before": starting_model(self.settings), "after": model}
        looks = {}
        for title, one in models.items():
            _to_device(one.eval())
            looks[title] = attention_on(one, sample, self.vocabulary)[obj].by_part()[1]
        return sample.image, {obj: looks}

    def _in_view(self, sample: Sample) -> dict[str, list[int]]:
        """Object -> ids of its parts in view."""
        of: dict[str, list[int]] = {}
        for t in np.unique(sample.part_map[sample.part_map != IGNORE]).tolist():
            obj = self.vocabulary.objects[self.vocabulary.object_of[t]]
            of.setdefault(obj, []).append(t)
        return of

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
            "commit": commit(),
            "training_seconds": log[-1]["seconds"],
            "processes": int(os.environ.get("WORLD_SIZE", 1)),  # as `accelerate launch` sets it
            "last_loss": log[-1],
            "dataset": self.dataset,
            "scores": scores,
            **more,
        }
        if Share().is_first:
            write_whole(self.folder / "metrics.json", json.dumps(metrics, indent=1))
        return metrics

    @property
    def dataset(self) -> dict:
        """Which pictures are scored: name ("drawn", or a folder's), split, number, vocabulary."""
        folder, split = folder_to_score(self.settings), self.settings.test.split
        of = {"images": len(self._chosen), "vocabulary": self.vocabulary.name}
        if folder is None:
            return {"name": "drawn", "split": split or "test", "seed": 0, **of}
        whole = (self.images or self.settings.test.images) is None
        return {"name": folder.name, "split": split or "val", "whole": whole, **of}

    def finish(self) -> dict:
        """Train, evaluate and record: the contents of `metrics.json`."""
        model, log = self.train()
        return self.record(model, log, self.evaluate(model), **self.score_as_paper(model))


def default_folder(settings: Settings) -> Path:
    """`runs/PRESET`, and `runs/PRESET-HASH` for settings that differ from their preset's.

    It lies in the repository that the current folder belongs to, else in the current folder, and is
    given relative to the latter.
    """
    changed = settings.hash() != Settings.from_preset(settings.preset).hash()
    name = settings.preset + (f"-{settings.hash()[:8]}" if changed else "")
    return Path(os.path.relpath(_repository() / "runs" / name))


def _repository() -> Path:
    """The repository's folder where we are in it, else the current folder."""
    here = Path.cwd()
    inside = (
        p for p in (here, *here.parents) if (p / "partclipseg_lite" / "settings.py").is_file()
    )
    return next(inside, here)


def _to_device(model: PartCLIPSeg | CLIPSeg) -> None:
    model.to(Share().device)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
