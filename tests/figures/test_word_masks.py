"""A figure that answers without any script."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from partclipseg_lite.figures.word_masks import WordMasks

IMAGE = np.random.default_rng(0).integers(0, 255, (60, 90, 3), dtype=np.uint8)
RAMP = np.tile(np.linspace(0, 1, 90), (60, 1))


def layers(html):
    found = re.findall(r'src="data:image/(\w+);base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(text))) for _, text in found]


def test_a_mask_is_clear_where_the_model_is_sure_and_fog_where_it_is_not():
    picture, mask = layers(WordMasks(IMAGE, {"dog": RAMP})._repr_html_())
    assert picture.size == (90, 60) and mask.mode == "LA"
    alpha = np.asarray(mask)[..., 1]
    assert (alpha[:, -1] == 0).all() and (alpha[:, 0] > 200).all()
    assert (np.diff(alpha.astype(int), axis=1) <= 0).all()


def test_each_word_is_a_labelled_button_and_shows_its_own_mask():
    html = WordMasks(IMAGE, {"dog": RAMP, "cat's <head>": 1 - RAMP})._repr_html_()
    assert "<head>" not in html and "cat&#x27;s &lt;head&gt;" in html
    buttons = re.findall(r'<input type="radio" name="([^"]+)" id="([^"]+)"( checked)?>', html)
    assert len({name for name, _, _ in buttons}) == 1
    assert [bool(checked) for *_, checked in buttons] == [True, False]
    assert re.findall(r'<label for="([^"]+)"', html) == [one for _, one, _ in buttons]
    for k, (_, one, _) in enumerate(buttons):
        assert f"#{one}:checked ~ .stack img.m{k}" in html and f'<img class="m{k}"' in html


def test_two_figures_on_a_page_do_not_share_buttons():
    names = [
        re.search(r'name="([^"]+)"', WordMasks(IMAGE, {"dog": RAMP})._repr_html_())[1]
        for _ in range(2)
    ]
    assert len(set(names)) == 2


def test_choices_may_be_of_something_else_and_patches_stay_patches():
    html = WordMasks(IMAGE, {"block 0": np.eye(14)}, ask="Choose a block:")._repr_html_()
    assert "<legend>Choose a block:</legend>" in html and "image-rendering: pixelated" in html
    assert layers(html)[1].size == (14, 14)
    assert "pixelated" not in WordMasks(IMAGE, {"dog": RAMP})._repr_html_()


def test_masks_are_kept_small():
    large = WordMasks(np.zeros((900, 1200, 3), np.uint8), {"dog": np.ones((900, 1200))})
    assert max(layers(large._repr_html_())[1].size) == 128


def test_a_wide_figure_keeps_more_of_its_picture_and_masks():
    strip, mask = np.zeros((200, 1000, 3), np.uint8), np.ones((200, 1000))
    html = WordMasks(strip, {"dog": mask}, side=450, map_side=500)._repr_html_()
    assert [layer.size for layer in layers(html)] == [(900, 180), (500, 100)]
    assert "max-width: 450px" in html


def test_a_picture_otherwise_painted_is_a_choice_before_the_words():
    red = np.full_like(IMAGE, (200, 30, 30))
    html = WordMasks(IMAGE, {"dog": RAMP}, painted={"all parts": red})._repr_html_()
    assert re.findall(r"<label[^>]*>([^<]+)", html) == ["all parts", "dog"]
    _, painted, mask = layers(html)
    assert painted.mode == "RGB" and mask.mode == "LA" and "all parts painted" in html
    assert np.abs(np.asarray(painted).astype(int) - (200, 30, 30)).max() < 12


def test_without_masks_and_with_broken_ones_it_says_so():
    with pytest.raises(ValueError, match="no masks to show"):
        WordMasks(IMAGE, {})
    with pytest.raises(ValueError, match="the mask of 'dog' has 1 values that are not finite"):
        WordMasks(IMAGE, {"dog": np.array([[np.nan, 0.0]])})
