"""Charts: what the vocabulary asks for, how training went, what the scores are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.patches import Patch

from ..vocabulary import Vocabulary
from .base import (
    FAINT,
    HARMONIC,
    INK,
    SEEN,
    UNSEEN,
    Picture,
    legend_of,
    new_picture,
    plain_ticks,
    spread,
    styled,
)

SETTING_NAMES = {"oracle_obj": "Oracle-Obj", "pred_all": "Pred-All", "plain": "whole image"}
HEADLINES = ("seen", "unseen", "harmonic")
LINE_COLOURS = (
    "#222222",
    "#2f6db3",
    "#e08214",
    "#2ca25f",
    "#d95fb5",
    "#8c6bd1",
    "#a6761d",
    "#14a3a0",
)


@styled
def object_part_matrix(vocabulary: Vocabulary) -> Picture:
    """Objects x generalized parts; a coloured cell is an object part, blue with masks in training.

    Seen objects stand above the novel ones; parts that occur in the same objects stand together.
    """
    member = np.zeros((len(vocabulary.objects), len(vocabulary.parts)), int)  # [O, P]
    seen = vocabulary.seen.numpy()
    member[vocabulary.object_of.numpy(), vocabulary.part_of.numpy()] = np.where(seen, 1, 2)
    with_parts = np.flatnonzero(member.any(1))
    columns = _by_company(member > 0)
    # Rows: seen block, then novel block, each sorted by where the object's parts stand.
    place = np.array([np.flatnonzero(member[o, columns] > 0).mean() for o in with_parts])
    rows = with_parts[np.lexsort((place, ~vocabulary.seen_object.numpy()[with_parts]))]
    shown = member[np.ix_(rows, columns)]
    side = 0.22 if len(rows) + len(columns) < 70 else 0.16
    longest_part, longest_object = (
        max(map(len, names)) for names in (vocabulary.parts, vocabulary.objects)
    )
    width = max(side * (len(columns) + 0.35 * longest_object) + 0.3, 3.2)
    picture = new_picture(width, side * (len(rows) + 0.35 * longest_part) + 0.6)
    axes = picture.subplots()
    for code, colour in ((1, SEEN), (2, UNSEEN)):
        y, x = np.nonzero(shown == code)
        axes.bar(x, 0.86, 0.86, bottom=y - 0.43, color=colour)
    novel_part = ~vocabulary.seen_part.numpy()[columns]
    font = 8 if side > 0.2 else 6
    axes.xaxis.tick_top()
    axes.set_xticks(
        range(len(columns)), [vocabulary.parts[p] for p in columns], rotation=90, fontsize=font
    )
    axes.set_yticks(range(len(rows)), [vocabulary.objects[o] for o in rows], fontsize=font)
    for label, novel in zip(axes.get_xticklabels(), novel_part, strict=True):
        label.set_color(UNSEEN if novel else INK)
    for label, o in zip(axes.get_yticklabels(), rows, strict=True):
        label.set_color(INK if vocabulary.seen_object[o] else UNSEEN)
    axes.set(xlim=(-0.6, len(columns) - 0.4), ylim=(len(rows) - 0.4, -0.6), aspect="equal")
    axes.tick_params(length=0)
    axes.set_axisbelow(True)
    axes.hlines(
        range(len(rows)), -0.6, len(columns) - 0.4, color="#e6e6e6", linewidth=0.5, zorder=0
    )
    axes.vlines(
        range(len(columns)), -0.6, len(rows) - 0.4, color="#e6e6e6", linewidth=0.5, zorder=0
    )
    for spine in axes.spines.values():
        spine.set_visible(False)
    counts = int(seen.sum()), int((~seen).sum())
    handles = [Patch(color=SEEN, label=f"{counts[0]} seen object parts: masks in training")]
    if counts[1]:
        handles.append(Patch(color=UNSEEN, label=f"{counts[1]} unseen: no part mask in training"))
    picture.legend(
        handles=handles,
        loc="outside lower left",
        ncols=1 if width < 5 else 2,
        fontsize=8,
        handlelength=1,
        handleheight=1,
    )
    return picture


def _by_company(member: np.ndarray) -> np.ndarray:
    """Order of the columns of bool [O, P] that puts like columns side by side, by a greedy walk."""
    member = member.astype(float)
    common = member.T @ member
    union = member.sum(0)[:, None] + member.sum(0)[None] - common
    likeness = common / np.maximum(union, 1)
    order = [int(member.sum(0).argmax())]
    while len(order) < len(likeness):
        rest = np.setdiff1d(np.arange(len(likeness)), order)
        # Near to the last column first, then to all earlier ones, then frequent.
        to_last, to_all = likeness[order[-1], rest], likeness[np.ix_(order, rest)].mean(0)
        score = to_last + 0.5 * to_all + 1e-3 * member.sum(0)[rest]
        order.append(int(rest[score.argmax()]))
    return np.array(order)


@styled
def curves(
    history, *, x: str = "step", smooth: int = 1, log: bool = False, title: str = ""
) -> Picture:
    """Lines over training steps, named at their right ends.

    Args:
        history: {name: values}, {name: (steps, values)} or a list of records
            [{"step": 0, "loss": 1.2, …}, …].
        x: what the records call the step, and the name of the axis.
        smooth: width of the running mean drawn over the faint raw values; 1 draws the values only.
        log: the scale of the values is logarithmic.
        title: of the figure.

    Raises:
        ValueError: no numbers, or not one value for each step.
    """
    lines = _lines(history, x)
    picture = new_picture(6.4, 3.2)
    axes = picture.subplots()
    ends = []
    for (name, (steps, values)), colour in zip(lines.items(), _cycle(len(lines)), strict=True):
        mean = _running_mean(values, smooth)
        if smooth > 1:
            axes.plot(steps, values, color=colour, alpha=0.2, linewidth=0.8)
        axes.plot(steps, mean, color=colour, linewidth=1.6)
        ends.append((mean[-1], steps[-1], name, colour))
    if log:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    else:
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    picture.canvas.draw()  # the scale must stand before names can be spread along it
    to_axes = axes.transData + axes.transAxes.inverted()
    ends.sort(key=lambda end: end[0])
    heights = [to_axes.transform((step, value))[1] for value, step, *_ in ends]
    for (value, step, name, colour), height in zip(
        ends, spread(heights, 0, 1, gap=0.065), strict=True
    ):
        place = to_axes.transform((step, value))[0], height
        axes.annotate(
            f"{name}  {value:.3g}",
            place,
            xycoords="axes fraction",
            xytext=(6, 0),
            color=colour,
            textcoords="offset points",
            va="center",
            fontsize=8.5,
            annotation_clip=False,
        )
    axes.set(xlabel=x, title=title)
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.6)
    return picture


@styled
def score_bars(
    results: Mapping,
    setting: str = "oracle_obj",
    *,
    keys: Sequence[str] = HEADLINES,
    title: str | None = None,
) -> Picture:
    """Bars of seen, unseen and harmonic mIoU for each model.

    Dots are training seeds, whiskers one deviation.

    Args:
        results: {name: result of `Evaluator.compute`, or a list of them, one for each seed}.
        setting: one of the evaluator's settings.
        keys: the scores shown.
        title: of the figure; default: the setting, and how many seeds there are.

    Raises:
        ValueError: a result lacks the setting or one of the keys.
    """
    colours = [SEEN, UNSEEN, HARMONIC, *LINE_COLOURS[3:]]
    table = score_table(results, setting, keys)
    picture = new_picture(max(4.0, 0.6 + 0.55 * len(keys) * len(table)), 3.2)
    axes = picture.subplots()
    width, bars = 0.8 / len(keys), {}
    for group, values in enumerate(table.values()):
        for k, key in enumerate(keys):
            place, scores = group + (k - (len(keys) - 1) / 2) * width, np.array(values[key], float)
            mean, spread = scores.mean(), scores.std(ddof=1) if len(scores) > 1 else None
            drawn = axes.bar(
                place,
                mean,
                width * 0.9,
                color=colours[k],
                yerr=spread,
                error_kw={"ecolor": INK, "elinewidth": 1, "capsize": 3},
            )
            bars.setdefault(key, drawn)
            if len(scores) > 1:
                axes.plot(
                    place + np.linspace(-0.25, 0.25, len(scores)) * width,
                    scores,
                    "o",
                    color="white",
                    markeredgecolor=INK,
                    markersize=3.2,
                    markeredgewidth=0.7,
                )
            axes.annotate(
                f"{mean:.1f}",
                (place, max(scores.max(), mean + (spread or 0))),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
    axes.set_xticks(range(len(table)), list(table))
    axes.tick_params(axis="x", length=0)
    axes.set_ylabel("mIoU in percent")
    axes.margins(y=0.12)
    seeds = {len(scores) for values in table.values() for scores in values.values()}
    if title is None:
        title = SETTING_NAMES.get(setting, setting)
        if len(seeds) == 1 and seeds != {1}:
            title += f" (mean and deviation of {seeds.pop()} training seeds)"
    axes.set_title(title, loc="left")
    place = {"loc": "outside lower center", "ncols": len(keys), "fontsize": 8.5}
    legend_of(picture, list(bars.values()), list(bars), **place, handlelength=1, handleheight=1)
    return picture


def score_table(results: Mapping, setting: str, keys: Sequence[str] = HEADLINES) -> dict:
    """Scores from what `score_bars` takes: {name: {key: [score of each seed]}}.

    Raises:
        ValueError: a result lacks the setting or one of the keys.
    """
    table = {}
    for name, seeds in results.items():
        seeds = [seeds] if isinstance(seeds, Mapping) else list(seeds)
        try:
            table[name] = {key: [seed[setting][key] for seed in seeds] for key in keys}
        except KeyError as missing:
            raise ValueError(
                f"the results of {name!r} have no {missing.args[0]!r}; expected results of "
                f"Evaluator.compute with setting {setting!r} and scores {list(keys)}"
            ) from None
        if not seeds or any(value is None for values in table[name].values() for value in values):
            raise ValueError(
                f"{name!r} has no score for some of {list(keys)} in {setting!r}: no seeds, "
                "or no labelled pixels"
            )
    if not table:
        raise ValueError("no results to show; give {name: result}")
    return table


def _lines(history, x: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    if not isinstance(history, Mapping):
        records = list(history)
        names = dict.fromkeys(
            key
            for record in records
            for key, value in record.items()
            if key != x and isinstance(value, (int, float))
        )
        history = {
            name: (
                [record.get(x, i) for i, record in enumerate(records) if name in record],
                [record[name] for record in records if name in record],
            )
            for name in names
        }
    lines = {}
    for name, values in history.items():
        steps, values = values if isinstance(values, tuple) else (range(len(values)), values)
        steps, values = np.asarray(steps, float), np.asarray(values, float)
        if steps.shape != values.shape or values.ndim != 1 or not len(values):
            raise ValueError(
                f"the curve {name!r} has values of shape {values.shape} for steps of shape "
                f"{steps.shape}; give one value for each step"
            )
        lines[name] = steps, values
    if not lines:
        raise ValueError("the history holds no numbers to draw")
    return lines


def _running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over a window of `width` values around each; shorter windows at the ends."""
    if width <= 1 or len(values) < 2:
        return values
    kernel = np.ones(min(width, len(values)))
    return np.convolve(values, kernel, "same") / np.convolve(np.ones(len(values)), kernel, "same")


def _cycle(count: int) -> list[str]:
    return [LINE_COLOURS[i % len(LINE_COLOURS)] for i in range(count)] if count else [FAINT]
