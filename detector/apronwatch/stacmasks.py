"""Which assets of a STAC item say where the ground is hidden, and how to read them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pystac

from apronwatch.cloudmasks import PLAIN, SCL, SNOW, UDM2, Reading, Rule, names_clouds, of_classes

MASK_ROLES = frozenset({"cloud", "cloud-shadow", "data-mask", "snow-ice"})
"""Asset roles of STAC's list that say something of the ground's being hidden or white."""

_KNOWN = {"udm2": UDM2, "scl": SCL}


@dataclass(frozen=True)
class ItemMask:
    """A mask that an item names.

    Attributes:
        asset: its key in the item.
        href: path or address.
        reading: how its values are read.
    """

    asset: str
    href: str
    reading: Reading


def known_mask(key: str, asset: pystac.Asset) -> Reading | None:
    """UDM2 or SCL, where an asset is one of them by its key, its file's name or Planet's type of it."""
    file = PurePosixPath(urlsplit(asset.href).path).name
    told = f"{key} {file} {asset.extra_fields.get('pl:asset_type', '')}"
    words = re.split(r"[^a-z0-9]+", told.lower())
    return next((reading for word, reading in _KNOWN.items() if word in words), None)


def item_masks(assets: Mapping[str, pystac.Asset]) -> tuple[list[ItemMask], list[str]]:
    """The masks among an item's assets, hrefs as they stand there, and what to say of those left aside.

    A UDM2 or SCL says it all; else all assets whose classes are named (some of them clouds or shadows, or the asset
    has one of the roles), or whose role is `cloud`, `cloud-shadow` (nonzero hides) or `snow-ice` (nonzero is told).
    A `data-mask` without named classes is left aside: STAC does not say which of its values are good.
    """
    for wanted in (UDM2, SCL):
        known = [ItemMask(k, a.href, wanted) for k, a in assets.items() if known_mask(k, a) == wanted]
        if known:
            return known[:1], []
    found, notes = [], []
    for key, asset in assets.items():
        roles = MASK_ROLES & set(asset.roles or ())
        bands = _bands(asset)
        if not roles and not names_clouds(bands):  # land cover with named classes is no mask
            continue
        reading = of_classes(key, bands) or _by_role(key, roles)
        if reading is None or _is_vector(asset):
            what = f"the item's asset {key} ({', '.join(sorted(roles)) or 'named classes'}) is not used"
            notes.append(f"{what}: {_POLYGONS if _is_vector(asset) else _VALUES}")
        else:
            found.append(ItemMask(key, asset.href, reading))
    return found, notes


_VALUES = "it does not say which of its values hide; give it with --mask FILE --mask-hides VALUES"
_POLYGONS = (
    "polygons are not read from an item; give those of what is hidden with --mask FILE, as GeoJSON, GeoPackage, "
    "Shapefile, FlatGeobuf or GeoParquet"
)


def _by_role(key: str, roles: frozenset[str]) -> Reading | None:
    if roles & {"cloud", "cloud-shadow"}:
        return Reading(key, PLAIN.rules)
    return Reading(key, (Rule(1, SNOW),)) if "snow-ice" in roles else None


def _is_vector(asset: pystac.Asset) -> bool:
    media = (asset.media_type or "").lower()
    suffix = PurePosixPath(urlsplit(asset.href).path).suffix.lower()
    told = any(word in media for word in ("geopackage", "json", "gml", "flatgeobuf", "parquet"))
    return told or suffix in {".gpkg", ".geojson", ".json", ".shp", ".gml", ".fgb", ".parquet"}


def _bands(asset: pystac.Asset) -> list[dict[str, Any]]:
    """The asset's bands with their classes; what the asset says itself holds for the first."""
    named = (_objects(asset.extra_fields.get(name)) for name in ("bands", "raster:bands", "eo:bands"))
    bands = next((bands for bands in named if any(map(_classified, bands))), None)
    if bands is None:
        bands = [asset.extra_fields] if _classified(asset.extra_fields) else []
    return [{name: _objects(band.get(name)) for name in _CLASSES} for band in bands]


_CLASSES = ("classification:classes", "classification:bitfields")


def _classified(band: Mapping[str, Any]) -> bool:
    return any(_objects(band.get(name)) for name in _CLASSES)


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects in what should be a list of them."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
