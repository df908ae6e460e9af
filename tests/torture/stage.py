"""What the tries work on: a tiny CLIP, a finished run, a picture, a dataset and a reference."""

import functools
import shutil
from pathlib import Path

from torture.trying import START, processes

STEPS = 6
SHORT = {  # beside `helpers.QUICK`
    "data.images": 4,
    "training.steps": STEPS,
    "training.checkpoint_every": 2,
    "training.log_every": 4,  # an entry ends between two checkpoints
}
NAMES = ["dog's head", "cat's tail", "bus's wheel", "person's arm"]


def overrides(stage: Path, **more) -> dict:
    """Settings of a run of seconds; dots in names are written as two underscores."""
    from helpers import QUICK

    given = {name.replace("__", "."): value for name, value in more.items()}
    return {**QUICK, **SHORT, "model.backbone": str(stage / "clip.safetensors"), **given}


def settings(stage: Path, preset: str = "smoke", **more):
    """The same as `Settings`."""
    from partclipseg_lite.settings import Settings

    return Settings.from_preset(preset, overrides(stage, **more))


def build(stage: Path) -> None:
    """Fill the folder `stage`; training happens in a child, since torch forks only before it."""
    import partclipseg_lite.release.comparison  # noqa: F401

    # Everything that a child will need is imported here, once.
    if START == "fork":
        import helpers  # noqa: F401
        import papermill.iorw  # noqa: F401
        import papermill.parameterize  # noqa: F401

        import partclipseg_lite.cli  # noqa: F401
        import partclipseg_lite.evaluation.evaluate  # noqa: F401
        import partclipseg_lite.experiments.run  # noqa: F401
        import partclipseg_lite.figures.report  # noqa: F401
        import partclipseg_lite.inference.segmenter  # noqa: F401
        import partclipseg_lite.training.loop  # noqa: F401
    stage.mkdir(parents=True, exist_ok=True)
    child = processes.Process(target=_fill, args=(stage,))
    child.start()
    child.join()
    if child.exitcode:
        raise RuntimeError("the stage could not be built, see above")


def _fill(stage: Path) -> None:
    from helpers import clip_file, samples
    from PIL import Image

    from partclipseg_lite.datasets.pascal_part_116 import write_pascal_part
    from partclipseg_lite.release.comparison import shipped_reference
    from partclipseg_lite.training.loop import train
    from partclipseg_lite.vocabulary import Vocabulary

    clip_file(stage / "clip.safetensors")
    train(settings(stage), stage / "run", samples(), progress=False)
    image = samples()[0].image
    Image.fromarray(image).save(stage / "image.png")
    Image.fromarray(image).save(stage / "image.jpg", quality=90)
    drawn = Vocabulary.load("drawn")
    write_pascal_part(samples()[:3], stage / "pascal", "test", vocabulary=drawn)
    parts = stage / "pascal" / "annotations_detectron2_part" / "test"
    shutil.copytree(parts, stage / "predictions")  # perfect ones
    (stage / "reference").mkdir()
    for path in shipped_reference().glob("released_metrics.*"):
        shutil.copy(path, stage / "reference")


@functools.lru_cache(maxsize=1)
def segmenter(stage: Path):
    """A segmenter with the stage's weights, loaded once a process."""
    from partclipseg_lite.inference.segmenter import PartSegmenter

    return PartSegmenter.from_pretrained(str(stage / "run"))


@functools.lru_cache(maxsize=1)
def clean_masks(stage: Path) -> dict:
    """What the segmenter finds in the stage's picture for each of `NAMES`, asked all at once."""
    result = segmenter(stage)(stage / "image.png", NAMES)
    return {name: result.masks[name] for name in NAMES}


def weights_of(path: Path) -> dict[str, bytes]:
    """The tensors of a safetensors file as bytes, by name."""
    from safetensors.torch import load_file

    return {name: tensor.numpy().tobytes() for name, tensor in sorted(load_file(path).items())}


def without_seconds(value):
    """JSON data without what a clock gave."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ("seconds", "training_seconds")}
        return {k: without_seconds(v) for k, v in kept.items()}
    return [without_seconds(v) for v in value] if isinstance(value, list) else value
