"""Which words a training image is asked for, and in which phrasing.

The whole vocabulary for every image would be exact and slow: almost all of it is absent from any
one image. Each image is asked for its own objects, all their parts, and random others as negatives.
"""

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


class Phrasings:
    """Every phrasing of every name of a vocabulary, and the choice of one for each name asked.

    Seeing each word in several phrasings, and now and then as a synonym, keeps the decoder from
    memorising single points of the embedding space, where a novel name would be a stranger.

    Attributes:
        texts: all of them, in a fixed order.
        first: for "part", "object" or (for CLIPSeg) "object_part": where the texts of each name
            begin, int64 [names].
        count: and how many they are, int64 [names].
    """

    def __init__(self, vocabulary: Vocabulary, phrases: bool, vary: bool):
        banks = phrase_bank(vocabulary, vary) if phrases else word_banks(vocabulary, vary)
        self.texts: list[str] = []
        self.first, self.count = {}, {}
        for kind, bank in banks.items():
            self.count[kind] = np.array([len(texts) for texts in bank])
            self.first[kind] = len(self.texts) + np.cumsum(self.count[kind]) - self.count[kind]
            self.texts += [text for texts in bank for text in texts]

    def draw(self, prompts: Prompts, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """One phrasing for each id of `prompts`: by "part_texts" etc. indices of `texts`, int64."""
        rows = {}
        for kind in self.first:
            ids = getattr(prompts, f"{kind}_ids")
            rows[f"{kind}_texts"] = self.first[kind][ids] + rng.integers(self.count[kind][ids])
        return rows


def phrase_bank(vocabulary: Vocabulary, vary: bool) -> dict[str, list[list[str]]]:
    """Phrasings of each object part as CLIPSeg asks for it: one half at a time is a synonym."""
    take = slice(None) if vary else slice(1)
    pairs = [
        (vocabulary.objects[o], vocabulary.parts[p])
        for o, p in zip(vocabulary.object_of.tolist(), vocabulary.part_of.tolist(), strict=True)
    ]
    return {
        "object_part": [
            [t.format(o=o, p=p) for t in PHRASE_PHRASINGS[take]]
            + [
                PHRASE_PHRASINGS[0].format(o=word, p=p)
                for word in _synonyms(OBJECT_SYNONYMS, o, vary)
            ]
            + [
                PHRASE_PHRASINGS[0].format(o=o, p=word)
                for word in _synonyms(PART_SYNONYMS, p, vary)
            ]
            for o, p in pairs
        ]
    }


def word_banks(vocabulary: Vocabulary, vary: bool) -> dict[str, list[list[str]]]:
    """Phrasings of each part and of each object, as PartCLIPSeg asks for them."""
    take = slice(None) if vary else slice(1)
    return {
        kind: [
            [t.format(name) for t in patterns[take]] + _synonyms(table, name, vary)
            for name in names
        ]
        for kind, names, patterns, table in (
            ("part", vocabulary.parts, PART_PHRASINGS, PART_SYNONYMS),
            ("object", vocabulary.objects, OBJECT_PHRASINGS, OBJECT_SYNONYMS),
        )
    }


def _synonyms(table: dict, name: str, vary: bool) -> list[str]:
    return list(table.get(name, ()))[:2] if vary else []


class WordBank:
    """The embeddings of all `phrasings`, encoded once; each step anew where CLIP's are trained."""

    def __init__(self, model: PartCLIPSeg | CLIPSeg, phrasings: Phrasings):
        self.embed, self.texts, self.kinds = (
            model.backbone.embed_text,
            phrasings.texts,
            [*phrasings.first],
        )
        with torch.no_grad():  # in a fixed order: the same bits in every run
            self.table = self.embed(self.texts)  # (V, E)
        self.trained = any(p.requires_grad for p in model.backbone.clip.parameters())

    def needed(self, batch: dict[str, Tensor]) -> dict:
        """Where embeddings are trained: the texts of a batch, and its indices counted in them.

        Both have to be known before the batch is on a GPU.
        """
        if not self.trained:
            return {}
        asked = {f"{kind}_texts": batch[f"{kind}_texts"] for kind in self.kinds}
        rows = torch.cat([ids.flatten() for ids in asked.values()]).tolist()
        place = {row: i for i, row in enumerate(dict.fromkeys(rows))}
        counted = {name: ids.clone().apply_(place.__getitem__) for name, ids in asked.items()}
        return {"texts": [self.texts[row] for row in place], **counted}

    def conditions(self, batch: dict) -> Tensor | Conditions:
        """Embeddings for the prompts of a batch.

        Phrases, `float [B, T', E]`, for CLIPSeg; `Conditions` for PartCLIPSeg.
        """
        table = self.embed(batch["texts"]) if self.trained else self.table
        words = [table[batch[f"{kind}_texts"]] for kind in self.kinds]
        return (
            words[0]
            if len(words) == 1
            else Conditions(*words, batch["part_of"], batch["object_of"])
        )
