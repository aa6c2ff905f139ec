"""Whole labelled scenes through the product's own pipeline: what the tiles, the merging and the rest make of them."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Detections
from apronwatch.engines import Engine
from apronwatch.interchange.tables import in_pixels
from apronwatch.pipeline import detect
from apronwatch.scene import Scene
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import ALL_ZONES
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.records import LabelledImage
from apronwatch_training.sources import is_drawn

Progress = Callable[[int, int], None]
"""Called with (scenes done, scenes in all)."""

_SAME_GSD = 0.02
"""A scene within this share of a GSD is taken as it is."""


@dataclass(frozen=True, eq=False)
class Looked:
    """A labelled scene and what a model made of it, both in the scene's pixels.

    Attributes:
        dataset: name of its dataset.
        image: the scene with its labels, at the GSD at which it was looked at; its file may be finer (`pixels_of`).
        gsd_m: metres of a pixel.
        detections: (N,) boxes in pixels, every class, down to the archive's floor of the score.
        reported: our classes that the model may report at this GSD.
        thresholds: operating score per class.
        lengths_m: (N,) lengths of the detections as the product counts with them, measured in the plane of its pass.
        observed_fraction: share of the picture that shows anything.
        saturated: a cap cut the boxes of some tile.
        drawn: no sensor took the picture.
    """

    dataset: str
    image: LabelledImage
    gsd_m: float
    detections: Detections
    reported: frozenset[str]
    thresholds: dict[str, float]
    lengths_m: NDArray[np.float64]
    observed_fraction: float
    saturated: bool
    drawn: bool

    def of(self, class_name: str) -> Detections:
        """The detections of one class."""
        return self.detections.select(self.detections.classes == CLASSES.index(class_name))

    def lengths_m_of(self, class_name: str) -> NDArray[np.float64]:
        """The lengths of the detections of one class, in the order of `of`."""
        lengths_m: NDArray[np.float64] = self.lengths_m[self.detections.classes == CLASSES.index(class_name)]
        return lengths_m

    def seen(self, class_name: str) -> int:
        """How many detections of a class count: at or above its threshold."""
        return int((self.of(class_name).scores >= self.thresholds[class_name]).sum())


def look(
    images: Sequence[tuple[str, LabelledImage]],
    engine: Engine,
    *,
    gsd_m: float | None = None,
    assumed_gsd_m: float | None = None,
    progress: Progress | None = None,
) -> Iterator[Looked]:
    """Look at each scene; `left_out.LeftOut` tells which are passed over.

    Args:
        images: labelled scenes with the name of their dataset.
        engine: what looks.
        gsd_m: resample scenes to this GSD first (area average); finer scenes only. None: as they are.
        assumed_gsd_m: for scenes whose GSD is not known; None leaves them out.
        progress: told of scenes done.

    Raises:
        ApronwatchError: a scene cannot be read, or the engine fails.
    """
    for done, (dataset, image) in enumerate(images):
        known = image.gsd_m or assumed_gsd_m
        if known is not None and not is_coarser(known, gsd_m):
            yield _looked(dataset, replace(image, gsd_m=known), engine, gsd_m)
        if progress is not None:
            progress(done + 1, len(images))


def is_coarser(own_m: float, gsd_m: float | None) -> bool:
    """Whether a scene of a GSD cannot be shown at another one; at its own (None) each can."""
    return gsd_m is not None and own_m > gsd_m * (1 + _SAME_GSD)


def shown_at(own_m: float, gsd_m: float | None) -> float:
    """The GSD at which a scene is looked at: its own, or that to which it is averaged down."""
    return own_m if gsd_m is None or abs(own_m / gsd_m - 1) <= _SAME_GSD else gsd_m


def pixels_of(image: LabelledImage) -> NDArray[np.uint8]:
    """(height, width, 3) RGB of a scene, averaged down from its file where that is larger."""
    pixels: NDArray[np.uint8] = read_picture(image.path).rgb
    if pixels.shape[:2] == (image.height, image.width):
        return pixels
    return cv2.resize(pixels, (image.width, image.height), interpolation=cv2.INTER_AREA).astype(np.uint8)


def _looked(dataset: str, image: LabelledImage, engine: Engine, at_m: float | None) -> Looked:
    native = image
    gsd_m = shown_at(native.gsd_m or 0.0, at_m)
    image = native if gsd_m == native.gsd_m else _averaged(native, gsd_m)
    with _opened(image, native) as scene:
        run = detect(scene, engine)
        found = run.detections
        pixels = replace(found, polygons=in_pixels(found, scene.info), crs=None, unit_m=gsd_m)
    reported = frozenset(name for name, spec in engine.model.classes.items() if spec.in_range(gsd_m))
    return Looked(
        dataset,
        image,
        gsd_m,
        pixels,
        reported,
        dict(run.thresholds),
        lengths_m=found.lengths_m,
        observed_fraction=run.visibility.fractions[ALL_ZONES],
        saturated=not run.saturated.is_empty,
        drawn=is_drawn(dataset, image.place) or _is_tagged(native),
    )


def _averaged(image: LabelledImage, gsd_m: float) -> LabelledImage:
    """The scene at a coarser GSD, its labels shrunk with it; its file is still the finer one."""
    scale = (image.gsd_m or 0.0) / gsd_m
    width, height = round(image.width * scale), round(image.height * scale)
    stretched = np.array([width / image.width, height / image.height])
    objects = image.objects.at(image.objects.polygons * stretched)
    return replace(image, width=width, height=height, gsd_m=gsd_m, objects=objects)


@contextmanager
def _opened(image: LabelledImage, native: LabelledImage) -> Iterator[Scene]:
    """The scene as it is, or averaged down, from a picture in a temporary folder."""
    if image is native:
        with Scene.open(image.path, undated=True, gsd_m=image.gsd_m) as scene:
            yield scene
        return
    with tempfile.TemporaryDirectory(prefix="apronwatch-") as folder:
        path = Path(folder) / f"{image.path.stem}.png"
        cv2.imwrite(str(path), pixels_of(image)[..., ::-1])
        with Scene.open(path, undated=True, gsd_m=image.gsd_m) as scene:
            yield scene


def _is_tagged(image: LabelledImage) -> bool:
    """Whether the picture itself says that it is drawn; one that was averaged down has lost the tag."""
    with Scene.open(image.path, undated=True, gsd_m=image.gsd_m) as scene:
        return scene.info.synthetic
