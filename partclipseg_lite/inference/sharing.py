"""Work shared by the processes of one `accelerate launch`, or done by this one alone."""

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, TypeVar

import torch

T = TypeVar("T")
PATIENCE = timedelta(days=30)  # the others may still have thousands of pictures to do


class Share:
    """Which part of the work is this process's.

    Attributes:
        index, count: this is process `index`, from 0, of `count`.
        device: where it computes: its own GPU, or the processor.
    """

    def __init__(self):
        self.index, self.count = 0, 1
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:  # as launchers tell
            from accelerate import PartialState

            state = PartialState(cpu=not torch.cuda.is_available(), timeout=PATIENCE)
            self.index, self.count = state.process_index, state.num_processes
            self.device = state.device

    @property
    def is_first(self) -> bool:
        """This process is the one that prepares, writes for all, and speaks."""
        return self.index == 0

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """This process's items: every one is some process's, none is two processes'."""
        return items[self.index :: self.count]

    def from_first(self, value: T) -> T:
        """The first process's `value`, once it has come there."""
        if self.count == 1:
            return value
        from accelerate.utils import broadcast_object_list

        return broadcast_object_list([value])[0]

    def from_all(self, value: Any) -> list:
        """The values of all processes in their order, once all have come there."""
        if self.count == 1:
            return [value]
        from accelerate.utils import gather_object

        return gather_object([value])
