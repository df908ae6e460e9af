"""Progress bars in a notebook: one line that changes in place; a report keeps its last state."""

import contextlib
import io
import re
import sys
from collections.abc import Iterator


class Line(io.StringIO):
    """A stream for progress bars: each text that is written replaces the one before on the page.

    Args:
        show: called with the first text; gives what `update(text)` is called on for the later ones.
    """

    def __init__(self, show):
        super().__init__()
        self._show, self._handle = show, None

    def write(self, text: str) -> int:
        """Show `text` without the bar itself, which a page has no room for.

        Blanks alone change nothing.
        """
        shown = re.sub(r"\|.*\|", " ", text).strip()
        if shown and self._handle is None:
            self._handle = self._show(shown)
        elif shown:
            self._handle.update(shown)
        return len(text)


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Inside, what is printed shows as one `Line` in a notebook.

    Outside of notebooks it is printed as ever.
    """
    # Asked for without an import: IPython is there if it runs us, and is not needed where it does
    # not.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel"):
        yield
        return
    with contextlib.redirect_stdout(Line(_InNotebook)):
        yield


class _InNotebook:
    """A text on a notebook's page that can be exchanged."""

    def __init__(self, text: str):
        self._display = sys.modules["IPython.display"]
        self._handle = self._display.display(self._display.Pretty(text), display_id=True)

    def update(self, text: str) -> None:
        self._handle.update(self._display.Pretty(text))
