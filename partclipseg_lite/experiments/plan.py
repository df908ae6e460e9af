"""Which trainings the results need: the experiments of `data/experiments.yaml`, seed by seed."""

import fnmatch
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from ..settings import Settings


@dataclass(frozen=True)
class Experiment:
    """A preset with other settings, to be trained with several training seeds.

    Attributes:
        name: of the experiment, and of its folder.
        title: as tables and figures call it.
        preset: its preset.
        overrides: dotted settings that it changes.
        seeds: how many training seeds, from 0.
        splits: of the drawn world, on which it is scored.
        pictures: at most so many of each split.
        differs_from: the experiment that its difference is told against, "" for none.
        ships: whether the weights of its median seed go into the package.
        scored: False for a stage that others start from.
        processes: how many share a training where there is no GPU; 1 is the process that asks.
        strip: steps after which weights of the first seed are kept, to be looked at one by one.
    """

    name: str
    title: str
    preset: str
    seeds: int
    overrides: Mapping[str, Any] = field(default_factory=dict)
    splits: tuple[str, ...] = ("test",)
    pictures: int = 600
    differs_from: str = "toy"
    ships: bool = False
    scored: bool = True
    processes: int = 1
    strip: tuple[int, ...] = ()

    def settings(self, seed: int) -> Settings:
        """Settings of one training."""
        return Settings.from_preset(self.preset, {**self.overrides, "training.seed": seed})


@dataclass(frozen=True)
class Job:
    """One training of an experiment."""

    experiment: Experiment
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder, "toy-seed0"."""
        return f"{self.experiment.name}-seed{self.seed}"

    @property
    def strip(self) -> tuple[int, ...]:
        """Steps after which weights are kept beside the last ones."""
        return self.experiment.strip if self.seed == 0 else ()

    @property
    def settings(self) -> Settings:
        """Settings of this training."""
        return self.experiment.settings(self.seed)


@functools.lru_cache(maxsize=1)
def experiments() -> dict[str, Experiment]:
    """All experiments by name, in the order in which they are run.

    Raises:
        ValueError: two experiments are told against each other, or one against none.
    """
    source = resources.files("partclipseg_lite").joinpath("data/experiments.yaml")
    found = {}
    for name, entry in yaml.safe_load(source.read_text(encoding="utf-8")).items():
        lists = {key: tuple(entry.pop(key)) for key in ("splits", "strip") if key in entry}
        found[name] = Experiment(name, overrides=entry.pop("set", {}), **lists, **entry)
    for one in found.values():
        if one.scored and one.differs_from not in found:
            raise ValueError(f"experiment {one.name!r} differs from {one.differs_from!r}: unknown")
    return found


def jobs(pattern: str = "*") -> list[Job]:
    """Trainings whose name ("toy-seed0") or experiment fits.

    Stages first, then what ships, then the others, seed by seed: so whoever stops early has the
    same number of seeds of everything.

    Raises:
        ValueError: none fits; the experiments are listed.
    """
    chosen = [
        Job(one, seed)
        for one in experiments().values()
        for seed in range(one.seeds)
        if fnmatch.fnmatch(one.name, pattern) or fnmatch.fnmatch(f"{one.name}-seed{seed}", pattern)
    ]
    if not chosen:
        raise ValueError(
            f"no experiment fits {pattern!r}; there are {', '.join(experiments())}, and "
            "'NAME-seed0' is one training of one"
        )
    return sorted(
        chosen, key=lambda job: (job.experiment.scored, not job.experiment.ships, job.seed)
    )
