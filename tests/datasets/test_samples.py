"""Samples say what is wrong with them; a Pascal-Part folder gives back exactly what was written."""

import json
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.datasets.pascal_part_116 import PascalPart, write_pascal_part
from partclipseg_lite.vocabulary import Vocabulary

PASCAL, ADE = Vocabulary.load("pascal_part_116"), Vocabulary.load("ade20k_part_234")


def make_sample(name="a", height=5, width=7, objects=20, parts=116, seed=0):
    rng = np.random.default_rng(seed)
    return Sample(
        rng.integers(0, 256, (height, width, 3), dtype=np.uint8),
        rng.integers(-1, objects, (height, width)),
        rng.integers(-1, parts, (height, width)),
        name,
    )


# ---- Sample --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"image": np.zeros((5, 7, 3), np.float32)}, TypeError, "uint8 array, got float32"),
        ({"image": np.zeros((5, 7), np.uint8)}, ValueError, r"\[H, W, 3\].*\(5, 7\)"),
        (
            {"object_map": np.zeros((5, 7), np.int32)},
            TypeError,
            "object_map must be an int64 array, got int32",
        ),
        (
            {"part_map": np.zeros((7, 5), np.int64)},
            ValueError,
            r"part_map has shape \(7, 5\).*\(5, 7\)",
        ),
        ({"part_map": np.full((5, 7), -2)}, ValueError, r"part_map holds \[-2\]"),
        ({"object_map": None}, TypeError, "got NoneType"),
    ],
)
def test_a_malformed_sample_is_refused_by_name_and_value(change, error, says):
    good = make_sample("dog_17")
    fields = {key: getattr(good, key) for key in ("image", "object_map", "part_map", "name")}
    with pytest.raises(error, match=f"'dog_17'.*{says}"):
        Sample(**{**fields, **change})


def test_ids_beyond_the_vocabulary_are_named():
    make_sample().check_ids(PASCAL)
    with pytest.raises(ValueError, match=r"part_map holds \[116, 117"):
        make_sample(parts=120, height=30, width=30).check_ids(PASCAL)


def test_a_part_on_another_objects_pixel_is_found():
    dogs_head = PASCAL.index("dog's head")
    right = Sample(
        np.zeros((1, 2, 3), np.uint8),
        np.array([[PASCAL.object_index("dog"), IGNORE]]),
        np.array([[dogs_head, IGNORE]]),
        "a",
    )
    right.check_owners(PASCAL)
    wrong = Sample(
        right.image, np.array([[PASCAL.object_index("cat"), IGNORE]]), right.part_map, "a"
    )
    with pytest.raises(ValueError, match='"dog\'s head" where the object map holds 7'):
        wrong.check_owners(PASCAL)


@given(
    arrays(np.int64, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(-1, 9)),
    st.integers(1, 4),
)
def test_enlarging_repeats_each_label_and_shrinking_back_restores_it(labels, factor):
    image = np.zeros((*labels.shape, 3), np.uint8)
    large = Sample(image, labels, labels, "a").resized(
        (labels.shape[0] * factor, labels.shape[1] * factor)
    )
    assert np.array_equal(large.object_map, np.kron(labels, np.ones((factor, factor), int)))
    assert np.array_equal(large.resized(labels.shape).part_map, labels)


# ---- Pascal-Part folders -------------------------------------------------------------------------


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32), st.sampled_from([PASCAL, ADE])
)
def test_what_was_written_is_read_back_equal(tmp_path_factory, height, width, seed, vocabulary):
    root = tmp_path_factory.mktemp("data") / "set"
    samples = [
        make_sample(f"s{k}", height, width, len(vocabulary.objects), len(vocabulary), seed + k)
        for k in range(3)
    ]
    write_pascal_part(samples, root, "val", vocabulary=vocabulary)
    for vocabulary_again in (vocabulary, None):  # None: from the folder's own class list
        again = PascalPart(root, "val", vocabulary_again)
        assert again.vocabulary == vocabulary and len(again) == 3
        for k, sample in enumerate(samples):
            for field in ("image", "object_map", "part_map", "name"):
                assert np.array_equal(getattr(again[k], field), getattr(sample, field))


@pytest.fixture
def folder(tmp_path):
    return write_pascal_part(
        [make_sample(f"s{k}", seed=k) for k in range(2)], tmp_path / "set", "val", vocabulary=PASCAL
    )


@pytest.mark.parametrize(
    ("vocabulary", "dtype", "nothing"), [(PASCAL, np.uint8, 255), (ADE, np.uint16, 65535)]
)
def test_label_files_have_the_depth_and_the_ignore_value_of_their_vocabulary(
    tmp_path, vocabulary, dtype, nothing
):
    sample = make_sample(parts=100)
    write_pascal_part([sample], tmp_path / "set", "val", vocabulary=vocabulary)
    labels = np.asarray(Image.open(tmp_path / "set/annotations_detectron2_part/val/a.png"))
    assert labels.dtype == dtype and labels.ndim == 2
    assert np.array_equal(labels, np.where(sample.part_map < 0, nothing, sample.part_map))


def test_label_counts_list_the_ids_of_every_file(folder):
    for kind, field in (("obj", "object_map"), ("part", "part_map")):
        table = json.loads(
            (folder / f"annotations_detectron2_part/val_{kind}_label_count.json").read_text()
        )
        for sample in PascalPart(folder, "val"):
            assert table[f"{sample.name}.png"] == sorted(
                set(getattr(sample, field).ravel().tolist()) - {IGNORE}
            )
        assert len(table) == 2


def test_jpeg_images_come_with_exact_labels(tmp_path):
    sample = make_sample(height=16, width=16)
    write_pascal_part([sample], tmp_path / "set", "val", vocabulary=PASCAL, suffix=".jpg")
    again = PascalPart(tmp_path / "set", "val")[0]
    assert (
        np.array_equal(again.part_map, sample.part_map) and again.image.shape == sample.image.shape
    )


def test_a_restricted_vocabulary_reads_its_own_positions_and_ignores_the_rest(folder):
    seen = PASCAL.seen_only()
    for full, part in zip(PascalPart(folder, "val"), PascalPart(folder, "val", seen), strict=True):
        for i, j in np.ndindex(full.part_map.shape):
            t, t_seen = full.part_map[i, j], part.part_map[i, j]
            name = PASCAL.object_parts[t] if t >= 0 else None
            assert (seen.object_parts[t_seen] if t_seen >= 0 else None) == (
                name if name in seen else None
            )


def test_macos_droppings_are_no_images(folder):
    (folder / "images/val/._s0.png").write_bytes(b"Mac OS X")
    assert [sample.name for sample in PascalPart(folder, "val")] == ["s0", "s1"]


def test_a_second_split_joins_the_first(folder):
    write_pascal_part([make_sample("t")], folder, "train", vocabulary=PASCAL)
    assert len(PascalPart(folder, "train")) == 1 and len(PascalPart(folder, "val")) == 2
    with pytest.raises(FileExistsError, match="images/train"):
        write_pascal_part([make_sample("t")], folder, "train", vocabulary=PASCAL)
    with pytest.raises(ValueError, match="other classes"):
        write_pascal_part([make_sample("t")], folder, "test", vocabulary=ADE)


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda path: path.unlink(), FileNotFoundError, "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:60]), ValueError, "truncated"),
        (
            lambda path: Image.fromarray(np.zeros((3, 4), np.uint8)).save(path),
            ValueError,
            "is 4x3 pixels.*7x5",
        ),
        (
            lambda path: Image.fromarray(np.full((5, 7), 200, np.uint8)).save(path),
            ValueError,
            r"holds the ids \[200\]",
        ),
        (
            lambda path: Image.fromarray(np.zeros((5, 7, 3), np.uint8)).save(path),
            ValueError,
            "one channel",
        ),
    ],
)
def test_a_spoilt_mask_is_reported_with_its_file_name(folder, spoil, error, says):
    path = folder / "annotations_detectron2_part/val/s1.png"
    spoil(path)
    data = PascalPart(folder, "val", "pascal_part_116")
    assert data[0].name == "s0"
    with pytest.raises(error, match=f"{re.escape(str(path))}.*{says}"):
        data[1]


def test_a_truncated_image_is_reported_with_its_file_name(folder):
    path = folder / "images/val/s0.png"
    path.write_bytes(path.read_bytes()[:70])
    with pytest.raises(ValueError, match=re.escape(str(path))):
        PascalPart(folder, "val")[0]


def test_a_missing_split_and_a_foreign_class_list_are_refused(folder):
    with pytest.raises(FileNotFoundError, match="splits here: val"):
        PascalPart(folder, "train")
    with pytest.raises(ValueError, match="classes.json lists other classes"):
        PascalPart(folder, "val", "ade20k_part_234")
    (folder / "classes.json").unlink()
    with pytest.raises(ValueError, match="name the vocabulary"):
        PascalPart(folder, "val")


@pytest.mark.parametrize(
    "samples",
    [
        lambda: [make_sample("a"), make_sample("a")],
        lambda: [make_sample("a"), make_sample("b", parts=300, height=40)],
        lambda: [make_sample("../a")],
        lambda: [],
        lambda: (make_sample("a") if k < 1 else 1 / 0 for k in range(2)),
    ],
)
def test_a_failed_write_leaves_nothing_behind(tmp_path, samples):
    with pytest.raises((ValueError, ZeroDivisionError)):
        write_pascal_part(samples(), tmp_path / "set", "val", vocabulary=PASCAL)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_other_splits_alone(folder):
    before = sorted(folder.rglob("*"))
    with pytest.raises(ValueError, match="two samples"):
        write_pascal_part([make_sample("a"), make_sample("a")], folder, "train", vocabulary=PASCAL)
    assert sorted(folder.rglob("*")) == before and sorted(folder.parent.iterdir()) == [folder]


# ---- names and tables that come from files -------------------------------------------------------

NO_NAMES = [
    "../../escaped",
    "/abs",
    ".",
    "..",
    "a/b",
    "",
    "a\0b",
    "a\\b",
    "C:b",
    ".hidden",
    " a",
    "a\n",
]
NO_NAMES += ["x" * 300, "\ud800", None, 5]


@pytest.mark.parametrize("name", NO_NAMES)
def test_a_split_is_a_plain_name_for_writer_and_reader(folder, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ValueError, match="the split is named .* cannot be a file name"):
        write_pascal_part([make_sample()], tmp_path / "new", name, vocabulary=PASCAL)
    with pytest.raises(ValueError, match="the split is named .* cannot be a file name"):
        PascalPart(folder, name, PASCAL)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", [name for name in NO_NAMES if name])
def test_a_sample_has_a_plain_name_to_be_written(tmp_path, name):
    with pytest.raises(ValueError, match="sample 0 is named .* cannot be a file name"):
        write_pascal_part([make_sample(name)], tmp_path / "new", "val", vocabulary=PASCAL)
    assert list(tmp_path.iterdir()) == []


def test_names_that_differ_in_case_alone_are_one_file_on_some_systems(tmp_path):
    with pytest.raises(ValueError, match="sample 1 is named 'DOG', another 'dog'"):
        write_pascal_part(
            [make_sample("dog"), make_sample("DOG")], tmp_path / "new", "val", vocabulary=PASCAL
        )


@given(st.text(max_size=8))
def test_any_name_is_written_and_read_again_or_refused_and_leaves_no_trace(tmp_path_factory, name):
    folder = tmp_path_factory.mktemp("names")
    try:
        write_pascal_part([make_sample("a")], folder / "set", name, vocabulary=PASCAL)
    except ValueError:
        assert list(folder.iterdir()) == []
    else:
        assert len(PascalPart(folder / "set", name)) == 1
        assert [path.name for path in (folder / "set" / "images").iterdir()] == [name]
        assert [path.name for path in folder.iterdir()] == ["set"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"ids": [0] * 116}, "in ids, the id 0 is listed twice"),
        ({"ids": [-1, *range(1, 116)]}, r"ids\[0\] is -1"),
        ({"ids": [0.5, *range(1, 116)]}, r"ids\[0\] is 0.5"),
        ({"ids": [0.0, *range(1, 116)]}, r"ids\[0\] is 0.0"),
        ({"ids": ["0", *range(1, 116)]}, r"ids\[0\] is '0'"),
        ({"ids": [True, 0, *range(2, 116)]}, r"ids\[0\] is True"),
        ({"ids": [0, 0, *range(2, 116)]}, "in ids, the id 0 is listed twice"),
        ({"ids": list(range(115))}, "ids is 115 ids, expected one for each of 116 object_parts"),
        ({"ids": list(range(117))}, "ids is 117 ids"),
        ({"ids": [255, *range(1, 116)]}, r"ids\[0\] is 255, .* other than ignore_label 255"),
        ({"ids": [10**9, *range(1, 116)]}, r"ids\[0\] is 1000000000"),
        ({"ids": 5}, "ids is '5', expected one for each"),
        ({"object_ids": [0] * 20}, "in object_ids, the id 0 is listed twice"),
        ({"object_ids": list(range(19))}, "object_ids is 19 ids"),
        ({"novel_objects": ["dgo"]}, "novel_objects holds 'dgo', .*did you mean 'dog'"),
        ({"novel_objects": ["dog", "dog"]}, "in novel_objects, the name 'dog' is listed twice"),
        ({"novel_objects": "dog"}, "novel_objects is 'dog', expected a list of names"),
        ({"objects": ["dog"]}, "objects holds no 'aeroplane'"),
        ({"objects": []}, "objects is empty"),
        ({"objects": None}, "objects is 'None', expected a list of names"),
        ({"object_parts": ["dog"], "ids": [0]}, "'dog' is not the name of an object part"),
        ({"object_parts": [5], "ids": [0]}, "expected a list of names"),
        ({"object_parts": {"dog's head": 0}}, "expected a list of names"),
        ({"ignore_label": "255"}, "ignore_label is '255'"),
        ({"ignore_label": -1}, "ignore_label is -1"),
        ({"ignore_label": 3}, "other than ignore_label 3"),
        ({"name": None}, "name is None"),
        ({"idz": []}, "unknown entry 'idz'; did you mean 'ids'"),
    ],
)
def test_a_class_list_that_cannot_be_is_one_error(folder, change, says):
    path = folder / "classes.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    for vocabulary in (None, "pascal_part_116"):
        with pytest.raises(
            ValueError, match=rf"classes\.json is not a class list \(.*{says}"
        ) as caught:
            PascalPart(folder, "val", vocabulary)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "5",
        "null",
        '"names"',
        "{}",
        '{"objects": ["a"], "objects": ["b"]}',
        "[" * 9999,
    ]
    + ['{"name": NaN}', "\ufeff{}"],
)
def test_a_class_list_that_is_no_table_is_one_error(folder, text):
    (folder / "classes.json").write_text(text)
    with pytest.raises(ValueError, match=r"classes\.json is not a class list .*take a fresh copy"):
        PascalPart(folder, "val")


@given(
    st.dictionaries(
        st.sampled_from(sorted(PASCAL.to_dict())),
        st.none()
        | st.integers()
        | st.text(max_size=3)
        | st.lists(st.integers() | st.text(max_size=3)),
        min_size=1,
    )
)
def test_any_table_is_a_vocabulary_that_comes_back_or_a_value_error(change):
    try:
        vocabulary = Vocabulary.from_dict({**PASCAL.to_dict(), **change})
    except ValueError:
        return
    assert Vocabulary.from_dict(json.loads(json.dumps(vocabulary.to_dict()))) == vocabulary


def test_two_pictures_that_would_share_a_label_file_are_refused(tmp_path):
    write_pascal_part([make_sample()], tmp_path, "val", vocabulary=PASCAL)
    (image,) = (tmp_path / "images" / "val").iterdir()
    image.with_suffix(".jpg").write_bytes(image.read_bytes())
    with pytest.raises(ValueError, match="differ in their suffix alone"):
        PascalPart(tmp_path, "val")
