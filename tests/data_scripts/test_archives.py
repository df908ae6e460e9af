"""Archives come whole, from hosts that behave and hosts that do not, and unpack into one folder."""

import errno
import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import archives
from archives import Refused, Source, fetch, place, staging, unpack

CONTENT = bytes(range(256)) * 400  # 100 kB
PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Password?</body></html>"
CONFIRM = b"""<!DOCTYPE html><html><head><title>Virus scan warning</title></head><body>
<form id="download-form" action="/plain" method="get"><input type="submit" value="Download anyway"/>
<input type="hidden" name="id" value="7"><input type="hidden" name="confirm" value="t"></form>
</body></html>"""


class Host(BaseHTTPRequestHandler):
    """/plain serves ranges, /stubborn none, /broken half, /login a page, /confirm a question."""

    def do_GET(self):
        path, _, query = self.path.partition("?")
        asked = self.headers.get("Range")
        self.server.asked.append((path, query, asked))
        pages = {"/login": PAGE, "/confirm": CONFIRM}
        if path in pages:
            self.answer(200, pages[path], {"Content-Type": "text/html; charset=utf-8"})
        elif path == "/gone":
            self.send_error(404)
        elif path == "/disguised":
            self.answer(200, PAGE, {"Content-Type": "application/octet-stream"})
        else:
            self.serve(path, asked)

    def serve(self, path, asked):
        tag, begin = {"ETag": self.server.tag}, 0
        fits = self.headers.get("If-Range") == self.server.tag
        if asked and fits and path != "/stubborn":
            begin = int(asked.removeprefix("bytes=").rstrip("-"))
            tag["Content-Range"] = f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}"
        body = CONTENT[begin:]
        cut = len(body) // 2 if path == "/broken" and self.server.breaks else len(body)
        self.server.breaks = False
        self.answer(206 if begin else 200, body, tag, cut)

    def answer(self, status, body, headers, cut=None):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        # Noted first: whoever has read the last byte may look before this thread goes on.
        self.server.sent.append((status, len(body[:cut])))
        self.wfile.write(body[:cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def host():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    server.asked, server.sent, server.tag, server.breaks = [], [], '"one"', True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=10)


def source(host, path, **known):
    url = f"http://127.0.0.1:{host.server_address[1]}{path}"
    return Source("set.bin", url, "https://example.org/by-hand", **known)


# ---- fetching ------------------------------------------------------------------------------------


def test_a_file_is_fetched_once_and_known_from_then_on(tmp_path, host):
    path = fetch(source(host, "/plain"), tmp_path)
    assert path.read_bytes() == CONTENT and len(host.asked) == 1
    assert fetch(source(host, "/plain"), tmp_path) == path and len(host.asked) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["set.bin", "set.bin.lock.json"]
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ValueError, match="has the sha256 .* damaged or another version: remove"):
        fetch(source(host, "/plain"), tmp_path)


@pytest.mark.parametrize("known", [{"size": 5}, {"sha256": "0" * 64}])
def test_a_file_that_is_not_the_known_one_is_refused(tmp_path, host, known):
    with pytest.raises(ValueError, match=f"has the {next(iter(known))} .*, expected"):
        fetch(source(host, "/plain", **known), tmp_path)


def test_a_broken_download_goes_on_where_it_stopped(tmp_path, host):
    with pytest.raises(OSError, match="broke off after 51,200 of 102,400 bytes; run the same"):
        fetch(source(host, "/broken"), tmp_path)
    assert not (tmp_path / "set.bin").exists()
    assert fetch(source(host, "/broken"), tmp_path).read_bytes() == CONTENT
    assert [asked for *_, asked in host.asked] == [None, "bytes=51200-"]
    assert host.sent == [(200, 51_200), (206, 51_200)]
    assert not list(tmp_path.glob("*.part*"))


@pytest.mark.parametrize("change", ["another version", "no ranges"])
def test_a_download_begins_anew_where_it_cannot_go_on(tmp_path, host, change):
    with pytest.raises(OSError, match="broke off"):
        fetch(source(host, "/broken"), tmp_path)
    if change == "another version":
        host.tag = '"two"'
        (tmp_path / "set.bin.part").write_bytes(b"old" * 17_000)
    again = source(host, "/stubborn" if change == "no ranges" else "/plain")
    assert fetch(again, tmp_path).read_bytes() == CONTENT


def test_googles_question_is_answered(tmp_path, host):
    assert fetch(source(host, "/confirm"), tmp_path).read_bytes() == CONTENT
    assert [(path, query) for path, query, _ in host.asked] == [
        ("/confirm", ""),
        ("/plain", "id=7&confirm=t"),
    ]


@pytest.mark.parametrize(
    ("path", "says"), [("/login", r"gives a page \('Sign in'\)"), ("/gone", "answers 404")]
)
def test_a_page_in_place_of_the_file_tells_what_to_do_by_hand(tmp_path, host, path, says):
    by_hand = f"Download https://example.org/by-hand .* put the file at {tmp_path}/set.bin"
    with pytest.raises(Refused, match=f"{says}.*{by_hand}"):
        fetch(source(host, path), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_page_that_calls_itself_a_file_is_recognised(tmp_path, host):
    with pytest.raises(ValueError, match="is a web page, no archive; remove it"):
        fetch(source(host, "/disguised"), tmp_path)
    assert not (tmp_path / "set.bin.lock.json").exists()


def test_a_host_that_is_not_there(tmp_path, host):
    host.shutdown()
    host.server_close()
    with pytest.raises(OSError, match="cannot be reached .*Download https://example.org/by-hand"):
        fetch(source(host, "/plain"), tmp_path)


def test_a_disk_that_is_too_small_is_told_before_the_download(tmp_path, host, monkeypatch, capsys):
    usage = shutil._ntuple_diskusage(total=10, used=0, free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SystemExit) as end:
        archives.run("script", lambda: fetch(source(host, "/plain"), tmp_path))
    assert end.value.code == 2
    message = capsys.readouterr().err
    assert "set.bin needs 0.0 GB more in" in message and "make room and run the same" in message
    assert list(tmp_path.iterdir()) == []


# ---- unpacking -----------------------------------------------------------------------------------


def tar_of(path, *members, mode="w:gz"):
    """A tar of (name, contents) or of TarInfo."""
    with tarfile.open(path, mode) as opened:
        for member in members:
            info, data = member, b""
            if isinstance(member, tuple):
                info, data = tarfile.TarInfo(member[0]), member[1]
                info.size = len(data)
            opened.addfile(info, io.BytesIO(data))
    return path


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def everything_in(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("form", ["w", "w:gz", "w:xz", "zip"])
def test_files_are_unpacked_and_what_macos_adds_is_dropped(tmp_path, form):
    members = [("set/a.txt", b"one"), ("set/._a.txt", b"x"), ("__MACOSX/b", b"x"), ("set/c/d", b"")]
    archive = tmp_path / "archive"
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            for name, data in members:
                opened.writestr(name, data)
    else:
        tar_of(archive, *members, mode=form)
    unpack(archive, tmp_path / "out")
    assert everything_in(tmp_path / "out") == {"set/a.txt": b"one", "set/c/d": b""}


@pytest.mark.parametrize(
    "member",
    [
        ("../escaped", b"x"),
        ("/tmp/escaped", b"x"),
        ("a/../../escaped", b"x"),
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.LNKTYPE, "a.txt"),
        special("device", tarfile.CHRTYPE),
        special("pipe", tarfile.FIFOTYPE),
    ],
    ids=["up", "absolute", "up again", "symbolic link", "hard link", "device", "pipe"],
)
def test_a_tar_cannot_reach_out_of_its_folder(tmp_path, member):
    archive = tar_of(tmp_path / "set.tar.gz", ("a.txt", b"one"), member)
    with pytest.raises(ValueError, match="leads out of its folder|a link or device"):
        unpack(archive, tmp_path / "out")
    assert set(everything_in(tmp_path)) <= {"set.tar.gz", "out/a.txt"}


@pytest.mark.parametrize(
    "name", ["../escaped", "/tmp/escaped", "C:/escaped", "..\\escaped", "link"]
)
def test_a_zip_cannot_reach_out_of_its_folder(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as opened:
        info = zipfile.ZipInfo(name)
        info.external_attr = (0o120777 if name == "link" else 0o100644) << 16
        opened.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="leads out of its folder|a link or device"):
        unpack(tmp_path / "set.zip", tmp_path / "out")
    assert set(everything_in(tmp_path)) == {"set.zip"}


@pytest.mark.parametrize("form", ["w:gz", "w", "zip"])
def test_a_truncated_archive_is_told(tmp_path, form):
    archive, noise = tmp_path / "set", os.urandom(60_000)
    if form == "zip":
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("a", noise)
    else:
        tar_of(archive, ("a", noise), mode=form)
    archive.write_bytes(archive.read_bytes()[:30_000])
    with pytest.raises(ValueError, match="damaged"):
        unpack(archive, tmp_path / "out")


def test_what_is_no_archive_is_told(tmp_path):
    (tmp_path / "set").write_bytes(gzip.compress(b"no tar"))
    with pytest.raises(ValueError, match="is no tar and no zip"):
        unpack(tmp_path / "set", tmp_path / "out")


# ---- preparing -----------------------------------------------------------------------------------


def test_a_folder_appears_when_it_is_whole(tmp_path):
    with staging(tmp_path / "set") as folder:
        (folder / "a").write_text("one")
        assert not (tmp_path / "set").exists()
    assert everything_in(tmp_path) == {"set/a": b"one"}
    with pytest.raises(FileExistsError, match="is there already"), staging(tmp_path / "set"):
        pass
    with pytest.raises(RuntimeError), staging(tmp_path / "other") as folder:
        (folder / "a").write_text("one")
        raise RuntimeError
    assert [p.name for p in tmp_path.iterdir()] == ["set"]


def test_a_killed_run_leaves_nothing_that_looks_whole_and_the_next_one_tidies_up(tmp_path):
    code = (
        "import os, pathlib, archives\n"
        "with archives.staging(pathlib.Path('set')) as folder:\n"
        "    (folder / 'a').write_text('one')\n"
        "    os._exit(9)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(archives.__file__)}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, timeout=60, check=False
    )
    assert run.returncode == 9 and not (tmp_path / "set").exists()
    assert len(list(tmp_path.iterdir())) == 1
    with staging(tmp_path / "set") as folder:
        (folder / "b").write_text("two")
    assert everything_in(tmp_path) == {"set/b": b"two"}


def test_copying_leaves_the_source_and_moving_does_not(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("one")
    (tmp_path / "a" / "._c").write_text("x")
    place(tmp_path / "a", tmp_path / "copy", move=False)
    assert everything_in(tmp_path / "a") == {"b/c": b"one", "._c": b"x"}
    place(tmp_path / "a", tmp_path / "moved", move=True)
    assert everything_in(tmp_path / "a") == {"._c": b"x"}
    assert everything_in(tmp_path / "copy") == everything_in(tmp_path / "moved") == {"b/c": b"one"}


def test_what_the_user_can_mend_is_one_line_and_exit_code_2(capsys):
    def full():
        raise OSError(errno.ENOSPC, "No space left on device", "x")

    with pytest.raises(SystemExit) as end:
        archives.run("script", full)
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        "script: [Errno 28] No space left on device: 'x'; make room and run the same command "
        "again\n"
    )
