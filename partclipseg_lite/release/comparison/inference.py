"""The release's inference on one picture beside ours: labels and scores of both settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from ...evaluation.decisions import oracle_obj_labels, pred_all_labels
from ...inference.predict import resize_logits
from .folder import ids_of, picture_of
from .rows import Row, check_shape

if TYPE_CHECKING:
    from .network import NetworkReference


@torch.inference_mode()
def inference_rows(reference: NetworkReference) -> Iterator[Row]:
    """Labels and scores of the recorded test picture, those that are recorded."""
    model, arrays, test = reference.model, reference.arrays, reference.test
    full = reference.full.objects
    image = picture_of(arrays, "test_image")
    present = np.unique(ids_of(arrays, "test_obj", image.shape[:2]))
    pixels = model.backbone.preprocess(torch.from_numpy(image).permute(2, 0, 1)[None])
    output = model(model.backbone.activations(pixels), model.embed(test))
    up = lambda logits: resize_logits(logits[0], image.shape[:2])  # noqa: E731
    object_parts, parts = up(output.object_part_logits), up(output.part_logits)
    objects = up(torch.cat([output.object_logits, output.background_logits], dim=1))
    given = torch.tensor(
        [
            test.objects.index(full[i])
            for i in present
            if 0 <= i < len(full) and full[i] in test.objects
        ],
        dtype=torch.long,
    )
    winner = objects.argmax(0)  # [H, W], O for background
    oracle = object_parts[:-1].sigmoid() * torch.isin(test.object_of, given)[:, None, None]
    # The object of each object part; background comes last.
    chosen = torch.cat([test.object_of, torch.tensor([len(test.objects)])])
    pred_all = object_parts.sigmoid() * (winner[None] == chosen[:, None, None])
    to_full = torch.cat([test.object_ids, torch.tensor([len(full)])])
    # Where no object is given the release takes the best of nothing but zeros: label 0.
    labels = {
        "oracle_argmax": oracle_obj_labels(object_parts, given, test).clamp(min=0),
        "predall_argmax": pred_all_labels(object_parts, objects, test),
        "obj_argmax": to_full[winner],
        "part_argmax": parts.argmax(0),
    }
    for name, mine in labels.items():
        if name in arrays:
            check_shape(f"inference, {name}", mine, arrays[name])
            theirs = ids_of(arrays, name, tuple(mine.shape))
            share = float((mine.numpy() != theirs.astype(np.int64)).mean())
            yield Row(f"inference, {name}", share, 1e-3, "share of pixels")
    for name, mine in (("oracle_scores", oracle), ("predall_scores", pred_all)):
        if name in arrays:
            yield Row.absolute(f"inference, {name}", mine[:, ::10, ::10], arrays[name], 1e-4)
