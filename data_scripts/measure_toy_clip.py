"""Measure what a tiny CLIP names rightly, and keep it in the package's record of tiny CLIPs.

    python data_scripts/measure_toy_clip.py --record "that ships"
    python data_scripts/measure_toy_clip.py --clip runs/toy_clip.safetensors --record "a new one"

Takes about a minute on two cores. The pictures are those that `train_toy_clip.py` holds out.
"""

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from drawn_world import captions
from partclipseg_lite.datasets.drawn import DrawnWorld, RenderedWorld
from partclipseg_lite.experiments.records import load_record, record_names, write_record
from partclipseg_lite.network.backbone import encode_tokens
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.tiny_clip import CLIP_MEAN, CLIP_STD, load_toy_clip, toy_clip_path

RECORD = "tiny_clips"
SIZE, PATCH = 96, 8
#: Pictures whose parts are asked for, close up.
CLOSE_UP_PICTURES = 200


def cut(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """The region `box` (left, top, right, bottom) of an image, resized to the network's side."""
    return np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.BILINEAR, box=box))


def square_around(
    box, side: float, size: int, rng: np.random.Generator | None = None, jitter: float = 0.06
):
    """A square of about `side` around the middle of `box`, inside the picture."""
    side = min(size, max(side, size / 7))
    shift = rng.normal(0, jitter, 2) * side if rng is not None else (0, 0)
    left = min(max((box[0] + box[2] - side) / 2 + shift[0], 0), size - side)
    top = min(max((box[1] + box[3] - side) / 2 + shift[1], 0), size - side)
    return left, top, left + side, top + side


def normalise(pixels: np.ndarray) -> Tensor:
    """Pixels uint8 [B, S, S, 3] as CLIP reads them, float [B, 3, S, S]."""
    x = torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255
    return (x - torch.tensor(CLIP_MEAN).view(3, 1, 1)) / torch.tensor(CLIP_STD).view(3, 1, 1)


class Named(NamedTuple):
    """A close-up of a part of picture `picture`, and which part the CLIP names.

    `phrase_is_right`: whether it finds the right one among all object parts, too.
    """

    picture: int
    obj: str
    part: str
    named: str
    phrase_is_right: bool


@torch.no_grad()
def close_ups_named(clip, tokenizer, held_out: RenderedWorld) -> list[Named]:
    """What the CLIP says of the parts, close up, of the first pictures with a single object."""
    vocabulary, images = Vocabulary.load("drawn"), held_out.images
    size, parts = images.shape[1], list(vocabulary.parts)
    single = [i for i, items in enumerate(held_out.items) if len(items) == 1]
    crops, shown = [], []
    for i in single[:CLOSE_UP_PICTURES]:
        item = held_out.items[i][0]
        for part, where in item.parts.items():
            if where.visible_pixels >= 12:
                box = where.box
                side = max(box[2] - box[0], box[3] - box[1]) * 1.4
                crops.append(cut(images[i], square_around(box, side, size)))
                shown.append((i, item.obj, part))
    features = encode(clip, np.stack(crops))
    asked = [f"a photo of {captions.with_article(part)}" for part in parts]
    phrases = [captions.with_article(name) for name in vocabulary.object_parts]
    by_part, by_phrase = (
        (features @ embed(clip, tokenizer, texts).T).argmax(1).tolist()
        for texts in (asked, phrases)
    )
    return [
        Named(i, obj, part, parts[p], t == vocabulary.index(f"{obj}'s {part}"))
        for (i, obj, part), p, t in zip(shown, by_part, by_phrase, strict=True)
    ]


def embed(clip, tokenizer, texts: list[str]) -> Tensor:
    """Unit vectors of texts, [T, E]."""
    tokens = tokenizer(texts).to(clip.logit_scale.device)
    return F.normalize(encode_tokens(clip, tokens), dim=-1).cpu()


def encode(clip, pixels: np.ndarray) -> Tensor:
    """Unit vectors of pictures, uint8 [B, S, S, 3], as [B, E]."""
    device = clip.logit_scale.device
    chunks = [pixels[i : i + 64] for i in range(0, len(pixels), 64)]
    return torch.cat(
        [clip.encode_image(normalise(c).to(device), normalize=True).cpu() for c in chunks]
    )


@torch.no_grad()
def evaluate(clip, tokenizer, held_out: RenderedWorld) -> dict[str, float]:
    """Zero-shot accuracies in percent on held-out pictures (see the keys)."""
    clip.eval()
    vocabulary, images, device = Vocabulary.load("drawn"), held_out.images, clip.logit_scale.device
    novel = {
        o
        for o, seen in zip(vocabulary.objects, vocabulary.seen_object.tolist(), strict=True)
        if not seen
    }

    def articles(words: list[str]) -> list[str]:
        return [f"a photo of {captions.with_article(word)}" for word in words]

    size, objects = images.shape[1], list(vocabulary.objects)
    single = [i for i, items in enumerate(held_out.items) if len(items) == 1]
    truth = np.array([objects.index(held_out.items[i][0].obj) for i in single])
    is_novel = np.array([held_out.items[i][0].obj in novel for i in single])
    right = (
        encode(clip, np.stack([cut(images[i], (0, 0, size, size)) for i in single]))
        @ embed(clip, tokenizer, articles(objects)).T
    ).argmax(1).numpy() == truth
    result = {"object": right.mean(), "object_novel": right[is_novel].mean()}
    named = close_ups_named(clip, tokenizer, held_out)
    part_right = np.array([one.part == one.named for one in named])
    phrase_right = np.array([one.phrase_is_right for one in named])
    of_novel = np.array([one.obj in novel for one in named])
    result |= {
        "part_close_up": part_right.mean(),
        "part_close_up_novel": part_right[of_novel].mean(),
        "object_part_close_up": phrase_right.mean(),
        "object_part_close_up_novel": phrase_right[of_novel].mean(),
    }
    # Single patches of whole pictures: those mostly covered by one object, named among all objects.
    hits, of_novel, words = [], [], embed(clip, tokenizer, articles(objects))
    for start in range(0, min(300, len(images)), 50):
        chosen = slice(start, start + 50)
        x = normalise(np.stack([cut(image, (0, 0, size, size)) for image in images[chosen]]))
        out = clip.visual.forward_intermediates(
            x.to(device),
            indices=1,
            intermediates_only=True,
            normalize_intermediates=True,
            output_fmt="NLC",
        )["image_intermediates"][-1]
        named = (
            (F.normalize(out @ clip.visual.proj, dim=-1).cpu() @ words.T).argmax(-1).numpy()
        )  # (50, N)
        cells = torch.from_numpy(held_out.object_maps[chosen].astype(np.int64))
        cover = torch.stack(
            [
                F.adaptive_avg_pool2d((cells == o).float(), SIZE // PATCH).flatten(1)
                for o in range(len(objects))
            ]
        )  # (O, 50, N)
        share, owner = cover.max(0)
        picked = (share >= 0.5).numpy()
        hits.append(named[picked] == owner.numpy()[picked])
        of_novel.append(np.isin(owner.numpy()[picked], [objects.index(o) for o in novel]))
    hits, of_novel = np.concatenate(hits), np.concatenate(of_novel)
    result |= {"patch_seen": hits[~of_novel].mean(), "patch_novel": hits[of_novel].mean()}
    clip.train()
    return {k: round(100 * float(v), 1) for k, v in result.items()}


def by_picture(named) -> list[list[int]]:
    """Of each picture: its close-ups, and those that are named rightly."""
    counted = np.zeros((max(one.picture for one in named) + 1, 2), int)
    for one in named:
        counted[one.picture] += [1, one.named == one.part]
    return counted[counted[:, 0] > 0].tolist()


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clip", type=Path, default=toy_clip_path())
    parser.add_argument("--record", metavar="NAME", help="what to call it there")
    args = parser.parse_args()
    clip, tokenizer, trained = load_toy_clip(args.clip)
    held_out = DrawnWorld("validation", 600, 176, 1000 + trained["seed"], "all").render_all()
    measured = evaluate(clip, tokenizer, held_out)
    print(json.dumps(measured))
    if args.record:
        record = load_record(RECORD) if RECORD in record_names() else {}
        counted = {"close_ups_by_picture": by_picture(close_ups_named(clip, tokenizer, held_out))}
        write_record(RECORD, record | {args.record: trained | measured | counted})


if __name__ == "__main__":
    main()
