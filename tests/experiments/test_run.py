"""A run ends in a folder that tells its scores, wherever and however often it is started."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import PIL
import pytest
import torch
from helpers import clip_file, quick_settings
from safetensors import safe_open

from partclipseg_lite.cli import main
from partclipseg_lite.experiments.run import Run, default_folder
from partclipseg_lite.settings import Settings
from partclipseg_lite.training import steps
from partclipseg_lite.vocabulary import Vocabulary

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = ("oracle_obj", "pred_all", "plain")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


def four_steps(clip) -> Settings:
    return quick_settings(
        clip, training__steps=4, training__checkpoint_every=2, training__log_every=2
    )


@pytest.fixture(scope="module")
def finished(clip, tmp_path_factory):
    """(folder, what `finish` returned) of a run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    return folder, Run(four_steps(clip), folder, images=3).finish()


def scores_of(metrics):
    return {setting: metrics["scores"][setting] for setting in SETTINGS}


def test_the_folder_holds_settings_weights_log_and_metrics(finished, clip):
    folder, metrics = finished
    assert Run(quick_settings(clip), folder).files == [
        "checkpoints",
        "log.json",
        "metrics.json",
        "settings.json",
        "test.npz",
        "weights.safetensors",
    ]
    assert json.loads((folder / "metrics.json").read_text()) == metrics
    assert metrics["settings"] == json.loads((folder / "settings.json").read_text())
    assert metrics["last_loss"] == json.loads((folder / "log.json").read_text())[-1]


def test_the_scores_are_those_that_the_command_finds_with_the_weights_in_the_folder(
    finished, tmp_path
):
    folder, metrics = finished
    file = tmp_path / "scores.json"
    main(
        [
            "evaluate",
            "--weights",
            str(folder),
            "--dataset",
            "drawn",
            "--images",
            "3",
            "--json",
            str(file),
        ]
    )
    found = json.loads(file.read_text())
    assert {setting: found[setting] for setting in SETTINGS} == scores_of(metrics)
    assert metrics["dataset"] == {
        "name": "drawn",
        "split": "test",
        "seed": 0,
        "images": found["images"],
        "vocabulary": "drawn",
    }


def test_the_hashes_are_those_of_the_files_and_names_that_were_used(finished, clip):
    folder, metrics = finished
    with safe_open(folder / "weights.safetensors", "pt") as weights:
        kept = weights.metadata()
    assert (metrics["settings_hash"], metrics["backbone"]) == (
        kept["settings_hash"],
        kept["backbone"],
    )
    assert metrics["vocabulary_hash"] == Vocabulary.load("drawn").hash != kept["vocabulary_hash"]
    whole_file = (folder / "weights.safetensors").read_bytes()
    assert metrics["weights_sha256"] == hashlib.sha256(whole_file).hexdigest()


def test_the_environment_names_the_versions_that_are_imported(finished):
    environment = finished[1]["environment"]
    assert torch.__version__.startswith(environment["torch"])
    assert (environment["numpy"], environment["pillow"]) == (np.__version__, PIL.__version__)
    assert environment["python"] == sys.version.split()[0] and environment["device"]


def test_a_run_that_was_killed_is_taken_up_and_ends_with_the_same_scores(
    clip, finished, tmp_path, monkeypatch, capsys
):
    run, save = Run(four_steps(clip), tmp_path / "killed", images=3), steps.save_checkpoint

    def killed_after_the_first(folder, step, *arguments):
        save(folder, step, *arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(steps, "save_checkpoint", killed_after_the_first)
        run.finish()
    assert run.newest_step == 2 and not (run.folder / "metrics.json").exists()
    assert scores_of(run.finish()) == scores_of(finished[1])
    assert f"taking up the run in {run.folder} after step 2" in capsys.readouterr().out
    assert run.newest_step == 4


def test_a_folder_with_another_run_is_refused(finished, clip):
    folder, _ = finished
    other = quick_settings(clip, training__steps=5)
    with pytest.raises(ValueError, match="holds a run of other settings"):
        Run(other, folder).train()


def test_a_folder_that_is_a_file_is_refused_at_once(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(ValueError, match="the run's folder .*taken is a file"):
        Run.from_preset("smoke", folder=tmp_path / "taken")


def test_outside_of_the_repository_runs_lie_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Run.from_preset("smoke").folder == Path("runs/smoke")


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        (".", "runs/smoke"),
        ("notebooks", "../runs/smoke"),
        ("tests/experiments", "../../runs/smoke"),
    ],
)
def test_inside_of_the_repository_runs_lie_in_its_folder(monkeypatch, inside, expected):
    monkeypatch.chdir(ROOT / inside)
    assert default_folder(Settings.from_preset("smoke")) == Path(expected)


def test_changed_settings_get_a_folder_of_their_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [
        Run.from_preset("smoke", {"training.steps": steps}).folder.name for steps in (40, 41, 42)
    ]
    assert folders[0] == "smoke"  # 40 is what the preset says
    assert all(name.startswith("smoke-") and len(name) == 14 for name in folders[1:])
    assert folders[1] != folders[2]
