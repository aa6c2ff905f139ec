"""`Scene`: one acquisition. Where, when, how fine (true metres), which bits, which pixels are valid."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import numpy as np
import pyproj
from numpy.typing import NDArray
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry import Polygon

from apronwatch.bands import choose_bands
from apronwatch.errors import ContradictingGsd, NoGsd
from apronwatch.fill import Fill, Flatness, find_fill
from apronwatch.georeference import (
    GSD_RANGE,
    footprint_lonlat,
    georeference,
    is_plausible_gsd,
    true_gsd_m,
)
from apronwatch.identity import identify
from apronwatch.opening import Handles, Source, has_query, members, probe
from apronwatch.pixels import declares_valid, inverted, read_pixels
from apronwatch.remote import is_url, public
from apronwatch.sampling import sample_pixels
from apronwatch.sceneinfo import SceneInfo
from apronwatch.sidecars import Sidecar, read_sidecars
from apronwatch.stac import StacImage, is_document, read_image
from apronwatch.stacmasks import ItemMask
from apronwatch.stretch import Stretch, is_dull, remarks
from apronwatch.times import AcquisitionTime, from_datetime, from_metadata, from_name, parse_time, resolve

GSD_TOLERANCE = 0.05
"""A told GSD may differ from the measured one by this share; beyond it one of the two is wrong."""

SYNTHETIC_TAG = "APRONWATCH_SYNTHETIC"


class Scene:
    """One image of one acquisition, opened and checked, its pixels unread.

    A context manager. `read` and `dataset` may be called from several threads: each has a handle of its own.

    `close` gives back the handles and nothing else: `info` and `stretch` stay, and what needs a handle later
    opens one again, if the files are still the same by size and time of change (for an address by its entity
    tag). Thousands of scenes can thus be opened, asked for their `info`, closed, and read one after another
    without their bytes being hashed twice.

    Attributes:
        path: as the user gave it.
        uri: GDAL's name of the raster.
        width, height: pixels.
        bands: 1-based numbers of the bands that `read` gives: red, green, blue, or one.
        dtype: numpy name of the type of `read`'s pixels.
        crs: of the pixels; None for a picture without georeference.
        transform: affine from pixel (column, row) to `crs`; identity for a picture.
        gsd_m: true metres on the ground of one pixel at the centre.
        mask_path: a file that says where the ground is hidden, as the user gave it; not applied by `read`.
        mask_hides: the values of its classes that hide; None for a mask that says it itself.
        item_masks, item_mask_notes: the same of its STAC item, and what to say of masks that cannot be read.
        time: when it was taken; None when undated.
        own_times: all that the picture, its files and its name say of that, whatever holds.
    """

    def __init__(
        self,
        path: str,
        handles: Handles,
        files: Sequence[str],
        image: StacImage | None,
        *,
        gsd_m: float | None,
        mask: str | None,
    ) -> None:
        dataset = handles.get()
        self.path = path
        self._handles = handles
        self._files = tuple(files)
        self._image = image
        self.uri = handles.source.gdal
        self.width, self.height = int(dataset.width), int(dataset.height)
        self._bands = choose_bands(dataset, public(path), image.band_names if image else ())
        self.bands = self._bands.numbers
        self.dtype = str(dataset.dtypes[self.bands[0] - 1])
        self.crs, self.transform, warned = georeference(dataset, public(files[0]))
        self.gsd_m, hinted = self._true_gsd(gsd_m)
        self.mask_path = mask
        self.mask_hides: tuple[int, ...] | None = None
        self.item_masks: tuple[ItemMask, ...] = ()
        self.item_mask_notes: tuple[str, ...] = ()
        self.sidecars: tuple[Sidecar, ...] = ()
        self.time: AcquisitionTime | None = None
        self.own_times: tuple[AcquisitionTime, ...] = ()
        self.sensor: str | None = None
        self.acquisition: str | None = None
        self.warnings = (
            *_other_images(dataset),
            *_unasked_sidecars(files),
            *self._bands.warnings,
            *warned,
            *hinted,
        )

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        time: datetime | str | None = None,
        undated: bool = False,
        gsd_m: float | None = None,
        mask: str | None = None,
        mask_hides: tuple[int, ...] | None = None,
        item_mask: bool = True,
        acquisition: str | None = None,
        time_source: str = "option",
    ) -> Self:
        """Open a raster, its address, or a STAC item, and check all that can be wrong with it.

        Args:
            path: a local file, an `http(s)` address, or a STAC item (`FILE#ID` for one of an item
                collection).
            time: of acquisition, ISO 8601 or a datetime; without a zone it is UTC.
            undated: look for no time.
            gsd_m: true ground sample distance; needed for a picture without georeference. For a georeferenced
                scene the measured one stands, and a told one must agree with it.
            mask: file that says where the ground is hidden.
            mask_hides: values of a mask of classes that hide.
            item_mask: heed the masks that a STAC item names.
            acquisition: id of the acquisition, where the user knows better than the metadata.
            time_source: who gave `time`: `option` or `manifest`.

        Raises:
            SceneUnreadable, NetworkUnavailable: the raster, a member of it, or its STAC item cannot be read.
            SceneNotGeocoded: it has only ground control points or RPCs.
            BandsUnclear: it cannot be told which bands are red, green and blue.
            NoGsd, ContradictingGsd: a picture without `gsd_m`; a `gsd_m` that the georeference contradicts.
            NoTime, BadTime, ContradictingTimes: see `times.resolve`.
        """
        given = _given_time(time, time_source)
        name = str(path)
        image = read_image(name) if is_document(name) else None
        source = Source.locate(image.href if image else name)
        handles = Handles(source)
        try:
            dataset = handles.get()
            files = members(source, dataset)
            probe(dataset, public(source.path))
            scene = cls(name, handles, files, image, gsd_m=gsd_m, mask=mask)
            scene.mask_hides = mask_hides
            if image and item_mask:
                scene.item_masks, scene.item_mask_notes = image.masks, image.mask_notes
            scene._describe(acquisition)
            scene._date(given, undated)
            handles.remember(scene._all_files())
        except BaseException:
            handles.close()
            raise
        return scene

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the handles of all threads, none of which may be reading; a later read opens one again."""
        self._handles.close()

    def dataset(self) -> DatasetReader:
        """The calling thread's handle.

        Raises:
            SceneUnreadable: after `close`, the files are no longer those that were opened.
            NetworkUnavailable: after `close`, the server cannot be reached.
        """
        return self._handles.get()

    def read(
        self, window: Window, out_shape: tuple[int, int] | None = None
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        """Pixels of a window that lies within the scene, and which of them are valid.

        Args:
            window: columns and rows of the scene.
            out_shape: (h, w) to shrink to: pixels by area average, from overviews where there are; the mask
                by nearest neighbour.

        Returns:
            (h, w, B) pixels in the scene's type, B = 1 or 3; (h, w) bool: neither nodata, nor transparent,
            nor masked inside the file or by its `.msk`, nor NaN, nor undeclared `fill`, nor flat.

        Raises:
            SceneUnreadable: the file breaks off or is damaged there, or see `dataset`.
        """
        pixels, valid = self._read(window, out_shape)
        return pixels, valid & ~self.fill.covers(pixels)

    def _read(
        self, window: Window, out_shape: tuple[int, int] | None
    ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
        return read_pixels(self.dataset(), self._bands, window, out_shape, public(self.path))

    @property
    def fill(self) -> Fill:
        """Which pixels show nothing although the file does not say so, by their values as `read` gives them."""
        return self._measured[1]

    @property
    def stretch(self) -> Stretch:
        """How its pixels become 8 bits; measured once, by percentiles of a sample of the valid pixels."""
        return self._measured[0]

    @cached_property
    def _measured(self) -> tuple[Stretch, Fill, tuple[str, ...]]:
        """The stretch, the pixels that show nothing, and warnings about both."""
        flatness = Flatness()

        def look(
            window: Window, out_shape: tuple[int, int] | None
        ) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
            pixels, valid = self._read(window, out_shape)
            flatness.add(pixels, valid, int(window.height))
            return pixels, valid

        even, sample = sample_pixels(self.dataset(), self.bands[0], look)
        declared = declares_valid(self.dataset(), self._bands)
        fill = find_fill(even, sample, declared=declared, together=flatness.together)
        said = self._on_fill(fill) + flatness.remarks(fill)
        shown = sample if fill.blank else sample[~fill.hides(sample)]
        if self.dtype == "uint8" and (fill.blank or not is_dull(shown)):
            return Stretch("none"), fill, said
        if self.dtype == "uint8":
            said += ("its 8 bits span few levels: stretched between percentiles like pixels of other types",)
        columns = list(shown.T)
        told = () if fill.blank else remarks(columns, self._colours)
        return Stretch.measure(columns), fill, said + told

    @property
    def _colours(self) -> tuple[int, ...]:
        """The bands by number; a palette's band gives three colours."""
        return (1, 2, 3) if self._bands.palette else self.bands

    def _on_fill(self, fill: Fill) -> tuple[str, ...]:
        if fill.blank:
            return ("all valid pixels have one value: the picture shows nothing and counts as unseen",)
        if fill.value is None:
            return ()
        # The value as the file has it.
        value = np.array([fill.value], dtype=self.dtype)
        value = inverted(value) if self._bands.negative else value
        shown = int(value[0]) if value.dtype.kind in "iu" else repr(float(value[0]))
        return (
            f"{fill.share:.0%} of the pixels have the value {shown} in all bands, taken for nodata that was not "
            f"declared; declare it, gdal_edit.py -a_nodata {shown} FILE, or another one if these show ground",
        )

    @cached_property
    def info(self) -> SceneInfo:
        """The facts of the scene. The first call reads all bytes once for their hash, and samples pixels."""
        identity = identify(self._all_files())
        tags = self.dataset().tags()
        footprint = self.footprint_lonlat()
        return SceneInfo(
            path=public(self.path),
            identity=identity.key,
            sha256=identity.sha256,
            time=self.time.time if self.time else None,
            time_precision=self.time.precision if self.time else None,
            time_source=self.time.source if self.time else None,
            width=self.width,
            height=self.height,
            gsd_m=self.gsd_m,
            crs=_crs_text(self.crs),
            transform=tuple(self.transform)[:6],
            footprint_wkt=footprint.wkt if footprint else None,
            bands=self.bands,
            dtype=self.dtype,
            stretch=self.stretch.to_dict(),
            sensor=self.sensor,
            acquisition=self.acquisition,
            attribution=tags.get("TIFFTAG_COPYRIGHT") or (self._image.attribution if self._image else None),
            synthetic=tags.get(SYNTHETIC_TAG, "").upper() == "YES",
            warnings=(*self.warnings, *self._measured[2]),
        )

    def footprint_lonlat(self) -> Polygon | None:
        """The pixels' rectangle in longitude and latitude, edges densified; None for a picture."""
        if self.crs is None:
            return None
        return footprint_lonlat(self.crs, self.transform, self.width, self.height)

    def _all_files(self) -> list[str]:
        return list(dict.fromkeys([*self._files, *(str(sidecar.path) for sidecar in self.sidecars)]))

    def _true_gsd(self, told: float | None) -> tuple[float, tuple[str, ...]]:
        name = public(self.path)
        if told is not None and not is_plausible_gsd(told):
            raise NoGsd(f"{name}: a ground sample distance of {told} m per pixel; expected {GSD_RANGE}")
        if self.crs is None:
            if told is None:
                raise NoGsd(
                    f"{name}: a picture without georeference; give its ground sample distance, --gsd METRES"
                )
            return told, ()
        measured = true_gsd_m(self.crs, self.transform, self.width, self.height)
        if told is not None and abs(told / measured - 1) > GSD_TOLERANCE:
            raise ContradictingGsd(
                f"{name}: a GSD of {told:g} m was told, its georeference ({self.crs.name}) gives "
                f"{measured:.4g} m on the ground; leave --gsd out, or correct the georeference"
            )
        hint = self._image.gsd_m if self._image else None
        if hint and not 0.5 < measured / hint < 2:
            return measured, (f"the STAC item says a GSD of {hint:g} m, its image has {measured:.4g} m",)
        return measured, ()

    def _describe(self, acquisition: str | None) -> None:
        """Sensor and acquisition, from the item, the sidecars and NITF, in this order."""
        raster = self._files[0]
        if not is_url(raster):
            self.sidecars = tuple(read_sidecars(Path(raster)))
        tags = self.dataset().tags()
        sensors = [
            self._image and self._image.sensor,
            *(s.sensor for s in self.sidecars),
            tags.get("NITF_ISORCE"),
        ]
        self.sensor = next((one.strip() for one in sensors if one and one.strip()), None)
        known = [
            acquisition,
            self._image and self._image.acquisition,
            *(s.acquisition for s in self.sidecars),
        ]
        self.acquisition = next((one for one in known if one), None)

    def _date(self, given: AcquisitionTime | None, undated: bool) -> None:
        dataset = self.dataset()
        tags = dataset.tags()
        found = [
            self._image.time if self._image else None,
            from_metadata(tags.get("NITF_IDATIM", ""), "nitf"),
            *(time for sidecar in self.sidecars for time in sidecar.times),
            from_metadata(dataset.tags(ns="IMAGERY").get("ACQUISITIONDATETIME", ""), "sidecar"),
            from_name(_file_name(self._files[0])),
            from_metadata(tags.get("TIFFTAG_DATETIME", ""), "tiff"),
        ]
        self.own_times = tuple(time for time in found if time)
        if undated:
            return
        self.time, warned = resolve([*([given] if given else []), *self.own_times], public(self.path))
        self.warnings += warned


def _other_images(dataset: DatasetReader) -> tuple[str, ...]:
    images = len(dataset.subdatasets)
    return (f"only the first of the {images} images in the file is looked at",) if images > 1 else ()


def _unasked_sidecars(files: Sequence[str]) -> tuple[str, ...]:
    if not any(has_query(file) for file in files):
        return ()
    return ("no mask or other sidecar (.msk, .aux.xml, .ovr) is looked for beside an address with a query",)


def _given_time(time: datetime | str | None, source: str) -> AcquisitionTime | None:
    if time is None:
        return None
    return from_datetime(time, source) if isinstance(time, datetime) else parse_time(time, source)


def _file_name(path: str) -> str:
    return Path(unquote(urlsplit(path).path) if is_url(path) else path).name


def _crs_text(crs: pyproj.CRS | None) -> str | None:
    """`EPSG:n` where the CRS is that one, whatever it is called in the file; else WKT."""
    if crs is None:
        return None
    code = crs.to_epsg()
    same = code is not None and pyproj.CRS.from_epsg(code).equals(crs, ignore_axis_order=True)
    return f"EPSG:{code}" if same else str(crs.to_wkt())
