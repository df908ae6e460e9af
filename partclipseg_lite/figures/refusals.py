"""What the package says when it refuses something, as a chapter shows it."""

import textwrap
from collections.abc import Callable


def refusal(call: Callable, *arguments, hide: str = "", width: int = 80) -> str:
    """The message of the `ValueError` or `OSError` that ends a call, in lines of `width` columns.

    Args:
        call: what is expected to refuse.
        *arguments: what it is called with.
        hide: left out of the message, such as the name of a temporary folder.
        width: columns of a line.

    Raises:
        AssertionError: the call ended well.
    """
    try:
        call(*arguments)
    except (ValueError, OSError) as error:
        return textwrap.fill(str(error).replace(hide, ""), width)
    raise AssertionError(f"{getattr(call, '__name__', call)} was expected to refuse {arguments}")
