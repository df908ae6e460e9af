"""A refusal is shown as it is said, and its absence is noticed."""

import pytest

from partclipseg_lite.figures.refusals import refusal


def refuse(name):
    raise ValueError(f"/tmp/folder/{name} is not what was asked for")


def test_the_message_is_broken_into_lines_without_what_is_hidden():
    assert (
        refusal(refuse, "page.pth", hide="/tmp/folder/", width=20)
        == "page.pth is not what\nwas asked for"
    )


def test_a_call_that_is_not_refused_is_an_error():
    with pytest.raises(AssertionError, match="len was expected to refuse"):
        refusal(len, "abc")
