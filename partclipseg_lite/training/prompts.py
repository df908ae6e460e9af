"""Which words a training image is asked for, and in which phrasing.

The whole vocabulary for every image would be exact and slow: almost all of it is absent from any
one image. Each image is asked for its own objects, all their parts, and random others as negatives.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..network.models import CLIPSeg, Conditions, PartCLIPSeg
from ..vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary

PART_PHRASINGS = ("{}", "a photo of a {}", "the {}")
OBJECT_PHRASINGS = ("{}", "a photo of a {}", "a {}")
PHRASE_PHRASINGS = ("a {o}'s {p}", "{o}'s {p}", "the {p} of a {o}", "a photo of a {o}'s {p}")


@dataclass
class Prompts:
    """What one image is asked for; ids index the training vocabulary.

    Attributes: object_ids int64 [O'], part_ids [P'], object_part_ids [T'] (padded with 0), part_of,
    object_of [T'] (indices into part_ids and object_ids), valid bool [T'].
    """

    object_ids: np.ndarray
    part_ids: np.ndarray
    object_part_ids: np.ndarray
    part_of: np.ndarray
    object_of: np.ndarray
    valid: np.ndarray


class PromptSampler:
    """A chooser of words for an image: the objects it shows, with their parts, then others."""

    def __init__(self, vocabulary: Vocabulary, parts: int, objects: int, object_parts: int):
        self.parts = min(parts, len(vocabulary.parts))
        self.objects = min(objects, len(vocabulary.objects))
        self.object_parts = min(object_parts, len(vocabulary))
        self.part_of, self.object_of = vocabulary.part_of.numpy(), vocabulary.object_of.numpy()
        self.part_count, self.object_count = len(vocabulary.parts), len(vocabulary.objects)

    def __call__(
        self,
        present_objects: np.ndarray,
        present_object_parts: np.ndarray,
        rng: np.random.Generator,
    ) -> Prompts:
        """The words to ask of an image that shows these ids (without IGNORE).

        Words present are only left out if they do not fit. Where everything fits, everything is
        asked, in the order of the vocabulary.
        """
        if (self.parts, self.objects, self.object_parts) == (
            self.part_count,
            self.object_count,
            len(self.part_of),
        ):
            return Prompts(
                np.arange(self.object_count),
                np.arange(self.part_count),
                np.arange(len(self.part_of)),
                self.part_of,
                self.object_of,
                np.ones(len(self.part_of), dtype=bool),
            )
        object_ids = _fill(rng.permutation(present_objects), self.object_count, self.objects, rng)
        of_present = np.flatnonzero(
            np.isin(self.object_of, np.intersect1d(object_ids, present_objects))
        )
        # Visible parts come first.
        first = self.part_of[np.intersect1d(present_object_parts, of_present)]
        then = self.part_of[rng.permutation(of_present)]  # hidden ones of the same objects
        part_ids = _fill(
            np.concatenate([rng.permutation(first), then]), self.part_count, self.parts, rng
        )
        column = np.full(self.part_count, -1)
        column[part_ids] = np.arange(len(part_ids))
        row = np.full(self.object_count, -1)
        row[object_ids] = np.arange(len(object_ids))
        possible = np.flatnonzero((row[self.object_of] >= 0) & (column[self.part_of] >= 0))
        rank = (
            np.where(
                np.isin(possible, present_object_parts),
                0,
                np.where(np.isin(possible, of_present), 1, 2),
            )
            + rng.random(len(possible)) * 0.5
        )
        chosen = possible[np.argsort(rank)][: self.object_parts]
        ids = np.zeros(self.object_parts, dtype=np.int64)
        ids[: len(chosen)] = chosen
        valid = np.arange(self.object_parts) < len(chosen)
        return Prompts(
            object_ids,
            part_ids,
            ids,
            np.where(valid, column[self.part_of[ids]], 0),
            np.where(valid, row[self.object_of[ids]], 0),
            valid,
        )


def _fill(wanted: np.ndarray, total: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """The first `count` different ids of `wanted`, filled up with random others of 0..total-1."""
    order = np.concatenate([wanted, rng.permutation(total)]).astype(np.int64)
    _, first = np.unique(order, return_index=True)
    return order[np.sort(first)][:count]


class WordBank:
    """Every phrasing of every name of a vocabulary.

    `conditions` draws one phrasing for each image and name. Seeing each word in several phrasings,
    and now and then as a synonym, keeps the decoder from memorising single points of the embedding
    space, where a novel name would be a stranger.
    """

    def __init__(self, model: PartCLIPSeg | CLIPSeg, vocabulary: Vocabulary, vary: bool):
        self.embed = model.backbone.embed_text
        pairs = [
            (vocabulary.objects[o], vocabulary.parts[p])
            for o, p in zip(vocabulary.object_of.tolist(), vocabulary.part_of.tolist(), strict=True)
        ]
        take = slice(None) if vary else slice(1)
        phrase = lambda patterns, name: [t.format(name) for t in patterns[take]]  # noqa: E731
        synonyms = lambda table, name: list(table.get(name, ()))[:2] if vary else []  # noqa: E731
        self.is_phrases = isinstance(model, CLIPSeg)
        if self.is_phrases:  # one half at a time is replaced by a synonym
            self.phrases = [
                [t.format(o=o, p=p) for t in PHRASE_PHRASINGS[take]]
                + [PHRASE_PHRASINGS[0].format(o=word, p=p) for word in synonyms(OBJECT_SYNONYMS, o)]
                + [PHRASE_PHRASINGS[0].format(o=o, p=word) for word in synonyms(PART_SYNONYMS, p)]
                for o, p in pairs
            ]
        else:
            self.part_words = [
                phrase(PART_PHRASINGS, p) + synonyms(PART_SYNONYMS, p) for p in vocabulary.parts
            ]
            self.object_words = [
                phrase(OBJECT_PHRASINGS, o) + synonyms(OBJECT_SYNONYMS, o)
                for o in vocabulary.objects
            ]
        banks = self.phrases if self.is_phrases else self.part_words + self.object_words
        with torch.no_grad():  # fills the cache in a fixed order: the same bits in every run
            self.embed([text for texts in banks for text in texts])

    def conditions(self, batch: dict[str, Tensor], rng: np.random.Generator) -> Tensor | Conditions:
        """Embeddings for the prompts of a batch.

        Phrases, `float [B, T', E]`, for CLIPSeg; `Conditions` for PartCLIPSeg.
        """
        if self.is_phrases:
            return pick(self.embed, self.phrases, batch["object_part_ids"], rng)
        return Conditions(
            pick(self.embed, self.part_words, batch["part_ids"], rng),
            pick(self.embed, self.object_words, batch["object_ids"], rng),
            batch["part_of"],
            batch["object_of"],
        )


def pick(
    embed: Callable[[list[str]], Tensor],
    bank: list[list[str]],
    ids: Tensor,
    rng: np.random.Generator,
) -> Tensor:
    """Embeddings of one random phrasing for each id, `float [B, C, E]`, of `ids` `[B, C]`.

    Each text is encoded once.
    """
    texts = [bank[i][int(rng.integers(len(bank[i])))] for i in ids.flatten().tolist()]
    row = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    rows = torch.tensor([row[text] for text in texts], device=ids.device)
    return embed(list(row)).to(ids.device)[rows].unflatten(0, tuple(ids.shape))
