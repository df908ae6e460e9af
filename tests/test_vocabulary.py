"""Vocabularies keep the published label order, and their index maps agree with their names."""

import copy
import itertools
import pickle
import re
import subprocess
import sys
import unicodedata

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from partclipseg_lite.vocabulary import (
    OBJECT_SYNONYMS,
    PART_SYNONYMS,
    ByName,
    Vocabulary,
    available,
    name_key,
    split_name,
    tidy_name,
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


letters = st.characters(codec="utf-8", categories=("Lu", "Ll", "Lt", "Lo"))
words = st.text(letters, min_size=1, max_size=8)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=20, unique=True))
def test_any_pairs_of_words_come_back_from_the_index_maps(pairs):
    names = [f"{obj}'s {part}" for obj, part in pairs]
    if len({name_key(name) for name in names}) < len(names):  # one name in two spellings
        with pytest.raises(ValueError, match="is listed twice"):
            Vocabulary.from_names(names)
        return
    vocabulary = Vocabulary.from_names(names)
    found = [
        (vocabulary.objects[o], vocabulary.parts[p])
        for o, p in zip(vocabulary.object_of, vocabulary.part_of, strict=True)
    ]
    read = [[(name_key(obj), name_key(part)) for obj, part in some] for some in (found, pairs)]
    assert read[0] == read[1] and vocabulary.object_parts == tuple(map(tidy_name, names))
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


# ---- one way of writing and comparing names ------------------------------------------------------

SPELLINGS = [
    "dog's head",
    "dog’s head",
    "dog‘s head",
    "dog′s head",
    "dog`s head",
    "dog´s head",
    "dogʼs head",
    "dog＇s head",
    "DOG'S HEAD",
    "Dog's Head",
    " dog's\u00a0\u3000head\n",
    "dog 's head",
    "dog's\u200b head",
    "ｄｏｇ's head",
    "dog&#39;s head".replace("&#39;", "'"),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_look_up_finds_a_name_however_it_is_written(spelling):
    drawn = LOADED["drawn"]
    assert spelling in drawn and drawn.index(spelling) == drawn.object_parts.index("dog's head")
    assert drawn.canonical(spelling) == "dog's head"
    assert drawn.restrict([spelling]).object_parts == ("dog's head",)
    obj, part = drawn.parse(spelling)
    assert (obj, name_key(part)) == ("dog", "head")
    assert drawn.objects[drawn.object_index(split_name(spelling)[0])] == "dog"
    assert drawn.parts_of(split_name(spelling)[0]) == drawn.parts_of("dog")
    asked = Vocabulary.from_names([spelling, "cat's ear"])
    for other in SPELLINGS:
        assert asked.index(other) == 0 and other in asked
        with pytest.raises(ValueError, match="is listed twice"):
            Vocabulary.from_names([spelling, other])


def test_the_written_form_is_shown_and_two_spellings_are_both_named_when_refused():
    assert Vocabulary.from_names(["DOG’S  HEAD"]).object_parts == ("DOG'S HEAD",)
    with pytest.raises(
        ValueError, match=re.escape('"Dog\'s head" is listed twice, first as "dog\'s')
    ):
        Vocabulary.from_names(["dog's head", "Dog's head"])
    with pytest.raises(ValueError, match="listed twice"):
        Vocabulary.from_names({"dog": ["head"], "Dog": ["head"]})


def test_two_spellings_of_an_object_are_one_object_and_of_a_part_one_part():
    words = Vocabulary.from_names(["Dog's head", "dog's tail", "cat's Head"])
    assert words.objects == ("Dog", "cat") and words.object_of.tolist() == [0, 0, 1]
    assert words.parts == ("head", "tail") and words.part_of.tolist() == [0, 1, 0]
    assert Vocabulary.from_names(["dog's ear"], seen_objects=["DOG"]).seen.all()
    assert Vocabulary.from_dict(words.to_dict()) == words


def test_letters_composed_or_not_are_the_same_name():
    composed, parts = "café's door", unicodedata.normalize("NFD", "café's door")
    assert composed != parts and tidy_name(parts) == composed
    assert Vocabulary.from_names([parts]).index(composed) == 0


@given(st.text(max_size=12), st.text(max_size=12))
def test_names_are_equal_exactly_if_clips_tokenizer_reads_them_alike(first, second):
    from open_clip import SimpleTokenizer

    tokenizer = test_names_are_equal_exactly_if_clips_tokenizer_reads_them_alike.tokenizer
    if tokenizer is None:
        tokenizer = SimpleTokenizer()
        test_names_are_equal_exactly_if_clips_tokenizer_reads_them_alike.tokenizer = tokenizer
    try:
        first, second = tidy_name(first), tidy_name(second)
    except ValueError:
        return
    for one, other in ((first, second), (first, first.upper()), (first, second + first)):
        alike = tokenizer.encode(one) == tokenizer.encode(other)
        assert (name_key(one) == name_key(other)) == alike


test_names_are_equal_exactly_if_clips_tokenizer_reads_them_alike.tokenizer = None


@given(st.text(max_size=30))
def test_tidying_a_tidy_name_changes_nothing(name):
    try:
        tidied = tidy_name(name)
    except ValueError:
        return
    assert tidy_name(tidied) == tidied and name_key(tidied) == name_key(name)


@pytest.mark.parametrize("name", [5, None, b"dog's head", ["dog's head"], 1.5])
def test_what_is_no_text_is_one_clear_type_error(name):
    with pytest.raises(TypeError, match="a part name must be a string, got"):
        split_name(name)
    assert name not in LOADED["drawn"]
    with pytest.raises(ValueError, match="is not one of the 149 part names"):
        LOADED["drawn"].index(name)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("dog's \x00head", "the control character"),
        ("dog's he\x7fad", "the control character"),
        ("dog's \ud800", "the control character"),
        ("dog's !", "is not the name of an object part"),
        ("'s 's head", "is not the name of an object part"),
        ("dog's \u200b", "is not the name of an object part"),
        ("dog's " + "x" * 2000, "has 2006 characters, at most 1000"),
        ("dog's " + "x " * 10**6, "has 2000006 characters, at most 1000"),
        ("dog's <end_of_text> head", "a mark that CLIP ends"),
        ("dog's &lt;END_OF_TEXT&gt;", "a mark that CLIP ends"),
    ],
)
def test_names_that_cannot_be_read_are_refused_with_their_value(name, says):
    with pytest.raises(ValueError, match=says):
        Vocabulary.from_names([name])


@pytest.mark.parametrize(
    "names",
    [
        lambda: (f"dog's part{i}" for i in itertools.count()),
        lambda: itertools.repeat("dog's head"),
        lambda: {"dog": (f"part{i}" for i in itertools.count())},
        lambda: {"cat": ["ear"], "dog": itertools.repeat("head")},
    ],
)
def test_an_endless_source_of_names_is_left_at_once(monkeypatch, names):
    monkeypatch.setattr("partclipseg_lite.vocabulary.MAX_NAMES", 1000)
    with pytest.raises(ValueError, match=r"more than \d+ names are too many"):
        Vocabulary.from_names(names())
    with pytest.raises(ValueError, match="more than 1000 names"):
        LOADED["drawn"].restrict(itertools.repeat("dog's head"))


@pytest.mark.parametrize(
    ("names", "error", "says"),
    [
        ({"dog": {"head": 1}}, TypeError, "parts of 'dog' must be a list"),
        ({"dog": None}, TypeError, "parts of 'dog' must be a list"),
        ({"dog": [""]}, ValueError, "a part name is empty"),
        ({"": ["head"]}, ValueError, "an object name is empty"),
        ({3: ["head"]}, TypeError, "an object name must be a string, got 3"),
    ],
)
def test_mappings_with_empty_or_odd_halves_are_refused(names, error, says):
    with pytest.raises(error, match=says):
        Vocabulary.from_names(names)


def test_a_dict_by_name_is_a_dict_that_finds_every_spelling():
    scores = ByName({"dog's head": 1.0, "Cat's ear": 2.0})
    assert scores == {"dog's head": 1.0, "Cat's ear": 2.0} and list(scores) == list(dict(scores))
    assert scores["Dog’s head"] == 1.0 and "cat's EAR" in scores and scores.get("dog's hat") is None
    assert 3 not in scores and "" not in scores
    with pytest.raises(KeyError, match="did you mean .*dog.*s head"):
        scores["dog's hed"]
    assert pickle.loads(pickle.dumps(scores)) == copy.deepcopy(scores) == scores
    assert pickle.loads(pickle.dumps(scores))["dog’s head"] == 1.0


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
