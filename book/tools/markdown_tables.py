"""Small pieces of Markdown that the pages of numbers are made of.

    python book/tools/results_page.py     writes such a page

Takes no time; the writers of those pages import it.
"""


def cell(value: float | None) -> str:
    """A number with one decimal, a dash where there is none."""
    return "–" if value is None else f"{value:.1f}"


def with_interval(interval: list[float | None]) -> str:
    """A value and its interval, "30.7 [29.2, 32.2]"."""
    low, value, high = interval
    return f"{cell(value)} [{cell(low)}, {cell(high)}]" if low is not None else cell(value)


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def folded(title: str, text: str) -> str:
    """Text that a click unfolds."""
    return f"````{{dropdown}} {title}\n{text}\n````"
