"""Measure what a tiny CLIP names rightly, and keep it in the package's record of tiny CLIPs.

    python data_scripts/measure_toy_clip.py --record "that ships"
    python data_scripts/measure_toy_clip.py --clip runs/toy_clip.safetensors --record "a new one"

Takes about a minute on two cores. The pictures are those that `train_toy_clip.py` holds out.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from partclipseg_lite.datasets.drawn import DrawnWorld
from partclipseg_lite.experiments.records import load_record, record_names, write_record
from partclipseg_lite.weights.tiny_clip import load_toy_clip, toy_clip_path
from train_toy_clip import close_ups_named, evaluate

RECORD = "tiny_clips"


def by_picture(named) -> list[list[int]]:
    """Of each picture: its close-ups, and those that are named rightly."""
    counted = np.zeros((max(one.picture for one in named) + 1, 2), int)
    for one in named:
        counted[one.picture] += [1, one.named == one.part]
    return counted[counted[:, 0] > 0].tolist()


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, default=toy_clip_path())
    parser.add_argument("--record", metavar="NAME", help="what to call it there")
    args = parser.parse_args()
    clip, tokenizer, trained = load_toy_clip(args.clip)
    held_out = DrawnWorld("validation", 600, 176, 1000 + trained["seed"], "all").render_all()
    measured = evaluate(clip, tokenizer, held_out)
    print(json.dumps(measured))
    if args.record:
        record = load_record(RECORD) if RECORD in record_names() else {}
        counted = {"close_ups_by_picture": by_picture(close_ups_named(clip, tokenizer, held_out))}
        write_record(RECORD, record | {args.record: trained | measured | counted})


if __name__ == "__main__":
    main()
