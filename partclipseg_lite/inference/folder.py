"""A folder of pictures, however many: resumable, shared by processes, bad files listed.

    OUT/segmentation.json           what was asked, and of which weights; nothing else is mixed in
    OUT/pictures/PATH.parts/        of the picture FOLDER/PATH:
        record.json                     sizes, scores, COCO's annotations
        *.png                           masks and overlay (format "png")
    OUT/annotations.json            all pictures, for pycocotools' COCO (format "coco")
    OUT/skipped.json                files that could not be segmented, with the reason

The folder of a picture appears whole or not at all. So what is there is done, and a command that
was killed at any moment goes on where it was.
"""

import errno
import itertools
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from ..datasets.images import read_image
from ..files import remove_partials, replacing_folder, write_whole
from ..weights.files import digest_of
from ..weights.state import fingerprint, trained_state
from .coco import annotations_of, as_coco
from .listing import Listing, list_pictures
from .saving import save_masks_in_new
from .segmenter import EncodedNames, PartSegmenter, Segmentation
from .sharing import Share

FORMATS = ("png", "coco")
RECORD, SUFFIX = "record.json", ".parts"  # so that no folder is called "dog.png"
AHEAD = 4  # pictures read before the network needs them
HANDS = min(8, max(2, (os.cpu_count() or 2) // 2))  # threads that read, and others that write
NO_MEMORY = (MemoryError, torch.OutOfMemoryError)


@dataclass
class Outcome:
    """What became of a folder's pictures; paths are relative to it.

    Attributes:
        segmented: how many were segmented now.
        before: how many had been before.
        skipped: those that could not be, with the reason.
        others: files that are no pictures by their names.
    """

    segmented: int = 0
    before: int = 0
    skipped: dict[str, str] = field(default_factory=dict)
    others: list[str] = field(default_factory=list)


def segment_folder(
    segmenter: PartSegmenter,
    source: Path,
    asked: EncodedNames,
    output: Path,
    *,
    format: str = "png",
    overlays: bool = True,
    share: Share | None = None,
    progress: bool = True,
) -> Outcome | None:
    """Segment every picture in `source` and below it that is not done yet; see the module.

    Args:
        segmenter: with the model; on a GPU several pictures are encoded at once.
        source: the folder of pictures.
        asked: the names, encoded by this segmenter.
        output: the folder to write.
        format: one of `FORMATS`.
        overlays: also each picture with its parts in colours (format "png").
        share: of several processes; default: as the launcher says.
        progress: show a bar with the time left.

    Returns:
        What became of them, for the first of several processes; None for the others.

    Raises:
        ValueError: `output` holds the masks of another question, or another command works there.
        OSError: a folder cannot be read or written.
    """
    share = share or Share()
    with _prepared(segmenter, source, asked, output, format, share.is_first):
        found = share.from_first(_listed(source, output) if share.is_first else None)
        mine = share.of(found.pictures)
        todo = [path for path in mine if not _is_done(source, output, path)]
        work = _Work(segmenter, source, asked, output, format, overlays)
        with tqdm(
            total=len(mine),
            initial=len(mine) - len(todo),
            disable=not (progress and share.is_first),
            desc="segment",
            unit="picture",
            dynamic_ncols=True,
        ) as bar:
            skipped = work.run(todo, bar.update)
        outcomes = share.from_all((len(todo) - len(skipped), len(mine) - len(todo), skipped))
        if not share.is_first:
            return None
        whole = Outcome(
            sum(now for now, _, _ in outcomes),
            sum(before for _, before, _ in outcomes),
            dict(sorted({**found.closed, **_united(part for *_, part in outcomes)}.items())),
            found.others,
        )
        _conclude(output, asked, format, found, whole)
        return whole


def write_coco(result: Segmentation, image: Path, output: Path) -> Path:
    """What was found in one picture as `output`/annotations.json; returns its path."""
    height, width = result.label_map.shape
    record = {"height": height, "width": width, "annotations": annotations_of(result)}
    output.mkdir(parents=True, exist_ok=True)
    written = as_coco(result.vocabulary, [(image.name, record)])
    write_whole(output / "annotations.json", json.dumps(written))
    return output / "annotations.json"


# ---- before --------------------------------------------------------------------------------------


@contextmanager
def _prepared(segmenter, source, asked, output, format, is_first) -> Iterator[None]:
    """The output folder for this question alone, and for this command."""
    if not is_first:
        yield
        return
    pictures = output / "pictures"
    if Path(os.path.realpath(source)).is_relative_to(os.path.realpath(pictures)):
        raise ValueError(f"{source} is where masks are written; give another --out")
    output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another command is writing into {output}; wait for it, or give another --out"
        ) from None
    try:
        question = {
            "names": list(asked.vocabulary.object_parts),
            "weights": _digest(segmenter),
            "format": format,
        }
        _check_question(output, question)
        for folder, *_ in os.walk(output):
            remove_partials(Path(folder))
        yield
    finally:
        lock.release()


def _digest(segmenter: PartSegmenter) -> str:
    """Says which weights these are, wherever they lie."""
    model = segmenter.model
    return f"{digest_of(trained_state(model), {})[:16]}-{fingerprint(model.backbone.clip)}"


def _check_question(output: Path, question: dict) -> None:
    """Write the question down where there is none; refuse another one."""
    path, remedy = output / "segmentation.json", "give another --out, or delete this folder"
    if not path.exists():
        if (output / "pictures").exists():
            raise ValueError(f"{output / 'pictures'} was not made by this command; {remedy}")
        write_whole(path, json.dumps(question, indent=1))
        return
    try:
        there = json.loads(path.read_text(encoding="utf-8"))
        before = {key: there[key] for key in question}
        names = [str(name) for name in before["names"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({error}); {remedy}") from error
    if names != question["names"]:
        other = set(names) ^ set(question["names"])
        which = f"such as {min(other)!r}" if other else "in another order"
        raise ValueError(f"{output} holds masks of other names, {which}; {remedy}")
    for key, what in (("weights", "made with other weights"), ("format", "in another format")):
        if before[key] != question[key]:
            raise ValueError(
                f"{output} holds masks {what} ({before[key]}, now {question[key]}); {remedy}"
            )


def _listed(source: Path, output: Path) -> Listing:
    found = list_pictures(source, leave_out=output / "pictures")
    if not found.pictures and not found.closed:
        there = f"; it holds {len(found.others)} other files" if found.others else ""
        raise ValueError(f"no pictures in {source} or below it{there}")
    return found


def _is_done(source: Path, output: Path, path: str) -> bool:
    """Whether there is a record of this very picture."""
    record = _record(output, path)
    try:
        return record is not None and record["file"] == _identity(source / path)
    except (OSError, KeyError):
        return False


def _place(output: Path, path: str) -> Path:
    """The folder of a picture."""
    return output / "pictures" / f"{path}{SUFFIX}"


def _record(output: Path, path: str) -> dict | None:
    try:
        record = json.loads((_place(output, path) / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _identity(picture: Path) -> dict[str, int]:
    """What changes when somebody puts another picture in the place of this one."""
    found = picture.stat()
    return {"bytes": found.st_size, "modified_ns": found.st_mtime_ns}


# ---- the work ------------------------------------------------------------------------------------


@dataclass
class _Work:
    segmenter: PartSegmenter
    source: Path
    asked: EncodedNames
    output: Path
    format: str
    overlays: bool

    def run(self, todo: Iterable[str], done: Callable[[], object]) -> dict[str, str]:
        """Segment these pictures; returns those that could not be, with the reason.

        Pictures are read ahead and results written behind while the network works on others.
        """
        skipped: dict[str, str] = {}
        batch = self.segmenter.batch_size if self._on_gpu() else 1
        with ThreadPoolExecutor(HANDS) as readers, ThreadPoolExecutor(HANDS) as writers:
            writing: deque[Future] = deque()
            read = _in_order(readers, self.read, todo, AHEAD + batch)
            for some in _groups(read, batch):
                good = [picture for picture in some if isinstance(picture[1], np.ndarray)]
                skipped |= {path: reason for path, reason, _ in some if isinstance(reason, str)}
                for picture, result in zip(good, self.results(good), strict=True):
                    if isinstance(result, str):
                        skipped[picture[0]] = result
                        continue
                    writing.append(writers.submit(self.write, picture[0], picture[2], result))
                    while len(writing) > 2 * HANDS:
                        skipped |= writing.popleft().result()
                for _ in some:
                    done()
            for future in writing:
                skipped |= future.result()
        return skipped

    def read(self, path: str) -> tuple[str, np.ndarray | str, dict | None]:
        """(path, picture or why there is none, what identifies its file)."""
        identity = None
        with suppress(OSError):  # reading says what is wrong
            identity = _identity(self.source / path)
        try:
            return path, read_image(self.source / path), identity
        except (OSError, ValueError, TypeError, *NO_MEMORY) as error:
            said = str(error) or type(error).__name__
            return path, said.removeprefix(f"{self.source / path} "), None

    def results(self, pictures: list) -> Iterator[Segmentation | str]:
        """What was found in each picture, or why nothing was looked for."""
        try:
            found = self.segmenter([image for _, image, _ in pictures], self.asked)
        except NO_MEMORY:
            if len(pictures) > 1:
                for picture in pictures:
                    yield from self.results([picture])
            else:
                height, width = pictures[0][1].shape[:2]
                yield f"does not fit into memory ({width}x{height}); make it smaller"
            return
        yield from found

    def write(self, path: str, identity: dict, result: Segmentation) -> dict[str, str]:
        """The folder of a picture, whole or not at all; why there is none, if there cannot be."""
        try:
            self.write_folder(path, identity, result)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                return {path: "has too long a name for its masks; rename it"}
            raise
        return {}

    def write_folder(self, path: str, identity: dict, result: Segmentation) -> None:
        height, width = result.label_map.shape
        record = {"file": identity, "height": height, "width": width, "scores": {**result.scores}}
        with replacing_folder(_place(self.output, path)) as folder:
            if self.format == "coco":
                record["annotations"] = annotations_of(result)
            else:
                files = save_masks_in_new(result, folder, self.overlays)
                record["masks"] = {name: files[name].name for name in result.names}
            (folder / RECORD).write_text(json.dumps(record), encoding="utf-8")

    def _on_gpu(self) -> bool:
        return self.segmenter.model.backbone.mean.device.type != "cpu"


def _in_order(pool: ThreadPoolExecutor, function: Callable, items: Iterable, ahead: int):
    """`function` of each item, in order; at most `ahead` are computed before they are taken."""
    items, waiting = iter(items), deque()
    for item in itertools.islice(items, ahead):
        waiting.append(pool.submit(function, item))
    while waiting:
        yield waiting.popleft().result()
        for item in itertools.islice(items, 1):
            waiting.append(pool.submit(function, item))


def _groups(items: Iterable, size: int) -> Iterator[list]:
    items = iter(items)
    while some := list(itertools.islice(items, size)):
        yield some


# ---- after ---------------------------------------------------------------------------------------


def _united(parts: Iterable[dict]) -> dict:
    return {key: value for part in parts for key, value in part.items()}


def _conclude(
    output: Path, asked: EncodedNames, format: str, found: Listing, outcome: Outcome
) -> None:
    """The lists of what was skipped and, in COCO's format, of what was found."""
    listed = {
        "skipped": [{"file": path, "reason": why} for path, why in outcome.skipped.items()],
        "not_pictures": outcome.others,
    }
    write_whole(output / "skipped.json", json.dumps(listed, indent=1))
    if format == "coco":
        done = (path for path in found.pictures if path not in outcome.skipped)
        records = ((path, record) for path in done if (record := _record(output, path)))
        write_whole(output / "annotations.json", json.dumps(as_coco(asked.vocabulary, records)))
