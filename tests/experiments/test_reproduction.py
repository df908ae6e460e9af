"""Runs beside the paper: what counts, what is compared, and what is said of it."""

import json

import pytest
from helpers import DRAWN

import reproduction_page
from partclipseg_lite.evaluation.metrics import Evaluator
from partclipseg_lite.experiments.paper import paper
from partclipseg_lite.experiments.reproduction import (
    Told,
    beside_the_paper,
    groups,
    lines,
    load_runs,
    slim,
)
from partclipseg_lite.settings import Settings

PASCAL = "partclipseg_pascal_part_116"
ROW = "T1/PartCLIPSeg"


def scores(harmonic, low=None, high=None):
    part = {"iou": 12.5, "pixels": 300, "seen": False, "recall": 1.0}
    return {
        "seen": harmonic + 10,
        "unseen": harmonic - 10,
        "harmonic": harmonic,
        "harmonic_low": low,
        "harmonic_high": high,
        "all": harmonic + 1,
        "recall_seen": 60.0,
        "recall_unseen": 50.0,
        "recall_harmonic": 54.5,
        "per_object_part": {"cow's leg": part},
        "per_object": {"cow": part},
    }


def run(name="r", preset=PASCAL, oracle=38.0, more=None, **overrides):
    settings = Settings.from_preset(preset, {k.replace("__", "."): v for k, v in overrides.items()})
    metrics = {
        "preset": preset,
        "settings": settings.model_dump(mode="json"),
        "weights_sha256": "ab" * 32,
        "environment": {"device": "NVIDIA X"},
        "commit": "1234567",
        "training_seconds": 7200.0,
        "processes": 2,
        "dataset": {"whole": True, "images": 850, "vocabulary": "pascal_part_116"},
        "scores": scores(30.0),
        "released": {
            "images": 850,
            "oracle_obj": scores(oracle, oracle - 3, oracle + 3),
            "pred_all": scores(20.0, 18.0, 22.0),
        },
    }
    return Told(name, json.loads(json.dumps({**metrics, **(more or {})})))


def line_of(found, setting, key):
    (one,) = (line for line in found if (line.setting, line.key) == (setting, key))
    return one


def lines_of(*runs, cell=ROW):
    return lines(paper().rows[cell], groups(runs).get(cell, []))


# ---- which runs count ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"data__folder": "/elsewhere/PascalPart116", "training__seed": 3},
        {"training__accumulation": 4, "training__workers": 2, "training__precision": "float32"},
        {"preset": f"{PASCAL}_t4"},
    ],
)
def test_where_and_how_fast_it_ran_does_not_matter(given):
    assert run(**given).why_not() is None and ROW in groups([run(**given)])


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"training__steps": 100}, "other settings than the preset's: training.steps"),
        ({"reading": "released"}, "other settings than the preset's: reading.object_row"),
        ({"preset": "toy"}, "the paper has no row for the preset 'toy'"),
        ({"preset": f"{PASCAL}_few_shot"}, "the paper has no row for"),
        ({"more": {"released": {}}}, "not scored as the benchmark"),
        (
            {"more": {"dataset": {"whole": False, "images": 5, "vocabulary": "pascal_part_116"}}},
            "only 5 pictures were scored",
        ),
        (
            {"more": {"dataset": {"whole": True, "images": 5, "vocabulary": "ade20k_part_234"}}},
            "it was scored on ade20k_part_234",
        ),
        ({"preset": "partclipseg_partimagenet_40_to_pascal_part_116",
          "more": {"dataset": {"whole": True, "images": 5, "vocabulary": "partimagenet_40"}}},
         "it was scored on partimagenet_40"),
    ],
)  # fmt: skip
def test_what_fills_no_row_says_why(given, why):
    told = run(**given)
    assert why in told.why_not() and groups([told]) == {}


# ---- ours beside the paper's ---------------------------------------------------------------------


def test_a_row_without_a_run_is_open():
    found = lines_of()
    assert [(line.setting, line.key) for line in found][:2] == [
        ("pred_all", "seen"),
        ("pred_all", "unseen"),
    ]
    assert all(line.ours is None and line.verdict == "" and not line.runs for line in found)
    assert line_of(found, "oracle_obj", "harmonic").paper == 38.79


def test_seeds_are_averaged_and_readings_kept_apart():
    runs = [
        run("a", oracle=38.0),
        run("b", oracle=40.0, training__seed=1),
        run("c", preset=f"{PASCAL}_released", oracle=30.0),
        run("d", preset=f"{PASCAL}_t4", oracle=42.0, training__seed=1),  # instead of b
    ]
    which = ("oracle_obj", "harmonic")
    paper_reading, released = (x for x in lines_of(*runs) if (x.setting, x.key) == which)
    assert paper_reading.ours == 40.0 and paper_reading.spread == pytest.approx(8**0.5)
    assert (paper_reading.low, paper_reading.high) == (37.0, 43.0)
    assert [told.name for told in paper_reading.runs] == ["a", "d"]
    assert (released.ours, released.spread, released.reading) == (30.0, None, "released")


@pytest.mark.parametrize(
    ("ours", "interval", "verdict"),
    [
        (38.0, (30.0, 45.0), "same"),
        (39.7, (39.5, 39.9), "same"),
        (41.0, (38.0, 44.0), "not decided"),
        (41.0, (39.0, 44.0), "higher"),
        (35.0, (33.0, 37.0), "lower"),
        (35.0, (None, None), "not decided"),
    ],
)
def test_better_and_worse_are_said_only_where_the_interval_says_so(ours, interval, verdict):
    told = run()
    told.metrics["released"]["oracle_obj"] = scores(ours, *interval)
    line = line_of(lines_of(told), "oracle_obj", "harmonic")
    assert line.difference == pytest.approx(ours - 38.79) and line.verdict == verdict


def test_the_iou_of_a_part_and_scores_of_another_dataset_are_found():
    small = lines_of(run(), cell="T7/PartCLIPSeg")
    assert line_of(small, "oracle_obj", "cow's leg").ours == 12.5
    assert line_of(small, "oracle_obj", "dog's eye").ours is None
    crossed = run(preset="partclipseg_ade20k_part_234_to_pascal_part_116")
    cell = "T4/PartCLIPSeg from ADE20K-Part-234"
    assert line_of(lines_of(crossed, cell=cell), "pred_all", "all").ours == 21.0


def test_the_best_of_the_steps_stands_below_the_last_one():
    steps = [
        {"step": s, "oracle_obj": scores(h), "pred_all": scores(20.0)}
        for s, h in ((1000, 36.0), (2000, 39.0), (3000, 38.0))
    ]
    told = run(preset=f"{PASCAL}_released", oracle=38.0, more={"by_step": steps})
    last, best = (
        line for line in lines_of(told) if (line.setting, line.key) == ("oracle_obj", "seen")
    )
    assert (last.ours, last.reading) == (48.0, "released")
    assert (best.ours, best.reading) == (49.0, "released, best of 3 steps")


# ---- records and the page ------------------------------------------------------------------------


def test_a_record_keeps_what_the_page_needs_and_is_small():
    empty = Evaluator(DRAWN).compute()
    metrics = {**run().metrics, "scores": empty, "overrides": {}}
    kept = slim(metrics)
    assert "per_object" not in kept["released"]["oracle_obj"]
    assert len(json.dumps(kept["scores"])) < 5000 < len(json.dumps(empty))
    told, again = Told("x", metrics), Told("x", kept)
    assert again.why_not() is None and again.gpu_hours == told.gpu_hours == 4.0
    shown = [line.ours for line in lines_of(told)]
    assert [line.ours for line in lines_of(again)] == shown


def test_runs_are_read_from_records_and_from_folders_of_runs(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(run().metrics))
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "metrics.json").write_text(json.dumps(run().metrics))
    assert [told.name for told in load_runs(tmp_path)] == ["one", "two"]
    (tmp_path / "two" / "metrics.json").write_text('{"preset": "toy"}')
    with pytest.raises(ValueError, match="two.metrics.json tells no run"):
        load_runs(tmp_path)


def test_the_page_shows_a_run_beside_the_paper_and_names_the_command_of_the_others():
    told = run(oracle=35.0)
    text = reproduction_page.page([told, run("other", training__steps=5)])
    assert "7 of 38 rows have a run of ours" in text and "0 of 38" in reproduction_page.page([])
    cells = "38.79 | a | 35.00 | -3.79 | 32.0 to 38.0 | 1 | paper [1] | **lower**"
    assert f"|  | Oracle-Obj harmonic | {cells} |" in text
    assert (
        "| 1 | `partclipseg_pascal_part_116` | paper | 0 | 1234567 | abababababab | 4.0 |" in text
    )
    assert "`other` fills no row: other settings than the preset's: training.steps." in text
    assert "`-p preset clipseg_pascal_part_116`" in text
    assert f"`-p preset {PASCAL}`" not in text and f"`-p preset {PASCAL}_gamma_0.1`" in text


def test_a_run_stands_beside_the_paper_in_its_own_report():
    shown = repr(beside_the_paper(run(oracle=35.0).metrics))
    line = "| T1 | Oracle-Obj harmonic | 38.79 | 35.00 | 32.00 | 38.00 | lower | paper |"
    assert line in shown and "| T7 | Oracle-Obj cow's leg | – | 12.50 |" in shown
    told = repr(beside_the_paper(run(preset="toy").metrics))
    assert told == "This run fills no row of the paper: the paper has no row for the preset 'toy'."


def test_a_finished_run_is_kept_as_a_record(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduction_page, "RUNS", tmp_path / "records")
    (tmp_path / "mine").mkdir()
    with pytest.raises(SystemExit, match="holds no metrics.json"):
        reproduction_page.add(tmp_path / "mine")
    (tmp_path / "mine" / "metrics.json").write_text(json.dumps(run(training__seed=4).metrics))
    path = reproduction_page.add(tmp_path / "mine")
    assert path.name == f"{PASCAL}-seed4.json"
    (told,) = load_runs(tmp_path / "records")
    assert told.seed == 4 and told.why_not() is None
    bad = run(training__steps=7).metrics
    (tmp_path / "mine" / "metrics.json").write_text(json.dumps(bad))
    with pytest.raises(SystemExit, match="fills no row of the paper: other settings"):
        reproduction_page.add(tmp_path / "mine")
