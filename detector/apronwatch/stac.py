"""STAC: the image that an item names and what it says of it; the items of a collection."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pystac
from pystac.errors import STACError, STACTypeError
from pystac.stac_io import DefaultStacIO

from apronwatch.errors import SceneUnreadable
from apronwatch.remote import check_name, fetch_text, is_url, public, stat
from apronwatch.stacmasks import MASK_ROLES, ItemMask, item_masks, known_mask
from apronwatch.stacshape import check_item, entries
from apronwatch.times import AcquisitionTime, from_metadata

RASTER_SUFFIXES = (".tif", ".tiff", ".jp2", ".vrt", ".ntf", ".nitf", ".png", ".jpg", ".jpeg")
NOT_PIXELS = frozenset({"thumbnail", "overview", "metadata", "mask", "saturation", *MASK_ROLES})
MAX_INTERVAL = timedelta(days=1)
"""An item over a longer interval than this is a mosaic: it has no time of acquisition."""

_BROKEN = (STACError, STACTypeError, AttributeError, KeyError, TypeError, ValueError)
"""What pystac raises at documents that break the specification."""

_ACQUISITION_KEYS = ("catalog_id", "vantor:catalog_id", "maxar:catalog_id", "strip_id", "pl:strip_id")


@dataclass(frozen=True)
class StacImage:
    """The image of a STAC item.

    Attributes:
        item: id of the item.
        href: path or address of the image.
        time: None where the item has none.
        band_names: common names of the image's bands, where the item gives them.
        gsd_m: as the item says: nominal, and only a hint.
        sensor, acquisition, attribution: None where the item is silent.
        masks: what it says of clouds and the like; hrefs fit to be opened.
        mask_notes: what to say of masks of it that cannot be read.
    """

    item: str
    href: str
    time: AcquisitionTime | None
    band_names: tuple[str | None, ...]
    gsd_m: float | None
    sensor: str | None
    acquisition: str | None
    attribution: str | None
    masks: tuple[ItemMask, ...] = ()
    mask_notes: tuple[str, ...] = ()


class _Reader(DefaultStacIO):
    """Reads over the network with our limits of time and size."""

    def read_text_from_href(self, href: str) -> str:
        return _text(href)


def _text(path: str) -> str:
    if is_url(path):
        return fetch_text(path)
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SceneUnreadable(
            f"{public(path)}: cannot be read as text ({error}); expected a STAC document"
        ) from error


def is_document(path: str) -> bool:
    """Whether a file or address holds JSON and not pixels."""
    check_name(path)
    file, _ = _split(path)
    if is_url(file):
        name = urlsplit(file).path.lower()
        if name.endswith(RASTER_SUFFIXES):
            return False
        return name.endswith((".json", ".geojson")) or "json" in stat(file).media_type
    try:
        with Path(file).open("rb") as stream:
            return stream.read(256).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    except OSError:
        return False


def _split(path: str) -> tuple[str, str | None]:
    """A document and the id after its `#`, which names one item of an item collection."""
    if not is_url(path) and Path(path).exists():
        return path, None
    file, _, item = path.partition("#")
    return file, item or None


def _load(file: str) -> dict[str, Any]:
    try:
        document = json.loads(_text(file))
        # A lone surrogate, which JSON can spell, can be written nowhere.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise SceneUnreadable(
            f"{public(file)}: no readable JSON ({error}); expected a STAC document"
        ) from error
    if not isinstance(document, dict):
        raise SceneUnreadable(f"{public(file)}: JSON, but no object; expected a STAC document")
    _refuse_site_file(document, file)
    return document


def _refuse_site_file(document: dict[str, Any], file: str) -> None:
    features = entries(document, "features", file)
    inner = features[0].get("properties") if features else None
    if isinstance(inner, dict) and {"site", "zone"} <= inner.keys() and "assets" not in features[0]:
        raise SceneUnreadable(f"{public(file)}: a site file, no image; give it with --sites, and an image")


def read_image(path: str) -> StacImage:
    """The image of a STAC item: a file or address, or `FILE#ID` for one item of an item collection.

    Raises:
        SceneUnreadable: it is no STAC item, or it names no image, or several that are equally fit.
        NetworkUnavailable: its address cannot be reached.
    """
    file, item_id = _split(path)
    document = _load(file)
    if item_id is not None:
        features = entries(document, "features", file)
        named = [one for one in features if one.get("id") == item_id]
        if len(named) != 1:
            many = f"{len(named)} items of id" if named else "no item"
            raise SceneUnreadable(
                f"{public(file)}: {many} {item_id!r} among its {len(features)}; name one that it holds once"
            )
        [document] = named
    if document.get("type") in ("FeatureCollection", "Collection", "Catalog"):
        raise SceneUnreadable(
            f"{public(file)}: a STAC {document['type']}, not one item; give one of its items"
        )
    check_item(document, file)
    item = _item(document, file)
    asset = _pick(item, file)
    masks, notes = item_masks(item.assets)
    return StacImage(
        item=item.id,
        href=_absolute(asset.href, file),
        time=_time(item),
        band_names=_band_names(item, asset),
        gsd_m=asset.extra_fields.get("gsd") or item.properties.get("gsd"),
        sensor=item.properties.get("platform") or item.properties.get("constellation"),
        acquisition=next(
            (str(item.properties[key]) for key in _ACQUISITION_KEYS if item.properties.get(key)), None
        ),
        attribution=_attribution(item, document),
        masks=tuple(replace(mask, href=_absolute(mask.href, file)) for mask in masks),
        mask_notes=tuple(notes),
    )


def _item(document: dict[str, Any], file: str) -> pystac.Item:
    try:
        return pystac.Item.from_dict(document)
    except _BROKEN as error:
        raise SceneUnreadable(
            f"{public(file)}: no STAC item ({error}); give an image or a STAC item"
        ) from error


def _absolute(href: str, file: str) -> str:
    if is_url(href) or Path(href).is_absolute():
        return href
    return urljoin(file, href) if is_url(file) else str(Path(file).parent / href)


def _pick(item: pystac.Item, file: str) -> pystac.Asset:
    ranked: dict[int, list[str]] = {}
    for key, asset in item.assets.items():
        if _is_raster(asset) and known_mask(key, asset) is None:
            ranked.setdefault(_rank(key, asset, item), []).append(key)
    if not ranked:
        offered = ", ".join(item.assets) or "none"
        raise SceneUnreadable(f"{public(file)}: item {item.id} has no image among its assets ({offered})")
    best = ranked[min(ranked)]
    if len(best) > 1:
        raise SceneUnreadable(
            f"{public(file)}: item {item.id} has several images ({', '.join(best)}), "
            "none of them called visual; give the address of the one to look at, with --time"
        )
    return item.assets[best[0]]


def _is_raster(asset: pystac.Asset) -> bool:
    if NOT_PIXELS & set(asset.roles or ()):
        return False
    media = (asset.media_type or "").partition(";")[0].strip().lower()
    if media:
        return media.startswith("image/") or media.endswith(("nitf", "vrt"))
    return urlsplit(asset.href).path.lower().endswith(RASTER_SUFFIXES)


def _rank(key: str, asset: pystac.Asset, item: pystac.Item) -> int:
    """How fit an image is to be looked at; the lowest is best."""
    roles = set(asset.roles or ())
    if key.lower() in ("visual", "visible") or "visual" in roles:
        return 0
    if {"red", "green", "blue"} <= set(_band_names(item, asset)):
        return 1
    if key.lower() in ("image", "data", "analytic"):
        return 2
    return 3 if "data" in roles else 4


def _band_names(item: pystac.Item, asset: pystac.Asset) -> tuple[str | None, ...]:
    bands = asset.extra_fields.get("eo:bands") or asset.extra_fields.get("bands") or ()
    return tuple(band.get("common_name") or band.get("eo:common_name") or band.get("name") for band in bands)


def _time(item: pystac.Item) -> AcquisitionTime | None:
    start, end = (item.properties.get(key) for key in ("start_datetime", "end_datetime"))
    if item.properties.get("datetime"):
        return from_metadata(str(item.properties["datetime"]), "stac")
    if not start or not end:
        return None
    try:
        span = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
    except (ValueError, TypeError):
        return None
    return from_metadata(str(start), "stac") if span < MAX_INTERVAL else None


def _attribution(item: pystac.Item, document: dict[str, Any]) -> str | None:
    said = item.properties.get("attribution") or document.get("attribution")
    if said:
        return str(said)
    names = [provider.get("name", "") for provider in item.properties.get("providers") or ()]
    return ", ".join(name for name in names if name) or None


def items(path: str) -> list[str]:
    """Paths of the items that a STAC document stands for, each fit for `read_image`.

    An item is its own and only one. An item collection gives `FILE#ID` for each, following the pages of an
    API; a catalogue or collection the items that it and its children link to.

    Raises:
        SceneUnreadable: it is no STAC document, or an empty one.
        NetworkUnavailable: an address cannot be reached.
    """
    file, item_id = _split(path)
    document = _load(file)
    kind = document.get("type")
    if item_id is not None or kind == "Feature":
        return [path]
    if kind == "FeatureCollection":
        found = list(_paged(file, document))
    elif kind in ("Collection", "Catalog"):
        found = _linked(file, document)
    else:
        raise SceneUnreadable(
            f"{public(file)}: JSON of type {kind!r}; expected a STAC item, collection or catalogue"
        )
    if not found:
        raise SceneUnreadable(f"{public(file)}: a STAC {kind} without items")
    return found


def _paged(file: str, document: dict[str, Any]) -> Iterator[str]:
    seen = {file}
    while True:
        for feature in entries(document, "features", file):
            yield (
                _link(feature, "self", file)
                if is_url(file) and _link(feature, "self", file)
                else (f"{file}#{feature.get('id')}")
            )
        file = _link(document, "next", file)
        if not file or file in seen:
            return
        seen.add(file)
        document = _load(file)


def _link(document: dict[str, Any], rel: str, file: str) -> str:
    links = (link for link in entries(document, "links", file) if link.get("rel") == rel)
    link = next(links, None)
    if link is None or link.get("method", "GET") != "GET" or not isinstance(link.get("href"), str):
        return ""
    return _absolute(link["href"], file)


def _check_no_loop(file: str, above: tuple[str, ...]) -> None:
    """Refuse a catalogue that is a child of itself: its items would never end."""
    document = _load(file)
    for link in entries(document, "links", file):
        if link.get("rel") != "child" or not isinstance(link.get("href"), str):
            continue
        child = _plain(_absolute(link["href"], file))
        if child in (*above, _plain(file)):
            raise SceneUnreadable(f"{public(file)}: a STAC catalogue that links to itself; mend its links")
        _check_no_loop(child, (*above, _plain(file)))


def _plain(file: str) -> str:
    return file if is_url(file) else os.path.realpath(file)


def _linked(file: str, document: dict[str, Any]) -> list[str]:
    pages = _link(document, "items", file)
    if pages:
        return list(_paged(pages, _load(pages)))
    _check_no_loop(file, ())
    try:
        catalog = pystac.read_file(file, stac_io=_Reader())
        assert isinstance(catalog, pystac.Catalog)
        found = [item.get_self_href() for item in catalog.get_items(recursive=True)]
    except RecursionError as error:
        raise SceneUnreadable(
            f"{public(file)}: a STAC catalogue that links to itself; mend its links"
        ) from error
    except (OSError, *_BROKEN) as error:
        raise SceneUnreadable(f"{public(file)}: no readable STAC catalogue ({error})") from error
    return [href for href in found if href is not None]
