"""Pieces of a model as ONNX graphs, each compared with PyTorch by onnxruntime.

A piece is a `Graph`: a module with named inputs and outputs. `to_onnx` writes its graph, `compare`
tries it, `in_half` stores its weights in half the room. The packages for it come with the extra
`export`.
"""

import contextlib
import importlib
import logging
import re
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from ..network.backbone import Backbone, encode_tokens
from ..network.decoder import AttentionTap
from ..network.models import CLIPSeg, Conditions, PartCLIPSeg
from .predict import check_numbers

if TYPE_CHECKING:  # they come with the extra `export`
    import onnx

NEEDED = ("onnx", "onnxscript", "onnxruntime")
# Largest deviation from PyTorch that is let pass, as a share of an output's largest value.
ALLOWED, ALLOWED_IN_HALF = 1e-3, 3e-2
WORTH_HALVING = 256  # values: smaller tensors stay float32


# ---- pieces of a model ---------------------------------------------------------------------------


class Graph(nn.Module):
    """A piece of a model whose forward takes and gives tensors by position.

    Attributes:
        inputs: name -> letters of the leading axes whose lengths may vary.
        outputs: names.
        most: letter -> the greatest length, where there is one.
    """

    inputs: dict[str, tuple[str, ...]]
    outputs: tuple[str, ...]
    most: dict[str, int] = {}


class ImageGraph(Graph):
    """A picture, RGB `uint8 [S, S, 3]`, to what the decoder reads, each `float32 [1, 1+N, W]`."""

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.backbone = backbone
        self.inputs = {"image": ()}
        self.outputs = tuple(f"activation_{layer}" for layer in backbone.layers)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Activations of the backbone's layers, shallow to deep."""
        return tuple(
            self.backbone.activations(self.backbone.preprocess(image.permute(2, 0, 1)[None]))
        )


class PartGraph(Graph):
    """PartCLIPSeg after its image encoder: activations and words to logits and attention.

    Outputs are of one picture, `float32`: object parts `[T+1, S, S]`, background last; parts
    `[P, S, S]`; objects `[O, S, S]`; background `[1, S, S]`; attention `[P+O, N, N]` of the parts,
    then the objects: a row for each place that asks, mean of the heads, without class token.
    """

    words = {"parts": ("P",), "objects": ("O",), "part_of": ("T",), "object_of": ("T",)}
    outputs = (
        "object_part_logits",
        "part_logits",
        "object_logits",
        "background_logits",
        "attention",
    )

    def __init__(self, model: PartCLIPSeg):
        super().__init__()
        self.model, self.depth = model, len(model.backbone.layers)
        self.inputs = {**_activations(model.backbone), **self.words}

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs for activations and the fields of `Conditions`, without batch axis."""
        activations, words = tensors[: self.depth], Conditions(*tensors[self.depth :])
        tap = AttentionTap(torch.arange(words.parts.shape[0] + words.objects.shape[0]))
        found = self.model(list(activations), words, tap)
        return (
            found.object_part_logits[0],
            found.part_logits[0],
            found.object_logits[0],
            found.background_logits[0],
            _mean_attention(tap),
        )


class PhraseGraph(Graph):
    """CLIPSeg after its image encoder: activations and phrases to logits and attention.

    Outputs are of one picture, `float32`: object parts `[T+1, S, S]`, background last; attention
    `[T, N, N]`, as in `PartGraph`.
    """

    words = {"phrases": ("T",)}
    outputs = ("object_part_logits", "attention")

    def __init__(self, model: CLIPSeg):
        super().__init__()
        self.model, self.depth = model, len(model.backbone.layers)
        self.inputs = {**_activations(model.backbone), **self.words}

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The outputs for activations and phrases, `float32 [T, E]`."""
        activations, phrases = tensors[: self.depth], tensors[self.depth]
        tap = AttentionTap(torch.arange(phrases.shape[0]))
        found = self.model(list(activations), phrases, tap)
        return found.object_part_logits[0], _mean_attention(tap)


class WholeGraph(Graph):
    """A whole model: a picture and embedded words to logits and attention."""

    def __init__(self, model: PartCLIPSeg | CLIPSeg):
        super().__init__()
        self.encoder, self.decoder = ImageGraph(model.backbone), decoder_graph(model)
        self.inputs = {**self.encoder.inputs, **self.decoder.words}
        self.outputs = self.decoder.outputs

    def forward(self, image: Tensor, *words: Tensor) -> tuple[Tensor, ...]:
        """The decoder's outputs for a picture, RGB `uint8 [S, S, 3]`, and the decoder's words."""
        return self.decoder(*self.encoder(image), *words)


class TextGraph(Graph):
    """Tokens, `int64 [C, L]` with start and end and then zeros, to embeddings, `float32 [C, E]`."""

    inputs = {"tokens": ("C", "L")}
    outputs = ("embeddings",)

    def __init__(self, backbone: Backbone):
        super().__init__()
        self.clip = backbone.clip
        # The whole context works, too, but PyTorch's tracer takes it for another case.
        self.most = {"L": len(backbone.clip.positional_embedding) - 1}

    def forward(self, tokens: Tensor) -> tuple[Tensor]:
        """Embeddings as `Backbone.embed_text` gives them."""
        return (encode_tokens(self.clip, tokens),)


def decoder_graph(model: PartCLIPSeg | CLIPSeg) -> PartGraph | PhraseGraph:
    """What comes after the image encoder."""
    return PhraseGraph(model) if isinstance(model, CLIPSeg) else PartGraph(model)


def _activations(backbone: Backbone) -> dict[str, tuple[str, ...]]:
    return dict.fromkeys((f"activation_{layer}" for layer in backbone.layers), ())


def _mean_attention(tap: AttentionTap) -> Tensor:
    return tap.weights.mean(1)[:, 1:, 1:]


# ---- to ONNX -------------------------------------------------------------------------------------


def check_extra() -> None:
    """`ImportError` with the remedy if a package of the extra `export` is not installed."""
    for package in NEEDED:
        try:
            importlib.import_module(package)
        except ImportError as error:
            raise ImportError(
                f"writing ONNX needs the packages {', '.join(NEEDED)}, and {package} cannot be "
                f'imported ({error}); pip install "partclipseg-lite[export]"'
            ) from error


def to_onnx(graph: Graph, example: Sequence[Tensor]) -> "onnx.ModelProto":
    """The ONNX graph of a piece, as PyTorch traces it on an example of its inputs.

    Axes that may vary have at least two entries in the example.

    Raises:
        ImportError: a package of the extra `export` is missing.
    """
    check_extra()
    letters = {letter for axes in graph.inputs.values() for letter in axes}
    lengths = {x: torch.export.Dim(x, min=1, max=graph.most.get(x)) for x in sorted(letters)}
    shapes = tuple(
        {axis: lengths[letter] for axis, letter in enumerate(axes)}
        for axes in graph.inputs.values()
    )
    with _quiet(), torch.no_grad():
        # Left to itself, torch.onnx traces the bytecode first, which takes longer and finds less.
        traced = torch.export.export(
            _Positional(graph).eval(), tuple(example), dynamic_shapes=(shapes,), strict=False
        )
        program = torch.onnx.export(
            traced,
            dynamo=True,
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            external_data=False,
            verbose=False,
        )
    return _with_names_of_axes(_without_traces(program.model_proto), graph)


class _Positional(nn.Module):
    """A graph behind one signature, so that one form of `dynamic_shapes` fits all."""

    def __init__(self, graph: Graph):
        super().__init__()
        self.piece = graph

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return self.piece(*tensors)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the exporter's remarks on its own progress."""
    chatty = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript")]
    levels = [logger.level for logger in chatty]
    try:
        for logger in chatty:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(chatty, levels, strict=True):
            logger.setLevel(level)


def _without_traces(model: "onnx.ModelProto") -> "onnx.ModelProto":
    """The same without the places of the source, which name folders of this machine."""
    for thing in (model.graph, *model.graph.node, *model.graph.value_info, *model.functions):
        thing.ClearField("metadata_props")
        thing.ClearField("doc_string")
    return model


def _with_names_of_axes(model: "onnx.ModelProto", graph: Graph) -> "onnx.ModelProto":
    """The same with the graph's letters for axes that vary, in place of the tracer's symbols."""
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    axes = {value.name: value.type.tensor_type.shape.dim for value in values}
    letters = {
        axis.dim_param: letter
        for name, of_input in graph.inputs.items()
        for axis, letter in zip(axes[name], of_input, strict=False)
    }
    for axis in (axis for shape in axes.values() for axis in shape if axis.dim_param):
        axis.dim_param = re.sub(r"\w+", lambda x: letters.get(x[0], x[0]), axis.dim_param)
    return model


def in_half(model: "onnx.ModelProto", *, lossless: bool = False) -> "onnx.ModelProto":
    """A graph that stores its weights as float16 and computes with them in float32.

    Args:
        model: the graph; it stays as it is.
        lossless: leave tensors as they are that half precision would round.

    Raises:
        ValueError: a weight is too large for half precision.
    """
    import onnx
    from onnx import numpy_helper

    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    casts = []
    for tensor in halved.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < WORTH_HALVING:
            continue
        if lossless and not (values == values.astype(np.float16)).all():
            continue
        largest = np.abs(values, where=np.isfinite(values), out=np.zeros_like(values)).max()
        if largest > np.finfo(np.float16).max:  # an attention mask's infinity stays what it is
            raise ValueError(
                f"the weights {tensor.name!r} reach {largest:.3g}, more than half precision holds; "
                "export without half"
            )
        whole, stored = tensor.name, f"{tensor.name}.half"
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [whole], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *halved.graph.node]
    halved.graph.ClearField("node")
    halved.graph.node.extend(nodes)
    return halved


# ---- compared with PyTorch -----------------------------------------------------------------------


@dataclass(frozen=True)
class Deviation:
    """How far onnxruntime is from PyTorch in one output.

    Attributes:
        output: its name.
        largest: largest difference of two values.
        of: largest value of PyTorch's.
    """

    output: str
    largest: float
    of: float

    def __str__(self) -> str:
        return f"{self.output} {self.largest:.1e} of {self.of:.3g}"


def compare(
    model: "onnx.ModelProto", graph: Graph, tries: Iterable[Sequence[Tensor]], allowed: float
) -> list[Deviation]:
    """The largest deviation of each output over some tries.

    Args:
        model: the ONNX graph.
        graph: what PyTorch computes.
        tries: inputs, in the order of `graph.inputs`.
        allowed: the largest deviation, as a share of the output's largest value.

    Raises:
        ValueError: one is larger, or onnxruntime cannot compute the graph.
        FloatingPointError: PyTorch itself gives values that are no numbers.
    """
    session = session_of(model)
    pairs: list[list[tuple[float, float]]] = []
    for tensors in tries:
        with torch.no_grad():
            wanted = graph(*tensors)
        check_numbers(torch.cat([output.flatten() for output in wanted]))
        feeds = {name: t.numpy() for name, t in zip(graph.inputs, tensors, strict=True)}
        try:
            found = session.run(list(graph.outputs), feeds)
        except Exception as error:  # onnxruntime has kinds of its own
            raise ValueError(
                f"onnxruntime cannot compute the graph for {_shapes(feeds)} ({error}); nothing is "
                "written"
            ) from error
        pairs.append([_deviation(a, b.numpy()) for a, b in zip(found, wanted, strict=True)])
    deviations = [
        Deviation(name, *(max(values) for values in zip(*of_output, strict=True)))
        for name, of_output in zip(graph.outputs, zip(*pairs, strict=True), strict=True)
    ]
    for deviation in deviations:
        if not deviation.largest <= allowed * deviation.of:  # NaN is not
            raise ValueError(
                f"onnxruntime does not compute what PyTorch computes: {deviation}, at most "
                f"{allowed * deviation.of:.1e} is let pass; nothing is written"
            )
    return deviations


def _deviation(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    if found.shape != wanted.shape:
        raise ValueError(
            f"onnxruntime gives the shape {found.shape}, PyTorch {wanted.shape}; nothing is written"
        )
    return float(np.abs(found - wanted).max()), float(np.abs(wanted).max())


def _shapes(feeds: dict[str, np.ndarray]) -> str:
    return ", ".join(f"{name} {list(values.shape)}" for name, values in feeds.items())


def session_of(model: "onnx.ModelProto"):
    """onnxruntime's session of a graph, on the processor.

    Raises:
        ValueError: it does not take the graph.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime has kinds of its own
        raise ValueError(f"onnxruntime does not take the graph ({error})") from error
