"""The STAC item by which a scene was found: its file, and those that it names, with their hashes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from apronwatch.errors import ApronwatchError
from apronwatch.evidence.told import FileTold, ItemTold
from apronwatch.identity import identify
from apronwatch.interchange.files import public_name
from apronwatch.remote import is_url
from apronwatch.stac import is_document, read_image


def is_item(path: str) -> bool:
    """Whether a scene's path is that of a STAC item, as far as its name tells."""
    return "#" in path or path.lower().endswith("json")


def item_of(path: str) -> ItemTold | None:
    """The STAC item at a path (`FILE`, or `FILE#ID`); None for a picture, a remote item, or one that cannot be read."""
    file = path if Path(path).is_file() else path.partition("#")[0]
    if is_url(path) or not Path(file).is_file() or not is_document(path):
        return None
    try:
        content = Path(file).read_bytes()
        image = read_image(path)
        named = [image.href, *(mask.href for mask in image.masks)]
        picture, *masks = (_file(href) for href in named)
        fixed = {href for href in _hrefs(json.loads(content)) if Path(href).is_absolute()}
    except (ApronwatchError, OSError, ValueError):
        return None
    sha256 = hashlib.sha256(content).hexdigest()
    return ItemTold(public_name(file), sha256, picture, tuple(masks), not fixed.isdisjoint(named))


def _file(href: str) -> FileTold:
    return FileTold(public_name(href), None if is_url(href) else identify([href]).sha256)


def _hrefs(plain: Any) -> Iterator[str]:
    for value in plain.values() if isinstance(plain, dict) else plain if isinstance(plain, list) else ():
        yield from _hrefs(value)
    if isinstance(plain, dict) and isinstance(plain.get("href"), str):
        yield plain["href"]
