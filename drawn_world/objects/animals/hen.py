"""The hen. Lengths are in body lengths (breast to the tail's root)."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.plumage import (
    COMB,
    bird_body,
    bird_eyes,
    bird_legs,
    feather_colour,
    feather_fan,
    feathers,
    folded_wings,
)
from drawn_world.objects.palette import blend, pick, shade
from drawn_world.renderer import Material, Sculpture, rotation, smoothstep, waves


def hen(rng: np.random.Generator, colour: str) -> Sculpture:
    """A round body, an upright tail, a red comb and wattles, thin yellow legs."""
    s = Sculpture()
    leg = rng.uniform(0.26, 0.32)
    height = leg + 0.22
    body = Frame(np.array([0.0, height, 0.0]), rotation("z", rng.uniform(2, 12)))
    main = feather_colour(colour, rng)
    flecks = waves(rng, 8.0)
    flecked = colour not in ("white",) and rng.random() < 0.45
    pattern, second = (
        (
            (lambda p: 0.6 * smoothstep(flecks(p), 0.2, 0.6)),
            pick(rng, shade(main, 0.5), (236, 226, 206)),
        )
        if flecked
        else (None, None)
    )
    plain = feathers(main, pattern, second)
    neck_colour = (
        blend(main, (206, 140, 60), 0.5)
        if colour in ("brown", "black") and rng.random() < 0.5
        else main
    )
    neck, tail = (
        feathers(neck_colour),
        feathers(shade(main, 0.5) if colour != "white" else (226, 224, 218)),
    )
    wing, tip = feathers(shade(main, 0.76), pattern, second), feathers(shade(main, 0.58))
    beak, shank = Material((226, 178, 70), "skin"), Material((230, 178, 62), "skin")
    bird_body(
        s,
        body,
        [
            (-0.36, 0.16, 0.10),
            (-0.22, 0.04, 0.20),
            (0.0, -0.02, 0.265),
            (0.17, 0.0, 0.24),
            (0.27, 0.06, 0.18),
        ],
        plain,
        0.92,
    )
    seat = body(0.36, 0.36, 0) + np.array([rng.uniform(-0.03, 0.05), rng.uniform(-0.05, 0.05), 0])
    s.sweep(
        [body(0.20, 0.05, 0), (body(0.27, 0.2, 0) + seat) / 2 - (0.03, 0.05, 0), seat],
        [0.205, 0.145, 0.09],
        neck,
        "torso",
    )
    nod = rotation("y", rng.normal(0, 20)) @ rotation("z", rng.normal(-5, 8))
    f = Frame(seat + nod @ np.array([0.03, 0.04, 0]), nod, 0.108)
    s.ellipsoid(f(0, 0, 0), np.array([1.05, 1.0, 0.9]) * f.size, neck, "head", rotation=f.axes)
    s.ellipsoid(
        f(0.55, -0.05, 0), np.array([0.5, 0.45, 0.72]) * f.size, COMB, "head", rotation=f.axes
    )
    s.sweep(
        [f(0.8, -0.05, 0), f(1.25, -0.12, 0), f(1.6, -0.32, 0)],
        np.array([0.36, 0.26, 0.05]) * f.size,
        beak,
        "beak",
    )
    grow = rng.uniform(0.8, 1.5)
    for x, up in ((0.75, 0.5), (0.4, 0.8), (0.0, 0.95), (-0.4, 0.8)):
        s.sweep(
            [f(x, 0.75, 0), f(x - 0.1, 0.8 + up * grow, 0)],
            np.array([0.36, 0.16]) * f.size,
            COMB,
            "head",
            shape=(1, 1, 0.5),
        )
    for side in (1, -1):
        s.sweep(
            [f(0.75, -0.4, side * 0.2), f(0.78, -0.75 - 0.35 * grow, side * 0.24)],
            np.array([0.2, 0.3]) * f.size,
            COMB,
            "head",
            shape=(1, 1, 0.6),
        )
    bird_eyes(s, f, 0.45, 0.24, 0.66, 0.22, Material((226, 160, 60), "skin"))
    back = body.axes @ np.array([-0.75, 1.0, 0])
    s.sweep(
        [body(-0.26, 0.12, 0), body(-0.40, 0.30, 0), body(-0.46, 0.44, 0)],
        [0.16, 0.13, 0.05],
        plain,
        "tail",
        shape=(1, 1, 0.6),
    )
    for side in (-0.06, 0.0, 0.06):
        feather_fan(
            s,
            body(-0.32, 0.18, side),
            back + np.array([0, 0, side * 2]),
            (0, 0, 1.0),
            tail,
            "tail",
            6,
            34,
            rng.uniform(0.30, 0.38),
            0.055,
            0.2,
        )
    folded_wings(s, body, wing, tip, 0.06, 0.36, 0.16, 0.232)
    bird_legs(s, body, 0.0, 0.09, shank, plain, 0.022, rng)
    return s
