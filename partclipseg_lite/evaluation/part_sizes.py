"""Scores of small parts beside those of others: do those gain that a loss hardly notices?"""

from collections.abc import Mapping, Sequence

import numpy as np

from ..vocabulary import split_name

SIZES = ("small, seen", "small, unseen", "other, seen", "other, unseen")


def small_object_parts(scored: Mapping[str, Mapping], share: float = 0.03) -> dict[str, bool]:
    """Object part -> whether it has less than `share` of the labelled pixels of its object.

    Parts that are never in view are left out.

    Args:
        scored: `per_object_part` of `Evaluator.compute`, one entry with its "pixels" a name.
        share: of the labelled pixels of the part's object, 0 to 1.
    """
    total: dict[str, int] = {}
    for name, row in scored.items():
        total[split_name(name)[0]] = total.get(split_name(name)[0], 0) + row["pixels"]
    return {
        name: row["pixels"] < share * total[split_name(name)[0]]
        for name, row in scored.items()
        if row["pixels"]
    }


def mean_by_size(
    ious: Mapping[str, float | None], scored: Mapping[str, Mapping], share: float = 0.03
) -> dict[str, float]:
    """Group of `SIZES` -> mean IoU in percent of its object parts.

    Args:
        ious: object part -> IoU in percent, or None where there is none; of one training seed, say.
        scored: says which parts are small, as for `small_object_parts`, and which are "seen".
        share: as for `small_object_parts`.
    """
    groups: dict[str, list[float]] = {key: [] for key in SIZES}
    for name, is_small in small_object_parts(scored, share).items():
        if ious[name] is not None:
            size, kind = (
                "small" if is_small else "other",
                "seen" if scored[name]["seen"] else "unseen",
            )
            key = f"{size}, {kind}"
            groups[key].append(ious[name])
    return {
        key: float(np.mean(values)) if values else float("nan") for key, values in groups.items()
    }


def seeds_by_size(
    model: Mapping, scored: Mapping[str, Mapping], share: float = 0.03
) -> list[dict[str, float]]:
    """`mean_by_size` of each training seed of a model's record, Oracle-Obj on the test pictures."""
    shipped = {
        name: row["iou"] for name, row in model["test"]["oracle_obj"]["per_object_part"].items()
    }
    seeds: Sequence[Mapping] = model.get("object_part_iou", [shipped])
    return [mean_by_size(ious, scored, share) for ious in seeds]
