"""Chapters for Colab and Kaggle: the first cell installs, and touches nothing that is there."""

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import launch_notebooks
from book_pages import ROOT

REPOSITORY = "https://github.com/owner/name"
#: What stands for a machine of Colab's: an old ipywidgets above this environment's packages.
COLAB = {"ipywidgets": "7.7.1", "torch": "2.12.0+cu126", "torchvision": "0.27.0+cu126"}


def test_a_chapter_gets_badges_and_a_cell_that_installs_and_keeps_the_rest():
    notebook = {"cells": [{"cell_type": "markdown", "source": "# Title"}], "nbformat": 4}
    launched = launch_notebooks.for_launch(notebook, "notebooks/03_clipseg.ipynb", REPOSITORY)
    assert launched["cells"][2:] == notebook["cells"]
    for address in (
        "https://colab.research.google.com/github/owner/name/blob/executed/notebooks/03_clipseg.ipynb",
        "https://github.com/owner/name/blob/executed/notebooks/03_clipseg.ipynb",
    ):
        assert address in launched["cells"][0]["source"]
    assert f"git+{REPOSITORY}" in "".join(launched["cells"][1]["source"])


def test_where_the_package_is_there_the_cell_runs_nothing(monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("it called pip"))
    exec(launch_notebooks.install_cell("nowhere"), {})


@pytest.fixture
def colab(tmp_path) -> Path:
    """The Python of an environment with the versions of COLAB and no package of ours."""
    place = tmp_path / "colab"
    venv.create(place, symlinks=True, with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = place / "lib" / version / "site-packages"
    here = Path(pytest.__file__).parents[1]
    for one in here.iterdir():
        name = one.name.split("-")[0].lower()
        ours = "partclipseg" in one.name or one.suffix == ".pth"
        if not ours and name not in COLAB and one.name != "__pycache__":
            (packages / one.name).symlink_to(one)
    for name, number in COLAB.items():
        metadata = packages / f"{name}-{number}.dist-info"
        metadata.mkdir()
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {number}\n"
        (metadata / "METADATA").write_text(text)
        (metadata / "INSTALLER").write_text("pip\n")
        (metadata / "RECORD").write_text("")
    return place / "bin" / "python"


def test_on_a_machine_like_colab_the_cell_would_install_the_package_and_nothing_else(
    colab, tmp_path
):
    report = tmp_path / "report.json"
    options = ["--dry-run", "--no-index", "--no-build-isolation", "--report", str(report)]
    cell = launch_notebooks.install_cell(f"file://{ROOT}")
    told = cell.replace('"--quiet"', ", ".join(map(repr, options)))
    assert told != cell
    done = subprocess.run([colab, "-c", told], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    installed = json.loads(report.read_text())["install"]
    assert [item["metadata"]["name"] for item in installed] == ["partclipseg-lite"]
