"""What a reference folder holds of the network, by name."""

from collections.abc import Sequence

NAME_LISTS = (
    "train_text_classes",
    "train_part_classes",
    "train_obj_in_part_classes",
    "test_text_classes",
    "test_part_classes",
    "test_obj_in_part_classes",
    "test_obj_classes",
)
LOSSES = ("separation", "enhancement", "total")
CROSS_ENTROPIES = (
    "part_obj|part pixels",
    "part|part pixels",
    "part_obj|background pixels",
    "object|all pixels",
)
INFERENCE = ("oracle_argmax", "predall_argmax", "obj_argmax", "part_argmax")
INFERENCE += ("oracle_scores", "predall_scores")
#: Tensors, by official name, whose gradients the release's step leaves recorded norms of.
GRADIENTS = (
    "clip.text_model.embeddings.token_embedding.weight",
    "decoder.film_mul.weight",
    "decoder.film_mul.bias",
    "decoder.film_add.weight",
    "decoder.film_add.bias",
    "decoder.cond_film_mul.weight",
    "decoder.cond_film_mul.bias",
    "decoder.cond_film_add.weight",
    "decoder.cond_film_add.bias",
    "decoder.part_obj_mlp.0.weight",
    "decoder.part_obj_mlp.0.bias",
    "decoder.reduce_cond_embed.weight",
    "decoder.reduce_cond_embed.bias",
    "decoder.reduces.0.weight",
    "decoder.reduces.0.bias",
    "decoder.layers.2.self_attn.q_proj.weight",
    "visual_adapter.fc.0.weight",
    "visual_adapter.fc.2.weight",
)


def network_rows(images: int = 2, bce_names: Sequence[str] = CROSS_ENTROPIES) -> list[str]:
    """The rows of everything that a folder holds of the network, by the number of its images."""
    return [
        *NAME_LISTS,
        "preprocessing",
        *(f"loss, {name}" for name in LOSSES),
        "separation has a gradient, or not",
        *(f"gradient of {name}" for name in GRADIENTS),
        "logits of parts, objects, background",
        "logits of object parts",
        *(f"cross-entropy, {name}" for name in bce_names),
        "merged attention",
        *(f"image {i} alone: loss, {name}" for i in range(images) for name in LOSSES),
        *(f"inference, {name}" for name in INFERENCE),
    ]
