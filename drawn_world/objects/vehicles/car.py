"""The car: saloon, hatchback, estate, coupe, off-roader, and a small round one.

Parts: wheel, headlight, front (with the bonnet), side (neither door nor window), back (with the
boot), roof, door, window (with windscreen and rear window).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drawn_world.objects.palette import DARK, IRON, LAMP, STEEL, TAIL_RED, pick, tint
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.objects.vehicles.fittings import glass_material, grille_material, mirrors, plates
from drawn_world.objects.vehicles.profiles import PROFILES, outline
from drawn_world.objects.vehicles.wheels import road_wheels
from drawn_world.renderer import Material, Sculpture


@dataclass(frozen=True)
class Style:
    """A kind of car; its outline stands in `PROFILES` under the same name. Lengths in metres.

    Attributes:
        often: how many times as common as the rarest.
        half_width: half the width of the body.
        sill: height of its lower edge.
        belt: height of the lower edge of the windows.
        roof_share: half width of the roof as a share of the body's.
        taper: rounded corners in plan, as in `Shell`.
        crown: bulge of roof and bonnet, as in `Shell`.
        wheel: radius of the wheels.
        lamp: radii of a headlight.
        lamp_y: height of the headlights.
        tail_lamp_y: height of the tail lamps, at most.
        two_doors: whether it never has four.
        third_window: whether it always has a window behind the doors.
        grille: whether there is one.
        chrome: whether its bumpers may be of steel.
    """

    often: int = 1
    half_width: float = 0.84
    sill: float = 0.26
    belt: float = 0.93
    roof_share: float = 0.70
    taper: tuple[tuple[float, float], tuple[float, float]] = ((0.5, 0.12), (0.6, 0.16))
    crown: float = 0.035
    wheel: float = 0.325
    lamp: tuple[float, float, float] = (0.15, 0.08, 0.17)
    lamp_y: float = 0.70
    tail_lamp_y: float = 0.82
    two_doors: bool = False
    third_window: bool = False
    grille: bool = True
    chrome: bool = False


STYLES = {
    "saloon": Style(often=2, chrome=True),
    "hatchback": Style(often=2),
    "estate": Style(third_window=True),
    "round": Style(
        often=2, half_width=0.8, sill=0.30, belt=0.96, taper=((0.75, 0.2), (0.85, 0.24)),
        crown=0.06, wheel=0.32, lamp=(0.12, 0.13, 0.13), lamp_y=0.72,
        two_doors=True, grille=False, chrome=True,
    ),
    "offroad": Style(
        half_width=0.88, sill=0.42, belt=1.10, roof_share=0.82, wheel=0.38,
        lamp=(0.09, 0.115, 0.13), lamp_y=0.90, tail_lamp_y=0.95, third_window=True,
    ),
    "coupe": Style(
        half_width=0.88, sill=0.22, belt=0.85, wheel=0.33, lamp=(0.16, 0.06, 0.17), lamp_y=0.60,
        two_doors=True,
    ),
}  # fmt: skip


def car(rng: np.random.Generator, colour: str) -> Sculpture:
    """A car: saloon, hatchback, estate, coupe, off-roader or a small round one."""
    thing = Sculpture()
    name = pick(rng, *(name for name, style in STYLES.items() for _ in range(style.often)))
    style = STYLES[name]
    length, height = rng.uniform(0.92, 1.04), rng.uniform(0.97, 1.08)
    profile = outline(PROFILES[name], length, height)
    belt, sill = style.belt * height, style.sill
    roof = max(y for _, y, _ in profile)
    radius = style.wheel * rng.uniform(0.97, 1.05)
    levels = [
        (sill, 0.93),
        (sill + 0.16, 0.99),
        (belt - 0.2, 1.0),
        (belt, 0.95),
        (roof, style.roof_share),
    ]
    doors = 2 if style.two_doors or rng.random() < 0.25 else 4
    front_edge, rear_edge = 0.62 * length, (-1.05 if doors == 4 else -0.55) * length
    split = -0.16 * length
    edges = [rear_edge, split, front_edge] if doors == 4 else [rear_edge, front_edge]
    shell = Shell(profile, style.half_width, levels, style.taper, style.crown, stations=edges)

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
        third = style.third_window or rng.random() < 0.3
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
    _ends(thing, shell, rng, style, paint, sill, belt)
    mirrors(
        thing, shell, front_edge - 0.06, belt + 0.07, 0.085, paint if rng.random() < 0.5 else DARK
    )
    if name == "offroad" or (name == "estate" and rng.random() < 0.5):
        shell.rails(thing, -1.55 * length, 0.0, 0.8, IRON)
    return thing


def _ends(thing, shell, rng, style, paint, sill, belt):
    """Lamps, grille, bumpers, plates."""
    if rng.random() < 0.45:
        bumper = paint
    elif style.chrome and rng.random() < 0.5:
        bumper = STEEL
    else:
        bumper = Material((70, 71, 76), "matte")
    low, lamp = style.lamp_y, np.array(style.lamp)
    shell.lamp(thing, True, low, 0.74, lamp * 1.12, STEEL, "headlight")
    shell.lamp(thing, True, low, 0.75, lamp * (1.22, 0.94, 0.94), LAMP, "headlight")
    radii = (0.07, 0.12, 0.1) if rng.random() < 0.5 else (0.07, 0.075, 0.17)
    shell.lamp(thing, False, min(belt - 0.12, style.tail_lamp_y), 0.8, radii, TAIL_RED, "back")
    if style.grille:
        bars = grille_material(rng)
        shell.end_panel(thing, True, low - 0.1, low + 0.04, 0.36, bars, "front", lift=0.03)
    shell.bumper(thing, True, sill + 0.17, 0.075, bumper, "front")
    shell.bumper(thing, False, sill + 0.19, 0.075, bumper, "back")
    plates(thing, shell, sill + 0.13)
