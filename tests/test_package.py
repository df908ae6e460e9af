"""The package by itself: light to import, complete when installed, free of the book's needs."""

import ast
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import partclipseg_lite

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "partclipseg_lite"
if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

# Name in an import statement -> name of the distribution, where they differ.
DISTRIBUTIONS = {"open_clip": "open_clip_torch", "PIL": "Pillow", "yaml": "PyYAML"}
# The benchmark's peer, the notebooks' slider and ONNX, each imported where it is used alone.
OPTIONAL = {
    "peer": {"transformers"},
    "playground": {"ipywidgets"},
    "export": {"onnx"},
    "graphs": {"onnx", "onnxruntime"},
}
# What must never be needed to use the package.
BOOK_ONLY = (
    "IPython",
    "ipykernel",
    "ipywidgets",
    "jupyter_book",
    "nbformat",
    "nbval",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "papermill",
    "playwright",
    "pytest",
    "seaborn",
    "sphinx",
    "transformers",
    "hypothesis",
    "bs4",
)


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run_python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=300
    )


def test_importing_the_package_is_quick_and_does_not_import_torch():
    answer = run_python(
        "import time; start = time.process_time(); import partclipseg_lite, sys; "
        "print(time.process_time() - start, 'torch' in sys.modules, 'numpy' in sys.modules)"
    )
    assert answer.returncode == 0, answer.stderr
    seconds, torch_loaded, numpy_loaded = answer.stdout.split()
    assert float(seconds) < 3
    assert (torch_loaded, numpy_loaded) == ("False", "False")


@pytest.mark.parametrize("name", partclipseg_lite.__all__)
def test_every_public_name_can_be_used(name):
    assert getattr(partclipseg_lite, name) is not None
    assert name in dir(partclipseg_lite)


def test_an_unknown_name_gives_the_usual_error():
    with pytest.raises(AttributeError, match="'partclipseg_lite' has no attribute 'PartClipSeg'"):
        partclipseg_lite.PartClipSeg  # noqa: B018


def imported_names(path: Path) -> set[str]:
    """First components of all absolute imports of a module, except those for type checkers only."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"drawn_world", "partclipseg_lite"}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_imports_only_what_installing_the_package_brings(path):
    declared = {normalised(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    for name in imported_names(path) - OPTIONAL.get(path.stem, set()):
        assert normalised(DISTRIBUTIONS.get(name, name)) in declared, (
            f"{name} is not among the dependencies"
        )


def test_every_module_can_be_imported_without_the_extras():
    code = f"""
import importlib, pkgutil
from importlib.machinery import PathFinder
find = PathFinder.find_spec
def find_others(name, path=None, target=None):  # these are as if they were not installed
    return None if name.partition(".")[0] in {BOOK_ONLY!r} else find(name, path, target)
PathFinder.find_spec = find_others
import partclipseg_lite
for module in pkgutil.walk_packages(partclipseg_lite.__path__, "partclipseg_lite."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    answer = run_python(code)
    assert answer.returncode == 0, answer.stderr


def test_every_data_file_is_installed_with_the_package():
    patterns = PROJECT["tool"]["setuptools"]["package-data"]["partclipseg_lite"]
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    caches = re.compile(r"/(\.|__pycache__)")
    files = {path for path in PACKAGE.rglob("*.*") if path.is_file() and path.suffix != ".py"}
    files = {
        path for path in files if not caches.search(path.as_posix().removeprefix(ROOT.as_posix()))
    }
    assert files and files == installed, "pyproject.toml names the data files that go into a wheel"


def test_every_folder_with_modules_is_a_package():
    for path in PACKAGE.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), f"{path.parent} would be left out of a wheel"


def test_dependencies_are_lower_bounds_so_that_an_installed_torch_stays():
    capped = {"open-clip-torch", "jupyter-book"}
    extras = PROJECT["project"]["optional-dependencies"]
    for line in PROJECT["project"]["dependencies"] + [
        line for lines in extras.values() for line in lines
    ]:
        requirement = Requirement(line)
        operators = {specifier.operator for specifier in requirement.specifier}
        assert ">=" in operators, f"{line} has no lower bound"
        assert operators == {">="} or normalised(requirement.name) in capped, (
            f"{line} is more than a lower bound"
        )


def test_the_constraints_pin_every_dependency_within_its_bounds():
    pins = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", f"{line} is no pin"
            pins[normalised(requirement.name)] = specifier.version
    extras = PROJECT["project"]["optional-dependencies"]
    for line in PROJECT["project"]["dependencies"] + [
        line for lines in extras.values() for line in lines
    ]:
        requirement = Requirement(line)
        assert normalised(requirement.name) in pins, (
            f"{requirement.name} is not pinned in constraints.txt"
        )
        assert requirement.specifier.contains(pins[normalised(requirement.name)]), line


def test_conda_users_get_the_same_environment():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    extras = ",".join(PROJECT["project"]["optional-dependencies"])
    assert pip == ["-c constraints.txt", f"-e .[{extras}]"]


def test_the_installed_package_requires_no_notebook_or_book_library():
    needed = [Requirement(line) for line in requires("partclipseg-lite") or []]
    always = {
        normalised(requirement.name)
        for requirement in needed
        if "extra ==" not in str(requirement.marker)
    }
    assert always and not always & {
        normalised(name) for name in (*BOOK_ONLY, "jupyter-book", "beautifulsoup4")
    }


def test_the_citation_has_the_version_of_the_package_and_the_authors_of_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == partclipseg_lite.__version__
    names = [author["family-names"] for author in citation["preferred-citation"]["authors"]]
    assert names == ["Choi", "Lee", "Lee", "Lee", "Shim"]
