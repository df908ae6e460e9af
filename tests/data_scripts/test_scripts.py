"""Each dataset's script makes of an archive, or a folder, what the package reads; on drawn data."""

import json
import sys
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

import ade20k_part_234
import archives
import partimagenet
import pascal_part_116
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.folders import open_dataset
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.vocabulary import Vocabulary

DRAWN, PASCAL = Vocabulary.load("drawn"), Vocabulary.load("pascal_part_116")
SCRIPTS = {
    "pascal_part_116": (pascal_part_116, ("train", "val")),
    "ade20k_part_234": (ade20k_part_234, ("training", "validation")),
    "partimagenet": (partimagenet, ("train", "val")),
}
every_script = pytest.mark.parametrize("layout", list(SCRIPTS))


@pytest.fixture(scope="module")
def worlds():
    return [
        DrawnWorld(split, images=5, size=48, objects="all").render_all(workers=1)
        for split in ("train", "validation")
    ]


@pytest.fixture
def original(tmp_path, worlds, layout):
    """A folder as its authors would hand it out, with the traps that they left in."""
    root = tmp_path / "original" / "SomeSet"
    for split, world in zip(SCRIPTS[layout][1], worlds, strict=True):
        write_dataset(world, root, split, layout)
    for path in root.rglob("*_label_count.json"):
        path.unlink()  # made, not shipped
    if layout == "partimagenet":
        for split in ("train", "val"):
            (root / "annotations" / split).mkdir(parents=True)
            (root / f"{split}.json").rename(root / "annotations" / split / f"{split}.json")
    (root / "images" / SCRIPTS[layout][1][1] / "._a.jpg").write_bytes(b"Mac")
    return root


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def run(layout, *options):
    """The exit code of a script."""
    try:
        archives.run(layout, lambda: SCRIPTS[layout][0].main([str(o) for o in options]))
    except SystemExit as end:
        return end.code
    return 0


def archive_of(root, path):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as opened:
            for name, data in contents(root.parent).items():
                opened.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz") as opened:
            opened.add(root, root.name)
    return path


@every_script
@pytest.mark.parametrize("form", ["folder", "set.tar.gz", "set.zip"])
def test_what_comes_out_is_read_as_it_was_drawn(tmp_path, original, layout, form, capsys):
    before = contents(original)
    source = original if form == "folder" else archive_of(original, tmp_path / form)
    assert run(layout, "--source", source, "--out", tmp_path / "set") == 0
    assert "no errors" in (said := capsys.readouterr().out) and "is ready" in said
    assert contents(original) == before, "the source was changed"
    assert not [name for name in contents(tmp_path / "set") if "._" in name]
    for split in SCRIPTS[layout][1]:
        there, here = open_dataset(original, split), open_dataset(tmp_path / "set", split)
        assert there.names == here.names and here.vocabulary == DRAWN
        for i in range(len(here)):
            assert np.array_equal(there[i].image, here[i].image)
            assert np.array_equal(there[i].part_map, here[i].part_map)
            assert np.array_equal(there[i].object_map, here[i].object_map)
    made = contents(tmp_path / "set")
    assert run(layout, "--source", source, "--out", tmp_path / "set") == 0  # only checked
    assert contents(tmp_path / "set") == made
    assert {p.name for p in tmp_path.iterdir()} == {"original", "set", form} - {"folder"}


@every_script
def test_a_damaged_source_leaves_nothing(tmp_path, original, layout, capsys):
    archive = archive_of(original, tmp_path / "set.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-2000])
    assert run(layout, "--source", archive, "--out", tmp_path / "set") == 2
    assert "damaged or truncated" in capsys.readouterr().err
    assert not (tmp_path / "set").exists()
    assert run(layout, "--source", tmp_path / "nowhere", "--out", tmp_path / "set") == 2
    assert "no archive and no folder at" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(layout, "--source", tmp_path / "empty", "--out", tmp_path / "set") == 2
    assert "is it another set?" in capsys.readouterr().err


@every_script
def test_a_source_with_errors_is_kept_only_when_asked(tmp_path, original, layout, capsys):
    split = SCRIPTS[layout][1][1]
    picture = sorted((original / "images" / split).glob("[!.]*"))[0]
    picture.write_bytes(picture.read_bytes()[:100])
    options = "--source", original, "--out", tmp_path / "set"
    assert run(layout, *options) == 2
    said = capsys.readouterr()
    assert "error   " in said.out and "nothing was kept" in said.err
    assert not (tmp_path / "set").exists()
    assert run(layout, *options, "--accept-errors") == 0 and (tmp_path / "set").is_dir()
    assert run(layout, *options) == 2  # a folder that is there is checked, too


@every_script
def test_what_nobody_has_yet_is_fetched(tmp_path, original, layout, monkeypatch):
    asked = []

    def fetch(source, folder):
        asked.append(source)
        return archive_of(original, tmp_path / "set.tar.gz")

    monkeypatch.setattr(archives, "fetch", fetch)
    assert run(layout, "--out", tmp_path / "set", "--downloads", tmp_path / "downloads") == 0
    assert asked == [SCRIPTS[layout][0].ARCHIVE]


# ---- what each does beyond -----------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["pascal_part_116"])
def test_labels_are_counted_as_the_evaluation_needs_them(tmp_path, original, layout, worlds):
    assert run(layout, "--source", original, "--out", tmp_path / "set") == 0
    folder = tmp_path / "set" / "annotations_detectron2_part"
    counts = json.loads((folder / "val_obj_label_count.json").read_text())
    world = worlds[1]
    for name, objects in zip(world.names, world.object_maps, strict=True):
        assert counts[f"{name}.png"] == sorted({int(o) for o in np.unique(objects)} - {-1})


@pytest.mark.parametrize("layout", ["partimagenet"])
def test_only_pictures_of_the_vocabulary_are_kept_and_none_is_removed(tmp_path, original, layout):
    path = original / "annotations" / "val" / "val.json"
    listed = json.loads(path.read_text())
    other = "n01484850_7.png"
    Image.new("RGB", (4, 4)).save(original / "images" / "val" / other)
    listed["images"].append({"id": 999, "file_name": other, "height": 4, "width": 4})
    path.write_text(json.dumps(listed))
    assert run(layout, "--source", original, "--out", tmp_path / "set") == 0
    kept = {p.name for p in (tmp_path / "set" / "images").rglob("*.png")}
    assert other not in kept and (original / "images" / "val" / other).exists()
    novel = {f"n9{o:07d}" for o in range(len(DRAWN.objects)) if not DRAWN.seen_object[o]}
    train = {p.name[:9] for p in (tmp_path / "set" / "images" / "train").iterdir()}
    source = {p.name[:9] for p in (original / "images" / "train").iterdir()}
    assert train == source - novel


# ---- raw Pascal-Part -----------------------------------------------------------------------------


def mat(path, *objects):
    """A Pascal-Part file of (class, mask, {part: mask}), each mask one row, shown twice."""
    kinds = [("class", "O"), ("class_ind", "O"), ("mask", "O"), ("parts", "O")]
    rows = np.zeros((1, len(objects)), dtype=kinds)
    for i, (cls, mask, parts) in enumerate(objects):
        listed = np.zeros((1, len(parts)), dtype=[("part_name", "O"), ("mask", "O")])
        for k, (name, part) in enumerate(parts.items()):
            listed[0, k] = name, np.array(part * 2, np.uint8)
        rows[0, i] = cls, 1, np.array(mask * 2, np.uint8), listed
    savemat(path, {"anno": {"imname": path.stem, "objects": rows}})


ROW = [[1, 1, 1, 1]]


def test_names_are_merged_small_parts_cover_large_ones_and_later_objects_earlier(tmp_path):
    path = tmp_path / "a.mat"
    dog = {"leye": [[1, 0, 0, 0]], "head": [[1, 1, 0, 0]], "lfleg": [[0, 0, 1, 0]]}
    mat(path, ("dog", ROW, dog), ("table", [[0, 0, 0, 1]], {}))
    objects, parts = pascal_part_116.read_mat(path)
    dog, table = PASCAL.object_index("dog"), PASCAL.object_index("diningtable")
    names = [PASCAL.object_parts[t] if t != 255 else None for t in parts[0]]
    assert objects.tolist() == [[dog, dog, dog, table]] * 2
    assert names == ["dog's eye", "dog's head", "dog's leg", None]
    assert objects.dtype == parts.dtype == np.uint8


@pytest.mark.parametrize(
    ("obj", "raw", "part"),
    [
        ("person", "rlarm", "lower arm"),
        ("person", "luleg", "leg"),
        ("person", "lebrow", "eyebrow"),
        ("horse", "rbho", "hoof"),
        ("cow", "lblleg", "leg"),
        ("cat", "rbpa", "paw"),
        ("car", "bliplate", "license plate"),
        ("bus", "roofside", "roof"),
        ("bus", "window_12", "window"),
        ("train", "crightside_3", "side"),
        ("train", "coach_2", "coach"),
        ("aeroplane", "engine_1", "engine"),
        ("bicycle", "fwheel", "wheel"),
        ("tvmonitor", "frame", None),
        ("bicycle", "body", None),
    ],
)
def test_abbreviations_become_the_benchmarks_parts(tmp_path, obj, raw, part):
    mat(tmp_path / "a.mat", (obj, ROW, {raw: ROW}))
    unknown = {}
    _, labels = pascal_part_116.read_mat(tmp_path / "a.mat", unknown)
    assert labels[0, 0] == (255 if part is None else PASCAL.index(f"{obj}'s {part}"))
    assert unknown == ({f"{obj}'s {raw}": 1} if part is None else {})


def test_every_one_of_the_116_parts_has_an_abbreviation():
    missing = {PASCAL.parts[p] for p in PASCAL.part_of.tolist()}
    missing -= set(pascal_part_116.ABBREVIATIONS.values())
    assert missing == set()


def test_a_set_is_made_of_voc_and_pascal_part(tmp_path, capsys):
    voc, parts = tmp_path / "VOCdevkit" / "VOC2010", tmp_path / "Annotations_Part"
    (voc / "JPEGImages").mkdir(parents=True)
    (voc / "ImageSets" / "Segmentation").mkdir(parents=True)
    (voc / "ImageSets" / "Segmentation" / "val.txt").write_text("b\nc\n")
    parts.mkdir()
    for name, obj, labelled in (("a", "cat", {"head": ROW}), ("b", "dog", {"head": ROW}),
                                ("c", "boat", {})):  # fmt: skip
        Image.new("RGB", (4, 2)).save(voc / "JPEGImages" / f"{name}.jpg")
        mat(parts / f"{name}.mat", (obj, ROW, labelled))
    out = tmp_path / "set"
    assert run("pascal_part_116", "--voc", voc.parent, "--parts", parts, "--out", out) == 0
    assert "the papers count 850" in capsys.readouterr().out
    assert open_dataset(out, "train").names == ["a"] and open_dataset(out, "val").names == ["b"]
    assert open_dataset(out, "val", per="object", released=True).names == ["b#dog"]
    (parts / "d.mat").write_bytes(b"no mat")
    assert run("pascal_part_116", "--voc", voc, "--parts", parts, "--out", tmp_path / "new") == 2
    assert "is no file of Pascal-Part" in capsys.readouterr().err


def test_scripts_and_tests_mean_the_same_modules():
    folder = str(archives.Path(archives.__file__).parent)
    assert folder in sys.path and folder.endswith("data_scripts")
