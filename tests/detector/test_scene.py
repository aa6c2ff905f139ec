"""`Scene`: what a raster of any kind is told to be, and what is refused."""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.windows import Window

from apronwatch.errors import (
    ApronwatchError,
    BadTime,
    ContradictingGsd,
    ContradictingTimes,
    NoGsd,
    NoTime,
    SceneUnreadable,
)
from apronwatch.identity import identify
from apronwatch.manifest import expand
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo
from apronwatch.times import from_name
from tests.rasters import make_raster, picture

WHOLE = Window(0, 0, 96, 64)


def opened(path: Path | str, **given: Any) -> Scene:
    return Scene.open(path, **({"undated": True} | given))


@pytest.mark.parametrize("name", ["a.tif", "a.vrt", "a.jp2", "a.ntf", "a.png", "a.jpg"])
def test_every_format_gives_the_same_scene(tmp_path: Path, name: str) -> None:
    lossless = {"a.jp2": {"REVERSIBLE": "YES", "QUALITY": "100"}}
    path = make_raster(tmp_path / name, **lossless.get(name, {}))
    with opened(path) as scene:
        pixels, valid = scene.read(WHOLE)
        assert (scene.width, scene.height, scene.bands, scene.dtype) == (96, 64, (1, 2, 3), "uint8")
        assert scene.info.crs == "EPSG:32637"
        # NITF writes its corners to whole metres, of 48 here.
        assert scene.gsd_m == pytest.approx(0.5, rel=2e-2 if name == "a.ntf" else 2e-3)
    assert valid.all()
    assert np.abs(pixels.astype(int) - picture(64, 96, 3)).mean() < (6 if name == "a.jpg" else 0.01)


def test_a_cog_is_read_through_its_overviews(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", size=(1024, 1024), driver="COG", OVERVIEW_COUNT="2")
    with opened(path) as scene:
        assert scene.dataset().overviews(1)
        small, valid = scene.read(Window(0, 0, 1024, 1024), (256, 256))
    assert valid.all()
    assert small.mean() == pytest.approx(picture(1024, 1024, 3).mean(), abs=1)


def test_info_survives_json(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a_20241210.tif", dtype="uint16", tags={"TIFFTAG_COPYRIGHT": "Someone"})
    with Scene.open(path) as scene:
        info = scene.info
        assert info == SceneInfo.from_dict(json.loads(json.dumps(info.to_dict())))
        assert info is scene.info
    assert (info.time_source, info.time_precision, info.attribution) == ("name", "day", "Someone")
    assert info.stretch["kind"] == "percentile"
    assert not info.synthetic


def test_a_drawn_scene_says_so(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", tags={"APRONWATCH_SYNTHETIC": "YES"})
    with opened(path) as scene:
        assert scene.info.synthetic


def test_a_file_of_several_images_says_that_one_is_looked_at(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif")
    with opened(path) as scene:
        assert scene.warnings == ()
    make_raster(path, APPEND_SUBDATASET="YES")
    with opened(path) as scene:
        assert scene.warnings == ("only the first of the 2 images in the file is looked at",)


# What cannot be read


def truncated(path: Path, share: float = 0.5) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def folder(tmp_path: Path) -> Path:
    return tmp_path


def missing(tmp_path: Path) -> Path:
    return tmp_path / "nowhere.tif"


def empty(tmp_path: Path) -> Path:
    (tmp_path / "empty.tif").touch()
    return tmp_path / "empty.tif"


def text(tmp_path: Path) -> Path:
    (tmp_path / "note.tif").write_text("no raster at all")
    return tmp_path / "note.tif"


def some_json(tmp_path: Path) -> Path:
    (tmp_path / "labels.json").write_text('{"shapes": []}')
    return tmp_path / "labels.json"


def cut_tiff(tmp_path: Path) -> Path:
    # A COG has its directory in front: GDAL opens it, and misses only the pixels.
    return truncated(make_raster(tmp_path / "cut.tif", size=(600, 600), driver="COG"), 0.9)


def cut_plain_tiff(tmp_path: Path) -> Path:
    return truncated(make_raster(tmp_path / "cut.tif", size=(600, 600)))


def cut_jpeg(tmp_path: Path) -> Path:
    return truncated(make_raster(tmp_path / "cut.jpg", size=(300, 300)))


def cut_png(tmp_path: Path) -> Path:
    return truncated(make_raster(tmp_path / "cut.png", size=(300, 300)))


def cut_jp2(tmp_path: Path) -> Path:
    return truncated(make_raster(tmp_path / "cut.jp2", size=(300, 300)))


def cut_member(tmp_path: Path) -> Path:
    path = make_raster(tmp_path / "a.vrt", size=(300, 300))
    make_raster(tmp_path / "a_member.tif", size=(300, 300), driver="COG", blocksize=128)
    truncated(tmp_path / "a_member.tif", 0.9)
    return path


def missing_member(tmp_path: Path) -> Path:
    path = make_raster(tmp_path / "a.vrt")
    (tmp_path / "a_member.tif").unlink()
    return path


def radar(tmp_path: Path) -> Path:
    return make_raster(tmp_path / "radar.tif", bands=1, dtype="complex64")


def off_the_earth(tmp_path: Path) -> Path:
    return make_raster(tmp_path / "a.tif", crs="EPSG:4326", transform=Affine(1e-5, 0, 35.9, 0, -1e-5, 354.0))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (folder, "a folder"),
        (missing, "no such file"),
        (empty, "empty file"),
        (text, "no readable raster"),
        (some_json, "STAC"),
        (cut_tiff, "truncated"),
        (cut_plain_tiff, "cut.tif"),
        (cut_jpeg, "truncated"),
        (cut_png, "truncated"),
        (cut_jp2, "cut.jp2"),
        (cut_member, "a_member.tif"),
        (missing_member, "a_member.tif: no such file"),
        (radar, "complex64"),
        (off_the_earth, "nowhere on the Earth"),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(tmp_path: Path, make: Any, said: str) -> None:
    path = make(tmp_path)
    with pytest.raises(SceneUnreadable, match=said) as caught:
        opened(path, gsd_m=0.5)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("address", ["s3://bucket/a.tif", "/vsizip/a.zip/a.tif", "ftp://host/a.tif"])
def test_other_kinds_of_address_are_refused(address: str) -> None:
    with pytest.raises(SceneUnreadable, match=r"http\(s\)"):
        opened(address)


def test_a_format_that_may_fetch_what_it_likes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "map.xml"
    path.write_text(
        '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/${z}/${x}/${y}.png</ServerUrl></Service>'
        "<DataWindow><UpperLeftX>-180</UpperLeftX><UpperLeftY>90</UpperLeftY><LowerRightX>180</LowerRightX>"
        "<LowerRightY>-90</LowerRightY><TileLevel>3</TileLevel></DataWindow><Projection>EPSG:4326</Projection>"
        "<BandsCount>3</BandsCount></GDAL_WMS>"
    )
    with rasterio.open(path) as dataset:
        assert dataset.driver == "WMS"
    with pytest.raises(SceneUnreadable, match="no readable raster"):
        opened(path)


def test_a_vrt_must_not_name_one_either(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.vrt")
    for member in ("<GDAL_WMS/>", "/vsizip/x.zip/y.tif", "/etc/hostname"):
        escaped = member.replace("<", "&lt;")
        path.write_text(
            f'<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
            f"<SourceFilename>{escaped}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
        )
        with pytest.raises(SceneUnreadable):
            opened(path, gsd_m=1.0)


def test_pixels_that_break_off_later_are_an_error_where_they_are_read(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", size=(512, 512), tiled=True, blockxsize=128, blockysize=128)
    with opened(path) as scene:
        os.truncate(path, 200_000)
        with pytest.raises(SceneUnreadable, match="cannot be read at column"):
            scene.read(Window(256, 256, 256, 256))


# How fine


def test_a_picture_needs_its_gsd(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.jpg", crs=None, transform=None)
    with pytest.raises(NoGsd, match="--gsd"):
        opened(path)
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(NoGsd):
            opened(path, gsd_m=wrong)
    with opened(path, gsd_m=0.3) as scene:
        assert (scene.crs, scene.gsd_m, scene.transform) == (None, 0.3, Affine.identity())
        assert scene.footprint_lonlat() is None
        assert scene.info.footprint_wkt is None


def test_a_told_gsd_does_not_replace_the_measured_one(tmp_path: Path) -> None:
    path = make_raster(
        tmp_path / "a.tif", crs="EPSG:3857", transform=Affine(0.6, 0, 4_000_000, 0, -0.6, 4_216_000)
    )
    with opened(path) as scene:
        measured = scene.gsd_m
    assert measured == pytest.approx(0.6 * np.cos(np.radians(35.36)), rel=5e-3)
    with opened(path, gsd_m=measured * 1.04) as scene:
        assert scene.gsd_m == measured
    with pytest.raises(ContradictingGsd, match=r"0\.6 m"):
        opened(path, gsd_m=0.6)


# When


def test_the_real_georeferenced_tiles(real_data: Path) -> None:
    folder = real_data / "allplanes_examples" / "georef"
    rows = json.loads((folder / "georef.json").read_text())
    assert len(rows) == 15
    for row in rows:
        with Scene.open(folder / f"{row['file']}.tif") as scene:
            assert scene.time is not None
            assert scene.time.time.date().isoformat() == row["date"]
            assert scene.gsd_m == pytest.approx(row["gsd_m"], rel=0.02)
            assert scene.gsd_m == pytest.approx(0.219 if "128th" in row["file"] else 0.177, rel=0.02)
            footprint = scene.footprint_lonlat()
            assert footprint is not None
            west, _, _, north = footprint.bounds
            assert (west, north) == pytest.approx((row["ul_lon"], row["ul_lat"]), abs=1e-7)


def test_the_real_undated_pictures_have_no_date_in_their_names(real_data: Path) -> None:
    paths = sorted((real_data / "airbus_aircraft_sample" / "images").glob("*.jpg"))
    assert paths
    assert [path.name for path in paths if from_name(path.name)] == []
    with pytest.raises(NoTime):
        Scene.open(paths[0], gsd_m=0.5)


def test_the_time_given_must_not_contradict_the_file(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a_20241210.tif")
    with Scene.open(path, time="2024-12-10T08:15Z", time_source="manifest") as scene:
        assert (scene.info.time_source, scene.info.time_precision) == ("manifest", "minute")
    with pytest.raises(ContradictingTimes, match="20241210"):
        Scene.open(path, time="2024-12-12")
    with opened(path) as scene:
        assert scene.info.time is None


def test_nitf_says_when_and_by_what(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.ntf", IDATIM="20241210081530", ISORCE="WV03")
    with Scene.open(path) as scene:
        assert (scene.info.time_source, scene.info.sensor) == ("nitf", "WV03")
        assert scene.info.time is not None
        assert scene.info.time.isoformat() == "2024-12-10T08:15:30+00:00"


def test_tifftag_datetime_is_the_last_resort(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", tags={"TIFFTAG_DATETIME": "2024:12:10 08:15:30"})
    with Scene.open(path) as scene:
        assert scene.info.time_source == "tiff"
        assert any("TIFFTAG_DATETIME" in warning for warning in scene.info.warnings)


def test_a_sidecar_says_when_and_by_what_and_belongs_to_the_identity(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif")
    with opened(path) as scene:
        alone = scene.info.identity
    (tmp_path / "a.IMD").write_text(
        'satId = "WV02";\nBEGIN_GROUP = IMAGE_1\n\tcatId = "10300100AA";\n'
        "\tfirstLineTime = 2024-12-10T08:15:30.1Z;\nEND_GROUP = IMAGE_1\nEND;\n"
    )
    with Scene.open(path) as scene:
        assert (scene.info.time_source, scene.info.sensor) == ("sidecar", "WV02")
        assert scene.info.acquisition == "10300100AA"
        assert scene.info.identity != alone
    with Scene.open(path, acquisition="mine") as scene:
        assert scene.info.acquisition == "mine"


# Handles


def test_each_thread_has_its_own_handle_and_close_closes_all(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", size=(256, 256), tiled=True, blockxsize=64, blockysize=64)
    expected = picture(256, 256, 3)
    handles = []
    barrier = threading.Barrier(4)
    with opened(path) as scene:

        def work(turn: int) -> bool:
            barrier.wait(timeout=30)
            handles.append(scene.dataset())
            assert scene.dataset() is scene.dataset()
            windows = [Window(64 * (k % 4), 64 * (k // 4), 64, 64) for k in range(16)]
            return all(np.array_equal(scene.read(w)[0], expected[w.toslices()]) for w in windows)

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, range(4)))
        handles.append(scene.dataset())
        assert len({id(handle) for handle in handles}) == 5
    assert all(handle.closed for handle in handles)


def test_a_closed_scene_keeps_what_it_knows_and_opens_again_to_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = opened(make_raster(tmp_path / "a.tif", dtype="uint16"))
    info, stretch, first = scene.info, scene.stretch, scene.dataset()
    scene.close()
    monkeypatch.setattr("apronwatch.scene.identify", lambda files: pytest.fail("hashed twice"))
    monkeypatch.setattr("apronwatch.scene.sample_pixels", lambda *given: pytest.fail("sampled twice"))
    assert scene.info is info
    assert scene.stretch is stretch
    with ThreadPoolExecutor(2) as pool:
        again = list(pool.map(lambda turn: scene.read(WHOLE)[0], range(2)))
    assert all(np.array_equal(pixels, picture(64, 96, 3, "uint16")) for pixels in again)
    second = scene.dataset()
    scene.close()
    scene.close()
    assert first.closed
    assert second.closed


def other_size(path: Path) -> None:
    make_raster(path, size=(10, 10))


def other_pixels(path: Path) -> None:
    before = path.stat()
    make_raster(path, pixels=255 - picture(64, 96, 3))
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))


@pytest.mark.parametrize("change", [other_size, other_pixels, Path.unlink])
@pytest.mark.parametrize(("name", "changed"), [("a.tif", "a.tif"), ("a.vrt", "a_member.tif")])
def test_a_scene_whose_files_changed_does_not_open_again(
    tmp_path: Path, change: Any, name: str, changed: str
) -> None:
    scene = opened(make_raster(tmp_path / name))
    scene.close()
    change(tmp_path / changed)
    for _ in range(2):
        with pytest.raises(SceneUnreadable, match=rf"{changed}\)?(: cannot be read|; count it again)"):
            scene.read(WHOLE)


MANY = """
import resource, sys
from apronwatch.scene import Scene
from rasterio.windows import Window
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
scenes = []
for number in range(300):
    scenes.append(Scene.open(f"{sys.argv[1]}/{number}.tif", undated=True))
    scenes[-1].info
    scenes[-1].close()
for scene in scenes:
    with scene:
        assert scene.read(Window(0, 0, 96, 64))[1].all()
"""


def test_more_scenes_than_a_process_may_have_files_open(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "0.tif")
    for number in range(1, 300):
        os.link(path, tmp_path / f"{number}.tif")
    subprocess.run([sys.executable, "-c", MANY, str(tmp_path)], check=True)


def test_nothing_stays_open_when_opening_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr("apronwatch.opening.Handles.close", lambda self: closed.append(self))
    with pytest.raises(ApronwatchError):
        Scene.open(make_raster(tmp_path / "a.tif"))
    assert len(closed) == 1


# What a user may say


@pytest.mark.parametrize("gsd_m", [0, -1, 1e-9, 0.009, 1001, 1e9, float("nan"), float("inf")])
def test_a_gsd_that_no_picture_from_above_has_is_refused(tmp_path: Path, gsd_m: float) -> None:
    path = make_raster(tmp_path / "a.tif", crs=None, transform=None)
    with pytest.raises(NoGsd, match=r"0\.01 to 1000 m"):
        opened(path, gsd_m=gsd_m)


@pytest.mark.parametrize("gsd_m", [0.01, 1000])
def test_the_ends_of_the_gsd_are_taken(tmp_path: Path, gsd_m: float) -> None:
    path = make_raster(tmp_path / "a.tif", crs=None, transform=None)
    with opened(path, gsd_m=gsd_m) as scene:
        assert scene.gsd_m == gsd_m


def test_an_empty_time_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadTime):
        Scene.open(make_raster(tmp_path / "a_20241210.tif"), time="")


@pytest.mark.parametrize("name", ["a\0.tif", "https://example.org/a\0.tif"])
def test_a_nul_byte_in_a_name_is_said(name: str) -> None:
    for given in (opened, expand):
        with pytest.raises(SceneUnreadable, match="NUL"):
            given(name)


def test_a_name_that_is_no_utf8_is_said_in_print(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.tif")
    make_raster(tmp_path / "a.tif").rename(path)
    with pytest.raises(SceneUnreadable, match="rename it") as caught:
        opened(path)
    str(caught.value).encode()


def test_a_sidecar_whose_name_is_no_utf8_counts_for_the_identity(tmp_path: Path) -> None:
    names = [str(make_raster(tmp_path / "a.tif")), str(tmp_path / os.fsdecode(b"a\xe9.IMD"))]
    Path(names[1]).write_text("x")
    assert identify(names).sha256 != identify(names[:1]).sha256


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"transform": Affine(1, 2, 255_000, 2, 4, 3_922_000)}, "no area"),
        ({"transform": Affine(0, 0, 255_000, 0, 0, 3_922_000)}, "no area"),
        ({"crs": "EPSG:4978", "transform": Affine(1, 0, 4e6, 0, -1, 3e6)}, "geocentric"),
    ],
)
def test_a_georeference_without_a_plane_is_blamed(tmp_path: Path, given: dict[str, Any], said: str) -> None:
    with pytest.raises(SceneUnreadable, match=said):
        opened(make_raster(tmp_path / "a.tif", **given))
