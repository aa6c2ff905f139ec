"""A tiny RarePlanes, its real part."""

from collections import Counter
from pathlib import Path

from affine import Affine

from apronwatch_datasets.fakes.ground import feature, write_geojson
from apronwatch_datasets.fakes.paint import paint_map
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 200
UTM = "EPSG:32633"
GSD_M = 0.31
TRANSFORM = Affine(GSD_M, 0, 420_000.0, 0, -GSD_M, 5_600_000.0)

FIRST = "100_1040010029990A00_tile_319"
SECOND = "100_1040010029990A00_tile_320"
OTHER = "105_104001003108D900_tile_47"

DIAMOND = [(140.0, 60.0), (60.0, 20.0), (20.0, 60.0), (60.0, 100.0)]
"""Nose to the right, 120 pixels long, 80 across; the wings are swept."""

LENGTH_M, WINGSPAN_M = 120 * GSD_M, 80 * GSD_M


def write_fake(root: Path) -> FakeTruth:
    """Two tiles of one place, one of another; a tile without labels, labels without a tile."""
    whole = {"role_id": 3, "truncated": 0, "partialDec": 1.0, "length": LENGTH_M, "wingspan": WINGSPAN_M}
    cut = {"role_id": 6, "truncated": 1, "partialDec": 0.6, "length": 15.0, "wingspan": 10.0}
    first = [
        feature(DIAMOND, TRANSFORM, UTM, "OGC:CRS84", loc_id=100, **whole),
        feature([(0, 150), (40, 150), (20, 180)], TRANSFORM, UTM, "OGC:CRS84", loc_id=100, **cut),
    ]
    labels = "geojson_aircraft_tiled"
    write_geojson(root / "train" / labels / f"{FIRST}.geojson", first)
    second = [
        feature(DIAMOND, TRANSFORM, UTM, UTM, loc_id=100, **whole | {"role_id": 5}),
        feature(None, TRANSFORM, UTM, UTM, loc_id=100, **whole | {"role_id": 5}),
    ]
    write_geojson(root / "train" / labels / f"{SECOND}.geojson", second, 32633)
    for name in (OTHER, "105_gone_tile_1"):
        alone = [feature(DIAMOND, TRANSFORM, UTM, UTM, loc_id=105, **whole)]
        write_geojson(root / "test" / labels / f"{name}.geojson", alone, 32633)
    tiles = (("train", FIRST), ("train", SECOND), ("test", OTHER), ("test", "105_bare_tile_2"))
    for seed, (split, name) in enumerate(tiles):
        paint_map(root / split / "PS-RGB_tiled" / f"{name}.png", SIZE, SIZE, UTM, TRANSFORM, seed=seed)
    return FakeTruth(
        images=3,
        objects=Counter(
            {
                "Large Civil Transport/Utility": 3,
                "Military Fighter/Interceptor/Attack": 1,
                "Military Bomber": 2,
            }
        ),
        faults=Counter({FaultKind.BAD_LINE: 1, FaultKind.MISSING_IMAGE: 1, FaultKind.MISSING_LABELS: 1}),
    )
