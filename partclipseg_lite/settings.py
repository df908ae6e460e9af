"""Everything that a run can be told, with its default and the reason for it.

Unknown names are refused. A *preset* is a named set of differences from these defaults.
`Settings.from_preset("toy", {"training.steps": 100})`.
"""

import difflib
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .reading import Reading


class Group(BaseModel):
    """A frozen group of settings that refuses unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DataSettings(Group):
    """The pictures to learn from."""

    name: Literal["drawn"] = "drawn"
    size: int = Field(128, ge=32, le=1024)  # side of the pictures, and of labels in evaluation
    # training pictures; each is seen several times, mirrored half of them
    images: int = Field(4000, ge=1)
    seed: int = Field(0, ge=0)  # of the drawn training pictures, not of the training


class ModelSettings(Group):
    """The network, and the frozen CLIP under it."""

    kind: Literal["partclipseg", "clipseg"] = "partclipseg"
    # "toy", an open_clip model's name, a path to a tiny CLIP, or a CLIP inside other weights: an
    # official .pth, a Hugging Face CLIPSeg
    backbone: str = "toy"
    pretrained: str | None = None  # open_clip's weights tag for such a model; None: random weights
    # the tiny CLIP trained at 96: like the real one, it is asked for more
    image_size: int = Field(112, ge=32, le=1024)
    layers: tuple[int, ...] = (1, 3, 5)  # blocks read: early, middle, last (real ViT-B/16: 3, 6, 9)
    width: int = Field(64, ge=4)  # decoder width D, as CLIPSeg rd64
    heads: int = Field(4, ge=1)
    mlp_width: int = Field(256, ge=4)  # CLIPSeg: 2048; the drawn world does well with less
    # first FiLM = CLIP's patch-word similarity; see network.clip_start
    start_from_clip: bool = True
    adapter: bool = True  # VisualAdapter on the activations: in the release, not in the paper
    background: bool = True  # an embedding for background; plain CLIPSeg has none


class LossSettings(Group):
    """Weights of Eqs. 5 and 10.

    Where the paper gives no number, the released configuration does.
    """

    object_weight: float = Field(1.0, ge=0)  # lambda_obj, table A7
    part_weight: float = Field(1.0, ge=0)  # lambda_part
    background_weight: float = Field(0.05, ge=0)  # of the background channel, as released
    # of a Dice loss beside Eq. 5: not in the paper, used in the drawn world
    dice_weight: float = Field(0.0, ge=0)
    separation_weight: float = Field(0.1, ge=0)  # lambda_sep, as released
    enhancement_weight: float = Field(0.01, ge=0)  # lambda_enh, as released
    gamma: float = Field(0.3, gt=0, lt=1)  # threshold of Eq. 7, table A8
    # "paper": as printed, no gradient; "soft": indicator -> sigmoid
    separation: Literal["paper", "soft"] = "soft"
    temperature: float = Field(0.05, gt=0)  # of the sigmoid, in units of the normalised map


class TrainingSettings(Group):
    """The course of training."""

    steps: int = Field(4000, ge=1)
    batch_size: int = Field(4, ge=1)
    # the decoder starts from nothing here; the paper fine-tunes with 1e-4
    learning_rate: float = Field(2e-3, gt=0)
    warmup_steps: int = Field(50, ge=0)
    poly_power: float = Field(0.9, gt=0)  # learning rate * (1 - step/steps)^power, as released
    weight_decay: float = Field(1e-4, ge=0)
    clip_norm: float = Field(1.0, gt=0)  # released: 0.01, which AdamW forgets at once
    seed: int = Field(0, ge=0)
    # generalized parts asked for each image: present ones, then others; if these three numbers hold
    # the whole vocabulary, all of it is asked
    parts_per_image: int = Field(6, ge=1)
    # few words and many pictures teach more in equal time than the reverse
    objects_per_image: int = Field(2, ge=1)
    object_parts_per_image: int = Field(7, ge=1)
    vary_words: bool = True  # other phrasings and synonyms of the same names while training
    checkpoint_every: int = Field(250, ge=1)
    log_every: int = Field(25, ge=1)
    workers: int = Field(0, ge=0)  # of the data loader
    # auto: bf16 on GPUs that compute in it, else float32
    precision: Literal["auto", "bf16", "float32"] = "auto"
    recompute: bool = False  # decoder blocks run again in the backward pass: less memory, more time


class Settings(Group):
    """All settings of one run."""

    preset: str = "toy"
    reading: Reading = Reading()  # "paper", "released", or single options: see reading.py
    vocabulary: Literal["drawn", "pascal_part_116", "ade20k_part_234", "partimagenet_40"] = "drawn"
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()

    @classmethod
    def from_preset(cls, preset: str, overrides: Mapping[str, Any] | None = None) -> "Settings":
        """A preset with dotted overrides, e.g. {"training.steps": 100}.

        Raises:
            ValueError: something is unknown or wrong; it is named.
        """
        if preset not in PRESETS:
            near = difflib.get_close_matches(str(preset), PRESETS, n=1)
            raise ValueError(
                f"unknown preset {preset!r}{f', did you mean {near[0]!r}?' if near else ''} "
                f"(known: {', '.join(PRESETS)})"
            )
        values: dict[str, Any] = {"preset": preset}
        for key, value in {**PRESETS[preset], **(overrides or {})}.items():
            _insert(values, key, value)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"setting {where!r}: {first['msg']}, got {first['input']!r}") from None

    def hash(self) -> str:
        """16 hex digits that change when any setting changes."""
        return hash_of(self.model_dump(mode="json"))


def hash_of(values: Mapping[str, Any]) -> str:
    """16 hex digits of a tree of plain values, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def setting_names() -> list[str]:
    """All dotted names that an override may use."""
    names = []
    for field, info in Settings.model_fields.items():
        if field == "preset":  # what the differences are counted from is no difference
            continue
        inner = getattr(info.annotation, "model_fields", None)
        names += ([field] if field == "reading" else []) + (
            [f"{field}.{key}" for key in inner] if inner else [field]
        )
    return names


def _insert(values: dict, key: str, value: Any) -> None:
    known = setting_names()
    if key not in known:
        near = difflib.get_close_matches(str(key), known, n=3)
        raise ValueError(
            "unknown setting "
            f"{key!r}{', did you mean ' + ' or '.join(map(repr, near)) + '?' if near else ''} "
            f"(known: {', '.join(known)})"
        )
    if key == "reading" and isinstance(value, str):
        key = "reading.base"  # a bundle, in which single options may then be changed
    if key == "reading" and isinstance(value, Mapping):
        value = {**value, **values.get("reading", {})}
    group, _, name = key.rpartition(".")
    (values.setdefault(group, {}) if group else values)[name] = value


def parse_overrides(assignments: list[str]) -> dict[str, Any]:
    """Overrides by dotted name, from texts such as "training.steps=100"; values are YAML."""
    overrides = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set wants key=value, got {assignment!r}")
        try:
            overrides[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise ValueError(
                f"--set {key.strip()}: the value {value!r} is not YAML; "
                "write for example 100, true or [1, 2]"
            ) from None
    return overrides


_SMOKE = {
    "data.images": 48,
    "model.width": 16,
    "model.mlp_width": 32,
    "model.image_size": 96,
    "training.steps": 40,
    "training.batch_size": 4,
    "training.checkpoint_every": 20,
    "training.log_every": 5,
    "training.warmup_steps": 5,
}
# The paper's training (section 4.1) with the public release's numbers where the paper gives none.
_REAL = {
    "model.backbone": "ViT-B-16-quickgelu",
    "model.pretrained": "openai",
    "model.image_size": 352,
    "model.layers": [3, 6, 9],
    "model.mlp_width": 2048,
    "model.start_from_clip": False,
    "training.steps": 20_000,
    "training.batch_size": 8,
    "training.learning_rate": 1e-4,
    "training.warmup_steps": 0,
    "training.clip_norm": 0.01,
    "training.parts_per_image": 1000,
    "training.objects_per_image": 1000,
    "training.object_parts_per_image": 1000,
    "training.vary_words": False,
    "training.checkpoint_every": 1000,
}
_TOY = {"loss.dice_weight": 0.5}  # few steps from nothing, many tiny parts: see book/results.md
PRESETS: dict[str, dict[str, Any]] = {
    # The decoder starts anew here: ten times the released weight.
    "toy": {**_TOY, "loss.enhancement_weight": 0.1},
    "toy_no_attention_control": {
        **_TOY,
        "loss.separation_weight": 0.0,
        "loss.enhancement_weight": 0.0,
    },
    # The baseline decodes 11 sequences a picture, the others 9 and rebuild 8: the picture's own
    # names first, then any others.
    "toy_clipseg": {
        **_TOY,
        "model.kind": "clipseg",
        "loss.separation_weight": 0.0,
        "loss.enhancement_weight": 0.0,
        "training.parts_per_image": 1000,
        "training.objects_per_image": 1000,
        "training.object_parts_per_image": 10,
    },
    "smoke": _SMOKE,
    "smoke_clipseg": {**_SMOKE, "model.kind": "clipseg"},
    "partclipseg_pascal_part_116": {**_REAL, "vocabulary": "pascal_part_116"},
    "clipseg_rd64_refined": {
        **_REAL,
        "vocabulary": "pascal_part_116",
        "model.kind": "clipseg",
        "model.adapter": False,
        "model.background": False,
        "loss.separation_weight": 0.0,
        "loss.enhancement_weight": 0.0,
    },
}
