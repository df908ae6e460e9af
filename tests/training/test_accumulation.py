"""A batch computed in shares gives what it gives at once, up to rounding."""

import numpy as np
import pytest
import torch
from helpers import DRAWN, SIZE, clip_file, quick_settings, sample, samples, tiny_model
from safetensors.torch import load_file
from torch.utils.data import default_collate

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.settings import Settings
from partclipseg_lite.training.examples import StepSampler, TrainingExamples
from partclipseg_lite.training.loop import train
from partclipseg_lite.training.objective import LossModule
from partclipseg_lite.weights.build import build_model


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


def unlike_pictures():
    """Four that weigh very differently: two objects, nothing, an object alone, no background."""
    nothing = np.full((SIZE, SIZE), IGNORE)
    image = np.full((SIZE, SIZE, 3), 90, np.uint8)
    cat = np.full((SIZE, SIZE), DRAWN.objects.index("cat"))
    head = np.where(np.arange(SIZE) < 5, DRAWN.index("cat's head"), IGNORE)[None].repeat(SIZE, 0)
    return [
        sample(("cat", "cow")),
        Sample(image, nothing, nothing),
        sample(("bottle",)),
        Sample(image, cat, head),
    ]


def shares_of(settings, count):
    """One batch of the four pictures in so many shares, collated."""
    pictures = unlike_pictures()
    examples = [
        TrainingExamples([picture], DRAWN, settings)[0, place]
        for place, picture in enumerate(pictures)
    ]
    return [default_collate(examples[share::count]) for share in range(count)]


def computed(module, shares, weigh=True):
    """(total, terms by name, gradients) of a batch in shares; not weighed: their plain mean."""
    module.zero_grad()
    shares = [module.prepare(share) for share in shares]
    counts = [module.counts(share) for share in shares]
    whole = {name: sum(count[name] for count in counts) for name in counts[0]}
    results = [module(share, whole if weigh else None) for share in shares]
    total = sum(total for total, _ in results) / (1 if weigh else len(shares))
    total.backward()
    names = {name for _, terms in results for name in terms}
    terms = {name: sum(terms.get(name, 0) for _, terms in results).item() for name in names}
    trained = [p.grad for p in module.parameters() if p.requires_grad]
    return total.item(), terms, torch.cat([gradient.flatten() for gradient in trained])


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"loss__enhancement_weight": 1.0, "loss__separation_weight": 1.0},
        {"reading": "released", "loss__enhancement_weight": 1.0},
        {"model__kind": "clipseg", "model__background": False},
    ],
    ids=["paper", "released", "clipseg"],
)
def test_shares_add_up_to_the_terms_and_gradients_of_the_batch(clip, options, count):
    settings = quick_settings(clip, loss__dice_weight=0.5, **options)
    torch.manual_seed(0)
    module = LossModule(build_model(settings), DRAWN, settings)
    total, terms, gradients = computed(module, shares_of(settings, 1), weigh=False)
    for weigh, accuracy in ((True, 1e-5), (False, None)):
        again, parts, shared = computed(module, shares_of(settings, count), weigh)
        error = float((shared - gradients).norm() / gradients.norm())
        if weigh:
            assert again == pytest.approx(total, rel=accuracy) and error < accuracy
            assert parts == pytest.approx(terms, rel=accuracy, abs=1e-7)
        else:  # what a mean of means would give
            assert error > 0.01


def test_a_run_in_shares_is_the_run_up_to_rounding(clip, tmp_path):
    logs = {}
    for shares in (1, 4):
        settings = quick_settings(
            clip,
            training__batch_size=4,
            training__accumulation=shares,
            training__steps=3,
            training__log_every=1,
        )
        _, logs[shares] = train(settings, tmp_path / str(shares), unlike_pictures(), progress=False)
    for once, shared in zip(logs[1], logs[4], strict=True):
        assert once.keys() == shared.keys()
        for name in once.keys() - {"seconds"}:
            assert shared[name] == pytest.approx(once[name], rel=1e-4), name


def test_a_run_in_shares_ends_with_the_same_bits_after_it_was_killed(clip, tmp_path, monkeypatch):
    settings = quick_settings(
        clip,
        training__accumulation=2,
        training__steps=4,
        training__checkpoint_every=2,
        training__log_every=3,
    )
    _, log = train(settings, tmp_path / "whole", samples(), progress=False)
    compute, calls = Objective.__call__, iter(range(100))

    def dying(*args):
        if next(calls) == 7:  # in the second share of the last step
            raise KeyboardInterrupt
        return compute(*args)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Objective, "__call__", dying)
        train(settings, tmp_path / "killed", samples(), progress=False)
    _, again = train(settings, tmp_path / "killed", samples(), progress=False)
    once, twice = (
        load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "killed")
    )
    assert all(torch.equal(once[name], twice[name]) for name in once)
    for entries in (log, again):
        for entry in entries:
            entry.pop("seconds")
    assert log == again


def test_shares_hold_each_place_of_a_batch_once():
    for processes in (1, 2):
        held = [
            places
            for process in range(processes)
            for places in StepSampler(3, 4, 8, process, processes, accumulation=2)
        ]
        assert len(held) == 2 * processes and {len(places) for places in held} == {4 // processes}
        assert sorted(sum(held, [])) == [(3, place) for place in range(8)]
    assert len(StepSampler(0, 5, 8, accumulation=4)) == 20
    with pytest.raises(ValueError, match="by 2 processes in 4 shares each; .* a multiple of 8"):
        StepSampler(0, 1, 4, 0, 2, accumulation=4)


def test_shares_that_do_not_divide_the_batch_are_refused():
    with pytest.raises(ValueError, match="batch_size=4 cannot be divided into 3 shares"):
        Settings.from_preset("toy", {"training.batch_size": 4, "training.accumulation": 3})


def test_phrases_are_accumulated_alike(clip):
    from partclipseg_lite.network.models import CLIPSeg
    from partclipseg_lite.training.phrases import PhraseLoss, Phrases

    settings = quick_settings(clip, model__kind="clipseg", loss__dice_weight=0.5)
    phrases = Phrases(["cat", "cow", "bottle"], [], np.array([0, 1, 2]))
    module = PhraseLoss(tiny_model(CLIPSeg), phrases, settings)
    rng = np.random.default_rng(0)
    maps = rng.integers(IGNORE, 3, (4, SIZE, SIZE))
    maps[1], maps[2, :20] = IGNORE, 0
    batch = {
        "image": torch.from_numpy(rng.integers(0, 256, (4, 3, SIZE, SIZE), dtype=np.uint8)),
        "object_map": torch.from_numpy(maps),
        "phrase_ids": torch.tensor([[0, 1], [1, 2], [0, 2], [2, 1]]),
        "object_ids": torch.tensor([[0, 1], [1, 2], [0, 2], [2, 1]]),
        "jitter": torch.tensor([[1.0, 0, 0, 0]]).repeat(4, 1),
    }
    shares = [{name: value[i::2] for name, value in batch.items()} for i in range(2)]
    total, terms, gradients = computed(module, [batch], weigh=False)
    again, parts, shared = computed(module, shares)
    assert again == pytest.approx(total, rel=1e-5) and parts == pytest.approx(terms, rel=1e-5)
    assert float((shared - gradients).norm() / gradients.norm()) < 1e-5
