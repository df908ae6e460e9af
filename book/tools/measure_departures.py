"""Measure what each row of the ledger does to one batch, and write the record that the page reads.

    python book/tools/measure_departures.py                     the whole record
    python book/tools/measure_departures.py --only channels     print some rows, write nothing

Takes two minutes on two CPU cores. One switch at a time is thrown, from one reference: the paper's
reading with the soft separation loss, the weights of the released configuration, the bare words and
no Dice loss, on the batch that the preset `toy` meets first. Everything random has a seed, and six
digits are kept, so that the record is the same again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor, nn
from torch.utils.data import Dataset, default_collate
from tqdm import tqdm

from ledger_rows import Row, rows
from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.evaluation import answers
from partclipseg_lite.evaluation.attention import lost_on_grid
from partclipseg_lite.evaluation.class_means import HEADLINES
from partclipseg_lite.evaluation.evaluate import predicted_labels
from partclipseg_lite.evaluation.metrics import SETTINGS, Evaluator
from partclipseg_lite.experiments.records import write_record
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.models import PartCLIPSeg
from partclipseg_lite.reading import RELEASED, Reading
from partclipseg_lite.release.departures import as_read
from partclipseg_lite.release.evaluator import EVALUATORS
from partclipseg_lite.release.rereading import reread, words_read
from partclipseg_lite.settings import LossSettings, Settings
from partclipseg_lite.training.examples import TrainingExamples
from partclipseg_lite.training.loop import starting_model
from partclipseg_lite.training.objective import LossModule
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.build import build_model
from partclipseg_lite.weights.models import load_model

REFERENCE = {
    "loss.dice_weight": 0.0,
    "loss.enhancement_weight": 0.01,
    "training.vary_words": False,
}
BATCH = 4
PICTURES = 24  # test pictures on which the same predictions are counted in several ways
#: The shipped model after a tenth of its training.
WEIGHTS = Path(str(resources.files("partclipseg_lite").joinpath("data/weights")))
EARLY = WEIGHTS / "strip" / "step000150.safetensors"
#: Scores that are kept: "seen", "unseen", "harmonic" of each.
SCORES = ("", "boundary_iou_", "released_boundary_quantity_")
CONTROL = {"separation": "separation_weight", "enhancement": "enhancement_weight"}
DRAWN = Vocabulary.load("drawn")


# ---- one batch, one switch -----------------------------------------------------------------------


class CloseUps(Dataset):
    """Of each picture the largest square without a pixel of background."""

    def __init__(self, pictures: DrawnWorld):
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Sample:
        sample = self.pictures[index]
        inside = np.pad(sample.object_map != IGNORE, 1)
        reach = ndimage.distance_transform_cdt(inside, "chessboard")[1:-1, 1:-1]
        row, column = np.unravel_index(reach.argmax(), reach.shape)
        half = int(reach.max()) - 1
        window = np.s_[row - half : row + half + 1, column - half : column + half + 1]
        maps = (sample.object_map[window], sample.part_map[window])
        return Sample(np.ascontiguousarray(sample.image[window]), *maps, sample.name)


def training_pictures(batch: str) -> Dataset:
    """The pictures of a kind of batch: "usual", "close_ups" of these, "novel" objects in view."""
    world = DrawnWorld("train", 4000, 128, 0, "all" if batch == "novel" else "seen")
    return CloseUps(world) if batch == "close_ups" else world


def examples(settings: Settings, pictures: Dataset) -> dict[str, Tensor]:
    """The first batch of a training with `settings` on these pictures."""
    drawn = TrainingExamples(pictures, DRAWN, settings)
    return default_collate([drawn[0, place] for place in range(BATCH)])


@dataclass
class Step:
    """What one batch gives: the loss, its terms, and its gradient by name of the weight."""

    loss: float
    terms: dict[str, float]
    gradient: dict[str, Tensor]
    control: dict[str, dict[str, Tensor]]  # of each weighted loss of attention control

    @classmethod
    def of(
        cls, model: nn.Module, settings: Settings, batch: dict[str, Tensor], control: bool = True
    ) -> Step:
        """Forward and backward, no update; `control` asks for the gradients of its two losses."""
        module = LossModule(model, DRAWN, settings)
        total, terms = module(module.prepare(batch))
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        weights = {name: getattr(settings.loss, weight) for name, weight in CONTROL.items()}
        return cls(
            total.item(),
            {name: float(term.detach()) for name, term in terms.items()},
            gradient_of(total, trained),
            {
                name: gradient_of(weights[name] * terms[name], trained)
                for name in CONTROL
                if control and name in terms
            },
        )


def gradient_of(loss: Tensor, trained: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The gradient of a loss by name of the weight; {} if it has none."""
    if not loss.requires_grad:
        return {}
    found = torch.autograd.grad(loss, [*trained.values()], retain_graph=True, allow_unused=True)
    return {name: g for name, g in zip(trained, found, strict=True) if g is not None}


def norm(gradient: Mapping[str, Tensor]) -> float:
    """The length of a gradient."""
    return math.sqrt(sum(float(g.double().square().sum()) for g in gradient.values()))


def moved(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float | None:
    """How far a gradient moved, as a share of its length before; weights that one lacks are 0."""
    length = norm(before)
    difference = {
        name: after.get(name, torch.zeros(())) - before.get(name, torch.zeros(()))
        for name in before.keys() | after.keys()
    }
    return norm(difference) / length if length else None


def compared(before: Step, after: Step, control: bool) -> dict:
    """What a switch does: each quantity before and after, and how far gradients moved."""
    return {
        "loss": [before.loss, after.loss],
        "gradient": [norm(before.gradient), norm(after.gradient)],
        "moved": moved(before.gradient, after.gradient),
        "terms": {
            name: [before.terms.get(name), after.terms.get(name)]
            for name in [*before.terms, *(n for n in after.terms if n not in before.terms)]
        },
        "control": {
            name: [norm(before.control.get(name, {})), norm(after.control.get(name, {}))]
            for name in CONTROL
            if control
        },
    }


class Bench:
    """The reference, on which one switch after the other is thrown."""

    def __init__(self):
        self.settings = Settings.from_preset("toy", REFERENCE)
        self.weights: dict[str, dict[str, Tensor]] = {}
        self.steps: dict[tuple[str, str], Step] = {}
        self.batches: dict[str, dict[str, Tensor]] = {}

    def state_dict(self, state: str) -> dict[str, Tensor]:
        """The weights of a state."""
        if state not in self.weights:
            shipped = {"early": EARLY, "trained": "toy"}
            model = (
                starting_model(self.settings) if state == "start" else load_model(shipped[state])[0]
            )
            self.weights[state] = model.state_dict()
        return self.weights[state]

    def batch(self, kind: str) -> dict[str, Tensor]:
        """The reference's batch of a kind."""
        if kind not in self.batches:
            self.batches[kind] = examples(self.settings, training_pictures(kind))
        return self.batches[kind]

    def reference(self, state: str, kind: str) -> Step:
        """The step without any switch."""
        if (state, kind) not in self.steps:
            model = self.model(self.settings, state)
            self.steps[state, kind] = Step.of(model, self.settings, self.batch(kind))
        return self.steps[state, kind]

    def model(self, settings: Settings, state: str) -> nn.Module:
        """The model of some settings, with the weights of a state as far as it has them."""
        if state == "start" and settings.model != self.settings.model:
            model = starting_model(settings)
        else:
            model = build_model(settings)
            model.load_state_dict(self.state_dict(state), strict=False)
        return model.train()

    def throw(self, switch: Mapping, state: str, kind: str, control: bool) -> dict:
        """What one switch does to one batch with the weights of a state."""
        settings = Settings.from_preset("toy", {**REFERENCE, **switch})
        before = self.reference(state, kind)
        batch = self.batch(kind)
        if settings.training != self.settings.training:  # other words for the same pictures
            jitter = batch["jitter"]
            batch = {**examples(settings, training_pictures(kind)), "jitter": jitter}
        after = Step.of(self.model(settings, state), settings, batch, control)
        return compared(before, after, control)

    def row(self, row: Row) -> dict:
        """What a row's switch does, by state; beside its own batch, on the usual one."""
        control = "attention" in row.kinds
        return {
            kind: {state: self.throw(row.settings, state, kind, control) for state in row.states}
            for kind in dict.fromkeys(["usual", row.batch])
        }


# ---- the same predictions, counted in several ways -----------------------------------------------


def counted(kind: type[Evaluator], pictures: Iterable) -> dict:
    """Headline scores of an evaluator, {setting: {score: percent}}, without the intervals."""
    evaluator = kind(DRAWN)
    for sample, labels in pictures:
        evaluator.update(labels, sample.object_map, sample.part_map, sample.name)
    return headlines(evaluator)


def headlines(evaluator: Evaluator) -> dict:
    """{setting: {score: percent}} of what an evaluator has counted."""
    found = evaluator.compute()
    return {
        setting: {
            key: found[setting][key]
            for key in found[setting]
            if key.split("_")[-1] in HEADLINES and key.removesuffix(key.split("_")[-1]) in SCORES
        }
        for setting in SETTINGS
    }


def painted(sample: Sample) -> dict[str, np.ndarray]:
    """The truth inside of labelled parts; everywhere else the part that lies nearest."""
    nearest = ndimage.distance_transform_edt(
        sample.part_map == IGNORE, return_distances=False, return_indices=True
    )
    return dict.fromkeys(SETTINGS, sample.part_map[tuple(nearest)])


def evaluators() -> dict:
    """The scores of every evaluator, of two predictions: the model's and a painter's.

    With them what two readings of the shipped weights differ by at test time.
    """
    model = load_model("toy")[0]
    world = DrawnWorld("test", 600, 128, 0)
    samples = [world[i] for i in range(PICTURES)]
    found = list(predicted_labels(model, samples, DRAWN))
    return {
        "pictures": PICTURES,
        "model": {name: counted(kind, found) for name, kind in EVALUATORS.items()},
        "painter": {
            name: counted(kind, ((s, painted(s)) for s in samples))
            for name, kind in EVALUATORS.items()
        },
        "at_test_time": {
            "object_row": difference(found, wrong_row(model, samples)),
            "channels": difference(found, other_colours(model, samples)),
        },
        "parts_lost": parts_lost(samples, model.backbone.grid),
    }


def wrong_row(model: PartCLIPSeg, samples: list[Sample]) -> Iterable:
    """Predictions of the same weights with the object's text from the release's row."""
    other = reread(model, Reading(object_row=RELEASED.object_row))
    return predicted_labels(other, samples, DRAWN)


def other_colours(model: PartCLIPSeg, samples: list[Sample]) -> Iterable:
    """Predictions of the same weights on pictures in the order of colours not trained with."""
    swapped = [
        Sample(np.ascontiguousarray(s.image[..., ::-1]), s.object_map, s.part_map, s.name)
        for s in samples
    ]
    return predicted_labels(model, swapped, DRAWN)


def difference(before: Iterable, after: Iterable) -> dict:
    """Scores before and after, and after minus before with its interval over pictures."""
    one, other = Evaluator(DRAWN), Evaluator(DRAWN)
    for evaluator, pictures in ((one, before), (other, after)):
        for sample, labels in pictures:
            evaluator.update(labels, sample.object_map, sample.part_map, sample.name)
    told = {
        setting: {
            key: {**interval._asdict(), "verdict": interval.verdict}
            for key, interval in intervals.items()
        }
        for setting, intervals in answers.difference(other, one).items()
    }
    return {"before": headlines(one), "after": headlines(other), "difference": told}


def parts_lost(samples: list[Sample], grid: int) -> dict[str, float]:
    """Share of the parts in view of which the attention grid keeps nothing, in either reading."""
    lost = {}
    for name, reading in (("area", Reading()), ("nearest", RELEASED)):
        on_grid = as_read(Objective, reading)(LossSettings(), grid).on_grid
        seen = sum(lost_on_grid(samples, DRAWN, on_grid).values(), [])
        lost[name] = sum(seen) / len(seen)
    return {**lost, "parts": len(seen)}


def rows_read() -> dict[str, dict[str, dict[str, str]]]:
    """Vocabulary -> "training" or "test" -> object -> the word read for it in the release."""
    model = reread(load_model("toy")[0], Reading(object_row=RELEASED.object_row))
    return {
        name: {
            stage: words_read(model, v)
            for stage, v in {"training": full.seen_only().asked(), "test": full.asked()}.items()
        }
        for name in ("pascal_part_116", "drawn")
        for full in [Vocabulary.load(name)]
    }


# ---- the record ----------------------------------------------------------------------------------


def rounded(value):
    """Numbers to six digits, in whatever holds them; what is no number is None."""
    if isinstance(value, Mapping):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def measurable() -> list[Row]:
    """The rows that a switch makes."""
    return [row for row in rows() if row.settings]


def record() -> dict:
    """Everything that the page reads."""
    bench = Bench()
    return rounded(
        {
            "date": datetime.date.today().isoformat(),
            "torch": torch.__version__.split("+")[0],
            "reference": {"preset": "toy", **REFERENCE},
            "batch": BATCH,
            "switches": {row.name: bench.row(row) for row in tqdm(measurable())},
            "scores": evaluators(),
            "rows_read": rows_read(),
        }
    )


def main() -> None:
    """Reads the command line; writes the record, or prints some of its rows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="ROW", help="print these rows, write nothing")
    only = parser.parse_args().only
    if only is None:
        print(f"wrote {write_record('departures', record())}")
        return
    known = {row.name: row for row in measurable()}
    if unknown := sorted(set(only) - known.keys()):
        parser.error(f"no row with a switch is called {unknown[0]!r} (known: {', '.join(known)})")
    bench = Bench()
    print(json.dumps(rounded({name: bench.row(known[name]) for name in only}), indent=1))


if __name__ == "__main__":
    main()
