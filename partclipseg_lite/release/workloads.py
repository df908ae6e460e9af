"""What the benchmark measures: inference, training steps, many names and many images.

All of it on networks with random weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import open_clip
import torch
from open_clip.model import CLIP
from torch.utils.data import default_collate

from ..datasets.sample import IGNORE, Sample
from ..inference.predict import autocast, encode, predict
from ..inference.segmenter import PartSegmenter
from ..network.backbone import Backbone
from ..network.models import CLIPSeg, PartCLIPSeg
from ..settings import Settings
from ..training.examples import TrainingExamples
from ..training.objective import LossModule
from ..vocabulary import Vocabulary
from ..weights.build import build_model
from ..weights.clips import real_backbone
from ..weights.converters import clipseg_from_hugging_face
from .departures import as_read
from .peer import hugging_face_clipseg

TINY_CLIP = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 16, "width": 32, "layers": 3, "head_width": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}


@dataclass(frozen=True)
class Size:
    """`full`: the networks of the paper.

    `small`: the same code in seconds, to see that everything runs.
    """

    clip: dict
    image: int
    layers: tuple[int, ...]
    decoder: dict
    picture: tuple[int, int]
    compared: tuple[int, ...] = (1, 8, 58)  # names, against Hugging Face
    names: tuple[int, ...] = (1, 10, 100, 1000)
    batches: tuple[int, ...] = (1, 2, 4, 8)
    repetitions: int = 3


SIZES = {
    "full": Size(
        open_clip.get_model_config("ViT-B-16-quickgelu"),
        352,
        (3, 6, 9),
        {"width": 64, "heads": 4, "mlp_width": 2048},
        (375, 500),
    ),
    "small": Size(
        TINY_CLIP,
        64,
        (0, 1, 2),
        {"width": 16, "heads": 2, "mlp_width": 32},
        (60, 80),
        (1, 3),
        (1, 40),
        (1, 2),
        repetitions=1,
    ),
}


class Workloads:
    """All that can be measured, by name (`all`); networks are built when first needed."""

    def __init__(self, size: Size, device: torch.device):
        self.size, self.device = size, device
        rng = np.random.default_rng(0)
        self.picture = rng.integers(0, 256, (*size.picture, 3), dtype=np.uint8)
        pascal, ade = Vocabulary.load("pascal_part_116"), Vocabulary.load("ade20k_part_234")
        self.pascal = pascal
        # More than a thousand.
        self.names = [f"{obj}'s {part}" for obj in ade.objects for part in pascal.parts]

    def backbone(self, **options) -> Backbone:
        """A new frozen CLIP of this size; `options` go to `real_backbone`."""
        return real_backbone(CLIP(**self.size.clip), self.size.image, self.size.layers, **options)

    @cached_property
    def frozen(self) -> Backbone:
        """One such CLIP, on the device, for all models that leave it as it is."""
        return self.backbone().to(self.device)

    @cached_property
    def hugging_face(self):
        """Hugging Face's CLIPSeg of this size."""
        torch.manual_seed(0)
        return hugging_face_clipseg(self.size.clip, self.size.layers, **self.size.decoder).to(
            self.device
        )

    @cached_property
    def clipseg(self) -> CLIPSeg:
        """Our CLIPSeg with the weights of `hugging_face`."""
        theirs = self.hugging_face
        return clipseg_from_hugging_face(
            theirs.state_dict(), theirs.config.to_dict(), self.size.image
        ).to(self.device)

    @cached_property
    def segmenter(self) -> PartSegmenter:
        """A segmenter with a PartCLIPSeg of this size."""
        torch.manual_seed(0)
        return PartSegmenter(
            PartCLIPSeg(backbone=self.backbone(), **self.size.decoder).to(self.device)
        )

    def peer(self, count: int) -> Callable[[], torch.Tensor]:
        """Hugging Face's forward as its documentation calls it.

        The image comes once for each prompt, prompts are padded to 77 tokens.
        """
        model, backbone = self.hugging_face, self.clipseg.backbone
        tokens = backbone.tokenizer([f"a {name}" for name in self.pascal.object_parts[:count]]).to(
            self.device
        )
        mask = torch.arange(tokens.shape[1], device=self.device) <= tokens.argmax(-1, keepdim=True)
        pixels = backbone.preprocess(
            torch.from_numpy(self.picture).permute(2, 0, 1)[None].to(self.device)
        )

        @torch.inference_mode()
        def run() -> torch.Tensor:
            with autocast(self.device):
                logits = model(
                    input_ids=tokens,
                    pixel_values=pixels.expand(count, -1, -1, -1),
                    attention_mask=mask,
                ).logits
            return logits.float().view(count, *logits.shape[-2:])

        return run

    def ours(self, count: int) -> Callable:
        """The same question to us, from the picture to masks at its own size.

        Words are encoded anew each time.
        """
        segmenter, names = PartSegmenter(self.clipseg), self.pascal.object_parts[:count]

        def run():
            segmenter.model.backbone._text_cache.clear()
            return segmenter(self.picture, names)

        return run

    def difference(self, count: int) -> float:
        """Largest difference of our logits from Hugging Face's, in units of the largest logit."""
        vocabulary = Vocabulary.from_names(self.pascal.object_parts[:count])
        theirs, ours = (
            self.peer(count)(),
            predict(self.clipseg, [self.picture], vocabulary).object_part_logits[0, :-1],
        )
        return float((ours - theirs).abs().max() / theirs.abs().max())

    def segment(self, names, images: int = 1, fresh: bool = False) -> Callable:
        """Segmentation of some pictures into `names`; `fresh` forgets all embeddings before."""

        def run():
            if fresh:
                self.segmenter.model.backbone._text_cache.clear()
            return self.segmenter([self.picture] * images, names)

        return run

    def encoder(self) -> Callable:
        """One pass of the image encoder."""

        def run():
            with torch.inference_mode(), autocast(self.device):
                return encode(self.segmenter.model, [self.picture])

        return run

    def decoder(self) -> Callable:
        """One pass of decoder and mask head for all parts and objects, and background."""
        model, activations = self.segmenter.model, self.encoder()()
        words = model.embed(self.pascal)
        embeddings = torch.cat([words.parts, words.objects, model.background_embedding])[None]

        @torch.inference_mode()
        def run():
            with autocast(self.device):
                return model.mask_head(
                    model.decoder([model.adapter(a) for a in activations], embeddings)
                )

        return run

    def training(
        self,
        reading: str,
        vocabulary: str = "pascal_part_116",
        batch: int = 1,
        precision: str = "float32",
        recompute: bool = False,
    ) -> "TrainingStep":
        """A whole step: forward with the attention losses, backward, clipping, AdamW.

        The whole vocabulary is asked.
        """
        torch.manual_seed(0)
        everything = {
            f"training.{kind}_per_image": 10**4 for kind in ("parts", "objects", "object_parts")
        }
        settings = Settings.from_preset(
            "toy",
            {
                "reading": reading,
                "vocabulary": vocabulary,
                "model.image_size": self.size.image,
                "training.vary_words": False,
                **everything,
                **{f"model.{key}": value for key, value in self.size.decoder.items()},
            },
        )
        backbone = self.backbone(kind=as_read(Backbone, settings.reading))
        return self._step(settings, backbone, batch, precision, recompute)

    def real_training(self, vocabulary: str, batch: int, recompute: bool) -> "TrainingStep":
        """A step as the paper trains, in bf16, with the whole vocabulary and attention control."""
        backbone = self.frozen
        torch.manual_seed(0)
        settings = Settings.from_preset(
            "partclipseg_pascal_part_116",
            {
                "vocabulary": vocabulary,
                "model.image_size": self.size.image,
                **{f"model.{key}": value for key, value in self.size.decoder.items()},
            },
        )
        return self._step(settings, backbone, batch, "bf16", recompute)

    def _step(
        self,
        settings: Settings,
        backbone: Backbone,
        batch: int,
        precision: str,
        recompute: bool,
    ) -> "TrainingStep":
        known = Vocabulary.load(settings.vocabulary)
        model = build_model(settings, backbone).to(self.device)
        model.decoder.recompute = recompute
        examples = TrainingExamples([labelled(self.size.image, known)], known, settings)
        inputs = default_collate([examples[0, place] for place in range(batch)])
        if self.device.type == "cuda":  # as the loader of training hands them over
            inputs = {name: value.pin_memory() for name, value in inputs.items()}
        module = LossModule(model, known, settings).train()
        return TrainingStep(module, inputs, settings, precision)

    def all(self) -> dict[str, Callable[[], Callable]]:
        """Name -> a function that prepares the function to measure."""
        known = {}
        for count in self.size.compared:
            known[f"compared/{count} names/Hugging Face"] = lambda n=count: self.peer(n)
            known[f"compared/{count} names/ours"] = lambda n=count: self.ours(n)
        known |= {
            "vocabulary/encoder": self.encoder,
            "vocabulary/decoder pass": self.decoder,
            "vocabulary/whole": lambda: self.segment(self.pascal.object_parts),
            "vocabulary/whole, words new": lambda: self.segment(
                self.pascal.object_parts, fresh=True
            ),
        }
        known |= {
            f"names/{count}": lambda n=count: self.segment(self.names[:n])
            for count in self.size.names
        }
        known |= {
            f"images/{count}": lambda n=count: self.segment(self.names[:10], n)
            for count in self.size.batches
        }
        for reading in ("paper", "released"):
            for precision in ("float32", "bf16"):
                known[f"training/{reading}/{precision}"] = lambda r=reading, p=precision: (
                    self.training(r, precision=p)
                )
        known["training/paper/float32, recompute"] = lambda: self.training("paper", recompute=True)
        return known


class TrainingStep:
    """A whole step: the batch to the device, forward with the attention losses, backward, AdamW.

    It waits for the device nowhere. `step(mark)` calls `mark(name)` where a stage ends: "batch",
    "targets", "encoder", "decoder and losses", "backward", "optimizer" (with clipping).
    """

    def __init__(
        self,
        module: LossModule,
        inputs: dict[str, torch.Tensor],
        settings: Settings,
        precision: str,
    ):
        self.module, self.inputs, self.precision = module, inputs, precision
        self.trained = [p for p in module.parameters() if p.requires_grad]
        self.clip_norm = settings.training.clip_norm
        self.optimizer = torch.optim.AdamW(
            self.trained,
            lr=settings.training.learning_rate,
            weight_decay=settings.training.weight_decay,
        )

    def __call__(self, mark: Callable[[str], None] = lambda stage: None) -> torch.Tensor:
        """The loss before the update."""
        backbone = self.module.model.backbone
        encode = backbone.activations

        def activations(pixels: torch.Tensor) -> list[torch.Tensor]:
            mark("targets")
            found = encode(pixels)
            mark("encoder")
            return found

        batch = self.module.prepare(self.inputs)
        mark("batch")
        backbone.activations = activations
        try:
            with autocast(backbone.mean.device, self.precision):
                loss, _ = self.module(batch)
        finally:
            del backbone.activations  # the method is there again
        mark("decoder and losses")
        self.optimizer.zero_grad()
        loss.backward()
        mark("backward")
        torch.nn.utils.clip_grad_norm_(self.trained, self.clip_norm)
        self.optimizer.step()
        mark("optimizer")
        return loss.detach()


def labelled(side: int, vocabulary: Vocabulary) -> Sample:
    """Noise with two seen objects in it, the left and the right half.

    Each shows its parts as stripes, with background around.
    """
    objects, parts = np.full((2, side, side), IGNORE)
    seen = [o for o in vocabulary.object_of.unique().tolist() if vocabulary.seen_object[o]]
    for column, obj in zip((0, side // 2), seen[:2], strict=True):
        stripes = np.array_split(
            np.arange(side // 8, side - side // 8), int((vocabulary.object_of == obj).sum())
        )
        for part, rows in zip(np.flatnonzero(vocabulary.object_of == obj), stripes, strict=True):
            objects[rows, column + side // 16 : column + side // 2 - side // 16] = obj
            parts[rows, column + side // 16 : column + side // 2 - side // 16] = part
    return Sample(
        np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8),
        objects,
        parts,
        "stripes",
    )
