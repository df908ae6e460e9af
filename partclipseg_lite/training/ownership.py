"""Who may write into a run's folder: the settings that began it, in one process at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..settings import Settings
from ..weights.files import read_tensors


def check_owner(output: Path, settings: Settings) -> None:
    """Raise a `ValueError` if `output` holds, or may hold, a run of other settings than these.

    Its settings.json and the settings in its weights count, whatever became of its checkpoints.
    """
    written, weights = output / "settings.json", output / "weights.safetensors"
    remedy = f"choose another output folder, or delete {output} to start anew"
    if written.exists():
        try:
            theirs = Settings.model_validate_json(written.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(
                f"{written} cannot be read as settings ({str(error).splitlines()[0]}); {remedy}"
            ) from error
        if theirs.hash() != settings.hash():
            raise ValueError(
                f"{output} holds a run of other settings ({differences(theirs, settings)}); "
                f"{remedy}"
            )
    elif weights.exists():
        _, metadata = read_tensors(weights)
        if metadata.get("settings_hash") != settings.hash():
            raise ValueError(f"{weights} was trained with other settings; {remedy}")


def differences(theirs: Settings, mine: Settings) -> str:
    """The settings that differ, "training.steps: 100 there, 200 here", three at most."""
    flat = [
        {
            f"{group}.{key}" if isinstance(values, dict) else group: value
            for group, values in settings.model_dump(mode="json").items()
            for key, value in (values.items() if isinstance(values, dict) else [("", values)])
        }
        for settings in (theirs, mine)
    ]
    different = [
        f"{k}: {v} there, {flat[1][k]} here" for k, v in flat[0].items() if v != flat[1][k]
    ]
    return "; ".join(different[:3]) + (f"; {len(different) - 3} more" if different[3:] else "")


@contextmanager
def the_only_one(output: Path, main_process: bool) -> Iterator[None]:
    """Hold the lock of a run's folder; a `ValueError` says that another process holds it."""
    if not main_process:
        yield
        return
    lock = FileLock(output / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ValueError(
            f"another process is training in {output}; wait for it, or choose another folder"
        ) from None
    try:
        yield
    finally:
        lock.release()
