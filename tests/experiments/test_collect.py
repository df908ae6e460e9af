"""The record of a model is gathered from its scored runs alone."""

import json

import pytest

from partclipseg_lite.experiments.collect import collect, collect_model, scored_runs
from partclipseg_lite.experiments.records import load_record


def scores(unseen):
    one = {
        "seen": 10.0,
        "unseen": unseen,
        "per_object_part": {"dog's head": {"iou": unseen, "pixels": 3}},
    }
    return {"images": 2, "oracle_obj": one, "pred_all": one, "plain": one}


def write_run(folder, name, unseen, shifted=5.0, steps=7):
    (folder / name).mkdir()
    (folder / name / "settings.json").write_text(json.dumps({"training": {"steps": steps}}))
    (folder / name / "test.json").write_text(json.dumps(scores(unseen)))
    if shifted is not None:
        (folder / name / "shifted.json").write_text(json.dumps(scores(shifted)))
    return folder / name


def test_seeds_are_counted_in_order_and_unscored_runs_are_left_out(tmp_path):
    for name in ("toy-seed10", "toy-seed2", "toy-seed0", "toy-seedling"):
        write_run(tmp_path, name, 1.0)
    write_run(tmp_path, "toy-seed1", 1.0, shifted=None)
    write_run(tmp_path, "toy_clipseg-seed0", 1.0)
    assert [run.name for run in scored_runs(tmp_path, "toy")] == [
        "toy-seed0",
        "toy-seed2",
        "toy-seed10",
    ]
    assert list(collect(tmp_path, ["toy_clipseg", "smoke", "toy"])) == ["toy_clipseg", "toy"]


def test_the_summary_is_the_mean_and_deviation_over_seeds(tmp_path):
    runs = [
        write_run(tmp_path, f"toy-seed{seed}", unseen)
        for seed, unseen in enumerate((2.0, 4.0, 9.0))
    ]
    model = collect_model(runs)
    unseen = model["summary"]["test"]["oracle_obj"]["unseen"]
    assert (
        unseen["mean"] == 5.0
        and unseen["std"] == pytest.approx(13**0.5)
        and unseen["values"] == [2, 4, 9]
    )
    assert model["summary"]["shifted"]["plain"]["unseen"]["std"] == 0
    assert (model["seeds"], model["steps"], model["test"]) == ([0, 1, 2], 7, scores(2.0))
    assert [table["dog's head"] for table in model["object_part_iou"]] == [2.0, 4.0, 9.0]


def test_runs_of_different_length_are_not_mixed(tmp_path):
    runs = [write_run(tmp_path, f"toy-seed{steps}", 1.0, steps=steps) for steps in (7, 8)]
    with pytest.raises(ValueError, match=r"trained for \[7, 8\] steps"):
        collect_model(runs)


def test_the_shipped_record_has_the_form_that_is_collected(tmp_path):
    model = collect_model([write_run(tmp_path, "toy-seed0", 1.0)])
    for shipped in load_record("toy")["models"].values():
        assert shipped.keys() == model.keys()
        assert shipped["summary"].keys() == model["summary"].keys()
        assert len(shipped["seeds"]) == len(shipped["object_part_iou"])
