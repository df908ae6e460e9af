"""Training is the same whether killed or not, leaves nothing half-written, and lowers the loss."""

import json

import numpy as np
import pytest
import torch
from helpers import DRAWN, clip_file, quick_settings, sample, samples, tiny_model
from safetensors.torch import load_file

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.losses.masks import make_targets, mask_losses
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.clip_start import start_from_clip
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.settings import Settings
from partclipseg_lite.training.examples import StepSampler, TrainingExamples, training_samples
from partclipseg_lite.training.loop import poly_schedule, train
from partclipseg_lite.training.objective import LossModule
from partclipseg_lite.weights import files
from partclipseg_lite.weights.build import build_model

SEEN = DRAWN.seen_only()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


@pytest.fixture(scope="module")
def finished(clip, tmp_path_factory):
    """(folder, settings, log, model) of a run of 6 steps that nothing disturbed."""
    folder, settings = tmp_path_factory.mktemp("whole"), six_steps(clip)
    model, log = train(settings, folder, samples(), progress=False)
    return folder, settings, log, model


def six_steps(clip, **more):
    return quick_settings(
        clip, training__steps=6, training__checkpoint_every=2, training__log_every=2, **more
    )


def stop_at(monkeypatch, step, error=KeyboardInterrupt):
    """Let the run die while it computes `step` (from 0)."""
    compute, calls = Objective.__call__, iter(range(1000))

    def dying(*args):
        if next(calls) == step:
            raise error("killed")
        return compute(*args)

    monkeypatch.setattr(Objective, "__call__", dying)


def without_time(log):
    return [{key: value for key, value in entry.items() if key != "seconds"} for entry in log]


def test_pictures_of_another_vocabulary_are_refused_before_anything_is_built(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "partclipseg_lite.training.loop.build_model", lambda *_: pytest.fail("a model was built")
    )
    missing = {"data.folder": str(tmp_path / "nowhere")}
    for settings, error, message in (
        (
            Settings.from_preset("toy", {"vocabulary": "ade20k_part_234"}),
            ValueError,
            "vocabulary '.*_part_.*' does not fit the pictures of 'drawn'",
        ),
        (
            Settings.from_preset("partclipseg_pascal_part_116", missing),
            FileNotFoundError,
            "there is no folder '.*nowhere'; prepare it with .*pascal_part_116.py",
        ),
    ):
        with pytest.raises(error, match=message):
            train(settings, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()


def test_settings_that_cannot_be_built_leave_no_folder(tmp_path):
    with pytest.raises(ValueError, match="image size 100 is not a multiple"):
        train(
            Settings.from_preset("toy", {"model.image_size": 100}), tmp_path / "run", progress=False
        )
    assert not (tmp_path / "run").exists()


# ---- resume --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1, 5])
def test_a_run_that_was_killed_and_taken_up_again_ends_with_the_same_bits(
    finished, tmp_path, monkeypatch, step
):
    whole, settings, log, _ = finished
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        stop_at(patched, step)
        train(settings, tmp_path, samples(), progress=False)
    assert not (tmp_path / "weights.safetensors").exists()
    names = [f.name for f in (tmp_path / "checkpoints").glob("*")]
    assert sorted(names) == (
        ["step_0000002.safetensors", "step_0000004.safetensors"] if step == 5 else []
    )
    _, log_again = train(settings, tmp_path, samples(), progress=False)
    once, twice = (load_file(folder / "weights.safetensors") for folder in (whole, tmp_path))
    assert once.keys() == twice.keys() and all(
        torch.equal(once[name], twice[name]) for name in once
    )
    assert without_time(log_again) == without_time(log)
    state = [
        load_file(folder / "checkpoints" / "step_0000006.safetensors")
        for folder in (whole, tmp_path)
    ]
    assert sum(name.endswith("exp_avg_sq") for name in state[0]) > 40
    assert state[0].keys() == state[1].keys()
    assert all(torch.equal(state[0][name], state[1][name]) for name in state[0])


def test_a_finished_run_returns_at_once(finished):
    folder, settings, log, _ = finished

    class Untouchable:
        def __len__(self):
            raise AssertionError("the pictures were asked for")

    before = load_file(folder / "weights.safetensors")
    _, again = train(settings, folder, Untouchable(), progress=False)
    after = load_file(folder / "weights.safetensors")
    assert again == log and all(torch.equal(before[name], after[name]) for name in before)


def test_a_run_writes_its_settings_its_log_and_checkpoints(finished):
    folder, settings, log, _ = finished
    assert json.loads((folder / "settings.json").read_text()) == settings.model_dump(mode="json")
    assert json.loads((folder / "log.json").read_text()) == log
    assert [entry["step"] for entry in log] == [2, 4, 6]
    assert {
        "total",
        "object_part",
        "part",
        "object",
        "separation",
        "enhancement",
        "seconds",
    } <= log[0].keys()
    assert {f.name for f in folder.iterdir()} - {".lock"} == {
        "settings.json",
        "log.json",
        "weights.safetensors",
        "checkpoints",
    }
    assert sorted(f.name for f in (folder / "checkpoints").iterdir()) == [
        "step_0000004.safetensors",
        "step_0000006.safetensors",
    ]


def test_a_checkpoint_of_other_settings_is_refused_and_kept(finished, clip):
    folder, settings, _, _ = finished
    before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    with pytest.raises(
        ValueError,
        match=r"holds a run of other settings \(training.learning_rate: 0.002 there, 0.1 here\)",
    ):
        train(six_steps(clip, training__learning_rate=0.1), folder, samples(), progress=False)
    assert before == {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_checkpoint_made_with_another_clip_at_the_same_path_is_refused(tmp_path):
    file = tmp_path / "clip.safetensors"
    clip_file(file, seed=0)
    train(six_steps(file), tmp_path / "run", samples(), progress=False)
    clip_file(file, seed=1)
    with pytest.raises(ValueError, match="step_0000006.safetensors was written with another CLIP"):
        train(six_steps(file), tmp_path / "run", samples(), progress=False)


def test_nothing_half_written_stays_when_a_checkpoint_cannot_be_saved(
    finished, tmp_path, monkeypatch
):
    whole, settings, _, _ = finished
    save, count = files.save_file, iter(range(100))

    def disk_full(tensors, path, metadata):
        if next(count) == 1:
            path.write_bytes(b"half")
            raise OSError("No space left on device")
        save(tensors, path, metadata=metadata)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space left"):
        patched.setattr(files, "save_file", disk_full)
        train(settings, tmp_path, samples(), progress=False)
    assert [f.name for f in (tmp_path / "checkpoints").iterdir()] == ["step_0000002.safetensors"]
    train(settings, tmp_path, samples(), progress=False)
    once, twice = (load_file(folder / "weights.safetensors") for folder in (whole, tmp_path))
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_what_a_power_cut_leaves_behind_is_ignored_and_removed(finished, tmp_path):
    _, settings, log, _ = finished
    half = tmp_path / "checkpoints" / ".step_0000002.partial"  # as 0.1 left it
    half.mkdir(parents=True)
    (half / "state.pt").write_bytes(b"half")
    (tmp_path / "checkpoints" / ".step_0000004.safetensors.0a1b.partial").write_bytes(b"half")
    _, again = train(settings, tmp_path, samples(), progress=False)
    assert without_time(again) == without_time(log)
    assert sorted(f.name for f in (tmp_path / "checkpoints").iterdir()) == [
        "step_0000004.safetensors",
        "step_0000006.safetensors",
    ]


def test_another_seed_trains_another_model(finished, clip, tmp_path):
    train(six_steps(clip, training__seed=1), tmp_path, samples(), progress=False)
    once, other = (load_file(folder / "weights.safetensors") for folder in (finished[0], tmp_path))
    assert not torch.equal(once["merge_features.weight"], other["merge_features.weight"])


# ---- learning ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["partclipseg", "clipseg"])
def test_the_loss_falls_when_two_pictures_are_learned_by_heart(clip, tmp_path, kind):
    settings = quick_settings(
        clip,
        model__kind=kind,
        training__steps=60,
        training__log_every=10,
        training__learning_rate=5e-3,
        training__vary_words=False,
    )
    _, log = train(settings, tmp_path, [sample(("cat", "cow"))] * 2, progress=False)
    assert log[-1]["total"] < 0.65 * log[0]["total"]
    assert log[-1]["object_part"] < 0.65 * log[0]["object_part"]


def test_everything_but_the_clip_is_trained(finished):
    _, settings, _, model = finished
    torch.manual_seed(settings.training.seed)
    fresh = build_model(settings)
    start_from_clip(fresh)
    before = dict(fresh.named_parameters())
    for name, parameter in model.named_parameters():
        if name.startswith("backbone."):
            assert torch.equal(parameter, before[name]), name
        elif "k_proj.bias" not in name:
            assert not torch.equal(parameter, before[name]), name


def test_a_loss_that_is_no_number_ends_the_run_with_advice(clip, tmp_path, monkeypatch):
    compute = Objective.__call__
    monkeypatch.setattr(
        Objective, "__call__", lambda *args: (compute(*args)[0] * float("nan"), compute(*args)[1])
    )
    with pytest.raises(
        FloatingPointError, match=r"the loss became nan at step 0 .*lower training\.learning_rate"
    ):
        train(six_steps(clip), tmp_path, samples(), progress=False)


def test_pictures_are_drawn_when_none_are_given(clip):
    settings = quick_settings(clip, data__images=3)
    drawn = training_samples(settings)
    assert len(drawn) == 3 and drawn[0].image.shape == (32, 32, 3)
    novel = {o for o, seen in enumerate(DRAWN.seen_object.tolist()) if not seen}
    assert not novel & {o for picture in drawn for o in np.unique(picture.object_map).tolist()}


def test_progress_is_one_line_with_the_time_left(clip, tmp_path, capsys):
    train(quick_settings(clip, training__steps=2), tmp_path, samples(), progress=True)
    assert "train toy" in capsys.readouterr().out


# ---- the loss of a batch -------------------------------------------------------------------------


def batch(settings, pictures=None, step=0):
    examples = TrainingExamples(pictures or samples(), DRAWN, settings)
    return torch.utils.data.default_collate([examples[step, place] for place in range(2)])


def loss_of(model, settings, pictures=None, step=0):
    """(total, terms) of one batch."""
    module = LossModule(model, DRAWN, settings)
    return module(module.prepare(batch(settings, pictures, step)))


def test_the_total_is_the_weighted_sum_of_its_terms(clip):
    settings = quick_settings(
        clip,
        loss__part_weight=0.7,
        loss__object_weight=0.3,
        loss__separation_weight=2.0,
        loss__enhancement_weight=0.5,
        loss__dice_weight=0.4,
    )
    total, terms = loss_of(tiny_model(), settings)
    weights = {
        "object_part": 1,
        "part": 0.7,
        "object": 0.3,
        "separation": 2,
        "enhancement": 0.5,
        "dice": 0.4,
    }
    assert terms.keys() == weights.keys()
    assert total.item() == pytest.approx(
        sum(weights[name] * terms[name].item() for name in weights), rel=1e-5
    )


def test_masks_and_attention_come_from_one_forward_and_the_tap_changes_no_mask_loss(clip):
    with_control, without = quick_settings(clip), quick_settings(clip, "toy_no_attention_control")
    model, calls = tiny_model(), []
    model.decoder.register_forward_hook(lambda *_: calls.append(1))
    terms = [loss_of(model, settings)[1] for settings in (with_control, without)]
    assert len(calls) == 2 and terms[0].keys() - terms[1].keys() == {"separation", "enhancement"}
    for name, value in terms[1].items():
        assert terms[0][name].item() == pytest.approx(value.item(), rel=1e-5)


def test_half_precision_changes_the_loss_little(clip):
    settings = quick_settings(clip)
    _, exact = loss_of(tiny_model(), settings)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, rough = loss_of(tiny_model(), settings)
    total.backward()
    assert {
        name: term.dtype for name, term in rough.items() if name in ("separation", "enhancement")
    } == {"separation": torch.float32, "enhancement": torch.float32}
    for name, term in exact.items():
        assert rough[name].item() == pytest.approx(term.item(), rel=0.05, abs=0.02), name


def test_the_printed_separation_trains_nothing_and_the_soft_one_does(clip):
    gradients = {}
    for form in ("paper", "soft"):
        settings = quick_settings(clip, loss__separation=form)
        separation = loss_of(tiny_model(), settings)[1]["separation"]
        gradients[form] = separation.requires_grad
    assert gradients == {"paper": False, "soft": True}


@pytest.mark.parametrize("kind", [PartCLIPSeg, CLIPSeg])
@pytest.mark.parametrize(
    "pictures",
    [
        None,
        [Sample(np.zeros((32, 32, 3), np.uint8), *np.full((2, 32, 32), IGNORE))],
        [Sample(np.zeros((32, 32, 3), np.uint8), np.full((32, 32), 6), np.full((32, 32), IGNORE))],
    ],
    ids=["ordinary", "empty", "no part"],
)
def test_every_batch_reaches_every_trained_weight(clip, kind, pictures):
    settings = quick_settings(clip, model__kind="clipseg" if kind is CLIPSeg else "partclipseg")
    module = LossModule(tiny_model(kind), DRAWN, settings)
    loss, _ = module(module.prepare(batch(settings, pictures)))
    loss.backward()
    missing = [name for name, p in module.named_parameters() if p.requires_grad and p.grad is None]
    assert not missing and torch.isfinite(loss)  # several devices wait for each gradient
    assert all(torch.isfinite(p.grad).all() for p in module.parameters() if p.requires_grad)


# ---- examples ------------------------------------------------------------------------------------


def equal(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_an_example_depends_on_seed_step_and_place_only(clip):
    one, two = (TrainingExamples(samples(), DRAWN, quick_settings(clip)) for _ in range(2))
    forward = [one[step, place] for step in range(4) for place in range(3)]
    assert all(
        equal(two[step, place], forward[3 * step + place])
        for step in (3, 0, 2)
        for place in (1, 0, 2)
    )
    assert len({example["jitter"].tobytes() for example in forward}) == 12
    assert not equal(
        TrainingExamples(samples(), DRAWN, quick_settings(clip, training__seed=1))[0, 0], forward[0]
    )


def test_image_and_labels_are_mirrored_together_and_labels_are_those_of_seen_parts(clip):
    marked = []
    for picture in samples():
        image = np.stack(
            [picture.part_map + 1, picture.object_map + 1, np.zeros_like(picture.part_map)], -1
        )
        marked.append(Sample(image.astype(np.uint8), picture.object_map, picture.part_map))
    examples, mirrored = TrainingExamples(marked, DRAWN, quick_settings(clip)), set()
    for step in range(20):
        example = examples[step, 0]
        part, obj = (example["image"][channel].astype(int) - 1 for channel in (0, 1))
        for y, x in np.ndindex(part.shape):
            found = (example["part_map"][y, x], example["object_map"][y, x])
            expected = (
                SEEN.index(DRAWN.object_parts[part[y, x]]) if part[y, x] >= 0 else IGNORE,
                SEEN.object_index(DRAWN.objects[obj[y, x]]) if obj[y, x] >= 0 else IGNORE,
            )
            assert found == expected
        mirrored.add(
            any(np.array_equal(example["image"], m.image.transpose(2, 0, 1)) for m in marked)
        )
    assert mirrored == {True, False}


def test_masks_of_novel_objects_are_never_shown(clip):
    examples = TrainingExamples([sample(("dog", "cat"))], DRAWN, quick_settings(clip))
    for step in range(5):
        example = examples[step, 0]
        assert {SEEN.objects[o] for o in np.unique(example["object_map"]) if o >= 0} == {"cat"}
        assert all(
            SEEN.object_parts[t].startswith("cat") for t in np.unique(example["part_map"]) if t >= 0
        )
    assert "dog" not in SEEN.objects


def test_pictures_of_another_size_are_resized(clip):
    example = TrainingExamples([sample(size=50)], DRAWN, quick_settings(clip))[0, 0]
    assert example["image"].shape == (3, 32, 32) and example["part_map"].shape == (32, 32)


def test_steps_that_are_done_are_not_drawn_again():
    batches = list(StepSampler(3, 6, 2))
    assert batches == [[(s, 0), (s, 1)] for s in (3, 4, 5)] and len(StepSampler(3, 6, 2)) == 3


def test_several_processes_share_each_batch_and_take_every_step():
    shares = [list(StepSampler(3, 6, 4, process, 2)) for process in (0, 1)]
    assert [sorted(a + b) for a, b in zip(*shares, strict=True)] == list(StepSampler(3, 6, 4))
    with pytest.raises(
        ValueError, match="a batch of 4 cannot be shared by 3 processes; choose training.batch_size"
    ):
        StepSampler(0, 1, 4, 0, 3)


def test_the_learning_rate_warms_up_then_falls_to_nothing(clip):
    factor = poly_schedule(quick_settings(clip, training__steps=100, training__warmup_steps=10))
    values = [factor(step) for step in range(101)]
    for step in range(101):
        assert values[step] == pytest.approx(min(1, (step + 1) / 10) * (1 - step / 100) ** 0.9)
    assert values.index(max(values)) == 9 and values[100] == 0
    assert poly_schedule(quick_settings(clip, training__warmup_steps=0))(0) == 1


def test_examples_feed_the_losses_they_promise(clip):
    settings = quick_settings(clip)
    one = batch(settings)
    module = LossModule(tiny_model(), DRAWN, settings)
    words = module.bank.conditions(module.prepare(one))
    assert (
        words.parts.shape[:2] == one["part_ids"].shape
        and words.objects.shape[:2] == one["object_ids"].shape
    )
    goal = make_targets(
        one["object_map"],
        one["part_map"],
        SEEN.part_of,
        one["object_part_ids"],
        one["part_ids"],
        one["object_ids"],
        one["valid"],
    )
    # Every labelled part of these pictures is among the words asked for, at all three
    # granularities.
    assert torch.equal(goal.object_parts.any(1, keepdim=True), goal.part_pixels)
    assert torch.equal(goal.parts.any(1, keepdim=True), goal.part_pixels)
    assert torch.equal(goal.objects.any(1, keepdim=True), ~goal.background)
    output = tiny_model()([torch.randn(2, 17, 32)] * 3, words)
    assert all(torch.isfinite(value) for value in mask_losses(output, goal).values())
