"""Means with their spread: the textbook's numbers, and a verdict needs two standard errors."""

import numpy as np

from partclipseg_lite.evaluation.intervals import Interval
from partclipseg_lite.figures.records import forms_table
from partclipseg_lite.figures.spreads import (
    columns_table,
    intervals_table,
    lost_table,
    paired_table,
    pulls_table,
    seeds_table,
    temperature_table,
)


def cells(shown) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in str(shown).splitlines()
        if line[:1] == "|"
    ][2:]


def test_a_difference_is_taken_object_by_object_and_called_lower_only_beyond_two_errors():
    before = np.array([0.1, 0.5, 0.9])
    noise = np.array([0.2, -0.2, 0.1])
    values = {
        "overlap": {
            "seen": {"a": before, "b": before - 0.1},
            "novel": {"a": before, "b": before + noise},
        }
    }
    (seen, novel) = cells(paired_table(values, "a", "b"))
    assert seen == ["overlap", "seen", "0.500 ± 0.462", "0.400 ± 0.462", "-0.100 ± 0.000", "lower"]
    error = 2 * np.std(noise, ddof=1) / np.sqrt(3)
    assert novel[4:] == [f"+0.033 ± {error:.3f}", "unclear"]
    assert cells(paired_table(values, "b", "a"))[0][5] == "higher"


def test_an_interval_is_written_with_its_ends_and_its_word():
    told = {"a − b": {"x": Interval(-0.1, 0.2, 0.5), "y": Interval(-0.3, -0.2, -0.1)}}
    assert cells(intervals_table(told)) == [
        ["x", "+20% [-10%, +50%], not decided"],
        ["y", "-20% [-30%, -10%], lower"],
    ]


def test_lengths_of_gradients_have_one_digit_and_none_is_a_word():
    lengths = {"mask": {"start": 117.6, "end": 0.46}, "loss": {"start": 0.0, "end": 3.4e-06}}
    assert cells(pulls_table(lengths)) == [["mask", "118", "0.5"], ["loss", "none", "3e-06"]]


def test_forms_of_attention_control_stand_with_maps_masks_and_what_is_decided():
    def experiment(overlap, unseen, seeds):
        maps = {"overlap": {"mean": overlap}, "separation, soft": {"mean": 0.5}}
        scores = {"oracle_obj": {"unseen": {"mean": unseen, "std": None}}}
        return {"attention": maps, "summary": {"test": scores}, "seeds": seeds}

    forms = {"neither": experiment(0.58, 23.5, [0]), "both": experiment(0.49, 25.25, [0, 1])}
    change = {"low": 0.5, "value": 1.75, "high": 3.0, "verdict": "higher"}
    assert cells(forms_table(forms, {"neither": None, "both": change}, "oracle_obj")) == [
        ["neither", "58%", "23.5", "–", "", "1"],
        ["both", "49%", "25.2", "+1.8 [+0.5, +3.0]", "higher", "2"],
    ]


SEEDS = {"ours": [{"x": 40.0, "y": 1.0}, {"x": 44.0, "y": 3.0}], "theirs": [{"x": 30.0, "y": 2.5}]}


def test_seeds_are_averaged_and_a_single_one_has_no_spread():
    assert cells(seeds_table(SEEDS, ("x", "y"))) == [
        ["ours", "42.0 ± 2.8", "2.0 ± 1.4", "2"],
        ["theirs", "30.0", "2.5", "1"],
    ]


def test_columns_are_written_in_one_form_under_their_names():
    shown = columns_table(
        {"a": {"x": 0.25, "y": 1}, "b": {"x": 0.5, "y": 0}}, form="{:.0%}", corner="share"
    )
    assert cells(shown) == [["x", "25%", "50%"], ["y", "100%", "0%"]]
    assert str(shown).startswith("| share | a | b |")


def test_parts_lost_most_often_stand_first_and_all_together_last():
    lost = {"head": [False] * 4, "eye": [True, True, False, True], "ear": [True, False]}
    assert cells(lost_table(lost, count=2)) == [
        ["eye", "4", "75%"],
        ["ear", "2", "50%"],
        ["all parts", "10", "40%"],
    ]


def test_each_temperature_has_its_row():
    assert cells(temperature_table([(0.1, 0.25, 0.5, 12)])) == [["0.1", "0.2500", "0.5000", "12"]]
