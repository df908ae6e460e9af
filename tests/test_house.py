"""The house: imports go one way, each line has a place, and what describes the house is true."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import house_picture

ROOT = Path(__file__).resolve().parents[1]
BESIDE_THE_ROOMS = {
    "book",
    "data_scripts",
    "drawn_world",
    "torture",
}  # folders of tests that test no room of ours
CACHES = {"__pycache__", ".ruff_cache", ".pytest_cache", ".hypothesis"}

SCRIPTS = sorted([*(ROOT / "book" / "tools").glob("*.py"), *(ROOT / "data_scripts").glob("*.py")])
SCRIPT_NAMES = [str(path.relative_to(ROOT)) for path in SCRIPTS]
by_script = pytest.mark.parametrize("path", SCRIPTS, ids=SCRIPT_NAMES)


def folders_with_modules(folder: Path) -> set[str]:
    """Names of the folders right below `folder` that hold Python files."""
    inside = (path.relative_to(folder).parts for path in folder.rglob("*.py"))
    return {parts[0] for parts in inside if len(parts) > 1 and not CACHES & set(parts)}


def tracked_text() -> dict[str, str]:
    """Every text file that people read or run, by its path from the root."""
    endings = {".py", ".md", ".yml", ".yaml", ".toml", ".ipynb"}
    skipped = {"_build", "runs", "build", "node_modules"}
    found = {}
    for path in [ROOT / "Makefile", *ROOT.rglob("*")]:
        parts = path.relative_to(ROOT).parts
        hidden = any(part.startswith(".") for part in parts[:-1])
        if path.is_file() and (path.suffix in endings or path.name == "Makefile") and not hidden:
            if not skipped & set(parts):
                found["/".join(parts)] = path.read_text(encoding="utf-8")
    return found


# ---- imports go one way --------------------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [program, "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=300
    )


def test_imports_go_one_way():
    answer = lint_imports(ROOT)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def small_copy(folder: Path) -> None:
    """The rooms of both packages with an empty module in each, and our contract."""
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for contract, package in (
        ("one-direction", "partclipseg_lite"),
        ("world-in-order", "drawn_world"),
    ):
        for name in (name for layer in house_picture.layers(contract) for name in layer):
            room = folder / package / name.replace(".", "/")
            room.mkdir(parents=True, exist_ok=True)
            for parent in (room, *room.parents):
                if parent == folder:
                    break
                (parent / "__init__.py").touch()


@pytest.mark.parametrize(
    ("room", "line", "broken"),
    [
        ("partclipseg_lite/losses", "import partclipseg_lite.inference", "One direction"),
        ("partclipseg_lite/losses", "import partclipseg_lite.reading", "The paper bare"),
        ("partclipseg_lite/network", "import partclipseg_lite.release.departures", "paper bare"),
        ("drawn_world/renderer", "import torch", "The world knows no model"),
        ("drawn_world/world", "import partclipseg_lite.vocabulary", "The world knows no model"),
        ("drawn_world/objects", "import drawn_world.world", "The drawn world in order"),
        ("partclipseg_lite/attic", "", "One direction"),
        ("partclipseg_lite/release/attic", "", "The release in order"),
    ],
)
def test_the_contract_sees_what_it_is_for(tmp_path, room, line, broken):
    small_copy(tmp_path)
    answer = lint_imports(tmp_path)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (tmp_path / room).mkdir(exist_ok=True)
    (tmp_path / room / "__init__.py").write_text(line + "\n")
    answer = lint_imports(tmp_path)
    assert answer.returncode == 1
    assert re.search(rf"{broken}[^\n]*(\n[^\n]*)? BROKEN", answer.stdout), answer.stdout


# ---- each line has a place -----------------------------------------------------------------------


def test_the_tests_are_laid_out_like_the_package():
    rooms = folders_with_modules(ROOT / "partclipseg_lite")
    tested = folders_with_modules(ROOT / "tests")
    assert tested - rooms <= BESIDE_THE_ROOMS, "a folder of tests without a room"
    assert rooms - tested == set(), "a room without a folder of tests"


@by_script
def test_a_script_opens_with_a_sentence_a_command_and_a_duration(path):
    name = str(path.relative_to(ROOT))
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first, _, rest = text.partition("\n\n")
    assert "\n" not in first and re.search(r"[.]$", first), f"one sentence first, not {first!r}"
    example, _, rest = rest.partition("\n\n")
    assert re.match(r" +python ", example), "then commands, indented"
    assert "book/tools" in example or f"python {name}" in example
    assert rest.startswith("Takes "), "then how long it takes"


def test_only_what_makes_data_and_weights_is_called_a_data_script():
    for path in (ROOT / "data_scripts").glob("*.py"):
        modules = {
            name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in [getattr(node, "module", None) or node.names[0].name]
        }
        of_the_book = {path.stem for path in (ROOT / "book" / "tools").glob("*.py")}
        of_the_book |= {"papermill", "jupyter_book", "playwright", "bs4"}
        assert not modules & of_the_book, f"{path.name} works on the book: it belongs in book/tools"


# ---- what describes the house is true ------------------------------------------------------------


def test_every_script_that_is_named_anywhere_exists():
    for file, text in tracked_text().items():
        for name in re.findall(r"\b(?:data_scripts|book/tools)/\w+\.py\b", text):
            assert "NAME" in name or (ROOT / name).exists(), f"{file} names {name}"


def test_the_house_is_drawn_as_the_contract_says():
    drawn = house_picture.PICTURE.read_text(encoding="utf-8")
    assert drawn == house_picture.picture(), "run python book/tools/house_picture.py"
    for contract in ("one-direction", "world-in-order"):
        for name in (name for layer in house_picture.layers(contract) for name in layer):
            assert f">{name.replace('.', '/')}</text>" in drawn


def test_the_page_for_contributors_names_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 120, "one page"
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", text)) <= targets
    for name in re.findall(r"`([\w./]+/[\w./]*)`", text) + re.findall(r"\]\(([\w./]+)\)", text):
        if not re.search(r"NAME|NN_", name):
            assert (ROOT / name).exists(), f"CONTRIBUTING.md names {name}"


def test_a_commit_is_checked_by_the_commands_of_make_lint():
    makefile = (ROOT / "Makefile").read_text()
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[1]
    wanted = {tuple(command.split()[:2]) for command in re.findall(r"\$\(BIN\)/(.*)", recipe)}
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in config["repos"] for hook in repository["hooks"]]
    assert {repository["repo"] for repository in config["repos"]} == {"local"}
    assert all(hook["language"] == "system" for hook in hooks), "a hook would be downloaded"
    entries = {tuple(hook["entry"].removeprefix(".venv/bin/").split()[:2]) for hook in hooks}
    assert wanted <= entries


@pytest.mark.parametrize(
    "folder", ["notebooks", "partclipseg_lite/network", "partclipseg_lite/losses"]
)
def test_what_chapters_show_keeps_to_84_columns(folder):
    text = (ROOT / folder / ".ruff.toml").read_text()
    assert re.search(r"^line-length = 84$", text, re.MULTILINE)
    extended = re.search(r'^extend = "(.*)"$', text, re.MULTILINE)[1]
    assert (ROOT / folder / extended).resolve() == ROOT / "pyproject.toml"
