"""The animals of the drawn world: proportions and coats of eight four-legged species, and the registry of
all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drawn_world.objects.animals import heads
from drawn_world.objects.animals import tails
from drawn_world.objects.animals.coats import (
    BLACK,
    CREAM,
    DARK_COATS,
    PINK,
    contrasting,
    either,
    fur,
    light_below,
    make_coat,
    patches,
    plain,
    socks,
    spots,
    stripes,
    tint,
)  # fmt: skip
from drawn_world.objects.animals.proportions import DOG_BREEDS, PLANS
from drawn_world.objects.animals.quadruped import Coat, Plan, Pose, build_quadruped
from drawn_world.renderer import Material, Sculpture, smoothstep
from drawn_world.objects.shapes import blend, pick, shade


def _vary(plan: Plan, rng, spread: float = 0.07) -> Plan:
    """Individuals differ: lengths and widths change independently by a few per cent."""
    names = ("height", "depth", "width", "thigh", "leg", "neck", "head")
    return replace(plan, **{n: getattr(plan, n) * rng.uniform(1 - spread, 1 + spread) for n in names})


def cat(rng: np.random.Generator, colour: str) -> Sculpture:
    """Slim, with a short face, pointed ears and a long thin tail; plain, tabby or with white socks."""
    plan = _vary(PLANS["cat"], rng)
    main = tint(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        iris = pick(rng, (150, 190, 70), (226, 184, 60), (110, 180, 200))
        light = blend(main, CREAM, 0.75) if colour != "black" else shade(main, 1.25)
        if colour in ("orange", "grey", "brown", "cream") and rng.random() < 0.65:
            return make_coat(
                main, pattern=stripes(rng, pose), second=shade(main, 0.58), light=light, nose=PINK, iris=iris
            )
        if colour != "white" and rng.random() < 0.4:
            white = tint("white", rng)
            return make_coat(main, pattern=socks(0.16), second=white, light=white, nose=PINK, iris=iris)
        return make_coat(main, light=light, nose=PINK if colour != "black" else (60, 46, 48), iris=iris)

    return build_quadruped(rng, plan, coat, heads.cat_head, tails.cat_tail)


def dog(rng: np.random.Generator, colour: str) -> Sculpture:
    """Varied breeds, from dachshund to greyhound; ears floppy, folded or pricked; a clear muzzle."""
    breeds = list(DOG_BREEDS.values())
    weights = np.array([breed.weight for breed in breeds])
    breed = breeds[int(rng.choice(len(breeds), p=weights / weights.sum()))]
    plan = _vary(breed.plan, rng)
    main = tint(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        iris = (120, 78, 40) if colour in DARK_COATS else None
        second = contrasting(colour, rng)
        style = rng.random()
        if style < 0.2:
            return make_coat(
                main,
                pattern=patches(rng, 2.4, 0.3),
                second=second,
                light=second if rng.random() < 0.5 else main,
                dark=shade(main, 0.75),
                iris=iris,
            )
        if style < 0.4:
            tan = tint("tan", rng) if colour in ("black", "brown") else second
            return make_coat(
                main,
                pattern=light_below(plan, 0.6),
                socks=socks(0.3 * plan.height),
                second=tan,
                light=tan,
                iris=iris,
            )
        light = blend(main, CREAM, 0.3) if colour not in DARK_COATS else shade(main, 1.2)
        return make_coat(main, light=light, dark=shade(main, rng.uniform(0.6, 0.9)), iris=iris)

    return build_quadruped(
        rng,
        plan,
        coat,
        heads.dog_head(breed.ears, breed.muzzle * rng.uniform(0.9, 1.1), breed.blunt),
        tails.dog_tail,
    )


def cow(rng: np.random.Generator, colour: str) -> Sculpture:
    """Heavy and level-backed, often in patches, with a broad pale muzzle, horns and a tufted tail."""
    plan = _vary(PLANS["cow"], rng, 0.05)
    main = tint(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        second = contrasting(colour, rng)
        pale = blend(main, (232, 176, 164), 0.75)
        tuft = shade(main, 0.55) if colour != "white" else (90, 70, 60)
        if rng.random() < 0.68:
            return make_coat(
                main,
                pattern=patches(rng, 1.9, rng.uniform(-0.05, 0.35)),
                second=second,
                light=pale,
                dark=main,
                nose=(96, 60, 58),
            )
        return make_coat(main, light=pale, dark=tuft, nose=(96, 60, 58))

    sculpture = build_quadruped(rng, plan, coat, heads.cow_head(rng.random() < 0.75), tails.cow_tail)
    return sculpture


def horse(rng: np.random.Generator, colour: str) -> Sculpture:
    """Long legs, a long arched neck with a mane, and a long tail."""
    plan = _vary(PLANS["horse"], rng, 0.05)
    main = tint(colour, rng)
    hair = (
        pick(rng, shade(main, 0.42), (44, 36, 34), blend(main, CREAM, 0.7))
        if colour not in ("white", "cream", "black")
        else shade(main, 0.8)
    )
    kept: list[tuple[Coat, Pose]] = []

    def coat(plan: Plan, pose: Pose) -> Coat:
        style = rng.random()
        white = tint("white", rng)
        muzzle = shade(main, 0.72)
        if style < 0.2 and colour in ("brown", "black", "tan"):
            made = make_coat(
                main,
                pattern=patches(rng, 1.6, 0.25),
                second=white,
                light=muzzle,
                dark=hair,
                nose=shade(muzzle, 0.5),
            )
        elif style < 0.6:
            made = make_coat(
                main,
                pattern=socks(0.2),
                second=white if colour != "white" else shade(main, 0.6),
                light=muzzle,
                dark=hair,
                nose=shade(muzzle, 0.5),
            )
        else:
            made = make_coat(main, light=muzzle, dark=hair, nose=shade(muzzle, 0.5))
        kept.append((made, pose))
        return made

    def head(s, f, c, r) -> None:
        heads.horse_head(s, f, c, r)
        heads.mane(s, f, kept[0][1].body, c, r)

    return build_quadruped(rng, plan, coat, head, tails.horse_tail)


SHEEP_FACES = {  # wool -> faces that go with it
    "white": ("black", "cream", "white", "grey"),
    "cream": ("brown", "cream", "black"),
    "grey": ("black", "grey", "white"),
    "black": ("black", "grey"),
    "brown": ("brown", "tan", "black"),
}


def sheep(rng: np.random.Generator, colour: str) -> Sculpture:
    """A ball of curls on thin legs, the face dark or light; rams carry curled horns."""
    plan = _vary(PLANS["sheep"], rng, 0.05)
    wool = Material(tint(colour, rng), "wool")
    face = tint(pick(rng, *SHEEP_FACES.get(colour, ("black", "cream"))), rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        dark_face = sum(face) < 260
        skin = make_coat(face, nose=shade(face, 0.5), light=face, iris=(168, 130, 60) if dark_face else None)
        return replace(skin, body=wool, tail=wool, light=wool)

    horned = rng.random() < 0.3
    sculpture = build_quadruped(
        rng, plan, coat, heads.sheep_head(horned), tails.short_tail(0.2, -1.0, 1.35, root_x=-0.50), wool=0.062
    )
    sculpture.soften = 0.009
    return sculpture


def goat(rng: np.random.Generator, colour: str) -> Sculpture:
    """Backward horns, a beard, a short upright tail."""
    plan = _vary(PLANS["goat"], rng, 0.05)
    main = tint(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        second = contrasting(colour, rng)
        iris = (214, 170, 70)
        style = rng.random()
        beard = blend(main, CREAM, 0.45) if colour != "white" else shade(main, 0.86)
        if style < 0.35:
            return make_coat(
                main,
                pattern=patches(rng, 1.8, 0.3),
                second=second,
                light=beard,
                nose=shade(main, 0.5),
                iris=iris,
            )
        if style < 0.6:
            return make_coat(
                main,
                pattern=light_below(plan, 0.7),
                socks=socks(0.24),
                second=second,
                light=beard,
                nose=shade(main, 0.5),
                iris=iris,
            )
        return make_coat(main, light=beard, nose=shade(main, 0.5), iris=iris)

    return build_quadruped(rng, plan, coat, heads.goat_head, tails.short_tail(0.15, 1.0, 0.72))


def deer(rng: np.random.Generator, colour: str) -> Sculpture:
    """Slender legs and neck, large ears, a short tail; stags carry antlers, many coats are spotted."""
    plan = _vary(PLANS["deer"], rng, 0.05)
    main = tint(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        light = blend(main, CREAM, 0.8)
        upright = pose.name != "lie"
        parts = [light_below(plan)] if upright else []
        if rng.random() < 0.6 and upright:
            parts.append(spots(rng, plan))
        return make_coat(
            main,
            pattern=either(*parts) if parts else None,
            socks=plain,
            second=light,
            light=light,
            ear=light,
        )

    return build_quadruped(
        rng, plan, coat, heads.deer_head(rng.random() < 0.7), tails.short_tail(0.11, -0.7, 0.8)
    )


def fox(rng: np.random.Generator, colour: str) -> Sculpture:
    """Orange with a white chest, dark legs, pointed ears and a bushy tail with a light tip; grey and white
    ones, too."""
    plan = _vary(PLANS["fox"], rng, 0.06)
    main = tint(colour, rng)

    def coat(plan: Plan, pose: Pose) -> Coat:
        white = tint("white", rng)
        stocking = shade(main, 0.35) if colour in ("orange", "brown", "grey") else shade(main, 0.9)
        neck = pose.body(0.42, -0.02, 0)

        def chest(points):
            return (
                0.95
                * smoothstep(points[:, 0] - neck[0] - 0.35 * (points[:, 1] - neck[1]), -0.02, 0.03)
                * (points[:, 1] > 0.3 * plan.height)
            )

        body = fur(main, either(chest, light_below(plan)) if pose.name != "lie" else chest, white)
        legs = fur(stocking, lambda points: smoothstep(points[:, 1], 0.10, 0.24), main)
        made = make_coat(
            main,
            light=white,
            dark=blend(main, BLACK, 0.55) if colour != "white" else shade(main, 0.85),
            ear=white,
            iris=(196, 140, 50),
        )
        return replace(made, body=body, head=fur(main), legs=legs, tail=fur(main))

    return build_quadruped(rng, plan, coat, heads.fox_head, tails.fox_tail)
