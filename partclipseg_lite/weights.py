"""Models to and from disk: ours as safetensors with the settings, the vocabulary and the hashes of both in the metadata.

Only what was trained is stored; the frozen CLIP lies elsewhere, once, and its fingerprint is checked on load. Weights of
other projects are read through `converters`.
"""
import hashlib
import json
import re
from importlib import resources
from pathlib import Path

import huggingface_hub
import open_clip
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import nn

from .backbone import Backbone, open_clip_backbone, real_backbone, toy_backbone
from .converters import (
    OFFICIAL_PREFIX,
    clipseg_from_hugging_face,
    hugging_face_clip,
    hugging_face_config,
    official_clip,
    partclipseg_from_official,
)
from .model import CLIPSeg, PartCLIPSeg
from .settings import Settings, hash_of
from .vocabulary import Vocabulary
from .weight_files import WeightsError, describe, read_config, read_tensors

FORMAT = "partclipseg_lite.model"
TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
HUB_FILES = ("model.safetensors", "pytorch_model.bin")            # in Hugging Face's form, the preferred one first
SHIPPED = {"toy": "toy_partclipseg", "toy_no_attention_control": "toy_no_attention_control", "toy_clipseg": "toy_clipseg"}


def build_backbone(settings: Settings) -> Backbone:
    """The frozen CLIP that `settings` name: the shipped tiny one, an open_clip model, or the one inside other weights."""
    chosen = settings.model
    common = {"image_size": chosen.image_size, "layers": chosen.layers,
              "train_text_embeddings": settings.reading.text_embeddings == "trained"}
    if open_clip.get_model_config(chosen.backbone):
        return open_clip_backbone(chosen.backbone, chosen.pretrained, **common)
    if chosen.pretrained is not None:
        raise ValueError(f"model.pretrained={chosen.pretrained!r} is a tag of open_clip's weights, but model.backbone="
                         f"{chosen.backbone!r} is no open_clip model; leave out the one or name the other, such as "
                         f"'ViT-B-16-quickgelu'")
    if chosen.backbone == "toy":
        return toy_backbone(**common)
    if is_hub_name(chosen.backbone) or Path(chosen.backbone).is_dir() or Path(chosen.backbone).suffix in TORCH_SUFFIXES:
        return real_backbone(_clip_inside(resolve(chosen.backbone)), **common)
    return toy_backbone(path=chosen.backbone, **common)


def build_model(settings: Settings, backbone: Backbone | None = None) -> PartCLIPSeg | CLIPSeg:
    """A model with random trained part, from settings; initialised from `torch`'s global generator."""
    chosen, reading = settings.model, settings.reading
    common = {"backbone": backbone or build_backbone(settings), "width": chosen.width, "heads": chosen.heads,
              "mlp_width": chosen.mlp_width, "adapter": chosen.adapter}
    if chosen.kind == "clipseg":
        return CLIPSeg(**common, background=chosen.background)
    return PartCLIPSeg(**common, object_row=reading.object_row, train_background=reading.background_embedding == "trained")


def trained_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """Everything but the frozen part of the backbone. A frozen random background embedding belongs to it."""
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("backbone.") or name in trained}


def fingerprint(module: nn.Module) -> str:
    """16 hex digits of a module's frozen tensors (names, shapes, values; floats compared in half precision)."""
    digest = hashlib.sha256()
    trained = {name for name, p in module.named_parameters() if p.requires_grad}
    for name, tensor in sorted(module.state_dict().items()):
        if name.endswith("positional_embedding") or name in trained:
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


def is_hub_name(name_or_path: str | Path) -> bool:
    """Whether this is `owner/name` on Hugging Face, and not a path here."""
    name = str(name_or_path)
    return (isinstance(name_or_path, str) and bool(re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name)) and not Path(name).exists()
            and not Path(name).parent.exists() and Path(name).suffix not in (*TORCH_SUFFIXES, ".safetensors"))


def download(name: str) -> Path:
    """The weights file of the model `owner/name` in Hugging Face's cache, its config.json beside it; downloaded if need be."""
    try:
        huggingface_hub.hf_hub_download(name, "config.json")
        try:
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[0]))
        except huggingface_hub.errors.EntryNotFoundError:        # not in this repository, or not in the cache when offline
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[1]))
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"no weights at {name!r}: there is no such path, and Hugging Face's model of this name is neither in the cache nor "
            f"reachable ({type(error).__name__}). Where there is a network, run once: python -c \"from huggingface_hub import "
            f"snapshot_download; snapshot_download('{name}')\"; or give the path of a folder with its config.json and "
            f"{HUB_FILES[0]}") from error


def resolve(name_or_path: str | Path) -> Path:
    """A shipped name, a file, a run's folder, a folder in Hugging Face's form or `owner/name` there -> the file.

    `FileNotFoundError` lists the shipped names.
    """
    if str(name_or_path) in SHIPPED:
        if not shipped_path(str(name_or_path)).is_file():
            raise FileNotFoundError(f"the shipped weights {str(name_or_path)!r} are missing at "
                                    f"{shipped_path(str(name_or_path))}; install the package again, or `make weights`")
        return shipped_path(str(name_or_path))
    if is_hub_name(name_or_path):
        return download(str(name_or_path))
    path = Path(name_or_path)
    if path.is_dir():
        path = next((path / file for file in ("weights.safetensors", *HUB_FILES) if (path / file).is_file()), path)
    if not path.is_file():
        raise FileNotFoundError(f"no weights at {str(name_or_path)!r}: give a file, a run's folder, a folder in Hugging Face's "
                                f"form, or one of the names {', '.join(SHIPPED)}, CIDAS/clipseg-rd64-refined")
    return path


def load_model(name_or_path: str | Path, backbone: Backbone | None = None, vocabulary: str | Vocabulary = "pascal_part_116",
               ) -> tuple[PartCLIPSeg | CLIPSeg, Settings, Vocabulary | None, dict]:
    """(model in eval mode, its settings, the vocabulary it was trained on, kept facts).

    Args:
        name_or_path: a shipped name; a file or a run's folder of ours; an official PartCLIPSeg `.pth`; CLIPSeg in Hugging
            Face's form, as a folder or by its name there ("CIDAS/clipseg-rd64-refined"), which has no vocabulary: None.
        backbone: in place of the one that our file names; the others bring their own.
        vocabulary: what an official checkpoint was trained on (a name: its seen parts). Its tensors do not tell.

    Raises `FileNotFoundError` or `WeightsError`; never loads a part of a file.
    """
    path = resolve(name_or_path)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") == FORMAT:
        return _load_ours(path, tensors, metadata, backbone)
    kind = _kind(path, tensors, metadata)
    if backbone is not None:
        raise ValueError(f"{path} is {describe(tensors)} and brings its own CLIP; leave out backbone=")
    if kind == "official":
        trained_on = Vocabulary.load(vocabulary).seen_only() if isinstance(vocabulary, str) else vocabulary
        settings = Settings.from_preset("partclipseg_pascal_part_116", {
            "reading": "released", "loss.separation": "paper", "model.backbone": str(path), "model.pretrained": None,
            **({"vocabulary": vocabulary} if isinstance(vocabulary, str) else {})})
        model = partclipseg_from_official(tensors, settings.model.image_size, settings.reading, str(path))
        return model, settings, trained_on, {"source": describe(tensors)}
    config = read_config(path.with_name("config.json"))
    full = hugging_face_config(config, str(path))
    settings = Settings.from_preset("clipseg_rd64_refined", {
        "model.backbone": str(name_or_path) if is_hub_name(name_or_path) else str(path.parent), "model.pretrained": None,
        "model.layers": full["extract_layers"], "model.width": full["reduce_dim"],
        "model.heads": full["decoder_num_attention_heads"], "model.mlp_width": full["decoder_intermediate_size"]})
    model = clipseg_from_hugging_face(tensors, config, settings.model.image_size, str(path))
    return model, settings, None, {"source": describe(tensors)}


def _kind(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> str:
    """"official" or "hugging_face"; `WeightsError` names any other file."""
    if any(name.startswith(OFFICIAL_PREFIX) for name in tensors):
        return "official"
    if any(name.startswith("decoder.") for name in tensors) and any(name.startswith("clip.") for name in tensors):
        return "hugging_face"
    form = metadata.get("format", "")
    what = f"of format {form!r}" if form.startswith("partclipseg_lite.") else describe(tensors)
    raise WeightsError(f"{path} is {what}, expected {FORMAT!r} (written by partclipseg_lite train), an official PartCLIPSeg "
                       f".pth, or CLIPSeg in Hugging Face's form")


def _clip_inside(path: Path) -> CLIP:
    """The CLIP inside an official checkpoint or a CLIPSeg in Hugging Face's form."""
    tensors, metadata = read_tensors(path)
    if _kind(path, tensors, metadata) == "official":
        return official_clip(tensors, str(path))[0]
    return hugging_face_clip(tensors, read_config(path.with_name("config.json")), str(path))[0]


def _load_ours(path: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str], backbone: Backbone | None,
               ) -> tuple[PartCLIPSeg | CLIPSeg, Settings, Vocabulary, dict]:
    try:
        settings = Settings.model_validate_json(metadata["settings"])
        vocabulary = Vocabulary.from_dict(json.loads(metadata["vocabulary"]))
        as_written = {"another vocabulary": vocabulary.hash == metadata["vocabulary_hash"],
                      "other settings": hash_of(json.loads(metadata["settings"])) == metadata["settings_hash"]}
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path} has metadata that this version does not understand ({str(error).splitlines()[0]}); train "
                           f"it again or install the version that wrote it") from error
    for what, equal in as_written.items():
        if not equal:
            raise WeightsError(f"{path} holds {what} than it was saved with; take a fresh copy of the file")
    model = build_model(settings, backbone)
    if fingerprint(model.backbone.clip) != metadata["backbone"]:
        raise WeightsError(f"{path} was trained on another CLIP than {settings.model.backbone!r} is now; train it again "
                           f"(`make weights`) or put back the CLIP it was trained with")
    load_trained(model, {name: t.float() for name, t in tensors.items()}, path)
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
