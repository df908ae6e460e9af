"""What the laboratory shows where nothing moves: in print, and without JavaScript."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image

from ..losses.attention_control import normalise_maps
from .base import (
    FAINT,
    INK,
    Picture,
    enlarge,
    legend_of,
    new_picture,
    panel_ratio,
    show_image,
    styled,
    to_png_bytes,
    upscale_nearest,
)
from .maps import COVERAGE_COLOURS, MISSING, NOTHING, ONE, OVERLAP, coverage_shares

CELL = 20  # pixels of a patch in the picture
GAMMAS = np.round(np.arange(0.02, 0.99, 0.02), 2)  # thresholds of every curve
MARKS, SIGNS = "ooDs", "○●◆■"  # of a model: in the curves, in titles
DASHES = "--", "-", ":", "-."


class Seen(Protocol):
    """What of a `laboratory.Scene` is drawn."""

    title: str
    image: np.ndarray
    parts: tuple[str, ...]
    on_object: np.ndarray
    side: int
    gazes: dict


def static_picture(scene: Seen, gamma: float, colours: Sequence[str]) -> tuple[bytes, str]:
    """(WebP, what it shows in words): claims of each model, and the trade-off."""
    shares = {model: _shares(_normalised(scene, model), gamma, scene) for model in scene.gazes}
    told = "; ".join(
        f"{model}, {one['overlap']:.0%} overlap and {one['missing']:.0%} missing"
        for model, one in shares.items()
    )
    caption = (
        f"The parts of a {scene.title} and the places that they claim at γ = {gamma:.2f}: {told}. "
        "Overlap is hatched, missing places are dark. The curves show overlap against missing "
        "places at every γ."
    )
    png = to_png_bytes(_drawn(scene, gamma, colours, shares), 2)
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as opened:
        opened.convert("RGB").save(buffer, format="webp", quality=82, method=6)
    return buffer.getvalue(), caption


def draw_trade(axes: Axes, paths: Mapping[str, np.ndarray], gamma: float) -> list[Line2D]:
    """Overlap against missing places, a line a model, marked at `gamma`; a handle for each.

    Args:
        axes: where to draw.
        paths: model -> float `[len(GAMMAS), 2]`, overlap and missing, shares.
        gamma: the one of GAMMAS that is marked.
    """
    at = int(np.abs(GAMMAS - gamma).argmin())
    handles = []
    for number, (mark, dash, path) in enumerate(zip(MARKS, DASHES, paths.values(), strict=False)):
        overlap, missing = 100 * np.asarray(path).T
        hollow = number == 0 and len(paths) > 1
        look = {"color": INK, "markerfacecolor": "white" if hollow else INK}
        axes.plot(missing, overlap, dash, color=INK, linewidth=1.2)
        handles += axes.plot(missing[at], overlap[at], mark, **look)
    axes.set(xlabel="missing, %", ylabel="overlap, %", xlim=(0, 100), ylim=(0, 100))
    return handles


@styled
def _drawn(scene: Seen, gamma: float, colours: Sequence[str], shares: dict) -> Picture:
    panel, count = 2.3, len(scene.gazes) + 1
    picture = new_picture(panel * count + 0.3, panel * panel_ratio(scene.image) + 0.95)
    axes = picture.subplots(1, count)
    signs = SIGNS if len(shares) > 1 else " "
    for place, sign, (model, of_model) in zip(axes, signs, shares.items(), strict=False):
        text = (
            f"{sign} {model}\noverlap {of_model['overlap']:.0%}, missing {of_model['missing']:.0%}"
        )
        show_image(place, _claimed(scene, _normalised(scene, model), gamma, colours), text)
    paths = {model: _path(_normalised(scene, model), scene) for model in scene.gazes}
    draw_trade(axes[-1], paths, gamma)
    axes[-1].set_title("every γ at once,\nmarked at this one")
    handles = [Patch(facecolor=colour, edgecolor=FAINT) for colour in colours]
    names = {"fontsize": 8, "handlelength": 1, "handleheight": 1}
    legend_of(
        picture, handles, scene.parts, loc="outside lower center", ncols=len(handles), **names
    )
    picture.draw_without_rendering()
    return picture


def _normalised(scene: Seen, model: str) -> np.ndarray:
    """A^norm of the paper's reading, last block, mean of the heads, after all steps: [K, N]."""
    last = scene.gazes[model][max(scene.gazes[model])].maps["paper"][-1].mean(0)
    return normalise_maps(torch.as_tensor(last), scene.side).numpy()


def _codes(normalised: np.ndarray, gamma: float, scene: Seen) -> np.ndarray:
    """What `coverage` says of each place, int [N]."""
    codes = np.minimum((normalised >= gamma).sum(0), OVERLAP)
    return np.where((codes == NOTHING) & scene.on_object, MISSING, codes)


def _shares(normalised: np.ndarray, gamma: float, scene: Seen) -> dict[str, float]:
    return coverage_shares(_codes(normalised, gamma, scene))


def _path(normalised: np.ndarray, scene: Seen) -> np.ndarray:
    """Overlap and missing at every one of GAMMAS, float [n, 2]."""
    return np.array([list(_shares(normalised, one, scene).values()) for one in GAMMAS])


def _claimed(
    scene: Seen, normalised: np.ndarray, gamma: float, colours: Sequence[str]
) -> np.ndarray:
    """The picture in grey; claims in the colours of the strongest part, overlap hatched."""
    size = (CELL * scene.side, CELL * scene.side)
    codes = upscale_nearest(_codes(normalised, gamma, scene).reshape(scene.side, -1), size)
    strongest = normalised.argmax(0).reshape(scene.side, -1)
    palette = np.array([[int(code[i : i + 2], 16) for i in (1, 3, 5)] for code in colours])
    grey = 255 - 0.6 * (255 - enlarge(scene.image, size).mean(-1, keepdims=True))
    canvas = np.broadcast_to(grey, (*size, 3)).copy()
    claimed = codes >= ONE
    canvas[claimed] += 0.7 * (palette[upscale_nearest(strongest, size)] - canvas)[claimed]
    y, x = np.mgrid[: size[0], : size[1]]
    canvas[(codes == OVERLAP) & ((x + y) % 8 < 3)] = 20
    dark = np.array([int(COVERAGE_COLOURS[MISSING][i : i + 2], 16) for i in (1, 3, 5)])
    canvas[codes == MISSING] += 0.75 * (dark - canvas[codes == MISSING])
    return canvas.round().clip(0, 255).astype(np.uint8)
