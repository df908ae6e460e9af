"""A file is whole or is not there, and what lay in its way is treated as its owner would."""

import errno
import os
import stat
import threading

import pytest

from partclipseg_lite.files import check_folder, check_writable, replacing, write_whole


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_replaces_what_was_there(tmp_path):
    for text in ("first", "ein größerer Text\n"):
        write_whole(tmp_path / "a.json", text)
        assert (tmp_path / "a.json").read_text(encoding="utf-8") == text
    assert listing(tmp_path) == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_whole(tmp_path / "a.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.json", "half of it \ud800")
    with pytest.raises(RuntimeError), replacing(tmp_path / "a.json") as partial:
        partial.write_text("half")
        raise RuntimeError("killed")
    assert listing(tmp_path) == ["a.json"] and (tmp_path / "a.json").read_text() == "old"


def test_a_link_planted_under_an_expected_temporary_name_is_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    for name in ("out.json.partial", ".out.json.partial"):
        (tmp_path / name).symlink_to(victim)
    write_whole(tmp_path / "out.json", "new")
    assert victim.read_text() == "precious" and (tmp_path / "out.json").read_text() == "new"


def test_a_symbolic_link_stays_one_and_its_target_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "there" / "real.json")
    write_whole(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "there" / "real.json").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
def test_a_new_file_has_the_usual_mode_and_a_replaced_one_keeps_its_own(tmp_path):
    mode = lambda path: stat.S_IMODE(path.stat().st_mode)  # noqa: E731
    plain, ours = tmp_path / "plain", tmp_path / "ours"
    plain.write_text("x")
    write_whole(ours, "x")
    assert mode(ours) == mode(plain)
    ours.chmod(0o640)
    write_whole(ours, "y")
    assert mode(ours) == 0o640


@pytest.mark.skipif(os.name == "nt", reason="named pipes")
def test_a_pipe_is_written_into_and_stays_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()
    write_whole(tmp_path / "pipe", "through")
    reader.join(10)
    assert got == ["through"] and stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_trying_a_place_writes_nothing(tmp_path):
    check_writable(tmp_path / "new" / "folder" / "a.json")
    check_folder(tmp_path / "new" / "folder")
    check_writable("/dev/null")
    (tmp_path / "old").write_text("kept")
    check_writable(tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert (tmp_path / "old").read_text() == "kept"


def test_a_place_that_takes_no_file_is_named(tmp_path):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "link", "."):
        with pytest.raises(IsADirectoryError, match="is a folder; give the name of a file"):
            check_writable(path)
    for check in (check_writable, check_folder):
        with pytest.raises(NotADirectoryError, match="file is a file; give another name"):
            check(tmp_path / "file" / "below" / "a.json")
        with pytest.raises(OSError, match="/proc"):
            check("/proc/self/a.json")


def test_a_full_disk_is_seen_before_the_work(tmp_path, monkeypatch):
    def full(dir):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    with pytest.raises(OSError, match="nothing can be written to .*No space left") as caught:
        check_writable(tmp_path / "a.json")
    assert caught.value.errno == errno.ENOSPC


def test_long_names_leave_room_for_the_temporary_one(tmp_path):
    name = "n" * 250
    write_whole(tmp_path / name, "x")
    assert listing(tmp_path) == [name]
