"""The one thing every dataset yields: an image with an object map and a part map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

IGNORE = -1  # in both maps: nothing is labelled here


def check_plain_name(name: object, what: str) -> str:
    """`name`, if it can be the name of a file or folder on any system; `ValueError` if it cannot.

    For names that come from data and become part of a path.
    """
    if (
        not isinstance(name, str)
        or not name
        or name.startswith(".")
        or name != name.strip()
        or not name.isprintable()
        or any(mark in name for mark in "/\\:")
        or len(name.encode()) > 200
    ):
        raise ValueError(
            f"{what} is named {str(name)[:80]!r}, which cannot be a file name; expected a plain "
            "name such as 'val' or '2008_000002', without slashes, colons and a leading dot"
        )
    return name


class Labels(NamedTuple):
    """The maps of one picture without its photograph.

    Attributes:
        name: of the picture.
        object_map: object ids, IGNORE where no object is labelled, `int64 [H, W]`.
        part_map: object-part ids, IGNORE where no part is labelled, `int64 [H, W]`.
    """

    name: str
    object_map: np.ndarray
    part_map: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """One image with its labels; the arrays are checked on construction.

    Attributes:
        image: RGB, `uint8 [H, W, 3]`.
        object_map: object ids, IGNORE where no object is labelled, `int64 [H, W]`.
        part_map: object-part ids, IGNORE where no part is labelled (a bicycle's frame),
            `int64 [H, W]`.
        name: for messages and file names.

    Raises:
        TypeError: a wrong dtype; the sample is named.
        ValueError: wrong shapes, or ids below IGNORE; the sample is named.
    """

    image: np.ndarray
    object_map: np.ndarray
    part_map: np.ndarray
    name: str = ""

    def __post_init__(self):
        where = f"sample {self.name!r}: "
        if not isinstance(self.image, np.ndarray) or self.image.dtype != np.uint8:
            raise TypeError(f"{where}image must be a uint8 array, got {_describe(self.image)}")
        if self.image.ndim != 3 or self.image.shape[2] != 3 or 0 in self.image.shape:
            raise ValueError(f"{where}image must be [H, W, 3] (RGB), got shape {self.image.shape}")
        for field in ("object_map", "part_map"):
            ids = getattr(self, field)
            if not isinstance(ids, np.ndarray) or ids.dtype != np.int64:
                raise TypeError(f"{where}{field} must be an int64 array, got {_describe(ids)}")
            if ids.shape != self.image.shape[:2]:
                raise ValueError(
                    f"{where}{field} has shape {ids.shape}, the image needs {self.image.shape[:2]}"
                )
            if ids.min() < IGNORE:
                raise ValueError(
                    f"{where}{field} holds {sorted(set(ids[ids < IGNORE].tolist()))[:5]}; "
                    f"ids start at 0 and {IGNORE} means nothing labelled"
                )

    def check_ids(self, vocabulary) -> None:
        """Check that every label lies in the full vocabulary `vocabulary`.

        Raises:
            ValueError: one does not.
        """
        for field, count in (
            ("object_map", len(vocabulary.objects)),
            ("part_map", len(vocabulary)),
        ):
            unknown = sorted(
                set(np.unique(getattr(self, field)).tolist()) - set(range(IGNORE, count))
            )
            if unknown:
                raise ValueError(
                    f"sample {self.name!r}: {field} holds {unknown[:5]}, but vocabulary "
                    f"{vocabulary.name!r} has ids 0..{count - 1}"
                )

    def check_owners(self, vocabulary) -> None:
        """Check that every pixel carries a part of the object it is labelled with.

        Raises:
            ValueError: one carries a part of another object.
        """
        labelled = self.part_map != IGNORE
        parts, objects = self.part_map[labelled], self.object_map[labelled]
        wrong = np.flatnonzero(vocabulary.object_of.numpy()[parts] != objects)
        if len(wrong):
            part, obj = vocabulary.object_parts[parts[wrong[0]]], objects[wrong[0]]
            raise ValueError(
                f"sample {self.name!r}: {len(wrong)} pixels carry a part of another object, for "
                f"example {part!r} where the object map holds {obj}"
            )

    def equals(self, other: Sample) -> bool:
        """Image and maps are equal to the last pixel; names do not count."""
        fields = ("image", "object_map", "part_map")
        return all(np.array_equal(getattr(self, field), getattr(other, field)) for field in fields)

    def resized(self, size: int | tuple[int, int]) -> Sample:
        """The sample at another size: antialiased bilinear image, nearest maps.

        Args:
            size: a side, or (height, width), in pixels.

        Raises:
            ValueError: `size` is not positive.
        """
        height, width = (size, size) if isinstance(size, int) else size
        if height < 1 or width < 1:
            raise ValueError(f"size must be positive, got {size!r}")
        image = Image.fromarray(self.image).resize((width, height), Image.Resampling.BILINEAR)
        # Pixel centres, as torch's "nearest-exact": the maps stay aligned with the resized image.
        rows = ((np.arange(height) + 0.5) * self.image.shape[0] / height).astype(int)
        columns = ((np.arange(width) + 0.5) * self.image.shape[1] / width).astype(int)
        return Sample(
            np.asarray(image),
            self.object_map[np.ix_(rows, columns)],
            self.part_map[np.ix_(rows, columns)],
            self.name,
        )

    def __repr__(self) -> str:
        height, width = self.object_map.shape
        return (
            f"Sample({self.name!r}, {height}x{width}, "
            f"objects {np.unique(self.object_map).tolist()})"
        )


def _describe(value) -> str:
    return (
        f"{value.dtype} of shape {tuple(value.shape)}"
        if hasattr(value, "dtype")
        else type(value).__name__
    )
