"""What the paper means and what its public release computes, as one list of named options.

`PAPER` and `RELEASED` are two bundles of the same options and nothing else: every difference
between them that concerns the network, the training input, the losses or the optimizer can be
switched, and measured, by itself. How the release scores is a class of `release/evaluator.py`. Line
numbers are those of kaist-cvml/part-clipseg at commit 8abceef (`M:` the network, `P:` the training
code, `D:` the data mapper, `T:` the script that trains).
"""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator


class Reading(BaseModel):
    """One value for each place where the release departs from the paper.

    The defaults are the paper's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    # Network
    #: Row of the condition embeddings from which the object half of the text in Eq. 3 is read: the
    #: object's, or the one that its index meets when the offset of the generalized parts is
    #: forgotten, so that "cat" reads "coach" (M:1420).
    object_row: Literal["object", "no_offset"] = "object"
    #: The embedding that stands for background: learned, or frozen at its random start (P:43-52).
    background_embedding: Literal["trained", "frozen"] = "trained"
    #: CLIP's token and position embeddings: frozen as Eq. 1 says, or trained as appendix B.2 and
    #: the release do (25 M parameters; P:43-52).
    text_embeddings: Literal["frozen", "trained"] = "frozen"

    # Training input
    #: Order of the colours that reach the network in training; at test time it is RGB in both
    #: readings (D:173).
    channels: Literal["rgb", "bgr"] = "rgb"
    #: Pixels of objects whose parts are not to be known yet: left out of every term, or taught as
    #: background (D:254).
    novel_objects: Literal["ignored", "background"] = "ignored"
    #: A picture comes to the network's size in one step, or by way of a short side of 800 pixels
    #: (D:100-105). One that has that size already, as the drawn ones, stays as it is.
    resize: Literal["once", "twice"] = "once"

    # Mask loss
    #: A batch without a background pixel: its term is left out, or the mean over nothing is NaN and
    #: the whole step is replaced by 0 (P:520-564). With "lose_step" a batch without object pixels
    #: also skips the background term.
    empty_background: Literal["skip_term", "lose_step"] = "skip_term"

    # Attention control
    #: How a part's mask comes to the attention grid: share of the cell it covers, or the one pixel
    #: at the cell's corner, which misses most small parts (P:581).
    grid_masks: Literal["area", "nearest"] = "area"
    #: Eq. 6 adds part and object attention; the release takes half of the sum (P:290).
    attention_sum: Literal["sum", "half"] = "sum"
    #: Eq. 6 divides by the number of places in the mask; the release by all places of the grid
    #: (P:607-609).
    map_mean: Literal["mask", "all_places"] = "mask"
    #: The 3x3 Gaussian of sigma 0.5; the release squares (x - mu) / (2 sigma), a true sigma of
    #: 0.707.
    gaussian: Literal["sigma", "wide"] = "sigma"
    #: Which maps meet in one group: those of one object, or of all objects in the image (P:592).
    parts_of: Literal["object", "image"] = "object"
    #: Eq. 7 counts places that reach gamma; the release those that exceed it (P:620).
    claim_at: Literal["reached", "exceeded"] = "reached"
    #: Where claims count: on the whole map, or inside the object's mask on the grid (P:619-620).
    claim_in: Literal["map", "object"] = "map"
    #: Eq. 8 divides by the number of parts |C|; the release does not (P:626).
    separation_over: Literal["parts", "nothing"] = "parts"
    #: Eq. 9 looks for the peak inside the part's mask; the release anywhere on the map (P:618).
    peak_in: Literal["mask", "map"] = "mask"
    #: Eq. 9 reads the map as it is; the release smooths it first (P:613-618).
    peak_of: Literal["map", "smoothed"] = "map"
    #: Mean over the objects of the batch, or that mean divided once more by the number of images
    #: (P:632).
    loss_over: Literal["objects", "objects_and_images"] = "objects"
    #: The released list of an image's objects ends before its last entry, which is meant to be
    #: background; without background it is an object that then has no attention loss (P:589).
    last_object: Literal["kept", "dropped"] = "kept"

    # Optimizer
    #: What weight decay pulls towards zero: every trained weight (the paper says nothing of it), or
    #: all but embeddings and norms (T:177-225).
    weight_decay: Literal["all", "layers"] = "all"

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """A bundle by its name, "released", or with a change to it.

        For instance {"base": "released", "channels": "rgb"}.
        """
        if isinstance(value, str):
            value = {"base": value}
        if isinstance(value, Mapping) and "base" in value:
            value = dict(value)
            base = value.pop("base")
            if base not in BUNDLES:
                raise ValueError(f"unknown reading {base!r} (known: {', '.join(BUNDLES)})")
            value = {**BUNDLES[base], **value}
        return value

    def departures(self) -> frozenset[str]:
        """The options that follow the release."""
        return frozenset(
            key for key, value in self.model_dump().items() if value == BUNDLES["released"][key]
        )

    @property
    def name(self) -> str:
        """Either "paper" or "released", or the nearer of the two with what differs from it."""
        mine = self.model_dump()
        changes = {
            base: {
                k: v
                for k, v in mine.items()
                if v != bundle.get(k, type(self).model_fields[k].default)
            }
            for base, bundle in BUNDLES.items()
        }
        base = min(changes, key=lambda b: len(changes[b]))
        return base + "".join(f" with {key}={value}" for key, value in changes[base].items())


BUNDLES: dict[str, dict[str, str]] = {
    "paper": {},
    "released": {
        "object_row": "no_offset",
        "background_embedding": "frozen",
        "text_embeddings": "trained",
        "channels": "bgr",
        "novel_objects": "background",
        "resize": "twice",
        "empty_background": "lose_step",
        "grid_masks": "nearest",
        "attention_sum": "half",
        "map_mean": "all_places",
        "gaussian": "wide",
        "parts_of": "image",
        "claim_at": "exceeded",
        "claim_in": "object",
        "separation_over": "nothing",
        "peak_in": "map",
        "peak_of": "smoothed",
        "loss_over": "objects_and_images",
        "last_object": "dropped",
        "weight_decay": "layers",
    },
}
PAPER, RELEASED = Reading(), Reading.model_validate("released")
