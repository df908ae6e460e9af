"""Close-ups of parts: squares that hold the part, and words counted picture by picture."""

import numpy as np
import pytest
import torch
from helpers import DRAWN, sample, samples, tiny_backbone
from PIL import Image

from partclipseg_lite.datasets.sample import IGNORE, Sample
from partclipseg_lite.evaluation.close_ups import (
    MARGIN,
    Answer,
    answers,
    close_ups,
    mistaken_in_view,
    named_by_cover,
    named_close_ups,
)
from partclipseg_lite.evaluation.transfer import correlation_interval


def labelled(boxes, height=60, width=90):
    """A picture of random pixels with a part in each box (top, left, bottom, right)."""
    part_map = np.full((height, width), IGNORE)
    for t, (top, left, bottom, right) in enumerate(boxes):
        part_map[top:bottom, left:right] = t
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return Sample(image, np.where(part_map == IGNORE, IGNORE, 0), part_map)


@pytest.mark.parametrize(
    ("box", "side"), [((20, 30, 30, 40), 14), ((0, 0, 10, 10), 14), ((5, 10, 55, 80), 60)]
)
def test_a_close_up_is_a_square_of_the_picture_that_holds_the_part(box, side):
    one = labelled([box])
    ((t, cut, part_map),) = close_ups(one)
    assert (part_map == 0).sum() == (one.part_map == 0).sum() or side == 60
    assert t == 0 and cut.shape == (1, 3, side, side) and cut.dtype == torch.uint8
    where = [
        (top, left)
        for top in range(60 - side + 1)
        for left in range(90 - side + 1)
        if (
            one.image[top : top + side, left : left + side] == cut[0].permute(1, 2, 0).numpy()
        ).all()
    ]
    assert len(where) == 1
    (top, left), extent = where[0], max(box[2] - box[0], box[3] - box[1])
    if MARGIN * extent <= 60:
        assert top <= box[0] and left <= box[1]
        assert top + side >= box[2] and left + side >= box[3]


def test_small_parts_are_passed_over():
    one = labelled([(0, 0, 3, 3), (10, 10, 14, 14)])
    assert [cut.part for cut in close_ups(one)] == [1]
    assert [cut.part for cut in close_ups(one, pixels=9)] == [0, 1]


def test_shares_are_counted_close_up_by_close_up():
    backbone, pictures = tiny_backbone(), samples()
    texts = backbone.embed_text([f"a {part}" for part in DRAWN.parts])
    hits: dict[str, list[bool]] = {}
    for one in pictures:
        for t in np.unique(one.part_map[one.part_map != IGNORE]).tolist():
            for cut in close_ups(one):
                if cut.part == t:
                    picture = Image.fromarray(cut.image[0].permute(1, 2, 0).numpy())
                    x = backbone.preprocess(
                        torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
                    )
                    cosine = torch.cosine_similarity(backbone.clip.encode_image(x), texts)
                    name = DRAWN.object_parts[t]
                    right = DRAWN.parts[int(cosine.argmax())] == DRAWN.parse(name)[1]
                    hits.setdefault(name, []).append(right)
    said = answers(backbone, pictures, DRAWN, caption="a {}".format)
    found = named_close_ups(said, DRAWN)
    assert found == {name: np.mean(one) for name, one in hits.items()} and len(found) > 3
    assert answers(backbone, [sample()], DRAWN, pixels=10**6, caption=str) == []


def test_an_answer_knows_how_much_of_the_close_up_each_part_covers():
    leg, torso = (DRAWN.index(f"dog's {part}") for part in ("leg", "torso"))
    part_map = np.full((60, 60), IGNORE)
    part_map[20:40, 20:40], part_map[20:40, 30:32] = torso, leg  # 360 and 40 pixels
    image = np.zeros((60, 60, 3), np.uint8)
    one = Sample(image, np.where(part_map == IGNORE, IGNORE, DRAWN.objects.index("dog")), part_map)
    said = {
        answer.part: answer
        for answer in answers(tiny_backbone(), [one], DRAWN, caption="a {}".format)
    }
    names = {part: DRAWN.parts.index(part) for part in ("leg", "torso")}
    assert said[torso].covers[names["torso"]] == pytest.approx(0.9)
    assert said[torso].covers[names["leg"]] == pytest.approx(0.1)
    # around the leg a square of 28 pixels: 20 rows of it, 40 of leg
    across = np.count_nonzero(close_up_of(leg, one).part_map == torso)
    assert said[leg].covers[names["leg"]] == pytest.approx(40 / (40 + across))


def close_up_of(part, one):
    return next(cut for cut in close_ups(one) if cut.part == part)


def test_names_are_counted_by_how_much_the_part_covers():
    rng = np.random.default_rng(0)
    said = []
    for picture in range(40):
        for _ in range(3):
            covers = rng.dirichlet(np.ones(4))
            covers = np.concatenate([covers, np.zeros(len(DRAWN.parts) - 4)])
            part = int(np.flatnonzero(DRAWN.part_of < 4)[rng.integers(4)])
            said.append(Answer(picture, part, int(rng.integers(6)), covers))
    found = named_by_cover(said, DRAWN, bounds=(0, 0.25, 1))
    for group, (low, high) in {
        "0 to 25 %": (0, 0.25),
        "25 to 100 %": (0.25, 2),
        "all": (0, 2),
    }.items():
        ours = [a for a in said if low <= a.covers[int(DRAWN.part_of[a.part])] < high]
        right = np.mean([a.named == int(DRAWN.part_of[a.part]) for a in ours])
        shown = np.mean([a.named < 4 for a in ours])
        assert found["asked for"][group].value == pytest.approx(right)
        assert found["in view"][group].value == pytest.approx(shown)
        assert found["in view"][group].low < shown < found["in view"][group].high


def test_a_rank_correlation_has_an_interval_over_what_was_ranked():
    rng = np.random.default_rng(0)
    a, noise, other = rng.random((3, 200))
    same = correlation_interval(a, np.exp(a))
    assert same == pytest.approx((1.0, 1.0, 1.0)) and same.verdict == "higher"
    nothing = correlation_interval(a, noise)
    assert nothing.low < 0 < nothing.high and nothing.verdict == "not decided"
    assert correlation_interval(a, noise) == nothing, "another time it says the same"
    through = a + 0.2 * noise  # goes with a alone through a
    assert correlation_interval(through, a).verdict == "higher"
    assert correlation_interval(noise, other, given=a).verdict == "not decided"


def test_mistaken_names_are_compared_with_names_dealt_out_anew():
    part = int(np.flatnonzero(DRAWN.part_of == 0)[0])

    def seen(named, *shown):
        covers = np.zeros(len(DRAWN.parts))
        covers[list(shown)] = 1 / len(shown)
        return Answer(0, part, named, covers)

    # three wrong names, 1, 2 and 2: two are in view; dealt out anew 1 + 2 + 2 of nine would be
    said = [seen(1, 0, 1), seen(2, 0, 2), seen(2, 0), seen(0, 0)]
    assert mistaken_in_view(said, DRAWN) == pytest.approx((2 / 3, 3 / 9))
    assert np.isnan(mistaken_in_view(said[-1:], DRAWN)).all(), "no name is wrong"
    with pytest.raises(ValueError, match="no close-up was answered"):
        named_by_cover([], DRAWN)
