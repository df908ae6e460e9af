"""From finished runs into the package: weights of the median seeds, a strip, the record.

    python -m partclipseg_lite experiments ship

`make weights` runs it after `experiments run`.
"""

import json
from datetime import date
from pathlib import Path

from ..datasets.drawn import DrawnWorld
from ..evaluation.errors import kinds_of_error
from ..evaluation.evaluate import count
from ..weights.locate import SHIPPED, shipped_path, shipped_strip
from ..weights.models import load_model, save_model
from ..weights.tiny_clip import load_toy_clip
from .collect import SETTINGS, collect
from .plan import Job, experiments
from .queue import PICTURES, TEST_SEED, is_done
from .records import write_record

#: The strip ships without its first and last frame: what training starts from, and what it ends at.
ENDS = 2


def ship(work: Path) -> list[str]:
    """Put what `work` holds into the package; lines that say what was written.

    Raises:
        ValueError: a run whose weights ship is not done.
    """
    plan = experiments()
    found = collect(plan, work)
    said = []
    for name in SHIPPED:
        seed = found[name]["median_seed"] if name in found else 0
        job = Job(plan[name], seed)
        if not is_done(job, work):
            raise ValueError(
                f"{work / job.name} is not finished; python -m partclipseg_lite "
                f"experiments run --only {job.name}"
            )
        said.append(ship_weights(job, work, found.get(name)))
    strip = Job(plan["toy"], 0)
    if found["toy"]["median_seed"] == strip.seed:
        said += ship_strip(strip, work)
    record = {
        "date": date.today().isoformat(),
        "pictures": PICTURES["test"],
        "shifted_pictures": PICTURES["shifted"],
        "test_seed": TEST_SEED,
        "clip": load_toy_clip()[2],
        "errors": errors_of([name for name in SHIPPED if name in found]),
        "models": {name: found[name] for name in SHIPPED if name in found},
        "experiments": {
            name: {key: value for key, value in one.items() if key != "test"}
            for name, one in found.items()
            if name not in SHIPPED
        },
    }
    said.append(f"wrote {write_record('toy', record)}")
    return said


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
    world = DrawnWorld("validation", PICTURES["validation"], seed=TEST_SEED).render_all()
    found = {}
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
