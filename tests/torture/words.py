"""Names in every spelling, names of weights and devices, and vocabularies as tables."""

import copy
import json
import socket
import unicodedata
from pathlib import Path

import numpy as np
from hypothesis import strategies as some

from torture import odd
from torture.stage import NAMES, clean_masks, segmenter
from torture.trying import Area, Broken, Wrong, outcome, refused

# ---- names ---------------------------------------------------------------------------------------

#: Spellings that mean the very same name; the others may be refused, but never mean another one.
SAME = {
    "as it is": lambda name: name,
    "blanks": lambda name: f"  {name.replace(' ', '   ')} ",
    "tab": lambda name: name.replace(" ", "\t"),
    "line": lambda name: name + "\n",
    "curly": lambda name: name.replace("'", "\u2019"),
    "hard space": lambda name: name.replace(" ", "\u00a0"),
}
OTHER = {
    "large": str.upper,
    "title": str.title,
    "prime": lambda name: name.replace("'", "\u2032"),
    "backtick": lambda name: name.replace("'", "`"),
    "modifier": lambda name: name.replace("'", "\u02bc"),
    "wide": lambda name: name.replace("'", "\uff07"),
    "zero width": lambda name: name.replace("'", "'\u200b"),
    "decomposed": lambda name: unicodedata.normalize("NFD", name),
    "soft hyphen": lambda name: name[:2] + "\u00ad" + name[2:],
    "no apostrophe": lambda name: name.replace("'", ""),
    "only object": lambda name: name.split("'")[0],
    "two marks": lambda name: name.replace("'s", "'s's"),
    "long": lambda name: name + " very" * 200,
    "unknown": lambda name: name.replace("'s ", "'s zzyzx"),
    "full stop": lambda name: name + ".",
    "null": lambda name: name + "\0",
}
SPELLINGS = {**SAME, **OTHER}
spelt = some.tuples(
    some.integers(0, len(NAMES) - 1), some.sampled_from([*SAME, *SAME, *OTHER])
).map(list)
LISTS = some.fixed_dictionaries(
    {
        "names": some.lists(some.one_of(spelt, spelt, spelt, odd.VALUES), max_size=5),
        "form": some.sampled_from(["list", "list", "tuple", "generator", "dict", "array"]),
    }
)


def ask(recipe: dict, folder: Path, stage: Path) -> None:
    """The segmenter with names in some spelling: the masks of the plain ones, or refused."""
    given = [
        odd.value(name) if isinstance(name, dict) else SPELLINGS[name[1]](NAMES[name[0]])
        for name in recipe["names"]
    ]
    form = recipe["form"]
    names = _in_form(given, form)
    result, error = outcome(segmenter(stage), stage / "image.png", names)
    plain = all(isinstance(name, list) for name in recipe["names"])
    indices = [name[0] for name in recipe["names"]] if plain else []
    innocent = plain and all(name[1] in SAME for name in recipe["names"]) and form != "dict"
    innocent = innocent and bool(given) and len(set(indices)) == len(indices)
    if error is not None:
        if innocent:
            raise Broken(f"refused though nothing is wrong with it: {error}") from error
        return
    if form == "dict":  # it was made of the text among the names
        return
    if not plain:
        strange = [name for name in given if not isinstance(name, str)]
        if strange:
            raise Wrong(f"accepted the names {strange!r:.200}")
    if len(result.names) != len(given):
        raise Wrong(f"{len(result.names)} names of {len(given)}")
    if not all(np.isfinite(score) for score in result.scores.values()):
        raise Wrong(f"scores {result.scores}")
    if not plain:
        return
    masks = [result.masks[name] for name in given]  # found under what was written
    for i, one in enumerate(indices):
        for k, other in enumerate(indices[:i]):
            same = one == other and recipe["names"][i][1] in SAME and recipe["names"][k][1] in SAME
            if same and not np.array_equal(masks[i], masks[k]):
                raise Wrong(f"{given[i]!r} and {given[k]!r} have different masks")
    if innocent and sorted(indices) == list(range(len(NAMES))):
        for index, mask in zip(indices, masks, strict=True):
            if not np.array_equal(mask, clean_masks(stage)[NAMES[index]]):
                raise Wrong(f"another mask for {NAMES[index]!r} than in plain spelling")


def _in_form(given: list, form: str):
    if form == "dict":
        pairs = [name.partition("'s ") for name in given if isinstance(name, str)]
        table: dict = {}
        for obj, _, part in pairs:
            table.setdefault(obj, []).append(part)
        return table
    if form == "array" and all(isinstance(name, str) for name in given):
        return np.array(given)
    return {"tuple": tuple, "generator": iter}.get(form, list)(given)


# ---- weights by name, devices, sizes -------------------------------------------------------------

PATHS = (
    *("runs/mine", "toy2", "Toy", "TOY", "toy ", "", " ", ".", "..", "/", "~", "mine/weights"),
    *("CIDAS/clipseg", "owner/name", "a/b/c", "hf:", "hf:name", "hf:a/b/c", "http://x.org/w.pth"),
    *("x.safetensors", "runs/x.safetensors", "x.pth", "a\0b", "x" * 5000, "toy/", "./toy", "C:\\x"),
)
ARGUMENTS = some.one_of(
    some.tuples(some.just("weights"), some.sampled_from(PATHS)),
    some.tuples(some.just("weights"), odd.VALUES),
    some.tuples(
        some.just("device"),
        some.one_of(
            odd.VALUES, some.sampled_from(["tpu", "cuda:99", "cpu:7", "CPU", "meta", "gpu"])
        ),
    ),
    some.tuples(some.sampled_from(["batch_size", "chunk", "precision"]), odd.VALUES),
).map(list)


def argue(recipe: list, folder: Path, stage: Path) -> None:
    """`PartSegmenter` with odd arguments: refused, and nobody on the network is asked."""
    from partclipseg_lite.inference.segmenter import PartSegmenter

    what, given = recipe[0], odd.value(recipe[1])
    if what == "weights":
        with _network_cut() as asked:
            refused(PartSegmenter.from_pretrained, given, why="there are no such weights")
        if asked and not str(given).startswith(("hf:", "open_clip:")):
            raise Wrong(f"asked the network for {asked[0]}")
        return
    if what == "device":
        result, error = outcome(PartSegmenter.from_pretrained, str(stage / "run"), given)
        if error is None and str(given).partition(":")[0] not in ("cpu", "cuda"):
            raise Wrong(f"accepted the device {given!r}")
        if error is None:
            result(stage / "image.png", NAMES)
        return
    model = segmenter(stage).model
    good = recipe[1] in ({"odd": "10**9"}, {"odd": "2**63"}, {"odd": "2**64"}, {"odd": "10**400"})
    good = good and what != "precision"
    made, error = outcome(PartSegmenter, model, **{what: given})
    if error is None and not good and recipe[1] != {"odd": "numpy int"}:
        raise Wrong(f"accepted {what}={given!r}")
    if error is None:
        made(stage / "image.png", NAMES)


class _network_cut:  # noqa: N801
    """Inside, whoever asks the network is refused and noted; the hub may think it is there."""

    def __enter__(self) -> list[str]:
        import huggingface_hub.constants

        self.asked: list[str] = []

        def ask(host, *args, **kwargs):
            self.asked.append(str(host))
            raise OSError("the network is cut")

        self.kept = socket.getaddrinfo, huggingface_hub.constants.HF_HUB_OFFLINE
        socket.getaddrinfo, huggingface_hub.constants.HF_HUB_OFFLINE = ask, False
        return self.asked

    def __exit__(self, *failure) -> None:
        import huggingface_hub.constants

        socket.getaddrinfo, huggingface_hub.constants.HF_HUB_OFFLINE = self.kept


# ---- vocabularies --------------------------------------------------------------------------------

LOOKUPS = ("restrict", "index", "canonical", "parse", "parts_of", "object_index", "load")
texts = some.one_of(
    some.text(max_size=12),
    spelt.map(lambda name: SPELLINGS[name[1]](NAMES[name[0]])),
    odd.VALUES,
)
QUESTIONS = some.tuples(
    some.sampled_from([*LOOKUPS, "split_name", "from_names", "from_names", "seen_objects"]),
    some.one_of(texts, some.lists(texts, max_size=4)),
).map(list)


def look_up(recipe: list, folder: Path, stage: Path) -> None:
    """Every method of `Vocabulary` that takes names, with odd ones."""
    from partclipseg_lite.vocabulary import Vocabulary, split_name

    what, given = recipe[0], odd.value(recipe[1])
    drawn = Vocabulary.load("drawn")
    if what == "seen_objects":
        found, error = outcome(Vocabulary.from_names, NAMES, seen_objects=given)
    elif what == "split_name":
        found, error = outcome(split_name, given)
        if error is None and "".join(found) and not isinstance(given, str):
            raise Wrong(f"{given!r} was split")
        return
    elif what in ("from_names", "load"):
        found, error = outcome(getattr(Vocabulary, what), given)
    else:
        found, error = outcome(getattr(drawn, what), given)
    if error is not None or not isinstance(found, Vocabulary):
        if error is None and what == "index" and drawn.index(drawn.object_parts[found]) != found:
            raise Wrong(f"{given!r} at {found}")
        return
    again = Vocabulary.from_dict(json.loads(json.dumps(found.to_dict())))
    if again != found or again.hash != found.hash:
        raise Wrong("written and read back, it is another vocabulary")
    for t, name in enumerate(found.object_parts):
        obj, part = split_name(name)
        if found.objects[found.object_of[t]] != obj or found.parts[found.part_of[t]] != part:
            raise Wrong(f"{name!r} belongs to another object or part")


CHANGES = {
    "none": lambda t: None,
    "ids all 0": lambda t: t.update(ids=[0] * len(t["ids"])),
    "ids negative": lambda t: t["ids"].__setitem__(1, -1),
    "ids a fraction": lambda t: t["ids"].__setitem__(1, 1.5),
    "ids true": lambda t: t["ids"].__setitem__(1, True),
    "ids text": lambda t: t["ids"].__setitem__(1, "1"),
    "ids huge": lambda t: t["ids"].__setitem__(1, 2**70),
    "one id too few": lambda t: t["ids"].pop(),
    "one id too many": lambda t: t["ids"].append(len(t["ids"])),
    "ids no list": lambda t: t.update(ids=3),
    "object ids all 0": lambda t: t.update(object_ids=[0] * len(t["object_ids"])),
    "one object id too few": lambda t: t["object_ids"].pop(),
    "a part twice": lambda t: t["object_parts"].__setitem__(1, t["object_parts"][0]),
    "an object twice": lambda t: t["objects"].__setitem__(1, t["objects"][0]),
    "an object less": lambda t: (t["objects"].pop(), t["object_ids"].pop()),
    "a number among the parts": lambda t: t["object_parts"].__setitem__(0, 5),
    "a part without object": lambda t: t["object_parts"].__setitem__(0, "head"),
    "a number among the objects": lambda t: t["objects"].__setitem__(0, 5),
    "an unknown novel object": lambda t: t["novel_objects"].append("dragon"),
    "novel objects as text": lambda t: t.update(novel_objects="dog"),
    "objects as text": lambda t: t.update(objects="dog"),
    "ignore label an id": lambda t: t.update(ignore_label=3),
    "ignore label text": lambda t: t.update(ignore_label="255"),
    "ignore label a fraction": lambda t: t.update(ignore_label=255.5),
    "ignore label negative": lambda t: t.update(ignore_label=-7),
    "no parts": lambda t: t.update(object_parts=[], ids=[]),
    "no objects": lambda t: t.pop("objects"),
    "an entry more": lambda t: t.update(more=1),
    "name a number": lambda t: t.update(name=5),
    "a list": None,
}
TABLES = some.fixed_dictionaries(
    {"change": some.sampled_from(sorted(CHANGES)), "file": some.booleans()}
)


def read_table(recipe: dict, folder: Path, stage: Path) -> None:
    """A table of classes with one mistake, as data and as the classes.json of a dataset."""
    from partclipseg_lite.datasets.pascal_part_116 import PascalPart
    from partclipseg_lite.vocabulary import Vocabulary

    change, drawn = recipe["change"], Vocabulary.load("drawn")
    table = copy.deepcopy(drawn.to_dict())
    if change == "a list":
        table = [table]
    else:
        CHANGES[change](table)
    if recipe["file"]:
        for name in ("images/test", "annotations_detectron2_obj/test"):
            (folder / name).mkdir(parents=True)
        (folder / "images/test/a.png").write_bytes((stage / "image.png").read_bytes())
        (folder / "classes.json").write_text(json.dumps(table))
        found, error = outcome(lambda: PascalPart(folder, "test").vocabulary)
    else:
        found, error = outcome(Vocabulary.from_dict, table)
    if change == "none" and found != drawn:
        raise Broken(f"a good table is refused or read wrongly: {error}")
    if change not in ("none", "name a number") and error is None:
        raise Wrong(f"accepted a table with {change}")


AREAS = (
    Area("names", ask, LISTS, 8),
    Area("arguments of the segmenter", argue, ARGUMENTS, 4),
    Area("vocabulary: look-ups", look_up, QUESTIONS, 5),
    Area("vocabulary: tables", read_table, TABLES, 3),
)
