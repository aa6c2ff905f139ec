"""Whole labelled scenes through the product's own pipeline: what the tiles, the merging and the rest make of them."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from apronwatch.detections import Detections
from apronwatch.engines import Engine, ModelSpec
from apronwatch.interchange.tables import in_pixels
from apronwatch.pipeline import detect
from apronwatch.scene import Scene
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import ALL_ZONES
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.records import LabelledImage
from apronwatch_training.known import some
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
        image: the scene with its labels, at the GSD at which it was looked at.
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


@dataclass(frozen=True)
class LeftOut:
    """Scenes that tell nothing of a model, by `dataset/image`, and why.

    Attributes:
        gsd_unknown: nothing says how fine they are.
        coarser: than the GSD that they were to be looked at.
        out_of_range: class -> scenes that label it, at a GSD at which the model does not report it.
    """

    gsd_unknown: tuple[str, ...]
    coarser: tuple[str, ...]
    out_of_range: dict[str, tuple[str, ...]]

    @classmethod
    def of(
        cls,
        images: Sequence[tuple[str, LabelledImage]],
        looked: Sequence["Looked"],
        model: ModelSpec,
        assumed_gsd_m: float | None,
    ) -> "LeftOut":
        """Of scenes that `look` was given, those that it did not hand over, or for some class in vain."""
        seen = {(one.dataset, one.image.name) for one in looked}
        missing = [(dataset, image) for dataset, image in images if (dataset, image.name) not in seen]
        unknown, coarser = (
            tuple(f"{d}/{i.name}" for d, i in missing if bool(i.gsd_m or assumed_gsd_m) == known)
            for known in (False, True)
        )
        beyond = {
            name: tuple(
                f"{one.dataset}/{one.image.name}"
                for one in looked
                if name in one.image.annotated and name not in one.reported
            )
            for name in CLASSES
            if name in model.classes
        }
        return cls(unknown, coarser, {name: scenes for name, scenes in beyond.items() if scenes})

    def warnings(self) -> list[str]:
        """What a reader must be told of them."""
        said = []
        if self.gsd_unknown:
            said.append(
                f"left out, for their GSD is not known (--assume-gsd tells it): {_scenes(self.gsd_unknown)}"
            )
        if self.coarser:
            said.append(f"left out, for they are coarser than asked: {_scenes(self.coarser)}")
        said += [
            f"{name} is not reported at their GSD, so they say nothing of it: {_scenes(scenes)}"
            for name, scenes in self.out_of_range.items()
        ]
        return said

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "gsd_unknown": list(self.gsd_unknown),
            "coarser": list(self.coarser),
            "out_of_range": {name: list(scenes) for name, scenes in self.out_of_range.items()},
        }


def _scenes(names: tuple[str, ...]) -> str:
    return f"{len(names)} scene{'s' * (len(names) > 1)} ({some(names)})"


def look(
    images: Sequence[tuple[str, LabelledImage]],
    engine: Engine,
    *,
    gsd_m: float | None = None,
    assumed_gsd_m: float | None = None,
    progress: Progress | None = None,
    copies: Path | None = None,
) -> Iterator[Looked]:
    """Look at each scene.

    Args:
        images: labelled scenes with the name of their dataset.
        engine: what looks.
        gsd_m: resample scenes to this GSD first (area average); finer scenes only. None: as they are.
        assumed_gsd_m: for scenes whose GSD is not known; None leaves them out.
        progress: told of scenes done.
        copies: a folder for what was resampled; without one each copy goes once its scene was looked at.

    Raises:
        ApronwatchError: a scene cannot be read, or the engine fails.
    """
    for done, (dataset, image) in enumerate(images):
        known = image.gsd_m or assumed_gsd_m
        if known is not None and (gsd_m is None or known <= gsd_m * (1 + _SAME_GSD)):
            kept = None if copies is None else copies / str(done)
            with _at_gsd(replace(image, gsd_m=known), gsd_m, kept) as scene:
                yield _looked(dataset, scene, engine)
        if progress is not None:
            progress(done + 1, len(images))


def _looked(dataset: str, image: LabelledImage, engine: Engine) -> Looked:
    gsd_m = image.gsd_m or 0.0
    with _opened(image) as scene:
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
        # A scene that was averaged down has lost the tag that says so.
        drawn=run.scene.synthetic or is_drawn(dataset, image.place),
    )


@contextmanager
def _opened(image: LabelledImage) -> Iterator[Scene]:
    with Scene.open(image.path, undated=True, gsd_m=image.gsd_m) as scene:
        yield scene


@contextmanager
def _at_gsd(image: LabelledImage, gsd_m: float | None, kept: Path | None) -> Iterator[LabelledImage]:
    """The scene at a coarser GSD, as a picture in the folder `kept` or a temporary one; its labels shrunk with it."""
    native = image.gsd_m or 0.0
    if gsd_m is None or abs(native / gsd_m - 1) <= _SAME_GSD:
        yield image
        return
    pixels: NDArray[np.uint8] = read_picture(image.path).rgb
    scale = native / gsd_m
    width, height = round(image.width * scale), round(image.height * scale)
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    stretched = np.array([width / image.width, height / image.height])
    if kept is not None:
        kept.mkdir()
    with nullcontext(kept) if kept else tempfile.TemporaryDirectory(prefix="apronwatch-") as folder:
        path = Path(folder) / f"{Path(image.path).stem}.png"
        cv2.imwrite(str(path), small[..., ::-1])
        yield replace(
            image,
            path=path,
            width=width,
            height=height,
            gsd_m=gsd_m,
            objects=image.objects.at(image.objects.polygons * stretched),
        )
