"""Figures of the attention chapter: numbers in place, one scale for all maps, clear errors."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from partclipseg_lite.figures import attention_lab as lab
from partclipseg_lite.figures import to_png_bytes
from partclipseg_lite.figures.maps import COVERAGE_COLOURS, OVERLAP, coverage_shares

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
    "gamma": lambda: lab.gamma_picture(
        IMAGE, {"without": maps(), "with": maps()}, 0.3, obj_mask=OBJ_MASK
    ),
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


def test_the_titles_tell_overlap_and_missing_of_each_model():
    picture = lab.gamma_picture(IMAGE, {"without": maps(), "with": maps()}, 0.3, obj_mask=OBJ_MASK)
    covered = lab.coverage(maps(), 0.3, OBJ_MASK)
    shares = coverage_shares(covered)
    assert shares == {"overlap": 1 / 4, "missing": 0.0}
    assert [axes.get_title() for axes in picture.axes] == [
        f"{name}\noverlap 25%, missing 0%" for name in ("without", "with")
    ]


def test_a_higher_threshold_shows_less_overlap():
    red = np.round(255 * np.array(to_rgb(COVERAGE_COLOURS[OVERLAP])))
    count = []
    for gamma in (0.05, 0.55):
        png = lab.small_png(lab.gamma_picture(IMAGE, {"one": maps()}, gamma, obj_mask=OBJ_MASK))
        upper = pixels(png)[: pixels(png).shape[0] * 2 // 3]  # without the legend
        count.append((np.abs(upper - red).sum(-1) < 200).sum())
    assert count[0] > 10 * max(count[1], 1)


def test_a_small_png_is_smaller_and_looks_the_same():
    ramp = np.broadcast_to(np.arange(60, 220, 5, dtype=np.uint8)[:, None, None], IMAGE.shape).copy()
    draw = lambda: lab.gamma_picture(ramp, {"one": maps()}, 0.3, obj_mask=OBJ_MASK)  # noqa: E731
    small, full = lab.small_png(draw(), scale=1.0), to_png_bytes(draw())
    assert len(small) < len(full)
    difference = np.abs(pixels(small).astype(int) - pixels(full))
    assert difference.mean() < 2 and np.percentile(difference, 99) < 20


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
    pictures = lab.gamma_pictures(IMAGE, looks, (0.05, 0.3))
    claimed = {title: normalised for title, (_, normalised) in pairs.items()}
    assert list(pictures) == ["0.05", "0.30"]
    assert pictures["0.30"] == lab.small_png(
        lab.gamma_picture(IMAGE, claimed, 0.3, obj_mask=OBJ_MASK)
    )


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
