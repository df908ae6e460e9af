"""Masks go to files with distinct names that are safe everywhere, and are written whole or not."""

import re

import numpy as np
import pytest
from helpers import tiny_model
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from partclipseg_lite.inference import saving
from partclipseg_lite.inference.saving import file_name, save_masks
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.vocabulary import Vocabulary

RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
ODD = [
    "Dog's head",
    "dog's b/c",
    "dog's b_c",
    "dog's b\\c",
    "dog's b:c",
    "dog's-b c's d",
    "dog's ../../etc",
    "..'s ...",
    "con's nul",
    "狗's 头",
    "猫's 头",
    "🐶's 🐾",
    "dog's " + "very " * 60 + "head",
    "dog's " + "very " * 60 + "ear",
    "a b's c",
    "a's b c",
    "a-b's c",
]


def test_common_names_keep_plain_file_names():
    assert file_name("dog's head") == "dog-head.png"
    assert file_name("chest of drawers's door") == "chest_of_drawers-door.png"
    assert file_name("bus's license plate") == "bus-license_plate.png"


@given(st.lists(st.text(max_size=30) | st.sampled_from(ODD), max_size=20, unique=True))
def test_file_names_are_distinct_without_case_safe_and_stable(names):
    names = [*names, "dog's head", *ODD]
    files = [file_name(name) for name in dict.fromkeys(names)]
    assert len({file.lower() for file in files}) == len(files)
    for file in files:
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.png", file) and len(file) <= 120
        assert not RESERVED.fullmatch(file) and file != saving.OVERLAY


def test_every_name_gets_its_own_mask(tmp_path):
    names = ["dog's head", "dog's tail", "cat's ear"]
    result = PartSegmenter(tiny_model())(np.zeros((9, 12, 3), np.uint8), names)
    result.label_map = np.arange(108).reshape(9, 12) % 4 - 1
    result.vocabulary = Vocabulary.from_names(["dog's b/c", "dog's b\\c", "Dog's b_c"])
    files = save_masks(result, tmp_path / "new")
    for t, name in enumerate(result.names):
        mask = np.asarray(Image.open(files[name]))
        assert np.array_equal(mask, (result.label_map == t) * np.uint8(255))
    assert sorted((tmp_path / "new").iterdir()) == sorted(files.values()) and len(files) == 4


def test_a_mask_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    result = PartSegmenter(tiny_model())(np.zeros((9, 12, 3), np.uint8), ["dog's head"])
    files = save_masks(result, tmp_path)
    before = {path: path.read_bytes() for path in files.values()}

    def cut(self, path, **options):
        path.write_bytes(b"half a pict")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", cut)
    with pytest.raises(OSError, match="No space left"):
        save_masks(result, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
