"""A model as files for onnxruntime: from a picture and words to masks without PyTorch.

    parts.onnx            a picture and embedded words -> logits and attention
    parts.words.npz       words and their embeddings
    parts.text.onnx       tokens -> embeddings of any text, on request
    parts.tokenizer.json  texts -> tokens, for the package `tokenizers`, on request

The book's page "Masks without PyTorch" shows how they are used. Nothing is written unless
onnxruntime computes what PyTorch computes.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..datasets.drawn import DrawnWorld
from ..files import check_writable, replacing
from ..network.backbone import Backbone
from ..network.models import PART_TEMPLATE, CLIPSeg, PartCLIPSeg
from ..vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary, available
from ..weights.clips import CLIPTokenizer
from ..weights.models import load_model
from ..weights.tiny_clip import ToyTokenizer, UnknownWordError
from .graphs import (
    ALLOWED,
    ALLOWED_IN_HALF,
    Deviation,
    Graph,
    TextGraph,
    WholeGraph,
    check_extra,
    compare,
    in_half,
    to_onnx,
)

if TYPE_CHECKING:  # it comes with the extra `export`
    import onnx

SUFFIX = ".onnx"
# Numbers of parts, objects and object parts with which a graph is traced, and then tried.
TRACED, TRIED = (3, 2, 4), ((1, 1, 1), (3, 2, 4), (9, 5, 14))


@dataclass(frozen=True)
class Exported:
    """What was written, and how it was checked.

    Attributes:
        files: every file.
        checks: a sentence for each comparison with PyTorch.
        words: how many words the table holds.
    """

    files: tuple[Path, ...]
    checks: tuple[str, ...]
    words: int


def export_model(
    name_or_path: str | Path,
    out: str | Path,
    *,
    half: bool = False,
    names: Iterable[str] | None = None,
    text: bool = False,
    allow_download: bool = False,
) -> Exported:
    """Write a model as files for onnxruntime, once it was compared with PyTorch.

    Args:
        name_or_path: weights, as `load_model` takes them.
        out: file of the graph; the others lie beside it.
        half: store weights in half precision; they are computed with in float32.
        names: object parts for the table of words; without them, all that `known_words` lists.
        text: also the text encoder and its tokenizer.
        allow_download: see `load_model`.

    Raises:
        ImportError: a package of the extra `export` is missing.
        ValueError: `out` does not end in .onnx, a name cannot be read, or onnxruntime computes
            something else than PyTorch.
        OSError: nothing can be written there.
    """
    files = _files(Path(out), text)
    for file in files.values():
        check_writable(file)
    check_extra()
    wanted = None if names is None else Vocabulary.from_names(names)
    model, settings, _, _ = load_model(name_or_path, allow_download=allow_download)
    words, embeddings = embedded_words(model, wanted)
    contents, checks = {}, []
    for kind, piece, tries in _pieces(model, words, embeddings, text):
        graph, said = _checked(piece, tries, half)
        checks += said
        facts = {"model": type(model).__name__, "weights": str(name_or_path)}
        facts |= {"reading": settings.reading.name, "weights stored as": "float16" if half else ""}
        contents[files[kind]] = _packed(graph, facts, half)
    if text:
        contents[files["tokenizer"]] = tokenizer_json(model.backbone.tokenizer).encode("utf-8")
    files["graph"].parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as all_or_none:
        for file, content in contents.items():
            all_or_none.enter_context(replacing(file)).write_bytes(content)
        with all_or_none.enter_context(replacing(files["words"])).open("wb") as table:
            np.savez(table, words=np.array(words), embeddings=embeddings.numpy())
    return Exported(tuple(files.values()), tuple(checks), len(words))


def _files(out: Path, text: bool) -> dict[str, Path]:
    if out.suffix != SUFFIX or not out.stem:
        raise ValueError(f"the file to write must end in {SUFFIX}, got {str(out)!r}")
    kinds = {"graph": SUFFIX, "words": ".words.npz"}
    if text:
        kinds |= {"text": f".text{SUFFIX}", "tokenizer": ".tokenizer.json"}
    return {kind: out.with_name(out.stem + ending) for kind, ending in kinds.items()}


def _pieces(
    model: PartCLIPSeg | CLIPSeg, words: tuple[str, ...], embeddings: Tensor, text: bool
) -> Iterator[tuple[str, Graph, list[list[Tensor]]]]:
    """Each graph with inputs to trace it on (the first) and to try it on."""
    whole = WholeGraph(model)
    random = torch.Generator().manual_seed(0)
    yield (
        "graph",
        whole,
        [
            [example_picture(model.backbone, i), *example_words(whole, embeddings, counts, random)]
            for i, counts in enumerate((TRACED, *TRIED))
        ],
    )
    if text:
        tokens = model.backbone.tokenizer(list(words))
        longest = int(tokens.argmax(-1).max()) + 1
        yield (
            "text",
            TextGraph(model.backbone),
            [[tokens[:5, :-1]], [tokens[:1]], [tokens[: 2**8, :longest]]],
        )


def _checked(
    piece: Graph, tries: list[list[Tensor]], half: bool
) -> tuple["onnx.ModelProto", list[str]]:
    """The graph of a piece, and what was seen when it was compared with PyTorch."""
    graph = to_onnx(piece, tries[0])
    say = partial("{}, largest difference from PyTorch: {}".format)
    checks = [say("float32", _listed(compare(graph, piece, tries, ALLOWED)))]
    if half:
        graph = in_half(graph)
        checks.append(say("float16", _listed(compare(graph, piece, tries, ALLOWED_IN_HALF))))
    return graph, checks


def _listed(deviations: Iterable[Deviation]) -> str:
    return ", ".join(map(str, deviations))


def _packed(graph: "onnx.ModelProto", facts: dict[str, str], half: bool) -> bytes:
    """The bytes of a file, `facts` among its metadata."""
    import onnx

    onnx.helper.set_model_props(graph, {name: fact for name, fact in facts.items() if fact})
    try:
        return graph.SerializeToString()
    except Exception as error:  # protobuf's own kind: it holds 2 GB
        raise ValueError(
            f"the graph does not fit into one ONNX file ({error})"
            f"{'' if half else '; export it in half precision'}"
        ) from error


# ---- what a graph is traced and tried on ---------------------------------------------------------


def example_picture(backbone: Backbone, number: int = 0) -> Tensor:
    """A drawn picture as the graph takes it, `uint8 [S, S, 3]`."""
    image = torch.from_numpy(DrawnWorld("test", number + 1, 128)[number].image.copy())
    side = backbone.image_size
    rows = torch.arange(side) * len(image) // side
    return image[rows][:, rows]


def example_words(
    graph: Graph, embeddings: Tensor, counts: tuple[int, int, int], random: torch.Generator
) -> list[Tensor]:
    """Words for a decoder's inputs.

    Args:
        graph: takes the words of `PartGraph` or of `PhraseGraph`.
        embeddings: to draw from, `float32 [V, E]`.
        counts: numbers of parts, objects and object parts.
        random: draws.
    """
    numbers = dict(zip("POT", counts, strict=True))

    def draw(most: int, letter: str) -> Tensor:
        return torch.randint(most, (numbers[letter],), generator=random)

    made = {
        "parts": embeddings[draw(len(embeddings), "P")],
        "objects": embeddings[draw(len(embeddings), "O")],
        "part_of": draw(numbers["P"], "T"),
        "object_of": draw(numbers["O"], "T"),
        "phrases": embeddings[draw(len(embeddings), "T")],
    }
    return [made[name] for name in graph.inputs if name in made]


# ---- words ---------------------------------------------------------------------------------------


def embedded_words(
    model: PartCLIPSeg | CLIPSeg, wanted: Vocabulary | None = None
) -> tuple[tuple[str, ...], Tensor]:
    """Words as a model reads them, and their embeddings, `float32 [V, E]`.

    PartCLIPSeg reads bare words, "dog" and "head"; CLIPSeg phrases, which stand under the names
    that they are made of, "dog's head".

    Args:
        model: embeds them.
        wanted: names; without them, `known_words`.

    Raises:
        UnknownWordError: the tiny CLIP does not know a word of `wanted`.
    """
    with torch.inference_mode():
        if isinstance(model, CLIPSeg):
            wanted = wanted or Vocabulary.from_names(known_names(model.backbone))
            return wanted.object_parts, model.embed(wanted).float()
        words = known_words(model.backbone)
        if wanted is not None:
            words = tuple(dict.fromkeys([*wanted.objects, *wanted.parts]))
        texts = [PART_TEMPLATE.format(word) for word in words]
        return words, model.backbone.embed_text(texts).float()


def known_words(backbone: Backbone) -> tuple[str, ...]:
    """Objects, parts and synonyms of all shipped vocabularies, and a tiny CLIP's dictionary.

    Without those that the tiny CLIP cannot read.
    """
    vocabularies = [Vocabulary.load(name) for name in available()]
    words = [word for v in vocabularies for word in (*v.objects, *v.parts)]
    words += [
        word
        for table in (OBJECT_SYNONYMS, PART_SYNONYMS)
        for each in table.values()
        for word in each
    ]
    words += getattr(backbone.tokenizer, "words", ())
    return tuple(word for word in dict.fromkeys(words) if _is_read(backbone, word))


def known_names(backbone: Backbone) -> tuple[str, ...]:
    """Object parts of all shipped vocabularies, without those that a tiny CLIP cannot read."""
    names = [name for known in available() for name in Vocabulary.load(known).object_parts]
    return tuple(name for name in dict.fromkeys(names) if _is_read(backbone, name))


def _is_read(backbone: Backbone, text: str) -> bool:
    try:
        backbone.tokenizer([text])
    except UnknownWordError:
        return False
    return True


def tokenizer_json(tokenizer: CLIPTokenizer | ToyTokenizer) -> str:
    """CLIP's tokenizer in the form that `tokenizers.Tokenizer.from_str` reads.

    Start and end are added. A tiny CLIP's has ids of its own; pieces of words that it does not know
    get ids beyond its table, which the text encoder then refuses.
    """
    bpe = tokenizer.bpe
    ids = {piece: i for piece, i in bpe.encoder.items()}
    start, end = bpe.sot_token_id, bpe.eot_token_id
    if isinstance(tokenizer, ToyTokenizer):
        own, beyond = tokenizer.piece_ids, tokenizer.vocab_size
        ids = {piece: own.get(i, beyond + i) for piece, i in ids.items()}
        start, end = tokenizer.start, tokenizer.end
    marks = {"<start_of_text>": start, "<end_of_text>": end}
    pieces = r"'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+"
    form = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}],
        },
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": pieces},
                    "behavior": "Removed",
                    "invert": True,
                },
                {
                    "type": "ByteLevel",
                    "add_prefix_space": False,
                    "trim_offsets": True,
                    "use_regex": False,
                },
            ],
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special("<start_of_text>"), _sequence("A"), _special("<end_of_text>")],
            "pair": [_sequence("A"), _sequence("B")],
            "special_tokens": {
                mark: {"id": mark, "ids": [i], "tokens": [mark]} for mark, i in marks.items()
            },
        },
        "decoder": None,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {**ids, **marks},
            "merges": [" ".join(pair) for pair in bpe.bpe_ranks],
        },
    }
    return json.dumps(form, ensure_ascii=False)


def _special(mark: str) -> dict:
    return {"SpecialToken": {"id": mark, "type_id": 0}}


def _sequence(which: str) -> dict:
    return {"Sequence": {"id": which, "type_id": 0}}
