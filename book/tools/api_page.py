"""The package's public names beside the chapters that teach them, from the docstrings.

    python book/tools/api_page.py     print what book/api.md is filled with

Takes three seconds. `render_pages.py` writes it when the book is made, and names the rooms of each
chapter at its head, so that one leads to the other.
"""

from __future__ import annotations

import importlib
import inspect
import re
from types import ModuleType

from book_pages import ROOT, read_notebook

#: Page -> modules of `partclipseg_lite` whose subject it is.
ROOMS = {
    "notebooks/01_task_and_drawn_world": ("vocabulary", "datasets.sample", "datasets.drawn"),
    "notebooks/02_what_clip_knows": ("network.backbone", "weights.tiny_clip"),
    "notebooks/03_clipseg": ("network.decoder",),
    "notebooks/04_generalized_parts": ("network.models",),
    "notebooks/05_what_teaches_what": ("losses.masks", "losses.objective", "training.loop"),
    "notebooks/06_attention_control": ("losses.attention_control", "evaluation.attention"),
    "notebooks/07_scoring": ("evaluation.metrics", "evaluation.decisions", "evaluation.evaluate"),
    "notebooks/08_what_each_piece_is_worth": ("evaluation.intervals", "experiments.plan"),
    "book/ledger": ("reading", "release.departures"),
    "notebooks/10_the_real_thing": ("weights.models", "weights.clips", "release.recorded"),
    "notebooks/11_your_picture": ("inference.segmenter", "inference.export"),
    "notebooks/full_run": ("settings", "experiments.run"),
}
MARK = "<!-- the rooms -->"  # in book/api.md, where they go


def module(name: str) -> ModuleType:
    """A module of the package by its name in ROOMS."""
    return importlib.import_module(f"partclipseg_lite.{name}")


def label(name: str) -> str:
    """The label of a module's section."""
    return f"api-{name.replace('.', '-').replace('_', '-')}"


def members(of: ModuleType) -> dict[str, object]:
    """Public functions and classes that a module defines, in the order of its source."""
    own = {
        name: thing
        for name, thing in vars(of).items()
        if not name.startswith("_")
        and (inspect.isfunction(thing) or inspect.isclass(thing))
        and thing.__module__ == of.__name__
    }
    return dict(sorted(own.items(), key=lambda item: inspect.getsourcelines(item[1])[1]))


def sentence(thing: object) -> str:
    """The first sentence of a docstring, as Markdown that means what it says."""
    first = (inspect.getdoc(thing) or "").split("\n\n")[0].replace("\n", " ")
    parts = re.split(r"(`[^`]*`)", first)
    kept = [
        part if part.startswith("`") else re.sub(r"([*_$<{|\[])", r"\\\1", part) for part in parts
    ]
    return "".join(kept)


def called(name: str, thing: object) -> str:
    """How a name is called: its parameters without types."""
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return name
    names = [
        f"{'*' * (one.kind - 1) if one.kind in (2, 4) else ''}{one.name}"
        for one in parameters
        if one.name != "self" and not one.name.startswith("_")
    ]
    return f"{name}({', '.join(names)})"


def section(name: str) -> str:
    """A module: what it is, and its public names."""
    of = module(name)
    lines = [f"({label(name)})=", f"### `partclipseg_lite.{name}`", "", sentence(of), ""]
    for member, thing in members(of).items():
        lines += [f"`{called(member, thing)}`", f": {sentence(thing)}", ""]
    return "\n".join(lines)


def title(page: str) -> str:
    """The title of a page of the book."""
    source = ROOT / f"{page}.md"
    if source.is_file():
        text = source.read_text(encoding="utf-8")
    else:
        text = "".join(read_notebook(ROOT / f"{page}.ipynb")["cells"][0]["source"])
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def rooms() -> str:
    """Every chapter's rooms, in Markdown."""
    parts = []
    for chapter, names in ROOMS.items():
        parts.append(f"## {title(chapter)}\n\nThe chapter: {{doc}}`/{chapter}`.\n")
        parts += [section(name) for name in names]
    return "\n".join(parts)


def with_rooms(notebook: dict, chapter: str) -> dict:
    """A chapter whose head names its rooms, with links to them; as it is if it has none."""
    names = ROOMS.get(f"notebooks/{chapter}", ())
    first, *others = notebook["cells"]
    text = "".join(first["source"])
    if not names or "```{admonition} Before you start" not in text:
        return notebook
    links = ", ".join(f"{{ref}}`{name} <{label(name)}>`" for name in names)
    end = text.index("\n```", text.index("```{admonition} Before you start"))
    text = f"{text[:end]}\n\n**In the package.** {links}.{text[end:]}"
    return {**notebook, "cells": [{**first, "source": text}, *others]}


if __name__ == "__main__":
    print(rooms())
