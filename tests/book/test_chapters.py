"""Every chapter runs from top to bottom and prints the facts that stand in it."""

import json
import re

import numpy as np
import pytest

import refresh_facts
from book_pages import ROOT, chapters, read_notebook
from partclipseg_lite.release.comparison import NAME_LISTS, Row, shipped_reference


@pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)
def test_a_chapter_runs_and_prints_its_facts(chapter, executed):
    changes = refresh_facts.changes(read_notebook(chapter), chapter.name, executed(chapter))
    assert not changes, "\n".join(changes)


# ---- the comparison with the release, which a chapter computes at the real size ------------------


def text_of(cell):
    """What the outputs of a cell say."""
    said = [output.get("data", {}).get("text/markdown", "") for output in cell.get("outputs", [])]
    return "".join(line for lines in said for line in lines)


@pytest.fixture(scope="module")
def rows(executed):
    """Every row of the chapter's comparison of our numbers with the released ones."""
    cells = executed(ROOT / "notebooks" / "10_the_real_thing.ipynb")["cells"]
    [table] = [t for t in map(text_of, cells) if t.startswith("| compared | deviation | allowed ")]
    read = [line.strip("| ").split(" | ") for line in table.strip().splitlines()[2:]]
    return [
        Row(name, float(deviation), float(allowed), unit) for name, deviation, allowed, unit in read
    ]


def test_every_recorded_number_of_the_release_is_met(rows):
    assert [str(row) for row in rows if not row.agrees] == []


def test_numbers_of_every_kind_were_compared(rows):
    folder = shipped_reference()
    recorded = json.loads((folder / "released.json").read_text())
    names = [row.name for row in rows]
    starting = lambda *starts: sum(name.startswith(starts) for name in names)  # noqa: E731
    assert set(NAME_LISTS) < set(names) and len(names) == len(set(names))
    assert starting("gradient of ") == len(recorded["grad_norm"]) == 18
    assert starting("cross-entropy, ") == len(recorded["bce_calls"]) == 4
    assert starting("loss, ") == 3 and starting("image 0 alone: ", "image 1 alone: ") == 2 * 3
    assert (
        starting("preprocessing", "logits of ", "merged attention", "separation has a gradient")
        == 5
    )
    assert starting("inference, ") == sum(
        name.endswith(("_argmax", "_scores")) for name in np.load(folder / "released.npz")
    )
    numbers = [int(count) for count in re.findall(r"\((\d+) numbers\)", " ".join(names))]
    metrics = json.loads((folder / "released_metrics.json").read_text())
    assert sum(numbers) == sum(map(len, metrics.values())) == 960
    assert len(names) == 7 + 18 + 4 + 3 + 6 + 5 + 6 + len(numbers)
