"""One colour a generalized part: a head has the same on every animal, in every figure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ..vocabulary import Vocabulary, available

#: Chosen by hand for the parts met most often; all others keep far from these and each other.
ANCHORS = {
    "head": "#e6550d",
    "torso": "#3f8fd2",
    "leg": "#2ca25f",
    "tail": "#d95fb5",
    "neck": "#8c6bd1",
    "ear": "#a6761d",
    "muzzle": "#f2a7c3",
    "wing": "#f2c530",
    "eye": "#14e0d8",
    "beak": "#a50f4b",
    "horn": "#b6e035",
    "wheel": "#6a3d9a",
    "window": "#8fd3f4",
    "body": "#4c6fb1",
    "door": "#c7522a",
}
#: The rest as they get their colour: what meets in one object should differ most.
ORDER = (
    "headlight",
    "roof",
    "side",
    "front",
    "back",
    "handlebar",
    "saddle",
    "chainwheel",
    "engine",
    "hair",
    "arm",
    "foot",
    "cap",
    "pot",
    "plant",
    "mirror",
    "license plate",
    "paw",
    "hoof",
    "nose",
    "mouth",
    "hand",
    "seat",
    "top",
    "drawer",
)


def part_palette(vocabulary: Vocabulary) -> np.ndarray:
    """Colours of the generalized parts, `uint8 [P, 3]`, in the order of `vocabulary.parts`.

    A part name has the same colour in all shipped vocabularies. Names that none of them has get
    further colours in alphabetical order.
    """
    known = _known_parts()
    unknown = tuple(part for part in vocabulary.parts if part not in known)
    colours = _colours(known + unknown)
    return np.array([colours[part] for part in vocabulary.parts], np.uint8).reshape(-1, 3)


def object_palette(vocabulary: Vocabulary) -> np.ndarray:
    """Colours of the objects, `uint8 [O, 3]`.

    Golden-angle steps around the hue circle, two lightnesses.
    """
    turn = np.arange(len(vocabulary.objects)) * 0.381966
    lightness = np.where(np.arange(len(turn)) % 2, 0.62, 0.48)[:, None]
    hue = (turn[:, None] * 6 + np.array([0, 4, 2])) % 6
    pure = np.clip(np.abs(hue - 3) - 1, 0, 1)  # [O, 3] fully saturated
    colours = lightness + 0.75 * (pure - 0.5) * (1 - np.abs(2 * lightness - 1))
    return np.round(255 * colours).astype(np.uint8)


@lru_cache(maxsize=1)
def _known_parts() -> tuple[str, ...]:
    shipped = {part for name in available() for part in Vocabulary.load(name).parts}
    return tuple(dict.fromkeys([*ANCHORS, *ORDER, *sorted(shipped)]))


@lru_cache(maxsize=8)
def _colours(parts: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Colour of each part: anchors, then farthest-first in CIELAB.

    The choice is among colours that show on pictures.
    """
    levels = np.linspace(0, 255, 14).round()
    candidates = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lab = _cielab(candidates)
    chroma = np.hypot(lab[:, 1], lab[:, 2])
    strong = (lab[:, 0] > 38) & (lab[:, 0] < 86) & (chroma > 26) & (chroma < 78)
    candidates, lab = candidates[strong], lab[strong]
    chosen = {
        part: np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)])
        for part, code in ANCHORS.items()
    }
    distance = np.min(
        [np.linalg.norm(lab - _cielab(colour), axis=1) for colour in chosen.values()], axis=0
    )
    for part in parts:
        if part not in chosen:
            farthest = int(distance.argmax())
            chosen[part] = candidates[farthest]
            distance = np.minimum(distance, np.linalg.norm(lab - lab[farthest], axis=1))
    return chosen


def _cielab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB coordinates (D65) of sRGB values 0..255.

    There distance is about how different colours look.
    """
    value = np.asarray(rgb, float) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array(
        [[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]
    )
    scaled = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    x, y, z = scaled[..., 0], scaled[..., 1], scaled[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], -1)
