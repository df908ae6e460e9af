"""The laboratory in headless Chromium: its numbers are Python's, and everybody can use it."""

import os

import pytest
from laboratory_cases import expected, random_scene, relabelled

import check_in_browser
import javascript
from partclipseg_lite.datasets.pick_parts import seen_and_novel_with
from partclipseg_lite.evaluation.laboratory import look_at
from partclipseg_lite.figures import laboratory as lab
from partclipseg_lite.figures.laboratory import LAST_BLOCK_BITS, laboratory
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.models import load_model

if os.environ.get("PARTCLIPSEG_SKIP_BROWSER") == "1":
    pytest.skip("PARTCLIPSEG_SKIP_BROWSER=1", allow_module_level=True)

RANDOM = [random_scene("dog", 0), random_scene("cow", 1, side=4, parts=2)]
WIDE, NARROW = (1000, 900), (390, 844)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    program = check_in_browser.find_chromium()
    if not program:
        pytest.fail(check_in_browser.HOW_TO_GET_CHROMIUM)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=program, args=check_in_browser.arguments()
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def made():
    return laboratory(RANDOM, start="dog")


@pytest.fixture
def no_static_picture(monkeypatch):
    """It takes time, and most pages never show it."""
    monkeypatch.setattr(lab, "static_picture", lambda scene, *_: (b"", scene.title))


@pytest.fixture
def opened(browser, tmp_path):
    """Opens HTML as a file with the network cut; faults of the page fail the test."""
    visits = []

    def open_page(html, size=WIDE, **context):
        file = tmp_path / f"{len(visits)}.html"
        file.write_text(html, encoding="utf-8")
        page = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, **context
        ).new_page()
        page.set_default_timeout(2 * check_in_browser.PATIENCE)  # test machines are shared
        visit = check_in_browser.Visit()
        visit.listen(page)
        visits.append((page, visit))
        page.goto(file.as_uri())
        if context.get("java_script_enabled", True):
            page.wait_for_selector('.pcl-lab[data-ready="true"]')
        return page

    yield open_page
    for page, visit in visits:
        page.context.close()
        assert visit.faults == []


def shown(page) -> list[str]:
    """The numbers of the table: of each model overlap, missing and the losses."""
    return page.locator(".pcl-table td b").all_inner_texts()


# ---- it is right ---------------------------------------------------------------------------------

WORST = """cases => {
    const lab = document.querySelector('.pcl-lab').laboratory;
    const worst = {};
    const compare = (name, ours, theirs) => {
        const [one, other] = [ours, theirs].map(
            values => Array.isArray(values) ? values.flatMap(row => [...(row.length ? row : [row])])
                                            : [values]);
        const most = one.length === other.length
            ? Math.max(...one.map((value, i) => Math.abs(value - other[i]))) : Infinity;
        worst[name] = Math.max(worst[name] ?? 0, most);
    };
    const at = changes => {
        Object.assign(lab.state, changes);
        return lab.results()[0];
    };
    for (const { scene, model, reading, maps, told } of cases) {
        compare('maps', at({ scene, model, reading, head: null }).maps, maps);
        for (const row of told) {
            const found = at({ gamma: row.gamma, tau: 0.05 });
            compare('claims', found.hard, row.claims.map(part => Array.from(part, Number)));
            for (const name of ['overlap', 'missing']) {
                compare(name, lab.now.told(found)[name], row[name]);
            }
            compare('separation', found.printed, row.printed);
            compare('enhancement', found.enhancement, row.enhancement);
            for (const { tau, claims, overlap, missing, loss } of row.soft) {
                const { soft, expected, smoothed } = at({ tau });
                compare('soft claims', soft.map(map => map.reduce((a, b) => a + b)), claims);
                compare('soft overlap', expected.overlap, overlap);
                compare('soft missing', expected.missing, missing);
                compare('soft separation', smoothed, loss);
            }
        }
    }
    return worst;
}"""


def test_six_pictures_of_the_shipped_models_tell_what_python_computes(opened, no_static_picture):
    vocabulary = Vocabulary.load("drawn")
    controlled = load_model("toy")[0]
    samples = seen_and_novel_with(
        ("muzzle", "wing", "wheel"), "test", 200, controlled.backbone.image_size
    )
    scenes = look_at({"with control": controlled}, samples, vocabulary)
    assert [scene.kind for scene in scenes] == ["seen", "novel"] * 3
    made = laboratory(scenes, vocabulary=vocabulary)
    page = opened(made.page())
    worst = page.evaluate(WORST, expected(scenes, LAST_BLOCK_BITS))
    assert len(worst) == 10 and max(worst.values()) < 1e-3, worst


def test_the_page_writes_the_numbers_that_it_computes(opened, made):
    page = opened(made.page())
    case = next(one for one in expected(RANDOM, LAST_BLOCK_BITS) if one["reading"] == "paper")
    row = case["told"][7]
    page.evaluate(
        "values => document.querySelector('.pcl-lab').laboratory.set(values)",
        {"model": 0, "gamma": row["gamma"], "tau": 0.05},
    )
    percent = [f"{round(100 * row[name])}\u00a0%" for name in ("overlap", "missing")]
    assert shown(page)[:3] == [*percent, f"{row['printed']:.3f}"]


# ---- it answers ----------------------------------------------------------------------------------


def test_the_slider_moves_by_keyboard_and_says_its_value_in_words(opened, made):
    page = opened(made.page())
    slider = page.get_by_label("γ", exact=True)
    before = shown(page)
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
    words = slider.get_attribute("aria-valuetext")
    after = shown(page)
    assert words.startswith(f"γ 0.42, a: overlap {after[0]}, missing {after[1]}; b: overlap")
    assert after != before
    page.wait_for_function(
        "words => document.querySelector('.pcl-live').textContent === words", arg=words
    )


def test_the_dot_follows_gamma_on_its_curve(opened, made):
    page = opened(made.page())
    places = []
    for gamma in ("0.1", "0.7"):
        page.get_by_label("γ", exact=True).fill(gamma)
        dots = page.locator(".pcl-curves .pcl-figure").first.locator("circle")
        assert dots.count() == 2
        places.append([dots.first.get_attribute(name) for name in ("cx", "cy")])
    assert places[0] != places[1]


def test_arrows_come_with_the_soft_form_and_never_with_the_printed_one(opened, made):
    page = opened(made.page())
    page.get_by_label("Show the gradient").check()
    counts = {}
    for reading in ("paper", "released", "soft (ours)"):
        page.get_by_label(reading, exact=True).check(force=True)
        counts[reading] = page.locator(".pcl-arrow").count()
    assert counts["paper"] == counts["released"] == 0 < counts["soft (ours)"]
    page.get_by_label("paper", exact=True).check(force=True)
    assert "No arrow anywhere" in page.locator(".pcl-why").inner_text()


def test_a_place_tells_who_claims_it_and_where_it_looks(opened, made):
    page = opened(made.page())
    picture = page.locator(".pcl-pictures svg").first
    holder = RANDOM[0].holder
    place = int((holder >= 0).argmax())
    picture.focus()
    picture.press("ArrowRight")
    for _ in range(place // 5):
        picture.press("ArrowDown")
    for _ in range(place % 5):
        picture.press("ArrowRight")
    text = page.locator(".pcl-place").inner_text()
    assert text.startswith(
        f"Row {place // 5 + 1}, column {place % 5 + 1}, a patch of the "
        f"{RANDOM[0].parts[holder[place]]}; a: claimed by"
    )
    assert page.locator(".pcl-gaze").count() > 2
    step = page.get_by_label("Training step")
    step.fill("0")  # the first one, of which only maps are known
    assert page.locator(".pcl-gaze").count() == 0
    assert "Discs" not in page.locator(".pcl-place").inner_text()
    step.fill("1")
    assert page.locator(".pcl-gaze").count() > 2
    picture.press("Escape")
    assert page.locator(".pcl-gaze").count() == 0


def test_a_chosen_part_shows_its_own_claims_and_mask_alone(opened, made):
    page = opened(made.page())
    outline = page.locator(".pcl-pictures .pcl-outline").first
    chip = page.locator(".pcl-chip").nth(1)
    assert outline.get_attribute("d") == ""
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    assert outline.get_attribute("d")
    fills = {rect.get_attribute("fill") for rect in page.locator(".pcl-pictures rect").all()[:25]}
    assert len(fills) == 1
    chip.click()
    assert chip.get_attribute("aria-pressed") == "false"


def test_the_weakest_part_of_each_model_is_flagged(opened, made):
    page = opened(made.page())
    assert page.locator(".pcl-chip em").count() == 2


def test_step_block_and_head_change_the_maps(opened, made):
    page = opened(made.page())
    seen = [shown(page)]
    page.get_by_label("Decoder block").select_option("1")
    seen.append(shown(page))
    page.get_by_label("Attention", exact=True).select_option("head 2")
    seen.append(shown(page))
    step = page.get_by_label("Training step")
    step.focus()
    step.press("ArrowLeft")
    assert step.get_attribute("aria-valuetext") == "step 10 of 20"
    assert page.get_by_label("Decoder block").is_disabled()
    seen.append(shown(page))
    assert len({tuple(one) for one in seen}) == 4


def test_one_training_step_needs_no_control(opened, no_static_picture):
    scene = random_scene("dog", 0)
    last = {model: {20: steps[20]} for model, steps in scene.gazes.items()}
    page = opened(laboratory([relabelled(scene, gazes=last)]).page())
    assert page.get_by_label("Training step").count() == 0


def test_the_reader_paints_attention_with_pointer_and_keyboard(opened, made):
    page = opened(made.page())
    page.get_by_label("4 × 4, yours to paint").check(force=True)
    assert shown(page)[0] == "50\u00a0%" and shown(page)[2] == "0.250" and shown(page)[4] == "0.55"
    page.get_by_role("button", name="everywhere alike").click()
    assert shown(page)[0] == "0\u00a0%" and shown(page)[4] == "0.88"
    grid = page.locator(".pcl-canvas")
    box = grid.bounding_box()
    grid.click(position={"x": box["width"] / 8, "y": box["height"] / 8})
    assert page.locator(".pcl-canvas text").all_text_contents() == ["100\u00a0%"]
    grid.press("ArrowRight")
    grid.press("Enter")
    assert page.locator(".pcl-canvas text").all_text_contents() == ["50\u00a0%"] * 2
    page.get_by_label("looks, from").select_option("row 1, column 2")
    grid.press("-")
    page.get_by_label("looks, from").select_option("all its patches")
    assert page.locator(".pcl-canvas text").all_text_contents() == ["75\u00a0%", "25\u00a0%"]
    page.get_by_label("dog", exact=True).check(force=True)
    page.get_by_label("looks, from").select_option("those of the torso")
    grid.press("Enter")
    page.get_by_label("looks, from").select_option("row 1, column 1")
    assert page.locator(".pcl-canvas text").all_text_contents() == ["6\u00a0%"] * 16
    page.get_by_label("looks, from").select_option("row 2, column 2")
    assert page.locator(".pcl-canvas text").all_text_contents() == ["100\u00a0%"]


# ---- for everyone --------------------------------------------------------------------------------


def test_two_laboratories_on_a_page_do_not_disturb_each_other(opened, made):
    twice = made.page().replace("</main>", made._repr_html_() + "</main>")
    page = opened(twice)
    page.wait_for_function("() => document.querySelectorAll('[data-ready=true]').length === 2")
    first, second = page.locator(".pcl-lab").all()
    untouched = second.locator(".pcl-table").inner_text()
    first.get_by_label("γ", exact=True).fill("0.8")
    first.get_by_label("released").check(force=True)
    assert second.locator(".pcl-table").inner_text() == untouched
    assert second.get_by_label("paper", exact=True).is_checked()
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map(node => node.id)")
    assert len(ids) == len(set(ids))


SMALL = """() => [...document.querySelectorAll(
        '.pcl-app :is(label, button, select, input[type=range])')]
    .filter(node => !node.closest('.pcl-slider, .pcl-list') || node.tagName !== 'LABEL')
    .map(node => [node.tagName + ' ' + node.innerText.slice(0, 20), node.getBoundingClientRect()])
    .filter(([, box]) => box.height < 43.9 || box.width < 43.9)
    .map(([name, box]) => `${name}: ${box.width} x ${box.height}`)"""


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=["wide-dark", "narrow-light"]
)
def test_axe_finds_nothing_serious_and_targets_are_large(opened, made, size, scheme):
    page = opened(made.page(), size, color_scheme=scheme)
    page.add_script_tag(path=javascript.install() / "axe-core" / "axe.min.js")
    for scene in (0, 2):
        page.evaluate(
            "scene => document.querySelector('.pcl-lab').laboratory"
            ".set({ scene, gradient: true, reading: 'soft', cell: 5 })",
            scene,
        )
        found = page.evaluate("() => axe.run(document)")
        serious = [
            (one["id"], one["nodes"][0]["html"][:150], one["nodes"][0]["failureSummary"][:300])
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == []
        assert len(found["passes"]) > 10
        assert page.evaluate(SMALL) == []
        assert page.evaluate(check_in_browser.TOO_WIDE) <= 0


def test_every_control_is_reached_by_tab_and_shows_where_the_focus_is(opened, made):
    page = opened(made.page())
    page.get_by_label("4 × 4, yours to paint").check(force=True)
    page.locator("h1").evaluate("node => { node.tabIndex = -1; node.focus(); }")
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        name, ring = page.evaluate(
            """() => {
                const node = document.activeElement;
                if (!node.closest('.pcl-app')) return ['', 3];
                const shown = node.type === 'radio' ? node.nextElementSibling : node;
                const name = node.getAttribute('aria-label')
                    || node.labels?.[0]?.innerText || node.innerText;
                return [name, parseFloat(getComputedStyle(shown).outlineWidth)];
            }"""
        )
        if not name:
            break
        assert ring >= 2, name
        reached.append(name.split("\n")[0])
    for wanted in (
        *("4 × 4, yours to paint", "paper", "γ", "τ", "Show the gradient", "head"),
        *("looks, from", "each part at itself"),
    ):
        assert any(name.startswith(wanted) for name in reached), (wanted, reached)
    assert sum("arrow keys" in name or "paint where" in name for name in reached) == 2


def test_on_a_phone_gamma_stays_in_sight_of_what_it_changes(opened, made):
    page = opened(made.page(), NARROW)
    page.locator(".pcl-curves").evaluate("node => node.scrollIntoView()")
    box = page.get_by_label("γ", exact=True).bounding_box()
    assert 0 <= box["y"] and box["y"] + box["height"] < 80


SCHEME = """scheme => {
    const [dark, grounds] = [scheme === 'dark', {}];
    const ground = () => getComputedStyle(document.querySelector('.pcl-app')).backgroundColor;
    const [page, body] = [document.documentElement, document.body];
    for (const [host, node, name, value] of [
        ['the book', page, 'data-theme', dark ? 'dark' : 'light'],
        ['Colab', page, 'theme', dark ? 'dark' : 'light'],
        ['JupyterLab', body, 'data-jp-theme-light', dark ? 'false' : 'true'],
        ['VS Code', body, 'class', dark ? 'vscode-dark' : 'vscode-light'],
    ]) {
        node.setAttribute(name, value);
        grounds[host] = ground();
        node.removeAttribute(name);
    }
    return { ...grounds, none: ground() };
}"""


@pytest.mark.parametrize("own", ["dark", "light"])
def test_the_page_around_it_decides_on_dark_and_without_one_the_system(opened, made, own):
    page = opened(made.page(), color_scheme=own)
    for scheme, colour in (("dark", "rgb(22, 25, 29)"), ("light", "rgb(255, 255, 255)")):
        grounds = page.evaluate(SCHEME, scheme)
        alone = grounds.pop("none")
        assert set(grounds.values()) == {colour}, grounds
        assert (alone == colour) == (scheme == own)


def test_print_and_pages_without_javascript_show_the_figure(opened, made):
    page = opened(made.page())
    assert not page.locator(".pcl-static").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".pcl-static img").is_visible()
    assert not page.locator(".pcl-app").is_visible()
    still = opened(made.page(), java_script_enabled=False)
    assert still.locator(".pcl-static figcaption").inner_text().startswith("The parts of a dog")
