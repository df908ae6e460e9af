"""Captions of pictures, of single objects and of parts close up: what the tiny CLIP reads.

Captions exist for *all* objects, novel ones included, as real CLIP has read about dogs and their
heads. Every word comes from the tables of this file or from the vocabulary, so that
`caption_words()` can list them all: the tokenizer of the tiny CLIP is built from that list.
Captions are at most `MAX_TOKENS` tokens long to fit its short context.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from drawn_world import names
from drawn_world.names import COLOURS, object_words, part_words, plural

# fmt: off
MAX_TOKENS = 14  # without start and end
SYNONYM_PROBABILITY = 0.08

# Weights: the bare name is what the segmenter will ask for, the other forms keep the text tower
# general.
PART_TEMPLATES = {
    "{obj}'s {part}": 5, "{a_obj}'s {part}": 5, "the {part} of {a_obj}": 3,
    "{obj} {part}": 2, "{part}": 2,
    "a photo of {a_part}": 1, "a photo of {a_obj}'s {part}": 3, "a close-up of {a_obj}'s {part}": 2,
    "the {part} of {a_coloured}": 2, "{a_part}": 1, "a photo of the {part} of {a_obj}": 1,
}
OBJECT_TEMPLATES = {
    "{obj}": 2, "{a_obj}": 2, "a photo of {a_obj}": 4, "{a_coloured}": 3,
    "a photo of {a_coloured}": 3,
    "a picture of {a_obj}": 1, "{a_obj} {place}": 2, "{a_coloured} {place}": 2,
    "a photo of {a_obj} {place}": 1,
}
SCENE_TEMPLATES = {
    "{things}": 3, "a photo of {things}": 3, "{things} {place}": 3,
    "a photo of {things} {place}": 2,
    "a picture of {things}": 1, "{place}, {things}": 1,
}
CLOSE_UP, SMALL = "a close-up of {things}", "a small {noun}"
BESIDE = {"left": ("left of", "to the left of"), "right": ("right of", "to the right of"),
          "front": ("in front of",), "behind": ("behind",)}
NUMBERS = {2: ("two", "a pair of"), 3: ("three",), 4: ("four",)}
PLACES = {
    "grass": ("on grass", "on the grass", "in a field", "in a meadow"),
    "road": ("on a road", "on the road", "on a street"),
    "sand": ("on sand", "on the sand", "on a beach"),
    "snow": ("in the snow", "on snow", "in winter"),
    "room": ("in a room", "on the floor", "indoors"), "sky": ("in the sky", "in the air"),
    "night": ("at night", "in the dark"),
    "forest": ("in a forest", "in the woods"), "studio": ("in a studio",),
}
# How many tokens beyond one CLIP's byte-pair encoding makes of these words.
EXTRA_TOKENS = {"pottedplant": 2, **dict.fromkeys(
    ("aeroplane", "aeroplanes", "airliner", "duckling", "houseplant", "minivan", "moped",
     "motorbikes",
     "scooter", "scooters", "songbird"), 1)}
# fmt: on


def with_article(words: str) -> str:
    """Words with "a" or "an" before them."""
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def _choose(rng: np.random.Generator, options: Sequence[str]) -> str:
    return options[int(rng.integers(len(options)))]


def _template(rng: np.random.Generator, templates: dict[str, int]) -> str:
    weights = np.fromiter(templates.values(), float)
    return list(templates)[int(rng.choice(len(weights), p=weights / weights.sum()))]


def _noun(obj: str, rng: np.random.Generator) -> str:
    """The object's name, now and then another word for it."""
    if obj == "pottedplant" and rng.random() < 0.4:
        return "potted plant"  # the data set's spelling is one word; people write two
    others = object_words(obj)
    return _choose(rng, others) if others and rng.random() < SYNONYM_PROBABILITY else obj


def _coloured(obj: str, noun: str, colour: str) -> str:
    """The noun in its colour: a car is red, but a person wears red."""
    return (
        f"{with_article(noun)} in {colour}" if obj == "person" else with_article(f"{colour} {noun}")
    )


def _fits(caption: str) -> bool:
    words = caption.replace(",", " ,").split()
    return sum(1 + EXTRA_TOKENS.get(word, 0) for word in words) <= MAX_TOKENS


def part_caption(obj: str, part: str, rng: np.random.Generator, colour: str | None = None) -> str:
    """One caption of a close-up of a part: "a dog's head", "the head of a brown dog", "head"."""
    noun = _noun(obj, rng)
    others = part_words(obj, part)
    word = _choose(rng, others) if others and rng.random() < SYNONYM_PROBABILITY else part
    a_obj = with_article(noun)
    return _template(rng, PART_TEMPLATES).format(
        obj=noun,
        a_obj=a_obj,
        part=word,
        a_part=with_article(word),
        a_coloured=_coloured(obj, noun, colour) if colour else a_obj,
    )


def object_caption(
    obj: str, rng: np.random.Generator, colour: str | None = None, scene: str | None = None
) -> str:
    """One caption of a crop around one object: "a photo of a red car"."""
    noun = _noun(obj, rng)
    a_obj = with_article(noun)
    return (
        _template(rng, OBJECT_TEMPLATES)
        .format(
            obj=noun,
            a_obj=a_obj,
            a_coloured=_coloured(obj, noun, colour) if colour else a_obj,
            place=_choose(rng, PLACES[scene]) if scene else "",
        )
        .strip()
    )


def _group(obj: str, items: Sequence, rng: np.random.Generator, colours: bool) -> str:
    """All items of one kind: "a brown dog", "two sheep", "three white sheep"."""
    shared = items[0].colour if colours and len({item.colour for item in items}) == 1 else None
    if len(items) == 1:
        noun = _noun(obj, rng)
        return _coloured(obj, noun, shared) if shared else with_article(noun)
    number, noun = _choose(rng, NUMBERS.get(len(items), ("many",))), plural(obj)
    if not shared:
        return f"{number} {noun}"
    return f"{number} {noun} in {shared}" if obj == "person" else f"{number} {shared} {noun}"


def _relation(picture, rng: np.random.Generator) -> str | None:
    """How two items of different kinds stand to each other: "a dog left of a car".

    None unless there are two, and they stand clearly apart or before one another.
    """
    if len(picture.items) != 2 or picture.items[0].obj == picture.items[1].obj:
        return None
    far, near = picture.items
    width = picture.image.shape[1]
    offset = (far.box[0] + far.box[2] - near.box[0] - near.box[2]) / (2 * width)
    if abs(offset) > 0.2:
        word, back = ("left", "right") if offset < 0 else ("right", "left")
    elif (
        min(far.box[2], near.box[2]) - max(far.box[0], near.box[0]) > 0.1 * width
        and far.box[3] < near.box[3]
    ):
        word, back = "behind", "front"
    else:
        return None
    if rng.random() < 0.5:
        far, near, word = near, far, back
    colours = rng.random() < 0.4
    return " ".join(
        (
            _group(far.obj, [far], rng, colours),
            _choose(rng, BESIDE[word]),
            _group(near.obj, [near], rng, colours),
        )
    )


def scene_caption(picture, rng: np.random.Generator) -> str:
    """One caption of a whole `Picture`: kinds, numbers, colours, place or positions."""
    if not picture.items:
        return _choose(rng, PLACES[picture.scene])
    if rng.random() < 0.4:
        relation = _relation(picture, rng)
        if relation and _fits(relation):
            return relation
    kinds: dict[str, list] = {}
    for k in rng.permutation(len(picture.items)):  # word order says nothing about position
        kinds.setdefault(picture.items[k].obj, []).append(picture.items[k])
    height, width = picture.image.shape[:2]
    if len(picture.items) == 1 and rng.random() < 0.3:
        item = picture.items[0]
        left, top, right, bottom = item.box
        if max(right - left, bottom - top) < 0.4 * max(height, width):
            return SMALL.format(noun=_noun(item.obj, rng))
        if (left == 0 or right == width) and (top == 0 or bottom == height):
            return CLOSE_UP.format(things=with_article(_noun(item.obj, rng)))
    for colours in (rng.random() < 0.5, False):  # without colours where they would make it too long
        things = " and ".join(_group(obj, items, rng, colours) for obj, items in kinds.items())
        caption = _template(rng, SCENE_TEMPLATES).format(
            things=things, place=_choose(rng, PLACES[picture.scene])
        )
        if _fits(caption):
            return caption
    return things


def scene_captions(picture, rng: np.random.Generator, count: int = 1) -> list[str]:
    """Several captions of one picture."""
    return [scene_caption(picture, rng) for _ in range(count)]


@lru_cache(maxsize=1)
def caption_words() -> frozenset[str]:
    """Every lower-case word of captions and of all names, without "'s" and commas."""
    texts = [
        *PART_TEMPLATES,
        *OBJECT_TEMPLATES,
        *SCENE_TEMPLATES,
        CLOSE_UP,
        SMALL,
        *COLOURS,
        "a an and in the many",
    ]
    for table in (BESIDE, NUMBERS, PLACES):
        texts += [words for options in table.values() for words in options]
    for obj in names.OBJECTS:
        texts += [obj, plural(obj), *object_words(obj)]
    for part in names.PARTS:
        texts += [part, *names.PART_SYNONYMS.get(part, ())]
    bare = re.sub(r"\{\w+\}|'s|,", " ", " ".join(texts))
    return frozenset(bare.lower().split())
