"""A sound folder has no errors; each trap, planted once, is found and named."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.check import as_table, check_dataset
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.vocabulary import Vocabulary, shipped_facts

DRAWN = Vocabulary.load("drawn")
SPLITS = {
    "pascal_part_116": ("train", "val"),
    "ade20k_part_234": ("training", "validation"),
    "partimagenet": ("train", "val"),
}
OBJ, PART = "annotations_detectron2_obj", "annotations_detectron2_part"


@pytest.fixture(scope="module")
def worlds():
    return [
        DrawnWorld(split, images=6, size=48, objects="all").render_all(workers=1)
        for split in ("train", "validation")
    ]


def folder(tmp_path, worlds, layout):
    for split, world in zip(SPLITS[layout], worlds, strict=True):
        write_dataset(world, tmp_path / "set", split, layout)
    return tmp_path / "set"


def found(root, level):
    return {(f.split, f.what): f for f in check_dataset(root) if f.level == level}


@pytest.mark.parametrize("layout", list(SPLITS))
def test_a_sound_folder_has_no_errors_and_is_counted(tmp_path, worlds, layout):
    root = folder(tmp_path, worlds, layout)
    findings = check_dataset(root)
    assert {f.level for f in findings} == {"note"}
    assert [f.count for f in findings if f.what == "pictures"] == [6, 6]
    assert as_table(findings).endswith("no errors")


def test_classes_that_few_pixels_decide_are_counted_by_hand(tmp_path, worlds):
    root = folder(tmp_path, worlds, "ade20k_part_234")
    test, maps = SPLITS["ade20k_part_234"][1], worlds[1].part_maps
    pixels = np.array([(maps == t).sum() for t in range(len(DRAWN))])
    pictures = np.array([sum((m == t).any() for m in maps) for t in range(len(DRAWN))])
    notes = found(root, "note")
    absent = notes[test, "parts that no picture shows"]
    few = notes[test, "parts that fewer than 100 pixels decide"]
    single = notes[test, "parts that a single picture decides"]
    assert absent.count == (pixels == 0).sum()
    assert few.count == ((pixels > 0) & (pixels < 100)).sum() > 0
    assert single.count == ((pictures == 1) & (pixels >= 100)).sum() > 0
    first = int(np.flatnonzero((pixels > 0) & (pixels < 100))[0])
    assert few.example.startswith(f"{DRAWN.object_parts[first]} {pixels[first]} px")


def edit(path, change):
    contents = json.loads(path.read_text())
    change(contents)
    path.write_text(json.dumps(contents))


def mask(root, where, split, number=0):
    return sorted((root / where / split).glob("*.png"))[number]


def picture(root, split, number=0):
    return sorted((root / "images" / split).glob("*.png"))[number]


def save(path, ids):
    Image.fromarray(ids).save(path)


def halve(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def permute(path):
    """Label ids in the order of another list of the same parts: every object's parts reversed."""
    ids = np.asarray(Image.open(path))
    save(path, np.where(ids == 65535, ids, len(DRAWN) - 1 - ids).astype(np.uint16))


def each(folder, change):
    for path in folder.glob("*.png"):
        change(path)


def count_file(root):
    return root / PART / "val_obj_label_count.json"


def ade_list(root):
    return root / "ade20k_instance_val.json"


PASCAL_TRAPS = [
    ("error", "pictures without a mask", lambda r: mask(r, PART, "val").unlink()),
    (
        "error",
        "masks of another size",
        lambda r: save(mask(r, OBJ, "val"), np.zeros((9, 48), "u1")),
    ),
    ("error", "not of 8 bits", lambda r: save(mask(r, PART, "val"), np.zeros((48, 48), "u2"))),
    (
        "error",
        "masks with ids beyond",
        lambda r: save(mask(r, PART, "val"), np.full((48, 48), 200, "u1")),
    ),
    ("error", "masks that cannot be read", lambda r: halve(mask(r, PART, "val"))),
    ("error", "pictures that cannot be read", lambda r: halve(picture(r, "val"))),
    (
        "warning",
        "masks without a picture",
        lambda r: save(r / PART / "val" / "x.png", np.zeros((4, 4), "u1")),
    ),
    (
        "warning",
        "parts on other objects",
        lambda r: save(mask(r, OBJ, "val"), np.full((48, 48), 255, "u1")),
    ),
    ("warning", "other objects than counted", lambda r: edit(count_file(r), lambda c: c.popitem())),
    ("error", "count of objects is damaged", lambda r: halve(count_file(r))),
    ("note", "no count of objects", lambda r: count_file(r).unlink()),
    (
        "warning",
        "pictures that are in train, too",
        lambda r: shutil.copy(picture(r, "train"), r / "images" / "val"),
    ),
]
ADE_TRAPS = [
    ("error", "labels have another order", lambda r: each(r / PART / "validation", permute)),
    (
        "error",
        "not of 16 bits",
        lambda r: save(mask(r, PART, "validation"), np.zeros((48, 48), "u1")),
    ),
    ("error", "that the list names and nobody has", lambda r: picture(r, "validation").unlink()),
    (
        "warning",
        "that the list does not name",
        lambda r: save(r / "images/validation/x.png", np.zeros((4, 4, 3), "u1")),
    ),
    ("error", "list of instances is damaged", lambda r: halve(ade_list(r))),
    (
        "error",
        "instances that cannot be decoded",
        lambda r: edit(
            ade_list(r), lambda c: c["annotations"][0].update(segmentation={"counts": "x"})
        ),
    ),
    (
        "error",
        "instances of unknown categories",
        lambda r: edit(ade_list(r), lambda c: c["annotations"][0].update(category_id=99)),
    ),
    (
        "error",
        "categories are not the objects",
        lambda r: edit(ade_list(r), lambda c: c["categories"][0].update(name="x")),
    ),
    (
        "error",
        "another size than listed",
        lambda r: edit(ade_list(r), lambda c: c["images"][0].update(width=9)),
    ),
    (
        "note",
        "instances without a part",
        lambda r: save(mask(r, PART, "validation"), np.full((48, 48), 65535, "u2")),
    ),
]
IMAGENET_TRAPS = [
    (
        "error",
        "pictures that cannot be used",
        lambda r: edit(r / "val.json", lambda c: c["annotations"][0].update(category_id=99)),
    ),
    ("error", "pictures that cannot be used", lambda r: halve(picture(r, "val"))),
    ("error", "that the list names and nobody has", lambda r: picture(r, "val").unlink()),
    ("error", "cannot be opened", lambda r: (r / "LOC_synset_mapping.txt").write_text("n1 : x\n")),
    (
        "note",
        "of other classes",
        lambda r: edit(
            r / "val.json",
            lambda c: c["images"].append(
                {"id": 99, "file_name": "n01484850_1.JPEG", "height": 1, "width": 1}
            ),
        ),
    ),
]
ANY_TRAPS = [
    ("warning", "hidden macOS files", lambda r: (r / "images" / "._x.jpg").write_bytes(b"x")),
    (
        "error",
        "few-shot pictures that nobody has",
        lambda r: (r / "train_16shot.json").write_text('[{"file_name": "a/b/x.jpg"}]'),
    ),
    ("error", "few-shot list is damaged", lambda r: (r / "train_16shot.json").write_text("[1]")),
    ("error", "classes.json is damaged", lambda r: (r / "classes.json").write_text("{}")),
]
TRAPS = [
    (layout, *trap)
    for layout, traps in (
        ("pascal_part_116", PASCAL_TRAPS + ANY_TRAPS),
        ("ade20k_part_234", ADE_TRAPS),
        ("partimagenet", IMAGENET_TRAPS),
    )
    for trap in traps
]


@pytest.mark.parametrize(("layout", "level", "what", "plant"), TRAPS, ids=[t[2] for t in TRAPS])
def test_a_trap_that_is_planted_is_found(tmp_path, worlds, layout, level, what, plant):
    root = folder(tmp_path, worlds, layout)
    before = {f.what for f in check_dataset(root) if f.level == level}
    plant(root)
    new = [f for f in check_dataset(root) if f.level == level and f.what not in before]
    assert any(what in f.what for f in new), new
    line = next(f for f in new if what in f.what)
    assert line.example or line.count, "nothing to look for"
    assert f"{line.count:>8,}  {line.what}" in as_table(check_dataset(root))


def test_the_real_counts_are_compared_with_the_papers(tmp_path):
    pascal = Vocabulary.load("pascal_part_116")
    world = DrawnWorld("validation", images=1, size=32)

    class Real(list):
        vocabulary = pascal

    sample = world[0]
    empty = np.full(sample.part_map.shape, IGNORE)
    root = write_dataset(
        Real([type(sample)(sample.image, empty, empty, "a")]), tmp_path / "set", "val",
        "pascal_part_116",
    )  # fmt: skip
    (root / "classes.json").unlink()  # as the archive comes
    warnings = found(root, "warning")
    assert warnings["val", "pictures; the papers count 850"].count == 1
    assert found(root, "note")["val", "pictures without a part"].count == 1


def test_the_variant_of_partimagenet_with_disjoint_classes_is_suspected(tmp_path):
    facts = shipped_facts("partimagenet_40")
    (tmp_path / "images" / "val").mkdir(parents=True)
    name = f"{facts['imagenet_ids']['tiger']}_1.png"
    Image.new("RGB", (2, 2)).save(tmp_path / "images" / "val" / name)
    listed = {
        "images": [{"id": 1, "file_name": name, "height": 2, "width": 2}],
        "annotations": [],
        "categories": [{"id": i, "name": n} for i, n in enumerate(facts["superclass_parts"])],
    }
    (tmp_path / "val.json").write_text(json.dumps(listed))
    [(key, warning)] = found(tmp_path, "warning").items()
    assert "PartImageNet_OOD" in key[1] and warning.count == 39
