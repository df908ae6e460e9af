"""The drawn person: joints first, then clothes hung on them.

Parts: head, torso, leg, hair, arm, foot. The person looks along +x; left and right are along z.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import blend, pick, shade, tint
from drawn_world.objects.patterns import stripes
from drawn_world.objects.shapes import loft, turned
from drawn_world.renderer import Material, Sculpture

SKIN_TONES = (
    (244, 206, 176),
    (230, 182, 146),
    (206, 154, 114),
    (166, 114, 78),
    (120, 80, 56),
    (88, 58, 44),
)
HAIR_COLOURS = (
    (42, 34, 32),
    (74, 48, 32),
    (122, 78, 44),
    (214, 172, 96),
    (176, 84, 40),
    (168, 166, 164),
)


# Upper-arm and forearm directions (forward, up, outward) for each pose.
ARM_POSES = {
    "down": ((0.06, -1.0, 0.16), (0.22, -1.0, 0.02)),
    "forward": ((0.45, -0.9, 0.14), (0.85, -0.5, 0.0)),
    "backward": ((-0.5, -0.9, 0.14), (-0.2, -1.0, 0.1)),
    "hip": ((-0.25, -0.8, 0.62), (0.35, -0.5, -0.72)),
    "wave": ((0.12, 0.25, 1.0), (0.12, 1.0, 0.12)),
    "up": ((0.1, 0.9, 0.5), (0.05, 1.0, 0.12)),
    "out": ((0.05, -0.12, 1.0), (0.1, 0.02, 1.0)),
    "bent": ((0.05, -1.0, 0.16), (1.0, 0.15, -0.12)),
    "reach": ((0.9, -0.25, 0.15), (1.0, 0.1, 0.0)),
}


# Thigh and knee angles of the two legs (radians; thigh forward positive, knee bends backward), with
# arms.
LEG_POSES = {
    "stand": (((0.02, 0.03), (-0.02, 0.03)), ("down", "down", "hip", "wave", "bent", "out", "up")),
    "walk": (((0.42, 0.10), (-0.36, 0.22)), ("forward", "backward", "wave")),
    "run": (((0.85, 0.95), (-0.45, 0.75)), ("bent", "backward")),
    "sit": (((2.42, 1.95), (2.28, 1.7)), ("forward", "bent", "wave")),
    "stretch": (((0.08, 0.06), (-0.05, 0.04)), ("up", "out")),
}


def person(rng: np.random.Generator, colour: str) -> Sculpture:
    """A person whose shirt (or dress) has the named colour."""
    body = Sculpture()
    child = rng.random() < 0.22
    size = rng.uniform(0.66, 0.76) if child else rng.uniform(0.94, 1.05)
    bulk = rng.uniform(0.92, 1.14)
    pose = pick(rng, "stand", "stand", "stand", "walk", "walk", "run", "sit", "stretch")
    skin = Material(shade(pick(rng, *SKIN_TONES), rng.uniform(0.96, 1.04)), "matte")
    shirt, outfit = _shirt(rng, colour, 1.22 * size if pose != "sit" else 0.45 * size)
    legwear = (
        pick(rng, "trousers", "trousers", "trousers", "shorts", "dress")
        if pose != "sit"
        else "trousers"
    )
    trousers = Material(
        tint(pick(rng, "blue", "black", "grey", "brown", "tan", "green", "teal"), rng), "matte"
    )

    hip = _legs(body, rng, pose, legwear, skin, trousers, size, bulk)
    _torso(body, rng, hip, legwear, shirt, trousers, size, bulk)
    shoulder = hip + 0.50 * size
    _arms(body, rng, pose, shoulder, outfit, skin, shirt, size, bulk)
    grow = size * (1.24 if child else 1.07)
    _head(
        body,
        rng,
        np.array([0.015 * size, shoulder + 0.02 * size + 0.155 * grow, 0.0]),
        skin,
        grow,
        child,
    )
    return body


def _shirt(rng, colour, chest):
    """The shirt's material and its sleeve length; `chest` is the height of a badge."""
    main = tint(colour, rng)
    outfit = pick(rng, "short", "short", "long", "long", "vest")
    other = tint(
        pick(
            rng, *(name for name in ("white", "black", "cream", "yellow", "grey") if name != colour)
        ),
        rng,
    )
    style = rng.random()
    if style < 0.2:
        return Material(
            main, "matte", stripes(1, rng.uniform(0.09, 0.14), 0.4, rng.random()), other
        ), outfit
    if style < 0.34:  # an open jacket over a light shirt
        return Material(
            main, "matte", lambda p: ((p[:, 0] > 0.02) & (np.abs(p[:, 2]) < 0.035)) * 1.0, other
        ), "long"
    if style < 0.46:  # a badge on the chest
        return Material(
            main,
            "matte",
            lambda p: ((p[:, 0] > 0.02) & (p[:, 2] ** 2 + (p[:, 1] - chest) ** 2 < 0.006)) * 1.0,
            other,
        ), outfit
    return Material(main, "matte"), outfit


def _legs(body, rng, pose, legwear, skin, trousers, size, bulk):
    """Two legs with feet; returns the height of the hip that puts the lower foot on the ground."""
    thigh, shin, sole = 0.43 * size, 0.41 * size, 0.075 * size
    angles, _ = LEG_POSES[pose]
    angles = np.asarray(angles) + rng.normal(0, 0.05, (2, 2)) * (pose != "stand")
    if legwear == "dress":
        angles = angles * 0.55
    if rng.random() < 0.5:
        angles = angles[::-1]
    spread = rng.uniform(0.0, 0.12) if pose in ("stand", "stretch") else 0.02
    joints = []
    for side, (lift, bend) in zip((-1, 1), angles, strict=True):
        start = np.array([0.0, 0.0, side * 0.085 * size * bulk])
        knee = start + thigh * np.array([np.sin(lift), -np.cos(lift), side * spread])
        turn = lift - bend
        ankle = knee + shin * np.array([np.sin(turn), -np.cos(turn), side * spread])
        joints.append((start, knee, ankle, turn))
    hip = max(sole - min(ankle[1] for _, _, ankle, _ in joints), 0.14 * size)
    shoe = Material(tint(pick(rng, "black", "brown", "white", "red", "grey", "blue"), rng), "matte")
    sole_material = Material(
        shade(shoe.colour, 0.55) if sum(shoe.colour) > 330 else (225, 222, 215), "rubber"
    )
    bare = legwear in ("shorts", "dress")
    tights = (
        Material(tint("black", rng), "matte") if legwear == "dress" and rng.random() < 0.4 else skin
    )
    lower = tights if bare else trousers
    for start, knee, ankle, turn in joints:
        start, knee, ankle = (p + np.array([0.0, hip, 0.0]) for p in (start, knee, ankle))
        wide = size * bulk
        body.sweep(
            [start, (start + knee) / 2, knee],
            [(0.08 if legwear == "dress" else 0.092) * wide, 0.083 * wide, 0.064 * wide],
            tights if legwear == "dress" else trousers,
            "leg",
        )
        calf = (knee * 0.62 + ankle * 0.38) - np.array([0.018 * size * np.cos(turn), 0.0, 0.0])
        thin = 0.86 if bare else 1.0
        body.sweep(
            [knee, calf, ankle],
            [0.063 * wide * thin, 0.062 * wide * thin, 0.05 * wide * thin],
            lower,
            "leg",
        )
        raised = ankle[1] > sole + 0.05 * size
        tip = turned(pitch=np.degrees(turn) if raised else 0.0)
        if pose == "sit":
            tip = turned(pitch=7)
        body.ellipsoid(
            ankle + tip @ np.array([0.052, -0.028, 0.0]) * size,
            (0.125 * size, 0.05 * size, 0.054 * size),
            shoe,
            "foot",
            rotation=tip,
        )
        body.ellipsoid(
            ankle + tip @ np.array([0.055, -0.058, 0.0]) * size,
            (0.128 * size, 0.017 * size, 0.056 * size),
            sole_material,
            "foot",
            rotation=tip,
        )
    return hip


def _torso(body, rng, hip, legwear, shirt, trousers, size, bulk):
    """Pelvis in trousers (leg), shirt or dress (torso)."""
    wide = size * bulk
    belly, curve = rng.uniform(0.0, 0.025), rng.uniform(-0.012, 0.012)
    low = [(0.0, hip + 0.03 * size, 0.118, 0.172), (belly, hip + 0.13 * size, 0.11, 0.158 - curve)]
    if legwear == "dress":
        flare = rng.uniform(0.2, 0.26)
        loft(
            body,
            [
                (0, hip - 0.34 * size, 0.85 * flare * wide, flare * wide),
                (0, hip - 0.02 * size, 0.15 * wide, 0.192 * wide),
                (0, hip + 0.13 * size, 0.1 * wide, 0.135 * wide),
            ],
            shirt,
            "torso",
            flatness=0.12,
        )
    else:
        body.ellipsoid((0.0, hip, 0.0), (0.112 * wide, 0.105 * size, 0.166 * wide), trousers, "leg")
    stations = low + [
        (0.5 * belly, hip + 0.22 * size, 0.1, 0.146 - 2 * curve),
        (0.01, hip + 0.34 * size, 0.118, 0.172),
        (0.0, hip + 0.435 * size, 0.1, 0.168),
        (-0.01, hip + 0.48 * size, 0.07, 0.115),
    ]
    loft(
        body,
        [(x * size, y, depth * wide, width * wide) for x, y, depth, width in stations],
        shirt,
        "torso",
        flatness=0.22,
    )


def _arms(body, rng, pose, shoulder, outfit, skin, shirt, size, bulk):
    """Two arms with hands; sleeves end at the shoulder, the elbow or the wrist."""
    _, choices = LEG_POSES[pose]
    names = [pick(rng, *choices), pick(rng, *choices)]
    if pose in ("walk", "run"):
        names = [choices[0], choices[1]] if rng.random() < 0.5 else [choices[1], choices[0]]
    if pose == "stand" and rng.random() < 0.4:
        names[1] = names[0]
    sleeve = (
        Material(shirt.colour, "matte", shirt.pattern, shirt.colour2) if shirt.pattern else shirt
    )
    for side, name in zip((-1, 1), names, strict=True):
        upper, fore = (np.asarray(v) + rng.normal(0, 0.06, 3) for v in ARM_POSES[name])
        upper, fore = (v / np.linalg.norm(v) * (1, 1, side) for v in (upper, fore))
        start = np.array([0.0, shoulder - 0.072 * size, side * 0.168 * size * bulk])
        elbow = start + 0.265 * size * upper
        wrist = elbow + 0.235 * size * fore
        thick = size * bulk
        body.sweep(
            [start, (start + elbow) / 2, elbow],
            [0.072 * thick, 0.06 * thick, 0.05 * thick],
            skin if outfit == "vest" else sleeve,
            "arm",
        )
        body.sweep(
            [elbow, wrist],
            [0.049 * thick, 0.038 * thick],
            sleeve if outfit == "long" else skin,
            "arm",
        )
        palm = wrist + 0.05 * size * fore
        body.ellipsoid(palm, (0.044 * size, 0.056 * size, 0.038 * size), skin, "arm")
        thumb = palm + size * np.array([0.03, 0.02, -side * 0.015])
        body.ellipsoid(thumb, (0.03 * size, 0.018 * size, 0.018 * size), skin, "arm")


def _head(body, rng, centre, skin, size, child):
    """Neck, skull, face and hair; `centre` is the middle of the skull."""

    def at(x, y, z):
        return centre + size * np.array([x, y, z])

    wide = rng.uniform(0.088, 0.1)
    body.sweep(
        [at(-0.015, -0.2, 0.0), at(-0.01, -0.09, 0.0)], [0.05 * size, 0.048 * size], skin, "head"
    )
    body.ellipsoid(centre, (0.112 * size, 0.132 * size, wide * size), skin, "head")
    body.ellipsoid(at(0.025, -0.062, 0.0), (0.08 * size, 0.075 * size, 0.068 * size), skin, "head")
    body.ellipsoid(
        at(0.117, -0.02, 0.0),
        (0.024 * size, 0.024 * size, 0.018 * size),
        Material(shade(skin.colour, 0.94), "matte"),
        "head",
    )
    white, pupil = Material((246, 244, 240), "matte"), Material((38, 30, 30), "matte")
    lips = Material(blend(skin.colour, (176, 60, 64), 0.7), "matte")
    # Hair that stands out from the face.
    choices = [
        c
        for c in HAIR_COLOURS
        if np.abs(np.subtract(c, skin.colour)).max() > 55 and not (child and c == HAIR_COLOURS[-1])
    ]
    hair_colour = pick(rng, *choices)
    hair = Material(shade(hair_colour, rng.uniform(0.92, 1.08)), "fur")
    for side in (-1, 1):
        body.ellipsoid(
            at(0.092, 0.018, side * 0.04), (0.018 * size, 0.019 * size, 0.021 * size), white, "head"
        )
        body.ellipsoid(
            at(0.103, 0.018, side * 0.041),
            (0.012 * size, 0.014 * size, 0.013 * size),
            pupil,
            "head",
        )
        body.tube(
            [at(0.105, 0.052, side * 0.022), at(0.096, 0.056, side * 0.058)],
            0.007 * size,
            hair,
            "head",
        )
        body.ellipsoid(
            at(-0.005, -0.01, side * wide), (0.022 * size, 0.034 * size, 0.014 * size), skin, "head"
        )
    body.tube(
        [at(0.098, -0.076, -0.03), at(0.107, -0.083, 0.0), at(0.098, -0.076, 0.03)],
        0.009 * size,
        lips,
        "head",
    )
    _hair(body, rng, at, hair, size, wide)


def _hair(body, rng, at, hair, size, wide):
    """A cap of hair that leaves the face free, and one of several cuts."""
    cut = pick(rng, "short", "short", "bob", "long", "long", "tail", "bun", "afro", "curls")
    if cut == "afro":
        body.ellipsoid(
            at(-0.035, 0.055, 0.0), (0.14 * size, 0.15 * size, 0.155 * size), hair, "hair"
        )
        return
    body.ellipsoid(
        at(-0.022, 0.038, 0.0), (0.108 * size, 0.118 * size, (wide + 0.014) * size), hair, "hair"
    )
    body.ellipsoid(
        at(-0.045, -0.005, 0.0), (0.085 * size, 0.11 * size, (wide + 0.01) * size), hair, "hair"
    )
    fringe = rng.choice([-1, 1]) * rng.uniform(0.0, 0.03)
    body.sweep(
        [
            at(0.07, 0.075, fringe - 0.062),
            at(0.088, 0.098, fringe),
            at(0.066, 0.078, fringe + 0.062),
        ],
        [0.02 * size, 0.028 * size, 0.02 * size],
        hair,
        "hair",
    )
    if cut in ("bob", "long"):
        low = -0.1 if cut == "bob" else -rng.uniform(0.2, 0.3)
        for side in (-1, 1):
            body.sweep(
                [
                    at(0.0, 0.06, side * (wide - 0.01)),
                    at(-0.02, -0.03, side * (wide + 0.018)),
                    at(-0.045, low, side * (wide - 0.005)),
                ],
                [0.036 * size, 0.036 * size, 0.03 * size],
                hair,
                "hair",
            )
        body.sweep(
            [at(-0.06, 0.03, 0.0), at(-0.08, -0.06, 0.0), at(-0.078, low, 0.0)],
            [0.075 * size, 0.074 * size, 0.06 * size],
            hair,
            "hair",
        )
    elif cut == "tail":
        body.sweep(
            [
                at(-0.1, 0.06, 0.0),
                at(-0.185, 0.05, 0.0),
                at(-0.2, -0.06, 0.0),
                at(-0.17, -0.17, 0.0),
            ],
            [0.035 * size, 0.045 * size, 0.045 * size, 0.015 * size],
            hair,
            "hair",
        )
    elif cut == "bun":
        body.ellipsoid(
            at(-0.085, 0.135, 0.0), (0.06 * size, 0.055 * size, 0.06 * size), hair, "hair"
        )
    elif cut == "curls":
        for angle in np.linspace(0.4, 2 * np.pi - 0.4, 8):
            body.ellipsoid(
                at(
                    0.07 * np.cos(angle) - 0.03,
                    0.075 + 0.03 * np.cos(2 * angle),
                    0.1 * np.sin(angle),
                ),
                np.full(3, 0.052 * size),
                hair,
                "hair",
            )
