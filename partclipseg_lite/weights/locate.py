"""Where weights lie: a shipped name, a file, a run's folder, or a model of Hugging Face's."""

import re
from importlib import resources
from pathlib import Path

import huggingface_hub

TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
HUB_FILES = (
    "model.safetensors",
    "pytorch_model.bin",
)  # in Hugging Face's form, the preferred one first
SHIPPED = {
    "toy": "toy_partclipseg",
    "toy_no_attention_control": "toy_no_attention_control",
    "toy_clipseg": "toy_clipseg",
}


def shipped_path(name: str) -> Path:
    """Where the weights called `name` lie inside the package."""
    return Path(
        str(
            resources.files("partclipseg_lite").joinpath(
                f"data/weights/{SHIPPED[name]}.safetensors"
            )
        )
    )


def is_hub_name(name_or_path: str | Path) -> bool:
    """Whether this is `owner/name` on Hugging Face, and not a path here."""
    name = str(name_or_path)
    return (
        isinstance(name_or_path, str)
        and bool(re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name))
        and not Path(name).exists()
        and not Path(name).parent.exists()
        and Path(name).suffix not in (*TORCH_SUFFIXES, ".safetensors")
    )


def download(name: str) -> Path:
    """The weights file of the model `owner/name` in Hugging Face's cache, its config.json beside it; downloaded if need be."""
    try:
        huggingface_hub.hf_hub_download(name, "config.json")
        try:
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[0]))
        except (
            huggingface_hub.errors.EntryNotFoundError
        ):  # not in this repository, or not in the cache when offline
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[1]))
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"no weights at {name!r}: there is no such path, and Hugging Face's model of this name "
            "is neither in the cache nor "
            f'reachable ({type(error).__name__}). Where there is a network, run once: python -c "from huggingface_hub import '
            f"snapshot_download; snapshot_download('{name}')\"; or give the path of a folder with "
            "its config.json and "
            f"{HUB_FILES[0]}"
        ) from error


def resolve(name_or_path: str | Path) -> Path:
    """A shipped name, a file, a run's folder, a folder in Hugging Face's form or `owner/name` there -> the file.

    `FileNotFoundError` lists the shipped names.
    """
    if str(name_or_path) in SHIPPED:
        if not shipped_path(str(name_or_path)).is_file():
            raise FileNotFoundError(
                f"the shipped weights {str(name_or_path)!r} are missing at "
                f"{shipped_path(str(name_or_path))}; install the package again, or `make weights`"
            )
        return shipped_path(str(name_or_path))
    if is_hub_name(name_or_path):
        return download(str(name_or_path))
    path = Path(name_or_path)
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
            f"no weights at {str(name_or_path)!r}: give a file, a run's folder, a folder in "
            "Hugging Face's "
            f"form, or one of the names {', '.join(SHIPPED)}, CIDAS/clipseg-rd64-refined"
        )
    return path
