"""Drawn pictures for the benchmarks: the demo's air base on its busiest day, and large COGs that repeat it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray

from apronwatch_datasets.synthetic import Picture, demo_scenario, draw
from apronwatch_datasets.synthetic.aircraft import PLANE_TYPES

Extent = tuple[float, float, float, float]


def air_base(gsd_m: float, extent_m: Extent | None = None) -> Picture:
    """The base under a clear sky, with the most aircraft that it ever has; `extent_m` as in `Look`."""
    scenario = demo_scenario()
    busiest = max(scenario.scenes, key=lambda scene: sum(p.type_name in PLANE_TYPES for p in scene.parked))
    look = replace(
        scenario.scenes[0].look, gsd_m=gsd_m, shift_m=(0.0, 0.0), extent_m=extent_m or busiest.look.extent_m
    )
    return draw(scenario.base, busiest.parked, look)


def extent_of_tiles(tiles: int, stride_m: float, overlap_m: float) -> Extent:
    """The base within exactly `tiles` by `tiles` tiles of the lattice, so that none shows anything beyond."""
    origin = np.array(demo_scenario().base.origin)
    side = tiles * stride_m + overlap_m
    low = np.round((origin - side / 2) / stride_m) * stride_m - origin
    return (*low.tolist(), *(low + side).tolist())


def halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (H, W, 3) of twice the GSD, each the mean of four."""
    height, width, bands = pixels.shape
    four = pixels.reshape(height // 2, 2, width // 2, 2, bands).astype(np.uint16)
    return ((four.sum(axis=(1, 3)) + 2) // 4).astype(np.uint8)


def write_tiff(path: Path, pixels: NDArray[np.uint8], crs: str, transform: Affine) -> Path:
    """A tiled GeoTIFF of pixels (H, W, 3)."""
    profile = {
        "driver": "GTiff", "width": pixels.shape[1], "height": pixels.shape[0], "count": 3, "dtype": "uint8",
        "crs": crs, "transform": transform, "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "photometric": "rgb",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.ascontiguousarray(pixels.transpose(2, 0, 1)))
    return path


def write_cog(path: Path, picture: Picture, side_px: int) -> Path:
    """A JPEG COG with overviews, `side_px` squared, that repeats a picture; GDAL writes it block by block."""
    patch = write_tiff(
        path.with_suffix(".patch.tif"), picture.pixels, picture.grid.crs, picture.grid.affine()
    )
    mosaic = path.with_suffix(".vrt")
    mosaic.write_text(_mosaic(patch, picture, side_px), encoding="utf-8")
    options = {"compress": "JPEG", "quality": 80, "blocksize": 512, "bigtiff": "IF_SAFER"}
    rasterio.shutil.copy(
        mosaic, path, driver="COG", overview_resampling="average", num_threads="ALL_CPUS", **options
    )
    patch.unlink()
    mosaic.unlink()
    return path


def _mosaic(patch: Path, picture: Picture, side_px: int) -> str:
    """A GDAL virtual raster that shows a patch again and again."""
    grid = picture.grid
    bands = []
    for band, colour in enumerate(("Red", "Green", "Blue"), 1):
        sources = "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="1">{patch.name}</SourceFilename>'
            f"<SourceBand>{band}</SourceBand>"
            f'<SrcRect xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"/>'
            f'<DstRect xOff="{x}" yOff="{y}" xSize="{grid.width}" ySize="{grid.height}"/></SimpleSource>'
            for y in range(0, side_px, grid.height)
            for x in range(0, side_px, grid.width)
        )
        bands.append(
            f'<VRTRasterBand dataType="Byte" band="{band}"><ColorInterp>{colour}</ColorInterp>{sources}'
            "</VRTRasterBand>"
        )
    corner = ", ".join(f"{value!r}" for value in grid.affine().to_gdal())
    return (
        f'<VRTDataset rasterXSize="{side_px}" rasterYSize="{side_px}"><SRS>{grid.crs}</SRS>'
        f"<GeoTransform>{corner}</GeoTransform>{''.join(bands)}</VRTDataset>"
    )
