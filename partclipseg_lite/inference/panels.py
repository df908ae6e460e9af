"""Pictures of answers: masks, attention or claims, a panel a model."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from scipy.ndimage import distance_transform_cdt

from ..datasets.sample import IGNORE
from ..figures.base import (
    INK,
    Picture,
    display_size,
    enlarge,
    new_picture,
    panel_ratio,
    show_image,
    styled,
    upscale_nearest,
)
from ..figures.maps import MISSING, NOTHING, ONE, OVERLAP, coverage_shares
from ..figures.palette import object_palette, part_palette
from ..vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary
from .asking import Answer, Decision, Question, claims_of, decide, question
from .gallery import Example, gallery

VIEWS = ("masks", "where a patch looks", "claims at γ")
LONGEST = 512  # pixels of a panel's longer side
WIDTH, TITLE = 8.0, 22  # inches of all panels together; characters of a line above one


@dataclass(eq=False)
class Scene:
    """A picture, what it is asked for, and how it is looked at.

    Attributes:
        image: RGB, `uint8 [H, W, 3]`.
        questions: Q of them.
        drawn: the names whose true masks are known.
        truth: number of the one of `drawn` that a pixel belongs to, -1 for none, `int [H, W]`;
            None for pictures that were not drawn here.
        view: of `VIEWS`.
        told: the objects are told.
        gamma: the threshold of claims.
        place: row and column of the patch, 0 to 1.
        chosen: number of the question whose attention is shown.
        opacity: of the masks, 0 to 1.
    """

    image: np.ndarray
    questions: tuple[Question, ...] = ()
    drawn: tuple[Question, ...] = ()
    truth: np.ndarray | None = None
    view: str = VIEWS[0]
    told: bool = False
    gamma: float = 0.3
    place: tuple[float, float] = (0.5, 0.5)
    chosen: int = 0
    opacity: float = 0.7
    answers: dict[str, Answer] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width at which it is shown: small ones are enlarged, large ones made less."""
        height, width = display_size(self.image.shape)
        scale = min(1.0, LONGEST / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def decision(self, title: str) -> Decision:
        """The masks of one model."""
        within = None if self.truth is None else upscale_nearest(self.truth, self.size) >= 0
        return decide(self.answers[title], self.size, self.told, within)


def colours_of(questions: Sequence[Question]) -> np.ndarray:
    """Colour of each question's mask, `uint8 [Q, 3]`: that of its part, else of its object."""
    drawn = Vocabulary.load("drawn")
    parts = [one.part or one.word for one in questions]
    objects = {obj: o for o, obj in enumerate(drawn.objects)}
    meant = [_canonical(part, drawn.parts, PART_SYNONYMS) for part in parts]
    owners = [_canonical(one.word or "", drawn.objects, OBJECT_SYNONYMS) for one in questions]
    known = Vocabulary.from_names({"object": list(dict.fromkeys(meant))})
    palette, of_objects = part_palette(known), object_palette(drawn)
    return np.array(
        [
            of_objects[objects[owner]]
            if owner in objects and part not in drawn.parts
            else palette[known.parts.index(part)]
            for part, owner in zip(meant, owners, strict=True)
        ],
        np.uint8,
    )


def _canonical(word: str, names: Sequence[str], synonyms: Mapping[str, Sequence[str]]) -> str:
    """The one of `names` that a word means, else the word."""
    key = word.lower()
    return next((n for n in names if key == n), None) or next(
        (n for n in names if key in synonyms.get(n, ())), key
    )


@styled
def panels(scene: Scene) -> Picture:
    """The picture once a model, with masks, attention or claims; the truth where it is known."""
    shown = [] if scene.truth is None else ["drawn truth"]
    shown += list(scene.answers)
    width = min(3.0, WIDTH / max(1, len(shown)))
    picture = new_picture(width * max(1, len(shown)), width * panel_ratio(scene.image) + 0.75)
    grid = picture.subplots(1, max(1, len(shown)), squeeze=False)[0]
    for axes, title in zip(grid, shown, strict=False):
        if title not in scene.answers:
            _show_truth(axes, scene, title)
        else:
            PAINTERS[scene.view](axes, scene, title)
    if not shown:
        show_image(grid[0], enlarge(scene.image, scene.size))
    picture.draw_without_rendering()  # or titles of several lines would lose their top
    return picture


def _titled(title: str, words: str = "") -> str:
    return "\n".join([*textwrap.wrap(title, TITLE), words])


def _show_truth(axes: Axes, scene: Scene, title: str) -> None:
    truth = upscale_nearest(scene.truth, scene.size)
    number = {one: d for d, one in enumerate(scene.drawn)}
    masks = np.stack([truth == number.get(one, IGNORE - 1) for one in scene.questions])
    _show_masks(axes, scene, masks, _titled(title))


def _masks(axes: Axes, scene: Scene, title: str) -> None:
    masks = scene.decision(title).masks
    found = int(masks.any((1, 2)).sum())
    _show_masks(axes, scene, masks, _titled(title, f"{found} of {len(masks)} found"))


def _show_masks(axes: Axes, scene: Scene, masks: np.ndarray, title: str) -> None:
    canvas = enlarge(scene.image, scene.size).astype(float)
    for mask, colour in zip(masks, colours_of(scene.questions), strict=True):
        canvas[mask] += scene.opacity * (colour - canvas[mask])
        edge = mask & ~(
            np.roll(mask, 1, 0) & np.roll(mask, -1, 0) & np.roll(mask, 1, 1) & np.roll(mask, -1, 1)
        )
        canvas[edge] *= 1 - 0.7 * scene.opacity
    show_image(axes, canvas.round().astype(np.uint8), title)
    for number, mask in enumerate(masks, start=1):
        if mask.any():
            axes.text(
                *deepest(mask),
                str(number),
                ha="center",
                va="center",
                weight="bold",
                color=INK,
                path_effects=[withStroke(linewidth=2.5, foreground="white")],
            )


def deepest(mask: np.ndarray) -> tuple[int, int]:
    """(x, y) of a pixel that lies as deep inside a mask as any."""
    depth = distance_transform_cdt(np.pad(mask, 1), "taxicab")[1:-1, 1:-1]
    y, x = np.unravel_index(depth.argmax(), mask.shape)
    return int(x), int(y)


def _gaze(axes: Axes, scene: Scene, title: str) -> None:
    answer = scene.answers[title]
    row, column = (min(answer.grid - 1, int(at * answer.grid)) for at in scene.place)
    looked = answer.gaze(scene.chosen, row * answer.grid + column)
    name = scene.questions[scene.chosen].name
    show_image(axes, _grey(scene), _titled(title, f"{name}, row {row + 1}, column {column + 1}"))
    height, width = scene.size
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    strength = 0.35 + 0.5 * looked / max(float(looked.max()), 1e-12)
    axes.imshow(looked, cmap="viridis", extent=extent, alpha=strength, interpolation="nearest")
    down, across = height / answer.grid, width / answer.grid
    for line, colour in ((3.5, INK), (1.5, "white")):
        x = [column * across - 0.5, (column + 1) * across - 0.5]
        y = [row * down - 0.5, (row + 1) * down - 0.5]
        axes.plot(
            [x[0], x[1], x[1], x[0], x[0]], [y[0], y[0], y[1], y[1], y[0]], color=colour, lw=line
        )


def _claims(axes: Axes, scene: Scene, title: str) -> None:
    objects = [one.obj for one in scene.questions if one.obj]
    if not objects:
        _masks(axes, scene, title)
        return
    answer = scene.answers[title]
    chosen = scene.questions[scene.chosen].obj or objects[0]
    found, claimed, on_object = claims_of(answer, scene.decision(title), chosen, scene.gamma)
    count = np.minimum(claimed.sum(0), OVERLAP)
    covered = np.where((count == NOTHING) & on_object, MISSING, count)
    shares = coverage_shares(covered)
    told = f"overlap {shares['overlap']:.0%}, missing {shares['missing']:.0%}"
    square, colours = (answer.grid, answer.grid), colours_of(scene.questions)
    canvas = _grey(scene).astype(float)
    codes = upscale_nearest(covered.reshape(square), scene.size)
    y, x = np.mgrid[: scene.size[0], : scene.size[1]]
    for q, claim in zip(found, claimed, strict=True):
        where = upscale_nearest(claim.reshape(square), scene.size) & (codes >= ONE)
        canvas[where] += 0.78 * (colours[q] - canvas[where])
    canvas[(codes == OVERLAP) & ((x + y) % 8 < 3)] *= 0.1
    canvas[codes == MISSING] *= 0.25
    show_image(axes, canvas.round().astype(np.uint8), _titled(title, f"{chosen}: {told}"))


def _grey(scene: Scene) -> np.ndarray:
    grey = 255 - 0.6 * (255 - enlarge(scene.image, scene.size).mean(-1, keepdims=True))
    return np.repeat(grey, 3, -1).round().astype(np.uint8)


PAINTERS: dict[str, Callable[[Axes, Scene, str], None]] = dict(
    zip(VIEWS, (_masks, _gaze, _claims), strict=True)
)


@cache
def examples() -> dict[str, Example]:
    """The gallery's pictures by their labels."""
    return {f"{example.title}, {example.kind}": example for example in gallery()}


def example_scene(label: str) -> Scene:
    """The scene of a picture of the gallery, asked for its objects' parts."""
    example, vocabulary = examples()[label], Vocabulary.load("drawn")
    truth = np.full(example.sample.part_map.shape, IGNORE)
    for number, name in enumerate(example.names):
        truth[example.sample.part_map == vocabulary.index(name)] = number
    names = tuple(map(question, example.names))
    return Scene(example.sample.image, names, names, truth)
