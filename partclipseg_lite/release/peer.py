"""Hugging Face's CLIPSeg as the benchmark's peer; ours takes its weights through `converters`."""

from collections.abc import Mapping, Sequence


def hugging_face_clipseg(
    clip: Mapping, layers: Sequence[int], *, width: int, heads: int, mlp_width: int
):
    """Theirs with random weights, in eval mode.

    Args:
        clip: open_clip's configuration of the CLIP.
        layers: blocks read.
        width: of the decoder.
        heads: of each of its blocks.
        mlp_width: of each of its blocks.

    Raises:
        ValueError: transformers, which nothing else needs, is not installed.
    """
    try:
        from transformers import CLIPSegConfig, CLIPSegForImageSegmentation
    except ImportError:
        raise ValueError(
            "the peer of this benchmark is Hugging Face's CLIPSeg: pip install transformers, or "
            "leave it out, for example with --items 'training/*'"
        ) from None
    vision, text = clip["vision_cfg"], clip["text_cfg"]

    def tower(cfg: Mapping) -> dict:
        return {
            "hidden_size": cfg["width"],
            "num_hidden_layers": cfg["layers"],
            "intermediate_size": 4 * cfg["width"],
            "hidden_act": "quick_gelu",
        }

    return CLIPSegForImageSegmentation(
        CLIPSegConfig(
            vision_config={
                **tower(vision),
                "num_attention_heads": vision["width"] // vision.get("head_width", 64),
                "patch_size": vision["patch_size"],
                "image_size": vision["image_size"],
            },
            text_config={
                **tower(text),
                "num_attention_heads": text["heads"],
                "vocab_size": text["vocab_size"],
                "max_position_embeddings": text["context_length"],
            },
            projection_dim=clip["embed_dim"],
            reduce_dim=width,
            decoder_num_attention_heads=heads,
            decoder_intermediate_size=mlp_width,
            extract_layers=list(layers),
            conditional_layer=0,
            use_complex_transposed_convolution=True,
        )
    ).eval()
