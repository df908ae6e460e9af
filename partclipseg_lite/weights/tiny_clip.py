"""A tiny CLIP for the drawn world.

open_clip's own classes, a small configuration and CLIP's tokenizer on few words. It plays the part
that OpenAI's ViT-B/16 plays in the paper. What it has read: captions of drawn pictures, of single
objects and of close-ups of parts, for *all* objects, novel ones included. What it has never seen: a
mask.
"""

import difflib
import json
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

import torch
from open_clip import SimpleTokenizer
from open_clip.constants import OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP
from torch import Tensor, nn

from ..network.precision import made_in_float32
from .files import WeightsError, read_ours, write_tensors

CLIP_MEAN, CLIP_STD = (
    OPENAI_DATASET_MEAN,
    OPENAI_DATASET_STD,
)  # the normalisation that CLIP's own weights expect


FORMAT = "partclipseg_lite.toy_clip"  # in the metadata of the weights


class UnknownWordError(ValueError):
    """A word that the tiny CLIP's tokenizer has no tokens for."""


@cache
def _byte_pairs() -> SimpleTokenizer:
    """CLIP's table of byte pairs, read once: it holds no state but what it remembers of words."""
    return SimpleTokenizer()


class ToyTokenizer:
    """CLIP's byte-pair encoding, restricted to the words of `words` and renumbered without gaps.

    Id 0 pads; the end-of-text token has the largest id, since CLIP finds it by `argmax`. Encoding a
    text with any other word raises `UnknownWordError`, which lists the nearest known words.
    """

    def __init__(self, words: Sequence[str], context_length: int = 16):
        self.bpe = _byte_pairs()
        self.words = tuple(sorted(set(words)))
        self.context_length = context_length
        known = {i for word in self.words for i in self.bpe.encode(word)}
        known |= {i for mark in ("'s", "'", ",") for i in self.bpe.encode(mark)}
        self.piece_ids = {bpe_id: i + 1 for i, bpe_id in enumerate(sorted(known))}
        self._known_words = frozenset(self.words)
        self.start, self.end = len(self.piece_ids) + 1, len(self.piece_ids) + 2
        self.vocab_size = len(self.piece_ids) + 3

    def encode(self, text: str) -> list[int]:
        """Token ids of one text, without start, end and padding."""
        for word in (
            text.lower()
            .replace("'s ", " ")
            .replace("'s", " ")
            .replace(",", " ")
            .replace("'", " ")
            .split()
        ):
            if word not in self._known_words:
                near = difflib.get_close_matches(word, self.words, n=5, cutoff=0.4)
                raise UnknownWordError(
                    f"the tiny CLIP of the drawn world has no word {word!r} (in {text!r}); "
                    f"near ones: {', '.join(near) if near else 'none'}. "
                    "Real CLIP weights know any word."
                )
        ids = self.bpe.encode(text)
        if not all(i in self.piece_ids for i in ids):  # known words, strange marks: "dog's 'tail'"
            strange = self.bpe.decode([next(i for i in ids if i not in self.piece_ids)]).strip()
            raise UnknownWordError(
                f"the tiny CLIP of the drawn world cannot read {strange!r} in {text!r}; write "
                f"plain words, 's and commas"
            )
        return [self.piece_ids[i] for i in ids]

    def __call__(self, texts: str | Sequence[str]) -> Tensor:
        """Tokens of texts, `int64 [C, context_length]`, zero-padded.

        Raises:
            ValueError: a text does not fit.
        """
        texts = [texts] if isinstance(texts, str) else list(texts)
        tokens = torch.zeros(len(texts), self.context_length, dtype=torch.long)
        for row, text in zip(tokens, texts, strict=True):
            ids = [self.start, *self.encode(text), self.end]
            if len(ids) > self.context_length:
                raise ValueError(
                    f"{text!r} needs {len(ids)} tokens, "
                    f"the context holds {self.context_length}; shorten it"
                )
            row[: len(ids)] = torch.tensor(ids)
        return tokens


def conv_stem(channels: Sequence[int], width: int) -> nn.Sequential:
    """Three small convolutions in place of the 8x8 patch projection.

    From `[B, 3, S, S]` to `[B, width, S/8, S/8]`. Early convolutions make small transformers learn
    far faster than one large patch projection (Xiao et al., "Early Convolutions Help Transformers
    See Better", 2021).
    """
    a, b, c = channels
    return nn.Sequential(
        nn.Conv2d(3, a, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(4, a),
        nn.GELU(),  # S/2
        nn.Conv2d(a, b, 3, stride=2, padding=1, bias=False),
        nn.GroupNorm(8, b),
        nn.GELU(),  # S/4
        nn.Conv2d(b, c, 3, stride=1, padding=1, bias=False),
        nn.GroupNorm(8, c),
        nn.GELU(),  # S/4
        nn.Conv2d(c, width, 2, stride=2),  # S/8
    )


def toy_clip_config() -> dict:
    """The shipped configuration of the tiny CLIP.

    open_clip's `embed_dim`, `vision_cfg`, `text_cfg`, and the channels of our stem.
    """
    return json.loads(
        resources.files("partclipseg_lite").joinpath("data/toy_clip.json").read_text()
    )


@made_in_float32()
def build_toy_clip(config: dict, vocab_size: int) -> CLIP:
    """open_clip's `CLIP` with random weights.

    Only the patch projection is exchanged for `conv_stem`.
    """
    if config["vision_cfg"]["patch_size"] != 8:
        raise ValueError(
            "the convolutional stem makes patches of 8 pixels, got "
            f"{config['vision_cfg']['patch_size']}"
        )
    clip = CLIP(
        config["embed_dim"],
        dict(config["vision_cfg"]),
        {**config["text_cfg"], "vocab_size": vocab_size},
    )
    clip.visual.conv1 = conv_stem(config["stem_channels"], config["vision_cfg"]["width"])
    return clip


def save_toy_clip(
    path: str | Path, clip: CLIP, tokenizer: ToyTokenizer, config: dict, measured: dict
) -> None:
    """Write weights in half precision; configuration, words and accuracies as metadata."""
    tensors = {name: t.detach().half() for name, t in clip.state_dict().items()}
    metadata = {
        "format": FORMAT,
        "config": json.dumps(config),
        "measured": json.dumps(measured),
        "words": json.dumps(tokenizer.words),
    }
    write_tensors(path, tensors, metadata)


def toy_clip_path() -> Path:
    """Where the shipped weights lie."""
    return Path(
        str(resources.files("partclipseg_lite").joinpath("data/weights/toy_clip.safetensors"))
    )


def load_toy_clip(path: str | Path | None = None) -> tuple[CLIP, ToyTokenizer, dict]:
    """The frozen CLIP in eval mode, its tokenizer, and its measured accuracies.

    Default: the weights that ship with the package.

    Raises:
        FileNotFoundError: there is no file at `path`.
        ValueError: the file is not a tiny CLIP of ours.
    """
    path = Path(path) if path is not None else toy_clip_path()
    if not path.is_file():
        raise FileNotFoundError(
            f"no tiny CLIP at {path}; `python data_scripts/train_toy_clip.py "
            f"--out {path}` trains one"
        )
    tensors, metadata = read_ours(path, FORMAT, ("config", "measured", "words"))
    try:
        config, words, measured = (json.loads(metadata[k]) for k in ("config", "words", "measured"))
        tokenizer = ToyTokenizer(words, config["text_cfg"]["context_length"])
        clip = build_toy_clip(config, tokenizer.vocab_size)
        clip.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise WeightsError(
            f"{path} is no tiny CLIP that this version can build "
            f"({str(error).splitlines()[0][:200]}); take a fresh copy"
        ) from error
    return clip.eval().requires_grad_(False), tokenizer, measured
