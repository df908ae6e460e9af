"""Where a decoder starts that does not start from nothing: at the weights of another model."""

from pathlib import Path

import torch
from torch import nn

from ..network.models import CLIPSeg, PartCLIPSeg
from .files import FORMAT, WeightsError, read_tensors
from .locate import resolve
from .models import load_model
from .state import trained_state

#: What the second half of PartCLIPSeg copies from the first, as released: Eq. 4's FiLM is the
#: decoder's, its head is the one of parts and objects.
COPIED = {"object_part_film.": "decoder.film.", "object_part_head.": "mask_head."}


def same_clip(one: nn.Module, other: nn.Module) -> bool:
    """Whether two CLIPs hold the same weights, whichever of them a reading goes on training.

    Tables of positions are left out: they are interpolated to the size of the pictures.
    """
    mine, theirs = (
        {k: v for k, v in clip.state_dict().items() if not k.endswith("positional_embedding")}
        for clip in (one, other)
    )
    return mine.keys() == theirs.keys() and all(
        mine[name].shape == theirs[name].shape
        and torch.equal(mine[name].cpu().half(), theirs[name].cpu().half())
        for name in mine
    )


@torch.no_grad()
def start_from(
    model: PartCLIPSeg | CLIPSeg, name_or_path: str | Path, allow_download: bool = True
) -> list[str]:
    """Copy what `model` shares with other weights, such as a CLIPSeg trained on phrases.

    Args:
        model: its trained part is changed in place.
        name_or_path: as `load_model` takes it: "toy_phrases", "CIDAS/clipseg-rd64-refined", a run.
        allow_download: fetch a name that is not on this machine.

    Returns:
        Names of the tensors that nothing was copied into: they stay as they were.

    Raises:
        FileNotFoundError: there are no weights at `name_or_path`.
        WeightsError: they have a decoder of another size, or read another CLIP.
    """
    ours = read_tensors(resolve(name_or_path, allow_download))[1].get("format") == FORMAT
    source, *_ = load_model(name_or_path, allow_download=allow_download)
    if ours and not same_clip(source.backbone.clip, model.backbone.clip):
        raise WeightsError(
            f"setting 'model.start': {str(name_or_path)!r} reads another CLIP than this model; set "
            "model.backbone as it is there"
        )
    theirs, mine = trained_state(source), trained_state(model)
    for copy, original in COPIED.items():
        for name in [name for name in mine if name.startswith(copy) and name not in theirs]:
            inside = original + name.removeprefix(copy)
            if inside in theirs:
                theirs[name] = theirs[inside]
    shared = mine.keys() & theirs.keys()
    misshapen = sorted(name for name in shared if mine[name].shape != theirs[name].shape)
    if misshapen:
        name = misshapen[0]
        raise WeightsError(
            f"setting 'model.start': {str(name_or_path)!r} does not fit: {name} is "
            f"{tuple(theirs[name].shape)} there and {tuple(mine[name].shape)} here "
            f"({len(misshapen)} such tensors); set model.width, mlp_width, layers and backbone as "
            "they are there"
        )
    for name in shared:
        mine[name].copy_(theirs[name])
    return sorted(mine.keys() - theirs.keys())
