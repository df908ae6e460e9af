"""Attention written by hand, on a grid small enough to check by eye."""

from collections.abc import Iterable, Mapping, Sequence

import torch

from ..losses.attention_control import AttentionPlan
from ..network.decoder import AttentionTap

Cell = tuple[int, int]


def written_plan(
    side: int,
    parts: Mapping[str, Sequence[Cell]],
    looks: Iterable[tuple[str, Sequence[Cell], Mapping[Cell, float]]],
) -> AttentionPlan:
    """The plan of one object whose attention is written down, with one head; its tap is filled.

    Args:
        side: of the grid; cells are (row, column).
        parts: name -> cells of its mask.
        looks: (word, queries, {cell: share}): these queries of that word's table spread their
            attention so. A word is a part or "object"; what is not named is 0.

    Raises:
        ValueError: a word that is neither a part nor "object".
    """
    words = [*parts, "object"]
    tables = torch.zeros(
        len(words), 1, 1 + side**2, 1 + side**2
    )  # words, heads, queries, keys; 0: class token
    for word, queries, shares in looks:
        if word not in words:
            raise ValueError(
                f"{word!r} is neither a part nor 'object'; the words are {', '.join(words)}"
            )
        for query in queries:
            for cell, share in shares.items():
                tables[words.index(word), 0, 1 + _place(query, side), 1 + _place(cell, side)] = (
                    share
                )
    area = torch.zeros(len(parts), side**2)
    for k, cells in enumerate(parts.values()):
        area[k, [_place(cell, side) for cell in cells]] = 1
    one = torch.zeros(len(parts), dtype=torch.long)
    return AttentionPlan(
        tap=AttentionTap(torch.arange(len(words)), weights=tables),
        part_row=torch.arange(len(parts)),
        object_row=torch.full_like(one, len(parts)),
        area=area,
        image=one,
        slot=torch.arange(len(parts)),
        obj=one,
        group=one,
        groups=1,
    )


def _place(cell: Cell, side: int) -> int:
    row, column = cell
    return side * row + column
