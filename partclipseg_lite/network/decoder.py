"""CLIPSeg's decoder: a sentence steers a small transformer, a head paints the mask.

The transformer reads CLIP's activations; FiLM lets the sentence steer it. Lüddecke
and Ecker, "Image Segmentation Using Text and Image Prompts", CVPR 2022.
Attention leaves through a tap in the one and only forward pass, so a drawn map is
the map that made the mask.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

CACHED = 2**22  # values of an inner layer computed at once on a processor: 16 MB


@dataclass
class AttentionTap:
    """A request for the attention of some sequences in a decoder block.

    It may edit the weights on the way.

    Attributes:
        rows: `int64 [M]`, indices into the B*C sequences of the forward; sequence
            b*C + c is condition c of image b.
        edit: optional function from weights to weights, `[M, heads, 1+N, 1+N]`,
            applied before they meet the values.
        weights: filled by the forward: `float [M, heads, 1+N, 1+N]`, each row a
            distribution over the keys.
        block: which of the decoder's blocks; -1, as everywhere in the paper and the
            release, is the last.
    """

    rows: Tensor
    edit: Callable[[Tensor], Tensor] | None = None
    weights: Tensor | None = None
    block: int = -1


class FiLM(nn.Module):
    """Feature-wise linear modulation: x -> mul(c) * x + add(c).

    One factor and one offset a channel (Perez et al. 2018).
    """

    def __init__(self, embed_dim: int, width: int):
        super().__init__()
        self.mul = nn.Linear(embed_dim, width)
        self.add = nn.Linear(embed_dim, width)
        nn.init.ones_(self.mul.bias)  # starts near the identity
        nn.init.zeros_(self.add.bias)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """Features steered by each sentence, `float [B, C, N, D]`.

        Args:
            features: `float [B, C or 1, N, D]`.
            embedding: the sentences, `float [B, C, E]`.
        """
        return (
            self.mul(embedding)[:, :, None] * features
            + self.add(embedding)[:, :, None]
        )


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention of `[S, heads, 1+N, D/heads]` each, fused.

    The weights are never kept.
    """
    # On processors bfloat16 is slower than float32, backward above all.
    if query.device.type == "cpu" and query.dtype == torch.bfloat16:
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(
                query.float(), key.float(), value.float()
            ).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value)


class SelfAttention(nn.Module):
    """Multi-head self-attention, fused but for the sequences a tap asks for."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        if width % heads:
            raise ValueError(
                f"decoder width {width} cannot be divided into {heads} heads"
            )
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (
            nn.Linear(width, width) for _ in range(4)
        )

    def forward(self, x: Tensor, tap: AttentionTap | None = None) -> Tensor:
        """Tokens mixed within each sequence, `[S, 1+N, D]` as `x`."""
        query, key, value = (
            proj(x)
            .unflatten(-1, (self.heads, -1))
            .transpose(1, 2)  # (S, heads, 1+N, D/heads)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = attend(query, key, value)
        if tap is not None:
            scale = query.shape[-1] ** -0.5
            # (M, heads, 1+N, 1+N)
            weights = (
                query[tap.rows] * scale @ key[tap.rows].transpose(-1, -2)
            ).softmax(-1)
            tap.weights = weights if tap.edit is None else tap.edit(weights)
            mixed = mixed.index_copy(
                0, tap.rows, (tap.weights @ value[tap.rows]).to(mixed.dtype)
            )
        return self.out_proj(mixed.transpose(1, 2).flatten(2))


class DecoderBlock(nn.Module):
    """A transformer block with the norm after each residual sum, as in CLIPSeg."""

    def __init__(self, width: int, heads: int, mlp_width: int):
        super().__init__()
        self.self_attn = SelfAttention(width, heads)
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, mlp_width),
            nn.ReLU(inplace=True),
            nn.Linear(mlp_width, width),
        )
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor, tap: AttentionTap | None = None) -> Tensor:
        """Sequences after the block, `[S, 1+N, D]` as `x`."""
        x = self.layer_norm1(x + self.self_attn(x, tap))
        return self.layer_norm2(x + self.widen(x))

    def widen(self, x: Tensor) -> Tensor:
        """The MLP of `x`.

        A processor takes some tokens at a time, so that the wide inner layer stays
        in its cache.
        """
        if x.device.type != "cpu" or torch.compiler.is_exporting():
            return self.mlp(x)
        some = max(1, CACHED // self.mlp[0].out_features)
        return torch.cat(
            [self.mlp(tokens) for tokens in x.flatten(0, 1).split(some)]
        ).view_as(x)


class Decoder(nn.Module):
    """From an image's activations and C sentences to C maps of features.

    Args:
        backbone_width: width W of the activations.
        embed_dim: width E of the sentence embeddings.
        width: decoder width D (CLIPSeg rd64: 64).
        heads, mlp_width: of each block.
        depth: number of activations read, one block for each.
    """

    def __init__(
        self,
        *,
        backbone_width: int,
        embed_dim: int,
        width: int,
        heads: int,
        mlp_width: int,
        depth: int,
    ):
        super().__init__()
        self.width = width
        self.film = FiLM(embed_dim, width)
        self.reduces = nn.ModuleList(
            nn.Linear(backbone_width, width) for _ in range(depth)
        )
        self.blocks = nn.ModuleList(
            DecoderBlock(width, heads, mlp_width) for _ in range(depth)
        )
        # True: blocks run again in the backward pass, their inner activations
        # are not kept.
        self.recompute = False

    def forward(
        self,
        activations: Sequence[Tensor],
        embeddings: Tensor,
        tap: AttentionTap | None = None,
    ) -> Tensor:
        """Features of each sentence on the patches, `float [B, C, N, D]`.

        CLS is dropped. The deepest activation enters first. Sentences act once,
        before the first block; what depends on the image alone (the reduced
        activations) is computed once for all sentences.

        Args:
            activations: shallow to deep, each `float [B, 1+N, W]`.
            embeddings: the sentences, `float [B, C, E]`.
            tap: reaches the block that it names.
        """
        batch, conditions = embeddings.shape[:2]
        x, taps = None, [None] * len(self.blocks)
        if tap is not None:
            taps[tap.block] = tap
        for reduce, block, activation, block_tap in zip(
            self.reduces, self.blocks, reversed(activations), taps, strict=True
        ):
            reduced = reduce(activation)[:, None]  # (B, 1, 1+N, D)
            if x is None:
                x = self.film(reduced, embeddings)  # (B, C, 1+N, D)
            else:
                x = x.unflatten(0, (batch, conditions)) + reduced
            x = x.flatten(0, 1)  # (B*C, 1+N, D)
            # What leaves through a tap is needed at once.
            if self.recompute and self.training and block_tap is None:
                # Nothing in it is drawn at random.
                x = checkpoint(
                    block, x, use_reentrant=False, preserve_rng_state=False
                )
            else:
                x = block(x, block_tap)
        return x.unflatten(0, (batch, conditions))[:, :, 1:]


class MaskHead(nn.Module):
    """From features on the patch grid to one logit a pixel.

    A 3x3 convolution, then two transposed ones. These enlarge by 4 and then by
    patch/4, as in CLIPSeg; for patches of 14 pixels, which CLIPSeg does not know,
    by 2 and 7.
    """

    def __init__(self, width: int, patch_size: int):
        super().__init__()
        divisors = [
            d
            for d in range(1, patch_size + 1)
            if patch_size % d == 0 and d * d <= patch_size
        ]
        first = 4 if patch_size % 4 == 0 else divisors[-1]
        last = patch_size // first
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width, width // 2, first, stride=first),
            nn.ReLU(inplace=True),
            nn.ConvTranspose2d(width // 2, 1, last, stride=last),
        )
        # Most masks are small: start with few pixels claimed.
        nn.init.constant_(self.layers[-1].bias, -2.0)

    def forward(self, features: Tensor) -> Tensor:
        """Logits `[B, C, S, S]`, S the image's side, of features `[B, C, N, D]`."""
        batch, conditions, patches, _ = features.shape
        side, first, last = (
            round(patches**0.5),
            self.layers[2].stride[0],
            self.layers[4].stride[0],
        )
        # (B*C, D, side, side)
        grid = features.flatten(0, 1).transpose(1, 2).unflatten(-1, (side, side))
        x = self.layers[:2](grid).permute(0, 2, 3, 1).flatten(0, 2)  # (B*C*N, D)
        # (B*C*N*first*first, D/2)
        x = spread(x, self.layers[2]).relu_().view(-1, self.layers[4].in_channels)
        x = spread(x, self.layers[4]).view(-1, side, side, first, first, last, last)
        return x.permute(0, 1, 3, 5, 2, 4, 6).reshape(
            batch, conditions, side * first * last, side * first * last
        )


def spread(x: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """A transposed convolution whose stride is its kernel k, as a matrix product.

    From `[M, C]` to `[M, k*k*C']`; faster so.
    """
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (k*k*C', C)
    return F.linear(x, weight, layer.bias.repeat(len(weight) // len(layer.bias)))
