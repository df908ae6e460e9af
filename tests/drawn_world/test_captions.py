"""Captions say true things in known words."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from drawn_world import captions, kinds, names


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
    written = [
        word
        for obj in names.OBJECTS
        for name in (obj, captions.plural(obj), *captions.object_words(obj))
        for word in name.split()
    ]
    assert {word: lengths[word] for word in written if lengths[word]} == captions.EXTRA_TOKENS


def test_caption_words_cover_every_name_of_the_drawn_world():
    written = " ".join([*names.OBJECTS, *names.PARTS, *captions.COLOURS]).split()
    assert set(written) <= captions.caption_words() and len(captions.caption_words()) < 300


def test_every_colour_and_scene_of_the_kinds_can_be_named():
    for kind in kinds().values():
        assert set(kind.colours) <= set(captions.COLOURS) and set(kind.scenes) <= set(
            captions.PLACES
        )


def named(text):
    """Objects of the drawn world that a text names, by any of their words."""
    found = set()
    for obj in names.OBJECTS:
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
    image = np.zeros((100, 100, 3), np.uint8)
    cat, dog = (
        SimpleNamespace(obj=obj, colour="black", box=box)
        for obj, box in (("cat", (5, 20, 35, 60)), ("dog", (60, 30, 95, 80)))
    )
    behind = SimpleNamespace(obj="cat", colour="black", box=(55, 20, 90, 60))
    rng = np.random.default_rng(0)

    def said(*items):
        picture = SimpleNamespace(items=items, scene="grass", image=image)
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
