"""Scores ask the network what the release asks it: the objects that have parts, alphabetically."""

import zlib

import numpy as np
import pytest
import torch
from helpers import tiny_model

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.evaluation import evaluate as evaluation
from partclipseg_lite.inference.predict import predict
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


class Counted(list):
    """Samples that count how often one is asked for."""

    asked = 0

    def __getitem__(self, i):
        self.asked += 1
        return super().__getitem__(i)


def test_the_labels_that_are_shown_are_those_that_are_scored_and_each_picture_is_made_once():
    model = model_of_any_words()
    pictures = Counted([picture("dog's head", "cat's tail"), picture("bus's wheel", "dog's tail")])
    found = evaluation.evaluate(model, pictures, PASCAL)
    assert pictures.asked == 2
    shown = list(evaluation.predicted_labels(model, pictures, PASCAL, batch_size=1))
    assert [sample for sample, _ in shown] == list(pictures)
    for setting in ("oracle_obj", "pred_all"):
        labels = np.stack([maps[setting].numpy() for _, maps in shown])
        truth = np.stack([sample.part_map for sample in pictures])
        for t in np.unique(truth):
            recall = 100 * (labels == t)[truth == t].mean()
            assert found[setting]["per_object_part"][PASCAL.object_parts[t]][
                "recall"
            ] == pytest.approx(recall)
    told = {
        PASCAL.object_parts[t].split("'s ")[0] for t in np.unique(shown[0][1]["oracle_obj"].numpy())
    }
    assert told <= {"dog", "cat"}
