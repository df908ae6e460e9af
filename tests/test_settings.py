"""Settings refuse what they do not know, say what they do know, and have a fingerprint."""

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partclipseg_lite.reading import BUNDLES, PAPER, RELEASED, Reading
from partclipseg_lite.settings import PRESETS, Settings, parse_overrides, setting_names


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_says_its_name(preset):
    settings = Settings.from_preset(preset)
    assert settings.preset == preset
    assert settings.model.kind == (
        "clipseg" if "clipseg" in preset.replace("partclipseg", "") else "partclipseg"
    )
    assert Settings.model_validate_json(settings.model_dump_json()) == settings


def test_the_baseline_and_the_ablation_differ_from_toy_in_what_they_are_named_for_only():
    toy = Settings.from_preset("toy").model_dump()
    for preset, changed in (
        ("toy_clipseg", {"model", "training"}),
        ("toy_no_attention_control", set()),
    ):
        other = Settings.from_preset(preset).model_dump()
        # The baseline's words cannot be counted in parts and objects.
        for group, values in other.items():
            if group == "training":
                assert {k for k in values if values[k] != toy[group][k]} <= {
                    "parts_per_image",
                    "objects_per_image",
                    "object_parts_per_image",
                }
        assert {group for group in toy if toy[group] != other[group]} == {
            "preset",
            "loss",
        } | changed
        assert other["loss"]["separation_weight"] == other["loss"]["enhancement_weight"] == 0


def test_overrides_reach_their_group():
    settings = Settings.from_preset(
        "smoke", {"training.steps": 7, "loss.separation": "paper", "model.layers": [0, 2]}
    )
    assert (settings.training.steps, settings.loss.separation, settings.model.layers) == (
        7,
        "paper",
        (0, 2),
    )
    assert settings.data == Settings.from_preset("smoke").data


@pytest.mark.parametrize(
    ("preset", "overrides", "message"),
    [
        ("tyo", {}, r"unknown preset 'tyo', did you mean 'toy'\? \(known: toy, "),
        (
            "toy",
            {"training.step": 3},
            r"unknown setting 'training.step', did you mean 'training.steps'",
        ),
        ("toy", {"training": {}}, "unknown setting 'training'"),
        ("toy", {"qqq": 1}, r"unknown setting 'qqq' \(known: reading"),
        (
            "toy",
            {"training.steps": 0},
            "setting 'training.steps': .*greater than or equal to 1, got 0",
        ),
        ("toy", {"training.steps": "many"}, "setting 'training.steps': .*integer.*got 'many'"),
        ("toy", {"training.steps": 2.5}, "setting 'training.steps'"),
        ("toy", {"loss.gamma": 1.5}, "setting 'loss.gamma'"),
        (
            "toy",
            {"loss.separation": "hard"},
            "setting 'loss.separation': .*'paper' or 'soft', got 'hard'",
        ),
        ("toy", {"model.kind": "sam"}, "setting 'model.kind'"),
    ],
)
def test_wrong_settings_are_named_in_one_error(preset, overrides, message):
    with pytest.raises(ValueError, match=message) as caught:
        Settings.from_preset(preset, overrides)
    assert "\n" not in str(caught.value)


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        Settings.from_preset("toy").training.steps = 3


@given(
    st.sampled_from(
        sorted(name for name in setting_names() if name.startswith(("training.", "data.")))
    )
)
def test_the_hash_changes_with_any_setting_and_with_nothing_else(name):
    toy, group = Settings.from_preset("toy"), name.split(".")
    value = getattr(getattr(toy, group[0]), group[1])
    annotation = type(getattr(toy, group[0])).model_fields[group[1]].annotation
    others = [
        v
        for v in get_args(annotation) or ((not value,) if annotation is bool else (value + 1,))
        if v != value
    ]
    if not others:  # "drawn" is the only data set so far
        return
    changed = Settings.from_preset("toy", {name: others[0]})
    assert changed.hash() != toy.hash() == Settings.from_preset("toy", {name: value}).hash()
    assert toy.hash() == Settings.model_validate(json.loads(toy.model_dump_json())).hash()


# ---- readings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, PAPER),
        ({"reading": "paper"}, PAPER),
        ({"reading": "released"}, RELEASED),
        ({"reading": RELEASED.model_dump()}, RELEASED),
        ({"reading.channels": "bgr"}, Reading(channels="bgr")),
        (
            {"reading": "released", "reading.channels": "rgb"},
            Reading(**{**BUNDLES["released"], "channels": "rgb"}),
        ),
        (
            {"reading.channels": "rgb", "reading": "released"},
            Reading(**{**BUNDLES["released"], "channels": "rgb"}),
        ),
        (
            parse_overrides(["reading=released", "reading.peak_in=mask"]),
            Reading(**{**BUNDLES["released"], "peak_in": "mask"}),
        ),
    ],
)
def test_a_reading_is_a_bundle_with_single_options_changed(overrides, expected):
    settings = Settings.from_preset("toy", overrides)
    assert settings.reading == expected
    again = Settings.model_validate_json(settings.model_dump_json())
    assert (
        again == settings
        and again.hash() == settings.hash()
        and again.reading.name == expected.name
    )


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"reading": "press"},
            "setting 'reading': .*unknown reading 'press' .known: paper, released",
        ),
        (
            {"reading.chanels": "rgb"},
            "unknown setting 'reading.chanels', did you mean 'reading.channels'",
        ),
        ({"reading.channels": "grb"}, "setting 'reading.channels': .*'rgb' or 'bgr', got 'grb'"),
        ({"reading": {"base": "released", "colour": "rgb"}}, "setting 'reading.colour'"),
    ],
)
def test_what_is_no_reading_is_named_in_one_error(overrides, message):
    with pytest.raises(ValueError, match=message) as caught:
        Settings.from_preset("toy", overrides)
    assert "\n" not in str(caught.value)


def test_every_option_of_a_reading_can_be_set_and_changes_the_hash():
    assert "preset" not in setting_names()
    assert {f"reading.{option}" for option in Reading.model_fields} < set(setting_names())
    changed = [
        Settings.from_preset("toy", {f"reading.{k}": v}).hash()
        for k, v in BUNDLES["released"].items()
    ]
    assert len({Settings.from_preset("toy").hash(), *changed}) == 1 + len(changed)


# ---- the command line ----------------------------------------------------------------------------


def test_words_of_the_command_line_are_read_as_yaml():
    words = [
        "training.steps=5",
        "training.vary_words=false",
        "model.layers=[0, 2]",
        "model.backbone=a=b",
    ]
    assert list(parse_overrides(words).values()) == [5, False, [0, 2], "a=b"]
    learning_rate = Settings.from_preset(
        "toy", parse_overrides(["training.learning_rate=1e-3"])
    ).training.learning_rate
    assert learning_rate == 0.001  # YAML reads 1e-3 as a word; it is meant as a number


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("training.steps", "--set wants key=value, got 'training.steps'"),
        ("model.layers=[1, 2", r"--set model.layers: the value '\[1, 2' is not YAML"),
    ],
)
def test_words_that_are_no_assignment_are_named(assignment, message):
    with pytest.raises(ValueError, match=message):
        parse_overrides([assignment])
