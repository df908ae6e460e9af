"""Drawn pictures are reproducible, and what is said to be in them is what their maps hold."""

from collections import Counter

import numpy as np
import pytest

from drawn_world import SPLITS, World, kinds, names
from drawn_world.composer import Composer


def equal(a, b):
    return all(
        np.array_equal(getattr(a, field), getattr(b, field))
        for field in ("image", "object_map", "part_map", "name")
    ) and (a.scene, a.items) == (b.scene, b.items)


def test_a_picture_depends_on_seed_split_and_index_only():
    world = World("train", 6, 64, seed=3)
    forward = [world.picture(i) for i in range(6)]
    again = World("train", 1000, 64, seed=3)
    assert all(equal(again.picture(i), forward[i]) for i in (4, 0, 2))
    assert not equal(World("train", 6, 64, seed=4).picture(0), forward[0])
    images = [World(split, 6, 64, seed=3, objects="seen")[0].image for split in SPLITS]
    assert len({image.tobytes() for image in images}) == len(SPLITS)


def test_workers_draw_the_same_arrays_as_this_process():
    world = World("test", 10, 48)
    alone, together = world.render_all(workers=1), world.render_all(workers=2, chunk=3)
    assert together.images.dtype == np.uint8 and together.part_maps.dtype == np.int16
    for i in range(10):
        assert equal(alone.picture(i), world.picture(i)) and equal(
            together.picture(i), world.picture(i)
        )


def test_items_count_the_pixels_of_the_maps(all_pictures):
    for picture in all_pictures:
        for obj, count in Counter(item.obj for item in picture.items).items():
            items = [item for item in picture.items if item.obj == obj]
            mask = picture.object_map == names.OBJECTS.index(obj)
            assert sum(item.visible_pixels for item in items) == mask.sum()
            rows, columns = np.nonzero(mask)
            boxes = np.array([item.box for item in items])
            assert [*boxes.min(0)[:2], *boxes.max(0)[2:]] == [
                columns.min(),
                rows.min(),
                columns.max() + 1,
                rows.max() + 1,
            ]
            for part in names.PARTS_OF[obj]:
                mask = picture.part_map == names.OBJECT_PARTS.index(f"{obj}'s {part}")
                seen = [item.parts[part] for item in items if part in item.parts]
                assert sum(part.visible_pixels for part in seen) == mask.sum()
                if count == 1 and seen:
                    left, top, right, bottom = seen[0].box
                    assert mask[top:bottom, left:right].sum() == mask.sum()
                    assert mask[top:bottom, left].any() and mask[top:bottom, right - 1].any()
                    assert mask[top, left:right].any() and mask[bottom - 1, left:right].any()


def test_visible_fractions_tell_what_other_objects_hide(all_pictures):
    hidden = 0
    for picture in all_pictures:
        fractions = [
            part.visible_fraction for item in picture.items for part in item.parts.values()
        ]
        assert all(0 < fraction <= 1 for fraction in fractions)
        hidden += min(fractions) < 1
        if len(picture.items) == 1:
            assert set(fractions) == {1.0}
    assert hidden > 3  # real occlusion happens


def test_every_part_of_every_object_appears_on_pictures():
    met = set()
    for obj in names.OBJECTS:
        world = World("train", 16, 128, seed=1, objects=[obj])
        for i in range(len(world)):
            met.update(np.unique(world[i].part_map).tolist())
            if {
                t for t, full in enumerate(names.OBJECT_PARTS) if full.startswith(f"{obj}'s ")
            } <= met:
                break
    assert [full for t, full in enumerate(names.OBJECT_PARTS) if t not in met] == []


def test_training_shows_seen_objects_only_and_the_other_splits_all():
    seen = set(names.OBJECTS) - set(names.NOVEL_OBJECTS)
    assert set(World("train").objects) == seen
    assert all(set(World(split).objects) == set(names.OBJECTS) for split in SPLITS[1:])
    assert World("train", objects="all").objects == World("test").objects
    world = World("train", 60, 32)
    assert {obj for i in range(60) for obj in np.unique(world[i].object_map)} <= {
        names.IGNORE,
        *(names.OBJECTS.index(obj) for obj in seen),
    }
    assert World("test", objects=["dog", "cat"]).objects == ("cat", "dog")


def test_the_shifted_split_has_scenes_of_its_own(pictures):
    usual = {picture.scene for split in SPLITS[:3] for picture in pictures[split]}
    assert not usual & {"night", "forest", "studio"}
    assert {picture.scene for picture in pictures["shifted"]} & {"night", "forest", "studio"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"split": "val"}, "'val'.*validation"),
        ({"images": 0}, "images must be .* got 0"),
        ({"size": 8}, "size .* got 8"),
        ({"size": 128.0}, "got 128.0"),
        ({"seed": -1}, "seed .* got -1"),
        ({"objects": "novel"}, "'novel'"),
        ({"objects": []}, "list of objects is empty"),
        ({"objects": ["dgo"]}, "no 'dgo'; did you mean 'dog'"),
    ],
)
def test_nonsense_is_refused_by_name_and_value(arguments, says):
    with pytest.raises(ValueError, match=says):
        World(**arguments)


def test_indices_behave_like_those_of_a_list():
    world = World("test", 3, 32)
    assert equal(world.picture(-1), world.picture(2)) and len(list(world)) == 3
    with pytest.raises(IndexError, match="index 3"):
        world[3]


def test_a_single_object_fills_most_of_its_picture(all_pictures):
    boxes = [picture.items[0].box for picture in all_pictures if len(picture.items) == 1]
    extents = [max(right - left, bottom - top) / 96 for left, top, right, bottom in boxes]
    assert 0.65 < np.median(extents) <= 1 and min(extents) > 0.1


def test_all_kinds_appear_about_equally_often():
    counts = Counter(
        Composer(names.OBJECTS, 32, np.random.SeedSequence(i)).choose_first()[0] for i in range(660)
    )
    assert set(counts) == set(kinds()) and min(counts.values()) >= 12 and max(counts.values()) <= 55
