"""Every cell of the paper has a preset, and every preset says what it takes and what it is for."""

import socket

import pytest

import experiments_table
from partclipseg_lite.experiments.paper import SETTINGS, paper, presets_of, rows_of
from partclipseg_lite.settings import PRESETS, Settings
from partclipseg_lite.vocabulary import Vocabulary

REAL = experiments_table.presets()
BASES = sorted(path.stem for path in experiments_table.FOLDER.glob("_*.yaml"))


# ---- the paper's numbers -------------------------------------------------------------------------


def test_harmonic_means_are_those_of_seen_and_unseen():
    checked = 0
    for row in paper().rows.values():
        for scores in row.scores.values():
            seen, unseen, harmonic = (scores.get(k) for k in ("seen", "unseen", "harmonic"))
            if None not in (seen, unseen, harmonic):
                # One work rounds its own otherwise, by less than a tenth.
                assert 2 * seen * unseen / (seen + unseen) == pytest.approx(harmonic, abs=0.08)
                checked += 1
    assert checked >= 10


def test_every_known_number_has_a_source_and_is_a_percentage():
    for row in paper().rows.values():
        for setting, scores in row.scores.items():
            assert setting in SETTINGS and scores
            known = {key for key, value in scores.items() if value is not None}
            assert set(row.sources[setting]) == known, row.cell
            assert all(0 < scores[key] < 100 for key in known)
            assert set(row.sources[setting].values()) <= set(paper().sources)


def test_the_same_model_has_the_same_number_in_every_table():
    rows = paper().rows
    main = rows["T1/PartCLIPSeg"].scores
    again = rows["T5/Pascal-Part-116, both"].scores
    assert all(again[s]["harmonic"] == main[s]["harmonic"] for s in SETTINGS)
    told = rows["A7/λ_obj = 1, λ_part = 1"].scores["oracle_obj"]["harmonic"]
    assert told == main["oracle_obj"]["harmonic"]


def test_small_parts_are_object_parts_of_the_dataset():
    names = Vocabulary.load("pascal_part_116").object_parts
    for row in paper().tables["T7"].rows.values():
        assert set(row.scores["oracle_obj"]) <= set(names) and len(row.scores["oracle_obj"]) == 18


# ---- every cell has a preset ---------------------------------------------------------------------


@pytest.mark.parametrize("cell", [row.cell for row in paper().rows.values() if not row.by])
def test_every_row_that_can_be_run_names_a_preset(cell):
    assert presets_of(cell), f"no preset fills {cell}"


def test_presets_name_rows_that_there_are_and_that_are_to_be_run():
    for name in PRESETS:
        assert all(not row.by for row in rows_of(name)), name
        assert (name in REAL) or not PRESETS.cells(name), name


@pytest.mark.parametrize("name", REAL)
def test_a_preset_of_the_paper_is_valid_and_its_file_tells_what_is_to_be_known(name, monkeypatch):
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("the network was touched"))
    settings, about = Settings.from_preset(name), PRESETS.about(name)
    assert f"papermill notebooks/full_run.ipynb run.ipynb -p preset {name}\n" in about
    assert f"python -m partclipseg_lite train --preset {name}\n" in about
    assert "\nHardware: " in about and "\nExpected time: " in about and "\nPaper: " in about
    for row in rows_of(name):
        for scores in row.known.values():
            assert all(f"{value:.2f}" in about for value in scores.values()), row.cell
    # What the paper and the release say of every training.
    training, model = settings.training, settings.model
    assert (training.steps, training.batch_size, training.learning_rate) == (20_000, 8, 1e-4)
    assert (model.start, model.image_size, model.layers) == (
        "CIDAS/clipseg-rd64-refined",
        352,
        (3, 6, 9),
    )
    vocabulary = Vocabulary.load(settings.vocabulary)
    assert training.object_parts_per_image >= len(vocabulary) and settings.data.folder


def test_presets_differ_from_each_other_in_what_they_are_named_for():
    met = {}
    for name in REAL:
        settings = Settings.from_preset(name).model_dump(exclude={"preset"})
        assert str(settings) not in met, f"{name} is {met.get(str(settings))}"
        met[str(settings)] = name
    of = {name: Settings.from_preset(name) for name in REAL}
    pascal = "partclipseg_pascal_part_116"
    assert [of[f"{pascal}_gamma_{g}"].loss.gamma for g in ("0.1", "0.2", "0.4", "0.5")] == [
        0.1,
        0.2,
        0.4,
        0.5,
    ]
    assert of[pascal].loss.gamma == 0.3
    no_parts, no_objects = (of[f"{pascal}_no_{which}_loss"].loss for which in ("part", "object"))
    assert (no_parts.part_weight, no_parts.object_weight) == (0, 1)
    assert (no_objects.part_weight, no_objects.object_weight) == (1, 0)
    alone = of[f"{pascal}_separation_only"].loss, of[f"{pascal}_enhancement_only"].loss
    assert [loss.separation_weight > 0 for loss in alone] == [True, False]
    assert [loss.enhancement_weight > 0 for loss in alone] == [False, True]
    for name, settings in of.items():
        assert settings.reading.name == ("released" if name.endswith("_released") else "paper")
        assert (settings.training.accumulation > 1) == name.endswith("_t4")
        assert (settings.data.shots is not None) == name.endswith("_few_shot")
        assert (settings.test.folder == "datasets/PascalPart116") == ("_to_pascal" in name)


def test_a_base_is_no_preset():
    assert BASES == ["_full"] and not set(BASES) & set(PRESETS)
    with pytest.raises(ValueError, match="unknown preset '_full'"):
        Settings.from_preset("_full")


# ---- what is written by the script ---------------------------------------------------------------


@pytest.mark.parametrize("name", REAL)
def test_the_head_of_a_presets_file_is_up_to_date(name):
    path = experiments_table.FOLDER / f"{name}.yaml"
    assert path.read_text(encoding="utf-8") == experiments_table.file_text(name)
    assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 110


def test_the_readme_lists_every_experiment():
    text = experiments_table.README.read_text(encoding="utf-8")
    assert text == experiments_table.readme(text), "run python book/tools/experiments_table.py"
    for name in REAL:
        variant = name.removesuffix("_released").removesuffix("_t4")
        assert f"`-p preset {variant}`" in text


def test_hardware_and_time_are_told_as_far_as_they_were_measured():
    record = {"peak_mb": 8500.0, "seconds": 0.06}
    measured = {"hardware": {"gpu": "NVIDIA X"}, "items": {"gpu/pascal_part_116/batch 8": record}}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(experiments_table, "load_record", lambda _: measured)
        told = experiments_table.cost(Settings.from_preset("partclipseg_pascal_part_116"))
        assert "8.5 GB on an NVIDIA X" in told[0] and "20 min for all steps at 60 ms" in told[1]
        for other in ("clipseg_pascal_part_116", "partclipseg_pascal_part_116_released"):
            told = experiments_table.cost(Settings.from_preset(other))
            assert "not measured" in told[0] and told[1] == "Expected time: not measured."
