"""Figures of the attention chapter: numbers in place, one scale for all maps, clear errors."""

import io

import numpy as np
import pytest
from PIL import Image

from partclipseg_lite.figures import attention_lab as lab
from partclipseg_lite.figures import to_png_bytes
from partclipseg_lite.figures.laboratory_picture import GAMMAS

IMAGE = np.full((32, 32, 3), 120, np.uint8)
OBJ_MASK = np.zeros((32, 32), bool)
OBJ_MASK[8:24, 8:24] = True
MASKS = {"head": np.zeros((32, 32), bool), "torso": np.zeros((32, 32), bool)}
MASKS["head"][8:16, 8:24], MASKS["torso"][16:24, 8:24] = True, True


def maps(shift=0.0):
    head, torso = np.zeros((4, 4)), np.zeros((4, 4))
    head[1, 1:3], torso[2, 1:3] = 0.9 - shift, 0.6
    torso[1, 1] = 0.5  # strays into the head
    return {"head": head, "torso": torso}


def models():
    return {"without": (maps(), maps()), "with": (maps(0.2), maps(0.2))}


def texts(picture):
    return [text.get_text() for axes in picture.axes for text in axes.texts]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


GROUPS = {
    "seen": {"a": np.array([0.1, 0.3]), "b": np.array([0.2, 0.2])},
    "novel": {"a": [0.5], "b": [0.4]},
}
FIGURES = {
    "number_grids": lambda: lab.number_grids(maps()),
    "one_part": lambda: lab.one_part_on_the_grid(IMAGE, MASKS["head"], 8, (0, 0, 24, 24)),
    "side_by_side": lambda: lab.side_by_side(IMAGE, models(), 0.3, masks=MASKS, obj_mask=OBJ_MASK),
    "trade_off": lambda: lab.trade_off({"one": np.full((len(GAMMAS), 2), 0.5)}, 0.3),
    "means": lambda: lab.means_with_errors({"overlap": GROUPS, "missing": GROUPS}),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_white_fits_a_page_and_is_the_same_every_time(name):
    png = to_png_bytes(FIGURES[name]())
    assert png == to_png_bytes(FIGURES[name]())
    assert (pixels(png)[0, 0] == 255).all() and pixels(png).shape[1] <= 760


def test_every_cell_of_a_small_grid_carries_its_number():
    values = {"map": np.array([[0.25, 1.0], [0.5, 0.0]]), "count": np.array([[2, 1], [0, 0]])}
    picture = lab.number_grids(values, masks={"map": np.array([[True, False], [False, False]])})
    assert texts(picture) == ["0.25", "1.00", "0.50", "0.00", "2", "1", "0", "0"]
    assert [len(axes.patches) for axes in picture.axes] == [1, 0], (
        "one framed cell, in the map with a mask"
    )


def test_the_share_of_each_cell_is_written_as_it_is_covered():
    mask = np.zeros((32, 32), bool)
    mask[9:13, 9:13] = True  # 16 of the 64 pixels of one cell
    picture = lab.one_part_on_the_grid(IMAGE, mask, 8, (0, 0, 24, 24))
    assert sorted(texts(picture)) == sorted(["0%"] * 8 + ["25%"])


def test_all_maps_of_both_models_share_one_colour_scale():
    picture = lab.side_by_side(IMAGE, models(), 0.3, masks=MASKS, obj_mask=OBJ_MASK)
    scales = {
        (image.norm.vmin, image.norm.vmax)
        for axes in picture.axes
        for image in axes.images
        if image.get_array().ndim == 2 and image.get_array().shape == (4, 4)
    }
    assert scales == {(0, 0.9)}


def test_the_trade_off_marks_each_model_at_gamma_on_its_line():
    path = np.stack([np.linspace(0.8, 0, len(GAMMAS)), np.linspace(0, 0.6, len(GAMMAS))], axis=1)
    picture = lab.trade_off({"without": path, "with": path[::-1]}, 0.3)
    lines = picture.axes[0].lines
    assert len(lines) == 4
    at = GAMMAS.tolist().index(0.3)
    for line, mark, values in zip(lines[::2], lines[1::2], (path, path[::-1]), strict=True):
        assert np.allclose(line.get_xydata(), 100 * values[:, ::-1])
        assert np.allclose(mark.get_xydata(), 100 * values[at, ::-1])
    assert [line.get_markerfacecolor() for line in lines[1::2]] == ["white", "#222222"]


def test_the_error_of_a_mean_is_the_textbook_one():
    mean, error = lab.mean_and_error([1.0, 2.0, 3.0, 6.0])
    assert mean == 3.0 and error == pytest.approx(np.sqrt((4 + 1 + 0 + 9) / 3) / 2)
    assert lab.mean_and_error([5.0]) == (5.0, 0.0)


class Look:
    masks, on_object = MASKS, OBJ_MASK

    def by_part(self):
        return maps(), maps(0.2)


def test_looks_are_shown_as_their_maps_would_be():
    looks = {"without": Look(), "with": Look()}
    pairs = {title: look.by_part() for title, look in looks.items()}
    expected = lab.side_by_side(IMAGE, pairs, 0.3, masks=MASKS, obj_mask=OBJ_MASK)
    assert to_png_bytes(lab.looks_beside(IMAGE, looks, 0.3)) == to_png_bytes(expected)


@pytest.mark.parametrize(("cell", "corner"), [((2, 1), (8, 0)), ((0, 0), (0, 0)), ((3, 3), (8, 8))])
def test_a_close_up_has_the_mask_in_its_middle_cell_unless_the_border_is_near(cell, corner):
    mask = np.zeros((32, 32), bool)
    mask[8 * cell[0] + 3, 8 * cell[1] + 5] = True
    box = lab.box_around(mask, 8)
    assert box == (*corner, corner[0] + 24, corner[1] + 24)
    lab.one_part_on_the_grid(IMAGE, mask, 8, box)


BAD = {
    "no grid": (lambda: lab.number_grids({}), "no maps to show"),
    "a missing map": (
        lambda: lab.side_by_side(
            IMAGE, {"one": ({"head": maps()["head"]}, maps())}, 0.3, masks=MASKS, obj_mask=OBJ_MASK
        ),
        "'one' has no map of 'torso'",
    ),
    "a box outside": (
        lambda: lab.one_part_on_the_grid(IMAGE, MASKS["head"], 8, (16, 16, 40, 40)),
        "must lie in the image",
    ),
    "a box that cuts cells": (
        lambda: lab.one_part_on_the_grid(IMAGE, MASKS["head"], 8, (0, 0, 20, 24)),
        "multiple of 8",
    ),
    "no values": (lambda: lab.mean_and_error([]), "no values"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_gets_one_clear_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()
