"""The notebook of a full run refuses what it does not know, runs from any folder, and only shows.

Its cells are run here as papermill prepares them, but without a kernel; tests/book has one.
"""

import json
from pathlib import Path

import pytest
from helpers import QUICK, clip_file
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "full_run.ipynb"


def run_cells(parameters, until):
    """The names of papermill's copy after the cell with id `until`, run without a kernel."""
    notebook = parameterize_notebook(load_notebook_node(str(NOTEBOOK)), parameters)
    names = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            exec(compile(cell.source, cell.get("id", "injected"), "exec"), names)
        if cell.get("id") == until:
            return names
    raise AssertionError(f"there is no cell {until}")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"outputDir": "nowhere"}, r"unknown parameter 'outputDir', did you mean 'output_dir'\?"),
        (
            {"OVERRIDES": {}},
            r"unknown parameter 'OVERRIDES', did you mean 'overrides'\? \(known: preset, ",
        ),
        ({"steps": 3}, r"unknown parameter 'steps' \(known: .*settings go into overrides\)"),
        ({"output_dir": 2024}, r"output_dir must be text, got 2024; .*-r output_dir 2024"),
        ({"output_dir": None}, "output_dir must be text, got None"),
        ({"preset": 1.5}, "preset must be a name, got 1.5"),
        ({"preset": "smke"}, r"unknown preset 'smke', did you mean 'smoke'\?"),
        (
            {"overrides": "{training.steps: 3}"},
            "overrides must be a mapping, got '{training.steps: 3}'",
        ),
        ({"overrides": {"training.step": 3}}, "unknown setting 'training.step', did you mean"),
        ({"images": 8.0}, "images must be a whole number of at least 1, or null, got 8.0"),
        ({"images": True}, "images must be a whole number of at least 1, or null, got True"),
        ({"images": 0}, "images must be a whole number of at least 1, or null, got 0"),
    ],
)
def test_the_notebook_refuses_wrong_parameters_in_one_line_before_it_computes(
    tmp_path, monkeypatch, given, message
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message) as caught:
        run_cells(given, until="full-04")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_notebook_passes_on_what_it_was_given(tmp_path):
    given = {
        "preset": "smoke_clipseg",
        "overrides": {"training.steps": 7},
        "output_dir": str(tmp_path / "mine"),
        "images": 5,
        "PAPERMILL_OUTPUT_PATH": "out.ipynb",
    }
    run = run_cells(given, until="full-04")["run"]
    assert (run.settings.preset, run.settings.training.steps, run.images) == ("smoke_clipseg", 7, 5)
    assert run.folder == tmp_path / "mine" and run.overrides == {"training.steps": 7}


def test_the_notebook_runs_from_any_folder_and_leaves_a_whole_run(tmp_path, monkeypatch):
    clip = clip_file(tmp_path / "clip.safetensors")
    monkeypatch.chdir(tmp_path)
    overrides = {**QUICK, "model.backbone": str(clip), "training.steps": 2}
    names = run_cells({"overrides": overrides, "images": 2}, until="full-19")
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name == f"smoke-{names['run'].settings.hash()[:8]}"
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["overrides"] == overrides and metrics["scores"]["images"] == 2


def test_the_notebook_is_short_and_defines_nothing():
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    lines = [
        line
        for cell in cells
        if cell["cell_type"] == "code"
        for line in "".join(cell["source"]).splitlines()
    ]
    assert len(lines) <= 60 and max(map(len, lines)) <= 84
    assert not any(line.lstrip().startswith(("def ", "class ", "lambda")) for line in lines)
