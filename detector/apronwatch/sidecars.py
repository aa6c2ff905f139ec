"""What files beside an image say of its acquisition: DigitalGlobe, DIMAP, Planet and STAC metadata."""

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apronwatch.times import AcquisitionTime, from_metadata

MAX_BYTES = 16 << 20

_TIMES = frozenset({"firstlinetime", "earliestacqtime", "latestacqtime", "acquisitiondatetime"})
_JSON_TIMES = ("acquired", "datetime")


@dataclass(frozen=True)
class Sidecar:
    """What one file says; None and empty where it is silent."""

    path: Path
    times: tuple[AcquisitionTime, ...]
    sensor: str | None = None
    acquisition: str | None = None


def read_sidecars(image: Path) -> list[Sidecar]:
    """The files beside an image that say something of its acquisition, in the order of their names.

    They bear the image's name (`A.tif`: `A.IMD`, `A.xml`, `A.tif.xml`, `A.json`), or the names by which DIMAP
    (`IMG_A_R1C1.TIF`: `DIM_A.XML`) and Planet (`A_3B_Visual.tif`: `A_metadata.json`) know one another.
    """
    readers = {".imd": _from_imd, ".xml": _from_xml, ".json": _from_json}
    found = []
    for path in sorted(image.absolute().parent.iterdir()):
        reader = readers.get(path.suffix.lower())
        if reader is None or not _belongs(path.stem, image) or not path.is_file() or path == image.absolute():
            continue
        if path.stat().st_size <= MAX_BYTES:
            sidecar = reader(path, path.read_bytes().decode("utf-8-sig", errors="replace"))
            if sidecar is not None:
                found.append(sidecar)
    return found


def _belongs(stem: str, image: Path) -> bool:
    if stem in (image.stem, image.name):
        return True
    dimap = re.fullmatch(r"DIM_(.+)", stem, re.IGNORECASE)
    planet = re.fullmatch(r"(.+)_metadata(?:_.*)?", stem, re.IGNORECASE)
    if dimap and image.stem.upper().startswith("IMG_"):
        return f"{image.stem[4:]}_".startswith(f"{dimap[1]}_")
    return bool(planet and f"{image.stem}_".startswith(f"{planet[1]}_"))


def _from_imd(path: Path, text: str) -> Sidecar | None:
    values = dict(re.findall(r"^\s*(\w+)\s*=\s*\"?([^\";\r\n]+?)\"?\s*;", text, re.MULTILINE))
    said = [values[key] for key in ("firstLineTime", "earliestAcqTime", "latestAcqTime") if key in values]
    return _sidecar(path, said, values.get("satId"), values.get("catId"))


def _from_xml(path: Path, text: str) -> Sidecar | None:
    try:
        # Bytes, for a text with an encoding declaration would be refused.
        root = ElementTree.fromstring(text.encode("utf-8"))
    except (ElementTree.ParseError, ValueError, LookupError):
        return None
    values: dict[str, str] = {}
    said = []
    for node in root.iter():
        key, value = _local(node), (node.text or "").strip()
        if key in _TIMES:
            said.append(value)
        elif value:
            values.setdefault(key, value)
    said += list(_dimap_times(root))
    mission = f"{values.get('mission', '')}{values.get('mission_index', '')}" or None
    return _sidecar(
        path, said, values.get("satid") or mission, values.get("catid") or values.get("source_id")
    )


def _local(node: ElementTree.Element) -> str:
    return str(node.tag).rpartition("}")[2].lower()


def _dimap_times(root: ElementTree.Element) -> Iterator[str]:
    for source in root.iter():
        parts = {_local(node): (node.text or "").strip() for node in source}
        if parts.get("imaging_date"):
            clock = parts.get("imaging_time", "")
            yield f"{parts['imaging_date']}T{clock}" if clock else parts["imaging_date"]


def _from_json(path: Path, text: str) -> Sidecar | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    inner = document.get("properties")
    properties: dict[str, Any] = inner if isinstance(inner, dict) else document
    said = [properties[key] for key in _JSON_TIMES if isinstance(properties.get(key), str)]
    sensor = properties.get("satellite_id") or properties.get("platform")
    acquisition = properties.get("strip_id") or properties.get("catalog_id")
    return _sidecar(path, said, sensor, acquisition)


def _sidecar(path: Path, said: list[str], sensor: Any, acquisition: Any) -> Sidecar | None:
    times = tuple(time for text in said if (time := from_metadata(text, "sidecar")))
    if not times and sensor is None and acquisition is None:
        return None
    named = tuple(
        AcquisitionTime(time.time, time.precision, time.source, f"{path.name}: {time.shown}")
        for time in times
    )
    return Sidecar(path, named, _text(sensor), _text(acquisition))


def _text(value: Any) -> str | None:
    return str(value).strip() or None if isinstance(value, str | int) else None
