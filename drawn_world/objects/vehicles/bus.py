"""The bus: city bus, coach, double-decker, school bus.

Parts: wheel, headlight, front (with the bonnet), side (neither door nor window), back (with the
boot), roof, door, window (with windscreen and rear window). Doors are on one side.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import AMBER, DARK, LAMP, STEEL, TAIL_RED, blend, pick, shade, tint
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.objects.vehicles.fittings import crate, glass_material, grille_material, plates
from drawn_world.objects.vehicles.profiles import BUS_NOSES, BUS_TAIL, outline
from drawn_world.objects.vehicles.wheels import road_wheels
from drawn_world.renderer import Material, Sculpture


def bus(rng: np.random.Generator, colour: str) -> Sculpture:
    """A bus: city bus or coach, a double-decker, or a school bus with a bonnet."""
    thing = Sculpture()
    style = pick(rng, "city", "city", "city", "coach", "double", "bonnet")
    length, tall = (
        rng.uniform(0.92, 1.08),
        {"double": 4.0, "bonnet": 2.75}.get(style, 2.95) * rng.uniform(0.96, 1.05),
    )
    rear, front = -3.7 * length, 3.7 * length
    sill, belt, lintel = 0.38, 1.42, (2.3 if style != "double" else 2.15)
    tail = outline(BUS_TAIL, roof=tall, start=rear)
    if style == "bonnet":
        front -= 0.9
    nose = outline(BUS_NOSES[style if style in BUS_NOSES else "flat"], roof=tall, start=front)
    if style in ("city", "coach"):
        lean = 0.22 if style == "coach" else 0.06
        nose[:3] = [(x - lean, y, part) for x, y, part in nose[:3]]
    shell = Shell(
        tail + nose,
        1.2,
        [(sill, 0.97), (0.6, 1.0), (belt, 1.0), (lintel, 0.975), (tall - 0.22, 0.95), (tall, 0.86)],
        ((0.35, 0.05), (0.4, 0.06)),
        0.05,
    )
    rgb = tint(colour, rng)
    light = blend(rgb, (250, 248, 242), 0.86) if sum(rgb) < 640 else tint("blue", rng)
    scheme = rng.random()
    if scheme < 0.3:
        paint = Material(rgb, "metal", lambda p: (np.abs(p[:, 1] - 1.15) < 0.1) * 1.0, light)
    elif scheme < 0.42:
        paint = Material(rgb, "metal", lambda p: (p[:, 1] < 0.8) * 1.0, light)
    else:
        paint = Material(rgb, "metal")
    glass = glass_material(rng, 0.85)
    roof_paint = Material(light, "metal") if rng.random() < 0.35 else None
    end = shell.nose - (1.1 if style == "bonnet" else 0.12)

    def side_part(x, y):
        return "front" if x > shell.nose - 0.25 else "back" if x < shell.tail + 0.22 else "side"

    shell.skin(thing, paint, side_part, glass, roof_paint)
    wide = rng.uniform(0.85, 1.0)
    doors = [end - wide - 0.22]
    if style in ("city", "coach", "double"):
        doors.append(rng.uniform(-0.9, -0.3) if style == "city" else rng.uniform(-0.3, 0.3))
    if style == "bonnet":
        doors = doors[:1]
    frame = Material((52, 54, 60), "matte")
    _windows(thing, shell, doors, wide, end, belt, lintel, glass, 1)
    _windows(thing, shell, [], wide, end, belt, lintel, glass, -1)
    if style == "double":
        for side in (1, -1):
            _windows(thing, shell, [], wide, end + 0.06, 2.72, tall - 0.42, glass, side)
    top = lintel + 0.04
    for x in doors:  # two leaves, each mostly glass
        shell.panel(
            thing,
            [(x, sill + 0.08), (x + wide, sill + 0.08), (x + wide, top), (x, top)],
            frame,
            "door",
            (1,),
        )
        for leaf in (0, 1):
            left, right = x + leaf * wide / 2 + 0.05, x + (leaf + 1) * wide / 2 - 0.04
            shell.panel(
                thing,
                [(left, sill + 0.2), (right, sill + 0.2), (right, top - 0.08), (left, top - 0.08)],
                Material(shade(glass.colour, 0.95), "glass", glass.pattern, glass.colour2),
                "door",
                (1,),
                2.2 * 0.012,
            )
    hub = Material(tint(pick(rng, "silver", "grey", "white", colour), rng), "metal")
    axles = (shell.tail + 1.75 * length, shell.nose - (1.95 if style != "bonnet" else 0.75))
    road_wheels(thing, shell, axles, 0.48, 0.3, rng, hub)
    _ends(thing, shell, rng, style, tall, paint, sill)
    return thing


def _windows(thing, shell, doors, wide, end, low, high, glass, side):
    """A row of windows from tail to nose that leaves out the doors."""
    stops = sorted(
        [shell.tail + 0.3] + [v for x in doors for v in (x - 0.08, x + wide + 0.08)] + [end - 0.04]
    )
    for left, right in zip(stops[::2], stops[1::2], strict=True):
        count = max(1, round((right - left) / 1.15))
        xs = np.linspace(left, right, count + 1)
        for a, b in zip(xs[:-1], xs[1:], strict=True):
            if b - a > 0.2:
                shell.panel(
                    thing,
                    [(a + 0.05, low), (b - 0.05, low), (b - 0.05, high), (a + 0.05, high)],
                    glass,
                    "window",
                    (side,),
                )


def _ends(thing, shell, rng, style, tall, paint, sill):
    """Lamps, number display, bumpers, mirrors, roof hatches."""
    for front in (True, False):
        shell.bumper(
            thing,
            front,
            sill + 0.12,
            0.12,
            paint if rng.random() < 0.5 else Material((70, 71, 76), "matte"),
            "front" if front else "back",
        )
    y = 0.86 if style != "bonnet" else 1.0
    shell.lamp(thing, True, y, 0.76, (0.07, 0.15, 0.2), STEEL, "headlight")
    shell.lamp(thing, True, y, 0.76, (0.1, 0.12, 0.17), LAMP, "headlight")
    for height in (0.95, 1.2):
        shell.lamp(
            thing, False, height, 0.84, (0.05, 0.1, 0.1), TAIL_RED if height < 1 else AMBER, "back"
        )
    display = Material(
        (40, 40, 44),
        "matte",
        lambda p: ((np.abs(p[:, 2]) < 0.45) & (np.sin(p[:, 2] * 34) > -0.5)) * 1.0,
        (250, 190, 60),
    )
    shell.end_panel(thing, True, tall - 0.36, tall - 0.17, 0.62, display, "front", lift=0.02)
    plates(thing, shell, 0.6, 0.13, 0.3)
    if style == "bonnet":
        shell.end_panel(thing, True, 0.78, 1.1, 0.42, grille_material(rng), "front", lift=0.04)
    else:
        shell.end_panel(thing, False, 0.75, 1.2, 0.6, grille_material(rng), "back", lift=0.02)
    for side in (1, -1):
        z = side * (float(shell.z(shell.nose, 1.8)) + 0.16)
        x = shell.nose_x(2.2) + 0.1
        thing.tube([(x - 0.12, 2.3, side * 1.05), (x, 2.2, z), (x, 1.95, z)], 0.028, DARK, None)
        thing.ellipsoid((x, 1.85, z), (0.06, 0.2, 0.1), DARK, None)
    if rng.random() < 0.5 and style != "double":
        for x in (-1.8, 1.2):
            crate(
                thing,
                (x - 0.5, tall, -0.5),
                (x + 0.5, tall + 0.16, 0.5),
                Material((206, 208, 212), "matte"),
                {name: "roof" for name in ("front", "back", "side", "roof")},
            )
