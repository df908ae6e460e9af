"""The truck: a cab, a chassis, and what stands on it.

Parts: wheel, headlight, front (with the bonnet), side (neither door nor window), back (with the
boot), roof, door, window (with windscreen and rear window). The cargo box has sides, a back and a
roof as well; a load belongs to the truck but to no part.
"""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import AMBER, DARK, IRON, LAMP, STEEL, TAIL_RED, pick, shade, tint
from drawn_world.objects.patterns import stripes
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.objects.vehicles.fittings import crate, glass_material, grille_material, mirrors
from drawn_world.objects.vehicles.profiles import PROFILES, outline
from drawn_world.objects.vehicles.wheels import road_wheel, road_wheels
from drawn_world.renderer import Material, Sculpture


def truck(rng: np.random.Generator, colour: str) -> Sculpture:
    """A cab in the named colour before a closed box, a tarpaulin, an open bed or a tipper."""
    thing = Sculpture()
    bonnet = rng.random() < 0.4
    cargo = pick(rng, "box", "box", "tarpaulin", "bed", "tipper")
    back = -rng.uniform(2.6, 3.3)
    tall = rng.uniform(2.35, 2.65)
    profile = PROFILES["truck with a bonnet" if bonnet else "truck with a flat nose"]
    doors = (0.88, 1.86) if bonnet else (1.5, 2.5)
    belt = 1.52
    shell = Shell(
        outline(profile, roof=tall),
        1.08,
        [(0.6, 0.96), (0.78, 1.0), (belt, 1.0), (tall - 0.2, 0.92), (tall, 0.84)],
        ((0.2, 0.04), (0.45, 0.12)),
        0.05,
        stations=doors,
    )
    rgb = tint(colour, rng)
    paint, glass = Material(rgb, "metal"), glass_material(rng)

    def side_part(x, y):
        if x > shell.nose - 0.16:
            return "front"
        return "door" if doors[0] < x < doors[1] and y < belt else "side"

    shell.skin(thing, paint, side_part, glass)
    shell.glazing(thing, doors[0] + 0.1, doors[1], belt + 0.06, tall - 0.3, glass, DARK, inset=0.1)
    for x in doors:
        shell.seam(thing, x, 0.64, belt + 0.02)
    shell.line(thing, [(doors[0], 0.68), (doors[1], 0.68)], 0.014, DARK, "door")
    shell.line(
        thing,
        [(doors[0] + 0.1, belt - 0.14), (doors[0] + 0.32, belt - 0.14)],
        0.026,
        DARK,
        "door",
        lift=0.01,
    )
    _front(thing, shell, rng, bonnet)
    # Chassis and wheels.
    frame = Material((58, 59, 64), "matte")
    crate(
        thing,
        (back + 0.1, 0.55, -0.5),
        (2.3, 0.88, 0.5),
        frame,
        {n: "side" for n in ("side", "front", "back", "floor", "roof")},
    )
    radius = rng.uniform(0.44, 0.5)
    hub = Material(tint(pick(rng, "silver", "grey", "white", "red"), rng), "metal")
    axles = [2.25 if not bonnet else 2.4, back + 0.75] + (
        [back + 1.85] if back < -2.95 or rng.random() < 0.4 else []
    )
    road_wheels(thing, shell, axles[:1], radius, 0.28, rng, hub)
    for x in axles[1:]:
        for side in (1, -1):
            road_wheel(thing, x, side * 1.06, radius, 0.42, 0 if rng.random() < 0.5 else 6, hub)
    for side in (1, -1):
        thing.cylinder(
            (0.2, 0.62, side * 0.8),
            (1, 0, 0),
            0.22,
            0.38,
            STEEL if rng.random() < 0.6 else frame,
            "side",
        )
    _cargo(thing, rng, cargo, back, shell.tail - 0.08, rgb, colour)
    return thing


def _front(thing, shell, rng, bonnet):
    lamp_y = 1.05 if bonnet else 0.88
    shell.lamp(thing, True, lamp_y, 0.72, (0.08, 0.13, 0.16), STEEL, "headlight")
    shell.lamp(thing, True, lamp_y, 0.72, (0.11, 0.105, 0.135), LAMP, "headlight")
    shell.end_panel(
        thing,
        True,
        lamp_y - 0.1,
        lamp_y + (0.28 if bonnet else 0.42),
        0.46,
        grille_material(rng),
        "front",
        lift=0.03,
    )
    shell.bumper(
        thing,
        True,
        0.6,
        0.14,
        STEEL if rng.random() < 0.5 else Material((72, 73, 78), "matte"),
        "front",
    )
    shell.end_panel(
        thing, True, 0.56, 0.68, 0.24, Material((238, 238, 232), "matte"), "front", lift=0.16
    )
    mirrors(thing, shell, shell.nose_x(1.9) - 0.1, 1.85, 0.13)
    if bonnet:
        for side in (1, -1):
            thing.cylinder(
                (shell.tail + 0.02, 1.9, side * 0.95), (0, 1, 0), 0.07, 0.9, STEEL, "side"
            )
    if rng.random() < 0.3:
        thing.ellipsoid((shell.tail + 0.5, shell.roof + 0.04, 0), (0.2, 0.12, 0.3), AMBER, "roof")


def _cargo(thing, rng, cargo, back, front, rgb, colour):
    """What stands on the chassis: its long sides are side, its rear is back, its top is roof."""
    floor, half = 0.92, rng.uniform(1.1, 1.2)
    sides = {"side": "side", "back": "back", "front": "front", "roof": "roof"}
    if cargo in ("box", "tarpaulin"):
        top = rng.uniform(2.7, 3.25)
        skin = np.asarray(
            pick(rng, rgb, tint("white", rng), tint("white", rng), tint("silver", rng))
        )
        other = tint(
            pick(rng, *(n for n in ("red", "blue", "yellow", "green", "orange") if n != colour)),
            rng,
        )
        if cargo == "tarpaulin":
            skin = np.asarray(
                pick(rng, rgb, tint("blue", rng), tint("grey", rng), tint("green", rng))
            )
            cover = Material(tuple(skin), "matte", stripes(0, 0.62, 0.05), shade(skin, 0.6))
            rise = np.linspace(0, np.pi, 7)
            outline = (
                [(half, floor)]
                + [(half * np.cos(a), top - 0.3 + 0.32 * np.sin(a)) for a in rise]
                + [(-half, floor)]
            )
            for (z0, y0), (z1, y1) in zip(outline[:-1], outline[1:], strict=True):
                thing.face(
                    [(back, y0, z0), (front, y0, z0), (front, y1, z1), (back, y1, z1)],
                    cover,
                    "side" if min(y0, y1) < top - 0.31 else "roof",
                )
            for x, name in ((back, "back"), (front, "front")):
                thing.face(
                    [(x, y, z) for z, y in outline], Material(shade(skin, 0.94), "matte"), name
                )
        else:
            style, middle = rng.random(), (floor + top) / 2
            if style < 0.35:
                wall = Material(
                    tuple(skin), "matte", lambda p: (np.abs(p[:, 1] - middle) < 0.22) * 1.0, other
                )
            elif style < 0.6:
                wall = Material(tuple(skin), "matte", stripes(0, 0.22, 0.12), shade(skin, 0.82))
            else:
                wall = Material(tuple(skin), "matte")
            plain = Material(shade(skin, 0.97), "matte")
            crate(
                thing,
                (back, floor, -half),
                (front, top, half),
                wall,
                sides,
                {"back": plain, "roof": plain, "front": plain},
            )
            for z in (
                0.0,
                -half * 0.97,
                half * 0.97,
            ):  # rear doors: a gap in the middle, posts at the corners
                thing.face(
                    [
                        (back - 0.012, y, z + w)
                        for y, w in ((floor, -0.02), (floor, 0.02), (top, 0.02), (top, -0.02))
                    ],
                    DARK if z == 0 else IRON,
                    "back",
                )
            for z in (-0.2, 0.2):
                thing.tube(
                    [(back - 0.03, floor + 0.2, z), (back - 0.03, top - 0.2, z)],
                    0.025,
                    STEEL,
                    "back",
                )
            for side in (1, -1):
                for y in (floor, top):
                    thing.tube(
                        [(back, y, side * half), (front, y, side * half)],
                        0.035,
                        IRON,
                        "side" if y == floor else "roof",
                    )
    else:
        high = floor + rng.uniform(0.5, 0.7) + (0.25 if cargo == "tipper" else 0.0)
        wood = Material(tint("brown", rng), "matte", stripes(1, 0.17, 0.1), (66, 44, 28))
        steel = Material(
            rgb if rng.random() < 0.6 else tint("grey", rng),
            "metal",
            stripes(0, 0.55, 0.12),
            shade(rgb, 0.7),
        )
        wall = wood if cargo == "bed" and rng.random() < 0.5 else steel
        crate(
            thing,
            (back, floor, -half),
            (front, high, half),
            wall,
            {"side": "side", "back": "back", "front": "front"},
        )
        thing.face(
            [
                (back, floor + 0.1, -half),
                (front, floor + 0.1, -half),
                (front, floor + 0.1, half),
                (back, floor + 0.1, half),
            ],
            Material((120, 96, 70), "matte"),
            None,
        )
        crate(
            thing,
            (front - 0.1, floor, -half),
            (front, high + 0.5, half),
            steel,
            {"front": "front", "back": "back", "side": "side", "roof": "side"},
        )
        _load(
            thing,
            rng,
            pick(rng, "sand", "logs", "boxes", "none") if cargo == "bed" else "sand",
            back,
            front,
            floor,
            high,
            half,
        )
    for side in (1, -1):
        thing.ellipsoid(
            (back - 0.02, 0.8, side * half * 0.82), (0.05, 0.08, 0.13), TAIL_RED, "back"
        )
        thing.face(
            [
                (back + 0.24, 0.24, side * 0.75),
                (back + 0.24, 0.24, side * 1.08),
                (back + 0.24, 0.75, side * 1.08),
                (back + 0.24, 0.75, side * 0.75),
            ],
            Material((50, 50, 54), "rubber"),
            "back",
        )
    crate(
        thing,
        (back + 0.02, 0.72, -half * 0.95),
        (back + 0.1, 0.9, half * 0.95),
        IRON,
        {n: "back" for n in ("front", "back", "side", "roof")},
    )


def _load(thing, rng, load, back, front, floor, high, half):
    """What lies on an open bed; no part of the truck."""
    length = front - back
    if load == "sand":
        heap = Material(tint(pick(rng, "tan", "brown", "grey"), rng), "wool")
        for share, tall in ((0.3, 0.34), (0.62, 0.42)):
            thing.ellipsoid(
                (back + share * length, high - 0.08, 0),
                (0.3 * length, tall, half * 0.92),
                heap,
                None,
            )
    elif load == "logs":
        bark, cut = Material((112, 80, 54), "fur"), Material((206, 172, 122), "matte")
        for row, count in enumerate((4, 3, 2)):
            for k in range(count):
                z = (k - (count - 1) / 2) * 0.5
                thing.cylinder(
                    (back + length / 2 - 0.1, floor + 0.36 + 0.42 * row, z),
                    (1, 0, 0),
                    0.25,
                    length / 2 - 0.12,
                    bark,
                    None,
                    cap_material=cut,
                )
    elif load == "boxes":
        for share in (0.2, 0.5, 0.8):
            size = rng.uniform(0.3, 0.42)
            x, z = back + share * (length - 0.2), rng.uniform(-0.3, 0.3)
            crate(
                thing,
                (x - size, floor + 0.1, z - size),
                (x + size, floor + 0.1 + 2.4 * size, z + size),
                Material(tint(pick(rng, "tan", "brown", "orange"), rng), "matte"),
                dict.fromkeys(("front", "back", "side", "roof")),
            )
