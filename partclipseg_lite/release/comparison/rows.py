"""One compared number or array: how far it is off, beside how far it may be."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .folder import number_of


@dataclass(frozen=True)
class Row:
    """One compared number or array: its largest deviation beside what is allowed.

    Not `compared`: what the folder should hold and does not.
    """

    name: str
    deviation: float
    tolerance: float
    unit: str  # "absolute", "relative", "share of pixels", "differences"
    compared: bool = True

    @classmethod
    def absent(cls, name: str) -> "Row":
        """The row of what is not there to be compared."""
        return cls(name, math.nan, 0.0, "absolute", compared=False)

    @classmethod
    def absolute(cls, name: str, mine: Tensor, theirs: np.ndarray, tolerance: float) -> "Row":
        """The largest difference of two arrays.

        Raises:
            ValueError: theirs has another shape, or holds no floating-point numbers.
        """
        check_shape(name, mine, theirs)
        if theirs.dtype.kind != "f":
            raise ValueError(f"{name}: recorded is {theirs.dtype}, expected floating-point numbers")
        difference = (mine - torch.from_numpy(theirs)).abs().max()
        return cls(name, float(difference), tolerance, "absolute")

    @classmethod
    def relative(
        cls, name: str, mine: Tensor | float, theirs: float | None, tolerance: float
    ) -> "Row":
        """The difference of two numbers in parts of theirs; None and NaN are a mean over nothing.

        Raises:
            ValueError: theirs is no number.
        """
        mine = float(mine.detach()) if isinstance(mine, Tensor) else float(mine)
        theirs = number_of(theirs, name)
        scale = 1.0 if theirs is None or np.isnan(theirs) else max(abs(theirs), 1e-12)
        return cls(name, deviation(mine, theirs) / scale, tolerance, "relative")

    @property
    def agrees(self) -> bool:
        """True where the deviation is allowed."""
        return bool(self.deviation <= self.tolerance)  # False for NaN

    def __str__(self) -> str:
        if not self.compared:
            return f"{self.name:64s} NOT COMPARED: the folder does not hold it"
        return (
            f"{self.name:64s} {self.deviation:10.2e}  allowed {self.tolerance:7.0e} "
            f"{self.unit:15s} {'ok' if self.agrees else 'EXCEEDED'}"
        )


def check_shape(name: str, mine: Tensor, theirs: np.ndarray) -> None:
    """A `ValueError` unless both have one shape."""
    if tuple(mine.shape) != theirs.shape:
        raise ValueError(f"{name}: ours has shape {tuple(mine.shape)}, recorded is {theirs.shape}")


def deviation(mine: float, theirs: float | None) -> float:
    """0 where both are a mean over nothing (recorded as NaN or null), NaN where only one is."""
    theirs = np.nan if theirs is None else float(theirs)
    return 0.0 if np.isnan(mine) and np.isnan(theirs) else abs(mine - theirs)
