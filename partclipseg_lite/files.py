"""Text files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path


def write_whole(path: str | Path, text: str) -> None:
    """Write UTF-8 `text` beside `path` first and then put it in its place, so that a half-written file is never found."""
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: str | Path) -> None:
    """`OSError` that says what is in the way, unless a file can be written at `path`.

    For the time before long work; leaves nothing behind. Folders on the way that do not exist are
    made later, so the nearest one that does is tried.
    """
    target = Path(os.path.realpath(path))  # what a link leads to
    if target.is_dir():
        raise IsADirectoryError(f"{path} is a folder; give the name of a file to write")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path} may not be written; give another name")
    if target.exists() and not target.is_file():
        return  # a device or a pipe is written into
    check_folder(target.parent, path)


def check_folder(path: str | Path, file: str | Path | None = None) -> None:
    """`OSError` that says what is in the way, unless files can be made in the folder `path`.

    It may not exist yet. Leaves nothing behind. `file`: what is to be written there, for the error.
    """
    there, named = Path(os.path.realpath(path)), file or path
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise NotADirectoryError(f"{named} cannot be made: {there} is a file; give another name")
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"a full disk takes no byte")
            file.flush()
    except OSError as error:
        raise type(error)(
            error.errno, f"nothing can be written to {named} ({error.strerror}); give another place"
        ) from error
