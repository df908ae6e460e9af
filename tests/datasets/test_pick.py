"""Pictures are chosen by rules: the right ones, the same at every size, never silently too few."""

import numpy as np
import pytest

from partclipseg_lite.datasets import IGNORE, pick
from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.in_view import parts_in_view
from partclipseg_lite.vocabulary import Vocabulary

DRAWN = Vocabulary.load("drawn")


@pytest.fixture(scope="module")
def world():
    return DrawnWorld("test", images=30, objects=["dog", "cat"]).render_all(workers=1)


def names_in(labels, names):
    return sorted(names[k] for k in np.unique(labels) if k != IGNORE)


def test_one_object_alone_is_what_the_maps_show(world):
    chosen = list(pick.fitting(world, pick.alone("dog")))
    expected = [
        i
        for i in range(len(world))
        if len(world.picture(i).items) == 1
        and names_in(world[i].object_map, DRAWN.objects) == ["dog"]
    ]
    assert chosen == expected and 0 < len(chosen) < len(world)


def test_complete_large_and_whole_are_counted_in_the_maps(world):
    dog, parts = (
        DRAWN.object_index("dog"),
        [DRAWN.index(f"dog's {p}") for p in DRAWN.parts_of("dog")],
    )
    alone = set(pick.fitting(world, pick.alone("dog")))
    complete = set(pick.fitting(world, pick.alone("dog", part_pixels=8)))
    large = set(pick.fitting(world, pick.alone("dog", share=0.2)))
    inside = set(pick.fitting(world, pick.alone("dog", inside=True)))
    for i in alone:
        sample = world[i]
        on_dog = sample.object_map == dog
        border = np.concatenate([on_dog[0], on_dog[-1], on_dog[:, 0], on_dog[:, -1]])
        assert (i in complete) == all((sample.part_map == t).sum() >= 8 for t in parts)
        assert (i in large) == (on_dog.mean() >= 0.2)
        assert (i in inside) == (not border.any())
    for kept in (complete, large, inside):
        assert kept < alone and kept


def test_a_world_of_any_size_gives_the_same_pictures_at_its_own_size():
    worlds = [DrawnWorld("test", 12, size, objects=["dog"]) for size in (64, 128)]
    small, usual = (pick.first(world, pick.alone("dog", part_pixels=4), 2) for world in worlds)
    assert [s.name for s in small] == [s.name for s in usual]
    assert small[0].image.shape[0] == 64 and usual[0].image.shape[0] == 128


def test_two_together_both_show_the_part(world):
    for i in pick.fitting(world, pick.together(["dog", "cat"], part="head", share=0.02)):
        items = world.picture(i).items
        assert sorted(item.obj for item in items) == ["cat", "dog"]
        assert (world[i].part_map == DRAWN.index("dog's head")).any()
        assert min(item.visible_pixels for item in items) >= 0.02 * 128**2
    assert list(pick.fitting(world, pick.together(["dog", "cat"], part="head")))
    assert not list(pick.fitting(world, pick.together(["dog", "cat"], part="wheel")))


def test_two_together_may_each_show_a_part_of_its_own(world):
    parts = {"dog": "tail", "cat": "head"}
    both = list(pick.fitting(world, pick.together(parts, part=parts)))
    shown = [(DRAWN.index("dog's tail"), DRAWN.index("cat's head"))]
    for i in both:
        assert all((world[i].part_map == t).any() for t in shown[0])
    assert set(both) >= set(pick.fitting(world, pick.together(parts, part="head"))) & set(
        pick.fitting(world, pick.together(parts, part="tail"))
    )


def test_a_picture_with_a_novel_object_has_one_and_the_number_asked_for(world):
    chosen = list(pick.fitting(world, pick.with_novel(count=2)))
    for i in range(len(world)):
        objects = [item.obj for item in world.picture(i).items]
        assert (i in chosen) == (len(objects) == 2 and "dog" in objects)
    assert chosen and set(chosen) < set(pick.fitting(world, pick.with_novel()))


def test_the_most_hidden_object_shows_the_smallest_share_of_all_large_enough(world):
    sample, item = pick.most_hidden(world, least_pixels=60)
    everything = [one for i in range(len(world)) for one in world.picture(i).items]
    shares = [one.visible_fraction for one in everything if one.visible_pixels >= 60]
    assert item.visible_fraction == min(shares) < 1 and item.visible_pixels >= 60
    assert item.obj in names_in(sample.object_map, DRAWN.objects)


def test_too_few_pictures_are_an_error_with_the_numbers(world):
    with pytest.raises(ValueError, match="only 0 of 30 pictures fit the rule, not 2"):
        pick.first(world, pick.alone("sheep"), 2)
    with pytest.raises(ValueError, match="no object of 30 pictures shows 99999 pixels"):
        pick.most_hidden(world, least_pixels=99999)


def test_parts_in_view_are_those_of_the_maps_where_objects_do_not_repeat(world):
    single = [
        i for i in range(len(world)) if len({x.obj for x in world.items[i]}) == len(world.items[i])
    ]
    counted = sum((world[i].part_map != IGNORE).sum() for i in single)
    listed = sum(p.visible_pixels for i in single for x in world.items[i] for p in x.parts.values())
    assert counted == listed
    seen = parts_in_view(world)
    assert len(seen) == sum(len(item.parts) for items in world.items for item in items)
    assert seen.pixels.sum() == sum((world[i].part_map != IGNORE).sum() for i in range(len(world)))
    medians = seen.median_pixels()
    assert list(medians.values()) == sorted(medians.values()) and medians["eye"] < medians["torso"]
    assert medians["eye"] == np.median(
        [p for n, p in zip(seen.names, seen.pixels, strict=True) if n == "eye"]
    )
