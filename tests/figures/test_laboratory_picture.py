"""The laboratory's figure for print: claims in colours, overlap hatched, numbers in its caption."""

import io
from dataclasses import replace

import numpy as np
import torch
from laboratory_cases import random_scene
from PIL import Image

from partclipseg_lite.figures import laboratory_picture as drawn
from partclipseg_lite.figures.laboratory import Gaze
from partclipseg_lite.figures.maps import coverage, coverage_shares
from partclipseg_lite.losses.attention_control import normalise_maps

COLOURS = ["#ff0000", "#00ff00"]


def scene_of(head, torso, on_object):
    """A scene of 4 x 4 places with maps as they are given."""
    maps = np.stack([head, torso]).reshape(1, 1, 2, 16).astype(np.float32)
    scene = random_scene("dog", 0, side=4, parts=2, models="a")
    gazes = {"a": {0: Gaze({"paper": maps, "released": maps})}}
    return replace(scene, on_object=on_object.ravel(), gazes=gazes)


def test_claims_are_coloured_overlap_is_striped_and_missing_places_are_dark():
    head, torso = np.zeros((2, 4, 4))
    head[0, 0] = head[0, 1] = torso[0, 1] = torso[0, 2] = 1
    on_object = np.zeros((4, 4), bool)
    on_object[3, 3] = True
    scene = scene_of(head, torso, on_object)
    normalised = np.stack([head, torso]).reshape(2, 16)
    cells = drawn._claimed(scene, normalised, 0.5, COLOURS)
    cells = cells.reshape(4, drawn.CELL, 4, drawn.CELL, 3).swapaxes(1, 2)
    one, both, other, free, missing = (cells[at] for at in ((0, 0), (0, 1), (0, 2), (1, 1), (3, 3)))
    assert (one[..., 0] > 2 * one[..., 1]).all() and (other[..., 1] > 2 * other[..., 0]).all()
    striped = (both == 20).all(-1)
    assert 0.2 < striped.mean() < 0.6 and not (one == 20).all(-1).any()
    assert missing.max() < 130 < free.min()


def test_the_caption_tells_the_shares_that_the_package_measures():
    scene = random_scene("dog", 3)
    picture, told = drawn.static_picture(scene, 0.3, ["#ff0000", "#00ff00", "#0000ff"])
    for model, steps in scene.gazes.items():
        maps = normalise_maps(torch.from_numpy(steps[20].maps["paper"][-1].mean(0)), scene.side)
        square = maps.view(-1, scene.side, scene.side).numpy()
        on_object = scene.on_object.reshape(scene.side, -1)
        shares = coverage_shares(coverage(square, 0.3, on_object))
        text = f"{model}, {shares['overlap']:.0%} overlap and {shares['missing']:.0%} missing"
        assert text in told
    with Image.open(io.BytesIO(picture)) as opened:
        assert opened.format == "WEBP" and opened.width > 1000
