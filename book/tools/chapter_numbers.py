"""A Sphinx extension: chapters are numbered through the whole book, and the first one is 0.

    python book/tools/render_pages.py     loads it, as _config.yml says

Takes no time. sphinx_external_toc numbers on from one part of the table of contents to the next,
but from 1; a chapter's file, its place in the sidebar and its figures shall carry one number.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_external_toc.collectors import TocTreeCollectorWithStyles as Collector

numbered_from_one = Collector.assign_section_numbers


def lowered(number: list[int] | tuple[int, ...] | None):
    """The number of a section, its chapter counted from 0: (1, 2) becomes (0, 2)."""
    return number and type(number)([number[0] - 1, *number[1:]])


def assign_section_numbers(self: Collector, env: BuildEnvironment) -> list[str]:
    """Number all sections; the names of pages whose numbers have changed."""
    before = env.toc_secnumbers
    numbered_from_one(self, env)
    for page, numbers in env.toc_secnumbers.items():
        env.toc_secnumbers[page] = {anchor: lowered(n) for anchor, n in numbers.items()}
        title = env.titles[page]
        if title.get("secnumber"):
            title["secnumber"] = lowered(title["secnumber"])
        for reference in env.tocs[page].findall(nodes.reference):
            if reference.get("secnumber"):
                reference["secnumber"] = lowered(reference["secnumber"])
    return [page for page, n in env.toc_secnumbers.items() if before.get(page) != n]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx; takes over the numbering of sphinx_external_toc."""
    app.setup_extension("sphinx_external_toc")
    Collector.assign_section_numbers = assign_section_numbers
    return {"parallel_read_safe": True, "parallel_write_safe": True}
