"""The benchmark runs at a tiny size, its peer computes the same, and what it writes is complete.

No test looks at a clock.
"""

import json
import sys

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from partclipseg_lite.cli import main
from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.release import benchmark
from partclipseg_lite.release.benchmark import RELEASE, comparisons, measure, seconds
from partclipseg_lite.release.gpu import NEEDS_GPU, OnGpu
from partclipseg_lite.release.roofline import Product, Products, Rates
from partclipseg_lite.release.workloads import SIZES, Workloads, labelled
from partclipseg_lite.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def work():
    return Workloads(SIZES["small"], torch.device("cpu"))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    file = tmp_path_factory.mktemp("benchmark") / "new" / "benchmark.json"
    main(["benchmark", "--size", "small", "--no-memory", "--json", str(file)])
    return json.loads(file.read_text())


def test_the_command_measures_every_item_and_writes_json(written, work):
    on_gpu = OnGpu(work).all()
    assert set(written["items"]) == {*work.all(), *on_gpu, "compared/difference"}
    timed = [item for item in written["items"].values() if "seconds" in item]
    assert all(item["seconds"] > 0 and item["peak_mb"] is None for item in timed)
    assert torch.__version__.startswith(written["hardware"]["torch"]) and written["hardware"]["cpu"]
    assert {entry["what"].split(",")[0] for entry in written["comparisons"]} >= {
        "Hugging Face / ours",
        "time",
    }
    assert all(entry["value"] > 0 for entry in written["comparisons"])


def test_the_peer_has_our_weights_and_computes_our_logits(written, work):
    assert written["items"]["compared/difference"]["relative"] < 1e-4
    assert work.clipseg.background_embedding is None and isinstance(
        work.clipseg.adapter, torch.nn.Identity
    )


def test_memory_is_the_peak_of_a_process_of_its_own(capsys, tmp_path):
    main(["benchmark", "--size", "small", "--items", "names/1", "--json", str(tmp_path / "b.json")])
    found = json.loads((tmp_path / "b.json").read_text())["items"]
    # Torch alone takes more than 50.
    assert list(found) == ["names/1"] and 50 < found["names/1"]["peak_mb"] < 5000
    assert "names/1" in capsys.readouterr().out


def test_a_file_of_the_same_machine_is_completed_and_another_ones_is_not(tmp_path):
    file = tmp_path / "b.json"
    for item in ("names/1", "images/1"):
        benchmark.run("small", item, memory=False, file=file)
    assert list(json.loads(file.read_text())["items"]) == ["names/1", "images/1"]
    file.write_text(json.dumps({**json.loads(file.read_text()), "hardware": {"cpu": "another"}}))
    benchmark.run("small", "names/1", memory=False, file=file)
    assert list(json.loads(file.read_text())["items"]) == ["names/1"]


def test_a_training_step_learns_something_from_every_loss(work):
    step = work.training("released")
    losses = [step() for _ in range(3)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("vocabulary", ["pascal_part_116", "ade20k_part_234"])
def test_the_picture_to_train_on_shows_the_parts_of_two_seen_objects(vocabulary):
    known = Vocabulary.load(vocabulary)
    sample = labelled(64, known)
    sample.check_ids(known)
    sample.check_owners(known)
    shown = {o for o in sample.object_map.ravel().tolist() if o != IGNORE}
    assert len(shown) == 2 and all(known.seen_object[o] for o in shown)
    assert (sample.object_map == IGNORE).any() and len(set(sample.part_map.ravel().tolist())) > 3


def test_an_unknown_item_lists_the_known_ones():
    with pytest.raises(
        ValueError, match=r"no item fits 'trainig/\*'; items: .*training/paper/float32"
    ):
        list(measure("small", "trainig/*"))


def test_without_transformers_the_command_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(SystemExit):
        main(["benchmark", "--size", "small", "--items", "compared/*"])
    assert "pip install transformers" in capsys.readouterr().err


def test_the_steps_measured_on_a_gpu_run_anywhere_at_a_tiny_size(written):
    items = {name: item for name, item in written["items"].items() if "/batch 1" in name}
    assert len(items) == 6
    for item in items.values():
        assert list(item["stages"]) == [
            "batch",
            "targets",
            "encoder",
            "decoder and losses",
            "backward",
            "optimizer",
        ]
        assert item["seconds"] == pytest.approx(sum(item["stages"].values()), rel=0.5)
        assert item["images_per_second"] == pytest.approx(1 / item["seconds"])
        assert item["peak_mb"] is None and item["reserved_mb"] is None, "no GPU"
    once, twice = (items[f"gpu/ade20k_part_234/batch 1{', recompute' * n}"] for n in range(2))
    assert twice["flops"]["decoder"] > once["flops"]["decoder"]
    assert twice["flops"]["encoder"] == once["flops"]["encoder"] > 0


def test_a_step_is_the_same_whether_its_stages_are_marked_or_not(work):
    losses = []
    for mark in ({}, {"mark": lambda stage: None}):
        step = work.real_training("pascal_part_116", 1, recompute=False)
        losses.append([step(**mark).item() for _ in range(2)])
    assert losses[0] == losses[1] and losses[0][1] != losses[0][0]


def test_products_are_those_that_torch_counts(work):
    step = work.real_training("pascal_part_116", 1, recompute=True)
    with FlopCounterMode(display=False) as theirs:
        step()
    encoder, rest = OnGpu(work).products(step)
    assert sum(p.flops for p in encoder + rest) == theirs.get_total_flops() > 0
    with FlopCounterMode(display=False) as theirs, torch.autocast("cpu", torch.bfloat16):
        step.module.model.backbone.activations(torch.zeros(1, 3, 64, 64))
    assert sum(p.flops for p in encoder) == theirs.get_total_flops() > 0


def test_a_product_moves_what_it_reads_and_writes():
    with Products() as counted:
        torch.zeros(2, 3) @ torch.zeros(3, 5, requires_grad=True)
    assert counted.found == [Product(flops=2 * 2 * 3 * 5, moved=4 * (6 + 15 + 10))]


def test_the_roofline_is_arithmetic_for_some_products_and_memory_for_others():
    rates = Rates(flops=100.0, memory=10.0)
    assert rates.floor([Product(200, 10), Product(100, 30)]) == 2 + 3


def test_without_a_gpu_the_command_says_so_and_writes_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    main(["benchmark", "--items", "gpu/*", "--json", str(tmp_path / "b.json")])
    assert capsys.readouterr().out.count(NEEDS_GPU) == 1 and not any(tmp_path.iterdir())


def test_a_slow_item_is_not_repeated_for_ever(monkeypatch):
    calls = []
    clock = iter(range(0, 10_000, 25))  # every look at the clock costs 25 seconds
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: next(clock))
    assert seconds(lambda: calls.append(1), torch.device("cpu"), repetitions=100) == [25, 25]
    assert len(calls) == 3


def full_results(seconds=1.0, peak=1000.0):
    work = Workloads(SIZES["full"], torch.device("cpu"))  # builds nothing yet
    return {name: {"seconds": seconds, "runs": [seconds], "peak_mb": peak} for name in work.all()}


def test_targets_are_met_exactly_where_the_ratio_reaches_them():
    items = full_results() | {"compared/58 names/Hugging Face": {"seconds": 20.0, "peak_mb": 1.0}}
    verdict = {entry["what"]: entry["met"] for entry in comparisons(items, "full", "cpu")}
    assert (
        verdict["Hugging Face / ours, 58 names"] is True
        and verdict["Hugging Face / ours, 8 names"] is None
    )
    assert verdict["release / ours, memory of a training step, paper reading"] is True
    items["compared/58 names/Hugging Face"]["seconds"] = 19.9
    slow = items | {
        "training/paper/float32": {"seconds": RELEASE["training_seconds"] / 3.9, "peak_mb": 6000.0}
    }
    verdict = {entry["what"]: entry["met"] for entry in comparisons(slow, "full", "cpu")}
    assert not any(verdict[what] for what in verdict if "58" in what or "step, paper" in what)
    assert comparisons({}, "full", "cpu") == []
