"""The playground in a live notebook, driven as a reader does; and what it gives to the book."""

import io
import re

import numpy as np
import pytest
from helpers import sample, tiny_model
from PIL import Image

from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.datasets.pick import alone
from partclipseg_lite.inference import panels, playground
from partclipseg_lite.inference.asking import ask, question
from partclipseg_lite.inference.gallery import MODELS, gallery
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.vocabulary import Vocabulary

DRAWN = Vocabulary.load("drawn")


@pytest.fixture(scope="module")
def live():
    """Widgets with two tiny random models; tests leave it asking about a picture of the gallery."""
    return playground.LivePlayground(
        {"a": tiny_model(PartCLIPSeg, seed=1), "b": tiny_model(CLIPSeg, seed=2)}
    )


def png(array) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="png")
    return buffer.getvalue()


def picture_of(live) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(live.image.value)).convert("RGB"))


# ---- the gallery ---------------------------------------------------------------------------------


def test_the_gallery_is_chosen_by_its_rule():
    examples = gallery(64)
    assert [e.title for e in examples if e.kind == "novel"][:5] == list(DRAWN.novel_objects)
    assert {e.title for e in examples if e.kind == "seen"} == {"cat", "bus"}
    cat = next(e for e in examples if e.title == "cat")
    world = DrawnWorld("test", 400, 128, objects=["cat"])
    fits = alone("cat", part_pixels=8)
    first = next(i for i in range(400) if fits(world.picture(i)))
    assert cat.sample.name == world.names[first]
    assert cat.names == tuple(f"cat's {part}" for part in DRAWN.parts_of("cat"))


# ---- widgets -------------------------------------------------------------------------------------


def test_a_picture_of_the_gallery_is_asked_for_its_objects_parts(live):
    live.example.value = next(label for label in live.example.options if "cat, seen" in label)
    names = [f"cat's {part}" for part in DRAWN.parts_of("cat")]
    assert live.names.value == ", ".join(names)
    assert live.said.value == "" and picture_of(live).std() > 10
    assert all(name.replace("'", "&#x27;") in live.table.value for name in names)
    wanted = ask(live.models["a"], live.scene.image, list(map(question, names)))
    assert np.allclose(live.scene.answers["a"].logits, wanted.logits)


def test_words_are_typed_and_one_more_is_added(live):
    live.names.value = "dog's head, wheel,\nPUPPY's tail"
    assert [one.name for one in live.scene.questions] == ["dog's head", "wheel", "PUPPY's tail"]
    live.more.value = "dog"
    assert live.more.value == "" and live.names.value.endswith(", dog")
    assert len(live.scene.answers["b"].questions) == 4


def test_every_view_shows_another_picture_and_its_own_controls(live):
    live.names.value = "dog's head, dog's leg"
    seen = []
    for view, control, value in (
        (panels.VIEWS[0], live.told, True),
        (panels.VIEWS[1], live.column, 0.9),
        (panels.VIEWS[2], live.gamma, 0.7),
    ):
        live.view.value = view
        shown = [name for name, box in live.of_view.items() if box.layout.display is None]
        assert shown == [view]
        seen.append(picture_of(live))
        control.value = value
        seen.append(picture_of(live))
        assert live.said.value == ""
    assert all(not np.array_equal(one, other) for one, other in zip(seen, seen[1:], strict=False))
    live.view.value, live.told.value, live.gamma.value = panels.VIEWS[0], False, 0.3


def test_opacity_nought_leaves_the_picture(live):
    live.view.value, live.opacity.value = panels.VIEWS[0], 0.0
    clear = picture_of(live)
    live.opacity.value = 1.0
    assert np.abs(clear.astype(int) - picture_of(live)).max() > 50
    live.opacity.value = 0.7


@pytest.mark.parametrize("version", [7, 8])
def test_a_picture_of_ones_own_of_either_ipywidgets_is_read_as_everywhere(live, version):
    rgba = np.zeros((30, 50, 4), np.uint8)
    rgba[:, :20] = (200, 10, 10, 255)  # the rest is transparent, that is, white
    contents = png(rgba)
    file = {"name": "mine.png", "type": "image/png", "size": len(contents)}
    if version == 7:
        value = {"mine.png": {"metadata": file, "content": contents}}
    else:
        value = ({**file, "content": memoryview(contents)},)
    assert playground.uploaded(value) == contents
    live.upload = type("Upload", (), {"value": value})()
    live._guarded(live._picture_uploaded)
    assert live.said.value == "" and live.scene.truth is None
    assert live.scene.image[5, 5].tolist() == [200, 10, 10]
    assert live.scene.image[5, 40].tolist() == [255, 255, 255]


def test_what_goes_wrong_is_said_and_the_rest_stays(live):
    live.example.value = live.example.options[0]
    before = live.table.value
    live.names.value = "zebra's head"
    assert "no word &#x27;zebra&#x27;" in live.said.value and "near ones" in live.said.value
    assert live.table.value == before
    live.names.value = "dog's head"
    assert live.said.value == ""
    live.names.value = ""
    assert "ask for something" in live.said.value
    live.names.value = "dog's head, " + ", ".join(["dog"] + [f"dog's {p}" for p in DRAWN.parts])
    assert "at most 24 names" in live.said.value
    live.names.value = "dog's head"
    live.upload = type("Upload", (), {"value": [{"content": b"no picture"}]})()
    live._guarded(live._picture_uploaded)
    assert "cannot be read as a picture" in live.said.value
    live.weights.value = "runs/nothing"
    live.load.click()
    assert "no weights at &#x27;runs/nothing&#x27;" in live.said.value
    assert list(live.models) == ["a", "b"]


def test_other_weights_become_another_column(monkeypatch):
    monkeypatch.setattr(playground, "load_model", lambda name: [tiny_model(CLIPSeg, seed=9)])
    live = playground.LivePlayground({"a": tiny_model(PartCLIPSeg)})
    live.weights.value = "runs/mine"
    live.load.click()
    assert list(live.scene.answers) == ["a", "runs/mine"] and "runs/mine" in live.table.value
    for _ in range(3):
        live.weights.value += "x"
        live.load.click()
    assert len(live.models) == 4 and "at most 4 models" in live.said.value


def test_names_are_shown_as_text():
    scene = panels.Scene(sample(size=32).image, (question("dog"),))
    scene.answers["<b>"] = ask(tiny_model(PartCLIPSeg), scene.image, scene.questions)
    assert "&lt;b&gt;" in playground.table_of(scene)


def test_the_cell_gives_widgets_of_the_models_asked_for(monkeypatch):
    asked = []
    monkeypatch.setattr(
        playground, "load_model", lambda n: asked.append(n) or [tiny_model(CLIPSeg)]
    )
    monkeypatch.delenv(playground.IN_BOOK, raising=False)
    box = playground.playground(["toy", "runs/mine"])
    assert asked == ["toy", "runs/mine"] and len(box.children) > 5
    asked.clear()
    playground.playground()
    assert asked == list(MODELS)
    playground.playground({"mine": tiny_model(PartCLIPSeg)})


# ---- in the book ---------------------------------------------------------------------------------


def test_the_book_gets_the_pages_own_playground_with_a_picture_to_print(monkeypatch):
    monkeypatch.setenv(playground.IN_BOOK, "1")
    monkeypatch.setattr(playground, "load_model", lambda name: [tiny_model(PartCLIPSeg)])
    html = playground.playground()._repr_html_()
    assert "data-playground" in html and f'{playground.STATIC}playground.js" defer' in html
    alt, caption = re.search(r'alt="([^"]+)".*<figcaption>(.*)</figcaption>', html).groups()
    assert alt == caption and "dog, novel" in caption and "dog&#x27;s muzzle" in caption
    assert len(html) < 300_000


# ---- panels --------------------------------------------------------------------------------------


def test_a_number_stands_deep_inside_its_mask():
    mask = np.zeros((20, 30), bool)
    mask[8:, 20:] = True
    x, y = panels.deepest(mask)
    assert mask[y - 4 : y + 5, x].all() and mask[y, x - 4 : x + 5].all()


@pytest.mark.parametrize("shape", [(1, 1), (7, 900), (2000, 3)])
def test_pictures_of_odd_shapes_are_shown(shape):
    scene = panels.Scene(np.zeros((*shape, 3), np.uint8), (question("dog's head"),))
    assert max(scene.size) <= panels.LONGEST and min(scene.size) >= 1
    scene.answers["a"] = ask(tiny_model(PartCLIPSeg), scene.image, scene.questions)
    for scene.view in panels.VIEWS:
        panels.panels(scene)
