"""Models to and from disk.

Ours are safetensors with the settings, the vocabulary and the hashes of both in the metadata. Only
what was trained is stored; the frozen CLIP lies elsewhere, once, and its fingerprint is checked on
load. Weights of other projects are read through `converters`.
"""

import json
from pathlib import Path

import torch

from ..network.backbone import Backbone
from ..network.models import CLIPSeg, PartCLIPSeg
from ..settings import Settings, hash_of
from ..vocabulary import Vocabulary
from .build import build_backbone, build_model
from .converters import (
    clipseg_from_hugging_face,
    hugging_face_config,
    kind_of,
    partclipseg_from_official,
)
from .files import (
    FORMAT,
    WeightsError,
    check_ours,
    describe,
    read_config,
    read_tensors,
    write_tensors,
)
from .locate import hub_name, resolve
from .state import fingerprint, load_trained, trained_state

KEYS = ("settings", "settings_hash", "vocabulary", "vocabulary_hash", "backbone", "extra")


def save_model(
    path: str | Path,
    model: PartCLIPSeg | CLIPSeg,
    settings: Settings,
    vocabulary: Vocabulary | None,
    extra: dict | None = None,
    half: bool = False,
) -> None:
    """Write the trained part atomically.

    `vocabulary`: what it was trained on, None for a model of phrases, which knows no parts.
    `extra`: facts to keep, e.g. scores.
    """
    tensors = {name: t.half() if half else t for name, t in trained_state(model).items()}
    metadata = {
        "format": FORMAT,
        "settings": json.dumps(settings.model_dump(mode="json")),
        "settings_hash": settings.hash(),
        "vocabulary": json.dumps(vocabulary and vocabulary.to_dict()),
        "vocabulary_hash": vocabulary.hash if vocabulary else "",
        "backbone": fingerprint(model.backbone.clip),
        "extra": json.dumps(extra or {}),
    }
    write_tensors(path, tensors, metadata)


def load_model(
    name_or_path: str | Path,
    backbone: Backbone | None = None,
    vocabulary: str | Vocabulary = "pascal_part_116",
    allow_download: bool = False,
) -> tuple[PartCLIPSeg | CLIPSeg, Settings, Vocabulary | None, dict]:
    """A model in eval mode, its settings, the vocabulary it was trained on, and kept facts.

    Args:
        name_or_path: a shipped name; a file or a run's folder of ours; an official PartCLIPSeg
            `.pth`; CLIPSeg in Hugging Face's form, as a folder, by its name there
            ("CIDAS/clipseg-rd64-refined") or as "hf:owner/name"; it has no vocabulary: None.
        backbone: in place of the one that our file names; the others bring their own.
        vocabulary: what an official checkpoint was trained on (a name: its seen parts). Its tensors
            do not tell.
        allow_download: fetch the CLIP that a file of ours names in its metadata, where it is
            neither shipped nor on this machine. A name that you give is fetched without it.

    Raises:
        FileNotFoundError: there are no weights at `name_or_path`.
        WeightsError: the file is something else; a part of it is never loaded.
    """
    path = resolve(name_or_path)
    tensors, metadata = read_tensors(path)
    if metadata.get("format") == FORMAT:
        return _load_ours(path, tensors, metadata, backbone, allow_download)
    kind = kind_of(path, tensors, metadata)
    if backbone is not None:
        raise ValueError(
            f"{path} is {describe(tensors)} and brings its own CLIP; leave out backbone="
        )
    if kind == "official":
        trained_on = (
            Vocabulary.load(vocabulary).seen_only() if isinstance(vocabulary, str) else vocabulary
        )
        settings = Settings.from_preset(
            "partclipseg_pascal_part_116",
            {
                "reading": "released",
                "loss.separation": "paper",
                "model.backbone": str(path),
                "model.pretrained": None,
                **({"vocabulary": vocabulary} if isinstance(vocabulary, str) else {}),
            },
        )
        model = partclipseg_from_official(
            tensors, settings.model.image_size, settings.reading, str(path)
        )
        return model, settings, trained_on, {"source": describe(tensors)}
    config = read_config(path.with_name("config.json"))
    full = hugging_face_config(config, str(path))
    settings = Settings.from_preset(
        "clipseg_rd64_refined",
        {
            "model.backbone": str(name_or_path) if hub_name(name_or_path) else str(path.parent),
            "model.pretrained": None,
            "model.layers": full["extract_layers"],
            "model.width": full["reduce_dim"],
            "model.heads": full["decoder_num_attention_heads"],
            "model.mlp_width": full["decoder_intermediate_size"],
        },
    )
    model = clipseg_from_hugging_face(tensors, config, settings.model.image_size, str(path))
    return model, settings, None, {"source": describe(tensors)}


def _load_ours(
    path: Path,
    tensors: dict[str, torch.Tensor],
    metadata: dict[str, str],
    backbone: Backbone | None,
    allow_download: bool,
) -> tuple[PartCLIPSeg | CLIPSeg, Settings, Vocabulary, dict]:
    check_ours(path, tensors, metadata, FORMAT, KEYS)
    try:
        settings = Settings.model_validate_json(metadata["settings"])
        words = json.loads(metadata["vocabulary"])
        vocabulary = None if words is None else Vocabulary.from_dict(words)
        as_written = {
            "another vocabulary": (vocabulary.hash if vocabulary else "")
            == metadata["vocabulary_hash"],
            "other settings": hash_of(json.loads(metadata["settings"]))
            == metadata["settings_hash"],
        }
        kept = json.loads(metadata["extra"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(
            f"{path} has metadata that this version does not understand "
            f"({str(error).splitlines()[0]}); train "
            f"it again or install the version that wrote it"
        ) from error
    for what, equal in as_written.items():
        if not equal:
            raise WeightsError(
                f"{path} holds {what} than it was saved with; take a fresh copy of the file"
            )
    if backbone is None:
        backbone = build_backbone(settings, allow_download=allow_download)
    model = build_model(settings, backbone)
    if fingerprint(model.backbone.clip) != metadata["backbone"]:
        raise WeightsError(
            f"{path} was trained on another CLIP than {settings.model.backbone!r} is now; train it "
            f"again (`make weights`) or put back the CLIP it was trained with"
        )
    load_trained(model, {name: t.float() for name, t in tensors.items()}, path)
    return model.eval(), settings, vocabulary, kept
