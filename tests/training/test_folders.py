"""Training on a dataset's folder is training on its pictures, whichever layout holds them."""

import numpy as np
import pytest
from helpers import DRAWN, clip_file, quick_settings, sample

from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.sample import IGNORE
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.losses.masks import LEFT_OUT
from partclipseg_lite.settings import Settings
from partclipseg_lite.training.examples import TrainingExamples, training_samples
from partclipseg_lite.training.loop import train

SPLITS = {"pascal_part_116": "train", "ade20k_part_234": "training", "partimagenet": "train"}
SIZE = 32


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


@pytest.fixture(scope="module")
def pictures():
    """Six drawn pictures in memory."""
    return DrawnWorld("test", images=6, size=48, objects="all").render_all(1)


@pytest.fixture(scope="module")
def in_memory(clip, pictures, tmp_path_factory):
    """The losses of one step on the pictures in memory."""
    return losses(one_step(clip), tmp_path_factory.mktemp("run"), pictures)


def one_step(clip, **more):
    return quick_settings(clip, training__steps=1, training__log_every=1, **more)


def losses(settings, output, samples=None):
    (entry,) = train(settings, output, samples, progress=False)[1]
    return {name: value for name, value in entry.items() if name != "seconds"}


@pytest.mark.parametrize("layout", SPLITS)
def test_a_step_on_a_folder_is_the_step_on_its_pictures(
    clip, pictures, in_memory, tmp_path, layout
):
    folder = write_dataset(pictures, tmp_path / "data", SPLITS[layout], layout)
    settings = one_step(clip, data__name="folder", data__folder=str(folder))
    found = losses(settings, tmp_path / "run")
    if layout != "partimagenet":
        assert found == in_memory
        return
    # Of that layout only pictures of a seen object remain, and of each only that object.
    samples = training_samples(settings)
    assert 0 < len(samples) < len(pictures) and found != in_memory
    kept = [samples[i] for i in range(len(samples))]
    assert found == losses(one_step(clip), tmp_path / "again", kept)


def test_novel_objects_of_real_pictures_are_marked_and_the_unlabelled_is_ignored():
    novel, seen = DRAWN.objects.index("dog"), DRAWN.seen_only().objects.index("cat")
    settings = Settings.from_preset("toy", {"model.image_size": SIZE, "data.mirror": False})
    one = sample(("cat", "dog"), size=SIZE)
    example = TrainingExamples([one], DRAWN, settings)[0, 0]
    whole = DRAWN.objects.index("cat")
    expected = np.select([one.object_map == novel, one.object_map == whole], [LEFT_OUT, seen], -1)
    assert np.array_equal(example["object_map"], expected) and (expected == LEFT_OUT).any()
    assert (example["part_map"][one.object_map != whole] == IGNORE).all()


@pytest.mark.parametrize("mirror", [True, False])
def test_pictures_are_mirrored_and_jittered_only_if_asked(mirror):
    given = {"model.image_size": SIZE, "data.mirror": mirror, "data.jitter": mirror}
    one = sample(("cat",), size=SIZE)
    found = TrainingExamples([one], DRAWN, Settings.from_preset("toy", given))
    examples = [found[0, place] for place in range(12)]
    as_it_is = [np.array_equal(e["image"], one.image.transpose(2, 0, 1)) for e in examples]
    plain = [e["jitter"].tolist() == [1, 0, 0, 0] for e in examples]
    assert (any(as_it_is), all(as_it_is), all(plain)) == (True, not mirror, not mirror)
    assert any(plain) is not mirror and examples[0]["jitter"].dtype == np.float32


def test_pictures_without_a_part_that_is_taught_give_way_to_others():
    novel, both = sample(("dog",), size=SIZE), sample(("cat", "dog"), size=SIZE)
    given = {"model.image_size": SIZE, "data.need_parts": True}
    settings = Settings.from_preset("toy", given)
    examples = TrainingExamples([novel, novel, novel, both], DRAWN, settings)
    assert {int(examples[step, 0]["index"]) for step in range(10)} == {3}
    again = TrainingExamples([novel, novel, novel, both], DRAWN, settings)
    assert np.array_equal(again[4, 0]["image"], examples[4, 0]["image"])
    with pytest.raises(ValueError, match="none of 1000 pictures .* shows a part that is taught"):
        TrainingExamples([novel], DRAWN, settings)[0, 0]


def test_a_folder_that_is_missing_leaves_nothing_behind(clip, tmp_path):
    settings = one_step(clip, data__name="folder", data__folder=str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="'data.folder': there is no folder"):
        train(settings, tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
