"""The frozen CLIP: activations of an image at several depths, and embeddings of words.

Both worlds use the same class: open_clip's ViT-B/16 at 352x352 in the real one, the tiny CLIP of `toy_clip` in the drawn
one. Nothing here is trained unless a setting says so.
"""
import difflib
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import open_clip
import torch
import torch.nn.functional as F
from open_clip import SimpleTokenizer
from open_clip.constants import IMAGENET_MEAN, IMAGENET_STD
from open_clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

from .weight_files import WeightsError


def encode_tokens(clip: CLIP, tokens: Tensor) -> Tensor:
    """Text embeddings [C, E], not normalised, of int64 `tokens` [C, context].

    Only the positions up to the last end-of-text token are computed. That is exact, not an approximation: the text
    encoder is causal and reads the embedding off at the end-of-text token, so later positions cannot matter.
    """
    end = tokens.argmax(dim=-1)                                          # (C,) end-of-text has the largest id
    length = int(end.max()) + 1
    x = clip.token_embedding(tokens[:, :length]) + clip.positional_embedding[:length]
    x = clip.transformer(x, attn_mask=clip.attn_mask[:length, :length])
    x = clip.ln_final(x)[torch.arange(len(tokens), device=tokens.device), end]     # (C, text width)
    return clip.text_projection(x) if isinstance(clip.text_projection, nn.Linear) else x @ clip.text_projection


def interpolate_position_table(table: Tensor, grid: int) -> Tensor:
    """Position embeddings [1 + g*g, W] -> [1 + grid*grid, W], bicubic over the grid, class token kept (as CLIPSeg does)."""
    old = round((len(table) - 1) ** 0.5)
    if old == grid:
        return table
    patches = table[1:].T.reshape(1, -1, old, old)
    patches = F.interpolate(patches, size=(grid, grid), mode="bicubic", align_corners=False)
    return torch.cat([table[:1], patches.flatten(2)[0].T])


class Backbone(nn.Module):
    """A frozen open_clip `CLIP` with the two things that CLIPSeg needs from it.

    Args:
        clip: an open_clip model whose visual tower is a ViT.
        tokenizer: texts -> int64 [C, context].
        image_size: side of the square input in pixels; the position table is interpolated to it once, here.
        layers: indices (from 0) of the blocks whose outputs the decoder reads, shallow to deep.
        mean, std: normalisation of RGB values in 0..1.
        train_text_embeddings: leave CLIP's token and position embeddings of the text side trainable (the released reading).
    """

    def __init__(self, *, clip: CLIP, tokenizer: Callable[[Sequence[str]], Tensor], image_size: int,
                 layers: Sequence[int], mean: Sequence[float], std: Sequence[float], train_text_embeddings: bool = False):
        super().__init__()
        patch, depth = clip.visual.patch_size[0], clip.visual.transformer.layers
        if image_size % patch:
            raise ValueError(f"image size {image_size} is not a multiple of the patch size {patch}")
        if not layers or sorted(layers) != list(layers) or layers[0] < 0 or layers[-1] >= depth:
            raise ValueError(f"layers must be ascending block indices in 0..{depth - 1}, got {list(layers)}")
        self.clip = clip.requires_grad_(False)
        self.train_text_embeddings = train_text_embeddings
        if train_text_embeddings:
            clip.token_embedding.weight.requires_grad_(True)
            clip.positional_embedding.requires_grad_(True)
        self.tokenizer = tokenizer
        self.image_size, self.patch_size, self.grid = image_size, patch, image_size // patch
        self.layers = tuple(layers)
        table = interpolate_position_table(clip.visual.positional_embedding.data, self.grid)
        clip.visual.positional_embedding = nn.Parameter(table, requires_grad=False)
        clip.visual.grid_size = (self.grid, self.grid)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self._text_cache: dict[str, Tensor] = {}

    @property
    def width(self) -> int:
        """Width W of the image activations."""
        return self.clip.visual.transformer.width

    @property
    def embed_dim(self) -> int:
        """Width E of the text embeddings."""
        projection = self.clip.text_projection
        return projection.out_features if isinstance(projection, nn.Linear) else projection.shape[1]

    def train(self, mode: bool = True) -> "Backbone":
        """Frozen: stays in eval mode whatever is asked."""
        return super().train(False)

    def preprocess(self, images: Tensor) -> Tensor:
        """RGB uint8 [B, 3, H, W] of any size, on any device -> normalised float32 [B, 3, S, S] on the backbone's device.

        Pillow's bilinear filter, rounded to whole grey levels as in the release; the aspect ratio is not kept.
        """
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(f"expected RGB uint8 images [B, 3, H, W], got {images.dtype} {list(images.shape)}")
        if images.shape[-2:] != (self.image_size, self.image_size):
            images = resize_like_pillow(images, self.image_size)
        images = images.to(self.mean.device)
        return (images.float() / 255 - self.mean) / self.std

    @torch.no_grad()
    def activations(self, pixel_values: Tensor) -> list[Tensor]:
        """Normalised [B, 3, S, S] -> one [B, 1 + N, W] for each of `layers`, shallow to deep; the first token is CLS."""
        out = self.clip.visual.forward_intermediates(
            pixel_values, indices=list(self.layers), stop_early=True, intermediates_only=True,
            output_fmt="NLC", output_extra_tokens=True)
        return [torch.cat([prefix, patches], dim=1)
                for prefix, patches in zip(out["image_intermediates_prefix"], out["image_intermediates"])]

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Texts -> float [C, E], not normalised. Each text is encoded once; afterwards it comes from a cache.

        Where the text embeddings are trained and gradients are wanted, every call encodes anew.
        """
        if self.train_text_embeddings:
            if torch.is_grad_enabled() and texts:
                return encode_tokens(self.clip, self.tokenizer(list(texts)).to(self.mean.device))
            self._text_cache.clear()                     # the embeddings may have been trained since
        return self._cached_text(texts)

    @torch.no_grad()
    def _cached_text(self, texts: Sequence[str]) -> Tensor:
        missing = [t for t in dict.fromkeys(texts) if t not in self._text_cache]
        device = self.mean.device
        # What inference mode computes could never be trained with afterwards, so the cache is filled outside of it.
        with torch.inference_mode(False), torch.no_grad():
            for start in range(0, len(missing), 256):
                chunk = missing[start:start + 256]
                for text, embedding in zip(chunk, encode_tokens(self.clip, self.tokenizer(chunk).to(device))):
                    self._text_cache[text] = embedding
        if not texts:
            return torch.empty(0, self.embed_dim, device=device)
        return torch.stack([self._text_cache[t].to(device) for t in texts])   # cached before the model moved, perhaps

    @torch.no_grad()
    def patch_similarity(self, pixel_values: Tensor, texts: Sequence[str]) -> Tensor:
        """Cosine similarity of every patch with every text, [B, C, grid, grid]: what CLIP itself sees, without decoder.

        Patches of the last block pass CLIP's own final norm and projection. This says something only for towers that
        pool patches by averaging, as the tiny CLIP does.
        """
        visual = self.clip.visual
        out = visual.forward_intermediates(pixel_values, indices=1, intermediates_only=True, normalize_intermediates=True,
                                           output_fmt="NLC")
        patches = F.normalize(out["image_intermediates"][-1] @ visual.proj, dim=-1)          # (B, N, E)
        words = F.normalize(self.embed_text(texts), dim=-1)
        return (patches @ words.T).transpose(1, 2).unflatten(-1, (self.grid, self.grid))


def toy_backbone(image_size: int = 128, layers: Sequence[int] = (1, 3, 5), path=None, *,
                 train_text_embeddings: bool = False) -> Backbone:
    """The drawn world's backbone: the shipped tiny CLIP (or the one at `path`)."""
    from .toy_clip import CLIP_MEAN, CLIP_STD, load_toy_clip
    clip, tokenizer, _ = load_toy_clip(path)
    return Backbone(clip=clip, tokenizer=tokenizer, image_size=image_size, layers=layers, mean=CLIP_MEAN, std=CLIP_STD,
                    train_text_embeddings=train_text_embeddings)


def resize_like_pillow(images: Tensor, size: int) -> Tensor:
    """uint8 [B, 3, H, W] -> uint8 [B, 3, size, size], bit for bit Pillow's bilinear filter, since it is Pillow's.

    PyTorch's antialiased interpolation rounds differently in about one pixel of a hundred, and the filter is the one that
    the release uses; one grey level moves its logits by 0.01.
    """
    arrays = images.permute(0, 2, 3, 1).cpu().numpy()
    resized = [np.array(Image.fromarray(a).resize((size, size), Image.Resampling.BILINEAR)) for a in arrays]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).to(images.device)


class CLIPTokenizer:
    """CLIP's own byte-pair encoding (open_clip ships its vocabulary), which refuses a text that it would have to cut."""

    def __init__(self, context_length: int = 77):
        self.bpe, self.context_length = SimpleTokenizer(context_length=context_length), context_length

    def __call__(self, texts: str | Sequence[str]) -> Tensor:
        """`texts` -> int64 [C, context_length], zero-padded. Raises `ValueError` for a text that does not fit."""
        texts = [texts] if isinstance(texts, str) else list(texts)
        for text in texts:
            length = len(self.bpe.encode(text)) + 2                                    # with start and end
            if length > self.context_length:
                raise ValueError(f"{text[:60]!r}... needs {length} tokens, the context holds {self.context_length}; shorten it")
        return self.bpe(texts)


def open_clip_config(name: str) -> dict:
    """open_clip's configuration of `name`; `ValueError` if there is none, or if it is no ViT with CLIP's own text encoder."""
    config = open_clip.get_model_config(name)
    if config is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), n=3)
        hint = f", did you mean {' or '.join(map(repr, near))}?" if near else ""
        raise ValueError(f"open_clip knows no model {name!r}{hint} (open_clip.list_models() lists all)")
    vision, text = config["vision_cfg"], config["text_cfg"]
    strange = [key for key in ("timm_model_name", "hf_model_name", "hf_tokenizer_name") if key in {**vision, **text}]
    strange += [key for key in ("custom_text", "multimodal_cfg") if config.get(key)]
    if strange or not isinstance(vision.get("layers", 12), int) or text.get("pool_type", "argmax") != "argmax":
        raise ValueError(f"{name!r} is not a plain CLIP ({', '.join(strange) or 'its image tower is no ViT'}); expected a "
                         f"model with open_clip's own ViT and text transformer, such as 'ViT-B-16-quickgelu'")
    return config


def activation_name(clip: CLIP) -> str:
    """"QuickGELU" or "GELU": the function between the two linear layers of each block. `ValueError` if the towers differ."""
    kinds = {type(block.mlp.gelu).__name__ for tower in (clip.visual, clip) for block in tower.transformer.resblocks}
    if len(kinds) > 1:
        raise ValueError(f"the blocks of this CLIP use {' and '.join(sorted(kinds))}, expected one of them")
    return kinds.pop()


def check_activation(clip: CLIP, needs: str, weights: str) -> None:
    """`WeightsError` unless `clip` computes with the activation that `weights` were trained with; the shapes would not tell."""
    if activation_name(clip) != needs:
        ending = "ends" if needs == "QuickGELU" else "does not end"
        raise WeightsError(f"{weights} were trained with {needs}, but this CLIP is built with {activation_name(clip)}; take "
                           f"the open_clip model whose name {ending} in '-quickgelu'")


def activation_of_tag(name: str, tag: str) -> str:
    """The activation that open_clip's weights `tag` of the model `name` need. `WeightsError` lists the tags there are."""
    base = name.removesuffix("-quickgelu")
    facts = open_clip.get_pretrained_cfg(base, tag) or open_clip.get_pretrained_cfg(name, tag)
    if not facts:
        known = sorted({*open_clip.list_pretrained_tags_by_model(base), *open_clip.list_pretrained_tags_by_model(name)})
        raise WeightsError(f"open_clip has no weights {tag!r} for {name!r} (known: {', '.join(known) or 'none'})")
    return "QuickGELU" if facts.get("quick_gelu") else "GELU"


def open_clip_model(name: str, pretrained: str | Mapping[str, Tensor] | None = None) -> CLIP:
    """An open_clip `CLIP` by name, in eval mode.

    `pretrained`: a tag of open_clip's, downloaded once to its cache; all tensors by open_clip's names; or None for random
    weights, the same in every run. Weights of a tag that need another activation are refused before anything is downloaded.
    """
    config = open_clip_config(name)
    if isinstance(pretrained, str):
        needs, has = activation_of_tag(name, pretrained), "QuickGELU" if config.get("quick_gelu") else "GELU"
        if needs != has:
            fitting = name.removesuffix("-quickgelu") + ("-quickgelu" if needs == "QuickGELU" else "")
            raise WeightsError(f"the weights {pretrained!r} were trained with {needs}, but open_clip's {name!r} is built with "
                               f"{has}; take {fitting!r}")
        try:
            clip = open_clip.create_model(name, pretrained=pretrained)
        except (OSError, RuntimeError) as error:                   # no network and not in the cache; or a broken download
            raise WeightsError(
                f"open_clip's weights {pretrained!r} of {name!r} could not be had ({str(error).splitlines()[0][:200]}); where "
                f"there is a network, run once: python -c \"import open_clip; open_clip.create_model('{name}', "
                f"pretrained='{pretrained}')\"") from error
        check_activation(clip, needs, f"the weights {pretrained!r}")
        return clip.eval()
    return build_clip(config, pretrained)


def build_clip(config: dict, tensors: Mapping[str, Tensor] | None = None) -> CLIP:
    """open_clip's `CLIP` of `config`, in eval mode, with `tensors` (all of them) or the random weights of seed 0."""
    config = {key: value for key, value in config.items() if key != "custom_text"}
    if tensors is None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return CLIP(**config).eval()
    with torch.device("meta"):                                     # random values would be overwritten at once
        clip = CLIP(**config)
    clip = clip.to_empty(device="cpu")
    clip.attn_mask = torch.full(clip.attn_mask.shape, float("-inf")).triu(1)           # no file holds the causal mask
    clip.load_state_dict(tensors)
    return clip.eval()


def real_backbone(clip: CLIP, image_size: int = 352, layers: Sequence[int] = (3, 6, 9), *,
                  train_text_embeddings: bool = False) -> Backbone:
    """A backbone with CLIP's own tokenizer and CLIPSeg's normalisation: ImageNet's mean and deviation, not CLIP's."""
    return Backbone(clip=clip, tokenizer=CLIPTokenizer(clip.context_length), image_size=image_size, layers=layers,
                    mean=IMAGENET_MEAN, std=IMAGENET_STD, train_text_embeddings=train_text_embeddings)


def open_clip_backbone(name: str, pretrained: str | Mapping[str, Tensor] | None = None, image_size: int = 352,
                       layers: Sequence[int] = (3, 6, 9), *, train_text_embeddings: bool = False) -> Backbone:
    """The real world's backbone: an open_clip ViT by name; see `open_clip_model` and `real_backbone`."""
    return real_backbone(open_clip_model(name, pretrained), image_size, layers, train_text_embeddings=train_text_embeddings)
