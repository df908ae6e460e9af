"""The two models, CLIPSeg and PartCLIPSeg.

CLIPSeg is asked for "dog's head" as one phrase, PartCLIPSeg for "head" and "dog".
Numbers of equations are those of the paper (Choi et al., NeurIPS 2024).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..vocabulary import Vocabulary
from .backbone import Backbone
from .decoder import AttentionTap, Decoder, FiLM, MaskHead
from .precision import made_in_float32

# PartCLIPSeg encodes bare words, as the release does.
PART_TEMPLATE, OBJECT_TEMPLATE = "{}", "{}"
PHRASE_TEMPLATE = "a {}'s {}"  # CLIPSeg encodes the whole phrase


@dataclass
class Conditions:
    """The words of one forward, as embeddings, and which of them make object parts.

    Attributes:
        parts: generalized parts, `float [B, P, E]`.
        objects: `float [B, O, E]`.
        part_of: each object part's part among the P, `int64 [B, T]`.
        object_of: each object part's object among the O, `int64 [B, T]`.
    """

    parts: Tensor
    objects: Tensor
    part_of: Tensor
    object_of: Tensor

    def expand(self, batch: int) -> "Conditions":
        """The same words for each of `batch` images.

        Fields may come without the batch axis.
        """

        def grow(x: Tensor, dims: int) -> Tensor:
            return x if x.dim() == dims else x[None].expand(batch, *x.shape)

        return Conditions(
            grow(self.parts, 3),
            grow(self.objects, 3),
            grow(self.part_of, 2),
            grow(self.object_of, 2),
        )


@dataclass
class SegmentationOutput:
    """Logits at the network's resolution.

    CLIPSeg fills only `object_part_logits`.

    Attributes:
        object_part_logits: `float [B, T+1, S, S]`, background last.
        part_logits: `float [B, P, S, S]` or None.
        object_logits: `float [B, O, S, S]` or None.
        background_logits: `float [B, 1, S, S]` or None.
    """

    object_part_logits: Tensor
    part_logits: Tensor | None = None
    object_logits: Tensor | None = None
    background_logits: Tensor | None = None


def background_embedding(embed_dim: int) -> nn.Parameter:
    """A new embedding, `float [1, E]`, drawn with the release's deviation."""
    drawn = torch.randn(1, embed_dim, dtype=torch.float32)
    return nn.Parameter(drawn * embed_dim**-0.5)


class VisualAdapter(nn.Module):
    """A small trained correction of the frozen activations.

    x -> 0.8 x + 0.2 adapter(x), as released; not in the paper.
    """

    def __init__(self, width: int, reduction: int = 4):
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(width, width // reduction, bias=False),
            nn.ReLU(),
            nn.Linear(width // reduction, width, bias=False),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Corrected activations, `float [B, 1+N, W]` as `x`."""
        return 0.8 * x + 0.2 * self.fc(x)


class CLIPSeg(nn.Module):
    """The baseline: every object part is one phrase, decoded by itself.

    A learned embedding stands for background.
    """

    @made_in_float32()
    def __init__(
        self,
        *,
        backbone: Backbone,
        width: int = 64,
        heads: int = 4,
        mlp_width: int = 2048,
        adapter: bool = True,
        background: bool = True,
    ):
        """The model with its parts handed in.

        `adapter` and `background` are additions of the part-segmentation baselines;
        CLIPSeg itself has neither.
        """
        super().__init__()
        self.backbone = backbone
        self.decoder = Decoder(
            backbone_width=backbone.width,
            embed_dim=backbone.embed_dim,
            width=width,
            heads=heads,
            mlp_width=mlp_width,
            depth=len(backbone.layers),
        )
        self.adapter = VisualAdapter(backbone.width) if adapter else nn.Identity()
        self.mask_head = MaskHead(width, backbone.patch_size)
        self.background_embedding = (
            background_embedding(backbone.embed_dim) if background else None
        )

    def embed(self, vocabulary: Vocabulary) -> Tensor:
        """Phrase embeddings of a vocabulary's object parts, `float [T, E]`."""
        pairs = [
            (vocabulary.objects[o], vocabulary.parts[p])
            for o, p in zip(
                vocabulary.object_of.tolist(),
                vocabulary.part_of.tolist(),
                strict=True,
            )
        ]
        return self.backbone.embed_text(
            [PHRASE_TEMPLATE.format(o, p) for o, p in pairs]
        )

    def forward(
        self,
        activations: list[Tensor],
        phrases: Tensor,
        tap: AttentionTap | None = None,
    ) -> SegmentationOutput:
        """Logits of every phrase, and of background.

        Without a background embedding the background channel is 0 everywhere: what
        is likelier than not wins over it.

        Args:
            activations: from the backbone, each `float [B, 1+N, W]`.
            phrases: `float [T, E]` or `float [B, T, E]`.
            tap: of the B*(T+1) sequences; background comes last in each image.
        """
        batch = len(activations[0])
        phrases = (
            phrases if phrases.dim() == 3 else phrases[None].expand(batch, -1, -1)
        )
        if self.background_embedding is not None:
            # (B, T+1, E)
            phrases = torch.cat(
                [phrases, self.background_embedding.expand(batch, 1, -1)], dim=1
            )
        # (B, T+1, N, D)
        features = self.decoder(
            [self.adapter(a) for a in activations], phrases, tap
        )
        logits = self.mask_head(features)  # (B, T+1, S, S)
        if self.background_embedding is None:
            logits = F.pad(logits, (0, 0, 0, 0, 0, 1))
        return SegmentationOutput(logits)


class PartCLIPSeg(nn.Module):
    """The paper's model: parts and objects are decoded apart, then put together.

    Apart: Eqs. 1-2; together, to object parts: Eqs. 3-4.
    """

    @made_in_float32()
    def __init__(
        self,
        *,
        backbone: Backbone,
        width: int = 64,
        heads: int = 4,
        mlp_width: int = 2048,
        adapter: bool = True,
    ):
        super().__init__()
        self.backbone = backbone
        embed_dim = backbone.embed_dim
        self.decoder = Decoder(
            backbone_width=backbone.width,
            embed_dim=embed_dim,
            width=width,
            heads=heads,
            mlp_width=mlp_width,
            depth=len(backbone.layers),
        )
        self.adapter = VisualAdapter(backbone.width) if adapter else nn.Identity()
        # Parts, objects and background share one head.
        self.mask_head = MaskHead(width, backbone.patch_size)
        self.merge_features = nn.Linear(2 * width, width)  # Eq. 3, image side
        # Eq. 3, text side
        self.merge_embeddings = nn.Linear(2 * embed_dim, embed_dim)
        self.object_part_film = FiLM(embed_dim, width)  # Eq. 4
        self.object_part_head = MaskHead(width, backbone.patch_size)
        self.background_embedding = background_embedding(embed_dim)

    def embed(self, vocabulary: Vocabulary) -> Conditions:
        """Embeddings of a vocabulary's parts and objects, with its own index maps.

        No field has a batch axis.
        """
        device = self.background_embedding.device
        return Conditions(
            parts=self.backbone.embed_text(
                [PART_TEMPLATE.format(p) for p in vocabulary.parts]
            ),
            objects=self.backbone.embed_text(
                [OBJECT_TEMPLATE.format(o) for o in vocabulary.objects]
            ),
            part_of=vocabulary.part_of.to(device),
            object_of=vocabulary.object_of.to(device),
        )

    def forward(
        self,
        activations: list[Tensor],
        conditions: Conditions,
        tap: AttentionTap | None = None,
    ) -> SegmentationOutput:
        """Logits of all parts, objects and object parts, and of background.

        Args:
            activations: from the backbone, each `float [B, 1+N, W]`.
            conditions: with or without batch axis.
            tap: of the B*(P+O+1) sequences; image b's are its P parts, its O
                objects, its background.
        """
        batch = len(activations[0])
        words = conditions.expand(batch)
        parts, objects = words.parts.shape[1], words.objects.shape[1]
        background = self.background_embedding.expand(batch, 1, -1)  # (B, 1, E)
        # (B, P+O+1, E)
        embeddings = torch.cat([words.parts, words.objects, background], dim=1)
        # (B, P+O+1, N, D)
        features = self.decoder(
            [self.adapter(a) for a in activations], embeddings, tap
        )
        logits = self.mask_head(features)  # (B, P+O+1, S, S)
        part_logits, object_logits, background_logits = logits.split(
            [parts, objects, 1], dim=1
        )
        part_row, object_row = self.rows(words)
        image = torch.arange(batch, device=features.device)[:, None]
        # (B, T+1, N, D)
        merged = self.rebuild(
            features[image, part_row],
            features[image, object_row],
            self.text_pairs(embeddings, words),
        )
        return SegmentationOutput(
            self.object_part_head(merged),
            part_logits,
            object_logits,
            background_logits,
        )

    def rows(self, words: Conditions) -> tuple[Tensor, Tensor]:
        """Each object part's part and object among [parts, objects, background].

        The last entry is background, which is put together with itself.

        Returns:
            Row of the part and row of the object, `int64 [B, T+1]` each.
        """
        parts, objects = words.parts.shape[1], words.objects.shape[1]
        last = torch.full_like(words.part_of[:, :1], parts + objects)
        return torch.cat([words.part_of, last], dim=1), torch.cat(
            [words.object_of + parts, last], dim=1
        )

    def text_pairs(self, embeddings: Tensor, words: Conditions) -> Tensor:
        """Pairs [object | part], `[B, T+1, 2E]`, of `embeddings` `[B, P+O+1, E]`.

        Eq. 3, text side.
        """
        return self.pairs(embeddings, *self.rows(words))

    def pairs(
        self, embeddings: Tensor, part_row: Tensor, object_row: Tensor
    ) -> Tensor:
        """Rows of `embeddings` side by side, [object | part], `float [B, T+1, 2E]`.

        Args:
            embeddings: `float [B, P+O+1, E]`.
            part_row: rows of the parts, `int64 [B, T+1]`.
            object_row: rows of the objects, `int64 [B, T+1]`.
        """
        image = torch.arange(len(embeddings), device=embeddings.device)[:, None]
        return torch.cat(
            [embeddings[image, object_row], embeddings[image, part_row]], dim=-1
        )

    def rebuild(
        self, part_features: Tensor, object_features: Tensor, text: Tensor
    ) -> Tensor:
        """Object-part features, `float [B, K, N, D]`, from part, object and words.

        The release concatenates features as [part | object] but embeddings as
        [object | part]; a linear map follows in both cases, so the order matters
        only for loading its weights, and we keep it.

        Args:
            part_features: of each one's part, `float [B, K, N, D]`.
            object_features: of each one's object, `float [B, K, N, D]`.
            text: the pair of embeddings, `float [B, K, 2E]`.

        Eqs. 3-4.
        """
        pair = torch.cat([part_features, object_features], dim=-1)  # (B, K, N, 2D)
        return self.object_part_film(
            self.merge_features(pair), self.merge_embeddings(text)
        )
