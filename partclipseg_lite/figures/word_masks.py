"""One picture and a row of choices: words or blocks; the chosen map lies over the picture."""

from __future__ import annotations

import base64
import io
import itertools
from collections.abc import Iterator, Mapping
from html import escape

import numpy as np
from PIL import Image

from .base import FAINT, SEEN, UNSEEN, as_rgb, checked_floats

COARSE = 32  # up to so many cells a side are shown as cells
_numbers = itertools.count()

STYLE = """
#{id} {{margin: .5rem 0 1rem; border: 0; padding: 0}}
#{id} legend {{font-size: 1em; padding: 0; margin: 0 0 .4rem}}
#{id} input {{position: absolute; opacity: 0; pointer-events: none}}
#{id} label {{display: inline-block; min-height: 2.75rem; line-height: 2.6rem;
  margin: 0 .3rem .3rem 0; padding: 0 .8rem; cursor: pointer;
  border: 1.5px solid {faint}; border-radius: 1.4rem}}
#{id} input:checked + label {{background: {colour}; border-color: {colour}; color: #fff}}
#{id} input:focus-visible + label {{outline: 3px solid {focus}; outline-offset: 2px}}
#{id} .stack {{position: relative; line-height: 0; max-width: {side}px}}
#{id} .stack img {{width: 100%; height: auto; max-width: none; background: none}}
#{id} .stack img + img {{position: absolute; left: 0; top: 0; display: none}}
{shown} {{display: block !important}}
"""


class WordMasks:
    """A static figure that answers to the reader without any script; for `display`.

    Each word is a radio button, and style rules show the mask of the checked one. Its masks were
    computed when the figure was made.

    Args:
        image: picture as `figures.base.as_rgb` takes it.
        masks: word -> probabilities in 0..1, `float [h, w]` of the same shape of picture.
        ask: what stands before the choices.
        side: pixels of the picture's longer side on the page.
        map_side: pixels of the longer side of a mask that is kept.
        painted: choice -> the picture otherwise painted, as `image`; these choices come first.

    Raises:
        ValueError: there are no masks.
    """

    def __init__(
        self,
        image,
        masks: Mapping[str, np.ndarray],
        ask: str = "Choose a word:",
        side: int = 420,
        map_side: int = 128,
        painted: Mapping | None = None,
    ):
        if not masks:
            raise ValueError("no masks to show; give at least one word")
        self.image, self.ask, self.side, self.map_side = as_rgb(image), ask, side, map_side
        self.painted = {choice: as_rgb(picture) for choice, picture in (painted or {}).items()}
        self.masks = {
            word: checked_floats(mask, f"the mask of {word!r}") for word, mask in masks.items()
        }

    def __repr__(self) -> str:
        return f"WordMasks of {', '.join(self.masks)}"

    def _repr_html_(self) -> str:
        name = f"word-masks-{next(_numbers)}"
        chips, layers, rules = [], [], []
        for k, (word, said, edges, layer) in enumerate(self._layers()):
            checked = " checked" if k == 0 else ""
            chips.append(
                f'<input type="radio" name="{name}" id="{name}-{k}"{checked}>'
                f'<label for="{name}-{k}">{escape(word)}</label>'
            )
            layers.append(
                f'<img class="m{k}" alt="{escape(said)}" style="image-rendering: {edges}" '
                f'src="{layer}">'
            )
            rules.append(f"#{name}-{k}:checked ~ .stack img.m{k}")
        style = STYLE.format(
            id=name, side=self.side, colour=SEEN, faint=FAINT, focus=UNSEEN, shown=",\n".join(rules)
        )
        return (
            f'<style>{style}</style><fieldset id="{name}"><legend>{escape(self.ask)}</legend>'
            f"{''.join(chips)}"
            f'<div class="stack"><img alt="The picture" src="{_picture(self.image, self.side)}">'
            f"{''.join(layers)}</div></fieldset>"
        )

    def _layers(self) -> Iterator[tuple[str, str, str, str]]:
        """Of each choice its word, what it shows, how its pixels are drawn, and its image."""
        for word, picture in self.painted.items():
            yield word, f"The picture with {word} painted", "auto", _picture(picture, self.side)
        for word, mask in self.masks.items():
            edges = "pixelated" if max(mask.shape) <= COARSE else "auto"
            said = f"Clear where the map of “{word}” is high"
            yield word, said, edges, _layer(mask, self.map_side)


def _data(image: Image.Image, form: str, **options) -> str:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    kind = form.lower()
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _picture(image: np.ndarray, side: int) -> str:
    picture = Image.fromarray(image)
    picture.thumbnail((2 * side, 2 * side))
    return _data(picture, "WEBP", quality=85)


def _layer(mask: np.ndarray, side: int) -> str:
    """Fog where the model sees nothing, clear where it is sure: there the picture shows."""
    haze = Image.fromarray(np.uint8(np.round(225 * (1 - np.clip(mask, 0, 1)))))
    haze.thumbnail((side, side))
    paper = Image.new("L", haze.size, 255)
    return _data(Image.merge("LA", (paper, haze)), "PNG", optimize=True)
