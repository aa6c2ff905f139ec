"""Detections, counts and runs in the formats other programs read.

`write` and `read` choose by suffix; `counts_csv` and `stac` hold the two outputs that are not detections.
The formats, field by field, are described in `docs/formats.md`.
"""

from pathlib import Path
from typing import Protocol

from apronwatch.detections import Detections
from apronwatch.errors import DetectionsUnreadable, OutputInvalid
from apronwatch.interchange import coco, dota, geojson, geopackage, geoparquet, yolo_obb
from apronwatch.interchange.files import check_folder, save
from apronwatch.run import ModelInfo
from apronwatch.sceneinfo import SceneInfo


class _Format(Protocol):
    """What each format's module offers."""

    def encode(self, detections: Detections, info: SceneInfo | None, model: ModelInfo | None) -> bytes:
        """The whole file."""

    def read(self, path: Path, info: SceneInfo | None) -> Detections:
        """The detections of a file."""


FORMATS = {
    "geojson": (".geojson", ".json"),
    "geoparquet": (".parquet",),
    "geopackage": (".gpkg",),
    "coco": (".json",),
    "dota": (".txt",),
    "yolo-obb": (".txt",),
}
"""Each format's name and the suffixes its files may have."""

_BY_SUFFIX = {".geojson": "geojson", ".parquet": "geoparquet", ".gpkg": "geopackage", ".json": "coco"}
_MODULES: dict[str, _Format] = {
    "geojson": geojson,
    "geoparquet": geoparquet,
    "geopackage": geopackage,
    "coco": coco,
    "dota": dota,
    "yolo-obb": yolo_obb,
}
_ACCEPTED = (
    "accepted are .geojson, .parquet, .gpkg, .json (COCO, or GeoJSON with --format geojson) "
    "and .txt (with --format dota or --format yolo-obb)"
)

__all__ = ["FORMATS", "check_output", "read", "write"]


def check_output(path: str | Path, format: str | None = None) -> str:
    """The name of the format that `write` would use; called before long work, it spares work done in vain.

    Args:
        path: where the file is to lie.
        format: a name of `FORMATS` in any case, or None to choose by suffix.

    Raises:
        OutputInvalid: no such format or suffix, or the folder is missing or cannot be written.
    """
    name = _format_of(Path(path), format, OutputInvalid)
    check_folder(Path(path))
    return name


def write(
    detections: Detections,
    path: str | Path,
    *,
    info: SceneInfo | None,
    model: ModelInfo | None,
    format: str | None = None,
) -> None:
    """Writes detections whole or not at all; a file of that name is replaced.

    Args:
        detections: in a UTM plane or in pixels.
        path: the suffix names the format (`check_output`).
        info: their scene: provenance, and what the pixel formats need (COCO, DOTA, YOLO-OBB).
        model: the weights that found them, for provenance.
        format: a name of `FORMATS`, where the suffix leaves it open.

    Raises:
        OutputInvalid: as `check_output`; the disk is full; or the format needs `info` and has none.
    """
    name = check_output(path, format)
    save(Path(path), _MODULES[name].encode(detections, info, model))


def read(path: str | Path, *, info: SceneInfo | None = None, format: str | None = None) -> Detections:
    """Detections of one scene from a file of any of `FORMATS`.

    GeoJSON comes back in the plane it was made in, GeoParquet and GeoPackage in the CRS of the file, the
    others in pixels. What a format does not carry is filled in: plain labels get score 1, untruncated.

    Args:
        path: the file.
        info: its scene; YOLO-OBB needs its width and height, and files that do not say their GSD need that.
        format: a name of `FORMATS`, where the suffix leaves it open.

    Raises:
        DetectionsUnreadable: no such file or format, or not what its format says.
    """
    name = _format_of(Path(path), format, DetectionsUnreadable)
    try:
        return _MODULES[name].read(Path(path), info)
    except OSError as error:
        raise DetectionsUnreadable(
            f"{path} cannot be read ({error.strerror or error}); give a file of detections"
        ) from error


def _format_of(path: Path, format: str | None, refusal: type[OutputInvalid | DetectionsUnreadable]) -> str:
    suffix = path.suffix.lower()
    if format is None:
        if suffix in _BY_SUFFIX:
            return _BY_SUFFIX[suffix]
        raise refusal(f"{path} has the suffix {suffix or '(none)'}, which names no one format; {_ACCEPTED}")
    name = format.lower()
    if name not in FORMATS:
        raise refusal(f"{format} is no format of detections; known are {', '.join(FORMATS)}")
    if suffix not in FORMATS[name]:
        raise refusal(f"{path} has the suffix {suffix or '(none)'}, {name} has {' or '.join(FORMATS[name])}")
    return name
