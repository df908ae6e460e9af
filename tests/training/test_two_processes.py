"""Two processes, which share each batch, train as one does that has the whole batch."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from helpers import clip_file
from one_of_two import RUNS, first_gradients, scores
from safetensors.torch import load_file

SCRIPT = Path(__file__).with_name("one_of_two.py")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


@pytest.fixture(scope="module")
def two(clip, tmp_path_factory):
    """(folder, what each of two processes says) after `one_of_two.py`."""
    folder = tmp_path_factory.mktemp("two")
    told = {
        **os.environ,
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    started = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder), str(clip)],
            env={**told, "RANK": str(process), "LOCAL_RANK": str(process)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for process in range(2)
    ]
    errors = [process.communicate(timeout=600)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], "\n".join(errors)
    return folder, [json.loads((folder / f"{process}.json").read_text()) for process in range(2)]


@pytest.fixture(scope="module")
def one(clip, tmp_path_factory):
    """Name of a run -> (gradients of the first step, log) of a single process."""
    folder = tmp_path_factory.mktemp("one")
    return {name: first_gradients(name, folder, clip) for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
def test_gradients_are_those_of_one_process_with_the_whole_batch(two, one, name):
    expected, _ = one[name]
    for process in range(2):
        found = torch.load(two[0] / f"{process}.pt")[name]
        assert float((found - expected).norm() / expected.norm()) < 1e-5


@pytest.mark.parametrize("name", RUNS)
def test_the_log_is_that_of_one_process(two, one, name):
    _, expected = one[name]
    for said in two[1]:
        for entry, again in zip(expected, said["logs"][name], strict=True):
            assert entry.keys() == again.keys()
            for term in entry.keys() - {"seconds"}:
                assert again[term] == pytest.approx(entry[term], rel=1e-4), term


def test_killed_and_taken_up_again_two_processes_end_with_the_same_bits(two):
    once, twice = (
        load_file(two[0] / name / "weights.safetensors") for name in ("in shares", "killed")
    )
    assert all(torch.equal(once[name], twice[name]) for name in once)


def test_a_loss_that_is_no_number_in_one_process_stops_both(two):
    first, second = (said["said"] for said in two[1])
    assert (
        "became nan at step 1" in first and str(two[0] / "bad" / "bad_batch.safetensors") in first
    )
    assert "became nan at step 1" in second and "the main process keeps the batch" in second
    assert not (two[0] / "bad" / "weights.safetensors").exists()


def test_evaluation_shared_by_two_gives_each_the_scores_and_pictures_of_one(two):
    expected = json.loads(json.dumps(scores()))
    assert expected["scores"]["plain"]["seen_low"] < expected["scores"]["plain"]["seen_high"]
    for said in two[1]:
        assert {name: said[name] for name in expected} == expected
