"""Frames of one acquisition united: the laws of a union, with objects cut, moved and seen twice at the borders."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from apronwatch.counts import Count, Status
from apronwatch.detections import Detections
from apronwatch.geometry import min_area_boxes, polygons_to_shapely, rotated_boxes
from apronwatch.observation import Frame, Observation, comparable, unite, united_boxes
from apronwatch.run import Run
from apronwatch.taxonomy import class_id
from apronwatch.visibility import Visibility, VisibilityMeter
from tests.detector.archive import examples

Bounds = tuple[float, float, float, float]

JITTER_M = 0.2
"""Small enough for the nearest box in rows 3 m apart to be the right one: at 0.5 m one car in 2,000 is not."""
WIDTH_M, HEIGHT_M = 800.0, 400.0
WHOLE = (0.0, 0.0, WIDTH_M, HEIGHT_M)

KINDS = {
    "plane": ((40.0, 36.0), 46.0),
    "vehicle_large": ((12.0, 2.5), 4.0),
    "vehicle_small": ((4.5, 1.9), 3.0),
}
"""Size of an object and pitch of a row of them, side by side, in metres."""


def row_of(name: str, x: float, y: float, count: int, angle_rad: float) -> Detections:
    """Objects parked side by side from a point on, in metres from the corner of the ground."""
    (length, width), pitch = KINDS[name]
    steps = np.arange(count)[:, None] * pitch * np.array([np.cos(angle_rad), np.sin(angle_rad)])
    at = np.array((examples.EAST + x, examples.NORTH + y)) + steps
    boxes = rotated_boxes(at[:, 0], at[:, 1], width, length, angle_rad)
    n = len(at)
    return Detections(
        boxes, np.full(n, 0.8, np.float32), np.full(n, class_id(name), np.int16), crs=examples.CRS
    )


def seen_in(
    objects: Detections, view: Bounds, jitter_m: float = 0.0, seed: int = 0, least: float = 0.3
) -> Detections:
    """What a frame shows of objects: whole ones moved a little, cut ones by the box of what is left of them."""
    west, south, east, north = view
    rectangle = shapely.box(
        examples.EAST + west, examples.NORTH + south, examples.EAST + east, examples.NORTH + north
    )
    shapes = polygons_to_shapely(objects.polygons)
    parts = shapely.intersection(shapes, rectangle)
    share = shapely.area(parts) / shapely.area(shapes)
    polygons = objects.polygons.copy()
    cut = share < 1 - 1e-9
    for k in np.flatnonzero(cut & (share >= least)):
        points = shapely.get_coordinates(parts[k])[:-1]
        polygons[k] = min_area_boxes(points[None])[0]
    moves = (
        np.random.default_rng(seed)
        .normal(0, jitter_m, (len(polygons), 1, 2))
        .clip(-2 * jitter_m, 2 * jitter_m)
    )
    polygons += np.where(cut[:, None, None], 0.0, moves)
    found = replace(objects, polygons=polygons, truncated=cut)
    return found.select(share >= least)


def frame(name: str, found: Detections, view: Bounds = WHOLE) -> Frame:
    west, south, east, north = view
    raster = {
        "transform": (0.5, 0.0, examples.EAST + west, 0.0, -0.5, examples.NORTH + north),
        "width": round((east - west) / 0.5),
        "height": round((north - south) / 0.5),
    }
    run = examples.run(examples.scene(name, acquisition="pass", **raster), found, view=view)
    return Frame(run, tuple(examples.counts(run)))


def united(*frames: Frame) -> Observation:
    return unite(frames, examples.site())


def seen(observation: Observation | Frame, name: str, zone: str = "*") -> int | None:
    return examples.total(observation.counts, name, zone).seen


@st.composite
def parked(draw: st.DrawFn) -> Detections:
    """Rows of planes, lorries and cars at any heading, well apart from each other and from the edge."""
    rows = []
    for n, y in enumerate((100.0, 200.0, 300.0)):
        name = draw(st.sampled_from(sorted(KINDS)))
        angle = draw(st.floats(-0.3, 0.3)) + (np.pi if draw(st.booleans()) else 0.0)
        count = draw(st.integers(1, 6 if name == "plane" else 40))
        x = draw(st.floats(330, 470)) - np.cos(angle) * count * KINDS[name][1] / 2
        rows.append(row_of(name, x, y + n, count, angle))
    return Detections.concatenate(rows)


@given(objects=parked())
@settings(max_examples=25)
def test_uniting_a_frame_with_itself_or_its_copy_changes_nothing(objects: Detections) -> None:
    alone = frame("a.tif", objects, (0.0, 0.0, 611.3, HEIGHT_M))
    copy = frame("copy.tif", objects, (0.0, 0.0, 611.3, HEIGHT_M))
    for pair in ((alone, alone), (alone, copy)):
        observation = united(*pair)
        added = ("frames_united",) if pair[1] is copy else ()
        assert observation.counts == tuple(replace(c, reasons=(*c.reasons, *added)) for c in alone.counts)
        assert observation.visibility.fractions == alone.run.visibility.fractions
        assert observation.visibility.grid == alone.run.visibility.grid


@given(objects=parked(), border=st.floats(340, 460), overlap=st.floats(0, 120), seed=st.integers(0, 99))
@settings(max_examples=60)
def test_two_halves_are_the_whole(objects: Detections, border: float, overlap: float, seed: int) -> None:
    """With jitter between the frames, wherever their border cuts the objects."""
    views = ((0.0, 0.0, border + overlap / 2, HEIGHT_M), (border - overlap / 2, 0.0, WIDTH_M, HEIGHT_M))
    halves = [
        frame(f"{n}.tif", seen_in(objects, view, JITTER_M, seed + n), view) for n, view in enumerate(views)
    ]
    whole, together = frame("whole.tif", objects), united(*halves)
    for name in KINDS:
        assert seen(together, name) == seen(whole, name)
    for zone, fraction in whole.run.visibility.fractions.items():
        assert together.visibility.fractions[zone] == pytest.approx(fraction, abs=1e-9)
    assert examples.total(together.counts).status is Status.COMPLETE


@given(objects=parked(), borders=st.tuples(st.floats(300, 420), st.floats(380, 500)), seed=st.integers(0, 99))
@settings(max_examples=12)
def test_the_order_of_frames_does_not_matter(
    objects: Detections, borders: tuple[float, float], seed: int
) -> None:
    views = (
        (0.0, 0.0, borders[0], HEIGHT_M),
        (200.0, 0.0, 600.0, HEIGHT_M),
        (borders[1], 0.0, WIDTH_M, HEIGHT_M),
    )
    frames = [
        frame(f"{n}.tif", seen_in(objects, view, JITTER_M, seed + n), view) for n, view in enumerate(views)
    ]
    outcomes = [united(*order) for order in permutations(frames)]
    assert all(o.counts == outcomes[0].counts for o in outcomes)
    assert all(o.visibility.fractions == outcomes[0].visibility.fractions for o in outcomes)
    assert all(o.visibility.grid == outcomes[0].visibility.grid for o in outcomes)


def miscounted(name: str, offset_m: NDArray[np.float64], trials: int = 60) -> float:
    """Share of objects counted too often or not at all, of those within 60 m of the border of two frames."""
    chance = np.random.default_rng(7)
    wrong = total = 0
    for n in range(trials):
        border = 400 + chance.uniform(-20, 20)
        overlap = chance.uniform(0, 60)
        rows = [
            row_of(name, 400 - 40, y, int(80 / KINDS[name][1]), chance.uniform(-0.3, 0.3))
            for y in (100, 200, 300)
        ]
        objects = Detections.concatenate(rows)
        west = (0.0, 0.0, border + overlap / 2, HEIGHT_M)
        east = (border - overlap / 2, 0.0, WIDTH_M, HEIGHT_M)
        moved = replace(objects, polygons=objects.polygons + offset_m)
        one = frame("1.tif", seen_in(objects, west, JITTER_M, 2 * n), west)
        two = frame("2.tif", seen_in(moved, east, JITTER_M, 2 * n + 1), east)
        wrong += abs((seen(united(one, two), name) or 0) - len(objects))
        total += len(objects)
    return wrong / total


DIRECTIONS = [np.array((np.cos(a), np.sin(a))) for a in np.arange(0, 2 * np.pi, np.pi / 2)]


@pytest.mark.parametrize(("name", "offset_m", "most"), [
    ("plane", 3.0, 0.0), ("vehicle_large", 0.5, 0.0), ("vehicle_large", 2.0, 0.05), ("vehicle_small", 2.0, 0.06),
])  # fmt: skip
def test_frames_may_lie_off_each_other(name: str, offset_m: float, most: float) -> None:
    """Rows of vehicles 3 to 4 m apart bear little: a row moved by half its pitch looks like another row."""
    assert max(miscounted(name, offset_m * direction, 8) for direction in DIRECTIONS) <= most


def halves(
    view: Bounds = (0.0, 0.0, 420.0, HEIGHT_M), other: Bounds = (380.0, 0.0, 800.0, HEIGHT_M)
) -> list[Frame]:
    objects = row_of("plane", 100, 200, 10, 0.0)
    return [
        frame("west.tif", seen_in(objects, view), view),
        frame("east.tif", seen_in(objects, other), other),
    ]


def with_counts(of: Frame, **changes: object) -> Frame:
    """The frame with its counts of planes changed."""
    return replace(
        of,
        counts=tuple(replace(c, **changes) if c.class_name == "plane" else c for c in of.counts),  # type: ignore[arg-type]
    )


def planes(observation: Observation, zone: str = "*") -> Count:
    return examples.total(observation.counts, "plane", zone)


def test_a_cut_box_yields_to_the_whole_one() -> None:
    """Half of a plane in the frame that saw the most: its middle lies where the other frame sees it."""
    plane = row_of("plane", 408.0, 200.0, 1, 0.0)
    west, east = (0.0, 0.0, 409.0, HEIGHT_M), (350.0, 0.0, 700.0, HEIGHT_M)
    one, two = frame("1.tif", seen_in(plane, west), west), frame("2.tif", seen_in(plane, east), east)
    [cut] = one.run.detections.truncated
    assert cut
    assert [planes(united(one, two), z).seen for z in ("west", "east", "*")] == [0, 1, 1]
    assert examples.total(one.counts, "plane", "west").seen == 1


def test_aircraft_in_echelon_on_the_border_are_all_counted() -> None:
    """Their boxes overlap their neighbours' (IoU 0.12)."""
    at = np.array([(260.0 + 30 * k, 200.0 + 12 * k) for k in range(10)])
    objects = examples.boxes(at, (40.0, 36.0), angle_rad=0.6)
    for border in np.arange(380, 420, 3.0):
        views = ((0.0, 0.0, border + 30, HEIGHT_M), (border - 30, 0.0, WIDTH_M, HEIGHT_M))
        frames = [frame(f"{n}.tif", seen_in(objects, v, JITTER_M, n), v) for n, v in enumerate(views)]
        assert planes(united(*frames)).seen == 10


def test_what_no_frame_saw_stays_unseen() -> None:
    frames = halves((0.0, 0.0, 150.0, HEIGHT_M), (100.0, 0.0, 300.0, HEIGHT_M))
    together = united(*frames)
    assert planes(together).observed_fraction == pytest.approx(300 / 800, abs=1e-3)
    assert planes(together).status is Status.PARTIAL
    assert (planes(together, "east").seen, planes(together, "east").status) == (None, Status.UNSEEN)


def test_boxes_that_do_not_count_in_their_frame_do_not_count_in_the_union() -> None:
    west, east = halves()
    faint = replace(west.run.detections, scores=np.full(len(west.run.detections), 0.3, np.float32))
    hidden = replace(east.run, hidden=np.ones(len(east.run.detections), dtype=np.bool_))
    assert (
        planes(
            united(Frame(replace(west.run, detections=faint), west.counts), Frame(hidden, east.counts))
        ).seen
        == 0
    )


def test_a_class_is_counted_only_in_the_frames_fine_enough_for_it() -> None:
    west, east = halves()
    coarse = with_counts(east, seen=None, status=Status.OUT_OF_RANGE, reasons=("out_of_range",))
    together = planes(united(west, coarse))
    assert together.status is Status.PARTIAL
    assert together.seen == examples.total(west.counts).seen
    assert together.observed_fraction == pytest.approx(420 / 800, abs=1e-3)
    neither = with_counts(west, seen=None, status=Status.OUT_OF_RANGE, reasons=("out_of_range",))
    together = planes(united(neither, coarse))
    assert (together.seen, together.status) == (None, Status.OUT_OF_RANGE)


def test_statuses_and_reasons_of_the_frames_are_carried_over() -> None:
    west, east = halves()
    capped = with_counts(
        east, status=Status.SATURATED, reasons=("saturated", "uncalibrated", "synthetic_only")
    )
    together = united(west, capped)
    assert planes(together).status is Status.SATURATED
    assert planes(together).reasons == (
        "saturated",
        "no_mask",
        "uncalibrated",
        "synthetic_only",
        "frames_united",
    )
    assert planes(together).seen == 10
    ships = examples.total(together.counts, "ship")
    assert (ships.seen, ships.status, ships.reasons) == (
        None,
        Status.NOT_MODELLED,
        ("not_modelled", "frames_united"),
    )


@pytest.mark.parametrize("whole_elsewhere", [True, False])
def test_a_cut_object_is_told_only_if_no_frame_shows_it_whole(whole_elsewhere: bool) -> None:
    cut = examples.boxes([(395, 200) if whole_elsewhere else (20, 200)], truncated=np.array([True]))
    whole = examples.boxes([(395, 200) if whole_elsewhere else (700, 200)])
    west = examples.run(examples.scene("w.tif"), cut, view=(0, 0, 400, 400))
    east = examples.run(examples.scene("e.tif"), whole, view=(300, 0, 800, 400))
    one, other = (Frame(run, tuple(examples.counts(run))) for run in (west, east))
    one = with_counts(one, reasons=("partial", "truncated_objects", "uncalibrated"))
    together = planes(united(one, other))
    assert together.seen == (1 if whole_elsewhere else 2)
    assert ("truncated_objects" in together.reasons) is not whole_elsewhere


def test_an_estimate_for_one_frame_is_not_passed_off_as_one_for_all() -> None:
    west, east = halves()
    together = planes(united(west, with_counts(east, estimate=5.5, low=5.0, high=7.0)))
    assert (together.estimate, together.low, together.high) == (None, None, None)
    assert "frames_united" in together.reasons


def test_what_is_said_of_an_interval_goes_with_it() -> None:
    objects = row_of("plane", 100, 200, 10, 0.0)
    told = {9.0: ("sizes_hardly_calibrated:0.600",), 10.0: ("sizes_hardly_calibrated:0.500",)}
    frames = [
        with_counts(frame(f"{low}.tif", objects), estimate=10.5, low=low, high=12.0, reasons=reasons)
        for low, reasons in told.items()
    ]
    together = planes(united(*frames))
    assert together.low is not None
    assert [r for r in together.reasons if ":" in r] == list(told[together.low])
    west, east = (with_counts(f, low=5.0, reasons=told[9.0]) for f in halves())
    together = planes(united(west, east))
    assert together.low is None
    assert not any(":" in r for r in together.reasons)


def masked(of: Frame, cloud: Bounds | None = None) -> Frame:
    """The frame under a mask: clear, or one that hides a rectangle."""
    run = replace(of.run, masks_hash=f"mask of {cloud}")
    if cloud is not None:
        west, south, east, north = cloud
        run = replace(run, visibility=without(run, cloud))
        x, y = (run.detections.centres - (examples.EAST, examples.NORTH)).T
        run = replace(run, hidden=(x >= west) & (x < east) & (y >= south) & (y < north))
    return Frame(run, tuple(examples.counts(run)))


def without(run: Run, cloud: Bounds) -> Visibility:
    """What a run saw, less a rectangle."""
    columns, rows = (np.arange(size) + 0.5 for size in (WIDTH_M, HEIGHT_M))
    grid = run.visibility.grid
    assert grid is not None
    at = np.stack(np.meshgrid(columns + examples.EAST, HEIGHT_M - rows + examples.NORTH), axis=-1)
    valid = grid.contains(at.reshape(-1, 2)).reshape(at.shape[:2])
    west, south, east, north = cloud
    across, up = (columns >= west) & (columns < east), (HEIGHT_M - rows >= south) & (HEIGHT_M - rows < north)
    valid &= ~(across & up[:, None])
    meter = VisibilityMeter(examples.site().zones_in_plane(examples.CRS, 0.5), examples.CRS)
    west, north = examples.EAST, examples.NORTH + HEIGHT_M
    ground = (west, examples.NORTH, west + WIDTH_M, north)
    meter.add(ground, Affine(1, 0, west, 0, -1, north), valid)
    return meter.result()


@st.composite
def clouds(draw: st.DrawFn) -> Bounds:
    """Rectangles of any size on the ground, on whole metres."""
    west, south = draw(st.integers(0, 700)), draw(st.integers(0, 300))
    return west, south, west + draw(st.integers(20, 800)), south + draw(st.integers(20, 400))


def unmasked(*frames: Frame) -> set[str]:
    """The zones whose numbers say that no mask lay over all of their ground; of a class that is known all or none."""
    counts = [c for c in united(*frames).counts if c.seen is not None]
    said = {c.zone for c in counts if "no_mask" in c.reasons}
    assert said.isdisjoint(c.zone for c in counts if "no_mask" not in c.reasons)
    return said


def test_that_no_mask_lay_is_said_of_ground_from_a_frame_without_one() -> None:
    west, east = halves((0.0, 0.0, 400.0, HEIGHT_M), (400.0, 0.0, 800.0, HEIGHT_M))
    assert unmasked(west, east) == {"west", "east", "*"}
    assert unmasked(masked(west), masked(east)) == set()
    assert unmasked(west, masked(east)) == {"west", "*"}
    assert unmasked(masked(west), east) == {"east", "*"}


def test_a_frame_without_a_mask_that_adds_no_ground_leaves_the_mask_of_the_others() -> None:
    west, _ = halves()
    objects = row_of("plane", 100, 200, 10, 0.0)
    whole = frame("whole.tif", objects)
    assert unmasked(masked(whole), west) == set()
    assert unmasked(whole, masked(west)) == {"west", "east", "*"}


@given(objects=parked(), cloud=clouds())
@settings(max_examples=25)
def test_a_copy_without_a_mask_adds_nothing_to_the_frame_with_one(objects: Detections, cloud: Bounds) -> None:
    """Whatever lies under the cloud stays unseen, in either order of the two."""
    alone, copy = masked(frame("a.tif", objects), cloud), frame("copy.tif", objects)
    for pair in ((alone, copy), (copy, alone)):
        together = united(*pair)
        assert together.visibility.fractions == alone.run.visibility.fractions
        assert together.visibility.grid == alone.run.visibility.grid
        for count, own in zip(together.counts, alone.counts, strict=True):
            assert (count.seen, count.status) == (own.seen, own.status)
            new = {"frames_united", "detections_under_mask_left_out", "seen_less_than_half"}
            assert set(count.reasons) - set(own.reasons) <= new
        assert together.frames == (alone, copy)
        for name in KINDS:
            whole_ground = together.counts[0].site, "*", name
            total = next(c for c in together.counts if (c.site, c.zone, c.class_name) == whole_ground)
            assert len(united_boxes(pair, name)) == (total.seen or 0)


def test_boxes_that_the_mask_of_another_frame_hides_are_said_to_be_left_out() -> None:
    objects = row_of("plane", 100, 200, 10, 0.0)
    alone, copy = masked(frame("a.tif", objects), (0.0, 0.0, 200.0, HEIGHT_M)), frame("copy.tif", objects)
    together = united(alone, copy)
    told = {
        c.zone: "detections_under_mask_left_out" in c.reasons
        for c in together.counts
        if c.class_name == "plane"
    }
    assert told == {"west": True, "east": False, "*": True}
    assert (planes(together).seen, planes(together).status) == (7, Status.PARTIAL)


def test_a_frame_without_a_mask_keeps_the_ground_beyond_the_masked_one() -> None:
    objects = row_of("plane", 100, 200, 10, 0.0)
    view = (0.0, 0.0, 400.0, HEIGHT_M)
    west = masked(frame("west.tif", seen_in(objects, view), view), (0.0, 0.0, 200.0, HEIGHT_M))
    whole = frame("whole.tif", objects)
    for together in (united(west, whole), united(whole, west)):
        assert together.visibility.fractions == pytest.approx({"west": 0.5, "east": 1.0, "*": 0.75}, abs=1e-3)
        assert (planes(together).seen, planes(together, "east").status) == (7, Status.COMPLETE)
        said = {c.zone for c in together.counts if "no_mask" in c.reasons}
        assert said == {"east", "*"}


def test_frames_with_masks_of_their_own_keep_their_own_ground() -> None:
    """The cloud has moved between the two."""
    objects = row_of("plane", 100, 200, 10, 0.0)
    one = masked(frame("1.tif", objects), (0.0, 0.0, 200.0, HEIGHT_M))
    two = masked(frame("2.tif", objects), (400.0, 0.0, 600.0, HEIGHT_M))
    bare = frame("3.tif", objects)
    for frames in permutations((one, two, bare)):
        together = united(*frames)
        assert (planes(together).seen, planes(together).status) == (10, Status.COMPLETE)
        assert "no_mask" not in planes(together).reasons


def test_an_interval_for_all_ground_does_not_stand_for_what_masks_leave_of_it() -> None:
    """The masked frame is too coarse for planes: they are counted in the other, on the ground that is left."""
    objects = row_of("plane", 420, 200, 5, 0.0)
    coarse = masked(frame("a.tif", objects), (0.0, 0.0, 200.0, HEIGHT_M))
    coarse = with_counts(coarse, seen=None, status=Status.OUT_OF_RANGE, reasons=("out_of_range",))
    fine = with_counts(frame("b.tif", objects), estimate=5.5, low=5.0, high=7.0)
    together = planes(united(coarse, fine))
    assert (together.seen, together.status, together.low) == (5, Status.PARTIAL, None)
    assert together.observed_fraction == pytest.approx(0.75, abs=1e-3)


def test_counts_of_several_frames_say_so_and_those_of_one_do_not() -> None:
    west, east = halves()
    assert all(c.reasons[-1] == "frames_united" for c in united(west, east).counts)
    assert not any("frames_united" in c.reasons for c in united(west).counts)


def test_frames_that_cannot_be_compared_are_refused() -> None:
    west, east = halves()
    assert comparable([west.run, east.run])
    other_model = Frame(replace(east.run, model=examples.OTHER_MODEL), east.counts)
    picture = Frame(replace(east.run, visibility=replace(east.run.visibility, grid=None)), east.counts)
    for other in (other_model, picture):
        assert not comparable([west.run, other.run])
        with pytest.raises(ValueError, match="cannot be united"):
            united(west, other)
