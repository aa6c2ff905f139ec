"""GeoPackage: one layer, `detections`, in the plane of the detections, its provenance as layer metadata."""

import io
import json
import warnings
from pathlib import Path

from apronwatch.detections import Detections
from apronwatch.errors import DetectionsUnreadable
from apronwatch.interchange.frames import detections_of, frame
from apronwatch.interchange.tables import provenance, understood
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo

LAYER = "detections"
_KEY = "apronwatch"
_UNDEFINED_CARTESIAN = -1  # srs_id of the GeoPackage standard, requirement 11


def encode(detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
    """Polygons; pixels have the standard's undefined Cartesian SRS."""
    import pyogrio

    whole = io.BytesIO()
    noted = json.dumps(provenance(detections, info, model), ensure_ascii=False)
    with warnings.catch_warnings():
        # pyogrio warns of every layer without CRS; the SRS is given by the option beside it.
        warnings.filterwarnings("ignore", "'crs' was not provided", UserWarning)
        pyogrio.write_dataframe(
            frame(detections),
            whole,
            layer=LAYER,
            driver="GPKG",
            geometry_type="Polygon",
            layer_metadata={_KEY: noted},
            layer_options={} if detections.crs else {"SRID": _UNDEFINED_CARTESIAN},
        )
    return whole.getvalue()


def read(path: Path, info: SceneInfo | None) -> Detections:
    """The detections of a file that `encode` made; see `interchange.read`."""
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    with understood(path, "GeoPackage of detections"):
        try:
            noted = pyogrio.read_info(path, layer=LAYER)["layer_metadata"] or {}
            rows = pyogrio.read_dataframe(path, layer=LAYER)
        except (DataLayerError, DataSourceError) as error:
            raise DetectionsUnreadable(f"{path} has no readable layer {LAYER!r}: {error}") from error
        plane = json.loads(noted.get(_KEY, "{}")).get("plane", {})
        return detections_of(rows, plane.get("unit_m", info.gsd_m if info else None), path)
