"""`SceneInfo`: the facts of one acquisition, as they are archived and published, without any open file."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer


@dataclass(frozen=True)
class SceneInfo:
    """Where, when, how fine, which bits.

    Attributes:
        path: as the user gave it (file, URL, or STAC item).
        identity: what makes it the same scene again: `sha256:…`, or `etag:…` for a remote file.
        sha256: hash of the file with its sidecars and members; None for a remote file.
        time: UTC, or None when undated.
        time_precision: `second`, `minute`, `hour` or `day`; None when undated.
        time_source: which source gave the time (`option`, `manifest`, `stac`, `nitf`, `sidecar`, `name`, `tiff`).
        width, height: pixels.
        gsd_m: true metres on the ground of one pixel at the scene's centre.
        crs: CRS of the pixels as WKT or `EPSG:n`; None for a picture without georeference.
        transform: the six affine coefficients (a, b, c, d, e, f) from pixel to `crs`; identity without one.
        footprint_wkt: polygon of the pixels' rectangle in longitude and latitude (WKT); None without georeference.
        bands: 1-based numbers of the bands that were looked at, one or three (red, green, blue).
        dtype: numpy name of the pixels' type.
        stretch: how pixels became 8 bits (`Stretch.to_dict`).
        sensor, acquisition: as its metadata or the manifest name them; None when unknown.
        attribution: whom to credit, when the metadata says it.
        synthetic: the picture is drawn, not taken.
        warnings: what a reader of its numbers should know.
    """

    path: str
    identity: str
    sha256: str | None
    time: datetime | None
    time_precision: str | None
    time_source: str | None
    width: int
    height: int
    gsd_m: float
    crs: str | None
    transform: tuple[float, float, float, float, float, float]
    footprint_wkt: str | None
    bands: tuple[int, ...]
    dtype: str
    stretch: dict[str, Any]
    sensor: str | None = None
    acquisition: str | None = None
    attribution: str | None = None
    synthetic: bool = False
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; `from_dict` gives it back."""
        plain = asdict(self)
        plain["time"] = self.time.isoformat() if self.time else None
        return plain

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """The scene that `to_dict` described; unknown keys are ignored."""
        known = {f.name: plain[f.name] for f in fields(cls) if f.name in plain}
        known["time"] = datetime.fromisoformat(known["time"]) if known["time"] else None
        for name in ("transform", "bands", "warnings"):
            known[name] = tuple(known.get(name, ()))
        return cls(**known)

    @property
    def affine(self) -> Affine:
        """Pixel (column, row) to `crs`."""
        return Affine(*self.transform)

    def to_pixels(self, points: NDArray[np.float64], crs: str | None) -> NDArray[np.float64]:
        """Points (…, 2) of a plane (`Detections.crs`) as fractional pixels (column, row) of this scene."""
        if crs is None or self.crs is None:
            if crs != self.crs:
                raise ValueError(f"points in {crs or 'pixels'} for a scene in {self.crs or 'pixels'}")
            return np.array(points, dtype=np.float64)
        x, y = Transformer.from_crs(crs, self.crs, always_xy=True).transform(points[..., 0], points[..., 1])
        column, row = ~self.affine @ (np.asarray(x), np.asarray(y))
        return np.stack([column, row], axis=-1)
