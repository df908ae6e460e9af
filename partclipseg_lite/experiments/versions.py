"""Which versions of other packages are known not to work here, why, and what to do."""

from collections.abc import Iterator, Mapping
from importlib.metadata import distributions, requires
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version


class Fault(NamedTuple):
    """Versions that do not work, alone or together.

    Attributes:
        packages: each package with the versions meant, as in a requirement; all must be there.
        what: what goes wrong, the end of a sentence.
        remedy: what to do.
    """

    packages: tuple[str, ...]
    what: str
    remedy: str


#: Beside the lower bounds of pyproject.toml, which are read from the installed package.
KNOWN = (
    Fault(
        ("torch<2.10",),
        "may execute code that a .pth file holds (CVE-2026-24747)",
        'pip install "torch>=2.10"',
    ),
    Fault(
        ("numpy>=2", "scipy<1.13"),
        "was compiled for numpy 1, and its import fails",
        'pip install "scipy>=1.13"',
    ),
    Fault(
        ("numpy>=2", "matplotlib<3.8.4"),
        "was compiled for numpy 1, and its import fails",
        'pip install "matplotlib>=3.8.4"',
    ),
    Fault(
        ("jupyter-book>=2",),
        "reads no _config.yml, which this book has",
        'pip install "jupyter-book>=1.0.4,<2"',
    ),
)


def installed_versions() -> dict[str, str]:
    """The version of every installed package, by its canonical name. Nothing is imported."""
    found: dict[str, str] = {}
    for package in distributions():  # as in imports, the first on the path counts
        if package.metadata["Name"]:
            found.setdefault(canonicalize_name(package.metadata["Name"]), package.version)
    return found


def complaints(
    installed: Mapping[str, str], bounds: list[str] | None = None, known: tuple[Fault, ...] = KNOWN
) -> list[str]:
    """A sentence with a remedy for each version, or pair of versions, known not to work.

    Args:
        installed: versions by the names of packages. What is not in it is not complained about.
        bounds: the requirements that hold, extras included; those of the installed
            package where there are none.
        known: what fails beside them.
    """
    versions: dict[str, Version] = {}
    for name, text in installed.items():
        try:
            versions[canonicalize_name(name)] = Version(text)
        except InvalidVersion:  # what somebody built and called their own way is not judged
            continue
    bounds = requires("partclipseg-lite") or [] if bounds is None else bounds
    said = [
        *_outside(versions, [Requirement(line) for line in bounds], known),
        *_failing(versions, known),
        *_torch_pair(versions),
    ]
    return list(dict.fromkeys(said))  # several extras may ask for the same


def _fits(version: Version, requirement: Requirement) -> bool:
    return requirement.specifier.contains(version, prereleases=True)


def _outside(
    versions: Mapping[str, Version], bounds: list[Requirement], known: tuple[Fault, ...]
) -> Iterator[str]:
    alone = [Requirement(fault.packages[0]) for fault in known if len(fault.packages) == 1]
    for bound in bounds:
        version = versions.get(canonicalize_name(bound.name))
        if version is None or _fits(version, bound):
            continue
        if any(
            canonicalize_name(wrong.name) == canonicalize_name(bound.name) and _fits(version, wrong)
            for wrong in alone
        ):
            continue  # a reason that says more follows
        yield (
            f"{bound.name} {version} was never tried, expected {bound.specifier}; "
            f'pip install "{bound.name}{bound.specifier}"'
        )


def _failing(versions: Mapping[str, Version], known: tuple[Fault, ...]) -> Iterator[str]:
    for fault in known:
        wrong = [Requirement(package) for package in fault.packages]
        there = [versions.get(canonicalize_name(package.name)) for package in wrong]
        if all(
            v is not None and _fits(v, package) for v, package in zip(there, wrong, strict=True)
        ):
            *beside, (name, version) = [(p.name, v) for p, v in zip(wrong, there, strict=True)]
            company = "".join(f" beside {other} {its}" for other, its in beside)
            yield f"{name} {version}{company} {fault.what}; {fault.remedy}"


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
