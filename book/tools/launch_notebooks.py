"""Write executed chapters for Colab and Kaggle: badges, a cell that installs the package, the rest.

    python book/tools/launch_notebooks.py --repository https://github.com/OWNER/NAME --output DIR

Takes a second, after `make book`. The workflow puts them on the branch that launch buttons open.
The cell installs only where the package is missing, and keeps what such a machine comes with.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from book_pages import ROOT, chapters, executed_path, fail, read_notebook, write_notebook

BRANCH = "executed"
#: What Colab and Kaggle bring in builds that fit their driver and each other.
KEPT = ("torch", "torchvision", "numpy", "ipywidgets")
INSTALL = """\
# Where the package is missing, as on Colab and Kaggle: install it, and keep what is there.
import importlib.metadata
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("partclipseg_lite") is None:
    installed = {{d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}}
    kept = [f"{{name}}=={{installed[name]}}" for name in {kept} if name in installed]
    package = "partclipseg-lite[notebooks] @ {source}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *kept, package]
    subprocess.run(pip, check=True)
"""


def install_cell(source: str) -> str:
    """The text of the cell that installs the package from `source`, an address that pip takes."""
    return INSTALL.format(kept=KEPT, source=source)


def badges(repository: str, notebook: str) -> str:
    """Two buttons, in Markdown, that open a notebook of the branch on Colab and on Kaggle."""
    path = f"{repository.removeprefix('https://github.com/')}/blob/{BRANCH}/{notebook}"
    colab, kaggle = "https://colab.research.google.com", "https://kaggle.com"
    return (
        f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({colab}/github/{path}) "
        f"[![Open in Kaggle]({kaggle}/static/images/open-in-kaggle.svg)]"
        f"({kaggle}/kernels/welcome?src=https://github.com/{path})"
    )


def for_launch(notebook: dict, name: str, repository: str) -> dict:
    """A chapter with the two cells in front."""
    first = {
        "cell_type": "markdown",
        "id": "launch-badges",
        "metadata": {},
        "source": badges(repository, name),
    }
    second = {
        "cell_type": "code",
        "execution_count": None,
        "id": "launch-install",
        "metadata": {"cellView": "form"},
        "outputs": [],
        "source": install_cell(f"git+{repository}").splitlines(keepends=True),
    }
    return {**notebook, "cells": [first, second, *notebook["cells"]]}


def main() -> None:
    """Reads the command line and writes the notebooks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repository", required=True, help="https://github.com/OWNER/NAME")
    parser.add_argument("--output", type=Path, required=True, help="folder; made if missing")
    options = parser.parse_args()
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", options.repository):
        fail(f"--repository {options.repository} is not of the form https://github.com/OWNER/NAME")
    missing = [chapter.stem for chapter in chapters() if not executed_path(chapter).is_file()]
    if missing:
        fail(f"{', '.join(missing)} were not executed; run `make book` first")
    options.output.mkdir(parents=True, exist_ok=True)
    for chapter in chapters():
        name = chapter.relative_to(ROOT).as_posix()
        launched = for_launch(read_notebook(executed_path(chapter)), name, options.repository)
        write_notebook(options.output / chapter.name, launched)
    print(f"wrote {len(chapters())} notebooks into {options.output}")


if __name__ == "__main__":
    main()
