"""Masks in COCO's form: run lengths as pycocotools writes them, one JSON for all pictures."""

from collections.abc import Iterable

import numpy as np
from pycocotools import mask as run_lengths

from ..vocabulary import Vocabulary
from .segmenter import Segmentation


def annotations_of(result: Segmentation) -> list[dict]:
    """One annotation for each name found, without the ids that `as_coco` gives.

    `category_id` counts the names from 1, `bbox` is [x, y, width, height] in pixels, `score` the
    highest probability anywhere in the picture.
    """
    found = []
    for label in np.unique(result.label_map[result.label_map >= 0]).tolist():
        encoded = run_lengths.encode(np.asfortranarray(result.label_map == label, dtype=np.uint8))
        found.append(
            {
                "category_id": label + 1,
                "segmentation": {**encoded, "counts": encoded["counts"].decode("ascii")},
                "area": int(run_lengths.area(encoded)),
                "bbox": [float(side) for side in run_lengths.toBbox(encoded)],
                "iscrowd": 0,
                "score": result.scores[result.names[label]],
            }
        )
    return found


def as_coco(vocabulary: Vocabulary, records: Iterable[tuple[str, dict]]) -> dict:
    """What `pycocotools.coco.COCO` reads, of pictures in their order.

    Args:
        vocabulary: the names asked, which become the categories.
        records: (file, {"height", "width", "annotations"}) of each picture.
    """
    images, annotations = [], []
    for number, (file, record) in enumerate(records, start=1):
        size = {"height": record["height"], "width": record["width"]}
        images.append({"id": number, "file_name": file, **size})
        for annotation in record["annotations"]:
            annotations.append({"id": len(annotations) + 1, "image_id": number, **annotation})
    return {
        "info": {"description": "parts found by partclipseg_lite; masks of the upright pictures"},
        "images": images,
        "categories": [
            {"id": number, "name": name, "supercategory": vocabulary.objects[obj]}
            for number, (name, obj) in enumerate(
                zip(vocabulary.object_parts, vocabulary.object_of.tolist(), strict=True), start=1
            )
        ],
        "annotations": annotations,
    }
