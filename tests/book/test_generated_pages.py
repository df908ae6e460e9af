"""The pages of numbers say what their records say, and nothing was typed."""

import benchmark_page
import results_page
from partclipseg_lite.experiments.records import load_record


def test_the_results_page_is_generated_from_the_records():
    records = (load_record(name) for name in ("toy", "recipe"))
    assert results_page.PAGE.read_text() == results_page.page(*records)


def test_a_number_comes_with_its_spread_where_there_is_one():
    summary = {
        "seen": {"mean": 41.23, "std": 0.84},
        "unseen": {"mean": 7.0, "std": None},
        "harmonic": {"mean": None, "std": None},
    }
    assert [results_page.number(summary, key) for key in summary] == ["41.2 ± 0.8", "7.0", "–"]


def test_the_benchmark_page_is_generated_from_the_record():
    assert benchmark_page.PAGE.read_text() == benchmark_page.page(benchmark_page.recorded())


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
    assert "not been measured" in page, "there was no GPU"
    unknown = "| Hugging Face / ours, 1 names | to be filled |  |  |"
    assert unknown in page, "a comparison that the record lacks"


def test_without_a_record_every_number_of_the_benchmark_page_is_open():
    page = benchmark_page.page(None)
    assert page.count("to be filled") >= len(benchmark_page.TARGETS)
    assert "met |" not in page and "missed" not in page
