"""One look, not two: the same acquisition under other names, grids and products; and two looks that stay two."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine

from apronwatch.archive import Archive, SeriesRow
from apronwatch.archive.acquisitions import Taken
from apronwatch.changes import stretches
from apronwatch.counts import Status
from apronwatch.manifest import SceneRequest
from apronwatch.survey import survey
from tests.detector.made import UTM
from tests.detector.test_survey import PLACE, SIDE_PX, Stamp, site
from tests.e2e.drawn import onto_crs
from tests.rasters import make_raster

SPOT = (slice(190, 206), slice(190, 206))
"""The plane of `Stamp`, in the zone `left`."""


def ground(seed: int = 1) -> np.ndarray:
    """Smooth ground of 400 m with one plane; another seed is another picture of other ground."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(20, 220, (25, 25, 3)).astype(np.uint8)
    pixels = (
        cv2.resize(coarse, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC).clip(0, 235).astype(np.uint8)
    )
    pixels[SPOT] = 255
    return pixels


def picture(folder: Path, name: str, *, seed: int = 1, crop: slice = slice(None), **more) -> Path:
    """A scene; `crop` keeps some columns."""
    left = crop.start or 0
    place = Affine.translation(left, 0) @ PLACE
    return make_raster(folder / name, pixels=ground(seed)[:, crop], crs=UTM, transform=place, **more)


def looks(folder: Path, *requests: SceneRequest) -> list[SeriesRow]:
    """The looks of the site's total of planes, after counting the scenes."""
    archive = str(folder / "a.sqlite")
    assert all(
        o.status is not Status.FAILED for o in survey(requests, Stamp(), sites=[site()], archive=archive)
    )
    with Archive.open(archive) as opened:
        return opened.series("base", zone="*", class_name="plane")


def asked(path: Path, time: str, **more) -> SceneRequest:
    return SceneRequest(str(path), time=time, **more)


def recompressed(folder: Path) -> Path:
    """The same picture as a JPEG in a GeoTIFF, as it goes from hand to hand."""
    return picture(folder, "copy.tif", compress="jpeg", jpeg_quality=90, photometric="ycbcr")


def reprojected(folder: Path) -> Path:
    return onto_crs(picture(folder, "whole.tif"), folder / "mercator.tif", "EPSG:3857")


def cropped(folder: Path) -> Path:
    return picture(folder, "crop.tif", crop=slice(0, 260))


def coarser(folder: Path) -> Path:
    """The multispectral product of the same acquisition, in pixels twice as large."""
    small = cv2.resize(ground(), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return make_raster(folder / "ms.tif", pixels=small, crs=UTM, transform=PLACE @ Affine.scale(2))


@pytest.mark.parametrize("copy", [recompressed, reprojected, cropped])
@pytest.mark.parametrize("time", ["2024-12-13", "2024-12-13T08:40:00Z"])
def test_a_copy_under_another_name_is_no_second_look(
    tmp_path: Path, copy: Callable[[Path], Path], time: str
) -> None:
    """The first says when it was taken, to the second, and by whom; the copy lost that."""
    original = picture(tmp_path, "original.tif")
    (tmp_path / "original.IMD").write_text('satId = "WV03";\nfirstLineTime = 2024-12-13T08:40:00Z;\n')
    [row] = looks(tmp_path, SceneRequest(str(original)), asked(copy(tmp_path), time))
    assert (row.frames, len(row.run_ids), row.count.seen) == (2, 2, 1)
    assert (row.time.isoformat(), row.time_precision) == ("2024-12-13T08:40:00+00:00", "second")
    assert "frames_united" in row.count.reasons
    assert ("united_by_content" in row.count.reasons) == (time == "2024-12-13")


def test_two_products_of_one_acquisition_are_one_look(tmp_path: Path) -> None:
    told = [asked(picture(tmp_path, "ps.tif"), "2024-12-13T08:40:00Z", acquisition="104001")]
    [row] = looks(tmp_path, *told, asked(coarser(tmp_path), "2024-12-13T08:40:00Z", acquisition="104001"))
    assert (row.frames, row.count.seen, row.count.status) == (2, 1, Status.COMPLETE)
    assert row.scene_path.endswith("ps.tif")


def test_frames_minutes_apart_that_overlap_by_half_are_a_union(tmp_path: Path) -> None:
    west = picture(tmp_path, "west.tif", crop=slice(0, 270))
    east = picture(tmp_path, "east.tif", crop=slice(130, 400))
    first, second = "2024-12-13T08:40:00Z", "2024-12-13T08:43:00Z"
    [row] = looks(tmp_path, asked(west, first), asked(east, second))
    assert (row.frames, row.count.seen, row.count.status) == (2, 1, Status.COMPLETE)
    assert row.count.observed_fraction == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("masked_first", [True, False])
@pytest.mark.parametrize("copy", [recompressed, reprojected, coarser])
def test_a_copy_without_the_mask_does_not_see_through_the_cloud(
    tmp_path: Path, copy: Callable[[Path], Path], masked_first: bool
) -> None:
    """The cloud hides the plane, too."""
    cloud = np.zeros((SIDE_PX, SIDE_PX, 1), np.uint8)
    cloud[150:250, 100:300] = 1
    mask = make_raster(tmp_path / "mask.tif", pixels=cloud, crs=UTM, transform=PLACE)
    time = "2024-12-13T08:40:00Z"
    alone = asked(picture(tmp_path, "a.tif"), time, acquisition="104001", mask=str(mask))
    bare = asked(copy(tmp_path), time, acquisition="104001")
    (tmp_path / "alone").mkdir()
    [own] = looks(tmp_path / "alone", alone)
    [row] = looks(tmp_path, *((alone, bare) if masked_first else (bare, alone)))
    assert row.frames == 2
    assert (row.count.seen, row.count.status) == (own.count.seen, own.count.status) == (0, Status.PARTIAL)
    assert row.count.observed_fraction == pytest.approx(own.count.observed_fraction, abs=1e-9)
    assert row.scene_path.endswith("a.tif")
    assert "detections_under_mask_left_out" in row.count.reasons
    assert "no_mask" not in row.count.reasons


@pytest.mark.parametrize("sensors", [("WV02", "PHR1A"), (None, None)])
def test_two_satellites_twenty_minutes_apart_are_two_looks(
    tmp_path: Path, sensors: tuple[str | None, str | None]
) -> None:
    requests = []
    for n, (minute, sensor) in enumerate(zip((10, 30), sensors, strict=True)):
        file = picture(tmp_path, f"{n}.tif", seed=n)
        time = f"2024-12-13T08:{minute}:00Z"
        if sensor:
            file.with_suffix(".IMD").write_text(f'satId = "{sensor}";\nfirstLineTime = {time};\n')
        requests.append(asked(file, time))
    assert [row.frames for row in looks(tmp_path, *requests)] == [1, 1]


def test_looks_five_hours_apart_are_two(tmp_path: Path) -> None:
    """The same ground with other light; and one picture that is said to be of both times is doubtful."""
    morning = asked(picture(tmp_path, "am.tif"), "2024-12-13T08:00:00Z")
    evening = asked(picture(tmp_path, "pm.tif", seed=2), "2024-12-13T13:00:00Z")
    rows = looks(tmp_path, morning, evening)
    assert [row.frames for row in rows] == [1, 1]
    assert not any("same_picture_at_another_time" in row.count.reasons for row in rows)
    rows = looks(tmp_path, asked(recompressed(tmp_path), "2024-12-13T18:30:00Z"))
    assert [row.frames for row in rows] == [1, 1, 1]
    assert ["same_picture_at_another_time" in row.count.reasons for row in rows] == [True, False, True]


def test_of_two_pictures_that_are_each_filed_twice_both_are_used(tmp_path: Path) -> None:
    """P, Q, P again, Q again: the first look of each is compared."""
    jpeg = {"compress": "jpeg", "jpeg_quality": 90, "photometric": "ycbcr"}
    files = [
        picture(tmp_path, f"{n}.tif", seed=seed, **more)
        for n, (seed, more) in enumerate([(1, {}), (2, {}), (1, jpeg), (2, jpeg)])
    ]
    rows = looks(
        tmp_path,
        *(
            asked(file, f"2024-12-13T{hour:02}:00:00Z")
            for file, hour in zip(files, (8, 9, 10, 11), strict=True)
        ),
    )
    assert all("same_picture_at_another_time" in row.count.reasons for row in rows)
    [found] = stretches(rows)
    assert [look.time.hour for look in found.looks] == [8, 9]
    assert [(left.row.time.hour, left.reason) for left in found.left_out] == [
        (10, "same_picture_at_another_time"),
        (11, "same_picture_at_another_time"),
    ]


def test_other_ground_of_the_same_date_by_an_unknown_sensor_is_no_copy(tmp_path: Path) -> None:
    told = asked(picture(tmp_path, "a.tif"), "2024-12-13T08:40:00Z")
    rows = looks(tmp_path, told, asked(picture(tmp_path, "b.tif", seed=2), "2024-12-13"))
    assert [row.frames for row in rows] == [1, 1]


def test_the_zone_that_both_frames_hold_counts_its_plane_once(tmp_path: Path) -> None:
    """The union of a picture and its crop is the picture."""
    request = asked(picture(tmp_path, "a.tif"), "2024-12-13T08:40:00Z")
    [alone] = looks(tmp_path, request)
    [both] = looks(tmp_path, request, asked(cropped(tmp_path), "2024-12-13T08:41:00Z"))
    assert (both.count.seen, both.count.observed_fraction) == (
        alone.count.seen,
        alone.count.observed_fraction,
    )


@pytest.mark.parametrize(
    "spellings",
    [
        ("WV03", "WorldView-3", "WORLDVIEW03_VNIR", "worldview 3"),
        ("PHR1A", "Pléiades 1A", "Pleiades-1A"),
        ("S2A", "Sentinel-2A", "SENTINEL-2A_MSI"),
        ("SPOT 6", "SPOT-06"),
        ("SSC12", "SkySat-C12"),
        ("GF-2", "Gaofen-2"),
    ],
)
def test_a_satellite_is_the_same_in_its_usual_spellings(spellings: tuple[str, ...]) -> None:
    when = datetime(2024, 12, 1, 8, tzinfo=UTC)
    names = {
        Taken(1, spelt, None, when, "second", False).satellite for spelt in (*spellings, spellings[0].lower())
    }
    assert len(names) == 1
    others = {
        Taken(1, spelt, None, when, "second", False).satellite for spelt in ("WV02", "PHR1B", "S2B", "SPOT 7")
    }
    assert len(others | names) == 5
