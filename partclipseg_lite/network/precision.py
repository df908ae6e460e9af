"""Networks are made in float32, whatever `torch.set_default_dtype` says."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def made_in_float32() -> Iterator[None]:
    """While modules are made and filled: torch's and open_clip's know no other way.

    Also a decorator: `@made_in_float32()`.
    """
    chosen = torch.get_default_dtype()
    if chosen == torch.float32:
        yield  # nothing is changed, so that other threads see no change
        return
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(chosen)
