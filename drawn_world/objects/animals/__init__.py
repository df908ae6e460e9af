"""Every animal of the drawn world, by name, with its colours, its places and its size."""

from __future__ import annotations

from drawn_world.objects.animals.bird import bird, flying_bird
from drawn_world.objects.animals.cat import cat
from drawn_world.objects.animals.cow import cow
from drawn_world.objects.animals.deer import deer
from drawn_world.objects.animals.dog import dog
from drawn_world.objects.animals.duck import duck
from drawn_world.objects.animals.fox import fox
from drawn_world.objects.animals.goat import goat
from drawn_world.objects.animals.hen import hen
from drawn_world.objects.animals.horse import horse
from drawn_world.objects.animals.sheep import sheep
from drawn_world.objects.kind import Kind

_FIELD = {"grass": 6, "snow": 1.0, "sand": 1.0, "road": 0.7}
_HOME = {"grass": 4, "room": 4, "road": 1.5, "snow": 1.0, "sand": 1.0}
_YARD = {"grass": 5, "sand": 1.5, "snow": 1.5, "road": 1.5}
_FOREST_EDGE = {"grass": 5, "snow": 3, "sand": 0.7, "road": 0.5}
# fmt: off
KINDS: dict[str, Kind] = {
    "bird": Kind(
        bird, ("red", "blue", "yellow", "green", "brown", "black", "white", "grey", "orange"),
        {**_YARD, "sky": 6}, size=1.3, length=0.45, flying=0.4, flying_build=flying_bird,
    ),
    "cat": Kind(
        cat, ("black", "white", "grey", "orange", "brown", "cream"),
        _HOME, size=1.7, length=0.75,
    ),
    "cow": Kind(
        cow, ("black", "white", "brown", "tan"),
        _FIELD, size=1.6, length=2.4,
    ),
    "deer": Kind(
        deer, ("brown", "tan", "orange"),
        _FIELD, size=1.6, length=1.8,
    ),
    "dog": Kind(
        dog, ("black", "white", "grey", "brown", "tan", "cream", "orange"),
        _HOME, size=1.6, length=1.0,
    ),
    "duck": Kind(
        duck, ("white", "brown", "grey", "yellow", "black"),
        _YARD, size=1.2, length=0.6,
    ),
    "fox": Kind(
        fox, ("orange", "orange", "orange", "grey", "white", "brown"),
        _FOREST_EDGE, size=1.9, length=1.0,
    ),
    "goat": Kind(
        goat, ("white", "brown", "grey", "black", "tan", "cream"),
        _FIELD, size=1.5, length=1.3,
    ),
    "hen": Kind(
        hen, ("white", "brown", "black", "orange", "grey", "cream"),
        _YARD, size=1.1, length=0.55,
    ),
    "horse": Kind(
        horse, ("brown", "black", "white", "tan", "grey", "cream"),
        _FIELD, size=1.7, length=2.4,
    ),
    "sheep": Kind(
        sheep, ("white", "cream", "grey", "black", "brown"),
        _FIELD, size=1.5, length=1.4,
    ),
}
# fmt: on
