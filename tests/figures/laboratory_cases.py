"""What the laboratory must tell, computed by the package itself from the same rounded maps."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from partclipseg_lite.figures.laboratory import Gaze, Scene, restored, rounded
from partclipseg_lite.figures.maps import MISSING, NOTHING, OVERLAP, coverage_shares
from partclipseg_lite.losses import attention_control as control
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.decoder import AttentionTap
from partclipseg_lite.reading import PAPER, RELEASED
from partclipseg_lite.release.departures import PlanWithin, as_read
from partclipseg_lite.settings import LossSettings

GAMMAS = [round(0.03 + 0.047 * k, 3) for k in range(20)]
TAUS = [0.003, 0.02, 0.05, 0.1, 0.3]
READINGS = {"paper": PAPER, "released": RELEASED}


def plan_of(scene: Scene) -> PlanWithin:
    """The plan that the losses need of maps that are there already, in one group."""
    parts = len(scene.parts)
    none = torch.zeros(parts, dtype=torch.long)
    fields = dict.fromkeys(("part_row", "object_row", "image", "slot", "obj", "group"), none)
    return PlanWithin(
        tap=AttentionTap(none),
        area=torch.from_numpy(scene.own).double(),
        within=torch.from_numpy(scene.within).expand(parts, -1),
        groups=1,
        **fields,
    )


def as_embedded(scene: Scene, reading: str, maps: np.ndarray, bits: int) -> np.ndarray:
    """Maps [heads, K, N] as they leave the embedded data: rounded; the release's by the corner."""
    share = 1.0
    if reading == "released":
        share = np.maximum(scene.corners, 1)[:, None] / (2 * scene.own.shape[1])
    return restored(*rounded((maps / share).clip(0, 2), bits), bits) * share


@cache
def objective(reading: str, side: int, gamma: float, tau: float | None = None) -> Objective:
    """What computes the losses in a reading, printed or, with a temperature, soft."""
    soft = {"separation": "paper"} if tau is None else {"separation": "soft", "temperature": tau}
    return as_read(Objective, READINGS[reading])(LossSettings(gamma=gamma, **soft), side)


def told(scene: Scene, maps: np.ndarray, reading: str) -> list[dict]:
    """For every γ what the maps `[K, N]` give: claims, shares and losses; soft ones for every τ."""
    plan, maps = plan_of(scene), torch.from_numpy(maps)
    found = []
    for gamma in GAMMAS:
        printed = objective(reading, scene.side, gamma)
        claims = printed.claims(maps, plan)
        codes = np.minimum(claims.sum(0).numpy(), OVERLAP)
        codes = np.where((codes == NOTHING) & scene.on_object, MISSING, codes)
        row = {
            "gamma": gamma,
            "claims": ["".join(map(str, part)) for part in claims.int().tolist()],
            **coverage_shares(codes),
            "printed": printed.separation(maps, plan)[0].item(),
            "enhancement": printed.enhancement(maps, plan)[0].item(),
            "soft": [],
        }
        for tau in TAUS:
            form = objective(reading, scene.side, gamma, tau)
            soft = form.claims(maps, plan)
            row["soft"].append(
                {
                    "tau": tau,
                    "claims": soft.sum(-1).tolist(),
                    "overlap": control.soft_overlap(soft, plan.group, 1)[0].item(),
                    "missing": soft_missing(soft.numpy(), scene.on_object),
                    "loss": form.separation(maps, plan)[0].item(),
                }
            )
        found.append(row)
    return found


def soft_missing(claims: np.ndarray, on_object: np.ndarray) -> float:
    """Of the object's and the claimed places, those of the object that none claims: expected."""
    none = np.prod(np.maximum(1 - claims, 1e-6), axis=0)
    claimed, absent = (1 - none).sum(), none[on_object].sum()
    return float(absent / max(claimed + absent, 1e-6))


def gradient(scene: Scene, maps: np.ndarray, reading: str, gamma: float, tau: float) -> list:
    """The derivative of the soft separation loss by the maps, from autograd: [K][N]."""
    leaf = torch.from_numpy(maps).requires_grad_()
    value = objective(reading, scene.side, gamma, tau).separation(leaf, plan_of(scene))
    return torch.autograd.grad(value.sum(), leaf)[0].tolist()


def expected(scenes: list[Scene], bits: int, gradients: bool = False) -> list[dict]:
    """A case for each scene and reading: last step and block, mean of the heads.

    The first scene is looked at by its first model, the second by its second, and so on.
    """
    cases = []
    for number, scene in enumerate(scenes):
        model = number % len(scene.gazes)
        steps = list(scene.gazes.values())[model]
        for reading in READINGS:
            maps = steps[max(steps)].maps[reading][-1].astype(float)
            maps = as_embedded(scene, reading, maps, bits).mean(0)
            case = {"scene": number, "model": model, "reading": reading}
            case |= {"maps": maps.tolist(), "told": told(scene, maps, reading)}
            if gradients:
                case["gradient"] = gradient(scene, maps, reading, 0.3, 0.1)
            cases.append(case)
    return cases


def random_scene(title: str, seed: int, side: int = 5, parts: int = 3, models=("a", "b")) -> Scene:
    """A scene of attention that nobody computed, with two blocks of two heads, two steps."""
    rng = np.random.default_rng(seed)
    places = side * side
    own = rng.random((parts, places)) < 0.2
    own[:, :parts] |= np.eye(parts, dtype=bool)
    holder = np.where(own.any(0), own.argmax(0), -1)
    corners = rng.integers(0, 4, parts)

    def maps(blocks: int, heads: int) -> dict[str, np.ndarray]:
        values = rng.random((blocks, heads, parts, places)) ** 6 * 2
        share = corners[:, None] / (2 * places)
        return {"paper": values, "released": rng.random(values.shape) ** 6 * 2 * share}

    def steps() -> dict[int, Gaze]:
        return {10: Gaze(maps(1, 1)), 20: Gaze(maps(2, 2), rng.random((places, places)))}

    return Scene(
        title=title,
        kind="seen",
        image=rng.integers(0, 255, (40, 40, 3), dtype=np.uint8),
        parts=tuple(("head", "torso", "leg", "tail")[:parts]),
        own=own,
        holder=holder,
        on_object=own.any(0),
        within=own.any(0) & (rng.random(places) < 0.9),
        corners=corners,
        gazes={model: steps() for model in models},
    )


def relabelled(scene: Scene, **changes) -> Scene:
    return replace(scene, **changes)
