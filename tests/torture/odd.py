"""Values that nobody should hand in, by name, so that recipes stay plain data."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as some

ODD = {
    "none": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: float("-inf"),
    "-1": lambda: -1,
    "0": lambda: 0,
    "-0.0": lambda: -0.0,
    "1.5": lambda: 1.5,
    "2.0": lambda: 2.0,
    "1e30": lambda: 1e30,
    "1e-320": lambda: 1e-320,
    "10**9": lambda: 10**9,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "10**400": lambda: 10**400,
    "empty text": lambda: "",
    "blank": lambda: "  ",
    "text": lambda: "abc",
    "number as text": lambda: "3",
    "nan as text": lambda: "nan",
    "null byte": lambda: "a\0b",
    "half a character": lambda: "\ud800",
    "long text": lambda: "word " * 5000,
    "bytes": lambda: b"abc",
    "empty list": lambda: [],
    "empty dict": lambda: {},
    "dict": lambda: {"a": 1},
    "ragged": lambda: [[1, 2], [3]],
    "numbers": lambda: [1, 1, 5],
    "set": lambda: {1, 2},
    "object": object,
    "class": lambda: int,
    "function": lambda: len,
    "complex": lambda: 1j,
    "numpy int": lambda: np.int64(3),
    "numpy float": lambda: np.float32(0.5),
    "numpy bool": lambda: np.bool_(True),
    "array": lambda: np.zeros((2, 3)),
    "empty array": lambda: np.zeros((0, 3)),
    "array of objects": lambda: np.array([None, "a"], dtype=object),
    "generator": lambda: iter(()),
    "path": lambda: Path("nowhere"),
    "here": lambda: Path("."),
    "up": lambda: "../x",
    "absolute": lambda: "/nowhere/x",
    "device": lambda: "/dev/null",
}
VALUES = some.sampled_from(sorted(ODD)).map(lambda name: {"odd": name})


def value(recipe):
    """The value that plain data stands for: {"odd": NAME} is one of `ODD`, at any depth."""
    if isinstance(recipe, dict) and set(recipe) == {"odd"}:
        return ODD[recipe["odd"]]()
    if isinstance(recipe, dict):
        return {key: value(inner) for key, inner in recipe.items()}
    return [value(inner) for inner in recipe] if isinstance(recipe, list) else recipe
