"""Reading files of tensors that others wrote, without running anything in them, and saying what a file is instead."""

import json
import pickle
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from .kinds import what_else

FORMAT = "partclipseg_lite.model"  # in the metadata of our own weights


class WeightsError(ValueError):
    """A file is not the weights that were asked for. Nothing was loaded."""


#: What a set of tensor names gives away, first fit wins: (pattern found in some name, what the file
#: is).
SIGNS = (
    (
        r"^partclipseg_model\.decoder\.part_obj_mlp\.2\.",
        "a checkpoint of PartCLIPSeg's first release (October 2024), whose part_obj_mlp has two "
        "layers",
    ),
    (r"^partclipseg_model\.", "a checkpoint of the PartCLIPSeg release"),
    (r"^clipseg_model\.", "a checkpoint of the CLIPSeg baseline of OV-PARTS or PartCLIPSeg"),
    (r"^sem_seg_head\.predictor\.transformer\.layers_specific_part\.", "a PartCATSeg checkpoint"),
    (r"^sem_seg_head\.", "a checkpoint of another segmenter (CATSeg, MaskFormer or the like)"),
    (r"^decoder\.film_mul\.", "CLIPSeg in Hugging Face's form"),
    (r"^film_mul\.", "CLIPSeg in its authors' own form"),
    (r"^(module\.)?visual\.", "CLIP in OpenAI's or open_clip's form"),
    (r"^(clip\.)?(text|vision)_model\.", "CLIP in Hugging Face's form"),
)


def describe(names: Iterable[str]) -> str:
    """What a file with tensors of these names is, in words."""
    names = sorted(names)
    for pattern, what in SIGNS:
        if any(re.search(pattern, name) for name in names):
            return what
    return f"an unknown model with {len(names)} tensors ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors as stored, metadata) of a safetensors or PyTorch file; a PyTorch file has no metadata.

    A PyTorch file is read as plain data (`weights_only`): code that its pickle may hold is refused,
    not executed. Of a training checkpoint only the entry `model` (or `state_dict`) counts.
    `WeightsError` names what the file is instead.
    """
    path = Path(path)
    if said := what_else(path):
        raise WeightsError(f"{path} is {said}")
    with path.open("rb") as file:
        head = file.read(64)
    if head[8:9] != b"{" and head.startswith(
        (b"PK\x03\x04", b"\x80")
    ):  # safetensors: eight bytes of length, then JSON
        return _read_torch(path, zipped=head.startswith(b"PK")), {}
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}
    except (
        Exception
    ) as error:  # safetensors has no common exception for foreign, empty and truncated files
        raise WeightsError(
            f"{path} is not a readable safetensors file ({error}); is it truncated or another "
            "format?"
        ) from error


def _read_torch(path: Path, zipped: bool) -> dict[str, Tensor]:
    if tuple(map(int, torch.__version__.split("+")[0].split(".")[:2])) < (2, 6):
        raise WeightsError(
            f"{path} is a PyTorch file, which PyTorch {torch.__version__} cannot read without risk "
            f"(CVE-2025-32434); install torch>=2.6"
        )
    try:
        contents = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except Exception as error:  # zip, pickle and torch each have their own
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if isinstance(error, pickle.UnpicklingError):
            found = re.search(r"GLOBAL (\S+) ", str(error))
            raise WeightsError(
                f"{path} is a pickle with more in it than "
                f"tensors{f' ({found[1]})' if found else ''}, expected "
                f"a dictionary of tensors; it was refused, and nothing in it was executed"
            ) from error
        raise WeightsError(
            f"{path} is not a readable PyTorch file ({first}); is it truncated? Download it again"
        ) from error
    for key in ("model", "state_dict"):
        if isinstance(contents, Mapping) and isinstance(contents.get(key), Mapping):
            contents = contents[key]
    if (
        not isinstance(contents, Mapping)
        or not contents
        or not all(isinstance(t, Tensor) for t in contents.values())
    ):
        raise WeightsError(
            f"{path} holds a {type(contents).__name__} without tensors by name, expected a "
            "dictionary of "
            f"tensors, alone or under the key 'model'"
        )
    return dict(contents)


def read_config(path: Path) -> dict:
    """A `config.json` beside weights in Hugging Face's form."""
    if not path.is_file():
        raise WeightsError(
            f"{path} is missing; weights in Hugging Face's form lie in a folder with their "
            "config.json"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{path} is not readable JSON ({error}); download it again") from error
    if not isinstance(config, dict):
        raise WeightsError(f"{path} holds a {type(config).__name__}, expected a JSON object")
    return config
