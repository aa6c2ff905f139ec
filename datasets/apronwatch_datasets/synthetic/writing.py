"""Files of a drawn scene: tiled GeoTIFF, cloud mask, truth."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine

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
    """Write `images/NAME.tif`, `masks/NAME_cloud.tif` where there is cloud, and the truth (GeoJSON, JSON)."""
    for folder in (images, truths, *([masks] if picture.cloud is not None else [])):
        folder.mkdir(parents=True, exist_ok=True)
    look = picture.truth.look
    transform = picture.grid.affine(look.shift_m)
    files = SceneFiles(
        images / f"{name}.tif",
        truths / f"{name}.geojson",
        truths / f"{name}_counts.json",
        masks / f"{name}_cloud.tif" if picture.cloud is not None else None,
    )
    _write_tiff(files.image, picture.pixels, picture.grid.crs, transform)
    if picture.cloud is not None and files.mask is not None:
        _write_tiff(files.mask, picture.cloud[..., None].astype(np.uint8), picture.grid.crs, transform)
    _write_json(files.truth, picture.truth.geojson())
    _write_json(files.counts, picture.truth.counts())
    return files


def _write_tiff(path: Path, pixels: Any, crs: str, transform: Affine) -> None:
    height, width, bands = pixels.shape
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": width,
        "height": height,
        "count": bands,
        "dtype": pixels.dtype.name,
        "crs": crs,
        "transform": transform,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "predictor": 2,
        "zlevel": 4,
        "photometric": "rgb" if bands == 3 else "minisblack",
    }
    path.unlink(missing_ok=True)
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
        if bands == 3:
            file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
        file.update_tags(APRONWATCH_SYNTHETIC="YES", TIFFTAG_IMAGEDESCRIPTION=NOTE)


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
