"""The network is asked only where a user asked for it; a misspelt path is told what is near."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import DRAWN, clip_file, quick_settings
from safetensors import safe_open
from safetensors.torch import save_file

from partclipseg_lite.settings import Settings, hash_of
from partclipseg_lite.weights.build import build_backbone, build_model
from partclipseg_lite.weights.locate import hub_name, resolve
from partclipseg_lite.weights.models import load_model, save_model


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    clip = clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")
    settings = quick_settings(clip)
    save_model(clip.parent / "mine.safetensors", build_model(settings), settings, DRAWN.seen_only())
    return clip.parent / "mine.safetensors"


def naming(saved, path, **model):
    """A copy of `saved` whose metadata name another CLIP, with hashes that fit."""
    with safe_open(saved, "pt") as file:
        metadata, tensors = file.metadata(), {n: file.get_tensor(n) for n in file.keys()}
    settings = json.loads(metadata["settings"])
    settings["model"].update(model)
    metadata |= {"settings": json.dumps(settings), "settings_hash": hash_of(settings)}
    for key in ("digest", "digested"):  # as a file of 0.1
        metadata.pop(key, None)
    save_file(tensors, path, metadata=metadata)
    return path


def test_a_model_on_the_hub_is_asked_for_by_a_known_name_or_a_prefix(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert hub_name("CIDAS/clipseg-rd64-refined") == "CIDAS/clipseg-rd64-refined"
    assert hub_name("hf:someone/their_model.v2") == "someone/their_model.v2"
    for path in (
        "someone/their_model.v2",
        "runs/mine",
        "toy",
        "a/b/c",
        "/a/b",
        "./a",
        Path("hf:a/b"),
    ):
        assert hub_name(path) is None, path


@pytest.mark.parametrize(
    "name", ["hf:", "hf:a", "hf:a/b/c", "hf:../b", "hf:a/..", "hf:/a", "hf:a b/c", "hf:a/b\n"]
)
def test_a_prefix_before_something_else_is_refused(name):
    with pytest.raises(ValueError, match="names no model on Hugging Face; write hf:owner/name"):
        load_model(name)


def test_a_folder_that_hides_a_known_name_is_said_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "CIDAS").mkdir()
    for _ in range(2):  # an empty owner's folder, then an empty model's folder
        with pytest.raises(
            FileNotFoundError,
            match="hides Hugging Face's name; write 'hf:CIDAS/clipseg-rd64-refined'",
        ):
            load_model("CIDAS/clipseg-rd64-refined")
        (tmp_path / "CIDAS" / "clipseg-rd64-refined").mkdir(exist_ok=True)


def test_a_shipped_name_wins_over_a_folder_of_that_name_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "toy").mkdir()
    with pytest.warns(UserWarning, match=r"'toy' names the shipped weights; .* write './toy'"):
        assert resolve("toy").name == "toy_partclipseg.safetensors"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("runs/mine", r"near: 'runs/mines'"),
        ("rums/mine", r"near: 'runs'"),
        ("runs", "the folder holds mines"),
        ("tyo", "near: 'toy'"),
        ("CIDAS/clipseg-rd64-refind", "near: 'CIDAS/clipseg-rd64-refined'"),
        ("a\0b", "a path has no control characters"),
    ],
)
def test_a_path_that_does_not_exist_is_told_what_lies_near(asked, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "mines").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match=rf"no weights at .*{says}"):
        load_model(asked)


@pytest.mark.parametrize(
    ("backbone", "says"),
    [
        ("ViT-B-33", "did you mean 'ViT-B-32'"),
        ("tyo", "did you mean 'toy'"),
        ("open_clip:ViT-B-33/openai", "no CLIP is called 'ViT-B-33', did you mean"),
        ("open_clip:ViT-B-32", "write open_clip:MODEL/TAG"),
        ("open_clip:hf-hub:a/b/openai", "no CLIP is called 'hf-hub:a/b'"),
    ],
)
def test_an_unknown_backbone_gets_near_names(backbone, says):
    with pytest.raises(ValueError, match=f"setting 'model.backbone': .*{says}"):
        build_backbone(Settings.from_preset("toy", {"model.backbone": backbone}))


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"model.image_size": 350}, "setting 'model.image_size': .*350 .*patch size 16"),
        ({"model.layers": [3, 6, 12]}, r"setting 'model.layers': .*0\.\.11"),
    ],
)
def test_settings_that_do_not_fit_a_real_clip_are_refused_before_a_download(overrides, says):
    with pytest.raises(ValueError, match=says):
        build_backbone(Settings.from_preset("partclipseg_pascal_part_116", overrides))


def test_a_clip_without_a_decoder_is_no_model():
    with pytest.raises(ValueError, match="which has no decoder; it can be the setting"):
        load_model("open_clip:ViT-B-16-quickgelu/openai")


COUNTING = """
import json, os, socket, sys, time
asked = []
def refuse(*arguments, **named):
    asked.append(repr(arguments[:2]))
    raise OSError("cut off")
socket.getaddrinfo = socket.create_connection = refuse
socket.socket.connect = socket.socket.connect_ex = refuse
time.sleep = lambda seconds: None  # what asks again waits in between
from partclipseg_lite.settings import Settings
from partclipseg_lite.weights.build import build_backbone
from partclipseg_lite.weights.models import load_model
for use in json.loads(sys.argv[1]):
    asked.clear()
    try:
        if isinstance(use, dict):
            build_backbone(Settings.from_preset("toy", use))
        else:
            load_model(use)
        said = "loaded"
    except (ValueError, OSError) as error:
        said = str(error)
    print(json.dumps([len(asked), said]))
"""


def count_lookups(uses, folder):
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGINGFACE_"))}
    environment |= {"HF_HOME": str(folder / "cache"), "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", COUNTING, json.dumps(uses)],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]


def test_no_local_use_asks_the_network_and_an_explicit_one_does(saved, tmp_path):
    real = {"pretrained": "openai", "image_size": 224, "layers": [0, 1, 2]}
    local = [
        "toy",
        str(saved),
        "runs/mine",
        "someone/their_model",
        "hf-hub:someone/their_model",
        "https://example.org/weights.pth",
        {"model.backbone": "ViT-B-33"},
        {"model.backbone": "runs/mine"},
        {"model.backbone": "someone/their_model"},
        {"model.backbone": "hf-hub:someone/their_model"},
        {"model.backbone": "local-dir:somewhere"},
    ]
    by_a_file = [
        str(naming(saved, tmp_path / f"{i}.safetensors", **model))
        for i, model in enumerate(
            (
                {"backbone": "hf:someone/their_model"},
                {"backbone": "CIDAS/clipseg-rd64-refined"},
                {"backbone": "someone/their_model"},
                {"backbone": "hf-hub:someone/their_model"},
                {"backbone": "ViT-B-16-quickgelu", **real},
                {"backbone": "open_clip:ViT-B-16-quickgelu/openai", **real, "pretrained": None},
            )
        )
    ]
    explicit = ["hf:someone/their_model", "CIDAS/clipseg-rd64-refined"]
    answers = count_lookups([*local, *by_a_file, *explicit], tmp_path)
    assert [said for _, said in answers[:2]] == ["loaded"] * 2
    for use, (count, said) in zip([*local, *by_a_file], answers[: -len(explicit)], strict=True):
        assert count == 0, (use, said)
    for number in (0, 1, 4, 5):
        assert "nothing is downloaded because a file says so" in answers[len(local) + number][1]
    for count, said in answers[-len(explicit) :]:
        assert count > 0 and "no weights of Hugging Face's model" in said


def test_what_a_file_names_is_fetched_when_the_caller_allows_it(saved, tmp_path, monkeypatch):
    asked = []

    def fetch(name, file):
        asked.append((name, file))
        raise OSError("cut off")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetch)
    path = naming(saved, tmp_path / "named.safetensors", backbone="hf:someone/their_model")
    for allowed in (False, True):
        with pytest.raises(FileNotFoundError, match="someone/their_model"):
            load_model(path, allow_download=allowed)
    assert asked == [("someone/their_model", "config.json")]
