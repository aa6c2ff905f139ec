"""Rasters opened with care: known drivers only, members checked, one handle per thread."""

import threading
import warnings
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from apronwatch.errors import SceneUnreadable
from apronwatch.remote import exists, is_url, public, version

DRIVERS = ("GTiff", "JP2OpenJPEG", "NITF", "PNG", "JPEG", "WEBP", "BMP", "HFA", "ENVI")
"""GDAL's drivers that scenes are opened with, and VRT for local files, whose members are looked at one by
one. Others are refused: some of GDAL's formats fetch whatever a file names."""

MAX_VRT_DEPTH = 4

_VSICURL = "/vsicurl?max_retry=3&retry_delay=1&connecttimeout=20&low_speed_time=60&low_speed_limit=1"
_SIDECAR_SUFFIXES = (".msk", ".ovr", ".aux.xml")

_EXPECTED = "GeoTIFF, VRT, JPEG 2000, NITF, PNG or JPEG"

_opening = threading.Lock()


@dataclass(frozen=True)
class Source:
    """A raster file, local or remote.

    Attributes:
        path: file or address.
        sidecars: addresses of the sidecars of a remote raster; those of a local one are found by GDAL.
    """

    path: str
    sidecars: tuple[str, ...] = ()

    @classmethod
    def locate(cls, path: str) -> Self:
        """The raster behind a path or address.

        Raises:
            SceneUnreadable: it is missing, empty, a folder, another kind of address, or of no version.
            NetworkUnavailable: its server cannot be reached.
        """
        if not is_url(path):
            _check_local(path)
            return cls(path)
        version(path)
        # GDAL would append the suffix behind a query.
        beside = [f"{path}{suffix}" for suffix in _SIDECAR_SUFFIXES] if "?" not in path else []
        return cls(path, tuple(address for address in beside if exists(address)))

    @property
    def gdal(self) -> str:
        """GDAL's name of it."""
        if not is_url(self.path):
            return self.path
        # Left to itself, GDAL asks the server for some sixty sidecars of other names.
        listing = "list_dir=no" if self.sidecars else "empty_dir=yes"
        return f"{_VSICURL}&{listing}&url={quote(self.path, safe=':/')}"


def open_raster(source: Source) -> DatasetReader:
    """Open a raster with one of `DRIVERS`, or a local VRT.

    Raises:
        SceneUnreadable: it is no raster of these drivers, or a container of several.
    """
    name = public(source.path)
    drivers = DRIVERS if is_url(source.path) else (*DRIVERS, "VRT")
    try:
        # The warning is ignored for our own call alone: a picture without georeference is told by its info.
        with _opening, warnings.catch_warnings(), rasterio.Env():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            # rasterio.open takes one driver, its class a list.
            dataset = DatasetReader(source.gdal, driver=list(drivers))
    except RasterioError as error:
        why = one_line(error).replace(source.gdal, name)
        wanted = f"{_EXPECTED}, on a server that answers range requests" if is_url(source.path) else _EXPECTED
        raise SceneUnreadable(f"{name}: no readable raster ({why}); expected {wanted}") from error
    if dataset.count == 0:
        inside = ", ".join(dataset.subdatasets[:3]) or "nothing"
        dataset.close()
        raise SceneUnreadable(f"{name}: a container of {inside}; extract one image with gdal_translate")
    return dataset


def one_line(error: BaseException) -> str:
    """The text of an error, without line breaks."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _check_local(path: str) -> None:
    if "://" in path or path.startswith("/vsi"):
        raise SceneUnreadable(
            f"{path}: this kind of address is not read; give a local file or an http(s) address"
        )
    file = Path(path)
    if file.is_dir():
        raise SceneUnreadable(f"{path}: a folder; give the image in it")
    if not file.is_file():
        raise SceneUnreadable(f"{path}: no such file")
    if file.stat().st_size == 0:
        raise SceneUnreadable(f"{path}: an empty file; expected {_EXPECTED}")


def probe(dataset: DatasetReader, path: str) -> None:
    """Read the end of the last block of each band, which a truncated file lacks.

    Raises:
        SceneUnreadable: it cannot be read.
    """
    width = dataset.block_shapes[0][1]
    column = (dataset.width - 1) // width * width
    # One row only: asked for a whole picture, GDAL's PNG driver gives half of one without a word.
    last = Window(column, dataset.height - 1, dataset.width - column, 1)
    try:
        # libjpeg paints the missing rest of a picture grey and only warns.
        with rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING=True):
            dataset.read(window=last)
    except RasterioError as error:
        raise SceneUnreadable(
            f"{path}: its pixels break off ({one_line(error)}); it is truncated or damaged, fetch it again"
        ) from error


def members(source: Source, dataset: DatasetReader) -> tuple[str, ...]:
    """All files that a raster comes from: itself, its sidecars, and a VRT's members with theirs.

    Raises:
        SceneUnreadable: a member is missing, or is neither a local file nor an http(s) address of a plain
            raster.
    """
    return tuple(dict.fromkeys(_members(source, dataset, 0)))


def _members(source: Source, dataset: DatasetReader, depth: int) -> list[str]:
    if is_url(source.path):
        return [source.path, *source.sidecars]
    if dataset.driver != "VRT":
        return [source.path, *(name for name in dataset.files if Path(name).is_file())]
    if depth == MAX_VRT_DEPTH:
        raise SceneUnreadable(
            f"{source.path}: VRTs nested deeper than {MAX_VRT_DEPTH}; build one VRT of the images themselves"
        )
    found = [source.path]
    for name in _sources(source.path, dataset):
        member = Source.locate(name)
        with open_raster(member) as opened:
            probe(opened, public(name))
            found += _members(member, opened, depth + 1)
    return found


def _sources(path: str, dataset: DatasetReader) -> list[str]:
    """What a VRT names, wherever it names it: GDAL's own list leaves out what it cannot find."""
    try:
        tree = ElementTree.fromstring(dataset.tags(ns="xml:VRT")["xml:VRT"])
    except (KeyError, ElementTree.ParseError) as error:
        raise SceneUnreadable(f"{path}: a VRT that cannot be looked through ({error})") from error
    named = [node for node in tree.iter() if node.tag in ("SourceFilename", "SourceDataset") and node.text]
    return list(dict.fromkeys(_resolve(node, Path(path).parent) for node in named))


def _resolve(node: ElementTree.Element, folder: Path) -> str:
    name = (node.text or "").strip().removeprefix("/vsicurl/")
    relative = "1" in (node.get("relativeToVRT"), node.get("relativetoVRT"))
    return str(folder / name) if relative and not is_url(name) else name


class Handles:
    """A raster's handles, one for each thread that asks: GDAL's must not be shared between threads."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._local = threading.local()
        self._all: list[DatasetReader] = []
        self._lock = threading.Lock()
        self._closed = False

    def get(self) -> DatasetReader:
        """The calling thread's handle, opened on first use.

        Raises:
            ValueError: the handles were closed.
        """
        if self._closed:
            raise ValueError(f"{public(self.source.path)} was closed")
        handle: DatasetReader | None = getattr(self._local, "handle", None)
        if handle is None:
            handle = open_raster(self.source)
            self._local.handle = handle
            with self._lock:
                self._all.append(handle)
        return handle

    def close(self) -> None:
        """Close them all; no thread may be reading."""
        with self._lock:
            self._closed = True
            for handle in self._all:
                handle.close()
            self._all.clear()
