"""Render the book into _build/html with Jupyter Book; warnings are errors.

    python book/tools/render_pages.py                    chapters as last executed, or as written
    python book/tools/render_pages.py --need-executed    refuse a chapter that was not executed
    python book/tools/render_pages.py --output DIR       somewhere else

Takes a minute, and the first time more to fetch the pages' JavaScript from npm. The
pages are gathered in _build/source, which mirrors the repository, so that every link and launch
button still means the notebook in git.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml
from filelock import FileLock

import api_page
import chapter_numbers
import execution_status
import living_picture
import playground_files
import results_pictures
import web_access
import web_icons
import web_pictures
import web_weight
from book_pages import (
    BUILD,
    CONFIG,
    HTML,
    LOGS,
    ROOT,
    TOC,
    chapters,
    executed_path,
    fail,
    fresh_folder,
    read_notebook,
    write_notebook,
)
from execute_chapters import is_fresh
from javascript import INSTALL, npm
from quiz import with_quiz

JAVASCRIPT = BUILD / "javascript"
# What the pages serve themselves: file or folder in node_modules -> place under the book's static
# files.
SERVED = {
    "katex/dist/katex.min.css": "katex/katex.min.css",
    "katex/dist/fonts": "katex/fonts",
    "requirejs/require.js": "vendor/require.js",
    "@jupyter-widgets/html-manager/dist": "vendor/@jupyter-widgets/html-manager/dist",
}
# What the playground's files are made of: onnxruntime-web, as scripts and WebAssembly.
RUNTIME = ["ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"]
PLAYGROUND = "playground"  # its folder under the book's static files


def fetch_javascript() -> Path:
    """Fetches what the pages serve once, as package-lock.json pins it, and onnxruntime-web.

    Returns the folder whose contents go into the book's static files.
    """
    BUILD.mkdir(exist_ok=True)
    with FileLock(BUILD / ".javascript.lock"):  # tests beside each other need the same
        return _fetched()


def _fetched() -> Path:
    static, stamp = JAVASCRIPT / "static", JAVASCRIPT / "fetched"
    lock = (ROOT / "book" / "package-lock.json").read_bytes()
    wanted = hashlib.sha256(lock + json.dumps([SERVED, RUNTIME]).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return static
    print(
        "== fetching the book's JavaScript (once; KaTeX, widgets' viewer, onnxruntime-web)",
        flush=True,
    )
    folder = fresh_folder(JAVASCRIPT)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "book" / name, folder)
    if npm(INSTALL, folder):
        fail(
            "npm could not fetch the book's JavaScript (its message is above); "
            "it needs the network, or npm's cache, once"
        )
    for source, target in SERVED.items():
        origin, place = folder / "node_modules" / source, static / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            unneeded = shutil.ignore_patterns(
                "*.map", "embed.js", "libembed-amd.js", "*.ttf", "*.woff"
            )
            shutil.copytree(origin, place, dirs_exist_ok=True, ignore=unneeded)
        else:
            shutil.copy(origin, place)
    runtime_folder().mkdir()
    for name in RUNTIME:
        shutil.copy(folder / "node_modules" / "onnxruntime-web" / "dist" / name, runtime_folder())
    for heavy in ("onnxruntime-web", "@jupyter-widgets"):  # KaTeX and PurgeCSS stay, to run here
        shutil.rmtree(folder / "node_modules" / heavy)
    stamp.write_text(wanted)
    return static


def runtime_folder() -> Path:
    """Where `fetch_javascript` leaves onnxruntime-web."""
    return JAVASCRIPT / "runtime"


def repository_url() -> str:
    """Where the notebooks live on GitHub, for launch and repository buttons; empty when unknown."""
    address = os.environ.get("PARTCLIPSEG_REPOSITORY")
    if address is None:
        question = ["git", "-C", str(ROOT), "remote", "get-url", "origin"]
        try:
            address = subprocess.run(question, capture_output=True, text=True).stdout.strip()
        except FileNotFoundError:
            address = ""
    match = re.search(r"github\.com[:/]+([^/\s]+)/([^/\s]+?)(\.git)?/?$", address)
    return f"https://github.com/{match[1]}/{match[2]}" if match else ""


def launch_branch() -> str:
    """The branch whose notebooks the launch buttons open: "main", or one with executed ones."""
    return os.environ.get("PARTCLIPSEG_LAUNCH_BRANCH") or "main"


def book_config(static: Path) -> dict:
    """_config.yml with this checkout's repository address and absolute folders of static files."""
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    config["sphinx"]["local_extensions"] = {chapter_numbers.__name__: str(ROOT / "book" / "tools")}
    config["sphinx"]["config"]["html_static_path"] = [str(ROOT / "book" / "assets"), str(static)]
    address = repository_url() or config["repository"]["url"]
    if address:
        config["repository"] |= {"url": address, "branch": launch_branch()}
    else:
        print(
            "   note: no GitHub remote, so the pages carry no Colab, repository and issue buttons",
            flush=True,
        )
        del config["repository"], config["launch_buttons"]
        config["html"].update(use_repository_button=False, use_issues_button=False)
    return config


def gather(static: Path, need_executed: bool) -> tuple[Path, list[str]]:
    """Fills _build/source: that folder, and the names of the chapters shown with their results."""
    source = fresh_folder(BUILD / "source")
    shutil.copytree(
        ROOT / "book", source / "book", ignore=shutil.ignore_patterns("node_modules", "tools")
    )
    (source / "_config.yml").write_text(
        yaml.safe_dump(book_config(static), sort_keys=False), encoding="utf-8"
    )
    results_pictures.write(source / "book" / "assets")
    living_picture.write(source / "book" / "assets")
    filled = {
        "status": (execution_status.MARK, execution_status.table()),
        "api": (api_page.MARK, api_page.rooms()),
    }
    for name, (mark, text) in filled.items():
        page = source / "book" / f"{name}.md"
        page.write_text(page.read_text(encoding="utf-8").replace(mark, text), encoding="utf-8")
    intro = source / "book" / "intro.md"
    intro.write_text(with_preview(intro.read_text(encoding="utf-8")), encoding="utf-8")
    executed = []
    for chapter in chapters():
        result = executed_path(chapter)
        if result.exists() and not is_fresh(chapter):
            print(f"   note: {chapter.stem} has changed since it was executed", flush=True)
        if result.exists():
            executed.append(chapter.stem)
        elif need_executed:
            fail(
                f"{chapter.stem} was not executed; "
                "run book/tools/execute_chapters.py, or `make book`"
            )
        else:
            print(
                f"   note: {chapter.stem} was never executed: shown without its results", flush=True
            )
        notebook = read_notebook(chapter)
        if result.exists():
            notebook = as_written(read_notebook(result), notebook)
        notebook = api_page.with_rooms(with_quiz(notebook, chapter.stem), chapter.stem)
        write_notebook(source / chapter.relative_to(ROOT), notebook)
    return source, executed


def with_preview(intro: str) -> str:
    """The first page with the picture that a shared link shows, where the book's address is known.

    Such a picture needs a whole address: that of GitHub's pages for the repository.
    """
    address = repository_url().removeprefix("https://github.com/")
    if not address:
        return intro
    owner, name = address.split("/")
    picture = f"https://{owner.lower()}.github.io/{name}/_static/hero.jpg"
    last = '    "property=og:type": "book"\n'
    return intro.replace(last, f'{last}    "property=og:image": "{picture}"\n', 1)


def as_written(executed: dict, written: dict) -> dict:
    """An executed chapter with the captions and tags of today: changing those is no new run."""
    today = {cell.get("id"): cell["metadata"] for cell in written["cells"]}
    cells = [
        {**cell, "metadata": today.get(cell.get("id"), cell["metadata"])}
        for cell in executed["cells"]
    ]
    return {**executed, "cells": cells}


def render(source: Path, output: Path) -> None:
    """Runs Jupyter Book on the gathered sources and moves the finished pages to `output`."""
    work = fresh_folder(BUILD / "render")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(source), "--all"]
    command += [
        "--config",
        str(source / "_config.yml"),
        "--toc",
        str(source / TOC.relative_to(ROOT)),
    ]
    command += ["--path-output", str(work), "-n", "-W", "--keep-going"]
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / "jupyter-book.log"
    with open(log, "w", encoding="utf-8") as stream:
        status = subprocess.run(
            command, stdout=stream, stderr=subprocess.STDOUT, cwd=ROOT
        ).returncode
    if status:
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8"))
        told = [
            line for line in text.splitlines() if re.search(r"WARNING|ERROR|Error|error:", line)
        ]
        print("\n".join(told or text.splitlines()[-30:]), flush=True)
        fail(f"Jupyter Book refused the pages (above; everything in {log.relative_to(ROOT)})")
    web_pictures.improve(work / "_build" / "html")
    web_icons.draw(work / "_build" / "html")
    web_access.mend(work / "_build" / "html")
    web_weight.lighten(work / "_build" / "html")
    if output.exists():
        shutil.rmtree(output)
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(work / "_build" / "html", output)
    shutil.rmtree(work)


def main(arguments: list[str] | None = None) -> None:
    """Reads the command line and renders the book."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--need-executed", action="store_true", help="refuse chapters without results"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=HTML,
        help="folder of the finished pages (default _build/html)",
    )
    options = parser.parse_args(arguments)

    started = time.monotonic()
    static = fetch_javascript()
    print("== rendering", flush=True)
    playground_files.write(static / PLAYGROUND, runtime_folder())
    source, executed = gather(static, options.need_executed)
    render(source, options.output.resolve())
    # check_pages.py reads which pages must show results, and where the launch buttons must point.
    built = {"executed": executed, "repository": repository_url(), "branch": launch_branch()}
    (options.output / "built.json").write_text(json.dumps(built) + "\n")
    print(f"   rendered in {time.monotonic() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
