"""Single pictures: scores equal to slow counting, whatever words were asked."""

import math

import numpy as np
import pytest
import torch
from helpers import DRAWN, samples, tiny_model
from torch import nn

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.evaluation import pictures
from partclipseg_lite.evaluation.answers import difference, evaluate_answers
from partclipseg_lite.evaluation.timing import seconds_by_module
from partclipseg_lite.evaluation.transfer import Transfer, rank_correlation
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.vocabulary import Vocabulary

HEAD, TORSO = DRAWN.index("dog's head"), DRAWN.index("dog's torso")


@pytest.fixture(scope="module")
def segmenter():
    return PartSegmenter(tiny_model())


def dog(part_map):
    part_map = np.array(part_map)
    object_map = np.where(part_map == IGNORE, IGNORE, DRAWN.object_index("dog"))
    return Sample(np.zeros((*part_map.shape, 3), np.uint8), object_map, part_map)


def test_iou_counts_common_pixels_over_all_and_nothing_over_nothing_is_no_number():
    a, b = np.array([[1, 1, 0, 0]], bool), np.array([[0, 1, 1, 1]], bool)
    assert pictures.iou(a, b) == 1 / 4 and pictures.iou(a, a) == 1 and pictures.iou(a, ~a) == 0
    assert math.isnan(pictures.iou(a & ~a, b & ~b))


def test_part_ious_of_several_pictures_add_pixels_before_they_divide():
    one, two = dog([[HEAD, HEAD, TORSO]]), dog([[HEAD, IGNORE, IGNORE]])
    found = [np.array([[HEAD, TORSO, TORSO]]), np.array([[IGNORE, HEAD, IGNORE]])]
    ious = pictures.part_ious(found, [one, two], DRAWN)
    assert ious == {"dog's head": 1 / 4, "dog's torso": 1 / 2}
    assert pictures.part_ious(found, [one, two], DRAWN, least_pixels=2) == {"dog's head": 1 / 4}
    assert pictures.part_ious(found[0], one.part_map, DRAWN)["dog's head"] == 1 / 2


def test_a_result_is_read_in_the_ids_of_the_dataset_whatever_words_were_asked(segmenter):
    image = samples()[0].image
    found = segmenter(image, ["puppy's paw", "cow's tail"])
    expected = np.full(found.label_map.shape, IGNORE)
    expected[found.masks["puppy's paw"]] = DRAWN.index(DRAWN.canonical("puppy's paw"))
    expected[found.masks["cow's tail"]] = DRAWN.index("cow's tail")
    assert np.array_equal(found.labels_in(DRAWN), expected)
    with pytest.raises(ValueError, match="puppy's paw"):
        found.labels_in(Vocabulary.from_names(["cow's tail"]))


def test_agreement_is_found_by_meaning_not_by_spelling(segmenter):
    image = samples()[0].image
    puppy = segmenter(image, ["puppy's tail", "puppy's head"])
    words = segmenter(image, ["dog's head", "dog's tail", "cow's head"])
    agreement = pictures.agreement(puppy, words, DRAWN)
    for name, same in {"puppy's tail": "dog's tail", "puppy's head": "dog's head"}.items():
        expected = pictures.iou(puppy.masks[name], words.masks[same])
        assert agreement[name] == pytest.approx(expected, nan_ok=True)
    assert list(agreement) == ["puppy's tail", "puppy's head"]


def test_the_told_parts_are_those_of_the_objects_in_the_picture(segmenter):
    [found] = pictures.find_told(segmenter, samples()[:1], DRAWN)
    expected = {f"{obj}'s {part}" for obj in ("cat", "cow") for part in DRAWN.parts_of(obj)}
    assert set(found.names) == expected


def test_ranked_pictures_run_from_the_worst_to_the_best_by_the_mean_of_their_parts(segmenter):
    ranked = pictures.rank(segmenter, samples(), DRAWN)
    assert len(ranked) == len(samples())
    for one in ranked:
        labels, ious = one.found.labels_in(DRAWN), []
        for t in np.unique(one.sample.part_map):
            truth = one.sample.part_map == t
            if t != IGNORE and truth.sum() >= 12:
                ious.append((truth & (labels == t)).sum() / (truth | (labels == t)).sum())
        assert one.score == pytest.approx(np.mean(ious))
    scores = [one.score for one in ranked]
    assert scores == sorted(scores)
    chosen = pictures.extremes(ranked)
    assert [one.score for one in chosen.values()] == [scores[0], scores[1], scores[3], scores[-1]]


def test_a_picture_without_a_part_large_enough_has_no_score(segmenter):
    assert pictures.rank(segmenter, samples()[:2], DRAWN, least_pixels=10**6) == []


def test_means_over_masks_and_the_rest_of_the_objects():
    sample = dog([[HEAD, HEAD, TORSO, IGNORE]])
    masks = pictures.masks_of(sample, ["dog's head"], DRAWN, rest="rest")
    maps = {"m": torch.tensor([[1.0, 3.0, 5.0, 7.0]])}
    assert pictures.means_over(maps, masks) == {"dog's head": {"m": 2.0}, "rest": {"m": 5.0}}


# ---- answers, times, transfer


def test_each_answer_is_scored_by_itself_and_a_true_one_gets_everything():
    given = samples()[:3]

    def answer(sample):
        truth = torch.full((len(DRAWN) + 1, *sample.part_map.shape), -5.0)
        labels = torch.from_numpy(np.where(sample.part_map < 0, len(DRAWN), sample.part_map))
        right = truth.scatter(0, labels[None], 5.0)
        return {"right": right, "wrong": -right}

    evaluators = evaluate_answers(answer, given, DRAWN)
    results = {name: evaluator.compute() for name, evaluator in evaluators.items()}
    assert {s: results["right"][s]["seen"] for s in ("oracle_obj", "plain")} == {
        "oracle_obj": 100.0,
        "plain": 100.0,
    }
    assert results["wrong"]["oracle_obj"]["seen"] == 0.0 and results["right"]["images"] == 3
    told = difference(evaluators["right"], evaluators["wrong"])["oracle_obj"]["seen"]
    assert (told.value, told.verdict) == (100, "higher")
    alike = difference(evaluators["wrong"], evaluators["wrong"])["plain"]["seen"]
    assert (*alike, alike.verdict) == (0, 0, 0, "not decided")


def test_time_is_given_to_the_module_that_took_it_and_hooks_are_gone():
    class Slow(nn.Module):
        def forward(self, x):
            torch.randn(400, 400) @ torch.randn(400, 400)
            for _ in range(50):
                x = x + torch.randn(200, 200).sum()
            return x

    model = nn.ModuleDict({"slow": Slow(), "quick": nn.Identity(), "idle": nn.Identity()})
    seconds = seconds_by_module(model, lambda: model["quick"](model["slow"](torch.zeros(1))))
    assert seconds["slow"] > seconds["quick"] > seconds["idle"] == 0
    with pytest.raises(ZeroDivisionError):
        seconds_by_module(model, lambda: 1 / 0)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.values())


def test_rank_correlation_is_spearmans_and_partial_removes_the_common_cause():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    cause = rng.normal(size=400)
    a, b = cause + 0.3 * rng.normal(size=400), cause + 0.3 * rng.normal(size=400)
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    ties = rng.integers(0, 4, 400)
    assert rank_correlation(a, ties) == pytest.approx(stats.spearmanr(a, ties).statistic)
    assert rank_correlation(a, b) > 0.8 and abs(rank_correlation(a, b, given=cause)) < 0.15
    residuals = [
        stats.rankdata(x)
        - np.polyval(np.polyfit(stats.rankdata(cause), stats.rankdata(x), 1), stats.rankdata(cause))
        for x in (a, b)
    ]
    assert rank_correlation(a, b, given=cause) == pytest.approx(np.corrcoef(*residuals)[0, 1])


def test_transfer_counts_the_seen_owners_of_each_unseen_part_with_a_score():
    scores = {name: {"iou": 1.0 + k, "pixels": 7 * k % 50} for k, name in enumerate(DRAWN)}
    scores["dog's eye"] = {"iou": None, "pixels": 0}
    found = Transfer.of(scores, DRAWN)
    assert "dog's eye" not in found.names and len(found.names) == int((~DRAWN.seen).sum()) - 1
    k = found.names.index("bird's beak")
    owners = [
        n
        for n, seen in zip(DRAWN, DRAWN.seen.tolist(), strict=True)
        if seen and n.endswith("'s beak")
    ]
    assert found.teachers[k] == len(owners) == 2
    assert found.iou[k] == scores["bird's beak"]["iou"]
    assert set(found.correlations()) == {"seen objects", "pixels", "seen objects at equal pixels"}


def test_the_middle_prediction_is_the_one_of_median_iou_without_those_that_show_nothing():
    truth = dog([[HEAD] * 4 + [TORSO] * 4])
    right = {"plain": truth.part_map}
    half = {"plain": np.array([[HEAD] * 8])}  # IoU 1/2 and 0
    none = {"plain": np.array([[len(DRAWN)] * 8])}
    nothing = dog([[IGNORE] * 8])
    given = [(truth, right), (nothing, none), (truth, none), (truth, half)]
    for order in (given, given[::-1]):
        assert pictures.middle_prediction(order, DRAWN, "plain", least_pixels=1)[1] is half
    with pytest.raises(ValueError, match="no picture has a part of 5 pixels"):
        pictures.middle_prediction(given, DRAWN, "plain", least_pixels=5)


def test_halves_are_the_maps_of_parts_then_of_objects_then_of_both_each_once(segmenter):
    image = np.zeros((24, 24, 3), np.uint8)
    names = ["dog's head", "cat's head", "dog's tail"]
    found = segmenter(image, names)
    maps = pictures.halves(found, iter(names))
    assert list(maps) == ["“head”", "“tail”", "“dog”", "“cat”", *(f"“{name}”" for name in names)]
    for quoted, values in maps.items():
        of = found.probability_of if "'s " in quoted else {**found.parts, **found.objects}
        assert np.array_equal(values, of[quoted.strip("“”")])
