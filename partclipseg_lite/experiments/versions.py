"""Which versions of other packages do not work here, why, and what to do.

The bounds themselves stand in pyproject.toml alone, and are read from the installed package.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import distributions, requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

#: Versions outside of the bounds -> what goes wrong with them, where that is known.
KNOWN = {
    "torch<2.10": "may execute code that a .pth file holds (CVE-2026-24747)",
    "torchvision<0.25": "was compiled for a torch below 2.10",
    "numpy<2": "draws pictures that differ in single pixels from those of the shipped weights",
    "scipy<1.13": "was compiled for numpy 1, and its import fails",
    "matplotlib<3.8.4": "was compiled for numpy 1, and its import fails",
    "pycocotools<2.0.8": "was compiled for numpy 1, and its import fails",
    "Pillow<10.3": "reads labels of 16 bits as if they had 32",
    "huggingface_hub<0.25": "keeps its errors in another place",
    "jupyter-book>=2": "reads no _config.yml, which this book has",
}


def installed_versions() -> dict[str, str]:
    """The version of every installed package, by its canonical name. Nothing is imported."""
    found: dict[str, str] = {}
    for package in distributions():  # as in imports, the first on the path counts
        told = package.metadata  # read anew each time that it is asked for
        if told["Name"]:
            found.setdefault(canonicalize_name(told["Name"]), told["Version"])
    return found


def complaints(installed: Mapping[str, str], bounds: Iterable[str] | None = None) -> list[str]:
    """A sentence with the remedy for each version, or pair of versions, that does not work.

    Args:
        installed: versions by the names of packages. What is not in it is not complained about.
        bounds: the requirements that hold, extras included; by default those of this package.
    """
    versions: dict[str, Version] = {}
    for name, text in installed.items():
        try:
            versions[canonicalize_name(name)] = Version(text)
        except InvalidVersion:  # what somebody built and called their own way is not judged
            continue
    bounds = requires("partclipseg-lite") or [] if bounds is None else bounds
    said = [*_outside(versions, map(Requirement, bounds)), *_torch_pair(versions)]
    return list(dict.fromkeys(said))  # several extras may ask for the same


def _outside(versions: Mapping[str, Version], bounds: Iterable[Requirement]) -> Iterator[str]:
    for bound in bounds:
        name = canonicalize_name(bound.name)
        if name not in versions or _fits(versions[name], bound):
            continue
        what = next(
            (
                what
                for wrong, what in KNOWN.items()
                if canonicalize_name(Requirement(wrong).name) == name
                and _fits(versions[name], Requirement(wrong))
            ),
            "was never tried here",
        )
        remedy = f'pip install "{bound.name}{bound.specifier}"'
        yield f"{bound.name} {versions[name]} {what}; {remedy}"


def _fits(version: Version, requirement: Requirement) -> bool:
    return requirement.specifier.contains(version, prereleases=True)


def _torch_pair(versions: Mapping[str, Version]) -> Iterator[str]:
    """Torchvision 0.N is compiled for torch 2.(N-15), and its import fails beside another."""
    torch, torchvision = versions.get("torch"), versions.get("torchvision")
    if torch is None or torchvision is None or (torch.major, torchvision.major) != (2, 0):
        return
    if torchvision.minor != torch.minor + 15:
        yield (
            f"torchvision {torchvision} beside torch {torch} was compiled for torch "
            f"2.{torchvision.minor - 15}, and its import fails; "
            f'pip install "torchvision==0.{torch.minor + 15}.*"'
        )
