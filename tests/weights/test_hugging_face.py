"""Our CLIPSeg computes what Hugging Face's does, on the same weights and the same pixels."""

import pytest
import torch

from partclipseg_lite.weights.converters import clipseg_from_hugging_face

transformers = pytest.importorskip("transformers")

SMALL = {
    "text_config": {
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
    },
    "vision_config": {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 5,
        "num_attention_heads": 3,
        "image_size": 64,
        "patch_size": 16,
    },
    "projection_dim": 24,
    "reduce_dim": 16,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 40,
    "extract_layers": [0, 2, 3],
}
# CIDAS/clipseg-rd64-refined: everything else is the default
REFINED = {"vision_config": {"patch_size": 16}}


def theirs(config, act="quick_gelu", seed=0):
    """Hugging Face's model with random weights.

    Its own initial values leave biases 0 and norms 1, which hides mistakes.
    """
    towers = {
        tower: {**config.get(tower, {}), "hidden_act": act}
        for tower in ("text_config", "vision_config")
    }
    with torch.device("meta"):
        model = transformers.CLIPSegForImageSegmentation(
            transformers.CLIPSegConfig(
                **{**config, **towers}, use_complex_transposed_convolution=True
            )
        )
    model = model.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in model.state_dict(keep_vars=True).items():
        if tensor.dim() == 1:
            torch.nn.init.normal_(
                tensor.data,
                float("norm" in name and name.endswith("weight")),
                0.1,
                generator=generator,
            )
        elif tensor.dim() > 1:
            tensor.data.normal_(
                0,
                tensor[0].numel() ** -0.5 if "token_embedding" not in name else 0.3,
                generator=generator,
            )
        else:
            tensor.data.fill_(2.0)
    for module in model.modules():  # buffers that no file holds
        if hasattr(module, "position_ids"):
            module.position_ids = torch.arange(module.position_ids.shape[-1])[None]
    return model


def both(model, size, texts, images=1):
    """(their logits, ours), each [B, C, size, size]: every image with every text."""
    config = model.config.to_dict()
    ours = clipseg_from_hugging_face(model.state_dict(), config, size)
    tokens = ours.backbone.tokenizer(texts)
    pixels = torch.randn(images, 3, size, size, generator=torch.Generator().manual_seed(1))
    count = len(texts)
    with torch.no_grad():
        expected = model(
            input_ids=tokens.repeat(images, 1), pixel_values=pixels.repeat_interleave(count, dim=0)
        ).logits
        found = ours(
            ours.backbone.activations(pixels), ours.backbone.embed_text(texts)
        ).object_part_logits
    assert (found[:, -1] == 0).all()  # no background there
    return expected.view(images, count, size, size), found[:, :-1]


@pytest.mark.parametrize("size", [64, 96, 48])  # the position table as it is, enlarged, reduced
@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
def test_small_configurations_agree(size, act):
    expected, found = both(
        theirs(SMALL, act), size, ["a dog's head", "wheel", "a cat's left ear"], images=2
    )
    assert expected.std() > 0.05  # else everything would agree
    assert (expected[:, 0] - expected[:, 1]).abs().max() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_the_wrong_activation_would_be_seen():
    model = theirs(SMALL)
    expected, _ = both(model, 64, ["wheel"])
    model.config.text_config.hidden_act = model.config.vision_config.hidden_act = "gelu"
    other = clipseg_from_hugging_face(model.state_dict(), model.config.to_dict(), 64)
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = other(
            other.backbone.activations(pixels), other.backbone.embed_text(["wheel"])
        ).object_part_logits
    assert (found[:, :1] - expected).abs().max() > 1e-3


@pytest.mark.slow
def test_clipseg_rd64_refined_at_352_pixels_agrees():
    model = theirs(REFINED)
    assert model.config.vision_config.hidden_size == 768 and list(model.config.extract_layers) == [
        3,
        6,
        9,
    ]
    expected, found = both(model, 352, ["a dog's head", "wheel"])
    assert expected.shape == (1, 2, 352, 352) and expected.std() > 0.05
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
