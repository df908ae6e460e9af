"""The pictures in a folder and below it, in one order, and what else lies there."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

#: Suffixes of pictures that Pillow does not read; it says so of each.
OTHER_PICTURES = frozenset(
    (".arw", ".avif", ".cr2", ".cr3", ".dng", ".heic", ".heif", ".jxl", ".nef", ".raw", ".svg")
)
LINK = "is a link to a folder, which is not followed; give what it leads to as a folder"


@dataclass
class Listing:
    """What lies in a folder; paths are relative to it, with "/" between their parts, sorted.

    Attributes:
        pictures: to be tried: files with a picture's suffix, or none.
        others: files that are no pictures by their suffix.
        closed: folders that were not entered, with the reason.
    """

    pictures: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)


def list_pictures(folder: Path, leave_out: Path | None = None) -> Listing:
    """The files in `folder` and in its folders; those whose names begin with "." are passed over.

    Args:
        folder: a folder, or a link to one.
        leave_out: another folder, which is not entered.

    Raises:
        OSError: `folder` itself cannot be listed.
    """
    os.listdir(folder)
    found, known = Listing(), {*Image.registered_extensions(), *OTHER_PICTURES}
    left_out = leave_out and os.path.realpath(leave_out)

    def relative(path: str) -> str:
        return Path(path).relative_to(folder).as_posix()

    def refused(error: OSError) -> None:
        found.closed[relative(error.filename)] = f"cannot be opened ({error.strerror})"

    for here, folders, files in os.walk(folder, onerror=refused):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in list(folders):
            path = os.path.join(here, name)
            if os.path.realpath(path) == left_out:
                folders.remove(name)
            elif os.path.islink(path):
                folders.remove(name)
                found.closed[relative(path)] = LINK
        for name in files:
            if not name.startswith("."):
                suffix = os.path.splitext(name)[1].lower()
                kind = found.pictures if suffix in known or not suffix else found.others
                kind.append(relative(os.path.join(here, name)))
    found.pictures.sort()
    found.others.sort()
    return found
