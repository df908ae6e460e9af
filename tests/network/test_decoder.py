"""The decoder agrees with Hugging Face's; the tapped attention is what made the mask."""

import pytest
import torch
from helpers import GRID, random_activations
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPSegConfig
from transformers.models.clipseg.modeling_clipseg import CLIPSegDecoder

from partclipseg_lite.network.decoder import (
    AttentionTap,
    Decoder,
    DecoderBlock,
    FiLM,
    MaskHead,
    SelfAttention,
)

W, E, D, HEADS, MLP = 24, 20, 16, 4, 40


def decoder(seed=0, depth=3, width=D, heads=HEADS):
    torch.manual_seed(seed)
    ours = Decoder(
        backbone_width=W, embed_dim=E, width=width, heads=heads, mlp_width=MLP, depth=depth
    ).eval()
    for block in ours.blocks:  # a norm that does nothing would hide a missing one
        for norm in (block.layer_norm1, block.layer_norm2):
            torch.nn.init.normal_(norm.weight, mean=1, std=0.3)
            torch.nn.init.normal_(norm.bias, std=0.3)
    return ours


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def hugging_face(ours: Decoder, head: MaskHead, patch: int) -> CLIPSegDecoder:
    """Their decoder with our weights in it, key by key."""
    depth = len(ours.blocks)
    config = CLIPSegConfig(
        vision_config={
            "hidden_size": W,
            "patch_size": patch,
            "image_size": patch * GRID,
            "num_attention_heads": 2,
            "num_hidden_layers": 2,
            "intermediate_size": 32,
        },
        projection_dim=E,
        reduce_dim=ours.width,
        decoder_num_attention_heads=HEADS,
        decoder_intermediate_size=MLP,
        extract_layers=list(range(depth)),
        conditional_layer=0,
        use_complex_transposed_convolution=True,
    )
    config._attn_implementation = config.vision_config._attn_implementation = "eager"
    theirs = CLIPSegDecoder(config).eval()
    state = {}
    for name, tensor in ours.state_dict().items():
        name = (
            name.replace("film.mul", "film_mul")
            .replace("film.add", "film_add")
            .replace("blocks", "layers")
        )
        state[name.replace("mlp.0", "mlp.fc1").replace("mlp.2", "mlp.fc2")] = tensor
    state |= {
        name.replace("layers", "transposed_convolution"): tensor
        for name, tensor in head.state_dict().items()
    }
    theirs.load_state_dict(state)  # strict: no weight of theirs is missing in ours
    return theirs


# ---- against Hugging Face ------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 3])
def test_features_and_masks_equal_hugging_faces_clipseg_decoder(depth):
    ours, head = decoder(depth=depth), MaskHead(D, 16)
    activations = random_activations(batch=2, tokens=1 + GRID**2, width=W, count=depth)
    embeddings = random(2, 5, E)
    theirs = hugging_face(ours, head, patch=16)
    with torch.no_grad():
        masks = head(ours(activations, embeddings))
        assert masks.shape == (2, 5, 16 * GRID, 16 * GRID)
        for condition in range(5):  # theirs takes one sentence an image
            expected = theirs(tuple(activations), embeddings[:, condition]).logits
            torch.testing.assert_close(masks[:, condition], expected, atol=1e-5, rtol=1e-4)


def test_film_multiplies_and_adds_a_value_for_each_channel():
    film = FiLM(E, D)
    features, embedding = random(2, 3, 7, D), random(2, 3, E)
    out = film(features, embedding)
    for b in range(2):
        for c in range(3):
            factor = film.mul.weight @ embedding[b, c] + film.mul.bias
            offset = film.add.weight @ embedding[b, c] + film.add.bias
            torch.testing.assert_close(
                out[b, c], features[b, c] * factor + offset, atol=1e-5, rtol=1e-4
            )
    assert torch.equal(film(features, torch.zeros(2, 3, E)), features)  # starts at the identity


def test_film_gives_one_image_to_all_sentences():
    film = FiLM(E, D)
    features, embedding = random(2, 1, 7, D), random(2, 3, E)
    torch.testing.assert_close(
        film(features, embedding), film(features.expand(2, 3, 7, D), embedding)
    )


# ---- independence --------------------------------------------------------------------------------


@given(st.permutations(range(5)), st.integers(0, 3))
@settings(max_examples=5)
def test_permuting_sentences_permutes_features(order, seed):
    ours, activations, embeddings = (
        decoder(seed),
        random_activations(1, width=W, seed=seed),
        random(1, 5, E, seed=seed),
    )
    with torch.no_grad():
        torch.testing.assert_close(
            ours(activations, embeddings[:, order]),
            ours(activations, embeddings)[:, order],
            atol=1e-5,
            rtol=1e-4,
        )


def test_a_sentence_does_not_change_another_ones_features_nor_an_image_another_ones():
    ours, activations, embeddings = decoder(), random_activations(3, width=W), random(3, 4, E)
    with torch.no_grad():
        whole = ours(activations, embeddings)
        torch.testing.assert_close(
            ours(activations, embeddings[:, :2]), whole[:, :2], atol=1e-5, rtol=1e-4
        )
        alone = ours([a[1:2] for a in activations], embeddings[1:2])
        torch.testing.assert_close(alone, whole[1:2], atol=1e-5, rtol=1e-4)
        other = [torch.cat([a[:2], a[2:] + 1]) for a in activations]
        torch.testing.assert_close(ours(other, embeddings)[:2], whole[:2], atol=1e-5, rtol=1e-4)


def test_every_activation_and_every_sentence_matters():
    ours, activations = decoder(), random_activations(1, width=W)
    embeddings = random(1, 1, E).requires_grad_()
    activations = [a.requires_grad_() for a in activations]
    ours(activations, embeddings).square().sum().backward()
    assert all(a.grad.abs().sum() > 0 for a in (*activations, embeddings))


# ---- the attention tap ---------------------------------------------------------------------------


def test_attention_equals_torchs_multi_head_attention():
    torch.manual_seed(0)
    ours, theirs = SelfAttention(D, HEADS), torch.nn.MultiheadAttention(D, HEADS, batch_first=True)
    projections = [ours.q_proj, ours.k_proj, ours.v_proj]
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([p.weight for p in projections]))
        theirs.in_proj_bias.copy_(torch.cat([p.bias for p in projections]))
        theirs.out_proj.load_state_dict(ours.out_proj.state_dict())
        x, tap = random(3, 9, D), AttentionTap(torch.tensor([0, 1, 2]))
        expected, weights = theirs(x, x, x, average_attn_weights=False)
        torch.testing.assert_close(ours(x, tap), expected, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(tap.weights, weights, atol=1e-5, rtol=1e-4)


def test_the_tapped_map_times_the_values_is_what_the_block_puts_out():
    torch.manual_seed(1)
    block, x, tap = (
        DecoderBlock(D, HEADS, MLP),
        random(4, 17, D),
        AttentionTap(torch.tensor([3, 1])),
    )
    with torch.no_grad():
        out = block(x, tap)
        assert tap.weights.shape == (2, HEADS, 17, 17)
        torch.testing.assert_close(tap.weights.sum(-1), torch.ones(2, HEADS, 17))
        for row, weights in zip((3, 1), tap.weights, strict=True):
            value = block.self_attn.v_proj(x[row])
            heads = [
                weights[h] @ value[:, h * D // HEADS : (h + 1) * D // HEADS] for h in range(HEADS)
            ]
            mixed = block.layer_norm1(x[row] + block.self_attn.out_proj(torch.cat(heads, dim=-1)))
            torch.testing.assert_close(
                block.layer_norm2(mixed + block.mlp(mixed)), out[row], atol=1e-5, rtol=1e-4
            )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=10, unique=True))
@settings(max_examples=5)
def test_tapping_leaves_the_output_as_it_was(rows):
    ours, activations, embeddings = decoder(), random_activations(2, width=W), random(2, 5, E)
    tap = AttentionTap(torch.tensor(rows))
    with torch.no_grad():
        with_tap, without = ours(activations, embeddings, tap), ours(activations, embeddings)
    torch.testing.assert_close(with_tap, without, atol=1e-5, rtol=1e-4)
    assert tap.weights.shape == (len(rows), HEADS, 1 + GRID**2, 1 + GRID**2)


def test_rows_are_image_times_sentences_plus_sentence():
    ours, activations, embeddings = decoder(), random_activations(2, width=W), random(2, 5, E)
    whole, alone = AttentionTap(torch.tensor([1 * 5 + 3])), AttentionTap(torch.tensor([0]))
    with torch.no_grad():
        ours(activations, embeddings, whole)
        ours([a[1:] for a in activations], embeddings[1:, 3:4], alone)
    torch.testing.assert_close(whole.weights, alone.weights, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("number", [0, 1, 2, -1])
def test_a_tap_reaches_the_block_that_it_names_and_no_other(number):
    ours, activations, embeddings = decoder(), random_activations(2, width=W), random(2, 5, E)
    tap, entered = AttentionTap(torch.tensor([4]), block=number), []
    attention = ours.blocks[number].self_attn
    handle = attention.register_forward_hook(lambda _, given, out: entered.append(given[0]))
    with torch.no_grad():
        ours(activations, embeddings, tap)
        handle.remove()
        query, key = (
            project(entered[0][4]).unflatten(-1, (HEADS, -1)).transpose(0, 1)
            for project in (attention.q_proj, attention.k_proj)
        )
        weights = (query @ key.mT / query.shape[-1] ** 0.5).softmax(-1)
    torch.testing.assert_close(tap.weights[0], weights, atol=1e-5, rtol=1e-4)


def test_editing_the_tapped_map_changes_that_sequence_and_no_other():
    ours, activations, embeddings = decoder(), random_activations(2, width=W), random(2, 5, E)
    tap = AttentionTap(
        torch.tensor([7]), edit=lambda weights: torch.full_like(weights, 1 / weights.shape[-1])
    )
    with torch.no_grad():
        before, after = ours(activations, embeddings), ours(activations, embeddings, tap)
    changed = (before - after).abs().amax(dim=(2, 3)).flatten() > 1e-4
    assert changed.tolist() == [row == 7 for row in range(10)]
    assert (tap.weights == 1 / 17).all()  # what was used, not what would have been


def test_a_gradient_flows_through_the_tapped_map():
    ours, activations, embeddings = decoder(), random_activations(1, width=W), random(1, 2, E)
    tap = AttentionTap(torch.tensor([1]))
    ours(activations, embeddings, tap)
    tap.weights[:, :, 3].amax().backward()
    assert ours.blocks[-1].self_attn.q_proj.weight.grad.abs().sum() > 0
    assert ours.film.mul.weight.grad.abs().sum() > 0


# ---- the same for less ---------------------------------------------------------------------------


def gradients(ours, *, tap=None, **autocast):
    """Output and gradients of all parameters for a loss that weighs every feature differently."""
    activations, embeddings = random_activations(2, width=W), random(2, 5, E).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, **autocast):
        out = ours.train()(activations, embeddings, tap)
    loss = (out.float() * random(*out.shape, seed=3)).sum()
    if tap is not None:
        loss = loss + (tap.weights.float() * random(*tap.weights.shape, seed=4)).sum()
    return out, torch.autograd.grad(loss, [embeddings, *ours.parameters()])


@pytest.mark.parametrize("tapped", [False, True])
def test_recomputing_blocks_in_the_backward_pass_changes_no_gradient(tapped):
    found, calls = [], []
    for recompute in (False, True):
        ours = decoder()
        ours.recompute = recompute
        ours.blocks[0].register_forward_pre_hook(lambda *_: calls.append(1))
        found.append(
            gradients(
                ours, tap=AttentionTap(torch.tensor([1, 7])) if tapped else None, enabled=False
            )
        )
    assert len(calls) == 1 + 2  # once, and once forward and once backward
    torch.testing.assert_close(found[0], found[1], atol=1e-5, rtol=1e-4)


def test_blocks_are_not_recomputed_when_nothing_is_trained():
    ours, calls = decoder().eval(), []
    ours.recompute = True
    ours.blocks[0].register_forward_hook(lambda *_: calls.append(1))
    ours(random_activations(1, width=W), random(1, 2, E)).sum().backward()
    assert len(calls) == 1


def test_some_tokens_at_a_time_make_the_wide_layer_smaller_and_nothing_else(monkeypatch):
    whole, rows = gradients(decoder(), enabled=False), []
    monkeypatch.setattr("partclipseg_lite.network.decoder.CACHED", 50 * MLP)
    ours = decoder()
    ours.blocks[1].mlp.register_forward_hook(lambda _, inputs, __: rows.append(len(inputs[0])))
    torch.testing.assert_close(gradients(ours, enabled=False), whole, atol=1e-5, rtol=1e-4)
    assert rows == [50, 50, 50, 20]  # 10 sequences of 17 tokens


def test_bf16_stays_near_float32_forward_and_backward():
    (exact, slopes), (rough, rough_slopes) = (
        gradients(decoder(), enabled=enabled) for enabled in (False, True)
    )
    assert (
        0 < (exact - rough).abs().max() and (exact - rough).abs().mean() < 0.02 * exact.abs().mean()
    )
    flat, rough_flat = (
        torch.cat([slope.flatten() for slope in each]) for each in (slopes, rough_slopes)
    )
    assert (flat - rough_flat).norm() <= 0.05 * flat.norm()


# ---- the mask head -------------------------------------------------------------------------------


@pytest.mark.parametrize("patch", [4, 8, 16, 32])
def test_the_mask_has_a_pixel_for_every_pixel_of_the_image(patch):
    assert MaskHead(8, patch)(random(2, 3, 25, 8)).shape == (2, 3, 5 * patch, 5 * patch)


def test_matrix_products_equal_the_transposed_convolutions_forward_and_backward():
    torch.manual_seed(0)
    for patch in (8, 14, 16):
        head, features = MaskHead(8, patch), random(2, 3, 25, 8).requires_grad_()
        # As PyTorch's own layers do.
        whole = head.layers(features.flatten(0, 1).transpose(1, 2).unflatten(-1, (5, 5)))
        found, weights = head(features), random(2, 3, 5 * patch, 5 * patch, seed=1)
        torch.testing.assert_close(found, whole.view_as(found), atol=1e-5, rtol=1e-4)
        wanted = [features, *head.parameters()]
        torch.testing.assert_close(
            torch.autograd.grad((found * weights).sum(), wanted),
            torch.autograd.grad((whole.view_as(found) * weights).sum(), wanted),
            atol=1e-4,
            rtol=1e-4,
        )


def test_patches_keep_their_place_in_the_mask():
    head, features = MaskHead(8, 8), random(1, 1, 36, 8)
    moved = features.clone()
    moved[0, 0, 2 * 6 + 4] += 5  # row 2, column 4; the 3x3 kernel reaches one further
    with torch.no_grad():
        rows, columns = (head(moved) - head(features))[0, 0].abs().gt(1e-6).nonzero(as_tuple=True)
    assert 8 <= rows.min() and rows.max() < 32 and 24 <= columns.min() and columns.max() < 48
    assert ((rows // 8 == 2) & (columns // 8 == 4)).any()


def test_a_new_head_claims_few_pixels():
    assert MaskHead(16, 8)(random(1, 4, 16, 16)).sigmoid().mean() < 0.2


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SelfAttention(10, 4), "width 10 cannot be divided into 4 heads"),
    ],
)
def test_sizes_that_cannot_work_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@pytest.mark.parametrize("patch", [8, 14, 16, 32, 6])
def test_the_mask_head_enlarges_a_patch_to_its_own_size(patch):
    head = MaskHead(8, patch)
    assert head(torch.randn(1, 2, 9, 8)).shape == (1, 2, 3 * patch, 3 * patch)
    assert patch % 4 or head.layers[2].stride == (4, 4)  # as CLIPSeg's weights need it
