"""The parameters of a full run, as papermill hands them over, checked before any work.

papermill only warns of a name that the notebook does not know and goes on with the defaults; with
`-p` it turns text that looks like a number into a number. Both end here in one `ValueError`.
"""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PLAIN = (str, bool, int, float, list, tuple, dict, type(None))  # what papermill can hand over
OF_IPYTHON = ("In", "Out")


@dataclass(frozen=True)
class Parameters:
    """What a full run is told.

    Attributes:
        preset: a named set of settings.
        overrides: settings to change, by their dotted names.
        output_dir: the run's folder; empty: the one that `default_folder` names.
        images: how many test pictures to score; None: as the settings say, 300 drawn ones or all
            of a dataset's folder.
    """

    preset: str
    overrides: Mapping[str, Any]
    output_dir: str
    images: int | None


KNOWN = tuple(field.name for field in fields(Parameters))


def check_parameters(namespace: Mapping[str, Any]) -> Parameters:
    """The parameters in a notebook's `globals()`, when nothing else than them was set so far.

    Every other name with plain data is taken for a parameter, because papermill puts what it was
    given there. Where the parameters were checked before (cells are run again), only names close to
    a known one are.

    Raises:
        ValueError: an unknown name, with the near one; a missing one; a value of the wrong type.
    """
    cutoff = 0.8 if any(isinstance(value, Parameters) for value in namespace.values()) else None
    for name in sorted(_given(namespace) - set(KNOWN)):
        near = difflib.get_close_matches(name.lower(), KNOWN, n=1, cutoff=cutoff or 0.6)
        if near or cutoff is None:
            raise ValueError(
                f"unknown parameter {name!r}{f', did you mean {near[0]!r}?' if near else ''} "
                f"(known: {', '.join(KNOWN)}; settings go into overrides)"
            )
    missing = [name for name in KNOWN if name not in namespace]
    if missing:
        raise ValueError(f"the parameter {missing[0]!r} is missing (known: {', '.join(KNOWN)})")
    preset, overrides, output_dir, images = (namespace[name] for name in KNOWN)
    if not isinstance(preset, str):
        raise ValueError(f"preset must be a name, got {preset!r}")
    if not isinstance(overrides, Mapping):
        raise ValueError(
            f"overrides must be a mapping, got {overrides!r}; with papermill, write "
            '-y "overrides: {training.steps: 500}" (-p would pass text)'
        )
    if not isinstance(output_dir, (str, os.PathLike)):
        raise ValueError(
            f"output_dir must be text, got {output_dir!r}; with papermill, write "
            f"-r output_dir {output_dir} (-p reads numbers)"
        )
    if images is not None and (type(images) is not int or images < 1):
        raise ValueError(f"images must be a whole number of at least 1, or null, got {images!r}")
    return Parameters(preset, overrides, os.fspath(output_dir), images)


def _given(namespace: Mapping[str, Any]) -> set[str]:
    """Names that may have been meant as parameters; papermill itself adds PAPERMILL_...

    With --inject-paths.
    """
    return {
        name
        for name, value in namespace.items()
        if isinstance(value, PLAIN)
        and not name.startswith(("_", "PAPERMILL_"))
        and name not in OF_IPYTHON
    }
