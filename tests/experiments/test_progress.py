"""Progress bars take one line in a notebook and are printed as ever elsewhere."""

import sys
from types import SimpleNamespace

import pytest
from tqdm import tqdm

from partclipseg_lite.experiments.progress import Line, one_line


@pytest.fixture
def page(monkeypatch):
    """What stands on the page of a notebook that runs us: one list of successive texts a place."""
    places = []

    def display(thing, display_id):
        assert display_id
        places.append([thing])
        return SimpleNamespace(update=places[-1].append)

    kernel = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: kernel))
    monkeypatch.setitem(
        sys.modules, "IPython.display", SimpleNamespace(display=display, Pretty=str)
    )
    return places


def test_a_bar_keeps_its_last_state_only(page, capsys):
    with one_line():
        for _ in tqdm(range(3), desc="train", file=sys.stdout, mininterval=0, ncols=60):
            pass
    (texts,) = page
    assert (
        texts[0].startswith("train:   0%")
        and texts[-1].startswith("train: 100%")
        and "3/3" in texts[-1]
    )
    assert not any("|" in text or "\r" in text for text in texts)
    print("after")
    assert capsys.readouterr().out == "after\n"


def test_blanks_open_no_place_and_change_none():
    shown = []
    line = Line(lambda text: shown.append(text) or SimpleNamespace(update=shown.append))
    for text in ("\n", "   ", "a", "\r", "b |##  | c"):
        assert line.write(text) == len(text)
    assert shown == ["a", "b   c"]


@pytest.mark.parametrize("ipython", [None, SimpleNamespace(get_ipython=lambda: None)])
def test_outside_of_notebooks_everything_is_printed(monkeypatch, capsys, ipython):
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    with one_line():
        print("as ever")
    assert capsys.readouterr().out == "as ever\n"


def test_a_plain_ipython_shell_has_no_page(monkeypatch, capsys):
    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython", shell)
    with one_line():
        print("as ever")
    assert capsys.readouterr().out == "as ever\n"
