"""From an image and words to masks: `PartSegmenter` for people, `predict` for the evaluator.

    segmenter = PartSegmenter.from_pretrained("toy")
    result = segmenter(image, ["dog's head", "puppy's tail"])
    result.masks["dog's head"]                      # bool [H, W] at the image's own size
"""
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from .decoder import AttentionTap
from .model import CLIPSeg, PartCLIPSeg, SegmentationOutput
from .vocabulary import Vocabulary
from .weights import load_model

ImageLike = str | Path | Image.Image | np.ndarray | Tensor
UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError)


@dataclass
class Segmentation:
    """What was found in one image; H, W are the image's own.

    Attributes:
        image: uint8 [H, W, 3], RGB.
        names: the T names asked for, in the order asked.
        probabilities: float32 [T, H, W], each name by itself. background: float32 [H, W].
        label_map: int64 [H, W], index of the winning name, -1 for background.
        masks: name -> bool [H, W], where the name wins. scores: name -> highest probability anywhere.
        parts, objects: generalized part / object -> float32 [H, W]; empty for CLIPSeg.
        attention: name -> float32 [grid, grid], part + object attention averaged over the mask found; only on request.
    """
    image: np.ndarray
    names: tuple[str, ...]
    probabilities: np.ndarray
    background: np.ndarray
    parts: dict[str, np.ndarray] = field(default_factory=dict)
    objects: dict[str, np.ndarray] = field(default_factory=dict)
    attention: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def label_map(self) -> np.ndarray:
        winner = self.probabilities.argmax(0)
        return np.where(self.probabilities.max(0) > self.background, winner, -1)

    @property
    def masks(self) -> dict[str, np.ndarray]:
        labels = self.label_map
        return {name: labels == i for i, name in enumerate(self.names)}

    @property
    def scores(self) -> dict[str, float]:
        return {name: float(p.max()) for name, p in zip(self.names, self.probabilities)}

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary.from_names(self.names)

    def show(self):
        """A matplotlib figure: the image, and the parts found laid over it with their names."""
        from .figures import compare
        return compare(self.image, {"found": self.label_map}, self.vocabulary)


def read_image(image: ImageLike) -> np.ndarray:
    """Any image -> RGB uint8 [H, W, 3].

    Paths and PIL images of any mode (transparency is laid on white, 16-bit grey scaled, EXIF rotation applied); arrays and
    tensors as uint8 [H, W], [H, W, 3|4] or [3, H, W], or floats in 0..1. One `ValueError`/`TypeError` names what is wrong.
    """
    if isinstance(image, (str, Path)):
        path = Path(image)
        if not path.is_file():
            raise FileNotFoundError(f"no image at {str(path)!r}")
        try:
            with Image.open(path) as opened:
                opened.load()
                return _from_pil(opened)
        except UNREADABLE as error:
            raise ValueError(f"{path} cannot be read as an image ({error}); is it truncated or no image?") from error
    if isinstance(image, Image.Image):
        try:
            return _from_pil(image)
        except UNREADABLE as error:                                           # PIL reads the pixels only now
            raise ValueError(f"the PIL image cannot be read ({error}); is its file truncated?") from error
    if not isinstance(image, (Tensor, np.ndarray)):
        raise TypeError(f"an image must be a path, a PIL image, a NumPy array or a tensor, got {type(image).__name__}")
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else image
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[-1] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (3, 4)) or 0 in array.shape:
        raise ValueError(f"an image must be [H, W], [H, W, 3] or [H, W, 4], got shape {tuple(array.shape)}")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ValueError(f"float images must lie in 0..1, got {array.min():.3g}..{array.max():.3g}; divide by 255?")
        array = (array * 255).round().astype(np.uint8)
    elif array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype == bool:
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        raise ValueError(f"an image array must be uint8, uint16 or float in 0..1, got {array.dtype}")
    return _from_pil(Image.fromarray(np.ascontiguousarray(array)))


def _from_pil(image: Image.Image) -> np.ndarray:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        image = Image.fromarray((values.clip(0, top) / top * 255).round().astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    return np.array(image.convert("RGB"))


@torch.inference_mode()
def predict(model: PartCLIPSeg | CLIPSeg, images: Sequence[np.ndarray], vocabulary: Vocabulary,
            tap: AttentionTap | None = None) -> SegmentationOutput:
    """One forward for a batch of RGB uint8 images [H, W, 3] (any sizes): logits at the network's resolution."""
    device = model.background_embedding.device
    pixels = torch.cat([model.backbone.preprocess(torch.from_numpy(np.array(i, order="C")).permute(2, 0, 1)[None].to(device))
                        for i in images])
    return model(model.backbone.activations(pixels), model.embed(vocabulary), tap)


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """[C, h, w] -> [C, H, W], bilinear with half-pixel centres, as the release does."""
    if logits.shape[-2:] == size:
        return logits
    return F.interpolate(logits[None], size=size, mode="bilinear", align_corners=False)[0]


class PartSegmenter:
    """Masks of object parts named in free words. Build it with `from_pretrained`."""

    def __init__(self, model: PartCLIPSeg | CLIPSeg, trained_on: Vocabulary | None = None):
        self.model, self.trained_on = model.eval(), trained_on

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path = "toy", device: str | torch.device = "cpu") -> "PartSegmenter":
        """Shipped weights by name ("toy", "toy_no_attention_control", "toy_clipseg"), a weights file, or a run's folder."""
        model, _, vocabulary, _ = load_model(name_or_path)
        return cls(model.to(device), vocabulary)

    def __call__(self, image: ImageLike, names: Iterable[str] | Mapping[str, Iterable[str]], *, attention: bool = False,
                 ) -> Segmentation:
        """Segment one image. `names`: ["dog's head", ...] or {"dog": ["head", ...]}, words unknown to training included.

        Raises one `ValueError` or `TypeError` for bad names or an unreadable image, before anything is computed.
        """
        vocabulary = Vocabulary.from_names(names)
        pixels = read_image(image)
        size = pixels.shape[:2]
        output = predict(self.model, [pixels], vocabulary)
        # float16 would do for storage, but probabilities are compared with each other
        probabilities = resize_logits(output.object_part_logits[0], size).sigmoid().cpu().numpy()
        result = Segmentation(pixels, tuple(vocabulary.object_parts), probabilities[:-1], probabilities[-1])
        if output.part_logits is not None:
            maps = lambda logits: resize_logits(logits[0], size).sigmoid().cpu().numpy()  # noqa: E731
            result.parts = dict(zip(vocabulary.parts, maps(output.part_logits)))
            result.objects = dict(zip(vocabulary.objects, maps(output.object_logits)))
        if attention:
            result.attention = self._attention(pixels, vocabulary, output)
        return result

    def _attention(self, pixels: np.ndarray, vocabulary: Vocabulary, output: SegmentationOutput) -> dict[str, np.ndarray]:
        """Eq. 6 with the mask found in place of the true one, for the names that were found."""
        from .attention_control import area_on_grid, object_part_maps, plan_attention
        if isinstance(self.model, CLIPSeg):
            raise ValueError("attention maps are put together from part and object attention; CLIPSeg has neither, "
                             "load PartCLIPSeg weights such as 'toy'")
        with torch.inference_mode():
            winner = output.object_part_logits.argmax(1)                                       # (1, S, S)
            masks = winner[:, None] == torch.arange(len(vocabulary), device=winner.device)[None, :, None, None]
            grid = self.model.backbone.grid
            plan = plan_attention(area_on_grid(masks, grid), self.model.embed(vocabulary))
            if plan is None:
                return {}
            predict(self.model, [pixels], vocabulary, plan.tap)
            maps = object_part_maps(plan).view(-1, grid, grid).cpu().numpy()
        return {vocabulary.object_parts[t]: m for t, m in zip(plan.slot.tolist(), maps)}
