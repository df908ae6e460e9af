"""Our code meets the recorded numbers of the public release.

`compare-released` sees a deviation and survives any folder. The whole reference folder, with the
real sizes, is compared by the chapter on the real thing, and tests/book/test_chapters.py looks at
each of its rows. The tests here exchange the network for a tiny one and write folders whose numbers
come from `released_by_hand`: other vocabularies, sizes, labels, and images that lack things.
"""

import json
import re
import shutil
import zlib

import numpy as np
import pytest
import released_by_hand
import torch
from helpers import GRID, SIZE, tiny_clip, tokenizer
from PIL import Image

from partclipseg_lite.cli import main
from partclipseg_lite.network.backbone import Backbone
from partclipseg_lite.network.decoder import AttentionTap
from partclipseg_lite.network.models import Conditions, PartCLIPSeg
from partclipseg_lite.reading import RELEASED
from partclipseg_lite.release import comparison
from partclipseg_lite.release.comparison import (
    NetworkReference,
    compare_metrics,
    compare_released,
    deterministic_weight,
    shipped_reference,
)
from partclipseg_lite.release.comparison.training import batch_of, training_image
from partclipseg_lite.release.departures import as_read
from partclipseg_lite.vocabulary import Vocabulary
from partclipseg_lite.weights.converters import official_table

FOLDER = shipped_reference()
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
NAMES = [
    "train_text_classes",
    "train_part_classes",
    "train_obj_in_part_classes",
    "test_text_classes",
    "test_part_classes",
    "test_obj_in_part_classes",
    "test_obj_classes",
]


# ---- the rule of the weights ---------------------------------------------------------------------


def weight_by_rule(name, shape, seed):
    """Normal numbers from the generator seeded with crc32(name) + seed.

    What kind of tensor it is decides the scale.
    """
    if name == "partclipseg_model.clip.logit_scale":
        return np.full(shape, 4.6052, np.float32)
    generator = np.random.RandomState(
        np.uint32((zlib.crc32(name.encode("ascii")) + seed) & 0xFFFFFFFF)
    )
    normal = np.float64(np.float32(generator.normal(size=shape)))
    is_convolution = re.search(r"conv|patch_embedding|part_obj_with_cond_embed", name)
    if len(shape) == 1 and re.search(r"norm.*weight$", name):
        value = 1 + normal / 10
    elif len(shape) == 1 or ("embedding" in name and not is_convolution):
        value = normal / 50
    elif is_convolution:
        value = normal / np.sqrt(np.prod(shape) / shape[0])
    else:
        value = normal / np.sqrt(shape[-1])
    return np.float32(value)


@pytest.mark.parametrize("seed", [0, 7])
def test_every_official_tensor_follows_the_rule_of_its_name(seed):
    shapes = json.loads((FOLDER / "official_state_dict.json").read_text())
    assert len(shapes) == 482
    for name, shape in shapes.items():
        shape = tuple(min(n, 6) for n in shape)  # the rule, not the size, is at stake
        ours = deterministic_weight(name, shape, seed)
        assert ours.dtype == torch.float32 and ours.shape == shape
        np.testing.assert_allclose(ours, weight_by_rule(name, shape, seed), rtol=1e-6, err_msg=name)


@pytest.mark.parametrize(
    ("name", "shape", "first", "with_seed_7"),
    [
        ("decoder.film_mul.bias", (64,), [-0.004478994, -0.006691589, 0.009604721], -0.029696591),
        (
            "decoder.layers.0.layer_norm1.weight",
            (64,),
            [0.902386487, 0.937646687, 0.855705440],
            0.989823163,
        ),
        ("non_object_embedding", (1, 512), [-0.019935982, 0.048133135, -0.028050458], -0.001363360),
        (
            "decoder.film_mul.weight",
            (64, 512),
            [0.068782762, 0.096040055, 0.056257781],
            0.084674060,
        ),
        (
            "decoder.transposed_convolution.2.weight",
            (64, 32, 4, 4),
            [0.029886568, -0.029934432, 0.088039681],
            0.067749776,
        ),
    ],
)
def test_the_first_values_of_some_tensors_are_frozen(name, shape, first, with_seed_7):
    name = "partclipseg_model." + name
    assert deterministic_weight(name, shape).flatten()[:3].tolist() == pytest.approx(
        first, abs=1e-8
    )
    assert deterministic_weight(name, shape, 7).flatten()[0].item() == pytest.approx(
        with_seed_7, abs=1e-8
    )


# ---- folders of other kinds, with a tiny network -------------------------------------------------


def any_words(texts):
    """Tokens for words of any vocabulary: a hash of each word.

    The last token has the largest id, as CLIP's has.
    """
    last = tokenizer().vocab_size - 1
    tokens = torch.zeros(len(texts), 16, dtype=torch.long)
    for row, text in zip(tokens, texts, strict=True):
        ids = [1 + zlib.crc32(word.encode()) % (last - 2) for word in text.split()] + [last]
        row[: len(ids)] = torch.tensor(ids)
    return tokens


def tiny_released(tensors, image_size, reading, source):
    backbone = as_read(Backbone, reading)(
        clip=tiny_clip(),
        tokenizer=any_words,
        image_size=image_size,
        layers=(0, 1, 2),
        mean=MEAN.tolist(),
        std=STD.tolist(),
    )
    torch.manual_seed(5)
    return as_read(PartCLIPSeg, reading)(backbone=backbone, width=16, heads=2, mlp_width=24).eval()


@pytest.fixture(autouse=True)
def tiny_network(monkeypatch):
    monkeypatch.setattr(comparison.network, "partclipseg_from_official", tiny_released)


class Names:
    """The release's lists of a vocabulary: alphabetical words, object parts in label order."""

    def __init__(self, full: Vocabulary, base_only: bool):
        self.objects = [
            o
            for o, seen in zip(full.objects, full.seen_object.tolist(), strict=True)
            if seen or not base_only
        ]
        pairs = [name.split("'s ") for name in full.object_parts]
        self.pairs = [(obj, part) for obj, part in pairs if obj in self.objects]
        self.parts, self.asked = (sorted({pair[i] for pair in self.pairs}) for i in (1, 0))
        self.part_of = [self.parts.index(part) for _, part in self.pairs]
        self.object_of = [self.asked.index(obj) for obj, _ in self.pairs]


def draw(names: Names, size, kind, rng):
    """(picture, object ids, object part ids) with -1 for none; `kind` says what it shows."""
    block = np.ones([-(-n // 6) for n in size], int)

    def patches(low, high):
        return np.kron(rng.integers(low, high, (6, 6)), block)[: size[0], : size[1]]

    # The others count as background.
    with_parts = [o for o, obj in enumerate(names.objects) if obj in names.asked]
    chosen = rng.permutation(with_parts if kind == "no background" else len(names.objects))[:3]
    object_map = {
        "mixed": patches(-1, 3),
        "no background": patches(0, 3),
        "no object": patches(-1, 0),
        "no part": patches(-1, 3),
    }[kind]
    object_map = np.where(object_map < 0, -1, chosen[object_map])
    part_map, number = np.full(size, -1), patches(-1, 3)
    for o in [] if kind == "no part" else chosen:
        of_object = [t for t, (obj, _) in enumerate(names.pairs) if obj == names.objects[o]]
        if of_object:
            part_map = np.where(
                (object_map == o) & (number >= 0),
                np.array(of_object)[number % len(of_object)],
                part_map,
            )
    return rng.integers(0, 256, (*size, 3), dtype=np.uint8), object_map, part_map


def by_hand(model, names: Names, pictures):
    """The losses of these pictures as one batch, their cross-entropies, arrays and logits.

    Arrays are those of the forward, logits both those of the first picture.
    """
    pixels = np.stack(
        [
            np.asarray(Image.fromarray(image).resize((SIZE, SIZE), Image.BILINEAR))
            for image, _, _ in pictures
        ]
    )
    pixels = torch.from_numpy(((pixels / np.float32(255) - MEAN) / STD).transpose(0, 3, 1, 2))
    ours = [names.asked.index(obj) if obj in names.asked else -1 for obj in names.objects] + [-1]
    object_map = np.stack(
        [np.array(ours)[released_by_hand.nearest(obj, SIZE)] for _, obj, _ in pictures]
    )
    part_map = np.stack([released_by_hand.nearest(part, SIZE) for _, _, part in pictures])
    parts, sequences = len(names.parts), len(names.parts) + len(names.asked) + 1
    words = Conditions(
        model.backbone.embed_text(names.parts),
        model.backbone.embed_text(names.asked),
        torch.tensor(names.part_of),
        torch.tensor(names.object_of),
    )
    tap = AttentionTap(torch.arange(len(pictures) * sequences))
    output = model(model.backbone.activations(pixels), words, tap)
    logits = torch.cat([output.part_logits, output.object_logits, output.background_logits], 1)
    attention = tap.weights.unflatten(0, (len(pictures), sequences)).numpy()
    separation, enhancement = released_by_hand.attention_losses(
        attention, object_map, part_map, names.part_of, names.object_of, parts
    )
    means = released_by_hand.cross_entropies(
        logits, output.object_part_logits, object_map, part_map, names.part_of, parts
    )
    total = sum(means.values()) + 0.1 * separation + 0.01 * enhancement
    columns = attention.mean(2)[:, :, 1:, 1:].mean(2)
    recorded = {
        "total": float(np.nan_to_num(total)),
        "separation": float(separation),
        "enhancement": float(enhancement),
    }
    merged = (columns[:, names.part_of] + columns[:, [parts + o for o in names.object_of]]) / 2
    arrays = {
        "logits": logits[..., 8::16, 8::16].numpy(),
        "pixel_values": pixels[..., ::16, ::16].numpy(),
        "part_obj_logits": output.object_part_logits[..., 8::16, 8::16].numpy(),
        "attention_column_mean": np.concatenate([merged, columns[:, parts:-1]], 1),
    }
    return recorded, list(means.values()), arrays, (logits[0], output.object_part_logits[0])


@torch.no_grad()
def write_folder(folder, vocabulary, sizes, kinds, dtype, none, test_kind="mixed", seed=0):
    """A reference folder whose numbers were worked out by hand; returns its recorded scalars."""
    rng, full = np.random.default_rng(seed), Vocabulary.load(vocabulary)
    train, test = Names(full, base_only=True), Names(full, base_only=False)
    model = tiny_released(None, SIZE, RELEASED, "")
    stored = lambda labels: np.where(labels < 0, none, labels).astype(dtype)  # noqa: E731
    pictures = [draw(train, size, kind, rng) for size, kind in zip(sizes, kinds, strict=True)]
    recorded, means, arrays, _ = by_hand(model, train, pictures)
    order = [
        "part_obj|part pixels",
        "part|part pixels",
        "part_obj|background pixels",
        "object|all pixels",
    ]
    recorded |= {
        "vocabulary": vocabulary,
        "seed": seed,
        "bce_calls": means,
        "bce_order": order,
        "logits_shape": [len(pictures), len(train.parts) + len(train.asked) + 1, SIZE, SIZE],
        "separation_requires_grad": False,
    }
    joined = lambda pairs, by: [by.join(pair) for pair in pairs]  # noqa: E731
    recorded |= dict(
        zip(
            NAMES,
            (
                joined(train.pairs, " "),
                train.parts,
                train.asked,
                joined(test.pairs, "'s "),
                test.parts,
                test.asked,
                list(full.objects),
            ),
            strict=True,
        )
    )
    for i, picture in enumerate(pictures):
        recorded[f"alone{i}"] = by_hand(model, train, [picture])[0]
        arrays |= {
            f"image{i}": picture[0],
            f"obj{i}": stored(picture[1]),
            f"part{i}": stored(picture[2]),
        }
    image, object_map, _ = draw(test, (50, 70), test_kind, rng)
    forward = by_hand(model, test, [(image, object_map, np.full((50, 70), -1))])[3]
    given = [
        test.asked.index(full.objects[i])
        for i in np.unique(object_map)
        if i >= 0 and full.objects[i] in test.asked
    ]
    found = released_by_hand.inference(*forward, (50, 70), given, test.object_of, len(test.parts))
    found["obj_argmax"] = np.array(
        [full.objects.index(obj) for obj in test.asked] + [len(full.objects)]
    )[found["obj_argmax"]]
    arrays |= {
        "test_image": image,
        "test_obj": stored(object_map),
        **{name: a.astype(dtype) if name.endswith("argmax") else a for name, a in found.items()},
    }
    # The head of object parts is left out, or the whole step is lost.
    if len(means) == 1 or recorded["total"] == 0:
        norm = None if len(means) == 1 else 0.0
        recorded["grad_norm"] = {
            f"partclipseg_model.decoder.cond_film_mul.{kind}": norm for kind in ("bias", "weight")
        }
    folder.mkdir(exist_ok=True)
    np.savez(folder / "released.npz", **arrays)
    (folder / "released.json").write_text(json.dumps(recorded))
    (folder / "official_state_dict.json").write_text("{}")
    return recorded


PASCAL, ADE = ("pascal_part_116", np.uint8, 255), ("ade20k_part_234", np.uint16, 65535)


@pytest.mark.parametrize(
    ("kind", "sizes", "kinds", "test_kind"),
    [
        (PASCAL, [(40, 52), (416, 31)], ["mixed", "mixed"], "mixed"),
        (ADE, [(37, 90), (64, 33), (416, 52)], ["mixed", "no background", "mixed"], "mixed"),
        (("partimagenet_40", np.uint16, 65535), [(30, 30)], ["mixed"], "mixed"),
        (("partimagenet_40", np.uint8, 255), [(104, 61)], ["no part"], "mixed"),
        (PASCAL, [(33, 64), (48, 48)], ["no background", "no background"], "no background"),
        (PASCAL, [(33, 64), (48, 48)], ["no object", "no object"], "no object"),
        (
            PASCAL,
            [(26, 45), (32, 32), (52, 20)],
            ["no object", "no background", "no part"],
            "mixed",
        ),
    ],
    ids=[
        "pascal",
        "ade",
        "partimagenet",
        "8-bit, no part",
        "no background",
        "no object",
        "of each",
    ],
)
def test_a_folder_of_any_kind_agrees_with_what_was_worked_out_by_hand(
    kind, sizes, kinds, test_kind, tmp_path
):
    vocabulary, dtype, none = kind
    recorded = write_folder(
        tmp_path, vocabulary, sizes, kinds, dtype, none, test_kind, seed=len(sizes)
    )
    rows = list(compare_released(tmp_path))
    absent = {row.name for row in rows if not row.compared}
    rows = [row for row in rows if row.compared]
    assert [str(row) for row in rows if not row.agrees] == []
    names = {row.name for row in rows}
    # What no hand can work out: the gradients, where they are neither none nor all lost.
    assert absent == {f"gradient of {name}" for name in comparison.GRADIENTS} - names
    assert (
        len(rows)
        == len(names)
        == (
            7
            + 3 * (1 + len(sizes))
            + 1
            + 1
            + 3
            + len(recorded["bce_calls"])
            + 6
            + len(recorded.get("grad_norm", ()))
        )
    )
    assert (recorded["total"] == 0.0) == (set(kinds) == {"no background"})
    assert any(np.isnan(recorded["bce_calls"])) == (set(kinds) == {"no background"})


def test_a_deviation_of_the_network_shows_in_its_row_and_no_other(tmp_path):
    recorded = write_folder(tmp_path, *PASCAL[:1], [(40, 52)], ["mixed"], *PASCAL[1:])
    recorded["alone0"]["enhancement"] *= 1.001
    recorded["test_part_classes"][3], recorded["bce_calls"][1] = "nose ring", None
    (tmp_path / "released.json").write_text(json.dumps(recorded))
    rows = [row for row in compare_released(tmp_path) if row.compared]
    exceeded = {row.name for row in rows if not row.agrees}
    assert exceeded == {
        "image 0 alone: loss, enhancement",
        "test_part_classes",
        "cross-entropy, part|part pixels",
    }


# ---- the command ---------------------------------------------------------------------------------


@pytest.fixture
def metrics_only(tmp_path):
    for name in ("released_metrics.json", "released_metrics.npz"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def edit(path, change):
    contents = json.loads(path.read_text())
    change(contents)
    path.write_text(json.dumps(contents))


def compare(folder):
    try:
        main(["compare-released", "--reference", str(folder)])
    except SystemExit as end:
        return end.code
    return 0


def test_an_altered_number_exceeds_in_its_row_and_ends_with_1(metrics_only, capsys):
    edit(
        metrics_only / "released_metrics.json",
        lambda recorded: recorded["oracle_obj"].update(fwIoU=38.6349),
    )
    assert compare(metrics_only) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" (")[0] for line in lines if line.endswith("EXCEEDED")] == [
        "oracle_obj, fwIoU"
    ]
    assert lines[-1] == (
        "23 of 73 comparisons agree with the release; 49 of 73 not compared; "
        "1 exceed what is allowed"
    )
    assert len(lines) == 73 + 1


def test_a_mean_over_nothing_may_be_recorded_as_nan_or_null_but_is_no_number(metrics_only, capsys):
    def change(recorded):
        del recorded["pred_all"]
        empty = [name for name, value in recorded["oracle_obj"].items() if value != value]
        assert len(empty) > 20  # classes that no map shows
        recorded["oracle_obj"].update(dict.fromkeys(empty))

    edit(metrics_only / "released_metrics.json", change)
    assert compare(metrics_only) == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "12 of 73 comparisons agree with the release; 61 of 73 not compared"
    edit(
        metrics_only / "released_metrics.json",
        lambda recorded: recorded["oracle_obj"].update({"IoU-aeroplane's wing": 0.0}),
    )
    exceeded = [
        row.name
        for row in compare_metrics(metrics_only, Vocabulary.load("pascal_part_116"))
        if row.compared and not row.agrees
    ]
    assert exceeded == ["oracle_obj, IoU (116 numbers)"]


def add_gradients(folder):
    """Norms of our own gradients, for a folder of which nothing is absent."""
    reference = NetworkReference(folder)
    batch = batch_of(reference, [training_image(reference, 0)])
    words = reference.model.embed(reference.train)
    total, _ = reference.objective(reference.model, batch.activations, words, batch.targets)
    reference.model.zero_grad()
    total.backward()
    ours_of = {theirs[0]: ours for ours, theirs in official_table().items()}
    norms = {}
    for name in comparison.GRADIENTS:
        gradient = reference.model.get_parameter(ours_of[name]).grad
        norms[f"partclipseg_model.{name}"] = None if gradient is None else gradient.norm().item()
    edit(folder / "released.json", lambda recorded: recorded.update(grad_norm=norms))
    assert sum(norm is not None for norm in norms.values()) > 10


@pytest.fixture(scope="module")
def whole_folder(tmp_path_factory):
    """The smaller form, of the network alone, with everything that belongs to it."""
    folder = tmp_path_factory.mktemp("whole") / "folder"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison.network, "partclipseg_from_official", tiny_released)
        write_folder(folder, "pascal_part_116", [(40, 52)], ["mixed"], np.uint8, 255)
        add_gradients(folder)
    return folder


def test_the_command_reports_a_folder_that_agrees(whole_folder, capsys):
    assert compare(whole_folder) == 0
    assert "46 of 46 comparisons agree with the release\n" in capsys.readouterr().out


def entries(folder):
    """Everything that a folder records: (file, name)."""
    recorded = json.loads((folder / "released.json").read_text())
    return [*(("released.json", key) for key in recorded)] + [
        ("released.npz", key) for key in np.load(folder / "released.npz")
    ]


def test_whatever_entry_is_taken_out_the_folder_no_longer_agrees(whole_folder, tmp_path, capsys):
    needless = {"seed", "bce_order", "logits_shape"}  # 0; worked out; the form of the shapes
    for number, (file, key) in enumerate(entries(whole_folder)):
        folder = tmp_path / str(number)
        shutil.copytree(whole_folder, folder)
        if file == "released.json":
            edit(folder / file, lambda recorded, key=key: recorded.pop(key))
        else:
            arrays = dict(np.load(folder / file))
            del arrays[key]
            np.savez(folder / file, **arrays)
        if key == "logits_shape":
            continue  # its default is the real size, which the tiny network does not have
        status = compare(folder)
        said = capsys.readouterr()
        assert status == (0 if key in needless else status), key
        assert status != 0 or key in needless, key
        assert status == 2 or key in needless or "not compared" in said.out, key


def test_a_folder_whose_arrays_are_gone_has_compared_next_to_nothing(
    whole_folder, tmp_path, capsys
):
    shutil.copytree(whole_folder, tmp_path / "copy")
    np.savez(tmp_path / "copy" / "released.npz")
    assert compare(tmp_path / "copy") == 1
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "7 of 46 comparisons agree with the release; 39 of 46 not compared"


def test_the_rows_that_should_be_there_are_those_of_the_shipped_folder():
    recorded = json.loads((FOLDER / "released.json").read_text())
    assert [f"partclipseg_model.{name}" for name in comparison.GRADIENTS] == list(
        recorded["grad_norm"]
    )
    assert list(comparison.CROSS_ENTROPIES) == recorded["bce_order"]
    names = comparison.network_rows()
    assert len(names) == len(set(names)) == 73 - 24


def test_metrics_without_their_maps_or_numbers_are_not_compared(tmp_path, capsys):
    for change in ("no arrays", "no numbers", "one number", "no setting"):
        folder = tmp_path / change
        folder.mkdir()
        for name in ("released_metrics.json", "released_metrics.npz"):
            shutil.copy(FOLDER / name, folder)
        file = folder / "released_metrics.json"
        if change == "no arrays":
            np.savez(folder / "released_metrics.npz")
        elif change == "no numbers":
            edit(file, lambda recorded: recorded["pred_all"].clear())
        elif change == "one number":
            edit(file, lambda recorded: recorded["pred_all"].pop("IoU-aeroplane's wing"))
        else:
            edit(file, lambda recorded: recorded.pop("oracle_obj"))
        assert compare(folder) == 1
        rows = list(compare_metrics(folder, Vocabulary.load("pascal_part_116")))
        absent = [row.name for row in rows if not row.compared]
        assert all(row.agrees for row in rows if row.compared)
        assert len(absent) == {"no arrays": 24, "one number": 1}.get(change, 12)
        if change == "one number":
            assert absent == ["pred_all, IoU (1 numbers more)"]
        capsys.readouterr()


def spoil(name, contents):
    def change(folder):
        (folder / name).write_bytes(contents)

    return change


def without(key):
    return lambda folder: edit(folder / "released.json", lambda recorded: recorded.pop(key))


def truncate(folder):
    file = folder / "released.npz"
    file.write_bytes(file.read_bytes()[:2000])


def store(folder, name, array):
    np.savez(folder / "released.npz", **{**np.load(folder / "released.npz"), name: array})


def drop_map(folder):
    arrays = dict(np.load(folder / "released.npz"))
    del arrays["obj0"]
    np.savez(folder / "released.npz", **arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (shutil.rmtree, "holds neither released.json nor released_metrics.json"),
        (lambda folder: (folder / "released.npz").unlink(), "released.npz is missing"),
        (
            lambda folder: (folder / "official_state_dict.json").unlink(),
            "official_state_dict.json is missing",
        ),
        (truncate, "released.npz is not a readable .npz file"),
        (spoil("released.npz", b""), "released.npz is not a readable .npz file"),
        (spoil("released.json", b'{"vocabulary": '), "released.json is not JSON"),
        (
            spoil("released.json", b"[1, 2]"),
            "released.json holds '[1, 2]', expected names and values",
        ),
        (without("vocabulary"), "released.json has no entry 'vocabulary'"),
        (drop_map, "released.npz has no entry 'obj0'"),
        (
            lambda f: edit(f / "released.json", lambda r: r.update(vocabulary="pascal_part_117")),
            "did you mean 'pascal_part_116'",
        ),
        (
            lambda f: edit(f / "released.json", lambda r: r.update(logits_shape=[1, 53, 32, 48])),
            "logits of 32x48",
        ),
        *(
            (
                lambda f, key=key, value=value: edit(
                    f / "released.json", lambda r: r.update({key: value})
                ),
                says,
            )
            for key, value, says in (
                ("total", "2.7", "loss, total is recorded as '2.7', expected a number"),
                ("total", True, "expected a number"),
                ("total", [], "expected a number"),
                ("bce_calls", [], "0 cross-entropies are recorded"),
                ("bce_calls", 5, "expected a list of numbers"),
                ("grad_norm", [1.0], "grad_norm is recorded as '[1.0]', expected a table"),
                ("alone0", 3, "alone0 is recorded as '3', expected a table"),
                ("separation_requires_grad", "false", "expected true or false"),
                ("train_part_classes", "head", "expected a list of names"),
                ("seed", "0", "has the seed '0', expected a whole number"),
                ("seed", 1.5, "has the seed 1.5"),
                ("logits_shape", [], "has the logits_shape '[]'"),
                ("logits_shape", [1, 53, 10**9, 10**9], "expected at most 1024x1024"),
                ("vocabulary", ["pascal_part_116"], "unknown vocabulary"),
            )
        ),
        *(
            (lambda f, name=name, value=value: store(f, name, value), says)
            for name, value, says in (
                (
                    "image0",
                    np.zeros((40, 52)),
                    "image0 is float64 of shape (40, 52), expected a pic",
                ),
                ("image0", np.zeros((0, 0, 3), np.uint8), "expected a picture"),
                ("obj0", np.zeros((40, 52)), "obj0 is float64"),
                ("obj0", np.zeros((4, 5), np.uint8), "obj0 has shape (4, 5), expected (40, 52)"),
                ("part0", np.full((40, 52), -7), "part0 holds ids -7..-7"),
                ("part0", np.full((40, 52), 10**6), "part0 holds ids 1000000"),
                ("logits", np.zeros((1, 2)), "recorded is (1, 2)"),
                ("logits", np.zeros(0), "recorded is (0,)"),
                ("oracle_argmax", np.full((50, 70), np.nan), "oracle_argmax is float64"),
                ("test_obj", np.zeros((5, 5), np.uint8), "test_obj has shape (5, 5)"),
            )
        ),
        (
            spoil("official_state_dict.json", b'{"a": [1000000, 1000000]}'),
            "has 'a' as '[1000000, 1000000]', expected the shape of a tensor",
        ),
        (spoil("official_state_dict.json", b'{"a": ["x"]}'), "expected the shape of a tensor"),
        (
            lambda f: edit(f / "released.json", lambda r: r["bce_calls"].append(0.1)),
            "5 cross-entropies are recorded",
        ),
        (
            lambda f: edit(
                f / "released.json", lambda r: r.update(grad_norm={"decoder.nothing": 1.0})
            ),
            "['decoder.nothing']",
        ),
    ],
)
def test_a_folder_with_something_wrong_gets_one_clear_error(
    change, message, one_folder, tmp_path, capsys
):
    folder = tmp_path / "reference"
    shutil.copytree(one_folder, folder)
    change(folder)
    assert compare(folder) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.fixture(scope="module")
def one_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference") / "folder"
    write_folder(folder, "pascal_part_116", [(40, 52)], ["mixed"], np.uint8, 255)
    return folder


def test_the_tiny_network_has_the_grid_that_the_folders_assume(one_folder):
    assert NetworkReference(one_folder).model.backbone.grid == GRID
