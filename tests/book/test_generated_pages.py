"""The pages of numbers say what their records say, and nothing was typed."""

import re

import benchmark_page
import field_page
import reproduction_page
import results_page
import results_pictures
import results_pieces
from partclipseg_lite.experiments.plan import experiments
from partclipseg_lite.experiments.records import load_record
from partclipseg_lite.experiments.reproduction import load_runs


def test_the_results_page_is_generated_from_the_record():
    assert results_page.PAGE.read_text() == results_page.page(load_record("toy"))


def test_a_difference_turned_round_is_that_of_the_other_two():
    told = {"low": -5.0, "value": -4.0, "high": -2.5, "verdict": "lower"}
    turned = results_page.turned(told)
    assert turned == {"low": 2.5, "value": 4.0, "high": 5.0, "verdict": "higher"}
    assert results_page.signed(turned) == "+4.0 [+2.5, +5.0]"
    assert results_page.turned(turned) == told
    assert results_page.turned({**told, "verdict": "not decided"})["verdict"] == "not decided"


def test_the_verdict_follows_from_the_intervals_alone():
    record = load_record("toy")
    assert "is not decided" in results_page.verdict(record)
    control = record["models"]["toy_no_attention_control"]["difference"]
    for setting in ("oracle_obj", "pred_all"):
        control[setting]["unseen"] = {"low": -3.0, "value": -2.0, "high": -1.0, "verdict": "lower"}
    assert "with attention control masks of novel objects score higher" in results_page.verdict(
        record
    )
    control["pred_all"]["unseen"]["verdict"] = "not decided"
    assert "one of the two settings only" in results_page.verdict(record)


def test_a_training_without_a_run_names_the_command_that_makes_it():
    record, plan = load_record("toy"), experiments()
    record["experiments"].pop("gamma_0.1", None)
    page = results_pieces.pieces(record, plan)
    assert "experiments run --only gamma_0.1`" in page
    for name in record["experiments"]:
        assert f"--only {name}`" not in page


def test_two_trainings_are_called_the_same_only_where_every_score_is():
    record, plan = load_record("toy"), experiments()
    assert "equal to the last digit" in results_pieces.pieces(record, plan)
    scores = record["experiments"]["enhancement_only"]["summary"]["test"]["plain"]["unseen"]
    scores["values"][0] += 1e-9
    assert "equal to the last digit" not in results_pieces.pieces(record, plan)


def test_what_was_told_against_other_trainings_than_those_recorded_is_said():
    record = load_record("toy")
    before = results_pieces.pieces(record, experiments())
    its = record["experiments"]["early"]["summary"]["test"]["oracle_obj"]["unseen"]["values"]
    its[:] = [value + 0.5 for value in its]
    after = results_pieces.pieces(record, experiments())
    said = "*150 steps, without attention control*: trained on another machine"
    assert said not in before and said in after


def test_each_picture_of_the_results_page_is_drawn_and_told_in_words_from_the_record():
    record = load_record("toy")
    shown = set(re.findall(r"assets/(results_\w+\.png)", results_page.page(record)))
    words = results_pictures.in_words(record)
    assert shown == set(results_pictures.pictures(record)) == set(words)
    rows = results_pictures.part_rows(record)
    for row in rows.values():  # now the larger a part, the worse it is found
        row["iou"] = -row["pixels"]
    assert "-1.00 among the 113 seen" in results_pictures.size_and_score(record)
    control = record["models"]["toy_clipseg"]["difference"]["pred_all"]["unseen"]
    control.update(low=-9.0, value=-8.0, high=-7.0)
    assert (
        "+8.0 [+7.0, +9.0] in Pred-All"
        in results_pictures.in_words(record)["results_differences.png"]
    )


def test_the_page_of_reproductions_is_generated_from_the_records():
    text = reproduction_page.PAGE.read_text(encoding="utf-8")
    assert text == reproduction_page.page(load_runs())


def test_the_page_of_the_field_is_generated_from_the_records():
    assert field_page.PAGE.read_text(encoding="utf-8") == field_page.page()


def test_what_the_page_of_the_field_says_follows_from_the_intervals():
    record = load_record(field_page.RECORD)
    ours = record["models"]["toy"]["pred_all"]
    ours["OSI"]["unseen"], ours["USI"]["unseen"] = [10, 11, 12], [50, 51, 52]
    assert "leave out more than they paint wrongly (OSI 11.0, USI 51.0)" in field_page.verdict(
        record
    )
    ours["OSI"]["unseen"] = [60, 61, 62]
    assert "paint more wrongly than they leave out" in field_page.verdict(record)
    ours["USI"]["unseen"] = [50, 61, 70]
    assert "about as wrong on either side" in field_page.verdict(record)


def test_the_benchmark_page_is_generated_from_the_record():
    records = map(benchmark_page.recorded, benchmark_page.RECORDS)
    assert benchmark_page.PAGE.read_text() == benchmark_page.page(*records)


def test_the_benchmark_page_tells_what_was_measured_from_what_was_not():
    record = {
        "date": "2026-01-02",
        "hardware": {"cpu": "AMD EPYC", "threads": 2, "gpu": None},
        "release": {"training_seconds": 15.9, "training_mb": 6850, "inference_seconds": 5.84},
        "items": {
            "names/1": {"seconds": 2.5, "peak_mb": 1234.0},
            "images/1": {"seconds": 0.25, "peak_mb": None},
            "compared/difference": {"relative": 1.3e-6},
        },
        "comparisons": [
            {"what": "Hugging Face / ours, 58 names", "value": 19.5, "met": False},
            {"what": "memory, 1000 names / 100 names", "value": 1.02, "met": True},
            {"what": "time, 8 images / 1 image", "value": 7.5, "met": None},
        ],
    }
    page = benchmark_page.page(record)
    assert "2026-01-02" in page and "2 cores of an AMD EPYC, no GPU" in page and "is 1e-06" in page
    assert "| names/1 | 2.50 | 1.23 |" in page and "| images/1 | 0.25 |  |" in page
    assert "| Hugging Face / ours, 58 names | 19.50 | at least 20 | **missed** |" in page
    assert "| memory, 1000 names / 100 names | 1.02 | at most 1.1 | met |" in page
    assert "| time, 8 images / 1 image | 7.50 |  |  |" in page
    assert "**Not measured** yet" in page, "there was no GPU"
    unknown = "| Hugging Face / ours, 1 names | to be filled |  |  |"
    assert unknown in page, "a comparison that the record lacks"


def test_the_benchmark_page_shows_what_a_gpu_did_beside_its_targets():
    step = {
        "seconds": 0.04,
        "images_per_second": 200.0,
        "peak_mb": 17_000.0,
        "reserved_mb": 18_000.0,
        "stages": {"encoder": 0.004, "backward": 0.0213},
        "flops": {"encoder": 6e11, "decoder": 1.5e12},
        "share_of_flops": {"measured": 0.081, "datasheet": 0.053},
        "share_of_roofline": 0.61,
    }
    record = {
        "date": "2026-01-02",
        "hardware": {
            "gpu": "NVIDIA H100",
            "gpu_gb": 85.0,
            "driver": "580.1",
            "cuda": "13.0",
            "torch": "2.11.0",
        },
        "items": {
            "gpu/card": {"matmul_flops": 6.5e14, "copy_bytes": 2.9e12},
            "gpu/pascal_part_116/batch 8": step,
            "gpu/ade20k_part_234/segment": {"images_per_second": 31.0, "peak_mb": 1500.0},
        },
    }
    page = benchmark_page.page(None, record)
    assert "Measured on NVIDIA H100 (85 GB, driver 580.1, CUDA 13.0, torch 2.11.0), 2026" in page
    assert "650 TFLOP/s" in page and "2.90 TB/s" in page
    name = "| gpu/pascal_part_116/batch 8 |"
    assert f"{name} 40.0 | 200 | 17.0 | 18.0 | at most 16 GB | **missed** |" in page
    assert f"{name} 4.0 | 21.3 |" in page
    assert f"{name} 2.10 | 8.1% | 5.3% | 61.0% | at least 60% | met |" in page
    assert "| ade20k_part_234 | 31.0 | 1.5 |" in page
    assert "| gpu/ade20k_part_234/batch 2 | not measured |" in page


def test_the_benchmark_page_shows_a_step_of_several_commits():
    step = {"seconds": [0.5, 0.4, 0.6], "ratio": 1.0, "lowest": 1.0, "highest": 1.0}
    slower = {"seconds": [0.5, 0.5, 0.6], "ratio": 1.024, "lowest": 0.9, "highest": 1.25}
    record = {
        "date": "2026-01-02",
        "hardware": {"cpu": "AMD EPYC"},
        "steps": 48,
        "readings": {
            "paper": {
                "418a365": {**step, "losses_differ_by": 0.0},
                "6e0d7ee": {**slower, "losses_differ_by": 0.0},
                "working tree": {**slower, "losses_differ_by": 0.00012},
            }
        },
    }
    page = benchmark_page.page(None, None, record)
    assert "a core of an AMD EPYC, 2026-01-02, 48 steps each" in page
    assert "| paper | before | 0.50 | 1 |  |  |" in page
    assert "| paper | after | 0.50 | 1.02 | 0.90–1.25 | equal to the last digit |" in page
    assert "| 1.02 | 0.90–1.25 | differs by 1e-04 at most |" in page


def test_without_a_record_every_number_of_the_benchmark_page_is_open():
    page = benchmark_page.page(None)
    assert page.count("to be filled") >= len(benchmark_page.TARGETS)
    assert "met |" not in page and "missed" not in page
