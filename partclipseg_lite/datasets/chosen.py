"""The pictures that settings choose: those to learn from, those to be scored on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from torch.utils.data import Dataset

from ..settings import Settings
from ..vocabulary import Vocabulary
from . import ade20k_part_234, partimagenet
from .drawn import DrawnWorld
from .folders import SAME_SPLIT, layout_of, open_dataset
from .label_files import CLASSES, find_split, read_class_list
from .pascal_part_116 import IMAGES
from .views import LabelsResizedTwice, SamplesOf, picture_of

#: What prepares a folder whose pictures have these labels.
PREPARED_BY = {
    "pascal_part_116": "data_scripts/pascal_part_116.py",
    "ade20k_part_234": "data_scripts/ade20k_part_234.py",
    "partimagenet_40": "data_scripts/partimagenet.py",
}
#: The labels of a folder without a class list, by its layout.
USUAL = {
    "pascal_part_116": "pascal_part_116",
    "ade20k_part_234": ade20k_part_234.USUAL,
    "partimagenet": partimagenet.USUAL,
}
TEST_PICTURES = 300  # of the drawn world: those of the results page


def check_training_pictures(settings: Settings) -> None:
    """Check, before anything is built, that the pictures to learn from are there and fit.

    Raises:
        FileNotFoundError: there is no such folder, and the message has the script that prepares it;
            or it lacks the split or the few-shot list.
        ValueError: it is no dataset, or its labels are not those of the settings' vocabulary.
    """
    data = settings.data
    if data.name == "folder":
        folder = _labelled(data.folder, "data.folder", settings.vocabulary)
        find_split(folder / IMAGES, data.split, SAME_SPLIT)
        if data.shots is not None and not (folder / data.shots).is_file():
            raise FileNotFoundError(
                f"setting 'data.shots': {folder} has no list {data.shots!r}; few-shot lists come "
                "with the original Pascal-Part-116 and ADE20K-Part-234"
            )
    elif settings.vocabulary != "drawn":
        raise ValueError(
            f"vocabulary {settings.vocabulary!r} does not fit the pictures of 'drawn'; for a "
            "prepared dataset set data.name=folder and data.folder=FOLDER"
        )


def check_pictures_to_score(settings: Settings) -> None:
    """The same for the pictures that a run is scored on: long before they are needed."""
    folder = folder_to_score(settings)
    if folder is not None:
        find_split(folder / IMAGES, settings.test.split or "val", SAME_SPLIT)


def training_folder(settings: Settings) -> Dataset:
    """The pictures of `data.folder` to learn from, whole ones as in the release, read when asked.

    Labels are ids of the full vocabulary; what is not taught is marked later, by
    `TrainingExamples`. PartImageNet's pictures of novel objects are left out unless all are taught.

    Raises:
        FileNotFoundError, ValueError: as `check_training_pictures`; a damaged list.
    """
    data = settings.data
    folder = _labelled(data.folder, "data.folder", settings.vocabulary)
    few_shot = False if data.shots is None else folder / data.shots
    objects = "all" if data.objects == "all" else "seen"
    return open_dataset(folder, data.split, few_shot=few_shot, objects=objects)


def folder_to_score(settings: Settings) -> Path | None:
    """The folder of the dataset that a run is scored on; None: the drawn world."""
    given = settings.test.folder
    if given is None and settings.data.name == "drawn":
        return None
    if given is None:
        return _labelled(settings.data.folder, "data.folder", settings.vocabulary)
    return _labelled(given, "test.folder")


def pictures_to_score(settings: Settings, images: int | None = None) -> Dataset:
    """The whole pictures that a run is scored on: the first `images`, of all objects.

    Args:
        settings: of the run; see `settings.ScoredOn`.
        images: how many; None: as the settings say.

    Raises:
        FileNotFoundError: a folder or a split is missing.
        ValueError: a folder that is no dataset, or whose labels are not those of the settings.
    """
    folder, images = folder_to_score(settings), images or settings.test.images
    if folder is None:
        split = settings.test.split or "test"
        return DrawnWorld(split, images or TEST_PICTURES, settings.data.size, 0, "all")
    dataset = open_dataset(folder, settings.test.split or "val", objects="all")
    return dataset if images is None else SamplesOf(dataset, dataset.names[:images])


def objects_to_score(settings: Settings, names: Iterable[str] | None = None) -> Dataset:
    """What the benchmark scores: one sample an object, with the release's quirks.

    Of PartImageNet, whose pictures show one object, one a picture.

    Args:
        settings: of a run that is scored on a folder.
        names: of the pictures to take; None: all of the split, and what the release adds to them.
    """
    folder, split = folder_to_score(settings), settings.test.split or "val"
    dataset = open_dataset(folder, split, per="object", released=True, objects="all")
    dataset = LabelsResizedTwice(dataset)
    return dataset if names is None else SamplesOf(dataset, map(picture_of, names))


def _labelled(given: str, setting: str, vocabulary: str | None = None) -> Path:
    """The dataset's folder `given`, whose labels are checked to be those of `vocabulary`."""
    folder = Path(given)
    if not folder.is_dir():
        scripts = [PREPARED_BY[vocabulary]] if vocabulary in PREPARED_BY else PREPARED_BY.values()
        raise FileNotFoundError(
            f"setting {setting!r}: there is no folder {given!r}; prepare it with "
            f"{' or '.join(f'`python {script}`' for script in scripts)}, or say where it lies, "
            f"{setting}=FOLDER"
        )
    found = vocabulary_of(folder)
    if vocabulary is not None and found != Vocabulary.load(vocabulary):
        raise ValueError(
            f"setting {setting!r}: the labels of {given!r} are {found!r}, the setting 'vocabulary' "
            f"is {vocabulary!r}; give the folder or the preset of the other one"
        )
    return folder


def vocabulary_of(folder: Path) -> Vocabulary:
    """What the labels in a dataset's folder mean.

    Raises:
        ValueError: it is no dataset, or its class list is damaged.
    """
    layout = layout_of(folder)
    path = folder / CLASSES
    return read_class_list(path) if path.is_file() else Vocabulary.load(USUAL[layout])
