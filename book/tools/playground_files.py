"""The playground's files: runtime, networks, words and pictures, as scripts that any page can load.

    python book/tools/playground_files.py --output DIR     what render_pages.py puts into the book

Takes a minute the first time, for PyTorch to trace five graphs; then seconds. Pages that are files
may load scripts and nothing else, so each file is compressed, written as text, and cut into pieces
that a progress bar can count.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from filelock import FileLock
from PIL import Image

from book_pages import BUILD, ROOT, fail, fresh_folder

sys.path.insert(0, str(ROOT))  # the packages beside this script, whatever is installed

GRAPHS = BUILD / "playground"
PIECE = 1_000_000  # characters of base64 in a script
WEBASSEMBLY = {"wasm": "ort-wasm-simd-threaded.wasm", "mjs": "ort-wasm-simd-threaded.mjs"}
LOADER = "ort.wasm.min.js"
# Each after those that it uses.
MODULES = (
    *("attention", "elements", "words", "pictures", "answers", "painting", "network", "shelf"),
    *("session", "views", "table", "wordbox", "board", "saving", "picker", "choices", "playground"),
)
# What decides what a graph computes, besides the weights.
SOURCES = ("network/*.py", "release/departures.py", "inference/graphs.py", "inference/export.py")
IGNORED = 0  # in a gallery picture's labels: no part


# ---- networks ------------------------------------------------------------------------------------


def traced(name: str, weights: Iterable[Path], make: Callable[[], bytes]) -> bytes:
    """What `make` gives, kept until the weights, the sources or PyTorch change."""
    import torch

    digest = hashlib.sha256(torch.__version__.encode())
    package = ROOT / "partclipseg_lite"
    sources = sorted(path for pattern in SOURCES for path in package.glob(pattern))
    for path in (*weights, *sources):
        digest.update(path.read_bytes())
    file = GRAPHS / f"{name}-{digest.hexdigest()[:16]}.onnx"
    GRAPHS.mkdir(parents=True, exist_ok=True)
    with FileLock(GRAPHS / ".lock"):  # tests beside each other need the same
        if not file.exists():
            print(f"   tracing {name}", flush=True)
            contents = make()
            for stale in GRAPHS.glob(f"{name}-*.onnx"):
                stale.unlink()
            partial = file.with_suffix(f".{os.getpid()}.partial")
            partial.write_bytes(contents)
            partial.replace(file)
        return file.read_bytes()


def networks() -> tuple[dict[str, bytes], dict]:
    """(files, what the page needs to know of them) of the models that ship.

    Models that read the same activations share an encoder.
    """
    import torch

    from partclipseg_lite.inference.gallery import MODELS, SHORT
    from partclipseg_lite.inference.graphs import ImageGraph, PhraseGraph, TextGraph, decoder_graph
    from partclipseg_lite.weights.locate import shipped_path
    from partclipseg_lite.weights.models import load_model
    from partclipseg_lite.weights.state import fingerprint
    from partclipseg_lite.weights.tiny_clip import toy_clip_path

    clip = toy_clip_path()
    files: dict[str, bytes] = {}
    encoders: dict[tuple, str] = {}
    described, clips = [], set()
    for name, title in MODELS.items():
        model, *_ = load_model(name)
        backbone = model.backbone
        clips.add(fingerprint(backbone.clip))
        kind = (backbone.image_size, backbone.layers)
        if kind not in encoders:
            encoders[kind] = f"encoder_{len(encoders)}"
            files[encoders[kind]] = traced(
                f"{encoders[kind]}_of_{name}",
                [clip, shipped_path(name)],
                lambda backbone=backbone: checked(ImageGraph(backbone), *picture_tries(backbone)),
            )
        files[name] = traced(
            name,
            [clip, shipped_path(name)],
            lambda model=model: checked(decoder_graph(model), *word_tries(model)),
        )
        described.append(
            {
                "name": name,
                "title": title,
                "short": SHORT[name],
                "encoder": encoders[kind],
                "side": backbone.image_size,
                "grid": backbone.grid,
                "phrases": isinstance(decoder_graph(model), PhraseGraph),
            }
        )
    if len(clips) > 1:
        fail("the models that ship have different CLIPs; the playground has one text encoder")
    files["text"] = traced(
        "text", [clip], lambda: checked(TextGraph(backbone), *token_tries(backbone))
    )
    torch.manual_seed(0)
    return files, {"models": described, "tokens": tokens_of(backbone.tokenizer)}


def checked(graph, *tries: list) -> bytes:
    """A graph's file, simplified, its weights in half the room where that loses nothing."""
    from partclipseg_lite.inference.graphs import ALLOWED, compare, in_half, simplified, to_onnx

    found = in_half(simplified(to_onnx(graph, tries[0])), lossless=True)
    compare(found, graph, tries, ALLOWED)
    return found.SerializeToString()


def picture_tries(backbone) -> list[list]:
    """Pictures to trace and try the encoder on."""
    from partclipseg_lite.inference.export import example_picture

    return [[example_picture(backbone, number)] for number in range(2)]


def word_tries(model) -> list[list]:
    """Activations and words to trace and try a decoder on."""
    import torch

    from partclipseg_lite.inference.export import (
        TRACED,
        embedded_words,
        example_picture,
        example_words,
    )
    from partclipseg_lite.inference.graphs import ImageGraph, decoder_graph

    embeddings, random = embedded_words(model)[1], torch.Generator().manual_seed(0)
    encoder, decoder = ImageGraph(model.backbone), decoder_graph(model)
    with torch.no_grad():
        activations = list(encoder(example_picture(model.backbone)))
    return [
        [*activations, *example_words(decoder, embeddings, counts, random)]
        for counts in (TRACED, (1, 1, 1), (8, 2, 15))
    ]


def token_tries(backbone) -> list[list]:
    """Tokens to trace and try the text encoder on."""
    tokens = backbone.tokenizer(["dog", "a dog's head", "head", "puppy", "handlebar"])
    return [[tokens[:, :-1]], [tokens[:1, :4]], [tokens]]


# ---- words and pictures --------------------------------------------------------------------------


def tokens_of(tokenizer) -> dict:
    """The tiny CLIP's dictionary: the tokens of each word, those of marks, start and end."""
    return {
        "words": {word: tokenizer.encode(word) for word in tokenizer.words},
        "marks": {mark: tokenizer.encode(mark) for mark in ("'s", ",")},
        "start": tokenizer.start,
        "end": tokenizer.end,
        "context": tokenizer.context_length,
    }


def vocabulary() -> dict:
    """Objects and parts with their synonyms and colours, and the marks that are read as another."""
    from partclipseg_lite.figures.palette import object_palette, part_palette
    from partclipseg_lite.network.models import OBJECT_TEMPLATE, PART_TEMPLATE, PHRASE_TEMPLATE
    from partclipseg_lite.vocabulary import (
        APOSTROPHES,
        INVISIBLE,
        OBJECT_SYNONYMS,
        PART_SYNONYMS,
        Vocabulary,
    )

    drawn = Vocabulary.load("drawn")
    code = lambda rgb: "#" + bytes(rgb).hex()  # noqa: E731
    return {
        "objects": [
            {
                "name": obj,
                "novel": obj in drawn.novel_objects,
                "parts": list(drawn.parts_of(obj)),
                "synonyms": list(OBJECT_SYNONYMS.get(obj, ())),
                "colour": code(colour),
            }
            for obj, colour in zip(drawn.objects, object_palette(drawn), strict=True)
        ],
        "parts": [
            {
                "name": part,
                "synonyms": list(PART_SYNONYMS.get(part, ())),
                "colour": code(colour),
            }
            for part, colour in zip(drawn.parts, part_palette(drawn), strict=True)
        ],
        "apostrophes": APOSTROPHES,
        "invisible": INVISIBLE,
        "templates": {
            "part": PART_TEMPLATE,
            "object": OBJECT_TEMPLATE,
            "phrase": PHRASE_TEMPLATE,
            "single": "a {}",
        },
    }


def pictures() -> list[dict]:
    """The gallery: pictures and their true masks, each without loss."""
    from partclipseg_lite.inference.gallery import gallery
    from partclipseg_lite.vocabulary import Vocabulary

    drawn = Vocabulary.load("drawn")
    found = []
    for example in gallery():
        ids = [drawn.index(name) for name in example.names]
        labels = np.zeros(example.sample.part_map.shape, np.uint8)
        for number, i in enumerate(ids, start=1):
            labels[example.sample.part_map == i] = number
        found.append(
            {
                "title": example.title,
                "kind": example.kind,
                "names": list(example.names),
                "image": _address(example.sample.image, "webp"),
                "labels": _address(labels, "png"),
            }
        )
    return found


def _address(array: np.ndarray, form: str) -> str:
    buffer = io.BytesIO()
    lossless = {"lossless": True, "method": 6} if form == "webp" else {"optimize": True}
    Image.fromarray(array).save(buffer, format=form, **lossless)
    return f"data:image/{form};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"


# ---- the files -----------------------------------------------------------------------------------


def pack(files: Mapping[str, bytes], folder: Path) -> dict:
    """Write files as scripts of at most `PIECE` characters; how many pieces each has, and all."""
    pieces = {}
    for name, contents in files.items():
        text = base64.b64encode(gzip.compress(contents, 9, mtime=0)).decode("ascii")
        cut = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        pieces[name] = [len(piece) for piece in cut]
        for number, piece in enumerate(cut):
            script = f'playgroundPiece({json.dumps(name)},{number},"{piece}");\n'
            (folder / f"{name}-{number}.js").write_text(script, encoding="ascii")
    return pieces


def write(folder: Path, runtime: Path) -> None:
    """Write everything that the playground's page loads.

    Args:
        folder: is emptied first.
        runtime: holds onnxruntime-web's files.
    """
    from partclipseg_lite.figures.laboratory import bundled, web
    from partclipseg_lite.inference.gallery import START

    missing = [name for name in (*WEBASSEMBLY.values(), LOADER) if not (runtime / name).is_file()]
    if missing:
        fail(f"{runtime} lacks {', '.join(missing)} of onnxruntime-web; remove it and render again")
    fresh_folder(folder)
    files, facts = networks()
    contents = {**facts, **vocabulary(), "gallery": pictures()}
    contents["start"] = [one["title"] for one in contents["gallery"]].index(START)
    files["contents"] = json.dumps(contents, ensure_ascii=False).encode("utf-8")
    files |= {kind: (runtime / name).read_bytes() for kind, name in WEBASSEMBLY.items()}
    pieces = pack(files, folder)
    shutil.copy(runtime / LOADER, folder)
    megabytes = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    start = json.dumps({"pieces": pieces, "loader": LOADER, "megabytes": round(megabytes, 1)})
    script = bundled(MODULES, f"mountAll({start});")
    (folder / "playground.js").write_text(script, encoding="utf-8")
    style = web("laboratory.css") + web("playground.css")
    (folder / "playground.css").write_text(style, encoding="utf-8")
    print(f"   the playground: {megabytes:.1f} MB", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and writes the files."""
    from render_pages import fetch_javascript, runtime_folder

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="folder to fill")
    options = parser.parse_args(arguments)
    fetch_javascript()
    write(options.output, runtime_folder())


if __name__ == "__main__":
    main()
