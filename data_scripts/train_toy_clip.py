r"""Train the tiny CLIP on drawn pictures and their captions.

    python data_scripts/train_toy_clip.py --out runs/toy_clip.safetensors
    python data_scripts/train_toy_clip.py --minutes 10 --out runs/toy_clip.safetensors     shorter
    python data_scripts/train_toy_clip.py --start runs/toy_clip.safetensors --close-ups 0.75 \
        --learning-rate 3e-4 --out runs/more_close_ups.safetensors                         goes on

Takes an hour or more on two cores, and was not timed by itself; every 50
steps it prints how long is left, and `--minutes` sets it.

A batch is half whole pictures, half close-ups, unless `--close-ups` says otherwise. A whole picture
teaches twice: its pooled patches meet a caption of the scene, and the patches inside the box of
each object meet a caption of that object (as in RegionCLIP; boxes of objects only). A close-up is
cut out, enlarged, and is a picture of its own with a caption such as "a dog's head". All objects
take part, the novel ones too. No mask is ever shown; boxes come from the drawing.
"""

import argparse
import json
import math
import time
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.loss import ClipLoss
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from drawn_world import captions
from measure_toy_clip import PATCH, SIZE, cut, evaluate, normalise, square_around
from partclipseg_lite.datasets.drawn import DrawnWorld, RenderedWorld
from partclipseg_lite.network.backbone import encode_tokens
from partclipseg_lite.vocabulary import OBJECT_SYNONYMS, PART_SYNONYMS, Vocabulary, available
from partclipseg_lite.weights.tiny_clip import (
    ToyTokenizer,
    build_toy_clip,
    load_toy_clip,
    save_toy_clip,
    toy_clip_config,
    toy_clip_path,
)

#: Share of patches that the image tower sees in training (patch dropout: faster, more local).
KEEP = 0.5
#: Share of the steps, the last ones, in which it sees all of them, as in use (FLIP, 2023).
UNMASKED = 0.08


class CaptionLoss(ClipLoss):
    """open_clip's contrastive loss with identical captions counted as each other's positives.

    In a world of few words the same caption comes several times a batch; calling it its own
    negative would be false.
    """

    targets: Tensor

    def get_ground_truth(self, device, num_logits) -> Tensor:
        """Share of each caption in each row, float [M, M], in place of open_clip's diagonal."""
        return self.targets


def known_words() -> list[str]:
    """Words of the drawn captions, of all four vocabularies and of the synonyms, in lower case."""
    words = set(captions.caption_words())
    for name in available():
        vocabulary = Vocabulary.load(name)
        words |= {
            w for phrase in (*vocabulary.objects, *vocabulary.parts) for w in phrase.lower().split()
        }
    for table in (OBJECT_SYNONYMS, PART_SYNONYMS):
        words |= {
            w
            for key, others in table.items()
            for phrase in (key, *others)
            for w in phrase.lower().split()
        }
    return sorted(words)


def swap_sides(caption: str) -> str:
    """The caption of the mirrored picture."""
    swap = {"left": "right", "right": "left"}
    return " ".join(swap.get(word, word) for word in caption.split())


def patches_in(box, view) -> np.ndarray:
    """Indices of the patches with their centre in `box`, through the square `view`; or none."""
    grid = SIZE // PATCH
    centres = (np.arange(grid) + 0.5) / grid * (view[2] - view[0])
    inside_x = (centres + view[0] >= box[0]) & (centres + view[0] <= box[2])
    inside_y = (centres + view[1] >= box[1]) & (centres + view[1] <= box[3])
    return np.flatnonzero(inside_y[:, None] & inside_x[None])


def is_close_up(k: int, share: float) -> bool:
    """Whether view `k` of a batch is a close-up: their share, spread evenly, the first is one."""
    return math.ceil((k + 1) * share) > math.ceil(k * share)


class Views:
    """Draws training views from pictures: pixels, and (region of patches, caption) pairs."""

    def __init__(self, drawn: RenderedWorld, rng: np.random.Generator, close_ups: float = 0.5):
        self.drawn, self.images, self.rng = drawn, drawn.images, rng
        self.size, self.close_ups = drawn.images.shape[1], close_ups

    def whole(self, i: int):
        """A view of most of picture `i`, perhaps mirrored; regions: all of it, and each object."""
        side = self.rng.uniform(0.8, 1) * self.size
        left, top = self.rng.uniform(0, self.size - side, 2)
        view = (left, top, left + side, top + side)
        picture, mirrored = self.drawn.picture(i), self.rng.random() < 0.5
        caption = captions.scene_caption(picture, self.rng)
        regions = [(np.arange((SIZE // PATCH) ** 2), swap_sides(caption) if mirrored else caption)]
        for item in picture.items:
            patches = patches_in(item.box, view)
            if len(patches) >= 3:
                regions.append((patches, captions.object_caption(item.obj, self.rng, item.colour)))
        pixels = cut(self.images[i], view)
        if mirrored:
            grid = SIZE // PATCH
            pixels = pixels[:, ::-1]
            regions = [(p // grid * grid + grid - 1 - p % grid, c) for p, c in regions]
        return pixels, regions

    def close_up(self, i: int):
        """A part or an object of picture `i`, cut out, perhaps mirrored; one region: all of it."""
        item = self.drawn.items[i][self.rng.integers(len(self.drawn.items[i]))]
        names = [name for name, part in item.parts.items() if part.visible_pixels >= 12]
        if names and self.rng.random() < 0.85:
            # small parts are as common as large ones: a name is drawn first
            part = names[self.rng.integers(len(names))]
            box, caption = (
                item.parts[part].box,
                captions.part_caption(item.obj, part, self.rng, item.colour),
            )
            spread = self.rng.uniform(1.1, 1.9)
        else:
            box, caption = item.box, captions.object_caption(item.obj, self.rng, item.colour)
            spread = self.rng.uniform(1.0, 1.4)
        view = square_around(
            box, max(box[2] - box[0], box[3] - box[1]) * spread, self.size, self.rng
        )
        pixels = cut(self.images[i], view)
        if self.rng.random() < 0.5:
            pixels = pixels[:, ::-1]
        return pixels, [(np.arange((SIZE // PATCH) ** 2), caption)]

    def batch(self, size: int):
        """Pixels uint8 [B, S, S, 3]; of M regions: view [M], weights [M, N] and captions."""
        chosen = self.rng.integers(0, len(self.images), size)
        views = [
            self.close_up(i) if is_close_up(k, self.close_ups) else self.whole(i)
            for k, i in enumerate(chosen)
        ]
        pixels = np.stack([v[0] for v in views])
        owner = [k for k, v in enumerate(views) for _ in v[1]]
        weights = torch.zeros(len(owner), (SIZE // PATCH) ** 2)
        for row, (patches, _) in zip(weights, (r for v in views for r in v[1]), strict=True):
            row[patches] = 1
        return pixels, torch.tensor(owner), weights, [c for v in views for _, c in v[1]]


def region_features(clip, x: Tensor, owner: Tensor, weights: Tensor, keep: float) -> Tensor:
    """Mean of each region's projected patches, [M, E]; the tower sees a random `keep` of them."""
    visual = clip.visual
    patches = visual.conv1(x).flatten(2).transpose(1, 2)  # (B, N, W)
    patches = patches + visual.positional_embedding[1:]
    batch, count, width = patches.shape
    kept = max(1, round(count * keep))
    kept = torch.rand(batch, count, device=x.device).argsort(1)[:, :kept]  # (B, n)
    patches = patches.gather(1, kept[..., None].expand(-1, -1, width))
    cls = (visual.class_embedding + visual.positional_embedding[0]).expand(batch, 1, -1)
    tokens = visual.transformer(visual.ln_pre(torch.cat([cls, patches], dim=1)))
    tokens = visual.ln_post(tokens)[:, 1:] @ visual.proj  # (B, n, E)
    share = weights.gather(1, kept[owner])  # (M, n)
    total = (share[:, :, None] * tokens[owner]).sum(1)  # a sum: scale does not matter
    return F.normalize(total, dim=-1)


def main() -> None:
    """Read the command line, draw the pictures, train, measure and save."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=toy_clip_path())
    parser.add_argument("--steps", type=int, default=8000)
    parser.add_argument(
        "--minutes", type=float, help="choose the steps so that training takes about this long"
    )
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--picture-size", type=int, default=176)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument(
        "--close-ups", type=float, default=0.5, help="their share of a batch; the rest is whole"
    )
    parser.add_argument("--start", type=Path, help="a tiny CLIP to go on from, not from nothing")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--precision",
        choices=("bf16", "float32"),
        default="bf16",
        help="of the towers; bf16 is twice as fast on processors that know it, slower on others",
    )
    args = parser.parse_args()
    if not 0 <= args.close_ups <= 1:
        parser.error(f"--close-ups {args.close_ups} is no share of a batch; give 0 to 1")
    torch.manual_seed(args.seed)
    started, tokenizer, config = time.time(), ToyTokenizer(known_words()), toy_clip_config()
    if args.start:
        clip, tokenizer, _ = load_toy_clip(args.start)
        clip.requires_grad_(True).to(args.device)
    else:
        clip = build_toy_clip(config, tokenizer.vocab_size).to(args.device)

    def render(split: str, count: int) -> RenderedWorld:
        size, seed = args.picture_size, 1000 + args.seed
        world = DrawnWorld(split, images=count, size=size, seed=seed, objects="all")
        return world.render_all(workers=args.workers)

    held_out, drawn = render("validation", 600), render("train", args.pictures)
    print(f"drew {args.pictures + 600} pictures in {time.time() - started:.0f} s", flush=True)

    views = Views(drawn, np.random.default_rng(args.seed), args.close_ups)
    matrices = [p for p in clip.parameters() if p.ndim >= 2]
    vectors = [p for p in clip.parameters() if p.ndim < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=args.learning_rate,
        betas=(0.9, 0.98),
    )
    loss_function, steps, seen_loss = CaptionLoss(), args.steps, 0.0
    begun = time.time()
    clip.train()
    step = 0
    while step < steps:
        rate = (
            args.learning_rate
            * min(1, (step + 1) / 100)
            * (0.5 * (1 + math.cos(math.pi * step / steps)) + 0.005)
        )
        for group in optimizer.param_groups:
            group["lr"] = rate
        pixels, owner, weights, texts = views.batch(args.batch)
        x = normalise(pixels)
        x = x * torch.empty(len(x), 1, 1, 1).uniform_(0.85, 1.15) + torch.empty(
            len(x), 3, 1, 1
        ).uniform_(-0.15, 0.15)
        x, owner, weights = (t.to(args.device) for t in (x, owner, weights))
        unique = list(dict.fromkeys(texts))
        which = torch.tensor([unique.index(t) for t in texts], device=args.device)
        same = (which[:, None] == which[None]).float()
        loss_function.targets = same / same.sum(1, keepdim=True)
        keep = KEEP if step < (1 - UNMASKED) * steps else 1.0
        # Of the attention kernels for bf16 on a CPU the plain one is the fastest: the fused one has
        # a slow backward.
        plain = sdpa_kernel(SDPBackend.MATH) if args.device == "cpu" else nullcontext()
        with plain, torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16"):
            image = region_features(clip, x, owner, weights, keep)
            text = F.normalize(encode_tokens(clip, tokenizer(unique).to(args.device)), dim=-1)[
                which
            ]
        loss = loss_function(image.float(), text.float(), clip.logit_scale.exp())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(clip.parameters(), 1.0)
        optimizer.step()
        with torch.no_grad():
            clip.logit_scale.clamp_(0, math.log(100))
        seen_loss += loss.item()
        step += 1
        if step == 60 and args.minutes:
            each = (time.time() - begun) / step  # a step with all patches takes about twice as long
            steps = max(100, round(args.minutes * 60 / (each * (1 + UNMASKED))))
        if step % 50 == 0:
            gone = time.time() - begun
            print(
                f"step {step}/{steps}  loss {seen_loss / 50:.3f}  "
                f"scale {clip.logit_scale.exp():.1f}  "
                f"{gone:.0f} s, about {gone / step * (steps - step):.0f} s to go",
                flush=True,
            )
            seen_loss = 0.0
        if step % 2000 == 0 or step == steps:
            measured = evaluate(clip, tokenizer, held_out)
            measured |= {"steps": step, "pairs_of_pictures": step * args.batch, "seed": args.seed}
            measured |= {"close_ups": args.close_ups, "goes_on": args.start is not None}
            measured |= {"minutes": round((time.time() - begun) / 60, 1)}
            print("  " + json.dumps(measured), flush=True)
            save_toy_clip(args.out, clip, tokenizer, config, measured)
    print(f"wrote {args.out} after {time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
