"""Pictures of rendered pages: light, sharp, and sized before they are loaded."""

import numpy as np
import pytest
from PIL import Image

import web_pictures

PAGE = (
    '<p>see _images/a.png</p><a href="../_images/photo.png"><img alt="A" class="wide" '
    'src="../_images/photo.png" style="width: 300px;" /></a>'
    '<img alt="B" src="../_images/flat.png"/>'
    '<img src="../_images/sized.png" width="7" height="5"/><img src="logo.png"/>'
)


@pytest.fixture
def pages(tmp_path):
    folder = tmp_path / "_images"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (200, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "photo.png")
    for name, size in (("flat", (40, 30)), ("sized", (14, 10))):
        Image.new("RGB", size).save(folder / f"{name}.png")
    (tmp_path / "index.html").write_text(PAGE)
    web_pictures.improve(tmp_path)
    return tmp_path


def test_a_heavy_picture_becomes_webp_everywhere_and_looks_the_same(pages):
    text = (pages / "index.html").read_text()
    assert "photo.png" not in text and text.count("photo.webp") == 2
    assert sorted(p.name for p in (pages / "_images").iterdir()) == [
        "flat.png",
        "photo.webp",
        "sized.png",
    ]
    with Image.open(pages / "_images" / "photo.webp") as image:
        assert image.size == (600, 200)


def test_pictures_carry_the_size_at_which_they_are_shown(pages):
    text = (pages / "index.html").read_text()
    assert 'width="300" height="100" alt="A" class="wide"' in text and "style=" not in text
    assert '<img width="40" height="30" alt="B" src="../_images/flat.png"/>' in text
    assert '<img src="../_images/sized.png" width="7" height="5"/><img src="logo.png"/>' in text


def test_a_second_time_changes_nothing(pages):
    before = (pages / "index.html").read_text()
    web_pictures.improve(pages)
    assert (pages / "index.html").read_text() == before
