"""A step taken apart: where the losses pull, and how strongly each term does."""

import pytest
import torch
from helpers import DRAWN, clip_file, quick_settings, samples

from partclipseg_lite.training.examine import (
    batch_of,
    lengths_of_pulls,
    pulls,
    teaching_pixels,
)
from partclipseg_lite.weights.build import build_model


@pytest.fixture(scope="module")
def step(tmp_path_factory):
    settings = quick_settings(
        clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors"),
        loss__dice_weight=0.5,
        loss__separation_weight=1.0,
        loss__enhancement_weight=1.0,
        loss__separation="paper",
    )
    torch.manual_seed(0)
    return batch_of(build_model(settings), samples(), DRAWN, settings)


def test_parts_teach_on_part_pixels_alone_and_object_parts_on_background_too(step):
    losses, batch = step
    found = teaching_pixels(losses, batch)
    part, background = batch["part_map"] >= 0, batch["object_map"] == -1
    assert found.keys() == {"object_part", "part", "object"}
    assert (found["part"][part] > 0).all() and (found["part"][~part] == 0).all()
    elsewhere = ~part & ~background
    assert (found["object_part"][part | background] > 0).all()
    assert (found["object_part"][elsewhere] == 0).all()
    assert all(values.shape == batch["part_map"].shape for values in found.values())


def test_the_pulls_add_up_to_the_gradient_of_the_step(step):
    losses, batch = step
    found = pulls(losses, batch)
    total, terms = losses(batch)
    assert {name: value for name, (value, _) in found.items()} == {
        name: pytest.approx(float(term.detach())) for name, term in terms.items()
    }
    weights = [p for p in losses.parameters() if p.requires_grad]
    whole = torch.autograd.grad(total, weights, allow_unused=True)
    length = float(sum((part**2).sum() for part in whole if part is not None) ** 0.5)
    lengths = [length for _, length in found.values()]
    assert max(lengths) - sum(lengths) + max(lengths) <= length + 1e-4  # the triangle's inequality
    assert length <= sum(lengths) + 1e-4
    assert found["separation"][1] == 0 and found["enhancement"][1] > 0  # printed: no gradient


def test_lengths_by_model_are_those_of_each_models_own_batch(tmp_path):
    settings = quick_settings(clip_file(tmp_path / "clip.safetensors"))
    models = {}
    for seed in range(2):
        torch.manual_seed(seed)
        models[f"seed {seed}"] = build_model(settings)
    found = lengths_of_pulls(models, samples(), DRAWN, settings)
    for title, model in models.items():
        alone = pulls(*batch_of(model, samples(), DRAWN, settings))
        assert {term: of[title] for term, of in found.items()} == {
            term: pytest.approx(length) for term, (_, length) in alone.items()
        }
    assert found["part"]["seed 0"] != found["part"]["seed 1"]
