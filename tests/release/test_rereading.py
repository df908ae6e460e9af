"""One set of weights under both readings: what is read, and that nothing is copied or changed."""

import pytest
import torch
from helpers import random_activations, sample, tiny_model

from partclipseg_lite.inference.predict import predict
from partclipseg_lite.network.models import PartCLIPSeg
from partclipseg_lite.reading import PAPER, RELEASED
from partclipseg_lite.release.departures import RowWithoutOffset
from partclipseg_lite.release.rereading import in_company, reread, word_read, words_read
from partclipseg_lite.vocabulary import Vocabulary

NAMES = Vocabulary.from_names(["dog's head", "cat's head", "dog's tail"])


def test_another_reading_has_the_same_weights_and_leaves_the_model_as_it_is():
    model = tiny_model()
    other = reread(model, RELEASED)
    assert (
        type(model) is PartCLIPSeg
        and isinstance(other, RowWithoutOffset)
        and type(reread(other, PAPER)) is PartCLIPSeg
    )
    mine, its = dict(model.named_parameters()), dict(other.named_parameters())
    assert mine.keys() == its.keys() and all(mine[name] is its[name] for name in mine)


def test_a_reread_model_computes_what_a_model_built_for_that_reading_computes():
    model, built = tiny_model(), tiny_model(RowWithoutOffset)
    built.load_state_dict(model.state_dict())
    words = model.embed(NAMES)
    with torch.no_grad():
        found, expected, own = (
            m(random_activations(), words).object_part_logits
            for m in (reread(model, RELEASED), built, model)
        )
    assert torch.equal(found, expected) and not torch.allclose(found, own)


def test_the_paper_reads_the_object_and_the_release_the_word_at_its_number():
    model = tiny_model()
    words = [*NAMES.parts, *NAMES.objects]
    for number, obj in enumerate(NAMES.objects):
        assert word_read(model, NAMES, obj) == obj
        assert word_read(reread(model, RELEASED), NAMES, obj) == words[number]


def test_company_changes_the_answer_of_the_release_and_not_that_of_the_paper():
    model, image = tiny_model(), sample().image
    company = (["cat's head"], ["dog's head", "cat's head"], ["cat's head", "dog's tail"])
    assert words_read(model, NAMES) == {"dog": "dog", "cat": "cat"}
    words, moved = in_company(model, image, "cat's head", company)
    assert words == ["cat"] * 3 and moved < 1e-4
    released = reread(model, RELEASED)
    words, moved = in_company(released, image, "cat's head", company)
    assert words == ["head", "dog", "head"]
    maps = [
        predict(released, [image], v).object_part_logits[0, v.index("cat's head")]
        for v in map(Vocabulary.from_names, company)
    ]
    assert moved == max(float((maps[0] - other).abs().max()) for other in maps) > 1e-3


def test_an_object_without_parts_is_not_read_at_all():
    with pytest.raises(ValueError, match="no part of 'cow'; its objects are dog, cat"):
        word_read(tiny_model(), NAMES, "cow")
