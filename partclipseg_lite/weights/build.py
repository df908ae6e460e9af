"""Models from settings: the frozen CLIP that they name, and a network with a random trained part on top."""

from pathlib import Path

import open_clip
from open_clip.model import CLIP

from ..network.backbone import Backbone
from ..network.models import CLIPSeg, PartCLIPSeg
from ..network.precision import made_in_float32
from ..release.departures import as_read
from ..settings import Settings
from .clips import open_clip_backbone, real_backbone, toy_backbone
from .converters import hugging_face_clip, kind_of, official_clip
from .files import read_config, read_tensors
from .locate import TORCH_SUFFIXES, is_hub_name, resolve


@made_in_float32()
def build_backbone(settings: Settings) -> Backbone:
    """The frozen CLIP that `settings` name: the shipped tiny one, an open_clip model, or the one inside other weights."""
    chosen = settings.model
    common = {
        "image_size": chosen.image_size,
        "layers": chosen.layers,
        "kind": as_read(Backbone, settings.reading),
    }
    if open_clip.get_model_config(chosen.backbone):
        return open_clip_backbone(chosen.backbone, chosen.pretrained, **common)
    if chosen.pretrained is not None:
        raise ValueError(
            f"model.pretrained={chosen.pretrained!r} is a tag of open_clip's weights, but "
            "model.backbone="
            f"{chosen.backbone!r} is no open_clip model; leave out the one or name the other, such "
            "as "
            f"'ViT-B-16-quickgelu'"
        )
    if chosen.backbone == "toy":
        return toy_backbone(**common)
    if (
        is_hub_name(chosen.backbone)
        or Path(chosen.backbone).is_dir()
        or Path(chosen.backbone).suffix in TORCH_SUFFIXES
    ):
        return real_backbone(_clip_inside(resolve(chosen.backbone)), **common)
    return toy_backbone(path=chosen.backbone, **common)


@made_in_float32()
def build_model(settings: Settings, backbone: Backbone | None = None) -> PartCLIPSeg | CLIPSeg:
    """A model with random trained part, from settings.

    Initialised from `torch`'s global generator.
    """
    chosen = settings.model
    common = {
        "backbone": backbone or build_backbone(settings),
        "width": chosen.width,
        "heads": chosen.heads,
        "mlp_width": chosen.mlp_width,
        "adapter": chosen.adapter,
    }
    if chosen.kind == "clipseg":
        return CLIPSeg(**common, background=chosen.background)
    return as_read(PartCLIPSeg, settings.reading)(**common)


def _clip_inside(path: Path) -> CLIP:
    """The CLIP inside an official checkpoint or a CLIPSeg in Hugging Face's form."""
    tensors, metadata = read_tensors(path)
    if kind_of(path, tensors, metadata) == "official":
        return official_clip(tensors, str(path))[0]
    return hugging_face_clip(tensors, read_config(path.with_name("config.json")), str(path))[0]
