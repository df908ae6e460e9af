"""Draw the pictures of the results page from the record; they are made when the book is rendered.

    python book/tools/results_pictures.py --output DIR

Takes two seconds. `render_pages.py` calls it, so no picture of a result stands in git.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from partclipseg_lite.experiments.records import load_record, turned
from partclipseg_lite.figures.base import Picture, to_png_bytes
from partclipseg_lite.figures.forest import forest, slopes
from partclipseg_lite.figures.sizes import size_scatter

ORDER = ("toy_clipseg", "toy_no_attention_control", "toy")


def pictures(record: dict) -> dict[str, Picture]:
    """File name -> picture: differences with intervals, by object, by the size of parts."""
    models = record["models"]
    told = {
        f"PartCLIPSeg – {model['title']}": {
            setting: {"unseen": turned(model["difference"][setting]["unseen"])}
            for setting in ("oracle_obj", "pred_all")
        }
        for model in models.values()
        if model["difference"]
    }
    by_object = {
        models[name]["title"]: {
            obj: row["iou"] for obj, row in models[name]["test"]["oracle_obj"]["per_object"].items()
        }
        for name in ORDER
    }
    parts = models["toy"]["test"]["oracle_obj"]["per_object_part"]
    novel = {name.split("'s ")[0] for name, row in parts.items() if not row["seen"]}
    return {
        "results_differences.png": forest(told),
        "results_objects.png": slopes(by_object, sorted(novel)),
        "results_sizes.png": size_scatter(parts),
    }


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
