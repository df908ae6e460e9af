"""Animals show the parts that they have, and no others."""

import numpy as np
import pytest

from drawn_world.objects.animals import KINDS
from drawn_world.renderer import Camera, render

PARTS = {
    "bird": "wing tail head eye beak torso leg",
    "cat": "tail head eye torso neck leg ear",
    "cow": "tail head eye torso neck leg ear muzzle horn",
    "deer": "tail head eye torso neck leg ear muzzle horn",
    "dog": "tail head eye torso neck leg ear muzzle",
    "duck": "wing tail head eye beak torso neck leg",
    "fox": "tail head eye torso neck leg ear muzzle",
    "goat": "tail head eye torso neck leg ear muzzle horn",
    "hen": "wing tail head eye beak torso leg",
    "horse": "tail head eye torso neck leg ear muzzle",
    "sheep": "tail head eye torso neck leg ear muzzle horn",
}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_an_animals_part_map_names_only_its_parts_and_stands_on_the_ground(name):
    kind = KINDS[name]
    for seed, colour in enumerate(kind.colours[:4]):
        for build in [kind.build, *([kind.flying_build] if kind.flying_build else [])]:
            sculpture = build(np.random.default_rng(seed), colour)
            assert set(sculpture.part_names) <= set(PARTS[name].split())
            low, high = sculpture.bounds()
            if build is kind.build:
                assert abs(low[1]) < 0.06 * (high - low).max()
            layer = render(sculpture, Camera(0, 0, 30.0, (48, 48)), 96)
            assert {"head", "torso"} <= {
                layer.part_names[k] for k in np.unique(layer.part_index) if k >= 0
            }
