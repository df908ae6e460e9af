"""The pictures that a rule about parts picks are the first that meet it."""

import numpy as np
import pytest
from helpers import DRAWN, sample

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.pick_parts import (
    first_complete,
    first_part,
    seen_and_novel,
    seen_and_novel_with,
)


def test_the_first_complete_picture_shows_one_object_with_all_its_parts_and_none_before_it_does():
    world = DrawnWorld("test", images=30, size=64, objects=["dog"]).render_all(workers=1)
    found = first_complete(world, "dog", pixels=4)
    complete = []
    for i in range(len(world)):
        items, part_map = world.picture(i).items, world[i].part_map
        sizes = [
            int((part_map == DRAWN.index(f"dog's {part}")).sum()) for part in DRAWN.parts_of("dog")
        ]
        complete.append(len(items) == 1 and min(sizes) >= 4)
    assert found.name == world[complete.index(True)].name


def test_the_first_part_that_meets_the_rule_comes_with_its_name_and_mask():
    pictures = [sample(("bus",)), sample(("cat", "cow")), sample(("cow",), seed=3)]
    part = DRAWN.parse(
        DRAWN.object_parts[next(t for t in np.unique(pictures[2].part_map) if t != IGNORE)]
    )[1]
    low = lambda mask: not mask[:16].any()  # noqa: E731
    found, name, mask = first_part(pictures, DRAWN, part, low)
    assert found is pictures[1] and name == f"cow's {part}"
    assert (mask == (pictures[1].part_map == DRAWN.index(name))).all() and low(mask)


def test_a_rule_that_nothing_meets_is_an_error():
    world = DrawnWorld("test", images=2, size=32, objects=["dog"])
    with pytest.raises(ValueError, match="shows one cat alone with 8 pixels"):
        first_complete(world, "cat")
    with pytest.raises(ValueError, match="no eye in these samples"):
        first_part([sample(("bus",))], DRAWN, "eye", np.any)


def test_seen_and_novel_objects_are_drawn_apart_as_many_of_each():
    worlds = seen_and_novel("test", images=3, size=32)
    novel = set(DRAWN.unseen_only().objects)
    assert set(worlds["novel"].objects) == novel and novel.isdisjoint(worlds["seen"].objects)
    assert len(worlds["seen"]) == len(worlds["novel"]) == 3 and len(worlds["seen"].objects) + len(
        novel
    ) == len(DRAWN.objects)


def test_of_each_part_the_first_seen_and_the_first_novel_owner_come_once_each_complete():
    found = seen_and_novel_with(("wing", "wheel"), "test", images=60, size=64, pixels=2)
    objects = [np.unique(s.object_map[s.object_map != IGNORE]).tolist() for s in found]
    assert [[DRAWN.objects[o] for o in seen] for seen in objects] == [
        ["aeroplane"],  # it has wheels too, but comes once
        ["bird"],
        ["bicycle"],
        ["car"],
    ]
    for sample_, obj in zip(found, ("aeroplane", "bird", "bicycle", "car"), strict=True):
        world = DrawnWorld("test", 60, 64, objects=[obj])
        assert sample_.name == first_complete(world, obj, 2).name


def test_parts_without_an_owner_left_are_refused():
    with pytest.raises(ValueError, match="no novel object with a saddle is left"):
        seen_and_novel_with(("saddle", "saddle"), "test", images=60, size=64, pixels=1)
