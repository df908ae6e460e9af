"""Pixels of every class in every picture: what scores, intervals and comparisons are made of."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..files import replacing

#: What the second axis of counts holds: pixels that carry a class in both maps, in the prediction,
#: in the truth. IoU = correct / (predicted + labelled - correct).
KINDS = ("correct", "predicted", "labelled")


@dataclass(frozen=True, eq=False)
class PictureCounts:
    """Pixels of every class in each of N pictures, all that class scores need to be recomputed.

    `evaluate.count(model, samples, vocabulary).pictures` gives them. `save` keeps them in one
    compressed file, less than a kilobyte a picture, so that runs can be compared picture by picture
    later without predicting again:

    >>> a, b = paired([PictureCounts.load(f) for f in ours],               # doctest: +SKIP
    ...               [PictureCounts.load(f) for f in theirs], setting="oracle_obj")
    >>> paired_difference(a, b, mean_iou(vocabulary.seen))["unseen"].verdict   # doctest: +SKIP

    Attributes:
        names: of the pictures, N.
        settings: setting -> `int32 [N, 3, C]`, the second axis as in `KINDS`; C = T + 1 classes,
            background last.
    """

    names: tuple[str, ...]
    settings: Mapping[str, np.ndarray]

    def __post_init__(self):
        for setting, counts in self.settings.items():
            if counts.ndim != 3 or counts.shape[:2] != (len(self.names), len(KINDS)):
                raise ValueError(
                    f"counts of {setting!r} have shape {list(counts.shape)}, expected "
                    f"[{len(self.names)}, {len(KINDS)}, classes] for {len(self.names)} pictures"
                )

    def __len__(self) -> int:
        return len(self.names)

    def save(self, path: str | os.PathLike) -> None:
        """Write a compressed `.npz`, whole or not at all."""
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, names=np.array(self.names, dtype=str), **self.settings)

    @classmethod
    def load(cls, path: str | os.PathLike) -> PictureCounts:
        """What `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is damaged, or something else.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"no file {path} with counts of pictures")
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {key: stored[key] for key in stored.files}
            return cls(tuple(arrays.pop("names").tolist()), arrays)
        except (KeyError, OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{path} holds no counts of pictures ({error}); evaluate again to write them"
            ) from error


def paired(*models: list[PictureCounts], setting: str) -> tuple[np.ndarray, ...]:
    """Counts of several models on the same pictures, `int32 [seeds, N, 3, C]` for each model.

    Pictures are matched by name, and come in the order of the first model's first seed.

    Args:
        models: for each model its `PictureCounts`, one a training seed.
        setting: which of the settings.

    Raises:
        ValueError: names are missing or double, other pictures or other truths were counted.
    """
    names = models[0][0].names
    if len(set(names)) < len(names):
        raise ValueError("pictures are matched by name, and names stand twice; name all pictures")
    found = []
    for model in models:
        rows = []
        for counts in model:
            position = {name: i for i, name in enumerate(counts.names)}
            if position.keys() != set(names) or len(counts) != len(names):
                other = sorted(position.keys() ^ set(names))
                raise ValueError(
                    f"models are compared on the same pictures; {len(other)} are not in both, such "
                    f"as {other[:3]}"
                )
            rows.append(counts.settings[setting][[position[name] for name in names]])
        found.append(np.stack(rows))
    truth = found[0][0, :, KINDS.index("labelled")]
    if any((counts[:, :, KINDS.index("labelled")] != truth).any() for counts in found):
        raise ValueError("the pictures have the same names and other labels; score them again")
    return tuple(found)
