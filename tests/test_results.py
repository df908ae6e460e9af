"""The shipped weights still do what the record says."""

from pathlib import Path

import numpy as np
import pytest

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.evaluation.evaluate import predicted_labels
from partclipseg_lite.evaluation.metrics import Evaluator
from partclipseg_lite.experiments.records import load_record
from partclipseg_lite.settings import Settings
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.locate import SHIPPED, shipped_path, shipped_strip
from partclipseg_lite.weights.models import load_model
from partclipseg_lite.weights.tiny_clip import load_toy_clip, toy_clip_path

ROOT = Path(__file__).resolve().parents[1]
RECORD = load_record("toy")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_preset_is_what_the_shipped_weights_were_trained_with(name):
    settings = load_model(name)[1]
    assert settings == Settings.from_preset(name, {"training.seed": settings.training.seed})


@pytest.mark.parametrize("name", RECORD["models"])
def test_the_seed_that_ships_is_the_median_one(name):
    model = RECORD["models"][name]
    assert load_model(name)[1].training.seed == model["median_seed"]
    found = model["summary"]["validation"]
    scores = [
        sum(found[setting]["harmonic"]["values"][i] for setting in ("oracle_obj", "pred_all"))
        for i in range(len(model["seeds"]))
    ]
    mine = scores[model["seeds"].index(model["median_seed"])]
    assert sum(score < mine for score in scores) == sum(score > mine for score in scores) == 2


def test_the_phrases_model_was_taught_no_part():
    _, settings, vocabulary, _ = load_model("toy_phrases")
    assert vocabulary is None and settings.data.labels == "phrases"


def test_the_strip_is_of_the_training_that_ships():
    shipped = load_model("toy")[1]
    assert sorted(shipped_strip()) == list(shipped_strip()) and len(shipped_strip()) == 6
    for steps, path in shipped_strip().items():
        _, settings, _, kept = load_model(path)
        assert settings == shipped and kept["step"] == steps < shipped.training.steps


def test_the_record_belongs_to_the_shipped_tiny_clip():
    assert load_toy_clip()[2] == RECORD["clip"]


@pytest.mark.parametrize("name", RECORD["models"])
def test_shipped_weights_carry_the_scores_of_the_record(name):
    kept = load_model(name)[3]["test"]
    for setting, scores in kept.items():
        for key, value in scores.items():
            assert value == pytest.approx(RECORD["models"][name]["test"][setting][key])


def test_weights_that_ship_stay_small():
    files = [toy_clip_path(), *map(shipped_path, SHIPPED), *shipped_strip().values()]
    assert sum(file.stat().st_size for file in files) < 12e6


@pytest.mark.slow
def test_on_fresh_pictures_scores_fall_near_those_of_the_record_and_partclipseg_knows_whose_part():
    """Pred-All on pictures of another seed: few, so the intervals of their scores are wide.

    Two intervals of independent pictures meet unless the record speaks of other weights. On which
    share of the labelled pixels the part is one of the right object's, few pictures tell.
    """
    vocabulary = Vocabulary.load("drawn")
    samples = DrawnWorld("test", images=20, size=128, seed=77).render_all(workers=1)
    owner = np.array([*vocabulary.object_of.tolist(), IGNORE])  # the last entry is background
    right = {}
    for name in ("toy", "toy_clipseg"):
        evaluator, hits = Evaluator(vocabulary, ["pred_all"]), []
        for sample, found in predicted_labels(load_model(name)[0], samples, vocabulary):
            labels = found["pred_all"].numpy()
            evaluator.update({"pred_all": labels}, sample.object_map, sample.part_map)
            hits.append((owner[labels] == sample.object_map)[sample.part_map != IGNORE])
        fresh = evaluator.compute()["pred_all"]
        low, _, high = RECORD["models"][name]["intervals"]["test"]["pred_all"]["seen"]
        assert fresh["seen_low"] <= high and low <= fresh["seen_high"], name
        right[name] = np.concatenate(hits).mean()
    assert right["toy"] > right["toy_clipseg"], right
