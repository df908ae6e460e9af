"""The backbone hands on what open_clip's tower computes, and asks for each word once."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers import GRID, SIZE, tiny_backbone, tiny_clip, tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from partclipseg_lite.network.backbone import Backbone, interpolate_position_table
from partclipseg_lite.weights.clips import toy_backbone
from partclipseg_lite.weights.tiny_clip import CLIP_MEAN, CLIP_STD


def pixels(batch=2, size=SIZE, seed=0):
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(seed))


def block_outputs(backbone, images):
    """What every block puts out, by hooks, when open_clip itself encodes the images."""
    found = []
    hooks = [
        block.register_forward_hook(lambda _, __, out: found.append(out))
        for block in backbone.clip.visual.transformer.resblocks
    ]
    with torch.no_grad():
        embedding = backbone.clip.encode_image(images)
    for hook in hooks:
        hook.remove()
    return found, embedding


# ---- activations ---------------------------------------------------------------------------------


@pytest.mark.parametrize("layers", [(0, 1, 2), (1,), (0, 2)])
def test_activations_are_the_outputs_of_the_named_blocks(layers):
    backbone = tiny_backbone(layers=layers)
    activations, (expected, _) = backbone.activations(pixels()), block_outputs(backbone, pixels())
    assert len(activations) == len(layers)
    for activation, layer in zip(activations, layers, strict=True):
        assert activation.shape == (2, 1 + GRID**2, backbone.width)
        torch.testing.assert_close(activation, expected[layer], atol=1e-6, rtol=1e-5)


def test_at_another_size_they_still_are():
    backbone = tiny_backbone(image_size=48)
    assert backbone.grid == 6
    for activation, expected in zip(
        backbone.activations(pixels(size=48)),
        block_outputs(backbone, pixels(size=48))[0],
        strict=True,
    ):
        torch.testing.assert_close(activation, expected, atol=1e-6, rtol=1e-5)


def test_an_image_does_not_change_another_ones_activations():
    backbone, both = tiny_backbone(), pixels(2)
    for together, alone in zip(
        backbone.activations(both), backbone.activations(both[1:]), strict=True
    ):
        torch.testing.assert_close(together[1:], alone, atol=1e-6, rtol=1e-5)


def test_the_backbone_is_frozen_and_stays_in_eval_mode():
    backbone = tiny_backbone()
    assert not any(p.requires_grad for p in backbone.parameters())
    assert not backbone.train().clip.visual.training
    assert not any(a.requires_grad for a in backbone.activations(pixels()))


# ---- position table ------------------------------------------------------------------------------


def test_at_the_trained_size_the_position_table_is_untouched():
    table = torch.randn(1 + 16, 8)
    assert interpolate_position_table(table, 4) is table
    assert torch.equal(
        tiny_backbone().clip.visual.positional_embedding, tiny_clip().visual.positional_embedding
    )


@given(st.integers(2, 7), st.integers(1, 9), st.integers(0, 5))
@settings(max_examples=15)
def test_positions_are_interpolated_channel_by_channel_and_the_class_token_is_kept(old, new, seed):
    table = torch.randn(1 + old * old, 3, generator=torch.Generator().manual_seed(seed))
    result = interpolate_position_table(table, new)
    assert result.shape == (1 + new * new, 3) and torch.equal(result[0], table[0])
    for channel in range(3):
        plane = table[1:, channel].reshape(1, 1, old, old)
        expected = (
            F.interpolate(
                plane,
                scale_factor=new / old,
                size=None,
                mode="bicubic",
                align_corners=False,
                recompute_scale_factor=True,
            )
            if new % old == 0
            else F.interpolate(plane, size=(new, new), mode="bicubic", align_corners=False)
        )
        torch.testing.assert_close(result[1:, channel], expected.flatten(), atol=1e-5, rtol=1e-5)


def test_a_position_that_depends_on_the_row_only_still_does():
    rows = torch.arange(4.0).repeat_interleave(4)[:, None]
    grid = interpolate_position_table(torch.cat([rows[:1], rows]), 9)[1:].view(9, 9)
    torch.testing.assert_close(grid, grid[:, :1].expand(9, 9), atol=1e-5, rtol=1e-5)
    assert (grid[1:, 0] > grid[:-1, 0]).all()


# ---- pixels --------------------------------------------------------------------------------------


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.sampled_from(["noise", "edges", "even"]),
    st.integers(0, 5),
)
@settings(max_examples=40)
def test_resizing_is_pillows_bilinear_filter_bit_for_bit(height, width, kind, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image = {
        "noise": image,
        "edges": np.where(image > 127, 255, 0).astype(np.uint8),
        "even": image * 0 + image[0, 0],
    }[kind]
    theirs = np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.Resampling.BILINEAR))
    expected = [
        (torch.from_numpy(theirs[..., c] / np.float32(255)) - CLIP_MEAN[c]) / CLIP_STD[c]
        for c in range(3)
    ]
    ours = tiny_backbone().preprocess(torch.from_numpy(image).permute(2, 0, 1)[None])[0]
    # A grey level is 0.0145.
    torch.testing.assert_close(ours, torch.stack(expected), atol=1e-6, rtol=0)


def test_a_batch_is_resized_image_by_image():
    images = torch.randint(0, 256, (3, 3, 50, 70), dtype=torch.uint8)
    together = tiny_backbone().preprocess(images)
    assert together.shape == (3, 3, SIZE, SIZE)
    for image, result in zip(images, together, strict=True):
        assert torch.equal(tiny_backbone().preprocess(image[None])[0], result)


@pytest.mark.parametrize(
    "images",
    [
        torch.rand(1, 3, 8, 8),
        torch.zeros(3, 8, 8, dtype=torch.uint8),
        torch.zeros(1, 4, 8, 8, dtype=torch.uint8),
    ],
)
def test_pixels_that_are_not_rgb_bytes_are_refused(images):
    with pytest.raises(
        ValueError, match=r"expected RGB uint8 images \[B, 3, H, W\], got torch\.(uint8|float32) \["
    ):
        tiny_backbone().preprocess(images)


def test_an_image_of_the_right_size_is_only_normalised():
    image = torch.randint(0, 256, (1, 3, SIZE, SIZE), dtype=torch.uint8)
    expected = [(image[:, c] / 255 - CLIP_MEAN[c]) / CLIP_STD[c] for c in range(3)]
    torch.testing.assert_close(
        tiny_backbone().preprocess(image), torch.stack(expected, dim=1), atol=1e-6, rtol=1e-5
    )


# ---- words ---------------------------------------------------------------------------------------


def test_words_keep_their_order_and_are_encoded_once():
    asked = []

    def counting(texts):
        asked.extend(texts)
        return tokenizer()(texts)

    backbone = Backbone(
        clip=tiny_clip(),
        tokenizer=counting,
        image_size=SIZE,
        layers=(1,),
        mean=CLIP_MEAN,
        std=CLIP_STD,
    )
    first = backbone.embed_text(["dog", "cat", "dog"])
    second = backbone.embed_text(["cow", "cat", "dog"])
    assert asked == ["dog", "cat", "cow"]
    assert torch.equal(first[0], first[2]) and torch.equal(first[:2].flip(0), second[1:])
    with torch.no_grad():
        expected = backbone.clip.encode_text(tokenizer()(["cow", "cat", "dog"]))
    torch.testing.assert_close(second, expected, atol=1e-6, rtol=1e-5)


def test_more_words_than_one_chunk_holds_are_all_right():
    backbone = tiny_backbone()
    texts = [f"a {a} {b}" for a in tokenizer().words[:20] for b in tokenizer().words[:20]]
    torch.testing.assert_close(
        backbone.embed_text(texts)[-3:],
        tiny_backbone().embed_text(texts[-3:]),
        atol=1e-6,
        rtol=1e-5,
    )


def test_no_words_make_no_rows():
    assert tiny_backbone().embed_text([]).shape == (0, 32)


def test_words_embedded_while_predicting_can_be_trained_with_afterwards():
    backbone, layer = tiny_backbone(), torch.nn.Linear(32, 1)
    with torch.inference_mode():
        backbone.embed_text(["dog"])
    layer(backbone.embed_text(["dog"])).sum().backward()
    assert layer.weight.grad.abs().sum() > 0


def test_words_embedded_before_a_move_to_another_device_move_along(monkeypatch):
    backbone = tiny_backbone()
    backbone.embed_text(["dog"])
    backbone.to("meta")  # a device that every machine has
    monkeypatch.setattr(
        "partclipseg_lite.network.backbone.encode_tokens",
        lambda clip, tokens: torch.empty(len(tokens), 32, device=tokens.device),
    )
    assert backbone.embed_text(["dog", "cat"]).device.type == "meta"


def test_patch_similarity_is_the_cosine_of_projected_patches_and_words():
    backbone, images = tiny_backbone(), pixels()
    similarity = backbone.patch_similarity(images, ["dog", "cat", "head"])
    assert similarity.shape == (2, 3, GRID, GRID) and similarity.abs().max() <= 1
    blocks, embedding = block_outputs(backbone, images)
    visual = backbone.clip.visual
    patches = visual.ln_post(blocks[-1])[:, 1:] @ visual.proj
    # The tower pools by averaging.
    torch.testing.assert_close(patches.mean(1), embedding, atol=1e-5, rtol=1e-4)
    words = backbone.embed_text(["dog", "cat", "head"])
    for row in range(GRID):
        for column in range(GRID):
            expected = F.cosine_similarity(
                patches[:, None, row * GRID + column], words[None], dim=-1
            )
            torch.testing.assert_close(
                similarity[:, :, row, column], expected, atol=1e-5, rtol=1e-4
            )
    first = visual.ln_post(blocks[0])[:, 1:] @ visual.proj
    expected = F.cosine_similarity(first[:, None], words[None, :, None], dim=-1)
    found = backbone.patch_similarity(images, ["dog", "cat", "head"], block=0).flatten(2)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


# ---- wrong arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 30}, "image size 30 is not a multiple of the patch size 8"),
        ({"layers": ()}, r"ascending block indices in 0\.\.2, got \[\]"),
        ({"layers": (0, 3)}, r"ascending block indices in 0\.\.2, got \[0, 3\]"),
        ({"layers": (2, 1)}, r"got \[2, 1\]"),
        ({"layers": (1, 1, 2)}, r"got \[1, 1, 2\]; list each once"),
        ({"layers": (-1, 1)}, r"got \[-1, 1\]"),
    ],
)
def test_wrong_sizes_and_layers_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        tiny_backbone(**arguments)


def test_the_shipped_backbone_sees_128_pixels_in_a_grid_of_16():
    backbone = toy_backbone()
    assert (backbone.image_size, backbone.grid, len(backbone.layers)) == (128, 16, 3)
    assert [a.shape for a in backbone.activations(pixels(1, 128))] == [(1, 257, backbone.width)] * 3


def test_the_cache_of_texts_keeps_those_used_last_and_no_more(monkeypatch):
    monkeypatch.setattr("partclipseg_lite.network.backbone.TEXTS_KEPT", 3)
    backbone = tiny_backbone()
    words = ["dog", "cat", "cow", "bus", "head"]
    expected = {word: backbone.embed_text([word])[0] for word in words}
    assert list(backbone._text_cache) == words[-3:]
    together = backbone.embed_text(words)  # more than are kept
    torch.testing.assert_close(together, torch.stack(list(expected.values())))
    assert list(backbone._text_cache) == words[-3:]
    backbone.embed_text(["cow"])
    backbone.embed_text(["dog"])
    assert list(backbone._text_cache) == ["head", "cow", "dog"]
    assert all(kept.untyped_storage().nbytes() == 4 * 32 for kept in backbone._text_cache.values())
