"""The batch at which a loss became infinite or NaN, kept in the run's folder for inspection."""

import json
from pathlib import Path

from safetensors.torch import save_file
from torch.utils.data import default_collate

from ..files import replacing
from .examples import TrainingExamples
from .phrases import PhraseExamples

NAME = "bad_batch.safetensors"


def save_bad_batch(
    folder: Path, examples: TrainingExamples | PhraseExamples, step: int, batch_size: int
) -> Path:
    """Write the whole batch of `step`, drawn once more, and say where it lies.

    `safetensors.torch.load_file` gives back what the `prepare` of its loss takes. The metadata
    hold, as JSON, `step` and, for each image, `indices` among the samples, `names` and the `words`
    asked.

    Raises:
        OSError: it cannot be written.
    """
    batch = default_collate([examples[step, place] for place in range(batch_size)])
    metadata = {
        "step": step,
        "indices": batch["index"].tolist(),
        "names": [examples.samples[i].name for i in batch["index"].tolist()],
        "words": [examples.words(batch, image) for image in range(batch_size)],
    }
    path = folder / NAME
    with replacing(path) as partial:
        save_file(
            {name: tensor.contiguous() for name, tensor in batch.items()},
            partial,
            metadata={key: json.dumps(value) for key, value in metadata.items()},
        )
    return path
