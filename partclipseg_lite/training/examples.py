"""Training pictures as the network wants them, and the order in which steps meet them."""

import os
from collections.abc import Sequence

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from ..datasets.chosen import training_folder
from ..datasets.drawn import DrawnWorld
from ..datasets.fit import Fit
from ..datasets.sample import IGNORE, Sample
from ..losses.masks import LEFT_OUT
from ..release.departures import as_read
from ..settings import Settings
from ..vocabulary import Vocabulary
from .prompts import Phrasings, PromptSampler

TRIES = 1000  # pictures looked at for one that shows a part


def taught(vocabulary: Vocabulary, settings: Settings) -> Vocabulary:
    """The part of a vocabulary that is taught: its seen object parts, or all as an upper bound."""
    return vocabulary if settings.data.objects == "all" else vocabulary.seen_only()


def phrasings_of(vocabulary: Vocabulary, settings: Settings) -> Phrasings:
    """What training may say for the names of `vocabulary` that are taught."""
    return Phrasings(
        taught(vocabulary, settings), settings.model.kind == "clipseg", settings.training.vary_words
    )


def labels_in(label_map: np.ndarray) -> np.ndarray:
    """The labels that occur in a map, ascending, `int64 [L]`; counting is faster than sorting.

    They start at `LEFT_OUT`, below `IGNORE`.
    """
    return np.flatnonzero(np.bincount(label_map.ravel() - LEFT_OUT)) + LEFT_OUT


class TrainingExamples(Dataset):
    """Samples as the network wants them: item (step, place in batch) -> tensors.

    What is drawn depends on (seed, step, place) alone. Beside the maps stand the labels that occur
    in them, repeated to a fixed length.
    """

    def __init__(self, samples: Sequence[Sample], vocabulary: Vocabulary, settings: Settings):
        seen, training = taught(vocabulary, settings), settings.training
        self.samples, self.seed, self.size = samples, training.seed, settings.model.image_size
        self.data, self.reading = settings.data, settings.reading
        self.prompts = PromptSampler(
            seen,
            training.parts_per_image,
            training.objects_per_image,
            training.object_parts_per_image,
        )
        self.phrasings = phrasings_of(vocabulary, settings)
        # Labels of the full vocabulary -> labels of the seen one; the extra last entry serves
        # IGNORE = -1.
        self.part_label = np.full(len(vocabulary) + 1, IGNORE)
        self.part_label[seen.ids.numpy()] = np.arange(len(seen))
        # Novel objects (none are drawn for training) are marked, to be left out or taught as
        # background.
        self.object_label = np.full(len(vocabulary.objects) + 1, LEFT_OUT)
        self.object_label[-1] = IGNORE
        self.object_label[seen.object_ids.numpy()] = np.arange(len(seen.objects))

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, *place])
        index, sample = self.picture(rng)
        step = -1 if rng.random() < 0.5 and self.data.mirror else 1  # mirrored or not
        object_map = self.object_label[sample.object_map[:, ::step]]
        part_map = self.part_label[sample.part_map[:, ::step]]
        objects, parts = labels_in(object_map), labels_in(part_map)
        prompts = self.prompts(objects[objects >= 0], parts[parts >= 0], rng)
        jitter = np.concatenate([rng.uniform(0.85, 1.15, 1), rng.uniform(-0.15, 0.15, 3)])
        if not self.data.jitter:
            jitter = np.array([1.0, 0, 0, 0])
        return {
            "image": np.ascontiguousarray(sample.image[:, ::step].transpose(2, 0, 1)),
            "object_map": object_map,
            "part_map": part_map,
            "jitter": jitter.astype(np.float32),
            "index": np.int64(index),
            "object_labels": np.resize(objects, len(self.object_label) + 1),
            "part_labels": np.resize(parts, len(self.part_label)),
            **vars(prompts),
            **self.phrasings.draw(prompts, rng),
        }

    def picture(self, rng: np.random.Generator) -> tuple[int, Sample]:
        """A random picture at the network's size, squashed as in the release, and its index.

        Raises:
            ValueError: a part that is taught is needed, and of many pictures none shows one.
        """
        for _ in range(TRIES if self.data.need_parts else 1):
            index = int(rng.integers(len(self.samples)))
            sample = as_read(Fit, self.reading)()(self.samples[index], self.size)
            if not self.data.need_parts or (self.part_label[sample.part_map] != IGNORE).any():
                return index, sample
        raise ValueError(
            f"none of {TRIES} pictures of {self.samples!r} shows a part that is taught; is it the "
            "right split?"
        )

    def words(self, batch: dict[str, Tensor], image: int) -> list[str]:
        """What an image of a collated batch is asked for."""
        texts = [batch[f"{kind}_texts"][image].tolist() for kind in self.phrasings.first]
        return [self.phrasings.texts[text] for text in sum(texts, [])]


class StepSampler:
    """Batches of places (step, 0..B-1) for the steps that are still to do.

    Of several processes each takes its share, in turn as so many smaller ones as the batch is
    accumulated from; a batch is the same set of examples however it is shared.
    """

    def __init__(
        self,
        first: int,
        last: int,
        batch_size: int,
        process: int = 0,
        processes: int = 1,
        accumulation: int = 1,
    ):
        if batch_size % (processes * accumulation):
            raise ValueError(
                f"a batch of {batch_size} cannot be shared by {processes} processes"
                f"{f' in {accumulation} shares each' if accumulation > 1 else ''}; choose "
                f"training.batch_size as a multiple of {processes * accumulation}"
            )
        self.first, self.last = first, last
        places = range(process, batch_size, processes)
        self.shares = [places[share::accumulation] for share in range(accumulation)]

    def __len__(self) -> int:
        return (self.last - self.first) * len(self.shares)

    def __iter__(self):
        for step in range(self.first, self.last):
            for places in self.shares:
                yield [(step, place) for place in places]


def training_samples(settings: Settings) -> Sequence[Sample]:
    """The pictures of a folder, or drawn ones, rendered once (both cores) and kept in memory."""
    data = settings.data
    if data.name == "folder":
        return training_folder(settings)
    world = DrawnWorld("train", data.images, data.size, data.seed, data.objects)
    workers = min(16, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else 2
    return world.render_all(workers if data.images >= 200 else 1)
