"""The bottle: a turned body, a label, and a cap, cork or stopper.

Parts: body, cap.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import STEEL, pick, shade, tint
from drawn_world.objects.patterns import band, stripes
from drawn_world.objects.shapes import turned_body
from drawn_world.renderer import Material, Sculpture

# Outlines (height, radius), bottom to top, as shares of the height; the last row is where the neck
# ends.
BOTTLE_OUTLINES = {
    "bordeaux": (
        (0.0, 0.128),
        (0.56, 0.13),
        (0.64, 0.118),
        (0.69, 0.066),
        (0.74, 0.046),
        (0.93, 0.045),
    ),
    "burgundy": (
        (0.0, 0.145),
        (0.42, 0.147),
        (0.54, 0.118),
        (0.64, 0.076),
        (0.76, 0.05),
        (0.93, 0.046),
    ),
    "beer": ((0.0, 0.135), (0.46, 0.137), (0.56, 0.12), (0.66, 0.085), (0.8, 0.058), (0.94, 0.054)),
    "water": ((0.0, 0.142), (0.54, 0.144), (0.66, 0.132), (0.76, 0.1), (0.83, 0.062), (0.9, 0.052)),
    "milk": ((0.0, 0.19), (0.52, 0.192), (0.64, 0.16), (0.72, 0.118), (0.86, 0.108), (0.92, 0.112)),
    "flask": (
        (0.0, 0.2),
        (0.12, 0.27),
        (0.3, 0.3),
        (0.46, 0.24),
        (0.56, 0.13),
        (0.64, 0.075),
        (0.88, 0.07),
    ),
    "sports": (
        (0.0, 0.17),
        (0.34, 0.172),
        (0.44, 0.15),
        (0.54, 0.168),
        (0.7, 0.17),
        (0.8, 0.15),
        (0.84, 0.14),
    ),
}
BOTTLE_HEIGHTS = {
    "bordeaux": 0.32,
    "burgundy": 0.32,
    "beer": 0.25,
    "water": 0.28,
    "milk": 0.24,
    "flask": 0.2,
    "sports": 0.24,
}


def bottle(rng: np.random.Generator, colour: str) -> Sculpture:
    """A bottle whose body has the named colour; the cap, cork or stopper is its own part."""
    thing = Sculpture()
    shape = pick(rng, *BOTTLE_OUTLINES)
    height = BOTTLE_HEIGHTS[shape] * rng.uniform(0.92, 1.1)
    outline = np.array(BOTTLE_OUTLINES[shape]) * height
    outline[:, 1] *= rng.uniform(0.9, 1.15)
    rgb = np.asarray(tint(colour, rng))
    finish = "metal" if shape == "sports" and rng.random() < 0.5 else "glass"
    body = _bottle_surface(rng, shape, rgb, finish, outline, height)
    turned_body(thing, outline, body, "body")
    _bottle_cap(thing, rng, shape, outline, height, colour)
    return thing


def _bottle_surface(rng, shape, rgb, finish, outline, height):
    """Material of the body: a label wrapped around it, ridges, a fill line, or plain."""
    papers = [tint(name, rng) for name in ("white", "cream", "yellow", "red", "blue", "black")]
    paper = pick(
        rng, *(p for p in papers if np.abs(np.subtract(p, rgb)).max() > 90)
    )  # one that stands out
    low = height * rng.uniform(0.12, 0.2)
    high = low + height * rng.uniform(0.2, 0.3)
    if shape == "flask":
        low, high = height * 0.24, height * 0.38
    style = rng.random()
    if style < 0.15:
        return Material(tuple(rgb), finish)
    if shape in ("water", "sports") and style < 0.45:
        return Material(tuple(rgb), finish, stripes(1, height * 0.07, 0.3), shade(rgb, 0.72))
    if shape == "milk" and style < 0.55:
        return Material(
            (240, 238, 230),
            "glass",
            band(1, height * rng.uniform(0.7, 0.9), height),
            shade(rgb, 1.0),
        )
    round_label = rng.random() < 0.35
    middle, radius = (low + high) / 2, (high - low) / 2

    def label(points):
        around = np.arctan2(points[:, 2], points[:, 0])
        inside = (points[:, 1] > low) & (points[:, 1] < high)
        if round_label:  # an oval on the front and on the back
            width = np.abs(points[:, 2]) / (outline[1, 1] * 0.8)
            return ((width**2 + ((points[:, 1] - middle) / radius) ** 2) < 1.0) * 1.0
        edge = (points[:, 1] < low + radius * 0.16) | (points[:, 1] > high - radius * 0.16)
        print_ = (np.abs(points[:, 1] - middle) < radius * 0.28) & (
            np.abs(np.sin(around * 1.5)) < 0.75
        )
        return inside * np.where(edge, 0.35, np.where(print_, 0.45, 1.0))

    return Material(tuple(rgb), finish, label, tuple(paper))


def _bottle_cap(thing, rng, shape, outline, height, colour):
    """What sits on the neck: a capsule, a crown cap, a screw cap, a cork, a stopper or a spout."""
    top, neck = outline[-1]
    others = [
        name
        for name in ("red", "black", "yellow", "white", "blue", "green", "silver", "orange")
        if name != colour
    ]
    metal = Material(tint(pick(rng, *others), rng), "metal")
    matte = Material(metal.colour, "matte", stripes(0, 0.006, 0.5), shade(metal.colour, 0.8))

    def lid(radius, low, high, material, part="cap"):
        thing.cylinder(
            (0, top + (low + high) / 2 * height, 0),
            (0, 1, 0),
            radius,
            (high - low) / 2 * height,
            material,
            part,
        )

    if shape in ("bordeaux", "burgundy") and rng.random() < 0.35:
        lid(
            neck * 1.18,
            -0.015,
            0.012,
            STEEL if rng.random() < 0.3 else Material(shade(tint(colour, rng), 0.9), "glass"),
            "body",
        )
        lid(neck * 0.92, 0.012, 0.085, Material(tint("tan", rng), "matte"))
    elif shape in ("bordeaux", "burgundy"):
        lid(neck * 1.13, -0.13, 0.03, metal)
        lid(neck * 1.28, 0.0, 0.042, metal)
    elif shape == "beer":
        lid(neck * 1.2, -0.04, 0.0, Material(shade(tint(colour, rng), 0.9), "glass"), "body")
        lid(neck * 1.42, 0.0, 0.05, metal)
    elif shape == "flask":
        if rng.random() < 0.5:
            thing.ellipsoid((0, top + 0.1 * height, 0), np.full(3, 0.13 * height), metal, "cap")
            lid(neck * 0.95, -0.02, 0.04, metal)
        else:
            lid(neck * 1.15, -0.03, 0.12, Material(tint("tan", rng), "matte"))
    elif shape == "sports":
        lid(neck * 1.1, -0.02, 0.07, matte)
        lid(neck * 0.42, 0.07, 0.15, metal)
        lid(neck * 0.5, 0.13, 0.16, matte)
    else:
        lid(neck * (1.22 if shape == "milk" else 1.3), -0.03, 0.085, matte)
