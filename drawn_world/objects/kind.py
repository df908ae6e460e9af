"""What the world needs to know about a kind of object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from drawn_world.renderer import Sculpture

Build = Callable[[np.random.Generator, str], Sculpture]


@dataclass(frozen=True)
class Kind:
    """How to build, colour and place one kind of object.

    Attributes:
        build: function (rng, colour name) -> Sculpture.
        colours: colour names the object may have; a name given twice is twice as common.
        scenes: scene name -> weight.
        size: largest extent in the sculpture's own units.
        pitch: (lowest, highest) camera pitch in degrees that suits it.
        length: largest extent in metres, to draw two objects at believable relative sizes.
        flying: probability that it is drawn in the air.
        flying_build: builder of the flying pose; needed where `flying` is above 0.
    """

    build: Build
    colours: tuple[str, ...]
    scenes: Mapping[str, float]
    size: float = 1.0
    pitch: tuple[float, float] = (4.0, 16.0)
    length: float = 1.0
    flying: float = 0.0
    flying_build: Build | None = None
