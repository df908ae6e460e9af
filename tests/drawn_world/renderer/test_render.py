"""The renderer of the drawn world against geometry worked out by hand."""

import numpy as np
import pytest

from drawn_world import kinds
from drawn_world.renderer import (
    NO_PART,
    NOTHING,
    Camera,
    Material,
    Sculpture,
    noise,
    render,
    rotation,
)

RED, BLUE = Material((200, 40, 40)), Material((40, 60, 200))


def front(sculpture, scale=40.0, size=96, **camera):
    """The sculpture with its origin in the middle of the picture."""
    view = Camera(camera.get("yaw", 0), camera.get("pitch", 0), scale, (size / 2, size / 2))
    return render(sculpture, view, size)


def part_at(layer, x, y):
    """Part index at an output pixel relative to the middle of the picture, y down."""
    s = layer.supersample
    middle = layer.part_index.shape[0] // 2
    return layer.part_index[middle + y * s, middle + x * s]


def test_an_ellipsoids_silhouette_has_the_area_of_the_projected_ellipse():
    radii, turn, view = (
        np.array([0.9, 0.5, 0.3]),
        rotation("z", 25) @ rotation("x", 40),
        Camera(35, 20, 40.0, (48, 48)),
    )
    sculpture = Sculpture()
    sculpture.ellipsoid((0, 0, 0), radii, RED, "body", rotation=turn)
    layer = render(sculpture, view, 96)
    axes = view.matrix() @ turn * radii  # the projection has the covariance of the first two rows
    expected = (
        np.pi * np.sqrt(np.linalg.det((axes @ axes.T)[:2, :2])) * (40.0 * layer.supersample) ** 2
    )
    assert layer.alpha.sum() == pytest.approx(expected, rel=0.02)


def test_a_straight_sweep_is_a_rectangle_with_round_ends_at_any_angle():
    for degrees in (0, 37, 90):
        along = rotation("z", degrees) @ np.array([0.6, 0, 0])
        sculpture = Sculpture()
        sculpture.sweep([-along, along], 0.2, RED, "body")
        layer = front(sculpture)
        expected = (2 * 0.6 * 0.4 + np.pi * 0.2**2) * (40.0 * layer.supersample) ** 2
        assert layer.alpha.sum() == pytest.approx(expected, rel=0.02)


def test_the_front_of_a_cone_between_spheres_lies_where_sampled_spheres_put_it():
    start, end, r0, r1 = np.array([-0.5, -0.2, -0.4]), np.array([0.6, 0.3, 0.3]), 0.35, 0.15
    sculpture = Sculpture()
    sculpture.sweep([start, end], [r0, r1], RED, "body", samples=1)
    layer = front(sculpture)
    pixel = 40.0 * layer.supersample
    grid = (np.arange(layer.depth.shape[0]) + 0.5 - layer.depth.shape[0] / 2) / pixel
    nearest = np.full(layer.depth.shape, -np.inf)
    for t in np.linspace(0, 1, 400):
        centre, radius = start + t * (end - start), r0 + t * (r1 - r0)
        inside = radius**2 - (grid[None] - centre[0]) ** 2 - (-grid[:, None] - centre[1]) ** 2
        nearest = np.where(
            inside > 0, np.maximum(nearest, centre[2] + np.sqrt(np.maximum(inside, 0))), nearest
        )
    either, both = (
        op(np.isfinite(nearest), np.isfinite(layer.depth)) for op in (np.logical_or, np.logical_and)
    )
    assert both.sum() > 0.99 * either.sum()
    assert np.abs(nearest[both] - layer.depth[both]).max() < 0.02


def test_the_nearer_of_two_solids_wins_whatever_the_order():
    for order in ((1, -1), (-1, 1)):
        sculpture = Sculpture()
        for z in order:
            sculpture.ellipsoid(
                (0, 0, z), (0.5, 0.5, 0.2), RED if z > 0 else BLUE, "near" if z > 0 else "far"
            )
        layer = front(sculpture)
        assert set(np.unique(layer.part_index)) == {NOTHING, layer.part_names.index("near")}
        assert layer.part_names[part_at(front(sculpture, yaw=180), 0, 0)] == "far"


def test_a_label_only_face_names_what_is_seen_through_it_but_hides_no_colour():
    square = np.array([[-0.8, -0.8, 0], [0.8, -0.8, 0], [0.8, 0.8, 0], [-0.8, 0.8, 0]])
    sculpture = Sculpture()
    sculpture.ellipsoid((0, 0, -0.5), (0.2, 0.2, 0.2), RED, None)
    sculpture.balls([(-0.9, -0.9, 0), (0.9, 0.9, 0)], 0.1, RED, None)
    plain = front(sculpture)
    sculpture.face(square, BLUE, "wheel", paint=False)
    layer = front(sculpture)
    assert np.array_equal(layer.rgb, plain.rgb) and np.array_equal(layer.alpha, plain.alpha)
    wheel = layer.part_names.index("wheel")
    assert part_at(plain, 0, 0) == NO_PART and part_at(layer, 0, 0) == wheel
    assert part_at(plain, 20, 20) == NOTHING and part_at(layer, 20, 20) == wheel
    sculpture.ellipsoid((0, 0, 0.5), (0.1, 0.1, 0.1), RED, "frame")
    layer = front(sculpture)
    assert layer.part_names[part_at(layer, 0, 0)] == "frame"


def test_polygons_that_share_an_edge_leave_no_gap():
    angles = np.sort(np.random.default_rng(0).uniform(0, 2 * np.pi, 12))
    ring = np.array([[np.cos(a), np.sin(a), 0.3 * np.cos(2 * a)] for a in angles])
    sculpture = Sculpture()
    for k in range(12):
        sculpture.face([(0, 0, 0), ring[k], ring[(k + 1) % 12]], RED, "side")
    for row in front(sculpture).alpha:
        covered = np.flatnonzero(row)
        assert len(covered) == 0 or len(covered) == covered[-1] - covered[0] + 1


def test_equal_arguments_give_equal_pictures():
    for name in ("cat", "hen"):
        kind = kinds()[name]
        twice = [
            render(
                kind.build(np.random.default_rng(5), "white"), Camera(30, 10, 30.0, (32, 55)), 64
            )
            for _ in range(2)
        ]
        assert np.array_equal(twice[0].rgb, twice[1].rgb)
        assert np.array_equal(twice[0].part_index, twice[1].part_index)


def test_shrinking_averages_colour_and_keeps_labels():
    sculpture = Sculpture()
    sculpture.ellipsoid((0, 0, 0), (0.7, 0.4, 0.4), RED, "body")
    layer = front(sculpture)
    rgb, alpha, part_index = layer.shrink()
    assert rgb.shape == (96, 96, 3) and alpha.shape == part_index.shape == (96, 96)
    assert alpha.sum() == pytest.approx(layer.alpha.sum() / layer.supersample**2)
    assert set(np.unique(part_index)) == {NOTHING, 0} and (rgb[alpha == 0] == 0).all()


def test_wrong_arguments_say_what_was_expected():
    with pytest.raises(ValueError, match="'velvet'.*fur"):
        Material((1, 2, 3), "velvet")
    with pytest.raises(ValueError, match="at least two points; got 1"):
        Sculpture().sweep([(0, 0, 0)], 0.1, RED, "body")
    with pytest.raises(ValueError, match="empty"):
        Sculpture().bounds()


def test_noise_sticks_to_the_object():
    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert np.array_equal(noise(points, 5.0), noise(points.copy(), 5.0))
