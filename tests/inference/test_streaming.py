"""Names are decoded in chunks, and every map is the one of the whole forward."""

import numpy as np
import pytest
import torch
from helpers import SIZE, tiny_model

from partclipseg_lite.inference import streaming
from partclipseg_lite.inference.predict import autocast, predict, resize_logits
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.inference.streaming import WordDecoder
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.release.departures import RowWithoutOffset
from partclipseg_lite.vocabulary import Vocabulary

RGB = np.random.default_rng(0).integers(0, 256, (45, 38, 3), dtype=np.uint8)
WORDS = Vocabulary.from_names(
    [
        f"{obj}'s {part}"
        for part in ("head", "tail", "leg", "ear")
        for obj in ("dog", "cat", "bus", "cow", "fox")
    ][:18]
)
MODELS = {
    "paper": tiny_model(),
    "released rows": tiny_model(RowWithoutOffset),
    "CLIPSeg": tiny_model(CLIPSeg),
    "CLIPSeg without background": tiny_model(CLIPSeg, background=False, adapter=False),
}
for each in MODELS.values():  # random heads hardly differ: make every name win somewhere
    with torch.no_grad():
        last = (each.object_part_head if isinstance(each, PartCLIPSeg) else each.mask_head).layers[
            -1
        ]
        last.weight *= 20
        last.bias.fill_(0.1)
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)


def whole(model):
    """Logits [T+1, H, W] of the whole forward, and its output."""
    output = predict(model, [RGB], WORDS)
    return resize_logits(output.object_part_logits[0], RGB.shape[:2]), output


@every_model
@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_names_in_chunks_equal_the_whole_forward(model, chunk, monkeypatch):
    monkeypatch.setattr(streaming, "ENLARGED", 2 * RGB[..., 0].size)  # two maps enlarged at once
    monkeypatch.setattr(streaming, "KEPT", 3)  # almost no features kept
    logits, output = whole(model)
    result = PartSegmenter(model, chunk=chunk)(RGB, WORDS.object_parts)
    np.testing.assert_allclose(result.probabilities, logits[:-1].sigmoid(), atol=1e-5)
    np.testing.assert_allclose(result.background, logits[-1].sigmoid(), atol=1e-5)
    np.testing.assert_allclose(
        list(result.scores.values()), logits[:-1].sigmoid().amax((1, 2)), atol=1e-5
    )
    winner, top = logits[:-1].argmax(0), logits.topk(2, dim=0).values
    expected = torch.where(logits[:-1].amax(0) > logits[-1], winner, -1).numpy()
    clear = (top[0] - top[1] > 1e-4).numpy()  # no tie within rounding
    assert clear.mean() > 0.95 and np.array_equal(result.label_map[clear], expected[clear])
    assert len(np.unique(expected)) > 3
    if isinstance(model, PartCLIPSeg):
        for found, maps in (
            (result.parts, output.part_logits),
            (result.objects, output.object_logits),
        ):
            assert tuple(found) in (WORDS.parts, WORDS.objects)
            expected = resize_logits(maps[0], RGB.shape[:2]).sigmoid()
            np.testing.assert_allclose(np.stack(list(found.values())), expected, atol=1e-5)


@every_model
def test_a_single_map_is_the_same_as_among_all(model):
    result = PartSegmenter(model, chunk=4)(RGB, WORDS.object_parts)
    for name in WORDS.object_parts[::5]:
        one = result.probability_of[name]
        np.testing.assert_allclose(one, result.probabilities[result.names.index(name)], atol=1e-5)
        assert one.dtype == np.float32


@every_model
def test_no_call_of_the_decoder_or_a_head_ever_sees_more_than_a_chunk(model):
    sequences, heads = [], []
    block = model.decoder.blocks[0].register_forward_hook(
        lambda _, inputs, __: sequences.append(len(inputs[0]))
    )
    watched = [
        module.register_forward_hook(lambda _, inputs, __: heads.append(inputs[0].shape[1]))
        for module in model.modules()
        if type(module).__name__ == "MaskHead"
    ]
    segmenter = PartSegmenter(model, chunk=4)
    few = segmenter(RGB, WORDS.object_parts[:4])
    decoded_few = sum(sequences)
    sequences.clear()
    many = segmenter(RGB, WORDS.object_parts, attention=isinstance(model, PartCLIPSeg))
    assert max(sequences) <= 4 and max(heads) <= 4
    assert len(few.names) < len(many.names) and decoded_few < sum(sequences)
    many.probability_of[many.names[0]], list(many.parts.values())
    assert max(sequences) <= 4 and max(heads) <= 4
    for hook in (block, *watched):
        hook.remove()


def test_features_of_a_word_are_computed_once_for_all_its_object_parts():
    sequences, model = [], MODELS["paper"]
    hook = model.decoder.blocks[0].register_forward_hook(
        lambda _, inputs, __: sequences.append(len(inputs[0]))
    )
    result = PartSegmenter(model, chunk=4)(RGB, WORDS.object_parts)
    result.probabilities, list(result.parts.values()), list(result.objects.values())
    hook.remove()
    assert sum(sequences) == len(WORDS.parts) + len(WORDS.objects) + 1


def test_what_stays_of_a_thousand_names_is_bounded(monkeypatch):
    monkeypatch.setattr(streaming, "KEPT", 8)
    model, rng = MODELS["paper"], torch.Generator().manual_seed(0)
    names = Vocabulary.from_names(
        [f"{'ab'[o % 2]}{o}'s p{p}" for o in range(40) for p in range(25)]
    )
    words = type(model.embed(WORDS))(
        torch.randn(25, 32, generator=rng),
        torch.randn(40, 32, generator=rng),
        names.part_of,
        names.object_of,
    )
    activations = [torch.randn(1, 17, 32, generator=rng) for _ in range(3)]
    decoder = WordDecoder(model, activations, names, words, chunk=4)
    labels, highest, background = decoder.winners((10, 12))
    assert labels.shape == background.shape == (10, 12) and highest.shape == (1000,)
    assert len(decoder._features) <= 8 and all(
        f.shape == (16, 16) for f in decoder._features.values()
    )
    # They are no views of a chunk.
    assert all(f.untyped_storage().nbytes() == 16 * 16 * 4 for f in decoder._features.values())
    assert -1 <= int(labels.min()) and int(labels.max()) < 1000


def test_names_of_one_object_are_neighbours():
    decoder = WordDecoder(
        MODELS["paper"], [torch.zeros(1, 17, 32)] * 3, WORDS, MODELS["paper"].embed(WORDS)
    )
    objects = WORDS.object_of[decoder.order].tolist()
    assert sorted(decoder.order) == list(range(len(WORDS))) and objects == sorted(objects)


def test_bf16_changes_little_and_logits_leave_in_float32():
    model = MODELS["paper"]
    exact, rough = (
        PartSegmenter(model, precision=p)(RGB, WORDS.object_parts) for p in ("float32", "bf16")
    )
    assert rough.decoder.logits("names", [0]).dtype == torch.float32
    difference = np.abs(exact.probabilities - rough.probabilities)
    assert 0 < difference.max() and difference.mean() < 0.05


@pytest.mark.parametrize(
    ("precision", "enabled"), [("auto", False), ("float32", False), ("bf16", True)]
)
def test_on_a_processor_bf16_is_used_only_where_asked_for(precision, enabled):
    with autocast(torch.device("cpu"), precision):
        assert ((torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16) == enabled


def test_maps_say_what_they_hold_and_refuse_what_they_do_not():
    result = PartSegmenter(MODELS["paper"])(RGB, WORDS.object_parts)
    assert repr(result.objects) == "<5 maps: dog, cat, bus, cow, fox>" and len(result.masks) == 18
    with pytest.raises(KeyError, match="horse"):
        result.objects["horse"]
    assert "..." in repr(result.masks) and SIZE not in result.image.shape
