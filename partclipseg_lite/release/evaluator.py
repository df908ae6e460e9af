"""How others count the same predictions: the release, its first version, OV-PARTS.

Every mIoU of the field's tables comes from one of these. None of them counts a false positive on
background, on another object or on an instance without part labels; they differ in which pixels and
which classes take part, so that their numbers must not be mixed. All are given whole pictures here:
pixels are summed over the objects of a picture one by one there, which is the same sum, as each
pixel belongs to one object.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..datasets.sample import IGNORE
from ..evaluation.boundary import boundary_width
from ..evaluation.class_means import class_ious, mean, percent
from ..evaluation.counts import KINDS
from ..evaluation.metrics import Evaluator


class Plain(Evaluator):
    """Plain mIoU on whole pictures, whatever the predictions were told: background is a class."""

    counted = ("plain",)

    def compared(self, setting, predicted, object_map, part_map):
        """As `Evaluator` in "plain"."""
        return super().compared("plain", predicted, object_map, part_map)


class OVParts(Evaluator):
    """As OV-PARTS and its public challenge count, its Oracle-Obj.

    Prediction and truth are background outside the objects' masks, and the row and the column of
    background are left out: counted are pixels with a part in both, so that a part taken for
    background costs nothing. A class takes part if it is labelled or predicted, with IoU 0 in the
    latter case.

    generalized_sem_seg_evaluation.py of OpenRobotLab/OV_PARTS, lines 86-87, 149, 168.
    """

    counted = ("oracle_obj",)
    boundary = None

    def compared(self, setting, predicted, object_map, part_map):
        """Pixels of objects that have a part in both maps."""
        inside = (object_map != IGNORE) & (predicted != len(self.vocabulary))
        return predicted, np.where(inside, part_map, IGNORE)

    def ious(self, totals):
        """0 for a class that is only predicted."""
        return _zero_where_only_predicted(totals)


class ReleasedBoundaries(Evaluator):
    """One whose boundary score is what the release calls so: see `released_boundary_quantity`."""

    counted = ("oracle_obj", "pred_all")
    boundary = "released_boundary_quantity"

    def boundary_scores(self, totals, present):
        """Of every class whose number is in one of the two maps of differences."""
        correct, predicted, labelled = totals
        union = predicted + labelled - correct
        return percent(correct, union, union > 0)

    def _differences(self, *maps: np.ndarray, drop: bool) -> tuple[np.ndarray, ...]:
        """The quantity of both maps; with `drop`, IGNORE where one of them is background."""
        found = [released_boundary_quantity(labels) for labels in maps]
        dropped = np.any([d == len(self.vocabulary) for d in found], axis=0) & drop
        return tuple(np.where(dropped, IGNORE, d) for d in found)


class ReleasedFirst(ReleasedBoundaries):
    """As the first release counts (kaist-cvml/part-clipseg at d75a599), in both its settings.

    Pixels and classes are those of OV-PARTS, but in Pred-All the objects' masks play no role. In
    both a part taken for background costs nothing: half of each part left out scores 100 %.
    """

    def compared(self, setting, predicted, object_map, part_map):
        """Pixels that have a part in both maps, in Oracle-Obj those of objects."""
        counts = predicted != len(self.vocabulary)
        if setting == "oracle_obj":
            counts &= object_map != IGNORE
        return predicted, np.where(counts, part_map, IGNORE)

    def outlines(self, setting, predicted, object_map, part_map):
        """Of whole maps; in Oracle-Obj nothing is predicted outside the objects."""
        background = len(self.vocabulary)
        if setting == "oracle_obj":
            predicted = np.where(object_map == IGNORE, background, predicted)
        truth = np.where(part_map == IGNORE, background, part_map)
        return self._differences(predicted, truth, drop=True)

    def ious(self, totals):
        """0 for a class that is only predicted."""
        return _zero_where_only_predicted(totals)


class Released(ReleasedBoundaries):
    """As the release counts (kaist-cvml/part-clipseg at 8abceef), in both its settings.

    Only pixels with a part label count. In Oracle-Obj a part taken for background costs nothing, in
    Pred-All it does. Classes without a labelled pixel take no part, except in the mean over all
    classes of Pred-All, where those that are only predicted, and background, stand with 0.
    """

    def compared(self, setting, predicted, object_map, part_map):
        """Pixels with a part label, in Oracle-Obj those with a part in both maps."""
        if setting != "oracle_obj":
            return predicted, part_map
        return predicted, np.where(predicted == len(self.vocabulary), IGNORE, part_map)

    def outlines(self, setting, predicted, object_map, part_map):
        """Of maps that are background wherever there is no part label."""
        background, counts = len(self.vocabulary), part_map != IGNORE
        maps = (np.where(counts, labels, background) for labels in (predicted, part_map))
        return self._differences(*maps, drop=setting == "oracle_obj")

    def all_ious(self, setting):
        """In Pred-All 0 for a class that is only predicted."""
        totals = self.totals(setting)
        return self.ious(totals) if setting == "oracle_obj" else _zero_where_only_predicted(totals)


#: Every evaluator by its name.
EVALUATORS: dict[str, type[Evaluator]] = {
    "ours": Evaluator,
    "plain": Plain,
    "released": Released,
    "released_first": ReleasedFirst,
    "ov_parts": OVParts,
}


def released_boundary_quantity(labels: np.ndarray) -> np.ndarray:
    """What the release compares under the name "boundary IoU": a map of label *differences*.

    It erodes the label map itself, as if it were one mask, and subtracts: inside a part the
    difference is 0, which is also the id of the first object part, and on an outline it is the
    difference of two ids, which names no part that is there. Only at the edge of the image, where
    zeros are eroded in, does the true id survive. Kept so that the released numbers can be
    reproduced; it says nothing about boundaries.

    Args:
        labels: `int [H, W], 0..T`, T standing for ignored.

    Returns:
        The differences, `int [H, W], 0..T`.

    Raises:
        ValueError: labels from 255 on, where the release computes nothing (its maps are 8 bit).
    """
    if labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < 255:
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}, expected 0..254: the "
            f"released quantity is defined on 8-bit label maps only"
        )
    size = 2 * boundary_width(labels.shape) + 1
    eroded = ndimage.minimum_filter(labels.astype(np.uint8), size=size, mode="constant", cval=0)
    return labels - eroded


def released_scores(evaluator: Released, setting: str) -> dict[str, float]:
    """Everything that the release prints for `setting` ("oracle_obj" or "pred_all"), in percent.

    Its names ("unbase" is unseen). Faults that show in them: "ACC" repeats "Recall"; "BoundaryIoU"
    is `released_boundary_quantity`; in Pred-All the overall mIoU counts classes that were only
    predicted, and background, as 0, and the boundary mean over unseen classes takes in background.
    """
    if setting not in Released.counted:
        raise ValueError(
            f"setting is {setting!r}; the release scores only 'oracle_obj' and 'pred_all'"
        )
    if type(evaluator) is not Released:
        raise ValueError(
            f"the evaluator is {type(evaluator).__name__}, the release's numbers need Released"
        )
    scores, T = evaluator.class_scores(setting), len(evaluator.vocabulary)
    # The background class takes part in Pred-All only, and there among the unseen ones (as "not
    # seen").
    classes = T + 1 if setting == "pred_all" else T
    scores = {key: values[:classes] for key, values in scores.items()}
    seen = np.append(evaluator.vocabulary.seen.numpy(), False)[:classes]
    iou, recall, boundary, labelled = (
        scores[key] for key in ("iou", "recall", "boundary", "labelled")
    )
    shown_iou = evaluator.all_ious(setting)[:classes]

    with np.errstate(invalid="ignore", divide="ignore"):
        overall_accuracy = 100 * scores["correct"].sum() / labelled.sum()
        result = {
            "mIoU": mean(shown_iou),
            "fwIoU": np.nansum(iou * labelled / labelled.sum()),
            "mACC": mean(recall),
            "pACC": overall_accuracy,
            "mRecall": mean(recall),
        }
        for t, name in enumerate(evaluator.vocabulary.object_parts):
            result |= {
                f"IoU-{name}": shown_iou[t],
                f"ACC-{name}": recall[t],
                f"Recall-{name}": recall[t],
                f"BoundaryIoU-{name}": boundary[t],
            }
        for split, members in (("base", seen), ("unbase", ~seen)):
            result |= {
                f"mIoU-{split}": mean(iou[members]),
                f"mRecall-{split}": mean(recall[members]),
                f"pAcc-{split}": 100 * scores["correct"][members].sum() / labelled[members].sum(),
                f"Boundary-mIoU-{split}": mean(boundary[members]),
            }
        for harmonic, name in (
            ("h-IoU", "mIoU"),
            ("h-bIoU", "Boundary-mIoU"),
            ("h-Recall", "mRecall"),
        ):
            base, unbase = np.float64(result[f"{name}-base"]), np.float64(result[f"{name}-unbase"])
            result[harmonic] = 2 * base * unbase / (base + unbase)
    return {key: float(value) for key, value in result.items()}


def _zero_where_only_predicted(totals: np.ndarray) -> np.ndarray:
    """IoU of each class, `[..., C]`; 0 where it is predicted and nowhere labelled."""
    ious, predicted = class_ious(totals), totals[..., KINDS.index("predicted"), :]
    return np.where(np.isnan(ious) & (predicted > 0), 0.0, ious)
