"""What is said of attention on a picture equals slow loops over places and pixels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import DRAWN, GRID, sample, tiny_model

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.evaluation.attention import (
    ObjectAttention,
    attention_on,
    control_losses,
    enhancement_with,
    looks_of,
    lost_on_grid,
    measure,
    measure_groups,
    measure_looks,
    shares_at,
    shares_changed,
    shares_changed_in,
    shares_on_grid,
    shares_over_gamma,
    soft_beside_printed,
    tap_changes,
)
from partclipseg_lite.evaluation.edits import look_everywhere
from partclipseg_lite.inference.predict import encode, predict
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.decoder import AttentionTap
from partclipseg_lite.release.departures import CornerPixel
from partclipseg_lite.settings import LossSettings
from partclipseg_lite.weights.models import load_model

MODEL, PICTURE, LOSS = tiny_model(), sample(("cat", "cow")), LossSettings(gamma=0.4)
N, CELL = GRID * GRID, 8


def only(picture: Sample, *parts: int) -> Sample:
    """The picture with these object parts labelled and no other."""
    return replace(
        picture, part_map=np.where(np.isin(picture.part_map, parts), picture.part_map, IGNORE)
    )


def ids_of(picture: Sample) -> list[int]:
    return [t for t in np.unique(picture.part_map).tolist() if t != IGNORE]


def test_every_object_gets_the_maps_of_its_parts_each_a_mean_over_the_pixels_of_the_true_mask():
    found = attention_on(MODEL, PICTURE, DRAWN)
    words = DRAWN.restrict([DRAWN.object_parts[t] for t in ids_of(PICTURE)])
    everything = AttentionTap(torch.arange(len(words.parts) + len(words.objects) + 1))
    predict(MODEL, [PICTURE.image], words, everything)
    attention = everything.weights.mean(1)[:, 1:, 1:]
    assert set(found) == {"cat", "cow"}
    for t in ids_of(PICTURE):
        obj, part = DRAWN.parse(DRAWN.object_parts[t])
        tables = (
            attention[words.parts.index(part)]
            + attention[len(words.parts) + words.objects.index(obj)]
        )
        rows, columns = np.nonzero(PICTURE.part_map == t)
        by_hand = sum(
            tables[y // CELL * GRID + x // CELL] for y, x in zip(rows, columns, strict=True)
        ) / len(rows)
        look = found[obj]
        torch.testing.assert_close(
            look.maps[list(look.masks).index(part)], by_hand, atol=1e-5, rtol=1e-4
        )
        assert (look.masks[part] == (PICTURE.part_map == t)).all()
        assert (
            look.on_object == (PICTURE.object_map == DRAWN.objects.index(obj))
        ).all() and look.obj == obj
        shown, normalised = (maps[part] for maps in look.by_part())
        assert np.allclose(shown.ravel(), by_hand) and shown.shape == normalised.shape == (
            GRID,
            GRID,
        )


def test_a_picture_without_parts_has_no_attention_and_loses_nothing():
    assert attention_on(MODEL, only(PICTURE), DRAWN) == {}
    assert lost_on_grid([only(PICTURE)], DRAWN, Objective(LOSS, GRID).on_grid) == {}


def written(
    maps: list[list[float]], masks: list[list[int]], on_object: list[int]
) -> ObjectAttention:
    """A look whose maps, and masks as lists of cells, a test writes down."""
    look = attention_on(MODEL, PICTURE, DRAWN)["cat"]

    def of_cells(cells: list[int]) -> np.ndarray:
        inside = np.isin(np.arange(N), cells).reshape(GRID, GRID)
        return inside.repeat(CELL, 0).repeat(CELL, 1)

    area = torch.stack(
        [torch.isin(torch.arange(N), torch.tensor(cells)).float() for cells in masks]
    )
    plan = replace(look.plan, area=area)
    return replace(look, maps=torch.tensor(maps), plan=plan, on_object=of_cells(on_object))


@pytest.mark.parametrize("seed", range(5))
def test_all_measurements_are_what_loops_over_parts_and_places_count(seed):
    rng = np.random.default_rng(seed)
    masks = [sorted(rng.choice(N, 3, replace=False).tolist()) for _ in range(2)]
    on_object = sorted({*masks[0], *masks[1], 0, 5})
    look = written(rng.random((2, N)).astype(np.float32).tolist(), masks, on_object)
    found, normalised = measure(look, LOSS), look.normalised.tolist()
    claimed = [[value >= LOSS.gamma for value in row] for row in normalised]
    times = [sum(row[n] for row in claimed) for n in range(N)]
    anyone, several = sum(t >= 1 for t in times), sum(t > 1 for t in times)
    missing = sum(times[n] == 0 for n in on_object)
    highest = [max(range(N), key=row.__getitem__) for row in look.maps.tolist()]
    expected = {
        "overlap": several / anyone,
        "missing places": missing / (missing + anyone),
        "missing parts": sum(not any(claimed[k][n] for n in masks[k]) for k in range(2)) / 2,
        "peak elsewhere": sum(highest[k] not in masks[k] for k in range(2)) / 2,
        "separation, printed": several / anyone / 2,
        "enhancement": 1 - min(max(float(look.maps[k, n]) for n in masks[k]) for k in range(2)),
    }
    soft = found.pop("separation, soft")
    assert found == pytest.approx(expected, abs=1e-5)
    assert shares_at(look, LOSS.gamma) == pytest.approx(
        {"overlap": several / anyone, "missing": found["missing places"]}
    )
    chance = torch.sigmoid((look.normalised - LOSS.gamma) / LOSS.temperature)
    both, none = chance.prod(0).sum(), (1 - chance).prod(0)
    assert soft == pytest.approx(float(both / (1 - none).sum() / 2), abs=1e-4)


def test_what_is_drawn_over_gamma_is_the_mean_over_objects_at_each_threshold():
    looks = attention_on(MODEL, PICTURE, DRAWN).values()
    found = shares_over_gamma(MODEL, [PICTURE], DRAWN, [0.2, 0.6])
    for row, gamma in zip(found, (0.2, 0.6), strict=True):
        each = [shares_at(look, gamma) for look in looks]
        assert row.tolist() == pytest.approx(
            [np.mean([s[name] for s in each]) for name in ("overlap", "missing")]
        )


def test_groups_are_measured_object_by_object_in_one_order_and_single_parts_are_left_out():
    alone = only(
        PICTURE,
        *ids_of(PICTURE)[:1],
        *[t for t in ids_of(PICTURE) if DRAWN.object_parts[t].startswith("cow")],
    )
    models = {"a": MODEL, "b": tiny_model(seed=1)}
    values = measure_groups(models, {"both": [PICTURE], "one": [alone]}, DRAWN, LOSS)
    for group, picture, objects in (("both", PICTURE, ("cat", "cow")), ("one", alone, ("cow",))):
        for title, model in models.items():
            looks = attention_on(model, picture, DRAWN)
            for quantity in measure(looks["cow"], LOSS):
                expected = [measure(looks[obj], LOSS)[quantity] for obj in objects]
                assert values[quantity][group][title].tolist() == pytest.approx(expected)


def test_gradients_reach_the_weights_only_when_asked_for():
    assert not attention_on(MODEL, PICTURE, DRAWN)["cat"].maps.requires_grad
    model = tiny_model()
    look = attention_on(model, PICTURE, DRAWN, gradients=True)["cat"]
    Objective(LOSS, GRID).separation(look.maps, look.plan).sum().backward()
    assert model.decoder.film.mul.weight.grad.abs().sum() > 0


def test_a_part_that_misses_the_grid_takes_the_enhancement_losss_gradient_away():
    model = tiny_model()
    look = attention_on(model, PICTURE, DRAWN, gradients=True)["cat"]
    weights = [*model.decoder.parameters()]
    by_area = enhancement_with(look, Objective(LOSS, GRID).on_grid, weights)
    assert by_area[0] == pytest.approx(control_losses(look, LOSS)["enhancement"].item())
    objective = Objective(LOSS, GRID).enhancement(look.maps, look.plan).sum()
    slopes = torch.autograd.grad(objective, weights, retain_graph=True, allow_unused=True)
    longest = torch.cat([g.flatten() for g in slopes if g is not None]).norm()
    assert by_area[1] == pytest.approx(float(longest), rel=1e-4) and by_area[1] > 0

    def without_first(masks):
        return Objective(LOSS, GRID).on_grid(masks).index_fill(1, torch.tensor([0]), 0)

    assert enhancement_with(look, without_first, weights) == (1, 0)


def test_an_edit_that_changes_nothing_changes_no_pixel_and_another_is_counted_on_labelled_pixels():
    both = {"same": lambda weights: weights, "everywhere": look_everywhere}
    told = shares_changed_in(MODEL, PICTURE, DRAWN, both)
    assert torch.equal(look_everywhere(torch.rand(2, 5)), torch.full((2, 5), 0.2))
    words = DRAWN.restrict([DRAWN.object_parts[t] for t in ids_of(PICTURE)])
    rows = torch.arange(len(words.parts) + len(words.objects))
    with torch.no_grad():
        activations, embedded = encode(MODEL, [PICTURE.image]), MODEL.embed(words)
        tap = AttentionTap(rows, edit=look_everywhere)
        before, after = (
            MODEL(activations, embedded, t).object_part_logits[0, :-1].argmax(0)
            for t in (None, tap)
        )
    labelled = [
        (y, x) for y, x in np.ndindex(PICTURE.part_map.shape) if PICTURE.part_map[y, x] != IGNORE
    ]
    changed = sum(bool(before[y, x] != after[y, x]) for y, x in labelled)
    assert told == pytest.approx({"same": 0, "everywhere": changed / len(labelled)})
    pictures = [PICTURE, sample(("bus",)), PICTURE]
    other = shares_changed_in(MODEL, pictures[1], DRAWN, both)["everywhere"]
    means = shares_changed({"a": MODEL}, {"some": pictures}, DRAWN, pictures=2, edits=both)
    assert means["everywhere"]["some"]["a"] == pytest.approx((told["everywhere"] + other) / 2)


def test_the_soft_loss_nears_the_printed_one_and_its_gradient_fades():
    look = attention_on(tiny_model(), PICTURE, DRAWN, gradients=True)["cat"]
    printed = measure(look, LOSS)["separation, printed"]
    rows = soft_beside_printed(look, LOSS, (0.2, 1e-6))
    assert [row[0] for row in rows] == [0.2, 1e-6]
    assert rows[1][1] == pytest.approx(printed, abs=1e-3) and rows[0][3] > rows[1][3]
    assert [row[2] for row in rows] == pytest.approx([printed, printed])


def test_the_losses_of_an_object_are_those_of_training_and_only_the_printed_one_lacks_a_gradient():
    look = attention_on(tiny_model(), PICTURE, DRAWN, gradients=True)["cat"]
    losses = control_losses(look, LOSS)
    assert {name: value.requires_grad for name, value in losses.items()} == {
        "printed": False,
        "soft": True,
        "enhancement": True,
    }
    for name, form in (("printed", "paper"), ("soft", "soft")):
        training = Objective(LOSS.model_copy(update={"separation": form}), GRID)
        assert (
            float(training.separation(look.maps, look.plan).mean().detach()) == losses[name].item()
        )
    assert (
        float(training.enhancement(look.maps, look.plan).mean().detach())
        == losses["enhancement"].item()
    )


def test_looks_of_several_models_stand_side_by_side_and_are_measured_so():
    models = {"a": MODEL, "b": tiny_model(seed=1)}
    looks = looks_of(models, [only(PICTURE), PICTURE], DRAWN)
    assert {obj: list(of_model) for obj, of_model in looks.items()} == {
        "cat": ["a", "b"],
        "cow": ["a", "b"],
    }
    measured = measure_looks(looks, LOSS)
    assert set(measured) == {"cat, a", "cat, b", "cow, a", "cow, b"}
    for title, model in models.items():
        assert measured[f"cow, {title}"] == pytest.approx(
            measure(attention_on(model, PICTURE, DRAWN)["cow"], LOSS)
        )


def test_tapping_changes_no_logit_and_editing_does():
    words = DRAWN.restrict(["cat's head", "cat's leg"])
    shape, by_tapping, by_editing = tap_changes(MODEL, PICTURE.image, words)
    assert tuple(shape) == (3, 2, 1 + N, 1 + N) and by_tapping < 1e-4 < by_editing
    assert tap_changes(MODEL, PICTURE.image, words, edit=lambda weights: weights)[2] < 1e-4


def test_a_part_is_lost_where_no_corner_pixel_of_a_cell_lies_on_it_and_never_by_area():
    small = only(PICTURE)
    cat, cow = DRAWN.index("cat's eye"), DRAWN.index("cow's eye")
    small.part_map[9:12, 9:12], small.part_map[16, 16] = cat, cow  # beside a corner, and on one
    lost = {
        kind: lost_on_grid([small, PICTURE], DRAWN, kind(LOSS, GRID).on_grid)
        for kind in (Objective, CornerPixel)
    }
    assert lost[CornerPixel]["eye"] == [True, False] and not any(map(any, lost[Objective].values()))
    for t in ids_of(PICTURE):
        corners = any(
            PICTURE.part_map[y, x] == t for y in range(0, 32, CELL) for x in range(0, 32, CELL)
        )
        assert (not corners) in lost[CornerPixel][DRAWN.parse(DRAWN.object_parts[t])[1]]


def test_what_is_left_of_a_mask_on_the_grid_is_the_share_of_each_cell_that_it_touches():
    mask = np.zeros((32, 32), bool)
    mask[7:10, 4:6] = True  # 2 pixels in one cell, 4 in the cell below
    assert shares_on_grid(mask, Objective(LOSS, GRID).on_grid) == pytest.approx([2 / 64, 4 / 64])
    assert shares_on_grid(mask, CornerPixel(LOSS, GRID).on_grid) == []


def test_the_two_shipped_models_differ_in_the_weights_of_the_two_losses_and_in_nothing_else():
    with_control, without = (
        load_model(name)[1].model_dump() for name in ("toy", "toy_no_attention_control")
    )
    assert with_control.pop("preset") != without.pop("preset")
    for weight in ("separation_weight", "enhancement_weight"):
        assert with_control["loss"].pop(weight) > without["loss"].pop(weight) == 0
    assert with_control == without
