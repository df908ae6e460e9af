"""Tables of the scores in a record of trained models, as `toy.json` holds them."""

from __future__ import annotations

from collections.abc import Mapping

from .charts import HEADLINES, SETTING_NAMES
from .text import Markdown, table

MODEL_NAMES = {
    "toy": "**PartCLIPSeg**",
    "toy_no_attention_control": "… no attention control",
    "toy_clipseg": "CLIPSeg",
}

LOOKS = ("overlap", "missing places", "missing parts", "peak elsewhere")  # shares of places, parts


def means_of(record: Mapping, setting: str, key: str, split: str = "test") -> dict[str, float]:
    """{preset: mean over its training seeds} of one score in one setting, in percent."""
    models = record["models"].items()
    return {preset: model["summary"][split][setting][key]["mean"] for preset, model in models}


def number(summary: Mapping) -> str:
    """Text "34.0 ± 0.7" of an entry {"mean", "std", ...}; "34.0" without deviation, else "–"."""
    if summary["mean"] is None:
        return "–"
    return f"{summary['mean']:.1f}" + ("" if summary["std"] is None else f" ± {summary['std']:.1f}")


def signed(told: Mapping) -> str:
    """A difference {"low", "value", "high"} with its interval, such as "+3.9 [+2.5, +5.4]"."""
    return f"{told['value']:+.1f} [{told['low']:+.1f}, {told['high']:+.1f}]"


def forms_table(
    experiments: Mapping[str, Mapping], changes: Mapping[str, Mapping | None], score: str
) -> Markdown:
    """What each form of attention control does to maps, and to the masks of novel objects.

    Args:
        experiments: title -> {"attention", "summary", "seeds"}, as records hold them.
        changes: title -> difference of the score {"low", "value", "high", "verdict"}, or None.
        score: setting of the unseen mIoU.
    """
    first = next(iter(experiments.values()))
    quantities = [name for name in first["attention"] if name in LOOKS]
    rows = []
    for title, one in experiments.items():
        looks = [f"{one['attention'][name]['mean']:.0%}" for name in quantities]
        told = changes[title]
        change = [signed(told), told["verdict"]] if told else ["–", ""]
        scores = number(one["summary"]["test"][score]["unseen"])
        rows.append([title, *looks, scores, *change, len(one["seeds"])])
    name = SETTING_NAMES[score]
    return table(["", *quantities, f"unseen mIoU, {name}", "difference", "", "seeds"], rows)


def summary_table(
    record: Mapping, titles: Mapping[str, str] = MODEL_NAMES, split: str = "test"
) -> Markdown:
    """Seen, unseen and harmonic mIoU of some models of a record, in every setting.

    Args:
        record: {"pictures": N, "models": {preset: {"summary", "seeds", "steps"}}}.
        titles: what each preset is called; others are left out.
        split: of the record's summaries.
    """
    rows = []
    for setting, name in SETTING_NAMES.items():
        for preset, title in titles.items():
            scores = record["models"][preset]["summary"][split][setting]
            rows.append([name, title, *(number(scores[key]) for key in HEADLINES)])
            name = ""
    models = [record["models"][preset] for preset in titles]
    seeds, steps = ([len(m["seeds"]) for m in models], [m["steps"] for m in models])
    caption = (
        f"Drawn world, {record['pictures']} test pictures, mIoU in percent: mean ± standard "
        f"deviation over training seeds ({', '.join(map(str, seeds))}); without ±, there is one. "
        f"Training steps: {', '.join(map(str, steps))}."
    )
    return table(["setting", "model", *HEADLINES], rows, caption)


def scores_table(results: Mapping[str, Mapping], caption: str = "") -> Markdown:
    """Seen, unseen and harmonic mIoU of `{name: result of Evaluator.compute}`, in each setting."""
    settings = [s for s in SETTING_NAMES if all(s in result for result in results.values())]
    rows = []
    for setting in settings:
        for name, result in results.items():
            scores = [result[setting][key] for key in HEADLINES]
            shown = ["–" if score is None else f"{score:.1f}" for score in scores]
            rows.append([SETTING_NAMES[setting], name, *shown])
    return table(["setting", "", *HEADLINES], rows, caption)


def best_and_worst(per_object_part: Mapping[str, Mapping], count: int = 8) -> Markdown:
    """The unseen object parts that are found best, and beside them the worst, IoU in percent.

    `per_object_part` is the entry of that name of `Evaluator.compute`.
    """
    iou = {
        name: part["iou"]
        for name, part in per_object_part.items()
        if not part["seen"] and part["iou"] is not None
    }
    order = sorted(iou, key=iou.get)
    pairs = zip(order[::-1][:count], order[:count], strict=True)
    rows = [[a, f"{iou[a]:.0f}", b, f"{iou[b]:.0f}"] for a, b in pairs]
    return table(["best", "IoU", "worst", "IoU"], rows)
