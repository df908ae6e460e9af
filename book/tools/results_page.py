"""Write book/results.md from the record in the package, so that no number on it was typed.

    python book/tools/results_page.py             write the page
    python book/tools/results_page.py --check     change nothing; status 1 if the page is stale

Takes a second. `toy.json` holds the scores of all experiments, which `make weights` runs and ships.
"""

import argparse
import sys
from pathlib import Path

from markdown_tables import cell, folded, table, with_interval
from partclipseg_lite.evaluation.errors import KINDS
from partclipseg_lite.evaluation.intervals import Interval
from partclipseg_lite.experiments.plan import experiments
from partclipseg_lite.experiments.records import change_from, load_record, record_path, turned
from partclipseg_lite.figures.records import signed
from results_aims import aims
from results_clip import clips
from results_pictures import in_words, size_and_score
from results_pieces import pieces

BOOK = Path(__file__).resolve().parents[1]
SOURCE = record_path("toy")
PAGE = BOOK / "results.md"
SETTINGS = {
    "oracle_obj": "Oracle-Obj",
    "pred_all": "Pred-All",
    "plain": "plain mIoU with background",
}
KEYS = ("seen", "unseen", "harmonic")
ATTENTION = {
    "overlap": "claimed places that several parts claim",
    "missing places": "object or claimed places that nobody claims",
    "missing parts": "parts that claim nothing of their own mask",
    "peak elsewhere": "parts whose map peaks outside of their mask",
}


def verdict(record: dict) -> str:
    """The first sentences of the page: what was found, in words that the intervals decide."""
    models = record["models"]
    over = {
        setting: turned(models["toy_clipseg"]["difference"][setting]["unseen"])
        for setting in ("oracle_obj", "pred_all")
    }
    control = turned(models["toy_no_attention_control"]["difference"]["oracle_obj"]["unseen"])
    untold = turned(models["toy_no_attention_control"]["difference"]["pred_all"]["unseen"])
    told, nothing = over["oracle_obj"], over["pred_all"]
    masks = {
        (True, True): "with attention control masks of novel objects score "
        f"{control['verdict']} in Oracle-Obj and {untold['verdict']} in Pred-All",
        (False, False): "whether attention control makes better masks of novel objects is not "
        "decided",
    }.get(
        (control["verdict"] != "not decided", untold["verdict"] != "not decided"),
        "attention control changes masks of novel objects in one of the two settings only",
    )
    looks = [
        models[name]["attention"]["overlap"]["mean"] for name in ("toy", "toy_no_attention_control")
    ]
    return (
        f"On parts of novel objects PartCLIPSeg scores **{told['verdict']}** than its baseline, by "
        f"{signed(told)} points of mIoU when the objects are told (Oracle-Obj), and "
        f"**{nothing['verdict']}** by {signed(nothing)} when nothing is told (Pred-All); {masks} "
        f"({signed(control)} and {signed(untold)}), though it does what it says to the maps: they "
        f"overlap in {100 * looks[0]:.0f} % of the claimed places with it and in "
        f"{100 * looks[1]:.0f} % without."
    )


def scores(record: dict, split: str) -> str:
    """The table of all models in all settings on one split."""
    rows = []
    for model in record["models"].values():
        for setting, title in SETTINGS.items():
            spread = model["summary"][split][setting]["unseen"]["std"]
            found = [with_interval(model["intervals"][split][setting][key]) for key in KEYS]
            other = elsewhere(model["intervals"][split][setting]["unseen"])
            rows.append([model["title"], title, *found, other, f"± {spread:.1f}"])
    head = ["model", "setting", *KEYS, "unseen, as many other pictures", "unseen, over seeds"]
    return table(head, rows)


def elsewhere(interval: list[float]) -> str:
    """Where the score of as many other pictures falls, "[28.6, 32.8]"."""
    wider = Interval(*interval).for_other_pictures(1, 1)
    return f"[{wider.low:.1f}, {wider.high:.1f}]"


def more_scores(record: dict) -> str:
    """Recall and boundary IoU of all models in all settings."""
    keys = ("recall_seen", "recall_unseen", "boundary_iou_seen", "boundary_iou_unseen")
    rows = [
        [
            model["title"],
            title,
            *(cell(model["summary"]["test"][setting][key]["mean"]) for key in keys),
        ]
        for model in record["models"].values()
        for setting, title in SETTINGS.items()
    ]
    return table(["model", "setting", *(key.replace("_", " ") for key in keys)], rows)


def differences(record: dict) -> str:
    """PartCLIPSeg minus the others, on the same pictures and seeds."""
    rows = []
    for name, model in record["models"].items():
        if model["difference"]:
            for setting, title in SETTINGS.items():
                told = {key: turned(model["difference"][setting][key]) for key in KEYS}
                rows.append(
                    [
                        f"PartCLIPSeg – {record['models'][name]['title']}",
                        title,
                        *(f"{signed(told[key])} {told[key]['verdict']}" for key in KEYS),
                    ]
                )
    return table(["difference", "setting", *KEYS], rows)


def spreads(record: dict) -> str:
    """The smallest and the largest spread of unseen mIoU over seeds, "0.5 to 1.3"."""
    found = [
        model["summary"]["test"][setting]["unseen"]["std"]
        for model in record["models"].values()
        for setting in ("oracle_obj", "pred_all")
    ]
    return f"{min(found):.1f} to {max(found):.1f}"


def looks(record: dict) -> str:
    """What attention control does to maps, of every model and experiment that has them."""
    known = {**record["models"], **record["experiments"]}
    rows = [
        [
            one["title"],
            str(len(one["seeds"])),
            *(f"{one['attention'][key]['mean']:.0%}" for key in ATTENTION),
        ]
        for one in known.values()
        if one["attention"]
    ]
    return table(["model", "seeds", *ATTENTION.values()], rows)


def errors(record: dict) -> str:
    """What pixels of novel objects' parts were taken for."""
    rows = [
        [
            record["models"][name]["title"],
            SETTINGS[setting],
            *(f"{100 * shares['unseen'][kind]:.0f}" for kind in KINDS),
        ]
        for name, settings in record["errors"].items()
        for setting, shares in settings.items()
    ]
    return table(["model", "setting", *KINDS], rows)


def per_object(record: dict) -> str:
    """The table of objects, one column a model, novel objects first."""
    models = record["models"]
    objects = models["toy"]["test"]["oracle_obj"]["per_object"]
    novel = {
        name.split("'s ")[0]
        for name, row in models["toy"]["test"]["oracle_obj"]["per_object_part"].items()
        if not row["seen"]
    }
    rows = []
    for obj in sorted(objects, key=lambda o: (o not in novel, o)):
        found = [m["test"]["oracle_obj"]["per_object"][obj]["iou"] for m in models.values()]
        rows.append([f"**{obj}**" if obj in novel else obj, *map(cell, found)])
    return table(
        ["object (novel ones bold, first)", *(one["title"] for one in models.values())], rows
    )


def per_part(record: dict) -> str:
    """The table of generalized parts, on seen and on novel objects."""
    model = record["models"]["toy"]["test"]["oracle_obj"]["per_part"]
    rows = [
        [part, cell(row.get("iou_seen")), cell(row.get("iou_unseen")), f"{row['pixels']:,}"]
        for part, row in sorted(model.items())
    ]
    return table(
        ["generalized part", "IoU on seen objects", "IoU on novel objects", "pixels"], rows
    )


def made_on(record: dict) -> str:
    """On what the three models were trained, and how long one training took."""
    model = record["models"]["toy"]
    devices = sorted({run["environment"]["device"] for run in model["runs"]})
    seconds = [run["training_seconds"] for run in model["runs"]]
    return (
        f"One training of PartCLIPSeg took {min(seconds):.0f} to {max(seconds):.0f} s on "
        f"{' and '.join(devices)}, shared by sixteen of them"
    )


def page(record: dict) -> str:
    """The whole page as Markdown, from what `toy.json` holds."""
    alt, spread = in_words(record), spreads(record)
    seeds = len(record["models"]["toy"]["seeds"])
    steps = record["models"]["toy"]["steps"]
    return f"""# Results

{verdict(record)}

```{{figure}} assets/results_differences.png
:name: fig-results-differences
:width: 720px
:alt: {alt["results_differences.png"]}

Differences of unseen mIoU on the same {record["pictures"]} pictures and the same training seeds,
with 95 % intervals. A full dot is decided, a hollow one is not.
```

```{{admonition}} Everything on this page was measured in the drawn world
:class: note
Written by `book/tools/results_page.py` from
`partclipseg_lite/data/records/toy.json` ({record["date"]}), which `make
weights` makes. The drawn world is a toy: its numbers say nothing about photographs, and they must
not be set beside the paper's.
```

All models read the same frozen tiny CLIP, start from the same CLIPSeg of phrases, were trained for
{steps:,} steps on the same drawn pictures of *seen* objects, {seeds} times with other random
numbers each, and were asked for the bare names of all 149 object parts. Scores are in percent,
pictures are scored whole. Brackets hold 95 % intervals over pictures: where the score over all
pictures of the kind lies. Another set of as many pictures is a sample, too, so its score falls into
that bracket five times in six, and nineteen times in twenty into the wider one of the column "as
many other pictures". The spread over training seeds is another thing and stands apart.
{made_on(record)}.

## {record["pictures"]} test pictures

{scores(record, "test")}

**Differences** are taken on the same pictures and the same seeds, and their intervals are over
both. A word follows by rule: *higher* or *lower* where the whole interval is on one side of zero,
*not decided* elsewhere.

{differences(record)}

```{{figure}} assets/results_objects.png
:name: fig-results-objects
:width: 640px
:alt: {alt["results_objects.png"]}

mIoU over each object's parts, the objects being told, from the baseline to the whole model, by the
weights that ship; novel objects in orange. A line that rises is an object that gains from being
taken apart. The numbers are in the table of objects below.
```

```{{figure}} assets/results_sizes.png
:name: fig-results-sizes
:width: 720px
:alt: {alt["results_sizes.png"]}

Every object part by the number of its labelled pixels in all test pictures; triangles are parts
that were never taught. {size_and_score(record)}
```

What was aimed at:

{aims(record)}

## What each piece is worth

Short trainings, all alike, and the upper bound: what a model reaches that was taught the parts of
the novel objects as well. A row of one seed speaks of one training, and its difference of two: the
interval is over pictures alone, while unseen scores of the longer trainings above spread over
their seeds by a standard deviation of {spread} points.
Trainings without a run name the command that makes it.

{pieces(record, experiments())}

## What goes wrong

What pixels of novel objects' parts were taken for, in percent, every class weighing the same, on
{record["models"]["toy"]["pictures"]["validation"]} validation pictures, by the weights that ship:
for another part of the same object, for the same part of another object, for another part of
another object, for background.

{errors(record)}

## What attention control does to maps

Shares over the objects with two parts or more in the first test pictures, mean over seeds.

{looks(record)}

## Other pictures

{record["shifted_pictures"]} pictures of the shifted split: other scenes (night, forest, studio),
other colours and scales than any training picture.

{scores(record, "shifted")}

{folded("Recall and true boundary IoU", more_scores(record))}

{folded("By object: mean IoU over its parts, Oracle-Obj, the seed that ships", per_object(record))}

{folded("By generalized part: PartCLIPSeg, Oracle-Obj, the seed that ships", per_part(record))}

## What the tiny CLIP knows

Zero-shot, on held-out pictures. It has read captions of whole pictures, of objects with the boxes
they stand in, and of close-ups of parts cut out with boxes, for *all* objects, novel ones included,
as real CLIP has on the web. It has never seen a mask.

{clips(load_record("tiny_clips"))}

## What the CLIPSeg of phrases has seen

The drawn twin of CLIPSeg's public weights, which were trained on PhraseCut: pictures of objects of
*all* kinds, novel ones included, each with a few phrases for each kind of object in it (its name,
its colour, its place, in many forms) and the mask of that object. No phrase names a part, and no
mask of a part was looked at. Everything else on this page was then taught parts of *seen* objects
only; no model but the upper bound has seen a mask of a novel object's part.

What else the recipe has and the paper has not: each picture is asked for few words, which leaves
time for more pictures, and a {{term}}`Dice loss` stands beside the paper's binary cross-entropy, in
which an eye of ten pixels weighs as much as a torso. It trains the baseline in the same way, so the
comparison stays fair. {without_dice(record)}
"""


def without_dice(record: dict) -> str:
    """Whether Dice does the enhancement loss's work, in a sentence or two."""
    experiments = record["experiments"]
    changes = [
        change_from(experiments, "no_dice", "no_dice_no_attention_control", setting)
        for setting in ("oracle_obj", "pred_all")
    ]
    oracle, pred = (f"{signed(change)} ({change['verdict']})" for change in changes)
    more = "more" if any(change["verdict"] == "higher" for change in changes) else "no more"
    return (
        "It is meant for small parts, as the enhancement loss is, so it might do that loss's work. "
        f"But in trainings without Dice, attention control brings {more}: with it, unseen mIoU "
        f"differs by {oracle} in Oracle-Obj and by {pred} in Pred-All from trainings without it."
    )


def main() -> None:
    """Reads the command line; writes the page, or compares it with the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if the page is not what the record says"
    )
    args = parser.parse_args()
    text = page(load_record("toy"))
    if args.check:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit(f"{PAGE} is not what {SOURCE} says; run python book/tools/results_page.py")
        return
    PAGE.write_text(text)
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
