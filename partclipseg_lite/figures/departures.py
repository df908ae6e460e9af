"""Where the release departs from the paper: a table made from the code that departs."""

from ..reading import PAPER, RELEASED, Reading
from ..release.departures import DEPARTURES
from .text import Markdown, table


def departures_table() -> Markdown:
    """One row for each option of `Reading`: both values, what the release does, and where.

    The last two come from the docstring of the class that does it.
    """
    rows = []
    for option in Reading.model_fields:
        where, _, does = " ".join(DEPARTURES[option].__doc__.split()).partition(". ")
        rows.append([f"`{option}`", getattr(PAPER, option), getattr(RELEASED, option), does, where])
    return table(["option", "paper", "release", "what the release does", "its lines"], rows)
