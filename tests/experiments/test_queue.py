"""The queue runs what is missing, keeps what is there, and its record can be collected."""

import json
import subprocess
from types import SimpleNamespace

import pytest
from helpers import TINY_RUN

from partclipseg_lite import cli
from partclipseg_lite.evaluation.class_means import mean_iou
from partclipseg_lite.evaluation.counts import PictureCounts
from partclipseg_lite.experiments import launch, queue
from partclipseg_lite.experiments.collect import collect, median_of
from partclipseg_lite.experiments.plan import Experiment, Job
from partclipseg_lite.vocabulary import Vocabulary

PLAN = {
    "one": Experiment("one", "One", "smoke", 2, TINY_RUN, differs_from="one", strip=(0, 1)),
    "two": Experiment("two", "Two", "smoke_clipseg", 1, TINY_RUN, differs_from="one"),
}
JOBS = [Job(PLAN["one"], 0), Job(PLAN["one"], 1), Job(PLAN["two"], 0)]


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "PICTURES", {"test": 4, "shifted": 2, "validation": 2})
        said = []
        queue.run_missing(JOBS, folder, said.append)
        assert [line.split(":")[0] for line in said] == [job.name for job in JOBS]
        yield folder


def test_what_is_done_is_not_done_again(work):
    before = {path: path.stat().st_mtime_ns for path in work.glob("*/metrics.json")}
    said = []
    queue.run_missing(JOBS, work, said.append)
    assert not said and before == {p: p.stat().st_mtime_ns for p in work.glob("*/metrics.json")}


def test_other_settings_are_another_run(work):
    changed = Experiment("one", "One", "smoke", 2, {**TINY_RUN, "training.steps": 3})
    assert queue.is_done(JOBS[0], work) and not queue.is_done(Job(changed, 0), work)
    more = Experiment("one", "One", "smoke", 2, TINY_RUN, splits=("test", "shifted"))
    assert not queue.is_done(Job(more, 0), work), "a split is missing"


def test_a_run_keeps_its_weights_its_strip_and_its_counts(work):
    folder = work / "one-seed0"
    assert sorted(path.name for path in (folder / "strip").iterdir()) == [
        "step000000.safetensors",
        "step000001.safetensors",
    ]
    assert not (work / "one-seed1" / "strip").exists()
    metrics = json.loads((folder / "metrics.json").read_text())
    seen = Vocabulary.load("drawn").seen.numpy()
    counts = PictureCounts.load(folder / "test.npz")
    assert len(counts) == metrics["splits"]["test"]["images"] == 4
    for setting, scores in metrics["splits"]["test"].items():
        if isinstance(scores, dict):
            again = mean_iou(seen)(counts.settings[setting].sum(0))
            assert scores["seen"] == pytest.approx(float(again["seen"]), nan_ok=True)
    assert 0 <= metrics["attention"]["overlap"] <= 1
    assert json.loads((work / "two-seed0" / "metrics.json").read_text())["attention"] == {}


def test_a_training_that_fails_stops_no_other(work, tmp_path):
    broken = Experiment("broken", "Broken", "smoke", 1, {**TINY_RUN, "model.start": "nowhere.pth"})
    said = []
    with pytest.raises(RuntimeError, match="1 trainings failed: broken-seed0"):
        queue.run_missing([Job(broken, 0), JOBS[2]], tmp_path, said.append)
    assert said[0].startswith("broken-seed0 failed") and queue.is_done(JOBS[2], tmp_path)


def test_processes_share_a_training_as_a_user_would_launch_it(tmp_path, monkeypatch):
    shared = Experiment("shared", "S", "smoke", 1, TINY_RUN, differs_from="shared", processes=2)
    asked = []

    def run(command, env):
        assert (
            command[1:3] == ["-m", "accelerate.commands.launch"] and env["OMP_NUM_THREADS"] == "1"
        )
        assert command[command.index("--num_processes") + 1] == "2" and "--cpu" in command
        asked.append(command[command.index("partclipseg_lite") + 1 :])
        return subprocess.CompletedProcess(command, cli.main(asked[-1]) or 0)

    monkeypatch.setattr(queue, "PICTURES", {"test": 2})
    monkeypatch.setattr(launch, "subprocess", SimpleNamespace(run=run))
    job = Job(shared, 0)
    queue.run_missing([job], tmp_path, [].append)
    metrics = json.loads((tmp_path / job.name / "metrics.json").read_text())
    assert metrics["processes"] == 2 and metrics["seconds_with_set_up"] > 0
    assert queue.is_done(job, tmp_path) and len(asked) == 1
    # what was trained by others is scored without training it again
    (tmp_path / job.name / "metrics.json").unlink()
    queue.run_missing([job], tmp_path, [].append)
    again = json.loads((tmp_path / job.name / "metrics.json").read_text())
    assert len(asked) == 1 and again["processes"] == 2 and "seconds_with_set_up" not in again
    assert again["splits"] == metrics["splits"] and again["last_loss"] == metrics["last_loss"]


def test_processes_that_fail_fail_the_training(tmp_path, monkeypatch):
    done = subprocess.CompletedProcess([], 1)
    monkeypatch.setattr(launch, "subprocess", SimpleNamespace(run=lambda *_, **__: done))
    with pytest.raises(RuntimeError, match="2 processes that share a training failed"):
        launch.launch("smoke", TINY_RUN, tmp_path, 2)


def test_the_estimate_counts_what_is_missing_alone(work, tmp_path):
    assert queue.seconds_needed(JOBS, work, 2) == 0
    assert queue.seconds_needed(JOBS, tmp_path, 2) == pytest.approx(3 * 2 * 0.4 / 2)


def test_the_record_tells_seeds_apart_and_differences_on_the_same_ones(work):
    found = {name: collect(one, PLAN["one"], work) for name, one in PLAN.items()}
    assert found["one"]["seeds"] == [0, 1] and found["one"]["difference"] is None
    told = found["two"]["difference"]
    assert (told["from"], told["seeds"]) == ("one", [0])
    mine, theirs = (
        json.loads((work / name / "metrics.json").read_text())["splits"]["test"]["pred_all"]["seen"]
        for name in ("two-seed0", "one-seed0")
    )
    assert told["pred_all"]["seen"]["value"] == pytest.approx(mine - theirs)
    low, value, high = found["one"]["intervals"]["test"]["pred_all"]["seen"]
    assert low <= value <= high
    assert value == pytest.approx(found["one"]["summary"]["test"]["pred_all"]["seen"]["mean"])
    json.dumps(found, allow_nan=True)


def test_the_median_is_in_the_middle():
    assert [median_of(x) for x in ([3.0], [5.0, 1.0, 3.0], [4.0, 1.0, 2.0, 3.0])] == [0, 2, 2]
