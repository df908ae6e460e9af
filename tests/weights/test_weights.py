"""Weights come back as they went; a file that is something else is refused, with advice."""

import contextlib
import json

import pytest
import torch
from helpers import DRAWN, QUICK, clip_file, quick_settings, random_activations, sample
from safetensors import safe_open
from safetensors.torch import save_file

from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.settings import hash_of
from partclipseg_lite.weights import files, locate
from partclipseg_lite.weights.build import build_model
from partclipseg_lite.weights.models import WeightsError, load_model, save_model
from partclipseg_lite.weights.state import fingerprint, load_trained, trained_state

SEEN = DRAWN.seen_only()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


@pytest.fixture(scope="module")
def saved(clip):
    """(file, model, settings) of a PartCLIPSeg with random weights.

    Tests do not change the file.
    """
    settings = quick_settings(clip)
    torch.manual_seed(0)
    model, path = build_model(settings).eval(), clip.with_name("model.safetensors")
    save_model(path, model, settings, SEEN, extra={"score": 12.5})
    return path, model, settings


def rewritten(saved, path, metadata=None, tensors=None):
    """A copy of the saved file with some contents exchanged; None takes an entry out.

    Settings are exchanged with their hash.
    """
    # No settings given, or none that can be read.
    with contextlib.suppress(ValueError, TypeError, KeyError):
        metadata = {"settings_hash": hash_of(json.loads(metadata["settings"])), **metadata}
    with safe_open(saved[0], "pt") as file:
        old_metadata, old_tensors = (
            file.metadata(),
            {name: file.get_tensor(name) for name in file.keys()},
        )
    keep = lambda new, old: {k: v for k, v in {**old, **(new or {})}.items() if v is not None}  # noqa: E731
    del (
        old_metadata["digest"],
        old_metadata["digested"],
    )  # as a file of 0.1, so that the other checks are reached
    save_file(keep(tensors, old_tensors), path, metadata=keep(metadata, old_metadata))
    return path


# ---- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["partclipseg", "clipseg"])
def test_a_model_comes_back_as_it_went(clip, tmp_path, kind):
    settings = quick_settings(clip, model__kind=kind)
    model = build_model(settings).eval()
    save_model(
        tmp_path / "new" / "weights.safetensors", model, settings, SEEN, extra={"score": 12.5}
    )
    back, back_settings, vocabulary, extra = load_model(tmp_path / "new")  # a run's folder will do
    assert (
        type(back) is {"partclipseg": PartCLIPSeg, "clipseg": CLIPSeg}[kind] and not back.training
    )
    assert back_settings == settings and vocabulary == SEEN and extra == {"score": 12.5}
    with torch.no_grad():
        a, b = (m(random_activations(), m.embed(SEEN)).object_part_logits for m in (model, back))
    assert torch.equal(a, b)


def test_only_what_was_trained_is_stored(saved):
    path, model, _ = saved
    with safe_open(path, "pt") as file:
        assert set(file.keys()) == {n for n, p in model.named_parameters() if p.requires_grad}


def test_half_precision_halves_the_file_and_keeps_three_digits(saved, tmp_path):
    path, model, settings = saved
    save_model(tmp_path / "half.safetensors", model, settings, SEEN, half=True)
    back, *_ = load_model(tmp_path / "half.safetensors")
    for name, tensor in trained_state(back).items():
        assert tensor.dtype == torch.float32
        torch.testing.assert_close(tensor, trained_state(model)[name], atol=1e-4, rtol=1e-3)
    tensors = sum(t.numel() for t in trained_state(model).values())
    assert path.stat().st_size - (tmp_path / "half.safetensors").stat().st_size == pytest.approx(
        2 * tensors, rel=0.02
    )


def test_nothing_half_written_stays_when_saving_fails(saved, tmp_path, monkeypatch):
    _, model, settings = saved
    target = tmp_path / "weights.safetensors"
    target.write_bytes(b"the file before")

    def disk_full(tensors, path, metadata):
        path.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(files, "save_file", disk_full)
    with pytest.raises(OSError, match="No space left"):
        save_model(target, model, settings, SEEN)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"the file before"]


def test_the_fingerprint_sees_weights_but_not_the_image_size(clip):
    from partclipseg_lite.weights.clips import toy_backbone

    small, large = (toy_backbone(size, (0, 1), clip).clip for size in (32, 64))
    assert fingerprint(small) == fingerprint(large)
    large.visual.ln_post.weight.data[0] += 0.1
    assert fingerprint(small) != fingerprint(large)


# ---- what is refused -----------------------------------------------------------------------------


def test_a_missing_file_names_the_shipped_ones(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="no weights at '.*nothing': give a file.*toy, toy_no_attention"
    ):
        load_model(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="no weights at"):
        load_model(tmp_path)  # a folder without weights


def test_missing_shipped_weights_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(locate, "shipped_path", lambda name: tmp_path / f"{name}.safetensors")
    with pytest.raises(
        FileNotFoundError, match="shipped weights 'toy' are missing at .*make weights"
    ):
        load_model("toy")


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (lambda whole: whole[:-64], "not a readable safetensors file .*truncated"),
        (lambda whole: whole[: len(whole) // 50], "not a readable safetensors file"),
        (lambda whole: b"", "an empty file, not weights"),
        (
            lambda whole: b"\n<!DOCTYPE html><html><body>404</body></html>",
            r"HTML page .*download the file again",
        ),
        (lambda whole: b"<html>sign in</html>", "HTML page"),
        (
            lambda whole: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
            "Git LFS pointer, .* `git lfs pull`",
        ),
        (lambda whole: b"PK\x03\x04" + bytes(500), "not a readable PyTorch file .*truncated"),
    ],
)
def test_files_of_other_kinds_are_refused_by_name(saved, tmp_path, contents, message):
    path = tmp_path / "odd.safetensors"
    path.write_bytes(contents(saved[0].read_bytes()))
    with pytest.raises(WeightsError, match=rf"odd\.safetensors.*{message}"):
        load_model(path)


def test_foreign_safetensors_are_refused(clip, tmp_path):
    save_file({"a": torch.zeros(2)}, tmp_path / "foreign.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"foreign\.safetensors is an unknown model with 1 tensors \(a\), expected",
    ):
        load_model(tmp_path / "foreign.safetensors")
    with pytest.raises(
        WeightsError, match="format 'partclipseg_lite.toy_clip', expected 'partclipseg_lite.model'"
    ):
        load_model(clip)


def test_weights_of_the_other_model_are_refused(saved, tmp_path):
    _, model, settings = saved
    other = settings.model_copy(
        update={"model": settings.model.model_copy(update={"kind": "clipseg"})}
    )
    path = rewritten(
        saved,
        tmp_path / "kind.safetensors",
        {"settings": json.dumps(other.model_dump(mode="json"))},
    )
    with pytest.raises(
        WeightsError, match=r"kind\.safetensors does not fit CLIPSeg: 0 tensors missing .*not known"
    ):
        load_model(path)
    baseline = build_model(other)
    with pytest.raises(
        WeightsError, match=r"the file does not fit PartCLIPSeg: \d+ tensors missing"
    ):
        load_trained(model, trained_state(baseline), "the file")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"merge_features.bias": None}, r"1 tensors missing \['merge_features.bias'\]"),
        ({"extra": torch.zeros(1)}, r"1 not known \['extra'\]"),
        (
            {"merge_features.bias": torch.zeros(3)},
            r"1 of another shape \['merge_features.bias is \(3,\), expected \(16,\)",
        ),
    ],
)
def test_a_file_that_does_not_fit_is_not_loaded_in_part(saved, tmp_path, tensors, message):
    path = rewritten(saved, tmp_path / "unfit.safetensors", tensors=tensors)
    with pytest.raises(
        WeightsError, match=rf"unfit\.safetensors does not fit PartCLIPSeg: .*{message}"
    ):
        load_model(path)
    model = build_model(saved[2])
    before = {name: t.clone() for name, t in trained_state(model).items()}
    with safe_open(path, "pt") as file, pytest.raises(WeightsError):
        load_trained(model, {name: file.get_tensor(name) + 1 for name in file.keys()}, path)
    assert all(torch.equal(before[name], t) for name, t in trained_state(model).items())


def test_weights_trained_on_another_clip_are_refused(saved, tmp_path):
    _, model, settings = saved
    other = clip_file(tmp_path / "other.safetensors", seed=1)
    swapped = quick_settings(other)
    path = rewritten(
        saved,
        tmp_path / "swap.safetensors",
        {"settings": json.dumps(swapped.model_dump(mode="json"))},
    )
    with pytest.raises(
        WeightsError, match=r"swap\.safetensors was trained on another CLIP than .*make weights"
    ):
        load_model(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({"settings": None}, "settings in its metadata"),
        ({"settings": "{}}"}, "metadata that this version does not understand"),
        (
            {"settings": json.dumps({"model": {"from_the_future": 1}})},
            "metadata that this version does not understand",
        ),
        (
            {"vocabulary": json.dumps({"name": "x"})},
            "metadata that this version does not understand",
        ),
        (
            {"vocabulary": json.dumps(DRAWN.unseen_only().to_dict())},
            "another vocabulary than it was saved with",
        ),
        ({"settings_hash": "0" * 16}, "other settings than it was saved with"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(saved, tmp_path, metadata, message):
    path = rewritten(saved, tmp_path / "meta.safetensors", metadata)
    with pytest.raises(WeightsError, match=rf"meta\.safetensors (has|holds|lacks) {message}"):
        load_model(path)


# ---- what ships ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", locate.SHIPPED)
def test_shipped_weights_load_and_segment_words_they_were_not_trained_on(name):
    model, settings, vocabulary, extra = load_model(name)
    taught = settings.data.labels == "parts"  # or phrases, and no part
    assert settings.preset == name and vocabulary == (SEEN if taught else None)
    assert ("test" in extra) == taught and extra["log"]
    assert all(torch.isfinite(t).all() for t in trained_state(model).values())
    result = PartSegmenter(model)(sample().image, ["dog's head", "puppy's tail"])
    assert result.probabilities.shape == (2, 32, 32)
    assert QUICK["model.width"] <= settings.model.width
