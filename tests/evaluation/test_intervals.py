"""Intervals: against a slow plain bootstrap, against known truths, and what must always hold."""

import numpy as np
import pytest
from scipy.stats import ttest_rel

from partclipseg_lite.evaluation.class_means import HEADLINES, harmonic_mean, mean_iou
from partclipseg_lite.evaluation.counts import PictureCounts, paired
from partclipseg_lite.evaluation.intervals import (
    Interval,
    bootstrap,
    mean_over_seeds,
    over_seeds,
    paired_difference,
    unpaired_difference,
)

SEEN = np.array([True, True, False])
STATISTIC = mean_iou(SEEN)


def counts(pictures, seed=0, quality=0.6, seeds=None, spread=0.1):
    """Plausible counts `[N, 3, C]` (or `[S, N, 3, C]`) of three parts and background."""
    rng = np.random.default_rng(seed)
    labelled = rng.integers(0, 400, (pictures, 4)) * (rng.random((pictures, 4)) < 0.7)
    hard = rng.normal(0, 0.15, (pictures, 1))  # a picture is hard for every model

    def one():
        found = np.clip(quality + hard + rng.normal(0, spread, labelled.shape), 0, 1)
        correct = (found * labelled).astype(int)
        return np.stack([correct, correct + rng.integers(0, 200, labelled.shape), labelled], 1)

    return one() if seeds is None else np.stack([one() for _ in range(seeds)])


def slow_means(rows):
    """mIoU in percent of a list of `[3, C]` counts, class by class."""
    ious = []
    for c in range(len(SEEN)):
        correct, predicted, labelled = (sum(int(row[kind, c]) for row in rows) for kind in range(3))
        ious.append(100 * correct / (predicted + labelled - correct) if labelled else None)

    def mean(kind):
        known = [iou for iou, is_seen in zip(ious, SEEN, strict=True) if is_seen == kind]
        known = [iou for iou in known if iou is not None]
        return sum(known) / len(known) if known else float("nan")

    seen, unseen = mean(True), mean(False)
    both = 2 * seen * unseen / (seen + unseen) if seen + unseen else 0.0
    return dict(zip(HEADLINES, (seen, unseen, both), strict=True))


def test_point_values_equal_a_slow_loop_over_pictures_and_classes():
    rows = counts(7)
    assert {k: i.value for k, i in bootstrap(rows, STATISTIC).items()} == pytest.approx(
        slow_means(list(rows))
    )
    a, b = counts(7, seeds=3), counts(7, seed=1, seeds=3)
    found = paired_difference(a, b, STATISTIC)
    for key in HEADLINES:
        each = [
            slow_means(list(x))[key] - slow_means(list(y))[key] for x, y in zip(a, b, strict=True)
        ]
        assert found[key].value == pytest.approx(np.mean(each))


def test_an_interval_over_pictures_equals_a_slow_plain_bootstrap():
    rows, rng = counts(25), np.random.default_rng(11)
    values = [slow_means([rows[i] for i in rng.integers(0, 25, 25)]) for _ in range(2000)]
    found = bootstrap(rows, STATISTIC, resamples=4000)
    for key in HEADLINES:
        slow = np.quantile([v[key] for v in values], [0.025, 0.975])
        width = slow[1] - slow[0]
        assert width > 3  # of something that varies
        assert (found[key].low, found[key].high) == pytest.approx(slow, abs=0.1 * width)


def test_a_paired_interval_equals_a_slow_plain_bootstrap_over_pictures_and_seeds():
    seeds, pictures = 3, 12
    a = counts(pictures, seed=1, seeds=seeds, quality=0.65)
    b = counts(pictures, seed=1, seeds=seeds, quality=0.6)
    rng, values = np.random.default_rng(5), []
    for _ in range(700):
        drawn = rng.integers(0, pictures, pictures)
        each = [
            slow_means(list(x[drawn]))["seen"] - slow_means(list(y[drawn]))["seen"]
            for x, y in zip(a, b, strict=True)
        ]
        chosen = np.mean([each[s] for s in rng.integers(0, seeds, seeds)])
        # few seeds would look more certain than they are
        values.append(np.mean(each) + np.sqrt(seeds / (seeds - 1)) * (chosen - np.mean(each)))
    slow = np.quantile(values, [0.025, 0.975])
    found = paired_difference(a, b, STATISTIC, resamples=4000)["seen"]
    assert (found.low, found.high) == pytest.approx(slow, abs=0.1 * (slow[1] - slow[0]))


def test_an_interval_over_pictures_holds_the_truth_in_about_95_of_100_worlds():
    # a million pictures stand for all pictures; 300 samples of 60 of them are scored
    world = counts(20_000, seed=3)
    truth = slow_means([world.sum(0)])
    rng, inside = np.random.default_rng(0), dict.fromkeys(HEADLINES, 0)
    for trial in range(300):
        rows = world[rng.integers(0, len(world), 60)]
        for key, interval in bootstrap(rows, STATISTIC, resamples=300, seed=trial).items():
            inside[key] += interval.low <= truth[key] <= interval.high
    assert all(0.90 <= n / 300 <= 0.985 for n in inside.values()), inside


def test_other_pictures_fall_into_the_interval_for_them_and_less_often_into_that_of_the_score():
    world, rng = counts(20_000, seed=3), np.random.default_rng(0)
    inside = {"score": 0, "others": 0}
    for trial in range(300):
        rows, others = (world[rng.integers(0, len(world), n)] for n in (60, 40))
        interval = bootstrap(rows, STATISTIC, resamples=300, seed=trial)["harmonic"]
        wider = interval.for_other_pictures(60, 40)
        assert wider.value == interval.value and wider.low < interval.low
        new = slow_means([others.sum(0)])["harmonic"]
        inside["score"] += interval.low <= new <= interval.high
        inside["others"] += wider.low <= new <= wider.high
    assert inside["others"] / 300 >= 0.9 > 0.85 > inside["score"] / 300, inside


@pytest.mark.parametrize(
    "seeds, of_seeds, of_pictures, least", [(1, 0, 20, 0.91), (3, 0.7, 20, 0.91), (5, 1.5, 5, 0.88)]
)
def test_a_paired_interval_holds_the_truth_about_as_often_as_it_says(
    seeds, of_seeds, of_pictures, least
):
    rng, inside, trials = np.random.default_rng(1), 0, 300

    def mean(totals):  # differences of known mean 0: the statistic is a plain mean over 80 pictures
        return {"mean": totals[..., 0] / 80}

    for trial in range(trials):
        difference = (
            rng.normal(0, of_seeds, (seeds, 1))
            + rng.normal(0, of_pictures, (1, 80))
            + rng.normal(0, 3, (seeds, 80))
        )[..., None]
        nothing = np.zeros_like(difference)
        interval = paired_difference(difference, nothing, mean, resamples=300, seed=trial)["mean"]
        inside += interval.low <= 0 <= interval.high
    assert least <= inside / trials <= 0.985


def test_pairing_makes_a_difference_narrower_than_its_two_scores():
    a, b = counts(80, quality=0.62, spread=0.02), counts(80, quality=0.6, spread=0.02)
    difference = paired_difference(a[None], b[None], STATISTIC)["harmonic"]
    alone = bootstrap(a, STATISTIC)["harmonic"]
    assert difference.high - difference.low < 0.4 * (alone.high - alone.low)
    assert difference.verdict == "higher"
    assert paired_difference(b[None], a[None], STATISTIC)["harmonic"].verdict == "lower"


def test_a_model_and_itself_do_not_differ():
    a = counts(10, seeds=2)
    for interval in paired_difference(a, a, STATISTIC).values():
        assert interval == (0, 0, 0) and interval.verdict == "not decided"


@pytest.mark.parametrize(
    "interval, word",
    [
        ((0.1, 1, 2), "higher"),
        ((-2, -1, -0.1), "lower"),
        ((-0.1, 1, 2), "not decided"),
        ((0, 1, 2), "not decided"),
        ((float("nan"), 1, float("nan")), "not decided"),
    ],
)
def test_the_word_for_a_difference_follows_from_its_interval(interval, word):
    assert Interval(*interval).verdict == word


def test_the_order_of_pictures_does_not_matter_and_the_seed_decides():
    rows = counts(30)
    expected = bootstrap(rows, STATISTIC, seed=4)
    assert bootstrap(rows[::-1], STATISTIC, seed=4) == expected
    assert bootstrap(rows, STATISTIC, seed=5) != expected


def test_more_pictures_give_narrower_intervals():
    few, many = (bootstrap(counts(n), STATISTIC)["seen"] for n in (20, 500))
    assert many.high - many.low < 0.4 * (few.high - few.low)


def test_the_mean_over_seeds_has_the_interval_of_its_pictures():
    several = np.repeat(counts(15)[None], 3, axis=0)  # three equal seeds add nothing
    found, alone = mean_over_seeds(several, STATISTIC), bootstrap(counts(15), STATISTIC)
    for key in HEADLINES:
        assert found[key].value == pytest.approx(alone[key].value)
        width = alone[key].high - alone[key].low
        assert found[key][::2] == pytest.approx(alone[key][::2], abs=0.1 * width)


def test_a_single_picture_and_a_class_that_is_nowhere_have_no_interval():
    alone = bootstrap(counts(1, seed=2), STATISTIC)["seen"]
    assert np.isnan([alone.low, alone.high]).all() and not np.isnan(alone.value)
    rows = counts(9)
    rows[1:, :, 2] = 0  # in one picture alone, which a third of the resamples lack
    found = bootstrap(rows, STATISTIC)
    assert np.isnan(found["unseen"][::2]).all() and not np.isnan(found["unseen"].value)
    rows[:, :, 2] = 0
    found = bootstrap(rows, STATISTIC)
    assert np.isnan(found["unseen"]).all() and np.isnan(found["harmonic"]).all()
    assert not np.isnan(found["seen"]).any()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: bootstrap(np.zeros((0, 3, 4)), STATISTIC), "no picture"),
        (lambda: bootstrap(counts(2), STATISTIC, resamples=0), "resamples must be .* got 0"),
        (
            lambda: paired_difference(counts(3)[None], counts(4)[None], STATISTIC),
            r"shapes \[1, 3, 3, 4\] and \[1, 4, 3, 4\]",
        ),
        (lambda: mean_over_seeds(np.zeros((0, 3, 3, 4)), STATISTIC), "no seed or no picture"),
    ],
)
def test_counts_that_cannot_be_resampled_get_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("a, b", [(0, 0), (30, 60), (0, 5), (float("nan"), 4)])
def test_the_harmonic_mean_is_that_of_two_numbers(a, b):
    expected = 0 if a == b == 0 else 2 * a * b / (a + b)
    assert harmonic_mean(a, b) == pytest.approx(expected, nan_ok=True)


# ---- stored --------------------------------------------------------------------------------------


def stored(rows, names=None):
    return PictureCounts(tuple(names or "abcdefgh"[: len(rows)]), {"plain": rows.astype(np.int32)})


def test_counts_are_stored_small_and_come_back_as_they_were(tmp_path):
    written = stored(counts(5), ["ü", "b", "c", "d", "e"])
    written.save(tmp_path / "counts.npz")
    read = PictureCounts.load(tmp_path / "counts.npz")
    assert read.names == written.names and len(read) == 5
    np.testing.assert_array_equal(read.settings["plain"], written.settings["plain"])
    assert read.settings["plain"].dtype == np.int32
    assert (tmp_path / "counts.npz").stat().st_size < 2000
    assert [path.name for path in tmp_path.iterdir()] == ["counts.npz"]


@pytest.mark.parametrize("contents", [b"", b"nothing of the kind", b"PK\x03\x04 cut"])
def test_a_damaged_file_of_counts_is_named(tmp_path, contents):
    (tmp_path / "counts.npz").write_bytes(contents)
    with pytest.raises(ValueError, match="counts.npz holds no counts.*evaluate again"):
        PictureCounts.load(tmp_path / "counts.npz")
    with pytest.raises(FileNotFoundError, match="absent.npz"):
        PictureCounts.load(tmp_path / "absent.npz")


def test_models_are_paired_by_the_names_of_the_pictures():
    rows = counts(4)
    there, back = stored(rows), stored(rows[::-1], "dcba")
    a, b = paired([there, there], [back, there], setting="plain")
    assert a.shape == b.shape == (2, 4, 3, 4)
    np.testing.assert_array_equal(a, b)


def test_what_cannot_be_paired_is_refused():
    rows = counts(3)
    with pytest.raises(ValueError, match="same pictures; 2 are not in both.*'c', 'd'"):
        paired([stored(rows)], [stored(rows, "abd")], setting="plain")
    with pytest.raises(ValueError, match="names stand twice"):
        paired([stored(rows, "aab")], [stored(rows)], setting="plain")
    with pytest.raises(ValueError, match="other labels"):
        paired([stored(rows)], [stored(rows + 1)], setting="plain")
    with pytest.raises(ValueError, match=r"shape \[3, 3, 4\], expected \[2, 3, classes\]"):
        stored(rows, "ab")


def test_an_unpaired_difference_is_as_wide_as_both_intervals_together():
    a, b = counts(40, quality=0.8), counts(60, seed=1, quality=0.5)
    told = unpaired_difference(a[None], b[None], STATISTIC, 4000)["seen"]
    alone = [bootstrap(rows, STATISTIC, 4000)["seen"] for rows in (a, b)]
    assert told.value == pytest.approx(alone[0].value - alone[1].value)
    widths = [one.high - one.low for one in alone]
    assert told.high - told.low == pytest.approx(np.hypot(*widths), rel=0.1)
    assert told.verdict == "higher"
    assert np.isnan(unpaired_difference(a[None], b[None, :1], STATISTIC)["seen"].low)
    with pytest.raises(ValueError, match="no seed or no picture"):
        unpaired_difference(a[None], b[None, :0], STATISTIC)


def test_an_interval_over_seeds_is_that_of_a_paired_t_test():
    mine, its = [40.0, 44.0, 41.5, 43.0], [39.0, 44.5, 39.5, 41.0]
    found = over_seeds([{"x": v, "y": 1.0} for v in mine], [{"x": v, "y": 3.0} for v in its])
    t_test = ttest_rel(mine, its)
    low, high = t_test.confidence_interval(0.95)
    assert found["x"] == pytest.approx((low, np.mean(mine) - np.mean(its), high))
    assert (found["x"].verdict == "not decided") == (t_test.pvalue > 0.05)
    assert found["y"] == (-2.0, -2.0, -2.0) and found["y"].verdict == "lower"


def test_one_seed_has_no_interval_over_seeds_and_pairs_are_needed():
    alone = over_seeds([{"x": 3.0}], [{"x": 1.0}])["x"]
    assert alone.value == 2.0 and np.isnan([alone.low, alone.high]).all()
    assert alone.verdict == "not decided"
    with pytest.raises(ValueError, match="1 seeds of one model and 2 of the other"):
        over_seeds([{"x": 3.0}], [{"x": 1.0}] * 2)
