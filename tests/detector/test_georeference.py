"""True ground metres of a pixel, footprints, and scenes that lie on no map."""

from pathlib import Path

import numpy as np
import pyproj
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from apronwatch.errors import SceneNotGeocoded
from apronwatch.georeference import WGS84, footprint_lonlat, true_gsd_m, utm_crs
from apronwatch.scene import Scene
from tests.rasters import make_raster

SIZE = (200, 200)


def centred(crs: str, lon: float, lat: float, a: float, b: float, d: float, e: float) -> Affine:
    """An affine of these steps whose picture of `SIZE` has its centre there."""
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    return Affine(a, b, x - 100 * (a + b), d, e, y - 100 * (d + e))


def gsd(crs: str, lon: float, lat: float, a: float, b: float = 0.0, d: float = 0.0, e: float = 0.0) -> float:
    return true_gsd_m(pyproj.CRS(crs), centred(crs, lon, lat, a, b, d, e or -a), *SIZE)


@given(st.floats(-179, 179), st.floats(-75, 75), st.floats(0.1, 2.0))
def test_web_mercator_shrinks_with_the_cosine_of_the_latitude(lon: float, lat: float, step: float) -> None:
    # The sphere's cosine; on the ellipsoid the geometric mean of both axes departs from it by under 0.4 %.
    assert gsd("EPSG:3857", lon, lat, step) == pytest.approx(step * np.cos(np.radians(lat)), rel=4e-3)


@given(st.floats(-2.9, 2.9), st.floats(-79, 79))
def test_utm_is_the_nominal_size_over_the_scale_factor(offset: float, lat: float) -> None:
    lon = 39.0 + offset
    crs = utm_crs(lon, lat)
    factor = pyproj.Proj(crs).get_factors(lon, lat).meridional_scale
    assert gsd(crs, lon, lat, 0.5) == pytest.approx(0.5 / factor, rel=1e-6)


@given(st.floats(-179, 179), st.floats(-80, 80))
def test_degrees_are_measured_by_the_geodesic(lon: float, lat: float) -> None:
    step = 5e-6
    _, _, east = WGS84.inv(lon - step / 2, lat, lon + step / 2, lat)
    _, _, north = WGS84.inv(lon, lat - step / 2, lon, lat + step / 2)
    assert gsd("EPSG:4326", lon, lat, step) == pytest.approx(np.sqrt(east * north), rel=1e-5)


@given(st.floats(0, 360))
def test_rotation_changes_nothing(angle_deg: float) -> None:
    c, s = 0.5 * np.cos(np.radians(angle_deg)), 0.5 * np.sin(np.radians(angle_deg))
    assert gsd("EPSG:32637", 39, 35, c, s, s, -c) == pytest.approx(gsd("EPSG:32637", 39, 35, 0.5), rel=1e-6)
    c, s = c * 2e-5, s * 2e-5
    straight = gsd("EPSG:4326", 39, 60, 1e-5)
    assert gsd("EPSG:4326", 39, 60, c, s, s, -c) == pytest.approx(straight, rel=1e-4)


def test_feet_and_other_datums() -> None:
    assert gsd("EPSG:2263", -74, 40.7, 1.0) == pytest.approx(0.3048, rel=2e-4)  # New York, US feet
    assert gsd("EPSG:26716", -87, 43, 0.6) == pytest.approx(0.6, rel=1e-3)  # NAD 27
    assert gsd("EPSG:3995", 30, 75, 1.0) == pytest.approx(1.0, rel=0.02)  # polar stereographic


def test_oblong_pixels_have_the_geometric_mean() -> None:
    square = gsd("EPSG:32637", 39, 35, 1.0)
    assert gsd("EPSG:32637", 39, 35, 2.0, e=-0.5) == pytest.approx(square, rel=1e-6)


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        (35.94, 35.41, "EPSG:32636"),
        (36.0, 35.0, "EPSG:32637"),
        (-180.0, 1.0, "EPSG:32601"),
        (179.99, -1.0, "EPSG:32760"),
        (180.0, 0.0, "EPSG:32601"),
        (6.0, -0.1, "EPSG:32732"),
    ],
)
def test_utm_zones(lon: float, lat: float, expected: str) -> None:
    assert utm_crs(lon, lat) == expected


def test_a_footprint_is_in_one_piece_across_the_antimeridian() -> None:
    transform = centred("EPSG:3832", 180.0, -18.0, 10, 0, 0, -10)
    footprint = footprint_lonlat(pyproj.CRS("EPSG:3832"), transform, *SIZE)
    west, _, east, _ = footprint.bounds
    assert footprint.is_valid
    assert east - west == pytest.approx(np.degrees(2000 / 6_378_137))


@given(st.floats(-2.9, 2.9), st.floats(-70, 70))
def test_a_footprint_has_the_area_of_the_pixels(offset: float, lat: float) -> None:
    lon = 39.0 + offset
    crs = utm_crs(lon, lat)
    transform = centred(crs, lon, lat, 0.5, 0, 0, -0.5)
    footprint = footprint_lonlat(pyproj.CRS(crs), transform, *SIZE)
    area, _ = WGS84.geometry_area_perimeter(footprint)
    assert abs(area) == pytest.approx((200 * gsd(crs, lon, lat, 0.5)) ** 2, rel=1e-5)


def test_only_rpcs_are_refused_with_the_call_that_mends_them(tmp_path: Path) -> None:
    terms = [1.0, *([0.0] * 19)]
    rpcs = RPC(
        err_bias=1.0,
        err_rand=1.0,
        height_off=50,
        height_scale=500,
        lat_off=35.41,
        lat_scale=0.1,
        line_den_coeff=terms,
        line_num_coeff=[0.0, 0.0, -1.0, *([0.0] * 17)],
        line_off=32,
        line_scale=32,
        long_off=35.94,
        long_scale=0.1,
        samp_den_coeff=terms,
        samp_num_coeff=[0.0, 1.0, *([0.0] * 18)],
        samp_off=48,
        samp_scale=48,
    )
    path = make_raster(tmp_path / "raw scene.tif", crs=None, transform=None, rpcs=rpcs)
    with pytest.raises(SceneNotGeocoded) as caught:
        Scene.open(path, undated=True, gsd_m=0.5)
    warped = tmp_path / "raw scene_warped.tif"
    call = f"gdalwarp -rpc -t_srs EPSG:32636 -r cubic -dstalpha '{path}' '{warped}'"
    assert call in str(caught.value)


def test_only_ground_control_points_are_refused_too(tmp_path: Path) -> None:
    corners = [(0, 0, 35.94, 35.41), (0, 96, 35.95, 35.41), (64, 0, 35.94, 35.40), (64, 96, 35.951, 35.40)]
    points = [GroundControlPoint(row=r, col=c, x=x, y=y) for r, c, x, y in corners]
    path = make_raster(tmp_path / "a.tif", crs="EPSG:4326", transform=None, gcps=points)
    with pytest.raises(SceneNotGeocoded, match=r"only 4 ground control points.*gdalwarp -t_srs EPSG:32636"):
        Scene.open(path, undated=True)


def test_a_world_file_without_a_crs_is_no_georeference(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", crs=None, transform=None)
    path.with_suffix(".tfw").write_text("0.5\n0\n0\n-0.5\n255000\n3922000\n")
    with Scene.open(path, undated=True, gsd_m=0.4) as scene:
        assert scene.crs is None
        assert scene.gsd_m == 0.4
        assert any("without a CRS" in warning for warning in scene.info.warnings)


def test_a_crs_without_a_place_is_none_either(tmp_path: Path) -> None:
    path = make_raster(tmp_path / "a.tif", transform=None)
    with Scene.open(path, undated=True, gsd_m=0.4) as scene:
        assert scene.crs is None
        assert any("without a geotransform" in warning for warning in scene.info.warnings)


def test_a_local_crs_is_tied_to_no_place(tmp_path: Path) -> None:
    local = 'LOCAL_CS["site grid",UNIT["metre",1]]'
    path = make_raster(tmp_path / "a.tif", crs=local)
    with Scene.open(path, undated=True, gsd_m=0.4) as scene:
        assert scene.crs is None
        assert any("local" in warning for warning in scene.info.warnings)
