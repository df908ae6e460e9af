"""One forward for a batch of pictures: what the evaluator calls and `PartSegmenter` builds on."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..network.decoder import AttentionTap
from ..network.models import CLIPSeg, PartCLIPSeg, SegmentationOutput
from ..vocabulary import Vocabulary


@torch.inference_mode()
def predict(
    model: PartCLIPSeg | CLIPSeg,
    images: Sequence[np.ndarray],
    vocabulary: Vocabulary,
    tap: AttentionTap | None = None,
) -> SegmentationOutput:
    """Logits of one forward for a batch of images, at the network's resolution.

    Images are RGB, `uint8 [H, W, 3]`, of any sizes.
    """
    words = model.embed(vocabulary)
    return model(encode(model, images), words, tap)


def check_numbers(scores: Tensor) -> None:
    """Raise a `FloatingPointError` unless all scores are numbers: masks of NaN look like masks."""
    if not bool(torch.isfinite(scores).all()):
        raise FloatingPointError(
            "the model's scores are infinite or no numbers; its weights make no sense, take others"
        )


def encode(model: PartCLIPSeg | CLIPSeg, images: Sequence[np.ndarray]) -> list[Tensor]:
    """Activations of a batch of images, one `float [B, 1+N, W]` for each layer read.

    Images are RGB, `uint8 [H, W, 3]`, of any sizes.
    """
    pixels = torch.cat(
        [
            model.backbone.preprocess(
                torch.from_numpy(np.array(i, order="C")).permute(2, 0, 1)[None]
            )
            for i in images
        ]
    )
    return model.backbone.activations(pixels)


def resize_logits(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Logits `[C, h, w]` at another size, `[C, H, W]`.

    Bilinear with half-pixel centres, as the release does.
    """
    if logits.shape[-2:] == size:
        return logits
    return F.interpolate(logits[None], size=size, mode="bilinear", align_corners=False)[0]


def autocast(device: torch.device, precision: str = "auto") -> AbstractContextManager:
    """bf16 where asked for, nothing elsewhere: not every device knows autocast.

    "auto": on GPUs that compute in it, not on those that emulate it, and not on processors. An
    autocast of the caller's is switched off, so that it does not change the result.

    Raises `ValueError` where bf16 is asked for on a device that cannot cast.
    """
    native = device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
    if precision == "bf16" or (precision == "auto" and native):
        try:
            return torch.autocast(device.type, torch.bfloat16)
        except RuntimeError as error:
            raise ValueError(
                f"torch {torch.__version__} cannot compute in bf16 on {device.type!r}; choose "
                "precision='float32'"
            ) from error
    if _is_casting(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()


def _is_casting(device_type: str) -> bool:
    """Does the caller autocast on this kind of device?"""
    try:
        return torch.is_autocast_enabled(device_type)
    except RuntimeError:  # a kind that knows no autocast
        return False
