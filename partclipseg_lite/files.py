"""Files that are written whole or not at all, and that a power failure does not lose."""

import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: str | Path, text: str) -> None:
    """Write UTF-8 `text` to `path`, whole or not at all; see `replacing`."""
    contents = text.encode("utf-8")
    with replacing(path) as partial:
        partial.write_bytes(contents)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A new file to write, which takes the place of `path` when the block ends without an error.

    It lies beside `path` under a name that nobody else has, with the mode that a new file usually
    gets (or that of the file it replaces), and is flushed to the disk before it is renamed. After
    an error nothing of it is left. A symbolic link stays one: what it points to is replaced. What
    is no regular file, such as /dev/stdout, is written into.

    Raises:
        OSError: the folder is missing or closed, `path` is a folder, the disk is full, ...
    """
    target = Path(os.path.realpath(path))
    kind = _kind(target)
    if kind == "folder":
        raise IsADirectoryError(f"{path} is a folder; give the name of a file in it")
    if kind == "special":
        with tempfile.TemporaryDirectory() as folder:
            partial = Path(folder) / "contents"
            yield partial
            with partial.open("rb") as source, target.open("wb") as device:
                shutil.copyfileobj(source, device)
        return
    partial = _new_beside(target)
    mode = (target if kind == "file" else partial).stat().st_mode
    try:
        yield partial
        os.chmod(partial, stat.S_IMODE(mode))  # some writers put a file of their own in its place
        _flush(partial)
        os.replace(partial, target)
        _flush(target.parent)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | Path) -> Iterator[Path]:
    """A new folder to fill with files, which takes the place of `path` when the block ends.

    As `replacing`, for a folder: whoever finds one at `path` finds all that belongs into it.
    Folders above it are made.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial, before = (path.with_name(f".{secrets.token_hex(8)}.partial") for _ in range(2))
    partial.mkdir()
    try:
        yield partial
        for file in [*partial.iterdir(), partial]:
            _flush(file)
        if path.exists():
            os.rename(path, before)
        os.rename(partial, path)
        _flush(path.parent)
    finally:
        for left in (partial, before):
            shutil.rmtree(left, ignore_errors=True)


def remove_partials(folder: Path) -> None:
    """Remove what killed processes left half-written in `folder`.

    Call it where nobody else writes.
    """
    for path in folder.glob(".*.partial"):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def check_writable(path: str | Path) -> None:
    """Raise an `OSError` that says why no file can be written at `path`, before the work for it.

    Leaves nothing behind. Folders on the way that do not exist are made later, so the nearest one
    that does is tried.
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
    """Raise an `OSError` that says why no files can be made in the folder `path`.

    It may not exist yet. Leaves nothing behind.

    Args:
        path: the folder.
        file: what is to be written there, for the error.
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


def _kind(path: Path) -> str:
    """What lies at `path`: "nothing", "file", "folder", or "special" (a device, pipe, socket)."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "nothing"
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "special"


def _new_beside(target: Path) -> Path:
    """An empty file in the folder of `target` that did not exist before, with the usual mode."""
    partial = target.with_name(f".{target.name[:80]}.{secrets.token_hex(6)}.partial")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return partial


def _flush(path: Path) -> None:
    """Wait until what `path` holds is on the disk, as far as the system tells."""
    if path.is_dir() and os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems cannot; what is written is written
        if not path.is_dir():
            raise
    finally:
        os.close(descriptor)
