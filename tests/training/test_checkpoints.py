"""A run goes on from what is whole, alone in its folder, and ends where its settings lead."""

import json
import os
import shutil
import subprocess
import sys

import pytest
import torch
from filelock import FileLock
from helpers import clip_file, quick_settings, samples
from safetensors.torch import load_file

from partclipseg_lite.training.loop import train
from partclipseg_lite.weights.files import WeightsError, read_tensors, write_tensors


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


def short(clip, **more):
    given = {"steps": 4, "checkpoint_every": 1, "log_every": 3}
    return quick_settings(
        clip, **{f"training__{key}": value for key, value in given.items()} | more
    )


@pytest.fixture(scope="module")
def whole(clip, tmp_path_factory):
    """The folder of a run of four steps, with checkpoints after steps 3 and 4."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(short(clip), folder, samples(), progress=False)
    return folder


@pytest.fixture
def broken_off(whole, tmp_path):
    """A copy of the run as if it had been killed after its last step."""
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").unlink()
    (tmp_path / "run" / "log.json").unlink()
    return tmp_path / "run"


def same(one, other):
    mine, theirs = (load_file(folder / "weights.safetensors") for folder in (one, other))
    return mine.keys() == theirs.keys() and all(torch.equal(mine[n], theirs[n]) for n in mine)


def log_of(folder):
    entries = json.loads((folder / "log.json").read_text())
    return [{k: v for k, v in entry.items() if k != "seconds"} for entry in entries]


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "flipped": lambda path: path.write_bytes(
        bytes([*path.read_bytes()[:-9], path.read_bytes()[-9] ^ 4, *path.read_bytes()[-8:]])
    ),
    "a pickle": lambda path: torch.save({"model": {}, "step": 99}, path),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over_and_the_run_ends_the_same(
    whole, broken_off, clip, kind
):
    DAMAGE[kind](broken_off / "checkpoints" / "step_0000004.safetensors")
    with pytest.warns(UserWarning, match="passed over: .*going on from step_0000003.safetensors"):
        train(short(clip), broken_off, samples(), progress=False)
    assert same(whole, broken_off)


def test_with_all_checkpoints_damaged_one_error_names_file_and_remedy(broken_off, clip):
    for path in (broken_off / "checkpoints").iterdir():
        path.write_bytes(b"")
    with pytest.raises(
        WeightsError, match="step_0000004.safetensors .*; .*delete .* to start anew"
    ):
        train(short(clip), broken_off, samples(), progress=False)


def test_strange_files_among_the_checkpoints_are_left_alone(whole, broken_off, clip):
    (broken_off / "checkpoints" / "step_backup").mkdir()
    (broken_off / "checkpoints" / "step_0000009.txt").write_text("notes")
    train(short(clip), broken_off, samples(), progress=False)
    assert same(whole, broken_off) and (broken_off / "checkpoints" / "step_backup").is_dir()


def test_a_checkpoint_of_version_0_1_is_taken_up_with_a_word_about_its_missing_digest(
    whole, broken_off, clip
):
    folder = broken_off / "checkpoints"
    tensors, metadata = read_tensors(folder / "step_0000003.safetensors")
    moments: dict = {}
    for name, tensor in tensors.items():
        if name.startswith("optimizer."):
            _, index, entry = name.split(".", 2)
            moments.setdefault(int(index), {})[entry] = tensor
    shutil.rmtree(folder)
    (folder / "step_0000003").mkdir(parents=True)
    state = {
        "model": {n[6:]: t for n, t in tensors.items() if n.startswith("model.")},
        "optimizer": {"state": moments, "param_groups": json.loads(metadata["groups"])},
        "schedule": json.loads(metadata["schedule"]),
        "step": 3,
        "settings_hash": metadata["settings_hash"],
        "backbone": metadata["backbone"],
    }
    torch.save(state, folder / "step_0000003" / "state.pt")
    (folder / "step_0000003" / "log.json").write_text(metadata["log"])
    with pytest.warns(UserWarning, match="step_0000003 carries no digest"):
        train(short(clip), broken_off, samples(), progress=False)
    assert same(whole, broken_off)


def test_losses_that_an_earlier_version_listed_one_by_one_are_taken_up(whole, broken_off, clip):
    path = broken_off / "checkpoints" / "step_0000004.safetensors"
    path.unlink()
    path = broken_off / "checkpoints" / "step_0000003.safetensors"
    tensors, metadata = read_tensors(path)
    listed = {"total": [3.0, 5.0], "part": [1.0]}
    write_tensors(path, tensors, {**metadata, "log": "[]", "window": json.dumps(listed)})
    train(short(clip), broken_off, samples(), progress=False)
    before, after = log_of(whole)[-1], log_of(broken_off)[-1]
    assert after["total"] == pytest.approx((3 + 5 + before["total"]) / 3)
    assert after["part"] == pytest.approx((1 + before["part"]) / 2)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_log_does_not_depend_on_where_a_run_was_cut(whole, broken_off, clip, steps):
    # An entry covers three steps, a checkpoint is written after each.
    first = short(clip, training__steps=4)
    shutil.rmtree(broken_off)
    from partclipseg_lite.losses.objective import Objective

    compute, calls = Objective.__call__, iter(range(100))

    def dying(*args):
        if next(calls) == steps:
            raise KeyboardInterrupt
        return compute(*args)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Objective, "__call__", dying)
        train(first, broken_off, samples(), progress=False)
    train(first, broken_off, samples(), progress=False)
    assert log_of(broken_off) == log_of(whole) and same(whole, broken_off)


# ---- who owns a folder ---------------------------------------------------------------------------


def test_a_second_process_is_told_that_the_folder_is_taken(clip, tmp_path):
    (tmp_path / "run").mkdir()
    with FileLock(tmp_path / "run" / ".lock"):
        with pytest.raises(ValueError, match="another process is training in .*choose another"):
            train(short(clip), tmp_path / "run", samples(), progress=False)
    train(short(clip, training__steps=1), tmp_path / "run", samples(), progress=False)


def test_weights_are_never_overwritten_by_a_run_of_other_settings(whole, clip, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    other = short(clip, training__seed=5)
    before = (tmp_path / "run" / "weights.safetensors").read_bytes()
    with pytest.raises(ValueError, match="other settings .training.seed: 0 there, 5 here"):
        train(other, tmp_path / "run", samples(), progress=False)
    (tmp_path / "run" / "settings.json").unlink()
    with pytest.raises(ValueError, match="weights.safetensors was trained with other settings"):
        train(other, tmp_path / "run", samples(), progress=False)
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == before


def test_a_finished_run_without_its_checkpoints_is_still_finished(whole, clip, tmp_path):
    shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")

    class Untouchable:
        def __len__(self):
            raise AssertionError("the pictures were asked for")

    _, log = train(short(clip), tmp_path / "run", Untouchable(), progress=False)
    assert log == json.loads((whole / "log.json").read_text()) and same(whole, tmp_path / "run")


@pytest.mark.parametrize("contents", ["", "{", "[]", '{"model": {"from_the_future": 1}}'])
def test_settings_that_cannot_be_read_are_named(whole, clip, tmp_path, contents):
    shutil.copytree(whole, tmp_path / "run")
    (tmp_path / "run" / "settings.json").write_text(contents)
    with pytest.raises(ValueError, match="settings.json cannot be read as settings .*delete"):
        train(short(clip), tmp_path / "run", samples(), progress=False)


# ---- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 3])
def test_weights_that_make_no_sense_are_not_written(clip, tmp_path, steps):
    settings = short(clip, training__steps=steps, training__learning_rate=1e30)
    with pytest.raises(FloatingPointError, match=r"lower training\.learning_rate"):
        train(settings, tmp_path / "run", samples(), progress=False)
    assert not (tmp_path / "run" / "weights.safetensors").exists()


# ---- what the process and the environment have set -----------------------------------------------


ALONE = """
import json, multiprocessing, sys
sys.path[:0] = json.loads(sys.argv[1])
import torch
from helpers import samples
from partclipseg_lite.settings import Settings
from partclipseg_lite.training.loop import train
torch.set_num_threads(int(sys.argv[2]))
start = "fork" if "fork" in multiprocessing.get_all_start_methods() else "spawn"
for settings, folder in json.loads(sys.argv[3]):  # each in a process that has not trained before
    arguments = Settings.model_validate_json(settings), folder, samples(), False
    one = multiprocessing.get_context(start).Process(target=train, args=arguments)
    one.start()
    one.join()
    assert one.exitcode == 0
"""


def with_precision(clip, precision):
    return short(clip, training__precision=precision, training__steps=2)


@pytest.fixture(scope="module")
def alone(clip, tmp_path_factory):
    """Precision -> the folder of a run with it in a process of its own."""
    folder = tmp_path_factory.mktemp("alone")
    runs = {
        str(folder / name): with_precision(clip, name).model_dump_json()
        for name in ("float32", "bf16")
    }
    tests = os.path.dirname(os.path.dirname(__file__))
    given = [tests], torch.get_num_threads(), [[settings, at] for at, settings in runs.items()]
    command = [sys.executable, "-c", ALONE, *map(json.dumps, given)]
    subprocess.run(command, check=True)
    return {os.path.basename(at): folder / os.path.basename(at) for at in runs}


@pytest.mark.parametrize("order", [("float32", "bf16"), ("bf16", "float32")])
def test_two_precisions_in_one_process_train_each_as_alone(clip, alone, tmp_path, order):
    for precision in order:
        train(with_precision(clip, precision), tmp_path / precision, samples(), progress=False)
    for precision in order:
        assert same(tmp_path / precision, alone[precision])
    assert not same(alone["float32"], alone["bf16"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4"),
        ("ACCELERATE_MIXED_PRECISION", "bf16"),
        ("ACCELERATE_DYNAMO_BACKEND", "EAGER"),
        ("ACCELERATE_USE_FSDP", "true"),
    ],
)
def test_the_environment_does_not_change_the_weights(
    clip, whole, tmp_path, monkeypatch, name, value
):
    monkeypatch.setenv(name, value)
    train(short(clip), tmp_path / "run", samples(), progress=False)
    assert same(whole, tmp_path / "run") and os.environ[name] == value


@pytest.mark.parametrize("contents", [None, "", "{", "{}", "[1]", "[" * 100_000])
def test_a_finished_run_whose_log_is_damaged_says_so(whole, clip, tmp_path, contents):
    shutil.copytree(whole, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "checkpoints")
    (tmp_path / "run" / "log.json").unlink()
    if contents is not None:
        (tmp_path / "run" / "log.json").write_text(contents)
    with pytest.raises(ValueError, match="log.json cannot be read .*the weights beside it are"):
        train(short(clip), tmp_path / "run", samples(), progress=False)


def test_a_checkpoint_that_a_killed_process_did_not_get_to_remove_is_removed(
    whole, broken_off, clip
):
    folder = broken_off / "checkpoints"
    shutil.copy(folder / "step_0000003.safetensors", folder / "step_0000002.safetensors")
    train(short(clip), broken_off, samples(), progress=False)
    assert sorted(p.name for p in folder.iterdir()) == sorted(
        p.name for p in (whole / "checkpoints").iterdir()
    )
