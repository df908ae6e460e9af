"""Any picture goes in, masks of the words asked for come out at its own size.

A mistake is one clear error.
"""

import copy
import io
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import SIZE, sample, tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import partclipseg_lite
from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.datasets.images import read_image
from partclipseg_lite.inference.predict import predict, resize_logits
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.losses.attention_control import area_on_grid, object_part_maps, plan_attention
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.clips import CLIPTokenizer
from partclipseg_lite.weights.tiny_clip import ToyTokenizer, UnknownWordError

NAMES = ["dog's head", "puppy's tail", "cat's head"]
RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
RGB[:4, :6] = (250, 10, 20)  # which corner is which


@pytest.fixture(scope="module")
def segmenter():
    return PartSegmenter(tiny_model())


# ---- images of every kind ------------------------------------------------------------------------


def saved(tmp_path, image, name="image.png", **options):
    image.save(tmp_path / name, **options)
    return tmp_path / name


def test_a_png_a_path_in_words_a_pil_image_an_array_and_tensors_are_the_same_picture(tmp_path):
    path = saved(tmp_path, Image.fromarray(RGB))
    tensor = torch.from_numpy(RGB)
    for image in (
        path,
        str(path),
        Image.fromarray(RGB),
        RGB,
        RGB.transpose(2, 0, 1),
        tensor,
        tensor.permute(2, 0, 1),
        np.asfortranarray(RGB),
        RGB.astype(np.float32) / 255,
        tensor.permute(2, 0, 1) / 255,
        RGB.astype(np.uint16) * 257,
    ):
        found = read_image(image)
        assert found.dtype == np.uint8 and np.array_equal(found, RGB)


OF_GREY = ("LA", "PA", "I;16")


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", *OF_GREY])
def test_pil_images_of_every_mode_become_rgb(mode):
    grey = Image.fromarray(RGB).convert("L")
    found = read_image((grey if mode in OF_GREY else Image.fromarray(RGB)).convert(mode))
    assert found.shape == (20, 30, 3) and found.dtype == np.uint8
    if mode in ("L", "LA", "PA"):
        assert np.abs(found.astype(int) - np.asarray(grey)[..., None]).max() <= 1
    if mode in ("RGB", "RGBA", "CMYK", "YCbCr", "HSV", "P"):
        assert np.abs(found[1, 1].astype(int) - (250, 10, 20)).max() < 60  # still the red corner


def test_grey_arrays_become_three_equal_channels():
    grey = RGB[..., 0]
    for image in (grey, grey[..., None], torch.from_numpy(grey)[None], grey / 255.0):
        assert np.array_equal(read_image(image), np.repeat(grey[..., None], 3, -1))
    assert set(np.unique(read_image(grey > 128))) == {0, 255}


def test_transparency_is_laid_on_white(tmp_path):
    alpha = np.zeros((20, 30, 1), np.uint8)
    alpha[:, 15:] = 255
    for image in (
        np.concatenate([RGB, alpha], -1),
        Image.fromarray(np.concatenate([RGB, alpha], -1)),
        saved(tmp_path, Image.fromarray(np.concatenate([RGB, alpha], -1))),
    ):
        found = read_image(image)
        assert (found[:, :15] == 255).all() and np.array_equal(found[:, 15:], RGB[:, 15:])
    for mode in ("La", "RGBa"):  # colours multiplied with their opacity
        assert (read_image(Image.new(mode, (3, 2))) == 255).all()
    palette = Image.fromarray(RGB[..., 0] // 64).convert("P")
    found = read_image(
        saved(tmp_path, palette, "palette.png", transparency=int(np.asarray(palette)[0, 0]))
    )
    assert (found[0, 0] == 255).all()


def test_sixteen_bit_grey_keeps_its_brightness_also_in_a_dark_picture(tmp_path):
    for factor, grey in ((257, RGB[..., :1]), (1, np.zeros((20, 30, 1), int))):
        deep = RGB[..., 0].astype(np.uint16) * factor
        found = read_image(saved(tmp_path, Image.fromarray(deep)))
        assert np.abs(found.astype(int) - grey).max() <= 1 and found.shape == (20, 30, 3)


def test_floating_point_pictures_are_read_in_0_to_1():
    grey = RGB[..., 0].astype(np.float32) / 255
    assert np.abs(read_image(Image.fromarray(grey)).astype(int) - RGB[..., :1]).max() <= 1
    assert np.array_equal(
        read_image(torch.from_numpy(RGB > 127).to(torch.bfloat16)), (RGB > 127) * np.uint8(255)
    )


@pytest.mark.parametrize("size", [(1, 1), (20, 5000), (5000, 20)])
def test_pictures_of_extreme_sizes_get_masks_of_their_own_size(segmenter, tmp_path, size):
    path = saved(tmp_path, Image.fromarray(np.zeros((*size, 3), np.uint8)))
    result = segmenter(path, NAMES, attention=True)
    assert result.label_map.shape == size and result.probability_of[NAMES[1]].shape == size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_held_sideways_is_turned_upright(tmp_path, orientation):
    # What the camera did; PIL's names are anticlockwise.
    undo = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    upright = Image.fromarray(RGB)
    stored = upright.transpose(Image.Transpose[undo[orientation]]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(read_image(saved(tmp_path, stored, exif=exif)), RGB)


@given(st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=10)
def test_masks_have_the_size_of_the_image(height, width):
    result = PartSegmenter(SMALL)(np.zeros((height, width, 3), np.uint8), ["dog's head"])
    assert result.probabilities.shape == (1, height, width) and result.background.shape == (
        height,
        width,
    )
    assert (
        result.label_map.shape
        == result.masks["dog's head"].shape
        == result.image.shape[:2]
        == (height, width)
    )


SMALL = tiny_model()


# ---- images that are none ------------------------------------------------------------------------


def test_a_missing_file_a_folder_and_a_text_file_are_named(tmp_path):
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(FileNotFoundError, match="no image at '.*none.png'"):
        read_image(tmp_path / "none.png")
    with pytest.raises(FileNotFoundError, match="no image at"):
        read_image(tmp_path)
    for name in ("notes.png", "empty.jpg"):
        with pytest.raises(ValueError, match=rf"{name} cannot be read as an image"):
            read_image(tmp_path / name)


@pytest.mark.parametrize("name", ["cut.png", "cut.jpg", "cut.bmp", "cut.tiff"])
def test_a_truncated_image_is_named(tmp_path, name):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path = saved(tmp_path, noise, name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"{name} cannot be read as an image .*truncated"):
        read_image(path)


def test_a_truncated_image_that_pil_has_opened_already_is_an_error_too():
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(
        buffer, "png"
    )
    opened = Image.open(io.BytesIO(buffer.getvalue()[:4000]))
    with pytest.raises(ValueError, match="the PIL image cannot be read .*truncated"):
        read_image(opened)


def test_whatever_is_broken_in_a_file_the_error_names_the_file(tmp_path):
    rng, whole = np.random.default_rng(0), {}
    for name, options in (
        ("a.png", {}),
        ("a.jpg", {}),
        ("a.gif", {}),
        ("a.webp", {}),
        ("a.tiff", {"compression": "tiff_lzw"}),
    ):
        whole[name] = saved(tmp_path, Image.fromarray(RGB), name, **options).read_bytes()
    refused = 0
    for name, contents in whole.items():
        for trial in range(40):
            broken = bytearray(contents)
            for place in rng.integers(0, len(broken), 1 + trial % 8):
                broken[place] = int(rng.integers(256))
            (tmp_path / name).write_bytes(
                broken[: int(rng.integers(1, len(broken) + 1))] if trial % 2 else broken
            )
            try:
                found = read_image(tmp_path / name)
                assert found.ndim == 3 and found.dtype == np.uint8  # the damage does not show
            except ValueError as error:
                refused += 1
                assert name in str(error) and "cannot be read as an image" in str(error)
    assert refused > 50


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/dog.jpg",
        "http://example.org/a b.png",
        "file:///tmp/dog.png",
        "s3://b/c.png",
    ],
)
def test_a_url_is_not_fetched_but_the_error_says_what_to_do(segmenter, url):
    for image in (url, Path(url)):
        with pytest.raises(
            ValueError, match="is a URL; download the image first and give the file's path"
        ):
            segmenter(image, NAMES)


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (None, TypeError, "a path, a PIL image, a NumPy array or a tensor, got NoneType"),
        ([[0, 1]], TypeError, "got list"),
        (b"bytes", TypeError, "got bytes"),
        (np.zeros((6, 5, 2), np.uint8), ValueError, r"\[H, W, 4\], got shape \(6, 5, 2\)"),
        (
            np.zeros((2, 4, 5, 3), np.uint8),
            ValueError,
            r"got shape \(2, 4, 5, 3\); for several images give a list",
        ),
        (np.array(["a"]), ValueError, "got shape"),
        (np.array([[None]]), ValueError, "got object"),
        (Image.fromarray(np.full((4, 5), np.nan, np.float32)), ValueError, "pixels are not finite"),
        (torch.full((3, 4, 5), torch.nan), ValueError, "float images must lie in"),
        (np.zeros((0, 5, 3), np.uint8), ValueError, r"got shape \(0, 5, 3\)"),
        (np.zeros(5, np.uint8), ValueError, r"got shape \(5,\)"),
        (
            np.full((4, 5, 3), 200.0),
            ValueError,
            r"float images must lie in 0\.\.1, got 200\.\.200; divide by 255\?",
        ),
        (np.full((4, 5, 3), np.nan), ValueError, "float images must lie in"),
        (-np.ones((4, 5, 3)), ValueError, "float images must lie in"),
        (np.zeros((4, 5, 3), np.int64), ValueError, "uint8, uint16 or float in 0..1, got int64"),
        (np.zeros((4, 5, 3), complex), ValueError, "got complex128"),
    ],
)
def test_what_is_no_image_is_refused_in_words(image, error, message):
    with pytest.raises(error, match=message):
        read_image(image)


# ---- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ([], ValueError, "the list of part names is empty"),
        ({}, ValueError, "the list of part names is empty"),
        ({"dog": []}, ValueError, "the list of parts of 'dog' is empty"),
        ("dog's head", TypeError, "write \\["),
        (None, TypeError, "names must be a list"),
        (["dog's head", "dog's head"], ValueError, '"dog\'s head" is listed twice'),
        (["dog's head", 3], TypeError, r"a part name must be a string, got 3 \(int\)"),
        ([""], ValueError, "a part name is empty"),
        (["dog"], ValueError, "'dog' is not the name of an object part"),
        (["dog's " + "very " * 100 + "head"], ValueError, "has 102 words, at most 100"),
        (["dog's " + "head " * 40], ValueError, "tokens, the context holds 16; shorten it"),
        (["dragon's head"], UnknownWordError, "no word 'dragon'"),
        (["dog's 'tail'"], UnknownWordError, "cannot read"),
    ],
)
def test_names_that_cannot_be_asked_for_are_named(segmenter, names, error, message):
    with pytest.raises(error, match=message):
        segmenter(RGB, names)


def test_a_wrong_name_is_found_before_anything_is_computed(monkeypatch):
    segmenter = PartSegmenter(tiny_model())
    monkeypatch.setattr(
        segmenter.model.backbone, "activations", lambda *_: pytest.fail("the image was encoded")
    )
    for names in (["dog's head", None], ["dragon's head"], ["dog's " + "head " * 40]):
        with pytest.raises((TypeError, ValueError)):
            segmenter(RGB, names)
    with pytest.raises(ValueError, match="got shape"):
        segmenter(np.zeros(3, np.uint8), NAMES)
    with pytest.raises(ValueError, match=r"image 1 of the list: .* got shape"):
        segmenter([RGB, np.zeros(3, np.uint8)], NAMES)
    with pytest.raises(FileNotFoundError, match="image 2 of the list: no image at"):
        segmenter([RGB, RGB, "none.png"], NAMES)


@pytest.mark.parametrize("kind", [PartCLIPSeg, CLIPSeg])
@pytest.mark.parametrize(
    "tokenizer", [CLIPTokenizer(16), ToyTokenizer(["dog", "cat", "head", "very", "a"], 16)]
)
def test_a_name_longer_than_clip_reads_is_refused_before_the_image_is_read(kind, tokenizer):
    model = tiny_model(kind)
    model.backbone.tokenizer = tokenizer
    with pytest.raises(
        ValueError, match=r"very very.* needs \d+ tokens, the context holds 16; shorten it"
    ):
        PartSegmenter(model)(
            "no such picture.png", ["cat's head", "dog's " + "very " * 20 + "head"]
        )


def test_names_are_found_however_they_are_written(segmenter):
    model = finding_model()
    result = PartSegmenter(model)(RGB, ["dog’s  head", "cat's Ear"], attention=True)
    assert result.names == ("dog's head", "cat's Ear")
    for written in ("dog’s head", "Dog`s head", "DOG'S HEAD"):
        assert np.array_equal(result.masks[written], result.masks["dog's head"])
        assert result.scores[written] == result.scores["dog's head"]
        found = result.probability_of[written]
        np.testing.assert_allclose(found, result.probabilities[0], atol=1e-6)
        assert written in result.masks and written in result.scores
        if "dog's head" in result.attention:
            assert result.attention[written] is result.attention["dog's head"]
    assert np.array_equal(result.parts["Head"], result.parts["head"])
    assert np.array_equal(result.parts["ear"], result.parts["Ear"])
    assert np.array_equal(result.objects["DOG"], result.objects["dog"])
    with pytest.raises(KeyError, match="not one of the 2 names; did you mean"):
        result.masks["dog's heat"]
    with pytest.raises(ValueError, match="is listed twice, first as"):
        segmenter(RGB, ["dog's head", "Dog's head"])


# ---- what comes out ------------------------------------------------------------------------------


def test_the_order_is_the_order_asked_and_everything_has_its_name(segmenter):
    result = segmenter(RGB, NAMES)
    assert result.names == tuple(NAMES) == tuple(result.masks) == tuple(result.scores)
    assert list(result.parts) == ["head", "tail"] and list(result.objects) == [
        "dog",
        "puppy",
        "cat",
    ]
    assert np.array_equal(result.image, RGB) and result.attention == {}
    for probability in (
        result.probabilities,
        result.background,
        *result.parts.values(),
        *result.objects.values(),
    ):
        assert probability.dtype == np.float32 and 0 <= probability.min() and probability.max() <= 1
        assert probability.shape[-2:] == (20, 30)


def test_labels_masks_and_scores_agree_pixel_by_pixel():
    model = tiny_model()
    with torch.no_grad():
        model.object_part_head.layers[-1].weight *= 20  # so that both sides win somewhere
    result = PartSegmenter(model)(RGB, NAMES)
    assert 0 < (result.label_map == -1).mean() < 1 and result.label_map.dtype == np.int64
    for y, x in np.ndindex(20, 30):
        column = result.probabilities[:, y, x]
        winner = int(column.argmax()) if column.max() > result.background[y, x] else -1
        assert result.label_map[y, x] == winner
        assert [bool(mask[y, x]) for mask in result.masks.values()] == [
            t == winner for t in range(3)
        ]
    assert result.scores[NAMES[1]] == pytest.approx(result.probabilities[1].max())


def test_one_name_alone_gets_what_it_gets_among_many(segmenter):
    many = segmenter(RGB, [*NAMES, "bus's wheel", "person's arm"])
    for t, name in enumerate(NAMES):
        alone = segmenter(RGB, [name])
        np.testing.assert_allclose(alone.probabilities[0], many.probabilities[t], atol=1e-5)
        np.testing.assert_allclose(alone.background, many.background, atol=1e-5)


def test_a_mapping_asks_for_the_same_as_a_list(segmenter):
    listed, mapped = (
        segmenter(RGB, ["dog's head", "dog's tail"]),
        segmenter(RGB, {"dog": ["head", "tail"]}),
    )
    assert listed.names == mapped.names and np.array_equal(
        listed.probabilities, mapped.probabilities
    )


def test_asking_again_gives_the_same_and_leaves_no_trace(segmenter):
    first = segmenter(RGB, NAMES)
    segmenter(255 - RGB, ["cow's horn"])
    assert np.array_equal(first.probabilities, segmenter(RGB, NAMES).probabilities)


def test_the_baseline_answers_with_object_parts_only():
    segmenter = PartSegmenter(tiny_model(CLIPSeg))
    result = segmenter(RGB, NAMES)
    assert result.probabilities.shape == (3, 20, 30) and result.parts == result.objects == {}
    with pytest.raises(ValueError, match="CLIPSeg has neither, load PartCLIPSeg weights"):
        segmenter(RGB, NAMES, attention=True)


def finding_model():
    """A random model that finds something."""
    model = tiny_model()
    with torch.no_grad():
        model.object_part_head.layers[-1].bias += 5
        model.object_part_head.layers[-1].weight *= 20
    return model


def test_attention_maps_come_in_half_precision_too():
    model = finding_model()
    exact, rough = (
        PartSegmenter(model, precision=p)(RGB, NAMES, attention=True) for p in ("float32", "bf16")
    )
    both = exact.attention.keys() & rough.attention.keys()
    assert both
    for name in both:
        assert rough.attention[name].dtype == np.float32
        np.testing.assert_allclose(rough.attention[name], exact.attention[name], atol=0.05)


def test_attention_maps_come_for_the_names_that_were_found():
    model = finding_model()
    segmenter = PartSegmenter(model)
    plain, result = segmenter(RGB, NAMES), segmenter(RGB, NAMES, attention=True)
    assert np.array_equal(plain.probabilities, result.probabilities)
    assert (
        set(result.attention)
        == {name for name, mask in result.masks.items() if mask.any()}
        != set()
    )
    vocabulary = Vocabulary.from_names(NAMES)
    masks = torch.from_numpy(np.stack(list(result.masks.values())))[None]
    # The whole forward, tapped.
    plan = plan_attention(area_on_grid(masks, 4), model.embed(vocabulary))
    predict(model, [RGB], vocabulary, plan.tap)
    for t, expected in zip(plan.slot.tolist(), object_part_maps(plan), strict=True):
        attention = result.attention[NAMES[t]]
        assert attention.shape == (4, 4) and attention.dtype == np.float32
        np.testing.assert_allclose(attention.ravel(), expected.detach().numpy(), atol=1e-5)


def test_a_list_of_images_gets_a_list_of_results_each_as_if_it_were_alone(monkeypatch):
    model = tiny_model()
    segmenter, batches, encoded = PartSegmenter(model, batch_size=2), [], model.backbone.activations
    monkeypatch.setattr(
        model.backbone, "activations", lambda pixels: batches.append(len(pixels)) or encoded(pixels)
    )
    images = [RGB, Image.fromarray(sample().image), 255 - RGB[:10]]
    results = segmenter(images, NAMES)
    assert batches == [2, 1]
    for image, result in zip(images, results, strict=True):
        alone = segmenter(image, NAMES)
        np.testing.assert_allclose(result.probabilities, alone.probabilities, atol=1e-5)
        np.testing.assert_allclose(result.background, alone.background, atol=1e-5)
        assert result.probabilities.shape[1:] == result.image.shape[:2]
    assert segmenter([], NAMES) == []


def test_attention_of_a_picture_in_which_nothing_is_found_is_empty():
    model = tiny_model()
    with torch.no_grad():
        model.background_embedding.mul_(0)
        model.object_part_head.layers[-1].weight.zero_()  # all equal, and background comes first
    result = PartSegmenter(model)(RGB, NAMES, attention=True)
    assert (result.label_map == -1).all() and result.attention == {}


@pytest.mark.parametrize("store", [copy.deepcopy, lambda r: pickle.loads(pickle.dumps(r))])
@pytest.mark.parametrize("looked_at", [True, False])
def test_a_result_can_be_copied_and_stored_without_its_model(store, looked_at):
    result = PartSegmenter(finding_model())(RGB, NAMES, attention=True)
    if looked_at:
        assert result.probabilities.shape[0] == 3
    kept = store(result)
    assert kept.names == result.names and kept.scores == result.scores
    assert kept.vocabulary == result.vocabulary and kept.decoder is None
    for field in ("image", "label_map", "background"):
        assert np.array_equal(getattr(kept, field), getattr(result, field))
    assert kept.attention.keys() == result.attention.keys()
    for name in NAMES:
        assert np.array_equal(kept.masks[name], result.masks[name])
        assert np.array_equal(store(result.masks)[name], result.masks[name])
    assert kept.show() is not None and result.decoder is not None
    if looked_at:
        assert np.array_equal(kept.probabilities, result.probabilities)
    needs_model = ["probability_of", "parts", "objects"] + ["probabilities"] * (not looked_at)
    for field in needs_model:
        with pytest.raises(ValueError, match="without its model.*segment the image again"):
            getattr(kept, field)
    assert len(pickle.dumps(PartSegmenter(SMALL)(RGB, NAMES))) < 20_000  # no weights in it


def test_the_callers_default_dtype_changes_nothing():
    expected = PartSegmenter(tiny_model())(RGB, NAMES, attention=True)
    torch.set_default_dtype(torch.float64)
    try:
        model = tiny_model()
        found = PartSegmenter(model)(RGB, NAMES, attention=True)
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert {p.dtype for p in [*model.parameters(), *model.buffers()]} == {torch.float32}
    assert found.scores == expected.scores and found.probabilities.dtype == np.float32
    assert np.array_equal(found.probabilities, expected.probabilities)


def test_a_name_in_place_of_a_model_is_answered_with_the_way_to_load_it():
    for model in ("toy", Path("runs/mine"), None):
        with pytest.raises(TypeError, match=r"write PartSegmenter\.from_pretrained"):
            PartSegmenter(model)


@pytest.mark.parametrize("device", ["tpu", "cuda:9", "meta", "", "cpu:x", None, True, 3.5, "CPU"])
def test_a_device_that_is_not_there_is_named_with_those_that_are(device):
    with pytest.raises(ValueError, match=r"device .* cannot be used here; known devices: cpu"):
        PartSegmenter.from_pretrained("toy", device=device)


def test_whole_numbers_of_numpy_are_counts_and_truth_values_are_not():
    segmenter = PartSegmenter(SMALL, batch_size=np.int64(3), chunk=np.uint8(2))
    assert (segmenter.batch_size, segmenter.chunk) == (3, 2) and type(segmenter.chunk) is int
    for wrong in (True, np.bool_(True), "8", 2.0, None, -1, np.int64(0)):
        with pytest.raises(ValueError, match="batch_size must be a whole number from 1, got"):
            PartSegmenter(SMALL, batch_size=wrong)


@pytest.mark.parametrize("wrong", [{"batch_size": 0}, {"chunk": 1.5}, {"precision": "half"}])
def test_options_of_the_segmenter_that_cannot_be_are_named(wrong):
    with pytest.raises(
        ValueError, match=f"{next(iter(wrong))} must be .*, got {next(iter(wrong.values()))!r}"
    ):
        PartSegmenter(SMALL, **wrong)


def test_pictures_of_different_sizes_go_through_in_one_batch():
    model, vocabulary = tiny_model(), Vocabulary.from_names(NAMES)
    together = predict(model, [RGB, sample().image], vocabulary)
    assert together.object_part_logits.shape == (2, 4, SIZE, SIZE)
    for b, image in enumerate((RGB, sample().image)):
        alone = predict(model, [image], vocabulary).object_part_logits
        torch.testing.assert_close(alone[0], together.object_part_logits[b], atol=1e-5, rtol=1e-4)


def test_a_model_that_has_predicted_can_be_trained(segmenter):
    model = segmenter.model
    segmenter(RGB, NAMES)
    vocabulary = Vocabulary.from_names(NAMES)
    pixels = model.backbone.preprocess(torch.from_numpy(RGB).permute(2, 0, 1)[None])
    model(
        model.backbone.activations(pixels), model.embed(vocabulary)
    ).object_part_logits.mean().backward()
    assert model.merge_embeddings.weight.grad.abs().sum() > 0
    model.zero_grad()


def test_enlarged_logits_keep_their_values_at_pixel_centres():
    logits = torch.arange(12.0).view(1, 3, 4)
    assert resize_logits(logits, (3, 4)) is logits
    large = resize_logits(logits, (9, 12))
    torch.testing.assert_close(large[:, 1::3, 1::3], logits)


def test_a_picture_of_what_was_found_can_be_shown(segmenter):
    result = segmenter(RGB, NAMES)
    assert result.vocabulary.object_parts == tuple(NAMES)
    assert result.show() is not None


# ---- the shipped segmenter -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped():
    return partclipseg_lite.PartSegmenter.from_pretrained("toy")


def test_the_shipped_segmenter_finds_a_bus_and_the_parts_of_a_novel_object_in_drawn_pictures(
    shipped,
):
    world = partclipseg_lite.DrawnWorld("test", images=6, size=128, seed=5, objects=["car", "bus"])
    right = total = 0
    for picture in (world[i] for i in range(6)):
        labelled = picture.part_map != IGNORE
        names = [
            shown for shown in world.vocabulary.object_parts if shown.startswith(("car's", "bus's"))
        ]
        result = shipped(picture.image, names)
        ids = np.array([world.vocabulary.index(name) for name in names])
        right += (ids[result.probabilities.argmax(0)] == picture.part_map)[labelled].sum()
        total += labelled.sum()
    assert right / total > 0.25  # 16 parts compete: guessing reaches about 0.06


def test_synonyms_mean_nearly_the_same(shipped):
    world = partclipseg_lite.DrawnWorld("test", images=1, size=128, seed=5, objects=["dog"])
    dog, puppy = (
        shipped(world[0].image, [f"{word}'s head"]).probabilities[0].ravel()
        for word in ("dog", "puppy")
    )
    assert np.corrcoef(dog, puppy)[0, 1] > 0.5
