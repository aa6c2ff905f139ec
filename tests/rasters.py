"""The one raster factory of the tests: tiny real files of any driver that GDAL can write."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import ArrayLike, NDArray
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning
from rasterio.rpc import RPC

UTM = "EPSG:32637"
KHMEIMIM = Affine(0.5, 0.0, 255_000.0, 0.0, -0.5, 3_922_000.0)
"""Half a metre per pixel, north up, in `UTM` 37N (Khmeimim lies at 35.94 E, 35.41 N, just inside zone 36)."""

DRIVERS = {
    ".tif": "GTiff",
    ".tiff": "GTiff",
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jp2": "JP2OpenJPEG",
    ".ntf": "NITF",
    ".vrt": "VRT",
}
COPY_ONLY = {"PNG", "JPEG", "JP2OpenJPEG", "NITF", "VRT", "COG"}


def picture(height: int, width: int, bands: int, dtype: str = "uint8", *, seed: int = 0) -> NDArray[Any]:
    """Smooth noise (height, width, bands) over most of 0 to 255 in 8 bits, 2047 in 16, 1 in floats."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    waves = np.sin(rows / 7.0)[..., None] + np.cos(columns / 5.0)[..., None] * np.linspace(0.5, 1.0, bands)
    unit = np.clip((waves + rng.normal(0, 0.1, (height, width, bands)) + 2.2) / 4.4, 0.02, 0.98)
    kind = np.dtype(dtype)
    if kind.kind in "fc":
        return unit.astype(kind)
    return (unit * (255 if kind.itemsize == 1 else 2047)).astype(kind)


def make_raster(
    path: Path,
    *,
    pixels: ArrayLike | None = None,
    size: tuple[int, int] = (64, 96),
    bands: int = 3,
    crs: str | None = UTM,
    transform: Affine | None = KHMEIMIM,
    dtype: str = "uint8",
    nodata: float | None = None,
    alpha: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    mask_internal: bool = True,
    tags: Mapping[str, str] | None = None,
    colorinterp: Sequence[str] | None = None,
    descriptions: Sequence[str] | None = None,
    palette: Mapping[int, tuple[int, int, int, int]] | None = None,
    gcps: Sequence[GroundControlPoint] | None = None,
    rpcs: RPC | None = None,
    overviews: Sequence[int] = (),
    driver: str | None = None,
    **creation: Any,
) -> Path:
    """Write a small raster and return its path.

    Args:
        path: where; its suffix chooses the driver unless `driver` does. A `.vrt` gets its one member beside
            it, `<stem>_member.tif`.
        pixels: (height, width) or (height, width, bands); `picture` when left out.
        size: (height, width) of the drawn picture.
        bands: number of bands of the drawn picture, alpha not counted.
        crs, transform: None for no georeference.
        dtype: of the drawn picture.
        nodata: declared value.
        alpha: (height, width) values of an alpha band, appended as the last one.
        mask: (height, width), true where valid: a mask inside a TIFF, or `.msk` beside it.
        mask_internal: False writes the `.msk`.
        tags: metadata of the default namespace.
        colorinterp: names of `rasterio.enums.ColorInterp`, one per band, alpha included.
        descriptions: one per band.
        palette: colour table of band 1.
        gcps, rpcs: tie points (in `crs`) or rational polynomials instead of a transform.
        overviews: factors.
        driver: name of a GDAL driver.
        creation: options of the driver, such as `tiled=True` or `photometric="MINISBLACK"`.
    """
    path = Path(path)
    driver = driver or DRIVERS[path.suffix.lower()]
    stack = picture(*size, bands, dtype) if pixels is None else np.asarray(pixels)
    stack = stack[..., None] if stack.ndim == 2 else stack
    if alpha is not None:
        stack = np.concatenate([stack, np.asarray(alpha).astype(stack.dtype)[..., None]], axis=2)
    direct = path if driver not in COPY_ONLY else path.with_name(f"{path.stem}_member.tif")
    height, width, count = stack.shape
    profile: dict[str, Any] = {"driver": "GTiff" if driver in COPY_ONLY else driver, "nodata": nodata}
    if driver not in COPY_ONLY:
        profile |= creation
    if gcps is None and rpcs is None and transform is not None:
        profile |= {"transform": transform}
    if crs is not None:
        profile |= {"crs": crs}
    if gcps is not None:
        profile |= {"gcps": list(gcps)}
    if rpcs is not None:
        profile |= {"rpcs": rpcs}
    with (
        warnings.catch_warnings(),
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=mask_internal),
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # pictures without georeference are meant
        with rasterio.open(
            direct, "w", height=height, width=width, count=count, dtype=stack.dtype, **profile
        ) as sink:
            if alpha is not None and colorinterp is None:
                colours = [ColorInterp.gray] if count == 2 else list(sink.colorinterp[: count - 1])
                sink.colorinterp = [*colours, ColorInterp.alpha]
            if colorinterp is not None:
                sink.colorinterp = [ColorInterp[name] for name in colorinterp]
            if palette is not None:
                sink.write_colormap(1, dict(palette))
            for number, text in enumerate(descriptions or (), start=1):
                sink.set_band_description(number, text)
            sink.write(np.moveaxis(stack, 2, 0))
            if mask is not None:
                sink.write_mask(np.asarray(mask, dtype=bool))
            sink.update_tags(**(tags or {}))
        if overviews:
            with rasterio.open(direct, "r+") as sink:
                sink.build_overviews(list(overviews), Resampling.average)
        if direct != path:
            rasterio.shutil.copy(direct, path, driver=driver, **creation)
            if driver != "VRT":
                direct.unlink()
    return path
