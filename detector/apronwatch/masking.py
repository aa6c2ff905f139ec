"""The masks of a scene: what its user supplies, and what its STAC item names; where the ground is hidden, by any."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apronwatch.cloudmasks import PLAIN, hiding_values
from apronwatch.errors import ApronwatchError, MaskInvalid
from apronwatch.lattice import Tile
from apronwatch.masklayers import Cover, Mask, RasterMask
from apronwatch.maskpolygons import VECTOR_SUFFIXES, PolygonMask
from apronwatch.scene import Scene
from apronwatch.sceneinfo import SceneInfo


@dataclass(frozen=True)
class Masks:
    """Several masks as one.

    Attributes:
        layers: each of them.
        notes: what a reader of the numbers should know of them.
    """

    layers: tuple[Mask, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for the same masks read the same way, in any order; empty without any."""
        keys = sorted({layer.key for layer in self.layers})
        if len(keys) < 2:
            return "".join(keys)
        return hashlib.sha256(json.dumps(keys).encode()).hexdigest()

    def cover(self, tile: Tile) -> Cover | None:
        """What lies over the tile's ground by any of them; None where there are none."""
        covers = [layer.cover(tile) for layer in self.layers]
        if len(covers) < 2:
            return covers[0] if covers else None
        words = dict.fromkeys(word for cover in covers for word in cover.noted)
        noted = {word: _any([c.noted[word] for c in covers if word in c.noted]) for word in words}
        return Cover(_any([cover.hidden for cover in covers]), noted)


def open_masks(scene: Scene, plane_crs: str | None) -> Masks:
    """The mask that a scene was opened with, and those of its STAC item, to be laid over tiles of a plane.

    A mask of the item that cannot be used is told in the notes, not raised: nobody asked for it.

    Args:
        scene: with its masks.
        plane_crs: CRS of the tiles' plane; None for pictures without georeference.

    Raises:
        MaskInvalid: the user's mask cannot be read, or cannot be laid over the scene.
    """
    layers: list[Mask] = []
    notes = list(scene.item_mask_notes)
    if scene.mask_path:
        layers.append(open_mask(scene.mask_path, scene.info, plane_crs, scene.mask_hides))
        notes += _notes(layers[0], Path(scene.mask_path).name, scene.mask_hides)
    for mask in scene.item_masks:
        told = f"the item's mask {mask.asset}"
        try:
            layers.append(RasterMask(mask.href, scene.info, plane_crs, mask.reading))
            notes.append(f"{told} ({layers[-1].name}) hides ground; --no-item-mask leaves it out")
        except ApronwatchError as error:
            notes.append(f"{told} ({mask.reading.name}) was not used: {error}")
    return Masks(tuple(layers), tuple(notes))


def _notes(mask: Mask, name: str, hides: Sequence[int] | None) -> list[str]:
    """What to know of how the user's mask is read."""
    if mask.name in (PLAIN.name, PolygonMask.name):
        return []
    notes = [f"the mask {name} is read as {mask.name}"]
    if hides is not None and isinstance(mask, RasterMask) and not mask.says_anything():
        values = ", ".join(map(str, hides))
        notes.append(
            f"not one pixel of the mask {name} has any of the values {values}; see that they are its own"
        )
    return notes


def open_mask(
    path: str | Path, scene: SceneInfo, plane_crs: str | None, hides: Sequence[int] | None = None
) -> Mask:
    """The mask in a file, to be laid over tiles of a plane.

    A raster of one band hides wherever it is not zero, or where it has one of the values `hides`; one called SCL and a
    UDM2 are read by their classes and bands (`cloudmasks`). Beyond its edge, and where a raster of classes declares
    nodata, it hides, for it says nothing there.

    Args:
        path: a raster or polygons (GeoJSON, GeoPackage, Shapefile, FlatGeobuf, GeoParquet).
        scene: the scene it belongs to; a mask without georeference must have the scene's own size.
        plane_crs: CRS of the tiles' plane; None for pictures without georeference.
        hides: the values of a raster of classes that hide the ground.

    Raises:
        MaskInvalid: it cannot be read, or cannot be laid over the scene.
    """
    path = Path(path)
    if not path.is_file():
        raise MaskInvalid(f"{path}: no such mask file; give a raster or polygons of what is hidden")
    if path.suffix.lower() in VECTOR_SUFFIXES:
        if hides is not None:
            raise MaskInvalid(f"{path}: polygons have no classes; give a raster, or leave --mask-hides out")
        return PolygonMask.open(path, scene, plane_crs)
    return RasterMask(str(path), scene, plane_crs, hiding_values(hides) if hides is not None else None)


def _any(masks: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    return np.asarray(np.logical_or.reduce(masks), dtype=np.bool_)
