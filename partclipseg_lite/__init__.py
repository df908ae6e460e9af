"""PartCLIPSeg, step by step: open-vocabulary part segmentation, taught, rebuilt and usable.

    from partclipseg_lite import PartSegmenter
    segmenter = PartSegmenter.from_pretrained("toy")
    result = segmenter(image, ["dog's head", "dog's tail"])

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOME = {
    "Vocabulary": "vocabulary",
    "split_name": "vocabulary",
    "IGNORE": "datasets.sample",
    "Sample": "datasets.sample",
    "DrawnWorld": "datasets.drawn",
    "PascalPart": "datasets.pascal_part",
    "CLIPSeg": "model",
    "PartCLIPSeg": "model",
    "SegmentationOutput": "model",
    "Settings": "settings",
    "PartSegmenter": "inference",
    "Evaluator": "metrics",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:  # for editors; at run time __getattr__ does it
    from .datasets.drawn import DrawnWorld
    from .datasets.pascal_part import PascalPart
    from .datasets.sample import IGNORE, Sample
    from .inference import PartSegmenter
    from .metrics import Evaluator
    from .model import CLIPSeg, PartCLIPSeg, SegmentationOutput
    from .settings import Settings
    from .vocabulary import Vocabulary, split_name


def __getattr__(name: str):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
