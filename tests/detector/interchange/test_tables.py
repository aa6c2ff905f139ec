"""GeoParquet and GeoPackage hold to their specifications, as other programs read them."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import geopandas
import jsonschema
import numpy as np
import pyarrow
import pyarrow.parquet as parquet
import pyproj
import pyproj.datadir
import pytest
import shapely

from apronwatch.detections import Detections
from apronwatch.interchange import write
from apronwatch.taxonomy import CLASSES

from .samples import MODEL, UTM, box, scene

COLUMNS = ["class", "score", "length_m", "width_m", "orientation_deg", "truncated"]


def _boxes(crs: str | None, n: int) -> Detections:
    centre = (255_100.0, 3_921_900.0) if crs else (1000.0, 500.0)
    corners = np.array([box(centre[0] + 100 * k, centre[1], 30, 20, 30)[::-1] for k in range(n)])
    return Detections(corners, np.full(n, 0.9), np.arange(n) % 5, crs=crs, unit_m=1.0 if crs else 0.5)  # type: ignore[arg-type]


@pytest.fixture(
    params=[(UTM, 7), (UTM, 0), (None, 7), (None, 0)], ids=["utm", "utm-empty", "pixels", "pixels-empty"]
)
def made(request: pytest.FixtureRequest) -> Detections:
    return _boxes(*request.param)


@pytest.fixture
def written(tmp_path: Path, made: Detections) -> Path:
    write(made, tmp_path / "a.parquet", info=scene(made.crs), model=MODEL)
    write(made, tmp_path / "a.gpkg", info=scene(made.crs), model=MODEL)
    return tmp_path


def _geo(path: Path) -> tuple[dict[str, Any], pyarrow.Table]:
    table = parquet.read_table(path)
    return json.loads(table.schema.metadata[b"geo"]), table


def test_geoparquet_metadata_follows_version_1_1(written: Path, made: Detections) -> None:
    geo, table = _geo(written / "a.parquet")
    assert geo["version"] == "1.1.0"
    assert geo["primary_column"] in geo["columns"]
    assert set(geo["columns"]) == {"geometry"}
    column = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB"
    assert column["geometry_types"] == (["Polygon"] if len(made) else [])
    assert column.get("edges", "planar") == "planar"
    assert table.schema.field("geometry").type == pyarrow.binary()
    if made.crs is None:
        assert column["crs"] is None  # explicitly unknown; a missing key would mean OGC:CRS84
    else:
        schema = json.loads((Path(pyproj.datadir.get_data_dir()) / "projjson.schema.json").read_text())
        jsonschema.validate(column["crs"], schema)
        assert pyproj.CRS.from_json_dict(column["crs"]).to_epsg() == 32637
    if len(made):
        bounds = [*made.polygons.min(axis=(0, 1)), *made.polygons.max(axis=(0, 1))]
        assert column["bbox"] == pytest.approx(bounds, abs=1e-9)


def test_geoparquet_geometries_are_valid_wkb_counterclockwise(written: Path) -> None:
    _, table = _geo(written / "a.parquet")
    for value in table["geometry"].to_pylist():
        polygon = shapely.from_wkb(value)
        assert polygon.geom_type == "Polygon"
        assert polygon.is_valid
        assert polygon.exterior.is_ccw


def test_geoparquet_schema_stands_without_rows(written: Path, made: Detections) -> None:
    _, table = _geo(written / "a.parquet")
    assert table.num_rows == len(made)
    assert table.schema.names == [*COLUMNS, "geometry"]
    kinds = {name: table.schema.field(name).type for name in COLUMNS}
    assert pyarrow.types.is_large_string(kinds["class"]) or pyarrow.types.is_string(kinds["class"])
    assert kinds["score"] == pyarrow.float32()
    assert kinds["truncated"] == pyarrow.bool_()
    assert {kinds[name] for name in ("length_m", "width_m", "orientation_deg")} == {pyarrow.float64()}


def test_geoparquet_says_what_it_was_made_from(written: Path, made: Detections) -> None:
    noted = json.loads(parquet.read_schema(written / "a.parquet").metadata[b"apronwatch"])
    assert noted["plane"] == {"crs": made.crs, "unit_m": made.unit_m}
    assert noted["model"]["name"] == MODEL.name
    assert noted["scene"]["sha256"] == "cd" * 32


def test_geopackage_tables_follow_the_standard(written: Path, made: Detections) -> None:
    database = sqlite3.connect(written / "a.gpkg")
    srs_id = 32637 if made.crs else -1
    contents = database.execute("SELECT table_name, data_type, srs_id FROM gpkg_contents").fetchall()
    assert contents == [("detections", "features", srs_id)]
    columns = database.execute("SELECT geometry_type_name, srs_id FROM gpkg_geometry_columns").fetchall()
    assert columns == [("POLYGON", srs_id)]
    assert database.execute("PRAGMA application_id").fetchone() == (0x47504B47,)  # "GPKG"
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    names = [row[1] for row in database.execute("PRAGMA table_info(detections)")]
    assert names == ["fid", "geom", *COLUMNS]
    (noted,) = database.execute("SELECT metadata FROM gpkg_metadata").fetchone()
    database.close()
    assert MODEL.sha256 in noted


def test_geopandas_reads_the_same_table_from_both(written: Path, made: Detections) -> None:
    tables = geopandas.read_parquet(written / "a.parquet"), geopandas.read_file(written / "a.gpkg")
    for rows in tables:
        assert rows["class"].tolist() == [*CLASSES, "plane", "helicopter"][: len(made)]
        assert rows["length_m"].tolist() == [30.0 if made.crs else 15.0] * len(made)
        assert rows.geometry.area.tolist() == pytest.approx([600.0] * len(made))
        # The grid leans 1.55 degrees anticlockwise of true north here: 60 on the grid is 58.45 in truth.
        assert rows["orientation_deg"].tolist() == [
            pytest.approx(58.45 if made.crs else 120.0, abs=0.02)
        ] * len(made)
