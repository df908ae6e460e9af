"""The parameters of a full run are told from the other names of a notebook."""

import json

import pytest

from partclipseg_lite.experiments.parameters import Parameters, check_parameters

GIVEN = {"preset": "smoke", "overrides": {}, "output_dir": "", "images": 24}


def test_names_of_the_notebook_that_are_no_plain_data_are_no_parameters():
    namespace = {
        **GIVEN,
        "json": json,
        "_": 3,
        "__name__": "x",
        "In": ["a"],
        "Out": {},
        "check": print,
    }
    assert check_parameters(namespace) == Parameters("smoke", {}, "", 24)


def test_when_cells_are_run_again_only_near_names_are_refused():
    again = {**GIVEN, "parameters": check_parameters(GIVEN), "log": [], "mine": 3}
    assert check_parameters(again) == Parameters("smoke", {}, "", 24)
    with pytest.raises(ValueError, match="unknown parameter 'overides', did you mean 'overrides'"):
        check_parameters({**again, "overides": {}})


def test_a_parameter_that_is_gone_is_named():
    with pytest.raises(ValueError, match="the parameter 'images' is missing"):
        check_parameters({name: value for name, value in GIVEN.items() if name != "images"})
