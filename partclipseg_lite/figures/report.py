"""The report of a run: settings and scores as tables, losses and predictions as pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ..datasets.sample import Sample
from ..settings import Settings
from ..vocabulary import Vocabulary
from .base import Picture
from .charts import HEADLINES, SETTING_NAMES, curves, score_bars
from .maps import map_table
from .samples import compare
from .text import Markdown, columns, table

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

    In parentheses 95 % intervals over pictures, where the results have them.

    Args:
        results: what `Evaluator.compute` gives; the caption counts the object parts in view.
    """
    rows = []
    for setting in (setting for setting in SETTING_NAMES if setting in results):
        for prefix, measure in MEASURES.items():
            scores = [_with_interval(results[setting], f"{prefix}{key}") for key in HEADLINES]
            rows.append([SETTING_NAMES[setting] if not prefix else "", measure, *scores])
    parts = results["oracle_obj"]["per_object_part"].values()
    in_view = [row for row in parts if row["pixels"]]
    unseen = sum(not row["seen"] for row in in_view)
    caption = (
        f"{results['images']} pictures; {len(in_view)} of {len(parts)} object parts are in view, "
        f"{unseen} of them unseen."
    )
    if "(" in "".join(cell for row in rows for cell in row):
        caption += " In parentheses: 95 % over pictures."
    return table(["setting", "score", *HEADLINES], rows, caption)


def released_table(found: Mapping) -> Markdown:
    """mIoU as the benchmark's own evaluation counts it, with intervals over pictures.

    Args:
        found: setting -> scores, as `Run.score_as_released` gives them; nothing in the drawn world.
    """
    rows = [
        [SETTING_NAMES.get(setting, setting), *(_with_interval(scores, key) for key in HEADLINES)]
        for setting, scores in found.items()
        if isinstance(scores, Mapping) and set(HEADLINES) <= scores.keys()
    ]
    if not rows:
        return Markdown("The drawn world has no benchmark; the table above is all there is.")
    return table(["setting", *HEADLINES], rows)


def sizes_table(results: Mapping) -> Markdown:
    """mIoU of small and of other object parts, seen and unseen, in percent, a column a setting.

    Args:
        results: what `Evaluator.compute` gives; small ones have less than 3 % of the labelled
            pixels of their object.
    """
    shown = {
        SETTING_NAMES[setting]: results[setting]["small_parts"]
        for setting in SETTING_NAMES
        if setting in results
    }
    return columns(shown, "{:.2f}", corner="object parts")


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


def _with_interval(scores: Mapping, key: str) -> str:
    low, high = (scores.get(f"{key}_{end}") for end in ("low", "high"))
    between = "" if low is None or high is None else f" ({low:.1f} to {high:.1f})"
    return _percent(scores[key]) + between


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def loss_curves(log: Sequence[Mapping]) -> Picture:
    """The losses of a training log over the steps, one curve a term."""
    terms = [{key: value for key, value in point.items() if key != "seconds"} for point in log]
    return curves(terms)


def learning_rate_curve(log: Sequence[Mapping], settings: Settings, factor) -> Picture:
    """The learning rate at the steps of a training log.

    Args:
        log: of the run.
        settings: of the run.
        factor: step -> factor of `training.learning_rate`, such as `poly_schedule(settings)`.
    """
    steps = [point["step"] for point in log]
    rate = settings.training.learning_rate
    return curves({"learning rate": (steps, [rate * factor(step - 1) for step in steps])})


def attention_rows(image, looks: Mapping[str, Mapping[str, Mapping]]) -> Picture | Markdown:
    """Where the parts of an object look: a row of normalised maps for each model.

    Shown is the object with the most parts in view; a sentence stands where there is none.

    Args:
        image: RGB, `uint8 [H, W, 3]`.
        looks: object -> model, such as "before" and "after" training -> generalized part ->
            normalised map, `float [grid, grid]`.
    """
    if not looks:
        return Markdown("There is no attention of parts to show: no part is in view, or no model.")
    obj = max(looks, key=lambda obj: max(map(len, looks[obj].values())))
    return map_table(image, {f"{obj}\n{title}": maps for title, maps in looks[obj].items()})


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
