"""Files of names are read however an editor saved them; what is wrong is found by its line."""

import pytest
from helpers import tiny_model
from hypothesis import given, settings
from hypothesis import strategies as st

from partclipseg_lite.inference.names_file import NamesFile
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.vocabulary import Vocabulary

NAMES = ("dog's head", "cat's tail", "bus's license plate")


@pytest.fixture
def written(tmp_path):
    def write(contents):
        path = tmp_path / "names.txt"
        path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
        return path

    return write


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte order mark"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old mac"])
def test_comments_and_empty_lines_say_nothing(written, mark, end):
    lines = ["# parts", "", "dog's head", "  cat's tail  # of a cat", "\t", "bus's license plate"]
    found = NamesFile.read(written(mark + end.join(lines).encode()))
    assert found.names == NAMES and found.lines == (3, 4, 6)


@settings(max_examples=20)
@given(st.lists(st.sampled_from([*NAMES, "", "  ", "# dog's eye", "#", " # x"]), min_size=1))
def test_names_keep_their_order_and_their_lines(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("names") / "n"
    path.write_text("\n".join(lines))
    expected = [(line, n) for n, line in enumerate(lines, start=1) if line in NAMES]
    if not expected:
        with pytest.raises(ValueError, match="holds no name"):
            NamesFile.read(path)
        return
    found = NamesFile.read(path)
    assert list(zip(found.names, found.lines, strict=True)) == expected


@pytest.mark.parametrize(
    "contents, what",
    [
        (b"dog's head\ndog's t\xe9te\n", r"names.txt, line 2: this is not UTF-8 \(byte 0xe9\)"),
        ("dog's head\n".encode("utf-16"), "names.txt, line 1: this is not UTF-8"),
        (b"# nothing\n\n", "names.txt holds no name"),
        (b"", "names.txt holds no name"),
        (b"x" * (2**24 + 1), "names.txt has more than 17 MB"),
    ],
    ids=["latin-1", "utf-16", "comments", "empty", "endless"],
)
def test_a_file_that_is_none_is_refused(written, contents, what):
    with pytest.raises(ValueError, match=what):
        NamesFile.read(written(contents))


def test_a_file_that_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file of names at .*nothing"):
        NamesFile.read(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        NamesFile.read(tmp_path)


@pytest.mark.parametrize(
    "lines, line, what",
    [
        (["dog's head", "", "dog", "dog's tail"], 3, "'dog' is not the name of an object part"),
        (["dog's head", "# once more", "cat's ear", "DOG'S head"], 4, "is listed twice"),
        (["dog's head", "cat's ear", "dog's head", "dog's head"], 3, "is listed twice"),
        ([*(f"dog{n}'s head" for n in range(40)), "'s head"], 41, "'s head"),
    ],
    ids=["no part", "twice in two spellings", "twice and twice", "the last"],
)
def test_a_bad_name_is_found_by_its_line(written, lines, line, what):
    file = NamesFile.read(written("\n".join(lines)))
    with pytest.raises(ValueError, match=f"names.txt, line {line}: .*{what}"):
        file.check(Vocabulary.from_names)


def test_a_word_that_the_model_does_not_know_is_found_by_its_line(written):
    file = NamesFile.read(written("dog's head\n\ncat's head\ndragon's head\ndog's tail"))
    with pytest.raises(ValueError, match="names.txt, line 4: .*no word 'dragon'"):
        file.check(PartSegmenter(tiny_model()).encode_names)
