"""What chapters say of the official checkpoint is counted; every compared row has one kind."""

import json
import math

import numpy as np
import pytest
import torch
from helpers import sample, tiny_model

from partclipseg_lite.inference.predict import predict
from partclipseg_lite.release import recorded
from partclipseg_lite.release.comparison import Row, deterministic_weight, shipped_reference
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.converters import official_table


def test_all_values_of_the_checkpoint_are_counted_and_those_that_we_leave_out_are_dead():
    shapes, sizes, dead = (
        recorded.official_shapes(),
        recorded.official_sizes(),
        recorded.dead_sizes(),
    )
    assert len(shapes) == len(sizes) == 482 and sum(sizes.values()) == sum(
        map(math.prod, shapes.values())
    )
    left_out = {name: number for names in dead.values() for name, number in names.items()}
    used = {name for names in official_table().values() for name in names}
    assert set(left_out) == set(sizes) - used and all(
        sizes[name] == number for name, number in left_out.items()
    )


def test_what_trains_is_what_the_release_names_so():
    trained = dict.fromkeys(recorded.TRAINED, 0)
    for name, number in recorded.official_sizes().items():
        if name.startswith("clip.text_model.embeddings"):
            trained["text embeddings"] += number
        elif name.startswith("decoder"):
            trained["decoder"] += number
        elif name.startswith("visual_adapter"):
            trained["adapter"] += number
    assert recorded.trained_sizes() == trained and all(trained.values())


def test_a_made_up_checkpoint_holds_the_deterministic_weights_under_official_names(
    tmp_path, monkeypatch
):
    shapes = {"partclipseg_model.decoder.film_mul.bias": (3,), "partclipseg_model.logit_scale": ()}
    monkeypatch.setattr(recorded, "official_shapes", lambda: shapes)
    written = torch.load(recorded.make_up_checkpoint(tmp_path / "made_up.pth"), weights_only=True)[
        "model"
    ]
    assert written.keys() == shapes.keys()
    assert all(
        torch.equal(written[name], deterministic_weight(name, shape))
        for name, shape in shapes.items()
    )


def test_the_recorded_picture_comes_with_the_winners_of_the_release():
    picture, winners = recorded.recorded_picture()
    assert (
        picture.dtype == np.uint8
        and picture.shape == (*winners.shape, 3)
        and winners.dtype == np.int64
    )


def rows():
    """A row for each recorded kind, named as `compare_released` names them."""
    names = json.loads((shipped_reference() / "released.json").read_text())
    found = [Row(name, 0.0, 0, "differences") for name in names if name.endswith("_classes")]
    found += [Row(f"gradient of {name}", 1e-5, 1e-3, "relative") for name in names["grad_norm"]]
    found += [
        Row(name, 1e-7, 1e-5, "relative")
        for name in ("loss, total", "image 0 alone: loss, separation", "cross-entropy, x")
    ]
    return [
        *found,
        Row("pred_all, IoU (8 numbers)", 0.0, 1e-6, "absolute"),
        Row("oracle_obj, IoU (4 numbers)", 1.0, 1e-6, "absolute"),
    ]


def test_rows_are_sorted_by_kind_and_none_is_lost():
    groups = recorded.by_kind(rows())
    assert sorted(row.name for some in groups.values() for row in some) == sorted(
        row.name for row in rows()
    )
    assert {kind: len(some) for kind, some in groups.items()} == {
        "lists of names": 7,
        "losses": 3,
        "gradients": 18,
        "evaluator": 2,
    }


def test_a_row_of_no_kind_is_an_error():
    with pytest.raises(
        ValueError, match=r"the row 'a new number' is of the kinds \[\], expected one"
    ):
        recorded.by_kind([Row("a new number", 0.0, 0.0, "absolute")])


def test_the_summary_counts_what_agrees_and_what_the_rows_stand_for():
    lines = recorded.summary(recorded.by_kind(rows())).splitlines()
    assert lines[0] == "lists of names          7 of  7 within 0e+00"
    assert lines[-3:] == [
        "evaluator               1 of  2 within 1e-06",
        "the evaluator's rows stand for 12 numbers",
        "29 of 30 comparisons agree",
    ]


def test_the_table_of_deviations_has_a_line_for_every_row():
    lines = str(recorded.deviations_table(rows())).splitlines()[2:]
    assert (
        len(lines) == 30
        and lines[-1] == "| oracle_obj, IoU (4 numbers) | 1.0e+00 | 1e-06 | absolute |"
    )


def test_a_model_that_is_not_made_of_the_checkpoint_does_not_add_up():
    with pytest.raises(ValueError, match="not what the checkpoint holds"):
        recorded.loaded_summary(tiny_model())


def test_a_forward_is_summed_up_by_what_was_asked_and_the_shapes_that_came():
    model, words = tiny_model(), Vocabulary.from_names(["dog's head", "cat's head", "dog's tail"])
    output = predict(model, [sample().image], words)
    first, *shapes, last = recorded.forward_summary(model, words, output).splitlines()
    assert first == "2 parts + 2 objects + background = 5 conditions of 17 tokens"
    assert [line.split(maxsplit=1)[1] for line in shapes] == [
        "(1, 2, 32, 32)",
        "(1, 2, 32, 32)",
        "(1, 1, 32, 32)",
        "(1, 4, 32, 32)",
    ]
    assert last == "blocks that nothing reads: 0, 0.0 M parameters"


def test_the_best_part_has_the_size_of_the_picture_and_the_highest_logit():
    model, words, picture = (
        tiny_model(),
        Vocabulary.from_names(["dog's head", "dog's tail"]),
        sample().resized((40, 24)).image,
    )
    found = recorded.best_part(model, picture, words)
    logits = predict(model, [picture], words).part_logits
    enlarged = torch.nn.functional.interpolate(logits, size=(40, 24), mode="bilinear")[0]
    assert found.shape == (40, 24) and (found == enlarged.argmax(0).numpy()).all()


def test_the_checkpoint_is_summed_up_with_the_paper_s_number_of_values():
    text = recorded.checkpoint_summary(Vocabulary.load("pascal_part_116").seen_only())
    total = sum(recorded.official_sizes().values())
    assert (
        f"482 tensors, {total / 1e6:.1f} M values, " in text
        and "152.4 M" in text
        and " of 49,408" in text
    )
