"""Thousands of pictures: each is segmented once, as by itself; bad ones are listed, not fatal."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers import sample, tiny_model
from PIL import Image
from pycocotools.coco import COCO

from partclipseg_lite.datasets.images import read_image
from partclipseg_lite.inference import folder as in_folder
from partclipseg_lite.inference.folder import segment_folder
from partclipseg_lite.inference.listing import LINK, list_pictures
from partclipseg_lite.inference.saving import file_name
from partclipseg_lite.inference.segmenter import PartSegmenter

NAMES = ["dog's head", "cat's tail", "cow's torso"]


@dataclass
class OneOf:
    """A share of the work without other processes."""

    index: int = 0
    count: int = 1
    is_first: bool = True

    def of(self, items):
        return items[self.index :: self.count]

    def from_first(self, value):
        return value

    def from_all(self, value):
        return [value]


@pytest.fixture(scope="module")
def segmenter():
    return PartSegmenter(tiny_model())


@pytest.fixture(scope="module")
def drawn():
    return sample(("cat", "cow"), size=40).image


@pytest.fixture
def source(tmp_path, drawn):
    """Pictures, odd pictures, and what is none."""
    here = tmp_path / "photos"
    (here / "a" / "deep").mkdir(parents=True)
    (here / "b").mkdir()
    picture = Image.fromarray(drawn)
    picture.save(here / "one.png")
    picture.rotate(90).save(here / "a" / "one.png")
    picture.save(here / "a" / "one.jpg")
    picture.convert("CMYK").save(here / "a" / "deep" / "cmyk.jpg")
    Image.fromarray(drawn[..., 0].astype(np.uint16) * 257).save(here / "b" / "deep.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.crop((0, 0, 40, 24)).save(here / "b" / "turned.JPG", exif=exif)
    picture.save(here / "without suffix", format="PNG")
    for name in (".hidden.png", "._one.png"):
        (here / name).write_bytes(b"not looked at")
    return here


GOOD = [
    "a/deep/cmyk.jpg",
    "a/one.jpg",
    "a/one.png",
    "b/deep.png",
    "b/turned.JPG",
    "one.png",
    "without suffix",
]


def run(segmenter, source, output, names=NAMES, **options):
    return segment_folder(
        segmenter,
        source,
        segmenter.encode_names(names),
        output,
        share=options.pop("share", OneOf()),
        progress=False,
        **options,
    )


def add_bad_files(source: Path) -> set[str]:
    cut = (source / "one.png").read_bytes()[:100]
    (source / "cut.png").write_bytes(cut)
    (source / "b" / "empty.jpg").touch()
    (source / "b" / "text.jpeg").write_text("<html>too many users</html>")
    (source / "gone.png").symlink_to(source / "nowhere.png")
    Image.new("I", (4, 4), 70_000).save(source / "deep.tiff")
    (source / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic")
    return {"cut.png", "b/empty.jpg", "b/text.jpeg", "gone.png", "deep.tiff", "phone.heic"}


def test_every_picture_gets_the_masks_that_it_has_by_itself(segmenter, source, tmp_path):
    outcome = run(segmenter, source, tmp_path / "out")
    assert (outcome.segmented, outcome.before, outcome.skipped) == (7, 0, {})
    for path in GOOD:
        alone = segmenter(read_image(source / path), NAMES)
        written = tmp_path / "out" / "pictures" / f"{path}.parts"
        for name in NAMES:
            mask = np.asarray(Image.open(written / file_name(name)))
            assert np.array_equal(mask, alone.masks[name] * np.uint8(255))
        record = json.loads((written / "record.json").read_text())
        assert (record["height"], record["width"]) == alone.label_map.shape
        assert record["scores"] == pytest.approx(dict(alone.scores))
        assert sorted(record["masks"].values()) == sorted(map(file_name, NAMES))
    assert (tmp_path / "out/pictures/b/turned.JPG.parts/overlay.png").is_file()
    turned = Image.open(tmp_path / "out/pictures/b/turned.JPG.parts" / file_name(NAMES[0]))
    assert turned.size == (24, 40), "upright"


def test_bad_files_are_listed_with_the_reason_and_the_others_done(segmenter, source, tmp_path):
    bad = add_bad_files(source)
    (source / "README.md").write_text("my holiday")
    (source / "film.mp4").write_bytes(b"\0" * 100)
    outcome = run(segmenter, source, tmp_path / "out")
    assert outcome.segmented == len(GOOD) and outcome.skipped.keys() == bad
    listed = json.loads((tmp_path / "out" / "skipped.json").read_text())
    assert {entry["file"]: entry["reason"] for entry in listed["skipped"]} == outcome.skipped
    assert listed["not_pictures"] == outcome.others == ["README.md", "film.mp4"]
    assert outcome.skipped["cut.png"].startswith("cannot be read as an image")
    assert "no image at" in outcome.skipped["gone.png"]
    for path in bad:
        assert not (tmp_path / "out" / "pictures" / f"{path}.parts").exists()
    # Once they are mended, they are done and no longer listed.
    for path in bad:
        (source / path).unlink()
    Image.fromarray(read_image(source / "one.png")).save(source / "cut.png")
    again = run(segmenter, source, tmp_path / "out")
    assert (again.segmented, again.before, again.skipped) == (1, len(GOOD), {})
    assert json.loads((tmp_path / "out" / "skipped.json").read_text())["skipped"] == []


def test_what_is_done_is_not_done_again_unless_the_picture_changed(
    segmenter, source, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    run(segmenter, source, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    changed = source / "a" / "one.png"
    Image.fromarray(255 - read_image(changed)).save(changed)
    (out / "pictures" / "one.png.parts" / "record.json").write_text("{half")
    asked = []
    monkeypatch.setattr(
        in_folder, "read_image", lambda path: asked.append(path) or read_image(path)
    )
    outcome = run(segmenter, source, out)
    assert set(asked) == {changed, source / "one.png"} and outcome.before == len(GOOD) - 2
    kept = {p: t for p, t in before.items() if p.parent.name != "one.png.parts"}
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    mask = np.asarray(Image.open(out / "pictures/a/one.png.parts" / file_name(NAMES[0])))
    assert np.array_equal(mask > 0, segmenter(read_image(changed), NAMES).masks[NAMES[0]])


def test_another_question_is_refused_in_the_same_folder(segmenter, source, tmp_path):
    out = tmp_path / "out"
    run(segmenter, source, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for refused, what in (
        ({"names": NAMES[:2]}, 'masks of other names, such as "cow\'s torso"'),
        ({"names": NAMES[::-1]}, "masks of other names, in another order"),
        ({"format": "coco"}, r"in another format \(png, now coco\)"),
    ):
        with pytest.raises(ValueError, match=what):
            run(segmenter, source, out, **refused)
    with pytest.raises(ValueError, match="made with other weights"):
        run(PartSegmenter(tiny_model(seed=3)), source, out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    with pytest.raises(ValueError, match="is where masks are written"):
        run(segmenter, out / "pictures" / "a", out)
    (out / "segmentation.json").write_text("[]")
    with pytest.raises(ValueError, match=r"segmentation\.json cannot be read"):
        run(segmenter, source, out)
    (out / "segmentation.json").unlink()
    with pytest.raises(ValueError, match="was not made by this command"):
        run(segmenter, source, out)


def test_two_commands_do_not_write_into_one_folder(segmenter, source, tmp_path):
    (tmp_path / "out").mkdir()
    with in_folder.FileLock(tmp_path / "out" / ".lock"):
        with pytest.raises(ValueError, match="another command is writing into"):
            run(segmenter, source, tmp_path / "out")
    run(segmenter, source, tmp_path / "out")


@pytest.mark.parametrize("form", ["png", "coco"])
def test_after_an_error_in_the_middle_nothing_half_written_is_left(
    segmenter, source, tmp_path, monkeypatch, form
):
    out, calls, save = tmp_path / "out", [], Path.write_text

    def full(self, text, *args, **kwargs):
        if self.name == "record.json" and len(calls) == 3:
            raise OSError(28, "No space left on device")
        calls.append(self)
        return save(self, text, *args, **kwargs)

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="No space left"):
        run(segmenter, source, out, format=form)
    monkeypatch.undo()
    assert not list(out.rglob("*.partial")) and not (out / "skipped.json").exists()
    done = {
        str(p.parent.relative_to(out / "pictures")).removesuffix(".parts")
        for p in out.rglob("record.json")
    }
    assert done < set(GOOD)
    # What a killed process leaves is swept away.
    (out / "pictures" / "a" / ".0123.partial").mkdir(parents=True, exist_ok=True)
    (out / "pictures" / "a" / ".0123.partial" / "dog-head.png").write_bytes(b"half")
    outcome = run(segmenter, source, out, format=form)
    assert outcome.before == len(done) and outcome.segmented == len(GOOD) - len(done)
    assert not list(out.rglob("*.partial"))


def test_a_name_too_long_for_a_folder_is_skipped(segmenter, source, tmp_path):
    (source / "one.png").rename(source / f"{'o' * 248}.png")
    outcome = run(segmenter, source, tmp_path / "out")
    assert [*outcome.skipped.values()] == ["has too long a name for its masks; rename it"]
    assert outcome.segmented == len(GOOD) - 1
    assert run(segmenter, source, tmp_path / "out").before == len(GOOD) - 1


def test_words_are_encoded_once_for_all_pictures(segmenter, source, tmp_path, monkeypatch):
    asked, calls = segmenter.encode_names(NAMES), []
    embed = segmenter.model.embed
    monkeypatch.setattr(segmenter.model, "embed", lambda v: calls.append(v) or embed(v))
    segment_folder(segmenter, source, asked, tmp_path / "out", share=OneOf(), progress=False)
    assert not calls


def test_coco_reads_the_masks_that_the_pictures_have(segmenter, source, tmp_path, capsys):
    add_bad_files(source)
    for _ in range(2):  # resumed, it is the same
        run(segmenter, source, tmp_path / "out", format="coco")
        coco = COCO(tmp_path / "out" / "annotations.json")
        assert [image["file_name"] for image in coco.dataset["images"]] == GOOD
        assert [c["name"] for c in coco.loadCats([1, 2, 3])] == NAMES
        assert [c["supercategory"] for c in coco.loadCats([1, 2, 3])] == ["dog", "cat", "cow"]
        for image in coco.dataset["images"]:
            alone = segmenter(read_image(source / image["file_name"]), NAMES)
            found = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
            assert len(found) == len(set(alone.label_map.ravel().tolist()) - {-1})
            for annotation in found:
                label = annotation["category_id"] - 1
                mask = alone.label_map == label
                assert np.array_equal(coco.annToMask(annotation) > 0, mask)
                assert annotation["area"] == mask.sum()
                rows, columns = np.nonzero(mask)
                box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
                assert annotation["bbox"] == box
                assert annotation["score"] == pytest.approx(alone.scores[NAMES[label]])
    assert not list((tmp_path / "out").rglob("*.png"))


def test_shares_are_disjoint_and_together_everything(segmenter, source, tmp_path):
    run(segmenter, source, tmp_path / "whole")
    done = [
        run(segmenter, source, tmp_path / "out", share=OneOf(index, 3), overlays=False).segmented
        for index in range(3)
    ]
    assert done == [3, 2, 2]
    theirs, ours = (
        {
            p.relative_to(tmp_path / out): p.read_bytes()
            for p in (tmp_path / out).rglob("*.png")
            if p.name != "overlay.png"
        }
        for out in ("whole", "out")
    )
    assert theirs == ours


SHARED = """
import sys
sys.path.insert(0, {tests!r})
import torch
from pathlib import Path
from helpers import tiny_model
from partclipseg_lite.inference.folder import segment_folder
from partclipseg_lite.inference.segmenter import PartSegmenter
torch.set_num_threads(1)
segmenter = PartSegmenter(tiny_model())
asked = segmenter.encode_names({names!r})
outcome = segment_folder(segmenter, Path({source!r}), asked, Path({out!r}), progress=False)
print(outcome and (outcome.segmented, outcome.before, sorted(outcome.skipped)))
"""


@pytest.mark.slow
def test_two_processes_share_the_pictures(segmenter, source, tmp_path):
    bad = add_bad_files(source)
    out, tests = tmp_path / "out", str(Path(__file__).parents[1])
    script = SHARED.format(tests=tests, names=NAMES, source=str(source), out=str(out))
    store = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29653", "CUDA_VISIBLE_DEVICES": ""}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env={**os.environ, **store, "WORLD_SIZE": "2", "RANK": rank, "LOCAL_RANK": rank},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    said = [process.communicate(timeout=240)[0].split("\n")[-2] for process in started]
    assert said == [str((len(GOOD), 0, sorted(bad))), "None"]
    run(segmenter, source, tmp_path / "alone")
    theirs, ours = (
        {p.relative_to(base): p.read_bytes() for p in base.rglob("*.png")}
        for base in (out, tmp_path / "alone")
    )
    assert theirs == ours


# ---- what lies in a folder -----------------------------------------------------------------------


def test_the_list_is_sorted_and_says_what_it_leaves_out(source, tmp_path):
    (source / "notes.txt").touch()
    (source / "linked").symlink_to(source / "a")
    shutil.copytree(source / "b", source / "out" / "b")
    (source / ".cache").mkdir()
    shutil.copy(source / "one.png", source / ".cache")
    found = list_pictures(source, leave_out=source / "out")
    assert found.pictures == GOOD and found.others == ["notes.txt"]
    assert found.closed == {"linked": LINK}
    (tmp_path / "link").symlink_to(source)
    assert list_pictures(tmp_path / "link", leave_out=source / "out").pictures == GOOD


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everything may be read")
def test_a_folder_that_may_not_be_opened_is_named(source):
    (source / "a").chmod(0)
    try:
        assert list_pictures(source).closed == {"a": "cannot be opened (Permission denied)"}
    finally:
        (source / "a").chmod(0o755)


def test_a_folder_without_pictures_is_an_error(segmenter, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no pictures in .*empty or below it$"):
        run(segmenter, tmp_path / "empty", tmp_path / "out")
    (tmp_path / "empty" / "a.txt").touch()
    with pytest.raises(ValueError, match="it holds 1 other files"):
        run(segmenter, tmp_path / "empty", tmp_path / "out")
