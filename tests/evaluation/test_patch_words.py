"""Patches and words: softmax of cosines, labels by the majority of a patch's pixels."""

import numpy as np
import pytest
import torch
from helpers import DRAWN, sample, samples, tiny_backbone

from partclipseg_lite.datasets.sample import IGNORE
from partclipseg_lite.evaluation.patch_words import (
    middle_picture,
    object_patches,
    on_patches,
    part_patches,
    patch_words,
)


def test_a_patch_has_the_label_of_most_of_its_pixels():
    rng = np.random.default_rng(0)
    labels = rng.integers(-1, 3, (12, 8))
    found = on_patches(labels, 4)
    for y in range(4):
        for x in range(4):
            values = labels[3 * y : 3 * y + 3, 2 * x : 2 * x + 2].ravel().tolist()
            assert values.count(found[y, x]) == max(map(values.count, values))
    assert (on_patches(np.full((8, 8), IGNORE), 4) == IGNORE).all()


def test_shares_are_counted_patch_by_patch():
    backbone, pictures = tiny_backbone(), samples()
    texts = [f"a {obj}" for obj in DRAWN.objects]
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for one in pictures:
        likely = patch_words(backbone, one.image, texts)
        assert torch.allclose(likely.sum(0), torch.ones(backbone.grid, backbone.grid))
        truth = on_patches(one.object_map, backbone.grid)
        for y, x in zip(*np.nonzero(truth != IGNORE), strict=True):
            obj = DRAWN.objects[truth[y, x]]
            best = max(range(len(texts)), key=lambda c: float(likely[c, y, x]))  # noqa: B023
            hits[obj in DRAWN.novel_objects].append(DRAWN.objects[best] == obj)
    found = object_patches(backbone, pictures, DRAWN)
    for kind, of_kind in (("seen", hits[False]), ("novel", hits[True])):
        assert found[kind] == pytest.approx(np.mean(of_kind) if of_kind else np.nan, nan_ok=True)


def test_parts_are_asked_of_their_own_object_and_the_largest_is_known_afterwards():
    backbone, pictures = tiny_backbone(), samples()
    pictures = [*pictures, sample(("dog",), seed=5), sample(("car",), seed=6)]
    hits, met = {"seen": [], "novel": []}, {}
    for one in pictures:
        truth = on_patches(one.part_map, backbone.grid)
        owner = on_patches(one.object_map, backbone.grid)
        for y, x in zip(*np.nonzero((truth != IGNORE) & (owner != IGNORE)), strict=True):
            obj = DRAWN.objects[owner[y, x]]
            names = [f"{obj}'s {part}" for part in DRAWN.parts_of(obj)]
            if len(names) > 1:
                likely = patch_words(backbone, one.image, [f"a {n}" for n in names])[:, y, x]
                kind = "novel" if obj in DRAWN.novel_objects else "seen"
                hits[kind].append(names[int(likely.argmax())] == DRAWN.object_parts[truth[y, x]])
                met.setdefault(obj, []).append(truth[y, x])
    found = part_patches(backbone, pictures, DRAWN)
    for kind, of_kind in hits.items():
        assert found["CLIP alone"][kind] == pytest.approx(np.mean(of_kind or [np.nan]), nan_ok=True)
        objects = [o for o in met if (o in DRAWN.novel_objects) == (kind == "novel")]
        most = sum(max(met[o].count(t) for t in set(met[o])) for o in objects)
        count = sum(len(met[o]) for o in objects)
        expected = most / count if count else np.nan
        assert found["always the largest part"][kind] == pytest.approx(expected, nan_ok=True)


def test_the_middle_picture_is_the_one_of_median_share():
    backbone = tiny_backbone()
    pictures = [sample((obj,), seed=seed) for seed, obj in enumerate(("cat", "dog", "bus") * 3)]
    shares = [
        next(share for share in object_patches(backbone, [one], DRAWN).values() if share == share)
        for one in pictures
    ]
    chosen = middle_picture(backbone, pictures, DRAWN)
    place = next(k for k, one in enumerate(pictures) if one is chosen)
    assert shares[place] == sorted(shares)[len(shares) // 2]
    with pytest.raises(ValueError, match="none of 0 pictures shows an object"):
        middle_picture(backbone, [], DRAWN)
