"""The laboratory's data hold what was found, its JavaScript computes as Python does."""

import base64
import json
import os
import re
import subprocess
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from laboratory_cases import as_embedded, expected, random_scene, relabelled

import javascript
from book_pages import ROOT
from partclipseg_lite.figures import laboratory as lab
from partclipseg_lite.figures.laboratory import LAST_BLOCK_BITS, Gaze, laboratory

SCENES = [random_scene("dog", 0), random_scene("cow", 1, side=4, parts=2)]


@pytest.fixture(autouse=True)
def no_static_picture(monkeypatch):
    """Its own test draws it; elsewhere it would only take time."""
    monkeypatch.setattr(lab, "static_picture", lambda scene, *_: (b"picture", scene.title))


def embedded(made: lab.Laboratory) -> dict:
    return json.loads(made.data)


def test_javascript_computes_what_python_does(tmp_path):
    reference = {
        "data": embedded(laboratory(SCENES)),
        "cases": expected(SCENES, LAST_BLOCK_BITS, gradients=True),
    }
    file = tmp_path / "reference.json"
    file.write_text(json.dumps(reference))
    tests = sorted(str(path) for path in (ROOT / "tests" / "figures" / "web").glob("*.test.mjs"))
    ran = subprocess.run(
        [javascript.node(), "--test", "--test-reporter=tap", *tests],
        env={**os.environ, "REFERENCE": str(file)},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert re.search(r"^# pass [1-9]", ran.stdout, re.MULTILINE)
    assert re.search(r"^# skipped 0", ran.stdout, re.MULTILINE), ran.stdout


@pytest.mark.parametrize("bits", [6, 8, 12])
@pytest.mark.parametrize(("lowest", "highest"), [(0, 2), (0, 0.3), (0.01, 0.0103), (0, 0), (1, 1)])
def test_rounding_costs_at_most_half_a_step_between_a_maps_own_ends(bits, lowest, highest):
    rng = np.random.default_rng(bits)
    maps = lowest + (highest - lowest) * rng.random((3, 40)) ** 4
    codes, ends = lab.rounded(maps, bits)
    step = (np.ptp(maps, -1, keepdims=True) + 2 * lab.UNIT) / (2**bits - 1)
    assert (np.abs(lab.restored(codes, ends, bits) - maps) <= 0.5 * step + 1e-12).all()
    assert codes.max(initial=0) < 2**bits


def test_embedded_maps_of_all_readings_differ_from_those_found_by_less_than_a_thousandth():
    for scene in SCENES:
        for steps in scene.gazes.values():
            for reading, maps in steps[20].maps.items():
                back = as_embedded(scene, reading, maps[-1].astype(float), LAST_BLOCK_BITS)
                assert np.abs(back - maps[-1]).max() < 1e-3


def test_the_blob_holds_two_byte_numbers_lower_bytes_first():
    blob = lab.Blob()
    assert blob.add(np.array([1, 2], np.uint8)) == 0
    assert blob.add(np.array([[0x0102, 0x0304]], np.uint16)) == 2
    text = blob.text()
    letters = text["blob"].translate({new: old for old, new in lab.PLAIN.items()})
    packed = base64.b85decode(letters)[: text["bytes"]]
    assert zlib.decompress(packed) == bytes([1, 2, 2, 4, 1, 3])


class Open(HTMLParser):
    """Names of the elements that are open at the end, and all scripts' texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.scripts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)


def test_the_html_is_whole_whatever_the_titles_say():
    evil = relabelled(SCENES[0], title='</script><b>"dog\'s" & <!-- more', parts=("<i>", "b", "c"))
    made = laboratory([evil])
    parsed = Open(made._repr_html_())
    assert not parsed.open
    assert len(parsed.scripts) == 2
    assert json.loads(parsed.scripts[0])["scenes"][0]["title"] == evil.title
    assert "</b>" not in made._fallback and "<b>" not in made._fallback


def test_the_same_scenes_make_the_same_html_and_others_another_mark():
    mark = re.compile(r'data-laboratory="([\w-]+)"')
    one, same, other = (laboratory(s)._repr_html_() for s in (SCENES, SCENES, SCENES[:1]))
    assert one == same
    assert mark.search(one)[1] != mark.search(other)[1]


def test_modules_become_functions_that_give_what_they_export():
    text = lab.script("x")
    assert not re.search(r"^\s*(import|export)\b", text, re.MULTILINE)
    assert "return { mountAll };" in text
    assert "</script" not in text and "<!--" not in text


def test_nothing_is_asked_of_the_network():
    made = laboratory(SCENES)._repr_html_()
    addresses = set(re.findall(r"https?://[\w./]+", made))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_the_start_is_found_by_its_title_and_numbers_are_those_given():
    data = embedded(laboratory(SCENES, start="cow", gamma=0.4, temperature=0.07, written=False))
    assert (data["start"], data["gamma"], data["tau"]) == (1, 0.4, 0.07)
    assert data["written"] is None


BAD = {
    "no scene": (lambda: laboratory([]), "at least one scene"),
    "an unknown start": (
        lambda: laboratory(SCENES, start="cat"),
        "'cat' is no scene; there are dog",
    ),
    "different models": (
        lambda: laboratory([SCENES[0], random_scene("cow", 2, models=("a", "c"))]),
        "'cow' was looked at by a, c, 'dog' by a, b",
    ),
    "five models": (lambda: laboratory([random_scene("dog", 2, models="abcde")]), "1 to 4 models"),
    "a gamma of 2": (lambda: laboratory(SCENES, gamma=2), "gamma must lie in 0.01..0.99, got 2"),
    "maps beyond 2": (
        lambda: laboratory(
            [
                relabelled(
                    SCENES[0],
                    gazes={"a": {0: Gaze({r: np.full((1, 1, 3, 25), 3.0) for r in lab.READINGS})}},
                )
            ]
        ),
        "sums of two attentions lie in 0..2",
    ),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
def test_what_makes_no_laboratory_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
