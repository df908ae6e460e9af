"""The laboratory of attention control: a picture, its claims and the losses, moved by the reader.

One piece of HTML with its own JavaScript, style and data: the same in the book, in Jupyter, in VS
Code and in Colab, without a kernel and without a network. `evaluation.laboratory` finds with a
model what it shows; `web/README.md` tells how the data are written and how a control is added.
Letters: K parts of one object; N = side x side patches.
"""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from PIL import Image

from ..vocabulary import Vocabulary
from .base import checked_floats, checked_number, enlarge
from .laboratory_picture import static_picture
from .palette import part_palette

# Of a map's values: in the last block, in others, before the last step.
LAST_BLOCK_BITS, OTHER_BITS, EARLY_BITS = 10, 7, 6
UNIT = 2 / 65535  # of the ends between which a map's values are counted
MOST_MODELS = 4  # so many signs and lines there are
ROW_LEVELS = 5  # of where one patch looks, a square root apart: it is drawn, never measured
READINGS = "paper", "released"
MODULES = (
    "attention",
    "data",
    "elements",
    "state",
    "grids",
    "laboratory",
)  # each uses those before it

PLAIN = str.maketrans("<>&`", ".,:/")  # of base85


@dataclass(frozen=True, eq=False)
class Gaze:
    """Where one model looks for the parts of a scene's object.

    Attributes:
        maps: "paper" and "released" -> Eq. 6 in that reading, for every decoder block and head
            that is known, the last block last: float `[blocks, heads, K, N]`, 0 to 2.
        rows: where each patch looks, for the part that covers most of it: float `[N, N]`, 0 to 2;
            0 for patches without a part. None if it is not to be shown.
    """

    maps: Mapping[str, np.ndarray]
    rows: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """One object in one picture, its true parts on the grid, and where models look for them.

    Attributes:
        title: what the reader chooses, such as "dog".
        kind: what is said of it, such as "novel".
        image: RGB, `uint8 [H, W, 3]`.
        parts: names of the K generalized parts.
        own: which patches each part covers, `bool [K, N]`.
        holder: the part that covers most of each patch, -1 where none does, `int [N]`.
        on_object: which patches are the object's, `bool [N]`.
        within: the same as the release finds it, from each cell's corner pixel, `bool [N]`.
        corners: how many corner pixels lie on each part, `int [K]`.
        gazes: model -> step of its training -> `Gaze`. The last step carries all blocks and
            heads; earlier ones may do with the mean of the heads of the last block.
    """

    title: str
    kind: str
    image: np.ndarray
    parts: tuple[str, ...]
    own: np.ndarray
    holder: np.ndarray
    on_object: np.ndarray
    within: np.ndarray
    corners: np.ndarray
    gazes: Mapping[str, Mapping[int, Gaze]]

    @property
    def side(self) -> int:
        """Side of the grid of patches."""
        return round(self.own.shape[1] ** 0.5)


class Laboratory:
    """HTML that shows itself in a notebook.

    Attributes:
        data: what is embedded, as JSON text.
    """

    def __init__(self, data: str, fallback: str):
        self.data, self._fallback = data, fallback

    def __repr__(self) -> str:
        return f"Laboratory of {len(self.data) / 1000:.0f} kB; its HTML shows it"

    def _repr_html_(self) -> str:
        """The output of a cell."""
        mark = "laboratory-" + hashlib.sha256(self.data.encode()).hexdigest()[:12]
        return (
            f'<div class="pcl-lab" data-laboratory="{mark}">\n'
            f"<style>{web('laboratory.css')}</style>"
            f'\n{self._fallback}\n<script type="application/json">{self.data}</script>\n'
            f"<script>{script(mark)}</script>\n</div>"
        )

    def page(self, title: str = "Attention control: a laboratory") -> str:
        """A whole page with nothing but the laboratory, to be stored as a file."""
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{html.escape(title)}</title>\n</head>\n"
            f"<body>\n<main>\n<h1>{html.escape(title)}</h1>\n{self._repr_html_()}\n</main>\n"
            "</body>\n</html>\n"
        )


def laboratory(
    scenes: Sequence[Scene],
    *,
    gamma: float = 0.3,
    temperature: float = 0.05,
    written: bool = True,
    start: str | None = None,
    vocabulary: Vocabulary | None = None,
) -> Laboratory:
    """The laboratory of these scenes.

    Args:
        scenes: what `evaluation.laboratory` finds; all with the same models.
        gamma: the threshold at first.
        temperature: that of the soft form at first.
        written: whether a grid of 4 x 4 comes with them, on which the reader paints attention.
        start: title of the scene at first; the first scene without it.
        vocabulary: gives the parts the colours that they have in all other figures.

    Raises:
        ValueError: no scene, scenes of different models or of more than four, an unknown `start`,
            maps that are not finite or lie outside 0..2.
    """
    scenes = list(scenes)
    models = _models(scenes)
    titles = [scene.title for scene in scenes]
    first = titles[0] if start is None else start
    if first not in titles:
        raise ValueError(f"{first!r} is no scene; there are {', '.join(titles)}")
    numbers = {
        "gamma": round(checked_number(gamma, "gamma", 0.01, 0.99), 2),
        "tau": checked_number(temperature, "temperature", 1e-3, 1),
    }
    blob = Blob()
    contents = {
        **numbers,
        "models": models,
        "start": titles.index(first),
        "scenes": [_described(scene, blob, vocabulary) for scene in scenes],
        "written": WRITTEN | {"colours": _colours(WRITTEN["parts"], vocabulary)}
        if written
        else None,
        **blob.text(),
    }
    # "<" would end the script that holds the text.
    data = json.dumps(contents, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    scene = scenes[titles.index(first)]
    return Laboratory(data, _fallback(scene, numbers["gamma"], vocabulary))


# ---- the data

#: The grid on which the reader paints: cells (row, column) of the two parts.
HEAD, TORSO = [(0, 0), (0, 1)], [(1, 1), (1, 2), (2, 1), (2, 2)]
WRITTEN = {
    "title": "4 × 4",
    "side": 4,
    "parts": ["head", "torso"],
    "object": "dog",
    "own": [[4 * r + c for r, c in cells] for cells in (HEAD, TORSO)],
}


def _written(vocabulary: Vocabulary | None) -> dict:
    return WRITTEN | {"colours": _colours(WRITTEN["parts"], vocabulary)}


class Blob:
    """Arrays of numbers one after the other, compressed, as text."""

    def __init__(self):
        self._bytes = bytearray()

    def add(self, array: np.ndarray) -> int:
        """Appends an array of one or two bytes a number; the place where it begins.

        Of two bytes, all lower ones come first, then all upper ones: so they compress better.
        """
        at, array = len(self._bytes), np.ascontiguousarray(array)
        planes = array.reshape(-1).astype(f"<u{array.itemsize}").view(np.uint8)
        self._bytes += planes.reshape(-1, array.itemsize).T.tobytes()
        return at

    def text(self) -> dict[str, str | int]:
        """zlib's form of all bytes, in base85 with letters that HTML leaves alone; its length."""
        packed = zlib.compress(bytes(self._bytes), 9)
        letters = base64.b85encode(packed, pad=True).decode("ascii").translate(PLAIN)
        return {"blob": letters, "bytes": len(packed)}


def rounded(maps: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """(codes uint16 as `maps`, ends uint16 `[..., 2]`) of maps `[..., N]` from 0 to 2.

    A map's values lie between its ends, in units of UNIT: code 0 is the lower one, 2^bits - 1 the
    upper one.
    """
    low, high = np.floor(maps.min(-1) / UNIT), np.ceil(maps.max(-1) / UNIT)
    step = (high - low)[..., None] * UNIT / (2**bits - 1)
    above = maps - low[..., None] * UNIT
    codes = np.divide(above, step, out=np.zeros_like(above, dtype=float), where=step > 0)
    return np.rint(codes).astype(np.uint16), np.stack([low, high], -1).astype(np.uint16)


def restored(codes: np.ndarray, ends: np.ndarray, bits: int) -> np.ndarray:
    """The maps that the page makes of `rounded` ones."""
    low, high = (ends[..., end, None] * UNIT for end in (0, 1))
    return low + codes / (2**bits - 1) * (high - low)


def _described(scene: Scene, blob: Blob, vocabulary: Vocabulary | None) -> dict:
    """One scene as JSON, its arrays in the blob."""
    return {
        "title": scene.title,
        "kind": scene.kind,
        "image": _picture(scene.image),
        "side": scene.side,
        "parts": list(scene.parts),
        "colours": _colours(scene.parts, vocabulary),
        "own": blob.add(scene.own.astype(np.uint8)),
        "holder": blob.add((scene.holder + 1).astype(np.uint8)),
        "onObject": blob.add(scene.on_object.astype(np.uint8)),
        "within": blob.add(scene.within.astype(np.uint8)),
        "corners": [int(count) for count in scene.corners],
        "gazes": [
            [
                _gaze(scene, step, gaze, blob, early=step != max(of_model))
                for step, gaze in sorted(of_model.items())
            ]
            for of_model in scene.gazes.values()
        ],
    }


def _gaze(scene: Scene, step: int, gaze: Gaze, blob: Blob, early: bool) -> dict:
    blocks, heads = gaze.maps["paper"].shape[:2]
    described = {"step": int(step), "heads": heads}
    for reading in READINGS:
        maps = checked_floats(gaze.maps[reading], f"the {reading} maps of {scene.title!r}")
        maps = maps.astype(float) * _per_corner(scene, reading)
        if maps.min() < 0 or maps.max() > 2 + 1e-4:
            raise ValueError(
                f"the {reading} maps of {scene.title!r} reach from {maps.min():.3g} to "
                f"{maps.max():.3g}; sums of two attentions lie in 0..2"
            )
        described[reading] = []
        for block, values in enumerate(maps.clip(0, 2)):
            bits = LAST_BLOCK_BITS if block == blocks - 1 else OTHER_BITS
            bits = EARLY_BITS if early else bits
            codes, ends = rounded(values, bits)
            codes = codes.astype(np.uint8) if bits <= 8 else codes
            described[reading].append({"bits": bits, "at": [blob.add(ends), blob.add(codes)]})
    if gaze.rows is not None:
        levels = np.sqrt(gaze.rows.clip(0, 2) / max(float(gaze.rows.max()), 1e-9)) * ROW_LEVELS
        described["rows"] = blob.add(np.rint(levels).astype(np.uint8))
    return described


def _per_corner(scene: Scene, reading: str) -> np.ndarray | float:
    """What makes released maps means over the part's corner pixels, `[K, 1]`.

    The release has half of a sum over them, divided by all places.
    """
    if reading == "paper":
        return 1.0
    return 2 * scene.own.shape[1] / np.maximum(scene.corners, 1)[:, None]


def _models(scenes: Sequence[Scene]) -> list[str]:
    if not scenes:
        raise ValueError("a laboratory needs at least one scene")
    models = list(scenes[0].gazes)
    if not 1 <= len(models) <= MOST_MODELS:
        raise ValueError(f"a laboratory shows 1 to {MOST_MODELS} models, got {len(models)}")
    for scene in scenes:
        if list(scene.gazes) != models:
            raise ValueError(
                f"{scene.title!r} was looked at by {', '.join(scene.gazes)}, {scenes[0].title!r} "
                f"by {', '.join(models)}; all scenes need the same models"
            )
    return models


def _picture(image: np.ndarray, longest: int = 336) -> str:
    """A picture as a data address: WebP, its longer side at most so many pixels."""
    scale = min(1.0, longest / max(image.shape[:2]))
    small = enlarge(image, tuple(max(1, round(side * scale)) for side in image.shape[:2]))
    buffer = io.BytesIO()
    Image.fromarray(small).save(buffer, format="webp", quality=80, method=6)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _colours(parts: Sequence[str], vocabulary: Vocabulary | None) -> list[str]:
    if vocabulary is None or not set(parts) <= set(vocabulary.parts):
        vocabulary = Vocabulary.from_names({"object": list(parts)})
    palette = part_palette(vocabulary)
    return ["#" + palette[vocabulary.parts.index(part)].tobytes().hex() for part in parts]


# ---- the page


def web(name: str) -> str:
    """The text of a file in `web`."""
    return files(__package__).joinpath("web", name).read_text(encoding="utf-8")


def script(mark: str) -> str:
    """The laboratory's JavaScript for the elements with this `data-laboratory`."""
    return bundled(MODULES, f"mountAll({json.dumps(mark)});")


def bundled(names: Sequence[str], call: str) -> str:
    """Modules of `web`, each after those that it uses, as one function that is called at once.

    It ends with `call` of what the last one exports.

    Pages that are files, and outputs of cells, cannot import modules: each becomes a function that
    gives what it exports.
    """
    modules = "\n".join(_module(name, web(f"{name}.js")) for name in names)
    return f'(() => {{\n"use strict";\n{modules}\n{names[-1]}_js.{call}\n}})();'


def _module(name: str, text: str) -> str:
    text = re.sub(
        r"^import (\{[^}]*\}) from \"\./(\w+)\.js\";$",
        r"const \1 = \2_js;",
        text,
        flags=re.MULTILINE,
    )
    exported = re.compile(r"^export (?=(?:async )?(?:function|const) (\w+))", re.MULTILINE)
    names = ", ".join(exported.findall(text))
    return f"const {name}_js = (() => {{\n{exported.sub('', text)}return {{ {names} }};\n}})();"


def _fallback(scene: Scene, gamma: float, vocabulary: Vocabulary | None) -> str:
    """The static figure that print and pages without JavaScript show, with its caption."""
    picture, told = static_picture(scene, gamma, _colours(scene.parts, vocabulary))
    address = "data:image/webp;base64," + base64.b64encode(picture).decode("ascii")
    text = html.escape(told)
    return (
        f'<figure class="pcl-static"><img src="{address}" alt="{text}">'
        f"<figcaption>{text}</figcaption></figure>"
    )
