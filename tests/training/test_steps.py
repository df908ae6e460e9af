"""A step waits for no number, and a number that is none ends the run with its batch kept."""

import json
from collections import Counter

import pytest
import torch
from helpers import DRAWN, clip_file, quick_settings, samples, tiny_model
from safetensors import safe_open
from safetensors.torch import load_file
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import default_collate

from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.training.accelerators import new_accelerator
from partclipseg_lite.training.examples import TrainingExamples
from partclipseg_lite.training.loop import train
from partclipseg_lite.training.objective import LossModule
from partclipseg_lite.training.steps import Steps
from partclipseg_lite.training.watch import Watch


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


def five_steps(clip, **more):
    given = {"steps": 5, "log_every": 10, "checkpoint_every": 10}
    return quick_settings(
        clip, **{f"training__{name}": value for name, value in given.items()} | more
    )


# ---- waiting -------------------------------------------------------------------------------------


class Waits(TorchDispatchMode):
    """Counts the operations that make the host wait for a GPU: their result decides what follows.

    (torch.cuda.set_sync_debug_mode would find them on a GPU, and copies beside them.)
    """

    KINDS = frozenset(
        "_local_scalar_dense is_nonzero equal nonzero _unique2 unique_dim unique_consecutive "
        "bincount masked_select repeat_interleave histc".split()
    )

    def __init__(self):
        super().__init__()
        self.found = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.__name__.split(".")[0]
        by_mask = name in ("index", "index_put", "index_put_", "_unsafe_index") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in self.KINDS or by_mask:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("options", "on_the_host"),
    [
        ({"loss__dice_weight": 0.5}, {}),
        # How long the longest text is, read off tokens that are not on the GPU yet.
        ({"reading": "released"}, {"_local_scalar_dense": 5}),
        ({"model__kind": "clipseg"}, {}),
        ({"training__recompute": True, "loss__separation": "paper"}, {}),
    ],
    ids=["paper", "released", "clipseg", "recompute"],
)
def test_no_step_waits_for_a_number(clip, tmp_path, monkeypatch, options, on_the_host):
    step, seen, logged = Steps.step, Counter(), []

    def watched(self, batch):
        with Waits() as waits:
            step(self, batch)
        seen.update(waits.found)

    look = Steps.look
    monkeypatch.setattr(Steps, "step", watched)
    monkeypatch.setattr(Steps, "look", lambda self: (logged.append(1), look(self))[1])
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda *_: None)  # counts steps on the host
    train(five_steps(clip, **options), tmp_path, samples(), progress=False)
    assert seen == on_the_host and len(logged) == 2  # one line, one checkpoint


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("shares", [1, 2])
@pytest.mark.parametrize("reading", ["paper", "released"])
def test_no_step_waits_for_a_gpu_after_a_resume_either(
    clip, tmp_path, monkeypatch, reading, shares
):
    settings = five_steps(
        clip, reading=reading, training__accumulation=shares, training__checkpoint_every=2
    )
    step, prepare = Steps.step, LossModule.prepare
    calls = iter(range(100))

    def strictly(method):
        def call(self, batch):
            if method is step and next(calls) == 3:
                raise KeyboardInterrupt
            torch.cuda.set_sync_debug_mode("error")
            try:
                return method(self, batch)
            finally:
                torch.cuda.set_sync_debug_mode("default")

        return call

    monkeypatch.setattr(Steps, "step", strictly(step))
    monkeypatch.setattr(LossModule, "prepare", strictly(prepare))
    with pytest.raises(KeyboardInterrupt):
        train(settings, tmp_path, samples(), progress=False)
    train(settings, tmp_path, samples(), progress=False)


def test_the_detector_finds_what_the_labels_decide(clip):
    settings = quick_settings(clip)
    module = LossModule(tiny_model(), DRAWN, settings)
    examples = TrainingExamples(samples(), DRAWN, settings)
    with Waits() as waits:
        module.prepare(default_collate([examples[0, place] for place in range(2)]))
        torch.arange(3)[torch.arange(3) > 1]
    assert {"nonzero", "_unique2", "index"} <= waits.found.keys()


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_what_is_decided_from_the_labels_shown_is_what_the_masks_say(clip, reading):
    settings = quick_settings(clip, reading=reading)
    module = LossModule(tiny_model(), DRAWN, settings)
    examples = TrainingExamples(samples(), DRAWN, settings)
    for step in range(6):
        batch = module.prepare(default_collate([examples[step, place] for place in range(3)]))
        given, _ = module(batch)
        words = module.bank.conditions(batch)
        targets = module.targets(batch, batch["object_map"], batch["part_map"], module.part_of)
        assert (
            module.objective.chosen(targets, words).image.tolist() == batch["chosen"].image.tolist()
        )
        batch["chosen"] = ...
        read_off, _ = module(batch)
        assert given.item() == read_off.item()


def test_the_log_holds_the_mean_of_each_term_over_the_steps_with_it(clip, tmp_path, monkeypatch):
    compute, met = Objective.__call__, []

    def noting(*args):
        total, terms = compute(*args)
        if len(met) == 1:  # as without a part
            terms = {name: terms[name] for name in ("part", "object", "object_part")}
        met.append({"total": total.item(), **{name: t.item() for name, t in terms.items()}})
        return total, terms

    monkeypatch.setattr(Objective, "__call__", noting)
    _, log = train(five_steps(clip, training__log_every=3), tmp_path, samples(), progress=False)
    assert [entry["step"] for entry in log] == [3, 5]
    for entry, steps in zip(log, (met[:3], met[3:5]), strict=True):
        for name in met[0]:
            values = [step[name] for step in steps if name in step]
            assert entry[name] == pytest.approx(sum(values) / len(values), rel=1e-12)


def test_a_window_taken_up_again_goes_on_where_it_was():
    accelerator = new_accelerator("float32")
    whole, first = (Watch(accelerator, 0, {}) for _ in range(2))
    norm, none = torch.ones(()), torch.zeros((), dtype=torch.bool)
    steps = [{"total": torch.rand(()), "part": torch.rand(())} for _ in range(6)]
    for values in steps:
        whole.add(values, {"part": none} if values is steps[1] else {}, norm)
    for values in steps[:4]:
        first.add(values, {"part": none} if values is steps[1] else {}, norm)
    second = Watch(accelerator, 4, json.loads(json.dumps(first.window())))
    for values in steps[4:]:
        second.add(values, {}, norm)
    assert second.window() == whole.window()
    assert whole.window()["part"][1] == 5 and whole.window()["total"][1] == 6


def test_workers_of_the_loader_change_nothing(clip, tmp_path):
    for workers in (0, 2):
        train(
            five_steps(clip, training__workers=workers, training__steps=3),
            tmp_path / str(workers),
            samples(),
            progress=False,
        )
    once, twice = (load_file(tmp_path / name / "weights.safetensors") for name in "02")
    assert all(torch.equal(once[name], twice[name]) for name in once)


# ---- no number -----------------------------------------------------------------------------------


def going_wrong_at(monkeypatch, step, how):
    """Let the loss of `step` (from 0) be spoilt by `how`."""
    compute, calls = Objective.__call__, iter(range(1000))

    def spoilt(objective, model, *args):
        total, terms = compute(objective, model, *args)
        return (how(total, model), terms) if next(calls) == step else (total, terms)

    monkeypatch.setattr(Objective, "__call__", spoilt)


def infinite_slope(total, model):
    return total + (model.background_embedding.sum() * 0).sqrt()


@pytest.mark.parametrize(
    ("how", "what"),
    [
        (lambda total, _: total * float("nan"), "loss became nan"),
        (lambda total, _: total + float("inf"), "loss became inf"),
        (infinite_slope, "gradient became nan"),
    ],
    ids=["nan", "inf", "gradient"],
)
def test_the_first_bad_step_is_named_and_its_batch_kept(clip, tmp_path, monkeypatch, how, what):
    settings = five_steps(clip, training__steps=9, training__checkpoint_every=2)
    going_wrong_at(monkeypatch, 2, how)
    file = tmp_path / "bad_batch.safetensors"
    with pytest.raises(
        FloatingPointError,
        match=rf"the {what} at step 2 \(terms .*'part': 0\.\d+.*\); "
        rf"lower training.learning_rate; its batch is in {file}",
    ):
        train(settings, tmp_path, samples(), progress=False)
    assert sorted(f.name for f in tmp_path.iterdir()) == [
        ".lock",
        "bad_batch.safetensors",
        "checkpoints",
        "settings.json",
    ]
    assert [f.name for f in (tmp_path / "checkpoints").iterdir()] == ["step_0000002.safetensors"]
    examples = TrainingExamples(samples(), DRAWN, settings)
    expected, found = default_collate([examples[2, place] for place in range(2)]), load_file(file)
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    with safe_open(file, "pt") as opened:
        said = {name: json.loads(value) for name, value in opened.metadata().items()}
    assert said["step"] == 2 and said["indices"] == expected["index"].tolist()
    assert said["names"] == [samples()[i].name for i in said["indices"]]
    assert [len(words) for words in said["words"]] == [6 + 2] * 2
    model = LossModule(tiny_model(), DRAWN, settings)
    assert model(model.prepare(found))[0].isfinite()  # it can be looked at


def test_a_batch_that_cannot_be_kept_hides_no_fault(clip, tmp_path, monkeypatch):
    going_wrong_at(monkeypatch, 1, lambda total, _: total * float("nan"))
    (tmp_path / "bad_batch.safetensors").mkdir()
    with pytest.raises(
        FloatingPointError, match=r"nan at step 1 .*its batch could not be saved \(.* is a folder"
    ):
        train(five_steps(clip), tmp_path, samples(), progress=False)


def test_a_step_that_goes_wrong_after_the_last_line_is_found_before_the_checkpoint(
    clip, tmp_path, monkeypatch
):
    settings = five_steps(clip, training__checkpoint_every=3, training__log_every=2)
    going_wrong_at(monkeypatch, 2, lambda total, _: total * float("nan"))
    with pytest.raises(FloatingPointError, match="nan at step 2"):
        train(settings, tmp_path, samples(), progress=False)
    assert not list((tmp_path / "checkpoints").glob("*"))
