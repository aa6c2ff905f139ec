"""A series is one look for each acquisition: the newest run, a success before a failure, frames united."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from apronwatch.archive import Archive, SeriesRow
from apronwatch.counts import Status, failed_counts
from apronwatch.errors import ClassUnknown, ModelUnknown, SiteUnknown
from apronwatch.preview import Preview
from apronwatch.run import ModelInfo, Run
from apronwatch.site import Site
from tests.detector.archive import examples

WEST, EAST = (0, 0, 420, 400), (380, 0, 800, 400)
"""Two frames that overlap by 40 m and show the site together."""


def stored(archive: Archive, run: Run, place: Site | None = None, **hashes: str) -> int:
    return archive.store(run, examples.counts(run, place), place or examples.site(), **hashes)


def failed(archive: Archive, run: Run) -> int:
    place = examples.site()
    return archive.store_failure(run.scene, run.model, run.parameters, place, failed_counts(place), "boom")


def planes(archive: Archive, **chosen: Any) -> list[SeriesRow]:
    return archive.series("base", **{"zone": "*", "class_name": "plane"} | chosen)


def frames(archive: Archive, acquisition: str | None = "pass-7", **changes: Any) -> tuple[int, int]:
    """Two frames of one acquisition with three planes, one of them seen by both."""
    west = examples.scene("west.tif", acquisition=acquisition, **changes)
    later = {"time": (changes.get("time") or examples.NOON) + timedelta(seconds=7)}
    east = examples.scene("east.tif", acquisition=acquisition, **changes | later)
    return (
        stored(archive, examples.run(west, examples.boxes([(100, 100), (400, 200)], (30, 20)), view=WEST)),
        stored(
            archive, examples.run(east, examples.boxes([(400.3, 200.2), (600, 100)], (30, 20)), view=EAST)
        ),
    )


def test_looks_stand_in_order_of_time_and_undated_ones_are_left_out(archive: Archive) -> None:
    for number in (3, 1, 2):
        stored(archive, examples.run(examples.scene(f"{number}.tif", **examples.day(number))))
    stored(archive, examples.run(examples.scene("undated.tif", time=None, time_precision=None)))
    rows = archive.series("base")
    assert [r.scene_path for r in rows[:: 3 * 5]] == ["images/1.tif", "images/2.tif", "images/3.tif"]
    assert len(rows) == 3 * 3 * 5
    assert [(r.count.zone, r.count.class_name) for r in rows[:6]] == [
        ("west", "plane"),
        ("west", "helicopter"),
        ("west", "vehicle_small"),
        ("west", "vehicle_large"),
        ("west", "ship"),
        ("east", "plane"),
    ]


def test_a_row_says_where_its_number_comes_from(archive: Archive) -> None:
    run_id = stored(archive, examples.run(examples.scene(synthetic=True, time_precision="day")))
    [row] = planes(archive)
    assert row == SeriesRow(
        time=examples.NOON,
        time_precision="day",
        count=examples.total(examples.counts(examples.run())),
        scene_sha256=examples.scene().sha256,
        scene_identity=examples.scene().identity,
        scene_path="images/a.tif",
        run_id=run_id,
        run_ids=(run_id,),
        model_name="test-model",
        model_sha256="ab" * 32,
        geometry_sha256=examples.site().geometry_hash,
        gsd_m=0.5,
        synthetic=True,
        frames=1,
    )
    assert row.count.seen == 3


def test_the_newest_run_stands_unless_a_model_is_named(archive: Archive) -> None:
    old = stored(archive, examples.run())
    new = stored(archive, examples.run(model=examples.OTHER_MODEL, found=examples.boxes([(100, 100)])))
    assert [(r.run_id, r.count.seen) for r in planes(archive)] == [(new, 1)]
    for name in ("test-model", "ab" * 32):
        assert [(r.run_id, r.count.seen) for r in planes(archive, model=name)] == [(old, 3)]
    with pytest.raises(ModelUnknown, match="it has other-model, test-model"):
        planes(archive, model="none")


def test_a_failure_stands_only_where_there_is_no_success(archive: Archive) -> None:
    failed(archive, examples.run())
    [row] = planes(archive)
    assert (row.count.status, row.count.seen) == (Status.FAILED, None)
    good = stored(archive, examples.run(model=examples.OTHER_MODEL))
    failed(archive, examples.run(model=replace(examples.MODEL, sha256="ef" * 32)))
    [row] = planes(archive)
    assert (row.run_id, row.count.seen) == (good, 3)


def test_only_what_was_asked_for(archive: Archive) -> None:
    stored(archive, examples.run())
    assert {r.count.zone for r in archive.series("base", zone="west")} == {"west"}
    assert {r.count.class_name for r in archive.series("base", classes=["ship", "plane"])} == {
        "ship",
        "plane",
    }
    with pytest.raises(SiteUnknown, match="no zone north; it has"):
        archive.series("base", zone="north")
    with pytest.raises(SiteUnknown, match="it holds base"):
        archive.series("elsewhere")
    with pytest.raises(ClassUnknown, match="tank"):
        archive.series("base", class_name="tank")


def test_zeros_and_nothing_are_told_apart(archive: Archive) -> None:
    stored(archive, examples.run(found=examples.boxes([]), view=(0, 0, 400, 400)))
    seen = {(r.count.zone, r.count.class_name): r.count for r in archive.series("base")}
    assert seen["west", "plane"].seen == 0
    assert seen["east", "plane"].seen is None
    assert seen["east", "plane"].status is Status.UNSEEN
    assert seen["west", "ship"].seen is None


@pytest.mark.parametrize("acquisition", ["pass-7", None])
def test_frames_of_one_acquisition_are_one_look(archive: Archive, acquisition: str | None) -> None:
    west, east = frames(archive, acquisition)
    [row] = planes(archive)
    assert row.count.seen == 3
    assert row.count.status is Status.COMPLETE
    assert row.count.observed_fraction == pytest.approx(1, abs=1e-6)
    assert set(row.run_ids) == {west, east}
    assert row.run_id == row.run_ids[0]
    assert (row.frames, row.time) == (2, examples.NOON)
    zones = {r.count.zone: r.count for r in archive.series("base", class_name="plane")}
    assert [zones["west"].seen, zones["east"].seen] in ([1, 2], [2, 1])


def same_day(archive: Archive, *hours: float, **facts: Any) -> list[SeriesRow]:
    """The looks that scenes of one day make, taken so many hours after noon."""
    for n, hour in enumerate(hours):
        told = {"time": examples.NOON + timedelta(hours=hour)} | facts
        stored(archive, examples.run(examples.scene(f"{n}.tif", **told)))
    return planes(archive)


@pytest.mark.parametrize("sensor", [None, "WV03"])
@pytest.mark.parametrize("precision", ["second", "minute"])
def test_a_pass_ends_where_a_quarter_of_an_hour_is_left_out(
    archive: Archive, sensor: str | None, precision: str
) -> None:
    """Frames follow each other from 11.75 on; morning and evening are looks of their own."""
    rows = same_day(archive, -4, 0, -0.25, 0.25, 0.51, 7, sensor=sensor, time_precision=precision)
    assert [(r.time - examples.NOON) / timedelta(hours=1) for r in rows] == [-4, -0.25, 0.51, 7]
    assert [r.frames for r in rows] == [1, 3, 1, 1]
    assert not any("united_by_date" in r.count.reasons for r in rows)


def test_a_pass_goes_on_past_midnight(archive: Archive) -> None:
    assert [r.frames for r in same_day(archive, 11.9, 12.1)] == [2]


def test_frames_dated_to_the_day_are_united_by_date_and_say_so(archive: Archive) -> None:
    [row] = same_day(archive, -12, -12, sensor=None, time_precision="day")
    assert row.frames == 2
    assert row.count.reasons == ("no_mask", "uncalibrated", "frames_united", "united_by_date")
    exact = stored(archive, examples.run(examples.scene("exact.tif", sensor=None)))
    by_day, alone = planes(archive)
    assert (by_day.frames, alone.run_ids) == (2, (exact,))
    assert "united_by_date" not in alone.count.reasons


def test_frames_dated_to_the_hour_are_united_within_it(archive: Archive) -> None:
    rows = same_day(archive, -4, -4, 6, time_precision="hour")
    assert [(r.frames, "united_by_date" in r.count.reasons) for r in rows] == [(2, True), (1, False)]


def test_an_acquisition_id_outweighs_times(archive: Archive) -> None:
    [row] = same_day(archive, 0, 3, acquisition="pass-7")
    assert row.frames == 2
    assert "united_by_date" not in row.count.reasons


def test_an_acquisition_id_used_again_days_later_is_another_look(archive: Archive) -> None:
    rows = same_day(archive, 0, 3, 7 * 24, acquisition="pass-7")
    assert [r.frames for r in rows] == [2, 1]
    assert ["acquisition_id_reused" in r.count.reasons for r in rows] == [True, True]


@pytest.mark.parametrize(("hours", "looks"), [(23.9, 1), (24.0, 2)])
def test_frames_of_an_acquisition_id_lie_less_than_a_day_apart(
    archive: Archive, hours: float, looks: int
) -> None:
    rows = same_day(archive, 0, hours, acquisition="pass-7")
    assert [("acquisition_id_reused" in r.count.reasons) for r in rows] == [looks > 1] * looks


def test_frames_of_other_dates_sensors_or_acquisitions_are_not_united(archive: Archive) -> None:
    for n, different in enumerate(
        [
            {"acquisition": "pass-1"},
            {"acquisition": "pass-2"},
            {"acquisition": "pass-2", "sensor": "WV02"},
            {"sensor": None},
            {},
            examples.day(1),
        ]
    ):
        stored(archive, examples.run(examples.scene(f"{n}.tif", **different)))
    rows = planes(archive)
    assert [r.frames for r in rows] == [1] * 6
    assert [r.count.seen for r in rows] == [3] * 6


def test_the_same_frame_twice_counts_once(archive: Archive) -> None:
    stored(archive, examples.run(examples.scene("a.tif", bits="x")))
    stored(archive, examples.run(examples.scene("copy.tif", bits="x")))
    stored(archive, examples.run(examples.scene("other bits, same picture.tif")))
    [row] = planes(archive)
    assert (row.count.seen, row.frames) == (3, 2)


def test_frames_are_united_only_under_the_same_weights_and_outline(archive: Archive) -> None:
    frames(archive)
    newer = examples.run(
        examples.scene("west.tif", acquisition="pass-7"),
        examples.boxes([(100, 100)]),
        view=WEST,
        model=examples.OTHER_MODEL,
    )
    new = stored(archive, newer)
    [row] = planes(archive)
    assert (row.run_ids, row.count.seen, row.count.status) == ((new,), 1, Status.PARTIAL)
    [row] = planes(archive, model="test-model")
    assert (row.frames, row.count.seen) == (2, 3)

    place = examples.site(size_m=390)
    west = examples.scene("west.tif", acquisition="pass-7")
    newest = stored(archive, examples.run(west, examples.boxes([]), place=place, view=WEST), place)
    [row] = planes(archive)
    assert (row.run_ids, row.count.seen) == ((newest,), 0)


def test_a_failed_frame_leaves_its_ground_unseen(archive: Archive) -> None:
    west = examples.scene("west.tif", acquisition="pass-7")
    stored(archive, examples.run(west, examples.boxes([(100, 100)]), view=WEST))
    failed(archive, examples.run(examples.scene("east.tif", acquisition="pass-7"), view=EAST))
    [row] = planes(archive)
    assert (row.frames, row.count.seen, row.count.status) == (1, 1, Status.PARTIAL)
    assert row.count.observed_fraction == pytest.approx(420 / 800, abs=0.01)


def show(
    archive: Archive, hour: float, pixels: int, *, model: ModelInfo = examples.MODEL, **facts: Any
) -> int:
    """Store a scene taken so many hours after noon; the same number is the same picture."""
    told = {"time": examples.NOON + timedelta(hours=hour)} | facts
    info = examples.scene(f"{hour} {pixels} {facts.get('acquisition')}.tif", **told)
    cells = np.random.default_rng(pixels).integers(1, 256, (128, 128)).astype(np.uint8)
    preview = Preview(examples.CRS, {(0, 0): cells})
    return stored(archive, replace(examples.run(info, model=model), preview=preview))


def twins(rows: list[SeriesRow]) -> dict[int, tuple[int, ...]]:
    """Of the looks that say that another shows the same picture: run id -> runs of those others."""
    said = {r.run_id: r.twins for r in rows if "same_picture_at_another_time" in r.count.reasons}
    assert said == {r.run_id: r.twins for r in rows if r.twins}
    return said


def test_looks_of_one_picture_name_each_other(archive: Archive) -> None:
    p, q, p_again, q_again, _ = (
        show(archive, n, pixels, acquisition=str(n)) for n, pixels in enumerate((1, 2, 1, 2, 3))
    )
    rows = planes(archive)
    assert [r.frames for r in rows] == [1] * 5
    assert twins(rows) == {p: (p_again,), q: (q_again,), p_again: (p,), q_again: (q,)}


@pytest.mark.parametrize("other", [None, "pass-7"], ids=["a chain of frames", "an acquisition id"])
def test_a_picture_under_two_times_within_one_look_is_shown_once(archive: Archive, other: str | None) -> None:
    """Nothing in a look of its own shows it: there is nothing to warn of, until there is."""
    show(archive, 0, 1)
    show(archive, 0.4, 1, acquisition=other)
    show(archive, 0.2, 2, acquisition=other)
    [row] = planes(archive)
    assert (row.frames, twins([row])) == (3, {})
    late = show(archive, 7, 1)
    first, last = planes(archive)
    assert len(first.run_ids) == 3
    assert set(twins([first, last])) == {first.run_id, late}
    assert len(first.twins) == 1
    assert set(last.twins) < set(first.run_ids)


def test_the_picture_tells_where_the_time_fits_two_looks(archive: Archive) -> None:
    """Two strips of one satellite, and a copy that lost its id: its time alone could be that of either."""
    strips = [show(archive, hour, n, acquisition=str(n)) for n, hour in enumerate((0, 0.2))]
    copy = show(archive, 0.1, 1)
    first, second = planes(archive)
    assert first.run_ids == (strips[0],)
    assert set(second.run_ids) == {strips[1], copy}
    assert "united_by_content" in second.count.reasons
    other = show(archive, 0.1, 5)
    rows = planes(archive)
    assert [r.frames for r in rows if other in r.run_ids] == [1]
    assert (len(rows), twins(rows)) == (3, {})


def test_a_picture_shown_twice_is_said_whatever_kept_its_looks_apart(archive: Archive) -> None:
    """A chain of frames that ends at one of another id."""
    show(archive, 0, 1, acquisition="a")
    show(archive, 0.2, 2)
    third, fourth = show(archive, 0.4, 3), show(archive, 0.6, 3, acquisition="b")
    first, last = planes(archive)
    assert (first.frames, last.frames) == (3, 1)
    assert (first.twins, last.twins) == ((fourth,), (third,))
    assert set(twins([first, last])) == {first.run_id, fourth}


def test_a_picture_is_said_to_be_shown_twice_where_a_look_would_last_a_day(archive: Archive) -> None:
    show(archive, 0.5, 2, acquisition="a")
    one = show(archive, -11.8, 1, acquisition="a")
    other = show(archive, -36, 1, time_precision="day", sensor=None)
    first, last = planes(archive)
    assert (first.run_ids, first.twins, last.twins) == ((other,), (one,), (other,))
    assert set(twins([first, last])) == {other, last.run_id}


def test_a_frame_that_no_look_shows_is_no_second_look(archive: Archive) -> None:
    """It was counted by other weights than the frame that stands for its acquisition."""
    show(archive, 0, 1, acquisition="a")
    show(archive, 0.1, 2, acquisition="a", model=examples.OTHER_MODEL)
    show(archive, 7, 1)
    rows = planes(archive)
    assert [r.frames for r in rows] == [1, 1]
    assert twins(rows) == {}


def test_pictures_without_georeference_are_looks_of_their_own(archive: Archive) -> None:
    for name in ("a.png", "b.png"):
        info = examples.picture(name, acquisition="pass-7")
        place = Site.whole_picture("base", info)
        run = examples.run(info, place=place, found=examples.boxes([]), view=(0, -500, 1000, 0))
        run = replace(run, detections=replace(run.detections, crs=None, unit_m=0.5))
        stored(archive, run, place)
    rows = planes(archive)
    assert [(r.frames, r.count.seen) for r in rows] == [(1, 0), (1, 0)]
    assert all("frames_not_comparable" in r.count.reasons for r in rows)


def test_whole_pictures_share_no_place_and_are_looks_of_their_own(archive: Archive) -> None:
    footprints = ("POLYGON ((36.79 35.22, 36.8 35.22, 36.8 35.23, 36.79 35.22))",
                  "POLYGON ((36.79 35.22, 36.81 35.22, 36.81 35.23, 36.79 35.22))")  # fmt: skip
    for n, footprint in enumerate(footprints):
        info = examples.scene(f"{n}.tif", footprint_wkt=footprint, acquisition="pass-7")
        place = Site.whole_picture("base", info)
        stored(archive, examples.run(info, place=place), place)
    rows = planes(archive)
    assert [r.frames for r in rows] == [1, 1]
    assert all("frames_not_comparable" in r.count.reasons for r in rows)


def reasons(rows: list[SeriesRow]) -> list[bool]:
    return ["other_outline" in row.count.reasons for row in rows]


def test_a_zone_drawn_anew_is_another_question(archive: Archive) -> None:
    """Zone by zone: the one that was left as it was goes on."""
    old, new = examples.site(names=("west",), size_m=100), examples.site(names=("west",), size_m=300)
    kept = examples.site(names=("x", "east")).zones[1]
    old, new = (replace(place, zones=(*place.zones, kept)) for place in (old, new))
    for n, place in enumerate((old, new, new)):
        run = examples.run(examples.scene(f"{n}.tif", **examples.day(n)), place=place)
        stored(archive, run, place)
    assert reasons(planes(archive, zone="west")) == [True, False, False]
    assert reasons(planes(archive, zone="east")) == [False, False, False]
    assert reasons(planes(archive)) == [True, False, False]
    hashes = [row.geometry_sha256 for row in planes(archive)]
    assert hashes == [old.geometry_hash, new.geometry_hash, new.geometry_hash]
    assert archive.other_outlines(1) == {"west", "*"}
    assert archive.other_outlines(2) == set()


def test_a_zone_that_the_newest_version_lacks_is_another_outline(archive: Archive) -> None:
    both, one = examples.site(), examples.site(names=("west",))
    stored(archive, examples.run(place=both), both)
    stored(archive, examples.run(examples.scene("b.tif", **examples.day(1)), place=one), one)
    assert [reasons(planes(archive, zone=z)) for z in ("west", "east", "*")] == [
        [False, False],
        [True],
        [True, False],
    ]


def test_whole_pictures_of_about_one_extent_are_a_series(archive: Archive) -> None:
    """Cut a pixel apart; and one that shows half as much again."""
    for n, east in enumerate((36.8100, 36.81002, 36.8150, 36.80998)):
        footprint = f"POLYGON ((36.8 35.22, {east} 35.22, {east} 35.23, 36.8 35.23, 36.8 35.22))"
        info = examples.scene(f"{n}.tif", footprint_wkt=footprint, **examples.day(n))
        place = Site.whole_picture("base", info)
        stored(archive, examples.run(info, place=place), place)
    assert reasons(planes(archive)) == [False, False, True, False]
    assert reasons(planes(archive, zone="image")) == [False, False, True, False]


def test_whole_pictures_in_pixels_are_compared_in_metres(archive: Archive) -> None:
    for n, (gsd_m, width) in enumerate(((1.0, 1000), (0.5, 1000), (0.501, 2000), (1.0, 1000))):
        info = replace(
            examples.picture(f"{n}.png", gsd_m=gsd_m, **examples.day(n)), width=width, height=width
        )
        place = Site.whole_picture("base", info)
        run = examples.run(info, place=place, found=examples.boxes([]), view=(0, -500, 1000, 0))
        stored(archive, replace(run, detections=replace(run.detections, crs=None, unit_m=gsd_m)), place)
    assert reasons(planes(archive)) == [False, True, False, False]


def test_the_run_last_asked_for_stands_though_another_was_made_later(archive: Archive) -> None:
    """Counting with the site as it was, as it is now, and as it was again, which comes from the archive."""
    old, new = examples.site(size_m=300), examples.site(size_m=400)
    first = stored(archive, examples.run(place=old), old)
    second = stored(archive, examples.run(place=new), new)
    assert [row.run_id for row in planes(archive)] == [second]
    again = archive.stored(examples.run(place=old).key)
    assert again is not None
    archive.ask_again(again.run_id, examples.scene())
    assert [row.run_id for row in planes(archive)] == [first]
    assert archive.site("base").geometry_hash == old.geometry_hash
    assert reasons(planes(archive)) == [False]
    stored(archive, examples.run(place=new), new)
    assert [row.run_id for row in planes(archive)] == [second]


def test_redating_moves_a_look(archive: Archive) -> None:
    first = stored(archive, examples.run(examples.scene("1.tif", **examples.day(1))))
    stored(archive, examples.run(examples.scene("2.tif", **examples.day(2))))
    archive.redate(first, examples.NOON + timedelta(days=5), "day")
    assert [r.scene_path for r in planes(archive)] == ["images/2.tif", "images/1.tif"]
    assert planes(archive)[1].time_precision == "day"
