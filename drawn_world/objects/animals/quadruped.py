"""One parametric four-legged animal.

Species differ by their `Plan` (proportions), their head, their tail and their coat. Lengths are in
body lengths (chest to rump). The builder puts a body into a pose, hangs legs, neck, head and tail
on it, and leaves what head and tail look like to the species.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from drawn_world.objects.animals.frame import Frame, flattened
from drawn_world.renderer import Material, Sculpture, rotation


@dataclass(frozen=True)
class Coat:
    """Materials of one animal.

    `light` is for cheeks and tail tips, `dark` for manes, tufts and what is next to the hooves.
    """

    body: Material
    legs: Material
    head: Material
    light: Material
    dark: Material
    tail: Material
    nose: Material
    inner_ear: Material
    hoof: Material | None = None
    eye: Material = Material((30, 22, 18), "glass")
    iris: Material | None = None


@dataclass(frozen=True)
class Plan:
    """Proportions, in body lengths.

    Attributes:
        height: ground to withers.
        depth: of the chest, from top to bottom.
        width: of the chest.
        waist: depth there, as a share of the chest's.
        rump: depth there, as a share of the chest's.
        thigh: radius of the upper hind leg.
        leg: radius of the shank.
        neck: its length.
        neck_radius: (at the base, at the top).
        neck_angle: (lowest, highest) in degrees above the horizontal.
        head: radius of the skull.
        nose_down: degrees that the head is tilted forward in the usual pose.
        hoofed: hooves, not paws.
        back: how far the middle of the back sags (+) or arches (-).
        poses: name -> weight.
    """

    height: float
    depth: float
    width: float
    waist: float
    rump: float
    thigh: float
    leg: float
    neck: float
    neck_radius: tuple[float, float]
    neck_angle: tuple[float, float]
    head: float
    nose_down: float = 0.0
    hoofed: bool = False
    back: float = 0.0  # how far the middle of the back sags (+) or arches (-)
    poses: dict[str, float] = field(default_factory=lambda: {"stand": 1.0, "walk": 1.0})


@dataclass
class Pose:
    """What the builder decided.

    Attributes:
        name: one of `Plan.poses`.
        body: the body's frame.
        neck_angle: degrees above the horizontal.
        nose_down: degrees that the head is tilted forward.
        turn: degrees that the head is turned to the side.
    """

    name: str
    body: Frame
    neck_angle: float
    nose_down: float
    turn: float


HeadBuilder = Callable[[Sculpture, Frame, Coat, np.random.Generator], None]
TailBuilder = Callable[[Sculpture, Frame, Coat, np.random.Generator, str], None]


def build_quadruped(
    rng: np.random.Generator,
    plan: Plan,
    coat: Callable[[Plan, Pose], Coat],
    head: HeadBuilder,
    tail: TailBuilder,
    *,
    wool: float = 0.0,
) -> Sculpture:
    """A four-legged animal.

    Args:
        rng: chooses the pose and all small differences.
        plan: proportions.
        coat: function (plan, pose) -> Coat; called once the pose is known, because patterns follow
            the body.
        head: adds the head.
        tail: adds the tail.
        wool: radius of the curls of wool; 0 for none.
    """
    sculpture = Sculpture()
    names = list(plan.poses)
    weights = np.array([plan.poses[n] for n in names], float)
    name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    taken = _pose(rng, plan, name)
    colours = coat(plan, taken)
    _torso(sculpture, plan, taken, colours.body, rng, wool)
    _legs(sculpture, plan, taken, colours, rng)
    head_frame = _neck(sculpture, plan, taken, colours.body, rng, wool)
    head(sculpture, head_frame, colours, rng)
    tail(sculpture, taken.body, colours, rng, name)
    return sculpture


def _pose(rng: np.random.Generator, plan: Plan, name: str) -> Pose:
    middle = plan.height - plan.depth / 2
    low, high = plan.neck_angle
    angle, turn = rng.uniform(low, high), rng.normal(0, 14)
    down = plan.nose_down + rng.normal(0, 6)
    if name == "sit":
        lean = rng.uniform(42, 54)
        # The rump rests on the ground; the spine rises from it.
        hips = np.array([-0.3, 0.46 * plan.depth, 0.0])
        axes = rotation("z", lean)
        body = Frame(hips - axes @ np.array([-0.34, 0.0, 0.0]), axes)
        return Pose(name, body, max(angle, 62.0), down, turn * 1.6)
    if name == "lie":
        body = Frame(np.array([0.0, 0.5 * plan.depth, 0.0]), np.eye(3))
        return Pose(name, body, max(angle, 48.0), down, turn * 1.4)
    if name == "graze":
        reach = plan.neck + 1.6 * plan.head
        drop = np.clip(
            (plan.height - 0.35 * plan.depth - 1.3 * plan.head) / max(reach, 1e-6), -1, 0.94
        )
        body = Frame(np.array([0.0, middle, 0.0]), rotation("z", -3.0))
        return Pose(
            name,
            body,
            -np.degrees(np.arcsin(drop)) * rng.uniform(0.85, 1.0),
            plan.nose_down * 0.4 + 44,
            turn * 0.5,
        )
    if name == "run":
        body = Frame(np.array([0.0, middle + 0.05, 0.0]), rotation("z", rng.uniform(-7, 7)))
        return Pose(name, body, angle * 0.7, down - 6, turn * 0.3)
    return Pose(
        name,
        Frame(np.array([0.0, middle, 0.0]), rotation("z", rng.uniform(-2, 3))),
        angle,
        down,
        turn,
    )


def _torso(
    sculpture: Sculpture,
    plan: Plan,
    pose: Pose,
    material: Material,
    rng: np.random.Generator,
    wool: float,
) -> None:
    half = plan.depth / 2
    stations = np.array(
        [
            (-0.40, 0.62),
            (-0.30, plan.rump),
            (-0.06, plan.waist),
            (0.16, 0.97),
            (0.30, 1.0),
            (0.39, 0.70),
        ]
    )
    radii = stations[:, 1] * half
    rise = half - radii  # keeps the back level: what the waist lacks is missing below
    rise[0], rise[-1] = 0.55 * rise[0], 0.35 * rise[-1]
    rise[2:4] -= plan.back
    points = np.array([pose.body(u, v, 0.0) for u, v in zip(stations[:, 0], rise, strict=True)])
    squeeze = plan.width / plan.depth
    sculpture.sweep(points, radii, material, "torso", shape=(1.0, 1.0, squeeze))
    if wool:
        _curls(sculpture, pose.body, rng, material, wool, plan)


def _curls(sculpture, body: Frame, rng, material, radius: float, plan: Plan) -> None:
    """Wool: balls spread evenly over an ellipsoid around the torso."""
    count = int(1.4 / radius**2 * plan.depth)
    k = np.arange(count) + 0.5
    height, angle = 1 - 2 * k / count, np.pi * (1 + 5**0.5) * k
    ring = np.sqrt(1 - height**2)
    x, y, z = (
        height * 0.47,
        ring * np.cos(angle) * plan.depth * 0.5,
        ring * np.sin(angle) * plan.width * 0.5,
    )
    centres = (
        np.stack([x, y, z], 1) + rng.normal(0, 0.013, (count, 3))
    ) @ body.axes.T + body.origin
    sculpture.balls(centres, radius * rng.uniform(0.85, 1.2, count), material, "torso")


def _legs(
    sculpture: Sculpture, plan: Plan, pose: Pose, coat: Coat, rng: np.random.Generator
) -> None:
    stride = {"walk": rng.uniform(0.1, 0.17), "run": rng.uniform(0.2, 0.28)}.get(pose.name, 0.03)
    phase = rng.uniform(0, 2 * np.pi)
    # walking: diagonal pairs move together; running: fore legs together, hind legs together
    offsets = (0.0, np.pi, np.pi, 0.0) if pose.name != "run" else (0.0, 0.7, np.pi, np.pi + 0.7)
    for k, (front, side) in enumerate(((True, 1), (True, -1), (False, 1), (False, -1))):
        swing = stride * np.sin(phase + offsets[k]) + rng.normal(0, 0.008)
        lift = (
            max(0.0, np.cos(phase + offsets[k]))
            * stride
            * (0.5 if pose.name in ("walk", "run") else 0.0)
        )
        path, radii = (_front_leg if front else _hind_leg)(plan, pose, side, swing, lift)
        sculpture.sweep(path, radii, coat.legs, "leg", shape=(1.0, 1.0, 0.86))
        flat_foot = pose.name == "lie" or (pose.name == "sit" and not front)
        _foot(sculpture, plan, coat, path[-1], path[-2], flat_foot)


def _front_leg(plan: Plan, pose: Pose, side: int, swing: float, lift: float):
    z = side * plan.width * 0.27
    shoulder = pose.body(0.27, -0.06 * plan.depth, z * 1.05)
    elbow = plan.height - plan.depth
    thick = np.array([plan.thigh * 0.82, plan.thigh * 0.62, plan.leg * 1.05, plan.leg * 0.9])
    if pose.name == "lie":
        reach = min(0.75 * elbow, 0.34)
        ground = plan.leg * 1.0
        if plan.hoofed:  # folded under the chest
            path = [
                shoulder,
                (0.30, 0.14 * plan.depth, z * 1.25),
                (0.40, ground * 1.3, z * 1.3),
                (0.22, ground, z * 1.45),
            ]
        else:
            path = [
                shoulder,
                (0.26, 0.16 * plan.depth, z * 1.2),
                (0.30 + 0.4 * reach, ground * 1.1, z * 1.15),
                (0.32 + reach, ground, z),
            ]
        return np.array([np.asarray(p, float) for p in path]), thick
    if pose.name == "sit":
        x = shoulder[0] + 0.05
        path = [
            shoulder,
            (x - 0.02, shoulder[1] * 0.62, z),
            (x + 0.01, shoulder[1] * 0.3, z * 0.95),
            (x + 0.02, plan.leg * 1.1, z * 0.95),
        ]
        return np.array([np.asarray(p, float) for p in path]), thick
    x = shoulder[0]
    foot = plan.leg * 1.1 + lift
    path = [
        shoulder,
        (x - 0.03 + 0.25 * swing, elbow * 1.02, z),
        (x + 0.02 + 0.75 * swing + 0.25 * lift, elbow * 0.50 + 0.6 * lift, z * 0.95),
        (x + 0.01 + swing - 0.3 * lift, foot, z * 0.95),
    ]
    return np.array([np.asarray(p, float) for p in path]), thick


def _hind_leg(plan: Plan, pose: Pose, side: int, swing: float, lift: float):
    z = side * plan.width * 0.26
    hip = pose.body(-0.29, 0.02, z)
    elbow = plan.height - plan.depth
    thick = np.array([plan.thigh * 1.15, plan.thigh * 0.86, plan.leg * 1.1, plan.leg * 0.95])
    if pose.name in ("lie", "sit"):
        # Folded: the knee points forward beside the belly, the foot lies flat below it.
        knee = hip + (0.17, 0.02 if pose.name == "sit" else -0.02, side * 0.09)
        hock = np.array([hip[0] + 0.0, plan.leg * 1.6, z + side * 0.10])
        foot = np.array([hip[0] + 0.24, plan.leg * 0.95, z + side * 0.10])
        return np.array([hip, knee, hock, foot]), np.array(
            [plan.thigh * 1.2, plan.thigh * 1.0, plan.leg * 1.25, plan.leg]
        )
    foot = plan.leg * 1.1 + lift
    path = [
        hip,
        (hip[0] + 0.055 + 0.3 * swing, elbow * 0.98 + 0.02, z * 1.05),
        (hip[0] - 0.085 + 0.7 * swing - 0.3 * lift, elbow * 0.5 + 0.5 * lift, z),
        (hip[0] - 0.045 + swing - 0.2 * lift, foot, z),
    ]
    return np.array([np.asarray(p, float) for p in path]), thick


def _foot(sculpture: Sculpture, plan: Plan, coat: Coat, end, before, flat: bool) -> None:
    r = plan.leg
    if plan.hoofed:
        along = (end - before) / np.linalg.norm(end - before)
        sculpture.sweep(
            [end + 0.1 * r * along, end + along * r * 0.75],
            [r * 1.05, r * 1.25],
            coat.hoof or coat.dark,
            "leg",
            shape=flattened(along, 0.6),
        )
        return
    floor = max(end[1] - 1.1 * r, 0.0) if not flat else 0.0
    sculpture.ellipsoid(
        (end[0] + r * 0.75, floor + 0.72 * r, end[2]),
        (r * 1.75, r * 0.74, r * 1.2),
        coat.legs,
        "leg",
    )


def _neck(
    sculpture: Sculpture, plan: Plan, pose: Pose, material: Material, rng, wool: float
) -> Frame:
    angle, turn = np.radians(pose.neck_angle), np.radians(pose.turn)
    along = np.array(
        [np.cos(angle) * np.cos(turn * 0.5), np.sin(angle), -np.cos(angle) * np.sin(turn * 0.5)]
    )
    base = pose.body(0.33, 0.16 * plan.depth, 0.0)
    top = base + along * (plan.neck + 0.1)
    middle = (base + top) / 2 + (0.0, 0.0 if angle > 0 else -0.02, 0.0)
    radii = np.array([plan.neck_radius[0], np.mean(plan.neck_radius) * 0.98, plan.neck_radius[1]])
    sculpture.sweep([base, middle, top], radii, material, "neck", shape=(1.0, 1.0, 0.8))
    if wool:
        for t in np.linspace(0.25, 0.85, 3):
            at = base + (top - base) * t
            r = np.interp(t, [0, 1], plan.neck_radius)
            across = np.cross(along, (0, 0, 1.0))
            for turn_by in np.linspace(0, 2 * np.pi, 7, endpoint=False) + rng.uniform(0, 1):
                out = (np.cos(turn_by) * across + np.sin(turn_by) * np.array([0, 0, 0.8])) * r * 0.9
                sculpture.ellipsoid(at + out, (wool * 0.95,) * 3, material, "neck")
    axes = rotation("y", pose.turn) @ rotation("z", -pose.nose_down)
    seat = top + axes @ np.array([0.35, 0.28, 0.0]) * plan.head
    return Frame(seat, axes, plan.head)


def vary(plan: Plan, rng, spread: float = 0.07) -> Plan:
    """Individuals differ: lengths and widths change independently by a few per cent."""
    names = ("height", "depth", "width", "thigh", "leg", "neck", "head")
    return replace(
        plan, **{n: getattr(plan, n) * rng.uniform(1 - spread, 1 + spread) for n in names}
    )
