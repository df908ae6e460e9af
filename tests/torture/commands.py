"""The command line as a whole: whatever is typed ends with 0, 1, or 2 and a line that says why."""

import contextlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
from hypothesis import strategies as some

from torture.damage import DAMAGES, damage_file, faults_in
from torture.stage import NAMES, overrides
from torture.trying import UNSAFE, Area, Broken, Wrong

WORDS = (
    *("", " ", ".", "..", "-", "--", "-1", "0", "nan", "x" * 300, "ä", "a\nb", "toy", "drawn", "/"),
    *(
        "@image",
        "@jpg",
        "@run",
        "@weights",
        "@clip",
        "@pascal",
        "@reference",
        "@nothing",
        "/dev/null",
    ),
    *("@folder", "@text", "dog's head", "runs/mine", "test", "--help", "@image/x"),
)
OPTIONS = {
    "segment": ["--names", "--weights", "--out"],
    "train": ["--preset", "--set", "--output", "--evaluate"],
    "evaluate": [
        *("--weights", "--dataset", "--split", "--seed", "--images"),
        *("--predictions", "--scores", "--json"),
    ],
    "score": ["--predictions", "--dataset", "--split", "--evaluator", "--json"],
    "compare-released": ["--reference"],
}
word = some.sampled_from(WORDS)
HOW, BREAKABLE = ("replace", "add", "drop", "double"), ("image", "weights", "clip", "classes")
FREE = some.fixed_dictionaries(
    {
        "command": some.sampled_from([*OPTIONS, *OPTIONS, "", "sgment"]),
        "changes": some.lists(
            some.tuples(some.sampled_from(["replace", "add", "drop", "double"]), word, word).map(
                list
            ),
            max_size=2,
        ),
        "place": some.integers(0, 30),
        "damage": some.one_of(
            some.none(),
            some.none(),
            some.tuples(some.sampled_from(["image", "weights", "clip", "classes"]), DAMAGES).map(
                list
            ),
        ),
    }
)


def good_line(command: str, where: dict[str, Path]) -> list[str]:
    """A command line that works."""
    if command == "segment":
        use = ["--weights", str(where["@run"]), "--out", "found"]
        return ["segment", str(where["@image"]), "--names", *NAMES, *use]
    if command == "train":
        given = overrides(where["@stage"], training__steps=1)
        given["model.backbone"] = str(where["@clip"])
        texts = [f"{key}={json.dumps(value)}" for key, value in given.items()]
        return ["train", "--preset", "smoke", "--output", "new", "--set", *texts]
    if command == "evaluate":
        use = ["--weights", str(where["@run"]), "--dataset", str(where["@pascal"])]
        return ["evaluate", *use, "--images", "2", "--predictions", "new", "--json", "scores.json"]
    if command == "score":
        use = ["--predictions", str(where["@predictions"]), "--dataset", str(where["@pascal"])]
        return ["score", *use, "--evaluator", "ours", "ov_parts", "--json", "scores.json"]
    if command == "compare-released":
        return ["compare-released", "--reference", str(where["@reference"])]
    return [command]


def type_line(recipe: dict, folder: Path, stage: Path) -> None:
    """A good command line after a few changes, on files of which one may be broken."""
    where = _own_files(folder, stage)
    if recipe["damage"]:
        what, damage = recipe["damage"]
        broken = {
            "image": where["@image"],
            "weights": where["@weights"],
            "clip": where["@clip"],
            "classes": where["@pascal"] / "classes.json",
        }
        damage_file(broken[what], damage)
    line = good_line(recipe["command"], where)
    for number, (how, old, new) in enumerate(recipe["changes"]):
        place = (recipe["place"] + 7 * number) % max(1, len(line))
        if how == "replace":
            line[place : place + 1] = [_meant(old, where)]
        elif how == "add":
            line[place:place] = [_meant(new, where)]
        elif how == "drop":
            line[place : place + 1] = []
        else:
            line[place:place] = line[place : place + 2]
    if line == ["compare-released"]:
        return  # the whole of the shipped reference: right, but it takes minutes
    code, out, err = run_line(line)
    judge_line(line, code, out, err)
    untouched = not recipe["changes"] and not recipe["damage"] and recipe["command"] in OPTIONS
    if untouched and code != 0 and recipe["command"] != "compare-released":
        raise Broken(f"a good line fails: {err}")
    if fault := faults_in(Path("found")) if Path("found").is_dir() else "":
        raise Wrong(fault)
    if Path("scores.json").is_file():
        text = Path("scores.json").read_text()
        if "NaN" in text or "Infinity" in text:
            raise Wrong("scores.json holds NaN")
        json.loads(text)


def _own_files(folder: Path, stage: Path) -> dict[str, Path]:
    """A private copy of everything that a command may touch."""
    mine = folder / "mine"
    shutil.copytree(stage, mine)
    (mine / "text.txt").write_text("notes")
    (mine / "folder").mkdir()
    return {
        "@stage": mine,
        "@image": mine / "image.png",
        "@jpg": mine / "image.jpg",
        "@run": mine / "run",
        "@weights": mine / "run" / "weights.safetensors",
        "@clip": mine / "clip.safetensors",
        "@pascal": mine / "pascal",
        "@predictions": mine / "predictions",
        "@reference": mine / "reference",
        "@nothing": mine / "nothing",
        "@folder": mine / "folder",
        "@text": mine / "text.txt",
    }


def _meant(text: str, where: dict[str, Path]) -> str:
    for name, path in where.items():
        if text.startswith(name):
            return str(path) + text[len(name) :]
    return text


def run_line(line: list[str]) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command line; errors other than SystemExit are let out."""
    import warnings

    from partclipseg_lite.cli import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # they are lines on stderr, too, but no errors
        try:
            main(line)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    return code, out.getvalue(), err.getvalue()


def judge_line(line: list[str], code: int, out: str, err: str) -> None:
    """Raise unless the end of a command line is one of the documented ones."""
    said = f"{line!r:.600}: exit code {code}, stderr: {err[-1500:]}"
    if code not in (0, 1, 2) or "Traceback" in err or UNSAFE in err:
        raise Broken(said)
    if code == 1 and line[:1] != ["compare-released"]:
        raise Broken(said)
    lines = [text for text in err.splitlines() if text.strip()]
    if code == 2 and not err.startswith("usage:") and len(lines) != 1:
        raise Broken(said)
    if code == 0 and (" nan" in out or " inf" in out):
        raise Wrong(f"{line!r:.600} prints {out[-500:]}")


# ---- compare-released ----------------------------------------------------------------------------

CHANGES = ("none", "damage", "no arrays", "an array less", "an entry less", "a number", "no file")
REFERENCES = some.fixed_dictionaries(
    {
        "change": some.sampled_from(CHANGES),
        "file": some.sampled_from(["released_metrics.json", "released_metrics.npz"]),
        "damage": DAMAGES,
        "place": some.integers(0, 1000),
    }
)


def compare(recipe: dict, folder: Path, stage: Path) -> None:
    """A reference folder that lacks something or says something else never agrees."""
    shutil.copytree(stage / "reference", folder / "reference")
    path, change = folder / "reference" / recipe["file"], recipe["change"]
    numbers, arrays = (folder / "reference" / f"released_metrics.{e}" for e in ("json", "npz"))
    changed = change != "none"
    if change == "damage":
        changed = damage_file(path, recipe["damage"])
    elif change == "no file":
        path.unlink()
    elif change in ("no arrays", "an array less"):
        found = dict(np.load(arrays))
        gone = list(found) if change == "no arrays" else [list(found)[recipe["place"] % len(found)]]
        np.savez(arrays, **{name: a for name, a in found.items() if name not in gone})
    elif change in ("an entry less", "a number"):
        found = json.loads(numbers.read_text())
        table = list(found.values())[recipe["place"] % len(found)]
        key = list(table)[recipe["place"] % len(table)]
        if change == "an entry less":
            del table[key]
        elif not isinstance(table[key], int | float):
            return
        else:
            table[key] = table[key] + 1.0
        numbers.write_text(json.dumps(found))
    line = ["compare-released", "--reference", str(folder / "reference")]
    code, out, err = run_line(line)
    judge_line(line, code, out, err)
    if not changed and code == 2:
        raise Broken(f"the release's own numbers are refused: {err}")
    if code == 2:
        return
    # The whole reference takes minutes. This part of it leaves the network out, which code 1 may
    # say; so what counts is that the last line differs from that of the untouched part.
    clean = run_line([*line[:2], str(stage / "reference")])
    same = all(_same_contents(p, stage / "reference" / p.name) for p in (numbers, arrays))
    if same and (code, out) != clean[:2]:
        raise Broken(f"the release's own numbers do not agree: {out[-1000:]}{err}")
    if not same and (code == 0 or out.splitlines()[-1] == clean[1].splitlines()[-1]):
        raise Wrong(f"agrees as before although {path.name} has {change}: {out[-300:]}")


def _same_contents(mine: Path, theirs: Path) -> bool:
    if not mine.is_file():
        return False
    if mine.suffix == ".json":
        return json.loads(mine.read_text()) == json.loads(theirs.read_text())
    one, other = np.load(mine), np.load(theirs)
    return one.keys() == other.keys() and all(np.array_equal(one[k], other[k]) for k in one)


AREAS = (
    Area("command line", type_line, FREE, 12),
    Area("compare-released", compare, REFERENCES, 3),
)
