"""Mend what the theme leaves in the pages that a screen reader or a keyboard stumbles over.

    python book/tools/web_access.py _build/html

Takes a second. Folded code is announced by the words that stand on it; a list without items is
none; what scrolls sideways can be reached and scrolled by keyboard.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

#: What is found -> what stands there instead.
MENDED = {
    # axe: label-content-name-mismatch
    r'<summary aria-label="Toggle hidden content">': "<summary>",
    # axe: aria-required-children
    r'<div role="list" class="citation-list">': '<div class="citation-list">',
    # axe: scrollable-region-focusable; book/assets/figures.css lets wide tables scroll
    r'<table class="(table[^"]*)">': r'<table class="\1" tabindex="0">',
}


def mended(text: str) -> str:
    """A page without those faults."""
    for found, instead in MENDED.items():
        text = re.sub(found, instead, text)
    return text


def mend(html: Path) -> None:
    """All pages in a folder of rendered ones, in place."""
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if mended(text) != text:
            page.write_text(mended(text), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python book/tools/web_access.py FOLDER_OF_RENDERED_PAGES")
    mend(Path(sys.argv[1]))
