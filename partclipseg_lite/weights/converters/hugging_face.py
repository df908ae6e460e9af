"""CLIPSeg in Hugging Face's form: tensors, and the config.json that describes them."""

from collections.abc import Mapping

from open_clip.model import CLIP
from torch import Tensor

from ...network.models import CLIPSeg
from ...network.precision import made_in_float32
from ..clips import real_backbone
from ..files import WeightsError
from .names import clip_table, decoder_table
from .tensors import convert, fill, split_clip

#: Pattern of a source's names -> why we leave such a tensor out.
DEAD_CLIPSEG = {
    r"clip\.(text|vision)_model\.embeddings\.position_ids": "the numbers 0, 1, 2, ..., no weights",
}

#: What a config.json leaves out when it is as in Hugging Face's own classes.
HF_DEFAULTS = {
    "projection_dim": 512,
    "extract_layers": [3, 6, 9],
    "reduce_dim": 64,
    "decoder_num_attention_heads": 4,
    "decoder_intermediate_size": 2048,
    "conditional_layer": 0,
    "use_complex_transposed_convolution": False,
    "model_type": "clipseg",
    "text_config": {
        "vocab_size": 49408,
        "hidden_size": 512,
        "intermediate_size": 2048,
        "num_hidden_layers": 12,
        "num_attention_heads": 8,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
        "eos_token_id": 49407,
    },
    "vision_config": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 224,
        "patch_size": 32,
        "hidden_act": "quick_gelu",
        "layer_norm_eps": 1e-5,
    },
}


_COUNTS = (
    "projection_dim",
    "reduce_dim",
    "decoder_num_attention_heads",
    "decoder_intermediate_size",
)
_TOWER_COUNTS = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
_TEXT_COUNTS = ("vocab_size", "max_position_embeddings")


def _ascending(layers: object, depth: int) -> bool:
    """Whether `layers` is a list of blocks of a tower of `depth`, shallow to deep, none twice."""
    return (
        isinstance(layers, list | tuple)
        and bool(layers)
        and all(type(layer) is int and 0 <= layer < depth for layer in layers)
        and all(a < b for a, b in zip(layers[:-1], layers[1:], strict=True))
    )


def hugging_face_config(config: Mapping, source: str) -> dict:
    """A CLIPSeg's config.json with the defaults it leaves out.

    Raises:
        WeightsError: it asks for what our CLIPSeg does not compute.
    """
    for tower in ("text_config", "vision_config"):
        if not isinstance(config.get(tower) or {}, Mapping):
            raise WeightsError(
                f"{source} has {tower} {str(config[tower])[:60]!r}, expected names and values; "
                "take a fresh copy of its config.json"
            )
    full = {
        **HF_DEFAULTS,
        **config,
        **{
            tower: {**HF_DEFAULTS[tower], **(config.get(tower) or {})}
            for tower in ("text_config", "vision_config")
        },
    }
    text, vision = full["text_config"], full["vision_config"]
    for what, value in (
        *((name, full[name]) for name in _COUNTS),
        *((f"text_config.{name}", text[name]) for name in (*_TOWER_COUNTS, *_TEXT_COUNTS)),
        *((f"vision_config.{name}", vision[name]) for name in (*_TOWER_COUNTS, "image_size")),
    ):
        if type(value) is not int or not 1 <= value <= 1_000_000:
            raise WeightsError(
                f"{source} has {what} {str(value)[:60]!r}, expected a whole number from 1 to "
                "1000000; take a fresh copy of its config.json"
            )
    for what, width, heads in (
        ("reduce_dim", full["reduce_dim"], full["decoder_num_attention_heads"]),
        ("text_config.hidden_size", text["hidden_size"], text["num_attention_heads"]),
        ("vision_config.hidden_size", vision["hidden_size"], vision["num_attention_heads"]),
    ):
        if width % heads:
            raise WeightsError(
                f"{source} has {what} {width}, expected a multiple of its {heads} heads; take a "
                "fresh copy of its config.json"
            )
    layers, depth = full["extract_layers"], vision["num_hidden_layers"]
    if not _ascending(layers, depth):
        raise WeightsError(
            f"{source} has extract_layers {layers!r}, expected ascending numbers of the blocks "
            f"0..{depth - 1}, each once; take a fresh copy of its config.json"
        )
    for what, value, supported in (
        ("model_type", full["model_type"], ("clipseg",)),
        ("use_complex_transposed_convolution", full["use_complex_transposed_convolution"], (True,)),
        ("conditional_layer", full["conditional_layer"], (0,)),
        ("vision_config.patch_size", vision["patch_size"], (16,)),
        ("vision_config.hidden_act", vision["hidden_act"], ("quick_gelu", "gelu")),
        ("text_config.hidden_act", text["hidden_act"], (vision["hidden_act"],)),
        ("vision_config.layer_norm_eps", vision["layer_norm_eps"], (1e-5,)),
        ("text_config.layer_norm_eps", text["layer_norm_eps"], (1e-5,)),
        # 2 is an old mistake in these files; read as the largest id there too
        ("text_config.eos_token_id", text["eos_token_id"], (2, text["vocab_size"] - 1)),
    ):
        if value not in supported:
            raise WeightsError(
                f"{source} has {what} {value!r}, expected {' or '.join(map(repr, supported))}"
                + (
                    "; the simple upsampling of CIDAS/clipseg-rd64 and -rd16 is not supported, "
                    "take CIDAS/clipseg-rd64-refined"
                    if "complex" in what
                    else ""
                )
            )
    return full


def hugging_face_clip(
    tensors: Mapping[str, Tensor],
    config: Mapping,
    source: str = "these tensors",
) -> tuple[CLIP, dict[str, Tensor]]:
    """CLIP, and all other tensors under our names, of Hugging Face's CLIPSeg.

    `config` is its config.json.
    """
    full = hugging_face_config(config, source)
    text, vision = full["text_config"], full["vision_config"]
    table = {
        **clip_table(vision["num_hidden_layers"], text["num_hidden_layers"]),
        **decoder_table(len(full["extract_layers"])),
    }
    ours = convert(
        tensors,
        table,
        DEAD_CLIPSEG,
        source,
        "CLIPSeg in Hugging Face's form as its config.json describes it",
    )
    return split_clip(
        ours,
        {
            "embed_dim": full["projection_dim"],
            "quick_gelu": vision["hidden_act"] == "quick_gelu",
            "vision_cfg": {
                "image_size": vision["image_size"],
                "patch_size": vision["patch_size"],
                "width": vision["hidden_size"],
                "layers": vision["num_hidden_layers"],
                "mlp_ratio": vision["intermediate_size"] / vision["hidden_size"],
                "head_width": vision["hidden_size"] // vision["num_attention_heads"],
            },
            "text_cfg": {
                "context_length": text["max_position_embeddings"],
                "vocab_size": text["vocab_size"],
                "width": text["hidden_size"],
                "heads": text["num_attention_heads"],
                "layers": text["num_hidden_layers"],
                "mlp_ratio": text["intermediate_size"] / text["hidden_size"],
            },
        },
        source,
    )


@made_in_float32()
def clipseg_from_hugging_face(
    tensors: Mapping[str, Tensor],
    config: Mapping,
    image_size: int = 352,
    source: str = "these tensors",
) -> CLIPSeg:
    """CLIPSeg, in eval mode, from Hugging Face's tensors and config.json.

    No adapter and no background, as there.
    """
    clip, rest = hugging_face_clip(tensors, config, source)
    full = hugging_face_config(config, source)
    model = CLIPSeg(
        backbone=real_backbone(clip, image_size, full["extract_layers"]),
        width=full["reduce_dim"],
        heads=full["decoder_num_attention_heads"],
        mlp_width=full["decoder_intermediate_size"],
        adapter=False,
        background=False,
    )
    fill(model, rest, source)
    return model.eval()
