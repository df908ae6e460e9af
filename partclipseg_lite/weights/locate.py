"""Where weights lie: a shipped name, a file, a run's folder, or a model of Hugging Face's."""

import re
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
    """The weights file of the model `owner/name` in Hugging Face's cache.

    Its config.json lies beside it; both are downloaded if need be.

    Raises:
        FileNotFoundError: neither in the cache nor to be had; it says what to do.
    """
    try:
        huggingface_hub.hf_hub_download(name, "config.json")
        try:
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[0]))
        # Not in this repository, or not in the cache when offline.
        except huggingface_hub.errors.EntryNotFoundError:
            return Path(huggingface_hub.hf_hub_download(name, HUB_FILES[1]))
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"no weights at {name!r}: there is no such path, and Hugging Face's model of this name "
            f"is neither in the cache nor reachable ({type(error).__name__}). "
            "Where there is a network, run once: "
            'python -c "from huggingface_hub import snapshot_download; '
            f"snapshot_download('{name}')\"; "
            f"or give the path of a folder with its config.json and {HUB_FILES[0]}"
        ) from error


def resolve(name_or_path: str | Path) -> Path:
    """The weights file that a name or a path stands for.

    A shipped name, a file, a run's folder, a folder in Hugging Face's form, or `owner/name` there.

    Raises:
        FileNotFoundError: it is none of these; the shipped names are listed.
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
