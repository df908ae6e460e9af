"""Make the pictures of rendered pages light and steady: WebP in place of large PNG, sizes in HTML.

    python book/tools/web_pictures.py _build/html

Takes some ten seconds. A notebook's pictures have twice the pixels that they are shown with, so
that they are sharp on fine screens. Every <img> gets its width and height, which keeps a page from
jumping while it loads.
"""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

HEAVY = 60_000  # bytes of a PNG from which WebP is tried
QUALITY = 76
IMAGE = re.compile(r"<img\b[^>]*>")
PICTURE = re.compile(r"(?<=_images/)[^\"'/<> ]+\.png")
SOURCE = re.compile(r'\bsrc="[^"]*_images/([^"/]+\.(?:png|webp|jpg))"')
STYLE = re.compile(r'\sstyle="width: ([0-9.]+)(?:px)?;?"')
SIZED = re.compile(r'\s(?:width|height)="')


def lighter(picture: Path) -> Path:
    """A WebP file in the place of a heavy PNG, where it is smaller; else the file as it is."""
    if picture.stat().st_size < HEAVY:
        return picture
    target = picture.with_suffix(".webp")
    with Image.open(picture) as image:
        image.convert("RGB").save(target, quality=QUALITY, method=4)
    heavier = target if target.stat().st_size >= picture.stat().st_size else picture
    heavier.unlink()
    return picture if heavier == target else target


def sized(tag: str, folder: Path) -> str:
    """An <img> of a page with its size there."""
    named = SOURCE.search(tag)
    if not named or SIZED.search(tag):
        return tag
    with Image.open(folder / named[1]) as image:
        width, height = image.size
    styled = STYLE.search(tag)
    if styled:
        height, width = round(height * float(styled[1]) / width), round(float(styled[1]))
        tag = tag.replace(styled[0], "", 1)
    return tag.replace("<img", f'<img width="{width}" height="{height}"', 1)


def improve(html: Path) -> None:
    """All pages in a folder of rendered ones, in place."""
    folder = html / "_images"
    pictures = sorted(folder.glob("*.png"))
    with ThreadPoolExecutor(2) as pool:
        kept = dict(zip((p.name for p in pictures), pool.map(lighter, pictures), strict=True))
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        changed = PICTURE.sub(
            lambda found: kept[found[0]].name if found[0] in kept else found[0], text
        )
        changed = IMAGE.sub(lambda found: sized(found[0], folder), changed)
        if changed != text:
            page.write_text(changed, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not (Path(sys.argv[1]) / "_images").is_dir():
        sys.exit("usage: python book/tools/web_pictures.py FOLDER_OF_RENDERED_PAGES")
    improve(Path(sys.argv[1]))
