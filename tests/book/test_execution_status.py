"""The page of executed chapters, and the workflows that make and publish the book."""

import json
import re

import pytest
import yaml

import execution_status
from book_pages import ROOT, chapters, toc_pages

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_the_table_says_where_and_when_and_admits_what_was_not_executed(tmp_path, monkeypatch):
    done, other = chapters()[:2]
    monkeypatch.setattr(execution_status, "executed_path", lambda path: tmp_path / path.name)
    record = {"fingerprint": "ab", "seconds": 31.6, **execution_status.place_and_day()}
    (tmp_path / done.name).with_suffix(".json").write_text(json.dumps(record))
    rows = execution_status.table().splitlines()
    assert len(rows) == 2 + len(chapters()) and "book/status" in toc_pages()
    assert re.search(
        r"^\| \[.+\]\(\.\./notebooks/\S+\) \| \d{4}-\d\d-\d\d \| 32 \| \d+ cores, ", rows[2]
    )
    assert rows[3].endswith("| – | – | – |") and other.name in rows[3]


def test_the_page_has_a_place_for_the_table():
    page = (ROOT / "book" / "status.md").read_text(encoding="utf-8")
    assert page.count(execution_status.MARK) == 1


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_name_what_exists(path):
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    commands = "\n".join(
        step["run"] for job in jobs.values() for step in job["steps"] if "run" in step
    )
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in re.findall(r"\bmake (.+)", commands) for word in line.split()}
    assert {word for word in named if "=" not in word and "$" not in word} <= targets
    extras = set(re.findall(r"^([a-z]+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert {
        e for given in re.findall(r"\.\[([\w,]+)\]", commands) for e in given.split(",")
    } <= extras
    for ignored in re.findall(r"--ignore (\S+)", commands):
        assert (ROOT / ignored).is_dir()
    for job in jobs.values():
        assert {job["needs"]} <= jobs.keys() if "needs" in job else True
