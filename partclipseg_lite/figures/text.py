"""What a chapter shows as text: the package's own source, and tables."""

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence


class Markdown:
    """Text that a notebook, and the rendered book, shows as Markdown."""

    def __init__(self, text: str):
        self.text = text

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def source(*things: Callable | type) -> Markdown:
    """The source of functions, methods or classes of the package as it runs here."""
    texts = [textwrap.dedent(inspect.getsource(thing)).rstrip() for thing in things]
    return Markdown("```python\n" + "\n\n\n".join(texts) + "\n```")


def table(header: Sequence[str], rows: Iterable[Sequence], caption: str = "") -> Markdown:
    """A table of texts and numbers; columns whose cells are all numbers stand to the right.

    Floats are shown as they are given: format them before. A bar in a cell is escaped.

    Raises:
        ValueError: a row has another number of cells than the header.
    """
    rows = [list(row) for row in rows]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"row {row} has {len(row)} cells, the header {len(header)}")
    numeric = [bool(rows) and all(_is_number(row[c]) for row in rows) for c in range(len(header))]
    lines = [header, ["--:" if right else "---" for right in numeric], *rows]
    text = "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines
    )
    return Markdown(text + (f"\n\n*{caption}*" if caption else ""))


LINE = 76  # characters of the names that fit beside each other


def columns(
    values: Mapping[str, Mapping[str, object]],
    form: str = "{}",
    *,
    corner: str = "",
    caption: str = "",
) -> Markdown:
    """A table of `{column: {row: value}}`, every value written with `form`, such as "{:.0%}".

    Rows stand in the order in which they are met; where a column has no value, or NaN, stands "–".
    A single column whose names fit on a line lies down and is a row.
    """
    names = dict.fromkeys(row for column in values.values() for row in column)
    if len(values) == 1 and len(names) > 1 and sum(len(name) + 2 for name in names) <= LINE:
        [(title, column)] = values.items()
        values, names = {name: {title: column.get(name)} for name in names}, [title]
    shown = [[_cell(column.get(name), form) for column in values.values()] for name in names]
    return table(
        [corner, *values], [[name, *row] for name, row in zip(names, shown, strict=True)], caption
    )


def _cell(value: object, form: str) -> str:
    return "–" if value is None or value != value else form.format(value)


def _is_number(cell: object) -> bool:
    if isinstance(cell, (int, float)):
        return True
    first = str(cell).strip().lstrip("*+-−–").replace("\u2009", "")
    return not first or first[0].isdigit()
