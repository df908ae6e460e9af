"""Frozen CLIPs by name: open_clip's models, the shipped tiny one, the tokenizers of both."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

import huggingface_hub
import open_clip
import torch
from open_clip import SimpleTokenizer
from open_clip.constants import IMAGENET_MEAN, IMAGENET_STD
from open_clip.model import CLIP
from torch import Tensor

from ..network.backbone import Backbone
from ..network.precision import made_in_float32
from .files import WeightsError
from .locate import refused_download
from .tiny_clip import CLIP_MEAN, CLIP_STD, load_toy_clip


def toy_backbone(
    image_size: int = 128,
    layers: Sequence[int] = (1, 3, 5),
    path=None,
    *,
    kind: type[Backbone] = Backbone,
) -> Backbone:
    """The drawn world's backbone: the shipped tiny CLIP (or the one at `path`)."""
    clip, tokenizer, _ = load_toy_clip(path)
    return kind(
        clip=clip,
        tokenizer=tokenizer,
        image_size=image_size,
        layers=layers,
        mean=CLIP_MEAN,
        std=CLIP_STD,
    )


PIECES_KEPT = 2**16  # words whose pieces the tokenizer remembers


class CLIPTokenizer:
    """CLIP's own byte-pair encoding; it refuses a text that it would have to cut.

    open_clip ships its vocabulary.
    """

    def __init__(self, context_length: int = 77):
        self.bpe, self.context_length = (
            SimpleTokenizer(context_length=context_length),
            context_length,
        )

    def __call__(self, texts: str | Sequence[str]) -> Tensor:
        """Tokens of texts, `int64 [C, context_length]`, zero-padded.

        Raises:
            ValueError: a text does not fit.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        for text in texts:
            length = len(self.bpe.encode(text)) + 2  # with start and end
            if length > self.context_length:
                raise ValueError(
                    f"{text[:60]!r}... needs {length} tokens, the context holds "
                    f"{self.context_length}; shorten it"
                )
        tokens = self.bpe(texts)
        if len(self.bpe.cache) > PIECES_KEPT:  # open_clip keeps every word it ever met
            self.bpe.cache = {mark: mark for mark in ("<start_of_text>", "<end_of_text>")}
        return tokens


def open_clip_config(name: str) -> dict:
    """open_clip's configuration of `name`.

    Raises:
        ValueError: there is none, or it is no ViT with CLIP's own text encoder.
    """
    # With a colon, open_clip would take the name for a place to fetch the configuration from.
    config = None if ":" in name else open_clip.get_model_config(name)
    if config is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        hint = f", did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(
            f"open_clip knows no model {name!r}{hint} (open_clip.list_models() lists all)"
        )
    vision, text = config["vision_cfg"], config["text_cfg"]
    strange = [
        key
        for key in ("timm_model_name", "hf_model_name", "hf_tokenizer_name")
        if key in {**vision, **text}
    ]
    strange += [key for key in ("custom_text", "multimodal_cfg") if config.get(key)]
    if (
        strange
        or not isinstance(vision.get("layers", 12), int)
        or text.get("pool_type", "argmax") != "argmax"
    ):
        raise ValueError(
            f"{name!r} is not a plain CLIP ({', '.join(strange) or 'its image tower is no ViT'}); "
            "expected a "
            f"model with open_clip's own ViT and text transformer, such as 'ViT-B-16-quickgelu'"
        )
    return config


def activation_name(clip: CLIP) -> str:
    """The function between the two linear layers of each block: "QuickGELU" or "GELU".

    Raises:
        ValueError: the towers differ.
    """
    kinds = {
        type(block.mlp.gelu).__name__
        for tower in (clip.visual, clip)
        for block in tower.transformer.resblocks
    }
    if len(kinds) > 1:
        raise ValueError(
            f"the blocks of this CLIP use {' and '.join(sorted(kinds))}, expected one of them"
        )
    return kinds.pop()


def check_activation(clip: CLIP, needs: str, weights: str) -> None:
    """Check that `clip` computes with the activation that `weights` were trained with.

    The shapes would not tell.

    Raises:
        WeightsError: it computes with another one.
    """
    if activation_name(clip) != needs:
        ending = "ends" if needs == "QuickGELU" else "does not end"
        raise WeightsError(
            f"{weights} were trained with {needs}, but this CLIP is built with "
            f"{activation_name(clip)}; take "
            f"the open_clip model whose name {ending} in '-quickgelu'"
        )


def activation_of_tag(name: str, tag: str) -> str:
    """The activation that open_clip's weights `tag` of the model `name` need.

    Raises:
        WeightsError: there is no such tag; it lists those there are.
    """
    base = name.removesuffix("-quickgelu")
    facts = open_clip.get_pretrained_cfg(base, tag) or open_clip.get_pretrained_cfg(name, tag)
    if not facts:
        known = sorted(
            {
                *open_clip.list_pretrained_tags_by_model(base),
                *open_clip.list_pretrained_tags_by_model(name),
            }
        )
        raise WeightsError(
            f"open_clip has no weights {tag!r} for {name!r} (known: {', '.join(known) or 'none'})"
        )
    return "QuickGELU" if facts.get("quick_gelu") else "GELU"


def cached_weights(name: str, tag: str) -> Path | None:
    """Where open_clip's weights `tag` of `name` lie on this machine, or None; asks no network."""
    facts = open_clip.get_pretrained_cfg(name.removesuffix("-quickgelu"), tag)
    facts = facts or open_clip.get_pretrained_cfg(name, tag)
    owner, _, file = facts.get("hf_hub", "").rpartition("/")
    for candidate in (
        *([file] if file else []),
        "open_clip_model.safetensors",
        "open_clip_pytorch_model.safetensors",
        "open_clip_pytorch_model.bin",
    ):
        found = owner and huggingface_hub.try_to_load_from_cache(owner, candidate)
        if isinstance(found, str):
            return Path(found)
    fetched = Path("~/.cache/clip").expanduser() / facts.get("url", "").rpartition("/")[2]
    return fetched if fetched.is_file() else None


@made_in_float32()
def open_clip_model(
    name: str,
    pretrained: str | Mapping[str, Tensor] | None = None,
    allow_download: bool = True,
) -> CLIP:
    """An open_clip `CLIP` by name, in eval mode.

    `pretrained`: a tag of open_clip's, downloaded once to its cache; all tensors by open_clip's
    names; or None for random weights, the same in every run. Weights of a tag that need another
    activation are refused before anything is downloaded; not `allow_download`: from the cache
    alone, without asking the network.
    """
    config = open_clip_config(name)
    if isinstance(pretrained, str):
        needs, has = (
            activation_of_tag(name, pretrained),
            "QuickGELU" if config.get("quick_gelu") else "GELU",
        )
        if needs != has:
            fitting = name.removesuffix("-quickgelu") + (
                "-quickgelu" if needs == "QuickGELU" else ""
            )
            raise WeightsError(
                f"the weights {pretrained!r} were trained with {needs}, but open_clip's {name!r} "
                f"is built with {has}; take {fitting!r}"
            )
        source = pretrained
        if not allow_download:
            source = str(cached_weights(name, pretrained) or "")
            if not source:
                raise WeightsError(refused_download(f"open_clip's {name!r} of {pretrained!r}"))
        try:
            clip = open_clip.create_model(name, pretrained=source)
        except (
            OSError,
            RuntimeError,
        ) as error:  # no network and not in the cache; or a broken download
            raise WeightsError(
                f"open_clip's weights {pretrained!r} of {name!r} could not be had "
                f"({str(error).splitlines()[0][:200]}); where there is a network, run once: "
                'python -c "import open_clip; '
                f"open_clip.create_model('{name}', pretrained='{pretrained}')\""
            ) from error
        check_activation(clip, needs, f"the weights {pretrained!r}")
        return clip.eval()
    return build_clip(config, pretrained)


@made_in_float32()
def build_clip(config: dict, tensors: Mapping[str, Tensor] | None = None) -> CLIP:
    """open_clip's `CLIP` of `config`, in eval mode.

    With `tensors`, all of them, or the random weights of seed 0.
    """
    config = {key: value for key, value in config.items() if key != "custom_text"}
    if tensors is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return CLIP(**config).eval()
    with torch.device("meta"):  # random values would be overwritten at once
        clip = CLIP(**config)
    clip = clip.to_empty(device="cpu")
    # No file holds the causal mask.
    clip.attn_mask = torch.full(clip.attn_mask.shape, float("-inf")).triu(1)
    clip.load_state_dict(tensors)
    return clip.eval()


def real_backbone(
    clip: CLIP,
    image_size: int = 352,
    layers: Sequence[int] = (3, 6, 9),
    *,
    kind: type[Backbone] = Backbone,
) -> Backbone:
    """A backbone with CLIP's own tokenizer and CLIPSeg's normalisation.

    That is ImageNet's mean and deviation, not CLIP's.
    """
    return kind(
        clip=clip,
        tokenizer=CLIPTokenizer(clip.context_length),
        image_size=image_size,
        layers=layers,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


def open_clip_backbone(
    name: str,
    pretrained: str | Mapping[str, Tensor] | None = None,
    image_size: int = 352,
    layers: Sequence[int] = (3, 6, 9),
    *,
    kind: type[Backbone] = Backbone,
    allow_download: bool = True,
) -> Backbone:
    """The real world's backbone: an open_clip ViT by name.

    See `open_clip_model` and `real_backbone`.
    """
    clip = open_clip_model(name, pretrained, allow_download)
    return real_backbone(clip, image_size, layers, kind=kind)
