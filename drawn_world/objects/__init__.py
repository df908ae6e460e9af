"""What is drawn: 22 kinds of objects, each built of the renderer's solids in a frame of its own.

A builder takes a random generator and a colour name and returns a `Sculpture` that stands on the
ground at y = 0 and looks along +x. `kinds()` lists all of them.
"""

from __future__ import annotations

from functools import lru_cache

from drawn_world.objects import animals, things, vehicles
from drawn_world.objects.kind import Kind

__all__ = ["Kind", "kinds"]


@lru_cache(maxsize=1)
def kinds() -> dict[str, Kind]:
    """Everything the world can draw, by object name in alphabetical order."""
    merged = {**animals.KINDS, **things.KINDS, **vehicles.KINDS}
    return {obj: merged[obj] for obj in sorted(merged)}
