"""Hugging Face's CLIPSeg as the benchmark's peer: the same architecture, and the same weights in both."""
from collections.abc import Callable, Mapping, Sequence

from open_clip.model import CLIP

from .backbone import Backbone
from .converters import DEAD_CLIPSEG, clip_table, convert, decoder_table
from .model import CLIPSeg


def hugging_face_clipseg(clip: Mapping, layers: Sequence[int], *, width: int, heads: int, mlp_width: int):
    """Theirs with random weights, in eval mode, from open_clip's configuration of a CLIP and the decoder's sizes.

    `ValueError` if transformers, which nothing else needs, is not installed.
    """
    try:
        from transformers import CLIPSegConfig, CLIPSegForImageSegmentation
    except ImportError:
        raise ValueError("the peer of this benchmark is Hugging Face's CLIPSeg: pip install transformers, or leave it out, "
                         "for example with --items 'training/*'") from None
    vision, text = clip["vision_cfg"], clip["text_cfg"]
    tower = lambda cfg: {"hidden_size": cfg["width"], "num_hidden_layers": cfg["layers"],  # noqa: E731
                         "intermediate_size": 4 * cfg["width"], "hidden_act": "quick_gelu"}
    return CLIPSegForImageSegmentation(CLIPSegConfig(
        vision_config={**tower(vision), "num_attention_heads": vision["width"] // vision.get("head_width", 64),
                       "patch_size": vision["patch_size"], "image_size": vision["image_size"]},
        text_config={**tower(text), "num_attention_heads": text["heads"], "vocab_size": text["vocab_size"],
                     "max_position_embeddings": text["context_length"]},
        projection_dim=clip["embed_dim"], reduce_dim=width, decoder_num_attention_heads=heads,
        decoder_intermediate_size=mlp_width, extract_layers=list(layers), conditional_layer=0,
        use_complex_transposed_convolution=True)).eval()


def our_clipseg(theirs, clip: Mapping, backbone: Callable[[CLIP], Backbone], **decoder: int) -> CLIPSeg:
    """Ours with the weights of `theirs`; `backbone` puts a CLIP into a `Backbone`, `decoder` are the sizes as above."""
    table = {**clip_table(clip["vision_cfg"]["layers"], clip["text_cfg"]["layers"]),
             **decoder_table(len(theirs.config.extract_layers))}
    tensors = convert(theirs.state_dict(), table, DEAD_CLIPSEG, "the peer", "CLIPSeg")
    inner = {name.removeprefix("backbone.clip."): t for name, t in tensors.items() if name.startswith("backbone.")}
    tower = CLIP(**clip)
    tower.load_state_dict(inner)
    model = CLIPSeg(backbone=backbone(tower.eval()), adapter=False, background=False, **decoder)
    model.load_state_dict(model.state_dict() | {name: t for name, t in tensors.items() if not name.startswith("backbone.")})
    return model
