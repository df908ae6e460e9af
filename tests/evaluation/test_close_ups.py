"""Close-ups of parts: squares that hold the part, and words counted picture by picture."""

import numpy as np
import pytest
import torch
from helpers import DRAWN, sample, samples, tiny_backbone
from PIL import Image

from partclipseg_lite.datasets.sample import IGNORE, Sample
from partclipseg_lite.evaluation.close_ups import MARGIN, close_ups, named_close_ups
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
    ((t, cut),) = close_ups(one)
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
    assert [t for t, _ in close_ups(one)] == [1]
    assert [t for t, _ in close_ups(one, pixels=9)] == [0, 1]


def test_shares_are_counted_close_up_by_close_up():
    backbone, pictures = tiny_backbone(), samples()
    texts = backbone.embed_text([f"a {part}" for part in DRAWN.parts])
    hits: dict[str, list[bool]] = {}
    for one in pictures:
        for t in np.unique(one.part_map[one.part_map != IGNORE]).tolist():
            for at, cut in close_ups(one):
                if at == t:
                    picture = Image.fromarray(cut[0].permute(1, 2, 0).numpy())
                    x = backbone.preprocess(
                        torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
                    )
                    cosine = torch.cosine_similarity(backbone.clip.encode_image(x), texts)
                    name = DRAWN.object_parts[t]
                    right = DRAWN.parts[int(cosine.argmax())] == DRAWN.parse(name)[1]
                    hits.setdefault(name, []).append(right)
    found = named_close_ups(backbone, pictures, DRAWN, caption="a {}".format)
    assert found == {name: np.mean(one) for name, one in hits.items()} and len(found) > 3
    assert named_close_ups(backbone, [sample()], DRAWN, pixels=10**6, caption=str) == {}


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
