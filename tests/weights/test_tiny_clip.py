"""The tiny CLIP is open_clip's own, its tokens CLIP's own, and it refuses what it cannot read."""

import json

import open_clip
import pytest
import torch
from helpers import CONFIG, clip_file, tiny_clip, tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from partclipseg_lite.network.backbone import encode_tokens
from partclipseg_lite.weights.tiny_clip import (
    ToyTokenizer,
    UnknownWordError,
    build_toy_clip,
    load_toy_clip,
    toy_clip_config,
)

WORDS = [
    "cat",
    "cow",
    "dog",
    "puppy",
    "muzzle",
    "chainwheel",
    "pottedplant",
    "a",
    "photo",
    "of",
    "the",
]
DOG_AND_CAT = ToyTokenizer(["dog", "cat"])
known_texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=5).map(" ".join)


# ---- tokens --------------------------------------------------------------------------------------


@given(st.lists(known_texts, min_size=1, max_size=4))
def test_tokens_are_clips_own_up_to_one_renumbering(texts):
    texts = [*texts, "a dog's muzzle, a cow's head"]
    theirs, ours = open_clip.tokenize(texts).tolist(), tokenizer()(texts).tolist()
    number = {0: 0}
    for their_row, our_row in zip(theirs, ours, strict=True):
        length = len(our_row)
        assert not any(their_row[length:])
        for their_id, our_id in zip(their_row[:length], our_row, strict=True):
            assert number.setdefault(their_id, our_id) == our_id
    assert len(set(number.values())) == len(number)


def test_ids_have_no_gaps_and_end_of_text_is_the_largest():
    small = ToyTokenizer(["dog", "chainwheel"])
    ids = set(small.piece_ids.values()) | {0, small.start, small.end}
    assert ids == set(range(small.vocab_size))
    row = small(["a dog's chainwheel".removeprefix("a ")])[0]
    assert row.argmax() == (row != 0).sum() - 1 and row.max() == small.end == small.vocab_size - 1


def test_words_may_come_in_any_order_and_twice_and_capitals_do_not_matter():
    assert ToyTokenizer(["dog", "cat", "dog"]).words == ToyTokenizer(["cat", "dog"]).words
    assert tokenizer()("A Dog's Head").tolist() == tokenizer()(["a dog's head"]).tolist()


def test_an_unknown_word_is_named_with_near_ones():
    with pytest.raises(
        UnknownWordError, match=r"no word 'muzle' \(in \"dog's muzle\"\); near ones: muzzle"
    ) as caught:
        tokenizer()("dog's muzle")
    assert isinstance(caught.value, ValueError)
    with pytest.raises(UnknownWordError, match="near ones: none"):
        tokenizer()("qqqqqqqqqqq")


@pytest.mark.parametrize("text", ["dog's 'tail'", "dog,, cat", "'''dog'''"])
def test_strange_marks_between_known_words_are_refused_in_words(text):
    with pytest.raises(UnknownWordError, match="cannot read"):
        tokenizer()(text)


@given(st.text(alphabet="dogcat's, <>&;\u2019é\n", max_size=20))
@settings(max_examples=25)
def test_any_text_is_read_or_refused_with_an_unknown_word(text):
    try:
        assert all(0 < i < DOG_AND_CAT.start for i in DOG_AND_CAT.encode(text))
    except UnknownWordError as error:
        assert "the tiny CLIP" in str(error)


def test_a_text_that_does_not_fit_says_how_long_it_is():
    assert tokenizer()("dog " * 14).argmax() == 15  # 14 words, start and end fill the context of 16
    with pytest.raises(ValueError, match="needs 17 tokens, the context holds 16"):
        tokenizer()("dog " * 15)


# ---- text encoder --------------------------------------------------------------------------------


@given(st.lists(known_texts, min_size=1, max_size=5), st.integers(0, 3))
@settings(max_examples=20)
def test_encoding_only_the_needed_tokens_equals_open_clips_full_context(texts, seed):
    clip, tokens = tiny_clip(seed), tokenizer()(texts)
    with torch.no_grad():
        torch.testing.assert_close(
            encode_tokens(clip, tokens), clip.encode_text(tokens), atol=1e-6, rtol=1e-5
        )


def test_a_linear_text_projection_is_understood_too():
    clip = tiny_clip()
    tokens = tokenizer()(["dog", "a photo of a cat"])
    with torch.no_grad():
        expected = clip.encode_text(tokens)
        linear = torch.nn.Linear(*clip.text_projection.shape, bias=False)
        linear.weight.copy_(clip.text_projection.T)
        del clip.text_projection
        clip.text_projection = linear
        torch.testing.assert_close(encode_tokens(clip, tokens), expected, atol=1e-6, rtol=1e-5)


# ---- the network and its file --------------------------------------------------------------------


def test_only_the_patch_projection_differs_from_open_clips_model():
    ours, theirs = (
        build_toy_clip(CONFIG, 50),
        open_clip.model.CLIP(
            CONFIG["embed_dim"],
            dict(CONFIG["vision_cfg"]),
            {**CONFIG["text_cfg"], "vocab_size": 50},
        ),
    )
    assert type(ours) is type(theirs)
    shapes = {
        name: t.shape
        for name, t in theirs.state_dict().items()
        if not name.startswith("visual.conv1")
    }
    assert shapes == {
        name: t.shape
        for name, t in ours.state_dict().items()
        if not name.startswith("visual.conv1")
    }
    assert ours.visual.conv1(torch.zeros(1, 3, 32, 40)).shape == (1, 32, 4, 5)


def test_the_shipped_configuration_builds_a_clip_of_some_million_weights():
    clip = build_toy_clip(toy_clip_config(), 700)
    assert 1e6 < sum(p.numel() for p in clip.parameters()) < 4e6  # half precision: at most 8 MB
    assert clip.encode_image(torch.zeros(1, 3, 96, 96)).shape == (1, toy_clip_config()["embed_dim"])


def test_another_patch_size_is_refused():
    config = {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], "patch_size": 16}}
    with pytest.raises(ValueError, match="patches of 8 pixels, got 16"):
        build_toy_clip(config, 50)


def test_saved_and_loaded_it_is_the_same_but_for_half_precision(tmp_path):
    clip, (loaded, words, measured) = (
        tiny_clip(),
        load_toy_clip(clip_file(tmp_path / "sub" / "clip.safetensors")),
    )
    assert words.words == tokenizer().words and measured == {"object": 1.0}
    assert not loaded.training and not any(p.requires_grad for p in loaded.parameters())
    for (name, a), b in zip(clip.state_dict().items(), loaded.state_dict().values(), strict=True):
        assert torch.equal(a.half().float(), b), name
    assert [file.name for file in (tmp_path / "sub").iterdir()] == ["clip.safetensors"]


def test_wrong_files_are_named(tmp_path):
    path = clip_file(tmp_path / "clip.safetensors")
    with pytest.raises(FileNotFoundError, match=r"no tiny CLIP at .*none\.safetensors"):
        load_toy_clip(tmp_path / "none.safetensors")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"cut\.safetensors is not a readable safetensors file"):
        load_toy_clip(cut)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(2)}, foreign, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=r"foreign\.safetensors holds format 'pt'"):
        load_toy_clip(foreign)


def test_the_shipped_clip_names_what_it_reached_and_reads_every_vocabulary():
    clip, words, measured = load_toy_clip()
    assert measured["object_novel"] > 75 and json.dumps(measured)
    for text in (
        "a dog's head",
        "puppy's paw",
        "automobile's wheel",
        "swivel chair's wheel",
        "killer whale's tail",
    ):
        assert words([text]).shape == (1, toy_clip_config()["text_cfg"]["context_length"])
