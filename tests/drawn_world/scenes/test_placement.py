"""Objects stand in one perspective, and inside the frame where they are meant to be whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_world import kinds
from drawn_world.objects import Kind
from drawn_world.renderer import Camera, Material, Sculpture, render
from drawn_world.scenes.placement import FRAMINGS, Outline, frame_main, place_beside


@pytest.fixture(scope="module")
def block():
    """A stand-in object: 2 long, 1 high, 0.6 deep, standing on the ground."""
    sculpture, material = Sculpture(), Material((120, 90, 60))
    sculpture.ellipsoid((0, 0.5, 0), (1, 0.5, 0.3), material, "body")
    return sculpture, Kind(
        lambda rng, colour: sculpture, ("brown",), {"grass": 1}, size=2.0, pitch=(0, 30), length=2.0
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), horizon=st.floats(0.3, 0.55))
def test_nearer_objects_stand_lower_and_are_bigger(block, seed, horizon):
    rng, (sculpture, kind) = np.random.default_rng(seed), block
    main = frame_main(
        rng, sculpture, kind, horizon=horizon, flying=False, alone=False, framings=FRAMINGS
    )
    other = place_beside(
        rng, [main], sculpture, kind, main_kind=kind, horizon=horizon, flying=False
    )
    if other is not None:
        lower, higher = sorted((main, other), key=lambda placement: -placement.origin[1])
        assert lower.scale >= higher.scale and higher.origin[1] > horizon


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), framing=st.sampled_from(["fill", "small"]))
def test_an_object_meant_to_be_whole_lies_inside_the_frame(block, seed, framing):
    rng, (sculpture, kind) = np.random.default_rng(seed), block
    main = frame_main(
        rng,
        sculpture,
        kind,
        horizon=0.4,
        flying=False,
        alone=True,
        framings={framing: (1.0, FRAMINGS[framing][1])},
    )
    left, top, right, bottom = main.box
    assert min(left, top) > -0.03 and max(right, bottom) < 1.03
    low, high = FRAMINGS[framing][1]
    assert 0.9 * low < max(right - left, bottom - top) < 1.1 * high


@pytest.mark.parametrize("obj", ["dog", "bicycle", "bus", "person"])
def test_the_outline_reaches_as_far_as_the_drawn_pixels(obj):
    rng, kind = np.random.default_rng(5), kinds()[obj]
    sculpture, yaw, pitch = kind.build(rng, kind.colours[0]), 35.0, 8.0
    box = np.array(Outline.of(sculpture).box(yaw, pitch))
    scale = 100 / max(box[2] - box[0], box[3] - box[1])
    layer = render(sculpture, Camera(yaw, pitch, scale, (100, 100)), 200)
    top, left, bottom, right = (side / layer.supersample - 100 for side in layer.box)
    assert np.allclose(box * scale, (left, top, right, bottom), atol=2.5)
