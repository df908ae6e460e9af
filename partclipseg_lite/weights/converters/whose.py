"""Whose weights a file holds."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ..files import FORMAT, WeightsError, describe
from .official import OFFICIAL_PREFIX


def kind_of(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> str:
    """Whose weights a file holds: "official" or "hugging_face".

    Raises:
        WeightsError: neither; it names what the file is.
    """
    if any(name.startswith(OFFICIAL_PREFIX) for name in tensors):
        return "official"
    if any(name.startswith("decoder.") for name in tensors) and any(
        name.startswith("clip.") for name in tensors
    ):
        return "hugging_face"
    form = metadata.get("format", "")
    what = f"of format {form!r}" if form.startswith("partclipseg_lite.") else describe(tensors)
    raise WeightsError(
        f"{path} is {what}, expected {FORMAT!r} (written by partclipseg_lite train), an official "
        f"PartCLIPSeg .pth, or CLIPSeg in Hugging Face's form"
    )
