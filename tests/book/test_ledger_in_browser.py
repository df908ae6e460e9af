"""The ledger's chips and addresses in Chromium, and the page without JavaScript."""

import os

import pytest

import check_in_browser
import ledger_page
import ledger_row
from ledger_rows import KINDS, rows
from partclipseg_lite.experiments.records import load_record


@pytest.fixture(scope="module")
def chromium():
    """A browser; without one the tests fail and say how to get it."""
    if os.environ.get("PARTCLIPSEG_SKIP_BROWSER") == "1":
        pytest.skip("PARTCLIPSEG_SKIP_BROWSER=1")
    program = check_in_browser.find_chromium()
    if not program:
        pytest.fail(check_in_browser.HOW_TO_GET_CHROMIUM)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=check_in_browser.arguments()
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The page's own HTML: chips, closed rows by section, script; what Sphinx adds is left out."""
    records = load_record("departures"), load_record("toy")
    sections = "".join(
        f"<section><h3>{name}</h3>"
        + "".join(
            f'<details class="ledger-row" id="{ledger_row.anchor(row.name)}" '
            f'data-kinds="{" ".join(row.kinds)}">{ledger_row.summary(row, *records)}text</details>'
            for row in rows()
            if row.kinds[0] == kind
        )
        + "</section>"
        for kind, name in KINDS.items()
    )
    path = tmp_path_factory.mktemp("ledger") / "ledger.html"
    parts = ledger_page.inlined("css"), ledger_page.chips(), sections, ledger_page.inlined("js")
    path.write_text("<!doctype html><meta charset=utf-8>" + "\n".join(parts), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(chromium, address):
    opened = chromium.new_page()
    faults = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on("console", lambda message: faults.append(message.text))
    opened.goto(address)
    yield opened
    opened.close()
    assert faults == []


def shown(page) -> int:
    """How many rows can be seen."""
    return page.locator(".ledger-row:visible").count()


def test_a_chip_shows_its_rows_two_show_both_and_none_shows_all(page):
    of = {kind: {row.name for row in rows() if kind in row.kinds} for kind in KINDS}
    assert shown(page) == len(rows())
    page.locator("[data-kind=data]").press("Enter")  # by keyboard
    assert shown(page) == len(of["data"])
    assert page.locator("section:visible").count() < len(KINDS)
    assert page.get_by_role("status").inner_text() == f"{len(of['data'])} of {len(rows())} rows"
    page.locator("[data-kind=ours]").click()
    assert shown(page) == len(of["data"] | of["ours"])
    assert page.locator("[data-kind=ours]").get_attribute("aria-pressed") == "true"
    for kind in ("data", "ours"):
        page.locator(f"[data-kind={kind}]").click()
    assert shown(page) == len(rows())


def test_a_row_opens_by_keyboard_and_all_by_one_button(page):
    first = page.locator(".ledger-row").first
    first.locator("summary").press("Enter")
    assert page.locator(".ledger-row[open]").count() == 1
    page.locator("[data-all]").click()
    assert page.locator(".ledger-row[open]").count() == len(rows())
    page.locator("[data-all]").click()
    assert page.locator(".ledger-row[open]").count() == 0


def test_the_address_of_a_row_opens_it_even_where_it_is_filtered_away(page):
    page.locator("[data-kind=data]").click()
    page.evaluate("location.hash = 'row-peak-in'")
    page.wait_for_selector("#row-peak-in[open]:visible")
    assert shown(page) == len(rows())
    page.evaluate("location.hash = 'no-row'")
    page.evaluate("location.hash = '%'")


def test_without_javascript_every_row_is_there_and_no_chip(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert shown(page) == len(rows())
    assert page.locator(".ledger-chips:visible").count() == 0
    page.locator(".ledger-row summary").first.click()
    assert page.locator(".ledger-row[open]").count() == 1
    context.close()
