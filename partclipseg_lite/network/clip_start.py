"""Where a decoder without weights starts: at what CLIP says of patch and word."""

import torch

from .models import CLIPSeg, PartCLIPSeg


@torch.no_grad()
def start_from_clip(model: CLIPSeg | PartCLIPSeg) -> None:
    """Make the first FiLM multiply patches with words as CLIP itself does.

    Real CLIPSeg starts from weights trained on PhraseCut. The drawn world has no
    such weights; it starts from CLIP's own projections: `reduce` maps the deepest
    activation, and FiLM's factor maps the sentence, into the D leading directions Q
    of the embeddings of all known words, so that their product summed over the
    channels is CLIP's patch-word similarity, for novel words as for seen ones.
    Signs alternate because the layer norm that follows removes the mean. Only for
    towers that pool patches by averaging (`Backbone.patch_similarity`); nothing
    here is kept fixed.

    Raises:
        ValueError: the CLIP has no list of words, or the decoder is wider than the
            CLIP's embeddings.
    """
    visual, decoder = model.backbone.clip.visual, model.decoder
    if not hasattr(model.backbone.tokenizer, "words"):
        raise ValueError(
            "only a tiny CLIP has the list of words from which the decoder can "
            "start; set model.start_from_clip=false"
        )
    if decoder.width > model.backbone.embed_dim:
        raise ValueError(
            f"decoder width {decoder.width} is larger than the "
            f"{model.backbone.embed_dim} directions of the CLIP's embeddings; "
            "lower model.width or set model.start_from_clip=false"
        )
    # (V, E)
    words = model.backbone.embed_text(
        [f"a {word}" for word in model.backbone.tokenizer.words]
    )
    middle = words.mean(0)
    # (D, E), Q
    directions = torch.linalg.svd(words - middle, full_matrices=False)[2][
        : decoder.width
    ]
    signs = torch.ones(decoder.width, dtype=directions.dtype)
    signs[1::2] = -1
    scale = ((words - middle) @ directions.T).std()
    decoder.film.mul.weight.copy_(signs[:, None] * directions / scale)
    decoder.film.mul.bias.copy_(-(signs[:, None] * directions / scale) @ middle)
    decoder.film.add.weight.mul_(0.1)
    decoder.film.add.bias.zero_()
    # ln_post is linear up to a factor a token: centre, then scale by its gain.
    side = visual.ln_post.weight.numel()
    centred = torch.eye(side, dtype=visual.ln_post.weight.dtype) - 1 / side
    # (D, W)
    reduce = directions @ visual.proj.T @ (visual.ln_post.weight[:, None] * centred)
    decoder.reduces[0].weight.copy_(reduce / reduce.norm(dim=1).mean())
    decoder.reduces[0].bias.zero_()
    # Part and object enter the object part in equal shares.
    if isinstance(model, PartCLIPSeg):
        width, embed_dim = decoder.width, model.backbone.embed_dim
        model.merge_features.weight.copy_(torch.eye(width).repeat(1, 2) / 2)
        model.merge_embeddings.weight.copy_(torch.eye(embed_dim).repeat(1, 2) / 2)
        model.merge_features.bias.zero_()
        model.merge_embeddings.bias.zero_()
        model.object_part_film.mul.weight.mul_(0.1)
        model.object_part_film.add.weight.mul_(0.1)
