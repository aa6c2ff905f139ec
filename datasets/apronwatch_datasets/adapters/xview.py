"""xView: WorldView-3 scenes of 0.3 m with a million upright boxes in 60 classes.

Get it at https://xviewdataset.org.

Layout::

    xView_train.geojson     or train_labels/xView_train.geojson
    train_images/<n>.tif

A feature's `bounds_imcoords` is the text `xmin,ymin,xmax,ymax` in pixels, its `type_id` the class, its `image_id` the
file; its geometry is the same box in longitude and latitude, from which images near each other are known. The
validation images have no public labels.

Known faults (DIUx-xView/xView1_baseline, issues 3 and 14): `1395.tif` has labels but no image; `._100.tif` and others
are notes of a Mac's archive; ids 75, 82 and 87 stand for nothing; boxes reach beyond their images; some boxes are
empty.

Licence: CC BY-NC-SA 4.0. Classes: 60, see the class map. GSD: 0.3 m.

From memory, not looked up: the licence and the citation's number.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from apronwatch.errors import DatasetInvalid
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.adapters.folders import by_stem, first_folder, last_part, unlabelled
from apronwatch_datasets.adapters.geojson_labels import read_features, ring
from apronwatch_datasets.formats.texts import finite
from apronwatch_datasets.places import group_nearby
from apronwatch_datasets.records import Card, horizontal_boxes
from apronwatch_datasets.source import Log, SourceImage, SourceObjects

CARD = Card(
    name="xview",
    title="xView",
    url="https://xviewdataset.org",
    citation="D. Lam et al., xView: Objects in Context in Overhead Imagery, arXiv:1802.07856, 2018",
    licence="CC BY-NC-SA 4.0",
    gsd="0.3 m (WorldView-3)",
    annotated=frozenset(CLASSES),
)
GSD_M = 0.3
LABELS = ("xView_train.geojson", "train_labels/xView_train.geojson")
NEARBY_M = 5_000.0
"""Images are chips of about a kilometre; those of one scene follow one another."""

ENOUGH = 32
"""Objects, evenly chosen, that tell where an image of thousands lies."""

# xview_class_labels.txt of DIUx-xView/xView1_baseline, with the names of the paper's table.
_TYPES: Mapping[int, str] = {
    11: "Fixed-wing Aircraft",
    12: "Small Aircraft",
    13: "Passenger/Cargo Plane",
    15: "Helicopter",
    17: "Passenger Vehicle",
    18: "Small Car",
    19: "Bus",
    20: "Pickup Truck",
    21: "Utility Truck",
    23: "Truck",
    24: "Cargo Truck",
    25: "Truck Tractor w/ Box Trailer",
    26: "Truck Tractor",
    27: "Trailer",
    28: "Truck Tractor w/ Flatbed Trailer",
    29: "Truck Tractor w/ Liquid Tank",
    32: "Crane Truck",
    33: "Railway Vehicle",
    34: "Passenger Car",
    35: "Cargo/Container Car",
    36: "Flat Car",
    37: "Tank car",
    38: "Locomotive",
    40: "Maritime Vessel",
    41: "Motorboat",
    42: "Sailboat",
    44: "Tugboat",
    45: "Barge",
    47: "Fishing Vessel",
    49: "Ferry",
    50: "Yacht",
    51: "Container Ship",
    52: "Oil Tanker",
    53: "Engineering Vehicle",
    54: "Tower crane",
    55: "Container Crane",
    56: "Reach Stacker",
    57: "Straddle Carrier",
    59: "Mobile Crane",
    60: "Dump Truck",
    61: "Haul Truck",
    62: "Scraper/Tractor",
    63: "Front loader/Bulldozer",
    64: "Excavator",
    65: "Cement Mixer",
    66: "Ground Grader",
    71: "Hut/Tent",
    72: "Shed",
    73: "Building",
    74: "Aircraft Hangar",
    76: "Damaged Building",
    77: "Facility",
    79: "Construction Site",
    83: "Vehicle Lot",
    84: "Helipad",
    86: "Storage Tank",
    89: "Shipping container lot",
    91: "Shipping Container",
    93: "Pylon",
    94: "Tower",
}


def read(root: Path, log: Log) -> Iterator[SourceImage]:
    """Every labelled image, by name. Raises `DatasetInvalid` for a folder that is not this dataset."""
    folder = first_folder(root, ("train_images",), CARD)
    labels = _labels(root)
    images = by_stem(folder, (".tif", ".tiff"), log)
    features = _by_image(labels)
    places = group_nearby(
        {name: at for name, items in features.items() if (at := _centre(items)) is not None}, NEARBY_M
    )
    for name in sorted(images.keys() | features.keys()):
        image = images.get(name, folder / f"{name}.tif")
        if name not in features:
            unlabelled(image, log)
            continue
        objects = _objects(features[name], labels, log)
        yield SourceImage(
            name, image, labels, objects, places.get(name, name), gsd_m=GSD_M, published_split="train"
        )


def _labels(root: Path) -> Path:
    for name in LABELS:
        if (root / name).is_file():
            return root / name
    raise DatasetInvalid(f"{root}: no {LABELS[0]}; expected {CARD.title}, to be had at {CARD.url}")


_Numbered = tuple[int, dict[str, Any]]


def _by_image(path: Path) -> dict[str, list[_Numbered]]:
    """Features with their 1-based numbers in the file, by the image's name without suffix."""
    try:
        features = read_features(path).items
    except (ValueError, OSError) as error:
        raise DatasetInvalid(
            f"{path}: {error}; expected the labels of {CARD.title}; fetch it anew"
        ) from error
    found: dict[str, list[_Numbered]] = defaultdict(list)
    for line, feature in enumerate(features, start=1):
        image = str(feature["properties"].get("image_id"))
        found[last_part(image).removesuffix(".tif")].append((line, feature))
    return found


def _objects(features: list[_Numbered], path: Path, log: Log) -> SourceObjects:
    boxes, names, lines = [], [], []
    for line, feature in features:
        properties = feature["properties"]
        name = _type(properties.get("type_id"))
        try:
            boxes.append(_bounds(properties.get("bounds_imcoords")))
        except ValueError as error:
            log.bad_line(path, line, f"feature {line}: {error}", name)
            continue
        names.append(name)
        lines.append(line)
    sides = np.array(boxes).reshape(-1, 4).T
    return SourceObjects.of(horizontal_boxes(*sides), names, oriented=False, lines=lines, sided=True)


def _type(type_id: object) -> str:
    """Name of a class; an id outside the list as it is written."""
    return _TYPES.get(type_id, str(type_id)) if isinstance(type_id, int) else str(type_id)


def _bounds(text: object) -> tuple[float, ...]:
    sides = finite(str(text).split(","), "bounds_imcoords")
    if len(sides) != 4:
        raise ValueError(f"bounds_imcoords {text!r:.60}; expected xmin,ymin,xmax,ymax")
    return tuple(sides)


def _centre(features: list[_Numbered]) -> tuple[float, float] | None:
    """Longitude and latitude of the middle of an image's objects; None where none tells."""
    corners = []
    for _, feature in features[:: 1 + len(features) // ENOUGH]:
        try:
            corners.append(ring(feature).mean(axis=0))
        except ValueError:
            continue  # a feature without a place on the ground may still have its box in pixels
    if not corners:
        return None
    lon, lat = np.median(corners, axis=0).tolist()
    return lon, lat
