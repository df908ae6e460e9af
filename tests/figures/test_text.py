"""Source and tables as chapters show them."""

import pytest

from partclipseg_lite.figures.text import columns, source, table
from partclipseg_lite.losses.attention_control import claims


class Box:
    def inside(self):
        return 1


def test_source_is_the_code_itself_without_the_indentation_of_a_method():
    shown = source(claims, Box.inside)._repr_markdown_()
    assert shown.startswith("```python\ndef claims(") and shown.endswith("\n```")
    assert "\n\n\ndef inside(self):\n    return 1\n" in shown


def test_a_table_puts_numbers_to_the_right_and_escapes_bars():
    shown = table(
        ["name", "mIoU"], [["a|b", "34.0 ± 0.7"], ["c", "–"]], "Percent."
    )._repr_markdown_()
    assert shown.splitlines() == [
        "| name | mIoU |",
        "| --- | --: |",
        r"| a\|b | 34.0 ± 0.7 |",
        "| c | – |",
        "",
        "*Percent.*",
    ]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="has 1 cells, the header 2"):
        table(["a", "b"], [["c"]])


def test_a_single_column_lies_down_where_its_names_fit_on_a_line():
    lying = columns({"IoU": {"head": 0.5, "tail": None}}, "{:.0%}")._repr_markdown_()
    assert lying == table(["", "head", "tail"], [["IoU", "50%", "–"]])._repr_markdown_()
    long = {f"{'very ' * 9}long name {i}": i for i in range(2)}
    standing = columns({"IoU": long})._repr_markdown_()
    assert (
        standing
        == table(["", "IoU"], [[name, str(i)] for name, i in long.items()])._repr_markdown_()
    )
    two = columns({"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}})._repr_markdown_()
    assert two == table(["", "a", "b"], [["x", "1", "3"], ["y", "2", "4"]])._repr_markdown_()
