"""Detections as a GeoDataFrame and back: what GeoParquet and GeoPackage share."""

from typing import TYPE_CHECKING

import numpy as np
import shapely

from apronwatch.detections import Detections
from apronwatch.errors import DetectionsUnreadable
from apronwatch.interchange.tables import attributes, class_ids, wound

if TYPE_CHECKING:
    import geopandas


def frame(detections: Detections) -> "geopandas.GeoDataFrame":
    """One row a detection in the plane of the detections; pixels (x right, y down) have no CRS."""
    import geopandas  # takes a second: only these two formats pay for it
    import pandas

    columns = {name: pandas.Series(values) for name, values in attributes(detections).items()}
    columns["class"] = columns["class"].astype("str")  # an empty column of objects has no type in a file
    boxes = shapely.polygons(wound(detections.polygons))
    return geopandas.GeoDataFrame(columns, geometry=boxes, crs=detections.crs)


def detections_of(rows: "geopandas.GeoDataFrame", unit_m: float | None, source: object) -> Detections:
    """The detections that `frame` laid out.

    Args:
        rows: with the columns `class`, `score` and `truncated`.
        unit_m: metres a pixel; unused where the rows have a projected CRS.
        source: the file, for messages.

    Raises:
        DetectionsUnreadable: a geometry is no box, the CRS is geographic, or pixels without `unit_m`.
    """
    counts = shapely.get_num_coordinates(rows.geometry.values)
    if (counts != 5).any():
        raise DetectionsUnreadable(
            f"{source} holds a geometry of {counts[counts != 5][0]} points, expected boxes of 5"
        )
    crs = _crs_of(rows, source)
    if crs is None and unit_m is None:
        raise DetectionsUnreadable(f"{source} does not say its ground sample distance; give its scene")
    return Detections(
        shapely.get_coordinates(rows.geometry.values).reshape(-1, 5, 2)[:, :4],
        rows["score"].to_numpy(np.float32),
        class_ids(rows["class"], source),
        rows["truncated"].to_numpy(np.bool_),
        crs,
        1.0 if crs is not None else float(unit_m or 0.0),
    )


def _crs_of(rows: "geopandas.GeoDataFrame", source: object) -> str | None:
    if rows.crs is None or rows.crs.is_engineering:
        return None
    code = rows.crs.to_epsg()
    if code is None or not rows.crs.is_projected:
        raise DetectionsUnreadable(f"{source} is in {rows.crs.name}, expected UTM; reproject it first")
    return f"EPSG:{code}"
