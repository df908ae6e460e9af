"""Differences with their intervals, one below the other; scores of objects from model to model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .base import FAINT, INK, UNSEEN, Picture, new_picture, spread, styled
from .charts import SETTING_NAMES

#: "higher" and "lower" are decided; what is not is drawn hollow.
DECIDED, UNDECIDED = INK, "white"


@styled
def forest(
    differences: Mapping[str, Mapping],
    settings: Sequence[str] = ("oracle_obj", "pred_all"),
    score: str = "unseen",
    *,
    unit: str = "points of unseen mIoU",
) -> Picture:
    """Each difference as a dot with its 95 % interval; hollow where it is not decided.

    Args:
        differences: row -> {setting: {score: {"low", "value", "high", "verdict"}}}, as records of
            experiments hold them.
        settings: one panel each.
        score: which one is told.
        unit: of the axis.

    Raises:
        ValueError: no rows.
    """
    if not differences:
        raise ValueError("no differences to draw; give {row: difference of a record}")
    picture = new_picture(7.2, 0.9 + 0.32 * len(differences))
    panels = picture.subplots(1, len(settings), sharey=True, squeeze=False)[0]
    places = range(len(differences))[::-1]
    for axes, setting in zip(panels, settings, strict=True):
        axes.axvline(0, color=INK, linewidth=0.8)
        for place, told in zip(places, differences.values(), strict=True):
            one = told[setting][score]
            decided = one["verdict"] != "not decided"
            axes.plot([one["low"], one["high"]], [place, place], color=INK, linewidth=1.4)
            axes.plot(
                one["value"],
                place,
                "o",
                markersize=6,
                color=DECIDED if decided else UNDECIDED,
                markeredgecolor=INK,
            )
        axes.set_title(SETTING_NAMES[setting], loc="left")
        axes.set_xlabel(unit)
        axes.grid(axis="x", color="#e6e6e6", linewidth=0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(-0.6, len(differences) - 0.4)
    panels[0].set_yticks(list(places), list(differences))
    return picture


@styled
def slopes(
    scores: Mapping[str, Mapping[str, float]], novel: Sequence[str], *, unit: str = "mIoU, percent"
) -> Picture:
    """One line an object from model to model; novel objects in colour, with their names.

    Args:
        scores: model -> {object: score}; an object without a score in some model is left out.
        novel: names of the novel objects.
        unit: of the scores.

    Raises:
        ValueError: fewer than two models, or no object that all have.
    """
    models = list(scores)
    objects = [
        obj
        for obj in (scores[models[0]] if models else ())
        if all(scores[model].get(obj) is not None for model in models)
    ]
    if len(models) < 2 or not objects:
        raise ValueError("slopes need two models or more, and an object that all have a score of")
    picture = new_picture(1.6 + 1.9 * len(models), 4.2)
    axes = picture.subplots()
    for obj in sorted(objects, key=lambda name: name in novel):
        colour, width = (UNSEEN, 1.8) if obj in novel else (FAINT, 0.9)
        axes.plot(
            range(len(models)),
            [scores[m][obj] for m in models],
            "o-",
            color=colour,
            linewidth=width,
            markersize=3.5,
        )
    axes.set_xticks(range(len(models)), models)
    axes.set_xlim(-0.15, len(models) - 0.6)
    axes.set_ylabel(unit)
    picture.canvas.draw()  # the scale must stand before names can be spread along it
    named = sorted((scores[models[-1]][obj], obj) for obj in objects if obj in novel)
    low, high = axes.get_ylim()
    heights = spread([(value - low) / (high - low) for value, _ in named], 0, 1, gap=0.05)
    for (_, obj), height in zip(named, heights, strict=True):
        place = len(models) - 0.95, low + height * (high - low)
        axes.annotate(obj, place, color=UNSEEN, va="center", fontsize=9)
    axes.plot([], [], "o-", color=UNSEEN, label="novel objects")
    axes.plot([], [], "o-", color=FAINT, label="seen objects")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 1.1), ncols=2, fontsize=8.5, frameon=False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return picture
