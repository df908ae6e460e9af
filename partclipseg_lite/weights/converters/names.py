"""Our names of CLIP, of CLIPSeg's decoder and of its mask head, and those that Hugging Face uses.

Two sources share theirs: CLIPSeg itself, and the release of PartCLIPSeg. A table maps each of our
names to the names that make it; several are put one below the other.
"""

Table = dict[str, tuple[str, ...]]
CLIP_PREFIX = "backbone.clip."
# Linear layers there, plain matrices here.
TRANSPOSED = {f"{CLIP_PREFIX}text_projection", f"{CLIP_PREFIX}visual.proj"}


def both(ours: str, *theirs: str) -> Table:
    """Weight and bias of one layer."""
    return {
        f"{ours}.{kind}": tuple(f"{name}.{kind}" for name in theirs) for kind in ("weight", "bias")
    }


def clip_table(vision_layers: int, text_layers: int) -> Table:
    """open_clip's names of CLIP <- Hugging Face's."""
    table = {
        "logit_scale": ("logit_scale",),
        "token_embedding.weight": ("text_model.embeddings.token_embedding.weight",),
        "positional_embedding": ("text_model.embeddings.position_embedding.weight",),
        "text_projection": ("text_projection.weight",),
        "visual.class_embedding": ("vision_model.embeddings.class_embedding",),
        "visual.positional_embedding": ("vision_model.embeddings.position_embedding.weight",),
        "visual.conv1.weight": ("vision_model.embeddings.patch_embedding.weight",),
        "visual.proj": ("visual_projection.weight",),
        **both("ln_final", "text_model.final_layer_norm"),
        **both("visual.ln_pre", "vision_model.pre_layrnorm"),  # spelt so
        **both("visual.ln_post", "vision_model.post_layernorm"),
    }
    for ours, theirs, layers in (
        ("transformer", "text_model", text_layers),
        ("visual.transformer", "vision_model", vision_layers),
    ):
        for i in range(layers):
            block, source = f"{ours}.resblocks.{i}", f"{theirs}.encoder.layers.{i}"
            for kind in ("weight", "bias"):
                table[f"{block}.attn.in_proj_{kind}"] = tuple(
                    f"{source}.self_attn.{x}_proj.{kind}" for x in "qkv"
                )
            for a, b in (
                ("attn.out_proj", "self_attn.out_proj"),
                ("ln_1", "layer_norm1"),
                ("ln_2", "layer_norm2"),
                ("mlp.c_fc", "mlp.fc1"),
                ("mlp.c_proj", "mlp.fc2"),
            ):
                table |= both(f"{block}.{a}", f"{source}.{b}")
    return {
        f"{CLIP_PREFIX}{ours}": tuple(f"clip.{name}" for name in theirs)
        for ours, theirs in table.items()
    }


def decoder_table(depth: int) -> Table:
    """Our names of CLIPSeg's decoder and mask head <- Hugging Face's."""
    table = {
        **both("decoder.film.mul", "decoder.film_mul"),
        **both("decoder.film.add", "decoder.film_add"),
    }
    for i in range(depth):
        table |= both(f"decoder.reduces.{i}", f"decoder.reduces.{i}")
        for a, b in (
            *((f"self_attn.{x}_proj",) * 2 for x in ("q", "k", "v", "out")),
            ("layer_norm1", "layer_norm1"),
            ("mlp.0", "mlp.fc1"),
            ("mlp.2", "mlp.fc2"),
            ("layer_norm2", "layer_norm2"),
        ):
            table |= both(f"decoder.blocks.{i}.{a}", f"decoder.layers.{i}.{b}")
    for i in (0, 2, 4):
        table |= both(f"mask_head.layers.{i}", f"decoder.transposed_convolution.{i}")
    return table
