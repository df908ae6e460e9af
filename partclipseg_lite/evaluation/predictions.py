"""Predictions on disk: a label map a picture, which any evaluator can score later.

    DIR/
      oracle_obj/NAME.png, pred_all/NAME.png, plain/NAME.png     one folder a setting
      scores/SETTING/NAME.png              where asked for: how probable the chosen label was held
      predictions.json                     which weights and pictures they are of; ours only

Each PNG holds the ids of the dataset's label files and their ignore value for background, in one
channel of 8 or 16 bits as they do. A folder without settings inside is one setting, whoever wrote
it. Scores are probabilities times 255, in 8 bits.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from PIL import Image
from torch.utils.data import Dataset

from ..datasets.drawn import DrawnWorld
from ..datasets.folders import open_labels
from ..datasets.label_files import DepthError, read_ids, read_json
from ..datasets.sample import check_plain_name
from ..files import check_folder, remove_partials, replacing, write_whole
from ..vocabulary import Vocabulary
from .metrics import SETTINGS

MANIFEST = "predictions.json"
SCORES = "scores"  # a folder that is no setting
SHOWN = 5  # names in an error


def pictures_of(samples: Dataset) -> dict[str, object]:
    """Which pictures a dataset of `open_dataset` holds, so that others can be told from them."""
    if isinstance(samples, DrawnWorld):
        drawn = {key: getattr(samples, key) for key in ("images", "size", "seed")}
        return {"dataset": "drawn", "split": samples.split, **drawn}
    names = hashlib.sha256("\n".join(samples.names).encode()).hexdigest()[:16]
    return {"dataset": samples.root.resolve().name, "split": samples.split, "names": names}


def open_labels_of(
    folder: str | os.PathLike,
    name_or_folder: str,
    split: str | None = None,
    drawn: Mapping[str, int | None] | None = None,
) -> Dataset:
    """The labels that predictions are scored on, as `open_labels` gives them.

    Args:
        folder: of the predictions.
        name_or_folder: the dataset's.
        split: default: what our predictions are of; else "test", or "val" where there is none.
        drawn: of the drawn world, "images", "size" and "seed"; None: as for the split.

    Raises:
        FileNotFoundError: the predictions, the dataset or the split are missing; named.
        ValueError: a damaged file or an unknown layout; it is named.
    """
    if not Path(folder).is_dir():
        raise FileNotFoundError(f"no folder {folder} with predictions")
    manifest = Path(folder) / MANIFEST
    stored = _read_manifest(manifest) if manifest.is_file() else {}
    if name_or_folder == "drawn":
        usual = stored if stored.get("dataset") == "drawn" else {}
        given = {key: value for key, value in (drawn or {}).items() if value is not None}
        kept = {key: usual[key] for key in ("images", "size", "seed") if key in usual}
        return open_labels("drawn", split or usual.get("split", "test"), **{**kept, **given})
    tried = [split] if split else [stored["split"]] if "split" in stored else ["test", "val"]
    for name in tried[:-1]:
        with contextlib.suppress(FileNotFoundError):
            return open_labels(name_or_folder, name)
    return open_labels(name_or_folder, tried[-1])


class LabelMaps:
    """How label maps of a vocabulary stand in files.

    Args:
        vocabulary: of the T object parts.
    """

    def __init__(self, vocabulary: Vocabulary):
        self.ids, self.nothing = vocabulary.ids.numpy(), vocabulary.ignore_label
        self.bits = 8 if self.nothing < 256 else 16
        self._position = np.full(self.nothing + 1, -1, np.int64)
        self._position[self.ids] = np.arange(len(self.ids))
        self._position[self.nothing] = len(self.ids)

    def write(self, path: Path, labels: np.ndarray) -> None:
        """Write labels 0..T, `int [H, W]`, to `path`, whole or not at all.

        IGNORE is written as background, like T.
        """
        ids = np.append(self.ids, [self.nothing, self.nothing])[labels]  # -1 is the last entry
        image = Image.fromarray(ids.astype(np.uint8 if self.bits == 8 else np.uint16))
        with replacing(path) as partial:
            image.save(partial, format="PNG")

    def read(self, path: Path, shape: tuple[int, int]) -> np.ndarray:
        """Labels 0..T of a file, `int64 [H, W]`, T for background.

        Args:
            path: the file.
            shape: height and width of the picture's own labels.

        Raises:
            ValueError: it is damaged, of another size or depth, in colour, or holds unknown ids;
                the file is named.
        """
        expected = (
            f"a prediction is a PNG of one channel of {self.bits} bits, which holds the ids of the "
            f"dataset's label files and {self.nothing} for background"
        )
        try:
            ids = read_ids(path, self.bits)
        except DepthError as error:
            raise ValueError(f"{error}; {expected}") from error
        except ValueError as error:
            raise ValueError(f"the prediction {error}; remove it and predict it again") from error
        if ids.shape != shape:
            raise ValueError(
                f"the prediction {path} is {ids.shape[1]}x{ids.shape[0]} pixels, its picture's "
                f"labels are {shape[1]}x{shape[0]}; resize scores, not ids, before the best one is "
                "chosen, and predict it again"
            )
        labels = self._position[np.minimum(ids, self.nothing)]
        unknown = np.unique(ids[(labels < 0) | (ids > self.nothing)]).tolist()
        if unknown:
            raise ValueError(
                f"the prediction {path} holds the ids {unknown[:SHOWN]}, expected 0 to "
                f"{self.ids.max()} and {self.nothing} for background; {expected}"
            )
        return labels


class PredictionWriter:
    """A folder that predictions are written into, and that a stopped evaluation takes up again.

    Args:
        folder: new, empty, or written with the same `of`.
        names: of the pictures; they become file names.
        vocabulary: of the T object parts.
        of: what the predictions depend on, JSON's types: weights, settings, pictures.
        scores: write how probable each chosen label was held, too.
        owner: False in the other processes of a shared evaluation, once one owns the folder.

    Raises:
        ValueError: the folder holds other predictions or something else, another process writes
            there, or names cannot be files or differ in case alone.
        OSError: the folder cannot be written.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        names: Sequence[str],
        vocabulary: Vocabulary,
        of: Mapping[str, object],
        *,
        scores: bool = False,
        owner: bool = True,
    ):
        self.folder, self._maps, self.scores = Path(folder), LabelMaps(vocabulary), scores
        of = {**of, SCORES: True} if scores else of
        for name in names:
            check_plain_name(name, "a picture")
        twice = [name for name, n in Counter(map(str.casefold, names)).items() if n > 1]
        if twice:
            raise ValueError(
                f"several pictures are named {twice[:SHOWN]} (case does not count in file names); "
                "predictions need names of their own"
            )
        if owner:
            self._claim(json.loads(json.dumps({**of, "vocabulary": vocabulary.hash})))

    def _claim(self, contents: dict) -> None:
        """Make the folder, or take it up; it is locked for as long as this object lives."""
        check_folder(self.folder)
        self._check(contents)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self.folder / ".lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"another process writes predictions into {self.folder}; wait for it, or give "
                "another folder"
            ) from None
        self._check(contents)
        remove_partials(self.folder)
        if not (self.folder / MANIFEST).is_file():
            write_whole(self.folder / MANIFEST, json.dumps(contents, indent=1))
        scored = [f"{SCORES}/{setting}" for setting in SETTINGS] if self.scores else []
        for folder in (*SETTINGS, *scored):
            (self.folder / folder).mkdir(parents=True, exist_ok=True)
            remove_partials(self.folder / folder)

    def _check(self, contents: dict) -> None:
        path = self.folder / MANIFEST
        if path.is_file():
            stored = _read_manifest(path)
            differing = sorted(k for k in contents if stored.get(k) != contents[k])
            if differing:
                key = differing[0]
                raise ValueError(
                    f"{self.folder} holds predictions of other {', '.join(differing)} ({key}: "
                    f"{_short(stored.get(key))} there, {_short(contents[key])} now); give another "
                    "folder"
                )
        elif self.folder.is_dir() and (here := _visible(self.folder)):
            raise ValueError(
                f"{self.folder} holds {_listed(p.name for p in here)} and no {MANIFEST} of ours; "
                "give a new folder for the predictions"
            )

    def _path(self, setting: str, name: str) -> Path:
        return self.folder / setting / f"{name}.png"

    def has(self, name: str) -> bool:
        """Whether the picture's maps are all written."""
        paths = [self._path(setting, name) for setting in SETTINGS]
        if self.scores:
            paths += [_score_path(self.folder, setting, name) for setting in SETTINGS]
        return all(path.is_file() for path in paths)

    def write(
        self,
        name: str,
        labels: Mapping[str, np.ndarray],
        scores: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        """Write the maps of one picture, each whole or not at all.

        Args:
            name: of the picture.
            labels: for each of SETTINGS, `int [H, W], 0..T`, T or IGNORE for background.
            scores: where the folder holds scores, for each the labels' probabilities, `float
                [H, W], 0..1`.
        """
        for setting, chosen in (scores or {}).items():
            image = Image.fromarray(np.rint(255 * np.asarray(chosen)).astype(np.uint8))
            with replacing(_score_path(self.folder, setting, name)) as partial:
                image.save(partial, format="PNG")
        for setting in SETTINGS:
            self._maps.write(self._path(setting, name), np.asarray(labels[setting]))

    def read(self, name: str, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """The maps of one picture, `int64 [H, W], 0..T`, as `LabelMaps.read` has them."""
        return {s: self._maps.read(self._path(s, name), shape) for s in SETTINGS}


class StoredPredictions:
    """A folder of predictions to score, ours or anybody's, checked before anything is read.

    Args:
        folder: holds one PNG for each picture, or such a folder for each setting.
        names: of the dataset's pictures.
        vocabulary: of the T object parts.

    Attributes:
        settings: the settings that the folder holds; empty if it is one setting itself.

    Raises:
        FileNotFoundError: no such folder, or pictures without a prediction; they are named.
        ValueError: files or folders that do not belong there, or predictions of another
            vocabulary; they are named.
    """

    def __init__(self, folder: str | os.PathLike, names: Sequence[str], vocabulary: Vocabulary):
        self.folder, self._maps = Path(folder), LabelMaps(vocabulary)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"no folder {self.folder} with predictions")
        here = [p for p in _visible(self.folder) if p.name not in (MANIFEST, SCORES)]
        folders = [p.name for p in here if p.is_dir()]
        files = [p.name for p in here if not p.is_dir()]
        if strange := [name for name in folders if name not in SETTINGS]:
            raise ValueError(
                f"{self.folder} holds the folders {_listed(strange)}, which are no settings; "
                f"settings are {', '.join(SETTINGS)}, and a folder without any holds the PNGs "
                "themselves"
            )
        if folders and files:
            raise ValueError(
                f"{self.folder} holds settings ({_listed(folders)}) and files beside them "
                f"({_listed(files)}); move the files into their setting, or away"
            )
        if not here:
            raise FileNotFoundError(f"{self.folder} holds no predictions")
        self.settings = tuple(setting for setting in SETTINGS if setting in folders)
        if (self.folder / MANIFEST).is_file():
            stored = _read_manifest(self.folder / MANIFEST)
            if stored.get("vocabulary") != vocabulary.hash:
                raise ValueError(
                    f"the predictions in {self.folder} are of another vocabulary than "
                    f"{vocabulary.name!r}; score them on the dataset that they were made for"
                )
        for setting in self.settings or (None,):
            self._check_names(self._of(setting), set(names))

    def _of(self, setting: str | None) -> Path:
        return self.folder / setting if self.settings and setting else self.folder

    def _check_names(self, folder: Path, names: set[str]) -> None:
        here = {p.name for p in _visible(folder)} - {MANIFEST}
        wanted = {f"{name}.png" for name in names}
        missing, extra = sorted(wanted - here), sorted(here - wanted)
        if missing:
            beside = f"; it holds {len(extra)} others ({_listed(extra)})" if extra else ""
            raise FileNotFoundError(
                f"{len(missing)} of {len(wanted)} pictures have no prediction in {folder}: "
                f"{_listed(missing)}{beside}; predict them too, or name the split that the "
                "predictions are of"
            )
        if extra:
            raise ValueError(
                f"{folder} holds {len(extra)} files that are no prediction of a picture of the "
                f"dataset: {_listed(extra)}; remove them, or name the split that they are of"
            )
        if odd := sorted(n for n in wanted if not (folder / n).is_file()):
            raise ValueError(f"{folder} holds {_listed(odd)}, which are no files; write PNGs there")

    def read(self, setting: str, name: str, shape: tuple[int, int]) -> np.ndarray:
        """Labels 0..T of one picture, `int64 [H, W]`, T for background, as `LabelMaps.read`."""
        return self._maps.read(self._of(setting) / f"{name}.png", shape)

    def score(self, setting: str, name: str) -> np.ndarray:
        """How probable the labels of one picture were held, `float32 [H, W], 0..1`.

        Raises:
            FileNotFoundError: the folder holds no scores.
            ValueError: a damaged file; it is named.
        """
        path = _score_path(self.folder, setting, name)
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.folder} holds no score of {name!r} ({path} is missing); write them with "
                "`evaluate --predictions DIR --scores`"
            )
        return read_ids(path, 8).astype(np.float32) / 255


def _score_path(folder: Path, setting: str, name: str) -> Path:
    return folder / SCORES / setting / f"{name}.png"


def _read_manifest(path: Path) -> dict:
    stored = read_json(path)
    if not isinstance(stored, dict):
        raise ValueError(f"{path} is no list of what predictions are of; give another folder")
    return stored


def _visible(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if not p.name.startswith("."))


def _listed(names) -> str:
    names = list(names)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _short(value: object) -> str:
    return json.dumps(value)[:100]
