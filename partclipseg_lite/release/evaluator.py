"""The numbers of the released evaluator under the names that it prints ("unbase" is unseen)."""

from __future__ import annotations

import numpy as np

from ..evaluation.metrics import Evaluator


def released_scores(evaluator: Evaluator, setting: str) -> dict[str, float]:
    """Everything that the release prints for `setting` ("oracle_obj" or "pred_all"), in percent.

    The evaluator must be of `reading="released"`. Faults that show in the names: "ACC" repeats
    "Recall"; "BoundaryIoU" is `boundary.released_boundary_quantity`; in Pred-All the overall mIoU
    counts classes that were only predicted, and background, as 0, and the boundary mean over unseen
    classes takes in background.
    """
    if setting not in ("oracle_obj", "pred_all"):
        raise ValueError(
            f"setting is {setting!r}; the release scores only 'oracle_obj' and 'pred_all'"
        )
    if evaluator.options != type(evaluator.options).for_reading("released"):
        raise ValueError(
            f"the evaluator was made with {evaluator.options}; "
            f"use Evaluator(..., reading='released')"
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
    shown_iou = iou
    if setting == "pred_all":
        shown_iou = np.where(np.isnan(iou) & (scores["predicted"] > 0), 0.0, iou)

    with np.errstate(invalid="ignore", divide="ignore"):
        overall_accuracy = 100 * scores["correct"].sum() / labelled.sum()
        result = {
            "mIoU": _nanmean(shown_iou),
            "fwIoU": np.nansum(iou * labelled / labelled.sum()),
            "mACC": _nanmean(recall),
            "pACC": overall_accuracy,
            "mRecall": _nanmean(recall),
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
                f"mIoU-{split}": _nanmean(iou[members]),
                f"mRecall-{split}": _nanmean(recall[members]),
                f"pAcc-{split}": 100 * scores["correct"][members].sum() / labelled[members].sum(),
                f"Boundary-mIoU-{split}": _nanmean(boundary[members]),
            }
        for harmonic, name in (
            ("h-IoU", "mIoU"),
            ("h-bIoU", "Boundary-mIoU"),
            ("h-Recall", "mRecall"),
        ):
            base, unbase = np.float64(result[f"{name}-base"]), np.float64(result[f"{name}-unbase"])
            result[harmonic] = 2 * base * unbase / (base + unbase)
    return {key: float(value) for key, value in result.items()}


def _nanmean(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return values.mean() if len(values) else np.nan
