"""Tiny random networks and hand-made samples, built by the package's own builders."""

import functools
import warnings

import numpy as np
import torch

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.network.backbone import Backbone
from partclipseg_lite.network.models import Conditions, PartCLIPSeg
from partclipseg_lite.settings import Settings
from partclipseg_lite.training import prompts
from partclipseg_lite.vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary
from partclipseg_lite.weights.tiny_clip import (
    CLIP_MEAN,
    CLIP_STD,
    ToyTokenizer,
    build_toy_clip,
    save_toy_clip,
)

DRAWN = Vocabulary.load("drawn")
#: Settings of a training that takes seconds.
TINY_RUN = {
    "data.images": 8,
    "data.size": 32,
    "model.image_size": 32,
    "training.steps": 2,
    "training.log_every": 1,
}
SIZE, PATCH, GRID = 32, 8, 4
CONFIG = {
    "embed_dim": 32,
    "vision_cfg": {
        "image_size": SIZE,
        "patch_size": PATCH,
        "width": 32,
        "layers": 3,
        "head_width": 16,
        "pool_type": "avg",
    },
    "text_cfg": {"context_length": 16, "width": 32, "heads": 2, "layers": 2},
    "stem_channels": [8, 8, 16],
}
# Differences from the preset "toy" that make a run of a few seconds; `model.backbone` comes from
# `clip_file`.
QUICK = {
    "data.images": 6,
    "data.size": SIZE,
    "model.image_size": SIZE,
    "model.layers": [0, 1, 2],
    "model.width": 16,
    "model.mlp_width": 24,
    "model.heads": 2,
    "training.batch_size": 2,
    "training.warmup_steps": 2,
    "training.learning_rate": 2e-3,
    "model.start": None,
}


def words_of_training() -> list[str]:
    """Every word that training on the drawn vocabulary may ask for."""
    texts = [
        *DRAWN.objects,
        *DRAWN.parts,
        *prompts.PART_PHRASINGS,
        *prompts.PHRASE_PHRASINGS,
        "puppy",
        "paw",
    ]
    for table in (OBJECT_SYNONYMS, PART_SYNONYMS):
        texts += [text for name, others in table.items() for text in (name, *others)]
    return sorted({word for text in texts for word in text.lower().split() if "{" not in word})


@functools.lru_cache(maxsize=1)
def tokenizer() -> ToyTokenizer:
    return ToyTokenizer(words_of_training(), CONFIG["text_cfg"]["context_length"])


def tiny_clip(seed: int = 0, **vision):
    """A tiny CLIP with random weights, in eval mode.

    The initial ones of CLIP are so small that words hardly differ; larger ones keep mistakes from
    hiding in rounding.
    """
    torch.manual_seed(seed)
    clip = build_toy_clip(
        {**CONFIG, "vision_cfg": {**CONFIG["vision_cfg"], **vision}}, tokenizer().vocab_size
    )
    torch.nn.init.normal_(clip.token_embedding.weight, std=1.0)
    torch.nn.init.normal_(clip.positional_embedding, std=0.5)
    return clip.eval()


def tiny_backbone(seed: int = 0, image_size: int = SIZE, layers=(0, 1, 2)) -> Backbone:
    return Backbone(
        clip=tiny_clip(seed),
        tokenizer=tokenizer(),
        image_size=image_size,
        layers=layers,
        mean=CLIP_MEAN,
        std=CLIP_STD,
    )


def tiny_model(
    kind=PartCLIPSeg, seed: int = 0, width: int = 16, image_size: int = SIZE, **arguments
):
    """A model with random weights, in eval mode."""
    backbone = tiny_backbone(seed, image_size)
    torch.manual_seed(seed + 100)
    return kind(backbone=backbone, width=width, heads=2, mlp_width=24, **arguments).eval()


def clip_file(path, seed: int = 0):
    """The tiny random CLIP as a weights file, for settings that name one."""
    save_toy_clip(path, tiny_clip(seed), tokenizer(), CONFIG, {"object": 1.0})
    return path


def quick_settings(clip_path, preset: str = "toy", **overrides) -> Settings:
    """Settings of a run that takes seconds; dots in names are written as two underscores."""
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return Settings.from_preset(preset, {**QUICK, "model.backbone": str(clip_path), **given})


def random_conditions(
    parts: int, objects: int, part_of, object_of, embed_dim: int = 32, seed: int = 0
) -> Conditions:
    rng = torch.Generator().manual_seed(seed)
    return Conditions(
        torch.randn(parts, embed_dim, generator=rng),
        torch.randn(objects, embed_dim, generator=rng),
        torch.tensor(part_of),
        torch.tensor(object_of),
    )


def random_activations(
    batch: int = 2, tokens: int = 1 + GRID**2, width: int = 32, count: int = 3, seed: int = 0
):
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, tokens, width, generator=rng) for _ in range(count)]


def sample(objects=("cat", "cow"), size: int = SIZE, seed: int = 0) -> Sample:
    """Coloured rectangles: each object a block of two of its parts, the rest background."""
    rng = np.random.default_rng([seed, *map(ord, "".join(objects))])
    image = rng.integers(0, 60, (size, size, 3), dtype=np.uint8)
    object_map, part_map = np.full((2, size, size), IGNORE, dtype=np.int64)
    height = size // len(objects)
    for i, obj in enumerate(objects):
        o = DRAWN.objects.index(obj)
        of_object = np.flatnonzero(DRAWN.object_of.numpy() == o)[:2]
        left = int(rng.integers(0, size // 4))
        rows, middle, right = (
            slice(i * height, (i + 1) * height - 2),
            left + size // 4,
            left + size // 2,
        )
        object_map[rows, left:right] = o
        for columns, part in zip(
            (slice(left, middle), slice(middle, right)), of_object, strict=True
        ):
            part_map[rows, columns] = part
            image[rows, columns] = 60 + (37 * part + np.arange(3) * 71) % 180
    return Sample(image, object_map, part_map, "-".join(objects))


def samples() -> list[Sample]:
    pairs = [
        ("cat", "cow"),
        ("bus", "person"),
        ("horse",),
        ("bottle", "cat"),
        ("deer", "goat"),
        ("aeroplane",),
    ]
    return [sample(pair, seed=i) for i, pair in enumerate(pairs)]


warnings.filterwarnings("ignore", message=".*lr_scheduler.step.*")
