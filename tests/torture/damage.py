"""Ways in which a file may be broken, as plain data: [kind, where].

`where` lies in 0..1 and says at which place of the file; kinds that have no place ignore it.
"""

import io
import pickle
import zipfile
from pathlib import Path

from hypothesis import strategies as some

INSTEAD = {
    "emptied": b"",
    "zeros": bytes(500),
    "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
    "pickle": pickle.dumps({"model": {}, "step": 99}),
    "text": b"just some notes\n",
    "json list": b"[]",
    "json null": b"null",
    "json text": b'"text"',
    "json nan": b'{"a": NaN}',
    "half json": b'{"a": [1, ',
    "not utf-8": b"\xff\xfe\x00\x81{}",
    "deep json": b"[" * 100_000,
}
KINDS = ("cut", "flipped", "byte", "inserted", "dropped", "doubled", "zip", *INSTEAD)
DAMAGES = some.tuples(some.sampled_from(KINDS), some.floats(0, 1, width=16)).map(list)


def damaged(contents: bytes, damage: list) -> bytes:
    """`contents` after the damage."""
    kind, where = damage
    place = min(int(where * len(contents)), max(0, len(contents) - 1))
    before, after = contents[:place], contents[place:]
    if kind == "cut":
        return before
    if kind == "flipped":
        return before + bytes([after[0] ^ (1 << place % 8)]) + after[1:] if after else b"\1"
    if kind == "byte":
        return before + bytes([(after[0] + 1 + place % 255) % 256]) + after[1:] if after else b"\1"
    if kind == "inserted":
        return before + b"\x7f" + after
    if kind == "dropped":
        return before + after[1:]
    if kind == "doubled":
        return contents + contents
    if kind == "zip":
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("archive/data.pkl", INSTEAD["pickle"])
        return archive.getvalue()
    return INSTEAD[kind]


def damage_file(path: Path, damage: list) -> bool:
    """Break the file at `path`; False where the damage happens to change nothing."""
    contents = path.read_bytes()
    after = damaged(contents, damage)
    path.write_bytes(after)
    return after != contents


def fault_of(path: Path) -> str:
    """Why the file at `path` is not whole, "" if it is, by its ending."""
    try:
        if path.suffix in (".json", ".ipynb"):
            _strict_json(path.read_text(encoding="utf-8"))
        elif path.suffix == ".safetensors":
            from partclipseg_lite.weights.files import read_tensors

            read_tensors(path)
        elif path.suffix in (".png", ".jpg"):
            from PIL import Image

            with Image.open(path) as picture:
                picture.load()
    except Exception as error:  # whatever a broken file makes of its reader
        return f"{path.name} is not whole: {error}"
    return ""


def faults_in(folder: Path) -> str:
    """The first file in `folder` that looks whole and is not; partial ones are called so."""
    for path in sorted(folder.rglob("*")):
        partial = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not partial and (fault := fault_of(path)):
            return fault
    return ""


def _strict_json(text: str):
    import json

    def constant(name: str):
        raise ValueError(f"holds {name}, which is no JSON")

    return json.loads(text, parse_constant=constant)
