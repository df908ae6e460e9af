"""Settings, trainings, evaluations, datasets, and the files that all of them leave behind."""

import json
import math
import re
import shutil
import typing
from pathlib import Path

import numpy as np
from hypothesis import strategies as some

from torture import odd
from torture.damage import DAMAGES, damage_file, faults_in
from torture.stage import overrides, segmenter, settings, weights_of
from torture.trying import Area, Broken, Wrong, accepted, outcome, refused

# ---- settings ------------------------------------------------------------------------------------

KEYS = (
    *("data.images", "data.size", "data.seed", "model.layers", "model.heads", "model.width"),
    *("model.adapter", "model.backbone", "model.kind", "model.image_size", "loss.gamma"),
    *("loss.temperature", "loss.part_weight", "loss.dice_weight", "training.steps"),
    *("training.learning_rate", "training.seed", "training.batch_size", "training.precision"),
    *("training.clip_norm", "training.vary_words", "training.workers", "vocabulary", "reading"),
    *("preset", "training", "model", "steps", "training.step", "", "a.b.c", "data.name"),
)
plain = some.one_of(
    some.integers(-3, 300),
    some.floats(allow_nan=False, allow_infinity=False, width=16),
    some.sampled_from(["drawn", "toy", "paper", "released", "bf16", "ViT-B-33", "soft"]),
    some.booleans(),
    some.lists(some.integers(-1, 6), max_size=4),
)
OVERRIDES = some.fixed_dictionaries(
    {
        "preset": some.one_of(
            some.sampled_from(["smoke", "smoke", "smoke", "smke", "toy_clipseg"]), odd.VALUES
        ),
        "overrides": some.dictionaries(
            some.sampled_from(KEYS), some.one_of(plain, odd.VALUES), max_size=2
        ),
    }
)


def set_values(recipe: dict, folder: Path, stage: Path) -> None:
    """`Settings.from_preset`: what is accepted has the given values, and JSON keeps it."""
    from partclipseg_lite.settings import Settings

    given = odd.value(recipe["overrides"])
    found, error = outcome(Settings.from_preset, odd.value(recipe["preset"]), given)
    if error is None:
        _sound(found)
        for key, value in given.items():
            _taken(found, key, value)


def _sound(found) -> None:
    """Settings are valid JSON, finite, and the same when they are read back."""
    from partclipseg_lite.settings import Settings

    try:
        text = json.dumps(found.model_dump(mode="json"), allow_nan=False)
    except ValueError as error:
        raise Wrong(f"accepted settings that no JSON can hold: {found!r:.300}") from error
    again = Settings.model_validate_json(text)
    if again != found or again.hash() != found.hash():
        raise Wrong("written and read back, they are other settings")


def _taken(found, key: str, value) -> None:
    """Raise `Wrong` unless the setting has the very value given, of its own type."""
    group, _, name = key.rpartition(".")
    if not group:
        return
    kind = type(getattr(found, group)).model_fields[name].annotation
    kept = getattr(getattr(found, group), name)
    if kind is int:
        fits = isinstance(value, int | np.integer) and not isinstance(value, bool)
    elif kind is float:
        fits = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    elif kind in (bool, str) or typing.get_origin(kind) is typing.Literal:
        fits = isinstance(value, bool if kind is bool else str)
    else:
        fits, value = True, tuple(value) if isinstance(value, list) else value
    if not fits or kept != value:
        raise Wrong(f"{key}={value!r} became {kept!r}")


WHOLE = ("training.steps", "data.seed", "data.images", "training.warmup_steps")
written = some.one_of(
    some.integers(-2, 2**65).map(str),
    some.sampled_from(
        "010 1:30 0x10 0b11 0o17 1_000 1e3 3.0 3. +5 ١٢ 5 007 1:30:00 12:00 true yes on null ~ "
        ".inf .nan [1] {a:1} '5' \"5\" 5# 5,6 !!python/object:os.system 2024-01-01 &a * ? | > - "
        ": { [ %".split()
    ),
    some.text(max_size=6),
)
ASSIGNMENTS = some.tuples(some.sampled_from(WHOLE), written).map(list)


def assign(recipe: list, folder: Path, stage: Path) -> None:
    """`--set key=value` for whole numbers: they are what was written, or refused."""
    from partclipseg_lite.settings import Settings, parse_overrides

    key, text = recipe
    given, error = outcome(parse_overrides, [f"{key}={text}"])
    if error is not None:
        return
    found, error = outcome(Settings.from_preset, "smoke", given)
    if re.fullmatch(r"[1-9][0-9]{0,4}", text) and error is not None:
        raise Broken(f"refused though nothing is wrong with it: {error}") from error
    if error is not None:
        return
    _sound(found)
    group, _, name = key.partition(".")
    kept = getattr(getattr(found, group), name)
    bare = text.split(" #")[0].strip()
    readings = []
    for base in (10, 0):
        try:
            readings.append(int(bare, base))
        except ValueError:
            continue
    if kept not in readings:
        raise Wrong(f"{key}={text!r} became {kept!r}")


# ---- training ------------------------------------------------------------------------------------

#: Values at the edge of what makes sense, some on either side.
EDGES = {
    "model.layers": [[0], [2], [0, 1], [1, 1, 2], [0, 2, 1], [-1], [99], [], [0, 1, 2, 3], 5],
    "model.heads": [1, 2, 3, 16, 17],
    "model.width": [4, 5, 6, 32, 10**9],
    "model.mlp_width": [4, 10**9],
    "model.image_size": [32, 33, 40, 64],
    "model.kind": ["clipseg", "partclipseg"],
    "model.adapter": [False],
    "model.background": [False],
    "model.start_from_clip": [False, True],
    "model.backbone": ["toy2", "ViT-B-33", "hf:nobody/nothing", "", ".", "/dev/null"],
    "model.pretrained": ["nobody", ""],
    "data.size": [32, 33, 64],
    "data.images": [1, 2, 10**9],
    "data.seed": [2**32, 2**63, 2**64],
    "training.steps": [1, 2, 3],
    "training.batch_size": [1, 3, 8],
    "training.learning_rate": [1e-300, 1e-30, 1.0, 1e10, 1e30, 1e38, 1e300],
    "training.clip_norm": [1e-30, 1e30, 1e300],
    "training.weight_decay": [0, 1e10, 1e30],
    "training.warmup_steps": [0, 10**6],
    "training.poly_power": [1e-9, 1e9],
    "training.log_every": [1, 10**9],
    "training.checkpoint_every": [1, 10**9],
    "training.parts_per_image": [1, 10**6],
    "training.objects_per_image": [1, 10**6],
    "training.object_parts_per_image": [1, 10**6],
    "training.seed": [2**32, 2**63, 2**64],
    "training.precision": ["bf16", "float32"],
    "training.recompute": [True],
    "training.vary_words": [False],
    "training.workers": [1],
    "loss.object_weight": [0, 1e30, 1e300],
    "loss.part_weight": [0, 1e38],
    "loss.separation_weight": [0, 1e30],
    "loss.enhancement_weight": [0, 1e30],
    "loss.dice_weight": [0, 1e30],
    "loss.background_weight": [0, 1e30],
    "loss.gamma": [1e-9, 0.999999],
    "loss.temperature": [1e-30, 1e-300, 1e30],
    "loss.separation": ["paper", "soft"],
    "reading": ["paper", "released"],
    "vocabulary": ["pascal_part_116"],
}
edges = some.sampled_from([(key, value) for key, values in EDGES.items() for value in values])
strange = some.tuples(some.sampled_from(sorted(EDGES)), some.one_of(plain, odd.VALUES))
TRAININGS = some.fixed_dictionaries(
    {
        "preset": some.sampled_from(["smoke", "smoke_clipseg", "toy"]),
        "overrides": some.lists(
            some.one_of(edges, edges, edges, strange), min_size=1, max_size=3
        ).map(dict),
        "output": some.sampled_from(
            ["run", "run", "run", "file", "file/run", "", "a\0b", "x" * 300]
        ),
    }
)
SLOW = {"training.steps": 3, "data.images": 50, "training.batch_size": 8, "data.size": 64}
SLOW |= {"model.image_size": 64, "training.workers": 1}


def train_oddly(recipe: dict, folder: Path, stage: Path) -> None:
    """`train` with odd settings: refused, or finite weights that load again."""
    from partclipseg_lite.settings import Settings
    from partclipseg_lite.training.loop import train
    from partclipseg_lite.weights.models import load_model

    given = odd.value(recipe["overrides"])
    for key, most in SLOW.items():  # many steps are no mistake; here they would only take long
        value = given.get(key)
        if isinstance(value, int) and most < value < 10**6:
            given[key] = most
    if isinstance(given.get("training.workers"), int) and given["training.workers"] > 1:
        del given["training.workers"]  # no hundreds of processes
    if given.get("model.backbone") == "toy":
        del given["model.backbone"]
    chosen, error = outcome(
        Settings.from_preset, recipe["preset"], {**overrides(stage, training__steps=2), **given}
    )
    if error is not None:
        return
    (folder / "file").write_text("not a folder")
    output = recipe["output"] or "."
    result, error = outcome(train, chosen, output, None, False)
    if fault := faults_in(folder):
        raise Wrong(fault)
    if error is not None:
        if isinstance(error, FloatingPointError) and list(folder.rglob("weights.safetensors")):
            raise Wrong(f"weights were written although {error}")
        return
    model, *_ = load_model(Path(output))
    if not all(bool(p.isfinite().all()) for p in model.parameters()):
        raise Wrong("weights that are not finite")
    if not all(math.isfinite(v) for entry in result[1] for v in entry.values()):
        raise Wrong(f"a log that is not finite: {result[1]}")


RUN_FILES = ("settings.json", "log.json", "weights.safetensors")
STEP = "checkpoints/step_000000{}.safetensors"
RESUMES = some.fixed_dictionaries(
    {
        "files": some.lists(
            some.tuples(
                some.sampled_from([*RUN_FILES, STEP.format(4), STEP.format(6)]), DAMAGES
            ).map(list),
            min_size=1,
            max_size=2,
            unique_by=lambda pair: pair[0],
        ),
        "stopped": some.sampled_from(["after its last step", "finished", "without checkpoints"]),
    }
)


def resume(recipe: dict, folder: Path, stage: Path) -> None:
    """A run with broken files is taken up: its very weights, or a word about the broken file."""
    from helpers import samples

    from partclipseg_lite.training.loop import train

    shutil.copytree(stage / "run", folder / "run")
    if recipe["stopped"] == "after its last step":
        for name in ("weights.safetensors", "log.json"):
            (folder / "run" / name).unlink()
    elif recipe["stopped"] == "without checkpoints":
        shutil.rmtree(folder / "run" / "checkpoints")
    for name, damage in recipe["files"]:
        if (folder / "run" / name).exists():
            damage_file(folder / "run" / name, damage)
    _, error = outcome(train, settings(stage), folder / "run", samples(), False)
    if error is not None:
        if "run" not in str(error):
            raise Broken(f"names no file: {error}") from error
        return
    names = ("weights.safetensors", "log.json")
    for path in [*map((folder / "run").joinpath, names), folder / "run" / "settings.json"]:
        if not path.is_file():
            raise Wrong(f"ended without {path.name}")
    if fault := faults_in(folder / "run"):
        if not fault.startswith("step_"):  # what was passed over may stay
            raise Wrong(fault)
    mine, theirs = (weights_of(f / "run" / "weights.safetensors") for f in (folder, stage))
    if mine != theirs:
        raise Wrong("other weights than those of the run that nothing happened to")


# ---- files of tensors ----------------------------------------------------------------------------

TENSORS = some.fixed_dictionaries(
    {
        "file": some.sampled_from(["weights", "weights", "clip", "clip as weights"]),
        "damage": DAMAGES,
    }
)


def load_broken(recipe: dict, folder: Path, stage: Path) -> None:
    """A broken file of weights or of a tiny CLIP: refused, or nothing about it is different."""
    from partclipseg_lite.weights.models import load_model
    from partclipseg_lite.weights.tiny_clip import load_toy_clip

    clip = recipe["file"] != "weights"
    source = stage / "clip.safetensors" if clip else stage / "run" / "weights.safetensors"
    path = folder / source.name
    shutil.copy(source, path)
    changed = damage_file(path, recipe["damage"])
    load = load_toy_clip if recipe["file"] == "clip" else load_model
    found, error = outcome(load, path)
    if recipe["file"] == "clip as weights":
        if error is None:
            raise Wrong("a CLIP was taken for the weights of a segmenter")
        return
    if not changed:
        if error is not None:
            raise Broken(f"refused though nothing is wrong with it: {error}") from error
        return
    if error is None:
        whole = load(source)[0].state_dict()
        broken = found[0].state_dict()
        if any(not bool((whole[n] == broken[n]).all()) for n in whole):
            raise Wrong("a broken file gave other weights")


STRANGE = (
    *("nan", "inf", "-inf", "whole numbers", "missing", "extra", "shape", "no metadata"),
    *("no settings", "settings no JSON", "settings of the future", "another digest", "no digest"),
    *(
        "empty",
        "other backbone",
        "no format",
        "vocabulary no JSON",
        "extra no JSON",
        "names swapped",
    ),
)
REWRITTEN = some.fixed_dictionaries(
    {"change": some.sampled_from(STRANGE), "file": some.sampled_from(["weights", "clip"])}
)


def load_strange(recipe: dict, folder: Path, stage: Path) -> None:
    """A file of tensors that is whole as such, but holds what makes no sense."""
    import torch
    from safetensors import safe_open
    from safetensors.torch import save_file

    from partclipseg_lite.weights.models import load_model
    from partclipseg_lite.weights.tiny_clip import load_toy_clip

    clip, change = recipe["file"] == "clip", recipe["change"]
    source = stage / "clip.safetensors" if clip else stage / "run" / "weights.safetensors"
    with safe_open(source, "pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}
        metadata = dict(file.metadata())
    unsigned = {k: v for k, v in metadata.items() if k not in ("digest", "digested")}
    first = next(name for name, tensor in tensors.items() if tensor.ndim == 2)
    if change in ("nan", "inf", "-inf"):
        tensors[first][0, 0] = float(change)
    elif change == "whole numbers":
        tensors[first] = tensors[first].to(torch.int32)
    elif change == "missing":
        del tensors[first]
    elif change == "extra":
        tensors["extra"] = torch.zeros(2)
    elif change == "shape":
        tensors[first] = tensors[first][:1].contiguous()
    elif change == "empty":
        tensors = {}
    elif change == "names swapped":
        same = [n for n, t in tensors.items() if t.shape == tensors[first].shape and n != first]
        if not same:
            return
        tensors[first], tensors[same[0]] = tensors[same[0]], tensors[first]
        unsigned = metadata
    elif change == "another digest":
        unsigned = {**metadata, "digest": "0" * 64}
    elif change == "no metadata":
        unsigned = {}
    else:
        what = change.split()[1] if change.startswith("no ") else change.split()[0]
        what = {"other": "backbone"}.get(what, what)
        if what not in unsigned and what != "digest":
            return
        if change.startswith("no ") and change != "no digest":
            del unsigned[what]
        elif change != "no digest":
            unsigned[what] = {"settings of the future": '{"future": 1}'}.get(change, "{")
    path = folder / "strange.safetensors"
    save_file(tensors, path, metadata=unsigned)
    load = load_toy_clip if clip else load_model
    if change == "no digest":  # a file of an earlier version: read, with a word
        accepted(load, path)
    else:
        refused(load, path, why=f"it holds {change}")


# ---- evaluation and datasets ---------------------------------------------------------------------

SCORINGS = some.fixed_dictionaries(
    {
        "sizes": some.lists(some.sampled_from([1, 2, 17, 32, 50]), max_size=3),
        "labels": some.sampled_from(["good", "good", "nothing", "an object too many", "part 9999"]),
        "batch": some.one_of(some.integers(1, 4), odd.VALUES),
        "vocabulary": some.sampled_from(["drawn", "drawn", "pascal_part_116", "seen"]),
    }
)


def score(recipe: dict, folder: Path, stage: Path) -> None:
    """`evaluate` on odd samples: the same for every batch size, finite, or refused."""
    from helpers import samples

    from partclipseg_lite.datasets.sample import IGNORE, Sample
    from partclipseg_lite.evaluation.evaluate import evaluate
    from partclipseg_lite.vocabulary import Vocabulary

    chosen = [s.resized(n) for s, n in zip(samples(), recipe["sizes"], strict=False)]
    labels = recipe["labels"]
    if labels != "good":
        value = {"nothing": IGNORE, "an object too many": 10**4, "part 9999": 9999}[labels]
        strange = [np.full_like(s.part_map, value) for s in chosen]
        chosen = [
            Sample(s.image, m if labels != "part 9999" else s.object_map, m, s.name)
            for s, m in zip(chosen, strange, strict=True)
        ]
    name, batch = recipe["vocabulary"], odd.value(recipe["batch"])
    vocabulary = Vocabulary.load("drawn" if name == "seen" else name)
    vocabulary = vocabulary.seen_only() if name == "seen" else vocabulary
    model = segmenter(stage).model
    found, error = outcome(evaluate, model, chosen, vocabulary, batch)
    good_batch = isinstance(batch, int | np.integer) and not isinstance(batch, bool) and batch > 0
    if error is not None:
        if name == "drawn" and labels == "good" and good_batch and chosen:
            raise Broken(f"refused though nothing is wrong with it: {error}") from error
        return
    if not chosen or not good_batch:
        raise Wrong(f"scores of {len(chosen)} pictures in batches of {batch!r}")
    if labels in ("an object too many", "part 9999"):
        raise Wrong(f"scores with labels outside the vocabulary: {labels}")
    json.dumps(found, allow_nan=False)
    bare = lambda scores: {k: v for k, v in scores.items() if k != "seconds"}  # noqa: E731
    alone = evaluate(model, chosen, vocabulary, 1)
    for setting in ("oracle_obj", "pred_all", "plain"):
        for key, value in bare(alone[setting]).items():
            other = found[setting][key]
            if isinstance(value, float) and abs(value - other) > 0.5:  # rounding moves few pixels
                raise Wrong(f"{setting} {key}: {value} one by one, {other} in batches of {batch}")


PARTS = ("images/test/{}.png", "annotations_detectron2_obj/test/{}.png")
PARTS += ("annotations_detectron2_part/test/{}.png",)
SPOILS = (
    *("damage", "damage", "damage", "gone", "another size", "16 bits", "colours", "out of range"),
    *("classes.json", "hidden file", "large ending", "same name twice", "folder", "alpha"),
)
FOLDERS = some.fixed_dictionaries(
    {
        "spoil": some.sampled_from(SPOILS),
        "file": some.integers(0, 2),
        "damage": DAMAGES,
        "restricted": some.booleans(),
    }
)


def read_folder(recipe: dict, folder: Path, stage: Path) -> None:
    """A dataset with one spoilt file: the very samples that were written, or a word about it."""
    from helpers import samples
    from PIL import Image

    from partclipseg_lite.datasets.pascal_part_116 import PascalPart

    shutil.copytree(stage / "pascal", folder / "data")
    root, spoil = folder / "data", recipe["spoil"]
    whole = {s.name: s for s in samples()[:3]}
    path = root / PARTS[recipe["file"]].format("cat-cow")
    labels, harmless = recipe["file"] > 0, False
    if spoil == "damage":
        harmless = not damage_file(path, recipe["damage"])
    elif spoil == "gone":
        path.unlink()
        harmless = not labels  # one picture fewer
    elif spoil == "another size":
        Image.open(path).resize((20, 40)).save(path)
    elif spoil == "16 bits" and labels:
        Image.fromarray(np.asarray(Image.open(path)).astype(np.uint16)).save(path)
        harmless = True
    elif spoil == "colours" and labels:
        Image.open(path).convert("RGB").save(path)
    elif spoil == "alpha" and labels:
        Image.open(path).convert("LA").save(path)
    elif spoil == "out of range" and labels:
        Image.fromarray(np.full((32, 32), 250, np.uint8)).save(path)
    elif spoil == "classes.json":
        harmless = not damage_file(root / "classes.json", recipe["damage"])
    elif spoil == "hidden file":
        path.with_name("._cat-cow.png").write_bytes(b"macOS")
        harmless = True
    elif spoil == "large ending" and not labels:
        path.rename(path.with_suffix(".PNG"))
        harmless = True
    elif spoil == "same name twice" and not labels:
        Image.open(path).rotate(90).save(path.with_suffix(".jpg"))
    elif spoil == "folder":
        path.unlink()
        path.mkdir()
    else:
        return

    def read():
        data = PascalPart(root, "test")
        return [data[i] for i in range(len(data))]

    found, error = outcome(read)
    if error is not None:
        if harmless:
            raise Broken(f"refused though nothing is wrong with it: {error}") from error
        if not re.search("data|cat-cow|classes", str(error)):
            raise Broken(f"names no file: {error}") from error
        return
    if spoil == "same name twice":
        raise Wrong("two pictures share one label file")
    for sample in found:
        mine = whole[sample.name]
        for field in ("image", "object_map", "part_map"):
            if not np.array_equal(getattr(sample, field), getattr(mine, field)):
                raise Wrong(f"{field} of {sample.name} is another one after {spoil}")


SPLITS = ("../x", "../../escaped", "/abs", ".", "..", "", "a/b", "a\\b", "train ", "a\0b", "con")
SPLITS += ("test", "val", "x" * 300, "ä", ".hidden", "-", "a\nb", "%s", "~")
WRITINGS = some.fixed_dictionaries(
    {
        "split": some.one_of(some.sampled_from(SPLITS), odd.VALUES),
        "name": some.sampled_from([*SPLITS, "plain", "plain", "plain"]),
        "suffix": some.one_of(
            some.sampled_from([".png", ".png", ".jpg", "png", ".gif"]), odd.VALUES
        ),
        "samples": some.sampled_from([1, 1, 2, 0]),
        "into": some.sampled_from(["new", "new", "old", "file"]),
    }
)


def write_folder(recipe: dict, folder: Path, stage: Path) -> None:
    """`write_pascal_part` with odd splits and names: in its folder and readable, or no trace."""
    from helpers import DRAWN, samples

    from partclipseg_lite.datasets.pascal_part_116 import PascalPart, write_pascal_part
    from partclipseg_lite.datasets.sample import Sample

    root = folder / "deep" / "er" / "data"
    root.parent.mkdir(parents=True)
    if recipe["into"] == "old":
        shutil.copytree(stage / "pascal", root)
    if recipe["into"] == "file":
        root.write_text("a file")
    whole = samples()[0]
    given = [
        Sample(whole.image, whole.object_map, whole.part_map, recipe["name"] + "ab"[:i])
        for i in range(recipe["samples"])
    ]
    split, suffix = odd.value(recipe["split"]), odd.value(recipe["suffix"])
    before = _tree(folder)
    _, error = outcome(write_pascal_part, given, root, split, vocabulary=DRAWN, suffix=suffix)
    after = _tree(folder)
    if error is not None:
        if after != before:
            raise Wrong(f"left {sorted(after.keys() ^ before.keys())[:3]} though refused: {error}")
        if recipe["into"] == "new" and (split, recipe["name"], suffix) == ("val", "plain", ".png"):
            if given:
                raise Broken(f"refused though nothing is wrong with it: {error}") from error
        return
    outside = [p for p in after.keys() - before.keys() if not p.startswith("deep/er/data")]
    if outside or before.items() - after.items():
        raise Wrong(f"wrote outside its folder: {outside[:3]}")
    data = PascalPart(root, split)
    if len(data) != len(given):
        raise Wrong(f"{len(data)} samples of {len(given)}")
    if not np.array_equal(data[0].part_map, whole.part_map):
        raise Wrong("other labels than were written")


def _tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


WORLDS = some.fixed_dictionaries(
    {},
    optional={
        "split": some.one_of(some.sampled_from(["train", "shifted", "tset", "Test"]), odd.VALUES),
        "images": some.one_of(some.integers(-1, 5), odd.VALUES),
        "size": some.one_of(some.sampled_from([31, 32, 33, 64, 1025]), odd.VALUES),
        "seed": some.one_of(some.integers(-1, 5), odd.VALUES),
        "objects": some.one_of(
            some.lists(some.sampled_from(["dog", "cat", "dragon", "Dog", ""]), max_size=3),
            odd.VALUES,
        ),
        "index": some.one_of(some.integers(-7, 7), odd.VALUES),
    },
)


def draw_world(recipe: dict, folder: Path, stage: Path) -> None:
    """`DrawnWorld` with odd arguments and places: the same sound picture twice, or refused."""
    from helpers import DRAWN

    from partclipseg_lite.datasets.drawn import DrawnWorld

    given = {"images": 3, "size": 32, **odd.value(recipe)}
    index = given.pop("index", 0)
    world, error = outcome(lambda: DrawnWorld(**given))
    if error is not None:
        return
    sample, error = outcome(lambda: world[index], also=(IndexError,))
    if error is not None:
        return
    again = DrawnWorld(**{**given, "images": max(world.images, 1)})[index]
    if sample.image.shape != (world.size, world.size, 3):
        raise Wrong(f"a picture of shape {sample.image.shape}")
    if not np.array_equal(sample.image, again.image):
        raise Wrong("another picture the second time")
    sample.check_ids(DRAWN)
    sample.check_owners(DRAWN)


AREAS = (
    Area("settings: values", set_values, OVERRIDES, 6),
    Area("settings: texts", assign, ASSIGNMENTS, 6),
    Area("training: odd settings", train_oddly, TRAININGS, 4),
    Area("training: broken files", resume, RESUMES, 5),
    Area("weights: broken", load_broken, TENSORS, 8),
    Area("weights: senseless", load_strange, REWRITTEN, 4),
    Area("evaluation", score, SCORINGS, 3),
    Area("datasets: read", read_folder, FOLDERS, 5),
    Area("datasets: written", write_folder, WRITINGS, 3),
    Area("drawn world", draw_world, WORLDS, 4),
)
