"""Shipping adds what is new to the record, keeps the rest, and mixes no trainings."""

import json
import shutil

import pytest
from helpers import TINY_RUN

from partclipseg_lite.experiments import queue, records, ship
from partclipseg_lite.experiments.plan import Experiment, Job

PLAN = {
    "one": Experiment("one", "One", "smoke", 2, TINY_RUN, differs_from="one"),
    "two": Experiment("two", "Two", "smoke_clipseg", 2, TINY_RUN, differs_from="one"),
    "three": Experiment(
        "three", "Three", "smoke", 1, {**TINY_RUN, "loss.gamma": 0.1}, differs_from="one"
    ),
}
EMPTY = {"models": {}, "experiments": {}, "errors": {}}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package that ships no weights, with an empty record, and tiny splits to score on."""
    monkeypatch.setattr(queue, "PICTURES", {"test": 4, "shifted": 2, "validation": 2})
    monkeypatch.setattr(ship, "SHIPPED", {})
    monkeypatch.setattr(ship, "experiments", lambda: PLAN)
    monkeypatch.setattr(records, "FOLDER", tmp_path / "records")
    records.write_record("toy", EMPTY)
    return tmp_path / "records" / "toy.json"


def test_what_another_machine_ran_is_added_and_the_rest_stays_to_the_last_digit(package, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    queue.run_missing([Job(PLAN["one"], 0), Job(PLAN["two"], 0)], here, say=str)
    said = ship.ship(here)
    assert "one, two new, the other 0 kept" in said[-1]
    before = json.loads(package.read_text())["experiments"]

    with pytest.raises(ValueError, match="no finished training that the package does not hold"):
        ship.ship(here)
    queue.run_missing([Job(PLAN["three"], 0)], there, say=str)
    with pytest.raises(ValueError, match="three cannot .* without one-seed0"):
        ship.ship(there)
    assert json.loads(package.read_text())["experiments"] == before, "nothing half-written"

    shutil.copytree(here / "one-seed0", there / "one-seed0")
    assert "three new, the other 2 kept" in ship.ship(there)[-1]
    after = json.loads(package.read_text())["experiments"]
    assert list(after) == list(PLAN) and {name: after[name] for name in before} == before
    assert after["three"]["difference"]["seeds"] == [0]


def scored(score, seeds=(0, 1), other=None):
    """An experiment as a record holds it."""
    values = [score + seed for seed in seeds]
    return {
        "seeds": list(seeds),
        "summary": {"test": {"pred_all": {"unseen": {"values": values}}}},
        "difference": other and {"from": other, "seeds": list(seeds)},
    }


RECORDED = {"one": scored(1.0), "two": scored(2.0, other="one")}


@pytest.mark.parametrize(
    ("found", "new", "repeated"),
    [
        ({"one": scored(1.0), "three": scored(3.0)}, ["three"], []),
        ({"one": scored(5.0)}, [], ["one"]),
        ({"one": scored(5.0), "two": scored(7.0)}, ["one", "two"], []),
        ({"one": scored(5.0), "two": scored(7.0, (0,))}, [], ["two", "one"]),
        ({"two": scored(2.0, (0, 1, 2))}, ["two"], []),
        ({"two": scored(2.0, (1,))}, [], []),
    ],
    ids=[
        "one more",
        "others stay that are told against it",
        "all of them anew",
        "fewer seeds than recorded",
        "a seed more",
        "the same again",
    ],
)
def test_a_repetition_replaces_what_is_recorded_only_as_a_whole(found, new, repeated):
    assert ship.new_ones(RECORDED, found) == (new, repeated)


def test_what_cannot_be_told_against_anything_is_refused_by_name():
    found = {"one": scored(1.0, (1,)), "three": scored(3.0, (0,))}
    with pytest.raises(ValueError, match="^three cannot .* without one-seed0, run on the same"):
        ship.check_references(PLAN, found, ["three"])
    ship.check_references(PLAN, {**found, "one": scored(1.0)}, ["three", "one"])
