"""Scores of part segmentation: three settings, two readings, one pass over the data.

- oracle_obj: the objects are told, parts compete, only pixels with a part label count.
- pred_all: nothing is told, but again only pixels with a part label count: false positives
  elsewhere are free.
- plain: the whole picture counts; background is a class; only object pixels without a part label
  are left out.

In each setting a class has IoU = TP / (GT + predicted - TP) and recall = TP / GT, summed over all
pictures. A class without a single labelled pixel has no score. `seen` and `unseen` are means over
classes, `harmonic` is the harmonic mean of these two means. Everything is in percent. How scores
become labels: see decisions.py; boundaries: boundary.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

import numpy as np

from ..datasets.sample import IGNORE
from ..vocabulary import Vocabulary
from .boundary import boundary_labels, released_boundary_quantity
from .class_means import class_ious, harmonic_mean, mean_iou, percent
from .class_means import mean as _mean
from .counts import KINDS, PictureCounts
from .intervals import bootstrap

SETTINGS = ("oracle_obj", "pred_all", "plain")
BOUNDARY_KEY = {"per_class": "boundary_iou", "released": "released_boundary_quantity"}


@dataclass(frozen=True)
class ScoringOptions:
    """Where the released evaluator departs from the names of its numbers.

    Defaults: the paper reading.
    """

    #: "per_class": boundary IoU of each class (Cheng et al.)
    #: "released": the quantity that the release prints under that name
    boundary: Literal["per_class", "released"] = "per_class"
    #: Oracle-Obj, part pixels predicted as background: "missed", or "dropped" from the ground truth
    #: (release)
    oracle_background: Literal["missed", "dropped"] = "missed"
    #: Pred-All, mean over all classes: of the "labelled" ones, or also, with score 0, of those only
    #: "predicted" and of background (release). Means over seen and unseen classes: of labelled ones
    #: in both.
    pred_all_mean: Literal["labelled", "predicted"] = "labelled"

    def __post_init__(self):
        for name, hint in get_type_hints(type(self)).items():
            allowed = get_args(hint)
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}, expected one of {allowed}")

    @classmethod
    def for_reading(cls, reading: str) -> ScoringOptions:
        """The bundle of options of reading "paper" or "released"."""
        if reading == "paper":
            return cls()
        if reading == "released":
            return cls(boundary="released", oracle_background="dropped", pred_all_mean="predicted")
        raise ValueError(f"reading is {reading!r}, expected 'paper' or 'released'")


class Evaluator:
    """A counter of predictions, picture by picture, that then can `compute` all scores.

    >>> evaluator = Evaluator(vocabulary)                                          # doctest: +SKIP
    >>> evaluator.update({"oracle_obj": labels, ...}, sample.object_map, sample.part_map)
    >>> evaluator.compute()["oracle_obj"]["harmonic"]

    Args:
        vocabulary: of the T object parts.
        settings: which of SETTINGS to score.
        reading: "paper" or "released", the bundle of `ScoringOptions`.
        options: replaces that bundle.

    Raises:
        ValueError: no settings, or an unknown one.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        settings: Iterable[str] = SETTINGS,
        *,
        reading: str = "paper",
        options: ScoringOptions | None = None,
    ):
        self.vocabulary, self.settings = vocabulary, tuple(settings)
        unknown = [setting for setting in self.settings if setting not in SETTINGS]
        if unknown or not self.settings:
            raise ValueError(
                f"settings are {list(self.settings)}, expected at least one of {list(SETTINGS)}"
            )
        self.options = ScoringOptions.for_reading(reading) if options is None else options
        self.names: list[str] = []
        self._counts = {setting: _Counts.zeros(len(vocabulary) + 1) for setting in self.settings}
        self._pictures: dict[str, list[np.ndarray]] = {setting: [] for setting in self.settings}

    @property
    def images(self) -> int:
        """How many pictures were counted."""
        return len(self.names)

    def update(
        self,
        labels: Mapping[str, np.ndarray],
        object_map: np.ndarray,
        part_map: np.ndarray,
        name: str = "",
    ) -> None:
        """Count one picture; tensors are welcome.

        Args:
            labels: for each setting, `int [H, W]`: object-part ids 0..T-1, T for background,
                IGNORE for no prediction (the same as background).
            object_map: object ids, IGNORE where there is no object, `int [H, W]`.
            part_map: object-part ids, IGNORE where there is no part label, `int [H, W]`.
            name: of the picture, by which models can be compared on it later.

        Raises:
            ValueError: a missing setting, unequal shapes, or ids outside the vocabulary.
        """
        if set(labels) != set(self.settings):
            raise ValueError(
                f"labels are given for {sorted(labels)}, expected {sorted(self.settings)}"
            )
        T = len(self.vocabulary)
        part_map = _label_map(part_map, "part_map", T)
        object_map = _label_map(object_map, "object_map", len(self.vocabulary.objects))
        checked = {s: _label_map(labels[s], f"labels[{s!r}]", T + 1) for s in self.settings}
        for what, array in [("object_map", object_map)] + [
            (f"labels[{s!r}]", a) for s, a in checked.items()
        ]:
            if array.shape != part_map.shape:
                raise ValueError(
                    f"{what} has shape {array.shape}, part_map has {part_map.shape}; "
                    f"resize the prediction to the picture first"
                )
        for setting, predicted in checked.items():
            truth = np.where(object_map == IGNORE, T, part_map) if setting == "plain" else part_map
            predicted = np.where(predicted == IGNORE, T, predicted)
            confusion = self._counts[setting].add(predicted, truth, self.options.boundary)
            totals = _totals(self._scored(confusion, setting))
            self._pictures[setting].append(totals.astype(np.int32))
        self.names.append(name)

    def merge(self, other: Evaluator) -> None:
        """Add the counts of another evaluator, of a process that scored other pictures, say.

        Raises:
            ValueError: it has another vocabulary, other settings or other options.
        """
        mine, theirs = ((e.vocabulary, e.settings, e.options) for e in (self, other))
        if mine != theirs:
            raise ValueError(
                "only evaluators with equal vocabulary, settings and options can be merged"
            )
        self.names += other.names
        for setting in self.settings:
            self._pictures[setting] += other._pictures[setting]
            for field in fields(_Counts):
                getattr(self._counts[setting], field.name)[...] += getattr(
                    other._counts[setting], field.name
                )

    @property
    def pictures(self) -> PictureCounts:
        """The counts of each picture, in the order in which they were counted."""
        shape = (0, len(KINDS), len(self.vocabulary) + 1)
        stacked = {
            setting: np.stack(rows) if rows else np.zeros(shape, np.int32)
            for setting, rows in self._pictures.items()
        }
        return PictureCounts(tuple(self.names), stacked)

    def _scored(self, confusion: np.ndarray, setting: str) -> np.ndarray:
        """A confusion matrix without what this evaluator leaves out of it."""
        if setting == "oracle_obj" and self.options.oracle_background == "dropped":
            return _without(confusion, len(self.vocabulary))
        return confusion

    def confusion(self, setting: str) -> np.ndarray:
        """Pixels by [predicted, true] class, `int64 [T+1, T+1]`; background comes last."""
        return self._counts[setting].confusion.copy()

    def class_scores(self, setting: str) -> dict[str, np.ndarray]:
        """Scores of every class, background last, `float [T+1]` each.

        Returns:
            "iou", "recall" and "boundary" in percent (NaN where there is nothing to score);
            "correct", "labelled" and "predicted" in pixels.
        """
        counts, is_release = self._counts[setting], self.options.boundary == "released"
        totals = _totals(self._scored(counts.confusion, setting))
        correct, predicted, labelled = totals
        boundary_correct, boundary_predicted, boundary_labelled = (
            total[:-1] for total in _totals(self._scored(counts.boundary, setting))
        )
        boundary_union = boundary_labelled + boundary_predicted - boundary_correct
        return {
            "correct": correct,
            "labelled": labelled,
            "predicted": predicted,
            "iou": class_ious(totals),
            "recall": percent(correct, labelled, labelled > 0),
            "boundary": percent(
                boundary_correct, boundary_union, boundary_union > 0 if is_release else labelled > 0
            ),
        }

    def compute(self) -> dict:
        """All scores as plain numbers, ready for JSON (None where there is nothing to score).

        {"images": N, setting: {"seen", "unseen", "harmonic", "seen_low", "seen_high", … (95 % over
        pictures, by bootstrap), "all", "recall_seen", …,
        "boundary_iou_seen", …, "per_object_part": {name: {iou, recall, boundary_iou, pixels,
        seen}}, "per_object": {…}, "per_part": {…}}}. "all" is the mean over every labelled class;
        "plain" also has "background" (its IoU), which "all" includes there. With options.boundary =
        "released" the boundary keys are called released_boundary_quantity.
        """
        summaries = {setting: _plain_numbers(self._summary(setting)) for setting in self.settings}
        return {"images": self.images, **summaries}

    def _summary(self, setting: str) -> dict:
        scores, T = self.class_scores(setting), len(self.vocabulary)
        boundary_key = BOUNDARY_KEY[self.options.boundary]
        seen = self.vocabulary.seen.numpy()
        summary = {}
        for prefix, key in (("", "iou"), ("recall_", "recall"), (f"{boundary_key}_", "boundary")):
            of_seen, of_unseen = _mean(scores[key][:T][seen]), _mean(scores[key][:T][~seen])
            summary |= {
                f"{prefix}seen": of_seen,
                f"{prefix}unseen": of_unseen,
                f"{prefix}harmonic": harmonic_mean(of_seen, of_unseen),
            }
        summary |= self._intervals(setting)
        in_all = scores["iou"]
        if setting == "pred_all" and self.options.pred_all_mean == "predicted":
            in_all = np.where(np.isnan(in_all) & (scores["predicted"] > 0), 0.0, in_all)
        summary["all"] = _mean(in_all)
        if setting == "plain":
            summary["background"] = scores["iou"][T]
        columns = {
            "iou": scores["iou"],
            "recall": scores["recall"],
            boundary_key: scores["boundary"],
        }
        columns = {key: column[:T] for key, column in columns.items()}
        pixels = scores["labelled"][:T].astype(int)
        summary["per_object_part"] = {
            name: {
                **{key: column[t] for key, column in columns.items()},
                "pixels": int(pixels[t]),
                "seen": bool(seen[t]),
            }
            for t, name in enumerate(self.vocabulary.object_parts)
        }
        object_of, part_of = self.vocabulary.object_of.numpy(), self.vocabulary.part_of.numpy()
        summary["per_object"] = _group(self.vocabulary.objects, object_of, columns, pixels)
        summary["per_part"] = _group(self.vocabulary.parts, part_of, columns, pixels)
        for name, split in (("seen", seen), ("unseen", ~seen)):
            iou = {"iou": columns["iou"][split]}
            for part, mean in _group(
                self.vocabulary.parts, part_of[split], iou, pixels[split]
            ).items():
                summary["per_part"][part][f"iou_{name}"] = mean["iou"]
        return summary

    def _intervals(self, setting: str) -> dict[str, float]:
        """`{"seen_low", "seen_high", …}`, 95 % over pictures, of the three mIoU."""
        if not self.images:
            return {}
        statistic = mean_iou(self.vocabulary.seen.numpy())
        found = bootstrap(self.pictures.settings[setting], statistic)
        return {
            f"{key}_{end}": getattr(interval, end)
            for key, interval in found.items()
            for end in ("low", "high")
        }


@dataclass
class _Counts:
    confusion: np.ndarray  # int64 [T+1, T+1] pixels by predicted, true class
    # int64 [T+2, T+2] the same at boundaries; the last row and column: no boundary
    boundary: np.ndarray

    @classmethod
    def zeros(cls, classes: int) -> _Counts:
        return cls(
            np.zeros((classes, classes), np.int64), np.zeros((classes + 1, classes + 1), np.int64)
        )

    def add(self, predicted: np.ndarray, truth: np.ndarray, boundary: str) -> np.ndarray:
        """Count one picture; returns its own confusion matrix.

        Args:
            predicted: `int64 [H, W], 0..T`.
            truth: `int64 [H, W], 0..T`, or IGNORE, where no prediction helps or harms.
            boundary: of `ScoringOptions`.
        """
        classes = len(self.confusion)
        background, no_boundary = classes - 1, classes
        counts = truth != IGNORE
        of_picture = _confusion(predicted[counts], truth[counts], classes)
        self.confusion += of_picture
        if boundary == "released":  # there ignored pixels stay in both maps, as background
            predicted, truth = (
                np.where(counts, predicted, background),
                np.where(counts, truth, background),
            )
            predicted, truth = (
                released_boundary_quantity(predicted),
                released_boundary_quantity(truth),
            )
        else:
            predicted, truth = (
                boundary_labels(np.where(counts, predicted, IGNORE)),
                boundary_labels(truth),
            )
            predicted, truth = (np.where(m == IGNORE, no_boundary, m) for m in (predicted, truth))
        self.boundary += _confusion(predicted.ravel(), truth.ravel(), classes + 1)
        return of_picture


def mean_and_spread(results: Iterable[Mapping]) -> dict[str, dict[str, dict]]:
    """Summary of the `compute` results of several training seeds.

    Returns:
        {setting: {"seen": {"mean", "std", "values"}, …}} for every headline score, but not for the
        ends of intervals over pictures, which are another spread. std is the sample deviation,
        None for a single seed; a score that is None in some seed is None everywhere but in
        "values".

    Raises:
        ValueError: there are no results.
    """
    results = list(results)
    if not results:
        raise ValueError("no results to summarise; give the results of at least one seed")
    summary = {}
    for setting in (setting for setting in SETTINGS if setting in results[0]):
        summary[setting] = {}
        for key in (
            key
            for key, value in results[0][setting].items()
            if not isinstance(value, dict) and not key.endswith(("_low", "_high"))
        ):
            values = [result[setting][key] for result in results]
            known, several = None not in values, len(values) > 1
            summary[setting][key] = {
                "mean": float(np.mean(values)) if known else None,
                "values": values,
                "std": float(np.std(values, ddof=1)) if known and several else None,
            }
    return summary


def _confusion(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(classes * predicted + truth, minlength=classes**2).reshape(classes, classes)


def _without(confusion: np.ndarray, label: int) -> np.ndarray:
    kept = confusion.copy()
    kept[label], kept[:, label] = 0, 0
    return kept


def _totals(confusion: np.ndarray) -> np.ndarray:
    """Pixels of every class as in `counts.KINDS`: correct, predicted, labelled; float `[3, C]`."""
    return np.stack([confusion.diagonal(), confusion.sum(1), confusion.sum(0)]).astype(float)


def _group(
    names: tuple[str, ...], member_of: np.ndarray, columns: dict, pixels: np.ndarray
) -> dict:
    """Mean of each column over the scored members of each group that has members."""
    return {
        names[g]: {
            **{key: _mean(column[member_of == g]) for key, column in columns.items()},
            "pixels": int(pixels[member_of == g].sum()),
        }
        for g in np.unique(member_of)
    }


def _label_map(labels, name: str, classes: int) -> np.ndarray:
    """A map of labels, `int64 [H, W], IGNORE..classes-1`.

    Raises:
        TypeError: it does not hold whole numbers; the map is named.
        ValueError: another shape, or other ids; the map is named.
    """
    if hasattr(labels, "detach"):
        labels = labels.detach().cpu().numpy()
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name} must hold integer ids, got dtype {labels.dtype}")
    if labels.ndim != 2 or not labels.size:
        raise ValueError(f"{name} has shape {labels.shape}, expected [H, W]")
    labels = labels.astype(np.int64, copy=False)
    if labels.min() < IGNORE or labels.max() >= classes:
        raise ValueError(
            f"{name} holds ids {labels.min()}..{labels.max()}, expected {IGNORE}.."
            f"{classes - 1}; map the ignore label of the files to {IGNORE}"
        )
    return labels


def _plain_numbers(value):
    """Python numbers all through, None for NaN."""
    if isinstance(value, dict):
        return {key: _plain_numbers(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)):
        return None if np.isnan(value) else float(value)
    return value
