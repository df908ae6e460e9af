"""Each training image is asked for what it shows, with its own words first.

Phrasings vary, meanings do not.
"""

import numpy as np
import pytest
import torch
from helpers import DRAWN, tiny_backbone, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg_lite.network.models import CLIPSeg
from partclipseg_lite.training import prompts
from partclipseg_lite.training.prompts import Phrasings, Prompts, PromptSampler, WordBank
from partclipseg_lite.vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary

SEEN = DRAWN.seen_only()
FEW = Vocabulary.from_names(["cat's head", "cat's tail", "cow's head", "cow's horn"])


def present_ids(objects, share, seed):
    """Object parts visible in an image of `objects`: a random share of theirs."""
    rng = np.random.default_rng(seed)
    of_objects = np.flatnonzero(np.isin(SEEN.object_of.numpy(), objects))
    return np.sort(rng.permutation(of_objects)[: max(1, int(share * len(of_objects)))])


images = st.tuples(
    st.lists(st.integers(0, len(SEEN.objects) - 1), max_size=3, unique=True),
    st.floats(0.1, 1),
    st.integers(0, 10_000),
)


@given(images, st.integers(8, 30), st.integers(3, 6), st.integers(1, 40))
@settings(max_examples=60)
def test_what_an_image_shows_is_always_asked_for(image, parts, objects, object_parts):
    shown, share, seed = image
    visible = present_ids(shown, share, seed) if shown else np.array([], dtype=int)
    sampler = PromptSampler(SEEN, parts, objects, object_parts)
    asked = sampler(np.array(shown, dtype=int), visible, np.random.default_rng(seed))

    # Sizes are those of the sampler whatever the image, and no word comes twice.
    assert asked.object_ids.shape == (sampler.objects,) and asked.part_ids.shape == (sampler.parts,)
    words = (asked.object_ids, asked.part_ids, asked.object_part_ids[asked.valid])
    assert all(len(set(ids)) == len(ids) for ids in words)
    # Objects first; then as many visible parts as fit.
    assert set(shown) <= set(asked.object_ids)
    general = set(SEEN.part_of.numpy()[visible])
    assert general <= set(asked.part_ids) or (
        len(general) > parts and set(asked.part_ids) <= general
    )
    chosen = set(asked.object_part_ids[asked.valid])
    possible = {t for t in visible if SEEN.part_of[t] in asked.part_ids}
    assert possible <= chosen or (
        len(possible) > len(chosen) == object_parts and chosen <= possible
    )
    # Every object part finds its own part and its own object among the words.
    for t, p, o, valid in zip(
        asked.object_part_ids, asked.part_of, asked.object_of, asked.valid, strict=True
    ):
        if valid:
            assert asked.part_ids[p] == SEEN.part_of[t] and asked.object_ids[o] == SEEN.object_of[t]
        else:
            assert (t, p, o) == (0, 0, 0)
    assert np.array_equal(asked.valid, np.sort(asked.valid)[::-1])  # padding comes last


@given(images)
@settings(max_examples=20)
def test_hidden_parts_of_shown_objects_come_before_parts_of_absent_ones(image):
    shown, share, seed = image
    if not shown:
        return
    visible = present_ids(shown, share, seed)
    asked = PromptSampler(SEEN, 30, 3, 12)(np.array(shown), visible, np.random.default_rng(seed))
    of_shown = np.flatnonzero(np.isin(SEEN.object_of.numpy(), shown))
    chosen = asked.object_part_ids[asked.valid]
    absent = ~np.isin(chosen, of_shown)
    assert not absent.any() or set(of_shown) <= set(chosen)


def test_negatives_differ_from_draw_to_draw_and_come_from_the_generator_alone():
    sampler = PromptSampler(SEEN, 14, 3, 18)
    draw = lambda seed: sampler(np.array([2]), present_ids([2], 1, 0), np.random.default_rng(seed))  # noqa: E731
    assert all(
        np.array_equal(a, b)
        for a, b in zip(vars(draw(1)).values(), vars(draw(1)).values(), strict=True)
    )
    assert len({tuple(sorted(draw(seed).object_ids)) for seed in range(20)}) > 5


def test_a_small_vocabulary_is_asked_for_whole():
    asked = PromptSampler(FEW, 14, 3, 18)(np.array([0]), np.array([1]), np.random.default_rng(0))
    assert sorted(asked.part_ids) == [0, 1, 2] and sorted(asked.object_ids) == [0, 1]
    assert sorted(asked.object_part_ids) == [0, 1, 2, 3] and asked.valid.all()


# ---- phrasings -----------------------------------------------------------------------------------


def asked(object_parts, parts=(), objects=()):
    """Prompts for these ids."""
    ids = [np.array(ids, dtype=np.int64) for ids in (objects, parts, object_parts)]
    return Prompts(*ids, np.array([0]), np.array([0]), np.ones(len(object_parts), bool))


def words_of(model, prompts, rng=None, vary=True):
    """What the model is told for `prompts`, in a batch of one image."""
    phrasings = Phrasings(FEW, isinstance(model, CLIPSeg), vary)
    drawn = phrasings.draw(prompts, rng or np.random.default_rng(0))
    rows = {name: torch.from_numpy(values)[None] for name, values in drawn.items()}
    relations = {name: torch.tensor([[0]]) for name in ("part_of", "object_of")}
    return WordBank(model, phrasings).conditions({**rows, **relations})


def test_without_variation_words_are_those_of_inference():
    model, baseline = tiny_model(), tiny_model(CLIPSeg)
    words = words_of(model, asked([0], [2, 0], [1]), vary=False)
    assert torch.equal(words.parts[0], model.embed(FEW).parts[[2, 0]])
    assert torch.equal(words.objects[0], model.embed(FEW).objects[[1]])
    phrases = words_of(baseline, asked([3, 1]), vary=False)
    assert torch.equal(phrases[0], baseline.embed(FEW)[[3, 1]])


def texts_drawn(prompts, phrases=False, times=200):
    """By kind: for each id the set of texts that came up in `times` draws."""
    phrasings, rng = Phrasings(FEW, phrases, vary=True), np.random.default_rng(0)
    draws = [phrasings.draw(prompts, rng) for _ in range(times)]
    return {
        kind: [
            {phrasings.texts[row] for row in column}
            for column in np.stack([draw[kind] for draw in draws]).T
        ]
        for kind in draws[0]
    }


def test_with_variation_every_phrasing_comes_and_nothing_else():
    parts, objects = ("tail", "head", "head"), ("cow", "cat")
    ids = [FEW.parts.index(p) for p in parts], [FEW.objects.index(o) for o in objects]
    assert texts_drawn(asked([0], *ids)) == {
        "part_texts": [
            {pattern.format(p) for pattern in prompts.PART_PHRASINGS}
            | {*PART_SYNONYMS.get(p, ())[:2]}
            for p in parts
        ],
        "object_texts": [
            {pattern.format(o) for pattern in prompts.OBJECT_PHRASINGS}
            | {*OBJECT_SYNONYMS.get(o, ())[:2]}
            for o in objects
        ],
    }


def test_the_baselines_phrases_name_part_and_object():
    horn = FEW.object_parts.index("cow's horn")
    assert texts_drawn(asked([horn]), phrases=True) == {
        "object_part_texts": [
            {pattern.format(o="cow", p="horn") for pattern in prompts.PHRASE_PHRASINGS}
            | {f"a {word}'s horn" for word in OBJECT_SYNONYMS.get("cow", ())[:2]}
            | {f"a cow's {word}" for word in PART_SYNONYMS.get("horn", ())[:2]}
        ]
    }


def test_words_are_the_embeddings_of_the_texts_drawn():
    model, ids = tiny_model(), asked([0], [0, 1, 2], [1])
    phrasings = Phrasings(FEW, False, True)
    drawn = phrasings.draw(ids, np.random.default_rng(3))
    words = words_of(model, ids, np.random.default_rng(3))
    for rows, found in (("part_texts", words.parts), ("object_texts", words.objects)):
        expected = tiny_backbone().embed_text([phrasings.texts[row] for row in drawn[rows]])
        torch.testing.assert_close(found[0], expected)


def test_embeddings_that_are_trained_are_computed_anew_for_the_texts_of_a_batch_alone():
    model, phrasings = tiny_model(), Phrasings(FEW, False, True)
    model.backbone.clip.token_embedding.weight.requires_grad_(True)
    bank, calls = WordBank(model, phrasings), []
    bank.embed = lambda texts: (calls.append(texts), model.backbone.embed_text(texts))[1]
    drawn = phrasings.draw(asked([0], [0, 1, 0], [1, 0]), np.random.default_rng(0))
    batch = {name: torch.from_numpy(rows)[None] for name, rows in drawn.items()}
    batch |= {name: torch.tensor([[0]]) for name in ("part_of", "object_of")}
    words = bank.conditions({**batch, **bank.needed(batch)})
    torch.testing.assert_close(words.parts, bank.table[batch["part_texts"]])
    torch.testing.assert_close(words.objects, bank.table[batch["object_texts"]])
    used = {phrasings.texts[row] for rows in drawn.values() for row in rows}
    assert len(calls) == 1 and set(calls[0]) == used and len(calls[0]) == len(used)


@pytest.mark.parametrize("phrasings", [prompts.PART_PHRASINGS, prompts.OBJECT_PHRASINGS])
def test_the_first_phrasing_is_the_bare_word(phrasings):
    assert phrasings[0] == "{}"
