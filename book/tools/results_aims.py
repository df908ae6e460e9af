"""What was aimed at before anything was trained, beside what was found, for the results page.

    python book/tools/results_page.py     calls this after its first figures

Takes no time.
"""

from markdown_tables import table, with_interval
from partclipseg_lite.experiments.records import turned
from partclipseg_lite.figures.charts import SETTING_NAMES
from partclipseg_lite.figures.records import signed

#: What was aimed at, mean over seeds on test pictures.
LEAD, HARMONIC, SHARE, WIDTH, CLOSE_UPS, MINUTES = 4.0, 26.0, 0.75, 1.0, 80.0, 12.0


def aims(record: dict) -> str:
    """What was aimed at, what was found, met or missed."""
    toy = record["models"]["toy"]
    rows = []
    for setting in ("oracle_obj", "pred_all"):
        told = turned(record["models"]["toy_clipseg"]["difference"][setting]["unseen"])
        met = told["value"] >= LEAD and told["low"] > 0
        rows.append(
            [
                f"lead over the baseline, unseen, {SETTING_NAMES[setting]}",
                f"at least +{LEAD:.0f}, interval above 0",
                signed(told),
                "met" if met else "**missed**",
            ]
        )
    harmonic = toy["intervals"]["test"]["pred_all"]["harmonic"]
    rows.append(
        [
            "harmonic mean, Pred-All",
            f"at least {HARMONIC:.0f}",
            with_interval(harmonic),
            "met" if harmonic[1] >= HARMONIC else "**missed**",
        ]
    )
    bound = record["experiments"].get("upper_bound")
    if bound:
        short, taught = (
            record["experiments"][name]["intervals"]["test"]["oracle_obj"]["unseen"][1]
            for name in ("short", "short_upper_bound")
        )
        mine, theirs = (one["intervals"]["test"]["oracle_obj"]["unseen"][1] for one in (toy, bound))
        rows.append(
            [
                "unseen in Oracle-Obj, beside a model that was taught the novel objects, too",
                f"at least {SHARE:.0%}",
                f"{mine / theirs:.0%} of {theirs:.1f} (short trainings, three seeds of each: "
                f"{short / taught:.0%} of {taught:.1f})",
                "met" if mine / theirs >= SHARE else "**missed**",
            ]
        )
    quick = record["experiments"].get("twelve_minutes")
    timed = quick and "seconds_with_set_up" in quick["runs"][0]  # not where a GPU trained it
    for setting in ("oracle_obj", "pred_all") if timed else ():
        mine = quick["intervals"]["test"][setting]["unseen"]
        seeds = toy["summary"]["test"][setting]["unseen"]["values"]
        minutes = quick["runs"][0]["seconds_with_set_up"] / 60
        rows.append(
            [
                f"unseen in {SETTING_NAMES[setting]} after twelve minutes on two cores",
                f"not below the {len(seeds)} seeds of the {toy['steps']:,} steps, "
                f"{min(seeds):.1f} to {max(seeds):.1f}",
                f"{with_interval(mine)} in {quick['steps']:,} steps, {minutes:.1f} min (one "
                "training)",
                "met" if mine[1] >= min(seeds) and minutes <= MINUTES else "**missed**",
            ]
        )
    close_ups = record["clip"]["part_close_up"]
    rows.append(
        [
            "parts that the tiny CLIP names in close-ups",
            f"at least {CLOSE_UPS:.0f} %",
            f"{close_ups:.0f} %, [why](../notebooks/08_what_each_piece_is_worth.ipynb)",
            "met" if close_ups >= CLOSE_UPS else "**missed**",
        ]
    )
    control = turned(
        record["models"]["toy_no_attention_control"]["difference"]["oracle_obj"]["unseen"]
    )
    rows.append(
        [
            "what attention control does to unseen mIoU, Oracle-Obj",
            f"an interval narrower than ±{WIDTH:.0f}",
            signed(control),
            "met" if control["high"] - control["low"] < 2 * WIDTH else "**missed**",
        ]
    )
    return table(["aim", "wanted", "found", ""], rows)
