"""Models to and from disk: safetensors with the settings, the vocabulary and the hashes of both in the metadata.

Only what was trained is stored; the frozen tiny CLIP ships once, by itself, and its fingerprint is checked on load.
"""
import hashlib
import json
from importlib import resources
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from .backbone import Backbone, toy_backbone
from .model import CLIPSeg, PartCLIPSeg
from .settings import Settings
from .vocabulary import Vocabulary

FORMAT = "partclipseg_lite.model"
SHIPPED = {"toy": "toy_partclipseg", "toy_no_attention_control": "toy_no_attention_control", "toy_clipseg": "toy_clipseg"}


class WeightsError(ValueError):
    """A file is not the weights that were asked for. Nothing was loaded."""


def build_backbone(settings: Settings) -> Backbone:
    """The frozen CLIP that `settings` name."""
    path = None if settings.model.backbone == "toy" else settings.model.backbone
    return toy_backbone(settings.model.image_size, settings.model.layers, path)


def build_model(settings: Settings, backbone: Backbone | None = None) -> PartCLIPSeg | CLIPSeg:
    """A model with random trained part, from settings; initialised from `torch`'s global generator."""
    kind = {"partclipseg": PartCLIPSeg, "clipseg": CLIPSeg}[settings.model.kind]
    return kind(backbone=backbone or build_backbone(settings), width=settings.model.width, heads=settings.model.heads,
                mlp_width=settings.model.mlp_width)


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Everything but the frozen backbone."""
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("backbone.")}


def fingerprint(module: nn.Module) -> str:
    """16 hex digits of a module's tensors (names, shapes, values; floats compared in half precision)."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if name.endswith("positional_embedding"):
            continue                                  # interpolated to the image size; the rest identifies the weights
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().half().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_model(path: str | Path, model: PartCLIPSeg | CLIPSeg, settings: Settings, vocabulary: Vocabulary,
               extra: dict | None = None, half: bool = False) -> None:
    """Write the trained part atomically. `vocabulary`: what it was trained on. `extra`: facts to keep, e.g. scores."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: (t.detach().cpu().half() if half else t.detach().cpu()).contiguous()
               for name, t in trained_state(model).items()}
    metadata = {"format": FORMAT, "settings": json.dumps(settings.model_dump(mode="json")), "settings_hash": settings.hash(),
                "vocabulary": json.dumps(vocabulary.to_dict()), "vocabulary_hash": vocabulary.hash,
                "backbone": fingerprint(model.backbone.clip), "extra": json.dumps(extra or {})}
    partial = path.with_name(path.name + ".partial")
    try:
        save_file(tensors, partial, metadata=metadata)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def shipped_path(name: str) -> Path:
    """Where the weights called `name` lie inside the package."""
    return Path(str(resources.files("partclipseg_lite").joinpath(f"data/weights/{SHIPPED[name]}.safetensors")))


def resolve(name_or_path: str | Path) -> Path:
    """A shipped name, a file, or a run folder -> the file. `FileNotFoundError` lists the shipped names."""
    if str(name_or_path) in SHIPPED:
        if not shipped_path(str(name_or_path)).is_file():
            raise FileNotFoundError(f"the shipped weights {str(name_or_path)!r} are missing at "
                                    f"{shipped_path(str(name_or_path))}; install the package again, or `make weights`")
        return shipped_path(str(name_or_path))
    path = Path(name_or_path)
    if path.is_dir():
        path = path / "weights.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {str(name_or_path)!r}: give a file, a run's folder, or one of the names "
                                f"{', '.join(SHIPPED)}")
    return path


def read_weights(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """(float32 tensors, metadata) of one of our files; `WeightsError` names what the file is instead."""
    with path.open("rb") as file:
        head = file.read(64).lstrip().lower()
    if head.startswith((b"<!doctype", b"<html")):
        raise WeightsError(f"{path} is an HTML page (a failed download?), not weights; download the file again")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise WeightsError(f"{path} is safetensors of format {metadata.get('format', 'unknown')!r}, expected "
                                   f"{FORMAT!r}; it was not written by partclipseg_lite train")
            return {name: file.get_tensor(name).float() for name in file.keys()}, metadata
    except WeightsError:
        raise
    except Exception as error:  # safetensors has no common exception for foreign, empty and truncated files
        raise WeightsError(f"{path} is not a readable safetensors file ({error}); is it truncated or another format?"
                           ) from error


def load_model(name_or_path: str | Path, backbone: Backbone | None = None,
               ) -> tuple[PartCLIPSeg | CLIPSeg, Settings, Vocabulary, dict]:
    """(model in eval mode, its settings, the vocabulary it was trained on, kept facts).

    Raises `FileNotFoundError` or `WeightsError`; never loads a part of a file.
    """
    path = resolve(name_or_path)
    tensors, metadata = read_weights(path)
    try:
        settings = Settings.model_validate_json(metadata["settings"])
        vocabulary = Vocabulary.from_dict(json.loads(metadata["vocabulary"]))
        as_written = vocabulary.hash == metadata["vocabulary_hash"]
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} has metadata that this version does not understand ({str(error).splitlines()[0]}); train "
                           f"it again or install the version that wrote it") from error
    if not as_written:
        raise WeightsError(f"{path} holds another vocabulary than the one it was saved with; take a fresh copy of the file")
    model = build_model(settings, backbone)
    if fingerprint(model.backbone.clip) != metadata["backbone"]:
        raise WeightsError(f"{path} was trained on another CLIP than {settings.model.backbone!r} is now; train it again "
                           f"(`make weights`) or put back the CLIP it was trained with")
    load_trained(model, tensors, path)
    return model.eval(), settings, vocabulary, json.loads(metadata["extra"])


def load_trained(model: nn.Module, tensors: dict[str, torch.Tensor], path: str | Path) -> None:
    """Copy `tensors` into the trained part of `model`; `WeightsError` lists what is missing, left over or misshapen."""
    expected = trained_state(model)
    missing, extra = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    shapes = [f"{n} is {tuple(tensors[n].shape)}, expected {tuple(expected[n].shape)}"
              for n in expected.keys() & tensors.keys() if tensors[n].shape != expected[n].shape]
    if missing or extra or shapes:
        raise WeightsError(f"{path} does not fit {type(model).__name__}: {len(missing)} tensors missing {missing[:3]}, "
                           f"{len(extra)} not known {extra[:3]}, {len(shapes)} of another shape {shapes[:3]}")
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(tensors[name])
