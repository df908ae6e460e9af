"""Put the theme's icons into the pages as drawings, in place of the library that draws them.

    python book/tools/web_icons.py _build/html

Takes a second. The theme brings all of Font Awesome, 1.5 MB of JavaScript on every page, for some
ten icons. Their outlines are read from that file, and set where it would have put them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

LIBRARY = "_static/scripts/fontawesome.js"
SCRIPT = re.compile(r"\s*<(?:script|link)\b[^>]*scripts/fontawesome\.js[^>]*>(?:\s*</script>)?")
ICON = re.compile(r'<(i|span)\b([^>]*?)\bclass="([^"]*\bfa-[^"]*)"([^>]*)>\s*</\1>')
OUTLINE = r'[{,]"?%s"?:\[(\d+),(\d+),\[[^\]]*\],"[0-9a-f]+","([^"]+)"\]'
#: Names of classes that say how an icon is shown, not which it is.
MANNERS = {"solid", "regular", "brands", "lg", "fw", "sm", "xs", "2x"}
STYLE = (
    ".svg-inline--fa{display:inline-block;height:1em;overflow:visible;vertical-align:-.125em}"
    ".svg-inline--fa.fa-lg{font-size:1.25em;line-height:.05em;vertical-align:-.075em}"
    ".svg-inline--fa.fa-fw{width:1.25em}"
)


def named(classes: str) -> str:
    """The icon that a list of classes asks for: "bars" of "fa-solid fa-bars fa-lg"."""
    names = [name.removeprefix("fa-") for name in classes.split() if name.startswith("fa-")]
    [name] = [name for name in names if name not in MANNERS]
    return name


class Icons:
    """The outlines in a library of Font Awesome; `drawn` gives an icon as SVG.

    Raises:
        ValueError: an icon is asked for that is not in it.
    """

    def __init__(self, library: str):
        self.library, self.known = library, {}

    def drawn(self, classes: str, attributes: str) -> str:
        """What the library would put in the place of an element with these classes."""
        name = named(classes)
        if name not in self.known:
            found = re.search(OUTLINE % re.escape(name), self.library)
            if not found:
                raise ValueError(f"the theme's Font Awesome has no icon {name!r}")
            self.known[name] = found.groups()
        width, height, path = self.known[name]
        attributes = f" {attributes.strip()}" if attributes.strip() else ""
        hidden = "" if "aria-hidden" in attributes else ' aria-hidden="true"'
        return (
            f'<svg class="svg-inline--fa {classes}"{attributes}{hidden} role="img" '
            f'viewBox="0 0 {width} {height}"><path fill="currentColor" d="{path}"/></svg>'
        )


def draw(html: Path) -> None:
    """All pages in a folder of rendered ones, in place; the library goes."""
    library = html / LIBRARY
    if not library.is_file():
        return
    icons = Icons(library.read_text(encoding="utf-8"))
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        changed = ICON.sub(
            lambda found: icons.drawn(found[3], f"{found[2].strip()} {found[4].strip()}"), text
        )
        if changed != text or SCRIPT.search(text):
            changed = SCRIPT.sub("", changed)
            changed = changed.replace("</head>", f"<style>{STYLE}</style>\n</head>", 1)
            page.write_text(changed, encoding="utf-8")
    library.unlink()


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python book/tools/web_icons.py FOLDER_OF_RENDERED_PAGES")
    draw(Path(sys.argv[1]))
