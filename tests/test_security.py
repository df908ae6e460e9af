"""What is only read runs nothing; SECURITY.md claims no more than tests hold."""

import ast
import os
import pickle
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import clip_file, quick_settings, samples

from partclipseg_lite.release.comparison import compare_released, shipped_reference
from partclipseg_lite.settings import parse_overrides
from partclipseg_lite.training.loop import train
from partclipseg_lite.weights.files import WeightsError, read_tensors
from partclipseg_lite.weights.models import load_model

ROOT = Path(__file__).resolve().parent.parent
TENSOR = {"a": torch.zeros(2)}


class Command:
    """Makes a folder when it is unpickled, by a function that Python itself brings."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def torch_zip(contents, path):
    torch.save(contents, path)


def torch_legacy(contents, path):
    torch.save(contents, path, _use_new_zipfile_serialization=False)


def plain_pickle(protocol):
    return lambda contents, path: path.write_bytes(pickle.dumps(contents, protocol))


def zip_by_hand(contents, path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", pickle.dumps(contents, 2))
        archive.writestr("model/version", "3\n")


FORMS = {
    "torch's zip": torch_zip,
    "torch's old form": torch_legacy,
    "a zip made by hand": zip_by_hand,
    **{f"a pickle of protocol {n}": plain_pickle(n) for n in range(6)},
}


def bombs(target):
    """Dictionaries in which the command stands at different places."""
    yield {"model": TENSOR, "optimizer": Command(target)}
    yield {**TENSOR, "b": Command(target)}
    yield Command(target)


@pytest.fixture
def target(tmp_path):
    """A folder that is there after the command was executed; the command itself works."""
    assert not isinstance(pickle.loads(pickle.dumps(Command(tmp_path / "works"))), Command)
    assert (tmp_path / "works").is_dir()
    return tmp_path / "executed"


def refused(read, *arguments, error=WeightsError):
    """The one sentence with which `read` refuses; it holds no advice to be less careful."""
    with pytest.raises(error) as caught:
        read(*arguments)
    said = str(caught.value)
    assert "weights_only" not in said and "allow_pickle" not in said
    return said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ending", [".pth", ".pt", ".bin", ".ckpt", ".safetensors", ""])
def test_no_pickle_is_executed_whatever_it_is_called(tmp_path, target, form, ending):
    path = tmp_path / f"model{ending}"
    for contents in bombs(target):
        FORMS[form](contents, path)
        for read in (read_tensors, load_model):
            assert str(path) in refused(read, path)
    assert not target.exists()


@pytest.mark.parametrize("form", FORMS)
def test_no_pickle_in_a_folder_of_hugging_faces_form_is_executed(tmp_path, target, form):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "config.json").write_text('{"model_type": "clipseg"}')
    for contents in bombs(target):
        FORMS[form](contents, tmp_path / "theirs" / "pytorch_model.bin")
        assert "pytorch_model.bin" in refused(load_model, tmp_path / "theirs")
    assert not target.exists()


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["step_0000001.safetensors", "step_0000001/state.pt"])
def test_no_pickle_in_a_checkpoint_is_executed(tmp_path, clip, target, form, name):
    settings = quick_settings(clip, training__steps=2)
    path = tmp_path / "run" / "checkpoints" / name
    path.parent.mkdir(parents=True)
    (path.parent / "log.json").write_text("[]")
    for contents in bombs(target):
        FORMS[form](contents, path)
        said = refused(lambda: train(settings, tmp_path / "run", samples(), progress=False))
        assert "step_0000001" in said and "delete" in said
    assert not target.exists()


@pytest.mark.parametrize("tag", ["apply", "new"])
def test_no_object_is_made_from_a_setting(target, tag):
    value = f"!!python/object/{tag}:os.mkdir ['{target}']"
    assert parse_overrides([f"training.steps={value}"]) == {"training.steps": value}  # a word
    refused(parse_overrides, [f"training.steps=[{value}]"], error=ValueError)
    refused(parse_overrides, [f"reading={{base: {value}}}"], error=ValueError)
    assert not target.exists()


def test_no_pickle_in_an_array_is_executed(tmp_path, target):
    folder = tmp_path / "reference"
    shutil.copytree(shipped_reference(), folder)
    arrays = sorted(folder.rglob("*.npz"))
    assert arrays
    for path in arrays:
        with np.load(path) as file:
            names = file.files
        np.savez(path, **dict.fromkeys(names, np.array([Command(target)], dtype=object)))
    refused(lambda: list(compare_released(folder)), error=ValueError)
    assert not target.exists()


# ---- the page ------------------------------------------------------------------------------------

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def missing(page):
    """The tests that a page names and that are not there."""
    for path, name in re.findall(r"(tests/[\w/.]+\.py)::(\w+)", page):
        file = ROOT / path
        defined = file.exists() and {
            node.name
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef)
        }
        if not defined or name not in defined:
            yield f"{path}::{name}"


def test_every_test_that_the_page_names_is_there():
    assert not list(missing(PAGE))


def test_a_name_of_no_test_is_found():
    assert list(missing("`tests/test_security.py::test_nothing`, `tests/none.py::test_a`")) == [
        "tests/test_security.py::test_nothing",
        "tests/none.py::test_a",
    ]


def test_every_claim_of_the_page_names_a_test():
    table = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    assert len(table) > 5
    for line in table:
        assert re.search(r"`tests/[\w/.]+\.py::test_\w+`", line.split(" | ")[-1]), line
