"""Records ship with the package and are read by name, from any folder."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from partclipseg_lite.experiments import records
from partclipseg_lite.experiments.records import (
    alike,
    change_from,
    load_record,
    record_names,
    record_path,
    write_record,
)

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "partclipseg_lite" / "data" / "records"


def test_every_record_is_there_by_the_name_of_its_file():
    assert (
        record_names()
        == sorted(file.stem for file in SHIPPED.iterdir())
        == ["benchmark", "benchmark_gpu", "departures", "over_and_under", "tiny_clips", "toy"]
    )
    for name in record_names():
        assert load_record(name) == json.loads((SHIPPED / f"{name}.json").read_bytes())


def test_a_record_is_read_from_any_folder_and_without_torch(tmp_path):
    code = (
        "import sys; from partclipseg_lite.experiments.records import load_record; "
        "print(sorted(load_record('toy')['models']), 'torch' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=300,
    )
    assert answer.stdout.strip() == "['toy', 'toy_clipseg', 'toy_no_attention_control'] False", (
        answer.stderr
    )


@pytest.mark.parametrize("name", ["toys", "../released/released", "", None])
def test_an_unknown_record_is_refused_with_the_known_ones(name):
    near = ", did you mean 'toy'" if name == "toys" else ""
    with pytest.raises(
        ValueError,
        match=rf"unknown record .*{near}.*known: benchmark, benchmark_gpu, departures, .*, toy",
    ):
        load_record(name)


def test_what_was_written_is_read_again_and_stays_readable_for_people(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "FOLDER", tmp_path / "new")
    write_record("mine", {"a": [1, None], "b": "ä"})
    assert load_record("mine") == {"a": [1, None], "b": "ä"} and record_names() == ["mine"]
    assert record_path("mine").read_text().count("\n") > 3
    assert not record_path("yours").exists()


def scored(seeds, *values):
    return {"seeds": seeds, "summary": {"test": {"plain": {"unseen": {"values": [*values]}}}}}


@pytest.mark.parametrize(
    ("other", "seeds"),
    [
        (scored([1, 2, 3], 20.0, 30.0, 40.0), [1, 2]),
        (scored([2, 1], 30.0, 20.0), [1, 2]),  # in another order
        (scored([1, 2], 20.0, 30.0 + 1e-9), []),
        (scored([7], 10.0), []),  # no seed in common: nothing is known
    ],
)
def test_experiments_are_alike_where_the_seeds_of_both_have_equal_scores(other, seeds):
    assert alike(scored([0, 1, 2], 10.0, 20.0, 30.0), other) == seeds


def test_a_change_is_read_in_either_direction_and_none_where_two_were_not_compared():
    told = {"low": -1.0, "value": 2.0, "high": 5.0, "verdict": "not decided"}
    down = {"low": -4.0, "value": -3.0, "high": -2.0, "verdict": "lower"}
    experiments = {
        "a": {"difference": {"from": "b", "plain": {"unseen": told}}},
        "b": {"difference": {"from": "c", "plain": {"unseen": down}}},
        "c": {"difference": None},
    }
    assert change_from(experiments, "a", "b", "plain") == told
    assert change_from(experiments, "c", "b", "plain") == {
        "low": 2.0,
        "value": 3.0,
        "high": 4.0,
        "verdict": "higher",
    }
    assert change_from(experiments, "a", "c", "plain") is None
