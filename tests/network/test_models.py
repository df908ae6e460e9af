"""Parts and objects are decoded apart and put together by the right rows.

Words never disturb one another.
"""

import itertools

import pytest
import torch
from helpers import SIZE, random_activations, random_conditions, tiny_backbone, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg_lite.network.clip_start import start_from_clip
from partclipseg_lite.network.decoder import AttentionTap
from partclipseg_lite.network.models import CLIPSeg, Conditions, PartCLIPSeg, VisualAdapter
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.clips import CLIPTokenizer

ANIMALS = Vocabulary.from_names(
    ["cat's head", "cat's tail", "dog's head", "cow's tail", "cow's horn"]
)


# For tests that change nothing.
MODELS = {kind: tiny_model(kind) for kind in (PartCLIPSeg, CLIPSeg)}


def close(actual, expected):
    torch.testing.assert_close(actual, expected, atol=1e-5, rtol=1e-4)


def logits(model, activations, vocabulary, tap=None):
    with torch.no_grad():
        return model(activations, model.embed(vocabulary), tap)


# ---- what comes out ------------------------------------------------------------------------------


def test_partclipseg_answers_at_three_granularities_and_clipseg_at_one():
    out = logits(MODELS[PartCLIPSeg], random_activations(), ANIMALS)
    assert out.object_part_logits.shape == (2, 5 + 1, SIZE, SIZE)
    assert out.part_logits.shape == (2, 3, SIZE, SIZE) and out.object_logits.shape == (
        2,
        3,
        SIZE,
        SIZE,
    )
    assert out.background_logits.shape == (2, 1, SIZE, SIZE)
    out = logits(MODELS[CLIPSeg], random_activations(), ANIMALS)
    assert out.object_part_logits.shape == (2, 5 + 1, SIZE, SIZE)
    assert out.part_logits is out.object_logits is out.background_logits is None


def test_words_are_embedded_in_the_order_of_the_vocabulary():
    model = tiny_model()
    conditions = model.embed(ANIMALS)
    embed = tiny_backbone().embed_text
    close(conditions.parts, embed(["head", "horn", "tail"]))
    close(conditions.objects, embed(["cat", "dog", "cow"]))
    assert conditions.part_of.tolist() == [0, 2, 0, 2, 1] and conditions.object_of.tolist() == [
        0,
        0,
        1,
        2,
        2,
    ]
    phrases = [f"a {name}" for name in ANIMALS.object_parts]
    close(MODELS[CLIPSeg].embed(ANIMALS), embed(phrases))


def test_everything_but_the_backbone_learns():
    for kind in (PartCLIPSeg, CLIPSeg):
        model = tiny_model(kind)
        out = model(random_activations(), model.embed(ANIMALS))
        sum(x.square().sum() for x in vars(out).values() if x is not None).backward()
        for name, parameter in model.named_parameters():
            assert parameter.requires_grad is not name.startswith("backbone."), name
            # Softmax cancels a shift of all keys.
            if parameter.requires_grad and "k_proj.bias" not in name:
                assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


def test_the_adapter_keeps_four_fifths_of_the_activation():
    adapter, x = VisualAdapter(8), torch.randn(2, 5, 8)
    down, up = adapter.fc[0].weight, adapter.fc[2].weight
    close(adapter(x), 0.8 * x + 0.2 * ((x @ down.T).clamp(min=0) @ up.T).clamp(min=0))
    assert down.shape == (2, 8) and len(list(adapter.parameters())) == 2


# ---- independence --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [PartCLIPSeg, CLIPSeg])
def test_one_more_word_leaves_the_others_as_they_were(kind):
    model, activations = MODELS[kind], random_activations()
    few, more = (
        ANIMALS,
        Vocabulary.from_names([*ANIMALS.object_parts, "horse's muzzle", "cat's ear"]),
    )
    a, b = logits(model, activations, few), logits(model, activations, more)
    # The last one is background.
    close(b.object_part_logits[:, [0, 1, 2, 3, 4, 7]], a.object_part_logits)
    if kind is PartCLIPSeg:
        close(b.part_logits[:, [more.parts.index(p) for p in few.parts]], a.part_logits)
        close(b.object_logits[:, :3], a.object_logits)
        close(b.background_logits, a.background_logits)


@given(st.permutations(range(5)))
@settings(max_examples=5)
def test_the_order_of_names_is_the_order_of_masks(order):
    for model in MODELS.values():
        activations = random_activations(1)
        shuffled = Vocabulary.from_names([ANIMALS.object_parts[i] for i in order])
        close(
            logits(model, activations, shuffled).object_part_logits,
            logits(model, activations, ANIMALS).object_part_logits[:, [*order, 5]],
        )


@pytest.mark.parametrize("kind", [PartCLIPSeg, CLIPSeg])
def test_images_of_a_batch_do_not_see_each_other(kind):
    model, activations = MODELS[kind], random_activations(3)
    whole = logits(model, activations, ANIMALS)
    for b in range(3):
        alone = logits(model, [a[b : b + 1] for a in activations], ANIMALS)
        close(alone.object_part_logits, whole.object_part_logits[b : b + 1])


def test_every_image_may_have_words_of_its_own():
    model, activations = MODELS[PartCLIPSeg], random_activations(2)
    first = random_conditions(3, 2, [0, 1, 2], [0, 1, 1], seed=1)
    second = random_conditions(3, 2, [2, 0, 0], [1, 0, 1], seed=2)
    both = Conditions(
        *(
            torch.stack([getattr(first, f), getattr(second, f)])
            for f in ("parts", "objects", "part_of", "object_of")
        )
    )
    with torch.no_grad():
        together = model(activations, both)
        for b, words in enumerate((first, second)):
            alone = model([a[b : b + 1] for a in activations], words)
            for name in vars(alone):
                close(getattr(together, name)[b : b + 1], getattr(alone, name))


def test_the_same_words_with_and_without_batch_axis():
    words = random_conditions(3, 2, [0, 1, 2], [0, 1, 1])
    grown = words.expand(4)
    assert grown.parts.shape == (4, 3, 32) and grown.part_of.shape == (4, 3)
    assert all(
        torch.equal(a, b)
        for a, b in zip(vars(grown.expand(4)).values(), vars(grown).values(), strict=True)
    )


# ---- rebuilding object parts (Eqs. 3-4) ----------------------------------------------------------


def rebuild_inputs(parts=3, objects=2, batch=2, width=16, embed_dim=32):
    """Features and embeddings that tell their own row: row r of image b holds 100 b + r."""
    value = torch.arange(parts + objects + 1.0) + 100 * torch.arange(float(batch))[:, None]
    return (
        value,
        value[:, :, None, None].expand(-1, -1, 4, width),
        value[:, :, None].expand(-1, -1, embed_dim),
    )


def rebuild(model, features, embeddings, words):
    rows, image = model.rows(words), torch.arange(len(features))[:, None]
    return model.rebuild(
        *(features[image, row] for row in rows), model.text_pairs(embeddings, words)
    )


def test_an_object_part_is_put_together_from_its_own_part_and_object():
    model, seen = tiny_model(), {}
    part_of, object_of = torch.tensor([[2, 0, 1], [1, 1, 0]]), torch.tensor([[0, 1, 1], [0, 1, 0]])
    value, features, embeddings = rebuild_inputs()
    words = Conditions(torch.zeros(2, 3, 32), torch.zeros(2, 2, 32), part_of, object_of)
    model.merge_features.register_forward_hook(lambda _, args, __: seen.update(pair=args[0]))
    model.merge_embeddings.register_forward_hook(lambda _, args, __: seen.update(text=args[0]))
    rebuild(model, features, embeddings, words)
    assert seen["pair"].shape == (2, 4, 4, 32) and seen["text"].shape == (2, 4, 64)
    for b, t in itertools.product(range(2), range(4)):
        part = value[b, 5] if t == 3 else value[b, part_of[b, t]]  # background is its own part
        obj = value[b, 5] if t == 3 else value[b, 3 + object_of[b, t]]  # and its own object
        assert (seen["pair"][b, t, :, :16] == part).all() and (
            seen["pair"][b, t, :, 16:] == obj
        ).all()
        assert (seen["text"][b, t, :32] == obj).all() and (seen["text"][b, t, 32:] == part).all()


def test_rebuilt_features_are_the_linear_map_of_the_pair_modulated_by_that_of_the_texts():
    model = tiny_model()
    words = random_conditions(3, 2, [0, 2], [1, 0]).expand(1)
    features, embeddings = torch.randn(1, 6, 4, 16), torch.randn(1, 6, 32)
    with torch.no_grad():
        out = rebuild(model, features, embeddings, words)
        for t, (part, obj) in enumerate([(0, 4), (2, 3), (5, 5)]):
            image = (
                torch.cat([features[0, part], features[0, obj]], -1) @ model.merge_features.weight.T
            )
            text = (
                torch.cat([embeddings[0, obj], embeddings[0, part]])
                @ model.merge_embeddings.weight.T
            )
            image, text = image + model.merge_features.bias, text + model.merge_embeddings.bias
            film = model.object_part_film
            close(out[0, t], image * film.mul(text) + film.add(text))


def test_the_same_pair_asked_twice_gives_the_same_mask_twice():
    model = tiny_model()
    words = random_conditions(3, 2, [0, 2, 0], [1, 0, 1])
    with torch.no_grad():
        out = model(random_activations(1), words).object_part_logits
    close(out[:, 0], out[:, 2])
    assert not torch.allclose(out[:, 0], out[:, 1], atol=1e-3)


def test_a_tap_counts_parts_then_objects_then_background():
    model, activations = MODELS[PartCLIPSeg], random_activations(2)
    words = model.embed(ANIMALS)  # 3 parts, 3 objects
    asked = AttentionTap(torch.tensor([0, 4, 7, 13]))
    with torch.no_grad():
        model(activations, words, asked)
        for row, (image, embedding) in enumerate(
            [
                (0, words.parts[0]),
                (0, words.objects[1]),
                (1, words.parts[0]),
                (1, model.background_embedding[0]),
            ]
        ):
            alone = AttentionTap(torch.tensor([0]))
            model.decoder(
                [model.adapter(a[image : image + 1]) for a in activations],
                embedding[None, None],
                alone,
            )
            close(asked.weights[row], alone.weights[0])


# ---- starting from CLIP --------------------------------------------------------------------------


def test_the_first_film_orders_words_at_every_patch_as_clip_does():
    model = tiny_model(width=32)  # all directions of the embeddings
    backbone = model.backbone
    start_from_clip(model)
    pixels = torch.randn(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    names = ["dog", "cat", "head", "tail", "bus", "wheel", "puppy"]
    words, deepest = backbone.embed_text(names), backbone.activations(pixels)[-1]
    with torch.no_grad():
        film = model.decoder.film
        signs = torch.tensor([1.0, -1.0]).repeat(16)
        # (B, C, 1+N, D)
        products = film.mul(words)[None, :, None] * model.decoder.reduces[0](deepest)[:, None]
        ours = (products * signs).sum(-1)[:, :, 1:]
        visual = backbone.clip.visual
        theirs = (visual.ln_post(deepest)[:, 1:] @ visual.proj) @ words.T  # (B, N, C)
    theirs = theirs.transpose(1, 2)
    ours, theirs = ours - ours.mean(1, keepdim=True), theirs - theirs.mean(1, keepdim=True)
    assert torch.equal(ours.argsort(dim=1), theirs.argsort(dim=1))
    assert torch.nn.functional.cosine_similarity(ours, theirs, dim=1).min() > 0.999


def test_starting_from_clip_shares_an_object_part_equally_between_part_and_object():
    model = tiny_model()
    start_from_clip(model)
    part, obj = torch.randn(16), torch.randn(16)
    close(model.merge_features(torch.cat([part, obj])), (part + obj) / 2)
    part, obj = torch.randn(32), torch.randn(32)
    close(model.merge_embeddings(torch.cat([obj, part])), (part + obj) / 2)


def test_the_baseline_starts_from_clip_too_and_everything_still_learns():
    model = tiny_model(CLIPSeg)
    before = model.decoder.film.mul.weight.clone()
    start_from_clip(model)
    assert not torch.equal(before, model.decoder.film.mul.weight)
    assert all(
        p.requires_grad for n, p in model.named_parameters() if not n.startswith("backbone.")
    )


def test_a_tokenizer_without_a_list_of_words_gives_nothing_to_start_from():
    model = tiny_model()
    model.backbone.tokenizer = CLIPTokenizer()
    with pytest.raises(ValueError, match="model.start_from_clip=false"):
        start_from_clip(model)


def test_more_channels_than_directions_are_refused():
    with pytest.raises(ValueError, match="width 48 is larger than the 32 directions"):
        start_from_clip(tiny_model(width=48))
