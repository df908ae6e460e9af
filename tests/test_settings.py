"""Settings refuse what they do not know, say what they do know, and have a fingerprint."""

import json
import re
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partclipseg_lite.reading import BUNDLES, PAPER, RELEASED, Reading
from partclipseg_lite.settings import PRESETS, Settings, parse_overrides, setting_names


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_valid_and_says_its_name(preset):
    settings = Settings.from_preset(preset)
    assert settings.preset == preset
    is_clipseg = "clipseg" in preset.replace("partclipseg", "") or preset.endswith("_phrases")
    assert settings.model.kind == ("clipseg" if is_clipseg else "partclipseg")
    assert "python -m partclipseg_lite " in PRESETS.about(preset)
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
        ("tyo", {}, r"unknown preset 'tyo', did you mean 'toy'\? \(known: .*\btoy, "),
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


A_FOLDER = {"data.name": "folder", "data.folder": "datasets/mine"}
OF_A_FOLDER = {
    "data.name": A_FOLDER,
    "data.folder": A_FOLDER,
    "data.split": {"data.split": "val"},
    "data.shots": {"data.shots": "train_16shot.json"},
}


@given(
    st.sampled_from(
        sorted(name for name in setting_names() if name.startswith(("training.", "data.")))
    )
)
def test_the_hash_changes_with_any_setting_and_with_nothing_else(name):
    toy, group = Settings.from_preset("toy"), name.split(".")
    value = getattr(getattr(toy, group[0]), group[1])
    annotation = type(getattr(toy, group[0])).model_fields[group[1]].annotation
    if name in OF_A_FOLDER:
        given = OF_A_FOLDER[name]
    else:
        others = [choice for one in get_args(annotation) for choice in get_args(one) or (one,)]
        others = others or ((not value,) if annotation is bool else (value + 1,))
        given = {name: next(v for v in others if v != value)}
    changed = Settings.from_preset("toy", given)
    assert changed.hash() != toy.hash() == Settings.from_preset("toy", {name: value}).hash()
    assert toy.hash() == Settings.model_validate(json.loads(toy.model_dump_json())).hash()


def test_what_a_run_is_scored_on_does_not_change_what_is_trained():
    toy = Settings.from_preset("toy")
    for name, value in {"folder": "d", "split": "val", "images": 5, "every": 9}.items():
        other = Settings.from_preset("toy", {f"test.{name}": value})
        assert other != toy and other.hash() == toy.hash()


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"data.name": "folder"}, "data.folder': with data.name=folder, say where"),
        ({"data.folder": "d"}, "data.folder': the drawn world lies in no folder"),
        (A_FOLDER | {"data.labels": "phrases"}, "data.labels': phrases are written for drawn"),
        (A_FOLDER | {"data.folder": "a\nb"}, "data.folder': a name or a path has no line breaks"),
        ({"data.split": ""}, "data.split'"),
        ({"test.images": 0}, "test.images'"),
        ({"test.folder": 5}, "test.folder'"),
    ],
)
def test_a_folder_goes_with_what_it_is_for(overrides, named):
    with pytest.raises(ValueError, match=f"^setting '{named}"):
        Settings.from_preset("toy", overrides)


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


@pytest.mark.parametrize(
    "value",
    ["010", "1:30", "0x10", "0o17", "0b1", "1_000", "+010", "1:30.5", "2024-01-01", "5 # five"]
    + ["yes", "on", "off", "y", "NO", "10**9", "1,000", "5\u0663", "!!int 010", "&a 5", "- 5"],
)
def test_what_versions_of_yaml_read_differently_stays_a_word_and_is_no_number(value):
    assert parse_overrides([f"training.steps={value}"]) == {"training.steps": value}
    for setting in ("training.steps", "training.learning_rate", "training.vary_words"):
        with pytest.raises(ValueError, match=f"^setting '{setting}': "):
            Settings.from_preset("toy", parse_overrides([f"{setting}={value}"]))


@given(st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), st.none()))
def test_what_json_writes_the_command_line_reads(value):
    if isinstance(value, float) and value in (float("inf"), -float("inf")):
        return  # no JSON
    assert parse_overrides([f"a={json.dumps(value)}"]) == {"a": value}
    assert parse_overrides([f"a=[{json.dumps(value)}, x]"]) == {"a": [value, "x"]}


@given(st.text(max_size=12))
def test_any_text_is_read_or_refused_in_one_line(text):
    try:
        values = parse_overrides([f"training.steps={text}"])
        steps = Settings.from_preset("toy", values).training.steps
    except ValueError as error:
        assert "training.steps" in str(error) and "\n" not in str(error)
    else:
        assert int(text) == steps == float(text)


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["=5"], "--set wants key=value, got '=5'"),
        ([""], "--set wants key=value, got ''"),
        (["model.layers=[&a 1, *a]"], "--set model.layers: the value .* is not YAML"),
        (["model.layers=[!!int 010]"], "--set model.layers: the value .* is not YAML"),
        (["model.layers=" + "[" * 5000], "--set model.layers: the value .* is not YAML"),
        (["reading={channels: bgr, channels: rgb}"], "--set reading: the value .* is not YAML"),
    ],
)
def test_what_is_not_given_plainly_is_refused(assignments, message):
    with pytest.raises(ValueError, match=message):
        parse_overrides(assignments)


def test_of_a_key_given_twice_the_last_counts_however_it_is_spaced():
    assert parse_overrides(["a.b=5", "c=1", " a.b = 6 "]) == {"a.b": 6, "c": 1}


# ---- values that mean nothing --------------------------------------------------------------------

SETTINGS = {
    name: type(getattr(Settings(), name.split(".")[0])).model_fields[name.split(".")[1]]
    for name in setting_names()
    if "." in name and not name.startswith("reading.")
}
NUMBERS = [name for name, field in SETTINGS.items() if field.annotation in (int, float)]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [True, "5", None, [5], float("inf"), float("nan"), 1j, -1, 2**64])
def test_no_number_takes_what_is_none_or_has_no_end(name, value):
    if name == "training.learning_rate" and value == 2**64:
        return  # finite; the loss will tell
    with pytest.raises(ValueError, match=f"^setting '{re.escape(name)}': ") as caught:
        Settings.from_preset("toy", {name: value})
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("name", [n for n, f in SETTINGS.items() if f.annotation is bool])
@pytest.mark.parametrize("value", [0, 1, "true", None, 1.0])
def test_yes_and_no_are_true_and_false(name, value):
    with pytest.raises(ValueError, match=f"^setting '{re.escape(name)}': "):
        Settings.from_preset("toy", {name: value})


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"data.images": 10**9}, "data.images"),
        ({"data.images": 200_000, "data.size": 1024}, "data.images"),
        ({"model.width": 10**9}, "model.width"),
        ({"model.image_size": 10**6}, "model.image_size"),
        ({"training.steps": 10**18}, "training.steps"),
        ({"training.batch_size": 10**6}, "training.batch_size"),
        ({"training.workers": 10**4}, "training.workers"),
        ({"training.seed": 2**63}, "training.seed"),
        ({"data.seed": 2**64}, "data.seed"),
        ({"training.steps": 10**5000}, "training.steps"),
        ({"model.layers": [1, 1, 5]}, "model.layers"),
        ({"model.layers": [3, 1]}, "model.layers"),
        ({"model.layers": [-1, 2]}, "model.layers"),
        ({"model.layers": []}, "model.layers"),
        ({"model.layers": [1, 10**9]}, "model.layers"),
        ({"model.layers": [True, 2]}, "model.layers"),
        ({"model.layers": 3}, "model.layers"),
        ({"model.width": 18}, "model.heads"),
        ({"model.backbone": ""}, "model.backbone"),
        ({"model.backbone": "a\0b"}, "model.backbone"),
        ({"model.backbone": 5}, "model.backbone"),
        ({"loss.temperature": 0.0}, "loss.temperature"),
    ],
)
@pytest.mark.parametrize("preset", ["smoke", "smoke_clipseg"])
def test_settings_that_cannot_work_together_or_have_no_measure_are_refused(
    preset, overrides, named
):
    with pytest.raises(ValueError, match=f"^setting '{re.escape(named)}"):
        Settings.from_preset(preset, overrides)


def test_the_largest_seed_is_the_largest_that_every_generator_takes():
    settings = Settings.from_preset("toy", {"training.seed": 2**63 - 1, "data.seed": 2**63 - 1})
    assert settings == Settings.model_validate_json(settings.model_dump_json())


def test_whole_numbers_of_numpy_and_for_fractions_are_taken():
    given = {
        "training.steps": np.int64(7),
        "training.learning_rate": 1,
        "loss.gamma": np.float32(0.5),
    }
    settings = Settings.from_preset("toy", given)
    assert (settings.training.steps, settings.training.learning_rate) == (7, 1.0)
    assert type(settings.training.steps) is int and settings.loss.gamma == 0.5


@given(st.sampled_from(NUMBERS), st.floats() | st.integers() | st.booleans() | st.text())
def test_settings_that_pass_are_always_valid_json(name, value):
    try:
        settings = Settings.from_preset("toy", {name: value})
    except ValueError:
        return
    text = json.dumps(settings.model_dump(mode="json"), allow_nan=False)
    assert Settings.model_validate_json(text) == settings and settings.hash()


@pytest.mark.parametrize("preset", [None, ["toy"], 5])
def test_a_preset_is_a_name_and_differences_have_names(preset):
    with pytest.raises(ValueError, match=r"unknown preset .*known: .*\btoy, "):
        Settings.from_preset(preset)
    with pytest.raises(TypeError, match="overrides must map dotted names to values"):
        Settings.from_preset("toy", ["training.steps"])
