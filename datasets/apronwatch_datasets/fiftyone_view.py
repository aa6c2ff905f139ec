"""Labelled images in FiftyOne, to be browsed and filtered in its App."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from platformdirs import user_cache_path

from apronwatch.errors import CallInvalid, ExtraMissing
from apronwatch.interchange.files import save
from apronwatch.report.canvas import CLASS_COLOURS
from apronwatch.taxonomy import CLASSES
from apronwatch_datasets.dataset import Progress
from apronwatch_datasets.pictures import read_picture
from apronwatch_datasets.records import UNCLASSED, LabelledImage
from apronwatch_datasets.stats import longer_sides

FIELD = "labels"
"""Field of a sample that holds its boxes."""

IGNORED = "ignored"
"""Label of objects without a class of ours."""

_MADE_BY = "apronwatch"
_SHOWN_MODES = ("1", "L", "LA", "P", "RGB", "RGBA")
_EXIF_ORIENTATION = 0x0112
_PNG_DEPTH_AT = 24
"""Offset of the bit depth in a PNG file (ISO/IEC 15948, section 11.2.2)."""


def import_fiftyone() -> Any:
    """The module, told to send nothing home and to take the mongod that its package brings.

    Raises:
        ExtraMissing: it is not installed.
    """
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")
    os.environ.setdefault("FIFTYONE_DATABASE_VALIDATION", "false")
    try:
        import fiftyone
    except ImportError as error:
        raise ExtraMissing(
            f"looking at images in FiftyOne needs it installed ({error}): pip install 'apronwatch[review]'"
        ) from error
    return fiftyone


def open_in_fiftyone(
    datasets: Mapping[str, Sequence[LabelledImage]],
    name: str,
    *,
    cache: Path | None = None,
    launch: bool = True,
    port: int = 5151,
    progress: Progress | None = None,
) -> Any:
    """Make a FiftyOne dataset of labelled images and open it in the App.

    Each box is a closed, filled `Polyline` in the field `labels`, with its class as label, the tags `difficult` and
    `ignore`, and the attributes `source_class`, `line`, `oriented`, `length_px`, `length_m`. Samples have the fields
    `source` (name of the dataset), `image`, `place`, `gsd_m`, `time`, `annotated`, `published_split`, `source_path`.

    Args:
        datasets: images by the name of their dataset.
        name: of the FiftyOne dataset; one of this name that was made here is replaced.
        cache: folder for PNGs of images that the App cannot show; by default in the user's cache.
        launch: open the App and wait until it is closed; the dataset goes with the session. Otherwise the dataset
            is kept, for `fiftyone app launch NAME`.
        port: of the App on this machine.
        progress: told of images done.

    Returns:
        The `fiftyone.Dataset`.

    Raises:
        ExtraMissing: FiftyOne is not installed.
        CallInvalid: no images, or FiftyOne holds a dataset of this name that was not made here.
        ApronwatchError: an image that must be converted cannot be read, or the cache cannot be written.
    """
    fo = import_fiftyone()
    images = [(source, image) for source, of in datasets.items() for image in of]
    if not images:
        raise CallInvalid("no labelled image to open; give a dataset that has some")
    folder = cache or user_cache_path("apronwatch") / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    samples = list(_samples(fo, images, folder, progress))
    dataset = _fresh_dataset(fo, name)
    dataset.add_samples(samples, progress=False)
    dataset.add_dynamic_sample_fields()
    dataset.persistent = not launch
    if launch:
        fo.launch_app(dataset, port=port).wait()
    return dataset


def _fresh_dataset(fo: Any, name: str) -> Any:
    if fo.dataset_exists(name):
        if fo.load_dataset(name).info.get("made_by") != _MADE_BY:
            raise CallInvalid(
                f"FiftyOne holds a dataset {name!r} that was not made by apronwatch and would be replaced; "
                "give another name"
            )
        fo.delete_dataset(name)
    dataset = fo.Dataset(name)
    dataset.info = {"made_by": _MADE_BY}
    dataset.default_classes = [*CLASSES, IGNORED]
    colours = {**CLASS_COLOURS, IGNORED: (160, 160, 160)}
    values = [{"value": label, "color": "#{:02x}{:02x}{:02x}".format(*rgb)} for label, rgb in colours.items()]
    dataset.app_config.color_scheme = fo.ColorScheme(
        color_by="value", fields=[{"path": FIELD, "colorByAttribute": "label", "valueColors": values}]
    )
    dataset.save()
    return dataset


def _samples(
    fo: Any, images: Sequence[tuple[str, LabelledImage]], folder: Path, progress: Progress | None
) -> Iterator[Any]:
    for done, (source, image) in enumerate(images):
        yield fo.Sample(
            filepath=str(viewable(image.path, folder).absolute()),
            metadata=fo.ImageMetadata(width=image.width, height=image.height),
            source=source,
            image=image.name,
            place=image.place,
            gsd_m=image.gsd_m,
            time=image.time,
            annotated=sorted(image.annotated),
            published_split=image.published_split,
            source_path=str(image.path),
            **{FIELD: fo.Polylines(polylines=list(_polylines(fo, image)))},
        )
        if progress is not None:
            progress(done + 1, len(images))


def _polylines(fo: Any, image: LabelledImage) -> Iterator[Any]:
    objects = image.objects
    corners = objects.polygons / np.array([image.width, image.height])
    lengths = longer_sides(objects.polygons)
    for k in range(len(objects)):
        class_index = int(objects.classes[k])
        tags = [tag for tag in ("difficult", "ignore") if getattr(objects, tag)[k]]
        yield fo.Polyline(
            label=IGNORED if class_index == UNCLASSED else CLASSES[class_index],
            points=[corners[k].tolist()],
            closed=True,
            filled=True,
            tags=tags,
            source_class=str(objects.source_classes[k]),
            line=int(objects.lines[k]),
            oriented=bool(objects.oriented[k]),
            length_px=float(lengths[k]),
            length_m=None if image.gsd_m is None else float(lengths[k]) * image.gsd_m,
        )


def viewable(path: Path, folder: Path) -> Path:
    """The image itself if a browser shows its pixels where the labels have them, else a PNG of it in `folder`.

    A PNG made once is used again as long as the image keeps its size and time.

    Raises:
        ApronwatchError: the image cannot be read, or `folder` cannot be written.
    """
    if _shown_by_browsers(path):
        return path
    state = path.stat()
    key = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}"
    made = folder / f"{path.stem}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.png"
    if not made.is_file():
        drawn = BytesIO()
        Image.fromarray(read_picture(path).rgb).save(drawn, format="PNG")
        save(made, drawn.getvalue())
    return made


def _shown_by_browsers(path: Path) -> bool:
    """An 8-bit PNG or JPEG without a turn in its EXIF block, by which a browser would turn the pixels only."""
    if path.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        return False
    with path.open("rb") as file:
        head = file.read(_PNG_DEPTH_AT + 1)
    with Image.open(path) as image:
        if image.format not in ("PNG", "JPEG") or image.mode not in _SHOWN_MODES:
            return False
        deep = image.format == "PNG" and head[_PNG_DEPTH_AT] > 8
        return not deep and image.getexif().get(_EXIF_ORIENTATION, 1) == 1
