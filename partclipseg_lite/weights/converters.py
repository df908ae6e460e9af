"""Other projects' weights as ours, by tables of names.

Every tensor of a source is used, or dead for a reason. Two sources share Hugging Face's names for
the CLIP towers and for CLIPSeg's decoder: CLIPSeg itself, and the release of PartCLIPSeg. A table
maps each of our names to the names that make it; several are put one below the other.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from open_clip.model import CLIP
from torch import Tensor

from ..network.backbone import Backbone
from ..network.models import CLIPSeg, PartCLIPSeg
from ..network.precision import made_in_float32
from ..reading import RELEASED, Reading
from ..release.departures import as_read
from .clips import build_clip, check_activation, open_clip_config, real_backbone
from .files import FORMAT, WeightsError, describe

Table = dict[str, tuple[str, ...]]
OFFICIAL_PREFIX, CLIP_PREFIX = "partclipseg_model.", "backbone.clip."
# Linear layers there, plain matrices here.
TRANSPOSED = {f"{CLIP_PREFIX}text_projection", f"{CLIP_PREFIX}visual.proj"}

#: Pattern of a source's names -> why we leave such a tensor out.
DEAD_CLIPSEG = {
    r"clip\.(text|vision)_model\.embeddings\.position_ids": "the numbers 0, 1, 2, ..., no weights",
}
DEAD_OFFICIAL = {
    **DEAD_CLIPSEG,
    r"text_adapter\.fc\.\d\.weight": "the release multiplies its output by 0",
    r"tunable_linear\.weight": "1000x512 zeros that the release never reads",
}


def _both(ours: str, *theirs: str) -> Table:
    """Weight and bias of one layer."""
    return {
        f"{ours}.{kind}": tuple(f"{name}.{kind}" for name in theirs) for kind in ("weight", "bias")
    }


def clip_table(vision_layers: int, text_layers: int) -> Table:
    """open_clip's names of CLIP <- Hugging Face's."""
    table = {
        "logit_scale": ("logit_scale",),
        "token_embedding.weight": ("text_model.embeddings.token_embedding.weight",),
        "positional_embedding": ("text_model.embeddings.position_embedding.weight",),
        "text_projection": ("text_projection.weight",),
        "visual.class_embedding": ("vision_model.embeddings.class_embedding",),
        "visual.positional_embedding": ("vision_model.embeddings.position_embedding.weight",),
        "visual.conv1.weight": ("vision_model.embeddings.patch_embedding.weight",),
        "visual.proj": ("visual_projection.weight",),
        **_both("ln_final", "text_model.final_layer_norm"),
        **_both("visual.ln_pre", "vision_model.pre_layrnorm"),  # spelt so
        **_both("visual.ln_post", "vision_model.post_layernorm"),
    }
    for ours, theirs, layers in (
        ("transformer", "text_model", text_layers),
        ("visual.transformer", "vision_model", vision_layers),
    ):
        for i in range(layers):
            block, source = f"{ours}.resblocks.{i}", f"{theirs}.encoder.layers.{i}"
            for kind in ("weight", "bias"):
                table[f"{block}.attn.in_proj_{kind}"] = tuple(
                    f"{source}.self_attn.{x}_proj.{kind}" for x in "qkv"
                )
            for a, b in (
                ("attn.out_proj", "self_attn.out_proj"),
                ("ln_1", "layer_norm1"),
                ("ln_2", "layer_norm2"),
                ("mlp.c_fc", "mlp.fc1"),
                ("mlp.c_proj", "mlp.fc2"),
            ):
                table |= _both(f"{block}.{a}", f"{source}.{b}")
    return {
        f"{CLIP_PREFIX}{ours}": tuple(f"clip.{name}" for name in theirs)
        for ours, theirs in table.items()
    }


def decoder_table(depth: int) -> Table:
    """Our names of CLIPSeg's decoder and mask head <- Hugging Face's."""
    table = {
        **_both("decoder.film.mul", "decoder.film_mul"),
        **_both("decoder.film.add", "decoder.film_add"),
    }
    for i in range(depth):
        table |= _both(f"decoder.reduces.{i}", f"decoder.reduces.{i}")
        for a, b in (
            *((f"self_attn.{x}_proj",) * 2 for x in ("q", "k", "v", "out")),
            ("layer_norm1", "layer_norm1"),
            ("mlp.0", "mlp.fc1"),
            ("mlp.2", "mlp.fc2"),
            ("layer_norm2", "layer_norm2"),
        ):
            table |= _both(f"decoder.blocks.{i}.{a}", f"decoder.layers.{i}.{b}")
    for i in (0, 2, 4):
        table |= _both(f"mask_head.layers.{i}", f"decoder.transposed_convolution.{i}")
    return table


def official_table() -> Table:
    """Our names of PartCLIPSeg <- those of the release, without `OFFICIAL_PREFIX`."""
    table = {
        **clip_table(12, 12),
        **decoder_table(3),
        "background_embedding": ("non_object_embedding",),
        "adapter.fc.0.weight": ("visual_adapter.fc.0.weight",),
        "adapter.fc.2.weight": ("visual_adapter.fc.2.weight",),
        **_both("merge_features", "decoder.part_obj_mlp.0"),
        **_both("merge_embeddings", "decoder.reduce_cond_embed"),
        **_both("object_part_film.mul", "decoder.cond_film_mul"),
        **_both("object_part_film.add", "decoder.cond_film_add"),
    }
    for i in (0, 2, 4):
        table |= _both(f"object_part_head.layers.{i}", f"decoder.part_obj_with_cond_embed.{i}")
    return table


def dead_reason(name: str, dead: Mapping[str, str]) -> str | None:
    """Why the tensor `name` is left out, or None."""
    return next((reason for pattern, reason in dead.items() if re.fullmatch(pattern, name)), None)


def convert(
    tensors: Mapping[str, Tensor],
    table: Table,
    dead: Mapping[str, str],
    source: str,
    expected: str,
    prefix: str = "",
) -> dict[str, Tensor]:
    """`tensors` under our names, `float32`.

    Their own names are those of `table` and `dead` behind `prefix`.

    Raises:
        WeightsError: a tensor is neither used nor dead, one is missing, or one is not finite; it
            says what `source` is in place of `expected`.
    """
    used = {prefix + name for names in table.values() for name in names}
    missing = sorted(used - tensors.keys())
    unknown = sorted(
        name
        for name in tensors.keys() - used
        if not name.startswith(prefix) or dead_reason(name.removeprefix(prefix), dead) is None
    )
    if missing or unknown:
        raise WeightsError(
            f"{source} is {describe(tensors)}, expected {expected}: {len(missing)} tensors missing "
            f"{missing[:3]}, {len(unknown)} not known {unknown[:3]}; nothing was loaded"
        )
    broken = sorted(name for name in used if not torch.isfinite(tensors[name]).all())
    if broken:
        raise WeightsError(
            f"{source} has NaN or infinite values in {len(broken)} tensors {broken[:3]}; "
            "take another checkpoint"
        )
    found = {}
    for ours, names in table.items():
        parts = [tensors[prefix + name].float() for name in names]
        found[ours] = (
            torch.cat(parts) if len(parts) > 1 else parts[0].T if ours in TRANSPOSED else parts[0]
        )
    return found


def split_clip(
    converted: Mapping[str, Tensor], config: dict, source: str
) -> tuple[CLIP, dict[str, Tensor]]:
    """CLIP of open_clip's `config` with its share of the tensors, and the other tensors."""
    tensors = {
        name.removeprefix(CLIP_PREFIX): t
        for name, t in converted.items()
        if name.startswith(CLIP_PREFIX)
    }
    try:
        clip = build_clip(config, tensors)
    except RuntimeError as error:  # another depth or shape: PyTorch lists them all
        raise WeightsError(
            f"{source} does not fit its configuration ({' '.join(str(error).split())[:400]})"
        ) from error
    return clip, {name: t for name, t in converted.items() if not name.startswith(CLIP_PREFIX)}


def fill(model: CLIPSeg | PartCLIPSeg, tensors: Mapping[str, Tensor], source: str) -> None:
    """Copy `tensors` over everything in `model` but its CLIP.

    Raises:
        WeightsError: names or shapes differ.
    """
    state = {name: t for name, t in model.state_dict().items() if not name.startswith(CLIP_PREFIX)}
    wrong = [
        f"{name} is {list(tensors[name].shape) if name in tensors else 'missing'}, "
        f"expected {list(t.shape)}"
        for name, t in state.items()
        if name not in tensors or tensors[name].shape != t.shape
    ]
    wrong += [f"{name} is not known" for name in tensors.keys() - state.keys()]
    if wrong:
        raise WeightsError(
            f"{source} does not fit {type(model).__name__}: {len(wrong)} tensors differ "
            f"({'; '.join(wrong[:3])})"
        )
    model.load_state_dict(tensors, strict=False)


# ---- the release of PartCLIPSeg ------------------------------------------------------------------


def official_clip(
    tensors: Mapping[str, Tensor],
    source: str = "these tensors",
    backbone: str = "ViT-B-16-quickgelu",
) -> tuple[CLIP, dict[str, Tensor]]:
    """CLIP, and all other tensors under our names, from the 482 of an official checkpoint."""
    ours = convert(
        tensors,
        official_table(),
        DEAD_OFFICIAL,
        source,
        "the 482 tensors of the PartCLIPSeg release "
        "(head of kaist-cvml/part-clipseg, November 2024)",
        OFFICIAL_PREFIX,
    )
    clip, rest = split_clip(ours, open_clip_config(backbone), source)
    check_activation(clip, "QuickGELU", "the weights of the PartCLIPSeg release")
    return clip, rest


@made_in_float32()
def partclipseg_from_official(
    tensors: Mapping[str, Tensor],
    image_size: int = 352,
    reading: Reading = RELEASED,
    source: str = "these tensors",
    *,
    backbone: str = "ViT-B-16-quickgelu",
) -> PartCLIPSeg:
    """PartCLIPSeg, in eval mode, from the 482 tensors of an official checkpoint.

    Their names begin with `OFFICIAL_PREFIX`. `backbone` names the open_clip model whose shape the
    CLIP has; one without QuickGELU is refused.
    """
    clip, rest = official_clip(tensors, source, backbone)
    frozen = real_backbone(clip, image_size, (3, 6, 9), kind=as_read(Backbone, reading))
    model = as_read(PartCLIPSeg, reading)(backbone=frozen)
    fill(model, rest, source)
    return model.eval()


# ---- Hugging Face's CLIPSeg ----------------------------------------------------------------------

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


def kind_of(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> str:
    """Whose weights a file holds: "official" or "hugging_face".

    Raises:
        WeightsError: neither; it names what the file is.
    """
    if any(name.startswith(OFFICIAL_PREFIX) for name in tensors):
        return "official"
    if any(name.startswith("decoder.") for name in tensors) and any(
        name.startswith("clip.") for name in tensors
    ):
        return "hugging_face"
    form = metadata.get("format", "")
    what = f"of format {form!r}" if form.startswith("partclipseg_lite.") else describe(tensors)
    raise WeightsError(
        f"{path} is {what}, expected {FORMAT!r} (written by partclipseg_lite train), an official "
        f"PartCLIPSeg .pth, or CLIPSeg in Hugging Face's form"
    )
