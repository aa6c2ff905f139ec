"""Tiny image files of any kind."""

from pathlib import Path

import cv2
import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile


def paint(path: Path, width: int, height: int, *, seed: int = 0) -> None:
    """A picture of smooth noise without georeference: PNG, JPEG, BMP or TIFF by its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), _noise(width, height, seed)):
        raise OSError(f"{path}: could not be written")


def paint_map(path: Path, width: int, height: int, crs: str, transform: Affine, *, seed: int = 0) -> None:
    """A georeferenced picture of smooth noise: GeoTIFF, or PNG with its georeference in `.aux.xml`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": width, "height": height, "count": 3, "dtype": "uint8"}
    with MemoryFile() as memory:
        with memory.open(**profile, crs=crs, transform=transform, photometric="RGB") as dataset:
            dataset.write(np.moveaxis(_noise(width, height, seed), -1, 0))
        driver = "PNG" if path.suffix == ".png" else "GTiff"
        rasterio.shutil.copy(memory.name, path, driver=driver)


def cut_short(path: Path) -> None:
    """Leave the first half of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _noise(width: int, height: int, seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.uint8)
    return cv2.GaussianBlur(noise, (5, 5), 0).astype(np.uint8)
