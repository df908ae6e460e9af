"""A few pictures of every split, for all tests of the drawn world."""

import pytest

from drawn_world import SPLITS, World

SIZE = 96


@pytest.fixture(scope="session")
def pictures():
    """A few pictures of every split, novel objects included."""
    return {
        split: [World(split, 40, SIZE, objects="all").picture(i) for i in range(40)]
        for split in SPLITS
    }


@pytest.fixture(scope="session")
def all_pictures(pictures):
    return [picture for some in pictures.values() for picture in some]
