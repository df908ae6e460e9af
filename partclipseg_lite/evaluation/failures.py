"""How names share the pixels of one object: swallowed by one name, lost, contested, confused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..datasets.sample import IGNORE, Sample
from ..inference.predict import predict, resize_logits
from ..network.models import CLIPSeg, PartCLIPSeg
from ..vocabulary import Vocabulary
from .decisions import oracle_obj_labels, plain_labels
from .intervals import Interval, paired_difference, unpaired_difference

OWNERS = ("an own name", "another object", "background")


@dataclass(frozen=True, eq=False)
class ObjectReading:
    """One object of one picture: what is true on its labelled pixels, and what a model says there.

    Attributes:
        sample: the picture.
        obj: id of the object.
        vocabulary: all names that the model was asked for.
        labelled: bool `[H, W]`, pixels of the object that carry a part label.
        told: int64 `[H, W]`, the best of the names of the objects in the picture (Oracle-Obj).
        free: int64 `[H, W]`, the best of all T names and background, which is T.
        claims: int64 `[H, W]`, how many of the object's own names have a probability above 1/2.
        contested: bool `[H, W]`, the runner-up among the object's own names has more than half the
            probability of the best.
    """

    sample: Sample
    obj: int
    vocabulary: Vocabulary
    labelled: np.ndarray
    told: np.ndarray
    free: np.ndarray
    claims: np.ndarray
    contested: np.ndarray

    @property
    def name(self) -> str:
        """The object's name."""
        return self.vocabulary.objects[self.obj]

    def only_here(self, labels: np.ndarray) -> np.ndarray:
        """A label map `[H, W]` of the object's labelled pixels, IGNORE elsewhere."""
        return np.where(self.labelled, labels, IGNORE)

    @cached_property
    def shares(self) -> dict[str, tuple[float, float]]:
        """Object part -> its true and its painted share of the labelled pixels, the object told."""
        truth, told = self.sample.part_map[self.labelled], self.told[self.labelled]
        own = (self.vocabulary.object_of == self.obj).nonzero().flatten().tolist()
        names = self.vocabulary.object_parts
        return {names[t]: (float((truth == t).mean()), float((told == t).mean())) for t in own}

    @property
    def greediest(self) -> str:
        """The object part that is painted most beyond its true share."""
        return max(self.shares, key=lambda name: self.shares[name][1] - self.shares[name][0])

    @property
    def excess(self) -> float:
        """By how much that one is overpainted, in shares of the labelled pixels."""
        true, painted = self.shares[self.greediest]
        return painted - true

    @property
    def swallowed(self) -> bool:
        """One name takes over half of the object though its part covers less than a quarter."""
        return any(painted > 0.5 and true < 0.25 for true, painted in self.shares.values())

    @property
    def contested_share(self) -> float:
        """Share of the labelled pixels that are contested."""
        return float(self.contested[self.labelled].mean())

    def claimed_share(self, least: int, most: int | None = None) -> float:
        """Share of labelled pixels that `least` to `most` own names claim (no `most`: no limit)."""
        claims = self.claims[self.labelled]
        return float(((claims >= least) & (claims <= (claims if most is None else most))).mean())

    @cached_property
    def winners(self) -> dict[str, float]:
        """Object or "background" -> share of labelled pixels that it wins with all names free."""
        owner = np.append(self.vocabulary.object_of.numpy(), -1)[self.free[self.labelled]]
        counts = np.bincount(owner + 1, minlength=len(self.vocabulary.objects) + 1) / len(owner)
        return dict(zip(("background", *self.vocabulary.objects), counts.tolist(), strict=True))

    @property
    def won_by(self) -> dict[str, float]:
        """The same by whose name it is: the object's own, another object's, or background."""
        own, background = self.winners[self.name], self.winners["background"]
        return dict(zip(OWNERS, (own, max(0.0, 1 - own - background), background), strict=True))

    @property
    def recalls(self) -> np.ndarray:
        """Pixels and recall (0 to 1, the object told) of each part in view, float64 `[K, 2]`."""
        truth = self.only_here(self.sample.part_map)
        ids = np.unique(truth[truth != IGNORE])
        parts = [truth == t for t in ids]
        found = [
            (part.sum(), (self.told[part] == t).mean()) for t, part in zip(ids, parts, strict=True)
        ]
        return np.array(found, float).reshape(-1, 2)


def read_objects(
    model: PartCLIPSeg | CLIPSeg,
    samples: Sequence[Sample],
    vocabulary: Vocabulary,
    *,
    least_pixels: int = 200,
) -> list[ObjectReading]:
    """One reading for each object of each picture, the model asked for all of `vocabulary`.

    Objects of fewer than `least_pixels` labelled pixels are left out.
    """
    readings = []
    for sample in (samples[i] for i in range(len(samples))):
        logits = predict(model, [sample.image], vocabulary).object_part_logits[0]
        scores = resize_logits(logits, sample.part_map.shape)
        told = oracle_obj_labels(scores, torch.from_numpy(sample.object_map), vocabulary).numpy()
        free = plain_labels(scores, vocabulary).numpy()
        for obj in np.unique(sample.object_map[sample.object_map != IGNORE]).tolist():
            labelled = (sample.object_map == obj) & (sample.part_map != IGNORE)
            own = scores[:-1][vocabulary.object_of == obj].sigmoid()  # (K, H, W)
            if labelled.sum() < least_pixels or not len(own):
                continue
            ranked = own.sort(dim=0, descending=True).values.numpy()
            contested = (ranked[1:2] > ranked[:1] / 2).any(0)
            claims = (own > 0.5).sum(0).numpy()
            readings.append(
                ObjectReading(sample, obj, vocabulary, labelled, told, free, claims, contested)
            )
    return readings


def mean_shares(readings: Iterable[ObjectReading]) -> dict[str, tuple[float, float]]:
    """Generalized part -> mean true and mean painted share, the most overpainted last."""
    by_part: dict[str, list[tuple[float, float]]] = {}
    for reading in readings:
        for name, pair in reading.shares.items():
            by_part.setdefault(reading.vocabulary.parse(name)[1], []).append(pair)
    means = {part: tuple(np.mean(pairs, axis=0).tolist()) for part, pairs in by_part.items()}
    return dict(sorted(means.items(), key=lambda entry: entry[1][1] - entry[1][0]))


def mean_winners(readings: Iterable[ObjectReading]) -> dict[str, dict[str, float]]:
    """Object -> objects whose names win its pixels, with their mean shares, the largest first."""
    by_object: dict[str, list[dict[str, float]]] = {}
    for reading in readings:
        by_object.setdefault(reading.name, []).append(reading.winners)
    means = {}
    for obj, won in by_object.items():
        shares = {who: float(np.mean([w[who] for w in won])) for who in won[0]}
        del shares["background"]
        means[obj] = dict(sorted(shares.items(), key=lambda entry: -entry[1]))
    return means


def by_size(
    readings: Sequence[ObjectReading], edges: Sequence[int] = (1, 25, 100, 400)
) -> dict[str, np.ndarray]:
    """Recalls of the parts in view, sorted into classes of size.

    Args:
        readings: the objects.
        edges: the fewest pixels of each class.

    Returns:
        {"1–24": float64 `[K]` from 0 to 1, ..., "400 and more": ...}.
    """
    found = _recalls(readings)
    classes = {}
    for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
        name = f"{low} and more" if high == np.inf else f"{low}–{high - 1}"
        classes[name] = found[(found[:, 0] >= low) & (found[:, 0] < high), 1]
    return classes


def recall_by_size(readings: Sequence[ObjectReading]) -> dict[str, float]:
    """Class of size -> mean recall of its parts, 0 to 1; NaN in a class without parts."""
    return {size: _mean(recalls) for size, recalls in by_size(readings).items()}


def lost_by_size(readings: Sequence[ObjectReading]) -> dict[str, float]:
    """Class of size -> share of its parts of which no pixel is found.

    NaN in a class without parts.
    """
    return {size: _mean(recalls == 0) for size, recalls in by_size(readings).items()}


def greed(readings: Sequence[ObjectReading]) -> dict[str, float]:
    """How much one name takes that is not its own, means over objects, 0 to 1."""
    return {
        "objects swallowed by one name": _mean([r.swallowed for r in readings]),
        "excess of the greediest name": _mean([r.excess for r in readings]),
    }


def pixel_shares(readings: Sequence[ObjectReading]) -> dict[str, float]:
    """By how many own names pixels are claimed, and whose name wins: means over objects, 0 to 1."""
    return {
        "claimed by two or more": _mean([r.claimed_share(2) for r in readings]),
        "claimed by none": _mean([r.claimed_share(0, 0) for r in readings]),
        "contested": _mean([r.contested_share for r in readings]),
        **{f"won by {who}": _mean([r.won_by[who] for r in readings]) for who in OWNERS},
    }


#: What `three_failures` tells: sum and count of a reading.
FAILURES: dict[str, Callable[[ObjectReading], tuple[float, int]]] = {
    "objects swallowed by one name": lambda r: (r.swallowed, 1),
    "excess of the greediest name": lambda r: (r.excess, 1),
    "recall of parts under 100 pixels": lambda r: _small_recall(r.recalls),
    "contested pixels": lambda r: (r.contested_share, 1),
    "pixels won by another object": lambda r: (r.won_by["another object"], 1),
}


def three_failures(readings: Sequence[ObjectReading]) -> dict[str, float]:
    """Five numbers, means over objects (over parts for the recall), each from 0 to 1."""
    totals = _by_picture(readings).sum(0)
    return dict(zip(FAILURES, _ratios(totals), strict=True))


def failures_differ(
    one: Sequence[ObjectReading], other: Sequence[ObjectReading], resamples: int = 1000
) -> dict[str, Interval]:
    """Each of `three_failures` of some readings minus that of others, with a 95 % interval.

    Pictures are drawn together where both models read the same ones, and apart where they do not.
    """
    mine, theirs = _by_picture(one), _by_picture(other)

    def statistic(totals: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(FAILURES, np.moveaxis(_ratios(totals), -1, 0), strict=True))

    same = len(one) == len(other) and all(
        a.obj == b.obj and np.array_equal(a.labelled, b.labelled)
        for a, b in zip(one, other, strict=True)
    )
    compare = paired_difference if same else unpaired_difference
    return compare(mine[None], theirs[None], statistic, resamples)


def _small_recall(recalls: np.ndarray) -> tuple[float, int]:
    small = recalls[recalls[:, 0] < 100, 1]
    return small.sum(), len(small)


def _by_picture(readings: Sequence[ObjectReading]) -> np.ndarray:
    """Sums and counts of FAILURES in each picture, float64 `[pictures, 2, 5]`."""
    of_picture: dict[int, np.ndarray] = {}
    for reading in readings:
        told = np.array([measure(reading) for measure in FAILURES.values()], float).T
        of_picture[id(reading.sample)] = of_picture.get(id(reading.sample), 0) + told
    return np.array([*of_picture.values()]).reshape(-1, 2, len(FAILURES))


def _ratios(totals: np.ndarray) -> np.ndarray:
    """Means of `[..., 2, 5]` sums and counts, `[..., 5]`; NaN of nothing."""
    sums, counts = totals[..., 0, :], totals[..., 1, :]
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def _recalls(readings: Sequence[ObjectReading]) -> np.ndarray:
    """Pixels and recall of all parts in view, float64 `[K, 2]`."""
    return np.concatenate([np.zeros((0, 2)), *(reading.recalls for reading in readings)])


def _mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
