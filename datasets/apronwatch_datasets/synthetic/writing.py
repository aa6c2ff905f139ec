"""Files of a drawn scene: Cloud Optimized GeoTIFF, cloud mask, truth. Each appears whole or not at all."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

from apronwatch.errors import OutputInvalid
from apronwatch_datasets.synthetic.drawing import Picture

NOTE = "synthetic: drawn by apronwatch, not taken; the place is invented"


@dataclass(frozen=True)
class SceneFiles:
    """Where a scene was written; `mask` is None for a clear sky."""

    image: Path
    truth: Path
    counts: Path
    mask: Path | None


def write_scene(picture: Picture, name: str, images: Path, masks: Path, truths: Path) -> SceneFiles:
    """Write `images/NAME.tif`, `masks/NAME_cloud.tif` where there is cloud, and the truth (GeoJSON, JSON).

    Raises:
        OutputInvalid: a file or folder cannot be written.
    """
    look = picture.truth.look
    transform = picture.grid.affine(look.shift_m)
    tags = {"TIFFTAG_DATETIME": f"{look.time:%Y:%m:%d %H:%M:%S}"}
    files = SceneFiles(
        images / f"{name}.tif",
        truths / f"{name}.geojson",
        truths / f"{name}_counts.json",
        masks / f"{name}_cloud.tif" if picture.cloud is not None else None,
    )
    _write_tiff(files.image, picture.pixels, picture.grid.crs, transform, tags)
    if picture.cloud is not None and files.mask is not None:
        mask = picture.cloud[..., None].astype(np.uint8)
        _write_tiff(files.mask, mask, picture.grid.crs, transform, tags)
    write_json(files.truth, picture.truth.geojson())
    write_json(files.counts, picture.truth.counts())
    return files


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """A path to write to, renamed to `path` when all went well; what an interrupted run left is overwritten.

    Raises:
        OutputInvalid: it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputInvalid(
            f"{path}: cannot be written ({error.strerror or error}): give a writable folder with room"
        ) from error
    finally:
        if temporary.is_file():
            temporary.unlink()


def write_json(path: Path, document: dict[str, Any]) -> None:
    """A document as JSON."""
    with whole(path) as temporary:
        temporary.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _write_tiff(path: Path, pixels: Any, crs: str, transform: Affine, tags: dict[str, str]) -> None:
    height, width, bands = pixels.shape
    profile: dict[str, Any] = {
        "driver": "COG",
        "width": width,
        "height": height,
        "count": bands,
        "dtype": pixels.dtype.name,
        "crs": crs,
        "transform": transform,
        "blocksize": 256,
        "compress": "deflate",
        "predictor": "yes",
        "level": 1,
        "overview_resampling": "average" if pixels.shape[2] == 3 else "nearest",
        "num_threads": 2,
    }
    with whole(path) as temporary, rasterio.open(temporary, "w", **profile) as file:
        file.write(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        if bands == 3:
            file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        file.update_tags(APRONWATCH_SYNTHETIC="YES", TIFFTAG_IMAGEDESCRIPTION=NOTE, **tags)
