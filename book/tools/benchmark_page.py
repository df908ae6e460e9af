"""Write book/benchmark.md from its record in the package, so that no number on it was typed.

    python -m partclipseg_lite benchmark --json partclipseg_lite/data/records/benchmark.json
    measure again; on a machine with a GPU with --items 'gpu/*' and benchmark_gpu.json
    python book/tools/benchmark_page.py                                         write the page
    python book/tools/benchmark_page.py --check             change nothing; status 1 if it is stale

Takes a second, after the measurement.
"""

import argparse
import sys
from pathlib import Path

import gpu_section
import restructuring_section
from markdown_tables import table
from partclipseg_lite.experiments.records import load_record, record_path

BOOK = Path(__file__).resolve().parents[1]
SOURCE, PAGE = record_path("benchmark"), BOOK / "benchmark.md"
RECORDS = ("benchmark", "benchmark_gpu", "training_time")
OPEN = "to be filled"

#: What a comparison is called by the command -> what the page says it means.
TARGETS = {
    "release / ours, time of a training step, paper reading": "at least 4",
    "release / ours, memory of a training step, paper reading": "at least 2",
    "release / ours, time of a training step, released reading": "at least 4",
    "release / ours, memory of a training step, released reading": "at least 2",
    "Hugging Face / ours, 1 names": "",
    "Hugging Face / ours, 8 names": "",
    "Hugging Face / ours, 58 names": "at least 20",
    "116-part vocabulary / (encoder + one decoder pass)": "at most 1.5",
    "release / ours, 116-part vocabulary with its words": "",
    "memory, 1000 names / 100 names": "at most 1.1",
    "time, 1000 names / 100 names": "",
    "time, 8 images / 1 image": "",
}

TEXT = """# What it costs

```{{admonition}} Measured on {where}
:class: note
Written by `book/tools/benchmark_page.py` from
`partclipseg_lite/data/records/benchmark.json` ({date}). On another
machine seconds are others; ratios travel better.
```

```bash
python -m partclipseg_lite benchmark --json benchmark.json            # everything
python -m partclipseg_lite benchmark --items "training/*"             # some of it
python -m partclipseg_lite benchmark --size small                     # seconds, to see that it runs
```

## What is measured

The networks of the paper at their real size, ViT-B/16 at 352x352 with CLIPSeg's decoder (width 64,
inner width 2048), with random weights: cost does not depend on their values. Each time is the
median of a few runs after one to warm up, in one process. Memory is the peak of a fresh process
that does the same thing twice, Python and PyTorch included.

- **Against a peer.** Hugging Face's CLIPSeg and ours hold the *same* weights; the largest
  difference of their logits, relative to the largest logit, is {difference}. Theirs is called as
  its documentation does: the image once for each prompt, every prompt padded to 77 tokens. Ours
  goes the whole way, from the picture to masks at its own size, and encodes the words anew each
  time.
- **Against the release.** On two CPU cores, one image of 352x352 with the Pascal-Part-116
  vocabulary took the public code {release_training:g} s and {release_memory:g} GB for a training
  step with the attention losses, and {release_inference:g} s for inference (58 prompts), of which
  3.6 s went into encoding words and 0.9 s into encoding the image; Hugging Face's CLIPSeg took 7.7
  s for 8 prompts there. These numbers were measured once and are constants of the benchmark, so
  ratios with them hold for a machine of that kind.
- **By itself.** The whole vocabulary beside one run of the encoder and one of the decoder, which is
  the least it could cost; more and more names; more and more images.

## Ratios and targets

{ratios}

## Every item

{items}

## Why

- Text is encoded up to its last token instead of 77. The encoder is causal, so that is exact; a
  test compares. Where it is frozen, each word is encoded once and remembered.
- An image is encoded once for any number of names, and a word is decoded once for all object parts
  that share it.
- Attention is fused. Weights exist only for the words that are tapped: those present in the image.
- Names are decoded in chunks, enlarged to the picture's size a few at a time, and only the winners
  are kept. Single maps are made again when somebody looks at them, so a thousand names need the
  memory of a hundred.
- The losses see all parts at once, without a loop over parts.
- `training.recompute` runs decoder blocks again in the backward pass: less memory for more time.
- On a processor in bf16, attention alone is computed in float32: PyTorch's fused kernel is faster
  that way.

## The same step, rewritten

{rewritten}

## On a GPU

{gpu}
"""


def recorded(name: str = "benchmark") -> dict | None:
    """What was measured, None before the first time; of `RECORDS`."""
    return load_record(name) if record_path(name).is_file() else None


def page(result: dict | None, on_gpu: dict | None = None, training_time: dict | None = None) -> str:
    """The whole page; without a result every measured number is "to be filled".

    Without what was measured on a GPU, or at several commits, its section says so.
    """
    items, where, date = (
        (result["items"], result["hardware"], result["date"]) if result else ({}, None, OPEN)
    )
    found = {entry["what"]: entry for entry in result["comparisons"]} if result else {}
    verdict = {True: "met", False: "**missed**", None: ""}
    rows = []
    for what, target in TARGETS.items():
        entry = found.get(what)
        value = f"{entry['value']:.2f}" if entry else OPEN
        rows.append([what, value, target, verdict[entry["met"]] if entry else ""])
    measured = []
    for name, item in items.items():
        if "seconds" in item:
            peak = "" if item["peak_mb"] is None else f"{item['peak_mb'] / 1e3:.2f}"
            measured.append([name, f"{item['seconds']:.2f}", peak])
    release = (
        result["release"]
        if result
        else {"training_seconds": 15.9, "training_mb": 6850, "inference_seconds": 5.84}
    )
    machine = (
        f"{where['threads']} cores of an {where['cpu']}, {where['gpu'] or 'no GPU'}"
        if where
        else "two cores of an AMD EPYC, no GPU"
    )
    same = items.get("compared/difference")
    return TEXT.format(
        where=machine,
        date=date,
        difference=f"{same['relative']:.0e}" if same else OPEN,
        ratios=table(["ratio", "measured", "target", ""], rows),
        items=table(["item", "seconds", "peak GB"], measured or [[OPEN, "", ""]]),
        release_training=release["training_seconds"],
        release_memory=release["training_mb"] / 1e3,
        release_inference=release["inference_seconds"],
        rewritten=restructuring_section.section(training_time),
        gpu=gpu_section.section(on_gpu),
    )


def main() -> None:
    """Reads the command line; writes the page, or compares it with the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 if the page is not up to date"
    )
    check, text = parser.parse_args().check, page(*map(recorded, RECORDS))
    if not check:
        PAGE.write_text(text)
        print(f"wrote {PAGE}")
    elif not PAGE.is_file() or PAGE.read_text() != text:
        sys.exit(f"{PAGE} is not what {SOURCE} says; run python book/tools/benchmark_page.py")


if __name__ == "__main__":
    main()
