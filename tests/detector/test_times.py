"""When a scene was taken: ISO 8601, metadata, file names, and which source holds."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apronwatch.errors import BadTime, ContradictingTimes, NoTime
from apronwatch.times import (
    SOURCES,
    AcquisitionTime,
    from_datetime,
    from_metadata,
    from_name,
    parse_time,
    resolve,
)

TODAY = date(2026, 11, 22)


def at(text: str, source: str = "option") -> AcquisitionTime:
    return parse_time(text, source)


@pytest.mark.parametrize(
    ("text", "time", "precision"),
    [
        ("2024-12-10", datetime(2024, 12, 10, tzinfo=UTC), "day"),
        ("20241210", datetime(2024, 12, 10, tzinfo=UTC), "day"),
        ("2024-12-10T08", datetime(2024, 12, 10, 8, tzinfo=UTC), "hour"),
        ("2024-12-10T08:15Z", datetime(2024, 12, 10, 8, 15, tzinfo=UTC), "minute"),
        ("2024-12-10 08:15:30", datetime(2024, 12, 10, 8, 15, 30, tzinfo=UTC), "second"),
        ("2024-12-10T08:15:30.123456Z", datetime(2024, 12, 10, 8, 15, 30, tzinfo=UTC), "second"),
        ("20241210T011530+0300", datetime(2024, 12, 9, 22, 15, 30, tzinfo=UTC), "second"),
        ("2024-12-10T20:15-05:30", datetime(2024, 12, 11, 1, 45, tzinfo=UTC), "minute"),
    ],
)
def test_iso_8601_becomes_utc_with_its_precision(text: str, time: datetime, precision: str) -> None:
    found = parse_time(text)
    assert (found.time, found.precision) == (time, precision)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024", "2024-12", "2024-13-01", "2024-02-30", "10.12.2024"]
)
def test_anything_else_is_refused_with_the_form_that_is_expected(text: str) -> None:
    with pytest.raises(BadTime, match="ISO 8601"):
        parse_time(text)


def test_a_datetime_without_a_zone_is_utc() -> None:
    assert from_datetime(datetime(2024, 12, 10, 8)).time == datetime(2024, 12, 10, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "time", "precision"),
    [
        ("2024:12:10 08:15:00", datetime(2024, 12, 10, 8, 15, tzinfo=UTC), "second"),
        ("2024:12:10 00:00:00", datetime(2024, 12, 10, tzinfo=UTC), "day"),
        ("2024-12-10T00:00:00Z", datetime(2024, 12, 10, tzinfo=UTC), "day"),
        ("20241210081530", datetime(2024, 12, 10, 8, 15, 30, tzinfo=UTC), "second"),
        ("20241210------", datetime(2024, 12, 10, tzinfo=UTC), "day"),
        ("2024121008----", datetime(2024, 12, 10, 8, tzinfo=UTC), "hour"),
        ("2012-10-29T10:11:12.123456Z;", None, None),
        ("--------------", None, None),
        ("0000-00-00", None, None),
        ("", None, None),
    ],
)
def test_metadata_in_the_forms_of_tiff_and_nitf(
    text: str, time: datetime | None, precision: str | None
) -> None:
    found = from_metadata(text, "nitf")
    assert (found and found.time, found and found.precision) == (time, precision)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("khmeimim_20241210.tif", "2024-12-10"),
        ("khmeimim-2024-12-10.tif", "2024-12-10"),
        ("IMG20241210v2.tif", "2024-12-10"),
        ("20241210T081530_scene.tif", "2024-12-10T08:15:30"),
        ("20241210081530.tif", "2024-12-10T08:15:30"),
        ("2024-12-10T08-15-30Z.tif", "2024-12-10T08:15:30"),
        ("khmeimim_2024_12_10.tif", "2024-12-10"),
        ("128th_ARW1_google_230924_19_134140_192760_12_12_1168_419_1808_1059.tif", "2023-09-24"),
        ("20241210_101112_03_2434_3B_Visual.tif", "2024-12-10"),  # 101112 is a clock, not 2010-11-12
        ("S2_20241210T081530_20241210T101010.tif", "2024-12-10T08:15:30"),
    ],
)
def test_the_one_date_in_a_file_name(name: str, expected: str) -> None:
    found = from_name(name, today=TODAY)
    assert found is not None
    assert (found.time, found.precision) == (at(expected).time, at(expected).precision)


@pytest.mark.parametrize(
    "name",
    [
        "014de911-7810-4f7d-8967-3e5402209f4a.jpg",
        "20191105-7810-4f7d-8967-3e5402209f4a.jpg",  # digits of a UUID
        "a20191105bcdef01234567.tif",  # digits of a hash
        "20241301.tif",
        "20991231.tif",  # yet to come
        "mosaic_20241201_20241231.tif",  # two dates: neither is sure
        "tile_230924_230925.tif",
        "134140_192760.tif",
        "scene12.tif",
        "1020241210.tif",  # within a longer number
        "x230924.tif",  # six digits count only as a token
    ],
)
def test_names_without_one_sure_date_give_none(name: str) -> None:
    assert from_name(name, today=TODAY) is None


@given(st.dates(date(1960, 1, 1), TODAY), st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%Y_%m_%d"]))
def test_any_past_date_is_found_again(day: date, form: str) -> None:
    found = from_name(f"site_{day.strftime(form)}_rgb.tif", today=TODAY)
    assert found is not None
    assert found.time.date() == day


@given(st.permutations(SOURCES))
def test_the_first_source_holds_in_whatever_order_they_are_found(order: list[str]) -> None:
    hours = {source: hour for hour, source in enumerate(SOURCES)}
    found = [at(f"2024-12-10T{hours[source]:02d}:00:00", source) for source in order]
    assert resolve(found, "x")[0].source == "option"
    assert (
        resolve([one for one in found if one.source not in ("option", "manifest")], "x")[0].source == "stac"
    )


def test_no_time_lists_what_was_tried_and_the_ways_out() -> None:
    with pytest.raises(NoTime, match=r"STAC.*IDATIM.*\.IMD.*YYMMDD.*TIFFTAG_DATETIME.*--time.*--undated"):
        resolve([], "x.tif")


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        ("2024-12-10", "2024-12-10T23:59:59", False),
        ("2024-12-10", "2024-12-11T01:00:00", False),  # the afternoon of the 10th in Hawaii
        ("2024-12-11", "2024-12-10T22:30:00", False),  # the morning of the 11th in New Zealand
        ("2024-12-10", "2024-12-11", True),
        ("2024-12-10T10:00:00", "2024-12-11T09:59:59", False),
        ("2024-12-10T10:00:00", "2024-12-11T10:00:00", True),
        ("2024-12-10", "2024-12-11T13:00:00", True),
    ],
)
def test_a_day_or_more_apart_is_a_contradiction(one: str, other: str, contradict: bool) -> None:
    found = [at(one, "name"), at(other, "stac")]
    assert found[0].contradicts(found[1]) == found[1].contradicts(found[0]) == contradict
    if not contradict:
        assert resolve(found, "x.tif")[0].source == "stac"
        return
    with pytest.raises(ContradictingTimes) as caught:
        resolve(found, "x.tif")
    assert one in str(caught.value)
    assert other in str(caught.value)


def test_a_contradiction_behind_the_first_source_is_one_too() -> None:
    found = [at("2024-12-10T12", "option"), at("2024-12-10", "sidecar"), at("2024-12-14", "name")]
    with pytest.raises(ContradictingTimes, match="2024-12-14"):
        resolve(found, "x.tif")


def test_tifftag_datetime_never_contradicts_but_is_told() -> None:
    time, warnings = resolve([at("2024-12-10", "name"), at("2025-02-01", "tiff")], "x.tif")
    assert time.source == "name"
    assert "2025-02-01" in " ".join(warnings)
    time, warnings = resolve([at("2025-02-01", "tiff")], "x.tif")
    assert time.source == "tiff"
    assert "time of processing" in " ".join(warnings)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2025, 1, 1)), st.integers(-14, 14))
def test_a_zone_moves_the_clock_and_not_the_instant(moment: datetime, hours: int) -> None:
    shown = (moment + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S")
    found = parse_time(f"{shown}{hours:+03d}:00")
    assert found.time == moment.replace(microsecond=0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2024-12-01T00:00+99:00", "zone"),
        ("2024-12-01T00:00-14:01", "zone"),
        ("2024-12-01T00:00+02:60", "zone"),
        ("1949-12-31", "before 1950"),
        ("2199-01-01", "in the future"),
        ("", "expected ISO 8601"),
    ],
)
def test_a_time_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(BadTime, match=said):
        parse_time(text)


def test_a_datetime_is_held_to_the_same_years() -> None:
    for year in (1949, 2199):
        with pytest.raises(BadTime, match="expected"):
            from_datetime(datetime(year, 1, 1))


def test_the_farthest_zones_and_tomorrow_are_times() -> None:
    assert parse_time("2024-12-01T00:00+14:00").time.day == 30
    parse_time((datetime.now(UTC) + timedelta(hours=20)).isoformat(timespec="seconds"))
