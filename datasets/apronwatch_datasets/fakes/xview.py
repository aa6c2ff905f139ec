"""A tiny xView."""

from collections import Counter
from pathlib import Path

from affine import Affine

from apronwatch_datasets.fakes.ground import Feature, feature, write_geojson
from apronwatch_datasets.fakes.paint import paint_map
from apronwatch_datasets.fakes.truth import FakeTruth
from apronwatch_datasets.faults import FaultKind

SIZE = 160
LONLAT = "OGC:CRS84"
STEP_DEG = 0.3 / 111_195.0
"""0.3 m of latitude on the sphere, and of longitude at the equator."""

CORNERS = {"100": (10.0, 0.0), "104": (10.02, 0.01), "2355": (30.0, 0.0), "1395": (10.0, 0.0)}
"""Longitude and latitude of each image's top left corner: the first two lie 2.5 km apart."""


def write_fake(root: Path) -> FakeTruth:
    """Three images, two of them near each other; labels without an image, an image without labels, a Mac's note."""
    features = [
        _box("100", 13, (10, 20, 60, 50)),
        _box("100", 18, (70, 20, 85, 30)),
        _box("100", 75, (5, 5, 20, 20)),
        _box("100", 73, (90, 90, 150, 150)),
        _box("100", 18, (150, 100, 175, 112)),  # two fifths of it show
        _box("104", 33, (10, 10, 60, 20)),
        _box("104", 49, (-40, -40, -5, -5)),
        _box("104", 15, None),
        _box("2355", 11, (10, 10, 50, 50)),
        _box("2355", 11, (10, 10, 50, 50)),
        _box("1395", 11, (10, 10, 50, 50)),
    ]
    write_geojson(root / "xView_train.geojson", features)
    for seed, (name, at) in enumerate(CORNERS.items()):
        if name != "1395":
            paint_map(
                root / "train_images" / f"{name}.tif", SIZE, SIZE, "EPSG:4326", _transform(at), seed=seed
            )
    paint_map(root / "train_images" / "7.tif", SIZE, SIZE, "EPSG:4326", _transform((20.0, 0.0)), seed=9)
    (root / "train_images" / "._100.tif").write_bytes(b"\x00\x05\x16\x07")
    return FakeTruth(
        images=3,
        objects=Counter(
            {
                "Passenger/Cargo Plane": 1,
                "Small Car": 2,
                "75": 1,
                "Building": 1,
                "Railway Vehicle": 1,
                "Ferry": 1,
                "Helicopter": 1,
                "Fixed-wing Aircraft": 3,
            }
        ),
        faults=Counter(
            {
                FaultKind.ARTEFACT_CLASS: 1,
                FaultKind.OUTSIDE_IMAGE: 2,
                FaultKind.BAD_LINE: 1,
                FaultKind.DOUBLED_BOX: 1,
                FaultKind.MISSING_IMAGE: 1,
                FaultKind.MISSING_LABELS: 1,
                FaultKind.STRAY_FILE: 1,
            }
        ),
    )


def _transform(at: tuple[float, float]) -> Affine:
    return Affine(STEP_DEG, 0, at[0], 0, -STEP_DEG, at[1])


def _box(image: str, type_id: int, sides: tuple[int, int, int, int] | None) -> Feature:
    """One box; without sides its text is empty."""
    x0, y0, x1, y1 = sides or (0, 0, 1, 1)
    ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    text = "" if sides is None else ",".join(str(side) for side in sides)
    transform = _transform(CORNERS[image])
    return feature(
        ring, transform, LONLAT, LONLAT, bounds_imcoords=text, type_id=type_id, image_id=f"{image}.tif"
    )
