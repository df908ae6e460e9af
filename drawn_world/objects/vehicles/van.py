"""The van: delivery van, minibus, camper.

Parts: wheel, headlight, front (with the bonnet), side (neither door nor window), back (with the
boot), roof, door, window (with windscreen and rear window).
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK, IRON, LAMP, STEEL, TAIL_RED, blend, pick, tint
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.objects.vehicles.fittings import glass_material, grille_material, mirrors, plates
from drawn_world.objects.vehicles.profiles import PROFILES, outline
from drawn_world.objects.vehicles.wheels import road_wheels
from drawn_world.renderer import Material, Sculpture


def van(rng: np.random.Generator, colour: str) -> Sculpture:
    """A tall box with a short sloping nose: a delivery van, a minibus or a two-tone camper."""
    thing = Sculpture()
    style = pick(rng, "cargo", "cargo", "cargo", "minibus", "camper")
    length, height = rng.uniform(0.92, 1.06), rng.uniform(0.95, 1.1)
    shell = Shell(
        outline(PROFILES[style], length, height),
        0.92,
        [
            (0.34, 0.95),
            (0.52, 1.0),
            (1.12 * height, 1.0),
            (1.85 * height, 0.92),
            (2.1 * height, 0.84),
        ],
        ((0.3, 0.08), (0.7, 0.16)),
        0.04,
        stations=[x * length for x in ((0.62, 1.5) if style == "camper" else (0.42, 1.4))],
    )
    rgb = tint(colour, rng)
    light = blend(rgb, (250, 247, 238), 0.88)
    belt = 1.12 * height
    paint = Material(rgb, "metal")
    if style == "camper":
        paint = Material(rgb, "metal", lambda p: (p[:, 1] > belt) * 1.0, light)
    elif rng.random() < 0.3:
        paint = Material(rgb, "metal", lambda p: (np.abs(p[:, 1] - 0.8 * belt) < 0.07) * 1.0, light)
    glass = glass_material(rng)
    door_rear, door_front = shell.x[
        [
            np.abs(shell.x - x * length).argmin()
            for x in ((0.62, 1.5) if style == "camper" else (0.42, 1.4))
        ]
    ]
    slide = door_rear - 1.25 * length

    def side_part(x, y):
        if x > shell.nose - 0.22 or x < shell.tail + 0.05:
            return "front" if x > 0 else "back"
        return "door" if door_rear < x < door_front and 0.4 < y < belt + 0.1 else "side"

    shell.skin(thing, paint, side_part, glass)
    low, high = belt + 0.06, 1.78 * height
    shell.panel(
        thing,
        [(slide, 0.5), (door_rear - 0.05, 0.5), (door_rear - 0.05, belt), (slide, belt)],
        paint,
        "door",
    )
    shell.panel(
        thing,
        [(slide, belt), (door_rear - 0.05, belt), (door_rear - 0.05, high), (slide, high)],
        paint,
        "door",
    )
    shell.glazing(thing, door_rear + 0.08, 3.0, low, high, glass, DARK, inset=0.1)
    if style != "cargo":
        count = int(rng.integers(2, 4))
        xs = np.linspace(shell.tail + 0.22, door_rear, count + 1)
        for left, right in zip(xs[:-1], xs[1:], strict=True):
            shell.glazing(thing, left + 0.06, right - 0.04, low, high - 0.06, glass, DARK)
    elif rng.random() < 0.3:
        shell.glazing(thing, slide + 0.15, door_rear - 0.2, low, high - 0.06, glass, DARK)
    elif rng.random() < 0.5:  # a round sign on the load space
        sign, middle = (
            Material(light if rng.random() < 0.6 else tint("yellow", rng), "matte"),
            shell.tail + 0.62 * length,
        )
        angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        shell.panel(
            thing,
            np.column_stack([middle + 0.34 * np.cos(angle), 1.15 * height + 0.34 * np.sin(angle)]),
            sign,
            "side",
        )
    for x in (slide, door_rear, door_front):
        shell.seam(thing, x, 0.5, belt + 0.02 if x == door_front else high)
    shell.line(thing, [(slide, 0.5), (door_front, 0.5)], 0.01, DARK, "door")
    for x in (door_rear + 0.08, slide + 0.06):
        shell.line(thing, [(x, belt - 0.1), (x + 0.2, belt - 0.1)], 0.022, DARK, "door", lift=0.01)
    shell.line(
        thing, [(slide - 0.7, belt - 0.02), (slide - 0.02, belt - 0.02)], 0.012, DARK, "side"
    )
    hub = Material(tint(pick(rng, "silver", "grey", "white"), rng), "metal")
    road_wheels(
        thing,
        shell,
        (shell.tail + 0.85 * length, shell.nose - 0.72 * length),
        rng.uniform(0.34, 0.38),
        0.22,
        rng,
        hub,
    )
    bumper = Material((66, 67, 72), "matte") if rng.random() < 0.7 else STEEL
    lamp_y = 0.86 if style != "camper" else 0.82
    round_lamp = style == "camper"
    shell.lamp(
        thing,
        True,
        lamp_y,
        0.7,
        (0.08, 0.14, 0.14) if round_lamp else (0.13, 0.13, 0.17),
        STEEL,
        "headlight",
    )
    shell.lamp(
        thing,
        True,
        lamp_y,
        0.71,
        (0.1, 0.12, 0.12) if round_lamp else (0.15, 0.11, 0.15),
        LAMP,
        "headlight",
    )
    if not round_lamp:
        shell.end_panel(
            thing, True, lamp_y - 0.1, lamp_y + 0.08, 0.42, grille_material(rng), "front", lift=0.03
        )
    shell.lamp(thing, False, 1.0, 0.86, (0.05, 0.2, 0.07), TAIL_RED, "back")
    shell.bumper(thing, True, 0.5, 0.1, bumper, "front")
    shell.bumper(thing, False, 0.46, 0.09, bumper, "back")
    if style == "cargo":
        shell.end_panel(thing, False, 0.55, 1.95 * height, 0.012, DARK, "back")
        for side in (-1, 1):
            if rng.random() < 0.8:
                shell.end_panel(
                    thing,
                    False,
                    1.3 * height,
                    1.68 * height,
                    0.24,
                    glass,
                    "window",
                    offset=0.4 * side,
                )
    plates(thing, shell, 0.62)
    mirrors(thing, shell, door_front - 0.12, belt + 0.12, 0.12)
    if rng.random() < 0.25:
        shell.rails(thing, -1.8 * length, 0.75 * length, 0.75, IRON)
    return thing
