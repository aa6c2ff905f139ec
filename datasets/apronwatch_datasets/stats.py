"""What labelled images hold: objects per class, their sizes, ground sample distances, places."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from apronwatch.detections import Polygons
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.records import UNCLASSED, LabelledImage


@dataclass(frozen=True)
class Spread:
    """Where the middle 90 % of some numbers lie.

    Attributes:
        low, median, high: the 5 %, 50 % and 95 % quantiles.
        number: how many numbers they are taken from.
    """

    low: float
    median: float
    high: float
    number: int

    @classmethod
    def of(cls, values: ArrayLike) -> Self | None:
        """Of values (N,), those that are not NaN; None if there are none."""
        known = np.asarray(values, dtype=np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            return None
        low, median, high = np.quantile(known, [0.05, 0.5, 0.95]).tolist()
        return cls(low, median, high, len(known))

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {"p05": self.low, "median": self.median, "p95": self.high, "number": self.number}


@dataclass(frozen=True, eq=False)
class ClassStats:
    """The objects of one class in one dataset.

    Attributes:
        class_name: one of ours; None for objects that are none of ours or of no known class, which are ignored.
        objects: to be found, the difficult ones among them.
        difficult: of `objects`, those that the dataset calls difficult.
        ignored: regions to ignore, not among `objects`.
        upright: of `objects`, those with a horizontal label: its sides bound their size, they are not their size.
        images: that show one of `objects`.
        annotated: images in which the class is labelled completely. Elsewhere it is unknown, not absent.
        places: that show one of `objects`.
        lengths_px: (objects,) float64, longer side of each box.
        lengths_m: (objects,) float64, the same in metres, NaN where the GSD is not known.
    """

    class_name: str | None
    objects: int
    difficult: int
    ignored: int
    upright: int
    images: int
    annotated: int
    places: int
    lengths_px: NDArray[np.float64]
    lengths_m: NDArray[np.float64]

    @property
    def size_px(self) -> Spread | None:
        """Lengths in pixels; None without objects."""
        return Spread.of(self.lengths_px)

    @property
    def size_m(self) -> Spread | None:
        """Lengths in metres; None where no GSD is known."""
        return Spread.of(self.lengths_m)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        px, metres = self.size_px, self.size_m
        return {
            "class": self.class_name,
            "objects": self.objects,
            "difficult": self.difficult,
            "ignored": self.ignored,
            "upright": self.upright,
            "images": self.images,
            "annotated_images": self.annotated,
            "places": self.places,
            "length_px": px.to_dict() if px else None,
            "length_m": metres.to_dict() if metres else None,
        }


@dataclass(frozen=True, eq=False)
class DatasetStats:
    """What one dataset holds.

    Attributes:
        name: of the dataset.
        classes: one a class that is labelled completely somewhere or occurs, in the order of `taxonomy.CLASSES`;
            last, if there are any, the ignored objects without a class.
        gsds_m: (images,) float64, NaN where not known.
        megapixels: of all images together.
        objects_of_place: place -> objects to be found there.
    """

    name: str
    classes: tuple[ClassStats, ...]
    gsds_m: NDArray[np.float64]
    megapixels: float
    objects_of_place: dict[str, int]

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.gsds_m)

    @property
    def objects(self) -> int:
        """Number of objects to be found."""
        return sum(c.objects for c in self.classes)

    @property
    def gsd_range_m(self) -> tuple[float, float] | None:
        """Finest and coarsest known; None if none is."""
        known = self.gsds_m[~np.isnan(self.gsds_m)]
        return (float(known.min()), float(known.max())) if len(known) else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "dataset": self.name,
            "images": self.images,
            "images_with_gsd": int((~np.isnan(self.gsds_m)).sum()),
            "gsd_range_m": self.gsd_range_m,
            "megapixels": self.megapixels,
            "places": len(self.objects_of_place),
            "objects": self.objects,
            "classes": [c.to_dict() for c in self.classes],
        }


def dataset_stats(name: str, images: Iterable[LabelledImage]) -> DatasetStats:
    """Count and measure what the images of one dataset hold. No image file is opened."""
    images = list(images)
    found = [_class_stats(k, images) for k in (*range(len(CLASSES)), UNCLASSED)]
    of_place = dict.fromkeys((image.place for image in images), 0)
    for image in images:
        of_place[image.place] += int((~image.objects.ignore).sum())
    return DatasetStats(
        name,
        tuple(c for c in found if c.annotated or c.objects or c.ignored),
        np.array([np.nan if image.gsd_m is None else image.gsd_m for image in images], dtype=np.float64),
        sum(image.width * image.height for image in images) / 1e6,
        of_place,
    )


def longer_sides(polygons: Polygons) -> NDArray[np.float64]:
    """Longer side (N,) of each box (N, 4, 2): the mean of its two longer opposite sides."""
    sides = np.linalg.norm(np.roll(polygons, -1, axis=1) - polygons, axis=-1)
    longer: NDArray[np.float64] = ((sides[:, :2] + sides[:, 2:]) / 2).max(axis=1, initial=0.0)
    return longer


def _class_stats(class_index: int, images: list[LabelledImage]) -> ClassStats:
    name = None if class_index == UNCLASSED else CLASSES[class_index]
    difficult = ignored = upright = 0
    showing: list[LabelledImage] = []
    px, metres = [np.zeros(0)], [np.zeros(0)]
    for image in images:
        of_class = image.objects.classes == class_index
        ignored += int((of_class & image.objects.ignore).sum())
        there = image.objects.select(of_class & ~image.objects.ignore)
        if not len(there):
            continue
        showing.append(image)
        difficult += int(there.difficult.sum())
        upright += int((~there.oriented).sum())
        px.append(longer_sides(there.polygons))
        metres.append(px[-1] * (np.nan if image.gsd_m is None else image.gsd_m))
    lengths_px = np.concatenate(px)
    return ClassStats(
        name,
        len(lengths_px),
        difficult,
        ignored,
        upright,
        len(showing),
        sum(name in image.annotated for image in images),
        len({image.place for image in showing}),
        lengths_px,
        np.concatenate(metres),
    )
