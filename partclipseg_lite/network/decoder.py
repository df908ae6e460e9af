"""CLIPSeg's decoder: FiLM lets a sentence steer a small transformer over CLIP activations; a head paints the mask.

Lüddecke and Ecker, "Image Segmentation Using Text and Image Prompts", CVPR 2022.
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
    """Asks the last decoder block for the attention weights of some sequences, and may edit them on the way.

    Attributes:
        rows: int64 [M], indices into the B*C sequences of the forward (sequence b*C
            + c is condition c of image b).
        edit: optional function of the weights [M, heads, 1+N, 1+N] -> weights,
            applied before they meet the values.
        weights: filled by the forward: float [M, heads, 1+N, 1+N], each row a
            distribution over the keys.
    """

    rows: Tensor
    edit: Callable[[Tensor], Tensor] | None = None
    weights: Tensor | None = None


class FiLM(nn.Module):
    """Feature-wise linear modulation: x -> mul(c) * x + add(c), one factor and one offset a channel (Perez et al. 2018)."""

    def __init__(self, embed_dim: int, width: int):
        super().__init__()
        self.mul = nn.Linear(embed_dim, width)
        self.add = nn.Linear(embed_dim, width)
        nn.init.ones_(self.mul.bias)  # starts near the identity
        nn.init.zeros_(self.add.bias)

    def forward(self, features: Tensor, embedding: Tensor) -> Tensor:
        """`features` [B, C or 1, N, D], `embedding` [B, C, E] -> [B, C, N, D]."""
        return (
            self.mul(embedding)[:, :, None] * features
            + self.add(embedding)[:, :, None]
        )


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax attention of [S, heads, 1+N, D/heads] each, fused: the weights are never kept."""
    if (
        query.device.type == "cpu" and query.dtype == torch.bfloat16
    ):  # on processors slower than float32, backward above all
        with torch.autocast("cpu", enabled=False):
            return F.scaled_dot_product_attention(
                query.float(), key.float(), value.float()
            ).to(query.dtype)
    return F.scaled_dot_product_attention(query, key, value)


class SelfAttention(nn.Module):
    """Multi-head self-attention, fused except for the sequences that a tap asks for."""

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
        """[S, 1+N, D] -> [S, 1+N, D]."""
        query, key, value = (
            proj(x)
            .unflatten(-1, (self.heads, -1))
            .transpose(1, 2)  # (S, heads, 1+N, D/heads)
            for proj in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = attend(query, key, value)
        if tap is not None:
            scale = query.shape[-1] ** -0.5
            weights = (
                query[tap.rows] @ key[tap.rows].transpose(-1, -2) * scale
            ).softmax(-1)  # (M, heads, 1+N, 1+N)
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
        x = self.layer_norm1(x + self.self_attn(x, tap))
        return self.layer_norm2(x + self.widen(x))

    def widen(self, x: Tensor) -> Tensor:
        """The MLP.

        On a processor for some tokens at a time, so that its wide inner layer stays
        in the cache.
        """
        if x.device.type != "cpu":
            return self.mlp(x)
        some = max(1, CACHED // self.mlp[0].out_features)
        return torch.cat(
            [self.mlp(tokens) for tokens in x.flatten(0, 1).split(some)]
        ).view_as(x)


class Decoder(nn.Module):
    """Activations of one image + C sentence embeddings -> C maps of features, one for each sentence.

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
        # run blocks again in the backward pass instead of keeping their inner
        # activations
        self.recompute = False

    def forward(
        self,
        activations: Sequence[Tensor],
        embeddings: Tensor,
        tap: AttentionTap | None = None,
    ) -> Tensor:
        """`activations` shallow to deep, each [B, 1+N, W]; `embeddings` [B, C, E] -> features [B, C, N, D], CLS dropped.

        The deepest activation enters first. Sentences act once, before the first
        block; what depends on the image alone (the reduced activations) is computed
        once for all sentences.
        """
        batch, conditions = embeddings.shape[:2]
        x = None
        for reduce, block, activation in zip(
            self.reduces, self.blocks, reversed(activations), strict=True
        ):
            reduced = reduce(activation)[:, None]  # (B, 1, 1+N, D)
            if x is None:
                x = self.film(reduced, embeddings)  # (B, C, 1+N, D)
            else:
                x = x.unflatten(0, (batch, conditions)) + reduced
            x, block_tap = (
                x.flatten(0, 1),
                tap if block is self.blocks[-1] else None,
            )  # (B*C, 1+N, D)
            if (
                self.recompute and self.training and block_tap is None
            ):  # what leaves through a tap is needed at once
                x = checkpoint(block, x, use_reentrant=False)
            else:
                x = block(x, block_tap)
        return x.unflatten(0, (batch, conditions))[:, :, 1:]


class MaskHead(nn.Module):
    """Features on the patch grid -> one logit a pixel: a 3x3 convolution and two transposed ones.

    These enlarge by 4 and then by patch/4, as in CLIPSeg; for patches of 14 pixels,
    which CLIPSeg does not know, by 2 and 7.
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
        nn.init.constant_(
            self.layers[-1].bias, -2.0
        )  # most masks are small: start with few pixels claimed

    def forward(self, features: Tensor) -> Tensor:
        """[B, C, N, D] -> logits [B, C, S, S] with S the side of the image."""
        batch, conditions, patches, _ = features.shape
        side, first, last = (
            round(patches**0.5),
            self.layers[2].stride[0],
            self.layers[4].stride[0],
        )
        grid = (
            features.flatten(0, 1).transpose(1, 2).unflatten(-1, (side, side))
        )  # (B*C, D, side, side)
        x = self.layers[:2](grid).permute(0, 2, 3, 1).flatten(0, 2)  # (B*C*N, D)
        x = (
            spread(x, self.layers[2]).relu_().view(-1, self.layers[4].in_channels)
        )  # (B*C*N*first*first, D/2)
        x = spread(x, self.layers[4]).view(-1, side, side, first, first, last, last)
        return x.permute(0, 1, 3, 5, 2, 4, 6).reshape(
            batch, conditions, side * first * last, side * first * last
        )


def spread(x: Tensor, layer: nn.ConvTranspose2d) -> Tensor:
    """A transposed convolution whose stride is its kernel k is a matrix product, and faster as one: [M, C] -> [M, k*k*C']."""
    weight = layer.weight.permute(2, 3, 1, 0).flatten(0, 2)  # (k*k*C', C)
    return F.linear(x, weight, layer.bias.repeat(len(weight) // len(layer.bias)))
