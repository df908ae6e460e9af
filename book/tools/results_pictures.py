"""Draw the pictures of the results page from the record; they are made when the book is rendered.

    python book/tools/results_pictures.py --output DIR

Takes two seconds. `render_pages.py` calls it, so no picture of a result stands in git.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scipy.stats import spearmanr

from partclipseg_lite.experiments.paper import SETTINGS
from partclipseg_lite.experiments.records import load_record, turned
from partclipseg_lite.figures.base import Picture, to_png_bytes
from partclipseg_lite.figures.forest import forest, slopes
from partclipseg_lite.figures.sizes import size_scatter
from partclipseg_lite.vocabulary import split_name

ORDER = ("toy_clipseg", "toy_no_attention_control", "toy")


def part_rows(record: dict) -> dict[str, dict]:
    """Object part -> its row in the scores of the weights that ship, the objects being told."""
    return record["models"]["toy"]["test"]["oracle_obj"]["per_object_part"]


def novel_objects(record: dict) -> list[str]:
    """Objects of which no part was taught."""
    rows = part_rows(record).items()
    return sorted({split_name(name)[0] for name, row in rows if not row["seen"]})


def differences(record: dict) -> dict[str, dict]:
    """PartCLIPSeg minus each other model, unseen mIoU, as `forest` takes it."""
    return {
        f"PartCLIPSeg – {model['title']}": {
            setting: {"unseen": turned(model["difference"][setting]["unseen"])}
            for setting in ("oracle_obj", "pred_all")
        }
        for model in record["models"].values()
        if model["difference"]
    }


def pictures(record: dict) -> dict[str, Picture]:
    """File name -> picture: differences with intervals, by object, by the size of parts."""
    models = record["models"]
    by_object = {
        models[name]["title"]: {
            obj: row["iou"] for obj, row in models[name]["test"]["oracle_obj"]["per_object"].items()
        }
        for name in ORDER
    }
    return {
        "results_differences.png": forest(differences(record)),
        "results_objects.png": slopes(by_object, novel_objects(record)),
        "results_sizes.png": size_scatter(part_rows(record)),
    }


def in_words(record: dict) -> dict[str, str]:
    """File name -> what the picture shows, for those who do not see it."""
    models = record["models"]
    shown = {name: models[name]["test"]["oracle_obj"]["per_object"] for name in ORDER}
    gains = [
        "{} {value:+.1f} [{low:+.1f}, {high:+.1f}] in {}".format(
            title, SETTINGS[s], **one["unseen"]
        )
        for title, settings in differences(record).items()
        for s, one in settings.items()
    ]
    moved = [
        f"{obj} {shown[ORDER[0]][obj]['iou']:.1f} to {shown[ORDER[-1]][obj]['iou']:.1f}"
        for obj in novel_objects(record)
    ]
    return {
        "results_differences.png": f"Differences of unseen mIoU: {'; '.join(gains)}.",
        "results_objects.png": "Lines from the baseline to PartCLIPSeg. Novel objects: "
        f"{', '.join(moved)}.",
        "results_sizes.png": "All object parts, labelled pixels to the right on a logarithmic "
        f"scale and IoU upwards. {size_and_score(record)}",
    }


def size_and_score(record: dict) -> str:
    """A sentence: how the IoU of a part goes with its size, among seen and among unseen ones."""
    parts = part_rows(record).values()
    told = []
    for seen, name in ((True, "seen"), (False, "unseen")):
        rows = [r for r in parts if r["seen"] is seen and r["iou"] is not None and r["pixels"]]
        found = spearmanr([r["pixels"] for r in rows], [r["iou"] for r in rows]).statistic
        told.append(f"{found:+.2f} among the {len(rows)} {name} parts")
    return f"Rank correlation of size and IoU: {' and '.join(told)}."


def write(folder: Path) -> None:
    """All of them into a folder."""
    for name, picture in pictures(load_record("toy")).items():
        (folder / name).write_bytes(to_png_bytes(picture, 2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="an existing folder")
    write(parser.parse_args().output)
