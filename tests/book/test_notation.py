"""Every variable on the notation page is one of the package, and every equation has its own."""

import io
import re
import tokenize

from book_pages import ROOT

TEXT = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "`" in line]


def names_in_the_package() -> set[str]:
    """Every name in its sources, strings and comments left out."""
    found = set()
    for path in (ROOT / "partclipseg_lite").rglob("*.py"):
        tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        found |= {token.string for token in tokens if token.type == tokenize.NAME}
    return found


def variables() -> set[str]:
    """Names between backticks in the page's tables, {eq} references left out."""
    quoted = re.findall("`([^`]+)`", re.sub(r"\{\w+\}`[^`]*`", "", " ".join(ROWS)))
    return {name for text in quoted for name in re.findall(r"[A-Za-z_]\w*", text)} - {"t", "o", "p"}


def test_every_variable_of_the_tables_is_a_name_in_the_package():
    listed = variables()
    assert len(listed) > 40 and {"merge_features", "object_part_logits", "gamma"} <= listed
    packages = {"partclipseg_lite", "network", "losses"}
    assert sorted(listed - packages - names_in_the_package()) == []


def test_the_ten_equations_of_the_paper_are_labelled_and_each_stands_in_a_table():
    labelled = re.findall(r"\$\$ \((eq-[\w-]+)\)", TEXT)
    assert len(labelled) == len(set(labelled)) == 10
    assert {label for label in labelled if f"{{eq}}`{label}`" in " ".join(ROWS)} == set(labelled)
