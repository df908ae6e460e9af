"""What each of two processes does for `test_two_processes`: python one_of_two.py FOLDER CLIP."""

import json
import sys
from pathlib import Path

import torch

TESTS = Path(__file__).resolve().parent.parent
# The root comes first: tests/drawn_world must not be taken for the package.
sys.path[:0] = [str(TESTS.parent), str(TESTS)]

from helpers import DRAWN, quick_settings, sample, samples, tiny_model  # noqa: E402

from partclipseg_lite.evaluation.evaluate import count  # noqa: E402
from partclipseg_lite.losses.objective import Objective  # noqa: E402
from partclipseg_lite.training.loop import train  # noqa: E402

#: Name -> settings of a run; four pictures a step.
RUNS = {
    "paper": {"loss__enhancement_weight": 1.0, "loss__separation_weight": 1.0},
    "released": {"reading": "released"},
    "clipseg": {"model__kind": "clipseg"},
    "in shares": {"training__accumulation": 2},
}


def settings_of(name, clip):
    given = {"steps": 3, "log_every": 1, "checkpoint_every": 2, "batch_size": 4}
    given = {f"training__{key}": value for key, value in given.items()}
    return quick_settings(clip, **{"loss__dice_weight": 0.5, **given, **RUNS[name]})


def pictures():
    """Two of six show no object, so that a process may meet none."""
    empty = sample(("dog",))  # a novel one: nothing of it is taught
    return [samples()[0], empty, samples()[2], empty, samples()[3], samples()[5]]


def first_gradients(name, folder, clip):
    """Run `name` to its end; returns the gradients of its first step, clipped, and its log."""
    kept, step = [], torch.optim.AdamW.step

    def keeping(self, *args, **kwargs):
        if not kept:
            kept.extend(p.grad.clone() for group in self.param_groups for p in group["params"])
        return step(self, *args, **kwargs)

    torch.optim.AdamW.step = keeping
    try:
        _, log = train(settings_of(name, clip), folder / name, pictures(), progress=False)
    finally:
        torch.optim.AdamW.step = step
    return torch.cat([gradient.flatten() for gradient in kept]), log


def killed_and_taken_up_again(folder, clip):
    """The run "in shares", killed in its last step, in the second share."""
    compute, calls = Objective.__call__, iter(range(1000))

    def dying(*args):
        if next(calls) == 5:
            raise KeyboardInterrupt
        return compute(*args)

    Objective.__call__ = dying
    try:
        train(settings_of("in shares", clip), folder / "killed", pictures(), progress=False)
    except KeyboardInterrupt:
        pass
    finally:
        Objective.__call__ = compute
    train(settings_of("in shares", clip), folder / "killed", pictures(), progress=False)


def bad_in_the_second(folder, clip, process):
    """What is said when the loss of the second process alone becomes NaN."""
    compute, calls = Objective.__call__, iter(range(1000))

    def spoilt(*args):
        total, terms = compute(*args)
        return (total * float("nan") if next(calls) == 1 and process == 1 else total), terms

    Objective.__call__ = spoilt
    try:
        train(settings_of("paper", clip), folder / "bad", pictures(), progress=False)
    except FloatingPointError as error:
        return str(error)
    finally:
        Objective.__call__ = compute
    return None


def scores():
    """Scores of a model with random weights on seven pictures, with those of each picture."""
    counted = count(tiny_model(), [*samples(), sample(("dog",))], DRAWN, batch_size=2)
    pictures = counted.pictures
    return {
        "scores": counted.compute(),
        "names": list(pictures.names),
        "pictures": {setting: rows.tolist() for setting, rows in pictures.settings.items()},
    }


if __name__ == "__main__":
    from accelerate import PartialState

    folder, clip = map(Path, sys.argv[1:])
    process = PartialState(cpu=True).process_index
    found = {name: first_gradients(name, folder, clip) for name in RUNS}
    killed_and_taken_up_again(folder, clip)
    said = bad_in_the_second(folder, clip, process)
    torch.save(
        {name: gradients for name, (gradients, _) in found.items()}, folder / f"{process}.pt"
    )
    logs = {name: log for name, (_, log) in found.items()}
    (folder / f"{process}.json").write_text(json.dumps({"logs": logs, "said": said, **scores()}))
    PartialState().destroy_process_group()
