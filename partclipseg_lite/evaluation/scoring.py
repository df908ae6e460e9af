"""Stored predictions, given to several evaluators: how far apart are they on the same maps?"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from torch.utils.data import Dataset
from tqdm import tqdm

from .class_means import HEADLINES
from .metrics import SETTINGS, Evaluator
from .predictions import StoredPredictions


def score(
    predictions: StoredPredictions,
    labels: Dataset,
    evaluators: Mapping[str, type[Evaluator]],
    progress: bool = False,
) -> dict:
    """Scores of every evaluator on the same predictions, in percent.

    Args:
        predictions: of the pictures of `labels`. Each evaluator scores each of its settings; of a
            folder that is one setting, each in all the ways that the evaluator knows.
        labels: as `datasets.folders.open_labels` gives them; no photograph is read.
        evaluators: name -> class, such as `release.evaluator.EVALUATORS`.
        progress: show a bar.

    Returns:
        {"images": N, "evaluators": {name: {setting: as `summary.summarise`}}, "apart": {setting:
        {"seen", "unseen", "harmonic": largest minus smallest over the evaluators, or None}}}.

    Raises:
        ValueError: a damaged or misshapen prediction or label file; it is named.
    """
    made = {
        name: kind(labels.vocabulary, predictions.settings or kind.counted)
        for name, kind in evaluators.items()
    }
    settings = [s for s in SETTINGS if any(s in e.settings for e in made.values())]
    for i in tqdm(
        range(len(labels)), disable=not progress, desc="score", file=sys.stdout, mininterval=2,
        ncols=100,
    ):  # fmt: skip
        name, object_map, part_map = labels.labels(i)
        if predictions.settings:
            maps = {s: predictions.read(s, name, part_map.shape) for s in settings}
        else:
            maps = dict.fromkeys(settings, predictions.read("", name, part_map.shape))
        for evaluator in made.values():
            own = {setting: maps[setting] for setting in evaluator.settings}
            evaluator.update(own, object_map, part_map, name)
    found = {name: evaluator.compute() for name, evaluator in made.items()}
    for scores in found.values():
        del scores["images"]
    return {"images": len(labels), "evaluators": found, "apart": _apart(found, settings)}


def _apart(found: Mapping[str, Mapping], settings: list[str]) -> dict[str, dict]:
    """Largest minus smallest score over the evaluators, in each setting."""
    table: dict[str, dict] = {}
    for setting in settings:
        rows = [scores[setting] for scores in found.values() if setting in scores]
        for key in HEADLINES:
            values = [row[key] for row in rows if row[key] is not None]
            difference = max(values) - min(values) if len(values) > 1 else None
            table.setdefault(setting, {})[key] = difference
    return table


def as_table(result: Mapping) -> str:
    """The scores side by side as text: mIoU with its interval, and how far apart they are."""
    lines = [f"{'setting':11s} {'evaluator':15s} " + "".join(f"{k:^23s}" for k in HEADLINES)]
    for setting, apart in result["apart"].items():
        for name, scores in result["evaluators"].items():
            if setting in scores:
                cells = (in_words(scores[setting], key) for key in HEADLINES)
                lines.append(f"{setting:11s} {name:15s} " + "".join(f"{c:^23s}" for c in cells))
        if len(result["evaluators"]) > 1:
            cells = (_number(apart[key]) for key in HEADLINES)
            lines.append(f"{'':11s} {'apart by':15s} " + "".join(f"{c:^23s}" for c in cells))
    return "\n".join(line.rstrip() for line in lines)


def in_words(scores: Mapping, key: str) -> str:
    """A mean with its 95 % interval over pictures: "34.02 [31.2, 36.9]"; "n/a" if it has none."""
    low, high = scores.get(f"{key}_low"), scores.get(f"{key}_high")
    interval = "" if low is None or high is None else f" [{low:.1f}, {high:.1f}]"
    return _number(scores[key]) + interval


def classes_in_words(scores: Mapping) -> str:
    """How many classes the means are of, and which a handful of pixels decides, as one line."""
    classes = scores["classes"]
    few = [name for key, names in classes.items() if key.startswith("under_") for name in names]
    line = (
        f"means over {classes['seen']} of {classes['seen_in_vocabulary']} seen and "
        f"{classes['unseen']} of {classes['unseen_in_vocabulary']} unseen object parts"
    )
    if few:
        shown = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        line += f"; {len(few)} of them decided by fewer than 100 pixels ({shown})"
    return line


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
