"""Settings choose pictures; what is missing or does not fit is said before anything is computed."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import DRAWN

from partclipseg_lite.datasets.chosen import (
    check_pictures_to_score,
    check_training_pictures,
    objects_to_score,
    pictures_to_score,
    training_folder,
)
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.sample import IGNORE, Sample
from partclipseg_lite.datasets.views import LabelsResizedTwice, SamplesOf, picture_of
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.settings import Settings


@pytest.fixture(scope="module")
def world():
    return DrawnWorld("test", images=8, size=48, objects="all")


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "drawn"
    for split in ("train", "val"):
        write_dataset(world, root, split, "pascal_part_116")
    return root


def chosen(folder, **more):
    more = {name.replace("__", "."): value for name, value in more.items()}
    return Settings.from_preset("smoke", {"data.name": "folder", "data.folder": str(folder)} | more)


# ---- to learn from -------------------------------------------------------------------------------


def test_all_pictures_of_the_split_are_learned_from_with_the_ids_of_the_whole_vocabulary(
    folder, world
):
    found = training_folder(chosen(folder))
    assert found.names == world.names and found.vocabulary == DRAWN
    assert all(found[i].equals(world[i]) for i in range(len(world)))


def test_few_shots_are_the_pictures_of_the_list_alone(folder, world):
    listed = [{"file_name": f"datasets/x/images/train/{world.names[i]}.jpg"} for i in (1, 3)]
    (folder / "train_16shot.json").write_text(str(listed).replace("'", '"'))
    found = training_folder(chosen(folder, data__shots="train_16shot.json"))
    assert found.names == [world.names[1], world.names[3]]


@pytest.mark.parametrize(
    ("vocabulary", "script"),
    [
        ("pascal_part_116", "pascal_part_116.py"),
        ("ade20k_part_234", "ade20k_part_234.py"),
        ("partimagenet_40", "partimagenet.py"),
    ],
)
def test_a_folder_that_is_missing_names_what_prepares_it(tmp_path, vocabulary, script):
    settings = chosen(tmp_path / "nowhere", vocabulary=vocabulary)
    with pytest.raises(
        FileNotFoundError, match=rf"'data.folder': there is no folder .*{script}`, or say where"
    ) as caught:
        check_training_pictures(settings)
    assert str(caught.value).count(".py") == 1


@pytest.mark.parametrize(
    ("more", "error", "says"),
    [
        ({"vocabulary": "pascal_part_116"}, ValueError, "'data.folder': the labels of .*drawn"),
        ({"data__split": "trian"}, FileNotFoundError, "no folder .*trian; splits here: train, val"),
        ({"data__shots": "few.json"}, FileNotFoundError, "'data.shots': .* has no list 'few.json'"),
    ],
)
def test_what_does_not_fit_the_folder_is_said_at_once(folder, more, error, says):
    with pytest.raises(error, match=says):
        check_training_pictures(chosen(folder, **more))


def test_a_folder_that_is_no_dataset_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is no dataset that is known here"):
        check_training_pictures(chosen(tmp_path))


# ---- to be scored on -----------------------------------------------------------------------------


def test_a_run_is_scored_on_the_validation_split_of_its_folder_or_on_the_first_of_it(folder, world):
    assert pictures_to_score(chosen(folder)).names == world.names
    few = pictures_to_score(chosen(folder, test__images=2))
    assert few.names == world.names[:2] and few[1].equals(world[1]) and few.vocabulary == DRAWN
    assert pictures_to_score(chosen(folder, test__images=2), 3).names == world.names[:3]


def test_a_drawn_run_is_scored_on_drawn_test_pictures():
    found = pictures_to_score(Settings.from_preset("smoke", {"test.images": 3}))
    assert found.names == DrawnWorld("test", 3, 128, 0, "all").names
    assert len(pictures_to_score(Settings.from_preset("toy"))) == 300


def test_a_run_can_be_scored_on_another_dataset(folder, world):
    settings = Settings.from_preset("smoke", {"test.folder": str(folder), "test.split": "train"})
    assert pictures_to_score(settings).names == world.names
    check_pictures_to_score(settings)
    missing = Settings.from_preset("smoke", {"test.folder": "datasets/none"})
    with pytest.raises(FileNotFoundError, match="'test.folder': .*_116.py` or .*_234.py` or "):
        check_pictures_to_score(missing)
    with pytest.raises(FileNotFoundError, match="no folder .*test; splits here: train, val"):
        check_pictures_to_score(chosen(folder, test__split="test"))


def test_the_benchmark_scores_one_object_at_a_time(folder, world):
    whole = objects_to_score(chosen(folder))
    pairs = sum(len(np.unique(world[i].object_map)) - 1 for i in range(len(world)))
    assert len(whole) == pairs
    few = objects_to_score(chosen(folder), world.names[:1])
    assert {picture_of(name) for name in few.names} == {world.names[0]}
    for i, name in enumerate(few.names):
        present = set(np.unique(few[i].object_map).tolist()) - {IGNORE}
        assert [DRAWN.objects[o] for o in present] == [name.partition("#")[2]]


class OnePicture(list):
    vocabulary, names = DRAWN, ["one"]

    def __init__(self, picture):
        super().__init__([picture])


@pytest.mark.parametrize("size", [(48, 64), (375, 500), (30, 90), (800, 1000), (1000, 900)])
def test_the_benchmark_scores_labels_that_were_enlarged_and_shrunk_again(size):
    ids = np.random.default_rng(0).integers(IGNORE, 4, size)
    picture = Sample(np.zeros((*size, 3), np.uint8), ids, ids[::-1].copy(), "one")
    found = LabelsResizedTwice(OnePicture(picture))[0]
    for mine, whole in ((found.object_map, ids), (found.part_map, ids[::-1].copy())):
        large = torch.from_numpy(whole)[None, None].float()
        scale = min(800 / min(size), 1333 / max(size))
        large = F.interpolate(large, size=[round(side * scale) for side in size], mode="nearest")
        assert torch.equal(torch.from_numpy(mine), F.interpolate(large, size=size)[0, 0].long())
    assert found.image is picture.image and found.name == "one"


def test_samples_of_certain_pictures_keep_their_order(world):
    assert SamplesOf(world, {world.names[3], world.names[1], "none"}).names == [
        world.names[1],
        world.names[3],
    ]
