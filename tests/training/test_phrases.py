"""Phrases are true of their pictures, and name no part; their masks are those of the objects."""

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from drawn_world import names
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.settings import Settings
from partclipseg_lite.training.loop import train
from partclipseg_lite.training.phrases import PhraseExamples, phrase_targets, write_phrases
from partclipseg_lite.weights.models import load_model

SETTINGS = Settings.from_preset(
    "toy_phrases",
    {
        "data.images": 30,
        "data.size": 64,
        "model.image_size": 32,
        "training.batch_size": 3,
        "training.steps": 3,
        "training.log_every": 1,
        "training.workers": 0,
        "model.width": 16,
        "model.mlp_width": 32,
    },
)


@pytest.fixture(scope="module")
def pictures():
    return DrawnWorld("train", 30, 64, 1, "all").render_all(workers=1)


def test_every_kind_of_object_in_a_picture_has_its_name_and_more(pictures):
    phrases, objects = write_phrases(pictures), pictures.vocabulary.objects
    assert len(set(phrases.texts)) == len(phrases.texts) == len(phrases.names)
    for i, pairs in enumerate(phrases.of_picture):
        items = pictures.picture(i).items
        assert {objects[kind] for _, kind in pairs} == {item.obj for item in items}
        for text, kind in pairs:
            assert phrases.names[text] == kind
        said = {phrases.texts[text] for text, _ in pairs}
        assert said >= {item.obj for item in items}


def test_a_colour_is_said_where_all_objects_of_the_kind_have_it(pictures):
    phrases, objects = write_phrases(pictures), pictures.vocabulary.objects
    coloured = 0
    for i, pairs in enumerate(phrases.of_picture):
        for text, kind in pairs:
            words = phrases.texts[text].replace(",", " ").split()
            colours = {
                item.colour for item in pictures.picture(i).items if item.obj == objects[kind]
            }
            for colour in set(words) & set(names.COLOURS):
                assert colours == {colour}, phrases.texts[text]
                coloured += 1
    assert coloured > 10


def test_no_phrase_names_a_part(pictures):
    objects = {word for obj in names.OBJECTS for word in names.object_words(obj)} | {"potted plant"}
    parts = {word for part in names.PARTS for word in part.split()}
    parts -= {word for obj in objects for word in obj.split()}
    for text in write_phrases(pictures).texts:
        assert not parts & set(text.replace("'s", " ").split()), text


def test_an_example_asks_for_what_is_there_and_for_what_is_not(pictures):
    examples = PhraseExamples(pictures, SETTINGS)
    for place in range(20):
        example = examples[0, place]
        masks = phrase_targets(
            *(torch.from_numpy(example[key])[None] for key in ("object_map", "object_ids"))
        )
        shown = masks.object_parts[0].flatten(1).any(1).numpy()
        present = np.setdiff1d(example["object_map"], [-1])
        assert (np.isin(example["object_ids"], present) == shown).all()
        assert shown.sum() == min(len(present), 4)
        assert (masks.background[0, 0].numpy() == (example["object_map"] < 0)).all()
        assert len(examples.words(default_collate([example]), 0)) == 4
        again = examples[0, place]
        assert all((example[key] == again[key]).all() for key in example)


def test_masks_of_parts_are_not_looked_at(pictures):
    other = DrawnWorld("train", 30, 64, 1, "all").render_all(workers=1)
    other.part_maps[:] = -1
    one, two = (PhraseExamples(world, SETTINGS)[3, 1] for world in (pictures, other))
    assert all((one[key] == two[key]).all() for key in one)


def test_a_short_training_learns_and_is_saved_without_a_vocabulary(pictures, tmp_path):
    _, log = train(SETTINGS, tmp_path / "run", samples=pictures, progress=False)
    assert set(log[-1]) == {"step", "seconds", "total", "object_part", "dice"}
    model, settings, vocabulary, _ = load_model(tmp_path / "run")
    assert settings == SETTINGS and vocabulary is None
    assert type(model).__name__ == "CLIPSeg"
