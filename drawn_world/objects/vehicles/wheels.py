"""The wheels of everything that rolls: cars, bicycles, motorbikes, aeroplanes."""

from __future__ import annotations

import numpy as np

from drawn_world.objects.palette import DARK, IRON, RUBBER, STEEL
from drawn_world.objects.patterns import hub_pattern
from drawn_world.objects.shapes import ring_points
from drawn_world.objects.vehicles.bodywork import Shell
from drawn_world.renderer import Material


def landing_wheel(thing, x, z, axle, radius, leg_top, width=0.12):
    """One wheel on a leg; the leg belongs to the wheel."""
    thing.cylinder((x, axle, z), (0, 0, 1), radius, width / 2, RUBBER, "wheel")
    for side in (1, -1):
        thing.disc(
            (x, axle, z + side * (width / 2 + 0.004)), (0, 0, side), radius * 0.55, STEEL, "wheel"
        )
    thing.tube([(x, axle, z), leg_top], radius * 0.22, STEEL, "wheel")


def spoked_wheel(thing, centre, radius, tyre, steer, rng, rim, tyre_material) -> None:
    """A bicycle wheel: tyre, rim, spokes, hub; between the spokes it is labelled, not painted."""
    centre = np.asarray(centre, float)
    thing.tube(steer(ring_points(centre, radius - tyre, 24)), tyre, tyre_material, "wheel")
    thing.tube(steer(ring_points(centre, radius - 2.3 * tyre, 24)), 0.011, rim, "wheel")
    thing.face(steer(ring_points(centre, radius - tyre, 24)[:-1]), DARK, "wheel", paint=False)
    reach, start = radius - 2.2 * tyre, rng.uniform(0, np.pi)
    for angle in start + np.arange(7) * np.pi / 7:
        out = reach * np.array([np.cos(angle), np.sin(angle), 0.0])
        thing.tube(steer([centre - out, centre + out]), 0.0042, STEEL, "wheel")
    thing.cylinder(steer(centre), steer.turn[:, 2], 0.03, 0.05, IRON, "wheel")


def road_wheel(sculpture, x, z, radius, width, hub_style, hub) -> None:
    """A road wheel whose outer face is at z, on the side of its sign: tyre, rim, nave."""
    side = np.sign(z)
    centre = np.array([x, radius, z - side * width / 2])
    sculpture.cylinder(centre, (0, 0, 1), radius, width / 2, RUBBER, "wheel")
    face = np.array([x, radius, z + side * 0.006])
    alloy = Material(
        hub.colour,
        "metal",
        hub_pattern(face, radius * 0.66, hub_style, np.array([0, 0, side])),
        (52, 53, 58),
    )
    sculpture.disc(face, (0, 0, side), radius * 0.66, alloy, "wheel")
    sculpture.ellipsoid(face, (radius * 0.17, radius * 0.17, 0.03), hub, "wheel")


def road_wheels(sculpture, shell: Shell, axles, radius, width, rng, hub) -> None:
    """A pair of wheels at each axle, with dark arches cut into the sides."""
    style = int(rng.choice([0, 0, 4, 5, 5, 6, 8]))
    for x in axles:
        z = float(shell.z(x, shell.levels[1, 0]))
        for side in (1, -1):
            gap = radius * 1.14
            low = np.clip((shell.sill - radius) / gap, -0.9, 0.9)
            angle = np.linspace(np.arcsin(low), np.pi - np.arcsin(low), 13)
            across, up = x + gap * np.cos(angle), radius + gap * np.sin(angle)
            arch = np.column_stack([across, up, np.full(13, side * (z + 0.006))])
            sculpture.face(arch, DARK, "side")
            road_wheel(sculpture, x, side * (z + 0.02), radius, width, style, hub)


def cast_wheel(thing, centre, radius, thick, steer, spokes, hub) -> None:
    """A fat tyre around a cast hub with that many spokes (0: a plain disc)."""
    centre = np.asarray(centre, float)
    thing.tube(steer(ring_points(centre, radius - thick, 20)), thick, RUBBER, "wheel")
    inner, axis = radius - 1.55 * thick, steer.turn[:, 2]
    pattern = hub_pattern(steer(centre), inner, spokes, axis)
    alloy = Material(hub.colour, "metal", pattern, (48, 49, 54))
    for side in (-1, 1):
        thing.disc(steer(centre) + side * axis * thick * 0.55, side * axis, inner, alloy, "wheel")
    thing.cylinder(
        steer(centre), axis, radius * 0.17, thick * 1.25, IRON, "wheel", cap_material=STEEL
    )


def mudguard(thing, centre, radius, span, thickness, material, steer=None, count=7) -> None:
    """A bent sheet above a two-wheeler's wheel, part of none.

    Args:
        thing: sculpture to add it to.
        centre: of the wheel.
        radius: of the mudguard.
        span: (first, last) angle as shares of half a turn, from the front over the top to the rear.
        thickness: of the tube that stands for it.
        material: of the mudguard.
        steer: turns its points, where the wheel is steered.
        count: how many points it has.
    """
    angle = np.linspace(span[0] * np.pi, span[1] * np.pi, count)
    arc = radius * np.stack([np.cos(angle), np.sin(angle), np.zeros(count)], 1)
    thing.tube(steer(centre + arc) if steer else centre + arc, thickness, material, None)
