"""Take from rendered pages what they load and never use: rules of style sheets, the search's words.

    python book/tools/web_weight.py _build/html

Takes ten seconds. The theme's style sheets serve every page that Sphinx could make; PurgeCSS keeps
the rules that something on these pages, or in their scripts, can ask for. The search reads its
index on its own page alone, though the theme loads it everywhere.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from book_pages import BUILD, fail
from javascript import node

PURGE = BUILD / "javascript" / "node_modules" / "purgecss" / "bin" / "purgecss.js"
OURS = ("figures.css", "print.css", "playground.css")  # small, and read as written
# Scripts write these as dataset.theme and the like, so no file holds the word itself.
KEPT = ("data-theme", "data-mode", "data-bs-popper", "data-bs-theme")
SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
HAS_SEARCH = 'id="search-results"'


def without_search(text: str) -> str:
    """A page without the scripts of the search, unless it is the page that searches."""
    return text if HAS_SEARCH in text else SEARCH.sub("", text)


def purge(html: Path) -> None:
    """Style sheets without the rules that no page and no script of the folder can match."""
    sheets = {sheet.name: sheet for sheet in html.rglob("*.css") if sheet.name not in OURS}
    content = [str(html / "**" / f"*.{ending}") for ending in ("html", "js")]
    with tempfile.TemporaryDirectory() as folder:
        command = [node(), str(PURGE), "--css", *map(str, sheets.values()), "--content", *content]
        command += ["--safelist", *KEPT, "--output", folder]
        done = subprocess.run(command, capture_output=True, text=True)
        purged = {name: Path(folder) / name for name in sheets}
        if done.returncode or not all(sheet.exists() for sheet in purged.values()):
            fail(f"PurgeCSS could not read the style sheets of {html}:\n{done.stderr.strip()}")
        for name, sheet in sheets.items():
            sheet.write_bytes(purged[name].read_bytes())


def lighten(html: Path) -> None:
    """All pages and style sheets in a folder of rendered ones, in place."""
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if without_search(text) != text:
            page.write_text(without_search(text), encoding="utf-8")
    purge(html)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python book/tools/web_weight.py FOLDER_OF_RENDERED_PAGES")
    lighten(Path(sys.argv[1]))
