"""Keep the notebooks in git clean: no outputs, except the facts that the tests compare.

    python book/tools/refresh_facts.py             execute what changed, write facts back, strip
    python book/tools/refresh_facts.py --strip     strip only; facts stay as they are
    python book/tools/refresh_facts.py --check     change nothing; status 1 if one is not clean

Takes as long as executing the changed chapters, up to two minutes; the other two forms a second.
A fact is the text printed by a cell tagged `nbval-check-output`: a shape, a count, a score rounded
to what is stable. Read `git diff notebooks/` before you commit changed facts: each is a result that
changed.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

from book_pages import ROOT, chapters, executed_path, fail, read_notebook, tags, write_notebook
from execute_chapters import main as execute_main

FACT = "nbval-check-output"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TEXT_ONLY = {"text/plain", "text/markdown"}  # a table is text, too
# nbval refuses outputs of a cell that has no execution count; always 1, so that git stays quiet.
RUN = 1


def as_facts(outputs: list[dict], where: str) -> list[dict]:
    """Outputs reduced to their text, streams joined; anything that is not text ends the script."""
    facts: list[dict] = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            text = "".join(output["text"])
            if facts and facts[-1]["output_type"] == "stream":
                text = "".join(facts.pop()["text"]) + text
            facts.append(
                {"name": "stdout", "output_type": "stream", "text": text.splitlines(keepends=True)}
            )
        elif output["output_type"] == "execute_result" and set(output["data"]) <= TEXT_ONLY:
            facts.append({**output, "execution_count": RUN, "metadata": {}})
        else:
            kind = output.get("name") or ", ".join(output.get("data", {})) or output["output_type"]
            fail(
                f"{where} is tagged {FACT} but its output holds {kind}: "
                "print text there, and nothing else"
            )
    return facts


def cleaned(notebook: dict, name: str, executed: dict | None = None) -> dict:
    """The notebook as it belongs in git; facts come from `executed` where that is given."""
    notebook = copy.deepcopy(notebook)
    notebook["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    results = executed["cells"] if executed else notebook["cells"]
    if ["".join(cell["source"]) for cell in results] != [
        "".join(cell["source"]) for cell in notebook["cells"]
    ]:
        fail(f"{name} has changed since it was executed; run this again without --strip")
    for number, (cell, result) in enumerate(zip(notebook["cells"], results, strict=True)):
        kept = (
            {"mystnb": cell["metadata"]["mystnb"]} if "mystnb" in cell["metadata"] else {}
        )  # alternative texts
        kept |= {"tags": sorted(tags(cell))} if tags(cell) else {}
        cell["metadata"] = kept
        if cell["cell_type"] == "code":
            is_fact = FACT in tags(cell)
            cell["execution_count"] = RUN if is_fact else None
            cell["outputs"] = (
                as_facts(result["outputs"], f"{name}, cell {number}") if is_fact else []
            )
    return notebook


def changes(notebook: dict, name: str, executed: dict) -> list[str]:
    """The facts of a notebook that its executed copy does not print, each beside what it prints.

    Args:
        notebook: as it stands in git.
        name: of its file, for messages.
        executed: its copy with the outputs of today.
    """
    today = cleaned(notebook, name, executed)["cells"]
    return [
        f"{name}, cell {number} printed\n{_text(now)}\ninstead of\n{_text(then)}"
        for number, (then, now) in enumerate(zip(notebook["cells"], today, strict=True))
        if FACT in tags(then) and then["outputs"] != now["outputs"]
    ]


def _text(cell: dict) -> str:
    """What a fact says."""
    said = [
        output["text"] if "text" in output else output["data"]["text/plain"]
        for output in cell["outputs"]
    ]
    return "".join(line for lines in said for line in lines)


def faults(path: Path) -> list[str]:
    """What is not clean about a notebook in git."""
    notebook, found = read_notebook(path), []
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code":
            continue
        if FACT in tags(cell) and not cell["outputs"]:
            found.append(f"cell {number} is tagged {FACT} but has no output to compare with")
        if FACT not in tags(cell) and cell["outputs"]:
            found.append(f"cell {number} carries outputs")
    if not found and cleaned(notebook, path.name) != notebook:
        found.append("metadata or execution counts of a run are left in it")
    return found


def main() -> None:
    """Reads the command line and cleans, or only checks, the notebooks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--strip", action="store_true", help="only strip outputs")
    what.add_argument("--check", action="store_true", help="only look")
    parser.add_argument("names", nargs="*", help="chapters by name; all without")
    options = parser.parse_args()

    unknown = set(options.names) - {path.stem for path in chapters()}
    if unknown:
        known = ", ".join(path.stem for path in chapters())
        fail(f"no chapter {', '.join(sorted(unknown))}; there are {known}")
    selected = [path for path in chapters() if not options.names or path.stem in options.names]
    if options.check:
        found = [
            f"{path.relative_to(ROOT)}: {fault}" for path in selected for fault in faults(path)
        ]
        print("\n".join(found) or f"{len(selected)} notebooks are clean")
        sys.exit(bool(found))
    if not options.strip:
        execute_main([path.stem for path in selected])
    for path in selected:
        source = read_notebook(path)
        clean = cleaned(
            source, path.name, None if options.strip else read_notebook(executed_path(path))
        )
        if clean != source:
            write_notebook(path, clean)
            print(f"   refreshed {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
