"""Rasters opened with care: known drivers only, members checked, one handle per thread."""

import os
import threading
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import rasterio
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from apronwatch.errors import SceneUnreadable
from apronwatch.remote import check_name, exists, is_url, public, version

# GDAL keeps decoded blocks in 5 % of the machine's memory, so memory would grow with the scene. It reads this once,
# before its first block; whoever sets it has their way.
os.environ.setdefault("GDAL_CACHEMAX", "128")

DRIVERS = ("GTiff", "JP2OpenJPEG", "NITF", "PNG", "JPEG", "WEBP", "BMP", "HFA", "ENVI")
"""GDAL's drivers that scenes are opened with, and VRT for local files, whose members are looked at one by
one. Others are refused: some of GDAL's formats fetch whatever a file names."""

MAX_VRT_DEPTH = 4

_VSICURL = "/vsicurl?max_retry=3&retry_delay=1&connecttimeout=20&low_speed_time=60&low_speed_limit=1"
_SIDECAR_SUFFIXES = (".msk", ".ovr", ".aux.xml")

_EXPECTED = "GeoTIFF, VRT, JPEG 2000, NITF, PNG or JPEG"

# Once and for this module alone, not around each call: rasters are opened on threads, and the filters that
# `catch_warnings` puts back are those of all threads. A picture without georeference is told by its info.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning, module=__name__.replace(".", r"\."))


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
            SceneUnreadable: it is missing, empty, a folder, another kind of address, of no usable name or no version.
            NetworkUnavailable: its server cannot be reached, or does not say which sidecars there are.
        """
        check_name(path)
        if not is_url(path):
            _check_local(path)
            return cls(path)
        version(path)
        beside = [] if has_query(path) else [f"{path}{suffix}" for suffix in _SIDECAR_SUFFIXES]
        return cls(path, tuple(address for address in beside if exists(address)))

    @property
    def mask(self) -> str | None:
        """Its `.msk`; None without one."""
        beside = f"{self.path}.msk"
        return beside if beside in self.sidecars or Path(beside).is_file() else None

    @property
    def gdal(self) -> str:
        """GDAL's name of it."""
        if not is_url(self.path):
            return self.path
        # Left to itself, GDAL asks the server for some sixty sidecars of other names.
        listing = "list_dir=no" if self.sidecars else "empty_dir=yes"
        return f"{_VSICURL}&{listing}&url={quote(self.path, safe=':/')}"


def has_query(path: str) -> bool:
    """Whether this is an address with a `?`: GDAL would look for its sidecars behind the query."""
    return is_url(path) and "?" in path


def open_raster(source: Source) -> DatasetReader:
    """Open a raster with one of `DRIVERS`, or a local VRT.

    Raises:
        SceneUnreadable: it is no raster of these drivers, a container of several, or its `.msk` is broken.
    """
    name = public(source.path)
    drivers = DRIVERS if is_url(source.path) else (*DRIVERS, "VRT")
    try:
        with rasterio.Env():
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
    if source.mask is not None and not _heeds_mask(dataset):
        dataset.close()
        raise SceneUnreadable(
            f"{public(source.mask)}: cannot be read as the mask of {name}; fetch it again, or take it away"
        )
    return dataset


def _heeds_mask(dataset: DatasetReader) -> bool:
    """Whether GDAL found the `.msk`: one that it cannot open it leaves aside without a word."""
    instead = {MaskFlags.all_valid, MaskFlags.nodata, MaskFlags.alpha}
    return all(not instead & set(flags) for flags in dataset.mask_flag_enums)


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
    """A raster's handles, one for each thread that asks: GDAL's must not be shared between threads.

    They may be closed at any time and open again when they are asked for, if no file has changed meanwhile.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self._local = threading.local()
        self._all: list[DatasetReader] = []
        self._lock = threading.Lock()
        self._stamps: dict[str, str] = {}
        self._unsure = False

    def remember(self, files: Iterable[str]) -> None:
        """Note the state of the files that the raster is made of, to know them again after `close`.

        Raises:
            SceneUnreadable, NetworkUnavailable: a file cannot be looked at.
        """
        self._stamps = {file: _stamp(file) for file in files}

    def get(self) -> DatasetReader:
        """The calling thread's handle, opened on first use and on the first one after `close`.

        Raises:
            SceneUnreadable: the raster cannot be opened, or one of its files has changed since `remember`.
            NetworkUnavailable: its server cannot be reached.
        """
        handle: DatasetReader | None = getattr(self._local, "handle", None)
        if handle is None or handle.closed:
            with self._lock:
                self._check_unchanged()
                handle = open_raster(self.source)
                self._all.append(handle)
            self._local.handle = handle
        return handle

    def _check_unchanged(self) -> None:
        if not self._unsure:
            return
        changed = [public(file) for file, stamp in self._stamps.items() if _stamp(file) != stamp]
        if changed:
            raise SceneUnreadable(
                f"{public(self.source.path)}: changed since it was opened ({', '.join(changed[:3])}); count it again"
            )
        self._unsure = False

    def close(self) -> None:
        """Close them all; no thread may be reading."""
        with self._lock:
            for handle in self._all:
                handle.close()
            self._all.clear()
            self._unsure = True


def _stamp(file: str) -> str:
    """What changes when a file changes, without reading it: size and time of change; for an address its tag."""
    if is_url(file):
        return version(file)
    try:
        status = Path(file).stat()
    except OSError as error:
        raise SceneUnreadable(f"{file}: cannot be read ({error.strerror or error})") from error
    return f"{status.st_size} {status.st_mtime_ns}"
