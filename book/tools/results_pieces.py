"""What each piece is worth: a section of the results page, from the record and the plan.

    python book/tools/results_page.py     calls this for its second section

Takes no time.
"""

from statistics import mean

from markdown_tables import folded, table, with_interval
from partclipseg_lite.experiments.plan import Experiment
from partclipseg_lite.experiments.records import alike
from partclipseg_lite.figures.records import signed

#: What differs by a loss without a gradient only.
GRADIENTLESS = ("printed_separation", "enhancement_only")


def pieces(record: dict, plan: dict[str, Experiment]) -> str:
    """The short trainings, each told against another; those without a run name the command."""
    rows, open_rows, known = [], [], {**record["models"], **record["experiments"]}
    for name, one in plan.items():
        if name in record["models"] or not one.scored:
            continue
        reference = "" if one.differs_from == name else plan[one.differs_from].title
        if name not in known:
            command = f"`python -m partclipseg_lite experiments run --only {name}`"
            open_rows.append([one.title, reference, command])
            continue
        found, told = known[name], known[name]["difference"]
        values = [
            with_interval(found["intervals"]["test"][setting]["unseen"])
            for setting in ("oracle_obj", "pred_all")
        ]
        against = (
            [
                f"{signed(told[setting]['unseen'])} {told[setting]['unseen']['verdict']}"
                for setting in ("oracle_obj", "pred_all")
            ]
            if told
            else ["", ""]
        )
        rows.append([one.title, str(len(found["seeds"])), *values, reference, *against])
    names = ["training", "seeds", "unseen, Oracle-Obj", "unseen, Pred-All", "minus"]
    shown = [table([*names, "Oracle-Obj", "Pred-All"], rows)] if rows else []
    same = [known[name] for name in GRADIENTLESS if name in known]
    if len(same) == len(GRADIENTLESS) and (seeds := alike(*same)):
        shown.append(
            f"Of seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}, which both have, two "
            "trainings are equal to the last digit, in every score: *separation as printed* "
            "(beside the enhancement loss) and *enhancement only*. The printed loss has no "
            "gradient, so it is the same training."
        )
    shown += repetitions(known)
    if open_rows:
        title = f"{len(open_rows)} trainings without a run, and the commands that make them"
        how = (
            "A difference needs what stands under *minus*, too, trained on the same machine and "
            "with the same seeds. Then `python -m partclipseg_lite experiments ship` adds it to "
            "the record, and `python book/tools/results_page.py` to this page."
        )
        rows_of_them = table(["training", "minus", "command"], open_rows)
        shown.append(folded(title, f"{rows_of_them}\n\n{how}"))
    return "\n\n".join(shown)


def repetitions(known: dict[str, dict]) -> list[str]:
    """A sentence for each experiment that others were told against in another set of trainings.

    Their difference tells what the other scored then; [] where it is what the record holds.
    """
    beside: dict[tuple[str, str, str], list[str]] = {}
    for one in known.values():
        if told := one["difference"]:
            setting = "oracle_obj"
            mine, its = (
                [
                    which["summary"]["test"][setting]["unseen"]["values"][
                        which["seeds"].index(seed)
                    ]
                    for seed in told["seeds"]
                ]
                for which in (one, known[told["from"]])
            )
            then = mean(mine) - told[setting]["unseen"]["value"]
            if abs(then - mean(its)) > 0.05:
                scores = f"{then:.1f}", f"{mean(its):.1f}"
                beside.setdefault((told["from"], *scores), []).append(one["title"])
    return [
        f"{', '.join(f'*{title}*' for title in titles)}: trained on another machine than the rest, "
        f"and told against *{known[name]['title']}*, repeated there with the same seeds, where it "
        f"reached {then} in Oracle-Obj in place of {recorded}."
        for (name, then, recorded), titles in beside.items()
    ]
