"""The shipped weights still do what the record says."""

from pathlib import Path

import numpy as np
import pytest

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.evaluation.evaluate import predicted_labels
from partclipseg_lite.experiments.records import load_record
from partclipseg_lite.settings import Settings
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.locate import SHIPPED, shipped_path
from partclipseg_lite.weights.models import load_model
from partclipseg_lite.weights.tiny_clip import load_toy_clip, toy_clip_path

ROOT = Path(__file__).resolve().parents[1]
RECORD, RECIPE = load_record("toy"), load_record("recipe")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_preset_is_what_the_shipped_weights_were_trained_with(name):
    assert load_model(name)[1] == Settings.from_preset(name)


def test_the_shipped_recipe_is_the_best_of_those_tried():
    best = max(RECIPE["runs"], key=lambda run: run["oracle_obj"]["harmonic"])
    # The same, trained for longer.
    shipped = {"training.steps": Settings.from_preset(RECIPE["preset"]).training.steps}
    assert Settings.from_preset(
        RECIPE["preset"], best["overrides"] | shipped
    ) == Settings.from_preset(RECIPE["preset"])
    assert all(
        Settings.from_preset(RECIPE["preset"], run["overrides"]).training.steps == run["steps"]
        for run in RECIPE["runs"]
    )


def test_the_record_belongs_to_the_shipped_tiny_clip():
    assert load_toy_clip()[2] == RECORD["clip"]


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_carry_the_scores_of_the_record(name):
    kept = load_model(name)[3]["test"]
    for setting, scores in kept.items():
        for key, value in scores.items():
            assert value == pytest.approx(RECORD["models"][name]["test"][setting][key])


def test_weights_that_ship_stay_small():
    assert toy_clip_path().stat().st_size <= 8e6
    assert all(shipped_path(name).stat().st_size <= 2e6 for name in SHIPPED)


@pytest.mark.slow
def test_on_fresh_pictures_partclipseg_finds_whose_part_it_is_better_than_the_baseline():
    """Pred-All: on which share of the labelled pixels is the part one of the right object's?

    Scores of single parts would need many more pictures to tell the two apart.
    """
    vocabulary = Vocabulary.load("drawn")
    samples = DrawnWorld("test", images=16, size=128, seed=77).render_all(workers=1)
    owner = np.array([*vocabulary.object_of.tolist(), IGNORE])  # the last entry is background
    right = {}
    for name in ("toy", "toy_clipseg"):
        found = predicted_labels(load_model(name)[0], samples, vocabulary)
        hits = [
            (owner[labels["pred_all"]] == sample.object_map)[sample.part_map != IGNORE]
            for sample, labels in found
        ]
        right[name] = np.concatenate(hits).mean()
    assert right["toy"] > right["toy_clipseg"], right
