"""Versions known not to work are named with the remedy; those that work are not."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from partclipseg_lite.experiments.versions import KNOWN, complaints, installed_versions

ROOT = Path(__file__).resolve().parents[2]
tomllib = pytest.importorskip("tomllib" if sys.version_info >= (3, 11) else "tomli")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BOUNDS = [*PROJECT["dependencies"], *sum(PROJECT["optional-dependencies"].values(), [])]
GOOD = {"torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6", "scipy": "1.17.1"}


def test_what_is_installed_here_works():
    assert complaints(installed_versions(), BOUNDS) == []


def test_the_bounds_are_those_of_the_installed_package():
    assert "open_clip_torch 2.0 was never tried here" in complaints({"open-clip-torch": "2.0"})[0]


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
            {"numpy": "1.26.4"},
            "numpy 1.26.4 draws pictures that differ in single pixels from those of the shipped "
            'weights; pip install "numpy>=2.0"',
        ),
        (
            {"scipy": "1.12.0"},
            "scipy 1.12.0 was compiled for numpy 1, and its import fails; "
            'pip install "scipy>=1.13"',
        ),
        (
            {"Open-Clip.Torch": "4.0.0"},
            'open_clip_torch 4.0.0 was never tried here; pip install "open_clip_torch<4,>=3.3"',
        ),
        (
            {"jupyter_book": "2.1.7"},
            "jupyter-book 2.1.7 reads no _config.yml, which this book has; "
            'pip install "jupyter-book<2,>=1.0.4"',
        ),
        ({"torch": "2.14.0a0+git1234", "torchvision": "0.29.0a0"}, None),
        ({"torch": "as I built it"}, None),
        ({"torch": "2.10.0", "torchvision": "0.25.0"}, None),
        ({"somebody-elses": "0.1"}, None),
    ],
)
def test_a_version_known_not_to_work_is_named_with_the_reason_and_the_remedy(change, said):
    there = {name: text for name, text in {**GOOD, **change}.items() if text}
    assert complaints(there, BOUNDS) == ([said] if said else [])


def test_what_is_not_installed_is_not_complained_about():
    assert complaints({}, BOUNDS) == []


def test_several_extras_that_ask_for_the_same_complain_once():
    (said,) = complaints({"papermill": "2.5.0"}, ["papermill>=2.6", 'papermill>=2.6; extra == "x"'])
    assert said == 'papermill 2.5.0 was never tried here; pip install "papermill>=2.6"'


@pytest.mark.parametrize("known", KNOWN)
def test_what_is_known_to_fail_lies_at_a_bound_of_the_package(known):
    wrong = Requirement(known)
    (edge,) = wrong.specifier
    (bound,) = (
        Requirement(line)
        for line in BOUNDS
        if canonicalize_name(Requirement(line).name) == canonicalize_name(wrong.name)
    )
    ends = {(s.operator, s.version.removesuffix(".0")) for s in bound.specifier}
    assert ({"<": ">=", ">=": "<"}[edge.operator], edge.version) in ends


def test_looking_imports_none_of_them():
    code = (
        "import sys; from partclipseg_lite.experiments.versions import *; "
        "complaints(installed_versions()); print('torch' in sys.modules, 'numpy' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.stdout.split() == ["False", "False"], answer.stderr
