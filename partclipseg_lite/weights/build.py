"""Models from settings: the frozen CLIP that they name, a random trained part on top."""

import difflib
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
from .locate import KNOWN_ON_HUB, OPEN_CLIP_PREFIX, TORCH_SUFFIXES, hub_name, near, resolve

#: The open_clip model that is inside known weights: what does not fit is said before a download.
CLIP_INSIDE = {KNOWN_ON_HUB[0]: "ViT-B-16-quickgelu"}


@made_in_float32()
def build_backbone(settings: Settings, *, allow_download: bool = True) -> Backbone:
    """The frozen CLIP that `settings` name: the tiny one, open_clip's, or the one inside weights.

    Settings that a user wrote are a request, and what they name is downloaded if need be; for those
    that a file brings along, `allow_download` is False, and the CLIP has to be on this machine.
    """
    chosen = settings.model
    common = {
        "image_size": chosen.image_size,
        "layers": chosen.layers,
        "kind": as_read(Backbone, settings.reading),
    }
    name, tag = _open_clip_choice(chosen.backbone, chosen.pretrained)
    # With a colon, open_clip would take the name for a place to fetch the configuration from.
    if ":" not in name and (config := open_clip.get_model_config(name)):
        _check_grid(name, config["vision_cfg"], chosen.image_size, chosen.layers)
        return open_clip_backbone(name, tag, **common, allow_download=allow_download)
    if chosen.pretrained is not None:
        raise ValueError(
            f"model.pretrained={chosen.pretrained!r} is a tag of open_clip's weights, but "
            "model.backbone="
            f"{chosen.backbone!r} is no open_clip model; leave out the one or name the other, such "
            f"as 'ViT-B-16-quickgelu'"
        )
    if chosen.backbone == "toy":
        return toy_backbone(**common)
    if (
        hub_name(chosen.backbone)
        or chosen.backbone in KNOWN_ON_HUB
        or Path(chosen.backbone).is_dir()
        or Path(chosen.backbone).suffix in TORCH_SUFFIXES
    ):
        if inside := CLIP_INSIDE.get(chosen.backbone):
            config = open_clip.get_model_config(inside)
            _check_grid(inside, config["vision_cfg"], chosen.image_size, chosen.layers)
        return real_backbone(_clip_inside(resolve(chosen.backbone, allow_download)), **common)
    if not Path(chosen.backbone).exists() and Path(chosen.backbone).name == chosen.backbone:
        if not Path(chosen.backbone).suffix:  # a name rather than a path
            raise ValueError(_unknown_backbone(chosen.backbone))
    return toy_backbone(path=chosen.backbone, **common)


def _open_clip_choice(backbone: str, pretrained: str | None) -> tuple[str, str | None]:
    """(name, tag of weights) of open_clip's, where "open_clip:NAME/TAG" stands for both."""
    if not backbone.startswith(OPEN_CLIP_PREFIX):
        return backbone, pretrained
    name, _, tag = backbone.removeprefix(OPEN_CLIP_PREFIX).rpartition("/")
    if not name or not tag or pretrained not in (None, tag):
        raise ValueError(
            f"setting 'model.backbone': {backbone!r} with model.pretrained={pretrained!r}; write "
            f"{OPEN_CLIP_PREFIX}MODEL/TAG, such as {OPEN_CLIP_PREFIX}ViT-B-16-quickgelu/openai, "
            "and leave out model.pretrained"
        )
    if ":" in name or not open_clip.get_model_config(name):
        raise ValueError(_unknown_backbone(name))
    return name, tag


def _unknown_backbone(name: str) -> str:
    known = ["toy", *open_clip.list_models(), *KNOWN_ON_HUB]
    close = difflib.get_close_matches(name, known, n=3)
    return (
        f"setting 'model.backbone': no CLIP is called {name!r}"
        f"{', did you mean ' + ' or '.join(map(repr, close)) + '?' if close else ''}"
        f"{near(Path(name))} (expected 'toy', an open_clip model, the path of a tiny CLIP or of "
        "weights, or hf:owner/name)"
    )


def _check_grid(name: str, vision: dict, image_size: int, layers: tuple[int, ...]) -> None:
    """`ValueError` for settings that do not fit open_clip's model, before it is downloaded."""
    patch, depth = vision.get("patch_size"), vision.get("layers")
    if isinstance(patch, int) and image_size % patch:
        raise ValueError(
            f"setting 'model.image_size': image size {image_size} is not a multiple of the patch "
            f"size {patch} of {name!r}"
        )
    if isinstance(depth, int) and layers[-1] >= depth:
        raise ValueError(
            f"setting 'model.layers': layers must be ascending block indices in 0..{depth - 1} for "
            f"{name!r}, got {list(layers)}"
        )


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
