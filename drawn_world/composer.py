"""One drawn picture: choose objects and scene, place, draw far to near, record what is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from drawn_world import names
from drawn_world.objects import Kind, kinds
from drawn_world.picture import Item, PartInPicture, Picture
from drawn_world.renderer import NOTHING, render
from drawn_world.scenes import draw_scene
from drawn_world.scenes.placement import (
    FRAMINGS,
    SHIFTED_FRAMINGS,
    Placement,
    frame_main,
    place_beside,
    shadow,
)

SHIFTED_SCENES = ("night", "forest", "studio")
# Animals keep believable coats in the shifted split, too; of these, every one can wear the first
# five.
COATS = ("black", "white", "grey", "brown", "cream", "tan", "orange")
OBJECTS_IN_PICTURE = (0.72, 0.23, 0.05)  # probability of one, two and three
SAME_KIND = 0.3  # probability that a further object is of the kind of the first


@dataclass(frozen=True)
class _Planned:
    obj: str
    colour: str
    placement: Placement


class Composer:
    """What draws one picture.

    Each concern has a random stream of its own, so that none depends on the size.
    """

    def __init__(
        self,
        objects: Sequence[str],
        size: int,
        sequence: np.random.SeedSequence,
        shifted: bool = False,
    ):
        self.objects, self.size, self.shifted = objects, size, shifted
        self.kinds = kinds()
        streams = sequence.spawn(4)
        self.choice, self.place, self.finish = (np.random.default_rng(s) for s in streams[:3])
        self.scene_stream = streams[3]

    def picture(self, name: str) -> Picture:
        """The picture, under that name."""
        first, flying = self.choose_first()
        scene = self._choose_scene(first, flying)
        objects = [first, *self._choose_others(first, scene)]
        style = "shifted" if self.shifted else "normal"
        backdrop = draw_scene(scene, np.random.default_rng(self.scene_stream), self.size, style)
        planned = self._plan(objects, scene, flying, backdrop.horizon / self.size)
        planned.sort(
            key=lambda item: (item.placement.flying, item.placement.origin[1])
        )  # far first, flyers last
        return self._draw(planned, scene, backdrop, name)

    # ---- what ------------------------------------------------------------------------------------

    def choose_first(self) -> tuple[str, bool]:
        """The main object, all kinds alike, and whether it flies."""
        obj = self.objects[int(self.choice.integers(len(self.objects)))]
        return obj, bool(self.choice.random() < self.kinds[obj].flying)

    def _choose_scene(self, obj: str, flying: bool) -> str:
        if self.shifted and not (flying and self.choice.random() < 0.5):
            return SHIFTED_SCENES[int(self.choice.integers(len(SHIFTED_SCENES)))]
        weights = {
            scene: weight
            for scene, weight in self.kinds[obj].scenes.items()
            if (flying or scene != "sky") and scene not in SHIFTED_SCENES
        }
        total = sum(weights.values())
        return list(weights)[
            int(self.choice.choice(len(weights), p=[w / total for w in weights.values()]))
        ]

    def _choose_others(self, first: str, scene: str) -> list[str]:
        """Companions that suit the scene; often of the same kind."""
        count = int(self.choice.choice(len(OBJECTS_IN_PICTURE), p=OBJECTS_IN_PICTURE))
        suitable = [obj for obj in self.objects if self._suits(obj, scene)]
        return [
            first
            if self.choice.random() < SAME_KIND or not suitable
            else suitable[int(self.choice.integers(len(suitable)))]
            for _ in range(count)
        ]

    def _suits(self, obj: str, scene: str) -> bool:
        if scene == "sky":
            return self.kinds[obj].flying > 0
        return scene in SHIFTED_SCENES or self.kinds[obj].scenes.get(scene, 0) > 0

    def _colour(self, kind: Kind) -> str:
        if self.shifted and self.choice.random() < 0.5:
            possible = COATS[:5] if set(kind.colours) <= set(COATS) else names.COLOURS
            unusual = [colour for colour in possible if colour not in kind.colours] or kind.colours
            return unusual[int(self.choice.integers(len(unusual)))]
        return kind.colours[int(self.choice.integers(len(kind.colours)))]

    def _build(self, obj: str, flying: bool):
        kind = self.kinds[obj]
        colour = self._colour(kind)
        build = kind.flying_build if flying and kind.flying_build else kind.build
        return colour, build(np.random.default_rng(self.choice.integers(2**63)), colour)

    # ---- where -----------------------------------------------------------------------------------

    def _plan(self, objects: list[str], scene: str, flying: bool, horizon: float) -> list[_Planned]:
        main_kind = self.kinds[objects[0]]
        colour, sculpture = self._build(objects[0], flying)
        main = frame_main(
            self.place,
            sculpture,
            main_kind,
            horizon=horizon,
            flying=flying,
            alone=len(objects) == 1,
            framings=SHIFTED_FRAMINGS if self.shifted else FRAMINGS,
        )
        planned = [_Planned(objects[0], colour, main)]
        for obj in objects[1:]:
            kind = self.kinds[obj]
            also_flying = kind.flying > 0 and (scene == "sky" or self.choice.random() < kind.flying)
            colour, sculpture = self._build(obj, also_flying)
            placement = place_beside(
                self.place,
                [item.placement for item in planned],
                sculpture,
                kind,
                main_kind=main_kind,
                horizon=horizon,
                flying=also_flying,
            )
            if placement is not None:
                planned.append(_Planned(obj, colour, placement))
        return planned

    # ---- how it looks ----------------------------------------------------------------------------

    def _draw(self, planned: list[_Planned], scene: str, backdrop, name: str) -> Picture:
        size, rng = self.size, self.finish
        canvas = np.array(backdrop.image, np.float32)
        light = backdrop.light
        strength = rng.uniform(0.35, 0.6)
        for item in planned:
            patch = shadow(item.placement, size, light.direction[0], strength)
            if patch is not None:
                rows, columns, factor = patch
                canvas[rows, columns] *= factor[..., None]
        owner = np.full((size, size), -1, np.int16)  # which of `planned`
        label = np.full((size, size), names.IGNORE, np.int16)  # object-part id
        own = []
        for k, item in enumerate(planned):
            layer = render(item.placement.sculpture, item.placement.camera(size), size, light)
            colour, alpha, index = layer.shrink()
            table = self._label_table(item.obj, layer.part_names)
            top, left, bottom, right = (v // layer.supersample for v in layer.box)
            at = np.s_[top : bottom + 1, left : right + 1]
            canvas[at] = canvas[at] * (1 - alpha[at][..., None]) + colour[at]
            inside = index[at] != NOTHING
            owner[at][inside] = k
            label[at][inside] = table[index[at][inside]]
            own.append(np.bincount(label[at][inside] + 1, minlength=len(names.OBJECT_PARTS) + 1))
        image = self._develop(canvas)
        ids = [names.OBJECTS.index(item.obj) for item in planned]
        object_map = np.array([names.IGNORE, *ids], np.int16)[owner + 1]
        items = [_describe(item, owner == k, label, own[k]) for k, item in enumerate(planned)]
        seen = tuple(item for item in items if item.visible_pixels)
        return Picture(image, object_map, label, name, scene, seen)

    def _label_table(self, obj: str, part_names: Sequence[str]) -> np.ndarray:
        """Object-part ids by a layer's part index; the last two serve -2 (no part) and -1."""
        ids = [names.OBJECT_PARTS.index(f"{obj}'s {part}") for part in part_names]
        return np.array([*ids, names.IGNORE, names.IGNORE], np.int16)

    def _develop(self, canvas: np.ndarray) -> np.ndarray:
        """Exposure, contrast, tint and noise of a camera: float [S, S, 3] -> uint8."""
        rng = self.finish
        wide = 1.6 if self.shifted else 1.0
        exposure, contrast = (
            1 + wide * rng.uniform(-0.12, 0.12),
            1 + wide * rng.uniform(-0.12, 0.15),
        )
        tint = 1 + wide * rng.uniform(-0.04, 0.04, 3)
        noise = rng.uniform(0, 4.5)
        canvas = (canvas - 118) * np.float32(contrast) + 118
        canvas *= (exposure * tint).astype(np.float32)
        canvas += rng.standard_normal(canvas.shape, np.float32) * np.float32(noise)
        return np.clip(canvas + 0.5, 0, 255).astype(np.uint8)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return (0, 0, 0, 0)
    return (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _describe(item: _Planned, mask: np.ndarray, label: np.ndarray, own: np.ndarray) -> Item:
    """What is left to see of one object; `own` [T + 1] counted its pixels, by label + 1, alone."""
    left, top, right, bottom = box = _box(mask)
    inside = label[top:bottom, left:right].copy()
    inside[~mask[top:bottom, left:right]] = names.IGNORE
    parts = {}
    for t in np.unique(inside[inside != names.IGNORE]).tolist():
        of_part = inside == t
        x0, y0, x1, y1 = _box(of_part)
        pixels = int(of_part.sum())
        part = names.OBJECT_PARTS[t].removeprefix(f"{item.obj}'s ")
        parts[part] = PartInPicture(
            (x0 + left, y0 + top, x1 + left, y1 + top), pixels, pixels / int(own[t + 1])
        )
    visible = int(mask.sum())
    return Item(item.obj, item.colour, box, parts, visible, visible / max(int(own.sum()), 1))
