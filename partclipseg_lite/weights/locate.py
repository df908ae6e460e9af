"""Where weights lie: a shipped name, a file, a run's folder, or a model of Hugging Face's.

The network is asked only where the user asks for it: by a name of `KNOWN_ON_HUB` or by a prefix,
`hf:owner/name`. A path that does not exist is a mistake, never a name on the hub.
"""

import difflib
import re
import warnings
from importlib import resources
from pathlib import Path

import huggingface_hub

TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
# In Hugging Face's form, the preferred one first.
HUB_FILES = (
    "model.safetensors",
    "pytorch_model.bin",
)
SHIPPED = {
    "toy": "toy_partclipseg",
    "toy_no_attention_control": "toy_no_attention_control",
    "toy_clipseg": "toy_clipseg",
    "toy_phrases": "toy_phrases",
}
KNOWN_ON_HUB = ("CIDAS/clipseg-rd64-refined",)  # found there without a prefix
HUB_PREFIX, OPEN_CLIP_PREFIX = "hf:", "open_clip:"


def shipped_path(name: str) -> Path:
    """Where the weights called `name` lie inside the package."""
    return Path(
        str(
            resources.files("partclipseg_lite").joinpath(
                f"data/weights/{SHIPPED[name]}.safetensors"
            )
        )
    )


def shipped_strip() -> dict[int, Path]:
    """Weights of one training of "toy" that ship beside the finished ones: steps -> file."""
    folder = shipped_path("toy").parent / "strip"
    return {int(path.stem.removeprefix("step")): path for path in sorted(folder.glob("step*"))}


def hub_name(name_or_path: str | Path) -> str | None:
    """`owner/name` on Hugging Face if asked for by prefix or by a known name; None for all else.

    `ValueError` for a prefix before something else than owner/name. A known name that a folder here
    hides is that folder.
    """
    if not isinstance(name_or_path, str):
        return None
    if name_or_path.startswith(HUB_PREFIX):
        name = name_or_path.removeprefix(HUB_PREFIX)
        if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name, re.ASCII) or ".." in name:
            raise ValueError(
                f"{name_or_path!r} names no model on Hugging Face; write {HUB_PREFIX}owner/name, "
                f"such as {HUB_PREFIX}{KNOWN_ON_HUB[0]}"
            )
        return name
    known = name_or_path in KNOWN_ON_HUB and not Path(name_or_path).parent.exists()
    return name_or_path if known else None


def download(name: str, allowed: bool = True) -> Path:
    """The weights file of Hugging Face's model `owner/name` in its cache, config.json beside it.

    Downloaded if need be. Not `allowed`: from the cache alone, and no network is asked.
    """
    if not allowed:
        cached = [
            found
            for file in ("config.json", *HUB_FILES)
            if isinstance(found := huggingface_hub.try_to_load_from_cache(name, file), str)
        ]
        if len(cached) < 2 or Path(cached[0]).name != "config.json":
            raise FileNotFoundError(refused_download(f"Hugging Face's model {name!r}"))
        return Path(cached[1])
    try:
        huggingface_hub.hf_hub_download(name, "config.json")
        try:
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[0]))
        # Not in this repository, or not in the cache when offline.
        except huggingface_hub.errors.EntryNotFoundError:
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[1]))
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"no weights of Hugging Face's model {name!r}: it is neither in the cache nor "
            f"reachable ({type(error).__name__}). Where there is a network, run once: python -c "
            f"\"from huggingface_hub import snapshot_download; snapshot_download('{name}')\"; or "
            f"give the path of a folder with its config.json and {HUB_FILES[0]}"
        ) from error


def refused_download(what: str) -> str:
    """Why something that a weights file names in its metadata was not fetched, and what to do."""
    return (
        f"{what} is not on this machine, and nothing is downloaded because a file says so; if you "
        "trust it, allow it (allow_download=True, on the command line --allow-download)"
    )


def resolve(name_or_path: str | Path, allow_download: bool = True) -> Path:
    """A shipped name, a file, a run's or Hugging Face's folder, or a model there -> the file.

    `FileNotFoundError` lists the shipped names and what lies near a path that does not exist. The
    network is asked for a known name or one with the prefix `hf:` alone, and only if
    `allow_download`.
    """
    if not isinstance(name_or_path, str | Path):
        raise TypeError(f"weights are a name or a path, got {type(name_or_path).__name__}")
    if str(name_or_path) in SHIPPED:
        if isinstance(name_or_path, str) and Path(name_or_path).exists():
            warnings.warn(
                f"{name_or_path!r} names the shipped weights; for what lies here under that name, "
                f"write './{name_or_path}'",
                stacklevel=2,
            )
        if not shipped_path(str(name_or_path)).is_file():
            raise FileNotFoundError(
                f"the shipped weights {str(name_or_path)!r} are missing at "
                f"{shipped_path(str(name_or_path))}; install the package again, or `make weights`"
            )
        return shipped_path(str(name_or_path))
    if name := hub_name(name_or_path):
        return download(name, allow_download)
    if str(name_or_path).startswith(OPEN_CLIP_PREFIX):
        raise ValueError(
            f"{str(name_or_path)!r} names a CLIP of open_clip's, which has no decoder; it can be "
            "the setting model.backbone, and the weights are those trained on it"
        )
    path = Path(name_or_path)
    if not str(name_or_path).isprintable():
        raise FileNotFoundError(
            f"no weights at {str(name_or_path)!r}: a path has no control characters"
        )
    if path.is_dir():
        path = next(
            (
                path / file
                for file in ("weights.safetensors", *HUB_FILES)
                if (path / file).is_file()
            ),
            path,
        )
    if not path.is_file():
        raise FileNotFoundError(
            f"no weights at {str(name_or_path)!r}{_hidden(name_or_path)}{near(path)}: give a file, "
            "a run's folder, a folder in Hugging Face's form, one of the names "
            f"{', '.join(SHIPPED)}, {', '.join(KNOWN_ON_HUB)}, or {HUB_PREFIX}owner/name for "
            "another model of Hugging Face's"
        )
    return path


def _hidden(name_or_path: str | Path) -> str:
    """That a folder here hides a name on the hub, and the way round it."""
    if str(name_or_path) not in KNOWN_ON_HUB:
        return ""
    return (
        f" (the folder {str(Path(name_or_path).parent.resolve())!r} hides Hugging Face's name; "
        f"write '{HUB_PREFIX}{name_or_path}' for the model there)"
    )


def near(path: Path) -> str:
    """What lies near a path that does not exist: names like its first part that is missing."""
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if not entry.name.startswith("."))
        return f" (the folder holds {', '.join(inside[:5]) or 'nothing'})"
    missing = path
    while missing != missing.parent and not missing.parent.exists():
        missing = missing.parent
    try:
        there = [entry.name for entry in missing.parent.iterdir()]
    except OSError:
        return ""
    names = there + ([*SHIPPED, *KNOWN_ON_HUB] if len(path.parts) == 1 else [])
    found = difflib.get_close_matches(missing.name, names, n=3)
    if str(path) not in KNOWN_ON_HUB:
        found += difflib.get_close_matches(str(path), KNOWN_ON_HUB, n=1, cutoff=0.8)
    shown = [str(missing.parent / name) if name in there else name for name in dict.fromkeys(found)]
    return f" (near: {', '.join(map(repr, shown))})" if shown else ""
