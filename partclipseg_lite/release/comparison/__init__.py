"""The recorded numbers of the released PartCLIPSeg beside ours: how far each one is off.

A reference folder holds `released.json` and `released.npz` (network, losses, gradients, inference,
under weights that anyone can regenerate), `official_state_dict.json` (name -> shape), and may hold
`released_metrics.json/.npz` (the evaluator). What belongs to these and is not there is a row too,
"not compared", and does not agree; so a folder that holds less cannot agree in more. A folder
without the two files of the evaluator is the smaller form, of the network alone. Everything
recorded there was computed by the public release (kaist-cvml/part-clipseg, commit 8abceef) on a
CPU in float32; everything here comes out of the classes that train and segment, with
`reading="released"`.
"""

from collections.abc import Iterator
from pathlib import Path

from ...vocabulary import Vocabulary
from .expected import CROSS_ENTROPIES, GRADIENTS, NAME_LISTS, network_rows
from .folder import shipped_reference
from .made_up import deterministic_weight
from .metrics import compare_metrics
from .network import NetworkReference
from .rows import Row

__all__ = [
    "CROSS_ENTROPIES",
    "GRADIENTS",
    "NAME_LISTS",
    "NetworkReference",
    "Row",
    "compare_metrics",
    "compare_released",
    "deterministic_weight",
    "network_rows",
    "shipped_reference",
]


def compare_released(folder: str | Path) -> Iterator[Row]:
    """Every number that `folder` should hold against ours, one `Row` each.

    `FileNotFoundError` or `ValueError` names a file that lacks or cannot be read.
    """
    folder = Path(folder)
    network, metrics = (
        any((folder / f"{name}{ending}").is_file() for ending in (".json", ".npz"))
        for name in ("released", "released_metrics")
    )
    if not network and not metrics:
        raise FileNotFoundError(
            f"{folder} holds neither released.json nor released_metrics.json; give a folder in the "
            f"form of {shipped_reference()}"
        )
    vocabulary, expected = "pascal_part_116", network_rows()
    met = set()
    if network:
        reference = NetworkReference(folder)
        vocabulary = reference.full.name
        for row in reference.compare():
            met.add(row.name)
            yield row
        expected = network_rows(reference.images, reference.bce_names)
    for name in expected:
        if name not in met:
            yield Row.absent(name)
    if metrics:
        yield from compare_metrics(folder, Vocabulary.load(vocabulary))
