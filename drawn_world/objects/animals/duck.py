"""The duck. Lengths are in body lengths (breast to the tail's root)."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.frame import Frame
from drawn_world.objects.animals.plumage import (
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


def duck(rng: np.random.Generator, colour: str) -> Sculpture:
    """Boat-shaped and low, with a broad flat bill and short webbed legs.

    Drakes have a green head and a white collar.
    """
    s = Sculpture()
    leg = rng.uniform(0.15, 0.19)
    lean = rng.uniform(-2, 8) + 6
    height = leg + 0.2
    body = Frame(np.array([0.0, height, 0.0]), rotation("z", lean))
    main = feather_colour(colour, rng)
    drake = colour in ("grey", "brown") and rng.random() < 0.65
    speckles = waves(rng, 7.0)
    breast = blend(main, (110, 70, 48), 0.6) if drake else shade(main, 1.05)
    body_feathers = feathers(
        main,
        (lambda p: 0.55 * smoothstep(speckles(p), 0.1, 0.6))
        if colour == "brown" and not drake
        else None,
        shade(main, 0.62),
    )
    front = feathers(breast)
    head_feathers = feathers((34, 104, 66) if drake else main)
    wing = feathers(
        shade(main, 0.78),
        (lambda p: 0.5 * smoothstep(speckles(p), 0.2, 0.6)) if colour == "brown" else None,
        shade(main, 0.55),
    )
    tip = feathers(shade(main, 0.62) if colour != "white" else (206, 204, 200))
    bill = Material(pick(rng, (232, 160, 44), (236, 140, 40), (214, 186, 60)), "skin")
    bird_body(
        s,
        body,
        [
            (-0.46, 0.11, 0.05),
            (-0.32, 0.05, 0.15),
            (-0.08, 0.0, 0.225),
            (0.14, 0.0, 0.23),
            (0.30, 0.04, 0.18),
        ],
        body_feathers,
        0.98,
    )
    s.ellipsoid(body(0.26, 0.02, 0), (0.19, 0.20, 0.20), front, "torso")
    rise = rng.uniform(0.16, 0.30)
    throat, top = body(0.31, 0.10, 0), body(0.31, 0.10, 0) + np.array([0.09, rise + 0.06, 0])
    s.sweep(
        [throat, (throat + top) / 2 + (0.035, 0.0, 0), top],
        [0.125, 0.09, 0.09],
        head_feathers,
        "neck",
    )
    if drake:
        at = throat + (top - throat) * 0.28 + (0.022, 0, 0)
        s.sweep(
            [at, at + (0.008, 0.025, 0)],
            [0.117, 0.113],
            Material((240, 238, 232), "feather"),
            "neck",
        )
    nod = rotation("y", rng.normal(0, 18)) @ rotation("z", rng.normal(-4, 6))
    f = Frame(top + nod @ np.array([0.035, 0.04, 0]), nod, 0.125)
    s.ellipsoid(
        f(0, 0, 0), np.array([1.12, 0.95, 0.88]) * f.size, head_feathers, "head", rotation=f.axes
    )
    # bill: high at the face, flat and broad at its end
    flat = f.axes @ np.diag([1.0, 0.5, 1.0]) @ f.axes.T
    s.sweep(
        [f(0.75, -0.12, 0), f(1.45, -0.30, 0), f(2.15, -0.36, 0)],
        np.array([0.52, 0.40, 0.46]) * f.size,
        bill,
        "beak",
        shape=flat,
    )
    s.sweep(
        [f(0.7, -0.38, 0), f(2.0, -0.52, 0)],
        np.array([0.36, 0.36]) * f.size,
        Material(shade(bill.colour, 0.8), "skin"),
        "beak",
        shape=flat,
    )
    bird_eyes(
        s,
        f,
        0.42,
        0.26,
        0.68,
        0.2,
        Material((226, 196, 120), "skin") if sum(head_feathers.colour) < 330 else None,
    )
    feather_fan(
        s,
        body(-0.40, 0.12, 0),
        body.axes @ np.array([-1.0, 0.5, 0]),
        body.axes @ np.array([0.5, 1.0, 0]),
        tip,
        "tail",
        5,
        16,
        0.2,
        0.05,
    )
    if drake:
        s.sweep(
            [body(-0.42, 0.16, 0), body(-0.52, 0.25, 0), body(-0.44, 0.29, 0)],
            [0.03, 0.025, 0.012],
            Material((40, 40, 46), "feather"),
            "tail",
        )
    folded_wings(s, body, wing, tip, 0.055, 0.50, 0.15, 0.215)
    bird_legs(
        s,
        body,
        -0.02,
        0.10,
        Material((232, 130, 44), "skin"),
        body_feathers,
        0.026,
        rng,
        webbed=True,
    )
    return s
