"""Every class by itself: bars of its score, and which part is taken for which."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.patches import Patch

from ..vocabulary import Vocabulary, split_name
from .base import INK, SEEN, UNSEEN, Picture, new_picture, styled
from .text import Markdown, table

WIDTH = 7.4  # inches; a page of paper has as much between its margins
ROWS = 60  # bars in a column
ROW = 0.135  # inches, of a bar
NOTHING = "background"


@styled
def part_bars(rows: Mapping[str, Mapping], few: int = 100, score: str = "iou") -> Picture:
    """A bar for every object part in view, objects together, the seen ones first.

    Pale ones are decided by fewer than `few` labelled pixels.

    Args:
        rows: `per_object_part` of a setting: name -> {"iou": percent, "pixels", "seen"}.
        few: labelled pixels.
        score: which of the scores.

    Raises:
        ValueError: no object part is in view.
    """
    shown = [(name, row) for name, row in rows.items() if row["pixels"]]
    if not shown:
        raise ValueError("no object part has a labelled pixel in these pictures")
    shown.sort(key=lambda entry: (not entry[1]["seen"], split_name(entry[0])[0]))
    columns = -(-len(shown) // ROWS)
    height = -(-len(shown) // columns)
    picture = new_picture(WIDTH, ROW * height + 0.7)
    for k, axes in enumerate(picture.subplots(1, columns, squeeze=False)[0]):
        mine = shown[k * height : (k + 1) * height]
        values = [0.0 if row[score] is None else row[score] for _, row in mine]
        bars = axes.barh(
            range(len(mine)),
            values,
            0.75,
            color=[SEEN if row["seen"] else UNSEEN for _, row in mine],
        )
        for bar, (_, row) in zip(bars, mine, strict=True):
            bar.set_alpha(0.35 if row["pixels"] < few else 1)
        axes.set_yticks(range(len(mine)), [name for name, _ in mine], fontsize=6)
        axes.set(ylim=(height - 0.4, -0.6), xlim=(0, 100))
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=7)
        axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
        for y in range(1, len(mine)):
            if split_name(mine[y][0])[0] != split_name(mine[y - 1][0])[0]:
                axes.axhline(y - 0.5, color="#cccccc", linewidth=0.5)
    picture.legend(
        handles=[
            Patch(color=SEEN, label="seen"),
            Patch(color=UNSEEN, label="unseen"),
            Patch(color=INK, alpha=0.35, label=f"pale: fewer than {few} pixels"),
        ],
        loc="outside lower left",
        ncols=3,
        fontsize=8,
        handlelength=1,
        handleheight=1,
    )
    return picture


def part_confusion(confusion: np.ndarray, vocabulary: Vocabulary) -> np.ndarray:
    """Pixels by [found, true] generalized part, `int64 [P+1, P+1]`; no part comes last.

    Args:
        confusion: pixels by [found, true] object part, `[T+1, T+1]`, background last.
        vocabulary: of the T object parts with their P parts.
    """
    part_of = np.append(vocabulary.part_of.numpy(), len(vocabulary.parts))
    member = (part_of[:, None] == np.arange(len(vocabulary.parts) + 1)).astype(np.int64)
    return member.T @ confusion @ member


@styled
def confusion_matrix(confusion: np.ndarray, vocabulary: Vocabulary) -> Picture:
    """What is found where a generalized part truly is: shares of its pixels, a row a true part.

    Left out are parts that are nowhere, neither in truth nor found.

    Args:
        confusion: as `part_confusion` takes it.
        vocabulary: of the T object parts.

    Raises:
        ValueError: no part has a labelled pixel.
    """
    found = part_confusion(confusion, vocabulary)
    labelled, named = found.sum(0) > 0, found.sum(1) > 0
    names = [*vocabulary.parts, NOTHING]
    rows = np.flatnonzero(labelled)
    if not len(rows):
        raise ValueError("no part has a labelled pixel in these pictures")
    columns = np.flatnonzero(labelled | named)
    shares = (found[:, rows] / found[:, rows].sum(0)).T[:, columns]  # [true, found]
    side = min(0.21, (WIDTH - 1.6) / len(columns))
    picture = new_picture(side * len(columns) + 1.7, side * len(rows) + 1.3)
    axes = picture.subplots()
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    font = min(7, 34 * side)
    axes.xaxis.tick_top()
    axes.set_xticks(range(len(columns)), [names[c] for c in columns], rotation=90, fontsize=font)
    axes.set_yticks(range(len(rows)), [names[r] for r in rows], fontsize=font)
    axes.tick_params(length=0)
    axes.set_ylabel("true part", fontsize=8)
    axes.set_xlabel("found there", fontsize=8)
    bar = picture.colorbar(drawn, ax=axes, shrink=0.6, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_ticks([0, 0.5, 1], labels=["0", "50 %", "100 %"])
    return picture


def confusions_table(confusion: np.ndarray, vocabulary: Vocabulary, count: int = 12) -> Markdown:
    """The object parts most often taken for another one: true, found, share of the true's pixels.

    Args:
        confusion: as `part_confusion` takes it.
        vocabulary: of the T object parts.
        count: rows, at most; the most pixels first.
    """
    names = [*vocabulary.object_parts, NOTHING]
    wrong = np.where(np.eye(len(confusion), dtype=bool), 0, confusion)
    wrong[:, -1] = 0  # of what is truly nothing there is most, and it is no part
    largest = np.argsort(-wrong, axis=None, kind="stable")[:count]
    pairs = [divmod(int(index), len(names)) for index in largest]
    rows = [
        [names[true], names[found], f"{wrong[found, true] / confusion[:, true].sum():.0%}"]
        for found, true in pairs
        if wrong[found, true]
    ]
    return table(["truly", "found there", "of its pixels"], rows)
