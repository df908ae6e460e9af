"""Figures: what they paint where, the same every time; wrong input says what is wrong."""

import io
import tracemalloc

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from partclipseg_lite import figures
from partclipseg_lite.datasets.sample import Sample
from partclipseg_lite.figures.base import SEEN, UNSEEN, spread
from partclipseg_lite.figures.maps import MISSING, NOTHING, ONE, OVERLAP, coverage_shares
from partclipseg_lite.vocabulary import Vocabulary, available

DRAWN = Vocabulary.load("drawn")
HEAD, TORSO = DRAWN.index("dog's head"), DRAWN.index("dog's torso")


def dog(height=40, width=50):
    """A grey picture with a dog's torso and, in its upper right corner, a head."""
    part_map = np.full((height, width), -1)
    part_map[15:30, 10:40] = TORSO
    part_map[10:20, 32:44] = HEAD
    object_map = np.where(part_map >= 0, DRAWN.object_index("dog"), -1)
    return Sample(np.full((height, width, 3), 100, np.uint8), object_map, part_map, "grey dog")


def pixels(picture, scale=1.0):
    return np.asarray(Image.open(io.BytesIO(figures.to_png_bytes(picture, scale))).convert("RGB"))


def all_figures():
    sample = dog()
    nothing, on_dog = np.full_like(sample.part_map, -1), sample.object_map >= 0
    maps = {"head": np.eye(4), "torso": np.ones((4, 4)) / 2}
    result = {"oracle_obj": {"seen": 50.0, "unseen": 30.0, "harmonic": 37.5}}
    return {
        "show_sample": lambda: figures.show_sample(sample, DRAWN),
        "contact_sheet": lambda: figures.contact_sheet(
            [sample.image] * 5, columns=3, titles=list("abcde")
        ),
        "compare": lambda: figures.compare(
            sample.image, {"truth": sample.part_map, "none": nothing}, DRAWN
        ),
        "object_part_matrix": lambda: figures.object_part_matrix(DRAWN),
        "heatmaps": lambda: figures.heatmaps(sample.image, maps),
        "attention_panel": lambda: figures.attention_panel(
            sample, maps, obj_mask=on_dog, vocabulary=DRAWN
        ),
        "curves": lambda: figures.curves({"loss": [3, 2, 1], "other": [1, 1, 1]}, smooth=2),
        "score_bars": lambda: figures.score_bars({"CLIPSeg": result, "PartCLIPSeg": [result] * 3}),
    }


# ---- every figure --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", all_figures())
def test_a_figure_is_the_same_png_every_time_white_and_independent_of_the_users_style(name):
    first = figures.to_png_bytes(all_figures()[name]())
    with matplotlib.rc_context(
        {
            "axes.facecolor": "black",
            "figure.facecolor": "black",
            "font.size": 30,
            "savefig.facecolor": "black",
            "text.color": "red",
        }
    ):
        second = figures.to_png_bytes(all_figures()[name]())
    assert first == second
    image = np.asarray(Image.open(io.BytesIO(first)).convert("RGB"))
    assert (image == 255).all(-1).mean() > 0.05  # the paper is white
    assert len(np.unique(image.reshape(-1, 3), axis=0)) > 5


@pytest.mark.parametrize("name", all_figures())
def test_a_figure_shows_itself_in_a_notebook_and_leaves_no_open_pyplot_figure(name):
    from matplotlib import pyplot

    picture = all_figures()[name]()
    png, shown = picture._repr_png_()
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG" and abs(image.width - 2 * shown["width"]) <= 1
    assert not pyplot.get_fignums()


@pytest.mark.parametrize("name", available())
def test_the_matrix_draws_one_cell_for_every_object_part_of_every_vocabulary(name):
    vocabulary = Vocabulary.load(name)
    cells = figures.object_part_matrix(vocabulary).axes[0].patches
    colours = [cell.get_facecolor()[:3] for cell in cells]
    assert colours.count(to_rgb(SEEN)) == int(vocabulary.seen.sum())
    assert colours.count(to_rgb(UNSEEN)) == int((~vocabulary.seen).sum())


# ---- colours -------------------------------------------------------------------------------------


def test_a_part_has_one_colour_in_all_vocabularies_and_no_other_part_shares_it():
    colour_of = {}
    for name in available():
        vocabulary = Vocabulary.load(name)
        palette = figures.part_palette(vocabulary)
        assert palette.shape == (len(vocabulary.parts), 3) and palette.dtype == np.uint8
        for part, colour in zip(vocabulary.parts, palette, strict=True):
            assert colour_of.setdefault(part, tuple(colour.tolist())) == tuple(colour.tolist())
    assert len(set(colour_of.values())) == len(colour_of)


def test_parts_of_one_object_are_easy_to_tell_apart():
    from partclipseg_lite.figures.palette import _cielab

    lab = _cielab(figures.part_palette(DRAWN))
    for obj in range(len(DRAWN.objects)):
        own = lab[DRAWN.part_of[DRAWN.object_of == obj].numpy()]
        distance = np.linalg.norm(own[:, None] - own[None], axis=-1) + 1000 * np.eye(len(own))
        assert distance.min() > 15, DRAWN.objects[obj]  # 2.3 is just noticeable


def test_free_words_get_colours_too():
    words = Vocabulary.from_names({"robot": ["antenna", "head", "gripper"]})
    palette = dict(zip(words.parts, figures.part_palette(words).tolist(), strict=True))
    assert palette["head"] == figures.part_palette(DRAWN)[DRAWN.parts.index("head")].tolist()
    assert len({tuple(colour) for colour in palette.values()}) == 3
    assert figures.object_palette(DRAWN).shape == (22, 3)


# ---- overlays ------------------------------------------------------------------------------------


def test_an_overlay_paints_parts_in_their_colours_and_outlines_them_in_white():
    sample = dog()
    colours = figures.part_palette(DRAWN)
    painted = figures.overlay(sample.image, sample.part_map, DRAWN, alpha=1, fade=0)
    factor = painted.shape[0] // 40
    assert painted.shape == (40 * factor, 50 * factor, 3) and min(painted.shape[:2]) >= 384
    at = painted[factor // 2 :: factor, factor // 2 :: factor]
    assert at[25, 20].tolist() == colours[DRAWN.parts.index("torso")].tolist()
    assert at[15, 38].tolist() == colours[DRAWN.parts.index("head")].tolist()
    assert at[2, 2].tolist() == [100, 100, 100]
    assert (painted[25 * factor] > 220).all(-1).sum() >= 2  # two outlines are crossed
    # Nothing but background is predicted.
    plain = figures.overlay(sample.image, np.full((40, 50), len(DRAWN)), DRAWN, fade=0)
    assert (plain == 100).all()


def test_tensors_small_maps_and_pil_images_are_welcome():
    sample = dog()
    small = torch.from_numpy(figures.upscale_nearest(sample.part_map, (20, 25)))
    painted = figures.overlay(Image.fromarray(sample.image), small, DRAWN)
    assert painted.shape == figures.overlay(sample, sample.part_map, DRAWN).shape


def test_a_tensor_of_bytes_is_the_same_picture_as_the_array():
    image = dog().image
    assert np.array_equal(figures.base.as_rgb(torch.from_numpy(image)), image)
    floats = torch.from_numpy(image).float() / 255
    assert np.array_equal(figures.base.as_rgb(floats), image)
    halves = figures.base.as_rgb(floats.bfloat16()).astype(int)
    assert np.abs(halves - image).max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(1, 7), st.integers(1, 4))
def test_nearest_upscaling_by_a_whole_factor_repeats_every_pixel(height, width, factor):
    array = np.arange(height * width * 2).reshape(height, width, 2)
    big = figures.upscale_nearest(array, (height * factor, width * factor))
    np.testing.assert_array_equal(big, array.repeat(factor, 0).repeat(factor, 1))
    np.testing.assert_array_equal(figures.upscale_nearest(big, (height, width)), array)


def test_png_bytes_keep_arrays_and_scale_them_by_nearest_pixel():
    array = np.random.default_rng(0).integers(0, 255, (3, 5, 3), np.uint8)
    np.testing.assert_array_equal(pixels(array), array)
    np.testing.assert_array_equal(pixels(array, 4), array.repeat(4, 0).repeat(4, 1))
    sheet = figures.contact_sheet([array])
    assert pixels(sheet, 2).shape[0] == 2 * pixels(sheet).shape[0]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-10, 110), min_size=1, max_size=30).map(sorted))
def test_spread_labels_keep_order_distance_and_limits(wanted):
    places = spread(wanted, 0, 100, gap=4)
    gap = min(4, 100 / len(wanted))
    assert (np.diff(places) > gap - 1e-6).all() and places[0] >= -1e-6 and places[-1] <= 100 + 1e-6


# ---- attention -----------------------------------------------------------------------------------


def test_coverage_counts_claims_and_missing_places_as_a_slow_loop_does():
    rng = np.random.default_rng(0)
    maps, mask = rng.random((3, 6, 6)), rng.random((6, 6)) < 0.5
    covered = figures.coverage(maps, 0.6, mask)
    for y in range(6):
        for x in range(6):
            claims = sum(maps[k, y, x] >= 0.6 for k in range(3))
            expected = (
                MISSING if claims == 0 and mask[y, x] else (NOTHING, ONE, OVERLAP, OVERLAP)[claims]
            )
            assert covered[y, x] == expected
    several, claimed = ((maps >= 0.6).sum(0) > 1).sum(), ((maps >= 0.6).sum(0) >= 1).sum()
    assert coverage_shares(covered)["overlap"] == several / claimed  # Eq. 8 without its 1/|C|
    missing = (covered == MISSING).sum()
    assert coverage_shares(covered)["missing"] == missing / (missing + claimed)


def test_the_threshold_moves_coverage_from_everything_to_nothing():
    maps = {"head": np.linspace(0.1, 0.9, 16).reshape(4, 4), "torso": np.full((4, 4), 0.5)}
    assert (figures.coverage(maps, 0.0) == OVERLAP).all()
    assert (figures.coverage(maps, 1.0) == NOTHING).all()
    assert (figures.coverage(maps, 1.0, np.ones((8, 8), bool)) == MISSING).all()
    image = figures.coverage_image(figures.coverage(maps, 0.5), dog().image)
    assert image.dtype == np.uint8 and image.shape[2] == 3


# ---- names and sizes of any kind -----------------------------------------------------------------

ODD = ["dog's $x_", "dog's _head", "猫's 头🐶", "a^b's c\\d$", "مرحبا's ef", "dog's {$\\frac"]


def texts(picture):
    return {text.get_text() for text in picture.findobj(Text)}


def test_names_are_shown_as_they_are_in_every_figure_and_without_warnings(recwarn):
    words = Vocabulary.from_names(ODD)
    ids = np.arange(1600).reshape(40, 40) * len(ODD) // 1600
    of = words.object_of.numpy()
    sample = Sample(np.zeros((40, 40, 3), np.uint8), of[ids], ids, "odd")
    maps = {name: np.eye(4) for name in ODD}
    parts, title = set(words.parts), "$a_ ^\\frac{\n"
    shown = [
        (figures.compare(sample.image, {title: ids}, words), parts | {title}),
        (figures.show_sample(sample, words), set(ODD)),
        (figures.object_part_matrix(words), parts | set(words.objects)),
        (figures.heatmaps(sample.image, maps), set(ODD)),
        (figures.attention_panel(sample.image, maps, title=title), {*ODD, title}),
        (figures.contact_sheet([sample.image], titles=[title]), {title}),
        (figures.curves({name: [1.0, 2.0] for name in ODD}, log=True), {f"{n}  2" for n in ODD}),
        (figures.score_bars({title: {"plain": {"_s": 1.0}}}, "plain", keys=["_s"]), {title, "_s"}),
    ]
    for picture, names in shown:
        figures.to_png_bytes(picture)
        assert names <= texts(picture)
        assert not any(text.get_parse_math() for text in picture.findobj(Text) if text.get_text())
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("shape", [(3000, 2), (1, 100000), (9000, 7000)])
def test_long_and_large_pictures_need_no_gigabytes(shape):
    height, width = figures.base.display_size(shape)
    assert 1 <= min(height, width) and max(height, width) <= 4096
    if max(shape) > 5000 and min(shape) > 5000:
        return  # only its size: the picture itself would make the test slow
    image, ids = np.zeros((*shape, 3), np.uint8), np.zeros(shape, int)
    maps = {"dog's head": np.eye(4)}
    tracemalloc.start()
    assert figures.overlay(image, ids, DRAWN).size <= 3 * 4096 * 4096
    for picture in (
        figures.compare(image, {"a": ids}, DRAWN),
        figures.heatmaps(image, maps),
        figures.attention_panel(image, maps, obj_mask=ids == 0),
        figures.contact_sheet([image]),
        figures.show_sample(Sample(image, ids, ids, "long"), DRAWN),
    ):
        drawn = Image.open(io.BytesIO(figures.to_png_bytes(picture)))
        assert max(drawn.size) < 8000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300e6


def test_common_pictures_are_shown_at_whole_multiples_of_their_size():
    assert figures.base.display_size((128, 200)) == (384, 600)
    assert figures.base.display_size((3000, 4000)) == (3000, 4000)
    assert figures.base.display_size((100, 2000)) == (200, 4000)


NAN = np.full((4, 4), np.nan)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda i: figures.overlay(i, NAN, DRAWN), "the label map has 16 values .* not finite"),
        (lambda i: figures.overlay(np.full((4, 4, 3), np.nan), i[..., 0], DRAWN), "not finite"),
        (lambda i: figures.overlay(i, i[..., 0].astype(str), DRAWN), "expected whole numbers"),
        (lambda i: figures.overlay(i / 1.0 + 300, i[..., 0], DRAWN), "divide by 255"),
        (lambda i: figures.heatmaps(i, {"a": NAN}), "the map of 'a' has 16 values"),
        (lambda i: figures.heatmaps(i, {"a": np.array([[np.inf]])}), "the map of 'a' has 1 values"),
        (lambda i: figures.attention_panel(i, {"a": NAN}), "the map of 'a'"),
        (lambda i: figures.coverage(NAN[None], 0.3), "the stack of maps has 16"),
        (lambda i: figures.to_png_bytes(NAN), "the image has 16 values"),
    ],
)
def test_values_that_are_not_finite_are_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((4, 4, 3), np.uint8))


# ---- bad inputs ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: figures.overlay(np.zeros((4, 4)), np.zeros((4, 4)), DRAWN),
            ValueError,
            r"expected \[H, W, 3\]",
        ),
        (
            lambda: figures.overlay(np.zeros((4, 4, 3), int), np.zeros((4, 4)), DRAWN),
            TypeError,
            "expected uint8",
        ),
        (
            lambda: figures.overlay(dog().image, np.zeros((4, 4, 2)), DRAWN),
            ValueError,
            r"shape \(4, 4, 2\)",
        ),
        (
            lambda: figures.compare([dog().image] * 2, {"a": [dog().part_map]}, DRAWN),
            ValueError,
            "1 label maps",
        ),
        (lambda: figures.contact_sheet([]), ValueError, "no images"),
        (
            lambda: figures.contact_sheet([dog().image], titles=["a", "b"]),
            ValueError,
            "2 titles for 1 images",
        ),
        (lambda: figures.heatmaps(dog().image, {}), ValueError, "no maps"),
        (
            lambda: figures.heatmaps(dog().image, {"a": np.zeros(4)}),
            ValueError,
            r"map of 'a' has shape \(4,\)",
        ),
        (lambda: figures.coverage(np.zeros((4, 4)), 0.3), ValueError, r"expected \[K, h, w\]"),
        (lambda: figures.curves({}), ValueError, "no numbers"),
        (lambda: figures.curves({"a": ([1, 2], [1])}), ValueError, "'a' has"),
        (lambda: figures.score_bars({}), ValueError, "no results"),
        (lambda: figures.score_bars({"m": {"plain": {}}}), ValueError, "no 'oracle_obj'"),
        (
            lambda: figures.score_bars({"m": {"plain": {"seen": None}}}, "plain", keys=["seen"]),
            ValueError,
            "no",
        ),
        (lambda: figures.to_png_bytes("picture"), TypeError, "figure or an image array"),
        (lambda: figures.to_png_bytes(dog().image, 0), ValueError, "scale must lie in"),
        (
            lambda: figures.upscale_nearest(np.zeros((2, 2)), 0),
            ValueError,
            "side of size must lie in",
        ),
    ],
)
def test_bad_input_gets_one_clear_error(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), -0.1, 2, True, "0.3", None])
def test_a_threshold_or_an_opacity_that_is_none_is_one_error(value):
    for call in (
        lambda: figures.coverage(np.zeros((1, 2, 2)), value),
        lambda: figures.coverage_image(np.zeros((2, 2), int), alpha=value),
    ):
        with pytest.raises(
            (TypeError, ValueError), match="(gamma|alpha) must (be a number|lie in)"
        ):
            call()


@pytest.mark.parametrize("size", [0, 10**400, float("nan"), "3", None, (2,), (2, 3, 4), True])
def test_a_size_that_is_none_is_one_error(size):
    with pytest.raises((TypeError, ValueError), match="size must"):
        figures.upscale_nearest(np.zeros((2, 2)), size)
