from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from apronwatch.geometry import rotated_boxes
from apronwatch_datasets.checking import Check, Checked, clip
from apronwatch_datasets.class_map import class_map
from apronwatch_datasets.faults import FaultKind, Mending
from apronwatch_datasets.records import Card, horizontal_boxes
from apronwatch_datasets.source import Log, SourceObjects

CARD = Card("dota", "DOTA", "", "", "", "", frozenset({"plane"}))
SIZE = (100, 80)


def check(polygons: Any, names: list[str], **more: Any) -> tuple[Checked, Log]:
    log = Log(Path("root"))
    found = SourceObjects.of(polygons, names, **more)
    done = Check(found, SIZE, Path("root/a.txt"), 0.5, class_map("dota"), CARD, log).run()
    return done, log


def kinds(log: Log) -> list[tuple[FaultKind, Mending]]:
    return [(fault.kind, fault.mending) for fault in log.faults]


def test_sound_objects_pass_unchanged() -> None:
    boxes = rotated_boxes([30, 60], [30, 40], [20, 10], [8, 10], [0.4, 1.2])
    done, log = check(boxes, ["plane", "ship"])
    assert np.array_equal(done.objects.polygons, boxes)
    assert not log.faults


def test_a_box_past_the_edge_is_clipped_and_said() -> None:
    done, log = check(horizontal_boxes([90], [10], [110], [20]), ["plane"], oriented=False, lines=[7])
    assert done.objects.polygons[0] == pytest.approx(np.array([[90, 10], [100, 10], [100, 20], [90, 20]]))
    assert kinds(log) == [(FaultKind.OUTSIDE_IMAGE, Mending.CLIPPED)]
    assert (log.faults[0].file, log.faults[0].line) == ("a.txt", 7)
    assert not done.objects.ignore[0]


def test_of_a_box_that_hardly_shows_the_rest_is_ignored_not_background() -> None:
    done, log = check(horizontal_boxes([95], [10], [130], [20]), ["plane"])
    assert done.objects.ignore.tolist() == [True]
    assert done.objects.polygons[0, :, 0].max() == pytest.approx(100)
    assert kinds(log) == [(FaultKind.OUTSIDE_IMAGE, Mending.IGNORED)]


def test_a_turned_box_of_which_only_a_corner_leaves_the_image_is_sound() -> None:
    box = rotated_boxes([20], [20], [40], [40], [np.pi / 4])
    assert box.min() < -5
    done, log = check(box, ["plane"])
    assert np.array_equal(done.objects.polygons, box)
    assert not log.faults


def test_a_box_wholly_outside_is_dropped() -> None:
    done, log = check(horizontal_boxes([110], [10], [130], [20]), ["plane"])
    assert not len(done.objects)
    assert done.fates == {"plane": {"dropped": 1}}
    assert kinds(log) == [(FaultKind.OUTSIDE_IMAGE, Mending.DROPPED)]


@pytest.mark.parametrize("flat", [[(5, 5)] * 4, [(5, 5), (20, 5), (20, 5), (5, 5)]])
def test_what_encloses_nothing_is_dropped(flat: list[tuple[float, float]]) -> None:
    done, log = check([flat], ["plane"])
    assert not len(done.objects)
    assert kinds(log) == [(FaultKind.ZERO_AREA, Mending.DROPPED)]


def test_crossed_sides_are_put_in_order() -> None:
    done, log = check([[(10, 10), (30, 30), (30, 10), (10, 30)]], ["plane"])
    assert shapely.polygons(done.objects.polygons[0]).equals(shapely.box(10, 10, 30, 30))
    assert kinds(log) == [(FaultKind.CROSSED_POLYGON, Mending.REORDERED)]


def test_a_double_is_dropped_once_and_the_first_stays() -> None:
    box = horizontal_boxes([10], [10], [30], [20])
    done, log = check(np.concatenate([box, box + 0.2, box + 40, box]), ["plane"] * 4)
    assert done.objects.lines.tolist() == [1, 3]
    assert kinds(log) == [(FaultKind.DOUBLED_BOX, Mending.DROPPED)] * 2


def test_two_classes_for_one_box_are_named_and_left() -> None:
    box = horizontal_boxes([10], [10], [30], [20])
    done, log = check(np.concatenate([box, box]), ["plane", "helicopter"])
    assert len(done.objects) == 2
    assert kinds(log) == [(FaultKind.DOUBLED_BOX, Mending.NOTHING)]


def test_a_class_that_nobody_mapped_is_ignored_and_said() -> None:
    done, log = check(horizontal_boxes([10], [10], [30], [20]), ["zeppelin"])
    assert done.objects.ignore.tolist() == [True]
    assert kinds(log) == [(FaultKind.UNKNOWN_CLASS, Mending.IGNORED)]


def test_background_is_no_object_and_no_fault() -> None:
    done, log = check(horizontal_boxes([10], [10], [30], [20]), ["harbor"])
    assert not len(done.objects)
    assert done.fates == {"harbor": {"background": 1}}
    assert not log.faults


finite = st.floats(-40, 140)
boxes = st.tuples(finite, finite, st.floats(0, 60), st.floats(0, 60), st.floats(-4, 4))
names = st.sampled_from(["plane", "ship", "harbor", "zeppelin", "small-vehicle"])


@given(st.lists(st.tuples(boxes, names), max_size=12))
@settings(max_examples=150)
def test_no_object_goes_unsaid(drawn: list[tuple[tuple[float, ...], str]]) -> None:
    polygons = [rotated_boxes(*box)[0] for box, _ in drawn]
    done, log = check(np.array(polygons).reshape(-1, 4, 2), [name for _, name in drawn])
    assert sum(sum(fates.values()) for fates in done.fates.values()) == len(drawn)
    dropped = sum(fates["dropped"] for fates in done.fates.values())
    assert dropped == sum(fault.objects for fault in log.faults)
    assert len(done.objects) == sum(fates["kept"] + fates["ignored"] for fates in done.fates.values())
    hulls = (
        shapely.total_bounds(shapely.polygons(done.objects.polygons)) if len(done.objects) else [0, 0, 0, 0]
    )
    reach = 60.0  # a clipped box is as long as what shows of it, so no corner is further out than that
    assert hulls[0] > -reach
    assert hulls[3] < SIZE[1] + reach


@given(boxes)
@settings(max_examples=200)
def test_a_clipped_box_holds_all_that_shows(drawn: tuple[float, ...]) -> None:
    polygon = rotated_boxes(*drawn)[0]
    whole = shapely.polygons(polygon)
    if whole.area < 1e-3:
        return
    clipped, share = clip(polygon, (0.0, 0.0, 100.0, 80.0))
    shows = whole.intersection(shapely.box(0, 0, 100, 80))
    assert share == pytest.approx(shows.area / whole.area, abs=1e-6)
    if clipped is None:
        assert shows.area < 1e-5
        return
    box = shapely.polygons(clipped)
    assert box.buffer(1e-6).covers(shows)
    assert box.area <= whole.area * (1 + 1e-6)
    assert whole.buffer(1e-6).covers(box)


@given(boxes, st.booleans(), st.integers(0, 3))
@settings(max_examples=200)
def test_a_clipped_box_keeps_the_order_of_its_corners(
    drawn: tuple[float, ...], reverse: bool, first: int
) -> None:
    """Same winding, and each corner is the one that lies nearest to where it was, of all ways to begin."""
    polygon = rotated_boxes(*drawn)[0]
    polygon = np.roll(polygon[::-1] if reverse else polygon, first, axis=0)
    if shapely.polygons(polygon).area < 1:
        return
    clipped, _ = clip(polygon, (0.0, 0.0, 100.0, 80.0))
    if clipped is None or shapely.polygons(clipped).area < 1:
        return
    assert shapely.is_ccw(shapely.linearrings(clipped)) == shapely.is_ccw(shapely.linearrings(polygon))
    ways = [np.roll(way, k, axis=0) for way in (clipped, clipped[::-1]) for k in range(4)]
    apart = [float(((way - polygon) ** 2).sum()) for way in ways]
    assert apart[0] == pytest.approx(min(apart), rel=1e-9, abs=1e-6)


def test_a_box_of_the_other_winding_clipped_by_hand() -> None:
    done, _ = check([[(90, 20), (110, 20), (110, 10), (90, 10)]], ["plane"])
    expected = [[90, 20], [100, 20], [100, 10], [90, 10]]
    np.testing.assert_allclose(done.objects.polygons[0], expected, atol=1e-9)


@pytest.mark.parametrize("worse", ["difficult", "ignore"])
@pytest.mark.parametrize("first_is_worse", [True, False])
def test_of_doubles_the_ordinary_one_stays(worse: str, first_is_worse: bool) -> None:
    box = horizontal_boxes([10], [10], [30], [20])
    flags = {worse: [first_is_worse, not first_is_worse]}
    done, log = check(np.concatenate([box, box + 0.1]), ["plane"] * 2, **flags)
    assert done.objects.lines.tolist() == [2 if first_is_worse else 1]
    assert not (done.objects.difficult | done.objects.ignore).any()
    assert [fault.line for fault in log.faults] == [1 if first_is_worse else 2]


def test_sides_the_wrong_way_round_are_sorted_and_said() -> None:
    inverted = horizontal_boxes([30, 10, 30], [10, 20, 20], [10, 30, 10], [20, 10, 10]) + 0.0
    inverted[:, :, 0] += np.array([0, 30, 60])[:, None]
    done, log = check(inverted, ["plane", "ship", "harbor"], oriented=False, sided=True)
    expected = horizontal_boxes([10, 40], [10, 10], [30, 60], [20, 20])
    assert done.objects.polygons.tolist() == expected.tolist()
    assert kinds(log) == [(FaultKind.INVERTED_BOX, Mending.SORTED)] * 2, "background is no object"


@pytest.mark.parametrize("corner", [1e30, 1e300, np.inf, np.nan])
@pytest.mark.parametrize("name", ["plane", "small-vehicle"])
def test_corners_beyond_any_image_are_dropped(corner: float, name: str) -> None:
    done, log = check(horizontal_boxes([1], [1], [corner], [corner]), [name], oriented=False, sided=True)
    assert done.fates == {name: {"dropped": 1}}
    assert kinds(log) == [(FaultKind.OUTSIDE_IMAGE, Mending.DROPPED)]


def test_background_beyond_any_image_is_background() -> None:
    done, log = check(horizontal_boxes([1], [1], [np.inf], [np.inf]), ["harbor"])
    assert done.fates == {"harbor": {"background": 1}}
    assert not log.faults


@pytest.mark.parametrize("name", ["plane", "zeppelin"])
@pytest.mark.parametrize("beyond", [2.0, 10.0, 9e8])
def test_a_box_around_the_whole_image_says_nothing_of_it(beyond: float, name: str) -> None:
    done, log = check(horizontal_boxes([-beyond], [-beyond], [100 + beyond], [80 + beyond]), [name])
    assert done.fates == {name: {"dropped": 1}}
    assert kinds(log)[-1] == (FaultKind.OUTSIDE_IMAGE, Mending.DROPPED)


@pytest.mark.parametrize(
    ("box", "marked"),
    [
        (horizontal_boxes([0], [0], [100], [80]), False),
        (horizontal_boxes([-10], [-10], [110], [80]), False),
        (horizontal_boxes([-10], [-10], [110], [90]), True),
        (rotated_boxes([50], [40], [90], [90], [np.pi / 4]), False),
    ],
    ids=["of the image's size", "to one edge", "told to be ignored", "a diamond that leaves corners free"],
)
def test_a_box_nearly_around_the_image_stays(box: Any, marked: bool) -> None:
    done, _ = check(box, ["plane"], ignore=marked)
    assert done.objects.ignore.tolist() == [marked]
