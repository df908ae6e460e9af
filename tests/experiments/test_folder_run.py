"""A run on a dataset's folder is scored as ours and as the benchmark scores, on any dataset."""

import json

import numpy as np
import pytest
from helpers import DRAWN, QUICK, clip_file, quick_settings, tiny_model

from partclipseg_lite.cli import main
from partclipseg_lite.datasets.chosen import objects_to_score
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.evaluation.counts import PictureCounts
from partclipseg_lite.evaluation.evaluate import predicted_labels
from partclipseg_lite.experiments.environment import commit
from partclipseg_lite.experiments.one_by_one import as_released, by_picture, count_objects
from partclipseg_lite.experiments.run import Run
from partclipseg_lite.network.models import CLIPSeg
from partclipseg_lite.release.evaluator import Released
from partclipseg_lite.weights.models import load_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "drawn"
    for split, seed in (("train", 0), ("val", 3)):
        pictures = DrawnWorld("test", images=4, size=32, seed=seed, objects="all").render_all(1)
        write_dataset(pictures, root, split, "pascal_part_116")
    return root


@pytest.fixture(scope="module")
def overrides(folder, tmp_path_factory):
    return {
        **QUICK,
        "model.backbone": str(clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")),
        "data.name": "folder",
        "data.folder": str(folder),
        "data.need_parts": True,
        "training.steps": 1,
        "test.every": 1,
    }


@pytest.fixture(scope="module")
def run(overrides, tmp_path_factory):
    return Run.from_preset("toy", overrides, tmp_path_factory.mktemp("run") / "mine")


@pytest.fixture(scope="module")
def metrics(run):
    return run.finish()


def test_the_record_holds_our_scores_the_benchmarks_and_those_of_the_steps_between(run, metrics):
    assert json.loads((run.folder / "metrics.json").read_text()) == metrics
    assert metrics["dataset"] == {
        "name": "drawn",
        "split": "val",
        "whole": True,
        "images": 4,
        "vocabulary": "drawn",
    }
    assert metrics["scores"]["images"] == metrics["released"]["images"] == 4
    assert set(metrics["released"]) >= {"oracle_obj", "pred_all"} and metrics["commit"] == commit()
    assert [row["step"] for row in metrics["by_step"]] == [1]
    # The last weights are kept in halves, so that a pixel may change hands.
    last = metrics["by_step"][-1]["pred_all"]
    for key, value in last.items():
        assert value == pytest.approx(metrics["released"]["pred_all"][key], abs=2)


def test_attention_is_shown_of_an_object_in_view_before_and_after_the_training(run, metrics):
    model, *_ = load_model(run.folder)
    image, looks = run.attention(model)
    ((obj, maps),) = looks.items()
    (sample,) = (s for s in run.test_samples if np.array_equal(s.image, image))
    of = DRAWN.object_of.numpy() == DRAWN.objects.index(obj)
    ids = [t for t in np.unique(sample.part_map) if t >= 0 and of[t]]
    in_view = [DRAWN.parts[DRAWN.part_of[t]] for t in ids]
    assert list(maps) == ["before", "after"] and sorted(maps["after"]) == sorted(in_view)
    assert any((maps["before"][part] != maps["after"][part]).any() for part in in_view)
    assert run.attention(tiny_model(CLIPSeg))[1] == {}


def test_the_counts_are_kept_by_picture_and_by_object(run, metrics):
    whole = PictureCounts.load(run.folder / "test.npz")
    objects = PictureCounts.load(run.folder / "test_released.npz")
    assert list(whole.names) == run.test_samples.names
    assert len(objects) == metrics["released"]["samples"] >= 4
    # In Pred-All nothing is told, so that a picture is the sum of its objects.
    assert by_picture(objects).names == tuple(sorted(whole.names))
    order = np.argsort(whole.names)
    assert np.array_equal(
        by_picture(objects).settings["pred_all"], whole.settings["pred_all"][order]
    )


def test_the_command_line_trains_and_scores_as_the_report_does(run, metrics, overrides, capsys):
    assignments = [f"{name}={json.dumps(value)}" for name, value in overrides.items()]
    (run.folder / "metrics.json").unlink()
    command = ["train", "--preset", "toy", "--output", str(run.folder), "--evaluate"]
    main([*command, "--set", *assignments])
    again = json.loads((run.folder / "metrics.json").read_text())
    assert again["scores"] == metrics["scores"] and again["released"] == metrics["released"]
    assert again["overrides"] == metrics["overrides"] == overrides
    assert f"scores in {run.folder / 'metrics.json'}" in capsys.readouterr().out


def test_a_dataset_with_other_pictures_can_be_scored_without_training_again(run, metrics, folder):
    elsewhere = {"folder": str(folder), "split": "train", "images": 2, "every": None}
    tested = run.settings.test.model_copy(update=elsewhere)
    other = run.settings.model_copy(update={"test": tested})
    again = Run(other, run.folder)
    assert again.settings.hash() == run.settings.hash() and again.dataset["images"] == 2
    model, _ = again.train()
    scores = again.score_as_released(model, keep=False)
    assert scores["images"] == 2 < scores["samples"] + 1


def test_a_missing_test_folder_is_told_before_the_training(run, tmp_path):
    settings = run.settings.model_copy(
        update={"test": run.settings.test.model_copy(update={"folder": "datasets/none"})}
    )
    with pytest.raises(FileNotFoundError, match="'test.folder': there is no folder"):
        Run(settings, tmp_path / "new").train()
    assert not (tmp_path / "new").exists()


def test_the_benchmark_tells_one_object_at_a_time(folder):
    settings = quick_settings("toy", data__name="folder", data__folder=str(folder))
    model, samples = tiny_model(), objects_to_score(settings)
    found = count_objects(model, samples, progress=False)
    by_hand = Released(DRAWN, Released.counted)
    for i, (sample, labels) in enumerate(predicted_labels(model, samples, DRAWN, batch_size=1)):
        (obj,) = set(np.unique(sample.object_map).tolist()) - {-1}
        told = labels["oracle_obj"].numpy()
        assert (DRAWN.object_of.numpy()[told] == obj).all() and sample.name == samples.names[i]
        asked = {setting: labels[setting] for setting in ("oracle_obj", "pred_all")}
        by_hand.update(asked, sample.object_map, sample.part_map)
    for setting in ("oracle_obj", "pred_all"):
        assert np.array_equal(found.confusion(setting), by_hand.confusion(setting))


def test_objects_of_one_picture_are_resampled_together():
    evaluator = Released(DRAWN, Released.counted)
    rng, parts = np.random.default_rng(0), np.arange(len(DRAWN))
    for i in range(12):
        truth = rng.choice(parts, (8, 8))
        found = np.where(rng.random((8, 8)) < 0.5, truth, rng.choice(parts, (8, 8)))
        labels = {"oracle_obj": found, "pred_all": found}
        evaluator.update(labels, np.zeros_like(truth), truth, f"picture{i % 4}#object{i}")
    scores, alone = as_released(evaluator), evaluator.compute()
    assert (scores["images"], scores["samples"]) == (4, 12)
    for setting in ("oracle_obj", "pred_all"):
        assert scores[setting]["seen"] == alone[setting]["seen"]
        assert (
            scores[setting]["seen_low"] <= scores[setting]["seen"] <= scores[setting]["seen_high"]
        )
    assert scores["pred_all"]["seen_low"] != alone["pred_all"]["seen_low"]
    assert "released" in json.dumps({"released": scores}, allow_nan=False)
