"""Every command works from the shell, helps with an example, and fails in one line, code 2."""

import json
import math
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import DRAWN, clip_file, quick_settings, sample
from PIL import Image

from partclipseg_lite.cli import _parser, main
from partclipseg_lite.datasets.pascal_part_116 import write_pascal_part
from partclipseg_lite.datasets.sample import Sample
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.evaluation.metrics import Evaluator
from partclipseg_lite.experiments import versions
from partclipseg_lite.experiments.records import load_record
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.build import build_model
from partclipseg_lite.weights.models import save_model

COMMANDS = ("segment", "export", "train", "evaluate", "score", "benchmark", "doctor")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


@pytest.fixture(scope="module")
def weights(clip):
    """A random model's run folder."""
    settings, folder = quick_settings(clip), clip.parent / "run"
    torch.manual_seed(0)
    save_model(folder / "weights.safetensors", build_model(settings), settings, DRAWN.seen_only())
    return folder


@pytest.fixture
def image(tmp_path):
    Image.fromarray(sample(size=40).image[:, :30]).save(tmp_path / "image.png")
    return tmp_path / "image.png"


def fails(capsys, *arguments):
    """The one line on stderr of a command that must end with exit code 2."""
    with pytest.raises(SystemExit) as stopped:
        main([str(argument) for argument in arguments])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    return err


def fails_in_one_line(capsys, *arguments):
    err = fails(capsys, *arguments)
    assert err.count("\n") == 1 and err.startswith(f"partclipseg_lite {arguments[0]}: "), err
    return err


# ---- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_has_an_example_that_the_parser_accepts(capsys, command):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    example = capsys.readouterr().out.split("example: ")[1].strip()
    assert example.startswith(f"python -m partclipseg_lite {command}")
    assert _parser().parse_args(shlex.split(example)[3:]).command == command


def test_python_m_lists_the_commands_quickly_and_without_torch():
    command = [sys.executable, "-X", "importtime", "-m", "partclipseg_lite", "--help"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert answer.returncode == 0 and all(command in answer.stdout for command in COMMANDS)
    assert "| torch\n" not in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["segment"],
        ["segment", "x.png"],
        ["train"],
        ["evaluate"],
        ["evaluate", "--weights", "toy", "--dataset", "drawn", "--json", "x", "--seed", "a"],
    ],
)
def test_missing_and_unknown_arguments_end_with_code_2(capsys, arguments):
    assert "usage: " in fails(capsys, *arguments)


# ---- segment -------------------------------------------------------------------------------------


def test_segment_writes_a_mask_for_every_name_and_an_overlay(capsys, weights, image, tmp_path):
    names = ["dog's head", "puppy's tail"]
    folder = tmp_path / "new" / "found"
    main(
        ["segment", str(image), "--names", *names, "--weights", str(weights), "--out", str(folder)]
    )
    out = capsys.readouterr().out
    assert [line.split(" score")[0].strip() for line in out.splitlines()[:2]] == names
    masks = [np.asarray(Image.open(folder / f"{file}.png")) for file in ("dog-head", "puppy-tail")]
    assert all(
        mask.shape == (40, 30) and mask.dtype == np.uint8 and set(np.unique(mask)) <= {0, 255}
        for mask in masks
    )
    assert not (masks[0] & masks[1]).any()
    width, height = Image.open(folder / "overlay.png").size  # a small picture is enlarged
    assert width * 40 == height * 30 and width >= 30


def test_mistakes_of_segment_are_one_line(capsys, weights, image, tmp_path):
    def segment(*arguments):
        return fails_in_one_line(capsys, "segment", *arguments, "--out", tmp_path / "o")

    use = ("--weights", weights)
    assert "no image at" in segment(tmp_path / "none.png", "--names", "dog's head", *use)
    assert "no word 'dragon'" in segment(image, "--names", "dragon's head", *use)
    assert "'dog' is not the name of an object part" in segment(image, "--names", "dog", *use)
    assert "is listed twice" in segment(image, "--names", "dog's head", "dog's head", *use)
    assert "no weights at 'nothing'" in segment(
        image, "--names", "dog's head", "--weights", "nothing"
    )
    assert "image.png is a PNG picture" in segment(
        image, "--names", "dog's head", "--weights", image
    )
    broken = tmp_path / "broken.png"
    broken.write_bytes(image.read_bytes()[:60])
    assert "broken.png cannot be read as an image" in segment(broken, "--names", "dog's head", *use)
    assert not (tmp_path / "o").exists()
    assert "image.png" in fails_in_one_line(
        capsys, "segment", image, "--names", "dog's head", *use, "--out", image
    )


def test_segment_takes_a_folder_and_a_file_of_names(capsys, weights, image, tmp_path):
    photos, out = tmp_path / "photos", tmp_path / "out"
    (photos / "a").mkdir(parents=True)
    for path in (photos / "x.png", photos / "a" / "x.png"):
        path.write_bytes(image.read_bytes())
    names = tmp_path / "names.txt"
    names.write_bytes("\ufeff# parts\r\ndog's head\r\n\r\npuppy's tail\r\n".encode())
    segment = ["segment", photos, "--names-file", names, "--weights", weights, "--out", out]
    segment = [str(argument) for argument in segment]
    main(segment)
    assert "2 pictures segmented, 0 had been before, 0 skipped" in capsys.readouterr().out
    for path in ("x.png.parts", "a/x.png.parts"):
        files = {file.name for file in (out / "pictures" / path).iterdir()}
        assert files == {"dog-head.png", "puppy-tail.png", "overlay.png", "record.json"}
    (photos / "odd\nname.jpg").write_bytes(b"no picture")
    with pytest.raises(SystemExit) as ended:
        main([*segment, "--no-overlay"])
    said = capsys.readouterr().out
    assert ended.value.code == 1 and r"skipped odd\nname.jpg: cannot be read as an image" in said
    assert "0 pictures segmented, 2 had been before, 1 skipped" in said
    names.write_text("dog's head\n\ndog's head\n")
    assert "names.txt, line 3: " in fails_in_one_line(capsys, *segment)
    names.write_text("dog's head\ndragon's head\n")
    assert "names.txt, line 2: " in fails_in_one_line(capsys, *segment)
    names.write_text("dog's head\n")
    assert "holds masks of other names" in fails_in_one_line(capsys, *segment)
    assert "holds no name" in fails_in_one_line(
        capsys, "segment", photos, "--names-file", os.devnull, "--out", out
    )


def test_segment_writes_one_picture_in_coco_form_too(capsys, weights, image, tmp_path):
    names = ["--names", "dog's head", "puppy's tail"]
    main(
        ["segment", str(image), *names, "--format", "coco"]
        + ["--weights", str(weights), "--out", str(tmp_path / "out")]
    )
    assert capsys.readouterr().out.count("annotations.json") == 3
    written = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert [c["name"] for c in written["categories"]] == names[1:]
    assert written["images"] == [{"id": 1, "file_name": "image.png", "height": 40, "width": 30}]


# ---- train ---------------------------------------------------------------------------------------


def overrides(clip, **more):
    settings = {
        "data.images": 3,
        "data.size": 32,
        "model.image_size": 32,
        "model.layers": "[0, 1, 2]",
        "model.width": 16,
        "model.backbone": clip,
        "training.batch_size": 2,
        "training.steps": 2,
        **more,
    }
    return [f"{name}={value}" for name, value in settings.items()]


def test_train_makes_weights_that_segment_can_use(capsys, clip, image, tmp_path):
    run = tmp_path / "runs" / "mine"
    main(["train", "--preset", "smoke", "--set", *overrides(clip), "--output", str(run)])
    assert re.search(
        r"2 steps, last mean loss \d+\.\d{4}, \d+ s; weights in .*safetensors",
        capsys.readouterr().out,
    )
    main(
        [
            "segment",
            str(image),
            "--names",
            "dog's head",
            "--weights",
            str(run),
            "--out",
            str(tmp_path / "found"),
        ]
    )
    assert (tmp_path / "found" / "dog-head.png").exists()


def test_mistakes_of_train_are_one_line(capsys, clip, weights, tmp_path):
    def train(*arguments):
        return fails_in_one_line(capsys, "train", *arguments, "--output", tmp_path / "run")

    assert "unknown preset 'tyo', did you mean 'toy'?" in train("--preset", "tyo")
    assert "did you mean 'training.steps'" in train("--preset", "toy", "--set", "training.step=3")
    assert "--set wants key=value, got 'fast'" in train("--preset", "toy", "--set", "fast")
    assert "is not YAML" in train("--preset", "toy", "--set", "model.layers=[1")
    assert "setting 'training.steps'" in train("--preset", "toy", "--set", "training.steps=0")
    assert "image size 33 is not a multiple of the patch size 8" in train(
        "--preset", "toy", "--set", *overrides(clip), "model.image_size=33"
    )
    assert "layers must be ascending block indices in 0..2" in train(
        "--preset", "toy", "--set", *overrides(clip), "model.layers=[1, 3, 5]"
    )
    assert "no tiny CLIP at" in train(
        "--preset", "toy", "--set", f"model.backbone={tmp_path / 'none'}"
    )
    assert "cannot be divided into 4 heads" in train(
        "--preset", "smoke", "--set", *overrides(clip), "model.width=18"
    )


# ---- evaluate ------------------------------------------------------------------------------------


def check_scores(file, images):
    scores = json.loads(
        file.read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON")
    )
    for setting in ("oracle_obj", "pred_all", "plain"):
        for key in (
            f"{score}{split}"
            for score in ("", "recall_", "boundary_iou_")
            for split in ("seen", "unseen", "harmonic")
        ):
            value = scores[setting][key]
            assert value is None or 0 <= value <= 100 and math.isfinite(value), (setting, key)
    assert scores["images"] == images and scores["seconds"] >= 0
    return scores


def test_evaluate_scores_drawn_pictures_of_the_split_and_seed_asked_for(capsys, weights, tmp_path):
    arguments = [
        "evaluate",
        "--weights",
        str(weights),
        "--dataset",
        "drawn",
        "--images",
        "6",
        "--json",
    ]
    for name, more in (
        ("a", []),
        ("again", []),
        ("other", ["--seed", "3"]),
        ("shifted", ["--split", "shifted"]),
    ):
        main([*arguments, str(tmp_path / "new" / f"{name}.json"), *more])
    scores = {
        name: check_scores(tmp_path / "new" / f"{name}.json", 6)
        for name in ("a", "again", "other", "shifted")
    }
    bare = lambda s: {k: v for k, v in s.items() if k not in ("seconds", "split", "seed")}  # noqa: E731
    assert bare(scores["a"]) == bare(scores["again"])
    assert bare(scores["a"]) != bare(scores["other"]) and bare(scores["a"]) != bare(
        scores["shifted"]
    )
    assert (scores["a"]["dataset"], scores["a"]["split"], scores["other"]["seed"]) == (
        "drawn",
        "test",
        3,
    )
    assert "oracle_obj" in capsys.readouterr().out


def test_evaluate_scores_a_folder_in_the_pascal_part_layout(capsys, weights, tmp_path):
    # Nothing unseen: nothing to score.
    pictures = [sample(("cat", "cow"), size=40), sample(("bus",), size=48)]
    write_pascal_part(pictures, tmp_path / "data", "test", vocabulary=DRAWN)
    main(
        [
            "evaluate",
            "--weights",
            str(weights),
            "--dataset",
            str(tmp_path / "data"),
            "--json",
            str(tmp_path / "s.json"),
        ]
    )
    scores = check_scores(tmp_path / "s.json", 2)
    assert scores["plain"]["seen"] is not None and scores["plain"]["unseen"] is None
    assert "unseen n/a" in capsys.readouterr().out


@pytest.mark.parametrize("layout", ["ade20k_part_234", "partimagenet"])
def test_evaluate_and_doctor_know_the_other_layouts(capsys, weights, tmp_path, layout):
    class Samples(list):
        vocabulary = DRAWN

    pictures = Samples([sample(("cat",), size=40), sample(("dog",), size=48)])
    folder = write_dataset(pictures, tmp_path / "data", "val", layout)
    out = tmp_path / "s.json"
    main(["evaluate", "--weights", str(weights), "--dataset", str(folder), "--split", "val",
          "--json", str(out)])  # fmt: skip
    check_scores(out, 2)
    main(["doctor", str(folder)])
    assert "no errors" in capsys.readouterr().out
    next((folder / "images" / "val").iterdir()).unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", str(folder)])
    assert stopped.value.code == 1
    assert "pictures that the list names and nobody has" in capsys.readouterr().out
    assert "no folder is called" in fails_in_one_line(capsys, "doctor", tmp_path / "w")


def test_evaluate_reads_labels_with_the_vocabulary_of_the_data_not_of_the_weights(
    monkeypatch, tmp_path
):
    pascal, found = Vocabulary.load("pascal_part_116"), {}
    shape = (24, 24)
    part_map = np.full(shape, pascal.index("dog's head"))
    object_map = np.full(shape, pascal.objects.index("dog"))
    write_pascal_part(
        [Sample(np.zeros((*shape, 3), np.uint8), object_map, part_map, "one")],
        tmp_path / "data",
        "val",
        vocabulary=pascal,
    )
    (tmp_path / "data" / "classes.json").unlink()  # as the original archive comes

    def scored(model, samples, vocabulary, **_):
        found.update(name=vocabulary.name, part=vocabulary.object_parts[samples[0].part_map[0, 0]])
        return Evaluator(vocabulary).compute()

    monkeypatch.setattr("partclipseg_lite.evaluation.evaluate.evaluate", scored)
    main(
        [
            "evaluate",
            "--weights",
            "toy",
            "--dataset",
            str(tmp_path / "data"),
            "--split",
            "val",
            "--json",
            str(tmp_path / "s.json"),
        ]
    )
    assert found == {"name": "pascal_part_116", "part": "dog's head"}


def test_mistakes_of_evaluate_are_one_line(capsys, weights, tmp_path):
    base = ("--weights", weights, "--json", tmp_path / "s.json", "--dataset")
    evaluate = lambda *arguments: fails_in_one_line(capsys, "evaluate", *arguments)  # noqa: E731
    assert "unknown split 'tset'" in evaluate(*base, "drawn", "--split", "tset")
    assert "images must be a whole number from 1" in evaluate(*base, "drawn", "--images", 0)
    assert "seed must be a whole number" in evaluate(*base, "drawn", "--seed", -1)
    assert "nowhere" in evaluate(*base, tmp_path / "nowhere")
    assert "no weights at" in evaluate(
        "--weights", tmp_path / "w", "--json", tmp_path / "s.json", "--dataset", "drawn"
    )
    assert not (tmp_path / "s.json").exists()


# ---- score ---------------------------------------------------------------------------------------


@pytest.fixture
def predicted(weights, tmp_path):
    """A dataset, predictions of it by `evaluate`, and its scores."""
    write_pascal_part(
        [sample(("cat", "dog"), size=40), sample(("bus",), size=48)],
        tmp_path / "data",
        "test",
        vocabulary=DRAWN,
    )
    main(["evaluate", "--weights", str(weights), "--dataset", str(tmp_path / "data"),
          "--predictions", str(tmp_path / "pred"), "--json", str(tmp_path / "e.json")])  # fmt: skip
    return tmp_path


def test_score_gives_stored_predictions_to_every_evaluator_without_photographs(capsys, predicted):
    shutil.rmtree(predicted / "data" / "images")
    base = ["score", "--predictions", str(predicted / "pred"), "--dataset",
            str(predicted / "data"), "--json", str(predicted / "new" / "s.json")]  # fmt: skip
    capsys.readouterr()
    main(base)
    out, evaluated = capsys.readouterr().out, json.loads((predicted / "e.json").read_text())
    scores = json.loads((predicted / "new" / "s.json").read_text())
    assert list(scores["evaluators"]) == ["ours", "plain", "released", "released_first", "ov_parts"]
    for setting in ("oracle_obj", "pred_all", "plain"):
        assert scores["evaluators"]["ours"][setting] == evaluated[setting]
        assert f"{setting:11s} released_first" in out
    assert scores["split"] == "test" and scores["images"] == 2
    assert out.count("apart by") == 3 and "unseen object parts" in out
    main([*base, "--evaluator", "ov_parts", "--evaluator", "ours"])
    assert list(json.loads((predicted / "new" / "s.json").read_text())["evaluators"]) == [
        "ov_parts",
        "ours",
    ]


def test_score_knows_which_drawn_pictures_evaluate_drew(weights, tmp_path):
    drawn = ["--dataset", "drawn", "--predictions", str(tmp_path / "pred")]
    main(["evaluate", "--weights", str(weights), *drawn, "--images", "2", "--seed", "3",
          "--json", str(tmp_path / "e.json")])  # fmt: skip
    main(["score", *drawn, "--evaluator", "ours", "--json", str(tmp_path / "s.json")])
    evaluated, scores = (json.loads((tmp_path / f"{n}.json").read_text()) for n in "es")
    assert scores["evaluators"]["ours"]["plain"] == evaluated["plain"] and scores["images"] == 2


def test_mistakes_of_score_are_one_line_that_names_the_file(capsys, predicted, weights):
    base = ("--predictions", predicted / "pred", "--dataset", predicted / "data")
    out = ("--json", predicted / "s.json")
    said = fails_in_one_line(capsys, "score", *base, *out, "--evaluator", "ov-parts")
    assert "unknown evaluator 'ov-parts' (known: ours, plain, released" in said
    assert "tset" in fails_in_one_line(capsys, "score", *base, *out, "--split", "tset")
    (predicted / "pred" / "plain" / "bus.png").unlink()
    said = fails_in_one_line(capsys, "score", *base, *out)
    assert "1 of 2 pictures have no prediction in" in said and "bus.png" in said
    assert not (predicted / "s.json").exists()
    # another run's predictions are left as they are
    said = fails_in_one_line(capsys, "evaluate", "--weights", "toy", *base, *out)
    assert "holds predictions of other settings, weights" in said


# ---- with the shipped weights --------------------------------------------------------------------


def test_experiments_are_listed_with_what_ships_and_what_is_missing(capsys, tmp_path):
    main(["experiments", "list", "--only", "[tu]*", "--work", str(tmp_path)])
    *listed, summary = capsys.readouterr().out.strip().splitlines()
    record = load_record("toy")
    states = {}
    for line in listed:
        state, name = line.split()
        experiment, seed = name.split("-seed")
        states[name] = state
        one = {**record["models"], **record["experiments"]}.get(experiment)
        if one:  # a stage has no scores
            assert (state == "shipped") == (int(seed) in one["seeds"]), name
    assert states["toy_phrases-seed0"] == states["toy-seed0"] == "shipped"
    assert summary.startswith(f"{len(listed)} of {len(listed)} trainings are not in {tmp_path}:")


def test_doctor_finds_everything_in_order(capsys):
    main(["doctor"])
    out = capsys.readouterr().out
    assert "all is well" in out and "tiny CLIP" in out and "weights 'toy_clipseg': CLIPSeg" in out


def test_segment_and_evaluate_use_the_shipped_weights(capsys, tmp_path):
    Image.fromarray(sample(size=64).image).save(tmp_path / "image.png")
    main(
        [
            "segment",
            str(tmp_path / "image.png"),
            "--names",
            "dog's head",
            "puppy's tail",
            "--out",
            str(tmp_path / "found"),
        ]
    )
    assert len(list((tmp_path / "found").iterdir())) == 3
    main(
        [
            "evaluate",
            "--weights",
            "toy",
            "--dataset",
            "drawn",
            "--images",
            "2",
            "--json",
            str(tmp_path / "s.json"),
        ]
    )
    check_scores(tmp_path / "s.json", 2)


def test_an_unknown_shipped_name_lists_the_known_ones(capsys, tmp_path):
    err = fails_in_one_line(
        capsys, "evaluate", "--weights", "tyo", "--dataset", "drawn", "--json", tmp_path / "s.json"
    )
    assert "toy, toy_no_attention_control, toy_clipseg" in err


# ---- the boundary --------------------------------------------------------------------------------


def python_m(*arguments, **how):
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment |= how.pop("env", {})
    command = [sys.executable, "-m", "partclipseg_lite", *map(str, arguments)]
    return subprocess.Popen(command, text=True, env=environment, **how)


@pytest.fixture
def raising(monkeypatch):
    """A function that makes `doctor` raise what it is given."""

    def set_error(error):
        def run(args):
            raise error

        monkeypatch.setattr("partclipseg_lite.cli._doctor", run)

    return set_error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(28, "No space left on device", "run/state.pt"), "No space left on device"),
        (KeyError("backbone"), "KeyError: 'backbone' (PARTCLIPSEG_TRACEBACK=1 shows where)"),
        (RuntimeError("two\nlines"), "RuntimeError: two lines"),
        (MemoryError(), "there is not enough memory for this"),
        (RecursionError("deep"), "RecursionError: deep"),
        (zipfile.BadZipFile("no zip"), "BadZipFile: no zip"),
        (AttributeError(), "AttributeError (PARTCLIPSEG_TRACEBACK=1 shows where)"),
        (ValueError("x" * 10**6), "xxx"),
    ],
)
def test_whatever_goes_wrong_is_one_line_and_exit_status_2(capsys, raising, error, says):
    raising(error)
    line = fails_in_one_line(capsys, "doctor")
    assert says in line and len(line) < 2100


def test_the_traceback_is_shown_to_who_asks_for_it(raising, monkeypatch):
    raising(KeyError("backbone"))
    monkeypatch.setenv("PARTCLIPSEG_TRACEBACK", "1")
    with pytest.raises(KeyError):
        main(["doctor"])


def test_stopping_is_one_line_and_exit_status_130(capsys, raising):
    raising(KeyboardInterrupt())
    with pytest.raises(SystemExit) as stopped:
        main(["doctor"])
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "partclipseg_lite doctor: stopped\n"


def test_a_reader_that_has_heard_enough_is_no_error():
    command = python_m("doctor", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    command.stdout.close()
    assert command.stderr.read() == "" and command.wait(timeout=300) == 141


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_one_line():
    with open("/dev/full", "w") as full:
        command = python_m("doctor", stdout=full, stderr=subprocess.PIPE)
        said = command.stderr.read()
    assert command.wait(timeout=300) == 2
    assert said.count("\n") == 1 and "No space left on device" in said


# ---- outputs are tried before the work -----------------------------------------------------------


@pytest.fixture
def no_work(monkeypatch):
    """Whatever takes time fails the test."""
    for work in (
        "weights.models.load_model",
        "inference.segmenter.PartSegmenter.from_pretrained",
        "training.loop.train",
        "release.benchmark.run",
    ):
        monkeypatch.setattr(f"partclipseg_lite.{work}", lambda *a, **k: pytest.fail("work began"))


def places(tmp_path):
    """Where no file can be written: (path, what the error says)."""
    (tmp_path / "file").write_text("kept")
    (tmp_path / "locked.json").write_text("kept")
    return {
        "a folder": (tmp_path, "is a folder; give the name of a file"),
        "this folder": (Path("."), "is a folder"),
        "below a file": (tmp_path / "file" / "a.json", "file is a file; give another name"),
        "read-only": (Path("/proc/self/a.json"), "/proc/self"),
    }


@pytest.mark.parametrize("place", ["a folder", "this folder", "below a file", "read-only"])
@pytest.mark.parametrize(
    "command",
    [["evaluate", "--weights", "toy", "--dataset", "drawn", "--json"], ["benchmark", "--json"]],
    ids=lambda command: command[0],
)
def test_a_file_that_cannot_be_written_is_refused_before_the_work(
    capsys, no_work, tmp_path, command, place
):
    path, says = places(tmp_path)[place]
    assert says in fails_in_one_line(capsys, *command, path)
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("place", ["below a file", "read-only", "a file"])
@pytest.mark.parametrize("command", ["segment", "train"])
def test_a_folder_that_cannot_be_made_is_refused_before_the_work(
    capsys, no_work, image, tmp_path, command, place
):
    path, _ = {**places(tmp_path), "a file": (tmp_path / "file", "")}[place]
    arguments = {
        "segment": ["segment", image, "--names", "dog's head", "--out", path],
        "train": ["train", "--preset", "smoke", "--output", path],
    }[command]
    assert str(path) in fails_in_one_line(capsys, *arguments)
    assert (tmp_path / "file").read_text() == "kept"


def test_a_benchmark_does_not_overwrite_what_is_none(capsys, tmp_path):
    for contents in ("", "[1]", '{"items": {}}', '{"items": [1], "size": "small"}', "notes"):
        (tmp_path / "notes.json").write_text(contents)
        said = fails_in_one_line(
            capsys, "benchmark", "--size", "small", "--json", tmp_path / "notes.json"
        )
        assert "holds no benchmark; give another name" in said
        assert (tmp_path / "notes.json").read_text() == contents


@pytest.mark.parametrize("number", ["1_000", "010", "1e3", "0x10", "٣", "", " 5", "5.0"])
def test_numbers_of_options_are_written_plainly(capsys, number, tmp_path):
    said = fails(
        capsys,
        "evaluate",
        "--weights",
        "toy",
        "--dataset",
        "drawn",
        "--json",
        "x",
        "--images",
        number,
    )
    assert f"expected a whole number such as 100, got {number!r}" in said


# ---- versions ------------------------------------------------------------------------------------


def test_doctor_names_versions_known_not_to_work_and_what_to_do(capsys, monkeypatch):
    there = {**versions.installed_versions(), "torch": "2.9.1", "torchvision": "0.24.1"}
    monkeypatch.setattr(versions, "installed_versions", lambda: there)
    with pytest.raises(SystemExit) as ended:
        main(["doctor"])
    out = capsys.readouterr().out
    assert ended.value.code == 1
    assert "torch 2.9.1 may execute code" in out and 'pip install "torch>=2.10"' in out
    assert "versions are known not to work, see above" in out and "all is well" not in out
