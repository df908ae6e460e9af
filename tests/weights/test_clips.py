"""open_clip's models as backbones: plain ViTs by name, the right activation, CLIP's words."""

import open_clip
import pytest
import torch
from open_clip.constants import IMAGENET_MEAN, IMAGENET_STD
from open_clip.model import CLIP

from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.settings import Settings
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.build import build_backbone
from partclipseg_lite.weights.clips import (
    CLIPTokenizer,
    activation_name,
    activation_of_tag,
    build_clip,
    check_activation,
    open_clip_backbone,
    open_clip_config,
    open_clip_model,
    real_backbone,
)
from partclipseg_lite.weights.files import WeightsError
from partclipseg_lite.weights.models import load_model, save_model

WORDS = Vocabulary.from_names(["dog's head", "dog's tail", "cat's head"])


@pytest.fixture(scope="module")
def small():
    """ViT-S-32 with random weights: other width (384) and patches (32), at 96 pixels."""
    return open_clip_backbone("ViT-S-32", None, 96, (3, 6, 9))


@pytest.fixture
def tiny_config(monkeypatch):
    """A function that makes a tiny open_clip configuration known under a name."""
    known = open_clip.get_model_config

    def add(name, **changes):
        vision = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 2, "head_width": 16}
        config = {
            "embed_dim": 16,
            "vision_cfg": vision,
            "text_cfg": {
                "context_length": 77,
                "vocab_size": 49408,
                "width": 16,
                "heads": 2,
                "layers": 1,
            },
            **changes,
        }
        monkeypatch.setattr(
            open_clip, "get_model_config", lambda n: config if n == name else known(n)
        )
        return config

    return add


# ---- any ViT -------------------------------------------------------------------------------------


def test_both_models_run_on_a_vit_of_another_width_and_patch_size(small):
    assert (small.width, small.embed_dim, small.patch_size, small.grid) == (384, 384, 32, 3)
    images = torch.randint(0, 256, (2, 3, 60, 80), dtype=torch.uint8)
    activations = small.activations(small.preprocess(images))
    assert [a.shape for a in activations] == [(2, 1 + 9, 384)] * 3
    for kind, channels in ((PartCLIPSeg, 4), (CLIPSeg, 4)):
        model = kind(backbone=small, width=16, heads=2, mlp_width=32)
        output = model(activations, model.embed(WORDS)).object_part_logits
        assert output.shape == (2, channels, 96, 96) and torch.isfinite(output).all()


def test_activations_are_what_open_clips_own_forward_passes_on(small):
    found, images = [], torch.randn(1, 3, 96, 96)
    hooks = [
        small.clip.visual.transformer.resblocks[i].register_forward_hook(
            lambda _, __, out: found.append(out)
        )
        for i in (3, 6, 9)
    ]
    with torch.no_grad():
        small.clip.encode_image(images)
    for hook in hooks:
        hook.remove()
    for ours, theirs in zip(small.activations(images), found, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_words_are_embedded_as_open_clip_does(small):
    texts = ["dog's head", "a photo of a motorbike's headlight, at night", "Ça va?"]
    tokens = open_clip.get_tokenizer("ViT-S-32")(texts)
    assert torch.equal(CLIPTokenizer()(texts), tokens)
    with torch.no_grad():
        torch.testing.assert_close(
            small.embed_text(texts), small.clip.encode_text(tokens), atol=1e-5, rtol=1e-5
        )


def test_a_text_that_does_not_fit_is_refused_not_cut():
    assert CLIPTokenizer()(["dog " * 75]).shape == (1, 77)
    with pytest.raises(
        ValueError, match="'dog dog .*needs 78 tokens, the context holds 77; shorten it"
    ):
        CLIPTokenizer()(["dog " * 76])


def test_pixels_are_normalised_as_clipseg_does_not_as_clip_does(small):
    grey = torch.full((1, 3, 96, 96), 128, dtype=torch.uint8)
    expected = (128 / 255 - torch.tensor(IMAGENET_MEAN)) / torch.tensor(IMAGENET_STD)
    torch.testing.assert_close(small.preprocess(grey)[0, :, 0, 0], expected)


def test_random_weights_are_the_same_in_every_run_and_leave_the_generator_alone(tiny_config):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = build_clip(tiny_config("ViT-tiny"))
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    again = build_clip(tiny_config("ViT-tiny"))
    assert all(
        torch.equal(a, b)
        for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_a_clip_built_from_tensors_computes_what_their_own_clip_does(tiny_config):
    config = tiny_config("ViT-tiny")
    torch.manual_seed(3)
    theirs = CLIP(**config).eval()
    ours = open_clip_model("ViT-tiny", theirs.state_dict())
    tokens, images = CLIPTokenizer()(["dog's head", "tail"]), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        # The text tower needs the causal mask.
        assert torch.equal(ours.encode_text(tokens), theirs.encode_text(tokens))
        assert torch.equal(ours.encode_image(images), theirs.encode_image(images))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT-B-17", "open_clip knows no model 'ViT-B-17', did you mean .*'ViT-B-16'"),
        ("RN50", "'RN50' is not a plain CLIP .*no ViT"),
        ("ViT-B-16-SigLIP", "not a plain CLIP .*timm_model_name"),
        ("coca_ViT-B-32", "not a plain CLIP .*multimodal_cfg"),
        ("roberta-ViT-B-32", "not a plain CLIP .*hf_model_name"),
    ],
)
def test_models_that_are_no_plain_clip_are_refused_by_name(name, message):
    with pytest.raises(ValueError, match=message):
        open_clip_backbone(name)


# ---- activation ----------------------------------------------------------------------------------


def test_the_activation_is_read_off_the_blocks(tiny_config):
    assert activation_name(build_clip(tiny_config("ViT-tiny"))) == "GELU"
    assert activation_name(build_clip(tiny_config("ViT-tiny", quick_gelu=True))) == "QuickGELU"
    mixed = build_clip(tiny_config("ViT-tiny"))
    mixed.transformer.resblocks[0].mlp.gelu = open_clip.transformer.QuickGELU()
    with pytest.raises(ValueError, match="use GELU and QuickGELU, expected one of them"):
        activation_name(mixed)


def test_weights_that_need_the_other_activation_are_refused(tiny_config):
    plain = build_clip(tiny_config("ViT-tiny"))
    check_activation(plain, "GELU", "these")
    with pytest.raises(
        WeightsError,
        match="these were trained with QuickGELU, but this CLIP is built with GELU.* ends in",
    ):
        check_activation(plain, "QuickGELU", "these")
    quick = build_clip(tiny_config("ViT-tiny", quick_gelu=True))
    with pytest.raises(
        WeightsError,
        match="trained with GELU, but this CLIP is built with QuickGELU.* does not end in",
    ):
        check_activation(quick, "GELU", "these")


@pytest.mark.parametrize(
    ("name", "tag", "needs", "fitting"),
    [
        ("ViT-B-16", "openai", "QuickGELU", "ViT-B-16-quickgelu"),
        ("ViT-L-14-336", "openai", "QuickGELU", "ViT-L-14-336-quickgelu"),
        ("ViT-B-16-quickgelu", "laion2b_s34b_b88k", "GELU", "ViT-B-16"),
        ("ViT-B-32-quickgelu", "datacomp_xl_s13b_b90k", "GELU", "ViT-B-32"),
    ],
)
def test_a_tag_that_needs_another_activation_is_refused_before_anything_is_downloaded(
    monkeypatch, name, tag, needs, fitting
):
    monkeypatch.setattr(
        open_clip, "create_model", lambda *a, **k: pytest.fail("nothing may be built or downloaded")
    )
    assert activation_of_tag(name, tag) == needs
    with pytest.raises(
        WeightsError,
        match=f"the weights '{tag}' were trained with {needs}, .*'{name}'.* take '{fitting}'",
    ):
        open_clip_model(name, tag)


def test_a_tag_that_does_not_exist_lists_those_that_do():
    with pytest.raises(
        WeightsError, match="no weights 'opnai' for 'ViT-B-16-quickgelu' .known: .*openai"
    ):
        open_clip_model("ViT-B-16-quickgelu", "opnai")


def test_a_tag_that_cannot_be_downloaded_says_how_to_get_it(monkeypatch):
    def offline(*args, **kwargs):
        raise RuntimeError("Failed to download weights\nand much more")

    monkeypatch.setattr(open_clip, "create_model", offline)
    with pytest.raises(
        WeightsError,
        match=r"'openai' of 'ViT-B-16-quickgelu' could not be had \(Failed to download weights\); "
        r"where there is a network, run once: python -c .*pretrained='openai'",
    ):
        open_clip_backbone("ViT-B-16-quickgelu", "openai")


def test_what_open_clip_hands_over_is_checked_once_more(monkeypatch, tiny_config):
    plain = build_clip(tiny_config("ViT-tiny"))
    monkeypatch.setattr(open_clip, "create_model", lambda *a, **k: plain)
    with pytest.raises(
        WeightsError,
        match="the weights 'openai' were trained with QuickGELU, but this CLIP is built",
    ):
        open_clip_model("ViT-B-16-quickgelu", "openai")


# ---- settings ------------------------------------------------------------------------------------

REAL_QUICK = {
    "model.pretrained": None,
    "model.image_size": 32,
    "model.layers": [0, 1],
    "model.width": 8,
    "model.heads": 2,
    "model.mlp_width": 8,
    "model.backbone": "ViT-tiny",
}


def test_the_real_presets_name_the_papers_backbone_and_training():
    for preset, kind in (
        ("partclipseg_pascal_part_116", "partclipseg"),
        ("clipseg_rd64_refined", "clipseg"),
    ):
        settings = Settings.from_preset(preset)
        model, training = settings.model, settings.training
        assert (model.backbone, model.pretrained, model.image_size, model.layers, model.kind) == (
            "CIDAS/clipseg-rd64-refined",
            None,
            352,
            (3, 6, 9),
            kind,
        )
        assert model.start == model.backbone
        assert (
            training.steps,
            training.batch_size,
            training.learning_rate,
            training.clip_norm,
        ) == (20_000, 8, 1e-4, 0.01)
        vocabulary = Vocabulary.load(settings.vocabulary)
        assert training.object_parts_per_image >= len(vocabulary) and not training.vary_words


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_settings_choose_the_backbone_and_whether_its_words_are_trained(tiny_config, reading):
    tiny_config("ViT-tiny")
    settings = Settings.from_preset(
        "partclipseg_pascal_part_116", {**REAL_QUICK, "reading": reading}
    )
    backbone = build_backbone(settings)
    trained = {name for name, p in backbone.named_parameters() if p.requires_grad}
    assert trained == (
        {"clip.token_embedding.weight", "clip.positional_embedding"}
        if reading == "released"
        else set()
    )
    assert (backbone.image_size, backbone.layers, backbone.tokenizer.context_length) == (
        32,
        (0, 1),
        77,
    )


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_a_model_with_trained_words_comes_back_as_it_went(tiny_config, tmp_path, reading):
    from partclipseg_lite.weights.build import build_model

    tiny_config("ViT-tiny")
    settings = Settings.from_preset(
        "partclipseg_pascal_part_116", {**REAL_QUICK, "reading": reading}
    )
    model = build_model(settings).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1 * torch.randn_like(parameter)  # as training does
    save_model(tmp_path / "weights.safetensors", model, settings, WORDS)
    back = load_model(tmp_path)[0]
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name


def test_a_tag_without_an_open_clip_model_is_refused():
    settings = Settings.from_preset("toy", {"model.pretrained": "openai"})
    with pytest.raises(
        ValueError,
        match="model.pretrained='openai' is a tag of open_clip's weights, but model.backbone='toy'",
    ):
        build_backbone(settings)


def test_the_papers_backbone_makes_485_tokens_of_352_pixels(monkeypatch):
    """The real configuration, with the blocks that nothing reads here taken out to be quick."""
    config = open_clip_config("ViT-B-16-quickgelu")
    assert config["quick_gelu"] and config["embed_dim"] == 512
    config = {
        **config,
        "vision_cfg": {**config["vision_cfg"], "layers": 1},
        "text_cfg": {**config["text_cfg"], "layers": 1, "vocab_size": 49408},
    }
    backbone = real_backbone(build_clip(config), 352, (0,))
    assert backbone.clip.visual.positional_embedding.shape == (1 + 22 * 22, 768)
    assert [a.shape for a in backbone.activations(torch.randn(1, 3, 352, 352))] == [(1, 485, 768)]
