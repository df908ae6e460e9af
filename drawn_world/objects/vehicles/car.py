"""The car: saloon, hatchback, estate, coupe, off-roader, and a small round one.

Parts: wheel, headlight, front (with the bonnet), side (neither door nor window), back (with the boot), roof,
door, window (with windscreen and rear window).
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK, IRON, LAMP, STEEL, TAIL_RED, pick, tint
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.objects.vehicles.fittings import glass_material, grille_material, mirrors, plates
from drawn_world.objects.vehicles.wheels import road_wheels
from drawn_world.renderer import Material, Sculpture

# Side profiles of cars: (x, y, part of the strip up to the next row), tail to nose.
CAR_PROFILES = {
    "saloon": (
        (-2.08, 0.30, "back"),
        (-2.10, 0.60, "back"),
        (-2.07, 0.86, "back"),
        (-1.98, 0.97, "back"),
        (-1.52, 1.02, "window"),
        (-0.98, 1.37, "roof"),
        (-0.60, 1.44, "roof"),
        (-0.10, 1.45, "roof"),
        (0.22, 1.39, "window"),
        (0.88, 0.99, "front"),
        (1.45, 0.91, "front"),
        (1.90, 0.78, "front"),
        (2.06, 0.62, "front"),
        (2.10, 0.42, "front"),
        (2.10, 0.28, "front"),
    ),
    "hatchback": (
        (-1.82, 0.30, "back"),
        (-1.84, 0.60, "back"),
        (-1.80, 0.92, "back"),
        (-1.74, 1.02, "window"),
        (-1.42, 1.38, "roof"),
        (-1.05, 1.47, "roof"),
        (-0.35, 1.50, "roof"),
        (0.08, 1.45, "window"),
        (0.82, 1.00, "front"),
        (1.35, 0.90, "front"),
        (1.68, 0.76, "front"),
        (1.80, 0.58, "front"),
        (1.83, 0.40, "front"),
        (1.83, 0.28, "front"),
    ),
    "estate": (
        (-2.10, 0.30, "back"),
        (-2.12, 0.60, "back"),
        (-2.09, 0.96, "back"),
        (-2.06, 1.04, "window"),
        (-1.88, 1.38, "roof"),
        (-1.60, 1.45, "roof"),
        (-0.60, 1.48, "roof"),
        (0.02, 1.46, "roof"),
        (0.22, 1.40, "window"),
        (0.90, 0.99, "front"),
        (1.45, 0.91, "front"),
        (1.90, 0.78, "front"),
        (2.04, 0.62, "front"),
        (2.08, 0.42, "front"),
        (2.08, 0.28, "front"),
    ),
    "round": (
        (-1.74, 0.34, "back"),
        (-1.72, 0.52, "back"),
        (-1.62, 0.76, "back"),
        (-1.42, 0.98, "back"),
        (-1.28, 1.10, "window"),
        (-0.92, 1.35, "roof"),
        (-0.60, 1.46, "roof"),
        (-0.18, 1.51, "roof"),
        (0.20, 1.46, "roof"),
        (0.40, 1.37, "window"),
        (0.74, 1.02, "front"),
        (1.10, 0.97, "front"),
        (1.45, 0.84, "front"),
        (1.64, 0.66, "front"),
        (1.72, 0.46, "front"),
        (1.74, 0.32, "front"),
    ),
    "offroad": (
        (-1.95, 0.42, "back"),
        (-1.97, 0.75, "back"),
        (-1.95, 1.12, "back"),
        (-1.93, 1.18, "window"),
        (-1.84, 1.60, "roof"),
        (-1.66, 1.70, "roof"),
        (-0.60, 1.74, "roof"),
        (0.12, 1.72, "roof"),
        (0.30, 1.66, "window"),
        (0.78, 1.18, "front"),
        (1.40, 1.12, "front"),
        (1.82, 1.04, "front"),
        (1.94, 0.88, "front"),
        (1.97, 0.60, "front"),
        (1.97, 0.38, "front"),
    ),
    "coupe": (
        (-1.96, 0.28, "back"),
        (-1.99, 0.55, "back"),
        (-1.96, 0.82, "back"),
        (-1.86, 0.92, "back"),
        (-1.62, 0.96, "window"),
        (-0.80, 1.25, "roof"),
        (-0.45, 1.30, "roof"),
        (-0.10, 1.28, "roof"),
        (0.06, 1.23, "window"),
        (0.78, 0.90, "front"),
        (1.45, 0.80, "front"),
        (1.86, 0.66, "front"),
        (2.02, 0.52, "front"),
        (2.06, 0.36, "front"),
        (2.06, 0.25, "front"),
    ),
}


def car(rng: np.random.Generator, colour: str) -> Sculpture:
    """A car: saloon, hatchback, estate, coupe, off-roader or a small round one."""
    thing = Sculpture()
    style = pick(
        rng,
        "saloon",
        "saloon",
        "hatchback",
        "hatchback",
        "estate",
        "round",
        "round",
        "offroad",
        "coupe",
    )
    length, height = rng.uniform(0.92, 1.04), rng.uniform(0.97, 1.08)
    profile = _stretch(CAR_PROFILES[style], length, height)
    half = {"coupe": 0.88, "offroad": 0.88, "round": 0.8}.get(style, 0.84)
    belt = {"offroad": 1.10, "coupe": 0.85, "round": 0.96}.get(style, 0.93) * height
    sill = {"offroad": 0.42, "coupe": 0.22, "round": 0.30}.get(style, 0.26)
    roof = max(y for _, y, _ in profile)
    radius = {"offroad": 0.38, "coupe": 0.33, "round": 0.32}.get(style, 0.325) * rng.uniform(
        0.97, 1.05
    )
    levels = [
        (sill, 0.93),
        (sill + 0.16, 0.99),
        (belt - 0.2, 1.0),
        (belt, 0.95),
        (roof, 0.70 if style != "offroad" else 0.82),
    ]
    doors = 2 if style in ("coupe", "round") or rng.random() < 0.25 else 4
    front_edge, rear_edge = 0.62 * length, (-1.05 if doors == 4 else -0.55) * length
    split = -0.16 * length
    edges = [rear_edge, split, front_edge] if doors == 4 else [rear_edge, front_edge]
    taper = ((0.75, 0.2), (0.85, 0.24)) if style == "round" else ((0.5, 0.12), (0.6, 0.16))
    shell = Shell(profile, half, levels, taper, 0.06 if style == "round" else 0.035, stations=edges)

    paint = Material(tint(colour, rng), "metal")
    glass = glass_material(rng)
    roof_paint = None
    if rng.random() < 0.15:
        roof_paint = Material(tint(pick(rng, "white", "black"), rng), "metal")

    def side_part(x, y):
        if x > shell.nose - 0.2 or x < shell.tail + 0.16:
            return "front" if x > 0 else "back"
        return "door" if edges[0] < x < edges[-1] and sill + 0.1 < y < belt else "side"

    shell.skin(thing, paint, side_part, glass, roof_paint)
    window_low, window_high = belt + 0.035, roof - 0.1
    trim = DARK if rng.random() < 0.7 else STEEL
    rear_axle, front_axle = shell.tail + 0.78 * length, shell.nose - 0.8 * length
    if doors == 4:
        third = style in ("estate", "offroad") or rng.random() < 0.3
        shell.glazing(thing, split + 0.045, 2.0, window_low, window_high, glass, trim)
        shell.glazing(
            thing,
            rear_edge - (0.02 if third else 0.4),
            split - 0.045,
            window_low,
            window_high,
            glass,
            trim,
        )
        if third:
            shell.glazing(
                thing, -2.0, rear_edge - 0.12, window_low, window_high, glass, trim, inset=0.16
            )
    else:
        shell.glazing(thing, rear_edge + 0.04, 2.0, window_low, window_high, glass, trim)
        shell.glazing(
            thing, -2.0, rear_edge - 0.06, window_low, window_high, glass, trim, inset=0.16
        )
    for x in edges:
        shell.seam(thing, x, sill + 0.12, belt + 0.01)
    shell.line(thing, [(edges[0], sill + 0.13), (edges[-1], sill + 0.13)], 0.008, DARK, "door")
    for x in edges[:-1]:
        shell.line(
            thing,
            [(x + 0.07, belt - 0.12), (x + 0.24, belt - 0.12)],
            0.017,
            STEEL if trim is STEEL else DARK,
            "door",
            lift=0.008,
        )
    if rng.random() < 0.3:
        shell.line(
            thing,
            [(rear_axle + 0.4, sill + 0.3), (front_axle - 0.4, sill + 0.3)],
            0.022,
            trim,
            "door",
        )
    road_wheels(
        thing,
        shell,
        (rear_axle, front_axle),
        radius,
        0.21,
        rng,
        Material(tint(pick(rng, "silver", "silver", "grey"), rng), "metal"),
    )
    _car_ends(thing, shell, rng, style, paint, sill, belt)
    mirrors(
        thing, shell, front_edge - 0.06, belt + 0.07, 0.085, paint if rng.random() < 0.5 else DARK
    )
    if style == "offroad" or (style == "estate" and rng.random() < 0.5):
        shell.rails(thing, -1.55 * length, 0.0, 0.8, IRON)
    return thing


def _car_ends(thing, shell, rng, style, paint, sill, belt):
    """Lamps, grille, bumpers, plates."""
    bumper = (
        paint
        if rng.random() < 0.45
        else (
            STEEL
            if style in ("round", "saloon") and rng.random() < 0.5
            else Material((70, 71, 76), "matte")
        )
    )
    lamp_y = {"coupe": 0.60, "offroad": 0.90, "round": 0.72}.get(style, 0.70)
    size = {
        "round": (0.12, 0.13, 0.13),
        "offroad": (0.09, 0.115, 0.13),
        "coupe": (0.16, 0.06, 0.17),
    }.get(style, (0.15, 0.08, 0.17))
    shell.lamp(thing, True, lamp_y, 0.74, np.array(size) * 1.12, STEEL, "headlight")
    shell.lamp(thing, True, lamp_y, 0.75, np.array(size) * (1.22, 0.94, 0.94), LAMP, "headlight")
    shell.lamp(
        thing,
        False,
        min(belt - 0.12, 0.82 if style != "offroad" else 0.95),
        0.8,
        (0.07, 0.12, 0.1) if rng.random() < 0.5 else (0.07, 0.075, 0.17),
        TAIL_RED,
        "back",
    )
    if style != "round":
        shell.end_panel(
            thing, True, lamp_y - 0.1, lamp_y + 0.04, 0.36, grille_material(rng), "front", lift=0.03
        )
    shell.bumper(thing, True, sill + 0.17, 0.075, bumper, "front")
    shell.bumper(thing, False, sill + 0.19, 0.075, bumper, "back")
    plates(thing, shell, sill + 0.13)


def _stretch(profile, length: float, height: float):
    return [(x * length, y * height, name) for x, y, name in profile]
