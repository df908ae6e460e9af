"""Reading files of tensors that others wrote, without running anything in them.

A file that is something else is called by its name.
"""

import hashlib
import json
import pickle
import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..files import replacing
from .kinds import what_else

FORMAT = "partclipseg_lite.model"  # in the metadata of our own weights


class WeightsError(ValueError):
    """A file is not the weights that were asked for. Nothing was loaded."""


#: What a set of tensor names gives away, first fit wins: (pattern found in some name, what the file
#: is).
SIGNS = (
    (
        r"^partclipseg_model\.decoder\.part_obj_mlp\.2\.",
        "a checkpoint of PartCLIPSeg's first release (October 2024), "
        "whose part_obj_mlp has two layers",
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
    return (
        f"an unknown model with {len(names)} tensors "
        f"({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
    )


def digest_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256, in hexadecimal, of tensors (names, dtypes, shapes, bytes) and other metadata."""
    digest = hashlib.sha256()
    digest.update(json.dumps({k: v for k, v in sorted(metadata.items()) if k != "digest"}).encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def write_tensors(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]
) -> None:
    """Write a safetensors file, whole or not at all, with the digest of its contents.

    Raises:
        FloatingPointError: a tensor holds infinity or NaN; nothing is written.
        WeightsError: a tensor holds no floating-point numbers.
        OSError: the file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    _check_floating(tensors, f"what should go into {path}")
    if strange := not_finite(tensors):
        raise FloatingPointError(
            f"{strange[0]} and {len(strange) - 1} other tensors hold infinity or NaN, so {path} is "
            f"not written; lower training.learning_rate"
        )
    metadata = {**metadata, "digested": "yes"}  # so that a lost digest is noticed, too
    metadata["digest"] = digest_of(tensors, metadata)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        try:
            save_file(tensors, partial, metadata=metadata)
        except SafetensorError as error:
            raise OSError(f"{path} cannot be written ({error}); make room for it") from error


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the floating-point tensors that hold infinity or NaN."""
    return [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.float()).all())
    ]


def _check_floating(tensors: Mapping[str, Tensor], where: str) -> None:
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise WeightsError(
                f"{where} holds {name} as {tensor.dtype}, expected floating-point numbers; take a "
                f"fresh copy"
            )


def read_ours(
    path: str | Path, form: str, keys: Iterable[str] = ()
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """(tensors, metadata) of a file that `write_tensors` wrote, with metadata "format" = `form`.

    A file of an earlier version carries no digest; it is read with a warning.

    Raises:
        WeightsError: it is another file, damaged, or lacks one of the metadata `keys`.
    """
    tensors, metadata = read_tensors(path)
    return tensors, check_ours(path, tensors, metadata, form, keys)


def check_ours(
    path: str | Path,
    tensors: Mapping[str, Tensor],
    metadata: dict[str, str],
    form: str,
    keys: Iterable[str] = (),
) -> dict[str, str]:
    """The metadata, after the checks that `read_ours` promises on a file already read."""
    if metadata.get("format") != form:
        raise WeightsError(
            f"{path} holds format {metadata.get('format')!r}, expected {form!r}; give a file that "
            f"this program wrote"
        )
    if missing := sorted(set(keys) - metadata.keys()):
        raise WeightsError(
            f"{path} lacks {', '.join(missing)} in its metadata; take a fresh copy of the file"
        )
    _check_floating(tensors, str(path))
    if "digest" not in metadata:
        warnings.warn(
            f"{path} carries no digest, since an earlier version wrote it: damage would go "
            f"unnoticed; save it again to get one",
            stacklevel=3,
        )
    return metadata


def read_tensors(path: str | Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors as stored, and metadata, of a safetensors or PyTorch file.

    A PyTorch file is read as plain data (`weights_only`): code that its pickle may hold is refused,
    not executed. Of a training checkpoint only the entry `model` (or `state_dict`) counts.
    `WeightsError` names what the file is instead; also where a number in it is infinite or NaN, or
    where the digest that our own files carry is not that of the contents.
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
            tensors = {name: file.get_tensor(name) for name in file.keys()}
            metadata = file.metadata() or {}
    except (
        Exception
    ) as error:  # safetensors has no common exception for foreign, empty and truncated files
        raise WeightsError(
            f"{path} is not a readable safetensors file ({error}); "
            "is it truncated or another format?"
        ) from error
    signed = not metadata.keys().isdisjoint({"digest", "digested"})
    if signed and metadata.get("digest") != digest_of(tensors, metadata):
        raise WeightsError(
            f"{path} is damaged: its contents are not those that were written; take a fresh copy"
        )
    _check_finite(tensors, path)
    return tensors, metadata


def _check_finite(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    if strange := not_finite(tensors):
        raise WeightsError(
            f"{path} holds infinity or NaN in {strange[0]} (and {len(strange) - 1} other tensors), "
            f"no weights to compute with; take a fresh copy"
        )


def _read_torch(path: Path, zipped: bool) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # it is read or refused
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
            f"dictionary of tensors, alone or under the key 'model'"
        )
    _check_finite(contents, path)
    return dict(contents)


def read_config(path: Path) -> dict:
    """A `config.json` beside weights in Hugging Face's form."""
    if not path.is_file():
        raise WeightsError(
            f"{path} is missing; weights in Hugging Face's form lie in a "
            "folder with their config.json"
        )
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise WeightsError(f"{path} is not readable JSON ({error}); download it again") from error
    if not isinstance(config, dict):
        raise WeightsError(f"{path} holds a {type(config).__name__}, expected a JSON object")
    return config
