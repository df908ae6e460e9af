"""The playground's JavaScript, run by node, computes what Python computes."""

import base64
import difflib
import json
import os
import re
import subprocess
import zipfile
import zlib

import numpy as np
import pytest
import torch
from helpers import tiny_model
from PIL import Image

import javascript
import playground_files
from book_pages import ROOT
from partclipseg_lite.figures.maps import coverage, coverage_shares
from partclipseg_lite.inference.asking import ask, claims_of, decide, question
from partclipseg_lite.inference.graphs import decoder_graph
from partclipseg_lite.inference.panels import colours_of
from partclipseg_lite.inference.predict import encode
from partclipseg_lite.network.models import CLIPSeg, Conditions, PartCLIPSeg
from partclipseg_lite.vocabulary import tidy_name
from partclipseg_lite.weights.tiny_clip import UnknownWordError, load_toy_clip

NAMES = ["dog's head", "cat's head", "dog's tail", "dog", "dog's leg", "wheel"]


def as_text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")


def words_in_python(tokenizer) -> dict:
    contents = {"tokens": playground_files.tokens_of(tokenizer), **playground_files.vocabulary()}
    untidy = ["  dog’s   head", "Dog 's Head", "pup\u200bpy´s  snout", "cafe\u0301", "wheel"]
    texts = [*tokenizer.words, "a dog's head", "Potted plant's POT", "a close-up of a cat, brown"]
    unknown = []
    for text in ("zebra's head", "dog's snoud", "xylophone", "a whel of a car", "heads"):
        with pytest.raises(UnknownWordError) as refused:
            tokenizer.encode(text)
        word = re.search(r"no word '(.*?)'", str(refused.value))[1]
        near = re.search(r"near ones: (.*?)\.", str(refused.value))[1]
        unknown.append([text, word, [] if near == "none" else near.split(", ")])
    rng = np.random.default_rng(0)
    some = rng.choice(tokenizer.words, (40, 2)).tolist()
    colours = [*NAMES, "puppy's snout", "car", "coach's wheel"]
    return {
        "contents": contents,
        "tidy": [[text, tidy_name(text)] for text in untidy],
        "tokens": [
            [text, [tokenizer.start, *tokenizer.encode(text), tokenizer.end]] for text in texts
        ],
        "unknown": unknown,
        "alike": [[a, b, difflib.SequenceMatcher(None, a, b).ratio()] for a, b in some],
        "colours": [
            [name, "#" + bytes(colour).hex()]
            for name, colour in zip(colours, colours_of(list(map(question, colours))), strict=True)
        ],
    }


def pictures_in_python() -> dict:
    rng, resized = np.random.default_rng(1), []
    for width, height, side in ((1, 1, 8), (5, 90, 8), (31, 17, 16), (112, 40, 24), (16, 16, 16)):
        pixels = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
        small = Image.fromarray(pixels[..., :3]).resize((side, side), Image.Resampling.BILINEAR)
        resized.append(
            {
                **{"width": width, "height": height, "side": side},
                **{"pixels": as_text(pixels), "wanted": as_text(np.asarray(small))},
            }
        )
    texts = [b"", b"PartCLIPSeg", bytes(range(256))]
    crc = [[base64.b64encode(text).decode("ascii"), zlib.crc32(text)] for text in texts]
    return {"resized": resized, "crc": crc}


def answers_in_python(kind) -> dict:
    """A tiny random model's outputs, and what `asking` makes of them."""
    model = tiny_model(kind, seed=4)
    with torch.no_grad():
        model.background_embedding.mul_(3)
    image = np.random.default_rng(2).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    questions = tuple(map(question, NAMES))
    answer, graph = ask(model, image, questions), decoder_graph(model)
    embed = model.backbone.embed_text
    if kind is CLIPSeg:
        given = [
            embed(
                ["a dog's head", "a cat's head", "a dog's tail", "a dog", "a dog's leg", "a wheel"]
            )
        ]
    else:
        parts, objects = embed(["head", "tail", "leg"]), embed(["dog", "cat", "wheel"])
        pairs = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 0, 0])
        given = vars(Conditions(parts, objects, *pairs)).values()
    with torch.no_grad():
        outputs = dict(zip(graph.outputs, graph(*encode(model, [image]), *given), strict=True))
    within = np.arange(40 * 30).reshape(40, 30) % 3 > 0
    decisions = []
    for told, inside in ((False, None), (True, None), (True, within)):
        decided = decide(answer, (40, 30), told, inside)
        decisions.append(
            {
                **{"width": 30, "height": 40, "told": told, "scores": decided.scores},
                "within": None if inside is None else inside.astype(int).flatten().tolist(),
                "labels": decided.labels.flatten().tolist(),
                "masks": decided.masks.astype(int).reshape(len(questions), -1).tolist(),
            }
        )
    claimed, plain = [], decide(answer, (40, 30))
    for gamma in (0.2, 0.5):
        found, claims, _ = claims_of(answer, plain, "dog", gamma)
        shares = coverage_shares(coverage(claims.reshape(len(claims), 4, 4).astype(float), 0.5))
        claimed.append(
            {
                **{"object": "dog", "gamma": gamma, "parts": found, "overlap": shares["overlap"]},
                "claims": claims.astype(int).tolist(),
            }
        )
    assert len(claimed[0]["parts"]) > 1
    return {
        **{"title": kind.__name__, "names": NAMES, "side": 32, "grid": 4},
        "outputs": {name: rows.flatten(1).tolist() for name, rows in outputs.items()},
        "decisions": decisions,
        "claimed": claimed,
    }


def test_javascript_computes_what_python_does(tmp_path):
    reference = {
        "words": words_in_python(load_toy_clip()[1]),
        "pictures": pictures_in_python(),
        "answers": [answers_in_python(kind) for kind in (PartCLIPSeg, CLIPSeg)],
    }
    file, zipped = tmp_path / "reference.json", tmp_path / "masks.zip"
    file.write_text(json.dumps(reference))
    folder = ROOT / "tests" / "figures" / "web" / "playground"
    ran = subprocess.run(
        [
            javascript.node(),
            "--test",
            "--test-reporter=tap",
            *sorted(map(str, folder.glob("*.mjs"))),
        ],
        env={**os.environ, "REFERENCE": str(file), "ZIPPED": str(zipped)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^# pass [1-9]\d", ran.stdout, re.MULTILINE), ran.stdout
    with zipfile.ZipFile(zipped) as archive:
        assert archive.testzip() is None
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert contents == {"toy/1-dog-head.png": b"\1\2\3", "leer.txt": b"", "ä.json": b"{}"}
