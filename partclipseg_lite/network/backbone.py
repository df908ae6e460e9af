"""The frozen CLIP: an image's activations at several depths, embeddings of words.

Both worlds use the same class: open_clip's ViT-B/16 at 352x352 in the real one, the
tiny CLIP of `weights.tiny_clip` in the drawn one. Nothing here is trained.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from PIL import Image
from torch import Tensor, nn

TEXTS_KEPT = 2**14  # embeddings in the cache: 32 MB at width 512


def encode_tokens(clip: CLIP, tokens: Tensor) -> Tensor:
    """Text embeddings, `float [C, E]`, not normalised, of `int64 [C, context]`.

    On the device of `clip`, wherever the tokens are.

    Only the positions up to the last end-of-text token are computed. That is exact,
    not an approximation: the text encoder is causal and reads the embedding off at
    the end-of-text token, so later positions cannot matter.
    """
    device = clip.positional_embedding.device
    end = tokens.argmax(dim=-1)  # (C,) end-of-text has the largest id
    # An exported graph cannot know the tokens, and computes all positions.
    exporting = torch.compiler.is_exporting()
    length = tokens.shape[1] if exporting else int(end.max()) + 1
    # Tokens of the processor are looked at there, and a GPU is not waited for.
    tokens, end = (
        x.to(device, non_blocking=True) for x in (tokens[:, :length], end)
    )
    x = clip.token_embedding(tokens) + clip.positional_embedding[:length]
    x = clip.transformer(x, attn_mask=clip.attn_mask[:length, :length])
    # (C, text width)
    rows = torch.arange(tokens.shape[0], device=device)
    x = clip.ln_final(x)[rows, end]
    return (
        clip.text_projection(x)
        if isinstance(clip.text_projection, nn.Linear)
        else x @ clip.text_projection
    )


def interpolate_position_table(table: Tensor, grid: int) -> Tensor:
    """Position embeddings `[1 + g*g, W]` for another grid, `[1 + grid*grid, W]`.

    Bicubic over the grid; the class token is kept, as CLIPSeg does.
    """
    old = round((len(table) - 1) ** 0.5)
    if old == grid:
        return table
    patches = table[1:].T.reshape(1, -1, old, old)
    patches = F.interpolate(
        patches, size=(grid, grid), mode="bicubic", align_corners=False
    )
    return torch.cat([table[:1], patches.flatten(2)[0].T])


class Backbone(nn.Module):
    """A frozen open_clip `CLIP` with the two things that CLIPSeg needs from it.

    Args:
        clip: an open_clip model whose visual tower is a ViT.
        tokenizer: texts -> int64 [C, context].
        image_size: side of the square input in pixels; the position table is
            interpolated to it once, here.
        layers: indices (from 0) of the blocks whose outputs the decoder reads,
            shallow to deep.
        mean, std: normalisation of RGB values in 0..1.
    """

    def __init__(
        self,
        *,
        clip: CLIP,
        tokenizer: Callable[[Sequence[str]], Tensor],
        image_size: int,
        layers: Sequence[int],
        mean: Sequence[float],
        std: Sequence[float],
    ):
        super().__init__()
        patch, depth = clip.visual.patch_size[0], clip.visual.transformer.layers
        if image_size % patch:
            raise ValueError(
                f"image size {image_size} is not a multiple of the patch size "
                f"{patch}"
            )
        # Strictly: a block listed twice would leave a block of the decoder out.
        if not layers or list(layers) != sorted(set(layers) & set(range(depth))):
            raise ValueError(
                f"layers must be ascending block indices in 0..{depth - 1}, got "
                f"{list(layers)}; list each once"
            )
        self.clip = clip.requires_grad_(False)
        self.tokenizer = tokenizer
        self.image_size, self.patch_size, self.grid = (
            image_size,
            patch,
            image_size // patch,
        )
        self.layers = tuple(layers)
        table = interpolate_position_table(
            clip.visual.positional_embedding.data, self.grid
        )
        clip.visual.positional_embedding = nn.Parameter(table, requires_grad=False)
        clip.visual.grid_size = (self.grid, self.grid)
        self.register_buffer(
            "mean",
            torch.tensor(mean, dtype=torch.float32).view(3, 1, 1),
            persistent=False,
        )
        self.register_buffer(
            "std",
            torch.tensor(std, dtype=torch.float32).view(3, 1, 1),
            persistent=False,
        )
        self._text_cache: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def width(self) -> int:
        """Width W of the image activations."""
        return self.clip.visual.transformer.width

    @property
    def embed_dim(self) -> int:
        """Width E of the text embeddings."""
        projection = self.clip.text_projection
        return (
            projection.out_features
            if isinstance(projection, nn.Linear)
            else projection.shape[1]
        )

    def train(self, mode: bool = True) -> "Backbone":
        """Frozen: stays in eval mode whatever is asked."""
        return super().train(False)

    def preprocess(self, images: Tensor) -> Tensor:
        """What the tower reads, `float32 [B, 3, S, S]`, on the backbone's device.

        Pillow's bilinear filter, rounded to whole grey levels as in the release;
        the aspect ratio is not kept.

        Args:
            images: RGB `uint8 [B, 3, H, W]` of any size, on any device.

        Raises:
            ValueError: `images` have another dtype or another shape.
        """
        if images.dtype != torch.uint8 or images.dim() != 4 or images.shape[1] != 3:
            raise ValueError(
                "expected RGB uint8 images [B, 3, H, W], "
                f"got {images.dtype} {list(images.shape)}"
            )
        if images.shape[-2:] != (self.image_size, self.image_size):
            images = resize_like_pillow(images, self.image_size)
        images = images.to(self.mean.device)
        return (images.float() / 255 - self.mean) / self.std

    @torch.no_grad()
    def activations(self, pixel_values: Tensor) -> list[Tensor]:
        """Outputs of the blocks `layers`, each `float [B, 1 + N, W]`.

        Shallow to deep; the first token is CLS.

        Args:
            pixel_values: normalised images, `float [B, 3, S, S]`.
        """
        out = self.clip.visual.forward_intermediates(
            pixel_values,
            indices=list(self.layers),
            stop_early=True,
            intermediates_only=True,
            output_fmt="NLC",
            output_extra_tokens=True,
        )
        return [
            torch.cat([prefix, patches], dim=1)
            for prefix, patches in zip(
                out["image_intermediates_prefix"],
                out["image_intermediates"],
                strict=True,
            )
        ]

    @torch.no_grad()
    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Embeddings of texts, `float [C, E]`, not normalised.

        Afterwards it comes from a cache, which keeps the `TEXTS_KEPT` used last.
        """
        cache, device = self._text_cache, self.mean.device
        wanted = {t: cache[t] for t in texts if t in cache}
        missing = [t for t in dict.fromkeys(texts) if t not in wanted]
        # What inference mode computes could never be trained with afterwards, so
        # the cache is filled outside of it.
        with torch.inference_mode(False), torch.no_grad():
            for start in range(0, len(missing), 256):
                chunk = missing[start : start + 256]
                for text, embedding in zip(
                    chunk,
                    encode_tokens(self.clip, self.tokenizer(chunk)),
                    strict=True,
                ):
                    wanted[text] = embedding.clone()  # not a view of its chunk
        for text in dict.fromkeys(texts):
            cache[text] = wanted[text]
            cache.move_to_end(text)
        while len(cache) > TEXTS_KEPT:
            cache.popitem(last=False)
        if not texts:
            return torch.empty(
                0, self.embed_dim, dtype=torch.float32, device=device
            )
        # Perhaps the model has moved since they were kept.
        return torch.stack([wanted[t].to(device) for t in texts])

    @torch.no_grad()
    def patch_similarity(
        self, pixel_values: Tensor, texts: Sequence[str], block: int = -1
    ) -> Tensor:
        """Cosine similarity of every patch with every text, `[B, C, grid, grid]`.

        It is what CLIP itself sees, without decoder: patches of a block, by default
        the last, pass CLIP's own final norm and projection. This says something
        only for towers that pool patches by averaging, as the tiny CLIP does; and
        of earlier blocks it says what the later ones would do with them unchanged.
        """
        visual = self.clip.visual
        out = visual.forward_intermediates(
            pixel_values,
            indices=[block % visual.transformer.layers],
            intermediates_only=True,
            normalize_intermediates=True,
            output_fmt="NLC",
        )
        # (B, N, E)
        patches = F.normalize(out["image_intermediates"][-1] @ visual.proj, dim=-1)
        words = F.normalize(self.embed_text(texts), dim=-1)
        return (
            (patches @ words.T)
            .transpose(1, 2)
            .unflatten(-1, (self.grid, self.grid))
        )


def resize_like_pillow(images: Tensor, size: int) -> Tensor:
    """Images `uint8 [B, 3, H, W]` at another size, `uint8 [B, 3, size, size]`.

    Bit for bit Pillow's bilinear filter, since it is Pillow's. PyTorch's
    antialiased interpolation rounds differently in about one pixel of a hundred,
    and the filter is the one that the release uses; one grey level moves its logits
    by 0.01.
    """
    arrays = images.permute(0, 2, 3, 1).cpu().numpy()
    resized = [
        np.array(Image.fromarray(a).resize((size, size), Image.Resampling.BILINEAR))
        for a in arrays
    ]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).to(images.device)
