"""A few pictures of every split, for all tests of the drawn world."""

import pytest

from drawn_world import SPLITS, World

IMAGES, SIZE, SEED = 38, 96, 3  # of test_digests.py, too


@pytest.fixture(scope="session")
def pictures(once):
    """A few pictures of every split, novel objects included."""
    worlds = {split: World(split, IMAGES, SIZE, SEED, "all") for split in SPLITS}
    return once("pictures", lambda: {split: list(world) for split, world in worlds.items()})


@pytest.fixture(scope="session")
def all_pictures(pictures):
    return [picture for some in pictures.values() for picture in some]
