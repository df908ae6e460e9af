"""Everything that drives or flies in the drawn world, registered by name.

A builder takes a random generator and a colour name and returns a `Sculpture` in metres, +x
forward, with the ground at y = 0.
"""

from __future__ import annotations

from drawn_world.objects.kind import Kind
from drawn_world.objects.vehicles.aeroplane import aeroplane, flying_aeroplane
from drawn_world.objects.vehicles.bicycle import bicycle
from drawn_world.objects.vehicles.bus import bus
from drawn_world.objects.vehicles.car import car
from drawn_world.objects.vehicles.motorbike import motorbike
from drawn_world.objects.vehicles.scooter import scooter
from drawn_world.objects.vehicles.truck import truck
from drawn_world.objects.vehicles.van import van

ROAD_SCENES = {"road": 7, "grass": 1.5, "sand": 1.5, "snow": 1.5}
# fmt: off
KINDS: dict[str, Kind] = {
    "aeroplane": Kind(
        aeroplane, ("white", "red", "blue", "green", "yellow", "silver", "orange", "grey"),
        {"sky": 7, "road": 2, "grass": 1.5, "snow": 0.5},
        size=9.0, length=11.0, pitch=(-14.0, 22.0), flying=0.7, flying_build=flying_aeroplane,
    ),
    "bicycle": Kind(
        bicycle, ("red", "blue", "green", "yellow", "black", "teal", "orange", "pink", "white"),
        {"road": 6, "grass": 3, "sand": 1.5, "snow": 1, "room": 0.5},
        size=1.8, length=1.8, pitch=(2.0, 16.0),
    ),
    "bus": Kind(
        bus, ("red", "blue", "green", "yellow", "white", "orange", "teal", "silver"),
        {"road": 9, "grass": 1, "sand": 1, "snow": 1}, size=7.4, length=8.0, pitch=(2.0, 16.0),
    ),
    "car": Kind(
        car, ("red", "blue", "green", "yellow", "black", "white", "silver", "teal", "orange",
              "grey"),
        ROAD_SCENES, size=4.0, length=4.0, pitch=(3.0, 20.0),
    ),
    "motorbike": Kind(
        motorbike, ("red", "blue", "green", "yellow", "black", "orange", "purple", "white"),
        {"road": 7, "grass": 1.5, "sand": 1.5, "snow": 0.5, "room": 0.5},
        size=2.1, length=2.1, pitch=(2.0, 16.0),
    ),
    "scooter": Kind(
        scooter, ("red", "blue", "teal", "cream", "pink", "yellow", "white", "green", "orange"),
        {"road": 7, "grass": 1, "sand": 1.5, "room": 0.5},
        size=1.75, length=1.75, pitch=(2.0, 16.0),
    ),
    "truck": Kind(
        truck, ("red", "blue", "green", "yellow", "white", "orange", "grey", "teal"),
        ROAD_SCENES, size=6.2, length=7.0, pitch=(2.0, 16.0),
    ),
    "van": Kind(
        van, ("white", "blue", "red", "yellow", "green", "silver", "orange", "teal", "grey"),
        ROAD_SCENES, size=4.8, length=5.0, pitch=(2.0, 18.0),
    ),
}
# fmt: on
