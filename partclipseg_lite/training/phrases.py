"""Training on phrases, as CLIPSeg was trained on PhraseCut: a phrase, the mask of what it names.

The drawn twin of that stage: every picture comes with a few phrases for each kind of object in it,
"a red car on the road", written once. Objects of all kinds take part, the novel ones too, as dogs
and cars do in PhraseCut; no phrase names a part, and no mask of a part is looked at.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from drawn_world import captions

from ..datasets.drawn import RenderedWorld
from ..datasets.fit import Fit
from ..datasets.sample import IGNORE
from ..losses.masks import Targets
from ..losses.objective import Objective
from ..network.models import CLIPSeg
from ..release.departures import as_read
from ..settings import Settings
from ..vocabulary import Vocabulary

#: Phrases written for each kind of object in a picture, beside its bare name.
PER_OBJECT = 3


@dataclass
class Phrases:
    """All phrases of a set of pictures.

    Attributes:
        texts: the different ones, V.
        of_picture: for each picture its (id of the text, id of the object) pairs.
        names: object of each text, `int64 [V]`.
    """

    texts: list[str]
    of_picture: list[list[tuple[int, int]]]
    names: np.ndarray


def write_phrases(pictures: RenderedWorld, seed: int = 0) -> Phrases:
    """Phrases for every kind of object in every picture: name, colour, place, in many forms.

    A colour is said only where all objects of the kind share it, a place is the picture's; so every
    phrase of a picture is true of all objects of its kind in it. They depend on `seed` alone.
    """
    objects = list(Vocabulary.load("drawn").objects)
    ids: dict[tuple[str, int], int] = {}
    of_picture = []
    for i in range(len(pictures)):
        picture, rng = pictures.picture(i), np.random.default_rng([seed, i])
        pairs = []
        for obj in dict.fromkeys(item.obj for item in picture.items):
            colours = {item.colour for item in picture.items if item.obj == obj}
            colour = colours.pop() if len(colours) == 1 else None
            texts = [obj] + [
                captions.object_caption(obj, rng, colour, picture.scene) for _ in range(PER_OBJECT)
            ]
            kind = objects.index(obj)
            pairs += [(ids.setdefault((text, kind), len(ids)), kind) for text in texts]
        of_picture.append(list(dict.fromkeys(pairs)))
    return Phrases([text for text, _ in ids], of_picture, np.array([kind for _, kind in ids]))


class PhraseExamples(Dataset):
    """Pictures with phrases: item (step, place in batch) -> tensors.

    A picture is asked for `objects_per_image` phrases: one for each object it shows, in random
    order, then phrases of other pictures about objects that are not in it, whose mask is empty.
    """

    def __init__(self, pictures: RenderedWorld, settings: Settings):
        training = settings.training
        self.samples, self.seed = pictures, training.seed
        self.size, self.count = settings.model.image_size, training.objects_per_image
        self.phrases = write_phrases(pictures, settings.data.seed)
        self.reading = settings.reading

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, place: tuple[int, int]) -> dict[str, np.ndarray]:
        rng = np.random.default_rng([self.seed, *place])
        i = int(rng.integers(len(self.samples)))
        sample = as_read(Fit, self.reading)()(self.samples[i], self.size)
        step = -1 if rng.random() < 0.5 else 1  # mirrored or not; no phrase says left or right
        asked = self.asked(i, rng)
        jitter = np.concatenate([rng.uniform(0.85, 1.15, 1), rng.uniform(-0.15, 0.15, 3)])
        return {
            "image": np.ascontiguousarray(sample.image[:, ::step].transpose(2, 0, 1)),
            "object_map": np.ascontiguousarray(sample.object_map[:, ::step]),
            "phrase_ids": asked,
            "object_ids": self.phrases.names[asked],
            "jitter": jitter.astype(np.float32),
            "index": np.int64(i),
        }

    def words(self, batch: dict[str, Tensor], image: int) -> list[str]:
        """What an image of a collated batch is asked for."""
        return [self.phrases.texts[text] for text in batch["phrase_ids"][image].tolist()]

    def asked(self, i: int, rng: np.random.Generator) -> np.ndarray:
        """Ids of the phrases that picture `i` is asked for, `int64 [C]`."""
        true: dict[int, list[int]] = {}
        for text, kind in self.phrases.of_picture[i]:
            true.setdefault(kind, []).append(text)
        chosen = [int(rng.choice(true[int(kind)])) for kind in rng.permutation(list(true))]
        absent = np.flatnonzero(~np.isin(self.phrases.names, list(true)))
        missing = max(0, self.count - len(chosen))
        others = rng.choice(absent if len(absent) else np.array(chosen), missing)
        return np.concatenate([chosen, others]).astype(np.int64)[: self.count]


class PhraseLoss(nn.Module):
    """CLIPSeg behind one `forward(batch) -> loss`: binary cross-entropy and Dice of its masks.

    Pixels of objects teach the phrases, those without an object teach the background.
    """

    def __init__(self, model: CLIPSeg, phrases: Phrases, settings: Settings):
        super().__init__()
        self.model, self.controlled = model, False  # no attention of parts is looked at
        self.objective = as_read(Objective, settings.reading)(settings.loss, model.backbone.grid)
        with torch.no_grad():
            blocks = [
                model.backbone.embed_text(phrases.texts[start : start + 512])
                for start in range(0, len(phrases.texts), 512)
            ]
        self.embeddings = torch.cat(blocks)  # (V, E)

    def prepare(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """A collated batch of `PhraseExamples` on the model's device."""
        device = self.embeddings.device
        return {name: value.to(device, non_blocking=True) for name, value in batch.items()}

    def counts(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """What the means over a batch of `prepare` are over; see `Objective.counts`."""
        return self.objective.counts(phrase_targets(batch["object_map"], batch["object_ids"]), None)

    def forward(
        self, batch: dict[str, Tensor], whole: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The sum to minimise for a batch, and its unweighted terms.

        Args:
            batch: of `prepare`.
            whole: the counts of the batch of which this one is a share.
        """
        backbone = self.model.backbone
        pixels = backbone.preprocess(self.objective.channels(batch["image"]))
        pixels = pixels * batch["jitter"][:, :1, None, None] + batch["jitter"][:, 1:, None, None]
        return self.objective(
            self.model,
            backbone.activations(pixels),
            self.embeddings[batch["phrase_ids"]],
            replace(phrase_targets(batch["object_map"], batch["object_ids"]), whole=whole),
        )


def phrase_targets(object_map: Tensor, object_ids: Tensor) -> Targets:
    """Masks of the phrases of a batch, in the place of those of object parts.

    Args:
        object_map: `int64 [B, S, S]`.
        object_ids: what each phrase names, `int64 [B, C]`.
    """
    masks = object_map[:, None] == object_ids[:, :, None, None]
    background = (object_map == IGNORE)[:, None]
    return Targets(
        object_parts=masks,
        parts=masks[:, :0],
        objects=masks[:, :0],
        background=background,
        part_pixels=~background,
        counted=torch.ones_like(background),
        valid=torch.ones_like(object_ids, dtype=torch.bool),
    )
