"""GeoParquet 1.1: a table in the plane of the detections, with its provenance in the file's metadata."""

import io
import json
from pathlib import Path

from apronwatch.detections import Detections
from apronwatch.interchange.frames import detections_of, frame
from apronwatch.interchange.tables import provenance, understood
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo

_KEY = b"apronwatch"


def encode(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
    """WKB polygons; CRS as PROJJSON, null for pixels; our provenance under the metadata key `apronwatch`."""
    import pyarrow.parquet as parquet

    plain = io.BytesIO()
    frame(detections).to_parquet(plain, index=False, geometry_encoding="WKB", schema_version="1.1.0")
    table = parquet.read_table(plain)
    noted = json.dumps(provenance(detections, info, model), ensure_ascii=False).encode()
    whole = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({**table.schema.metadata, _KEY: noted}), whole)
    return whole.getvalue()


def read(path: Path, info: SceneInfo | None) -> Detections:
    """The detections of a file that `encode` made; see `interchange.read`."""
    import geopandas
    import pyarrow.parquet as parquet

    with understood(path, "GeoParquet of detections"):
        noted = json.loads((parquet.read_schema(path).metadata or {}).get(_KEY, b"{}"))
        unit_m = noted.get("plane", {}).get("unit_m", info.gsd_m if info else None)
        return detections_of(geopandas.read_parquet(path), unit_m, path)
