"""The names of the drawn world: objects, parts, colours, and other words for them.

Everything that counts or labels goes by the order of this file: an id in an object map is a
position in `OBJECTS`, an id in a part map a position in `OBJECT_PARTS`. Shipped weights and written
label files rely on that order, so a new kind of object needs new weights, wherever it is entered.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

IGNORE = -1  # in object and part maps: nothing is labelled here

# fmt: off
_QUADRUPED = ("tail", "head", "eye", "torso", "neck", "leg", "ear")
_WITH_MUZZLE = (*_QUADRUPED, "muzzle")
_HORNED = (*_WITH_MUZZLE, "horn")
_BIRD = ("wing", "tail", "head", "eye", "beak", "torso", "leg")
_ENCLOSED = ("wheel", "headlight", "front", "side", "back", "roof", "door", "window")
_MOTORCYCLE = ("wheel", "saddle", "handlebar", "headlight")

#: object -> its parts, both in label order
PARTS_OF: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "aeroplane": ("body", "wing", "tail", "engine", "wheel"),
    "bicycle": ("wheel", "saddle", "handlebar", "chainwheel", "headlight"),
    "bird": _BIRD,
    "bottle": ("body", "cap"),
    "bus": _ENCLOSED,
    "car": _ENCLOSED,
    "cat": _QUADRUPED,
    "cow": _HORNED,
    "deer": _HORNED,
    "dog": _WITH_MUZZLE,
    "duck": ("wing", "tail", "head", "eye", "beak", "torso", "neck", "leg"),
    "fox": _WITH_MUZZLE,
    "goat": _HORNED,
    "hen": _BIRD,
    "horse": _WITH_MUZZLE,
    "motorbike": _MOTORCYCLE,
    "person": ("head", "torso", "leg", "hair", "arm", "foot"),
    "pottedplant": ("pot", "plant"),
    "scooter": _MOTORCYCLE,
    "sheep": _HORNED,
    "truck": _ENCLOSED,
    "van": _ENCLOSED,
})
#: objects whose part masks training never sees
NOVEL_OBJECTS = ("bird", "car", "dog", "motorbike", "sheep")

OBJECTS = tuple(PARTS_OF)
OBJECT_PARTS = tuple(f"{obj}'s {part}" for obj, parts in PARTS_OF.items() for part in parts)
PARTS = tuple(sorted({part for parts in PARTS_OF.values() for part in parts}))

COLOURS = ("black", "white", "grey", "brown", "tan", "orange", "cream", "red", "blue", "green",
           "yellow", "purple", "pink", "teal", "silver")

#: object -> words people use instead
OBJECT_SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "aeroplane": ("airplane", "plane", "jet", "airliner"),
    "bicycle": ("bike", "cycle"),
    "bird": ("songbird",),
    "bottle": ("flask",),
    "bus": ("coach",),
    "car": ("automobile", "sedan"),
    "cat": ("kitten", "kitty"),
    "cow": ("calf", "bull", "cattle"),
    "deer": ("stag", "doe", "fawn"),
    "dog": ("puppy", "hound"),
    "duck": ("duckling", "drake"),
    "fox": ("vixen",),
    "goat": ("billy goat",),
    "hen": ("chicken", "chick"),
    "horse": ("pony", "mare", "foal"),
    "motorbike": ("motorcycle",),
    "person": ("human", "man", "woman"),
    "pottedplant": ("potted plant", "houseplant"),
    "scooter": ("moped", "motor scooter"),
    "sheep": ("lamb", "ewe", "ram"),
    "truck": ("lorry",),
    "van": ("minivan",),
})
#: part -> words people use instead
PART_SYNONYMS: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "arm": ("hand", "upper arm", "lower arm"),
    "back": ("rear",),
    "beak": ("bill",),
    "body": ("fuselage", "hull"),
    "cap": ("lid", "cork"),
    "chainwheel": ("crank",),
    "eye": ("eyeball",),
    "foot": ("shoe", "paw"),
    "front": ("grille",),
    "hair": ("hairdo",),
    "handlebar": ("handlebars",),
    "head": ("face",),
    "headlight": ("headlamp", "lamp"),
    "horn": ("antler",),
    "leg": ("paw", "hoof", "limb"),
    "muzzle": ("snout", "nose"),
    "paw": ("foot",),  # no part of this world, but a word of its captions
    "plant": ("foliage", "leaves"),
    "pot": ("flowerpot",),
    "roof": ("top",),
    "saddle": ("seat",),
    "side": ("flank",),
    "torso": ("trunk", "plumage", "belly"),
    "wheel": ("tyre", "tire"),
    "window": ("windscreen", "windshield"),
    "engine": ("turbine",),
})
# Words that fit only some of the objects which have the part.
_ONLY_FOR = {
    "paw": ("cat", "dog", "fox"), "hoof": ("cow", "deer", "goat", "horse", "sheep"),
    "plumage": ("bird", "duck", "hen"), "bill": ("duck", "bird"),
    "antler": ("deer",), "fuselage": ("aeroplane",), "hull": ("aeroplane",), "shoe": ("person",),
}
_PLURALS = {"person": "people", "sheep": "sheep", "deer": "deer", "bus": "buses", "fox": "foxes",
            "pottedplant": "potted plants"}
# fmt: on


def plural(obj: str) -> str:
    """The plural of an object's name."""
    return _PLURALS.get(obj, obj + "s")


def object_words(obj: str) -> tuple[str, ...]:
    """Other words for one object."""
    return OBJECT_SYNONYMS.get(obj, ())


def part_words(obj: str, part: str) -> tuple[str, ...]:
    """Other words for one part that fit this object."""
    return tuple(word for word in PART_SYNONYMS.get(part, ()) if obj in _ONLY_FOR.get(word, (obj,)))
