"""People and the things around them, registered by name.

A builder takes a random generator and a colour name and returns a `Sculpture` in metres, +x
forward, with the ground at y = 0.
"""

from __future__ import annotations

from drawn_world.objects.kind import Kind
from drawn_world.objects.things.bottle import bottle
from drawn_world.objects.things.person import person
from drawn_world.objects.things.potted_plant import pottedplant

# fmt: off
KINDS: dict[str, Kind] = {
    "person": Kind(
        person, ("red", "blue", "green", "yellow", "purple", "white", "pink", "teal", "orange",
                 "grey"),
        {"grass": 3, "road": 3, "room": 3, "sand": 2, "snow": 2},
        size=1.75, length=1.75, pitch=(2.0, 14.0),
    ),
    "bottle": Kind(
        bottle, ("green", "brown", "blue", "teal", "red", "purple", "white", "orange"),
        {"room": 6, "grass": 1, "sand": 1}, size=0.3, length=0.3, pitch=(2.0, 20.0),
    ),
    "pottedplant": Kind(
        pottedplant, ("brown", "orange", "white", "blue", "red", "yellow", "grey", "teal",
                      "black"),
        {"room": 6, "grass": 2, "road": 1, "sand": 1}, size=0.7, length=0.7, pitch=(2.0, 20.0),
    ),
}
# fmt: on
