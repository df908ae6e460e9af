"""A Sphinx extension: chapters are numbered through the whole book, and the first one is 0.

    sphinx: {local_extensions: {chapter_numbers: book/tools}}      in _config.yml

Takes no time. sphinx_multitoc_numbering numbers on from one part of the table of contents to the
next, but from 1; a chapter's file, its place in the sidebar and its figures shall carry one number.
"""

from __future__ import annotations

import sphinx_multitoc_numbering
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector


def lowered(number: list[int] | tuple[int, ...] | None):
    """The number of a section, its chapter counted from 0: (1, 2) becomes (0, 2)."""
    return number and type(number)([number[0] - 1, *number[1:]])


def assign_section_numbers(self: TocTreeCollector, env: BuildEnvironment) -> list[str]:
    """Number all sections; the names of pages whose numbers have changed."""
    before = env.toc_secnumbers
    sphinx_multitoc_numbering.assign_section_numbers(self, env)
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
    """Called by Sphinx; after sphinx_multitoc_numbering, whose numbering it takes over."""
    app.setup_extension("sphinx_multitoc_numbering")
    TocTreeCollector.assign_section_numbers = assign_section_numbers
    return {"parallel_read_safe": True, "parallel_write_safe": True}
