"""What the laboratory shows is what the models' attention gives by slow loops, in both readings."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import DRAWN, GRID, sample, tiny_model

from partclipseg_lite.datasets import IGNORE
from partclipseg_lite.evaluation.attention import attention_on, shares_at
from partclipseg_lite.evaluation.laboratory import (
    as_sample,
    look_at,
    overlap_where,
    trade_offs,
)
from partclipseg_lite.figures.laboratory_picture import GAMMAS
from partclipseg_lite.inference.predict import predict
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.network.decoder import AttentionTap

MODEL, OTHER, PICTURE = tiny_model(), tiny_model(seed=1), sample(("cat", "cow"))
N, CELL, BLOCKS, HEADS = GRID * GRID, 8, 3, 2
SCENES = look_at({"one": {5: MODEL, 9: OTHER}, "other": OTHER}, [PICTURE], DRAWN)


def mask_of(scene, part) -> np.ndarray:
    return PICTURE.part_map == DRAWN.index(f"{scene.title}'s {part}")


def tables(model, block: int) -> tuple[dict[str, torch.Tensor], object]:
    """Word -> its attention [heads, N, N] in a block, from a tap on everything."""
    names = [DRAWN.object_parts[t] for t in np.unique(PICTURE.part_map) if t != IGNORE]
    words = DRAWN.restrict(names)
    tap = AttentionTap(torch.arange(len(words.parts) + len(words.objects)), block=block)
    predict(model, [PICTURE.image], words, tap)
    return dict(zip((*words.parts, *words.objects), tap.weights[:, :, 1:, 1:], strict=True))


def test_a_scene_for_each_object_with_its_parts_and_whether_it_was_seen():
    assert [(scene.title, scene.kind) for scene in SCENES] == [("cat", "seen"), ("cow", "seen")]
    for scene in SCENES:
        assert (scene.image == PICTURE.image).all() and scene.side == GRID
        for k, part in enumerate(scene.parts):
            cells = mask_of(scene, part).reshape(GRID, CELL, GRID, CELL).sum((1, 3)).ravel()
            assert (scene.own[k] == (cells > 0)).all()
        shares = [
            mask_of(scene, p).reshape(GRID, CELL, GRID, CELL).sum((1, 3)) for p in scene.parts
        ]
        shares = np.array(shares).reshape(len(scene.parts), N)
        for n in range(N):
            held = shares[:, n]
            assert scene.holder[n] == (held.argmax() if held.any() else -1)


def test_maps_of_every_block_and_head_are_means_over_the_pixels_of_the_mask():
    for block in range(BLOCKS):
        attention = tables(OTHER, block)
        for scene in SCENES:
            maps = scene.gazes["other"][0].maps["paper"]
            assert maps.shape == (BLOCKS, HEADS, len(scene.parts), N)
            for k, part in enumerate(scene.parts):
                both = attention[part] + attention[scene.title]
                rows, columns = np.nonzero(mask_of(scene, part))
                by_hand = torch.stack(
                    [
                        both[:, y // CELL * GRID + x // CELL]
                        for y, x in zip(rows, columns, strict=True)
                    ]
                ).mean(0)
                np.testing.assert_allclose(maps[block, :, k], by_hand, atol=1e-5)


def test_released_maps_are_half_sums_over_corner_pixels_divided_by_all_places():
    attention = tables(OTHER, -1)
    for scene in SCENES:
        maps = scene.gazes["other"][0].maps["released"][-1]
        on_object = PICTURE.object_map == DRAWN.objects.index(scene.title)
        assert (scene.within == on_object[::CELL, ::CELL].ravel()).all()
        for k, part in enumerate(scene.parts):
            corners = np.flatnonzero(mask_of(scene, part)[::CELL, ::CELL])
            assert scene.corners[k] == len(corners)
            both = attention[part] + attention[scene.title]
            by_hand = both[:, corners].sum(1) / 2 / N
            np.testing.assert_allclose(maps[:, k], by_hand, atol=1e-6)


def test_the_mean_of_the_last_block_is_what_attention_control_meets():
    looks = attention_on(OTHER, PICTURE, DRAWN)
    for scene in SCENES:
        mean = scene.gazes["other"][0].maps["paper"][-1].mean(0)
        np.testing.assert_allclose(mean, looks[scene.title].maps, atol=1e-5)


def test_a_patch_looks_where_the_part_that_holds_it_looks():
    attention = tables(OTHER, -1)
    for scene in SCENES:
        rows = scene.gazes["other"][0].rows
        for n, k in enumerate(scene.holder):
            if k < 0:
                assert not rows[n].any()
            else:
                both = (attention[scene.parts[k]] + attention[scene.title]).mean(0)
                np.testing.assert_allclose(rows[n], both[n], atol=1e-5)


def test_of_steps_the_last_is_looked_at_in_full_and_earlier_ones_in_their_last_block():
    early, late = (SCENES[0].gazes["one"][step] for step in (5, 9))
    assert early.rows is None and early.maps["paper"].shape[:2] == (1, 1)
    whole = look_at({"one": MODEL}, [PICTURE], DRAWN)[0].gazes["one"][0].maps["paper"]
    np.testing.assert_allclose(early.maps["paper"][0, 0], whole[-1].mean(0), atol=1e-6)
    np.testing.assert_array_equal(late.maps["paper"], SCENES[0].gazes["other"][0].maps["paper"])


def test_a_picture_without_labels_is_looked_at_with_the_masks_that_the_model_finds():
    found = PartSegmenter(MODEL)(PICTURE.image, ["cat's head", "cat's leg", "dog's tail"])
    made, words = as_sample(found)
    for t, name in enumerate(found.names):
        assert ((made.part_map == t) == found.masks[name]).all()
        obj = words.objects.index(name.split("'")[0])
        assert (made.object_map[found.masks[name]] == obj).all()
    assert (made.object_map[found.label_map < 0] == IGNORE).all()
    expected = {name.split("'")[0] for name in found.names if found.masks[name].any()}
    assert {scene.title for scene in look_at({"mine": MODEL}, [made], words)} == expected


def test_pictures_without_a_part_give_nothing_to_look_at():
    empty = replace(PICTURE, part_map=np.full_like(PICTURE.part_map, IGNORE))
    with pytest.raises(ValueError, match="none of the samples shows a part"):
        look_at({"one": MODEL}, [empty], DRAWN)
    assert len(look_at({"one": MODEL}, [empty, PICTURE], DRAWN)) == 2


def test_trade_offs_are_means_over_objects_at_every_threshold():
    trades = trade_offs({"one": MODEL, "other": OTHER}, [PICTURE], DRAWN)
    looks = attention_on(OTHER, PICTURE, DRAWN).values()
    at = GAMMAS.tolist().index(0.4)
    for column, kind in enumerate(("overlap", "missing")):
        mean = np.mean([shares_at(look, 0.4)[kind] for look in looks])
        assert trades["other"][at, column] == pytest.approx(mean)


def test_overlap_is_read_off_a_path_where_so_much_is_missing():
    path = np.array([[0.9, 0.1], [0.5, 0.3], [0.6, 0.2], [0.1, 0.5]])
    read = overlap_where(path, {"a": 0.1, "b": 0.4, "beyond": 0.6})
    assert read["a"] == 0.9 and read["b"] == pytest.approx(0.35) and np.isnan(read["beyond"])
