"""The report of a run: settings and scores as tables, losses and predictions as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..datasets.sample import Sample
from ..settings import Settings
from ..vocabulary import Vocabulary
from .base import Picture
from .charts import HEADLINES, SETTING_NAMES, curves, score_bars
from .samples import compare
from .text import Markdown, table

MEASURES = {"": "mIoU", "recall_": "recall", "boundary_iou_": "boundary IoU"}


def settings_table(settings: Settings, caption: str = "") -> Markdown:
    """All settings, one group a row; those that differ from the defaults are bold."""
    rows, defaults = [], Settings().model_dump()
    for group, values in settings.model_dump().items():
        if isinstance(values, dict):
            cells = [_setting(name, value, defaults[group][name]) for name, value in values.items()]
        else:
            cells = [f"**{values}**" if values != defaults[group] else str(values)]
        rows.append([group, ", ".join(cells)])
    return table(["group", "settings"], rows, caption)


def _setting(name: str, value: object, default: object) -> str:
    text = (
        "[" + ", ".join(map(str, value)) + "]" if isinstance(value, (list, tuple)) else str(value)
    )
    return f"`{name}` {text}" if value == default else f"**`{name}` {text}**"


def scores_table(results: Mapping) -> Markdown:
    """Seen, unseen and harmonic mean of mIoU, recall and boundary IoU, in percent, in each setting.

    Args:
        results: what `Evaluator.compute` gives; the caption counts the object parts in view.
    """
    rows = []
    for setting in (setting for setting in SETTING_NAMES if setting in results):
        for prefix, measure in MEASURES.items():
            scores = [_percent(results[setting][f"{prefix}{key}"]) for key in HEADLINES]
            rows.append([SETTING_NAMES[setting] if not prefix else "", measure, *scores])
    parts = results["oracle_obj"]["per_object_part"].values()
    in_view = [row for row in parts if row["pixels"]]
    unseen = sum(not row["seen"] for row in in_view)
    caption = (
        f"{results['images']} pictures; {len(in_view)} of {len(parts)} object parts are in view, "
        f"{unseen} of them unseen."
    )
    return table(["setting", "score", *HEADLINES], rows, caption)


def objects_table(
    results: Mapping, vocabulary: Vocabulary, setting: str = "oracle_obj"
) -> Markdown:
    """Mean scores over the parts of each object in view, in percent, and its labelled pixels.

    Novel ones last.
    """
    seen = dict(zip(vocabulary.objects, vocabulary.seen_object.tolist(), strict=True))
    in_view = {obj: row for obj, row in results[setting]["per_object"].items() if row["pixels"]}
    rows = [
        [
            obj,
            "" if seen[obj] else "novel",
            *(_percent(in_view[obj][key]) for key in ("iou", "recall", "boundary_iou")),
            f"{in_view[obj]['pixels']:,}",
        ]
        for obj in sorted(in_view, key=lambda obj: (not seen[obj], obj))
    ]
    return table(["object", "", *MEASURES.values(), "pixels"], rows)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def loss_curves(log: Sequence[Mapping]) -> Picture:
    """The losses of a training log over the steps, one curve a term."""
    terms = [{key: value for key, value in point.items() if key != "seconds"} for point in log]
    return curves(terms)


def setting_bars(results: Mapping) -> Picture | Markdown:
    """Bars of seen, unseen and harmonic mIoU, a group a setting; a sentence where one is missing.

    Args:
        results: what `Evaluator.compute` gives.
    """
    shown = {
        SETTING_NAMES[setting]: results[setting] for setting in SETTING_NAMES if setting in results
    }
    if any(scores[key] is None for scores in shown.values() for key in HEADLINES):
        return Markdown("Too few pictures for a score of seen and of unseen parts; raise `images`.")
    by_setting = {name: {"all": scores} for name, scores in shown.items()}
    return score_bars(by_setting, "all", title=f"mIoU in percent, {results['images']} pictures")


def prediction_rows(found: Iterable[tuple[Sample, Mapping]], vocabulary: Vocabulary) -> Picture:
    """A row a picture: image, true parts, parts found with objects told and with nothing told.

    Args:
        found: samples, each with its labels `{"oracle_obj": int [H, W], "pred_all": int [H, W]}`,
            as `evaluation.evaluate.predicted_labels` gives them.
        vocabulary: whose ids the labels are.
    """
    found = list(found)
    columns = {
        "truth": [sample.part_map for sample, _ in found],
        "objects told": [labels["oracle_obj"] for _, labels in found],
        "nothing told": [labels["pred_all"] for _, labels in found],
    }
    return compare([sample.image for sample, _ in found], columns, vocabulary)
