"""One form of question and answer for both kinds of models: what the playground is made of.

A question is a name, "dog's head", or a single word, "dog" or "head". `web/answers.js` and
`web/words.js` do the same in the page. Letters: Q questions; N places of the grid; S the network's
side; H, W the picture's as it is shown.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..losses.attention_control import area_on_grid, normalise_maps
from ..network.models import (
    OBJECT_TEMPLATE,
    PART_TEMPLATE,
    PHRASE_TEMPLATE,
    CLIPSeg,
    Conditions,
    PartCLIPSeg,
)
from ..vocabulary import split_name, tidy_name
from .graphs import decoder_graph
from .predict import check_numbers, encode, resize_logits

SINGLE_TEMPLATE = "a {}"  # CLIPSeg is asked for a single word so


@dataclass(frozen=True)
class Question:
    """What a model is asked for.

    Attributes:
        name: as it was asked, tidied.
        obj: of an object part, else None.
        part: of an object part, else None.
        word: a single word, else None.
    """

    name: str
    obj: str | None = None
    part: str | None = None
    word: str | None = None


def question(name: str) -> Question:
    """The question of a name: that of an object part if it has an 's, else that of a word.

    Raises:
        TypeError, ValueError: as `tidy_name`; "dog's " has no part.
    """
    name = tidy_name(name)
    if "'s " in name.lower() or name.lower().endswith("'s"):
        obj, part = split_name(name)
        return Question(name, obj=obj, part=part)
    return Question(name, word=name)


@dataclass(frozen=True, eq=False)
class Answer:
    """What a model says to some questions about one picture.

    Attributes:
        questions: Q of them.
        logits: `float32 [Q, S, S]`.
        background: what object parts compete with, and what single words do, `float32 [2, S, S]`.
        tables: attention of each question's words, `float32 [N, N]` each: of its part and its
            object, of its word, or of its phrase.
        grid: side of the grid of places.
    """

    questions: tuple[Question, ...]
    logits: Tensor
    background: Tensor
    tables: tuple[tuple[Tensor, ...], ...]
    grid: int

    def gaze(self, number: int, place: int) -> np.ndarray:
        """Where a place looks for a question, `float32 [grid, grid]`."""
        row = sum(table[place] for table in self.tables[number])
        return row.view(self.grid, self.grid).numpy()


@torch.inference_mode()
def ask(model: PartCLIPSeg | CLIPSeg, image: np.ndarray, questions: Sequence[Question]) -> Answer:
    """A model's answer.

    Args:
        model: in eval mode, on the processor.
        image: RGB, `uint8 [H, W, 3]`.
        questions: at least one.

    Raises:
        ValueError: no question; a word that a tiny CLIP does not know.
        FloatingPointError: the model's scores are no numbers.
    """
    if not questions:
        raise ValueError("ask for something, such as dog's head")
    activations, embed = encode(model, [image]), model.backbone.embed_text
    graph, grid = decoder_graph(model), model.backbone.grid
    if isinstance(model, CLIPSeg):
        phrases = [
            SINGLE_TEMPLATE.format(one.word)
            if one.part is None
            else PHRASE_TEMPLATE.format(one.obj, one.part)
            for one in questions
        ]
        logits, attention = graph(*activations, embed(phrases))
        check_numbers(logits)
        tables = tuple((table,) for table in attention)
        return Answer(tuple(questions), logits[:-1], logits[[-1, -1]], tables, grid)
    words = _Words(questions)
    conditions = Conditions(
        embed([PART_TEMPLATE.format(part) for part in words.parts]),
        embed([OBJECT_TEMPLATE.format(obj) for obj in words.objects]),
        torch.tensor([words.parts.index(one.part) for one in words.pairs] or [0]),
        torch.tensor([words.objects.index(one.obj) for one in words.pairs] or [0]),
    )
    pairs, _, objects, background, attention = graph(*activations, *vars(conditions).values())
    check_numbers(pairs)
    of_object = {obj: len(words.parts) + o for o, obj in enumerate(words.objects)}
    logits = torch.stack(
        [
            pairs[words.pairs.index(one)]
            if one.part is not None
            else objects[words.objects.index(one.word)]
            for one in questions
        ]
    )
    tables = tuple(
        (attention[of_object[one.word]],)
        if one.part is None
        else (attention[words.parts.index(one.part)], attention[of_object[one.obj]])
        for one in questions
    )
    background = torch.stack([pairs[-1], background[0]])
    return Answer(tuple(questions), logits, background, tables, grid)


class _Words:
    """The words of some questions, each once; single ones are asked for as objects."""

    def __init__(self, questions: Sequence[Question]):
        self.pairs = [one for one in questions if one.part is not None]
        singles = [one.word for one in questions if one.part is None]
        self.objects = list(dict.fromkeys([*(one.obj for one in self.pairs), *singles]))
        # Each list needs an entry, whether or not it is looked at.
        self.parts = list(dict.fromkeys(one.part for one in self.pairs)) or self.objects[:1]


@dataclass(frozen=True, eq=False)
class Decision:
    """Masks of one answer at the size that is shown.

    Attributes:
        labels: number of the object part that wins, -1 for none, `int64 [H, W]`.
        masks: `bool [Q, H, W]`; those of single words may lie over others.
        scores: highest probability of each question.
    """

    labels: np.ndarray
    masks: np.ndarray
    scores: list[float]


def decide(
    answer: Answer, size: tuple[int, int], told: bool = False, within: np.ndarray | None = None
) -> Decision:
    """Which object part wins at each pixel, and where each single word beats background.

    Args:
        answer: to decide about.
        size: height and width of the masks.
        told: the objects are told: background is out of the race.
        within: then only these pixels count, `bool [H, W]`.
    """
    pairs = [q for q, one in enumerate(answer.questions) if one.part is not None]
    large = resize_logits(answer.logits, size)
    labels = np.full(size, -1)
    if pairs:
        race = large[pairs]
        numbers = np.array(pairs if told else [-1, *pairs])
        if not told:
            race = torch.cat([resize_logits(answer.background[:1], size), race])
        labels = numbers[race.argmax(0).numpy()]
        if told and within is not None:
            labels = np.where(within, labels, -1)
    behind = resize_logits(answer.background[1:], size)[0]
    masks = [
        labels == q if one.part is not None else (large[q] > behind).numpy()
        for q, one in enumerate(answer.questions)
    ]
    return Decision(labels, np.stack(masks), answer.logits.sigmoid().flatten(1).amax(1).tolist())


def claims_of(
    answer: Answer, decision: Decision, obj: str, gamma: float
) -> tuple[list[int], np.ndarray, np.ndarray]:
    """What the parts of an object claim, with the masks that were found (Eqs. 6 and 7).

    Returns:
        Numbers of the K parts that were found; their claims, `bool [K, N]`; which places the
        masks found cover for the greater part, `bool [N]`.
    """
    of_object = [q for q, one in enumerate(answer.questions) if one.obj == obj]
    masks = torch.from_numpy(decision.masks[of_object])[None]
    area = area_on_grid(masks, answer.grid)[0]  # (parts, N)
    found = [k for k in range(len(of_object)) if area[k].any()]
    maps = [
        sum(area[k] / area[k].sum() @ table for table in answer.tables[of_object[k]]) for k in found
    ]
    claimed = np.zeros((0, answer.grid**2), bool)
    if maps:
        claimed = (normalise_maps(torch.stack(maps), answer.grid) >= gamma).numpy()
    return [of_object[k] for k in found], claimed, (area.sum(0) >= 0.5).numpy()
