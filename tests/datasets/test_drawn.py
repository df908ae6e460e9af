"""The drawn world as a dataset: samples and names are those that `drawn_world` draws and lists."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from torch.utils.data import Dataset

import drawn_world
from drawn_world import captions, names
from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.drawn import SPLITS, DrawnWorld
from partclipseg_lite.datasets.pascal_part_116 import PascalPart, write_pascal_part
from partclipseg_lite.vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary

DRAWN = Vocabulary.load("drawn")
SIZE = 96


@pytest.fixture(scope="module")
def all_pictures():
    worlds = [DrawnWorld(split, 12, SIZE, objects="all") for split in SPLITS]
    return [world.picture(i) for world in worlds for i in range(12)]


def test_another_size_shows_the_same_composition():
    small, large = (DrawnWorld("validation", 30, size) for size in (64, 192))
    for i in range(0, 30, 3):
        a, b = small.picture(i), large.picture(i)
        assert a.scene == b.scene and [(x.obj, x.colour) for x in a.items] == [
            (x.obj, x.colour) for x in b.items
        ]
        for x, y in zip(a.items, b.items, strict=True):
            assert np.allclose(np.array(x.box) * 3, y.box, atol=7)
        same = a.sample.object_map == b.sample.resized(64).object_map
        assert same.mean() > 0.97


def test_maps_hold_ids_of_the_vocabulary_and_parts_lie_on_their_objects(all_pictures):
    for picture in all_pictures:
        assert picture.sample.image.shape == (SIZE, SIZE, 3)
        picture.sample.check_ids(DRAWN)
        picture.sample.check_owners(DRAWN)
        present = {DRAWN.objects[o] for o in np.unique(picture.sample.object_map) if o != IGNORE}
        assert present == {item.obj for item in picture.items} and present


def test_a_drawn_world_can_be_written_as_a_pascal_part_folder(tmp_path):
    world = DrawnWorld("test", 4, 48)
    for source in (world, world.render_all(workers=1)):
        folder = PascalPart(
            write_pascal_part(source, tmp_path / type(source).__name__, "val"), "val", "drawn"
        )
        for sample, again in zip(world, folder, strict=True):
            assert sample.name == again.name and np.array_equal(sample.image, again.image)
            assert np.array_equal(sample.part_map, again.part_map)
            assert np.array_equal(sample.object_map, again.object_map)


def test_the_vocabulary_is_the_worlds_own_list_of_names():
    assert DRAWN.objects == names.OBJECTS and DRAWN.object_parts == names.OBJECT_PARTS
    assert DRAWN.parts == names.PARTS and IGNORE == names.IGNORE
    assert DRAWN.unseen_only().objects == names.NOVEL_OBJECTS
    assert names.OBJECT_SYNONYMS.items() <= OBJECT_SYNONYMS.items()
    assert names.PART_SYNONYMS.items() <= PART_SYNONYMS.items()


def test_samples_hold_the_arrays_that_the_world_draws():
    ours, theirs = DrawnWorld("shifted", 5, 48, seed=2), drawn_world.World("shifted", 5, 48, seed=2)
    rendered = ours.render_all(workers=1)
    assert isinstance(ours, Dataset) and isinstance(rendered, Dataset)
    assert (len(ours), len(rendered), ours.objects) == (5, 5, theirs.objects)
    assert rendered.vocabulary == ours.vocabulary == DRAWN
    for i in range(5):
        drawn = theirs.picture(i)
        for picture in (ours.picture(i), rendered.picture(i)):
            assert np.array_equal(picture.image, drawn.image)
            assert np.array_equal(picture.sample.object_map, drawn.object_map)
            assert np.array_equal(picture.sample.part_map, drawn.part_map)
            assert (picture.scene, picture.items) == (drawn.scene, drawn.items)
        assert ours[i].name == rendered[i].name == rendered.names[i] == drawn.name
    assert ours[-1].name == ours[4].name and len(list(ours)) == 5
    with pytest.raises(IndexError, match="index 5"):
        ours[5]


def test_captions_are_written_about_samples_as_about_arrays():
    ours, theirs = DrawnWorld("test", 6, 64), drawn_world.World("test", 6, 64)
    for i in range(6):
        said = [
            captions.scene_captions(world.picture(i), np.random.default_rng(i), 20)
            for world in (ours, theirs)
        ]
        assert said[0] == said[1]


def test_nonsense_is_refused_here_as_there():
    with pytest.raises(ValueError, match="no 'dgo'; did you mean 'dog'"):
        DrawnWorld(objects=["dgo"])
    with pytest.raises(ValueError, match="workers must be at least 1, got 0"):
        DrawnWorld("test", 2, 32).render_all(workers=0)


def test_a_script_without_a_guard_draws_its_training_pictures(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from partclipseg_lite import DrawnWorld\n"
        "rendered = DrawnWorld('train', images=70, size=32).render_all()\n"
        "print(len(rendered), rendered[69].name)\n"
    )
    root = Path(drawn_world.__file__).parent.parent
    ran = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    assert (ran.stdout, ran.stderr) == ("70 train-0-000069\n", "")
