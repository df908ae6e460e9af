"""Fetch an archive and unpack it safely: what the scripts of the datasets share.

    python data_scripts/archives.py https://example.org/set.tar.gz downloads/set

Takes as long as the download; the same command goes on where it was stopped.

A download grows in `NAME.part`; only when it is complete does it get its name. Size and SHA-256 of
the first complete download are kept in `NAME.lock.json`, and every later use is compared with them.
Archives are unpacked into a hidden folder that gets its name when everything is in its place, so
that a folder that is there is whole.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import html.parser
import json
import os
import shutil
import stat
import sys
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException
from pathlib import Path, PurePosixPath

import tqdm as progress

CHUNK = 1 << 20
bar_of = partial(progress.tqdm, disable=None)  # no bars in files and pipes
PARTIAL = ".partial-"
DAMAGED = (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error)


@dataclass(frozen=True)
class Source:
    """An archive and where it is.

    Attributes:
        name: of the file.
        url: where a program gets it.
        page: where a person gets it.
        size: in bytes, None where nobody has told.
        sha256: hexadecimal, None where nobody has told.
    """

    name: str
    url: str
    page: str
    size: int | None = None
    sha256: str | None = None

    @classmethod
    def on_drive(cls, name: str, drive_id: str) -> Source:
        """A file on Google Drive."""
        url = f"https://drive.usercontent.google.com/download?id={drive_id}&export=download"
        return cls(name, url, f"https://drive.google.com/file/d/{drive_id}/view")


class Refused(OSError):
    """The host gave a page, or an error, in place of the file."""


# ---- fetching ------------------------------------------------------------------------------------


def fetch(source: Source, folder: Path) -> Path:
    """The archive's path in `folder`, downloaded where it is not there yet.

    Raises:
        Refused: the host answers with a page or an error; the message says what to do by hand.
        ValueError: the file is not the one it was the last time, or not the known one.
        OSError: the connection broke (run again, it goes on), the disk is full, ...
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / source.name
    if not target.exists():
        _download(source, target)
    verify(source, target)
    return target


def verify(source: Source, path: Path) -> None:
    """Compare a file with what is known of it; remember what it is where nothing is known.

    Raises:
        ValueError: it differs, or is a web page.
    """
    with path.open("rb") as file:
        head = file.read(512)
    if _is_page(head):
        raise ValueError(
            f"{path} is a web page, no archive; remove it and download {source.page} by hand"
        )
    lock = path.with_name(f"{path.name}.lock.json")
    found = {"size": path.stat().st_size, "sha256": sha256(path)}
    known = {"size": source.size, "sha256": source.sha256}
    if lock.exists():
        known = {**json.loads(lock.read_text(encoding="utf-8")), **_given(known)}
    for what, value in _given(known).items():
        if found.get(what, value) != value:
            raise ValueError(
                f"{path} has the {what} {found[what]}, expected {value}; it is damaged or another "
                f"version: remove it and {lock.name}, and run the same command again"
            )
    if not lock.exists():
        _write(lock, json.dumps({**found, "url": source.url}, indent=1))


def _given(known: dict) -> dict:
    return {what: value for what, value in known.items() if value is not None and what != "url"}


def _download(source: Source, target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    tag = target.with_name(f"{target.name}.part.tag")  # which version of the file `part` is of
    begun = part.stat().st_size if part.exists() and tag.exists() else 0
    headers = {}
    if begun:
        headers = {"Range": f"bytes={begun}-", "If-Range": tag.read_text(encoding="utf-8")}
    with _open(source, headers, target) as answer:
        resumed = answer.status == 206
        if resumed and not answer.headers.get("Content-Range", "").startswith(f"bytes {begun}-"):
            raise Refused(f"{source.url} goes on at another place than asked; remove {part}")
        begun = begun if resumed else 0
        length = answer.headers.get("Content-Length")
        total = begun + int(length) if length else source.size
        free = shutil.disk_usage(target.parent).free
        if total and total - begun > free:
            raise OSError(
                errno.ENOSPC,
                f"{source.name} needs {_gb(total - begun)} more in {target.parent}, where "
                f"{_gb(free)} are free",
            )
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        tag.unlink(missing_ok=True)
        with part.open("ab" if resumed else "wb") as file:
            if version and not version.startswith("W/"):
                tag.write_text(version, encoding="utf-8")
            bar = bar_of(desc=source.name, total=total, initial=begun, unit="B", unit_scale=True)
            with bar:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    bar.update(len(chunk))
            got = file.tell()
    if total and got != total:
        raise OSError(
            f"{source.url} broke off after {got:,} of {total:,} bytes; run the same command "
            "again, it goes on there"
        )
    os.replace(part, target)
    tag.unlink(missing_ok=True)


@contextmanager
def _open(source: Source, headers: dict, target: Path) -> Iterator:
    """The answer that carries the file, past one page that asks for confirmation."""
    by_hand = (
        f"Download {source.page} with a browser, put the file at {target}, and run the same "
        "command again"
    )
    url = source.url
    for _ in range(2):
        request = urllib.request.Request(url, headers={"User-Agent": "Mozilla/5.0", **headers})
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            if error.code == 416 and headers:  # `part` is longer than the file
                raise Refused(f"{target}.part is no part of {url}; remove it") from error
            raise Refused(f"{url} answers {error.code} {error.reason}. {by_hand}") from error
        except (urllib.error.URLError, TimeoutError) as error:
            raise OSError(f"{url} cannot be reached ({error}). {by_hand}") from error
        with answer:
            if "html" not in answer.headers.get("Content-Type", ""):
                yield answer
                return
            page = _Page(answer.read(CHUNK).decode("utf-8", "replace"))
        if not page.action or "confirm" not in page.fields:
            break
        query = urllib.parse.urlencode(page.fields)
        url = f"{urllib.parse.urljoin(url, page.action)}?{query}"
    raise Refused(f"{source.url} gives a page ({page.title!r}) and not the file. {by_hand}")


class _Page(html.parser.HTMLParser):
    """Title and form of a page: Google asks whether a large file may come without a virus scan."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.title, self.action, self.fields, self._in_title = "", "", {}, False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        found = dict(attrs)
        self._in_title = tag == "title"
        if tag == "form":
            self.action = found.get("action") or ""
        elif tag == "input" and found.get("name"):
            self.fields[found["name"]] = found.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data.strip()


def _is_page(head: bytes) -> bool:
    text = head.lstrip().lower()
    return text.startswith((b"<!doctype", b"<html", b"<head"))


def sha256(path: Path) -> str:
    """Of a file, hexadecimal."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    bar = bar_of(desc=f"checking {path.name}", total=size, unit="B", unit_scale=True, leave=False)
    with path.open("rb") as file, bar:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            bar.update(len(chunk))
    return digest.hexdigest()


# ---- unpacking -----------------------------------------------------------------------------------


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a tar of any compression, or a zip, into an empty folder.

    macOS's `._*` files are dropped. Nothing else than files and folders is accepted.

    Raises:
        ValueError: it is no archive, damaged, truncated, or holds a link, a device, or a path that
            leads out of the folder.
        OSError: the disk is full, ...
    """
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                _unpack_zip(opened, archive, folder)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as opened:
                _unpack_tar(opened, archive, folder)
        else:
            raise ValueError(
                f"{archive} is no tar and no zip, or damaged at its beginning or end; remove it "
                "and run the same command again"
            )
    except DAMAGED as error:
        raise ValueError(
            f"{archive} is damaged or truncated ({error}); remove it and run the same command again"
        ) from error


def _unpack_tar(opened: tarfile.TarFile, archive: Path, folder: Path) -> None:
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    bar = bar_of(desc=f"unpacking {archive.name}", unit="file")
    with bar:
        for member in opened:
            if member.isfile() and _is_wanted(member.name, archive):
                opened.extract(member, folder, **safe)
                bar.update()
            elif not (member.isfile() or member.isdir()):
                raise ValueError(
                    f"{archive} holds {member.name!r}, a link or device; do not use it"
                )


def _unpack_zip(opened: zipfile.ZipFile, archive: Path, folder: Path) -> None:
    for info in bar_of(opened.infolist(), desc=f"unpacking {archive.name}", unit="file"):
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"{archive} holds {info.filename!r}, a link or device; do not use it")
        if not info.is_dir() and _is_wanted(info.filename, archive):
            opened.extract(info, folder)


def _is_wanted(name: str, archive: Path) -> bool:
    """Whether a member is to be unpacked; ValueError where its path leads out of the folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ValueError(f"{archive} holds {name!r}, which leads out of its folder; do not use it")
    return not path.name.startswith("._") and "__MACOSX" not in path.parts


# ---- preparing -----------------------------------------------------------------------------------


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """A hidden folder beside `target` that takes its name when the block ends without an error.

    What killed runs left of it is removed first.

    Raises:
        FileExistsError: `target` is there.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already; remove it or give another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{target.name}{PARTIAL}*"):
        shutil.rmtree(left)
    hidden = Path(tempfile.mkdtemp(prefix=f".{target.name}{PARTIAL}", dir=target.parent))
    try:
        ready = hidden / "ready"
        ready.mkdir()
        yield ready
        os.replace(ready, target)
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def opened(source: Path, scratch: Path) -> tuple[Path, bool]:
    """(folder with the contents of a folder or archive, whether its files may be moved away)."""
    if source.is_dir():
        return source, False
    if not source.is_file():
        raise FileNotFoundError(f"no archive and no folder at {source}")
    unpacked = scratch.parent / f"unpacked-{source.name}"
    unpacked.mkdir()
    unpack(source, unpacked)
    return unpacked, True


def find_root(folder: Path, *needed: str) -> Path:
    """The folder, `folder` or one inside, that holds everything named.

    Raises:
        FileNotFoundError: none does.
    """
    inside = sorted(p for p in folder.rglob("*") if p.is_dir() and not p.name.startswith("."))
    for candidate in (folder, *sorted(inside, key=lambda p: len(p.parts))):
        if all(any(candidate.glob(name)) for name in needed):
            return candidate
    raise FileNotFoundError(
        f"{folder} holds no folder with {', '.join(needed)}; is it another set?"
    )


def place(source: Path, target: Path, move: bool) -> None:
    """Bring a file or a folder to `target`, by moving or copying; `._*` files stay behind."""
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        for path in bar_of(sorted(source.iterdir()), desc=target.name, unit="file", leave=False):
            place(path, target / path.name, move)
    elif not source.name.startswith("._"):
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target) if move else shutil.copyfile(source, target)


def prepare(target: Path, fill: Callable[[Path], None], *, accept_errors: bool = False) -> None:
    """Make a dataset's folder with `fill(folder)`, check it, and print what was found.

    A folder that is there already is only checked.

    Raises:
        ValueError: the check finds errors; where the folder is new, nothing is left of it.
    """
    from partclipseg_lite.datasets.check import as_table, check_dataset

    def check(folder: Path) -> int:
        findings = check_dataset(folder, progress=sys.stderr.isatty())
        print(as_table(findings))
        return sum(finding.level == "error" for finding in findings)

    if target.exists():
        if check(target) and not accept_errors:
            raise ValueError(f"{target} has errors; remove it and run the same command again")
        print(f"{target} is ready")
        return
    with staging(target) as folder:
        fill(folder)
        if check(folder) and not accept_errors:
            raise ValueError(
                f"the source of {target} has errors (above), nothing was kept; with "
                "--accept-errors it is kept as it is"
            )
    print(f"{target} is ready")


def run(script: str, main: Callable[[], None]) -> None:
    """Run a script: what the user can mend is one line on stderr and exit code 2."""
    try:
        main()
    except KeyboardInterrupt:
        print(f"{script}: stopped; the same command goes on", file=sys.stderr)
        sys.exit(130)
    except (ValueError, OSError, HTTPException) as error:
        full = isinstance(error, OSError) and error.errno == errno.ENOSPC
        hint = "; make room and run the same command again" if full else ""
        print(f"{script}: {error}{hint}", file=sys.stderr)
        sys.exit(2)


def arguments(description: str, target: str) -> argparse.ArgumentParser:
    """The options that every dataset's script has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("datasets") / target,
        metavar="FOLDER",
        help="new folder to make (default: %(default)s)",
    )
    parser.add_argument(
        "--source",
        type=Path,
        metavar="PATH",
        help="an archive or folder that you have; nothing in it is changed",
    )
    parser.add_argument(
        "--downloads",
        type=Path,
        default=Path("datasets/downloads"),
        metavar="FOLDER",
        help="where archives go (default: %(default)s)",
    )
    parser.add_argument(
        "--accept-errors",
        action="store_true",
        help="keep a dataset in which the check finds errors",
    )
    return parser


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"


def main() -> None:
    """Fetch one archive and unpack it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    name = PurePosixPath(urllib.parse.urlparse(args.url).path).name
    archive = fetch(Source(name, args.url, args.url), args.folder.parent)
    with staging(args.folder) as folder:
        unpack(archive, folder)
    print(args.folder)


if __name__ == "__main__":
    run("archives", main)
