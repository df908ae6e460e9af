"""Coats of four-legged animals: materials, and where the second colour shows."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.animals.quadruped import Coat, Plan, Pose
from drawn_world.objects.palette import blend, pick, shade, tint
from drawn_world.renderer import Material, smoothstep, waves

CREAM, PINK, BLACK = (240, 228, 206), (222, 150, 146), (34, 30, 32)
DARK_COATS = ("black",)


def fur_colour(colour: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """The named colour with the small differences of fur: in brightness, hardly in hue."""
    return tint(colour, rng, 2.5)


CONTRASTS = {"black": ("white",), "white": ("black", "brown", "tan"), "cream": ("brown",)}


def contrasting(colour: str, rng) -> tuple[float, float, float]:
    """A second colour that shows on the named one."""
    return fur_colour(pick(rng, *CONTRASTS.get(colour, ("white",))), rng)


def light_below(plan: Plan, strength: float = 0.85):
    """A light belly, chest and inner legs."""
    middle = plan.height - plan.depth * 0.80

    def pattern(points):
        return (
            strength
            * smoothstep(points[:, 1], middle + 0.03, middle - 0.05)
            * (points[:, 1] > 0.32 * plan.height)
        )

    return pattern


def socks(height: float):
    """A pattern: the second colour below that height."""
    return lambda points: smoothstep(points[:, 1], height + 0.015, height - 0.015)


def no_pattern(points):
    """A pattern: the second colour nowhere."""
    return np.zeros(len(points), np.float32)


def patches(rng, frequency: float, level: float):
    """A pattern: large patches of the second colour.

    Args:
        rng: chooses where they are.
        frequency: about how many lie along a unit of length.
        level: from about -1, nearly everywhere, to 1, nearly nowhere.
    """
    field = waves(rng, frequency)
    return lambda points: smoothstep(field(points), level - 0.025, level + 0.025)


def tabby(rng, pose: Pose):
    """A tabby's bands: across the body, around the legs it stands on, none on the belly."""
    field = waves(rng, 2.2)
    dense = rng.uniform(40, 50)

    def pattern(points):
        bend = 1.4 * field(points)
        place = pose.body.local(points)
        body = np.sin(place[:, 0] * dense + place[:, 1] * 5 + bend)
        if pose.name in ("stand", "walk"):
            low = smoothstep(points[:, 1], 0.3, 0.22)
            body = body * (1 - low) + np.sin(points[:, 1] * dense * 1.1 + bend) * low
        return 0.8 * smoothstep(body, 0.15, 0.55)

    return pattern


def spots(rng, plan: Plan):
    """Pale spots on the flanks and the back of a deer, in rows that are not quite regular."""
    shift = rng.uniform(0, 9, 2)

    def pattern(points):
        u, v = points[:, 0] * 11 + shift[0], points[:, 1] * 14 + shift[1]
        row = np.floor(v)
        u = u + 0.5 * (row % 2) + 0.3 * np.sin(row * 2.4)
        column = np.floor(u)
        wander = (
            np.sin(column * 12.9 + row * 78.2) * 0.16,
            np.sin(column * 39.3 + row * 11.1) * 0.16,
        )
        dots = np.hypot((u - column - 0.5 - wander[0]) * 1.25, v - row - 0.5 - wander[1])
        flank = smoothstep(
            points[:, 1], plan.height - 0.72 * plan.depth, plan.height - 0.55 * plan.depth
        )
        return 0.85 * smoothstep(dots, 0.24, 0.16) * flank * (np.abs(points[:, 0] + 0.03) < 0.40)

    return pattern


def either(*patterns):
    """A pattern: the second colour wherever one of these patterns has it."""
    return lambda points: np.max([p(points) for p in patterns], 0)


def fur(colour, pattern=None, second=None) -> Material:
    """Fur of that colour, and of a second one where there is a pattern."""
    return Material(
        tuple(colour),
        "fur",
        pattern if second is not None else None,
        None if second is None else tuple(second),
    )


def make_coat(
    main,
    *,
    pattern=None,
    second=None,
    socks=None,
    light=None,
    dark=None,
    tail=None,
    nose=BLACK,
    ear=PINK,
    iris=None,
) -> Coat:
    """All materials of an animal, from a few colours.

    Args:
        main: colour of the body.
        pattern: where it is `second` instead; on the legs, too, unless `socks` is given.
        second: the other colour of patterns.
        socks: pattern of the legs.
        light: colour of cheeks and of tail tips; `main` by default.
        dark: colour of manes and tufts; a darker `main` by default.
        tail: colour of the tail; that of the body by default.
        nose: colour of the nose.
        ear: colour that the insides of the ears lean to.
        iris: colour of the eyes; None for all dark ones.
    """
    body = fur(main, pattern, second)
    return Coat(
        body=body,
        legs=body if socks is None else fur(main, socks, second),
        head=body,
        light=fur(light if light is not None else main),
        dark=fur(dark if dark is not None else shade(main, 0.8)),
        tail=body if tail is None else fur(tail),
        nose=Material(tuple(nose), "skin"),
        inner_ear=Material(tuple(blend(main, ear, 0.6)), "fur"),
        hoof=Material((62, 54, 48), "skin"),
        iris=None if iris is None else Material(iris, "glass"),
    )  # fmt: skip
