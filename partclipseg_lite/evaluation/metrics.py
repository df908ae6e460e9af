"""Scores of part segmentation: three settings, one pass over the data.

- oracle_obj: the objects are told, parts compete, only pixels with a part label count.
- pred_all: nothing is told, but again only pixels with a part label count: false positives
  elsewhere are free.
- plain: the whole picture counts; background is a class; only object pixels without a part label
  are left out.

In each setting a class has IoU = TP / (GT + predicted - TP) and recall = TP / GT, summed over all
pictures. A class without a single labelled pixel has no score. `seen` and `unseen` are means over
classes, `harmonic` is the harmonic mean of these two means. Everything is in percent. How scores
become labels: decisions.py; what `compute` lists: summary.py; boundaries: boundary.py; how others
count the same predictions: release/evaluator.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..datasets.sample import IGNORE
from ..vocabulary import Vocabulary
from .boundary import boundary_labels
from .class_means import class_ious, means, over_segmentation, percent, under_segmentation
from .counts import KINDS, PictureCounts
from .summary import plain_numbers, summarise

SETTINGS = ("oracle_obj", "pred_all", "plain")


class Evaluator:
    """A counter of predictions, picture by picture, that then can `compute` all scores.

    >>> evaluator = Evaluator(vocabulary)                                          # doctest: +SKIP
    >>> evaluator.update({"oracle_obj": labels, ...}, sample.object_map, sample.part_map)
    >>> evaluator.compute()["oracle_obj"]["harmonic"]

    Other evaluators derive from it and replace what they do otherwise: which pixels are `compared`,
    which `outlines`, which classes take part (`ious`).

    Args:
        vocabulary: of the T object parts.
        settings: which of SETTINGS to score.

    Attributes:
        counted: the settings that this evaluator counts each in its own way.
        boundary: what its boundary score is called, None if it has none.
        names: of the pictures that were counted.

    Raises:
        ValueError: no settings, or an unknown one.
    """

    counted: tuple[str, ...] = SETTINGS
    boundary: str | None = "boundary_iou"

    def __init__(self, vocabulary: Vocabulary, settings: Iterable[str] = SETTINGS):
        self.vocabulary, self.settings = vocabulary, tuple(settings)
        unknown = [setting for setting in self.settings if setting not in SETTINGS]
        if unknown or not self.settings:
            raise ValueError(
                f"settings are {list(self.settings)}, expected at least one of {list(SETTINGS)}"
            )
        self.names: list[str] = []
        classes = len(vocabulary) + 1
        self._confusion = {s: np.zeros((classes, classes), np.int64) for s in self.settings}
        self._outlines = {s: np.zeros((len(KINDS), classes), np.int64) for s in self.settings}
        self._pictures: dict[str, list[np.ndarray]] = {s: [] for s in self.settings}

    # ---- what an evaluator is ----------------------------------------------------------------

    def compared(
        self, setting: str, predicted: np.ndarray, object_map: np.ndarray, part_map: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(prediction, truth) of one picture, `int64 [H, W], 0..T`; truth IGNORE where none counts.

        Args:
            setting: one of SETTINGS.
            predicted: labels, `int64 [H, W], 0..T`.
            object_map: `int64 [H, W]`, IGNORE where there is no object.
            part_map: `int64 [H, W]`, IGNORE where there is no part label.
        """
        if setting != "plain":
            return predicted, part_map
        return predicted, np.where(object_map == IGNORE, len(self.vocabulary), part_map)

    def outlines(
        self, setting: str, predicted: np.ndarray, object_map: np.ndarray, part_map: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(prediction, truth) of one picture at boundaries, IGNORE elsewhere, `int64 [H, W]`.

        The arguments are those of `compared`.
        """
        predicted, truth = self.compared(setting, predicted, object_map, part_map)
        inside = np.where(truth == IGNORE, IGNORE, predicted)
        return boundary_labels(inside), boundary_labels(truth)

    def ious(self, totals: np.ndarray) -> np.ndarray:
        """IoU of each class as it enters the means, `[..., C]`; NaN if it takes no part.

        Args:
            totals: pixels, `[..., 3, C]`, as in `counts.KINDS`.
        """
        return class_ious(totals)

    def headlines(self, totals: np.ndarray) -> dict[str, np.ndarray]:
        """`{"seen", "unseen", "harmonic"}` mIoU of totals `[..., 3, C]`: what is resampled."""
        return means(self.ious(totals), self.vocabulary.seen.numpy())

    def all_ious(self, setting: str) -> np.ndarray:
        """IoU of each class that the mean over all classes takes in, `[C]`, NaN for the others."""
        return self.ious(self.totals(setting))

    # ---- counting ----------------------------------------------------------------------------

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
            predicted = np.where(predicted == IGNORE, T, predicted)
            self._count(setting, predicted, object_map, part_map)
        self.names.append(name)

    def _count(self, setting: str, *maps: np.ndarray) -> None:
        predicted, truth = self.compared(setting, *maps)
        counts, classes = truth != IGNORE, len(self.vocabulary) + 1
        pairs = classes * predicted[counts] + truth[counts]
        confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
        self._confusion[setting] += confusion
        self._pictures[setting].append(_per_class(confusion).astype(np.int32))
        if self.boundary:
            self._outlines[setting] += _tally(*self.outlines(setting, *maps), classes)

    def merge(self, other: Evaluator) -> None:
        """Add the counts of another evaluator, of a process that scored other pictures, say.

        Raises:
            ValueError: it counts otherwise, has another vocabulary or other settings.
        """
        mine, theirs = ((type(e), e.vocabulary, e.settings) for e in (self, other))
        if mine != theirs:
            raise ValueError(
                "only evaluators of one kind, with equal vocabulary and settings, can be merged"
            )
        self.names += other.names
        for setting in self.settings:
            self._confusion[setting] += other._confusion[setting]
            self._outlines[setting] += other._outlines[setting]
            self._pictures[setting] += other._pictures[setting]

    def arrange(self, order: Sequence[int]) -> None:
        """Put the pictures in another order: scores stay, their intervals are drawn in this one."""
        self.names = [self.names[i] for i in order]
        self._pictures = {s: [rows[i] for i in order] for s, rows in self._pictures.items()}

    # ---- what was counted --------------------------------------------------------------------

    @property
    def pictures(self) -> PictureCounts:
        """The counts of each picture, in the order in which they were counted."""
        shape = (0, len(KINDS), len(self.vocabulary) + 1)
        stacked = {
            setting: np.stack(rows) if rows else np.zeros(shape, np.int32)
            for setting, rows in self._pictures.items()
        }
        return PictureCounts(tuple(self.names), stacked)

    def confusion(self, setting: str) -> np.ndarray:
        """Pixels by [predicted, true] class, `int64 [T+1, T+1]`; background comes last."""
        return self._confusion[setting].copy()

    def totals(self, setting: str) -> np.ndarray:
        """Pixels of each class over all pictures, `float64 [3, C]`, as in `counts.KINDS`."""
        return _per_class(self._confusion[setting]).astype(float)

    def outline_totals(self, setting: str) -> np.ndarray:
        """The same at boundaries."""
        return self._outlines[setting].astype(float)

    def class_scores(self, setting: str) -> dict[str, np.ndarray]:
        """Scores of every class, background last, `float [T+1]` each.

        Returns:
            In percent, NaN where there is nothing to score: "iou", "recall", "boundary" (where the
            evaluator has one), "over_segmentation", the share of the predicted pixels that lie
            outside the truth, and "under_segmentation", the share of the true ones that are missed.
            In pixels: "correct", "labelled" and "predicted".
        """
        correct, predicted, labelled = totals = self.totals(setting)
        present = labelled > 0
        scores = {
            "correct": correct,
            "labelled": labelled,
            "predicted": predicted,
            "iou": class_ious(totals),
            "recall": percent(correct, labelled, present),
            "over_segmentation": over_segmentation(totals),
            "under_segmentation": under_segmentation(totals),
        }
        if self.boundary:
            scores["boundary"] = self.boundary_scores(self.outline_totals(setting), present)
        return scores

    def boundary_scores(self, totals: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Boundary score of each class in percent, `[C]`, NaN where there is none.

        Args:
            totals: pixels at boundaries, `[3, C]`.
            present: classes with labelled pixels, `bool [C]`.
        """
        correct, predicted, labelled = totals
        return percent(correct, predicted + labelled - correct, present)

    def compute(self) -> dict:
        """All scores as plain numbers, ready for JSON (None where there is nothing to score).

        {"images": N, setting: what `summary.summarise` lists}.
        """
        found = {setting: plain_numbers(summarise(self, setting)) for setting in self.settings}
        return {"images": self.images, **found}


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


def _per_class(confusion: np.ndarray) -> np.ndarray:
    """Pixels of each class as in `counts.KINDS`, `int64 [3, C]`."""
    return np.stack([confusion.diagonal(), confusion.sum(1), confusion.sum(0)])


def _tally(predicted: np.ndarray, truth: np.ndarray, classes: int) -> np.ndarray:
    """Pixels of each class as in `counts.KINDS`, `int64 [3, C]`; IGNORE is no class."""
    rows = (truth[predicted == truth], predicted, truth)
    return np.stack([np.bincount(ids[ids != IGNORE], minlength=classes) for ids in rows])


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
