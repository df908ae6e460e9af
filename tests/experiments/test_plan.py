"""The plan of experiments is whole: every training can be built, and is told against another."""

import pytest

from partclipseg_lite.experiments.plan import experiments, jobs
from partclipseg_lite.settings import Settings
from partclipseg_lite.weights.locate import SHIPPED


def test_every_training_has_valid_settings_and_a_name_of_its_own():
    found = jobs()
    assert len({job.name for job in found}) == len(found)
    for job in found:
        assert job.settings.training.seed == job.seed
        assert set(job.strip) <= set(range(job.settings.training.steps + 1))


def test_what_ships_is_in_the_plan_under_the_name_of_its_preset():
    assert {name for name, one in experiments().items() if one.ships} == set(SHIPPED)
    for name in SHIPPED:
        one = experiments()[name]
        assert one.preset == name and not one.overrides


def test_an_ablation_differs_from_what_it_is_told_against_in_little():
    for name, one in experiments().items():
        if not one.scored or one.differs_from == name:
            continue
        mine, theirs = (
            Settings.from_preset(e.preset, e.overrides).model_dump()
            for e in (one, experiments()[one.differs_from])
        )
        assert mine["training"]["steps"] == theirs["training"]["steps"], name
        assert one.pictures == experiments()[one.differs_from].pictures, name
        assert any(mine[group] != theirs[group] for group in mine if group != "preset"), name


def test_stages_come_first_then_what_ships_then_seed_by_seed():
    found = jobs()
    assert found[0].name == "toy_phrases-seed0"
    ships = [job.experiment.ships for job in found]
    assert ships == sorted(ships, reverse=True)
    others = [job.seed for job in found if not job.experiment.ships]
    assert others == sorted(others)


def test_jobs_are_chosen_by_pattern():
    assert [job.name for job in jobs("gamma_0.1-seed1")] == ["gamma_0.1-seed1"]
    assert {job.experiment.name for job in jobs("gamma*")} == {"gamma_0.1", "gamma_0.5"}
    with pytest.raises(ValueError, match=r"no experiment fits 'gama'.*gamma_0.1"):
        jobs("gama")
