"""Exported files: what they compute, what they need, and what is refused.

Tracing a network takes seconds, so each kind of model is exported once, as small as it can be.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from helpers import DRAWN, SIZE, clip_file, quick_settings, tiny_backbone, tiny_model
from onnx import numpy_helper
from PIL import Image
from tokenizers import Tokenizer

from partclipseg_lite.cli import main
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.inference import export, graphs
from partclipseg_lite.inference.export import export_model
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.network.decoder import AttentionTap
from partclipseg_lite.network.models import CLIPSeg, Conditions
from partclipseg_lite.weights.build import build_model
from partclipseg_lite.weights.clips import CLIPTokenizer
from partclipseg_lite.weights.models import save_model

PAGE = Path(__file__).resolve().parents[2] / "book" / "onnx.md"
# As on the page: a lasting proof that neither PyTorch nor this package is needed.
ALONE = "import sys; sys.modules |= {'torch': None, 'partclipseg_lite': None}\n"
SMALL = {"model__layers": [0], "model__mlp_width": 16}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def clip(folder):
    return clip_file(folder / "clip.safetensors")


def run_folder(folder: Path, clip: Path, preset: str) -> Path:
    """Random weights, large enough that all masks are found somewhere."""
    settings = quick_settings(clip, preset, **SMALL)
    torch.manual_seed(3)
    model = build_model(settings)
    with torch.no_grad():
        for parameter in model.mask_head.parameters():
            parameter.mul_(3)
    save_model(folder / preset / "weights.safetensors", model, settings, DRAWN.seen_only())
    return folder / preset


@pytest.fixture(scope="module")
def parts(folder, clip):
    """(run folder, exported graph, what the command said) of PartCLIPSeg, with its text encoder."""
    run, out = run_folder(folder, clip, "toy"), folder / "new" / "parts.onnx"
    found = export_model(run, out, half=True, text=True)
    return run, out, found


@pytest.fixture(scope="module")
def phrases(folder, clip):
    """The same of the baseline, for three names."""
    run, out = run_folder(folder, clip, "toy_clipseg"), folder / "phrases.onnx"
    return run, out, export_model(run, out, names=["dog's head", "puppy's tail", "car's wheel"])


@pytest.fixture(scope="module")
def picture(parts):
    """A picture that is neither square nor of the network's size, beside the exported graph."""
    image = Image.fromarray(DrawnWorld("test", 1, 128, objects=["dog"])[0].image[:, :100])
    image.save(parts[1].with_name("dog.png"))
    return parts[1].with_name("dog.png")


def code_on_the_page() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run_alone(code: str, folder: Path) -> str:
    answer = subprocess.run(
        [sys.executable, "-c", ALONE + code], cwd=folder, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


# ---- the page for practitioners ------------------------------------------------------------------


def test_the_pages_code_finds_the_segmenters_masks_without_torch(parts, picture):
    run, out, _ = parts
    code = code_on_the_page()[0]
    assert len(code.splitlines()) <= 36 and "torch" not in code
    said = run_alone(code, out.parent).splitlines()
    names = ["dog's head", "dog's leg", "dog's tail", "dog's torso"]
    wanted = PartSegmenter.from_pretrained(run)(picture, names)
    assert len(said) == len(names)
    for name, line in zip(names, said, strict=True):
        mask = np.asarray(Image.open(out.with_name(f"{name}.png")))
        assert mask.shape == (128, 100)
        assert np.mean(mask != wanted.masks[name]) < 0.01
        assert float(re.search(r"score (\d\.\d\d)", line)[1]) == pytest.approx(
            wanted.scores[name], abs=0.02
        )
    assert 0 < np.mean(wanted.label_map >= 0)


def test_the_pages_other_words_are_embedded_as_the_package_embeds_them(parts):
    run, out, _ = parts
    code = code_on_the_page()
    report = "\nnp.save('found.npy', embed(['head', 'dog', \"a dog's head\", 'dining table']))"
    run_alone("import numpy as np, onnxruntime\n" + code[2] + report, out.parent)
    backbone = PartSegmenter.from_pretrained(run).model.backbone
    wanted = backbone.embed_text(["head", "dog", "a dog's head", "dining table"])
    assert np.allclose(np.load(out.with_name("found.npy")), wanted.numpy(), atol=1e-4)


def test_the_pages_line_for_the_baseline(phrases, folder):
    line = code_on_the_page()[1]
    before = """
import numpy as np, onnxruntime
names = ["car's wheel", "dog's head"]
table = np.load("phrases.words.npz")
embedding = dict(zip(table["words"], table["embeddings"]))
"""
    after = f"""
session = onnxruntime.InferenceSession("phrases.onnx")
image = (np.arange({3 * SIZE * SIZE}) % 251).astype(np.uint8).reshape({SIZE}, {SIZE}, 3)
np.save("logits.npy", session.run(["object_part_logits"], {{"image": image, **words}})[0])
"""
    run_alone(before + line + after, folder)
    model = PartSegmenter.from_pretrained(phrases[0]).model
    image = (torch.arange(3 * SIZE * SIZE) % 251).to(torch.uint8).view(SIZE, SIZE, 3)
    words = model.backbone.embed_text(["a car's wheel", "a dog's head"])
    with torch.no_grad():
        activations = model.backbone.activations(
            model.backbone.preprocess(image.permute(2, 0, 1)[None])
        )
        wanted = model(activations, words).object_part_logits[0]
    assert np.allclose(np.load(folder / "logits.npy"), wanted.numpy(), atol=1e-4)


# ---- what the files hold -------------------------------------------------------------------------


def test_logits_and_attention_are_pytorchs_for_any_numbers_of_words(parts):
    run, out, _ = parts
    model = PartSegmenter.from_pretrained(run).model
    session = onnxruntime.InferenceSession(out)
    image = torch.from_numpy(DrawnWorld("test", 1, SIZE)[0].image.copy())
    activations = model.backbone.activations(
        model.backbone.preprocess(image.permute(2, 0, 1)[None])
    )
    for p, o, t in ((6, 4, 11), (1, 3, 2), (2, 1, 1)):
        random = torch.Generator().manual_seed(p)
        words = Conditions(
            model.backbone.embed_text(["head", "tail", "leg", "torso", "eye", "wing"][:p]),
            model.backbone.embed_text(["dog", "cat", "car", "bus"][:o]),
            torch.randint(p, (t,), generator=random),
            torch.randint(o, (t,), generator=random),
        )
        tap = AttentionTap(torch.arange(p + o))
        with torch.no_grad():
            wanted = model(activations, words, tap)
        feeds = {name: value.numpy() for name, value in vars(words).items()}
        found = session.run(None, {"image": image.numpy(), **feeds})
        expected = [
            wanted.object_part_logits[0],
            wanted.part_logits[0],
            wanted.object_logits[0],
            wanted.background_logits[0],
            tap.weights.mean(dim=1)[:, 1:, 1:],
        ]
        assert [a.shape for a in found] == [tuple(b.shape) for b in expected]
        for a, b in zip(found, expected, strict=True):  # weights are rounded to half precision
            assert np.abs(a - b.numpy()).max() < 5e-3 * b.abs().max()


def test_axes_that_vary_have_the_pages_letters(parts):
    graph = onnx.load(parts[1]).graph
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*graph.input, *graph.output)
    }
    assert shapes["image"] == [SIZE, SIZE, 3] and shapes["parts"] == ["P", 32]
    assert shapes["part_of"] == shapes["object_of"] == ["T"]
    assert shapes["object_part_logits"] == ["T + 1", SIZE, SIZE]
    assert shapes["attention"][1:] == [16, 16]


def test_half_the_room_and_no_place_of_the_source(parts):
    _, out, found = parts
    graph = onnx.load(out)
    weights = [numpy_helper.to_array(tensor) for tensor in graph.graph.initializer]
    large = [w for w in weights if w.size >= graphs.WORTH_HALVING and w.dtype.kind == "f"]
    assert large and all(w.dtype == np.float16 for w in large)
    assert str(Path(graphs.__file__).parent) not in out.read_bytes().decode("latin-1")
    facts = {entry.key: entry.value for entry in graph.metadata_props}
    assert facts["model"] == "PartCLIPSeg" and facts["weights stored as"] == "float16"
    assert sorted(file.name for file in found.files) == [
        "parts.onnx",
        "parts.text.onnx",
        "parts.tokenizer.json",
        "parts.words.npz",
    ]
    assert not list(out.parent.glob(".*"))


def test_the_table_holds_the_tiny_clips_dictionary_or_the_names_asked_for(parts, phrases):
    table = np.load(parts[1].with_name("parts.words.npz"))
    assert {"dog", "puppy", "dining table", "snout"} <= set(table["words"].tolist())
    assert len(table["words"]) == len(table["embeddings"]) == parts[2].words
    backbone = PartSegmenter.from_pretrained(parts[0]).model.backbone
    row = table["words"].tolist().index("dining table")
    assert np.allclose(table["embeddings"][row], backbone.embed_text(["dining table"]), atol=1e-5)
    table = np.load(phrases[1].with_name("phrases.words.npz"))
    assert table["words"].tolist() == ["dog's head", "puppy's tail", "car's wheel"]


def test_clips_tokenizer_is_written_as_the_package_tokenizers_reads_it():
    ours = CLIPTokenizer()
    theirs = Tokenizer.from_str(export.tokenizer_json(ours))
    real = [*export.known_words(FakeBackbone(ours)), *export.known_names(FakeBackbone(ours))]
    texts = [*real, "a photo of a Dog's  head", "naïve café", "semi-trailer, 3 wheels!", "日本"]
    assert len(real) > 500
    wanted = [row[: row.argmax() + 1].tolist() for row in ours(texts)]
    assert [encoded.ids for encoded in theirs.encode_batch(texts)] == wanted


class FakeBackbone:
    def __init__(self, tokenizer):
        self.tokenizer = tokenizer


def test_a_tiny_clips_tokenizer_keeps_unknown_words_out_of_its_table():
    ours = tiny_backbone().tokenizer
    theirs = Tokenizer.from_str(export.tokenizer_json(ours))
    texts = [*ours.words, "a dog's head", "billy goat's dining table"]
    wanted = [row[: row.argmax() + 1].tolist() for row in ours(texts)]
    assert [encoded.ids for encoded in theirs.encode_batch(texts)] == wanted
    assert max(theirs.encode("zebra").ids) >= ours.vocab_size


def test_without_an_embedding_for_background_its_logits_are_nought():
    graph = graphs.WholeGraph(tiny_model(CLIPSeg, background=False))
    image = torch.zeros(SIZE, SIZE, 3, dtype=torch.uint8)
    logits, attention = graph(image, torch.randn(2, 32))
    assert logits.shape == (3, SIZE, SIZE) and not logits[-1].any()
    assert attention.shape == (2, 16, 16)


# ---- half precision ------------------------------------------------------------------------------


def linear(weight: np.ndarray) -> onnx.ModelProto:
    """x -> x @ weight."""
    value = lambda name: onnx.helper.make_tensor_value_info(name, 1, None)  # noqa: E731
    node = onnx.helper.make_node("MatMul", ["x", "weight"], ["y"])
    tensor = numpy_helper.from_array(weight, "weight")
    graph = onnx.helper.make_graph([node], "linear", [value("x")], [value("y")], [tensor])
    opset = [onnx.helper.make_opsetid("", 18)]
    return onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)


@pytest.mark.parametrize("exact", [True, False], ids=["exact", "rounded"])
def test_lossless_leaves_alone_what_half_precision_would_round(exact):
    weight = np.full((16, 16), 0.5 if exact else 0.1, np.float32)
    weight[0, 0] = np.inf  # an attention mask holds it
    for lossless in (True, False):
        halved = graphs.in_half(linear(weight), lossless=lossless)
        kept = numpy_helper.to_array(halved.graph.initializer[0])
        assert kept.dtype == (np.float16 if exact or not lossless else np.float32)
        x = np.ones((1, 16), np.float32)
        found = graphs.session_of(halved).run(None, {"x": x})[0]
        assert np.allclose(found[0, 1:], (x @ weight)[0, 1:], rtol=1e-3)


def test_a_weight_beyond_half_precision_is_refused():
    with pytest.raises(ValueError, match="'weight' reach 1e.05, more than half precision holds"):
        graphs.in_half(linear(np.full((16, 16), 1e5, np.float32)))


# ---- what is refused, with nothing written -------------------------------------------------------


def fails_in_one_line(capsys, *arguments) -> str:
    with pytest.raises(SystemExit) as stopped:
        main(["export", *map(str, arguments)])
    out, err = capsys.readouterr()
    assert stopped.value.code == 2 and err.count("\n") == 1 and not out
    assert err.startswith("partclipseg_lite export: ")
    return err


def test_mistakes_are_one_line_and_leave_nothing(capsys, folder, clip, tmp_path):
    run, out = run_folder(folder, clip, "toy"), tmp_path / "new" / "a.onnx"
    assert "must end in .onnx, got" in fails_in_one_line(
        capsys, "--weights", run, "--out", tmp_path / "a.pt"
    )
    assert "must end in .onnx" in fails_in_one_line(
        capsys, "--weights", run, "--out", tmp_path / ".onnx"
    )
    (tmp_path / "a.words.npz").mkdir()
    assert "a.words.npz is a folder" in fails_in_one_line(
        capsys, "--weights", run, "--out", tmp_path / "a.onnx"
    )
    (tmp_path / "file").touch()
    assert "is a file" in fails_in_one_line(
        capsys, "--weights", run, "--out", tmp_path / "file" / "a.onnx"
    )
    assert "no weights at 'tyo' (near: 'toy'" in fails_in_one_line(
        capsys, "--weights", "tyo", "--out", out
    )
    assert "no word 'zebra'" in fails_in_one_line(
        capsys, "--weights", run, "--out", out, "--names", "zebra's head"
    )
    assert "'dog' is not the name of an object part" in fails_in_one_line(
        capsys, "--weights", run, "--out", out, "--names", "dog"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.words.npz", "file"]


@pytest.mark.parametrize("package", graphs.NEEDED)
def test_a_missing_extra_is_named(capsys, monkeypatch, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    err = fails_in_one_line(capsys, "--weights", "toy", "--out", tmp_path / "a.onnx")
    assert f"{package} cannot be imported" in err
    assert 'pip install "partclipseg-lite[export]"' in err
    assert not list(tmp_path.iterdir())


def test_a_graph_that_computes_something_else_is_refused(monkeypatch, parts, tmp_path):
    wrong = onnx.load(parts[1])
    largest = max(wrong.graph.initializer, key=lambda tensor: len(tensor.raw_data))
    values = numpy_helper.to_array(largest) * np.float16(1.5)
    largest.CopyFrom(numpy_helper.from_array(values, largest.name))
    monkeypatch.setattr(export, "to_onnx", lambda *_: wrong)
    with pytest.raises(ValueError, match="does not compute what PyTorch computes: object_part"):
        export_model(parts[0], tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_knows_only_the_traced_numbers_of_words_is_refused(
    monkeypatch, parts, tmp_path
):
    fixed = onnx.load(parts[1])
    for value in fixed.graph.input:
        if value.name == "part_of":
            value.type.tensor_type.shape.dim[0].dim_value = 4
    monkeypatch.setattr(export, "to_onnx", lambda *_: fixed)
    monkeypatch.setattr(export, "ALLOWED", graphs.ALLOWED_IN_HALF)
    with pytest.raises(ValueError, match=r"cannot compute the graph for .*part_of \[1\]"):
        export_model(parts[0], tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_weights_without_sense_are_refused(phrases):
    graph = graphs.WholeGraph(tiny_model(CLIPSeg))
    graph.decoder.model.background_embedding.data.fill_(torch.nan)
    image = torch.zeros(SIZE, SIZE, 3, dtype=torch.uint8)
    with pytest.raises(FloatingPointError, match="no numbers"):
        graphs.compare(onnx.load(phrases[1]), graph, [[image, torch.randn(2, 32)]], 1)


def test_what_was_seen_is_said(parts, phrases):
    for found, sentences in ((parts[2], 4), (phrases[2], 1)):
        assert len(found.checks) == sentences
        for sentence in found.checks:
            assert re.match(r"float(32|16), largest difference from PyTorch: \w+ \d", sentence)


def test_the_tokenizers_file_is_plain_json(parts):
    assert json.loads(parts[1].with_name("parts.tokenizer.json").read_text())["model"]["merges"]
