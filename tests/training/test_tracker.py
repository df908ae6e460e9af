"""TensorBoard is told the lines of the log, each step once, or is missed in one line."""

import pytest
from helpers import clip_file, quick_settings, samples

from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.settings import Settings
from partclipseg_lite.training import accelerators
from partclipseg_lite.training.loop import train


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


def tracked(clip, **more):
    given = {"steps": 4, "log_every": 1, "checkpoint_every": 2, "tracker": "tensorboard"}
    return quick_settings(
        clip, **{f"training__{key}": value for key, value in (given | more).items()}
    )


def told(folder):
    """Name -> [(step, value)] in the event files of a run."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        name: [(event.step, event.value) for event in accumulator.Scalars(name)]
        for name in accumulator.Tags()["scalars"]
    }


def test_tensorboard_is_told_each_line_once_though_the_run_was_killed(clip, tmp_path, monkeypatch):
    compute, calls = Objective.__call__, iter(range(100))

    def dying(*args):
        if next(calls) == 3:  # after the checkpoint at 2 and the line at 3
            raise KeyboardInterrupt
        return compute(*args)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Objective, "__call__", dying)
        train(tracked(clip), tmp_path, samples(), progress=False)
    _, log = train(tracked(clip), tmp_path, samples(), progress=False)
    found = told(tmp_path / "tensorboard" / "toy")
    terms = log[0].keys() - {"step", "seconds"}
    assert found.keys() == terms | {"learning_rate"}
    for name in terms:
        assert [step for step, _ in found[name]] == [1, 2, 3, 4]
        assert [value for _, value in found[name]] == pytest.approx([line[name] for line in log])
    assert found["learning_rate"][-1][1] == 0


def test_without_a_tracker_nothing_is_written_for_one(clip, tmp_path):
    train(tracked(clip, tracker=None, steps=1), tmp_path, samples(), progress=False)
    assert not (tmp_path / "tensorboard").exists()


def test_a_missing_package_is_named_before_anything_is_made(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(accelerators, "is_tensorboard_available", lambda: False)
    with pytest.raises(ValueError, match="'tensorboard' needs .*: pip install tensorboard, or set"):
        train(tracked(clip), tmp_path / "run", samples(), progress=False)
    assert not (tmp_path / "run").exists()


def test_other_trackers_are_refused():
    with pytest.raises(ValueError, match="training.tracker.*tensorboard"):
        Settings.from_preset("toy", {"training.tracker": "wandb"})
