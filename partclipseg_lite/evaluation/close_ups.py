"""What a CLIP names rightly when it is shown a single part, large: is a word not known at all?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..datasets.sample import IGNORE, Sample
from ..network.backbone import Backbone
from ..vocabulary import Vocabulary

#: Side of a close-up, in sides of the part's box: some of what is around helps to tell.
MARGIN = 1.4


def photo_of(part: str) -> str:
    """The caption of a close-up, such as "a photo of an eye"."""
    return f"a photo of {'an' if part[0] in 'aeiou' else 'a'} {part}"


def named_close_ups(
    backbone: Backbone,
    samples: Iterable[Sample],
    vocabulary: Vocabulary,
    pixels: int = 12,
    caption: Callable[[str], str] = photo_of,
) -> dict[str, float]:
    """Which share of an object part's close-ups CLIP names with the right part, 0 to 1.

    It is asked for all generalized parts, as "a photo of a wheel", and not for the object.

    Args:
        backbone: of the CLIP that is asked.
        samples: labelled pictures.
        vocabulary: of their labels.
        pixels: a part with fewer labelled ones in a picture is no close-up.
        caption: generalized part -> the text that stands for it.

    Returns:
        Object part -> share; without those that no picture shows.
    """
    texts = F.normalize(
        backbone.embed_text([caption(part) for part in vocabulary.parts]), dim=-1
    )  # (P, E)
    hits: dict[int, list[bool]] = {}
    for sample in samples:
        cuts = dict(close_ups(sample, pixels))
        if not cuts:
            continue
        x = torch.cat([backbone.preprocess(cut) for cut in cuts.values()])
        with torch.no_grad():
            seen = backbone.clip.encode_image(x, normalize=True)
        likeliest = (seen @ texts.T).argmax(1).tolist()
        for t, p in zip(cuts, likeliest, strict=True):
            hits.setdefault(t, []).append(p == int(vocabulary.part_of[t]))
    return {vocabulary.object_parts[t]: float(np.mean(found)) for t, found in sorted(hits.items())}


def close_ups(sample: Sample, pixels: int = 12) -> Iterator[tuple[int, Tensor]]:
    """(object part, square around all its labelled pixels, RGB uint8 `[1, 3, s, s]`) of a picture.

    Args:
        sample: a labelled picture.
        pixels: fewer labelled ones are passed over.
    """
    height, width = sample.part_map.shape
    ids, counts = np.unique(sample.part_map[sample.part_map != IGNORE], return_counts=True)
    for t in ids[counts >= pixels].tolist():
        rows, columns = np.nonzero(sample.part_map == t)
        extent = max(np.ptp(rows), np.ptp(columns)) + 1
        side = min(round(MARGIN * extent), height, width)
        middle = (rows.min() + rows.max()) // 2, (columns.min() + columns.max()) // 2
        top, left = (
            int(np.clip(at - side // 2, 0, whole - side))
            for at, whole in zip(middle, (height, width), strict=True)
        )
        cut = sample.image[top : top + side, left : left + side]
        yield t, torch.from_numpy(cut.copy()).permute(2, 0, 1)[None]
