"""Side profiles of cars, vans, trucks and buses: the upper outline, from the tail to the nose."""

from __future__ import annotations

Strips = tuple[tuple, ...]
Row = tuple[float, float, str]

# Each row is one strip of the body: its part, and the points (x, y) of the outline from its rear
# end up to the next strip. Metres. A height of 0 or below counts from the roof down.
# fmt: off
PROFILES: dict[str, Strips] = {
    "saloon": (
        ("back", (-2.08, 0.3), (-2.1, 0.6), (-2.07, 0.86), (-1.98, 0.97)),
        ("window", (-1.52, 1.02)),
        ("roof", (-0.98, 1.37), (-0.6, 1.44), (-0.1, 1.45)),
        ("window", (0.22, 1.39)),
        ("front", (0.88, 0.99), (1.45, 0.91), (1.9, 0.78), (2.06, 0.62), (2.1, 0.42), (2.1, 0.28)),
    ),
    "hatchback": (
        ("back", (-1.82, 0.3), (-1.84, 0.6), (-1.8, 0.92)),
        ("window", (-1.74, 1.02)),
        ("roof", (-1.42, 1.38), (-1.05, 1.47), (-0.35, 1.5)),
        ("window", (0.08, 1.45)),
        ("front", (0.82, 1.0), (1.35, 0.9), (1.68, 0.76), (1.8, 0.58), (1.83, 0.4), (1.83, 0.28)),
    ),
    "estate": (
        ("back", (-2.1, 0.3), (-2.12, 0.6), (-2.09, 0.96)),
        ("window", (-2.06, 1.04)),
        ("roof", (-1.88, 1.38), (-1.6, 1.45), (-0.6, 1.48), (0.02, 1.46)),
        ("window", (0.22, 1.4)),
        ("front", (0.9, 0.99), (1.45, 0.91), (1.9, 0.78), (2.04, 0.62), (2.08, 0.42), (2.08, 0.28)),
    ),
    "round": (
        ("back", (-1.74, 0.34), (-1.72, 0.52), (-1.62, 0.76), (-1.42, 0.98)),
        ("window", (-1.28, 1.1)),
        ("roof", (-0.92, 1.35), (-0.6, 1.46), (-0.18, 1.51), (0.2, 1.46)),
        ("window", (0.4, 1.37)),
        ("front", (0.74, 1.02), (1.1, 0.97), (1.45, 0.84), (1.64, 0.66), (1.72, 0.46),
         (1.74, 0.32)),
    ),
    "offroad": (
        ("back", (-1.95, 0.42), (-1.97, 0.75), (-1.95, 1.12)),
        ("window", (-1.93, 1.18)),
        ("roof", (-1.84, 1.6), (-1.66, 1.7), (-0.6, 1.74), (0.12, 1.72)),
        ("window", (0.3, 1.66)),
        ("front", (0.78, 1.18), (1.4, 1.12), (1.82, 1.04), (1.94, 0.88), (1.97, 0.6), (1.97, 0.38)),
    ),
    "coupe": (
        ("back", (-1.96, 0.28), (-1.99, 0.55), (-1.96, 0.82), (-1.86, 0.92)),
        ("window", (-1.62, 0.96)),
        ("roof", (-0.8, 1.25), (-0.45, 1.3), (-0.1, 1.28)),
        ("window", (0.06, 1.23)),
        ("front", (0.78, 0.9), (1.45, 0.8), (1.86, 0.66), (2.02, 0.52), (2.06, 0.36), (2.06, 0.25)),
    ),
    "camper": (
        ("back", (-2.1, 0.34), (-2.12, 0.6)),
        ("window", (-2.1, 1.1)),
        ("back", (-2.02, 1.62)),
        ("roof", (-1.86, 1.84), (-1.4, 1.93), (1.25, 1.93)),
        ("window", (1.62, 1.84)),
        ("front", (1.92, 1.22), (2.02, 0.98), (2.05, 0.6), (2.05, 0.32)),
    ),
    "minibus": (
        ("back", (-2.4, 0.34), (-2.42, 0.7)),
        ("window", (-2.4, 1.25)),
        ("back", (-2.36, 1.78)),
        ("roof", (-2.28, 2.02), (-1.8, 2.08), (0.85, 2.08)),
        ("window", (1.12, 1.98)),
        ("front", (1.74, 1.22), (2.12, 1.08), (2.32, 0.88), (2.38, 0.6), (2.38, 0.32)),
    ),
    "cargo": (
        ("back", (-2.4, 0.34), (-2.42, 0.7), (-2.4, 1.25), (-2.36, 1.78)),
        ("roof", (-2.28, 2.02), (-1.8, 2.08), (0.85, 2.08)),
        ("window", (1.12, 1.98)),
        ("front", (1.74, 1.22), (2.12, 1.08), (2.32, 0.88), (2.38, 0.6), (2.38, 0.32)),
    ),
    "truck with a bonnet": (
        ("back", (0.7, 0.62), (0.7, 1.2), (0.72, -0.6)),
        ("roof", (0.78, -0.1), (1.0, 0.0), (1.5, 0.0)),
        ("window", (1.68, -0.08)),
        ("front", (1.98, 1.62), (2.75, 1.48), (2.95, 1.3), (3.0, 0.9), (3.0, 0.48)),
    ),
    "truck with a flat nose": (
        ("back", (1.0, 0.62), (1.0, 1.2), (1.02, -0.6)),
        ("roof", (1.08, -0.1), (1.3, 0.0), (2.3, 0.0)),
        ("window", (2.52, -0.12)),
        ("front", (2.72, 1.55), (2.8, 1.2), (2.82, 0.8), (2.82, 0.46)),
    ),
}
# A bus is as long as it likes: x counts from the rear of its body, then from the front.
BUS_TAIL: Strips = (
    ("back", (0.0, 0.38), (-0.02, 1.5)),
    ("window", (0.0, -0.95)),
    ("back", (0.04, -0.4)),
    ("roof", (0.2, -0.1), (0.6, 0.0)),
)
BUS_NOSES: dict[str, Strips] = {
    "bonnet": (
        ("roof", (-0.5, 0.0)),
        ("front", (-0.16, -0.12)),
        ("window", (-0.06, -0.4)),
        ("front", (0.08, 1.5), (0.8, 1.36), (1.0, 1.15), (1.04, 0.7), (1.04, 0.38)),
    ),
    "double": (
        ("roof", (-0.5, 0.0)),
        ("front", (-0.14, -0.12)),
        ("window", (-0.06, -0.5)),
        ("front", (-0.02, -1.2)),
        ("window", (0.0, 2.25)),
        ("front", (0.05, 1.3), (0.08, 0.7), (0.08, 0.38)),
    ),
    "flat": (
        ("roof", (-0.6, 0.0)),
        ("front", (-0.2, -0.1)),
        ("window", (-0.1, -0.42)),
        ("front", (0.0, 1.25), (0.06, 0.75), (0.06, 0.38)),
    ),
}
# fmt: on


def outline(
    strips: Strips, length: float = 1.0, height: float = 1.0, roof: float = 0.0, start: float = 0.0
) -> list[Row]:
    """The profile as rows (x, y, part), which is what `Shell` takes.

    Args:
        strips: one of the tables above.
        length: factor of every x.
        height: factor of every y that counts from the ground.
        roof: height that others count from.
        start: where x counts from.
    """
    return [
        (start + x * length, y * height if y > 0 else roof + y, part)
        for part, *points in strips
        for x, y in points
    ]
