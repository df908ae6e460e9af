"""How others count: against their recorded numbers, and their steps taken one pixel at a time."""

import json
from pathlib import Path

import numpy as np
import pytest
from label_maps_by_hand import SMALL, T, picture

from partclipseg_lite.evaluation.boundary import boundary_labels
from partclipseg_lite.evaluation.metrics import SETTINGS, Evaluator
from partclipseg_lite.release.comparison import shipped_reference
from partclipseg_lite.release.evaluator import (
    EVALUATORS,
    OVParts,
    Plain,
    Released,
    ReleasedFirst,
    released_boundary_quantity,
    released_scores,
)
from partclipseg_lite.vocabulary import Vocabulary

RELEASED = shipped_reference()
PASCAL = Vocabulary.load("pascal_part_116")
SEEN = SMALL.seen.tolist()


def counted(kind, pictures, settings=SETTINGS, vocabulary=SMALL):
    evaluator = kind(vocabulary, settings)
    for object_map, part_map, predicted in pictures:
        evaluator.update(dict.fromkeys(settings, predicted), object_map, part_map)
    return evaluator


# ---- the release ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def released_evaluator():
    maps = np.load(RELEASED / "released_metrics.npz")
    evaluator = Released(PASCAL, ("oracle_obj", "pred_all"))
    for i in range(12):
        part_map = np.where(maps[f"gt{i}"] == 255, -1, maps[f"gt{i}"].astype(int))
        object_map = np.where(part_map >= 0, PASCAL.object_of.numpy()[part_map], -1)
        labels = {"oracle_obj": maps[f"pred{i}"], "pred_all": maps[f"predall{i}"]}
        evaluator.update(labels, object_map, part_map)
    return evaluator


@pytest.mark.parametrize("setting", ["oracle_obj", "pred_all"])
def test_every_number_of_the_released_evaluator_is_reproduced(released_evaluator, setting):
    expected = json.loads((RELEASED / "released_metrics.json").read_text())[setting]
    actual = released_scores(released_evaluator, setting)
    assert set(actual) == set(expected) and len(expected) == 480
    np.testing.assert_allclose(
        [actual[key] for key in expected], list(expected.values()), rtol=0, atol=1e-6
    )


@pytest.mark.parametrize("setting", ["oracle_obj", "pred_all"])
def test_the_summary_agrees_with_the_released_names(released_evaluator, setting):
    ours, theirs = (
        released_evaluator.compute()[setting],
        released_scores(released_evaluator, setting),
    )
    for key, name in {
        "seen": "mIoU-base",
        "unseen": "mIoU-unbase",
        "harmonic": "h-IoU",
        "all": "mIoU",
        "recall_seen": "mRecall-base",
        "recall_unseen": "mRecall-unbase",
        "recall_harmonic": "h-Recall",
        "released_boundary_quantity_seen": "Boundary-mIoU-base",
    }.items():
        assert ours[key] == pytest.approx(theirs[name], abs=1e-9), key
    assert not any(key.startswith("boundary_iou") for key in ours)


def test_released_scores_need_a_released_evaluator_and_a_released_setting():
    for kind in (Evaluator, ReleasedFirst):
        with pytest.raises(ValueError, match=f"is {kind.__name__}, .* need Released"):
            released_scores(kind(SMALL), "oracle_obj")
    with pytest.raises(ValueError, match="'plain'"):
        released_scores(Released(SMALL), "plain")


def test_the_release_charges_nothing_for_parts_taken_for_background_in_oracle_obj():
    object_map = part_map = np.zeros((4, 4), int)
    predicted = np.where(np.arange(4)[:, None] < 2, 0, T) + part_map  # half of cat's head is missed
    ours, release = (
        counted(kind, [(object_map, part_map, predicted)]).compute()
        for kind in (Evaluator, Released)
    )
    assert ours["oracle_obj"]["recall_seen"] == 50 == release["pred_all"]["recall_seen"]
    assert release["oracle_obj"]["recall_seen"] == 100
    # Background joins the mean over all classes with 0, and no other.
    assert ours["pred_all"]["all"] == release["pred_all"]["seen"] == 50
    assert release["pred_all"]["all"] == 25


def test_the_released_boundary_quantity_holds_label_differences():
    labels = np.full((60, 60), 45)
    labels[20:40, 20:40] = 43
    inside = released_boundary_quantity(labels)[5:-5, 5:-5]
    assert set(np.unique(inside)) == {0, 2}  # neither 43 nor 45
    # The true boundary keeps them.
    assert {43, 45} <= set(np.unique(boundary_labels(labels, 2)[5:-5, 5:-5]))
    with pytest.raises(ValueError, match="8-bit"):
        released_boundary_quantity(np.full((4, 4), 300))


def test_the_released_boundary_quantity_misses_boundaries_that_boundary_iou_sees():
    # two parts of a dog side by side, away from the image's edge; predicted with their border 3
    # pixels off
    part_map = np.full((60, 60), -1)
    part_map[10:50, 10:30], part_map[10:50, 30:50] = T - 2, T - 1
    predicted = np.where(np.arange(60) < 33, T - 2, T - 1) + np.zeros_like(part_map)
    object_map = np.where(part_map >= 0, 2, -1)

    def score(kind):
        evaluator = counted(kind, [(object_map, part_map, predicted)])
        return evaluator.class_scores("oracle_obj")["boundary"][T - 2 : T]

    assert ((score(Evaluator) > 20) & (score(Evaluator) < 90)).all()
    for kind in (Released, ReleasedFirst):
        assert np.isnan(score(kind)).all()  # no pixel of its map carries the id of either part


# ---- OV-PARTS and the first release --------------------------------------------------------------


def object_by_object(pictures, masked):
    """The steps of OV-PARTS: one object at a time, everything outside it background (if `masked`,
    of prediction and truth, else of the truth alone), and no row or column for background."""
    confusion = np.zeros((T + 1, T + 1), int)
    for object_map, part_map, predicted in pictures:
        for o in range(len(SMALL.objects)):
            for y, x in np.argwhere(np.full(part_map.shape, True)):
                inside = object_map[y, x] == o
                own = part_map[y, x] >= 0 and SMALL.object_of[part_map[y, x]] == o
                truth = part_map[y, x] if own and (inside or not masked) else T
                found = predicted[y, x] if inside or not masked else T
                confusion[found, truth] += 1
    kept = confusion[:-1, :-1]
    truth, found, both = kept.sum(0), kept.sum(1), kept.diagonal()
    takes_part = truth + found > 0
    ious = [100 * b / (t + f - b) if t else 0.0 for t, f, b in zip(truth, found, both, strict=True)]

    def mean(kind):
        return np.mean([ious[t] for t in range(T) if takes_part[t] and SEEN[t] == kind])

    return ious, truth, mean(True), mean(False)


@pytest.mark.parametrize(
    "kind, setting, masked",
    [(OVParts, "oracle_obj", True), (ReleasedFirst, "oracle_obj", True),
     (ReleasedFirst, "pred_all", False)],
)  # fmt: skip
def test_ov_parts_and_the_first_release_go_object_by_object(kind, setting, masked):
    pictures = [picture(seed, shape=(11, 14)) for seed in range(3)]
    for _, part_map, predicted in pictures:
        part_map[part_map == T - 1] = -1  # the dog's tail is only predicted: IoU 0, in the mean
        predicted[0, 0] = T - 1
        predicted[0, 0] = T - 1
    if setting == "pred_all":  # a part outside of every object's mask
        pictures[0][0][:, :3] = -1
    ious, truth, seen, unseen = object_by_object(pictures, masked)
    found = counted(kind, pictures).compute()[setting]
    rows = list(found["per_object_part"].values())
    assert [row["iou"] for row in rows[:-1]] == pytest.approx(ious[:-1])
    assert rows[-1]["iou"] is None and truth[-1] == 0 and found["classes"]["unseen"] == 2
    assert (found["seen"], found["unseen"]) == pytest.approx((seen, unseen))
    assert found["harmonic"] == pytest.approx(2 / (1 / seen + 1 / unseen))


def test_the_public_challenge_gives_these_scores_for_these_counts():
    # counts of OVParts over 849 pictures of Pascal-Part-116's validation split, scores of the
    # challenge's own scorer for the same prediction: the truth, rolled by (6, 9), in every fifth
    # square of 32 pixels with the next id
    recorded = json.loads((Path(__file__).parent / "challenge.json").read_text())
    evaluator = OVParts(PASCAL, ["oracle_obj"])
    totals = np.array(recorded["counts"], float)
    scores = evaluator.headlines(totals)
    found = [float(np.nanmean(evaluator.ious(totals))), *(float(scores[k]) for k in scores)]
    theirs = [recorded["scores"][k] for k in ("mIoU", "mIoU-base", "mIoU-unbase", "h-IoU")]
    assert found == pytest.approx(theirs, abs=1e-6)
    ious = evaluator.ious(totals)[:116]
    for t, name in enumerate(PASCAL.object_parts):
        iou = recorded["scores"][f"IoU-{name}"]
        assert ious[t] == pytest.approx(0.0 if iou is None else iou, abs=1e-6), name
        assert (iou is None) == (totals[2, t] == 0)


# ---- side by side --------------------------------------------------------------------------------


def test_evaluators_differ_on_the_same_predictions_as_they_say():
    # the cat's head fills a square; half of it is found, and "bus's wheel" is painted outside
    part_map = np.full((20, 20), -1)
    part_map[4:12, 4:12] = SMALL.index("cat's head")
    object_map = np.where(part_map >= 0, 0, -1)
    object_map[12:16, 4:12] = 0  # of the cat, no part
    half = np.where(np.arange(20)[:, None] < 8, part_map, T)
    half = np.where((object_map >= 0) | (half == T), half, SMALL.index("bus's wheel"))

    def seen(kind, setting, predicted=half):
        return counted(kind, [(object_map, part_map, predicted)]).compute()[setting]["seen"]

    assert [seen(kind, "oracle_obj") for kind in (OVParts, ReleasedFirst, Released)] == [100] * 3
    assert seen(Evaluator, "oracle_obj") == 50
    assert [seen(kind, "pred_all") for kind in (Evaluator, Released)] == [50, 50]
    assert seen(ReleasedFirst, "pred_all") == 100
    assert seen(Plain, "oracle_obj") == seen(Evaluator, "plain") == 50
    everywhere = np.full((20, 20), SMALL.index("cat's head"))
    assert [seen(kind, "pred_all", everywhere) for kind in (Released, ReleasedFirst)] == [100, 100]
    assert seen(Plain, "pred_all", everywhere) == pytest.approx(100 * 64 / (400 - 32))


@pytest.mark.parametrize("name", EVALUATORS)
def test_a_perfect_prediction_scores_one_hundred_with_everybody(name):
    object_map, part_map, _ = picture(5)
    perfect = np.where(part_map >= 0, part_map, T)
    found = counted(EVALUATORS[name], [(object_map, part_map, perfect)]).compute()
    for setting in SETTINGS:
        assert found[setting]["seen"] == found[setting]["harmonic"] == pytest.approx(100)


@pytest.mark.parametrize("name", EVALUATORS)
def test_intervals_hold_the_score_of_every_evaluator(name):
    evaluator = counted(EVALUATORS[name], [picture(seed) for seed in range(8)])
    found = evaluator.compute()
    for setting in SETTINGS:
        for key in ("seen", "unseen", "harmonic"):
            low, high = found[setting][f"{key}_low"], found[setting][f"{key}_high"]
            assert low < found[setting][key] < high
