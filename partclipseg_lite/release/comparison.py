"""The recorded numbers of the released PartCLIPSeg beside ours: how far each one is off.

A reference folder holds `released.json` and `released.npz` (network, losses, gradients, inference,
under weights that anyone can regenerate), `official_state_dict.json` (name -> shape), and may hold
`released_metrics.json/.npz` (the evaluator). What belongs to these and is not there is a row too,
"not compared", and does not agree; so a folder that holds less cannot agree in more. A folder
without the two files of the evaluator is the smaller form, of the network alone. Everything
recorded there was computed by the public release (kaist-cvml/part-clipseg, commit 8abceef) on a
CPU in float32; everything here comes out of the classes that train and segment, with
`reading="released"`.
"""

import json
import math
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import zip_longest
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..datasets.sample import IGNORE
from ..evaluation.decisions import oracle_obj_labels, pred_all_labels
from ..inference.predict import resize_logits
from ..losses.masks import LEFT_OUT, Targets, masked_bce
from ..losses.objective import Objective
from ..network.decoder import AttentionTap
from ..network.models import Conditions, PartCLIPSeg
from ..reading import RELEASED
from ..settings import LossSettings
from ..vocabulary import Vocabulary
from ..weights.converters import OFFICIAL_PREFIX, official_table, partclipseg_from_official
from .departures import as_read
from .evaluator import Released, released_scores

RELEASED_LOSS = LossSettings(separation="paper", separation_weight=0.1, enhancement_weight=0.01)


@dataclass(frozen=True)
class Row:
    """One compared number or array: its largest deviation beside what is allowed.

    Not `compared`: what the folder should hold and does not.
    """

    name: str
    deviation: float
    tolerance: float
    unit: str  # "absolute", "relative", "share of pixels", "differences"
    compared: bool = True

    @classmethod
    def absent(cls, name: str) -> "Row":
        """The row of what is not there to be compared."""
        return cls(name, math.nan, 0.0, "absolute", compared=False)

    @property
    def agrees(self) -> bool:
        """True where the deviation is allowed."""
        return bool(self.deviation <= self.tolerance)  # False for NaN

    def __str__(self) -> str:
        if not self.compared:
            return f"{self.name:64s} NOT COMPARED: the folder does not hold it"
        return (
            f"{self.name:64s} {self.deviation:10.2e}  allowed {self.tolerance:7.0e} "
            f"{self.unit:15s} {'ok' if self.agrees else 'EXCEEDED'}"
        )


def deterministic_weight(name: str, shape: tuple[int, ...], seed: int = 0) -> Tensor:
    """The value of the official tensor `name` in reference runs, `float32`.

    A stream of NumPy's frozen MT19937 for each name, scaled by kind: norms around 1, biases and
    embeddings small, matrices by the square root of what they sum over.
    """
    if name.endswith("logit_scale"):
        return torch.full(shape, 4.6052)
    stream = np.random.RandomState((zlib.crc32(name.encode()) + seed) % 2**32)
    x = stream.standard_normal(shape).astype(np.float32).astype(np.float64)
    if len(shape) == 1:
        x = 1 + 0.1 * x if "norm" in name and name.endswith("weight") else 0.02 * x
    elif "embedding" in name and "patch" not in name:
        x = 0.02 * x
    else:
        many = any(part in name for part in ("conv", "part_obj_with_cond_embed", "patch_embedding"))
        x = x / np.sqrt(float(np.prod(shape[1:]) if many else shape[-1]))
    return torch.from_numpy(x.astype(np.float32))


def shipped_reference() -> Path:
    """The folder of recorded numbers that ships with the package."""
    return Path(str(resources.files("partclipseg_lite").joinpath("data/released")))


def compare_released(folder: str | Path) -> Iterator[Row]:
    """Every number that `folder` should hold against ours, one `Row` each.

    `FileNotFoundError` or `ValueError` names a file that lacks or cannot be read.
    """
    folder = Path(folder)
    network, metrics = (
        any((folder / f"{name}{ending}").is_file() for ending in (".json", ".npz"))
        for name in ("released", "released_metrics")
    )
    if not network and not metrics:
        raise FileNotFoundError(
            f"{folder} holds neither released.json nor released_metrics.json; give a folder in the "
            f"form of {shipped_reference()}"
        )
    vocabulary, expected = "pascal_part_116", network_rows()
    met = set()
    if network:
        reference = NetworkReference(folder)
        vocabulary = reference.full.name
        for row in reference.compare():
            met.add(row.name)
            yield row
        expected = network_rows(reference.images, reference.bce_names)
    for name in expected:
        if name not in met:
            yield Row.absent(name)
    if metrics:
        yield from compare_metrics(folder, Vocabulary.load(vocabulary))


NAME_LISTS = (
    "train_text_classes",
    "train_part_classes",
    "train_obj_in_part_classes",
    "test_text_classes",
    "test_part_classes",
    "test_obj_in_part_classes",
    "test_obj_classes",
)
LOSSES = ("separation", "enhancement", "total")
CROSS_ENTROPIES = (
    "part_obj|part pixels",
    "part|part pixels",
    "part_obj|background pixels",
    "object|all pixels",
)
INFERENCE = ("oracle_argmax", "predall_argmax", "obj_argmax", "part_argmax")
INFERENCE += ("oracle_scores", "predall_scores")
#: Tensors, by official name, whose gradients the release's step leaves recorded norms of.
GRADIENTS = (
    "clip.text_model.embeddings.token_embedding.weight",
    "decoder.film_mul.weight",
    "decoder.film_mul.bias",
    "decoder.film_add.weight",
    "decoder.film_add.bias",
    "decoder.cond_film_mul.weight",
    "decoder.cond_film_mul.bias",
    "decoder.cond_film_add.weight",
    "decoder.cond_film_add.bias",
    "decoder.part_obj_mlp.0.weight",
    "decoder.part_obj_mlp.0.bias",
    "decoder.reduce_cond_embed.weight",
    "decoder.reduce_cond_embed.bias",
    "decoder.reduces.0.weight",
    "decoder.reduces.0.bias",
    "decoder.layers.2.self_attn.q_proj.weight",
    "visual_adapter.fc.0.weight",
    "visual_adapter.fc.2.weight",
)


def network_rows(images: int = 2, bce_names: Sequence[str] = CROSS_ENTROPIES) -> list[str]:
    """The rows of everything that a folder holds of the network, by the number of its images."""
    return [
        *NAME_LISTS,
        "preprocessing",
        *(f"loss, {name}" for name in LOSSES),
        "separation has a gradient, or not",
        *(f"gradient of {name}" for name in GRADIENTS),
        "logits of parts, objects, background",
        "logits of object parts",
        *(f"cross-entropy, {name}" for name in bce_names),
        "merged attention",
        *(f"image {i} alone: loss, {name}" for i in range(images) for name in LOSSES),
        *(f"inference, {name}" for name in INFERENCE),
    ]


class NetworkReference:
    """The recorded forward, backward and inference of one folder, and the model to meet them."""

    def __init__(self, folder: Path):
        self.recorded = _read_json(folder / "released.json")
        self.arrays = _read_arrays(folder / "released.npz")
        shapes = _read_json(folder / "official_state_dict.json")
        for name, shape in shapes.items():
            sides = shape if isinstance(shape, list) else [0]
            if not all(type(n) is int and n > 0 for n in sides) or math.prod(sides) > 10**8:
                raise ValueError(
                    f"{shapes.path} has {name!r} as {str(shape)[:60]!r}, expected the shape of a "
                    "tensor; take a fresh copy"
                )
        seed = self.recorded.get("seed") or 0
        if type(seed) is not int:
            raise ValueError(f"{self.recorded.path} has the seed {seed!r}, expected a whole number")
        full = Vocabulary.load(self.recorded["vocabulary"])
        self.full, self.test, self.train = full, full.asked(), full.seen_only().asked()
        self.base_objects = [
            o for o, seen in zip(full.objects, full.seen_object.tolist(), strict=True) if seen
        ]
        #: What rows there should be depends on the images: see `network_rows`.
        self.images = max(_count(self.arrays, "image"), _count(self.recorded, "alone")) or 2
        self.bce_names: Sequence[str] = CROSS_ENTROPIES
        shape = self.recorded.get("logits_shape", [0, 0, 352, 352])
        if not isinstance(shape, list) or [type(n) for n in shape] != [int] * 4:
            raise ValueError(
                f"{self.recorded.path} has the logits_shape {str(shape)[:60]!r}, expected four "
                "whole numbers such as [2, 53, 352, 352]"
            )
        height, width = shape[-2:]
        if not 0 < height <= 1024:
            raise ValueError(
                f"{folder} records logits of {height}x{width}; expected at most 1024x1024"
            )
        if height != width:
            raise ValueError(
                f"{folder} records logits of {height}x{width}; the network's input is square"
            )
        tensors = {
            name: deterministic_weight(name, tuple(shape), seed) for name, shape in shapes.items()
        }
        self.model: PartCLIPSeg = partclipseg_from_official(tensors, height, RELEASED, str(folder))
        self.objective = as_read(Objective, RELEASED)(RELEASED_LOSS, self.model.backbone.grid)

    def compare(self) -> Iterator[Row]:
        """Every recorded number of the network beside ours."""
        yield from self._names()
        images = [self._training_image(i) for i in range(_count(self.arrays, "image"))]
        if images:
            yield from self._losses(images, self.recorded, "", whole=True)
            for i, image in enumerate(images):
                if f"alone{i}" in self.recorded:
                    alone = _table(self.recorded, f"alone{i}")
                    yield from self._losses([image], alone, f"image {i} alone: ")
        if "test_image" in self.arrays:
            yield from self._inference()

    def _names(self) -> Iterator[Row]:
        """The lists of names, in the order in which the release asks them."""
        ours = {
            "train_text_classes": [n.replace("'s", "") for n in self.train.object_parts],
            "train_part_classes": self.train.parts,
            "train_obj_in_part_classes": self.train.objects,
            "test_text_classes": self.test.object_parts,
            "test_part_classes": self.test.parts,
            "test_obj_in_part_classes": self.test.objects,
            "test_obj_classes": self.full.objects,
        }
        for key, mine in ours.items():
            if key in self.recorded:
                theirs = self.recorded[key]
                if not isinstance(theirs, list):
                    raise ValueError(
                        f"{self.recorded.path} has {key} as {str(theirs)[:60]!r}, expected a list "
                        "of names"
                    )
                different = sum(a != b for a, b in zip_longest(mine, theirs))
                yield Row(key, different, 0, "differences")

    def _training_image(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Recorded image i: (pixel values [1, 3, S, S], object map, part map [1, S, S]).

        Ids are those of `self.train`.
        """
        image = _picture(self.arrays, f"image{i}")
        obj, part = (_ids(self.arrays, f"{kind}{i}", image.shape[:2]) for kind in ("obj", "part"))
        # Stored in the order in which the colours were fed; the reading's own flip is a matter of
        # the training loop.
        pixels = self.model.backbone.preprocess(torch.from_numpy(image).permute(2, 0, 1)[None])
        size = self.model.backbone.image_size
        nearest = lambda a: torch.nn.functional.interpolate(  # noqa: E731
            torch.from_numpy(a.astype(np.float32))[None, None], size=(size, size), mode="nearest"
        )[0].long()
        position = {name: o for o, name in enumerate(self.train.objects)}
        # Ids of the base objects -> ours; what has no parts is left out. Ids beyond the names (255,
        # 65535) mean nothing.
        table = torch.full((65536,), IGNORE)
        for o, name in enumerate(self.base_objects):
            table[o] = position.get(name, LEFT_OUT)
        part_map = nearest(part)
        return (
            pixels,
            table[nearest(obj)],
            torch.where(part_map < len(self.train), part_map, IGNORE),
        )

    def _batch(self, images) -> tuple[Tensor, Targets, int]:
        pixels, obj, part = (torch.cat(parts) for parts in zip(*images, strict=True))
        each = lambda count: torch.arange(count).expand(len(pixels), -1)  # noqa: E731
        train = self.train
        targets = self.objective.targets(
            obj,
            part,
            train.part_of,
            each(len(train)),
            each(len(train.parts)),
            each(len(train.objects)),
            torch.ones(len(pixels), len(train), dtype=torch.bool),
        )
        return pixels, targets, len(pixels)

    def _losses(self, images, recorded: Mapping, prefix: str, whole: bool = False) -> Iterator[Row]:
        model = self.model
        pixels, targets, batch = self._batch(images)
        if whole and "pixel_values" in self.arrays:
            yield _absolute(
                "preprocessing", pixels[:, :, ::16, ::16], self.arrays["pixel_values"], 1e-6
            )
        activations = model.backbone.activations(pixels)
        words = model.embed(self.train)
        total, terms = self.objective(model, activations, words, targets)
        for name, mine in (
            ("separation", terms.get("separation", 0.0)),
            ("enhancement", terms.get("enhancement", 0.0)),
            ("total", total),
        ):
            if name in recorded:
                yield _relative(f"{prefix}loss, {name}", mine, recorded[name], 1e-5)
        if not whole:
            return
        if "separation_requires_grad" in recorded:
            mine = "separation" in terms and terms["separation"].requires_grad
            theirs = recorded["separation_requires_grad"]
            if not isinstance(theirs, bool):
                raise ValueError(
                    f"separation_requires_grad is recorded as {theirs!r}, expected true or false"
                )
            different = mine != theirs
            yield Row("separation has a gradient, or not", different, 0, "differences")
        if "grad_norm" in recorded:
            yield from self._gradients(total, _table(recorded, "grad_norm"))
        with torch.no_grad():
            yield from self._forward(activations, targets, batch)

    def _forward(self, activations: list[Tensor], targets: Targets, batch: int) -> Iterator[Row]:
        model, arrays = self.model, self.arrays
        words = model.embed(self.train)
        parts, objects = len(self.train.parts), len(self.train.objects)
        logits, object_part_logits, columns = (
            torch.cat(each)
            for each in zip(
                *(
                    self._one_forward([a[b : b + 1] for a in activations], words)
                    for b in range(batch)
                ),
                strict=True,
            )
        )
        if "logits" in arrays:
            yield _absolute(
                "logits of parts, objects, background",
                logits[..., 8::16, 8::16],
                arrays["logits"],
                1e-4,
            )
        if "part_obj_logits" in arrays:
            yield _absolute(
                "logits of object parts",
                object_part_logits[..., 8::16, 8::16],
                arrays["part_obj_logits"],
                1e-4,
            )
        self.bce_names = self._bce_names(targets)
        if "bce_calls" in self.recorded:
            weight = lambda count: torch.ones(batch, count)  # noqa: E731
            background = torch.full((batch, 1), RELEASED_LOSS.background_weight)
            with_background = lambda count: torch.cat([weight(count), background], dim=1)  # noqa: E731
            everywhere = torch.ones_like(targets.background)
            object_part = masked_bce(
                object_part_logits,
                torch.cat([targets.object_parts, targets.background], 1),
                [targets.part_pixels, targets.background],
                with_background(len(self.train)),
            )
            part = masked_bce(
                logits[:, :parts], targets.parts, [targets.part_pixels], weight(parts)
            )
            obj = masked_bce(
                logits[:, parts:],
                torch.cat([targets.objects, targets.background], 1),
                [everywhere],
                with_background(objects),
            )
            ours = {
                "part_obj|part pixels": object_part[0],
                "part_obj|background pixels": object_part[1],
                "part|part pixels": part[0],
                "object|all pixels": obj[0],
            }
            if not targets.background.any():
                # The release takes the mean over no pixel.
                ours["part_obj|background pixels"] = torch.tensor(torch.nan)
            calls = self.recorded["bce_calls"]
            if not isinstance(calls, list):
                raise ValueError(f"bce_calls is recorded as {calls!r}, expected a list of numbers")
            for name, value in zip(self._bce_order(targets, len(calls)), calls, strict=True):
                yield _relative(f"cross-entropy, {name}", ours[name], value, 1e-5)
        if "attention_column_mean" in arrays:
            # The map of a part is half the sum with its object's; those of objects stand alone.
            of_parts, of_objects = columns[:, :parts], columns[:, parts:-1]
            merged = (of_parts[:, self.train.part_of] + of_objects[:, self.train.object_of]) / 2
            yield _absolute(
                "merged attention",
                torch.cat([merged, of_objects], dim=1),
                arrays["attention_column_mean"],
                1e-5,
            )

    def _one_forward(
        self, activations: list[Tensor], words: Conditions
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Both logits and the attention of one image.

        One image at a time: the attention of *all* words of a batch would take gigabytes.

        Returns:
            Logits `[1, P+O+1, S, S]`, those of object parts `[1, T+1, S, S]`, and attention
            averaged over queries, `[1, P+O+1, N]`.
        """
        tap = AttentionTap(torch.arange(len(words.parts) + len(words.objects) + 1))
        output = self.model(activations, words, tap)
        logits = torch.cat(
            [output.part_logits, output.object_logits, output.background_logits], dim=1
        )
        return logits, output.object_part_logits, tap.weights.mean(1)[None, :, 1:, 1:].mean(2)

    def _bce_order(self, targets: Targets, calls: int) -> list[str]:
        """Names of the recorded cross-entropies.

        The release leaves out those of parts where a batch lacks part pixels, that of background
        where it lacks objects.
        """
        order = self.recorded.get("bce_order")
        names = self._bce_names(targets)
        if isinstance(order, list) and sorted(map(str, order)) == sorted(names):
            names = order
        if len(names) != calls:
            raise ValueError(
                f"{calls} cross-entropies are recorded as bce_calls, "
                f"expected {len(names)}: {', '.join(names)}"
            )
        return names

    def _bce_names(self, targets: Targets) -> list[str]:
        """The cross-entropies that the release computes for these targets."""
        return [
            *(("part_obj|part pixels", "part|part pixels") if targets.part_pixels.any() else ()),
            *(() if targets.background.all() else ("part_obj|background pixels",)),
            "object|all pixels",
        ]

    def _gradients(self, total: Tensor, recorded: Mapping[str, float]) -> Iterator[Row]:
        """Norms of the gradients of the total loss, by official name."""
        ours_of = {theirs[0]: ours for ours, theirs in official_table().items() if len(theirs) == 1}
        # A recorded null stands for no gradient.
        recorded = {
            name.removeprefix(OFFICIAL_PREFIX): 0.0 if norm is None else norm
            for name, norm in recorded.items()
        }  # null: none
        if unknown := sorted(recorded.keys() - ours_of.keys()):
            raise ValueError(
                f"gradient norms are recorded of {unknown[:3]}, "
                "which are not single tensors of the network"
            )
        parameters = {name: self.model.get_parameter(ours_of[name]) for name in recorded}
        trained = {
            name: parameter for name, parameter in parameters.items() if parameter.requires_grad
        }
        gradients = dict(
            zip(
                trained,
                torch.autograd.grad(total, list(trained.values()), allow_unused=True),
                strict=True,
            )
        )
        for name, theirs in recorded.items():
            gradient = gradients.get(name)
            yield _relative(
                f"gradient of {name}", 0.0 if gradient is None else gradient.norm(), theirs, 1e-3
            )

    @torch.inference_mode()
    def _inference(self) -> Iterator[Row]:
        model, arrays, test = self.model, self.arrays, self.test
        image = _picture(arrays, "test_image")
        present = np.unique(_ids(arrays, "test_obj", image.shape[:2]))
        pixels = model.backbone.preprocess(torch.from_numpy(image).permute(2, 0, 1)[None])
        output = model(model.backbone.activations(pixels), model.embed(test))
        up = lambda logits: resize_logits(logits[0], image.shape[:2])  # noqa: E731
        object_parts, parts = up(output.object_part_logits), up(output.part_logits)
        objects = up(torch.cat([output.object_logits, output.background_logits], dim=1))
        given = torch.tensor(
            [
                test.objects.index(self.full.objects[i])
                for i in present
                if 0 <= i < len(self.full.objects) and self.full.objects[i] in test.objects
            ],
            dtype=torch.long,
        )
        winner = objects.argmax(0)  # [H, W], O for background
        oracle = object_parts[:-1].sigmoid() * torch.isin(test.object_of, given)[:, None, None]
        # The object of each object part; background comes last.
        chosen = torch.cat([test.object_of, torch.tensor([len(test.objects)])])
        pred_all = object_parts.sigmoid() * (winner[None] == chosen[:, None, None])
        to_full = torch.cat([test.object_ids, torch.tensor([len(self.full.objects)])])
        # Where no object is given the release takes the best of nothing but zeros: label 0.
        labels = {
            "oracle_argmax": oracle_obj_labels(object_parts, given, test).clamp(min=0),
            "predall_argmax": pred_all_labels(object_parts, objects, test),
            "obj_argmax": to_full[winner],
            "part_argmax": parts.argmax(0),
        }
        for name, mine in labels.items():
            if name in arrays:
                _same_shape(f"inference, {name}", mine, arrays[name])
                theirs = _ids(arrays, name, tuple(mine.shape))
                share = float((mine.numpy() != theirs.astype(np.int64)).mean())
                yield Row(f"inference, {name}", share, 1e-3, "share of pixels")
        for name, mine in (("oracle_scores", oracle), ("predall_scores", pred_all)):
            if name in arrays:
                yield _absolute(f"inference, {name}", mine[:, ::10, ::10], arrays[name], 1e-4)


def compare_metrics(folder: Path, vocabulary: Vocabulary) -> Iterator[Row]:
    """Every number that the released evaluator prints for the recorded label maps.

    One row for each kind of number, with its largest deviation.
    """
    recorded, arrays = (
        _read_json(folder / "released_metrics.json"),
        _read_arrays(folder / "released_metrics.npz"),
    )
    source, pictures = {"oracle_obj": "pred", "pred_all": "predall"}, _count(arrays, "gt")
    evaluator = Released(vocabulary, list(source))
    for i in range(pictures):
        truth = _ids(arrays, f"gt{i}").astype(np.int64)
        truth[truth >= len(vocabulary)] = IGNORE
        labels = {
            setting: _ids(arrays, f"{source[setting]}{i}", truth.shape).astype(np.int64)
            if setting in recorded
            else np.full(truth.shape, IGNORE)
            for setting in source
        }
        evaluator.update(labels, np.where(truth == IGNORE, IGNORE, 0), truth)
    for setting in source:
        ours = released_scores(evaluator, setting)
        theirs = _table(recorded, setting) if setting in recorded and pictures else {}
        kinds: dict[str, list[float]] = {}
        for name, value in theirs.items():
            kinds.setdefault(name.partition("-")[0], []).append(
                _deviation(ours.get(name, np.inf), _number(value, name))
            )
        for kind, deviations in kinds.items():
            yield Row(
                f"{setting}, {kind} ({len(deviations)} numbers)",
                float(np.max(deviations)),
                1e-6,
                "absolute",
            )
        absent = Counter(name.partition("-")[0] for name in ours if name not in theirs)
        for kind, count in absent.items():
            yield Row.absent(f"{setting}, {kind} ({count} numbers{' more' * (kind in kinds)})")


def _count(arrays: Mapping, kind: str) -> int:
    """How many entries are called `kind` and a number."""
    return sum(re.fullmatch(kind + r"\d+", name) is not None for name in arrays)


def _table(recorded: Mapping, key: str) -> Mapping:
    """The entry `key` if it is a table of names and values; `ValueError` otherwise."""
    if not isinstance(recorded[key], dict):
        raise ValueError(f"{key} is recorded as {str(recorded[key])[:60]!r}, expected a table")
    return recorded[key]


def _number(value: object, name: str) -> float | None:
    """A recorded number; None and NaN are a mean over nothing."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{name} is recorded as {str(value)[:60]!r}, expected a number")


def _picture(arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The array `name` if it is a picture, uint8 [H, W, 3]."""
    image = arrays[name]
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(
            f"{name} is {image.dtype} of shape {image.shape}, expected a picture, uint8 [H, W, 3]"
        )
    return image


def _ids(
    arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...] | None = None
) -> np.ndarray:
    """The array `name` if it is a map of ids, [H, W] or of `shape`, in -1..65535."""
    ids = arrays[name]
    if ids.dtype.kind not in "iu" or ids.ndim != 2 or not ids.size:
        raise ValueError(
            f"{name} is {ids.dtype} of shape {ids.shape}, expected whole numbers [H, W]"
        )
    if shape is not None and ids.shape != shape:
        raise ValueError(f"{name} has shape {ids.shape}, expected {shape}")
    if ids.min() < -1 or ids.max() > 65535:
        raise ValueError(f"{name} holds ids {ids.min()}..{ids.max()}, expected -1..65535")
    return ids


def _same_shape(name: str, mine: Tensor, theirs: np.ndarray) -> None:
    if tuple(mine.shape) != theirs.shape:
        raise ValueError(f"{name}: ours has shape {tuple(mine.shape)}, recorded is {theirs.shape}")


def _deviation(mine: float, theirs: float | None) -> float:
    """0 where both are a mean over nothing (recorded as NaN or null), NaN where only one is."""
    theirs = np.nan if theirs is None else float(theirs)
    return 0.0 if np.isnan(mine) and np.isnan(theirs) else abs(mine - theirs)


def _absolute(name: str, mine: Tensor, theirs: np.ndarray, tolerance: float) -> Row:
    _same_shape(name, mine, theirs)
    if theirs.dtype.kind != "f":
        raise ValueError(f"{name}: recorded is {theirs.dtype}, expected floating-point numbers")
    return Row(name, float((mine - torch.from_numpy(theirs)).abs().max()), tolerance, "absolute")


def _relative(name: str, mine: Tensor | float, theirs: float | None, tolerance: float) -> Row:
    mine = float(mine.detach()) if isinstance(mine, Tensor) else float(mine)
    theirs = _number(theirs, name)
    scale = 1.0 if theirs is None or np.isnan(theirs) else max(abs(theirs), 1e-12)
    return Row(name, _deviation(mine, theirs) / scale, tolerance, "relative")


class _Entries(dict):
    """What one file holds; asking for what is not there says which file lacks what."""

    def __init__(self, path: Path, entries: Mapping):
        super().__init__(entries)
        self.path = path

    def __missing__(self, key: str):
        raise ValueError(f"{self.path} has no entry {key!r}; a reference folder needs it")


def _read_json(path: Path) -> Mapping:
    try:
        entries = json.loads(path.read_text())
    except FileNotFoundError:
        raise FileNotFoundError(f"{path} is missing; a reference folder needs it") from None
    except ValueError as error:
        raise ValueError(f"{path} is not JSON ({error}); take a fresh copy") from error
    if not isinstance(entries, dict):
        raise ValueError(
            f"{path} holds {str(entries)[:40]!r}, expected names and values; take a fresh copy"
        )
    return _Entries(path, entries)


def _read_arrays(path: Path) -> Mapping[str, np.ndarray]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing; a reference folder needs it")
    try:
        with np.load(path, allow_pickle=False) as file:
            return _Entries(path, {name: file[name] for name in file.files})
    except Exception as error:  # truncated archives fail in many ways
        said = "it holds more than numbers" if "allow_pickle" in str(error) else error
        raise ValueError(
            f"{path} is not a readable .npz file ({said}); take a fresh copy"
        ) from error
