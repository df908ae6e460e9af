"""Other projects' weights as ours, by tables of names."""

from .hugging_face import (
    DEAD_CLIPSEG,
    HF_DEFAULTS,
    clipseg_from_hugging_face,
    hugging_face_clip,
    hugging_face_config,
)
from .names import CLIP_PREFIX, clip_table, decoder_table
from .official import (
    DEAD_OFFICIAL,
    OFFICIAL_PREFIX,
    official_clip,
    official_table,
    partclipseg_from_official,
)
from .tensors import convert, dead_reason, fill
from .whose import kind_of

__all__ = [
    "CLIP_PREFIX",
    "DEAD_CLIPSEG",
    "DEAD_OFFICIAL",
    "HF_DEFAULTS",
    "OFFICIAL_PREFIX",
    "clip_table",
    "clipseg_from_hugging_face",
    "convert",
    "dead_reason",
    "decoder_table",
    "fill",
    "hugging_face_clip",
    "hugging_face_config",
    "kind_of",
    "official_clip",
    "official_table",
    "partclipseg_from_official",
]
