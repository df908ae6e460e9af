"""A text file is whole or is not there."""

import errno

import pytest

from partclipseg_lite.files import check_folder, check_writable, write_whole


def test_text_replaces_what_was_there(tmp_path):
    for text in ("first", "ein größerer Text\n"):
        write_whole(tmp_path / "a.json", text)
        assert (tmp_path / "a.json").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    write_whole(tmp_path / "a.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / "a.json", "half of it \ud800")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.json", "old")]


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
