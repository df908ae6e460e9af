"""The release of PartCLIPSeg: the 482 tensors of its checkpoints."""

from collections.abc import Mapping

from open_clip.model import CLIP
from torch import Tensor

from ...network.backbone import Backbone
from ...network.models import PartCLIPSeg
from ...network.precision import made_in_float32
from ...reading import RELEASED, Reading
from ...release.departures import as_read
from ..clips import check_activation, open_clip_config, real_backbone
from .hugging_face import DEAD_CLIPSEG
from .names import Table, both, clip_table, decoder_table
from .tensors import convert, fill, split_clip

OFFICIAL_PREFIX = "partclipseg_model."
DEAD_OFFICIAL = {
    **DEAD_CLIPSEG,
    r"text_adapter\.fc\.\d\.weight": "the release multiplies its output by 0",
    r"tunable_linear\.weight": "1000x512 zeros that the release never reads",
}


def official_table() -> Table:
    """Our names of PartCLIPSeg <- those of the release, without `OFFICIAL_PREFIX`."""
    table = {
        **clip_table(12, 12),
        **decoder_table(3),
        "background_embedding": ("non_object_embedding",),
        "adapter.fc.0.weight": ("visual_adapter.fc.0.weight",),
        "adapter.fc.2.weight": ("visual_adapter.fc.2.weight",),
        **both("merge_features", "decoder.part_obj_mlp.0"),
        **both("merge_embeddings", "decoder.reduce_cond_embed"),
        **both("object_part_film.mul", "decoder.cond_film_mul"),
        **both("object_part_film.add", "decoder.cond_film_add"),
    }
    for i in (0, 2, 4):
        table |= both(f"object_part_head.layers.{i}", f"decoder.part_obj_with_cond_embed.{i}")
    return table


def official_clip(
    tensors: Mapping[str, Tensor],
    source: str = "these tensors",
    backbone: str = "ViT-B-16-quickgelu",
) -> tuple[CLIP, dict[str, Tensor]]:
    """CLIP, and all other tensors under our names, from the 482 of an official checkpoint."""
    ours = convert(
        tensors,
        official_table(),
        DEAD_OFFICIAL,
        source,
        "the 482 tensors of the PartCLIPSeg release "
        "(head of kaist-cvml/part-clipseg, November 2024)",
        OFFICIAL_PREFIX,
    )
    clip, rest = split_clip(ours, open_clip_config(backbone), source)
    check_activation(clip, "QuickGELU", "the weights of the PartCLIPSeg release")
    return clip, rest


@made_in_float32()
def partclipseg_from_official(
    tensors: Mapping[str, Tensor],
    image_size: int = 352,
    reading: Reading = RELEASED,
    source: str = "these tensors",
    *,
    backbone: str = "ViT-B-16-quickgelu",
) -> PartCLIPSeg:
    """PartCLIPSeg, in eval mode, from the 482 tensors of an official checkpoint.

    Their names begin with `OFFICIAL_PREFIX`. `backbone` names the open_clip model whose shape the
    CLIP has; one without QuickGELU is refused.
    """
    clip, rest = official_clip(tensors, source, backbone)
    frozen = real_backbone(clip, image_size, (3, 6, 9), kind=as_read(Backbone, reading))
    model = as_read(PartCLIPSeg, reading)(backbone=frozen)
    fill(model, rest, source)
    return model.eval()
