"""Everything that a run can be told, with its default and the reason for it.

Unknown names are refused. A *preset* is a named set of differences from these defaults.
`Settings.from_preset("toy", {"training.steps": 100})`.
"""

import difflib
import functools
import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from importlib import resources
from numbers import Integral, Real
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from .reading import Reading

MOST_STEPS = 10_000_000
MOST_PIXELS = 2**32  # of all training pictures together: 30 GB of memory
LARGEST_SEED = 2**63 - 1


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, a list as a tuple; whatever else is left to the strict types."""
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value


Plain = BeforeValidator(_plain)
Count = Annotated[int, Plain]
Number = Annotated[float, Plain]
Layers = Annotated[tuple[int, ...], Plain]


class Presets(Mapping):
    """The presets by name, each a file of `data/presets`: dotted settings over those of its `base`.

    A preset's file opens with the command, the hardware, the time and what the paper has.
    """

    @functools.cached_property
    def _files(self) -> dict[str, Path]:
        folder = Path(str(resources.files("partclipseg_lite").joinpath("data/presets")))
        return {path.stem: path for path in sorted(folder.glob("*.yaml"))}

    @functools.cached_property
    def _read(self) -> dict[str, dict[str, Any]]:
        return {}

    @functools.cached_property
    def _cells(self) -> dict[str, tuple[str, ...]]:
        return {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._read:
            values = yaml.safe_load(self._files[name].read_text(encoding="utf-8"))
            base = values.pop("base", None)
            self._cells[name] = tuple(values.pop("paper", ()))
            self._read[name] = {**(self[base] if base else {}), **values}
        return dict(self._read[name])

    def __contains__(self, name: object) -> bool:
        return name in self._files and not str(name).startswith("_")

    def __iter__(self):
        return (name for name in self._files if not name.startswith("_"))  # `_` begins a mere base

    def __len__(self) -> int:
        return len(list(iter(self)))

    def cells(self, name: str) -> tuple[str, ...]:
        """The cells of `data/paper_results.yaml` that a run of the preset fills.

        In its file the list is called `paper`; no other preset inherits it.
        """
        self[name]
        return self._cells[name]

    def about(self, name: str) -> str:
        """The comment that the preset's file opens with."""
        lines = self._files[name].read_text(encoding="utf-8").splitlines()
        return "\n".join(line[2:] for line in itertools.takewhile(lambda x: x[:1] == "#", lines))


PRESETS = Presets()


class Group(BaseModel):
    """A frozen group of settings: unknown names, other types and infinite numbers are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, strict=True, allow_inf_nan=False
    )


def _one_line(text: str | None) -> str | None:
    if text is not None and not text.isprintable():
        raise ValueError("a name or a path has no line breaks and no control characters")
    return text


Name = Annotated[str, Field(min_length=1, max_length=4096), AfterValidator(_one_line)]


class DataSettings(Group):
    """The pictures to learn from."""

    name: Literal["drawn", "folder"] = "drawn"
    # a prepared dataset, ours or the original: what data_scripts/ make, or `doctor` calls whole
    folder: Name | None = None
    split: Name = "train"  # of the folder
    # few-shot: the folder's list of the pictures to take, such as train_16shot.json
    shots: Name | None = None
    # pictures without a part that is taught give way to others, as in the release; else they teach
    # objects and background
    need_parts: bool = False
    # what is taught: masks of object parts, or, as in PhraseCut, of whatever a phrase names
    labels: Literal["parts", "phrases"] = "parts"
    # in the training pictures and among the words; "all": an upper bound that knows the novel ones
    objects: Literal["seen", "all"] = "seen"
    mirror: bool = True  # half of the pictures
    jitter: bool = True  # brightness and colours vary a little; not in the release
    # side of the drawn pictures, and of the labels in evaluation
    size: Count = Field(128, ge=32, le=1024)
    # training pictures; each is seen several times, mirrored half of them
    images: Count = Field(4000, ge=1, le=200_000)
    # of the drawn training pictures, not of the training
    seed: Count = Field(0, ge=0, le=LARGEST_SEED)

    @field_validator("folder")
    @classmethod
    def _goes_with_the_name(cls, folder: str | None, info: ValidationInfo) -> str | None:
        named = info.data.get("name")
        if named == "folder" and folder is None:
            raise ValueError("with data.name=folder, say where the prepared dataset lies")
        if named == "drawn" and folder is not None:
            raise ValueError("the drawn world lies in no folder; set data.name=folder, too")
        return folder

    @field_validator("labels")
    @classmethod
    def _phrases_are_drawn(cls, labels: str, info: ValidationInfo) -> str:
        if labels == "phrases" and info.data.get("name") == "folder":
            raise ValueError("phrases are written for drawn pictures alone; set data.name=drawn")
        return labels

    @field_validator("images")
    @classmethod
    def _fits_into_memory(cls, images: int, info: ValidationInfo) -> int:
        size = info.data.get("size", 1)
        if images * size**2 > MOST_PIXELS:
            raise ValueError(
                f"at most {MOST_PIXELS // size**2} pictures of data.size={size} fit into memory"
            )
        return images


class ModelSettings(Group):
    """The network, and the frozen CLIP under it."""

    kind: Literal["partclipseg", "clipseg"] = "partclipseg"
    # "toy", an open_clip model's name, a path to a tiny CLIP, or a CLIP
    backbone: Name = "toy"
    # inside other weights: an official .pth, a Hugging Face CLIPSeg
    pretrained: Name | None = None  # open_clip's weights tag for such a model; None: random weights
    # the tiny CLIP trained at 96: like the real one, it is asked for more
    image_size: Count = Field(112, ge=32, le=1024)
    layers: Layers = (1, 3, 5)  # blocks read: early, middle, last (real ViT-B/16: 3, 6, 9)
    width: Count = Field(64, ge=4, le=4096)  # decoder width D, as CLIPSeg rd64
    heads: Count = Field(4, ge=1, le=256)
    # CLIPSeg: 2048; the drawn world does well with less
    mlp_width: Count = Field(256, ge=4, le=32_768)
    # weights whose decoder this one starts from: a name or a path, as `segment --weights` takes it
    start: Name | None = None
    # where no weights say otherwise: first FiLM = CLIP's patch-word similarity; network.clip_start
    start_from_clip: bool = True
    adapter: bool = True  # VisualAdapter on the activations: in the release, not in the paper
    background: bool = True  # an embedding for background; plain CLIPSeg has none

    @field_validator("layers")
    @classmethod
    def _ascends(cls, layers: tuple[int, ...]) -> tuple[int, ...]:
        if (
            not layers
            or layers[0] < 0
            or any(a >= b for a, b in zip(layers[:-1], layers[1:], strict=True))
        ):
            raise ValueError("blocks are numbered from 0 and listed once each, ascending")
        if layers[-1] >= 100:
            raise ValueError("no CLIP has a hundred blocks")
        return layers

    @field_validator("heads")
    @classmethod
    def _divides_the_width(cls, heads: int, info: ValidationInfo) -> int:
        width = info.data.get("width", heads)
        if width % heads:
            raise ValueError(f"model.width={width} cannot be divided into {heads} heads")
        return heads


class LossSettings(Group):
    """Weights of Eqs. 5 and 10.

    Where the paper gives no number, the released configuration does.
    """

    object_weight: Number = Field(1.0, ge=0, le=1e4)  # lambda_obj, table A7
    part_weight: Number = Field(1.0, ge=0, le=1e4)  # lambda_part
    background_weight: Number = Field(0.05, ge=0, le=1e4)  # of the background channel, as released
    # of a Dice loss beside Eq. 5: not in the paper, used in the drawn world
    dice_weight: Number = Field(0.0, ge=0, le=1e4)
    separation_weight: Number = Field(0.1, ge=0, le=1e4)  # lambda_sep, as released
    enhancement_weight: Number = Field(0.01, ge=0, le=1e4)  # lambda_enh, as released
    gamma: Number = Field(0.3, gt=0, lt=1)  # threshold of Eq. 7, table A8
    # "paper": as printed, no gradient; "soft": indicator -> sigmoid
    separation: Literal["paper", "soft"] = "soft"
    # of the sigmoid, in units of the normalised map
    temperature: Number = Field(0.05, ge=1e-6, le=1e6)


class TrainingSettings(Group):
    """The course of training."""

    steps: Count = Field(4000, ge=1, le=MOST_STEPS)
    batch_size: Count = Field(4, ge=1, le=4096)
    # the batch is computed in so many shares, one after the other: less memory, the same result
    accumulation: Count = Field(1, ge=1, le=4096)
    # the decoder starts from nothing here; the paper fine-tunes with 1e-4
    learning_rate: Number = Field(2e-3, gt=0)
    warmup_steps: Count = Field(50, ge=0, le=MOST_STEPS)
    # learning rate * (1 - step/steps)^power, as released
    poly_power: Number = Field(0.9, gt=0, le=100)
    weight_decay: Number = Field(1e-4, ge=0, le=100)
    clip_norm: Number = Field(1.0, gt=0, le=1e6)  # released: 0.01, which AdamW forgets at once
    seed: Count = Field(0, ge=0, le=LARGEST_SEED)
    # generalized parts asked for each image: present ones, then others;
    parts_per_image: Count = Field(6, ge=1, le=100_000)
    # if these three numbers hold the whole vocabulary, all of it is asked
    # few words and many pictures teach more in equal time than the reverse
    objects_per_image: Count = Field(2, ge=1, le=100_000)
    object_parts_per_image: Count = Field(7, ge=1, le=100_000)
    vary_words: bool = True  # other phrasings and synonyms of the same names while training
    checkpoint_every: Count = Field(250, ge=1, le=MOST_STEPS)
    log_every: Count = Field(25, ge=1, le=MOST_STEPS)
    workers: Count = Field(0, ge=0, le=128)  # of the data loader
    # auto: bf16 on GPUs that compute in it, else float32
    precision: Literal["auto", "bf16", "float32"] = "auto"
    recompute: bool = False  # decoder blocks run again in the backward pass: less memory, more time
    # who is told each line of the log, beside log.json: TensorBoard, in the run's folder
    tracker: Literal["tensorboard"] | None = None

    @field_validator("accumulation")
    @classmethod
    def _divides_the_batch(cls, accumulation: int, info: ValidationInfo) -> int:
        batch_size = info.data.get("batch_size", accumulation)
        if batch_size % accumulation:
            raise ValueError(
                f"training.batch_size={batch_size} cannot be divided into {accumulation} shares"
            )
        return accumulation


class ScoredOn(Group):
    """The pictures that a run is scored on when it is trained.

    They change nothing in what is trained, and nothing in `Settings.hash`.
    """

    # another dataset than it learned from, whose names are then asked for
    folder: Name | None = None
    split: Name | None = None  # None: "test" of the drawn world, "val" of a folder
    # the first ones of the split; None: 300 of the drawn world, all of a folder
    images: Annotated[Count, Field(ge=1)] | None = None
    # a folder: also the weights after each so many steps, of which the paper reports the best
    every: Annotated[Count, Field(ge=1, le=MOST_STEPS)] | None = None


class Settings(Group):
    """All settings of one run."""

    preset: str = "toy"
    reading: Reading = Reading()  # "paper", "released", or single options: see reading.py
    vocabulary: Literal["drawn", "pascal_part_116", "ade20k_part_234", "partimagenet_40"] = "drawn"
    data: DataSettings = DataSettings()
    model: ModelSettings = ModelSettings()
    loss: LossSettings = LossSettings()
    training: TrainingSettings = TrainingSettings()
    test: ScoredOn = ScoredOn()

    @classmethod
    def from_preset(cls, preset: str, overrides: Mapping[str, Any] | None = None) -> "Settings":
        """A preset with dotted overrides, e.g. {"training.steps": 100}.

        Raises:
            ValueError: something is unknown or wrong; it is named.
        """
        if not isinstance(preset, str) or preset not in PRESETS:
            near = difflib.get_close_matches(str(preset), PRESETS, n=1)
            raise ValueError(
                f"unknown preset {preset!r}{f', did you mean {near[0]!r}?' if near else ''} "
                f"(known: {', '.join(PRESETS)})"
            )
        if not isinstance(overrides, Mapping | None):
            raise TypeError(
                "overrides must map dotted names to values, such as {'training.steps': 100}; got "
                f"{_shown(overrides)}"
            )
        values: dict[str, Any] = {"preset": preset}
        for key, value in {**PRESETS[preset], **(overrides or {})}.items():
            _insert(values, key, value)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise ValueError(_explained(error)) from None

    def hash(self) -> str:
        """16 hex digits that change when any setting changes but those of `test`."""
        return hash_of(self.model_dump(mode="json"))


def hash_of(values: Mapping[str, Any]) -> str:
    """16 hex digits of settings as plain values, `test` left out, whatever the order of keys."""
    trained = {key: value for key, value in values.items() if key != "test"}
    plain = json.dumps(trained, sort_keys=True, allow_nan=False)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def _shown(value: Any) -> str:
    """`value` as an error shows it: not endless, whatever it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a list inside itself
        return f"a huge {type(value).__name__}"
    return text if len(text) <= 80 else text[:60] + "..."


def _explained(error: ValidationError) -> str:
    """The first thing that pydantic found, in one sentence with the setting and the value."""
    first = error.errors(include_url=False)[0]
    where, value = ".".join(str(part) for part in first["loc"]), first["input"]
    what = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where, setting_names(), n=3)
        what = f"unknown{', did you mean ' + ' or '.join(map(repr, near)) + '?' if near else ''}"
    elif isinstance(value, str) and first["type"] in ("int_type", "float_type", "bool_type"):
        what += " as YAML 1.2 writes it, without quotes (100, 0.001, true)"
    return f"setting {where!r}: {what}, got {_shown(value)}"


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


class _Yaml(yaml.SafeLoader):
    """Lists, names with values and quoted words; what a bare word means, `_word` alone decides."""

    yaml_implicit_resolvers: dict = {}

    def compose_node(self, parent, index):
        event = self.peek_event()
        if getattr(event, "anchor", None) or getattr(event, "tag", None):
            raise yaml.YAMLError("anchors, aliases and tags are not used here")
        return super().compose_node(parent, index)

    def plain_or_quoted(self, node: yaml.ScalarNode) -> Any:
        return node.value if node.style else _word(node.value)

    def mapping(self, node: yaml.MappingNode) -> dict:
        pairs = [
            (self.construct_object(key, deep=True), self.construct_object(value, deep=True))
            for key, value in node.value
        ]
        if not all(isinstance(key, str) for key, _ in pairs) or len(dict(pairs)) < len(pairs):
            raise yaml.YAMLError("each name is a word that stands once")
        return dict(pairs)


_Yaml.add_constructor("tag:yaml.org,2002:str", _Yaml.plain_or_quoted)
_Yaml.add_constructor("tag:yaml.org,2002:map", _Yaml.mapping)

_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def _word(text: str) -> Any:
    """A bare word by YAML 1.2's core schema, less what other versions read otherwise.

    `010`, `0x10`, `1_000`, `1:30` and `yes` are 8, 16, 1000, 90 and true to some readers and not
    to others; as words, a setting that wants a number refuses them.
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text) and len(text) < 1000:
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def parse_overrides(assignments: list[str]) -> dict[str, Any]:
    """["training.steps=100", "loss.separation=paper"] -> dict.

    Of a key given twice the last counts.

    A value is a number, true, false, null or a word; in brackets, braces or quotes it is YAML. What
    a word means does not depend on the version of YAML: see `_word`.
    """
    overrides: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        key, value = key.strip(), value.strip()
        if not equals or not key:
            raise ValueError(f"--set wants key=value, got {assignment!r}")
        if not value.startswith(("[", "{", '"', "'")):
            overrides[key] = _word(value)
            continue
        try:
            overrides[key] = yaml.load(value, _Yaml)
        except (yaml.YAMLError, RecursionError):
            raise ValueError(
                f"--set {key}: the value {_shown(value)} is not YAML; write for example 100, true "
                "or [1, 2]"
            ) from None
    return overrides
