"""The recorded numbers of the released evaluator beside ours."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...datasets.sample import IGNORE
from ...vocabulary import Vocabulary
from ..evaluator import Released, released_scores
from .folder import how_many, ids_of, number_of, read_arrays, read_json, table_of
from .rows import Row, deviation


def compare_metrics(folder: Path, vocabulary: Vocabulary) -> Iterator[Row]:
    """Every number that the released evaluator prints for the recorded label maps.

    One row for each kind of number, with its largest deviation.
    """
    recorded, arrays = (
        read_json(folder / "released_metrics.json"),
        read_arrays(folder / "released_metrics.npz"),
    )
    source, pictures = {"oracle_obj": "pred", "pred_all": "predall"}, how_many(arrays, "gt")
    evaluator = Released(vocabulary, list(source))
    for i in range(pictures):
        truth = ids_of(arrays, f"gt{i}").astype(np.int64)
        truth[truth >= len(vocabulary)] = IGNORE
        labels = {
            setting: ids_of(arrays, f"{source[setting]}{i}", truth.shape).astype(np.int64)
            if setting in recorded
            else np.full(truth.shape, IGNORE)
            for setting in source
        }
        evaluator.update(labels, np.where(truth == IGNORE, IGNORE, 0), truth)
    for setting in source:
        ours = released_scores(evaluator, setting)
        theirs = table_of(recorded, setting) if setting in recorded and pictures else {}
        kinds: dict[str, list[float]] = {}
        for name, value in theirs.items():
            kinds.setdefault(name.partition("-")[0], []).append(
                deviation(ours.get(name, np.inf), number_of(value, name))
            )
        for kind, deviations in kinds.items():
            yield Row(
                f"{setting}, {kind} ({len(deviations)} numbers)",
                float(np.max(deviations)),
                1e-6,
                "absolute",
            )
        absent = Counter(name.partition("-")[0] for name in ours if name not in theirs)
        for kind, many in absent.items():
            yield Row.absent(f"{setting}, {kind} ({many} numbers{' more' * (kind in kinds)})")
