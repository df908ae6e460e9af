"""Print the rendered book into one PDF with headless Chromium.

    python book/tools/print_book.py                          _build/html to _build/partclipseg.pdf
    python book/tools/print_book.py --pages book/intro       some pages only

Takes about two seconds a page. `make pdf` renders first.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from pypdf import PdfReader, PdfWriter

from book_pages import BUILD, HTML, fail, toc_pages
from check_in_browser import (
    FONTS_LOADED,
    HOW_TO_GET_CHROMIUM,
    PATIENCE,
    Visit,
    arguments,
    find_chromium,
)

FOOTER = """<div style="font: 8px sans-serif; color: #666; width: 100%; padding: 0 15mm;
display: flex; justify-content: space-between"><span class="title"></span>
<span class="pageNumber"></span></div>"""


def printed(page, address: str) -> tuple[str, bytes]:
    """Title and PDF of one page that Playwright's `page` opens."""
    page.goto(address, wait_until="load")
    page.wait_for_function(FONTS_LOADED)
    page.evaluate(
        "() => document.querySelectorAll('img').forEach(one => { one.loading = 'eager'; })"
    )
    page.wait_for_function("() => [...document.images].every(one => one.complete)")
    paper = page.pdf(
        format="A4",
        print_background=True,
        prefer_css_page_size=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
    )
    return page.locator("article h1").first.inner_text().rstrip("#¶ \n"), paper


def print_book(root: Path, pages: list[str], output: Path, chromium: str) -> None:
    """Writes the PDF of `pages`, each with its bookmark.

    Args:
        root: folder of the rendered book.
        pages: names such as "notebooks/00_whole_system", in the order of the book.
        output: the file, written when all pages are printed.
        chromium: program of the browser, from `find_chromium`.
    """
    from playwright.sync_api import sync_playwright

    whole = PdfWriter()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=arguments()
        )
        try:
            context = browser.new_context(color_scheme="light")
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            visit = Visit()
            visit.listen(page)
            for name in pages:
                title, paper = printed(page, (root / f"{name}.html").as_uri())
                whole.append(PdfReader(io.BytesIO(paper)), outline_item=title, import_outline=False)
        finally:
            browser.close()
    if visit.faults:
        fail(f"the book could not be printed: {visit.faults[0]}")
    whole.add_metadata({"/Title": "PartCLIPSeg, step by step"})
    whole.compress_identical_objects()
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.partial")
    whole.write(partial)
    partial.replace(output)


def main(given: list[str] | None = None) -> None:
    """Reads the command line and prints the book."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=HTML, help="the rendered book")
    parser.add_argument("--output", type=Path, default=BUILD / "partclipseg.pdf")
    parser.add_argument("--pages", nargs="+", metavar="PAGE", help="default: all of them")
    options = parser.parse_args(given)
    pages = options.pages or toc_pages()
    if missing := [name for name in pages if not (options.root / f"{name}.html").is_file()]:
        fail(f"{options.root} has no page {missing[0]}; render the book first: make html")
    chromium = find_chromium()
    if not chromium:
        fail(HOW_TO_GET_CHROMIUM)
    print_book(options.root.resolve(), pages, options.output, chromium)
    print(f"   {options.output}: {options.output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
