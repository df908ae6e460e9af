"""Text files that are written whole or not at all."""

from pathlib import Path


def write_whole(path: str | Path, text: str) -> None:
    """Write UTF-8 `text` to `path` so that a half-written file is never found.

    It is written beside `path` first and then put in its place.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
