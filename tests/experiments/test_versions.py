"""Versions known not to work are named with the remedy; those that work are not."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from partclipseg_lite.experiments.versions import (
    KNOWN,
    Fault,
    complaints,
    installed_versions,
)

ROOT = Path(__file__).resolve().parents[2]
tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BOUNDS = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
GOOD = {
    "torch": "2.14.1",
    "torchvision": "0.29.1",
    "numpy": "2.4.6",
    "scipy": "1.17.1",
    "matplotlib": "3.11.2",
    "open-clip-torch": "3.3.0",
}


def test_what_is_installed_here_works():
    assert complaints(installed_versions()) == []


def test_the_installed_versions_are_those_that_python_finds():
    found = installed_versions()
    assert found["torch"] == version("torch") and found["pyyaml"] == version("PyYAML")
    assert found["open-clip-torch"] == version("open_clip_torch")


def test_the_lowest_versions_allowed_are_no_reason_to_complain():
    lowest = {}
    for requirement in map(Requirement, BOUNDS):
        (lowest[requirement.name],) = (
            s.version for s in requirement.specifier if s.operator == ">="
        )
    assert complaints(lowest, BOUNDS) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"torch": "2.9.1+cu128", "torchvision": None},
            "torch 2.9.1+cu128 may execute code that a .pth file holds (CVE-2026-24747); "
            'pip install "torch>=2.10"',
        ),
        (
            {"torchvision": "0.28.0"},
            "torchvision 0.28.0 beside torch 2.14.1 was compiled for torch 2.13, and its import "
            'fails; pip install "torchvision==0.29.*"',
        ),
        (
            {"open-clip-torch": None, "open_clip_torch": "2.32.0"},
            "open_clip_torch 2.32.0 was never tried, expected <4,>=3.3; "
            'pip install "open_clip_torch<4,>=3.3"',
        ),
        (
            {"open-clip-torch": None, "Open-Clip.Torch": "4.0.0"},
            "open_clip_torch 4.0.0 was never tried, expected <4,>=3.3; "
            'pip install "open_clip_torch<4,>=3.3"',
        ),
        (
            {"scipy": "1.12.0"},
            "scipy 1.12.0 beside numpy 2.4.6 was compiled for numpy 1, and its import fails; "
            'pip install "scipy>=1.13"',
        ),
        (
            {"matplotlib": "3.8.3"},
            "matplotlib 3.8.3 beside numpy 2.4.6 was compiled for numpy 1, and its import fails; "
            'pip install "matplotlib>=3.8.4"',
        ),
        ({"scipy": "1.12.0", "matplotlib": "3.8.3", "numpy": "1.26.4"}, None),
        ({"torch": "2.14.0a0+git1234", "torchvision": "0.29.0a0"}, None),
        ({"torch": "as I built it"}, None),
        ({"torch": "2.10.0", "torchvision": "0.25.0"}, None),
    ],
)
def test_a_version_known_not_to_work_is_named_with_the_reason_and_the_remedy(change, said):
    there = {**GOOD, **change}
    there = {name: version for name, version in there.items() if version}
    assert complaints(there, BOUNDS) == ([said] if said else [])


def test_what_is_not_installed_is_not_complained_about():
    assert complaints({}) == [] == complaints({"somebody-elses": "0.1"})


def test_several_extras_that_ask_for_the_same_complain_once():
    (said,) = complaints({"papermill": "2.5.0"}, ["papermill>=2.6", 'papermill>=2.6; extra == "x"'])
    assert said.startswith("papermill 2.5.0 was never tried, expected >=2.6; pip install")


def test_a_fault_of_our_own_making_is_found():
    known = (Fault(("A-b>=2,<3", "c"), "fails", "do something"),)
    assert complaints({"a_b": "2.1", "c": "1"}, [], known) == [
        "c 1 beside A-b 2.1 fails; do something"
    ]
    assert complaints({"a_b": "3", "c": "1"}, [], known) == []
    assert complaints({"a_b": "2.1"}, [], known) == []


def test_every_remedy_in_the_table_is_outside_of_its_own_fault():
    for fault in KNOWN:
        remedy = Requirement(re.search(r'"(.+)"', fault.remedy)[1])
        (fixed,) = (s.version for s in remedy.specifier if s.operator == ">=")
        wrong = {Requirement(package).name: Requirement(package) for package in fault.packages}
        assert not wrong[remedy.name].specifier.contains(fixed), fault


def test_looking_imports_none_of_them():
    code = (
        "import sys; from partclipseg_lite.experiments.versions import *; "
        "complaints(installed_versions()); print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.split() == ["False", "False"], answer.stderr
