"""Each of the three layouts gives back what was written in it, and refuses what is not so."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.datasets.ade20k_part_234 import ADE20KPart
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.folders import layout_of, open_dataset, splits_of
from partclipseg_lite.datasets.partimagenet import PartImageNet, read_synsets
from partclipseg_lite.datasets.views import FewShot, PerObject, Substituted
from partclipseg_lite.datasets.write import (
    DRAWN_SUPERCLASSES,
    drawn_superclass_parts,
    drawn_wnid,
    write_dataset,
)
from partclipseg_lite.vocabulary import Vocabulary, shipped_facts

DRAWN = Vocabulary.load("drawn")
SPLIT = {"pascal_part_116": "val", "ade20k_part_234": "validation", "partimagenet": "val"}
LAYOUTS = list(SPLIT)


class Listed(list):
    """Samples in memory with the vocabulary and the names of a dataset."""

    vocabulary = DRAWN

    @property
    def names(self):
        return [sample.name for sample in self]


@pytest.fixture(scope="module")
def world():
    world = DrawnWorld("test", images=12, size=64, objects="all")
    return Listed(world[i] for i in range(12))


@pytest.fixture
def folders(tmp_path, world):
    return {
        layout: write_dataset(world, tmp_path / layout, split, layout)
        for layout, split in SPLIT.items()
    }


def change_json(path, change):
    contents = json.loads(path.read_text())
    change(contents)
    path.write_text(json.dumps(contents))


def main_object(sample):
    return int(np.bincount(sample.object_map[sample.part_map != IGNORE]).argmax())


# ---- what was written is read --------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_drawn_world_comes_back_from_each_layout(folders, world, layout):
    again = open_dataset(folders[layout], "val")
    assert layout_of(folders[layout]) == layout and splits_of(folders[layout]) == [SPLIT[layout]]
    assert again.vocabulary == DRAWN and len(again) == len(world) == len(again.names)
    by_name = {sample.name: sample for sample in map(again.__getitem__, range(len(again)))}
    for sample in world:
        name, objects, parts = sample.name, sample.object_map, sample.part_map
        if layout == "partimagenet":  # one object a picture, which is the union of its parts
            o = main_object(sample)
            name = f"{drawn_wnid(DRAWN.objects[o])}_{name}"
            parts = np.where(objects == o, parts, IGNORE)
            objects = np.where(parts == IGNORE, IGNORE, o)
        assert np.array_equal(by_name[name].image, sample.image)
        assert np.array_equal(by_name[name].part_map, parts)
        assert np.array_equal(by_name[name].object_map, objects)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_restricted_vocabulary_hides_everything_else(folders, layout):
    seen = DRAWN.seen_only()
    whole, part = (open_dataset(folders[layout], "val", v) for v in (None, seen))
    for i in range(len(whole)):
        named = [DRAWN.object_parts[t] for t in np.unique(whole[i].part_map) if t != IGNORE]
        left = {seen.object_parts[t] for t in np.unique(part[i].part_map) if t != IGNORE}
        assert left == {name for name in named if name in seen}
        hidden = np.isin(whole[i].object_map, np.flatnonzero(~DRAWN.seen_object.numpy()))
        assert (part[i].object_map[hidden] == IGNORE).all()


@pytest.mark.parametrize("layout", ["ade20k_part_234", "partimagenet"])
def test_a_split_is_written_whole_or_not_at_all(tmp_path, world, layout):
    twice = Listed([world[0], world[0]])
    with pytest.raises(ValueError, match="two samples are named"):
        write_dataset(twice, tmp_path / "set", "val", layout)
    with pytest.raises(ValueError, match="empty"):
        write_dataset(Listed(), tmp_path / "set", "val", layout)
    assert list(tmp_path.iterdir()) == []
    write_dataset(world, tmp_path / "set", "val", layout)
    with pytest.raises(FileExistsError, match="exists already"):
        write_dataset(world, tmp_path / "set", "val", layout)
    with pytest.raises(ValueError, match="layout must be .*'coco'"):
        write_dataset(world, tmp_path / "other", "val", "coco")


def test_the_drawn_super_classes_have_every_object_once_and_every_part():
    objects = [obj for members in DRAWN_SUPERCLASSES.values() for obj in members]
    assert sorted(objects) == sorted(DRAWN.objects)
    names = drawn_superclass_parts()
    assert len(set(names)) == len(names) and "Quadruped Horn" in names
    assert drawn_wnid("aeroplane") == "n90000000" and drawn_wnid("van") == "n90000021"


# ---- ADE20K-Part-234 -----------------------------------------------------------------------------


@pytest.fixture
def ade(folders):
    return folders["ade20k_part_234"]


def ade_list(root):
    return root / "ade20k_instance_val.json"


def as_polygons(image, mask):
    """The polygons of each run of pixels, as rectangles that cover exactly it."""
    found = []
    for y, row in enumerate(mask):
        edges = np.flatnonzero(np.diff(np.r_[0, row.astype(int), 0]))
        for left, right in edges.reshape(-1, 2).tolist():
            found.append([left, y, right, y, right, y + 1, left, y + 1])
    return found


@pytest.mark.parametrize("form", ["polygons", "plain run lengths", "packed run lengths"])
def test_instances_are_read_in_every_form_that_coco_knows(ade, world, form):
    def change(contents):
        for annotation in contents["annotations"]:
            packed = annotation["segmentation"]
            mask = coco_mask.decode(packed)
            if form == "polygons":
                annotation["segmentation"] = as_polygons(None, mask)
            elif form == "plain run lengths":
                flat = mask.ravel(order="F").astype(int)
                steps = np.flatnonzero(np.diff(np.r_[0, flat]))
                counts = np.diff(np.r_[0, steps, len(flat)]).tolist()
                annotation["segmentation"] = {"size": packed["size"], "counts": counts}

    change_json(ade_list(ade), change)
    again = ADE20KPart(ade, "validation")
    for i, sample in enumerate(world):
        assert np.array_equal(again[i].object_map, sample.object_map)


def test_one_sample_an_instance_shows_nothing_else(ade, world):
    each = ADE20KPart(ade, "val", per="instance")
    expected = [(s, o) for s in world for o in np.unique(s.object_map).tolist() if o != IGNORE]
    assert len(each) == len(expected)
    for i, (whole, o) in enumerate(expected):
        mask = whole.object_map == o
        assert np.array_equal(each[i].object_map, np.where(mask, o, IGNORE))
        assert np.array_equal(each[i].part_map, np.where(mask, whole.part_map, IGNORE))
        assert each[i].name == each.names[i] == f"{whole.name}#{i + 1}"


def one_pixel_set(root, annotations, parts, vocabulary=DRAWN):
    """An ADE folder with one picture of 1x4 pixels."""
    for split, short in (("validation", "val"), ("training", "train")):
        for name in ("images", "annotations_detectron2_part"):
            (root / name / split).mkdir(parents=True)
        Image.new("RGB", (4, 1)).save(root / "images" / split / f"{short}.png")
        ids = np.array([parts], np.uint16)
        Image.fromarray(ids).save(root / "annotations_detectron2_part" / split / f"{short}.png")
        listed = {
            "images": [{"id": 7, "file_name": f"{short}.png", "height": 1, "width": 4}],
            "annotations": [
                {
                    "id": n,
                    "image_id": 7,
                    "category_id": vocabulary.object_index(obj),
                    "segmentation": {"size": [1, 4], "counts": counts},
                }
                for n, (obj, counts) in enumerate(annotations)
            ],
            "categories": [{"id": o, "name": n} for o, n in enumerate(vocabulary.objects)],
        }
        (root / f"ade20k_instance_{short}.json").write_text(json.dumps(listed))
    (root / "classes.json").write_text(json.dumps(vocabulary.to_dict()))
    return root


def test_where_instances_overlap_parts_decide_and_the_release_takes_the_last(tmp_path):
    head, wheel = DRAWN.index("dog's head"), DRAWN.index("car's wheel")
    # A dog on pixels 1 and 2 of a car that covers all four and is written last.
    root = one_pixel_set(
        tmp_path / "set", [("dog", [1, 2, 1]), ("car", [0, 4])], [wheel, head, 65535, 65535]
    )
    dog, car = DRAWN.object_index("dog"), DRAWN.object_index("car")
    assert ADE20KPart(root, "val")[0].object_map.tolist() == [[car, dog, dog, car]]
    assert ADE20KPart(root, "val", released=True)[0].object_map.tolist() == [[car] * 4]
    ours, theirs = (ADE20KPart(root, "val", per="instance", released=r) for r in (False, True))
    assert ours[1].part_map.tolist() == [[wheel, IGNORE, IGNORE, IGNORE]]
    assert theirs[1].part_map.tolist() == [[wheel, head, IGNORE, IGNORE]]


def test_the_release_tests_novel_objects_of_training_pictures_too(tmp_path):
    root = one_pixel_set(
        tmp_path / "set", [("dog", [0, 2, 2]), ("cat", [2, 2])], [65535, 65535, 65535, 65535]
    )
    assert ADE20KPart(root, "val", per="instance").names == ["val#0", "val#1"]
    released = ADE20KPart(root, "val", per="instance", released=True)
    assert released.names == ["val#0", "val#1", "train#0"]  # the dog is novel, the cat is not


def ade_labels(root):
    return sorted((root / "annotations_detectron2_part" / "validation").glob("*.png"))[0]


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda r: ade_labels(r).unlink(), FileNotFoundError, r"label file .*\.png is missing"),
        (
            lambda r: Image.fromarray(np.zeros((64, 64), np.uint8)).save(ade_labels(r)),
            ValueError,
            "one channel of 16 bits, got mode 'L'.*above 255 may have been lost",
        ),
        (
            lambda r: Image.fromarray(np.zeros((64, 32), np.uint16)).save(ade_labels(r)),
            ValueError,
            "32x64 pixels for .*, the picture has 64x64",
        ),
        (
            lambda r: Image.fromarray(np.full((64, 64), 500, np.uint16)).save(ade_labels(r)),
            ValueError,
            r"holds the ids \[500\], expected 0 to \d+ and 65535 for nothing",
        ),
        (
            lambda r: ade_labels(r).write_bytes(ade_labels(r).read_bytes()[:60]),
            ValueError,
            "cannot be read .*truncated",
        ),
        (
            lambda r: ade_list(r).write_text(ade_list(r).read_text()[:-40]),
            ValueError,
            "is no JSON .*truncated",
        ),
        (lambda r: ade_list(r).write_text("{}"), ValueError, "no COCO file.*'annotations'"),
        (lambda r: ade_list(r).unlink(), FileNotFoundError, "ade20k_instance_val.json is missing"),
        (
            lambda r: change_json(ade_list(r), lambda c: c["categories"].reverse()),
            None,
            None,  # the order in the file says nothing, the ids do
        ),
        (
            lambda r: change_json(ade_list(r), lambda c: c["categories"][0].update(name="bicycle")),
            ValueError,
            "category 0 'bicycle', 'drawn' calls it 'aeroplane'",
        ),
        (
            lambda r: change_json(
                ade_list(r), lambda c: c["annotations"][0].update(category_id=99)
            ),
            ValueError,
            "holds category 99, expected 0 to 21",
        ),
        (
            lambda r: change_json(ade_list(r), lambda c: c["annotations"][0].update(image_id=999)),
            ValueError,
            "annotates 1 pictures that it does not list, such as number 999",
        ),
        (
            lambda r: change_json(
                ade_list(r), lambda c: c["annotations"][0].update(segmentation={"counts": "x"})
            ),
            ValueError,
            "annotation 1 of .* cannot be decoded",
        ),
    ],
)
def test_a_damaged_ade_folder_is_named_in_one_sentence(ade, spoil, error, says):
    spoil(ade)
    if error is None:
        assert len(ADE20KPart(ade, "val")) == 12
        return
    with pytest.raises(error, match=says):
        ADE20KPart(ade, "val")[0]


def test_pictures_that_a_list_names_and_nobody_has(ade):
    absent = sorted((ade / "images" / "validation").iterdir())[3]
    absent.unlink()
    with pytest.raises(FileNotFoundError, match=f"1 of the 12 .* such as {absent.name}"):
        open_dataset(ade, "val")
    left = open_dataset(ade, "val", missing="skip")
    assert len(left) == 11 and absent.stem not in left.names
    with pytest.raises(ValueError, match="missing must be 'error' or 'skip', got 'ignore'"):
        open_dataset(ade, "val", missing="ignore")


# ---- PartImageNet --------------------------------------------------------------------------------


@pytest.fixture
def imagenet(folders):
    return folders["partimagenet"]


def test_training_pictures_show_seen_objects_and_none_is_removed(tmp_path, world):
    root = write_dataset(world, tmp_path / "set", "train", "partimagenet")
    before = sorted(p.name for p in (root / "images" / "train").iterdir())
    seen, all_of_them = PartImageNet(root, "train"), PartImageNet(root, "train", objects="all")
    novel = [s for s in world if not DRAWN.seen_object[main_object(s)]]
    assert len(all_of_them) == 12 and len(seen) == 12 - len(novel) == 12 - seen.passed_over < 12
    assert sorted(p.name for p in (root / "images" / "train").iterdir()) == before


def test_a_list_is_found_where_the_original_has_it(imagenet):
    (imagenet / "annotations" / "val").mkdir(parents=True)
    (imagenet / "val.json").rename(imagenet / "annotations" / "val" / "val.json")
    assert len(open_dataset(imagenet, "val")) == 12


def real_list(root, category, file_name, categories):
    """A PartImageNet folder of the real vocabulary with one picture of 2x2 pixels."""
    (root / "images" / "val").mkdir(parents=True)
    Image.new("RGB", (2, 2)).save(root / "images" / "val" / file_name, format="JPEG")
    annotation = {
        "id": 1,
        "image_id": 1,
        "category_id": category,
        "segmentation": [[0, 0, 1, 0, 1, 2, 0, 2]],
    }
    listed = {
        "images": [{"id": 1, "file_name": file_name, "height": 2, "width": 2}],
        "annotations": [annotation],
        "categories": [{"id": i, "name": name} for i, name in enumerate(categories)],
    }
    (root / "val.json").write_text(json.dumps(listed))
    return root


SUPERCLASS_PARTS = shipped_facts("partimagenet_40")["superclass_parts"]
OF_OBJECTS = ["impala's head", "impala's body", "impala's foot"]
TIGER = "n02129604_1.JPEG"


@pytest.mark.parametrize("categories", [SUPERCLASS_PARTS, OF_OBJECTS])
def test_the_object_comes_from_the_name_and_the_part_from_the_super_class(tmp_path, categories):
    # The release's preparation writes object-specific names but keeps the ids of super-classes.
    root = real_list(tmp_path / "set", 2, TIGER, categories)
    sample = open_dataset(root, "val")[0]
    full = Vocabulary.load("partimagenet_40")
    foot, tiger = full.index("tiger's foot"), full.object_index("tiger")
    assert sample.part_map.tolist() == [[foot, IGNORE]] * 2
    assert sample.object_map.tolist() == [[tiger, IGNORE]] * 2


@pytest.mark.parametrize(
    ("category", "file_name", "categories", "says"),
    [
        (
            11,
            TIGER,
            SUPERCLASS_PARTS,
            r"shows a tiger and has category 11 \('fin'\); its parts are",
        ),
        (77, TIGER, SUPERCLASS_PARTS, "has category 77"),
        (2, TIGER, SUPERCLASS_PARTS[1:], "calls category 0 'Quadruped Body'.*disjoint classes"),
        (2, "n01484850_1.JPEG", SUPERCLASS_PARTS, "lists 1 pictures, none of the objects of"),
        (2, "tiger.JPEG", SUPERCLASS_PARTS, "must begin with an ImageNet id such as n0"),
    ],
)
def test_what_does_not_fit_the_forty_classes_is_named(
    tmp_path, category, file_name, categories, says
):
    root = real_list(tmp_path / "set", category, file_name, categories)
    with pytest.raises(ValueError, match=says):
        open_dataset(root, "val")[0]


def test_both_forms_of_imagenets_names_are_read_and_no_third(tmp_path):
    path = tmp_path / "LOC_synset_mapping.txt"
    path.write_text("n01440764 tench, Tinca tinca\nn02012849 crane\n")
    assert read_synsets(path) == {"n01440764": "tench", "n02012849": "crane"}
    path.write_text("n01440764 : tench\nn02012849 : crane\n")
    assert read_synsets(path) == {"n01440764": "tench", "n02012849": "crane"}
    for text in ("n01440764 tench\nn02012849 : crane\n", "n01440764: tench\n", "tench n01440764\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match="line [12]: .*expected each id once"):
            read_synsets(path)


def test_a_mapping_that_contradicts_the_shipped_ids_is_refused(tmp_path):
    root = real_list(tmp_path / "set", 2, TIGER, SUPERCLASS_PARTS)
    ids = dict(shipped_facts("partimagenet_40")["imagenet_ids"])
    mapping = tmp_path / "LOC_synset_mapping.txt"  # beside the folder, as the release has it
    mapping.write_text("".join(f"{wnid} {obj}, more\n" for obj, wnid in ids.items()))
    assert len(open_dataset(root, "val")) == 1
    ids["tiger"] = "n00000000"
    mapping.write_text("".join(f"{wnid} {obj}\n" for obj, wnid in ids.items()))
    with pytest.raises(ValueError, match="gives 'tiger' the id n00000000, expected n02129604"):
        open_dataset(root, "val")


# ---- views ---------------------------------------------------------------------------------------


def test_one_sample_an_object_hides_the_others_with_or_without_the_count_file(folders, world):
    root = folders["pascal_part_116"]
    counted = open_dataset(root, "val", per="object")
    (root / "annotations_detectron2_part" / "val_obj_label_count.json").unlink()
    looked = open_dataset(root, "val", per="object")
    expected = [(s, o) for s in world for o in np.unique(s.object_map).tolist() if o != IGNORE]
    assert counted.names == looked.names == [f"{s.name}#{DRAWN.objects[o]}" for s, o in expected]
    for i, (whole, o) in enumerate(expected):
        mask = whole.object_map == o
        assert np.array_equal(counted[i].part_map, np.where(mask, whole.part_map, IGNORE))
        assert np.array_equal(counted[i].object_map, np.where(mask, o, IGNORE))


PASCAL = Vocabulary.load("pascal_part_116")


def boat_and_dog():
    """Two pictures of one pixel: a boat, which has no parts, and a dog's head."""
    samples = Listed()
    samples.vocabulary = PASCAL
    for name, obj, part in (("0", "boat", IGNORE), ("1", "dog", PASCAL.index("dog's head"))):
        maps = np.array([[PASCAL.object_index(obj)]]), np.array([[part]])
        samples.append(Sample(np.zeros((1, 1, 3), np.uint8), *maps, name))
    return samples


def test_objects_without_parts_are_listed_and_replaced_as_released_only():
    samples = boat_and_dog()
    assert PerObject(samples).names == ["1#dog"]
    released = PerObject(samples, released=True)
    assert released.names == ["0#boat", "1#dog"]
    assert [sample.name for sample in Substituted(released)] == ["1#dog", "1#dog"]
    with pytest.raises(ValueError, match="no sample of .* has a part"):
        Substituted(PerObject(Listed_of(samples, [0]), released=True))[0]


def Listed_of(samples, indices):
    chosen = Listed(samples[i] for i in indices)
    chosen.vocabulary = samples.vocabulary
    return chosen


def test_a_few_shot_list_of_another_root_finds_its_pictures(folders, world):
    root = folders["pascal_part_116"]
    path = root / "train_16shot.json"
    names = [world[4].name, world[1].name, world[4].name]
    path.write_text(json.dumps([{"file_name": f"datasets/X/images/{n}.jpg"} for n in names]))
    assert open_dataset(root, "val", few_shot=True).names == [world[1].name, world[4].name]
    path.write_text(json.dumps([{"file_name": "datasets/X/images/other.jpg"}]))
    with pytest.raises(ValueError, match="names 1 of 1 pictures that are not in .*such as other"):
        open_dataset(root, "val", few_shot=True)
    path.write_text("[1]")
    with pytest.raises(ValueError, match="is no few-shot list"):
        FewShot(world, path)


# ---- opening -------------------------------------------------------------------------------------


def test_the_drawn_world_is_opened_by_its_name():
    world = open_dataset("drawn", "val", images=3, size=32, seed=5)
    assert world.names == [world[i].name for i in range(3)] and world.split == "validation"
    assert world[0].name == "validation-5-000000"


@pytest.mark.parametrize("missing", ["images", "annotations_detectron2_obj", "ade20k", "val.json"])
def test_a_folder_that_lacks_something_is_told_what_each_layout_needs(folders, missing):
    layout = {"ade20k": "ade20k_part_234", "val.json": "partimagenet"}.get(missing, LAYOUTS[0])
    for path in folders[layout].glob(f"{missing}*"):
        path.rename(path.with_name(f"gone_{path.name}"))
    with pytest.raises(ValueError, match="is no dataset.*pascal_part_116 needs .*it holds .*gone_"):
        open_dataset(folders[layout], "val")


def test_one_folder_too_high_or_a_wrong_name_is_told(tmp_path, folders):
    with pytest.raises(ValueError, match="holds one: give .*ade20k_part_234"):
        open_dataset(tmp_path, "val")
    with pytest.raises(FileNotFoundError, match="no dataset 'drawn' and no folder is called"):
        open_dataset(tmp_path / "nowhere", "val")
    with pytest.raises(FileNotFoundError, match="no folder .*test; splits here: validation"):
        open_dataset(folders["ade20k_part_234"], "test")
    with pytest.raises(ValueError, match="its object 0 is 'aeroplane', that of .* is 'airplane'"):
        open_dataset(folders["ade20k_part_234"], "val", "ade20k_part_234")
    for options in ({"per": "pixel"}, {"per": "object", "few_shot": True}):
        with pytest.raises(ValueError, match="per"):
            open_dataset(folders["pascal_part_116"], "val", **options)
