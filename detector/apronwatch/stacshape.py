"""Whether a STAC document has the shape that its readers rely on; each refusal says which member has not."""

from typing import Any

from apronwatch.errors import SceneUnreadable
from apronwatch.remote import public


def entries(document: dict[str, Any], member: str, file: str) -> list[dict[str, Any]]:
    """The objects in a list of a document; none where it has no such list.

    Raises:
        SceneUnreadable: it is no list, or holds something else.
    """
    found = document.get(member)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _wrong(file, member, "a list of objects")
    return found


def check_item(document: dict[str, Any], file: str) -> None:
    """Refuse an item whose members are not of the types that the specification gives them.

    Raises:
        SceneUnreadable: one is not.
    """
    entries(document, "links", file)
    properties = document.get("properties")
    if not isinstance(properties, dict):
        raise _wrong(file, "properties", "an object")
    assets = document.get("assets")
    if not isinstance(assets, dict):
        raise _wrong(file, "assets", "an object")
    for key, asset in assets.items():
        if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
            raise _wrong(file, f"assets, {key}", "an object with an href")
        if not isinstance(asset.get("type"), str | None):
            raise _wrong(file, f"type of {key}", "text")
        _check_roles(asset.get("roles"), file, key)
    for part in (properties, *assets.values()):
        _check_described(part, file)


def _check_roles(roles: Any, file: str, key: str) -> None:
    if roles is not None and not (isinstance(roles, list) and all(isinstance(one, str) for one in roles)):
        raise _wrong(file, f"roles of {key}", "a list of texts")


def _check_described(part: dict[str, Any], file: str) -> None:
    """What stands in an item's properties and in its assets alike."""
    for member in ("providers", "eo:bands", "bands"):
        for entry in entries(part, member, file):
            for name in ("name", "common_name", "eo:common_name"):
                if not isinstance(entry.get(name), str | None):
                    raise _wrong(file, f"{name} in {member}", "text")
    gsd_m = part.get("gsd")
    if gsd_m is not None and (isinstance(gsd_m, bool) or not isinstance(gsd_m, int | float) or not gsd_m > 0):
        raise _wrong(file, "gsd", "metres above 0")
    for member in ("platform", "constellation"):
        if not isinstance(part.get(member), str | None):
            raise _wrong(file, member, "text")


def _wrong(file: str, member: str, expected: str) -> SceneUnreadable:
    return SceneUnreadable(f"{public(file)}: no STAC item or collection; its {member} should be {expected}")
