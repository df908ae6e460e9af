"""Drawn pictures are reproducible, their maps are exact, and captions say true things in known words."""

import re
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.drawn import SPLITS, DrawnWorld, captions, kinds
from partclipseg_lite.datasets.drawn.composer import Composer
from partclipseg_lite.datasets.drawn.composition import FRAMINGS, Outline, frame_main, place_beside
from partclipseg_lite.datasets.drawn.render import Camera, Kind, Material, Sculpture, render
from partclipseg_lite.datasets.pascal_part_116 import PascalPart, write_pascal_part
from partclipseg_lite.vocabulary import Vocabulary

DRAWN = Vocabulary.load("drawn")
SIZE = 96


@pytest.fixture(scope="module")
def pictures():
    """A few pictures of every split, novel objects included."""
    return {
        split: [DrawnWorld(split, 40, SIZE, objects="all").picture(i) for i in range(40)]
        for split in SPLITS
    }


@pytest.fixture(scope="module")
def all_pictures(pictures):
    return [picture for some in pictures.values() for picture in some]


def equal(a, b):
    return all(
        np.array_equal(getattr(a.sample, field), getattr(b.sample, field))
        for field in ("image", "object_map", "part_map", "name")
    ) and (a.scene, a.items) == (b.scene, b.items)


# ---- reproducible --------------------------------------------------------------------------------


def test_a_picture_depends_on_seed_split_and_index_only():
    world = DrawnWorld("train", 6, 64, seed=3)
    forward = [world.picture(i) for i in range(6)]
    again = DrawnWorld("train", 1000, 64, seed=3)
    assert all(equal(again.picture(i), forward[i]) for i in (4, 0, 2))
    assert not equal(DrawnWorld("train", 6, 64, seed=4).picture(0), forward[0])
    images = [DrawnWorld(split, 6, 64, seed=3, objects="seen")[0].image for split in SPLITS]
    assert len({image.tobytes() for image in images}) == len(SPLITS)


def test_workers_draw_the_same_arrays_as_this_process():
    world = DrawnWorld("test", 10, 48)
    alone, together = world.render_all(workers=1), world.render_all(workers=2, chunk=3)
    assert together.images.dtype == np.uint8 and together.part_maps.dtype == np.int16
    for i in range(10):
        assert equal(alone.picture(i), world.picture(i)) and equal(
            together.picture(i), world.picture(i)
        )


def test_another_size_shows_the_same_composition():
    small, large = (DrawnWorld("validation", 30, size) for size in (64, 192))
    for i in range(0, 30, 3):
        a, b = small.picture(i), large.picture(i)
        assert a.scene == b.scene and [(x.obj, x.colour) for x in a.items] == [
            (x.obj, x.colour) for x in b.items
        ]
        for x, y in zip(a.items, b.items, strict=True):
            assert np.allclose(np.array(x.box) * 3, y.box, atol=7)
        same = a.sample.object_map == b.sample.resized(64).object_map
        assert same.mean() > 0.97


# ---- exact ---------------------------------------------------------------------------------------


def test_maps_hold_ids_of_the_vocabulary_and_parts_lie_on_their_objects(all_pictures):
    for picture in all_pictures:
        assert picture.sample.image.shape == (SIZE, SIZE, 3)
        picture.sample.check_ids(DRAWN)
        picture.sample.check_owners(DRAWN)
        present = {DRAWN.objects[o] for o in np.unique(picture.sample.object_map) if o != IGNORE}
        assert present == {item.obj for item in picture.items} and present


def test_items_count_the_pixels_of_the_maps(all_pictures):
    for picture in all_pictures:
        for obj, count in Counter(item.obj for item in picture.items).items():
            items = [item for item in picture.items if item.obj == obj]
            mask = picture.sample.object_map == DRAWN.object_index(obj)
            assert sum(item.visible_pixels for item in items) == mask.sum()
            rows, columns = np.nonzero(mask)
            boxes = np.array([item.box for item in items])
            assert [*boxes.min(0)[:2], *boxes.max(0)[2:]] == [
                columns.min(),
                rows.min(),
                columns.max() + 1,
                rows.max() + 1,
            ]
            for part in DRAWN.parts_of(obj):
                mask = picture.sample.part_map == DRAWN.index(f"{obj}'s {part}")
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
    for obj in DRAWN.objects:
        world = DrawnWorld("train", 16, 128, seed=1, objects=[obj])
        for i in range(len(world)):
            met.update(np.unique(world[i].part_map).tolist())
            if set(DRAWN.ids[DRAWN.object_of == DRAWN.object_index(obj)].tolist()) <= met:
                break
    assert [DRAWN.object_parts[t] for t in range(len(DRAWN)) if t not in met] == []


def test_training_shows_seen_objects_only_and_the_other_splits_all():
    seen = {
        obj
        for obj, is_seen in zip(DRAWN.objects, DRAWN.seen_object.tolist(), strict=True)
        if is_seen
    }
    assert set(DrawnWorld("train").objects) == seen
    assert all(set(DrawnWorld(split).objects) == set(DRAWN.objects) for split in SPLITS[1:])
    assert DrawnWorld("train", objects="all").objects == DrawnWorld("test").objects
    world = DrawnWorld("train", 60, 32)
    assert {obj for i in range(60) for obj in np.unique(world[i].object_map)} <= {
        IGNORE,
        *(DRAWN.object_index(obj) for obj in seen),
    }
    assert DrawnWorld("test", objects=["dog", "cat"]).objects == ("cat", "dog")


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
        DrawnWorld(**arguments)


def test_a_drawn_world_can_be_written_as_a_pascal_part_folder(tmp_path):
    world = DrawnWorld("test", 4, 48)
    for source in (world, world.render_all(workers=1)):
        folder = PascalPart(
            write_pascal_part(source, tmp_path / type(source).__name__, "val"), "val", "drawn"
        )
        for sample, again in zip(world, folder, strict=True):
            assert sample.name == again.name and np.array_equal(sample.image, again.image)
            assert np.array_equal(sample.part_map, again.part_map)
            assert np.array_equal(sample.object_map, again.object_map)


def test_indices_behave_like_those_of_a_list():
    world = DrawnWorld("test", 3, 32)
    assert equal(world.picture(-1), world.picture(2)) and len(list(world)) == 3
    with pytest.raises(IndexError, match="index 3"):
        world[3]


# ---- composed ------------------------------------------------------------------------------------


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


def test_a_single_object_fills_most_of_its_picture(all_pictures):
    boxes = [picture.items[0].box for picture in all_pictures if len(picture.items) == 1]
    extents = [max(right - left, bottom - top) / SIZE for left, top, right, bottom in boxes]
    assert 0.65 < np.median(extents) <= 1 and min(extents) > 0.1


def test_all_kinds_appear_about_equally_often():
    counts = Counter(
        Composer(DRAWN.objects, 32, np.random.SeedSequence(i)).choose_first()[0] for i in range(660)
    )
    assert set(counts) == set(kinds()) and min(counts.values()) >= 12 and max(counts.values()) <= 55


# ---- captions ------------------------------------------------------------------------------------


def every_caption(pictures, rounds=6):
    rng = np.random.default_rng(0)
    for picture in pictures:
        for _ in range(rounds):
            yield picture, None, captions.scene_caption(picture, rng)
            for item in picture.items:
                yield (
                    picture,
                    item,
                    captions.object_caption(item.obj, rng, item.colour, picture.scene),
                )
                for part in item.parts:
                    yield picture, item, captions.part_caption(item.obj, part, rng, item.colour)


def test_captions_use_listed_words_and_fit_the_context_of_the_tiny_clip(all_pictures):
    from open_clip import SimpleTokenizer

    tokenizer, words = SimpleTokenizer(), captions.caption_words()
    for _, _, caption in every_caption(all_pictures):
        assert set(re.sub(r"'s|,", " ", caption).split()) <= words, caption
        assert len(tokenizer.encode(caption)) <= captions.MAX_TOKENS, caption
        assert not re.search(r"\ba [aeiou]|\ban [^aeiou]|  |^ | $", caption), caption
    lengths = {word: len(tokenizer.encode(word)) - 1 for word in captions.caption_words()}
    names = [
        word
        for obj in DRAWN.objects
        for name in (obj, captions.plural(obj), *captions.object_words(obj))
        for word in name.split()
    ]
    assert {word: lengths[word] for word in names if lengths[word]} == captions.EXTRA_TOKENS


def test_caption_words_cover_every_name_of_the_drawn_world():
    names = " ".join([*DRAWN.objects, *DRAWN.parts, *captions.COLOURS]).split()
    assert set(names) <= captions.caption_words() and len(captions.caption_words()) < 300


def test_every_colour_and_scene_of_the_kinds_can_be_named():
    for kind in kinds().values():
        assert set(kind.colours) <= set(captions.COLOURS) and set(kind.scenes) <= set(
            captions.PLACES
        )


def named(text):
    """Objects of the drawn world that a text names, by any of their words."""
    found = set()
    for obj in DRAWN.objects:
        words = [
            obj,
            captions.plural(obj),
            *captions.object_words(obj),
            *(["potted plant"] * (obj == "pottedplant")),
        ]
        if any(re.search(rf"\b{word}\b", text) for word in words):
            found.add(obj)
    if "motor scooter" in text or "billy goat" in text:  # words inside words
        found -= {"person"}
    return found


def test_scene_captions_name_what_is_there(all_pictures):
    for picture, item, caption in every_caption(all_pictures):
        if item is None:
            assert named(caption) == {x.obj for x in picture.items}, caption
            for colour in captions.COLOURS:
                if colour != "orange" and re.search(rf"\b{colour}\b", caption):
                    assert colour in {x.colour for x in picture.items}, caption


def test_position_words_are_true():
    sample = SimpleNamespace(image=np.zeros((100, 100, 3), np.uint8))
    cat, dog = (
        SimpleNamespace(obj=obj, colour="black", box=box)
        for obj, box in (("cat", (5, 20, 35, 60)), ("dog", (60, 30, 95, 80)))
    )
    behind = SimpleNamespace(obj="cat", colour="black", box=(55, 20, 90, 60))
    rng = np.random.default_rng(0)

    def said(*items):
        picture = SimpleNamespace(items=items, scene="grass", sample=sample)
        return {
            "".join(re.findall(r"^.*(?:cat|kitten|kitty|dog|puppy|hound)", caption)).replace(
                " black", ""
            )
            for caption in captions.scene_captions(picture, rng, 300)
            if re.search("left|right|behind|in front", caption)
        }

    aside = said(cat, dog)
    assert {"a cat left of a dog", "a dog to the right of a cat"} <= aside
    assert not any("dog left" in text or "cat right" in text or "behind" in text for text in aside)
    before = said(behind, dog)
    assert {"a cat behind a dog", "a dog in front of a cat"} <= before
    assert not any("dog behind" in text or "cat in front" in text for text in before)


def test_close_up_captions_exist_for_novel_objects_and_contain_the_bare_name():
    rng = np.random.default_rng(0)
    for obj, part in (("dog", "muzzle"), ("bird", "beak"), ("motorbike", "saddle")):
        drawn = {captions.part_caption(obj, part, rng, "brown") for _ in range(400)}
        assert {f"{obj}'s {part}", f"a {obj}'s {part}", part, f"the {part} of a {obj}"} <= drawn


def test_synonyms_fit_the_object():
    assert "paw" in captions.part_words("dog", "leg") and "paw" not in captions.part_words(
        "cow", "leg"
    )
    assert "fuselage" in captions.part_words(
        "aeroplane", "body"
    ) and "fuselage" not in captions.part_words("bottle", "body")
    assert "paw" not in captions.part_words("person", "foot")


def test_a_caption_of_two_equal_things_counts_them(all_pictures):
    rng = np.random.default_rng(0)
    picture = next(p for p in all_pictures if len(p.items) == 1 and p.items[0].obj != "person")
    item = picture.items[0]
    twice = replace(picture, items=(item, item))
    said = captions.scene_captions(twice, rng, 30)
    assert all(
        re.search(rf"(two|pair of) ({item.colour} )?{captions.plural(item.obj)}", caption)
        for caption in said
    )
