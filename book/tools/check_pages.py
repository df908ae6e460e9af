"""Check every page, link, picture, formula and widget of the book: in the files, then in Chromium.

    python book/tools/check_pages.py                        _build/html
    python book/tools/check_pages.py --screenshots DIR      also pictures, light and dark
    python book/tools/check_pages.py --browser required     fail, not only say so, without Chromium

Takes about a minute on two cores, nearly all of it in Chromium (check_in_browser.py beside this).
Exit status 1 and a list of faults, one a line, when anything is wrong.
"""

from __future__ import annotations

import argparse
import functools
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup
from PIL import Image

import check_in_browser
from book_pages import HTML, ROOT, fail, toc_pages

# Attributes through which a page loads something, and so must never name another host.
LOADS = {
    "script": "src",
    "img": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "iframe": "src",
    "embed": "src",
    "object": "data",
}
LOADED_LINKS = {
    "stylesheet",
    "icon",
    "shortcut",
    "preload",
    "modulepreload",
    "manifest",
    "prefetch",
    "preconnect",
}
HEAVIEST_CHAPTER, HEAVIEST_TEXT = 2_000_000, 700_000  # bytes
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@functools.cache
def parsed(path: Path) -> BeautifulSoup:
    """One rendered page."""
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@functools.cache
def anchors(path: Path) -> frozenset[str]:
    """Everything on a page that a link can point at."""
    page = parsed(path)
    return frozenset(
        {tag["id"] for tag in page.find_all(id=True)}
        | {tag["name"] for tag in page.find_all("a", attrs={"name": True})}
    )


def is_external(address: str) -> bool:
    """Whether an address leads to another host."""
    return bool(urlsplit(address).netloc) or urlsplit(address).scheme in {"http", "https"}


def target_of(page: Path, address: str) -> Path:
    """The file a relative address on a page means."""
    path = unquote(urlsplit(address).path)
    return (page.parent / path).resolve() if path else page


def loaded_addresses(page: Path) -> Iterator[str]:
    """The address of every script, style, picture, font and frame a page loads by itself."""
    for name, attribute in LOADS.items():
        for tag in parsed(page).find_all(name, attrs={attribute: True}):
            yield tag[attribute]
    for tag in parsed(page).find_all("link", href=True):
        if LOADED_LINKS & set(tag.get("rel", [])):
            yield tag["href"]
    for tag in parsed(page).find_all("style"):
        yield from re.findall(r"""(?:url\(|@import\s+["'])\s*["']?([^"')\s;]+)""", tag.get_text())


def check_loaded(page: Path) -> Iterator[str]:
    """Nothing from the network, nothing missing, no picture that cannot be read."""
    for address in loaded_addresses(page):
        if urlsplit(address).scheme in {"data", "blob"} or address.startswith("#"):
            continue
        if is_external(address):
            yield f"loads {address} from the network"
            continue
        target = target_of(page, address)
        if not target.is_file():
            yield f"loads {address}, which is not there"
        elif target.suffix.lower() in {".png", ".jpg", ".jpeg", ".gif", ".webp"}:
            try:
                with Image.open(target) as picture:
                    picture.load()
            except OSError as error:
                yield f"shows {address}, which cannot be read as a picture ({error})"


def check_links(page: Path, root: Path) -> Iterator[str]:
    """Every link inside the book leads to a file of the book, and its #anchor exists there."""
    for tag in parsed(page).find_all("a", href=True):
        address = tag["href"]
        if is_external(address) or urlsplit(address).scheme in {"mailto", "javascript", "data"}:
            continue
        target = target_of(page, address)
        if target.is_dir():
            target = target / "index.html"
        if not target.is_file():
            yield f"links to {address}, which is not there"
        elif not target.is_relative_to(root):
            yield f"links to {address}, outside the book"
        elif urlsplit(address).fragment and target.suffix == ".html":
            fragment = unquote(urlsplit(address).fragment)
            if fragment not in anchors(target):
                yield f"links to {address}, but {target.name} has no '{fragment}'"


def check_outputs(page: Path) -> Iterator[str]:
    """No error, warning or path of the machine that built the book among a chapter's outputs."""
    for cell in parsed(page).select("div.cell"):
        allowed = set(cell.get("class", []))
        outputs = " ".join(output.get_text() for output in cell.select("div.cell_output"))
        failed = (
            cell.select("div.output.traceback") or "Traceback (most recent call last)" in outputs
        )
        if failed and "tag_raises-exception" not in allowed:
            yield f"shows an error: {outputs.strip()[-200:]!r}"
        for output in cell.select("div.output.stderr"):
            if "tag_allow-stderr" not in allowed:
                yield f"shows text from stderr: {output.get_text().strip()[:200]!r}"
    if str(ROOT) in page.read_text(encoding="utf-8"):
        yield f"contains the folder it was built in ({ROOT})"


def check_markup(page: Path) -> Iterator[str]:
    """What Sphinx could not resolve, and the style sheet that keeps heat maps true in dark mode."""
    for tag in parsed(page).select("span.problematic, .system-message"):
        yield f"has markup that was not understood: {tag.get_text()[:120]!r}"
    article = parsed(page).select_one("article")
    text = (
        " ".join(tag.get_text() for tag in article.select("p, li, td, h1, h2, h3"))
        if article
        else ""
    )
    for left_over in re.findall(
        r"\{(?:eq|ref|numref|doc|cite\w*|term|download)\}`?[^\s]{0,40}", text
    ):
        yield f"has an unresolved reference: {left_over!r}"
    if re.search(r"\|\s*:?(?:-{2,}|[–—])[–—-]*:?\s*\|", text):
        yield "has a table that was left as text"
    if not parsed(page).select_one("h1"):
        yield "has no title"
    if not any("figures.css" in tag["href"] for tag in parsed(page).find_all("link", href=True)):
        yield "does not load figures.css, which undoes the theme's dark-mode filter on pictures"


def check_formulas(page: Path) -> Iterator[str]:
    """Every formula was set when the page was rendered."""
    for tag in parsed(page).select("article .math"):
        if not tag.select_one(".katex"):
            yield f"has a formula left as text: {tag.get_text()[:80]!r}"


def check_pictures(page: Path) -> Iterator[str]:
    """Every picture says in words what it shows, and has its size before it is loaded."""
    for tag in parsed(page).select("article img"):
        alt, source = tag.get("alt"), tag.get("src", "")
        shown = "a picture" if source.startswith("data:") else source
        if alt is None or re.search(r"\.(?:png|webp|jpe?g|svg)$", alt):
            yield f"shows {shown} without words for those who do not see it"
        if "/_images/" in source and not (tag.get("width") and tag.get("height")):
            yield f"shows {shown} without its size, so that the page jumps when it comes"


def check_weight(page: Path) -> Iterator[str]:
    """No page brings more than a reader on a slow line waits for.

    Fonts, which style sheets load, are not counted.
    """
    files = {page} | {
        target_of(page, address)
        for address in loaded_addresses(page)
        if not is_external(address) and not address.startswith("data:")
    }
    weight = sum(file.stat().st_size for file in files if file.is_file())
    most = HEAVIEST_CHAPTER if page.parent.name == "notebooks" else HEAVIEST_TEXT
    if weight > most:
        yield f"loads {weight / 1e6:.2f} MB, more than {most / 1e6:g}"


def check_widgets(page: Path) -> Iterator[str]:
    """Every widget view on the page finds its model in the widget state that the page carries."""
    views = [json.loads(tag.string) for tag in parsed(page).find_all("script", type=WIDGET_VIEW)]
    states = [json.loads(tag.string) for tag in parsed(page).find_all("script", type=WIDGET_STATE)]
    known = {model for state in states for model in state["state"]}
    for view in views:
        if view["model_id"] not in known:
            yield f"has a widget ({view['model_id']}) without its state: did papermill execute it?"


def check_chapter(page: Path, name: str, built: dict) -> Iterator[str]:
    """An executed chapter shows pictures; a launch button opens the notebook in git."""
    if Path(name).name in built["executed"]:
        if not parsed(page).select("div.cell_output img, div.cell_output video") and not parsed(
            page
        ).find("script", type=WIDGET_VIEW):
            yield "was executed but shows neither a picture nor a widget"
    if built["repository"]:
        owner_and_name = built["repository"].removeprefix("https://github.com/")
        there = f"{owner_and_name}/blob/{built['branch']}/{name}.ipynb"
        wanted = f"https://colab.research.google.com/github/{there}"
        if not parsed(page).find("a", href=wanted):
            yield f"has no Colab button to {wanted}"


def check_files(root: Path) -> list[str]:
    """Every fault that can be seen without a browser, as 'page: fault'."""
    if not (root / "built.json").exists():
        fail(f"no book in {root}: render it first with `make book` or `make html`")
    built = json.loads((root / "built.json").read_text())
    faults = []
    for name in toc_pages():
        page = root / f"{name}.html"
        if not page.exists():
            faults.append(f"{name}: in the table of contents, but not rendered")
            continue
        checks = [
            check_loaded(page),
            check_links(page, root),
            check_outputs(page),
            check_markup(page),
            check_formulas(page),
            check_pictures(page),
            check_weight(page),
            check_widgets(page),
        ]
        if name.startswith("notebooks/"):
            checks.append(check_chapter(page, name, built))
        faults += [f"{name}: {fault}" for check in checks for fault in check]
    for extra in ("index", "search", "genindex"):
        page = root / f"{extra}.html"
        faults += [
            f"{extra}: {fault}"
            for fault in (check_loaded(page) if page.exists() else ["not rendered"])
        ]
    dark = root / "_static" / "figures.css"
    if not dark.exists() or 'data-theme="dark"' not in dark.read_text(encoding="utf-8"):
        faults.append("_static/figures.css: missing, or without its dark-mode rule")
    for style in (root / "_static").rglob("*.css"):
        for address in re.findall(
            r"""url\(["']?(https?:)?//[^)]*\)""",
            style.read_text(encoding="utf-8", errors="replace"),
        ):
            faults.append(f"{style.relative_to(root)}: loads from the network ({address})")
    return faults


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line, checks, lists the faults; ends with status 1 if there are any."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "book", nargs="?", type=Path, default=HTML, help="folder of the rendered book"
    )
    parser.add_argument(
        "--browser",
        choices=["auto", "required", "never"],
        default="auto",
        help="look with Chromium",
    )
    parser.add_argument(
        "--screenshots",
        type=Path,
        help="folder for pictures of every page, light and dark, wide and narrow",
    )
    parser.add_argument(
        "--pages", nargs="*", help="only these pages in the browser, for example book/notation"
    )
    options = parser.parse_args(arguments)
    root = options.book.resolve()

    print("== checking the pages", flush=True)
    faults = check_files(root)
    if options.browser != "never":
        chromium = check_in_browser.find_chromium()
        if chromium:
            print(f"   looking at them with {chromium}", flush=True)
            seen = check_in_browser.check_pages(
                root, options.pages or toc_pages(), chromium, options.screenshots
            )
            faults += [f"{name}: {fault}" for name, found in seen.items() for fault in found]
        elif options.browser == "required" or options.screenshots:
            fail(check_in_browser.HOW_TO_GET_CHROMIUM)
        else:
            print(
                f"   not looked at in a browser: {check_in_browser.HOW_TO_GET_CHROMIUM}", flush=True
            )
    for fault in faults:
        print(f"   {fault}", file=sys.stderr)
    if faults:
        fail(f"{len(faults)} faults in the rendered book")
    print(
        f"   {len(toc_pages())} pages, no fault\n\n"
        f"The book is ready. Open it in a browser:\n   {(root / 'index.html').as_uri()}"
    )


if __name__ == "__main__":
    main()
