"""Predictions as files: written once and whole, read from anybody, refused in one sentence."""

import functools
import json
import shutil

import numpy as np
import pytest
import torch
from helpers import DRAWN, sample, tiny_model
from PIL import Image

from partclipseg_lite.datasets.folders import open_dataset, open_labels
from partclipseg_lite.datasets.write import write_dataset
from partclipseg_lite.evaluation import evaluate as evaluation
from partclipseg_lite.evaluation.metrics import SETTINGS
from partclipseg_lite.evaluation.predictions import (
    LabelMaps,
    PredictionWriter,
    StoredPredictions,
    open_labels_of,
    pictures_of,
)
from partclipseg_lite.evaluation.scoring import as_table, score
from partclipseg_lite.inference.predict import predict, resize_logits
from partclipseg_lite.release.evaluator import EVALUATORS
from partclipseg_lite.vocabulary import Vocabulary

T = len(DRAWN)
LAYOUTS = ("pascal_part_116", "ade20k_part_234", "partimagenet")


class Samples(list):
    vocabulary, split = DRAWN, "val"

    @property
    def names(self):
        return [one.name for one in self]


def pictures():
    return Samples([sample(("cat",)), sample(("dog", "bus"), size=40), sample(("bird",), seed=2)])


def without_seconds(scores):
    return {key: value for key, value in scores.items() if key != "seconds"}


@pytest.fixture(params=LAYOUTS)
def dataset(request, tmp_path):
    """Three pictures on disk in each layout."""
    return write_dataset(pictures(), tmp_path / "data", "val", request.param)


@pytest.fixture
def folder(tmp_path):
    """The pictures in Pascal-Part's layout and, in "pred", a perfect prediction of each."""
    root = write_dataset(pictures(), tmp_path / "data", "val", "pascal_part_116")
    shutil.copytree(root / "annotations_detectron2_part" / "val", tmp_path / "pred")
    return tmp_path


def scored(folder, data, evaluators=("ours",), split="val"):
    labels = open_labels(data, split)
    stored = StoredPredictions(folder, labels.names, labels.vocabulary)
    return score(stored, labels, {name: EVALUATORS[name] for name in evaluators})


# ---- labels without photographs ------------------------------------------------------------------


def test_labels_need_no_photographs(dataset):
    whole = open_dataset(dataset, "val")
    expected = {s.name: s for s in (whole[i] for i in range(len(whole)))}
    shutil.rmtree(dataset / "images")
    labels = open_labels(dataset, "validation")  # and know the other names of a split
    assert sorted(labels.names) == sorted(expected) and labels.vocabulary == DRAWN
    for i in range(len(labels)):
        name, object_map, part_map = labels.labels(i)
        np.testing.assert_array_equal(object_map, expected[name].object_map)
        np.testing.assert_array_equal(part_map, expected[name].part_map)
    with pytest.raises(FileNotFoundError, match="tset"):
        open_labels(dataset, "tset")


def test_maps_of_one_picture_that_differ_in_size_are_refused(folder):
    path = folder / "data" / "annotations_detectron2_part" / "val" / "cat.png"
    Image.fromarray(np.zeros((5, 7), np.uint8)).save(path)
    with pytest.raises(
        ValueError, match=r"cat.png is 7x5 pixels, the objects' labels .* are 32x32"
    ):
        open_labels(folder / "data", "val").labels(1)


# ---- written -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, mode", [("pascal_part_116", "L"), ("ade20k_part_234", "I;16")])
def test_maps_hold_the_ids_of_the_label_files_and_their_ignore_value(tmp_path, name, mode):
    vocabulary = Vocabulary.load(name)
    labels = np.array([[0, 1, len(vocabulary) - 1], [len(vocabulary), -1, 7]])
    LabelMaps(vocabulary).write(tmp_path / "a.png", labels)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == mode and image.format == "PNG"
        nothing = 255 if mode == "L" else 65535
        stored = np.asarray(image).tolist()
    assert stored == [[0, 1, len(vocabulary) - 1], [nothing, nothing, 7]]
    back = LabelMaps(vocabulary).read(tmp_path / "a.png", (2, 3))
    np.testing.assert_array_equal(back, np.where(labels == -1, len(vocabulary), labels))


def test_what_evaluate_writes_scores_as_evaluate_scores_it(dataset, tmp_path):
    samples, model = open_dataset(dataset, "val"), tiny_model()
    expected = evaluation.evaluate(model, samples, DRAWN)
    of = {"weights": "a", **pictures_of(samples)}
    writer = PredictionWriter(tmp_path / "pred", samples.names, DRAWN, of)
    found = evaluation.evaluate(model, samples, DRAWN, predictions=writer)
    assert without_seconds(found) == without_seconds(expected)
    files = {p.relative_to(tmp_path / "pred").as_posix() for p in (tmp_path / "pred").rglob("*.*")}
    maps = {f"{setting}/{name}.png" for setting in SETTINGS for name in samples.names}
    assert files == maps | {"predictions.json", ".lock"}

    shutil.rmtree(dataset / "images")
    result = scored(tmp_path / "pred", dataset)
    assert result["evaluators"]["ours"] == {setting: expected[setting] for setting in SETTINGS}
    assert open_labels_of(tmp_path / "pred", dataset).split == samples.split


def test_scores_beside_the_maps_are_the_probabilities_of_the_chosen_labels(dataset, tmp_path):
    samples, model = open_dataset(dataset, "val"), tiny_model()
    writer = functools.partial(
        PredictionWriter, tmp_path / "pred", samples.names, DRAWN, {"weights": "a"}
    )
    evaluation.evaluate(model, samples, DRAWN, predictions=writer(scores=True))
    stored = StoredPredictions(tmp_path / "pred", samples.names, DRAWN)
    assert scored(tmp_path / "pred", dataset)["images"] == len(samples)  # they are no setting
    for one in (samples[i] for i in range(len(samples))):
        logits = predict(model, [one.image], DRAWN).object_part_logits[0]
        all_at_once = resize_logits(logits, one.part_map.shape).sigmoid().numpy()
        for setting in SETTINGS:
            labels = stored.read(setting, one.name, one.part_map.shape)
            expected = np.take_along_axis(all_at_once, labels[None], 0)[0]
            written = stored.score(setting, one.name)
            if setting == "oracle_obj":  # where no object is told, T stands for "no prediction"
                expected = np.where(labels == len(DRAWN), 0, expected)
            assert np.abs(written - expected).max() <= 0.5 / 255 + 1e-6
    lost = tmp_path / "pred" / "scores" / "plain" / f"{samples.names[0]}.png"
    lost.unlink()
    with pytest.raises(FileNotFoundError, match="write them with `evaluate --predictions DIR"):
        stored.score("plain", samples.names[0])
    evaluation.evaluate(model, samples, DRAWN, predictions=writer(scores=True))
    assert lost.is_file()
    writer()  # labels are all there; nothing asks for scores
    with pytest.raises(ValueError, match="of other scores"):
        PredictionWriter(tmp_path / "old", samples.names, DRAWN, {"weights": "a"})
        PredictionWriter(tmp_path / "old", samples.names, DRAWN, {"weights": "a"}, scores=True)


class Interrupted(Exception):
    pass


def test_a_stopped_evaluation_is_taken_up_where_it_was(monkeypatch, tmp_path):
    samples, model, asked = pictures(), tiny_model(), []
    predict = evaluation.predict

    def counting(model, images, words):
        if len(asked) == stop:
            raise Interrupted
        asked.append(len(images))
        return predict(model, images, words)

    monkeypatch.setattr(evaluation, "predict", counting)

    def run():
        writer = PredictionWriter(tmp_path / "pred", samples.names, DRAWN, {"weights": "a"})
        return evaluation.evaluate(model, samples, DRAWN, batch_size=1, predictions=writer)

    stop = 2
    with pytest.raises(Interrupted):
        run()
    (tmp_path / "pred" / "plain" / ".bird.png.123.partial").write_bytes(b"killed here")
    (tmp_path / "pred" / "plain" / "cat.png").unlink()  # killed between two settings
    stop, asked[:] = None, []
    found = run()
    assert asked == [1, 1]  # the cat again, and the bird
    assert without_seconds(found) == without_seconds(evaluation.evaluate(model, samples, DRAWN))
    assert not list((tmp_path / "pred").rglob("*.partial"))
    asked[:] = []
    assert without_seconds(run()) == without_seconds(found) and asked == []


@pytest.mark.parametrize("key", ["weights", "split"])
def test_predictions_of_other_weights_or_pictures_are_refused(tmp_path, key):
    of = {"weights": "a", "split": "val"}
    PredictionWriter(tmp_path / "pred", ["cat"], DRAWN, of)
    PredictionWriter(tmp_path / "pred", ["cat"], DRAWN, of)  # the same again
    with pytest.raises(ValueError, match=rf"of other {key} \({key}: \".*give another folder"):
        PredictionWriter(tmp_path / "pred", ["cat"], DRAWN, {**of, key: "b"})
    pascal = Vocabulary.load("pascal_part_116")
    with pytest.raises(ValueError, match="of other vocabulary"):
        PredictionWriter(tmp_path / "pred", ["cat"], pascal, of)


def test_a_folder_has_one_writer_at_a_time_whose_evaluation_other_processes_may_share(tmp_path):
    first = PredictionWriter(tmp_path / "pred", ["cat"], DRAWN, {})
    with pytest.raises(ValueError, match="another process writes predictions into"):
        PredictionWriter(tmp_path / "pred", ["cat"], DRAWN, {})
    labels = {setting: np.zeros((2, 3), int) for setting in SETTINGS}
    PredictionWriter(tmp_path / "pred", ["cat"], DRAWN, {}, owner=False).write("cat", labels)
    assert first.has("cat") and first.read("cat", (2, 3))["plain"].tolist() == [[0] * 3] * 2


def test_a_folder_with_something_else_in_it_is_not_written_into(tmp_path):
    (tmp_path / "notes.txt").write_text("kept")
    with pytest.raises(ValueError, match="holds notes.txt and no predictions.json of ours"):
        PredictionWriter(tmp_path, ["cat"], DRAWN, {})
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    (tmp_path / "predictions.json").write_text("[1")
    with pytest.raises(ValueError, match="predictions.json is no JSON"):
        PredictionWriter(tmp_path, ["cat"], DRAWN, {})
    with pytest.raises(NotADirectoryError, match=r"notes.txt cannot be made"):
        PredictionWriter(tmp_path / "notes.txt", ["cat"], DRAWN, {})


def test_names_that_cannot_be_files_of_their_own_are_refused(tmp_path):
    for names, message in ((["a", "../b"], "cannot be a file name"), (["cat", "Cat"], "'cat'")):
        with pytest.raises(ValueError, match=message):
            PredictionWriter(tmp_path / "pred", names, DRAWN, {})
    assert not (tmp_path / "pred").exists()


def test_drawn_pictures_are_told_apart_by_split_seed_size_and_number(tmp_path):
    base = {"images": 2, "size": 32, "seed": 0}
    worlds = [open_dataset("drawn", "test", **{**base, **more}) for more in
              ({}, {"seed": 1}, {"size": 40}, {"images": 3})]  # fmt: skip
    worlds.append(open_dataset("drawn", "shifted", **base))
    stated = [json.dumps(pictures_of(world)) for world in worlds]
    assert len(set(stated)) == 5
    PredictionWriter(tmp_path / "pred", worlds[2].names, DRAWN, pictures_of(worlds[2]))
    labels = open_labels_of(tmp_path / "pred", "drawn")
    assert (labels.size, labels.images, labels.split) == (40, 2, "test")
    assert open_labels_of(tmp_path / "pred", "drawn", "shifted", {"size": 32}).size == 32


# ---- of anybody ----------------------------------------------------------------------------------


def test_a_folder_of_label_maps_that_nobodys_tool_made_is_one_setting(folder):
    result = scored(folder / "pred", folder / "data", EVALUATORS)
    assert result["images"] == 3 and set(result["evaluators"]) == set(EVALUATORS)
    for name, scores in result["evaluators"].items():
        assert tuple(scores) == EVALUATORS[name].counted
        for setting in scores:
            assert scores[setting]["harmonic"] == pytest.approx(100)
    assert result["apart"]["oracle_obj"] == dict.fromkeys(("seen", "unseen", "harmonic"), 0.0)
    json.dumps(result, allow_nan=False)


def test_scores_of_stored_maps_equal_a_plain_loop_over_files(folder):
    rng, both, either = np.random.default_rng(0), np.zeros(T), np.zeros(T)
    for path in (folder / "pred").iterdir():
        truth = np.asarray(Image.open(path)).astype(int)
        objects = np.asarray(
            Image.open(folder / "data" / "annotations_detectron2_obj" / "val" / path.name)
        )
        predicted = np.where(rng.random(truth.shape) < 0.3, rng.permutation(truth), truth)
        Image.fromarray(predicted.astype(np.uint8)).save(path)
        counts = (truth != 255) | (objects == 255)  # not the objects' pixels without a part
        for t in range(T):
            both[t] += ((predicted == t) & (truth == t) & counts).sum()
            either[t] += (((predicted == t) | (truth == t)) & counts).sum()
    found = scored(folder / "pred", folder / "data", ["plain"])["evaluators"]["plain"]["plain"]
    for t, name in enumerate(DRAWN.object_parts):
        iou = found["per_object_part"][name]["iou"]
        assert iou is None or iou == pytest.approx(100 * both[t] / either[t])
    seen = [
        row["iou"] for row in found["per_object_part"].values() if row["seen"] and row["pixels"]
    ]
    assert found["seen"] == pytest.approx(np.mean(seen)) and 0 < found["seen"] < 100


def test_each_setting_of_a_folder_is_scored_by_each_evaluator(folder):
    pred, settings = folder / "pred", folder / "settings"
    for setting in ("plain", "pred_all"):
        shutil.copytree(pred, settings / setting)
    for path in (settings / "pred_all").iterdir():  # nothing is found there
        Image.fromarray(np.full(np.asarray(Image.open(path)).shape, 255, np.uint8)).save(path)
    result = scored(settings, folder / "data", EVALUATORS)
    for name, scores in result["evaluators"].items():
        assert set(scores) == {"plain", "pred_all"}
        assert scores["plain"]["seen"] == pytest.approx(100)
        # background costs nothing with OV-PARTS and in the first release: nothing is compared
        nothing = None if name in ("ov_parts", "released_first") else 0
        assert scores["pred_all"]["seen"] == nothing
    table = as_table(result)
    assert table.count("apart by") == 2 and "100.00 [100.0, 100.0]" in table and "n/a" in table


def test_palette_pngs_and_hidden_files_are_read_over(folder):
    path = folder / "pred" / "cat.png"
    image = Image.fromarray(np.asarray(Image.open(path)), mode="P")
    image.putpalette([i for n in range(256) for i in (n, 255 - n, 0)])
    image.save(path)
    for hidden in ("._cat.png", ".DS_Store"):
        (folder / "pred" / hidden).write_bytes(b"?")
    result = scored(folder / "pred", folder / "data")
    assert result["evaluators"]["ours"]["plain"]["harmonic"] == pytest.approx(100)


def paint(size=(32, 32), value=0, dtype=np.uint8):
    return Image.fromarray(np.full(size, value, dtype))


FAULTS = {
    "missing": (
        lambda p: (p / "cat.png").unlink(),
        r"1 of 3 .* no prediction in .*: cat.png; pred",
    ),
    "another split's": (
        lambda p: (p / "cat.png").rename(p / "cow.png"),
        r"cat.png; it holds 1 others \(cow.png\).* name the split",
    ),
    "extra": (lambda p: paint().save(p / "cow.png"), r"holds 1 files .* cow.png; remove them"),
    "not a PNG by name": (lambda p: (p / "notes.txt").write_text(""), "no prediction .* notes.txt"),
    "wrong size": (
        lambda p: paint((16, 30)).save(p / "cat.png"),
        r"cat.png is 30x16 pixels, its picture's labels are 32x32; resize scores, not ids",
    ),
    "RGB": (
        lambda p: paint().convert("RGB").save(p / "cat.png"),
        "cat.png must hold one channel of 8 bits, got mode 'RGB'; a prediction is a PNG of one",
    ),
    "depth": (
        lambda p: paint(dtype=np.uint16).save(p / "cat.png"),
        "cat.png must hold one channel of 8 bits, got mode 'I;16'",
    ),
    "ids": (
        lambda p: paint(value=T).save(p / "cat.png"),
        rf"cat.png holds the ids \[{T}\], expected 0 to {T - 1} and 255 for background",
    ),
    "damaged": (
        lambda p: (p / "cat.png").write_bytes((p / "cat.png").read_bytes()[:40]),
        "cat.png .*remove it and predict it again",
    ),
    "empty": (lambda p: (p / "cat.png").write_bytes(b""), "cat.png .*predict it again"),
    "a folder": (
        lambda p: [(p / "cat.png").unlink(), (p / "cat.png").mkdir()],
        "folders cat.png, which are no settings",
    ),
    "no setting": (
        lambda p: [shutil.rmtree(p), (p / "oracle").mkdir(parents=True)],
        "folders oracle, which are no settings; settings are oracle_obj, pred_all, plain",
    ),
    "files beside settings": (lambda p: (p / "plain").mkdir(), "settings .plain. and files beside"),
    "nothing": (lambda p: [path.unlink() for path in p.iterdir()], "pred holds no predictions"),
    "no folder": (shutil.rmtree, "no folder .*pred with predictions"),
    "of another vocabulary": (
        lambda p: (p / "predictions.json").write_text('{"vocabulary": "other"}'),
        "of another vocabulary than 'drawn'",
    ),
    "a damaged manifest": (lambda p: (p / "predictions.json").write_text("[]"), "is no list of"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_prediction_of_these_pictures_is_refused_with_its_name(folder, fault):
    change, message = FAULTS[fault]
    change(folder / "pred")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        scored(folder / "pred", folder / "data")


def test_sixteen_bits_are_asked_for_where_the_labels_have_them(folder):
    data = write_dataset(pictures(), folder / "ade", "val", "ade20k_part_234")
    wide = {**DRAWN.to_dict(), "ignore_label": 65535}
    (data / "classes.json").write_text(json.dumps(wide))
    with pytest.raises(ValueError, match="cat.png must hold one channel of 16 bits, got mode 'L'"):
        scored(folder / "pred", data)
    for path in (folder / "pred").iterdir():
        ids = np.asarray(Image.open(path)).astype(np.uint16)
        Image.fromarray(np.where(ids == 255, 65535, ids).astype(np.uint16)).save(path)
    result = scored(folder / "pred", data)
    assert result["evaluators"]["ours"]["plain"]["harmonic"] == pytest.approx(100)
    odd = np.full((32, 32), 300, np.uint16)
    Image.fromarray(odd).save(folder / "pred" / "cat.png")
    with pytest.raises(ValueError, match=r"holds the ids \[300\], expected 0 to"):
        scored(folder / "pred", data)


def test_tensors_on_a_model_device_are_counted_like_arrays():
    samples, model = pictures(), tiny_model()
    (first, *_), labels = zip(*evaluation.predicted_labels(model, samples, DRAWN), strict=True)
    assert isinstance(labels[0]["plain"], torch.Tensor) and first.name == "cat"
    only = list(evaluation.predicted_labels(model, samples, DRAWN, indices=[2, 0]))
    assert [one.name for one, _ in only] == ["bird", "cat"]
