"""The evaluator against the released numbers, slow plain loops, and what must always hold."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from label_maps_by_hand import SMALL, T, picture

from partclipseg_lite.evaluation.boundary import boundary_labels, boundary_width
from partclipseg_lite.evaluation.class_means import mean_iou
from partclipseg_lite.evaluation.decisions import (
    oracle_obj_labels,
    plain_labels,
    pred_all_labels,
    resized_labels,
)
from partclipseg_lite.evaluation.intervals import bootstrap
from partclipseg_lite.evaluation.metrics import SETTINGS, Evaluator, mean_and_spread
from partclipseg_lite.inference.predict import resize_logits
from partclipseg_lite.vocabulary import Vocabulary


def evaluate(pictures, settings=SETTINGS):
    evaluator = Evaluator(SMALL, settings)
    for object_map, part_map, predicted in pictures:
        evaluator.update({setting: predicted for setting in settings}, object_map, part_map)
    return evaluator


def slow_mask_boundary(mask, d):
    """Mask pixels whose (2d+1)² window leaves the mask; outside the image there is no mask."""
    padded, out = np.pad(mask, d), np.zeros_like(mask)
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            out[y, x] = mask[y, x] and not padded[y : y + 2 * d + 1, x : x + 2 * d + 1].all()
    return out


def slow_scores(pictures, setting):
    """{class: (iou, recall, boundary IoU)} by one mask per class and picture."""
    totals = {}
    for object_map, part_map, predicted in pictures:
        truth = np.where(object_map == -1, T, part_map) if setting == "plain" else part_map
        counted, d = (
            truth != -1,
            max(1, round(0.02 * np.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2))),
        )
        for c in range(T + 1):
            g, p = truth == c, (predicted == c) & counted
            gb, pb = slow_mask_boundary(g, d), slow_mask_boundary(p, d)
            total = totals.setdefault(c, np.zeros(5))
            total += [(g & p).sum(), (g | p).sum(), g.sum(), (gb & pb).sum(), (gb | pb).sum()]
    return {
        c: (100 * i / u, 100 * i / g, 100 * bi / bu) for c, (i, u, g, bi, bu) in totals.items() if g
    }


# ---- slow loops ----------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SETTINGS)
def test_scores_equal_a_slow_loop_over_class_masks(setting):
    pictures = [picture(seed, shape) for seed, shape in enumerate([(23, 31), (40, 17), (64, 80)])]
    evaluator, slow = evaluate(pictures), slow_scores(pictures, setting)
    scores = evaluator.class_scores(setting)
    for c in range(T + 1):
        expected = slow.get(c, (np.nan,) * 3)
        np.testing.assert_allclose(
            [scores[k][c] for k in ("iou", "recall", "boundary")], expected, atol=1e-9
        )
    seen = [slow[c] for c in range(5) if c in slow]
    unseen = [slow[c] for c in range(5, 7) if c in slow]
    result = evaluator.compute()[setting]
    for column, prefix in enumerate(("", "recall_", "boundary_iou_")):
        a, b = np.mean([row[column] for row in seen]), np.mean([row[column] for row in unseen])
        assert result[f"{prefix}seen"] == pytest.approx(a) and result[
            f"{prefix}unseen"
        ] == pytest.approx(b)
        assert result[f"{prefix}harmonic"] == pytest.approx(2 / (1 / a + 1 / b))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    d=st.integers(1, 5),
)
def test_boundary_regions_of_all_classes_at_once_equal_slow_erosion_class_by_class(
    seed, height, width, d
):
    labels = picture(seed, (height, width), block=9)[1]
    fast = boundary_labels(labels, d)
    for c in range(T):
        np.testing.assert_array_equal(fast == c, slow_mask_boundary(labels == c, d))


def test_boundary_width_is_two_percent_of_the_diagonal_and_at_least_one_pixel():
    shapes = [(5, 5), (300, 400), (375, 500), (352, 352)]
    assert [boundary_width(shape) for shape in shapes] == [1, 10, 12, 10]


# ---- labels from scores --------------------------------------------------------------------------


def released_decisions(probs, object_probs, present, object_of):
    """The release's own steps: multiply by 0 whatever is out of the race, then argmax."""
    oracle = probs[:-1].clone()
    oracle[[t for t, o in enumerate(object_of.tolist()) if o not in present]] = 0
    winner = torch.nn.functional.one_hot(object_probs.argmax(0), len(object_probs)).permute(2, 0, 1)
    gated = torch.cat([probs[:-1] * winner[object_of], probs[-1:] * winner[-1:]])
    return oracle.argmax(0), gated.argmax(0)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), present=st.sets(st.integers(0, 2), min_size=1))
def test_labels_follow_the_released_steps_on_probabilities_and_on_logits(seed, present):
    generator = torch.Generator().manual_seed(seed)
    logits, object_logits = (torch.randn(n, 9, 8, generator=generator) for n in (T + 1, 3 + 1))
    oracle, pred_all = released_decisions(
        logits.sigmoid(), object_logits.sigmoid(), present, SMALL.object_of
    )
    for scores in (logits, logits.sigmoid()):
        assert torch.equal(oracle_obj_labels(scores, sorted(present), SMALL), oracle)
        object_map = torch.tensor([sorted(present) + [-1]])
        assert torch.equal(oracle_obj_labels(scores[:-1], object_map, SMALL), oracle)
        assert torch.equal(pred_all_labels(scores, object_logits, SMALL), pred_all)
        assert torch.equal(plain_labels(scores, SMALL), logits.argmax(0))
        assert torch.equal(pred_all_labels(scores, None, SMALL), logits.argmax(0))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    present=st.sets(st.integers(-1, 2)),
    objects=st.sampled_from(["all", "none"]),
    size=st.sampled_from([(9, 8), (17, 5), (4, 30)]),
    ties=st.booleans(),
)
def test_labels_decided_object_by_object_equal_those_of_all_scores_at_once(
    seed, present, objects, size, ties
):
    generator, names = torch.Generator().manual_seed(seed), list(SMALL.object_parts)
    np.random.default_rng(seed).shuffle(names)  # the parts of an object need not be neighbours
    vocabulary = Vocabulary.from_names(names, seen_objects=["cat", "bus"])
    scores, object_scores = (torch.randn(n, 9, 8, generator=generator) for n in (T + 1, 3 + 1))
    if ties:
        scores, object_scores = scores.round(), object_scores.round()
    object_scores = object_scores if objects == "all" else None
    present = torch.tensor(sorted(present), dtype=torch.long)
    found = resized_labels(scores, object_scores, present, vocabulary, size)
    scores = resize_logits(scores, size)
    if object_scores is not None:
        object_scores = resize_logits(object_scores, size)
    assert torch.equal(found["plain"], plain_labels(scores, vocabulary))
    assert torch.equal(found["oracle_obj"], oracle_obj_labels(scores, present, vocabulary))
    assert torch.equal(found["pred_all"], pred_all_labels(scores, object_scores, vocabulary))


def test_an_object_without_parts_becomes_background_and_may_lack_a_channel():
    pascal = Vocabulary.load("pascal_part_116")
    scores, objects = torch.rand(117, 2, 2), torch.zeros(21, 2, 2)
    objects[pascal.object_index("boat"), 0], objects[pascal.object_index("dog"), 1] = 1, 1
    labels = pred_all_labels(scores, objects, pascal)
    assert (labels[0] == 116).all()
    assert all(pascal.object_parts[t].startswith("dog's") for t in labels[1].tolist())
    with_parts = [pascal.objects.index(obj) for obj in pascal.objects_with_parts] + [20]
    assert torch.equal(pred_all_labels(scores, objects[with_parts], pascal)[1], labels[1])


def test_without_a_present_object_oracle_predicts_nothing():
    assert (oracle_obj_labels(torch.rand(T, 3, 4), torch.full((3, 4), -1), SMALL) == -1).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: plain_labels(torch.rand(T, 4, 4), SMALL),
            r"shape \[7, 4, 4\], expected \[8, H, W\]",
        ),
        (lambda: oracle_obj_labels(torch.rand(1, T, 4, 4), [0], SMALL), "one image at a time"),
        (lambda: oracle_obj_labels(torch.rand(T, 4, 4), [5], SMALL), r"object ids \[5\]"),
        (
            lambda: pred_all_labels(torch.rand(T + 1, 4, 4), torch.rand(3, 4, 4), SMALL),
            r"expected \[4, H, W\]",
        ),
    ],
)
def test_scores_of_a_wrong_shape_get_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# ---- what must always hold -----------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_perfect_prediction_scores_one_hundred(seed):
    object_map, part_map, _ = picture(seed)
    perfect = np.where(part_map >= 0, part_map, T)
    result = evaluate([(object_map, part_map, perfect)]).compute()
    for setting in SETTINGS:
        values = {
            key: value
            for key, value in result[setting].items()
            if not isinstance(value, dict) and value is not None
        }
        for key, value in values.items():
            assert value == pytest.approx(0 if "_segmentation_" in key else 100), key
        assert len(values) > 15


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), shuffle=st.randoms(use_true_random=False))
def test_order_of_pictures_and_split_over_processes_do_not_matter(seed, shuffle):
    pictures = [picture(seed + i) for i in range(4)]
    expected = evaluate(pictures).compute()
    shuffle.shuffle(pictures)
    half = evaluate(pictures[:1])
    half.merge(evaluate(pictures[1:]))
    assert half.compute() == expected and expected["images"] == 4


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_renaming_the_labels_renames_the_scores(seed):
    names = list(SMALL.object_parts)
    np.random.default_rng(seed).shuffle(names)
    renamed = Vocabulary.from_names(names, seen_objects=["cat", "bus"])
    # [-1] stays IGNORE
    new_id = np.array([renamed.index(name) for name in SMALL.object_parts] + [T, -1])
    new_object = np.array([renamed.object_index(obj) for obj in SMALL.objects] + [-1])
    object_map, part_map, predicted = picture(seed)
    before = evaluate([(object_map, part_map, predicted)]).compute()
    other = Evaluator(renamed)
    other.update({s: new_id[predicted] for s in SETTINGS}, new_object[object_map], new_id[part_map])
    after = other.compute()
    for setting in SETTINGS:
        assert after[setting]["per_object_part"] == before[setting]["per_object_part"]
        for key in ("seen", "unseen", "harmonic", "all", "boundary_iou_harmonic"):
            assert after[setting][key] == pytest.approx(before[setting][key], nan_ok=True)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_all_scores_lie_between_0_and_100_and_boundaries_never_exceed_the_picture(seed):
    evaluator = evaluate([picture(seed)])
    for setting in SETTINGS:
        scores = evaluator.class_scores(setting)
        values = np.concatenate([scores[key] for key in ("iou", "recall", "boundary")])
        assert ((values >= 0) & (values <= 100) | np.isnan(values)).all()
        assert (scores["iou"] <= scores["recall"] + 1e-9)[~np.isnan(scores["iou"])].all()


def test_no_prediction_counts_as_background():
    object_map, part_map, predicted = picture(3)
    nothing = np.where(predicted == T, -1, predicted)
    expected = evaluate([(object_map, part_map, predicted)]).compute()
    assert evaluate([(object_map, part_map, nothing)]).compute() == expected


def test_pixels_of_an_object_without_part_label_are_left_out_of_plain():
    object_map, part_map = np.zeros((6, 6), int), np.full((6, 6), -1)
    part_map[:3] = 0
    predicted = np.full((6, 6), 0)
    plain = evaluate([(object_map, part_map, predicted)]).compute()["plain"]
    assert plain["per_object_part"]["cat's head"]["iou"] == 100


# ---- results, options, bad inputs ----------------------------------------------------------------


def test_results_are_json_with_tables_by_object_part_object_and_part():
    pictures = [picture(seed) for seed in range(3)]
    result = evaluate(pictures).compute()
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    oracle = result["oracle_obj"]
    row = oracle["per_object_part"]["dog's head"]
    scores = {"iou", "recall", "boundary_iou", "over_segmentation", "under_segmentation"}
    assert set(row) == scores | {"pixels", "seen"} and row["seen"] is False
    assert row["pixels"] == sum(
        (part_map == SMALL.index("dog's head")).sum() for _, part_map, _ in pictures
    )
    of_dog = [oracle["per_object_part"][f"dog's {part}"]["iou"] for part in ("head", "tail")]
    assert oracle["per_object"]["dog"]["iou"] == pytest.approx(np.mean(of_dog))
    heads = [oracle["per_object_part"][f"{obj}'s head"]["iou"] for obj in ("cat", "dog")]
    assert oracle["per_part"]["head"]["iou"] == pytest.approx(np.mean(heads))
    assert oracle["per_part"]["head"]["iou_seen"] == pytest.approx(heads[0])
    assert oracle["per_part"]["head"]["iou_unseen"] == pytest.approx(heads[1])
    assert "iou_unseen" not in oracle["per_part"]["wheel"]


def test_over_and_under_segmentation_are_what_hops_counts():
    # a cat of a head (rows 0-3) and a tail (4-5); above a quarter of the head is a tail, below the
    # tail and on half of the background there is a head, and a bus's wheel on two background rows
    head, tail, wheel = (SMALL.index(name) for name in ("cat's head", "cat's tail", "bus's wheel"))
    part_map = np.repeat([head, head, head, head, tail, tail, -1, -1, -1, -1], 10).reshape(10, 10)
    object_map = np.where(part_map >= 0, SMALL.object_index("cat"), -1)
    rows = [tail, head, head, head, head, tail, head, head, wheel, T]
    predicted = np.repeat(rows, 10).reshape(10, 10)
    found = evaluate([(object_map, part_map, predicted)]).compute()
    plain, told = found["plain"]["per_object_part"], found["oracle_obj"]["per_object_part"]
    # head: rows 1-4, 6, 7 predicted, 1-3 right, row 0 missed; tail: 0 and 5 predicted, 5 right
    assert plain["cat's head"]["over_segmentation"] == pytest.approx(100 * 3 / 6)
    assert plain["cat's head"]["under_segmentation"] == pytest.approx(100 * 1 / 4)
    assert (
        plain["cat's tail"]["over_segmentation"] == plain["cat's tail"]["under_segmentation"] == 50
    )
    assert told["cat's head"]["over_segmentation"] == pytest.approx(100 * 1 / 4)
    assert plain["bus's wheel"]["over_segmentation"] is None  # no bus to be outside of
    assert found["plain"]["over_segmentation_seen"] == pytest.approx(50)
    assert found["plain"]["under_segmentation_seen"] == pytest.approx(37.5)
    # the cat as a whole: rows 0-7 predicted, 0-5 right
    assert found["plain"]["object_over_segmentation_seen"] == pytest.approx(100 * 2 / 8)
    assert found["oracle_obj"]["object_over_segmentation_seen"] == 0


def test_means_say_how_many_classes_took_part_and_which_a_handful_of_pixels_decides():
    part_map = np.full((20, 20), SMALL.index("cat's head"))
    part_map[0, :3], part_map[1, :] = SMALL.index("cat's tail"), SMALL.index("dog's head")
    object_map = SMALL.object_of.numpy()[part_map]
    found = evaluate([(object_map, part_map, part_map)]).compute()["oracle_obj"]
    assert found["classes"] == {
        "seen": 2,
        "unseen": 1,
        "seen_in_vocabulary": 5,
        "unseen_in_vocabulary": 2,
        "under_100_pixels": {"cat's tail": 3, "dog's head": 20},
    }
    sizes = found["small_parts"]
    assert sizes["small, seen"] == sizes["other, seen"] == sizes["other, unseen"] == 100
    assert sizes["small, unseen"] is None


def test_a_class_without_labelled_pixels_has_no_score():
    part_map = np.zeros((8, 8), int)
    result = evaluate([(part_map, part_map, part_map)]).compute()["oracle_obj"]
    assert result["per_object_part"]["dog's head"]["iou"] is None
    assert result["seen"] == 100 and result["unseen"] is None and result["harmonic"] is None


def test_scores_carry_their_interval_over_pictures_and_can_be_recomputed_from_counts():
    evaluator, names = Evaluator(SMALL), [f"picture {seed}" for seed in range(6)]
    for seed, name in enumerate(names):
        object_map, part_map, predicted = picture(seed)
        evaluator.update(dict.fromkeys(SETTINGS, predicted), object_map, part_map, name)
    result, pictures = evaluator.compute(), evaluator.pictures
    assert pictures.names == tuple(names)
    for setting in SETTINGS:
        counts = pictures.settings[setting]
        assert counts.shape == (6, 3, T + 1) and counts.dtype == np.int32
        confusion = evaluator.confusion(setting)
        totals = [confusion.diagonal(), confusion.sum(1), confusion.sum(0)]
        np.testing.assert_array_equal(counts.sum(0), totals)
        for key, interval in bootstrap(counts, mean_iou(SMALL.seen.numpy())).items():
            stored = result[setting]
            assert interval == (stored[f"{key}_low"], stored[key], stored[f"{key}_high"])
            assert stored[f"{key}_low"] < stored[key] < stored[f"{key}_high"]
    spread = mean_and_spread([result, result])["plain"]
    assert "seen" in spread and "seen_low" not in spread  # of seeds, not of pictures


def test_seeds_are_summarised_by_mean_and_sample_deviation():
    runs = [evaluate([picture(seed)]).compute() for seed in range(3)]
    values = [run["plain"]["seen"] for run in runs]
    spread = mean_and_spread(runs)["plain"]["seen"]
    assert spread == {
        "mean": pytest.approx(np.mean(values)),
        "std": pytest.approx(np.std(values, ddof=1)),
        "values": values,
    }
    assert mean_and_spread(runs[:1])["plain"]["seen"]["std"] is None


def good():
    return np.zeros((4, 4), int)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: Evaluator(SMALL, ("oracle",)), ValueError, "settings are"),
        (
            lambda: Evaluator(SMALL).update({"plain": good()}, good(), good()),
            ValueError,
            "labels are given for",
        ),
        (
            lambda: evaluate([(good(), good(), np.zeros((4, 5), int))]),
            ValueError,
            r"shape \(4, 5\)",
        ),
        (
            lambda: evaluate([(good(), good(), np.full((4, 4), T + 1))]),
            ValueError,
            "ids 8..8, expected -1..7",
        ),
        (
            lambda: evaluate([(good(), np.full((4, 4), 255), good())]),
            ValueError,
            "map the ignore label",
        ),
        (lambda: evaluate([(good(), good(), good().astype(float))]), TypeError, "integer ids"),
        (lambda: evaluate([(good(), good()[None], good())]), ValueError, r"expected \[H, W\]"),
        (
            lambda: Evaluator(SMALL).merge(Evaluator(SMALL, ["plain"])),
            ValueError,
            "equal vocabulary",
        ),
        (lambda: mean_and_spread([]), ValueError, "no results"),
    ],
)
def test_bad_input_gets_one_clear_error(call, error, message):
    with pytest.raises(error, match=message):
        call()
