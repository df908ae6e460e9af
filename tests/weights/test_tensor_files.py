"""A file of tensors is what was written, or is refused.

Nothing in it is infinite, and its damage is noticed.
"""

import random

import pytest
import torch
from helpers import clip_file, quick_settings, tiny_model
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.files import (
    WeightsError,
    digest_of,
    read_ours,
    read_tensors,
    write_tensors,
)
from partclipseg_lite.weights.models import load_model, save_model
from partclipseg_lite.weights.tiny_clip import load_toy_clip

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor(0.5), "c": torch.ones(3).half()}


@pytest.fixture
def file(tmp_path):
    write_tensors(tmp_path / "new" / "x.safetensors", TENSORS, {"format": "ours", "note": "n"})
    return tmp_path / "new" / "x.safetensors"


def test_tensors_and_metadata_come_back_as_they_went(file):
    tensors, metadata = read_ours(file, "ours", ["note"])
    assert tensors.keys() == TENSORS.keys()
    assert all(
        torch.equal(tensors[k], v) and tensors[k].dtype == v.dtype for k, v in TENSORS.items()
    )
    assert metadata["note"] == "n" and [p.name for p in file.parent.iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {**t, "a": t["a"] + 1},
        lambda t: {**t, "a": t["a"].view(3, 2)},
        lambda t: {**t, "c": t["c"].float()},
        lambda t: {**t, "d": torch.zeros(1)},
        lambda t: {k: v for k, v in t.items() if k != "b"},
        lambda t: {**{k: v for k, v in t.items() if k != "b"}, "bb": t["b"]},
    ],
)
def test_the_digest_tells_values_shapes_types_and_names_apart(change):
    assert digest_of(change(TENSORS), {}) != digest_of(TENSORS, {}) == digest_of(dict(TENSORS), {})
    assert digest_of(TENSORS, {"note": "a"}) != digest_of(TENSORS, {"note": "b"})


def flipped(path, copy, bit):
    contents = bytearray(path.read_bytes())
    contents[bit // 8] ^= 1 << bit % 8
    copy.write_bytes(contents)
    return copy


@given(st.data())
def test_one_flipped_bit_anywhere_is_noticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("flip")
    write_tensors(folder / "x.safetensors", TENSORS, {"format": "ours"})
    bit = data.draw(st.integers(0, 8 * (folder / "x.safetensors").stat().st_size - 1))
    with pytest.raises(WeightsError):
        read_ours(flipped(folder / "x.safetensors", folder / "y.safetensors", bit), "ours")


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 100, -1])
def test_a_file_cut_short_is_refused(file, tmp_path, cut):
    (tmp_path / "cut.safetensors").write_bytes(file.read_bytes()[:cut])
    with pytest.raises(WeightsError, match=r"cut\.safetensors"):
        read_ours(tmp_path / "cut.safetensors", "ours")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_neither_written_nor_read(tmp_path, value):
    bad = {**TENSORS, "c": torch.tensor([1, value, 1]).half()}
    with pytest.raises(FloatingPointError, match="c and 0 other tensors hold infinity or NaN"):
        write_tensors(tmp_path / "x.safetensors", bad, {})
    assert not any(tmp_path.iterdir())
    for name, write in (("f.safetensors", save_file), ("f.pth", torch.save)):
        write(bad, tmp_path / name)
        with pytest.raises(WeightsError, match="holds infinity or NaN in c"):
            read_tensors(tmp_path / name)


def test_whole_numbers_are_no_weights(tmp_path):
    counts = {**TENSORS, "n": torch.arange(3)}
    with pytest.raises(WeightsError, match="holds n as torch.int64, expected floating-point"):
        write_tensors(tmp_path / "x.safetensors", counts, {})
    save_file(counts, tmp_path / "x.safetensors", metadata={"format": "ours"})
    with pytest.raises(WeightsError, match="holds n as torch.int64"):
        read_ours(tmp_path / "x.safetensors", "ours")


def test_a_file_of_the_version_before_is_read_with_a_word_that_it_carries_no_digest(tmp_path):
    save_file(TENSORS, tmp_path / "old.safetensors", metadata={"format": "ours"})
    with pytest.warns(UserWarning, match=r"old\.safetensors carries no digest"):
        tensors, _ = read_ours(tmp_path / "old.safetensors", "ours")
    assert torch.equal(tensors["a"], TENSORS["a"])


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("written")
    clip = clip_file(folder / "clip.safetensors")
    settings = quick_settings(clip)
    save_model(
        folder / "model.safetensors", tiny_model(), settings, Vocabulary.load("drawn").seen_only()
    )
    return folder


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("name", "load"), [("clip", load_toy_clip), ("model", load_model)])
def test_models_and_tiny_clips_notice_a_flipped_bit(written, tmp_path, name, load, seed):
    path = written / f"{name}.safetensors"
    bit = random.Random(seed).randrange(8 * path.stat().st_size)
    with pytest.raises(WeightsError):
        load(flipped(path, tmp_path / "flipped.safetensors", bit))


def test_shipped_weights_carry_their_digest(recwarn):
    load_model("toy")
    assert not [w for w in recwarn if "digest" in str(w.message)]


def test_a_full_disk_is_an_error_of_the_system_that_names_the_file(file):
    resource = pytest.importorskip("resource")  # Windows has no such limits
    before, limits = file.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
    try:
        with pytest.raises(OSError, match="x.safetensors cannot be written .*make room"):
            write_tensors(file, {"a": torch.zeros(9000)}, {"format": "ours"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before and list(file.parent.iterdir()) == [file]
