"""From finished runs into the package: weights of the median seeds, a strip, the record.

    python -m partclipseg_lite experiments ship

`make weights` runs it after `experiments run`.
"""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ..datasets.drawn import DrawnWorld
from ..evaluation.errors import kinds_of_error
from ..evaluation.evaluate import count
from ..weights.locate import SHIPPED, shipped_path, shipped_strip
from ..weights.models import load_model, save_model
from ..weights.tiny_clip import load_toy_clip
from .collect import SETTINGS, collect, summaries
from .plan import Experiment, Job, experiments
from .queue import PICTURES, TEST_SEED, is_done
from .records import alike, load_record, write_record

#: The strip ships without its first and last frame: what training starts from, and what it ends at.
ENDS = 2


def ship(work: Path) -> list[str]:
    """Put what is new in `work` into the package; lines that say what was written.

    What `work` does not hold stays in the package, and in its record, as it is.

    Raises:
        ValueError: `work` holds nothing new, or `check_references` objects.
    """
    plan, record = experiments(), load_record("toy")
    recorded, found = {**record["models"], **record["experiments"]}, summaries(plan, work)
    names, repeated = new_ones(recorded, found)
    check_references(plan, found, names)
    new = {name: collect(plan[name], plan.get(plan[name].differs_from), work) for name in names}
    jobs = [Job(plan[name], new[name]["median_seed"]) for name in SHIPPED if name in new]
    stages = [Job(plan[name], 0) for name in SHIPPED if not plan[name].scored]
    jobs += [stage for stage in stages if is_done(stage, work)]
    if not new and not jobs:
        raise ValueError(
            f"{work} holds no finished training that the package does not hold already; "
            "python -m partclipseg_lite experiments run makes some"
        )
    said = [ship_weights(job, work, new.get(job.experiment.name)) for job in jobs]
    if "toy" in new and new["toy"]["median_seed"] == 0:  # that run kept its way
        said += ship_strip(Job(plan["toy"], 0), work)
    together = {name: (recorded | new)[name] for name in plan if name in recorded | new}
    record |= {
        "date": date.today().isoformat(),
        "pictures": PICTURES["test"],
        "shifted_pictures": PICTURES["shifted"],
        "test_seed": TEST_SEED,
        "clip": load_toy_clip()[2],
        "errors": record["errors"] | errors_of([name for name in SHIPPED if name in new]),
        "models": {name: together[name] for name in SHIPPED if name in together},
        "experiments": {
            name: {key: value for key, value in one.items() if key != "test"}
            for name, one in together.items()
            if name not in SHIPPED
        },
    }
    path = write_record("toy", record)
    said += [f"{name}: repeated here, the record keeps its own" for name in repeated]
    said.append(f"wrote {path}: {', '.join(new)} new, the other {len(together) - len(new)} kept")
    return said


def new_ones(recorded: dict, found: dict) -> tuple[list[str], list[str]]:
    """Which finished experiments go into the record, and which only repeat what it holds.

    Trainings that score as recorded are neither. A repetition with other scores (from another
    machine, say) replaces a recorded experiment unless it has fewer seeds, or others stay that
    were told against the recorded one.

    Args:
        recorded: name -> experiment of the record.
        found: name -> `summary_of` what is finished.
    """
    others = [name for name in found if not is_recorded(recorded.get(name), found[name])]
    repeated: list[str] = []
    while stays := [
        name
        for name in others
        if name in recorded
        and (
            not set(recorded[name]["seeds"]) <= set(found[name]["seeds"])
            or {one for one in recorded if told_against(recorded[one], name)} - set(others)
        )
    ]:
        repeated += stays
        others = [name for name in others if name not in stays]
    return others, repeated


def is_recorded(recorded: dict | None, found: dict) -> bool:
    """Whether all trainings found are recorded already, score for score."""
    return recorded is not None and alike(recorded, found) == found["seeds"]


def told_against(experiment: dict, name: str) -> bool:
    """Whether a recorded experiment's difference is from that called `name`."""
    return bool(experiment["difference"]) and experiment["difference"]["from"] == name


def check_references(plan: dict[str, Experiment], found: dict, names: Sequence[str]) -> None:
    """See that what goes into the record can be told against what it differs from.

    Raises:
        ValueError: which trainings have to be run, too.
    """
    missing = [
        Job(plan[plan[name].differs_from], seed).name
        for name in names
        for seed in found[name]["seeds"]
        if seed < plan[plan[name].differs_from].seeds
        and seed not in found.get(plan[name].differs_from, {"seeds": []})["seeds"]
    ]
    if missing:
        raise ValueError(
            f"{', '.join(names)} cannot be told against others without "
            f"{', '.join(dict.fromkeys(missing))}, run on the same machine: "
            "python -m partclipseg_lite experiments run --only NAME"
        )


def ship_weights(job: Job, work: Path, scores: dict | None) -> str:
    """Write the weights of a run, in half precision, under the name of its experiment."""
    name, folder = job.experiment.name, work / job.name
    model, _, vocabulary, _ = load_model(folder)
    extra = {"log": json.loads((folder / "log.json").read_text(encoding="utf-8"))[-1:]}
    if scores:
        headline = {
            setting: {key: scores["test"][setting][key] for key in ("seen", "unseen", "harmonic")}
            for setting in SETTINGS
        }
        extra |= {"test": headline, "pictures": PICTURES["test"], "test_seed": TEST_SEED}
    path = shipped_path(name)
    save_model(path, model, job.settings, vocabulary, extra, half=True)
    return f"{name}: seed {job.seed}, {path.stat().st_size / 1e6:.2f} MB"


def errors_of(names: list[str]) -> dict[str, dict]:
    """Model -> setting -> `kinds_of_error` on validation pictures, of weights that ship."""
    found: dict[str, dict] = {}
    if not names:
        return found
    world = DrawnWorld("validation", PICTURES["validation"], seed=TEST_SEED).render_all()
    for name in names:
        counted = count(load_model(name)[0], world, world.vocabulary)
        found[name] = {
            setting: kinds_of_error(counted.confusion(setting), world.vocabulary)
            for setting in ("oracle_obj", "pred_all")
        }
    return found


def ship_strip(job: Job, work: Path) -> list[str]:
    """Write the weights that a run kept on its way."""
    for old in shipped_strip().values():
        old.unlink()
    said = []
    for steps in sorted(job.strip)[1 : 1 - ENDS]:
        model, _, vocabulary, _ = load_model(
            work / job.name / "strip" / f"step{steps:06d}.safetensors"
        )
        path = shipped_path("toy").parent / "strip" / f"step{steps:06d}.safetensors"
        path.parent.mkdir(exist_ok=True)
        save_model(path, model, job.settings, vocabulary, {"step": steps}, half=True)
        said.append(f"strip: {steps} steps, {path.stat().st_size / 1e6:.2f} MB")
    return said
