"""Every departure has its row, every row its option and its tests, and every number its record."""

import ast
import dataclasses
import functools
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

import ledger_effects
import ledger_page
import ledger_row
import ledger_rows
import measure_departures
from ledger_rows import KINDS, SOURCE, Row, rows
from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.experiments.plan import experiments
from partclipseg_lite.experiments.records import load_record
from partclipseg_lite.reading import BUNDLES, Reading
from partclipseg_lite.release.departures import DEPARTURES
from partclipseg_lite.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def record():
    return load_record("departures")


@pytest.fixture(scope="module")
def results():
    return load_record("toy")


# ---- what ties a row to the code -----------------------------------------------------------------


@functools.cache
def named_in(file: str) -> dict[str, tuple[str, ...]]:
    """The tests of a file, each with the options that its decorator `shows` names."""
    path = ROOT / file
    if not path.is_file():
        return {}
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            found[node.name] = tuple(
                argument.value
                for call in node.decorator_list
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "shows"
                for argument in call.args
            )
    return found


def faults(of: list[Row]) -> list[str]:
    """What does not hold of some rows, one sentence each."""
    told = []
    options = [row.option for row in of if row.option]
    told += [f"no row is of the option {o}" for o in Reading.model_fields if o not in options]
    told += [f"two rows are of the option {o}" for o in set(options) if options.count(o) > 1]
    for row in of:
        named = [test.partition("::") for test in row.tests]
        told += [f"{row.name} names no test"] * (not named)
        told += [
            f"{row.name} names {name} of {file}, which does not exist"
            for file, _, name in named
            if name not in named_in(file)
        ]
        if row.option:
            shown = {o for file, _, name in named for o in named_in(file).get(name, ())}
            told += [f"{row.name} names no test that shows it"] * (row.option not in shown)
            where = " ".join(DEPARTURES[row.option].__doc__.split()).partition(". ")[0]
            first = {int(n) for n in re.findall(r":(\d+)", where)}
            cited = [tuple(map(int, re.findall(r"\d+", line))) for line in row.lines]
            near = {n for n in first for line in cited if line and line[0] - 12 <= n <= line[-1]}
            told += [f"{row.name} cites other lines than {where}"] * (near != first)
        if row.experiment and row.experiment not in experiments():
            told.append(f"{row.name} names {row.experiment}, which is not planned")
        if row.chapter and not (ROOT / "notebooks" / f"{row.chapter}.ipynb").is_file():
            told.append(f"{row.name} names the chapter {row.chapter}, which does not exist")
        if not (row.settings or row.no_training):
            told.append(f"{row.name} has neither a switch nor a reason why not")
    return told


def test_every_option_has_a_row_and_every_row_a_test_that_exists():
    assert faults(rows()) == []


def test_there_are_rows_enough_of_every_kind():
    assert len(rows()) >= 24 and {row.kinds[0] for row in rows()} == set(KINDS)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda of: [r for r in of if r.option != "peak_in"], "no row is of the option peak_in"),
        (lambda of: [*of, of[0]], "two rows are of the option object_row"),
        (
            lambda of: [dataclasses.replace(of[0], tests=("tests/test_cli.py::test_gone",))],
            "object_row names test_gone of tests/test_cli.py, which does not exist",
        ),
        (
            lambda of: [dataclasses.replace(of[0], tests=of[1].tests)],
            "object_row names no test that shows it",
        ),
        (lambda of: [dataclasses.replace(of[0], tests=())], "object_row names no test"),
        (
            lambda of: [dataclasses.replace(of[0], lines=("P:99",))],
            "object_row cites other lines than M:1420",
        ),
        (
            lambda of: [dataclasses.replace(of[0], experiment="none")],
            "object_row names none, which is not planned",
        ),
        (
            lambda of: [dataclasses.replace(of[0], chapter="99_end")],
            "object_row names the chapter 99_end, which does not exist",
        ),
        (
            lambda of: [dataclasses.replace(of[0], option="", switch={})],
            "object_row has neither a switch nor a reason why not",
        ),
    ],
)  # fmt: skip
def test_a_row_that_is_not_tied_to_the_code_is_noticed(change, fault):
    assert fault in faults(change(list(rows())))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"kinds": ["magic"]}, "kinds"), ({"option": "colour"}, "no option"), ({}, "two rows")],
)
def test_a_malformed_list_of_rows_is_refused(change, message, tmp_path, monkeypatch):
    entry = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))[0]
    other = {**entry, **change, **({"name": "other"} if change else {})}
    (tmp_path / "ledger.yaml").write_text(yaml.safe_dump([entry, other]))
    monkeypatch.setattr(ledger_rows, "SOURCE", tmp_path / "ledger.yaml")
    with pytest.raises(ValueError, match=message):
        rows.__wrapped__()


def test_an_options_row_switches_it_to_the_release_and_every_switch_is_valid():
    reference = Settings.from_preset("toy", measure_departures.REFERENCE)
    for row in measure_departures.measurable():
        switched = Settings.from_preset("toy", {**measure_departures.REFERENCE, **row.settings})
        assert switched.hash() != reference.hash(), row.name
        if row.option:
            assert getattr(switched.reading, row.option) == BUNDLES["released"][row.option]
            assert switched.reading.departures() == {row.option}


# ---- what ties a number to its record ------------------------------------------------------------


def test_the_record_holds_every_switch_on_its_batch_and_no_other(record):
    measurable = {row.name: row for row in measure_departures.measurable()}
    assert record["switches"].keys() == measurable.keys()
    for name, row in measurable.items():
        assert set(record["switches"][name]) == {"usual", row.batch}, name
        assert list(record["switches"][name][row.batch]) == list(row.states), name


def test_a_switch_measured_again_gives_what_the_record_says(record):
    row = next(row for row in rows() if row.name == "grid_masks")
    found = measure_departures.rounded(measure_departures.Bench().row(row))["usual"]["trained"]
    told = record["switches"]["grid_masks"]["usual"]["trained"]
    for key in ("loss", "gradient", "moved"):
        assert found[key] == pytest.approx(told[key], rel=1e-2), key
    assert found["terms"].keys() == told["terms"].keys()


def test_what_cannot_move_a_gradient_does_not(record):
    moved = {
        name: found["usual"]["trained"]["moved"]
        for name, found in record["switches"].items()
        if "trained" in found["usual"]
    }
    # The soft form has no edge at gamma; the usual batch has background and no novel object, and
    # pictures of the network's size; the optimizer comes after the gradient.
    still = {"claim_at", "last_object", "empty_background", "novel_objects"}
    still |= {"resize", "weight_decay"}
    assert {name for name, value in moved.items() if value == 0} == still
    own = {row.name: row.batch for row in rows() if row.batch != "usual"}
    for name, batch in own.items():
        assert record["switches"][name][batch]["trained"]["moved"] > 0, name


def test_the_record_says_of_both_losses_what_the_page_says_first(record):
    found = record["switches"]["all_of_it"]["usual"]
    for state in ("start", "early", "trained"):
        assert (
            found[state]["control"]["separation"][0] > 0 == found[state]["control"]["separation"][1]
        )
        enhancement = found[state]["control"]["enhancement"][1] / found[state]["gradient"][1]
        assert 0 < enhancement < 1e-5
    first, second = ledger_page.strongest(record)
    late = found["trained"]
    both = sum(late["control"][name][1] for name in ("separation", "enhancement"))
    assert f"{1e6 * both / late['gradient'][1]:.1f} millionths" in first
    assert "“coach”" in second and "“door”" in second


# ---- the page ------------------------------------------------------------------------------------


def test_the_page_is_generated_from_rows_and_records(record, results):
    assert ledger_page.PAGE.read_text(encoding="utf-8") == ledger_page.page(record, results)


class Outline(HTMLParser):
    """Tags that open and close, rows, buttons and addresses of a page's raw HTML."""

    def __init__(self):
        super().__init__()
        self.depth, self.rows, self.kinds, self.ids, self.links = 0, [], [], [], []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])
        if tag == "a" and found.get("href", "").startswith("#"):
            self.links.append(found["href"][1:])
        if tag == "button" and "data-kind" in found:
            self.kinds.append(found["data-kind"])
        if tag == "details":
            assert self.depth == 0, "a row inside of a row"
            self.depth += 1
            self.rows.append(found)

    def handle_endtag(self, tag):
        self.depth -= tag == "details"


def test_rows_are_whole_closed_and_found_by_their_chips(record, results):
    outline = Outline()
    outline.feed(ledger_page.page(record, results))
    assert outline.depth == 0 and len(outline.rows) == len(rows())
    assert all("open" not in row for row in outline.rows) and outline.kinds == list(KINDS)
    assert {kind for row in outline.rows for kind in row["data-kinds"].split()} == set(KINDS)
    assert len(set(outline.ids)) == len(outline.ids) and set(outline.links) <= set(outline.ids)


def test_without_javascript_there_are_no_chips_and_no_hidden_row(record, results):
    page = ledger_page.page(record, results)
    (chips,) = re.findall(r'<div class="ledger-chips"[^>]*>', page)
    assert chips.endswith(" hidden>")
    assert not re.search(r"<details[^>]*hidden", page)


def row_of(**fields) -> Row:
    text = dict.fromkeys(("paper", "release", "ours", "touches"), "")
    return Row(**{"name": "one", "title": "One", "kinds": ("ours",), "tests": (), **text, **fields})


def test_what_was_not_trained_says_how_to_find_out(results):
    planned = row_of(switch={"loss.gamma": 0.1})
    assert ledger_effects.trained_for(planned) == "gamma_0.1"
    assert ledger_effects.command(planned).endswith("experiments run --only gamma_0.1")
    other = row_of(option="object_row")
    assert "--set reading.object_row=no_offset --output runs/one" in ledger_effects.command(other)
    unknown = {"models": {}, "experiments": {}}
    assert ledger_effects.difference(planned, unknown) is None
    assert ledger_row.worth(other, results).startswith("Not measured")


def test_what_was_trained_is_told_in_the_direction_of_the_departure(results):
    name = "toy_no_attention_control"
    told = results["models"][name]["difference"]["oracle_obj"]["unseen"]
    without = row_of(experiment=name, switch={"loss.gamma": 0.1})
    turned = dataclasses.replace(without, from_experiment=False)
    assert ledger_effects.difference(without, results)["oracle_obj"]["value"] == told["value"]
    assert ledger_effects.difference(turned, results)["oracle_obj"]["value"] == -told["value"]
    assert "5 seeds" in ledger_row.worth(turned, results)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: ledger_effects.share(0.936), "94 %"),
        (lambda: ledger_effects.share(0.0117), "1.2 %"),
        (lambda: ledger_effects.share(0.000123), "0.012 %"),
        (lambda: ledger_effects.share(7e-8), "0.0000070 %"),
        (lambda: ledger_effects.share(3e-10), "< 0.0000001 %"),
        (lambda: ledger_effects.share(0.0), "0"),
        (lambda: ledger_effects.share(None), "–"),
        (lambda: ledger_effects.share(2.738), "274 %"),
        (lambda: ledger_effects.change(2.0, 2.0), "0"),
        (lambda: ledger_effects.change(0.4, 0.5), "+25 %"),
        (lambda: ledger_effects.change(0.5, 0.4), "−20 %"),
        (lambda: ledger_effects.short(119.33), "119"),
        (lambda: ledger_effects.short(6.297e-06), "6.30 · 10<sup>−6</sup>"),
        (lambda: ledger_effects.short(None), "–"),
        (lambda: ledger_row.source_line("DI:259"), "partimagenet_mapper.py#L259)"),
        (lambda: ledger_row.source_line("P:607-609"), "baselines/partclipseg.py#L607-L609)"),
        (lambda: ledger_row.source_line("detectron2/x.py:1"), "`detectron2/x.py:1`"),
        (lambda: ledger_row.sentence("tests/a.py::test_it_is"), "*it is* (`tests/a.py`)"),
        (lambda: ledger_row.inline("a < `b`"), "a &lt; <code>b</code>"),
    ],
)
def test_numbers_and_places_are_written_so(call, text):
    assert call().replace("\N{NO-BREAK SPACE}", " ").endswith(text)


def test_a_grid_speaks_its_cells_and_marks_the_pixels_that_are_looked_at():
    drawn = ledger_row.grid("one", ["Hh,", "X.."])
    assert 'aria-label="one: H h nothing; X nothing nothing"' in drawn
    assert 'class="head corner">h<' in drawn and 'class="empty corner"><' in drawn
    assert 'class="twice">2×<' in drawn and "--columns:3" in drawn
    assert 'style="--v:0.62">0.62<' in ledger_row.grid("two", ["0.62 0.00"])


# ---- measuring -----------------------------------------------------------------------------------


def test_a_close_up_is_the_largest_square_without_background():
    object_map = np.full((9, 9), IGNORE)
    object_map[1:6, 2:8] = 0  # 5 x 6: the largest square of an odd side is 5
    image = np.zeros((9, 9, 3), np.uint8)
    close = measure_departures.CloseUps([Sample(image, object_map, object_map, "a")])[0]
    assert close.object_map.shape == (5, 5) and (close.object_map == 0).all()


def test_a_painter_leaves_no_background_and_changes_no_label():
    part_map = np.full((4, 4), IGNORE)
    part_map[0, 0], part_map[3, 3] = 5, 7
    image = np.zeros((4, 4, 3), np.uint8)
    painted = measure_departures.painted(Sample(image, part_map, part_map, "a"))["plain"]
    assert set(np.unique(painted)) == {5, 7}
    assert painted[1, 0] == painted[0, 1] == 5 and painted[3, 2] == painted[2, 3] == 7


def test_a_gradient_moves_by_the_length_of_its_difference():
    before, after = {"a": torch.tensor([3.0, 4.0])}, {"a": torch.tensor([3.0, 0.0])}
    assert measure_departures.moved(before, after) == pytest.approx(4 / 5)
    assert measure_departures.moved(before, {}) == pytest.approx(1.0)
    assert measure_departures.moved(before, {**before, "b": torch.tensor([5.0])}) == 1.0
    assert measure_departures.moved({}, after) is None


def test_numbers_of_the_record_have_six_digits_and_no_nan():
    rounded = measure_departures.rounded({"a": [1.23456789, float("nan")], "b": 3, "c": "x"})
    assert rounded == {"a": [1.23457, None], "b": 3, "c": "x"}
