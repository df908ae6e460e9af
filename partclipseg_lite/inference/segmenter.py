"""From an image and words to masks: `PartSegmenter`, the one thing that most users need.

segmenter = PartSegmenter.from_pretrained("toy")
result = segmenter(image, ["dog's head", "puppy's tail"])
result.masks["dog's head"]                      # bool [H, W] at the image's own size
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..datasets.images import ImageLike, read_image
from ..datasets.sample import IGNORE
from ..network.models import CLIPSeg, Conditions, PartCLIPSeg
from ..vocabulary import ByName, Vocabulary
from ..weights.models import load_model
from .predict import autocast, encode
from .streaming import CHUNK, WordDecoder

Names = Iterable[str] | Mapping[str, Iterable[str]]


@dataclass(frozen=True, eq=False)
class EncodedNames:
    """Names that a model has encoded, to be asked of many pictures: `PartSegmenter.encode_names`.

    Attributes:
        vocabulary: the T names, in the order given.
        words: their embeddings, as the model's `embed` gives them.
    """

    vocabulary: Vocabulary
    words: Conditions | Tensor


class Maps(Mapping[str, np.ndarray]):
    """Maps `[H, W]` by name, made when looked at, so that a thousand names cost no memory.

    Names are found however they are written, as in `Vocabulary`.
    """

    def __init__(self, names: Sequence[str], make: Callable[[int], np.ndarray]):
        self._index, self._make = ByName((name, i) for i, name in enumerate(names)), make

    def __getitem__(self, name: str) -> np.ndarray:
        return self._make(self._index[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def __len__(self) -> int:
        return len(self._index)

    def __repr__(self) -> str:
        return f"<{len(self)} maps: {', '.join(list(self)[:5])}{', ...' if len(self) > 5 else ''}>"


@dataclass(eq=False)
class Segmentation:
    """What was found in one image; H, W are the image's own.

    Kept are the image, the winners and what the decoder needs to answer further questions. Maps of
    single words are made from that when they are looked at (with the model as it is then), so
    memory does not grow with the number of names.

    A copy (`copy.deepcopy`) and what `pickle` stores hold no model: everything below and `masks`
    stay, and what would need the model (`probabilities` unless they were looked at before,
    `probability_of`, `parts`, `objects`) raises a `ValueError`.

    Attributes:
        image: RGB, `uint8 [H, W, 3]`.
        vocabulary: the T names asked for, in the order asked.
        label_map: index of the winning name, -1 for background, `int64 [H, W]`.
        background: its probability, `float32 [H, W]`.
        scores: name -> highest probability anywhere; found however the name is written.
        attention: name -> part + object attention averaged over the mask found,
            `float32 [grid, grid]`; only on request.
    """

    image: np.ndarray
    vocabulary: Vocabulary
    label_map: np.ndarray
    background: np.ndarray
    scores: dict[str, float]
    decoder: WordDecoder | None = field(repr=False)
    attention: dict[str, np.ndarray] = field(default_factory=ByName)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "decoder": None}

    @property
    def names(self) -> tuple[str, ...]:
        """The T names asked for, in the order asked."""
        return self.vocabulary.object_parts

    @property
    def masks(self) -> Maps:
        """Where each name wins, `bool [H, W]` by name."""
        return Maps(self.names, partial(operator.eq, self.label_map))

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each name by itself, `float32 [T, H, W]`.

        All at once and kept: for many names prefer `probability_of`.
        """
        return self._probabilities("names", range(len(self.names)))

    @property
    def probability_of(self) -> Maps:
        """Probability of each name by itself, `float32 [H, W]` by name, one at a time."""
        self._needs_model()
        return Maps(self.names, partial(self._probability, "names"))

    @property
    def parts(self) -> Maps:
        """Probability by generalized part, `float32 [H, W]`; empty for CLIPSeg."""
        return self._words("parts", self.vocabulary.parts)

    @property
    def objects(self) -> Maps:
        """Probability by object, `float32 [H, W]`; empty for CLIPSeg."""
        return self._words("objects", self.vocabulary.objects)

    def _words(self, kind: str, names: Sequence[str]) -> Maps:
        phrases = self._needs_model().is_phrases
        return Maps(() if phrases else names, partial(self._probability, kind))

    def _needs_model(self) -> WordDecoder:
        if self.decoder is None:
            raise ValueError(
                "this result was copied or stored without its model, which is needed to compute "
                "probabilities; segment the image again"
            )
        return self.decoder

    def _probability(self, kind: str, index: int) -> np.ndarray:
        return self._probabilities(kind, [index])[0]

    def _probabilities(self, kind: str, indices: Sequence[int]) -> np.ndarray:
        self._needs_model()
        found = np.empty((len(indices), *self.label_map.shape), np.float32)
        first = 0
        for some, logits in self.decoder.enlarged(kind, indices, self.label_map.shape):
            found[first : first + len(some)] = logits.sigmoid().cpu()
            first += len(some)
        self.decoder.rest()
        return found

    def labels_in(self, vocabulary: Vocabulary) -> np.ndarray:
        """`label_map` in another vocabulary's ids, IGNORE for background: int64 [H, W].

        "puppy's snout" gets the id of "dog's muzzle". Raises ValueError if a word has no such name.
        """
        ids = [vocabulary.index(vocabulary.canonical(name)) for name in self.names]
        return np.array([*ids, IGNORE])[self.label_map]  # -1, background, takes the last

    def show(self):
        """A matplotlib figure: the image, and the parts found laid over it with their names."""
        from ..figures import compare

        return compare(self.image, {"found": self.label_map}, self.vocabulary)


class PartSegmenter:
    """Masks of object parts named in free words. Build it with `from_pretrained`.

    Args:
        model, trained_on: as `load_model` returns them.
        batch_size: images encoded at once. chunk: names decoded at once.
        precision: "float32", "bf16", or "auto": bf16 on GPUs that compute in it.
    """

    def __init__(
        self,
        model: PartCLIPSeg | CLIPSeg,
        trained_on: Vocabulary | None = None,
        *,
        batch_size: int = 8,
        chunk: int = CHUNK,
        precision: str = "auto",
    ):
        if not isinstance(model, PartCLIPSeg | CLIPSeg):
            raise TypeError(
                f"model must be a PartCLIPSeg or CLIPSeg, got {model!r:.60}; for a name or a path "
                "write PartSegmenter.from_pretrained(…)"
            )
        if precision not in ("auto", "bf16", "float32"):
            raise ValueError(f"precision must be 'auto', 'bf16' or 'float32', got {precision!r}")
        self.model, self.trained_on, self.precision = model.eval(), trained_on, precision
        self.batch_size, self.chunk = _count("batch_size", batch_size), _count("chunk", chunk)

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = "toy",
        device: str | torch.device = "cpu",
        *,
        allow_download: bool = False,
    ) -> "PartSegmenter":
        """A segmenter with stored weights, on `device`.

        Args:
            name_or_path: shipped weights by name ("toy", "toy_no_attention_control",
                "toy_clipseg"), a run's folder, a weights file (ours or an official PartCLIPSeg
                .pth), or CLIPSeg from Hugging Face ("CIDAS/clipseg-rd64-refined", a folder): see
                `load_model`.
            device: where the model computes.
            allow_download: see `load_model`.

        Raises:
            ValueError: the device is not there.
        """
        device = usable_device(device)
        model, _, vocabulary, _ = load_model(name_or_path, allow_download=allow_download)
        return cls(model.to(device), vocabulary)

    def __call__(
        self,
        image: ImageLike | Sequence[ImageLike],
        names: Names | EncodedNames,
        *,
        attention: bool = False,
    ) -> Segmentation | list[Segmentation]:
        """Segment an image, or each of a list of images (then a list of results in its order).

        Args:
            image: path, PIL image, array or tensor of any size and mode, see `read_image`; no URL.
            names: ["dog's head", ...] or {"dog": ["head", ...]}, words unknown to training
                included; or what `encode_names` made of them, for many calls.
            attention: also the attention maps of the names found (PartCLIPSeg only).

        Raises:
            ValueError: bad names or an unreadable image, before anything is computed.
            TypeError: names or an image of a wrong type, before anything is computed.
            FileNotFoundError: there is no image at a path, before anything is computed.
        """
        vocabulary = None if isinstance(names, EncodedNames) else Vocabulary.from_names(names)
        if attention and isinstance(self.model, CLIPSeg):
            raise ValueError(
                "attention maps are put together from part and object attention; CLIPSeg has "
                "neither, load PartCLIPSeg weights such as 'toy'"
            )
        asked = names if vocabulary is None else self._encoded(vocabulary)
        several = isinstance(image, list | tuple)
        pictures = (
            [_read_nth(i, picture) for i, picture in enumerate(image)]
            if several
            else [read_image(image)]
        )
        results = []
        for start in range(0, len(pictures), self.batch_size):
            results += self._segment(pictures[start : start + self.batch_size], asked, attention)
        return results if several else results[0]

    def encode_names(self, names: Names) -> EncodedNames:
        """Names with their embeddings, so that many calls encode them once.

        Raises:
            ValueError, TypeError: bad names, or words that the model's CLIP does not know.
        """
        return self._encoded(Vocabulary.from_names(names))

    def _encoded(self, vocabulary: Vocabulary) -> EncodedNames:
        with torch.inference_mode():
            return EncodedNames(vocabulary, self.model.embed(vocabulary))

    def _segment(
        self,
        pictures: Sequence[np.ndarray],
        asked: EncodedNames,
        attention: bool,
    ) -> Iterator[Segmentation]:
        with torch.inference_mode(), autocast(self.model.backbone.mean.device, self.precision):
            activations = encode(self.model, pictures)
        for b, picture in enumerate(pictures):
            decoder = WordDecoder(
                self.model,
                [a[b : b + 1] for a in activations],
                asked.vocabulary,
                asked.words,
                self.chunk,
                self.precision,
            )
            labels, highest, background = decoder.winners(picture.shape[:2])
            maps = decoder.attention(labels) if attention else {}
            decoder.rest()
            yield Segmentation(
                picture,
                asked.vocabulary,
                labels.cpu().numpy(),
                background.sigmoid().cpu().numpy(),
                ByName(zip(asked.vocabulary.object_parts, highest.sigmoid().tolist(), strict=True)),
                decoder,
                ByName(
                    (asked.vocabulary.object_parts[t], attended.cpu().numpy())
                    for t, attended in maps.items()
                ),
            )


def usable_device(device: str | int | torch.device) -> torch.device:
    """The device of that name; `ValueError` naming those known here if it cannot be computed on."""
    known = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        known.append("mps")
    try:
        if isinstance(device, bool):
            raise TypeError("True and False name no device")
        found = torch.device(device)
        torch.ones(1, dtype=torch.float32, device=found).cpu()  # it is there, and gives back
    except Exception as error:  # torch raises many kinds, each with its own advice to developers
        raise ValueError(
            f"device {device!r:.60} cannot be used here; known devices: {', '.join(known)}"
        ) from error
    return found


def _count(name: str, value: int) -> int:
    """A whole number from 1, NumPy's too, as an int."""
    try:
        number = 0 if isinstance(value, bool | np.bool_) else operator.index(value)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"{name} must be a whole number from 1, got {value!r}")
    return number


def _read_nth(number: int, image: ImageLike) -> np.ndarray:
    try:
        return read_image(image)
    except (TypeError, ValueError, OSError) as error:
        raise type(error)(f"image {number} of the list: {error}") from error
