"""The package stands by itself."""

import ast
import subprocess
import sys
from pathlib import Path

import drawn_world

FOLDER = Path(drawn_world.__file__).parent


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
