"""How well parts are found, by how large they are."""

from __future__ import annotations

from collections.abc import Mapping

from .base import SEEN, UNSEEN, Picture, new_picture, plain_ticks, styled


@styled
def size_scatter(rows: Mapping[str, Mapping], names: int = 3) -> Picture:
    """Each object part as a dot: its size to the right, its IoU upwards, unseen ones as triangles.

    Args:
        rows: part -> {"pixels": labelled ones, "iou": percent or None, "seen"}.
        names: how many unseen parts are named at either end of the sizes, and of the scores of
            those between.

    Raises:
        ValueError: no row has an IoU and a size above 0.
    """
    known = {
        name: row for name, row in rows.items() if row["iou"] is not None and row["pixels"] > 0
    }
    if not known:
        raise ValueError("no part has an IoU and a size above 0; nothing can be drawn")
    picture = new_picture(7.2, 3.9)
    axes = picture.subplots()
    for seen, colour, marker, label in (
        (True, SEEN, "o", "seen"),
        (False, UNSEEN, "^", "unseen"),
    ):
        chosen = [row for row in known.values() if bool(row["seen"]) is seen]
        sizes, scores = ([row[key] for row in chosen] for key in ("pixels", "iou"))
        axes.scatter(sizes, scores, 22, colour, marker=marker, alpha=0.8, label=label, linewidths=0)
    for name in _named(known, names):
        place = known[name]["pixels"], known[name]["iou"]
        axes.annotate(name, place, (4, 3), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", xlabel="labelled pixels", ylabel="IoU, percent", ylim=(-2, None))
    plain_ticks(axes.xaxis)
    axes.margins(x=0.12)
    axes.legend(loc="upper left")
    return picture


def _named(known: Mapping[str, Mapping], count: int) -> list[str]:
    """Unseen parts at the ends of sizes and of scores, none so near another that names collide."""
    unseen = [name for name, row in known.items() if not row["seen"]]
    ends = []
    for key in ("pixels", "iou"):
        ordered = sorted(unseen, key=lambda name: known[name][key])
        ends += ordered[:count] + ordered[::-1][:count]
    kept: list[str] = []
    for name in dict.fromkeys(ends):
        row = known[name]
        if not any(
            abs(row["iou"] - known[other]["iou"]) < 4
            and 0.5 < row["pixels"] / known[other]["pixels"] < 2
            for other in kept
        ):
            kept.append(name)
    return kept
