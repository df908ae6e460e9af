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
from partclipseg_lite.training.prompts import PromptSampler, WordBank, pick
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


def batch(object_parts, parts=(), objects=()):
    tensor = lambda ids: torch.tensor([ids])  # noqa: E731
    return {
        "object_part_ids": tensor(object_parts),
        "part_ids": tensor(parts),
        "object_ids": tensor(objects),
        "part_of": tensor([0]),
        "object_of": tensor([0]),
    }


def test_without_variation_words_are_those_of_inference():
    model = tiny_model()
    words = WordBank(model, FEW, vary=False).conditions(
        batch([0], [2, 0], [1]), np.random.default_rng(0)
    )
    assert torch.equal(words.parts[0], model.embed(FEW).parts[[2, 0]])
    assert torch.equal(words.objects[0], model.embed(FEW).objects[[1]])
    baseline = tiny_model(CLIPSeg)
    phrases = WordBank(baseline, FEW, vary=False).conditions(
        batch([3, 1]), np.random.default_rng(0)
    )
    assert torch.equal(phrases[0], baseline.embed(FEW)[[3, 1]])


def variants(texts):
    return {tuple(row) for row in tiny_backbone().embed_text(texts).round(decimals=4).tolist()}


def test_with_variation_every_phrasing_comes_and_nothing_else():
    bank, rng = WordBank(tiny_model(), FEW, vary=True), np.random.default_rng(0)
    drawn = [bank.conditions(batch([0], [0], [1]), rng) for _ in range(120)]
    heads = variants(
        [pattern.format("head") for pattern in prompts.PART_PHRASINGS]
        + list(PART_SYNONYMS.get("head", ()))[:2]
    )
    cows = variants(
        [pattern.format("cow") for pattern in prompts.OBJECT_PHRASINGS]
        + list(OBJECT_SYNONYMS.get("cow", ()))[:2]
    )
    assert {tuple(words.parts[0, 0].round(decimals=4).tolist()) for words in drawn} == heads
    assert {tuple(words.objects[0, 0].round(decimals=4).tolist()) for words in drawn} == cows


def test_the_baselines_phrases_name_part_and_object():
    bank, rng = WordBank(tiny_model(CLIPSeg), FEW, vary=True), np.random.default_rng(0)
    drawn = {
        tuple(bank.conditions(batch([3]), rng)[0, 0].round(decimals=4).tolist()) for _ in range(200)
    }
    assert drawn == variants(
        [pattern.format(o="cow", p="horn") for pattern in prompts.PHRASE_PHRASINGS]
        + [f"a {word}'s horn" for word in OBJECT_SYNONYMS.get("cow", ())[:2]]
        + [f"a cow's {word}" for word in PART_SYNONYMS.get("horn", ())[:2]]
    )


def test_picking_takes_each_ids_own_phrasings_and_encodes_each_text_once():
    ids, asked = torch.tensor([[2, 0, 1], [1, 1, 2]]), []
    bank = [["0", "0.25"], ["1", "1.25"], ["2", "2.25"]]

    def embed(texts):
        asked.extend(texts)
        return torch.tensor([[float(t)] for t in texts])

    assert torch.equal(
        pick(embed, bank, ids, np.random.default_rng(0))[..., 0].floor(), ids.float()
    )
    assert len(asked) == len(set(asked))


@pytest.mark.parametrize("phrasings", [prompts.PART_PHRASINGS, prompts.OBJECT_PHRASINGS])
def test_the_first_phrasing_is_the_bare_word(phrasings):
    assert phrasings[0] == "{}"
