"""Every option of a reading on inputs small enough to reckon by hand, and the whole bundle.

Below, k = exp(-1) is the neighbour's weight in the released Gaussian and exp(-2) in that of sigma
0.5, before division by the sum of the weights. `one("peak_in")` is the paper's reading with this
single option as released.
"""

import math
import re

import numpy as np
import pytest
import released_by_hand
import torch
from helpers import (
    DRAWN,
    GRID,
    SIZE,
    clip_file,
    quick_settings,
    random_activations,
    random_conditions,
    sample,
    samples,
    tiny_clip,
    tiny_model,
    tokenizer,
)
from PIL import Image

from partclipseg_lite.datasets import IGNORE, Sample
from partclipseg_lite.datasets.fit import Fit, enlarged
from partclipseg_lite.inference.segmenter import PartSegmenter
from partclipseg_lite.losses.masks import LEFT_OUT
from partclipseg_lite.losses.objective import Objective
from partclipseg_lite.network.backbone import Backbone
from partclipseg_lite.network.models import Conditions, PartCLIPSeg, SegmentationOutput
from partclipseg_lite.reading import BUNDLES, PAPER, RELEASED, Reading
from partclipseg_lite.release.departures import DEPARTURES, TrainedWords, as_read
from partclipseg_lite.settings import LossSettings, Settings
from partclipseg_lite.training.examples import TrainingExamples
from partclipseg_lite.training.loop import new_optimizer, train
from partclipseg_lite.training.objective import LossModule
from partclipseg_lite.weights.build import build_model
from partclipseg_lite.weights.models import load_model
from partclipseg_lite.weights.state import trained_state
from partclipseg_lite.weights.tiny_clip import CLIP_MEAN, CLIP_STD

N = GRID * GRID
TESTED: dict[str, list[str]] = {}


def shows(*options):
    """Marks a test as the one that shows both sides of these options."""

    def note(test):
        for option in options:
            TESTED.setdefault(option, []).append(test.__name__)
        return test

    return note


def one(*options: str) -> Reading:
    return Reading(**{option: BUNDLES["released"][option] for option in options})


def objective(reading: Reading = PAPER, grid: int = GRID, **loss) -> Objective:
    return as_read(Objective, reading)(LossSettings(**{"separation": "paper", **loss}), grid)


# ---- bundles -------------------------------------------------------------------------------------


def test_every_option_has_a_test_that_shows_both_of_its_sides():
    assert set(TESTED) == set(Reading.model_fields) == set(DEPARTURES)


def test_a_departure_overrides_steps_of_one_class_of_the_paper_which_itself_comes_back_unchanged():
    for paper in (PartCLIPSeg, Backbone, Fit, Objective):
        assert as_read(paper, PAPER) is paper
        assert as_read(paper, RELEASED).__name__ == paper.__name__ and issubclass(
            as_read(paper, RELEASED), paper
        )
    for option, departure in DEPARTURES.items():
        (paper,) = departure.__bases__
        assert (
            as_read(paper, one(option)).__mro__[1] is departure and departure.__doc__.split(".")[0]
        ), option


def test_the_released_bundle_names_every_option_and_differs_from_the_paper_in_each():
    assert BUNDLES["paper"] == {} and BUNDLES["released"].keys() == Reading.model_fields.keys()
    paper, released = PAPER.model_dump(), RELEASED.model_dump()
    assert released == BUNDLES["released"] and all(
        paper[option] != released[option] for option in paper
    )


def test_a_reading_is_named_after_the_nearer_bundle_and_its_departures():
    assert (PAPER.name, RELEASED.name) == ("paper", "released")
    assert one("channels").name == "paper with channels=bgr"
    changed = Reading.model_validate({"base": "released", "channels": "rgb", "gaussian": "sigma"})
    assert changed.name == "released with channels=rgb with gaussian=sigma"
    assert Reading.model_validate(PAPER.model_dump()) == PAPER == Reading.model_validate("paper")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("press", r"unknown reading 'press' \(known: paper, released\)"),
        ({"base": "official"}, "unknown reading 'official'"),
        ({"colour": "rgb"}, "colour"),
        ({"channels": "grb"}, "'rgb' or 'bgr'"),
    ],
)
def test_what_is_no_reading_is_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Reading.model_validate(given)


# ---- network -------------------------------------------------------------------------------------


@shows("object_row")
@pytest.mark.parametrize(("row", "expected"), [("object", [4, 3, 5]), ("no_offset", [1, 0, 5])])
def test_the_object_half_of_the_text_is_the_objects_embedding_or_that_of_a_part_with_its_number(
    row, expected
):
    # Rows 0-2 are parts, 3-4 objects, 5 background; each embedding says its own number.
    model, texts = tiny_model(as_read(PartCLIPSeg, Reading(object_row=row))), []
    model.background_embedding.data = torch.eye(32)[5:6]
    model.merge_embeddings.register_forward_hook(lambda _, inputs, __: texts.append(inputs[0]))
    words = Conditions(
        torch.eye(32)[:3], torch.eye(32)[3:5], torch.tensor([2, 0]), torch.tensor([1, 0])
    )
    with torch.no_grad():
        model(random_activations(2), words)
    objects, parts = texts[0].split(32, dim=-1)
    assert (
        objects.argmax(-1).tolist() == [expected] * 2
        and parts.argmax(-1).tolist() == [[2, 0, 5]] * 2
    )


@pytest.fixture(scope="module")
def clip_path(tmp_path_factory):
    return clip_file(tmp_path_factory.mktemp("clip") / "clip.safetensors")


def trained_one_step(clip_path, folder, **options):
    """(model before, model after one step and a way through the file)."""
    options = {f"reading__{option}": value for option, value in options.items()}
    settings = quick_settings(clip_path, training__steps=1, training__vary_words=False, **options)
    torch.manual_seed(settings.training.seed)
    before = build_model(settings)
    after, _ = train(settings, folder, samples(), progress=False)
    loaded = load_model(folder)[0]
    assert all(
        torch.equal(tensor, trained_state(loaded)[name])
        for name, tensor in trained_state(after).items()
    )
    return before, loaded


@shows("background_embedding")
@pytest.mark.parametrize("side", ["trained", "frozen"])
def test_the_background_embedding_learns_or_keeps_its_random_start_and_is_saved_either_way(
    side, clip_path, tmp_path
):
    before, after = trained_one_step(clip_path, tmp_path, background_embedding=side)
    assert after.background_embedding.requires_grad == (side == "trained")
    assert "background_embedding" in trained_state(after)
    assert torch.equal(before.background_embedding, after.background_embedding) == (
        side == "frozen"
    )


@shows("text_embeddings")
@pytest.mark.parametrize("side", ["frozen", "trained"])
def test_the_text_embeddings_stay_clips_or_learn_and_are_then_saved(side, clip_path, tmp_path):
    before, after = trained_one_step(clip_path, tmp_path, text_embeddings=side)
    saved = {name for name in trained_state(after) if name.startswith("backbone.")}
    expected = {"backbone.clip.token_embedding.weight", "backbone.clip.positional_embedding"}
    assert saved == (expected if side == "trained" else set())
    for name in expected:
        assert torch.equal(before.get_parameter(name), after.get_parameter(name)) == (
            side == "frozen"
        )
    assert torch.equal(before.embed(DRAWN).objects, after.embed(DRAWN).objects) == (
        side == "frozen"
    )


@pytest.mark.parametrize("trained", [False, True])
def test_a_step_on_the_text_embeddings_shows_in_the_next_call_with_and_without_gradients(trained):
    backbone = (TrainedWords if trained else Backbone)(
        clip=tiny_clip(),
        tokenizer=tokenizer(),
        image_size=SIZE,
        layers=(0, 1, 2),
        mean=CLIP_MEAN,
        std=CLIP_STD,
    )
    with torch.no_grad():
        cached = backbone.embed_text(["cat", "head"])
    embedded = backbone.embed_text(["cat", "head"])
    torch.testing.assert_close(embedded, cached)
    assert embedded.requires_grad == trained
    if trained:
        (gradient,) = torch.autograd.grad(embedded.sum(), [backbone.clip.token_embedding.weight])
        backbone.clip.token_embedding.weight.data -= gradient
    with torch.no_grad():
        again = backbone.embed_text(["cat", "head"])
    assert torch.equal(again, cached) != trained
    torch.testing.assert_close(backbone.embed_text(["cat", "head"]), again)


# ---- training input ------------------------------------------------------------------------------


def one_batch(settings, count=1, pictures=None):
    examples = TrainingExamples(pictures or samples(), DRAWN, settings)
    return torch.utils.data.default_collate([examples[0, place] for place in range(count)])


@shows("channels")
@pytest.mark.parametrize("side", ["rgb", "bgr"])
def test_training_meets_the_colours_in_this_order_and_inference_always_in_rgb(
    side, clip_path, monkeypatch
):
    settings = quick_settings(clip_path, reading__channels=side)
    model, met = build_model(settings).eval(), []
    look = model.backbone.activations
    monkeypatch.setattr(
        model.backbone, "activations", lambda pixels: (met.append(pixels), look(pixels))[1]
    )
    batch = one_batch(settings)
    batch["jitter"] = torch.tensor([[1.0, 0, 0, 0]])
    module = LossModule(model, DRAWN, settings)
    module(module.prepare(batch))
    picture = batch["image"][0].permute(1, 2, 0).contiguous().numpy()
    PartSegmenter(model)(picture, ["cat's head"])
    mean, std = (np.array(x, dtype=np.float32) for x in (CLIP_MEAN, CLIP_STD))
    in_training = picture[..., ::-1] if side == "bgr" else picture
    for pixels, colours in zip(met, (in_training, picture), strict=True):
        np.testing.assert_allclose(
            pixels[0].permute(1, 2, 0), (colours / 255 - mean) / std, atol=1e-5
        )


@shows("resize")
@pytest.mark.parametrize("side", ["once", "twice"])
def test_a_training_picture_is_squashed_at_once_or_by_way_of_800_pixels(side, clip_path):
    # A fine chequerboard of 60 x 90 pixels; the short side of 800 makes it 800 x 1200.
    chequered = (np.indices((60, 90)).sum(0) % 2 * 255).astype(np.uint8)
    other = np.full((60, 90), IGNORE)
    other[:, :45] = 0
    picture = Sample(np.repeat(chequered[..., None], 3, 2), other, other)
    settings = quick_settings(clip_path, reading__resize=side, data__need_parts=False)
    settings = settings.model_copy(
        update={"data": settings.data.model_copy(update={"mirror": False})}
    )
    seen = one_batch(settings, pictures=[picture])
    expected = Image.fromarray(picture.image)
    for size in [(1200, 800)] * (side == "twice") + [(SIZE, SIZE)]:
        expected = expected.resize(size, Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(seen["image"][0].permute(1, 2, 0), np.asarray(expected))
    half = np.arange(SIZE) < SIZE // 2
    np.testing.assert_array_equal(seen["object_map"][0] == 0, np.broadcast_to(half, (SIZE, SIZE)))
    fit = as_read(Fit, Reading(resize=side))()
    drawn = samples()[0]
    assert fit(drawn, drawn.image.shape[0]) is drawn  # nothing to fit


@pytest.mark.parametrize(
    ("size", "expected"),
    [((375, 500), (800, 1067)), ((500, 375), (1067, 800)), ((300, 900), (444, 1333))],
)
def test_the_benchmarks_loaders_enlarge_to_800_but_to_1333_at_most(size, expected):
    assert enlarged(*size) == expected


@shows("novel_objects")
def test_a_novel_object_teaches_nothing_or_background():
    # Three pixels: object with part, novel object, nothing. All logits are 0 (cost ln 2 in any
    # case), but those of background are 2 on the novel object: as background that costs ln(1 +
    # e^-2).
    object_map, part_map = (
        torch.tensor([[[0, LEFT_OUT, IGNORE]]]),
        torch.tensor([[[0, IGNORE, IGNORE]]]),
    )
    each, zero = torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1, 1, 3)
    background = torch.tensor([[[[0.0, 2.0, 0.0]]]])
    output = SegmentationOutput(torch.cat([zero, background], 1), zero, zero, background)
    ln2, novel = math.log(2), math.log(1 + math.exp(-2))
    for reading, counted, taught, object_part, obj in (
        (PAPER, [True, False, True], [False, False, True], ln2 + ln2, ln2),
        (
            one("novel_objects"),
            [True] * 3,
            [False, True, True],
            ln2 + (3 * ln2 + novel) / 4,
            (5 * ln2 + novel) / 6,
        ),
    ):
        followed = objective(reading, background_weight=1.0)
        targets = followed.targets(
            object_map, part_map, torch.tensor([0]), each, each, each, torch.ones(1, 1).bool()
        )
        assert (
            targets.counted.flatten().tolist() == counted
            and targets.background.flatten().tolist() == taught
        )
        losses = followed.mask_losses(output, targets)
        assert losses["object_part"].item() == pytest.approx(object_part) and losses[
            "object"
        ].item() == pytest.approx(obj)


def test_training_marks_the_objects_that_are_not_seen(clip_path):
    novel = DRAWN.objects[int((~DRAWN.seen_object).nonzero()[0])]
    item = TrainingExamples([sample(("cat", novel))], DRAWN, quick_settings(clip_path))[0, 0]
    cat = DRAWN.seen_only().object_index("cat")
    assert set(np.unique(item["object_map"])) == {LEFT_OUT, IGNORE, cat}
    assert LEFT_OUT not in item["part_map"]


# ---- scenes for what follows: objects 0, 1 with the generalized parts 0, 1 each ------------------

WORDS = random_conditions(2, 2, [0, 1, 0, 1], [0, 0, 1, 1])


def blocks(*rows):
    """A label map [32, 32] from a label for each of 4x4 cells: "a" is 0, "b" is 1, "." none."""
    cells = torch.tensor([[ord(c) - ord("a") if c != "." else IGNORE for c in row] for row in rows])
    return cells.repeat_interleave(SIZE // GRID, 0).repeat_interleave(SIZE // GRID, 1)


OBJECTS = blocks("aa..", "aa.b", "a..b", "...b")
PARTS = blocks("ab..", "ab.c", "a..c", "...d")  # parts 0, 1 are of object 0, parts 2, 3 of object 1


def goal(object_map=OBJECTS, part_map=PARTS, reading=PAPER, batch=1, words=WORDS):
    each = lambda count: torch.arange(count).expand(batch, -1)  # noqa: E731
    grow = lambda m: m.expand(batch, -1, -1) if m.dim() == 2 else m  # noqa: E731
    return objective(reading).targets(
        grow(object_map),
        grow(part_map),
        words.part_of,
        each(len(words.part_of)),
        each(len(words.parts)),
        each(len(words.objects)),
        torch.ones(batch, len(words.part_of)).bool(),
    )


def plan_of(reading, *arguments, batch=1, **keywords):
    return objective(reading).plan(
        goal(*arguments, reading=reading, batch=batch, **keywords), WORDS
    )


def random_attention(sequences, seed=0, sharpness=3.0, heads=2):
    scores = torch.randn(
        sequences, heads, 1 + N, 1 + N, generator=torch.Generator().manual_seed(seed)
    )
    return (scores * sharpness).softmax(-1)


def attention_losses(reading, attention, plan, targets):
    """(separation, enhancement) with the attention of all sequences given."""
    plan.tap.weights = attention[plan.tap.rows]
    losses = objective(reading).attention_losses(plan, targets)
    return (losses["separation"].item(), losses["enhancement"].item())


def separation_loss(maps, plan, reading):
    return objective(reading).separation(maps, plan).mean()


def enhancement_loss(maps, plan, reading):
    return objective(reading).enhancement(maps, plan).mean()


def spots(*places):
    """Maps [K, 16] that are 1 at the given places and 0 elsewhere.

    Smoothed with sigma 0.5, a spot claims its place only: its neighbours get at most
    2 * exp(-2) / (1 + 2 exp(-2))^2 = 0.17 < gamma.
    """
    maps = torch.zeros(len(places), N)
    for row, chosen in zip(maps, places, strict=True):
        row[list(chosen)] = 1
    return maps


# ---- mask loss -----------------------------------------------------------------------------------


@shows("empty_background")
@pytest.mark.parametrize("side", ["skip_term", "lose_step"])
def test_a_batch_without_background_loses_one_term_or_the_whole_step(side):
    model, reading = tiny_model(), Reading(empty_background=side)
    full = torch.where(OBJECTS == IGNORE, 0, OBJECTS)
    total, _ = objective(reading, separation="soft")(
        model, random_activations(1), WORDS, goal(full, PARTS)
    )
    total.backward()
    gradients = [p.grad.abs().sum().item() for p in model.parameters() if p.grad is not None]
    if side == "lose_step":
        assert total.item() == 0.0 and gradients and not any(gradients)
    else:
        assert total.item() > 0 and np.isfinite(gradients).all() and sum(map(bool, gradients)) > 40


def test_a_batch_without_objects_learns_background_or_not():
    # All logits 0: the background term is ln 2 averaged over 4 parts of weight 1 and background of
    # weight 0.05.
    nothing, zeros = (
        torch.full((SIZE, SIZE), IGNORE),
        lambda count: torch.zeros(1, count, SIZE, SIZE),
    )
    output = SegmentationOutput(zeros(5), zeros(2), zeros(2), zeros(1))
    paper, released = (
        objective(r).mask_losses(output, goal(nothing, nothing))
        for r in (PAPER, one("empty_background"))
    )
    assert paper["object_part"].item() == pytest.approx(math.log(2) * 4.05 / 5, rel=1e-5)
    assert released["object_part"] == 0
    assert paper["object"] == released["object"] > 0


# ---- attention control ---------------------------------------------------------------------------


@shows("grid_masks")
@pytest.mark.parametrize("side", ["area", "nearest"])
def test_a_part_of_six_pixels_side_that_misses_the_lattice_counts_or_ends_the_enhancement(side):
    reading, model = Reading(grid_masks=side), tiny_model()
    part_map = blocks("....", "..aa", "....", "....")
    part_map[1:7, 1:7] = 1  # rows and columns 1-6: no multiple of 8
    plan = plan_of(reading, blocks("aaaa", "aaaa", "aa..", "...."), part_map)
    assert plan.area[1].tolist() == [36 / 64 if side == "area" else 0] + [0] * 15
    # A part on the lattice: the same in both.
    assert plan.area[0].tolist() == [0] * 6 + [1, 1] + [0] * 8
    model(random_activations(1), WORDS, plan.tap)
    maps = objective(reading).maps(plan)
    loss = enhancement_loss(maps, plan, reading)
    loss.backward()
    gradient = model.decoder.blocks[-1].self_attn.q_proj.weight.grad.norm().item()
    assert (
        (loss.item() < 1 and gradient > 0)
        if side == "area"
        else (loss.item() == 1.0 and gradient == 0.0)
    )


@shows("attention_sum", "map_mean")
@pytest.mark.parametrize(
    ("reading", "factor"),
    [
        (PAPER, 2),
        (one("attention_sum"), 1),
        (one("map_mean"), 2 * 3 / 16),
        (one("attention_sum", "map_mean"), 3 / 16),
    ],
)
def test_uniform_attention_makes_a_map_of_twice_its_value_unless_halved_or_divided_by_all_places(
    reading, factor
):
    # Every query gives 1/17 to each of the 17 tokens; the part lies on 3 of the 16 places.
    plan = plan_of(reading, part_map=blocks("a...", "a...", "a...", "...."))
    plan.tap.weights = torch.full((len(plan.tap.rows), 2, 1 + N, 1 + N), 1 / 17)
    torch.testing.assert_close(objective(reading).maps(plan), torch.full((1, N), factor / 17))


@shows("gaussian")
@pytest.mark.parametrize(
    ("side", "k"), [("sigma", math.exp(-0.5 / 0.5**2)), ("wide", math.exp(-((1 / (2 * 0.5)) ** 2)))]
)
def test_the_gaussian_has_the_deviation_asked_for_or_the_square_root_of_two_times_that(side, k):
    assert k == pytest.approx(math.exp(-0.5 / {"sigma": 0.5, "wide": 0.7071068}[side] ** 2))
    spot = torch.zeros(1, 7, 7)
    spot[0, 3, 3] = 1
    found = objective(Reading(gaussian=side), grid=7).smooth(spot.flatten(1)).view(7, 7)[2:5, 2:5]
    torch.testing.assert_close(
        found, torch.tensor([[k * k, k, k * k], [k, 1, k], [k * k, k, k * k]]) / (1 + 2 * k) ** 2
    )


@shows("parts_of")
@pytest.mark.parametrize(
    ("side", "members", "expected"), [("object", 4, (0.2 + 0.6) / 2), ("image", 8, (0.6 + 0.6) / 2)]
)
def test_a_group_holds_the_parts_of_its_object_or_of_the_whole_image(side, members, expected):
    reading = Reading(parts_of=side)
    plan = plan_of(reading)
    assert len(plan.group) == members and plan.groups == 2
    # Peaks in each part's own mask.
    maps = spots([0], [1], [7], [15]) * torch.tensor([0.9, 0.8, 0.4, 0.7])[:, None]
    assert enhancement_loss(maps[plan.slot], plan, reading).item() == pytest.approx(expected)


def test_in_a_group_of_the_whole_image_even_an_object_without_visible_parts_takes_part():
    only_of_object_0 = blocks("ab..", "ab..", "....", "....")
    assert plan_of(PAPER, OBJECTS, only_of_object_0).groups == 1
    assert plan_of(one("parts_of"), OBJECTS, only_of_object_0).groups == 2
    nothing = torch.full_like(PARTS, IGNORE)
    assert (
        plan_of(PAPER, OBJECTS, nothing) is None
        and plan_of(one("parts_of"), OBJECTS, nothing) is None
    )


@shows("claim_at")
def test_a_place_is_claimed_where_gamma_is_reached_or_only_where_it_is_exceeded():
    values = torch.tensor([0.29, 0.3, 0.31], dtype=torch.float64)
    assert objective().reached(values).tolist() == [0, 1, 1]
    assert objective(one("claim_at")).reached(values).tolist() == [0, 0, 1]


@shows("claim_in", "separation_over")
@pytest.mark.parametrize(
    ("reading", "expected"),
    [
        (PAPER, 1 / 3 / 2),
        (one("separation_over"), 1 / 3),
        (one("claim_in"), 0.0),
        (one("claim_in", "separation_over"), 0.0),
    ],
)
def test_overlap_is_counted_anywhere_or_on_the_object_and_divided_by_the_parts_or_not(
    reading, expected
):
    # Parts 0 and 1 of object 0 both claim place 3, off the object; each claims another place on it:
    # 1 of 3 places is shared.
    plan = plan_of(reading, part_map=blocks("ab..", "ab..", "a...", "...."))
    assert plan.groups == 1
    assert separation_loss(spots([0, 3], [3, 8]), plan, reading).item() == pytest.approx(
        expected, abs=1e-6
    )


def test_claims_on_the_object_still_overlap():
    # Both parts claim place 0; part 0 also place 3, off the object, and part 1 place 8, on it: 1 of
    # 3 places, or 1 of 2.
    for reading, expected in ((PAPER, 1 / 3 / 2), (one("claim_in"), 1 / 2 / 2)):
        plan = plan_of(reading, part_map=blocks("ab..", "ab..", "a...", "...."))
        assert separation_loss(spots([0, 3], [0, 8]), plan, reading).item() == pytest.approx(
            expected, abs=1e-6
        )


@shows("peak_in", "peak_of")
@pytest.mark.parametrize(
    ("reading", "peak"),
    [
        (PAPER, 0.5),
        (one("peak_in"), 1.0),
        (one("peak_of"), 0.5 / (1 + 2 * math.exp(-2)) ** 2),
        (one("peak_in", "peak_of"), 1 / (1 + 2 * math.exp(-2)) ** 2),
    ],
)
def test_the_peak_is_sought_in_the_mask_or_on_the_whole_map_as_it_is_or_smoothed(reading, peak):
    plan = plan_of(reading, part_map=blocks("aa..", "a...", "....", "...."))
    maps = torch.zeros(1, N)
    maps[0, 0], maps[0, 15] = 0.5, 1.0  # in the mask, and in the opposite corner
    assert enhancement_loss(maps, plan, reading).item() == pytest.approx(1 - peak)


@shows("loss_over")
@pytest.mark.parametrize("batch", [1, 2, 4])
def test_more_of_the_same_image_leave_the_attention_losses_or_divide_them(batch):
    attention = random_attention(5, sharpness=4)
    alone = attention_losses(PAPER, attention, plan_of(PAPER), goal())
    assert min(alone) > 0.01
    repeated = attention.repeat(batch, 1, 1, 1)
    assert attention_losses(
        PAPER, repeated, plan_of(PAPER, batch=batch), goal(batch=batch)
    ) == pytest.approx(alone, rel=1e-5)
    divided = attention_losses(
        one("loss_over"), repeated, plan_of(one("loss_over"), batch=batch), goal(batch=batch)
    )
    assert divided == pytest.approx([loss / batch for loss in alone], rel=1e-5)


@shows("last_object")
def test_without_background_the_last_object_is_kept_or_dropped():
    filled, reading = blocks("aaaa", "aaaa", "aaaa", "aaaa"), one("last_object")
    one_part = blocks("ab..", "ab..", "....", "....")
    assert (
        plan_of(PAPER, filled, one_part).groups == 1 and plan_of(reading, filled, one_part) is None
    )
    two = torch.where(OBJECTS == IGNORE, 0, OBJECTS)
    owners = lambda plan: plan.obj.tolist()  # noqa: E731
    assert owners(plan_of(PAPER, two)) == [0, 0, 1, 1] and owners(plan_of(reading, two)) == [0, 0]
    assert owners(plan_of(reading)) == [0, 0, 1, 1]  # with background nothing is lost
    assert plan_of(reading, two).groups == 1


@pytest.mark.parametrize("separation", ["paper", "soft"])
def test_the_separation_loss_is_printed_without_a_gradient_or_soft_with_one(separation):
    model = tiny_model()
    _, terms = objective(separation=separation)(model, random_activations(1), WORDS, goal())
    assert terms["separation"].requires_grad == (separation == "soft")
    assert terms["enhancement"].requires_grad


# ---- optimizer


@shows("weight_decay")
@pytest.mark.parametrize("side", ["all", "layers"])
def test_weight_decay_pulls_on_everything_or_spares_norms_and_embeddings(side, clip_path):
    reading = {"weight_decay": side, "text_embeddings": "trained"}
    settings = quick_settings(clip_path, reading=reading, training__weight_decay=0.5)
    model = build_model(settings)
    optimizer = new_optimizer(model, settings)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    for weight in model.parameters():  # a gradient of zero: what moves is pulled
        weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
    optimizer.step()
    rate = settings.training.learning_rate
    spared = "norm|token_embedding|positional_embedding" if side == "layers" else "nothing"
    for name, weight in model.named_parameters():
        pulled = weight.requires_grad and not re.search(spared, name)
        expected = before[name] * (1 - rate * 0.5) if pulled else before[name]
        assert torch.equal(weight.detach(), expected), name
    assert sum(len(group["params"]) for group in optimizer.param_groups) == sum(
        weight.requires_grad for weight in model.parameters()
    )


# ---- the bundle as a whole -----------------------------------------------------------------------


def random_scene(seed, batch, objects, background):
    """Maps of blocks of 5 pixels, which do not keep to the grid.

    Each object has two of three parts, some pixels neither.
    """
    rng = np.random.default_rng([seed, batch, objects])
    part_of = np.concatenate([rng.permutation(3)[:2] for _ in range(objects)])
    object_of = np.repeat(np.arange(objects), 2)

    def coarse(low, high):
        values = rng.integers(low, high, (batch, 7, 7))
        return np.kron(values, np.ones((1, 5, 5), int))[:, :SIZE, :SIZE]

    object_map = coarse(-1 if background else 0, objects)
    part_map = np.where(object_map >= 0, 2 * object_map + coarse(0, 3), -1)
    part_map = np.where(part_map == 2 * object_map + 2, -1, part_map)
    for b in range(batch):  # a part that the lattice misses, here and there
        if rng.random() < 0.4:
            object_map[b, 9:15, 9:15], part_map[b, 9:15, 9:15] = 0, 1
    return object_map, part_map, part_of, object_of


@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize(
    ("seed", "batch", "objects"), [(0, 1, 1), (1, 1, 3), (2, 2, 2), (3, 3, 3), (4, 2, 4), (5, 4, 2)]
)
def test_the_released_bundle_equals_the_release_written_out_in_loops(
    seed, batch, objects, background
):
    object_map, part_map, part_of, object_of = random_scene(seed, batch, objects, background)
    attention = random_attention(batch * (3 + objects + 1), seed)
    expected = released_by_hand.attention_losses(
        attention.unflatten(0, (batch, -1)), object_map, part_map, part_of, object_of, 3
    )
    words = random_conditions(3, objects, part_of.tolist(), object_of.tolist())
    targets = goal(torch.from_numpy(object_map), torch.from_numpy(part_map), RELEASED, batch, words)
    plan = objective(RELEASED).plan(targets, words)
    found = (0.0, 0.0) if plan is None else attention_losses(RELEASED, attention, plan, targets)
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert (plan is None) == (objects == 1 and not background) and (plan is None or expected[1] > 0)


def test_settings_hand_their_reading_to_the_model(clip_path):
    model = build_model(quick_settings(clip_path, reading="released"))
    assert (
        isinstance(model, DEPARTURES["object_row"]) and not model.background_embedding.requires_grad
    )
    assert model.backbone.clip.token_embedding.weight.requires_grad
    assert isinstance(Settings.from_preset("toy").reading, Reading)
