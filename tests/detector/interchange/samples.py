"""Scenes, weights and boxes for the tests of the formats."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

import numpy as np
from affine import Affine
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyproj import Transformer

from apronwatch.detections import Detections
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo

UTM = "EPSG:32637"
MODEL = ModelInfo("plane-n", "ab" * 32, terms="AGPL-3.0", data="a set")

_WEST_NORTH = (255_000.0, 3_922_000.0)
_LON_LAT = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True).transform(*_WEST_NORTH)


def scene(crs: str | None = UTM, transform: Affine | None = None, **facts: Any) -> SceneInfo:
    """A scene of 4000 x 3000 pixels at half a metre, near Khmeimim; for crs None a picture without one."""
    placed = (
        transform
        or {
            None: Affine.identity(),
            UTM: Affine(0.5, 0.0, _WEST_NORTH[0], 0.0, -0.5, _WEST_NORTH[1]),
            "EPSG:4326": Affine(5.5e-6, 0.0, _LON_LAT[0], 0.0, -4.5e-6, _LON_LAT[1]),
        }[crs]
    )
    given: dict[str, Any] = {
        "path": "/home/someone/secret/base_20241213.tif",
        "identity": "sha256:" + "cd" * 32,
        "sha256": "cd" * 32,
        "time": datetime(2024, 12, 13, 8, 15, 30, tzinfo=UTC),
        "time_precision": "second",
        "time_source": "name",
        "width": 4000,
        "height": 3000,
        "gsd_m": 0.5,
        "footprint_wkt": "POLYGON ((36.3 35.4, 36.32 35.4, 36.32 35.39, 36.3 35.39, 36.3 35.4))"
        if crs
        else None,
        "bands": (1, 2, 3),
        "dtype": "uint8",
        "stretch": {"kind": "none"},
    }
    return SceneInfo(crs=crs, transform=tuple(placed)[:6], **(given | facts))


_C, _S = 0.5 * np.cos(np.radians(23.0)), 0.5 * np.sin(np.radians(23.0))
ROTATED = Affine(_C, _S, _WEST_NORTH[0], _S, -_C, _WEST_NORTH[1])
SCENES = {
    "utm": scene(),
    "rotated": scene(transform=ROTATED),
    "lonlat": scene("EPSG:4326"),
    "picture": scene(None),
}


def box(x: float, y: float, length: float, width: float, degrees: float) -> NDArray[np.float64]:
    """Corners (4, 2) of a box about (x, y); `degrees` counterclockwise from x."""
    half = np.array([(-length, -width), (length, -width), (length, width), (-length, width)]) / 2
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    corners: NDArray[np.float64] = half @ np.array([(c, s), (-s, c)]) + (x, y)
    return corners


@st.composite
def detections(draw: st.DrawFn, crs: str | None) -> Detections:
    """Up to six boxes anywhere on the scene, of either winding and any first corner, scores and classes."""
    n = draw(st.integers(0, 6))
    origin, unit_m = (_WEST_NORTH, 1.0) if crs else ((0.0, 0.0), 0.5)
    sizes = st.floats(1.0, 300.0)
    boxes = []
    for _ in range(n):
        column, row = draw(st.floats(0, 4000)), draw(st.floats(0, 3000))
        x, y = (origin[0] + column / 2, origin[1] - row / 2) if crs else (column, row)
        corners = box(x, y, draw(sizes), draw(sizes), draw(st.floats(0, 360)))
        turned = np.roll(corners, draw(st.integers(0, 3)), axis=0)
        boxes.append(turned[::-1] if draw(st.booleans()) else turned)
    each = {"min_size": n, "max_size": n}
    return Detections(
        np.array(boxes),
        np.array(draw(st.lists(st.floats(0, 1, width=32), **each)), dtype=np.float32),
        np.array(draw(st.lists(st.integers(0, 4), **each)), dtype=np.int16),
        np.array(draw(st.lists(st.booleans(), **each)), dtype=np.bool_),
        crs,
        unit_m,
    )


def farthest(found: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    """Greatest distance of a corner between two lists of boxes, whichever corner comes first."""
    if not len(expected):
        return 0.0
    ways = [np.roll(expected[:, ::step], shift, axis=1) for step, shift in product((1, -1), range(4))]
    apart = np.stack([np.hypot(*np.moveaxis(found - way, -1, 0)).max(axis=1) for way in ways])
    return float(apart.min(axis=0).max())
