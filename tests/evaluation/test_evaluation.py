"""Scores ask the network what the release asks it: the objects that have parts, alphabetically."""

import zlib

import numpy as np
import pytest
import torch
from helpers import tiny_model

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.evaluation import evaluate as evaluation
from partclipseg_lite.inference.predict import predict
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.network.models import PartCLIPSeg
from partclipseg_lite.release.departures import RowWithoutOffset
from partclipseg_lite.vocabulary import Vocabulary

PASCAL = Vocabulary.load("pascal_part_116")


def model_of_any_words(kind=PartCLIPSeg):
    """A tiny model with one random vector a text for a text tower: Pascal's words are known."""
    model = tiny_model(kind)

    def vector(text):
        generator = torch.Generator().manual_seed(zlib.crc32(text.encode()))
        return torch.randn(32, generator=generator)

    model.backbone.embed_text = lambda texts: torch.stack([vector(text) for text in texts])
    return model


def picture(*names):
    """Left half one object part, right half the next, on a noisy image."""
    part_map = np.repeat(np.array([PASCAL.index(n) for n in names]), 16)[None].repeat(32, 0)
    image = np.random.default_rng(0).integers(0, 256, (32, part_map.shape[1], 3), dtype=np.uint8)
    return Sample(image, PASCAL.object_of.numpy()[part_map], part_map, "drawn by hand")


@pytest.mark.parametrize("kind", [PartCLIPSeg, RowWithoutOffset])
def test_objects_without_parts_are_not_asked_for_and_move_no_row(kind):
    model, sample = model_of_any_words(kind), picture("dog's head", "bottle's cap")
    found = evaluation.evaluate(model, [sample], PASCAL)["oracle_obj"]["per_object_part"]
    asked = PASCAL.asked()  # boat, chair, diningtable and sofa have no parts
    logits = predict(model, [sample.image], asked).object_part_logits[0, :-1]
    logits = torch.nn.functional.interpolate(logits[None], sample.part_map.shape, mode="bilinear")[
        0
    ]
    others = [
        t
        for t, name in enumerate(PASCAL.object_parts)
        if not name.startswith(("dog's", "bottle's"))
    ]
    logits[others] = -torch.inf
    labels = logits.argmax(0).numpy()
    for t in np.unique(sample.part_map):
        truth, mine = sample.part_map == t, labels == t
        iou = 100 * (truth & mine).sum() / (truth | mine).sum()
        assert found[PASCAL.object_parts[t]]["iou"] == pytest.approx(iou)


def test_an_object_without_parts_in_the_picture_helps_no_part():
    sample = picture("dog's head", "cat's tail")
    chair = Sample(
        sample.image,
        np.where(np.arange(32) < 16, PASCAL.object_index("chair"), sample.object_map),
        np.where(np.arange(32) < 16, IGNORE, sample.part_map),
        "a chair",
    )
    scores = evaluation.evaluate(model_of_any_words(), [chair], PASCAL)
    assert {
        name for name, row in scores["oracle_obj"]["per_object_part"].items() if row["pixels"]
    } == {"cat's tail"}


@pytest.mark.parametrize("batch_size", [0, -1, True, 2.0, "4", None])
def test_a_batch_size_that_is_none_is_refused(batch_size):
    with pytest.raises(ValueError, match=f"batch_size must be .* got {batch_size!r}"):
        evaluation.evaluate(None, [None], PASCAL, batch_size=batch_size)


def test_no_pictures_are_refused():
    with pytest.raises(ValueError, match="there are no pictures to score"):
        evaluation.evaluate(None, [], PASCAL)


def test_pictures_are_scored_with_the_vocabulary_of_their_labels():
    drawn = DrawnWorld("test", images=1, size=32)
    with pytest.raises(
        ValueError, match="ids of Vocabulary.'drawn'.*to score is .*pascal_part_116"
    ):
        evaluation.evaluate(None, drawn, PASCAL)


def test_ids_outside_the_vocabulary_are_refused_with_the_sample():
    sample = picture("dog's head", "cat's tail")
    strange = Sample(sample.image, sample.object_map + 10_000, sample.part_map, "strange")
    with pytest.raises(ValueError, match="sample 'strange': object_map holds"):
        evaluation.evaluate(model_of_any_words(), [strange], PASCAL)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_neither_scored_nor_shown(value):
    model = model_of_any_words()
    model.merge_features.bias.data[0] = value
    with pytest.raises(FloatingPointError, match="its weights make no sense"):
        evaluation.evaluate(model, [picture("dog's head", "cat's tail")], PASCAL)
    with pytest.raises(FloatingPointError, match="its weights make no sense"):
        PartSegmenter(model)(picture("dog's head", "cat's tail").image, ["dog's head"])
