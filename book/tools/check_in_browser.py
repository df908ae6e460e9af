"""Look at every page of the book in headless Chromium, from the disk and without a network.

    python book/tools/check_pages.py --browser required     calls this after the check of the files

Takes about four seconds a page.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

HOW_TO_GET_CHROMIUM = (
    "no Chromium or Chrome found. Install it (Debian/Ubuntu: apt install chromium; "
    "macOS: brew install --cask chromium), or name its program in PARTCLIPSEG_CHROMIUM"
)
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
MAC = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
WIDE, NARROW = (1280, 900), (390, 844)
WAYS = [(WIDE, "light"), (NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")]
PATIENCE = 60_000  # milliseconds until a page or its widgets count as stuck

# Chromium's own calls home would be refused or counted as the book's.
ARGUMENTS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
]

FONTS_LOADED = "() => document.fonts.ready.then(() => true)"
WIDGETS_DRAWN = """() => {
    const views = document.querySelectorAll(
        'script[type="application/vnd.jupyter.widget-view+json"]');
    return [...views].every(view =>
        view.parentElement.querySelector('.jupyter-widgets, .widget-subarea > *'));
}"""
# A playground waits for its reader; tests of its own load it.
LABORATORIES_READY = """() => [...document.querySelectorAll('.pcl-lab:not([data-playground])')]
    .every(laboratory => laboratory.dataset.ready === 'true')"""
# Lazily loaded pictures far down the page have no size until they are asked for.
EMPTY_PICTURES = """async () => {
    const pictures = [...document.querySelectorAll('img')]
        .filter(picture => picture.offsetParent !== null);
    for (const picture of pictures) {
        picture.loading = 'eager';
        await picture.decode().catch(() => {});
    }
    return pictures.filter(picture => picture.naturalWidth === 0)
        .map(picture => picture.src.slice(0, 120));
}"""
# What a reader sees change: the pictures of an output that are visible now.
SHOWN = """output => [...output.querySelectorAll('img, canvas, svg')]
    .filter(node => node.getClientRects().length)
    .map(node => node.src || (node.toDataURL ? node.toDataURL() : node.outerHTML))"""
TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"


def find_chromium() -> str | None:
    """The program of a Chromium or Chrome on this machine, or None."""
    named = os.environ.get("PARTCLIPSEG_CHROMIUM")
    if named:
        return named
    found = [shutil.which(name) for name in NAMES] + [path for path in MAC if Path(path).exists()]
    return next((path for path in found if path), None)


def arguments() -> list[str]:
    """Chromium's arguments; its sandbox does not start for root, as in most containers."""
    return ARGUMENTS + (["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])


@dataclass
class Visit:
    """What went wrong while a page was open: its console, and what it asked for in vain."""

    faults: list[str] = field(default_factory=list)

    def listen(self, page) -> None:
        """Collects the faults of a Playwright page; requests to other hosts are refused."""
        page.on(
            "console",
            lambda message: (
                message.type == "error" and self.faults.append(f"console: {message.text}")
            ),
        )
        page.on("pageerror", lambda error: self.faults.append(f"script error: {error}"))
        page.on(
            "requestfailed", lambda request: self.faults.append(f"could not load {request.url}")
        )
        page.route("**/*", self.keep_off_the_network)

    def keep_off_the_network(self, route) -> None:
        """Refuses and notes a request that leaves the disk."""
        if route.request.url.split(":", 1)[0] in {"http", "https", "ws", "wss", "ftp"}:
            self.faults.append(f"asked the network for {route.request.url}")
            route.abort()
        else:
            route.continue_()


def check_slider(page) -> list[str]:
    """Faults of sliders: moved with the keyboard and without a kernel, each changes its picture."""
    faults = []
    for number, handle in enumerate(page.locator("article .noUi-handle").all()):
        if not handle.is_visible():
            continue
        output = handle.locator(
            "xpath=ancestor::div[contains(concat(' ', @class, ' '), ' cell_output ')][1]"
        )
        shown_before, value_before = output.evaluate(SHOWN), handle.get_attribute("aria-valuenow")
        backwards = value_before == handle.get_attribute("aria-valuemax")
        handle.focus()
        handle.press("ArrowLeft" if backwards else "ArrowRight")
        page.wait_for_timeout(300)
        if handle.get_attribute("aria-valuenow") == value_before:
            faults.append(f"slider {number} does not move")
        elif not shown_before:
            faults.append(f"slider {number} has no picture beside it")
        elif output.evaluate(SHOWN) == shown_before:
            faults.append(f"slider {number} moves, but the picture stays the same")
    return faults


def check_content(page) -> list[str]:
    """Pictures without size and sliders without effect, on the page that is open."""
    page.wait_for_function(FONTS_LOADED)
    page.wait_for_function(WIDGETS_DRAWN)
    page.wait_for_function(LABORATORIES_READY)
    return [
        *(f"empty picture {source}" for source in page.evaluate(EMPTY_PICTURES)),
        *check_slider(page),
    ]


# Rules that passed, and what did not. Told in short: the whole account doubles the time.
AXE = """async () => {
    const options = {preload: false, resultTypes: ['violations'], selectors: false};
    const found = await axe.run(document.querySelector('main') || document, options);
    const serious = found.violations.filter(one => ['serious', 'critical'].includes(one.impact));
    return [found.passes.length, serious.map(one => [one.id, one.nodes[0].html.slice(0, 150)])];
}"""


def check_access(page, axe: Path) -> list[str]:
    """What axe-core finds serious or critical in the main part of an open page, or all of it."""
    page.add_script_tag(path=axe)
    passed, serious = page.evaluate(AXE)
    faults = [f"{rule}: {node}" for rule, node in serious]
    return faults if passed else [*faults, "axe found nothing to look at"]


def check_page(
    browser, address: str, name: str, screenshots: Path | None, axe: Path | None
) -> list[str]:
    """Opens one page, looks at it in every way of WAYS, and returns its faults, each once."""
    visit = Visit()
    context = browser.new_context(
        viewport={"width": WIDE[0], "height": WIDE[1]}, color_scheme="light"
    )
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    visit.listen(page)
    try:
        page.goto(address, wait_until="load")
        visit.faults += check_content(page)
        if axe:
            visit.faults += check_access(page, axe)
        for (width, height), scheme in WAYS if screenshots else WAYS[:2]:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.wait_for_timeout(100)
            if page.evaluate(TOO_WIDE) > 1:
                visit.faults.append(
                    f"is {page.evaluate(TOO_WIDE)} px wider than a window of {width} px"
                )
            if screenshots:
                file = f"{name.replace('/', '_')}_{width}_{scheme}.png"
                page.screenshot(path=screenshots / file, full_page=True)
    except Exception as error:  # Playwright's own errors: time-outs, crashes of the page
        visit.faults.append(f"{type(error).__name__}: {str(error).splitlines()[0]}")
    finally:
        context.close()
    return list(dict.fromkeys(visit.faults))


def check_pages(
    root: Path,
    pages: list[str],
    chromium: str,
    screenshots: Path | None = None,
    axe: Path | None = None,
) -> dict[str, list[str]]:
    """The faults of each page, opened wide and light, then narrow and dark.

    Args:
        root: folder of the rendered book.
        pages: names such as "notebooks/00_whole_system".
        chromium: program of the browser, from `find_chromium`.
        screenshots: folder for pictures of every page in all four ways; none without it.
        axe: axe-core's script, to look at each page as a screen reader would; not without it.

    Returns:
        A list of faults, one sentence each, for every name in `pages`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, headless=True, args=arguments()
        )
        try:
            addresses = {name: (root / f"{name}.html").as_uri() for name in pages}
            return {
                name: check_page(browser, addresses[name], name, screenshots, axe) for name in pages
            }
        finally:
            browser.close()
