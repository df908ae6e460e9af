"""A Sphinx extension: the bibliography is labelled by author and year, as the text cites.

    python book/tools/render_pages.py     loads it, as _config.yml says

Takes no time. In book/bibliography.md, `:style: author_year` asks for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pybtex.database import Entry
from pybtex.plugin import register_plugin
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from sphinx.application import Sphinx


def label(entry: Entry) -> str:
    """Such as "Choi et al., 2024": one author, two joined by "and", or the first of more."""
    names = [" ".join(map(str, author.rich_last_names)) for author in entry.persons["author"]]
    if len(names) > 2 or "others" in names:
        who = f"{names[0]} et al."
    else:
        who = " and ".join(names)
    return f"{who}, {entry.fields['year']}"


class AuthorYearLabels(BaseLabelStyle):
    """Labels of entries in the order in which they stand."""

    def format_labels(self, sorted_entries: Iterable[Entry]) -> Iterator[str]:
        """A label for each entry."""
        return map(label, sorted_entries)


class AuthorYear(Style):
    """Entries as pybtex writes them, sorted by author, labelled by author and year."""

    default_label_style = AuthorYearLabels
    default_sorting_style = "author_year_title"


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    register_plugin("pybtex.style.formatting", "author_year", AuthorYear)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
