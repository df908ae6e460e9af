"""Write book/field.md: what later systems changed, their numbers, two of their measures on ours.

    python book/tools/field_page.py             write the page from the records
    python book/tools/field_page.py --measure   predict 200 test pictures first, keep the record
    python book/tools/field_page.py --check     change nothing; status 1 if the page is stale

Takes a second; with --measure some six minutes on two cores. Numbers of others come from
partclipseg_lite/data/paper_results.yaml, ours from the record `over_and_under`.
"""

import argparse
import datetime
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.evaluation.class_means import means, over_segmentation, under_segmentation
from partclipseg_lite.evaluation.counts import paired
from partclipseg_lite.evaluation.evaluate import count
from partclipseg_lite.evaluation.intervals import bootstrap, paired_difference
from partclipseg_lite.experiments.paper import SETTINGS, Row, paper
from partclipseg_lite.experiments.records import load_record, record_path
from partclipseg_lite.files import write_whole
from partclipseg_lite.weights.models import load_model

PAGE = Path(__file__).resolve().parents[1] / "field.md"
RECORD = "over_and_under"
PICTURES = 200
WEIGHTS = {
    "toy_clipseg": "CLIPSeg baseline",
    "toy_no_attention_control": "without attention control",
    "toy": "PartCLIPSeg",
}
MEASURES = {"OSI": over_segmentation, "USI": under_segmentation}
KEYS = ("seen", "unseen", "harmonic")
LATER = "a later system"
DECIDING = "pred_all"  # the setting of the sentence

TEXT = """# Where the field went

PartCLIPSeg was published at the end of 2024. Two years later its question, *which pixels are the
head of an animal whose parts nobody labelled?*, is asked by many, and its numbers have been passed.
This page says by what, as far as one can read it.

## What each later system changed

| system | what it does otherwise | what can be run |
|---|---|---|
| PartCATSeg, CVPR 2025 {{cite:p}}`choi2025partcatseg`, by authors of PartCLIPSeg | Compares every \
place with every name in *cost volumes*, one for objects and one for parts, and refines those \
instead of the features of a decoder; a loss holds part and object together; DINO's features \
beside CLIP's. | Code and weights are public; made for Python 3.8, detectron2 and mmcv 1.7.1, and \
four GPUs. |
| PBAPS, NeurIPS 2025 [^pbaps] | No training: prototypes of each part are read off *generated* \
pictures with DINOv2, together with SAM. | Inference only, for Python 3.8. |
| LangHOPS, NeurIPS 2025 {{cite:p}}`miao2025langhops` | A language model of three billion \
parameters splits each object into its parts, in language, and refines the queries for them. \
According to a note on it, which is not the paper: 4 billion parameters in all, 72 GPU hours of \
training, 396 ms a picture. | No complete release was found. |
| HOPS, CVPR 2026 [^hops] | Two stages: the object first, then its parts inside of it; filtering \
by CLIP's and DINO's attention, affinity propagation. | Code for one of \
the three datasets, no weights of its own linked; PartCLIPSeg's installation recipe. |
| PCA-Seg, CVPR 2026 {{cite:p}}`yin2026pcaseg` | Aggregates a cost volume over places and over \
names side by side instead of one after the other. | Its code for whole objects; none for parts. |
| SAM 3, 2025 {{cite:p}}`carion2025sam3` | Masks of everything that a short noun phrase names, \
from a very large corpus of such masks. | Public; no score on a benchmark of parts was found. |

Three directions recur: **the object first, the part inside of it**, which is PartCLIPSeg's
own split; **features that see finer than CLIP's** (DINO in three of the six), where PartCLIPSeg
asked attention control to make up for coarse ones; and **costs or prototypes instead of a decoder
conditioned word by word**. None of the descriptions that we read mentions the two losses of
attention control.

## Their numbers

mIoU in percent, zero-shot. Each number with the letter of the place where it was read, which is
often *another* paper's table or a note on it; "–" was not found. The scores are not ours and no run
here stands behind them; [the paper beside our runs](reproduction.md) has the commands for those
that can be repeated. Before you compare two rows, read [Scoring](../notebooks/07_scoring.ipynb):
systems counted by different evaluators can be points apart without predicting anything else.

{tables}

{sources}

## On which side masks are wrong

HOPS reports two numbers beside mIoU, and they say something that it does not: on which side of the
truth a mask is wrong.

$$
\\mathrm{{OSI}} =
\\frac{{\\text{{predicted pixels outside the truth}}}}{{\\text{{predicted pixels}}}},
\\qquad
\\mathrm{{USI}} = \\frac{{\\text{{true pixels that are missed}}}}{{\\text{{true pixels}}}},
$$

each for a class, then the mean over classes; small is good. A mask that is too large has a large
OSI, one that is too small a large USI, and one in the wrong place both. For PartCLIPSeg a note on
HOPS gives OSI 31.51 and USI 53.75: what it marks is mostly right, and more than half of what there
is it leaves out.

The same two on the predictions of this book's models, which is another world: {pictures} drawn test
pictures (split `test`, seed {seed}), one training each, in percent, with 95 % intervals over
pictures.

{ours}

{verdict}

Counted by `Evaluator.compute`, which writes both for every setting (`over_segmentation_seen`,
`under_segmentation_unseen`, …) and so stands in the report of each full run. HOPS's *code* takes
the parts of an object together before it counts OSI, which its text does not say;
`object_over_segmentation_seen` is that number.

## What has been asked for since

Read in the issues of these repositories, and what this book does about it:

- *Which evaluation made this number, and what does "mIoU base" mean?* (part-catseg, issue 4.) Five
  evaluators on the same stored predictions: `python -m partclipseg_lite score --evaluator`.
- *The released weights do not give the number of the paper.* (part-catseg, issues 4 and 5: a wrong
  file was linked, and gave 5.39 and 26.28 where 50.4 is printed.) Weights that ship here carry a
  digest, and the score to expect stands in [Results](results.md).
- *How do I try my own picture and my own words?* (part-clipseg, issues 6 and 7; PartGLEE, issue 7;
  VLPart, issue 13.) [Your picture, your words](../notebooks/11_your_picture.ipynb), or
  `python -m partclipseg_lite segment PHOTO --names "dog's head"`.
- *Where is the code for the attention maps?* (SCLIP, issues 10 and 18.) [Attention
  control](../notebooks/06_attention_control.ipynb): one forward pass with a tap, and a laboratory
  on top of it.
- *A class of one pixel.* (OV_PARTS: the aeroplane's tail in Pascal-Part-116, issue 6.) `doctor
  FOLDER` lists the classes that a handful of pixels decides.

[^pbaps]: Code at `TJU-IDVLab/PBAPS`, read at commit a87db5b.
[^hops]: *HOPS: Hierarchical Open-vocabulary Part Segmentation with Attention-Aware Filtering and
    Affinity-Guided Enhancement*; code at `TJU-IDVLab/HOPS`, read at commit 6273c65.
"""


def markdown(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def letters() -> dict[str, str]:
    """A letter for each source of numbers."""
    return {key: chr(ord("a") + i) for i, key in enumerate(paper().sources)}


def told(row: Row, setting: str) -> list[str]:
    """Seen, unseen, harmonic of one row, each with the letter of its source."""
    scores, sources = row.scores.get(setting, {}), row.sources.get(setting, {})
    return [
        "–" if scores.get(key) is None else f"{scores[key]:.2f} {{sup}}`{letters()[sources[key]]}`"
        for key in KEYS
    ]


def tables() -> str:
    """PartCLIPSeg and what came after it, a table for each of the three benchmarks."""
    found = []
    for table in (paper().tables[name] for name in ("T1", "T2", "T3")):
        rows = [row for row in table.rows.values() if row.name == "PartCLIPSeg" or row.by == LATER]
        header = ["system", *(f"{SETTINGS[s]} {key}" for s in SETTINGS for key in KEYS)]
        cells = [
            [f"**{row.name}**" if not row.by else row.name, *told(row, "pred_all")]
            + told(row, "oracle_obj")
            for row in rows
        ]
        empty = [i for i in range(1, len(header)) if all(line[i] == "–" for line in cells)]
        kept = [i for i in range(len(header)) if i not in empty]
        shown = [[line[i] for i in kept] for line in [header, *cells]]
        found.append(f"**{table.title}**\n\n{markdown(shown[0], shown[1:])}")
    return "\n\n".join(found)


def measure() -> dict:
    """OSI and USI of the weights that ship, with intervals over pictures, and their differences."""
    world = DrawnWorld("test", images=PICTURES)
    seen = world.vocabulary.seen.numpy()
    counted = {
        name: count(load_model(name)[0], world, world.vocabulary, progress=True).pictures
        for name in WEIGHTS
    }
    models = {
        name: {
            setting: {title: alone(counts, of, seen) for title, of in MEASURES.items()}
            for setting, counts in pictures.settings.items()
        }
        for name, pictures in counted.items()
    }
    ours, theirs = paired(
        [counted["toy"]], [counted["toy_clipseg"]], setting=DECIDING
    )  # one seed each
    difference = {}
    for title, of in MEASURES.items():
        found = paired_difference(ours, theirs, lambda totals, of=of: means(of(totals), seen))
        one = found["unseen"]
        difference[title] = {"low": one.low, "value": one.value, "high": one.high}
        difference[title]["verdict"] = one.verdict
    return {
        "date": datetime.date.today().isoformat(),
        "pictures": PICTURES,
        "seed": 0,
        "models": models,
        "difference": difference,
    }


def alone(counts: np.ndarray, of: Callable, seen: np.ndarray) -> dict[str, list[float]]:
    """[low, value, high] of a measure's means over seen and over unseen classes."""
    found = bootstrap(counts, lambda totals: means(of(totals), seen))
    return {key: [found[key].low, found[key].value, found[key].high] for key in KEYS[:2]}


def ours(record: dict) -> str:
    """The table of our own OSI and USI."""
    header = ["model", "setting", *(f"{m} {key}" for m in MEASURES for key in KEYS[:2])]
    titles = {**SETTINGS, "plain": "plain"}
    rows = [
        [WEIGHTS[name] if i == 0 else "", titles[setting]]
        + [
            f"{value:.1f} [{low:.1f}, {high:.1f}]"
            for measured in MEASURES
            for low, value, high in (found[measured][key] for key in KEYS[:2])
        ]
        for name, settings in record["models"].items()
        for i, (setting, found) in enumerate(settings.items())
    ]
    return markdown(header, rows)


def verdict(record: dict) -> str:
    """One sentence on what the table says; its words follow from the numbers."""
    found = record["models"]["toy"][DECIDING]
    over, under = found["OSI"]["unseen"], found["USI"]["unseen"]
    side = "leave out more than they paint wrongly"
    if over[0] > under[2]:
        side = "paint more wrongly than they leave out"
    elif over[2] >= under[0]:
        side = "are about as wrong on either side"
    told = [
        f"its {name} is {one['verdict']} ({one['value']:+.1f} [{one['low']:+.1f}, "
        f"{one['high']:+.1f}])"
        for name, one in record["difference"].items()
    ]
    return (
        f"On parts of novel objects with nothing told, PartCLIPSeg's masks {side} (OSI "
        f"{over[1]:.1f}, USI {under[1]:.1f}). Beside the baseline, on the same pictures, "
        f"{' and '.join(told)}."
    )


def page() -> str:
    """The whole page, from what is recorded."""
    record = load_record(RECORD)
    said = "; ".join(f"{letters()[key]}: {text}" for key, text in paper().sources.items())
    return TEXT.format(
        tables=tables(),
        sources=f"Sources. {said}.",
        pictures=record["pictures"],
        seed=record["seed"],
        ours=ours(record),
        verdict=verdict(record),
    )


def main() -> None:
    """Reads the command line; measures, writes or compares."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--measure", action="store_true", help="predict and count first")
    chosen.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    args = parser.parse_args()
    if args.measure:
        write_whole(record_path(RECORD), json.dumps(measure(), indent=1) + "\n")
    text = page()
    if not args.check:
        write_whole(PAGE, text)
        print(f"wrote {PAGE}")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit(f"{PAGE} is not what the records say; run python book/tools/field_page.py")


if __name__ == "__main__":
    main()
