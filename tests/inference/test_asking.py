"""Questions to any model: the answers are those of the segmenter and of the model itself."""

import numpy as np
import pytest
import torch
from helpers import sample, tiny_model

from partclipseg_lite.inference.asking import Question, ask, claims_of, decide, question
from partclipseg_lite.inference.predict import encode, resize_logits
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.losses.attention_control import normalise_maps
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.tiny_clip import UnknownWordError

NAMES = ["dog's head", "puppy's tail", "dog's leg"]
kinds = pytest.mark.parametrize("kind", [PartCLIPSeg, CLIPSeg])


@pytest.fixture(scope="module")
def image():
    return sample(size=40).image[:, :30]


def asked(model, image, *names):
    return ask(model, image, list(map(question, names)))


@kinds
def test_masks_and_scores_are_the_segmenters(kind, image):
    model = tiny_model(kind, seed=1)
    wanted = PartSegmenter(model)(image, NAMES)
    found = decide(asked(model, image, *NAMES), image.shape[:2])
    assert (found.labels == wanted.label_map).mean() > 0.999
    assert np.allclose(found.scores, list(wanted.scores.values()), atol=0.02)
    for name, mask in zip(NAMES, found.masks, strict=True):
        assert (mask == wanted.masks[name]).mean() > 0.999


def test_a_single_word_is_the_models_own_map_of_it_against_background(image):
    model = tiny_model(PartCLIPSeg, seed=1)
    found = asked(model, image, "dog", "dog's head", "wheel")
    words = model.embed(Vocabulary.from_names(["dog's wheel"]))
    with torch.no_grad():
        output = model(encode(model, [image]), words)
    assert torch.allclose(found.logits[0], output.object_logits[0, 0], atol=1e-5)
    assert torch.allclose(found.logits[2], output.part_logits[0, 0], atol=1e-5)
    size = (20, 25)
    mask = resize_logits(found.logits[:1], size) > resize_logits(output.background_logits[0], size)
    assert (decide(found, size).masks[0] == mask[0].numpy()).all()
    assert [len(tables) for tables in found.tables] == [1, 2, 1]


def test_single_words_alone_leave_every_pixel_to_no_object_part(image):
    found = decide(asked(tiny_model(PartCLIPSeg), image, "dog"), (8, 8))
    assert (found.labels == -1).all() and found.masks.shape == (1, 8, 8)


@kinds
def test_objects_told_leave_no_pixel_to_background(kind, image):
    answer = asked(tiny_model(kind, seed=2), image, *NAMES)
    assert (decide(answer, (16, 16), told=True).labels >= 0).all()
    within = np.eye(16, dtype=bool)
    assert ((decide(answer, (16, 16), True, within).labels >= 0) == within).all()


def test_a_gaze_is_a_row_of_the_parts_attention_and_one_of_the_objects(image):
    answer = asked(tiny_model(PartCLIPSeg), image, *NAMES)
    part, obj = answer.tables[0]
    assert np.allclose(answer.gaze(0, 5).ravel(), (part[5] + obj[5]).numpy())
    assert answer.tables[2][1] is not answer.tables[0][0]
    assert torch.equal(answer.tables[2][1], obj)  # the same object


def test_claims_are_those_of_the_segmenters_attention(image):
    model = tiny_model(PartCLIPSeg, seed=3)
    answer = asked(model, image, *NAMES)
    decision = decide(answer, image.shape[:2])
    found, claimed, _ = claims_of(answer, decision, "dog", 0.4)
    maps = PartSegmenter(model)(image, NAMES, attention=True).attention
    assert [NAMES[q] for q in found] == [name for name in maps if name.startswith("dog")]
    for q, claim in zip(found, claimed, strict=True):
        values = torch.from_numpy(maps[NAMES[q]]).flatten()[None]
        wanted = normalise_maps(values, answer.grid)[0].numpy() >= 0.4
        assert (claim == wanted).mean() > 0.9


def test_parts_that_were_not_found_claim_nothing(image):
    answer = asked(tiny_model(PartCLIPSeg), image, "dog's head")
    decision = decide(answer, (16, 16))
    decision.masks[:] = False
    found, claimed, on_object = claims_of(answer, decision, "dog", 0.3)
    assert found == [] and claimed.shape == (0, 16) and not on_object.any()


def test_names_become_questions():
    assert question(" dog’s  head") == Question("dog's head", obj="dog", part="head")
    assert question("wheel") == Question("wheel", word="wheel")
    with pytest.raises(ValueError, match="is not the name of an object part"):
        question("dog's ")
    with pytest.raises(TypeError, match="must be a string"):
        question(3)


def test_what_cannot_be_asked_is_refused_in_a_sentence(image):
    with pytest.raises(ValueError, match="ask for something"):
        ask(tiny_model(PartCLIPSeg), image, [])
    with pytest.raises(UnknownWordError, match="no word 'zebra'"):
        asked(tiny_model(PartCLIPSeg), image, "zebra")
    broken = tiny_model(CLIPSeg)
    broken.background_embedding.data.fill_(torch.nan)
    with pytest.raises(FloatingPointError, match="no numbers"):
        asked(broken, image, "dog")
