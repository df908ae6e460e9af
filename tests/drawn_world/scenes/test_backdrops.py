"""Backdrops look the same at any size."""

import numpy as np
import pytest

from drawn_world.scenes import SCENES, draw_scene


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_scene_looks_the_same_at_any_size(name):
    small, large = (draw_scene(name, np.random.default_rng(3), size) for size in (64, 128))
    assert small.image.shape == (64, 64, 3) and np.isfinite(small.image).all()
    assert large.horizon == pytest.approx(2 * small.horizon)
    coarse = large.image.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(coarse - small.image).mean() < 8


def test_an_unknown_scene_is_refused_by_name():
    with pytest.raises(ValueError, match="'moon'.*grass"):
        draw_scene("moon", np.random.default_rng(0), 32)
