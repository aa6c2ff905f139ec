"""Laws of cutting: nothing that shows in a tile is left out of it, nothing is told twice."""

from itertools import pairwise

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.geometry import rotated_boxes
from apronwatch_datasets.preparing.cutting import SHOWN_SHARE, Cutter, TileLabels, scaled
from apronwatch_datasets.preparing.windows import View, starts
from apronwatch_datasets.records import Objects


@st.composite
def scenes(draw: st.DrawFn) -> tuple[View, Objects]:
    """A view and oriented boxes whose centres lie in it."""
    tile = draw(st.integers(40, 120))
    overlap = draw(st.integers(0, tile // 2))
    width, height = draw(st.integers(20, 400)), draw(st.integers(20, 400))
    number = draw(st.integers(1, 12))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(0, width, number), rng.uniform(0, height, number)
    polygons = rotated_boxes(
        x, y, rng.uniform(1, 70, number), rng.uniform(1, 30, number), rng.uniform(0, 7, number)
    )
    ignore = rng.random(number) < 0.2
    objects = Objects.of(polygons, ["plane"] * number, [0] * number, ignore=ignore)
    return View(0.3, width, height, tile, overlap), objects


def within(view: View, x0: int, y0: int) -> shapely.Polygon:
    return shapely.box(x0, y0, min(x0 + view.tile_px, view.width), min(y0 + view.tile_px, view.height))


@given(st.integers(1, 5000), st.integers(32, 1024), st.data())
def test_tiles_cover_a_side_and_share_the_overlap(size: int, tile: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, tile // 2))
    found = starts(size, tile, overlap)
    assert found[0] == 0
    assert found == sorted(set(found))
    assert max(found) + tile == max(size, tile)
    assert all(b - a <= tile - overlap for a, b in pairwise(found))


@given(scenes())
def test_what_shows_in_a_tile_is_labelled_or_ignored_there_exactly_once(scene: tuple[View, Objects]) -> None:
    view, objects = scene
    cutter = Cutter(objects, view, min_px=0.0)
    shapes = shapely.polygons(objects.polygons)
    for x0, y0 in view.windows():
        made = cutter.cut(x0, y0)
        parts = shapely.intersection(shapes, within(view, x0, y0))
        shown = shapely.area(parts) > 1e-3
        told = np.concatenate([made.polygons, made.regions])
        assert shown.sum() <= len(told) <= (shapely.area(parts) > 0).sum()
        # Each part lies in the one box that tells of it, label or region.
        covers = shapely.buffer(shapely.polygons(told + np.array([x0, y0])), 1e-6)
        of_labels = covers[: len(made.index)]
        assert shapely.covers(of_labels, parts[made.index]).all()
        left = np.setdiff1d(np.flatnonzero(shown), made.index)
        regions = covers[len(made.index) :]
        assert all(shapely.covers(regions, parts[k]).any() for k in left)


@given(scenes())
def test_an_object_no_larger_than_the_overlap_is_whole_in_a_tile(scene: tuple[View, Objects]) -> None:
    view, objects = scene
    cutter = Cutter(objects, view, min_px=0.0)
    low, high = objects.polygons.min(axis=1), objects.polygons.max(axis=1)
    inside = (low >= 0).all(axis=1) & (high <= [view.width, view.height]).all(axis=1)
    fits = inside & ~objects.ignore & (high - low <= view.overlap_px).all(axis=1)
    whole = np.zeros(len(objects), dtype=bool)
    for x0, y0 in view.windows():
        made = cutter.cut(x0, y0)
        same = (
            np.abs(made.polygons + np.array([x0, y0]) - objects.polygons[made.index]).max(
                axis=(1, 2), initial=0
            )
            < 1e-9
        )
        whole[made.index[same]] = True
    assert whole[fits].all()


@given(scenes())
def test_labels_show_their_share_and_ignored_objects_are_never_labels(scene: tuple[View, Objects]) -> None:
    view, objects = scene
    cutter = Cutter(objects, view, min_px=4.0)
    shapes = shapely.polygons(objects.polygons)
    in_image = shapely.area(shapely.intersection(shapes, shapely.box(0, 0, view.width, view.height)))
    for x0, y0 in view.windows():
        made = cutter.cut(x0, y0)
        parts = shapely.area(shapely.intersection(shapes[made.index], within(view, x0, y0)))
        assert (parts >= (SHOWN_SHARE - 1e-6) * in_image[made.index]).all()
        assert not objects.ignore[made.index].any()
        assert not cutter.too_small[made.index].any()


def one(polygon: list[list[float]], *, min_px: float = 0.0) -> TileLabels:
    """The left of two tiles of 100 px that share 20, in a picture of 180 x 100."""
    view = View(None, 180, 100, 100, 20)
    return Cutter(Objects.of([polygon], ["plane"], [0]), view, min_px).cut(0, 0)


@pytest.mark.parametrize("right", [100.0, 108.0, 112.0])
def test_enough_of_a_cut_object_is_a_label_clipped_at_the_edge(right: float) -> None:
    made = one([[right - 40, 10], [right, 10], [right, 20], [right - 40, 20]])
    kept = [[right - 40, 10], [100, 10], [100, 20], [right - 40, 20]]
    np.testing.assert_allclose(made.polygons, [kept], atol=1e-9)
    assert len(made.regions) == 0


@pytest.mark.parametrize("right", [112.1, 139.0])
def test_too_little_of_a_cut_object_is_a_region(right: float) -> None:
    made = one([[right - 40, 10], [right, 10], [right, 20], [right - 40, 20]])
    shown = [[right - 40, 10], [100, 10], [100, 20], [right - 40, 20]]
    np.testing.assert_allclose(made.regions, [shown], atol=1e-9)
    assert len(made.polygons) == 0


def test_a_small_object_is_ignored_not_left_as_background() -> None:
    made = one([[10, 10], [14, 10], [14, 12], [10, 12]], min_px=5.0)
    assert (len(made.polygons), len(made.regions)) == (0, 1)


def test_corners_move_with_the_edges_of_pixels() -> None:
    objects = Objects.of([[[0, 0], [201, 0], [201, 100], [0, 100]]], ["plane"], [0])
    view = View(0.6, 101, 50, 128, 32)
    np.testing.assert_allclose(scaled(objects, (201, 100), view).polygons[0, 2], [101.0, 50.0])
