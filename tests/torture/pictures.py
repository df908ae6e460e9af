"""Pictures as arrays, tensors, PIL pictures and files, whole or broken, and what is drawn of them.

The rules of `datasets.images` are written down here a second time, slowly, in `expected`.
"""

import io
import math
import os
from pathlib import Path

import numpy as np
from hypothesis import strategies as some
from PIL import Image

from torture import odd
from torture.damage import DAMAGES, damaged
from torture.trying import Area, Broken, Wrong, accepted, outcome, refused

# ---- arrays --------------------------------------------------------------------------------------

DTYPES = (
    *("uint8", "bool", "uint16", ">u2", "float16", "float32", "float64", ">f4"),
    *("int8", "int16", "int32", "int64", "uint32", "complex64", "object", "U4"),
)
FILLS = ("plain", "zeros", "one nan", "one inf", "above", "below", "full range")
sides = some.sampled_from([0, 1, 2, 3, 4, 5, 7, 9])
ARRAYS = some.fixed_dictionaries(
    {
        "dtype": some.sampled_from(DTYPES),
        "shape": some.one_of(
            some.lists(sides, min_size=2, max_size=3), some.lists(sides, max_size=5)
        ),
        "fill": some.sampled_from(FILLS),
        "as": some.sampled_from(["array", "array", "reversed", "read-only", "tensor", "grad"]),
        "seed": some.integers(0, 99),
    }
)


def make_array(recipe: dict) -> np.ndarray:
    """The array of a recipe of `ARRAYS`."""
    rng, dtype = np.random.default_rng(recipe["seed"]), np.dtype(recipe["dtype"])
    unit = np.asarray(rng.random(recipe["shape"]))
    fill = recipe["fill"]
    if fill == "zeros":
        unit = np.zeros_like(unit)
    high = {"f": 1, "u": 2 ** (8 * dtype.itemsize) - 1, "i": 100, "b": 1}.get(dtype.kind, 1)
    numbers = np.asarray(unit * high)
    if numbers.size and fill in ("one nan", "one inf", "above", "below"):
        place = tuple(rng.integers(0, n) for n in numbers.shape)
        high = {"one nan": math.nan, "one inf": math.inf, "above": 1.75, "below": -0.25}[fill]
        numbers[place] = high if dtype.kind == "f" else numbers[place]
    if dtype.kind == "b":
        return np.asarray(unit > 0.5)
    return np.asarray(numbers.astype(dtype))


def expected(values: np.ndarray) -> np.ndarray | None:
    """RGB `float64 [H, W, 3], 0 to 255` before rounding; None for what has to be refused."""
    shape = values.shape
    if len(shape) not in (2, 3) or 0 in shape:
        return None
    if len(shape) == 3 and shape[2] not in (1, 3, 4):
        if shape[0] not in (1, 3, 4):
            return None
        values = np.moveaxis(values, 0, 2)
    scale = {"u1": 1, "b1": 255, "u2": 1 / 257}.get(values.dtype.str[1:])
    if values.dtype.kind == "f":
        if not all(0 <= float(v) <= 1 for v in values.flat):
            return None
        scale = 255
    if scale is None:
        return None
    numbers = values.astype(np.float64) * scale
    numbers = numbers[..., None] if numbers.ndim == 2 else numbers
    if numbers.shape[2] == 4:
        alpha = numbers[..., 3:] / 255
        numbers = numbers[..., :3] * alpha + 255 * (1 - alpha)
        return numbers
    return np.repeat(numbers, 3, 2) if numbers.shape[2] == 1 else numbers


def same_picture(found, wanted: np.ndarray, slack: float = 0.51, what: str = "") -> None:
    """Raise `Wrong` if a picture is not `wanted`, up to rounding."""
    if not isinstance(found, np.ndarray) or found.dtype != np.uint8:
        raise Wrong(f"{what}gives {type(found).__name__}, expected uint8")
    if found.shape != wanted.shape:
        raise Wrong(f"{what}has shape {found.shape}, expected {wanted.shape}")
    off = np.abs(found - wanted).max()
    if off > slack:
        place = np.unravel_index(np.abs(found - wanted).argmax(), found.shape)
        raise Wrong(f"{what}reads {found[place]} at {place}, expected {wanted[place]:.2f}")


def read_array(recipe: dict, folder: Path, stage: Path) -> None:
    """`read_image` of an array or a tensor."""
    from partclipseg_lite.datasets.images import read_image

    given, wanted = make_array(recipe), None
    wanted = expected(given)
    alpha = given.ndim == 3 and wanted is not None and 4 in (given.shape[0], given.shape[2])
    form = recipe["as"]
    before = given.copy()
    if form == "reversed" and given.ndim:
        given = given[::-1].copy()[::-1]
    if form == "read-only":
        given.flags.writeable = False
    if form in ("tensor", "grad"):
        import torch

        if given.dtype.kind not in "uifbc" or given.dtype.str[0] == ">":
            return
        if given.dtype in (np.uint16, np.uint32) and not hasattr(torch, str(given.dtype)):
            return
        given = torch.from_numpy(given)
        if form == "grad" and given.is_floating_point():
            given = given.requires_grad_()
    if wanted is None:
        refused(read_image, given, why=f"{before.dtype} {before.shape} {recipe['fill']} means none")
        return
    same_picture(accepted(read_image, given), wanted, 1.01 if alpha else 0.51)
    if form == "array" and not np.array_equal(given, before):
        raise Wrong("the array was written into")


# ---- files ---------------------------------------------------------------------------------------

MODES = {
    "png": ("1", "L", "LA", "P", "P transparent", "RGB", "RGBA", "I;16"),
    "tiff": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F"),
    "jpg": ("L", "RGB", "CMYK"),
    "webp": ("RGB", "RGBA"),
    "bmp": ("1", "L", "P", "RGB"),
    "gif": ("L", "P"),
}
CHECKED = ("png",)  # formats whose checksums show a changed pixel
FILES = some.fixed_dictionaries(
    {
        "kind": some.sampled_from([(e, m) for e, modes in MODES.items() for m in modes]).map(list),
        "size": some.lists(some.sampled_from([1, 2, 5, 9]), min_size=2, max_size=2),
        "turned": some.sampled_from([0, 0, 1, 3, 6, 8, 77]),
        "seed": some.integers(0, 99),
        "damage": some.one_of(some.none(), DAMAGES),
        "name": some.sampled_from(["a", "a", "a b", "ä", "a.b", "x" * 200, "'", "名", "%s", "#?"]),
        "dataset": some.booleans(),
    }
)
TURNS = {3: lambda a: a[::-1, ::-1], 6: lambda a: np.rot90(a, -1), 8: lambda a: np.rot90(a)}


def make_picture(recipe: dict) -> tuple[Image.Image, np.ndarray]:
    """A PIL picture and what it should read as, `float64 [H, W, 3]`."""
    (_, mode), (width, height) = recipe["kind"], recipe["size"]
    rng = np.random.default_rng(recipe["seed"])
    if mode.startswith("P"):
        palette = rng.integers(0, 256, (256, 3), dtype=np.uint8)
        index = rng.integers(0, 16, (height, width), dtype=np.uint8)
        picture = Image.fromarray(index)
        picture.putpalette(palette.tobytes())
        wanted = palette[index].astype(float)
        if mode != "P":
            picture.info["transparency"] = 3
            wanted[index == 3] = 255
        return picture, wanted
    if mode == "CMYK":
        picture = Image.fromarray(rng.integers(0, 256, (height, width, 4), dtype=np.uint8), "CMYK")
        return picture, np.asarray(picture.convert("RGB")).astype(float)
    if mode in ("I;16", "F"):
        deep = rng.integers(0, 65536, (height, width), dtype=np.uint16)
        values = deep if mode == "I;16" else rng.random((height, width), np.float32)
        return Image.fromarray(values), expected(values)
    if mode == "1":
        values = rng.random((height, width)) > 0.5
        return Image.fromarray(values), expected(values)
    channels = {"L": (), "LA": (2,), "RGB": (3,), "RGBA": (4,)}[mode]
    values = rng.integers(0, 256, (height, width, *channels), dtype=np.uint8)
    picture = Image.fromarray(values, mode)
    if mode == "LA":
        values = np.concatenate([np.repeat(values[..., :1], 3, 2), values[..., 1:]], 2)
    return picture, expected(values)


def read_file(recipe: dict, folder: Path, stage: Path) -> None:
    """`read_image` of a file in some format, turned, broken or whole; as a dataset's too."""
    from partclipseg_lite.datasets.images import read_image

    (ending, mode), damage = recipe["kind"], recipe["damage"]
    picture, wanted = make_picture(recipe)
    extra = {"lossless": True} if ending == "webp" else {}
    if "transparency" in picture.info:
        extra["transparency"] = picture.info["transparency"]
    stored, turned = wanted, recipe["turned"]
    if turned and ending in ("png", "jpg", "webp"):
        exif = Image.Exif()
        exif[0x0112] = turned
        extra["exif"] = exif.tobytes()
        wanted = TURNS.get(turned, lambda a: a)(stored)
    contents = io.BytesIO()
    form = {"jpg": "JPEG"}.get(ending, ending.upper())
    picture.save(contents, form, **extra)
    path = folder / f"{recipe['name']}.{ending}"
    whole = contents.getvalue()
    after = whole if damage is None else damaged(whole, damage)
    try:
        path.write_bytes(after)
    except OSError:  # a name that this system cannot write
        return
    slack = 256.0 if ending == "jpg" else 1.01 if "A" in mode else 0.51
    if after == whole:
        same_picture(accepted(read_image, path), wanted, slack)
        same_picture(accepted(read_image, str(path)), wanted, slack, "as text ")
        if recipe["dataset"] and ending in ("png", "jpg"):
            same_picture(accepted(_as_dataset, path, stored.shape), stored, slack, "in a dataset ")
        return
    clean, _ = outcome(lambda: read_image(_beside(path, whole)))
    found, error = outcome(read_image, path)
    if error is not None:
        return
    if found.ndim != 3 or found.shape[2] != 3 or found.dtype != np.uint8:
        raise Wrong(f"{found.dtype} {found.shape} from a broken file")
    harmless = damage[0] in ("doubled", "inserted", "dropped") or damage[1] > 0.9
    must_tell = ending in CHECKED or (damage[0] == "cut" and ending == "jpg")
    if must_tell and not harmless and clean is not None and not np.array_equal(found, clean):
        raise Wrong(f"a file {damage} reads as another picture")


def _beside(path: Path, contents: bytes) -> Path:
    whole = path.with_name(f"whole{path.suffix}")
    whole.write_bytes(contents)
    return whole


def _as_dataset(path: Path, shape: tuple) -> np.ndarray:
    """The picture at `path` as the only one of a dataset in the layout of Pascal-Part-116."""
    from partclipseg_lite.datasets.pascal_part_116 import IMAGES, OBJECTS, PARTS, PascalPart

    root = path.parent / "dataset"
    labels = Image.fromarray(np.full(shape[:2], 255, np.uint8))
    for name in (IMAGES, OBJECTS, PARTS):
        (root / name / "test").mkdir(parents=True)
    (root / IMAGES / "test" / f"p{path.suffix}").write_bytes(path.read_bytes())
    for name in (OBJECTS, PARTS):
        labels.save(root / name / "test" / "p.png")
    return PascalPart(root, "test", "drawn")[0].image


# ---- things that are no pictures -----------------------------------------------------------------


def read_odd(recipe: dict, folder: Path, stage: Path) -> None:
    """`read_image` and the segmenter with what is no picture at all."""
    from partclipseg_lite.datasets.images import read_image
    from torture.stage import NAMES, segmenter

    given = odd.value(recipe["value"])
    if recipe["value"] == {"odd": "fifo"}:
        given = "fifo"
    if isinstance(given, np.ndarray) and given.dtype == float and given.size:  # zeros in 0..1
        return
    with_segmenter = segmenter(stage) if recipe["segmenter"] else None
    read = (lambda image: with_segmenter(image, NAMES)) if with_segmenter else read_image
    if with_segmenter and recipe["value"]["odd"] == "empty list":
        return  # no pictures, no results
    refused(read, given, why="it is no picture")


NO_PICTURES = some.fixed_dictionaries({"value": odd.VALUES, "segmenter": some.booleans()})


def long_strip(recipe: dict, folder: Path, stage: Path) -> None:
    """The segmenter with pictures of odd proportions and special files."""
    from torture.stage import NAMES, segmenter

    if recipe["fifo"]:
        if hasattr(os, "mkfifo"):
            os.mkfifo(folder / "fifo.png")
            refused(segmenter(stage), folder / "fifo.png", NAMES, why="it is a pipe")
        return
    height, width = recipe["size"]
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    result, error = outcome(segmenter(stage), image, NAMES)
    if error is None and result.label_map.shape != (height, width):
        raise Wrong(f"labels of {result.label_map.shape} for {height}x{width}")


STRIPS = some.fixed_dictionaries(
    {
        "size": some.lists(some.sampled_from([1, 2, 40, 3000]), min_size=2, max_size=2).filter(
            lambda size: size != [3000, 3000]
        ),
        "fifo": some.sampled_from([False, False, False, True]),
    }
)

# ---- figures -------------------------------------------------------------------------------------

MAPS = ("good", "nan", "inf", "empty", "one row", "3-d", "text", "bool", "huge numbers", "list")
TEXTS = ("plain", "$", "$a$", "\\frac", "_", "^{", "a\nb", "", "x" * 300, "名", "%s", "<b>|")
FIGURES = some.fixed_dictionaries(
    {
        "function": some.sampled_from(
            "overlay compare heatmaps coverage coverage_image attention_panel show_sample "
            "upscale_nearest contact_sheet curves score_bars table to_png_bytes".split()
        ),
        "image": some.sampled_from(["good", "good", "nan", "empty", "grey", "int", "list", "none"]),
        "map": some.sampled_from(("good", *MAPS)),
        "text": some.sampled_from(TEXTS),
        "number": some.one_of(some.sampled_from([0.3, 2, 0, -1]), odd.VALUES),
        "seed": some.integers(0, 9),
    }
)


def draw(recipe: dict, folder: Path, stage: Path) -> None:
    """A figure of odd images, maps, names and numbers is drawn and decodes, or is refused."""
    from partclipseg_lite import figures

    picture, error = outcome(_figure, recipe, figures)
    good = recipe["image"] == "good" and recipe["map"] == "good" and recipe["number"] == 0.3
    if error is not None:
        if good and recipe["text"]:
            raise Broken(f"refused though nothing is wrong with it: {error}") from error
        return
    if isinstance(picture, str) or picture is None:
        return
    if isinstance(picture, bytes):
        contents = picture
    elif isinstance(picture, np.ndarray):
        if picture.dtype.kind == "f" and not np.isfinite(picture).all():
            raise Wrong("an array with NaN")
        if recipe["function"] in ("overlay", "coverage_image") and picture.dtype != np.uint8:
            raise Wrong(f"dtype {picture.dtype}, expected uint8")
        return
    else:
        contents, error = outcome(figures.to_png_bytes, picture)
        if error is not None:
            raise Broken(f"made but not drawable: {error}") from error
    with Image.open(io.BytesIO(contents)) as image:
        image.load()


def _figure(recipe: dict, figures):
    from helpers import DRAWN, sample

    name, image, one = recipe["function"], _image(recipe["image"]), _map(recipe["map"])
    text, number = recipe["text"], odd.value(recipe["number"])
    labels = one if recipe["map"] != "good" else np.arange(64).reshape(8, 8) % 40 - 1
    if name == "overlay":
        return figures.overlay(image, labels, DRAWN, alpha=number)
    if name == "compare":
        return figures.compare(image, {text: labels}, DRAWN)
    if name == "heatmaps":
        return figures.heatmaps(image, {text: one, "b": np.ones((8, 8))})
    if name == "coverage":
        return figures.coverage({text: one}, number)
    if name == "coverage_image":
        return figures.coverage_image(figures.coverage({text: one}, 0.3), image, alpha=number)
    if name == "attention_panel":
        return figures.attention_panel(image, {text: one}, number, title=text)
    if name == "show_sample":
        return figures.show_sample(sample(seed=recipe["seed"]), DRAWN)
    if name == "upscale_nearest":
        return figures.upscale_nearest(one, 16 if number == 0.3 else number)
    if name == "contact_sheet":
        return figures.contact_sheet([image, image], titles=[text, text])
    if name == "curves":
        return figures.curves({text: [1.0, 2.0, number]}, title=text)
    if name == "score_bars":
        scores = {"oracle_obj": {"seen": 3.0, "unseen": number, "harmonic": 2.0}}
        return figures.score_bars({text: scores}, title=text)
    if name == "table":
        from partclipseg_lite.figures.text import table

        return repr(table([text, "b"], [[text, number]], caption=text))
    return figures.to_png_bytes(image, number if recipe["number"] != 0.3 else 1.0)


def _image(kind: str):
    good = np.random.default_rng(1).integers(0, 256, (24, 30, 3), dtype=np.uint8)
    return {
        "good": good,
        "nan": np.full((8, 8, 3), np.nan, np.float32),
        "empty": good[:0],
        "grey": good[..., 0],
        "int": good.astype(np.int64),
        "list": good.tolist(),
        "none": None,
    }[kind]


def _map(kind: str):
    good = np.random.default_rng(2).random((8, 8))
    strange = good.copy()
    strange[0, 0] = np.nan if kind == "nan" else np.inf
    return {
        "good": good,
        "nan": strange,
        "inf": strange,
        "empty": good[:0],
        "one row": good[:1],
        "3-d": np.zeros((2, 8, 8)),
        "text": "map",
        "bool": good > 0.5,
        "huge numbers": good * 1e300,
        "list": good.tolist(),
    }[kind]


AREAS = (
    Area("pictures: arrays", read_array, ARRAYS, 4),
    Area("pictures: files", read_file, FILES, 8),
    Area("pictures: none", read_odd, NO_PICTURES, 2),
    Area("pictures: proportions", long_strip, STRIPS, 0.5),
    Area("figures", draw, FIGURES, 5),
)
