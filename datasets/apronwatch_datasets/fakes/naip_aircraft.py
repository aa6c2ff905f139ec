"""A tiny NAIP Aircraft, with rasters."""

from collections import Counter
from pathlib import Path

from affine import Affine

from apronwatch_datasets.fakes.ground import Feature, feature, write_geojson
from apronwatch_datasets.fakes.paint import paint_map
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 200
SCENE = "or_m_4412147_se_10_030_20220828"
NEIGHBOUR = "or_m_4412147_sw_10_060_20220829_20230101"
ELSEWHERE = "ma_m_4107048_sw_19_030_20230811_20231116"

UTM = "EPSG:26910"
TRANSFORM = Affine(0.3, 0, 647_000.0, 0, -0.3, 4_902_000.0)
NEXT = Affine(0.6, 0, 642_000.0, 0, -0.6, 4_902_000.0)

TURNED = [(50, 50), (90, 80), (60, 120), (20, 90)]
"""50 x 50 pixels, turned by 36.9 degrees."""


def write_fake(root: Path) -> FakeTruth:
    """Two scenes side by side, one of them labelled in longitude and latitude; a third without its raster."""
    scene = [
        feature(TURNED, TRANSFORM, UTM, UTM, category=2, obstructed=False, notes=None),
        feature(_square(150, 150), TRANSFORM, UTM, UTM, category=5, obstructed=True, notes=None),
        feature(None, TRANSFORM, UTM, UTM, category=0, obstructed=False, notes=None),
        feature(_square(30, 150), TRANSFORM, UTM, UTM, category=9, obstructed=False, notes=None),
        _stray(),
    ]
    write_geojson(root / "metadata" / f"{SCENE}.geojson", scene, 26910)
    beside = [feature(TURNED, NEXT, UTM, "OGC:CRS84", category=4, obstructed=False, notes=None)]
    write_geojson(root / "metadata" / f"{NEIGHBOUR}.geojson", beside)
    far = [feature(TURNED, TRANSFORM, UTM, UTM, category=1, obstructed=False, notes=None)]
    write_geojson(root / "metadata" / f"{ELSEWHERE}.geojson", far, 26910)
    for name in ("index", "labeling_template"):
        write_geojson(root / "metadata" / f"{name}.geojson", [])
    paint_map(root / "images" / f"{SCENE}.tif", SIZE, SIZE, UTM, TRANSFORM, seed=1)
    paint_map(root / "images" / f"{NEIGHBOUR}.tif", SIZE, SIZE, UTM, NEXT, seed=2)
    return FakeTruth(
        images=2,
        objects=Counter(
            {
                "large aircraft": 1,
                "helicopter": 1,
                "single engine": 1,
                "9": 1,
                "small aircraft": 2,
                "fighter": 1,
            }
        ),
        faults=Counter(
            {
                FaultKind.BAD_LINE: 1,
                FaultKind.UNKNOWN_CLASS: 1,
                FaultKind.OUTSIDE_IMAGE: 1,
                FaultKind.MISSING_IMAGE: 1,
            }
        ),
    )


def _square(x: float, y: float) -> list[tuple[float, float]]:
    return [(x - 10, y - 10), (x + 10, y - 10), (x + 10, y + 10), (x - 10, y + 10)]


def _stray() -> Feature:
    """An aircraft of another scene, of UTM zone 19, saved in zone 10."""
    nantucket = Affine(0.3, 0, 410_700.0, 0, -0.3, 4_567_800.0)
    return feature(_square(100, 100), nantucket, "EPSG:26919", UTM, category=1, obstructed=False, notes=None)
