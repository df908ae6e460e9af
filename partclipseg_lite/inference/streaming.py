"""One image and any number of names in bounded memory.

Words are decoded in chunks, and only what pays is kept. Cheap for each word: its embedding (2 kB)
and its features (124 kB at 352x352). Dear: its map at the image's own size (48 MB for a photo of 12
megapixels). So an image is encoded once, features are computed once for each word and the last ones
kept, and maps are put together a few at a time.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from ..losses.attention_control import area_on_grid, object_part_maps, plan_attention
from ..network.models import CLIPSeg, Conditions, PartCLIPSeg
from ..vocabulary import Vocabulary
from .predict import autocast, check_numbers, resize_logits

CHUNK = 32  # names decoded at once
KEPT = 256  # words whose features stay: 32 MB at 352x352 and width 64
ENLARGED = 2**22  # values enlarged to the image's size at once: 16 MB


class WordDecoder:
    """Maps of words in one image, computed when they are asked for.

    Args:
        model: in eval mode.
        activations: the image's, each [1, 1+N, W].
        vocabulary: T names with their P generalized parts and O objects.
        words: `model.embed(vocabulary)`.
        chunk: so many names, and so many words, are decoded at once. precision: see `autocast`.
    """

    def __init__(
        self,
        model: PartCLIPSeg | CLIPSeg,
        activations: Sequence[Tensor],
        vocabulary: Vocabulary,
        words: Conditions | Tensor,
        chunk: int = CHUNK,
        precision: str = "auto",
    ):
        self.model, self.chunk, self.precision = model, chunk, precision
        self.count, self.is_phrases = len(vocabulary), isinstance(model, CLIPSeg)
        background = model.background_embedding
        if self.is_phrases:
            # (T[+1], E)
            self.embeddings = words if background is None else torch.cat([words, background])
        else:
            self.parts = len(words.parts)
            self.embeddings = torch.cat([words.parts, words.objects, background])  # (P+O+1, E)
            words = words.expand(1)
            self.part_row, self.object_row = (row[0] for row in model.rows(words))  # (T+1,) twice
            self.text = model.text_pairs(self.embeddings[None], words)  # (1, T+1, 2E)
        # Neighbours share their object, so that a chunk needs few objects.
        self.order = torch.argsort(vocabulary.object_of, stable=True).tolist()
        with torch.inference_mode(), autocast(self.embeddings.device, precision):
            self.activations = [model.adapter(a).clone() for a in activations]
        self._features: OrderedDict[int, Tensor] = OrderedDict()

    def features(self, rows: Tensor) -> Tensor:
        """Decoder features [len(rows), N, D] of words, as rows of the condition embeddings.

        Computed or still there.
        """
        rows = rows.tolist()
        missing = [row for row in dict.fromkeys(rows) if row not in self._features]
        for start in range(0, len(missing), self.chunk):
            some = missing[start : start + self.chunk]
            activations = [a.to(self.embeddings.device) for a in self.activations]
            decoded = self.model.decoder(activations, self.embeddings[some][None])[
                0
            ]  # (some, N, D)
            self._features.update(
                (row, word.clone()) for row, word in zip(some, decoded, strict=True)
            )
        for row in rows:
            self._features.move_to_end(row)
        device = self.embeddings.device  # some may have left it
        found = torch.stack([self._features[row].to(device) for row in rows])
        while len(self._features) > max(KEPT, 2 * self.chunk):
            self._features.popitem(last=False)
        return found

    def rest(self) -> None:
        """Leave the GPU: what is kept for later questions moves to main memory."""
        self.activations = [a.cpu() for a in self.activations]
        new = [row for row, word in self._features.items() if word.device.type != "cpu"]
        if new:  # in one piece, so that the GPU is waited for once
            words = torch.stack([self._features[row] for row in new]).cpu()
            self._features.update(zip(new, words, strict=True))

    def logits(self, kind: str, indices: Sequence[int]) -> Tensor:
        """Logits of at most `chunk` words of one kind, `float32 [len(indices), S, S]`.

        Kinds are "names" (index T: background), "parts" and "objects".
        """
        device = self.embeddings.device
        with torch.inference_mode(), autocast(device, self.precision):
            index = torch.as_tensor(indices, device=device)
            if kind != "names":
                return self.model.mask_head(
                    self.features(index + (self.parts if kind == "objects" else 0))[None]
                )[0].float()
            if self.is_phrases:
                return self.model.mask_head(self.features(index)[None])[0].float()
            part_row, object_row = self.part_row[index], self.object_row[index]
            merged = self.model.rebuild(
                self.features(part_row)[None], self.features(object_row)[None], self.text[:, index]
            )
            return self.model.object_part_head(merged)[0].float()

    def enlarged(
        self, kind: str, indices: Sequence[int], size: tuple[int, int]
    ) -> Iterable[tuple[list[int], Tensor]]:
        """(some of `indices`, their logits float32 [some, H, W]), until all came.

        Few enough at a time for any size.
        """
        group = max(1, ENLARGED // (size[0] * size[1]))
        for start in range(0, len(indices), self.chunk):
            chunk = list(indices[start : start + self.chunk])
            logits = self.logits(kind, chunk)
            for first in range(0, len(chunk), group):
                yield (
                    chunk[first : first + group],
                    resize_logits(logits[first : first + group], size),
                )

    def background(self, size: tuple[int, int]) -> Tensor:
        """Logits float32 [H, W]; 0 everywhere for CLIPSeg without an embedding for background."""
        if self.model.background_embedding is None:
            return torch.zeros(size, dtype=torch.float32, device=self.embeddings.device)
        ((_, logits),) = self.enlarged("names", [self.count], size)
        return logits[0]

    @torch.inference_mode()
    def winners(self, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
        """(labels int64 [H, W], -1 for background; highest logit of each name [T].

        Background's logits [H, W]).
        """
        best = background = self.background(size)
        labels = torch.full(size, -1, dtype=torch.long, device=background.device)
        highest = torch.empty(self.count, dtype=torch.float32, device=background.device)
        for names, logits in self.enlarged("names", self.order, size):
            index = torch.tensor(names, device=logits.device)
            highest[index] = logits.flatten(1).amax(1)
            top, which = logits.max(0)
            labels = torch.where(top > best, index[which], labels)
            best = torch.maximum(top, best)
        check_numbers(torch.stack([highest.max(), highest.min(), background.max()]))
        return labels, highest, background

    @torch.inference_mode()
    def attention(self, labels: Tensor) -> dict[int, Tensor]:
        """Eq. 6 for the names in `labels`, with the mask found in place of the true one.

        Returns:
            Index of a name -> its map, `float32 [grid, grid]`.
        """
        grid, maps = self.model.backbone.grid, {}
        found = labels[labels >= 0].unique()
        if not len(found):
            return maps
        # A tapped map is 4 MB for each of the word's sequences.
        for names in found.split(max(1, self.chunk // 4)):
            area = area_on_grid((labels == names[:, None, None])[None], grid)  # (1, K, N)
            part_rows, part_of = self.part_row[names].unique(return_inverse=True)
            object_rows, object_of = self.object_row[names].unique(return_inverse=True)
            words = Conditions(
                self.embeddings[part_rows], self.embeddings[object_rows], part_of, object_of
            )
            plan = plan_attention(area, words)
            # In the precision in which the activations were computed.
            with autocast(self.embeddings.device, self.precision):
                self.model.decoder(
                    self.activations, torch.cat([words.parts, words.objects])[None], plan.tap
                )
            maps |= zip(names.tolist(), object_part_maps(plan).view(-1, grid, grid), strict=True)
        return maps
