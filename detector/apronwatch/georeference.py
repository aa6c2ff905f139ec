"""Where a raster's pixels lie on the Earth, and how large they are there."""

import shlex

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from pyproj import Geod, Transformer
from pyproj.exceptions import CRSError, ProjError
from rasterio.io import DatasetReader
from shapely.geometry import Polygon

from apronwatch.errors import SceneNotGeocoded, SceneUnreadable

WGS84 = Geod(ellps="WGS84")
LEAST_GSD_M, MOST_GSD_M = 0.01, 1000.0
GSD_RANGE = f"{LEAST_GSD_M:g} to {MOST_GSD_M:g} m"

EDGE_POINTS = 17
"""Points per edge of a footprint: at 10 km an edge of a UTM grid departs from its chord by under a metre."""


def georeference(dataset: DatasetReader, scene: str) -> tuple[pyproj.CRS | None, Affine, tuple[str, ...]]:
    """CRS and affine (pixel column, row to CRS) of a raster, and warnings about them.

    Without both a CRS that is tied to the Earth and a geotransform it is a picture: None and the identity.

    Raises:
        SceneNotGeocoded: it has only ground control points or RPCs.
        SceneUnreadable: its CRS is not understood, or puts the scene nowhere on the Earth.
    """
    placed = not dataset.transform.is_identity
    if not placed:
        _refuse_unwarped(dataset, scene)
    crs = _crs(dataset, scene)
    if crs is None or not placed:
        return None, Affine.identity(), _why_picture(dataset, placed)
    _check_flat(crs, dataset.transform, scene)
    x, y = _placed(dataset.transform, np.array([dataset.width / 2]), np.array([dataset.height / 2]))
    if not _is_on_earth(crs, x, y):
        raise SceneUnreadable(
            f"{scene}: its georeference puts its centre at {x[0]:g}, {y[0]:g} of {crs.name}, "
            "nowhere on the Earth; correct it with gdal_edit.py -a_srs or -a_ullr"
        )
    return crs, dataset.transform, ()


def _check_flat(crs: pyproj.CRS, transform: Affine, scene: str) -> None:
    if crs.is_geocentric:
        raise SceneUnreadable(
            f"{scene}: its georeference is geocentric ({crs.name}), which is no CRS of a picture's plane; "
            "correct it with gdal_edit.py -a_srs"
        )
    # A product of six coefficients in degrees may be tiny and still sound.
    if transform.determinant == 0 or not np.isfinite(tuple(transform)).all():
        raise SceneUnreadable(
            f"{scene}: its geotransform {tuple(transform)[:6]} gives its pixels no area on the ground; "
            "correct it with gdal_edit.py -a_ullr"
        )


def _crs(dataset: DatasetReader, scene: str) -> pyproj.CRS | None:
    if dataset.crs is None:
        return None
    try:
        crs = pyproj.CRS.from_user_input(dataset.crs)
    except CRSError as error:
        raise SceneUnreadable(
            f"{scene}: its CRS is not understood ({error}); set it with gdal_edit.py"
        ) from error
    return crs if crs.geodetic_crs is not None else None


def _why_picture(dataset: DatasetReader, placed: bool) -> tuple[str, ...]:
    if placed and dataset.crs is None:
        return ("its geotransform (or world file) is left aside: it comes without a CRS",)
    if placed:
        return ("its georeference is left aside: its CRS is local, not tied to the Earth",)
    return ("its CRS is left aside: it comes without a geotransform",) if dataset.crs is not None else ()


def _is_on_earth(crs: pyproj.CRS, x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    try:
        lon, lat = lonlat(crs, x, y)
    except ProjError:
        return False
    return bool(
        np.isfinite(lon).all() and np.isfinite(lat).all() and abs(lat[0]) <= 90 and abs(lon[0]) <= 540
    )


def _refuse_unwarped(dataset: DatasetReader, scene: str) -> None:
    points, points_crs = dataset.gcps
    if dataset.rpcs is not None:
        model, source = "-rpc ", pyproj.CRS("EPSG:4326")
        x, y = dataset.rpcs.long_off, dataset.rpcs.lat_off
        found, remark = "only RPCs", "; add -to RPC_DEM=dem.tif where the ground is hilly"
    elif points and points_crs is not None:
        model, source, remark = "", pyproj.CRS.from_user_input(points_crs), ""
        x, y = (float(np.mean([getattr(point, axis) for point in points])) for axis in ("x", "y"))
        found = f"only {len(points)} ground control points"
    else:
        return
    lon, lat = lonlat(source, np.array([x]), np.array([y]))
    warped = f"{scene.rsplit('.', 1)[0]}_warped.tif"
    raise SceneNotGeocoded(
        f"{scene}: it has {found}, so its pixels lie on no map; warp it first: gdalwarp {model}"
        f"-t_srs {utm_crs(float(lon[0]), float(lat[0]))} -r cubic -dstalpha {shlex.quote(scene)} "
        f"{shlex.quote(warped)}{remark}"
    )


def utm_crs(lon: float, lat: float) -> str:
    """The UTM zone of a place, as `EPSG:326zz` or `EPSG:327zz`."""
    zone = int((lon + 180.0) // 6.0) % 60 + 1
    return f"EPSG:{326 if lat >= 0 else 327}{zone:02d}"


def lonlat(
    crs: pyproj.CRS, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude (WGS 84, degrees) of points of a CRS."""
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    return np.asarray(lon), np.asarray(lat)


def is_plausible_gsd(gsd_m: float) -> bool:
    """Whether a pixel of this size, as a user tells it, may be one of a picture from above."""
    return LEAST_GSD_M <= gsd_m <= MOST_GSD_M


def true_gsd_m(crs: pyproj.CRS, transform: Affine, width: int, height: int) -> float:
    """Metres on the ground of one pixel at the raster's centre.

    One rule for every CRS: steps along a pixel's column and row are brought to longitude and latitude, and
    the geodesic measures them. The root of the area that they span is the geometric mean of the two axes
    where these are at right angles, and right also where a rotated geotransform in degrees shears them.
    """
    step = min(width, height, 64) / 2
    column, row = width / 2, height / 2
    ends = np.array([(column - step, row), (column + step, row), (column, row - step), (column, row + step)])
    lon, lat = lonlat(crs, *_placed(transform, ends[:, 0], ends[:, 1]))
    azimuth, _, length = WGS84.inv(lon[[0, 2]], lat[[0, 2]], lon[[1, 3]], lat[[1, 3]])
    area = length[0] * length[1] * abs(np.sin(np.radians(azimuth[1] - azimuth[0])))
    return float(np.sqrt(area) / (2 * step))


def _placed(
    transform: Affine, columns: NDArray[np.float64], rows: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = transform.a * columns + transform.b * rows + transform.c
    return x, transform.d * columns + transform.e * rows + transform.f


def footprint_lonlat(crs: pyproj.CRS, transform: Affine, width: int, height: int) -> Polygon:
    """The pixels' rectangle in longitude and latitude, its edges densified.

    Longitudes run on past 180 where the scene crosses the antimeridian, so that the polygon stays in one
    piece.
    """
    steps = np.linspace(0.0, 1.0, EDGE_POINTS)[:-1]
    zeros, ones = np.zeros_like(steps), np.ones_like(steps)
    across = np.concatenate([steps, ones, 1 - steps, zeros]) * width
    down = np.concatenate([zeros, steps, ones, 1 - steps]) * height
    lon, lat = lonlat(crs, *_placed(transform, across, down))
    return Polygon(np.column_stack([np.unwrap(lon, period=360.0), lat]))
