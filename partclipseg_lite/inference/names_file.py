"""A file of names, one a line: what `segment --names-file` reads."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LARGEST = 2**24  # bytes; a hundred thousand names of 100 letters are 10 MB


@dataclass(frozen=True)
class NamesFile:
    """The names in a file, and the lines in which they stand.

    UTF-8, with or without a byte order mark; any kind of line ends. Empty lines say nothing, nor
    does what follows a `#` at the beginning of a line or after a space.

    Attributes:
        path: of the file, for errors.
        names: in their order, as they are written.
        lines: of each, counted from 1.
    """

    path: Path
    names: tuple[str, ...]
    lines: tuple[int, ...]

    @classmethod
    def read(cls, path: str | Path) -> "NamesFile":
        """The names in the file at `path`.

        Raises:
            OSError: it is not there, is a folder, or may not be read.
            ValueError: it is no text in UTF-8 (with the line), too large, or holds no name.
        """
        path = Path(path)
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder; give a file with one name a line")
        try:
            with path.open("rb") as file:
                contents = file.read(LARGEST + 1)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"no file of names at {str(path)!r}") from error
        except PermissionError as error:
            raise PermissionError(f"{path} may not be read; change its permissions") from error
        if len(contents) > LARGEST:
            raise ValueError(
                f"{path} has more than {LARGEST / 1e6:.0f} MB; expected a text file with one name "
                "a line"
            )
        numbered = [
            (number, name)
            for number, line in enumerate(_lines(path, contents), start=1)
            if (name := re.sub(r"(^|\s)#.*", "", line).strip())
        ]
        if not numbered:
            raise ValueError(f"{path} holds no name; write one a line, such as dog's head")
        lines, names = zip(*numbered, strict=True)
        return cls(path, names, lines)

    def check(self, check: Callable[[tuple[str, ...]], object]) -> None:
        """Let `check` look at all names; a `ValueError` of its names the file and the line.

        `check` takes the names and must refuse whatever begins with names that it refuses.
        """
        try:
            check(self.names)
        except ValueError:
            good, bad = 0, len(self.names)  # so many of the first names are good, are not
            while bad - good > 1:
                middle = (good + bad) // 2
                if self._error(check, middle) is None:
                    good = middle
                else:
                    bad = middle
            error = self._error(check, bad)
            raise ValueError(f"{self.path}, line {self.lines[bad - 1]}: {error}") from error

    def _error(self, check: Callable, count: int) -> ValueError | None:
        try:
            check(self.names[:count])
        except ValueError as error:
            return error
        return None


def _lines(path: Path, contents: bytes) -> list[str]:
    try:
        return re.split(r"\r\n|\n|\r", contents.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = len(re.split(rb"\r\n|\n|\r", contents[: error.start]))
        raise ValueError(
            f"{path}, line {line}: this is not UTF-8 (byte {contents[error.start]:#04x}); save the "
            "file as UTF-8 text"
        ) from error
