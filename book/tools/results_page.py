"""Write book/results.md from the records in the package, so that no number on it was typed.

    python book/tools/results_page.py             write the page
    python book/tools/results_page.py --check     change nothing; status 1 if the page is stale

Takes a second. `toy.json` holds the scores of the shipped models, `recipe.json` those of short
trainings by which their recipe was chosen.
"""

import argparse
import sys
from pathlib import Path

from partclipseg_lite.experiments.records import load_record, record_path
from partclipseg_lite.settings import Settings

BOOK = Path(__file__).resolve().parents[1]
SOURCE = record_path("toy")
PAGE = BOOK / "results.md"
NAMES = {
    "toy": "PartCLIPSeg",
    "toy_no_attention_control": "PartCLIPSeg without attention control",
    "toy_clipseg": "CLIPSeg baseline",
}
SETTINGS = {
    "oracle_obj": "Oracle-Obj",
    "pred_all": "Pred-All",
    "plain": "plain mIoU with background",
}
CLIP_ROWS = {
    "object": "object of a whole picture, among 22 names",
    "object_novel": "the same, novel objects only",
    "part_close_up": "part of a close-up, among 30 names",
    "part_close_up_novel": "the same, parts of novel objects only",
    "object_part_close_up": "object part of a close-up, among 149 names",
    "patch_seen": "object of a single patch, seen objects",
    "patch_novel": "object of a single patch, novel objects",
}


def number(summary: dict, key: str) -> str:
    """A mean and its spread over seeds, "41.2 ± 0.8", or "41.2" for a single seed."""
    entry = summary[key]
    if entry["mean"] is None:
        return "–"
    spread = f" ± {entry['std']:.1f}" if entry["std"] is not None else ""
    return f"{entry['mean']:.1f}{spread}"


def cell(value: float | None) -> str:
    """A number with one decimal, a dash where there is none."""
    return "–" if value is None else f"{value:.1f}"


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def scores(record: dict, split: str, keys: tuple[str, ...] = ("seen", "unseen", "harmonic")) -> str:
    """The table of all models in all settings on one split, a column for each of `keys`."""
    rows = []
    for preset, model in record["models"].items():
        for setting, title in SETTINGS.items():
            numbers = [number(model["summary"][split][setting], key) for key in keys]
            rows.append([NAMES[preset], title, *numbers, str(len(model["seeds"]))])
    return table(
        ["model", "setting", *(key.replace("_", " ") for key in keys), "training seeds"], rows
    )


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
    return table(["object (novel ones bold, first)", *(NAMES[p] for p in models)], rows)


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


def recipe_table(recipe: dict) -> str:
    """The table of the short trainings, one row a run."""
    rows = []
    for run in recipe["runs"]:
        found = [
            " / ".join(f"{run[setting][key]:.1f}" for key in ("seen", "unseen", "harmonic"))
            for setting in ("oracle_obj", "pred_all")
        ]
        rows.append([run["title"], f"{run['steps']:,}", f"{run['seconds']:,}", *found])
    return table(["training", "steps", "seconds", "Oracle-Obj", "Pred-All"], rows)


def page(record: dict, recipe: dict) -> str:
    """The whole page as Markdown, from what `toy.json` and `recipe.json` hold."""
    clip = record["clip"]
    clip_table = table(
        ["the tiny CLIP names…", "right, in percent"],
        [[text, f"{clip[key]:.1f}"] for key, text in CLIP_ROWS.items() if key in clip],
    )
    ours, baseline = (Settings.from_preset(preset).training for preset in ("toy", "toy_clipseg"))
    steps = {NAMES[p]: m["steps"] for p, m in record["models"].items()}
    seeds = max(len(m["seeds"]) for m in record["models"].values())
    spread = (
        "± is the sample deviation over training seeds"
        if seeds > 1
        else "there is one training seed so far, so no spread is known and small differences "
        "say nothing"
    )
    more = ("recall_seen", "recall_unseen", "boundary_iou_seen", "boundary_iou_unseen")
    return f"""# Results

```{{admonition}} Everything on this page was measured in the drawn world
:class: note
Written by `book/tools/results_page.py` from
`partclipseg_lite/data/records/toy.json` ({record["date"]}), which `make
weights` makes. The drawn world is a toy: its numbers say nothing about photographs, and they must
not be set beside the paper's.
```

All models read the same frozen tiny CLIP, were trained on the same drawn pictures of *seen*
objects, and were asked for the bare names of all 149 object parts. Steps of {ours.batch_size}
pictures: {", ".join(f"{name} {n:,}" for name, n in steps.items())}. Scores are in percent, pictures
are scored whole; {spread}. In a step, each picture was asked for {ours.parts_per_image} generalized
parts, {ours.objects_per_image} objects and up to {ours.object_parts_per_image} object parts put
together from them; for CLIPSeg, for {baseline.object_parts_per_image} object parts, absent ones
among them. The settings are those of the presets in `partclipseg_lite/settings.py`; [how they were
chosen](how-the-recipe-was-chosen) is told at the end.

## {record["pictures"]} test pictures

{scores(record, "test")}

Recall and true boundary IoU, Oracle-Obj and the other settings:

{scores(record, "test", more)}

## {record["shifted_pictures"]} pictures of the shifted split

Other scenes (night, forest, studio), other colours and scales than any training picture.

{scores(record, "shifted")}

## By object

Mean IoU over each object's parts, Oracle-Obj, first training seed.

{per_object(record)}

## By generalized part

PartCLIPSeg, Oracle-Obj, first training seed.

{per_part(record)}

## What the tiny CLIP knows

Zero-shot, on held-out pictures. It has read captions of whole pictures, of objects with the boxes
they stand in, and of close-ups of parts cut out with boxes, for *all* objects, novel ones included,
as real CLIP has on the web. It has never seen a mask. The segmenters have never seen a mask of a
novel object.

{clip_table}

(how-the-recipe-was-chosen)=
## How the recipe was chosen

By short trainings of PartCLIPSeg (preset `{recipe["preset"]}`, one seed, one core each, about equal
time) and their scores on {recipe["pictures"]} pictures of the *validation* split: seen / unseen /
harmonic mean. No test picture took part. One seed proves little, so small differences were not
followed; the first two rows shared their processor with other work. The settings of each row are in
`partclipseg_lite/data/records/recipe.json`, for `train --set` and then
`evaluate --split {recipe["split"]}`.

{recipe_table(recipe)}

Two things stood out, and the shipped models have both. Asking each picture for fewer words leaves
time for more pictures. And a {{term}}`Dice loss` beside the paper's binary cross-entropy, in which
an eye of ten pixels weighs as much as a torso: the paper does not have it. It trains the baseline
in the same way, so the comparison stays fair; and as it is meant for small parts, it may take work
from the enhancement loss, which is meant for them too.
"""


def main() -> None:
    """Reads the command line; writes the page, or compares it with the records."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="exit 1 if the page is not what the record says"
    )
    args = parser.parse_args()
    text = page(load_record("toy"), load_record("recipe"))
    if args.check:
        if not PAGE.exists() or PAGE.read_text() != text:
            sys.exit(f"{PAGE} is not what {SOURCE} says; run python book/tools/results_page.py")
        return
    PAGE.write_text(text)
    print(f"wrote {PAGE}")


if __name__ == "__main__":
    main()
