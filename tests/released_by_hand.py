"""The released training losses and inference once more, in slow plain loops.

They share no code with the package. Written from the description of the release
(kaist-cvml/part-clipseg, commit 8abceef), pixel by pixel where that is affordable. Maps are int
arrays in which -1 means none; `part_of` and `object_of` are plain lists.
"""

import numpy as np
import torch


def nearest(labels: np.ndarray, size: int) -> np.ndarray:
    """PyTorch's rule, in single precision: output pixel i looks at floor(i * input / output)."""
    rows, columns = (
        np.floor(np.arange(size, dtype=np.float32) * np.float32(n / size)).astype(int)
        for n in labels.shape
    )
    return labels[np.minimum(rows, labels.shape[0] - 1)][
        :, np.minimum(columns, labels.shape[1] - 1)
    ]


def smoothed(picture: np.ndarray) -> np.ndarray:
    """A 3x3 filter of weights exp(-(x / (2 * 0.5))^2), the border reflected, place by place."""
    one = np.array([np.exp(-1.0), 1.0, np.exp(-1.0)])
    kernel, side = np.outer(one, one) / one.sum() ** 2, len(picture)
    inside = lambda i: -i if i < 0 else 2 * (side - 1) - i if i >= side else i  # noqa: E731
    out = np.zeros_like(picture)
    for y in range(side):
        for x in range(side):
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    out[y, x] += kernel[dy + 1, dx + 1] * picture[inside(y + dy), inside(x + dx)]
    return out


def attention_losses(
    attention, object_map, part_map, part_of, object_of, parts: int, gamma: float = 0.3
):
    """(separation, enhancement) of a batch.

    attention [B, P+O+1, heads, 1+N, 1+N]; object_map, part_map [B, S, S] with ids of the objects
    and object parts asked.
    """
    attention = np.asarray(attention, dtype=np.float64)
    batch, side = len(attention), round((attention.shape[-1] - 1) ** 0.5)
    cell = object_map.shape[-1] // side
    separation = enhancement = 0.0
    number = 0
    for b in range(batch):
        # The mark of background sorts last.
        marked = np.where(object_map[b] < 0, 10**6, object_map[b])
        present_parts = sorted(set(part_map[b].ravel().tolist()) - {-1})
        for obj in sorted(set(marked.ravel().tolist()))[:-1]:  # the last id goes, whatever it is
            if not present_parts:
                continue
            number += 1
            weakest, claimed = 1.0, np.zeros((side, side))
            for t in present_parts:
                merged = (attention[b, part_of[t]] + attention[b, parts + object_of[t]]).mean(0)[
                    1:, 1:
                ] / 2
                picture = np.zeros((side, side))
                for y in range(side):
                    for x in range(side):
                        # The corner pixel speaks for its cell.
                        if part_map[b, y * cell, x * cell] == t:
                            picture += merged[y * side + x].reshape(side, side)
                picture /= side * side  # by all queries, not by those counted
                stretched = (picture - picture.min()) / (picture.max() - picture.min() + 1e-9)
                weakest = min(weakest, smoothed(picture).max())
                claimed += (smoothed(stretched) > gamma) & (object_map[b, ::cell, ::cell] == obj)
            separation += (claimed > 1).sum() / ((claimed >= 1).sum() + 1e-9)
            enhancement += 1 - weakest
    return separation / (max(number, 1) * batch), enhancement / (max(number, 1) * batch)


def cross_entropies(
    logits, object_part_logits, object_map, part_map, part_of, parts: int
) -> dict[str, float]:
    """The recorded means by name, in the order of the calls.

    Logits [B, P+O+1, S, S], object_part_logits [B, T+1, S, S].
    """
    logits, object_part_logits = (
        np.moveaxis(np.asarray(x, dtype=np.float64), 1, -1) for x in (logits, object_part_logits)
    )
    ids = lambda values, count: np.array(values)[..., None] == np.arange(count)  # noqa: E731
    general = np.where(part_map < 0, -1, np.array(part_of)[part_map])
    background = (object_map < 0)[..., None]
    of_object_parts = np.concatenate(
        [ids(part_map, object_part_logits.shape[-1] - 1), background], -1
    )
    of_objects = np.concatenate([ids(object_map, logits.shape[-1] - parts - 1), background], -1)

    def mean(x, target, pixels, last_weight):
        entropy = (np.logaddexp(0, x) - target * x)[pixels]
        entropy[..., -1] *= last_weight
        return entropy.mean() if entropy.size else float("nan")

    found, on_parts, no_object = {}, part_map >= 0, object_map < 0
    if on_parts.any():
        found["part_obj|part pixels"] = mean(object_part_logits, of_object_parts, on_parts, 0.05)
        found["part|part pixels"] = mean(logits[..., :parts], ids(general, parts), on_parts, 1)
    if not no_object.all():
        found["part_obj|background pixels"] = mean(
            object_part_logits, of_object_parts, no_object, 0.05
        )
    found["object|all pixels"] = mean(
        logits[..., parts:], of_objects, np.ones_like(no_object), 0.05
    )
    return found


def inference(
    logits, object_part_logits, size, given, object_of, parts: int
) -> dict[str, np.ndarray]:
    """The recorded label maps and scores of one image.

    Whatever is out of the race is multiplied by 0, then the best is taken.
    """

    def up(x):
        return torch.sigmoid(torch.nn.functional.interpolate(x[None], size, mode="bilinear"))[
            0
        ].numpy()

    general, objects, object_parts = up(logits[:parts]), up(logits[parts:]), up(object_part_logits)
    winner = objects.argmax(0)
    oracle, all_of_them = object_parts[:-1].copy(), object_parts.copy()
    for t, obj in enumerate([*object_of, len(objects) - 1]):
        all_of_them[t] *= winner == obj
        if t < len(oracle) and obj not in given:
            oracle[t] = 0
    return {
        "oracle_argmax": oracle.argmax(0),
        "predall_argmax": all_of_them.argmax(0),
        "obj_argmax": winner,
        "part_argmax": general.argmax(0),
        "oracle_scores": oracle[:, ::10, ::10],
        "predall_scores": all_of_them[:, ::10, ::10],
    }
