"""What a CLIP names rightly when it is shown a single part, large: is a word not known at all?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..datasets.sample import IGNORE, Sample
from ..network.backbone import Backbone
from ..vocabulary import Vocabulary
from .intervals import Interval, bootstrap

#: Side of a close-up, in sides of the part's box: some of what is around helps to tell.
MARGIN = 1.4


class CloseUp(NamedTuple):
    """A square of a picture around all labelled pixels of one of its object parts.

    Attributes:
        part: id of the object part.
        image: RGB, uint8 `[1, 3, s, s]`.
        part_map: what is labelled in the square, int `[s, s]`; other parts, too.
    """

    part: int
    image: Tensor
    part_map: np.ndarray


class Answer(NamedTuple):
    """What CLIP said of one close-up.

    Attributes:
        picture: index of the picture that it is cut from.
        part: id of the object part that is asked for.
        named: id of the generalized part that CLIP names.
        covers: share of the labelled pixels that each generalized part has, float `[P]`.
    """

    picture: int
    part: int
    named: int
    covers: np.ndarray


def photo_of(part: str) -> str:
    """The caption of a close-up, such as "a photo of an eye"."""
    return f"a photo of {'an' if part[0] in 'aeiou' else 'a'} {part}"


def answers(
    backbone: Backbone,
    samples: Iterable[Sample],
    vocabulary: Vocabulary,
    pixels: int = 12,
    caption: Callable[[str], str] = photo_of,
) -> list[Answer]:
    """Which generalized part CLIP names in each close-up.

    It is asked for all generalized parts, as "a photo of a wheel", and not for the object.

    Args:
        backbone: of the CLIP that is asked.
        samples: labelled pictures.
        vocabulary: of their labels.
        pixels: a part with fewer labelled ones in a picture is no close-up.
        caption: generalized part -> the text that stands for it.
    """
    texts = F.normalize(
        backbone.embed_text([caption(part) for part in vocabulary.parts]), dim=-1
    )  # (P, E)
    said = []
    for picture, sample in enumerate(samples):
        cuts = list(close_ups(sample, pixels))
        if not cuts:
            continue
        x = torch.cat([backbone.preprocess(cut.image) for cut in cuts])
        with torch.no_grad():
            seen = backbone.clip.encode_image(x, normalize=True)
        for cut, named in zip(cuts, (seen @ texts.T).argmax(1).tolist(), strict=True):
            labels = vocabulary.part_of[cut.part_map[cut.part_map != IGNORE]]
            counted = np.bincount(labels, minlength=len(vocabulary.parts))
            said.append(Answer(picture, cut.part, named, counted / counted.sum()))
    return said


def named_close_ups(said: Iterable[Answer], vocabulary: Vocabulary) -> dict[str, float]:
    """Object part -> share of its close-ups that CLIP names with the right part, 0 to 1.

    Without the object parts of which there is no close-up.
    """
    hits: dict[int, list[bool]] = {}
    for one in said:
        hits.setdefault(one.part, []).append(one.named == int(vocabulary.part_of[one.part]))
    return {vocabulary.object_parts[t]: float(np.mean(found)) for t, found in sorted(hits.items())}


def named_by_cover(
    said: Sequence[Answer],
    vocabulary: Vocabulary,
    bounds: Sequence[float] = (0, 0.2, 0.4, 0.6, 0.8, 1),
) -> dict[str, dict[str, Interval]]:
    """How often CLIP names the part that is asked for, by how much of the close-up it covers.

    Args:
        said: `answers` of all pictures.
        vocabulary: of their labels.
        bounds: of the groups, as shares of the labelled pixels.

    Returns:
        "asked for" (the right one) and "in view" (any that the close-up shows) -> group, such as
        "20 to 40 %", and "all" -> share of the close-ups, 0 to 1, with its interval over pictures.

    Raises:
        ValueError: no answers.
    """
    if not said:
        raise ValueError("no close-up was answered; give pictures with labelled parts")
    groups = [f"{100 * a:.0f} to {100 * b:.0f} %" for a, b in zip(bounds, bounds[1:], strict=False)]
    groups.append("all")
    counts = np.zeros((max(one.picture for one in said) + 1, len(groups), 3))
    for one in said:
        asked = int(vocabulary.part_of[one.part])
        group = np.searchsorted(bounds[1:-1], one.covers[asked], side="right")
        counts[one.picture, [group, -1]] += [1, one.named == asked, one.covers[one.named] > 0]
    counts = counts[counts[:, -1, 0] > 0]
    names = {"asked for": 1, "in view": 2}

    def shares(totals: np.ndarray) -> dict[str, np.ndarray]:
        shown = np.where(totals[..., 0] > 0, totals[..., 0], np.nan)
        return {
            f"{name} {group}": totals[..., k, at] / shown[..., k]
            for name, at in names.items()
            for k, group in enumerate(groups)
        }

    found = bootstrap(counts, shares)
    return {name: {group: found[f"{name} {group}"] for group in groups} for name in names}


def mistaken_in_view(said: Iterable[Answer], vocabulary: Vocabulary) -> tuple[float, float]:
    """Of the wrong names, the share that are of a part in view, 0 to 1; and that by chance.

    By chance: with the same wrong names dealt out anew among these close-ups, on average. Both are
    NaN where no name is wrong.
    """
    wrong = [one for one in said if one.named != int(vocabulary.part_of[one.part])]
    if not wrong:
        return float("nan"), float("nan")
    shown = np.stack([one.covers > 0 for one in wrong])[:, [one.named for one in wrong]]
    return float(np.diag(shown).mean()), float(shown.mean())


def close_ups(sample: Sample, pixels: int = 12) -> Iterator[CloseUp]:
    """The close-ups of a picture, one of each object part in it.

    Args:
        sample: a labelled picture.
        pixels: a part with fewer labelled ones is passed over.
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
        square = np.s_[top : top + side, left : left + side]
        image = torch.from_numpy(sample.image[square].copy()).permute(2, 0, 1)[None]
        yield CloseUp(t, image, sample.part_map[square])
