"""The package stands by itself, and its rooms use only the rooms below them."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import drawn_world

FOLDER = Path(drawn_world.__file__).parent
MAY_USE = {
    "names": set(),
    "picture": set(),
    "renderer": set(),
    "workers": set(),
    "objects": {"renderer"},
    "scenes": {"renderer"},
    "captions": {"names"},
    "composer": {"names", "objects", "picture", "renderer", "scenes"},
    "world": {"names", "composer", "picture", "workers"},
    "contact_sheet": {"names", "picture", "world"},
}


def imports(path: Path) -> set[str]:
    """Full names of all modules that a file imports, wherever it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("room", MAY_USE)
def test_a_room_uses_only_rooms_below_it(room):
    files = list((FOLDER / room).rglob("*.py")) or [FOLDER / f"{room}.py"]
    used = {
        name.split(".")[1] for f in files for name in imports(f) if name.startswith("drawn_world.")
    }
    assert used - {room} <= MAY_USE[room]


def test_every_room_is_listed():
    rooms = {
        path.stem
        for path in FOLDER.iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__"} == set(MAY_USE)


def test_nothing_but_numpy_and_pillow_is_needed():
    outside = {name.partition(".")[0] for f in FOLDER.rglob("*.py") for name in imports(f)}
    assert outside - set(sys.stdlib_module_names) == {"drawn_world", "numpy", "PIL"}


def test_importing_it_imports_no_torch():
    code = "import sys, drawn_world, drawn_world.captions; print('torch' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=FOLDER.parent
    )
    assert ran.stdout == "False\n"


def test_every_public_name_is_documented():
    bare = []
    for path in FOLDER.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = [(path.name, tree)]
        nodes += [(n.name, n) for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
        nodes += [
            (f"{n.name}.{m.name}", m)
            for n in tree.body
            if isinstance(n, ast.ClassDef) and not n.name.startswith("_")
            for m in n.body
            if isinstance(m, ast.FunctionDef)
        ]
        for name, node in nodes:
            if name.rpartition(".")[2].startswith("_"):
                continue
            said = ast.get_docstring(node) or ""
            if not said.partition("\n")[0].endswith((".", ":")):
                bare.append(f"{path.relative_to(FOLDER)}: {name}: {said.partition(chr(10))[0]}")
    assert not bare, "\n".join(bare)
