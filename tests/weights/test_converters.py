"""Other projects' weights come in whole, with every tensor accounted for, or not at all."""

import json
import os
import pickle
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.network.models import CLIPSeg, PartCLIPSeg
from partclipseg_lite.reading import PAPER
from partclipseg_lite.release.comparison import shipped_reference
from partclipseg_lite.release.departures import RowWithoutOffset
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights import converters
from partclipseg_lite.weights.build import build_backbone
from partclipseg_lite.weights.converters import (
    DEAD_OFFICIAL,
    OFFICIAL_PREFIX,
    clipseg_from_hugging_face,
    dead_reason,
    official_table,
    partclipseg_from_official,
)
from partclipseg_lite.weights.files import WeightsError, describe, read_tensors
from partclipseg_lite.weights.models import load_model, save_model

SHAPES = json.loads((shipped_reference() / "official_state_dict.json").read_text())


@pytest.fixture(scope="module")
def official():
    """The 482 tensors, random and different in every tensor.

    Values do not matter here, but for telling them apart.
    """
    values = torch.randn(49408 * 512, generator=torch.Generator().manual_seed(0))
    tensors = {}
    for i, (name, shape) in enumerate(SHAPES.items()):
        count = int(np.prod(shape))
        start = 7919 * i % (len(values) - count + 1)
        tensors[name] = (0.02 * values[start : start + count]).view(shape)
    return tensors


@pytest.fixture(scope="module")
def model(official):
    """The official tensors in our model at 224 pixels, the grid of their position table.

    Tests do not change it.
    """
    return partclipseg_from_official(official, image_size=224)


@pytest.fixture(scope="module")
def official_file(official, tmp_path_factory):
    """An official `.pth` as training writes it, beside the model what we have no use for.

    The model is in half precision here.
    """
    path = tmp_path_factory.mktemp("official") / "model_final.pth"
    torch.save(
        {
            "model": {name: t.half() for name, t in official.items()},
            "iteration": 19999,
            "optimizer": {
                "state": {0: {"exp_avg": torch.zeros(3)}},
                "param_groups": [{"lr": 1e-4}],
            },
            "scheduler": {"base_lrs": [1e-4], "last_epoch": 20000},
        },
        path,
    )
    return path


@pytest.fixture(scope="module")
def hf_folder(tmp_path_factory):
    """(folder, transformers' model): a small CLIPSeg with random weights, saved by transformers."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.CLIPSegConfig(
        text_config={
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
        },
        vision_config={
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": 16,
        },
        projection_dim=24,
        reduce_dim=8,
        decoder_num_attention_heads=2,
        decoder_intermediate_size=20,
        extract_layers=[0, 2],
        use_complex_transposed_convolution=True,
    )
    theirs = transformers.CLIPSegForImageSegmentation(config).eval()
    folder = tmp_path_factory.mktemp("hub") / "clipseg-small"
    theirs.save_pretrained(folder)
    return folder, theirs


def altered(folder, target, **changes):
    """A copy of a Hugging Face folder with other values in its config.json."""
    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    for key, value in changes.items():
        group, _, name = key.rpartition("__")
        (config[group] if group else config)[name] = value
    (target / "config.json").write_text(json.dumps(config))
    return target


# ---- tables --------------------------------------------------------------------------------------


def test_every_official_tensor_is_used_once_or_dead_for_a_reason():
    used = [name for names in official_table().values() for name in names]
    assert len(used) == len(set(used))
    names = {name.removeprefix(OFFICIAL_PREFIX) for name in SHAPES}
    dead = {name for name in names if dead_reason(name, DEAD_OFFICIAL)}
    assert set(used) | dead == names and not set(used) & dead and len(names) == 482
    assert dead == {"text_adapter.fc.0.weight", "text_adapter.fc.2.weight", "tunable_linear.weight"}


def test_every_tensor_of_ours_has_an_official_source(model):
    assert set(official_table()) == set(model.state_dict())


def test_tensors_land_where_the_table_says(official, model):
    state = model.state_dict()
    source = {name.removeprefix(OFFICIAL_PREFIX): t for name, t in official.items()}
    assert torch.equal(state["background_embedding"], source["non_object_embedding"])
    assert torch.equal(state["object_part_film.mul.weight"], source["decoder.cond_film_mul.weight"])
    assert torch.equal(
        state["object_part_head.layers.4.bias"], source["decoder.part_obj_with_cond_embed.4.bias"]
    )
    assert torch.equal(
        state["backbone.clip.visual.positional_embedding"],
        source["clip.vision_model.embeddings.position_embedding.weight"],
    )
    assert torch.equal(
        state["backbone.clip.text_projection"], source["clip.text_projection.weight"].T
    )
    block = "clip.vision_model.encoder.layers.7.self_attn"
    assert torch.equal(
        state["backbone.clip.visual.transformer.resblocks.7.attn.in_proj_weight"][768:1536],
        source[f"{block}.k_proj.weight"],
    )


def test_a_copy_is_made_so_that_training_does_not_change_the_source(official, model):
    theirs = {t.data_ptr() for t in official.values()}
    assert not any(t.data_ptr() in theirs for t in model.state_dict().values())


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("partclipseg_model.decoder.film_mul.weight", "the PartCLIPSeg release"),
        ("partclipseg_model.decoder.part_obj_mlp.2.weight", "PartCLIPSeg's first release"),
        ("clipseg_model.decoder.film_mul.weight", "the CLIPSeg baseline"),
        ("sem_seg_head.predictor.transformer.layers_specific_part.0.weight", "PartCATSeg"),
        ("sem_seg_head.predictor.clip_model.visual.proj", "CATSeg, MaskFormer"),
        ("decoder.film_mul.weight", "CLIPSeg in Hugging Face's form"),
        ("film_mul.weight", "CLIPSeg in its authors' own form"),
        ("visual.conv1.weight", "CLIP in OpenAI's or open_clip's form"),
        ("text_model.final_layer_norm.weight", "CLIP in Hugging Face's form"),
        ("conv1.weight", r"an unknown model with 1 tensors \(conv1.weight\)"),
    ],
)
def test_tensor_names_tell_what_a_file_is(name, what):
    assert re.search(what, describe([name]))


# ---- official checkpoints ------------------------------------------------------------------------


def test_an_official_file_loads_with_the_released_reading_and_its_vocabulary(
    official, official_file, tmp_path
):
    model, settings, vocabulary, facts = load_model(official_file)
    assert (
        isinstance(model, PartCLIPSeg)
        and not model.training
        and isinstance(model, RowWithoutOffset)
    )
    assert (
        settings.reading.name == "released"
        and settings.model.layers == (3, 6, 9) == model.backbone.layers
    )
    assert (
        vocabulary == Vocabulary.load("pascal_part_116").seen_only()
        and "release" in facts["source"]
    )
    # The file is in half precision.
    torch.testing.assert_close(
        model.merge_features.weight.data,
        official[f"{OFFICIAL_PREFIX}decoder.part_obj_mlp.0.weight"],
        atol=1e-4,
        rtol=1e-3,
    )
    # In our form, CLIP in the .pth still.
    save_model(tmp_path / "again.safetensors", model, settings, vocabulary)
    again = load_model(tmp_path / "again.safetensors", model.backbone)[0]
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_the_reading_of_official_weights_can_be_chosen(official, model):
    paper = partclipseg_from_official(official, 96, PAPER)
    trained = {name for name, p in paper.named_parameters() if p.requires_grad}
    assert not isinstance(paper, RowWithoutOffset) and "background_embedding" in trained
    assert not any(name.startswith("backbone.") for name in trained)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert (
        "backbone.clip.token_embedding.weight" in trained and "background_embedding" not in trained
    )


def test_official_weights_are_refused_by_a_clip_without_quickgelu(official):
    with pytest.raises(
        WeightsError,
        match="the PartCLIPSeg release were trained with QuickGELU, but this CLIP .* GELU",
    ):
        partclipseg_from_official(official, backbone="ViT-B-16")


def test_official_weights_are_refused_by_a_clip_of_another_shape(official):
    with pytest.raises(
        WeightsError, match=r"these tensors does not fit its configuration .*size mismatch"
    ):
        partclipseg_from_official(official, backbone="ViT-B-32-quickgelu")


def without(tensors, *names, **extra):
    return {
        **{n: t for n, t in tensors.items() if n.removeprefix(OFFICIAL_PREFIX) not in names},
        **{OFFICIAL_PREFIX + n.replace("__", "."): t for n, t in extra.items()},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda t: without(t, "decoder.film_mul.bias"),
            "is a checkpoint of the PartCLIPSeg release, expected the 482 tensors .*: "
            r"1 tensors missing \['partclipseg_model.decoder.film_mul.bias'\], 0 not known",
        ),
        (
            lambda t: without(t, decoder__part_obj_mlp__2__weight=torch.zeros(64, 64)),
            "PartCLIPSeg's first release .*1 not known",
        ),
        (
            lambda t: without(t, surprise=torch.zeros(1)),
            r"1 not known \['partclipseg_model.surprise'\]",
        ),
        (
            lambda t: without(t, "decoder.film_mul.bias", decoder__film_mul__bias=torch.zeros(32)),
            r"does not fit PartCLIPSeg: 1 tensors differ \(decoder.film.mul.bias is \[32\], "
            r"expected \[64\]\)",
        ),
        (
            lambda t: without(
                t, "decoder.film_mul.bias", decoder__film_mul__bias=torch.full((64,), torch.nan)
            ),
            "NaN or infinite values in 1 tensors .*film_mul.bias",
        ),
        (
            lambda t: {n.removeprefix(OFFICIAL_PREFIX): x for n, x in t.items()},
            "is CLIPSeg in Hugging Face's form, expected the 482",
        ),
        (
            lambda t: {
                "sem_seg_head.predictor.transformer.layers_specific_part.0.weight": torch.zeros(1)
            },
            "is a PartCATSeg checkpoint, expected the 482 tensors of the PartCLIPSeg release",
        ),
        (lambda t: {}, "is an unknown model with 0 tensors"),
    ],
)
def test_tensors_that_are_not_the_release_are_refused_by_name(official, change, message):
    with pytest.raises(WeightsError, match=f"(?s)the file.*{message}"):
        partclipseg_from_official(change(official), source="the file")


# ---- files ---------------------------------------------------------------------------------------


class Command:
    """Would make a file when unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize(
    "dump",
    [
        lambda contents, path: torch.save(contents, path),
        lambda contents, path: path.write_bytes(pickle.dumps(contents, protocol=2)),
    ],
)
def test_code_in_a_pickle_is_refused_not_executed(tmp_path, dump):
    path, target = tmp_path / "model.pth", tmp_path / "executed"
    dump({"model": {f"{OFFICIAL_PREFIX}a": torch.zeros(1)}, "scheduler": Command(target)}, path)
    with pytest.raises(
        WeightsError,
        match=r"model\.pth is a pickle with more in it than tensors.*nothing in it was executed",
    ):
        load_model(path)
    assert not target.exists()
    pickle.loads(pickle.dumps(Command(target)))  # ... although it would have worked
    assert target.exists()


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (lambda whole: whole[: len(whole) // 2], "not a readable PyTorch file .*truncated"),
        (
            lambda whole: b"<!DOCTYPE html>\n<html>Quota exceeded</html>",
            "HTML page .*download the file again",
        ),
        (lambda whole: b"", "empty file, not weights; take a fresh copy"),
    ],
)
def test_broken_downloads_are_refused_by_name(official_file, tmp_path, contents, message):
    path = tmp_path / "model_final.pth"
    path.write_bytes(contents(official_file.read_bytes()))
    with pytest.raises(WeightsError, match=rf"model_final\.pth is (a|an)? ?{message}"):
        load_model(path)


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            {
                "model": {
                    "sem_seg_head.predictor.transformer.layers_specific_part.0.weight": torch.zeros(
                        1
                    )
                }
            },
            "is a PartCATSeg checkpoint, expected .*an official PartCLIPSeg .pth",
        ),
        (
            {"visual.conv1.weight": torch.zeros(1)},
            "is CLIP in OpenAI's or open_clip's form, expected",
        ),
        (
            {f"{OFFICIAL_PREFIX}decoder.part_obj_mlp.2.weight": torch.zeros(1)},
            "is a checkpoint of PartCLIPSeg's first release",
        ),
        (
            {
                "model": {
                    "decoder.film_mul.weight": torch.zeros(1),
                    "clip.logit_scale": torch.zeros(()),
                }
            },
            r"config\.json is missing",
        ),
        ({"epoch": 3}, "holds a dict without tensors by name"),
        ([torch.zeros(1)], "holds a list without tensors by name"),
    ],
)
def test_checkpoints_of_other_models_are_refused_by_name(tmp_path, contents, message):
    torch.save(contents, tmp_path / "model.pth")
    with pytest.raises(WeightsError, match=message):
        load_model(tmp_path / "model.pth")


def test_old_pytorch_files_load_too(tmp_path):
    tensors = {"a": torch.arange(3.0), "b": torch.ones(2, 2)}
    torch.save({"state_dict": tensors}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    back, metadata = read_tensors(tmp_path / "old.pth")
    assert (
        metadata == {}
        and all(torch.equal(back[n], t) for n, t in tensors.items())
        and len(back) == 2
    )


# ---- Hugging Face's CLIPSeg ----------------------------------------------------------------------


def test_every_tensor_that_transformers_saves_is_used_once_or_dead(hf_folder):
    tensors = read_tensors(hf_folder[0] / "model.safetensors")[0]
    table = {**converters.clip_table(3, 1), **converters.decoder_table(2)}
    used = [name for names in table.values() for name in names]
    assert sorted(used) == sorted(
        n for n in tensors if dead_reason(n, converters.DEAD_CLIPSEG) is None
    )
    assert set(table) == set(
        clipseg_from_hugging_face(tensors, hf_folder[1].config.to_dict()).state_dict()
    )


def test_position_ids_of_older_files_are_left_out(hf_folder):
    tensors = {
        **hf_folder[1].state_dict(),
        "clip.text_model.embeddings.position_ids": torch.arange(77)[None],
    }
    clipseg_from_hugging_face(tensors, hf_folder[1].config.to_dict())


def test_a_hugging_face_folder_loads_and_segments(hf_folder):
    model, settings, vocabulary, _ = load_model(hf_folder[0])
    assert isinstance(model, CLIPSeg) and model.background_embedding is None and vocabulary is None
    assert (
        settings.model.layers,
        settings.model.width,
        settings.model.heads,
        settings.model.mlp_width,
    ) == ((0, 2), 8, 2, 20)
    assert (settings.model.kind, settings.model.adapter, settings.model.background) == (
        "clipseg",
        False,
        False,
    )
    by_file = load_model(hf_folder[0] / "model.safetensors")[0]
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), by_file.state_dict().values(), strict=True)
    )
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    result = PartSegmenter.from_pretrained(hf_folder[0])(image, ["any dog's tail", "cat's ear"])
    assert result.probabilities.shape == (2, 40, 60)


def test_settings_find_the_clip_inside_a_hugging_face_folder_again(hf_folder, tmp_path):
    model, settings, *_ = load_model(hf_folder[0])
    backbone = build_backbone(settings)
    for ours, again in zip(
        model.backbone.state_dict().values(), backbone.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, again)
    vocabulary = Vocabulary.from_names(["dog's head"])
    save_model(tmp_path / "tuned.safetensors", model, settings, vocabulary)
    assert load_model(tmp_path / "tuned.safetensors")[2] == vocabulary


def test_a_folder_with_only_a_pytorch_file_loads(hf_folder, tmp_path):
    folder = altered(hf_folder[0], tmp_path / "bin")
    tensors = read_tensors(folder / "model.safetensors")[0]
    (folder / "model.safetensors").unlink()
    torch.save(tensors, folder / "pytorch_model.bin")
    assert torch.equal(
        load_model(folder)[0].decoder.film.mul.weight, hf_folder[1].decoder.film_mul.weight
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"use_complex_transposed_convolution": False},
            "use_complex_transposed_convolution False, expected True; the simple "
            "upsampling of CIDAS/clipseg-rd64 and -rd16 is not supported, take "
            "CIDAS/clipseg-rd64-refined",
        ),
        ({"conditional_layer": 1}, "conditional_layer 1, expected 0"),
        ({"model_type": "clip"}, "model_type 'clip', expected 'clipseg'"),
        ({"vision_config__patch_size": 32}, "patch_size 32, expected 16"),
        (
            {"vision_config__hidden_act": "relu"},
            "hidden_act 'relu', expected 'quick_gelu' or 'gelu'",
        ),
        (
            {"text_config__hidden_act": "gelu"},
            "text_config.hidden_act 'gelu', expected 'quick_gelu'",
        ),
        ({"text_config__eos_token_id": 7}, "eos_token_id 7, expected 2 or 49407"),
        ({"reduce_dim": 16}, "does not fit CLIPSeg"),
        ({"projection_dim": 32}, "does not fit its configuration"),
        *(
            ({"extract_layers": layers}, r"has extract_layers .* ascending numbers of the blocks")
            for layers in ([1, 1], [2, 0], [], [0, 9], [-1, 0], [0, True], ["0", 2], 3, None, {})
        ),
        *(
            ({name: value}, f"has {name.replace('__', '.')} .*, expected a whole number from 1")
            for name in (
                "reduce_dim",
                "vision_config__num_hidden_layers",
                "text_config__vocab_size",
            )
            for value in (0, -1, 2.5, "8", None, True, 10**9)
        ),
        ({"vision_config": [1]}, "has vision_config '.1.', expected names and values"),
        ({"decoder_num_attention_heads": 3}, "reduce_dim 8, expected a multiple of its 3 heads"),
        (
            {"extract_layers": [0, 1, 2]},
            "is CLIPSeg in Hugging Face's form, .* tensors missing .*decoder.layers.2",
        ),
        (
            {"vision_config__num_hidden_layers": 2, "extract_layers": [0, 1]},
            "not known .*vision_model.encoder.layers.2",
        ),
    ],
)
def test_a_config_that_we_do_not_compute_is_refused_by_name(hf_folder, tmp_path, changes, message):
    with pytest.raises(WeightsError, match=message):
        load_model(altered(hf_folder[0], tmp_path / "folder", **changes))


def test_the_simple_upsampling_is_named_by_its_tensors_too(hf_folder):
    """A converter that is handed a simple head with a config that says otherwise."""
    tensors = {
        n: t for n, t in hf_folder[1].state_dict().items() if "transposed_convolution" not in n
    }
    tensors["decoder.transposed_convolution.weight"] = torch.zeros(8, 1, 16, 16)
    with pytest.raises(
        WeightsError,
        match=r"6 tensors missing .*1 not known \['decoder.transposed_convolution.weight'\]",
    ):
        clipseg_from_hugging_face(tensors, hf_folder[1].config.to_dict())


@pytest.mark.parametrize("config", [None, "{", "[]"])
def test_a_config_that_cannot_be_read_is_refused(hf_folder, tmp_path, config):
    folder = altered(hf_folder[0], tmp_path / "folder")
    if config is None:
        (folder / "config.json").unlink()
    else:
        (folder / "config.json").write_text(config)
    with pytest.raises(
        WeightsError, match=r"config\.json (is missing|is not readable JSON|holds a list)"
    ):
        load_model(folder)


def test_a_backbone_cannot_be_lent_to_weights_that_bring_their_own(hf_folder):
    with pytest.raises(ValueError, match="brings its own CLIP; leave out backbone="):
        load_model(hf_folder[0], load_model(hf_folder[0])[0].backbone)


# ---- names on the hub ----------------------------------------------------------------------------


def test_a_hub_name_is_fetched_through_the_hubs_cache(hf_folder, monkeypatch):
    asked = []

    def fetched(name, file):
        asked.append((name, file))
        return str(hf_folder[0] / file)

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fetched)
    model, settings, *_ = load_model("hf:CIDAS/clipseg-small")
    assert asked == [
        ("CIDAS/clipseg-small", "config.json"),
        ("CIDAS/clipseg-small", "model.safetensors"),
    ]
    assert settings.model.backbone == "hf:CIDAS/clipseg-small"
    assert torch.equal(model.decoder.film.mul.weight, hf_folder[1].decoder.film_mul.weight)


def test_a_hub_name_offline_says_how_to_download_it(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(
        FileNotFoundError,
        match=r"no weights of Hugging Face's model 'CIDAS/clipseg-none': .*run once: "
        r"python -c .*snapshot_download\('CIDAS/clipseg-none'\).*or give the path",
    ):
        load_model("hf:CIDAS/clipseg-none")


def test_a_safetensors_file_of_clipseg_without_its_folder_is_refused(hf_folder, tmp_path):
    save_file(read_tensors(hf_folder[0] / "model.safetensors")[0], tmp_path / "alone.safetensors")
    with pytest.raises(
        WeightsError,
        match=r"config\.json is missing; weights in Hugging Face's form lie in a folder",
    ):
        load_model(tmp_path / "alone.safetensors")
