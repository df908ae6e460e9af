"""What the tiny CLIP knows, as the results page tells it.

    python book/tools/results_page.py     calls this for its last but one section

Takes no time.
"""

import numpy as np

from markdown_tables import table
from partclipseg_lite.evaluation.intervals import paired_difference
from partclipseg_lite.figures.records import signed

CLIP_ROWS = {
    "object": "object of a whole picture, among 22 names",
    "object_novel": "the same, novel objects only",
    "part_close_up": "part of a close-up, among 30 names",
    "part_close_up_novel": "the same, parts of novel objects only",
    "object_part_close_up": "object part of a close-up, among 149 names",
    "patch_seen": "object of a single patch, seen objects",
    "patch_novel": "object of a single patch, novel objects",
}


def clips(record: dict) -> str:
    """What the tiny CLIP names, and what became of it when it was trained further."""
    ours, *further = record.values()
    columns = {"that ships": ours}
    for clip in further:
        columns[f"{clip['steps']:,} steps more, {clip['close_ups']:.0%} close-ups"] = clip
    shown = table(
        ["right, in percent", *columns],
        [
            [text, *(f"{clip[key]:.1f}" for clip in columns.values())]
            for key, text in CLIP_ROWS.items()
        ],
    )
    counts = [np.array(clip["close_ups_by_picture"])[None] for clip in record.values()]
    changes = [paired_difference(other, counts[0], named_rightly)["share"] for other in counts[1:]]
    told = "; ".join(
        f"{clip['close_ups']:.0%} of each batch close-ups, "
        f"{signed(change._asdict())} ({change.verdict})"
        for clip, change in zip(further, changes, strict=True)
    )
    minutes = max(clip["minutes"] for clip in further)
    return f"""{shown}

Does it name more parts if it is shown more close-ups? The other columns were trained further from
the weights that ship, {minutes:.0f} minutes on one thread each. Parts of close-ups, minus the one
that ships, in points, with 95 % intervals over pictures: {told}."""


def named_rightly(totals: np.ndarray) -> dict[str, np.ndarray]:
    """Of close-ups and those named rightly, `[..., 2]`, the share in percent."""
    return {"share": 100 * totals[..., 1] / totals[..., 0]}
