"""Vocabularies keep the published label order, and their index maps agree with their names."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from partclipseg_lite.vocabulary import (
    OBJECT_SYNONYMS,
    PART_SYNONYMS,
    Vocabulary,
    available,
    split_name,
)

# Published facts, written down apart from the package's own data: (objects, with parts, seen with
# parts, novel, T, seen T, unseen T, parts, seen parts), label ids of the seen object parts,
# generalized parts that only novel objects have. fmt: off
FACTS = {
    "drawn": ((22, 22, 17, 5, 149, 113, 36, 30, 30), None, []),
    "pascal_part_116": (
        (20, 16, 11, 5, 116, 74, 42, 42, 41),
        "0-10 20-31 42-59 70-78 83-98 108-115",
        ["beak"],
    ),
    "ade20k_part_234": (
        (44, 44, 33, 11, 234, 176, 58, 85, 83),
        "0-83 87-90 98-99 102-112 119-134 148-163 169-188 199-205 214-221 226-233",
        ["blade", "taillight"],
    ),
    "partimagenet_40": (
        (40, 40, 25, 15, 147, 92, 55, 13, 13),
        "4-35 40-45 50-65 74-80 85-88 99-100 105-109 112-115 118-125 129-136",
        [],
    ),
}
LOADED = {name: Vocabulary.load(name) for name in FACTS}
every_vocabulary = pytest.mark.parametrize("name", FACTS)


def ranges(text):
    for piece in text.split():
        first, last = piece.split("-")
        yield from range(int(first), int(last) + 1)


def test_exactly_these_vocabularies_are_shipped():
    assert set(available()) == set(FACTS)


@every_vocabulary
def test_counts_are_those_of_the_publications(name):
    full = LOADED[name]
    seen, unseen = full.seen_only(), full.unseen_only()
    assert (
        len(full.objects),
        len(full.objects_with_parts),
        len(seen.objects),
        len(unseen.objects),
        len(full),
        len(seen),
        len(unseen),
        len(full.parts),
        len(seen.parts),
    ) == FACTS[name][0]
    only_novel = [
        part
        for part, is_seen in zip(full.parts, full.seen_part.tolist(), strict=True)
        if not is_seen
    ]
    assert only_novel == FACTS[name][2] == sorted(set(full.parts) - set(seen.parts))
    assert full.ignore_label == (255 if name in ("drawn", "pascal_part_116") else 65535)


@pytest.mark.parametrize("name", [name for name in FACTS if FACTS[name][1]])
def test_seen_and_unseen_label_ids_are_the_published_lists(name):
    full, published = LOADED[name], list(ranges(FACTS[name][1]))
    assert full.seen_only().ids.tolist() == published
    assert full.unseen_only().ids.tolist() == sorted(set(range(len(full))) - set(published))


def test_well_known_labels_have_their_numbers():
    pascal, ade, imagenet = (
        LOADED[name] for name in ("pascal_part_116", "ade20k_part_234", "partimagenet_40")
    )
    assert pascal.objects[11] == "dog" and pascal.object_parts[61] == "dog's head"
    assert ade.object_parts[0] == "person's arm" and ade.objects[0] == "airplane"
    assert imagenet.object_parts[0] == "impala's head"
    assert set(pascal.objects) - set(pascal.objects_with_parts) == {
        "boat",
        "chair",
        "diningtable",
        "sofa",
    }


@every_vocabulary
@pytest.mark.parametrize(
    "restrict",
    [
        lambda v: v,
        Vocabulary.seen_only,
        Vocabulary.unseen_only,
        Vocabulary.asked,
        lambda v: v.seen_only().asked(),
        lambda v: v.restrict(v.object_parts[3:40:5]),
    ],
)
def test_index_maps_agree_with_the_names(name, restrict):
    full, some = LOADED[name], restrict(LOADED[name])
    for t, object_part in enumerate(some.object_parts):
        obj, part = split_name(object_part)
        assert some.objects[some.object_of[t]] == obj and some.parts[some.part_of[t]] == part
        assert full.object_parts[some.ids[t]] == object_part and some.index(object_part) == t
        assert (
            bool(some.seen[t])
            == bool(some.seen_object[some.object_of[t]])
            == bool(full.seen[some.ids[t]])
        )
        assert some.parse(object_part) == (obj, part)
    for o, obj in enumerate(some.objects):
        assert full.objects[some.object_ids[o]] == obj and some.object_index(obj) == o
        assert [f"{obj}'s {part}" for part in some.parts_of(obj)] == [
            n for n in some if split_name(n)[0] == obj
        ]
    assert list(some.parts) == sorted(set(some.parts))
    for tensor, dtype in (
        (some.ids, torch.long),
        (some.part_of, torch.long),
        (some.object_of, torch.long),
        (some.seen, torch.bool),
        (some.seen_object, torch.bool),
    ):
        assert tensor.dtype == dtype


@every_vocabulary
def test_seen_objects_keep_the_order_of_the_full_list(name):
    full, seen = LOADED[name], LOADED[name].seen_only()
    assert [obj for obj in full.objects if obj in seen.objects] == list(seen.objects)
    assert seen.seen.all() and not full.unseen_only().seen.any()


@every_vocabulary
@pytest.mark.parametrize("restrict", [lambda v: v, Vocabulary.seen_only])
def test_a_network_is_asked_for_objects_with_parts_in_alphabetical_order(name, restrict):
    before = restrict(LOADED[name])
    asked = before.asked()
    assert list(asked.objects) == sorted({split_name(full)[0] for full in before})
    assert asked.object_parts == before.object_parts and asked.parts == before.parts
    assert torch.equal(asked.ids, before.ids) and torch.equal(asked.seen, before.seen)
    assert torch.equal(asked.part_of, before.part_of)
    assert (asked.name, asked.ignore_label) == (before.name, before.ignore_label)
    assert asked.asked() == asked and Vocabulary.from_dict(asked.to_dict()) == asked


def test_asking_changes_the_order_of_objects_only_where_labels_are_not_alphabetical():
    pascal, imagenet = LOADED["pascal_part_116"], LOADED["partimagenet_40"]
    assert pascal.asked().objects == pascal.objects_with_parts != pascal.objects
    assert imagenet.asked().objects != imagenet.objects == imagenet.objects_with_parts


@pytest.mark.parametrize(
    ("name", "halves"),
    [
        ("dog's head", ("dog", "head")),
        ("chest of drawers's door", ("chest of drawers", "door")),
        ("swivel chair's wheel", ("swivel chair", "wheel")),
        ("glass's base", ("glass", "base")),
        ("bus's license plate", ("bus", "license plate")),
        ("child's dog's left ear", ("child's dog", "left ear")),
    ],
)
def test_names_split_at_the_last_possessive(name, halves):
    assert split_name(name) == halves


@pytest.mark.parametrize(
    "name", ["", "dog", "dog head", "'s head", "dog's ", "dogs' head", "dog'shead"]
)
def test_names_without_two_halves_are_refused(name):
    with pytest.raises(ValueError, match="is not the name of an object part"):
        split_name(name)


def test_parse_prefers_the_longest_object_of_the_vocabulary():
    words = Vocabulary.from_names({"child": ["hand"], "child's dog": ["tail"]})
    assert words.parse("child's dog's nose") == ("child's dog", "nose")
    assert words.parse("child's hand") == ("child", "hand")
    with pytest.raises(ValueError, match="did you mean 'child'"):
        words.parse("chlid's hand")


# ---- free words ----------------------------------------------------------------------------------


def test_free_words_make_a_vocabulary_in_the_given_order():
    words = Vocabulary.from_names(["dog's tail", "cat's ear", "dog's ear"])
    # Apostrophe and spaces are tidied.
    assert words == Vocabulary.from_names(iter(["dog’s  tail ", "cat's ear", "dog's ear"]))
    assert words.object_parts == ("dog's tail", "cat's ear", "dog's ear")
    assert words.objects == ("dog", "cat") and words.parts == ("ear", "tail")
    assert words.part_of.tolist() == [1, 0, 0] and words.object_of.tolist() == [0, 1, 0]
    assert Vocabulary.from_names({"dog": ["tail", "ear"]}).object_parts == (
        "dog's tail",
        "dog's ear",
    )
    assert not words.seen.any()
    assert Vocabulary.from_names(words, seen_objects=["cat"]).seen.tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("names", "error", "says"),
    [
        ([], ValueError, "list of part names is empty"),
        ({}, ValueError, "list of part names is empty"),
        ({"dog": []}, ValueError, "parts of 'dog' is empty"),
        ({"dog": "head"}, TypeError, "parts of 'dog' must be a list"),
        ("dog's head", TypeError, r"write \[\"dog's head\"\]"),
        (["dog's head", ""], ValueError, "is empty"),
        (["dog's head", "   "], ValueError, "is empty"),
        (["dog's head", 7], TypeError, "got 7"),
        (["dog's head", None], TypeError, "got None"),
        ([b"dog's head"], TypeError, "must be a string"),
        (7, TypeError, "got 7"),
        (["dog's head", "cat's ear", "dog's  head"], ValueError, '"dog\'s head" is listed twice'),
        (["dog's " + "very " * 100 + "long ear"], ValueError, "103 words"),
        (["dog head"], ValueError, "'dog head' is not the name of an object part"),
    ],
)
def test_bad_free_words_are_refused_with_one_clear_error(names, error, says):
    with pytest.raises(error, match=says):
        Vocabulary.from_names(names)


words = st.text(st.characters(codec="utf-8", categories=("L",)), min_size=1, max_size=8)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=20, unique=True))
def test_any_pairs_of_words_come_back_from_the_index_maps(pairs):
    vocabulary = Vocabulary.from_names([f"{obj}'s {part}" for obj, part in pairs])
    assert [
        (vocabulary.objects[o], vocabulary.parts[p])
        for o, p in zip(vocabulary.object_of, vocabulary.part_of, strict=True)
    ] == pairs
    assert Vocabulary.from_dict(vocabulary.to_dict()) == vocabulary


@given(st.data())
def test_restricting_twice_equals_restricting_once(data):
    full = LOADED["pascal_part_116"]
    some = data.draw(
        st.lists(st.sampled_from(full.object_parts), min_size=1, max_size=30, unique=True)
    )
    fewer = data.draw(st.lists(st.sampled_from(some), min_size=1, unique=True))
    assert full.restrict(some).restrict(fewer) == full.restrict(fewer)
    assert full.restrict(fewer).ids.tolist() == sorted(
        full.object_parts.index(name) for name in fewer
    )


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "is empty"),
        (["dog's head", "dog's head"], "listed twice"),
        (["dog's haed"], 'did you mean "dog\'s head"'),
    ],
)
def test_restricting_to_nonsense_is_refused(names, says):
    with pytest.raises(ValueError, match=says):
        LOADED["drawn"].restrict(names)


# ---- looking up and identity ---------------------------------------------------------------------


def test_unknown_names_are_answered_with_close_ones():
    with pytest.raises(ValueError, match='149 part names.*did you mean "dog\'s muzzle"'):
        LOADED["drawn"].index("dog's muzle")
    with pytest.raises(ValueError, match="did you mean 'pascal_part_116'"):
        Vocabulary.load("pascal_part116")
    with pytest.raises(ValueError, match="22 objects.*did you mean 'sheep'"):
        LOADED["drawn"].parts_of("shep")


@pytest.mark.parametrize(
    ("free", "canonical"),
    [
        ("puppy's snout", "dog's muzzle"),
        ("dog's head", "dog's head"),
        ("Automobile's tyre", "car's wheel"),
        ("airplane's fuselage", "aeroplane's body"),
        ("motorcycle's seat", "motorbike's saddle"),
        ("bird's bill", "bird's beak"),
        ("kitten's paw", "cat's leg"),
        ("lorry's windscreen", "truck's window"),
    ],
)
def test_synonyms_lead_to_the_names_of_the_drawn_world(free, canonical):
    assert LOADED["drawn"].canonical(free) == canonical


def test_synonyms_give_way_to_names_of_the_vocabulary_itself():
    assert LOADED["pascal_part_116"].canonical("kitten's paw") == "cat's paw"
    with pytest.raises(ValueError, match="not one of"):
        LOADED["drawn"].canonical("puppy's wing")


def test_every_drawn_object_has_synonyms_that_are_no_other_object():
    drawn = LOADED["drawn"]
    assert set(drawn.objects) <= set(OBJECT_SYNONYMS)
    synonyms = [word for obj in drawn.objects for word in OBJECT_SYNONYMS[obj]]
    assert len(synonyms) == len(set(synonyms)) and not set(synonyms) & set(drawn.objects)
    assert not {word for part in drawn.parts for word in PART_SYNONYMS.get(part, ())} & set(
        drawn.parts
    )


def test_equality_and_hash_follow_the_contents_not_the_name():
    drawn = LOADED["drawn"]
    assert drawn == Vocabulary.load("drawn") and hash(drawn) == hash(Vocabulary.load("drawn"))
    assert Vocabulary.from_names(["dog's ear"], name="a") == Vocabulary.from_names(
        ["dog's ear"], name="b"
    )
    different = [
        drawn,
        drawn.seen_only(),
        drawn.unseen_only(),
        drawn.restrict(["dog's head"]),
        Vocabulary.from_names(["dog's head"]),
        Vocabulary.from_names(["dog's head"], seen_objects=["dog"]),
    ]
    assert len({v.hash for v in different}) == len(set(different)) == len(different)
    assert drawn != "drawn"


def test_the_hash_is_the_same_in_another_process():
    code = (
        "from partclipseg_lite.vocabulary import Vocabulary; "
        "print(Vocabulary.load('pascal_part_116').hash)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == LOADED["pascal_part_116"].hash


@every_vocabulary
def test_a_vocabulary_survives_json_and_says_what_it_is(name):
    seen = LOADED[name].seen_only()
    assert Vocabulary.from_dict(seen.to_dict()) == seen
    assert str(len(seen)) in repr(seen) and len(repr(seen)) < 150
    assert (
        list(seen) == list(seen.object_parts) and seen.object_parts[0] in seen and "dog" not in seen
    )


# ---- groups of names


@pytest.mark.parametrize("name", available())
def test_owners_counts_and_novel_names_agree_with_the_list_of_object_parts(name):
    vocabulary = Vocabulary.load(name)
    pairs = [vocabulary.parse(full) for full in vocabulary]
    for part in vocabulary.parts:
        owners = {obj for obj, other in pairs if other == part}
        novel = owners & set(vocabulary.novel_objects)
        assert set(vocabulary.owners(part)) == owners
        assert set(vocabulary.owners(part, seen=False)) == novel
        assert set(vocabulary.owners(part, seen=True)) == owners - novel
        assert (part in vocabulary.novel_parts) == (owners == novel)
    seen = sum(obj not in vocabulary.novel_objects for obj, _ in pairs)
    assert list(vocabulary.counts.values()) == [
        len(pairs),
        seen,
        len(pairs) - seen,
        len({part for _, part in pairs}),
        len(vocabulary.objects),
        len({obj for obj, _ in pairs}),
    ]


def test_owners_of_an_unknown_part_are_refused_with_close_names():
    with pytest.raises(ValueError, match="'haed'.*did you mean 'head'"):
        Vocabulary.load("drawn").owners("haed")
