"""The sources read and checked, their images as units of work, and the room that their tiles need."""

import hashlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apronwatch.errors import DatasetInvalid, OutputInvalid
from apronwatch_datasets.adapters import adapter
from apronwatch_datasets.dataset import Dataset, load
from apronwatch_datasets.preparing.files import Folder
from apronwatch_datasets.preparing.manifest import FORMAT, versions
from apronwatch_datasets.preparing.options import Options, Source
from apronwatch_datasets.preparing.units import Unit
from apronwatch_datasets.preparing.windows import views_of
from apronwatch_datasets.records import LabelledImage

Progress = Callable[[str, int, int], None]
"""Called with (what is done, how many are done, how many in all)."""

BYTES_PER_PIXEL = {"png": 3.1, "jpg": 1.2}
"""Above what tiles of pure noise need (3.0 and 1.17), the worst that these formats meet; usual tiles need half."""

BYTES_PER_TILE = 8192
"""Labels, regions and the file system's blocks."""

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Need:
    """What a training set will need, at most.

    Attributes:
        images: source images.
        tiles: made of them.
        bytes_on_disk: of all files together.
    """

    images: int
    tiles: int
    bytes_on_disk: int


def load_sources(
    sources: Sequence[Source], options: Options, progress: Progress | None = None
) -> dict[str, Dataset]:
    """Each source read and checked; by its name, a second one of a name as `NAME-2`.

    Raises:
        DatasetInvalid: what `dataset.load` raises; a fault, when the options are strict.
    """
    loaded: dict[str, Dataset] = {}
    counts: Counter[str] = Counter()
    for source in sources:
        counts[source.name] += 1
        name = source.name if counts[source.name] == 1 else f"{source.name}-{counts[source.name]}"
        told = None if progress is None else _told(progress, f"checking {name}")
        loaded[name] = load(
            source.adapter or adapter(source.name),
            source.root,
            own_classes=options.own_classes,
            workers=options.workers,
            progress=told,
        )
        faults = loaded[name].faults
        if options.strict and faults:
            raise DatasetInvalid(
                f"{source.root}: {len(faults)} faults, the first {faults[0]}; mend them, or do without strict"
            )
    return loaded


def _told(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(what, done, total)


def estimate(datasets: Mapping[str, Dataset], options: Options) -> Need:
    """What preparing these datasets will need; backgrounds that will not be kept are counted too."""
    return _need([image for dataset in datasets.values() for image in dataset.images], options)


def _need(images: Sequence[LabelledImage], options: Options) -> Need:
    tiles = sum(len(view.windows()) for image in images for view in views_of(image, options)[0])
    each = options.tile_px**2 * BYTES_PER_PIXEL[options.image_format] + BYTES_PER_TILE
    return Need(len(images), tiles, round(tiles * each))


def check_room(units: Sequence[Unit], options: Options, root: Path) -> None:
    """Refuse a disk too small for what is still to be made.

    Raises:
        OutputInvalid: it has less than the units that are not finished need.
    """
    need = _need([u.image for u in units if not u.folder.part(u.name).is_file()], options)
    there = next(folder for folder in (root, *root.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if need.bytes_on_disk > free:
        raise OutputInvalid(
            f"{root}: {need.tiles} tiles need up to {need.bytes_on_disk / 1e6:,.1f} MB, the disk has "
            f"{free / 1e6:,.1f} MB left; make room, give another folder, or use jpg or fewer GSDs"
        )


def units_of(datasets: Mapping[str, Dataset], options: Options, folder: Folder) -> list[Unit]:
    """One unit an image, in the order of the sources."""
    units = [
        Unit(f"{name}-{_file_name(image.name)}", name, dataset.card.licence, image, options, folder)
        for name, dataset in datasets.items()
        for image in dataset.images
    ]
    twice = [name for name, count in Counter(unit.name for unit in units).items() if count > 1]
    if twice:
        raise DatasetInvalid(f"two images would both give tiles called {twice[0]}; rename one of them")
    return units


def _file_name(image: str) -> str:
    """An image's name as part of a file's; where that says less, a hash keeps it unique."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", image)[:_LONGEST_NAME]
    return plain if plain == image else f"{plain}-{hashlib.sha256(image.encode()).hexdigest()[:8]}"


def fingerprint(units: Sequence[Unit], record: Mapping[str, Any]) -> str:
    """SHA-256 of all that the tiles depend on but the images' bytes: a record of options, names, labels, versions."""
    made_by = {"format": FORMAT, "versions": versions()}
    told = hashlib.sha256(json.dumps([made_by, record], sort_keys=True).encode())
    for unit in units:
        image, objects = unit.image, unit.image.objects
        facts = [
            unit.name,
            image.width,
            image.height,
            image.gsd_m,
            str(image.time),
            image.place,
            unit.licence,
        ]
        told.update(json.dumps([*facts, sorted(image.annotated), objects.source_classes.tolist()]).encode())
        for column in (
            objects.polygons,
            objects.classes,
            objects.oriented,
            objects.difficult,
            objects.ignore,
        ):
            told.update(column.tobytes())
    return told.hexdigest()
