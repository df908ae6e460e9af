"""A decoder that starts from other weights holds theirs, and says what does not fit."""

import pytest
import torch

from partclipseg_lite.settings import Settings
from partclipseg_lite.training.loop import starting_model
from partclipseg_lite.weights.build import build_model
from partclipseg_lite.weights.files import WeightsError
from partclipseg_lite.weights.models import load_model, save_model
from partclipseg_lite.weights.start import start_from
from partclipseg_lite.weights.state import trained_state

SMOKE = {"model.image_size": 32}


@pytest.fixture(scope="module")
def clipseg(tmp_path_factory):
    settings = Settings.from_preset("smoke_clipseg", SMOKE)
    torch.manual_seed(1)
    model, path = build_model(settings), tmp_path_factory.mktemp("start") / "weights.safetensors"
    save_model(path, model, settings, None)
    return path, trained_state(model)


def test_everything_shared_is_copied_and_the_second_half_is_a_copy_of_the_first(clipseg):
    path, theirs = clipseg
    torch.manual_seed(2)
    model = build_model(Settings.from_preset("smoke", SMOKE))
    before = {name: tensor.clone() for name, tensor in trained_state(model).items()}
    new = start_from(model, path)
    mine = trained_state(model)
    for name in mine.keys() & theirs.keys():
        assert torch.equal(mine[name], theirs[name]), name
    assert torch.equal(mine["object_part_film.mul.weight"], theirs["decoder.film.mul.weight"])
    for name in (name for name in mine if name.startswith("object_part_head.")):
        assert torch.equal(mine[name], theirs[name.replace("object_part_head", "mask_head")])
    assert {name.split(".")[0] for name in new} == {"merge_features", "merge_embeddings"}
    assert all(torch.equal(mine[name], before[name]) for name in new)


def test_a_model_starts_from_its_own_kind_whole(clipseg):
    path, theirs = clipseg
    model = build_model(Settings.from_preset("smoke_clipseg", SMOKE))
    assert start_from(model, path) == []
    assert all(torch.equal(tensor, theirs[name]) for name, tensor in trained_state(model).items())


def test_training_begins_at_the_weights_that_its_settings_name(clipseg):
    path, theirs = clipseg
    model = starting_model(Settings.from_preset("smoke", {**SMOKE, "model.start": str(path)}))
    assert torch.equal(model.decoder.film.mul.weight, theirs["decoder.film.mul.weight"])
    released = {**SMOKE, "model.start": str(path), "reading": "released"}
    starting_model(Settings.from_preset("smoke", {**released, "loss.separation": "paper"}))


def test_a_decoder_of_another_size_and_another_clip_are_refused(clipseg, tmp_path):
    path, _ = clipseg
    wide = build_model(Settings.from_preset("smoke", {**SMOKE, "model.width": 8}))
    before = {name: tensor.clone() for name, tensor in trained_state(wide).items()}
    with pytest.raises(WeightsError, match=r"model.start.*does not fit: .*model.width"):
        start_from(wide, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in trained_state(wide).items())
    model = build_model(Settings.from_preset("smoke", SMOKE))
    with torch.no_grad():
        model.backbone.clip.visual.proj.add_(1)
    with pytest.raises(WeightsError, match="reads another CLIP"):
        start_from(model, path)
    with pytest.raises(FileNotFoundError):
        start_from(model, tmp_path / "nothing.safetensors")


def test_the_shipped_models_start_from_the_shipped_phrases():
    phrases = trained_state(load_model("toy_phrases")[0])
    for preset in ("toy", "toy_clipseg"):
        start = trained_state(starting_model(Settings.from_preset(preset)))
        shared = start.keys() & phrases.keys()
        assert "decoder.film.mul.weight" in shared
        assert all(torch.equal(start[name], phrases[name]) for name in shared)
