"""Many scenes at once: a manifest's rows, or a STAC collection's items."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from apronwatch import stac
from apronwatch.errors import BadTime, ManifestInvalid
from apronwatch.georeference import GSD_RANGE, is_plausible_gsd
from apronwatch.remote import is_url, public
from apronwatch.scene import Scene
from apronwatch.times import parse_time

COLUMNS = ("path", "time", "gsd", "site", "mask", "mask_hides", "item_mask", "acquisition")
NO_ITEM_MASK = "no"
"""What the column `item_mask` holds where the masks that a STAC item names are left out."""

UNDATED = "undated"
"""What the column `time` holds where a scene is to be counted without one."""


@dataclass(frozen=True)
class SceneRequest:
    """A scene to look at, and what is said of it beside its own metadata.

    Attributes:
        path: file, address, or STAC item.
        time: of acquisition; ISO 8601 or a datetime.
        undated: look for no time.
        gsd_m: true ground sample distance.
        site: id of the site that it shows.
        mask: file that says where the ground is hidden.
        mask_hides: values of a mask of classes that hide.
        no_item_mask: leave out the masks that a STAC item names.
        acquisition: id of the acquisition.
        time_source: who gave the time: `option` or `manifest`.
    """

    path: str
    time: datetime | str | None = None
    undated: bool = False
    gsd_m: float | None = None
    site: str | None = None
    mask: str | None = None
    acquisition: str | None = None
    time_source: str = "option"
    mask_hides: tuple[int, ...] | None = None
    no_item_mask: bool = False

    def open(self) -> Scene:
        """Open the scene; see `Scene.open` for what it raises."""
        return Scene.open(
            self.path,
            time=self.time,
            undated=self.undated,
            gsd_m=self.gsd_m,
            mask=self.mask,
            mask_hides=self.mask_hides if self.mask else None,
            item_mask=not self.no_item_mask,
            acquisition=self.acquisition,
            time_source=self.time_source,
        )


def read_manifest(path: str | Path) -> list[SceneRequest]:
    """The rows of a CSV file with a header of `COLUMNS`, `path` among them and the others as needed.

    Relative paths are taken from the manifest's folder. The column `time` holds ISO 8601, `undated`, or
    nothing; `gsd` metres per pixel; `mask_hides` values of the mask that hide (`3,8`, quoted); `item_mask` the word
    `no`, or nothing.

    Raises:
        ManifestInvalid: it cannot be read, has an unknown or no `path` column, no row, or a row that makes no
            sense.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:  # bad UTF-8; a NUL in the name
        raise ManifestInvalid(
            f"{public(str(path))}: the manifest cannot be read ({error}); expected a CSV file in UTF-8"
        ) from error
    reader = csv.DictReader(text.splitlines(), strict=True)
    _check_header(path, reader.fieldnames or ())
    try:
        requests = [_request(row, path, reader.line_num) for row in reader if not _is_blank(row)]
    except csv.Error as error:
        raise ManifestInvalid(f"{path}, line {reader.line_num}: no readable CSV ({error})") from error
    if not requests:
        raise ManifestInvalid(f"{path}: a manifest without a row; expected one per scene")
    return requests


def _is_blank(row: dict[str, str]) -> bool:
    return not any(text.strip() for text in row.values() if isinstance(text, str))


def _check_header(path: Path, header: Iterable[str]) -> None:
    names = [name.strip() for name in header]
    unknown = [name for name in names if name not in COLUMNS]
    if unknown or "path" not in names or len(set(names)) < len(names):
        raise ManifestInvalid(
            f"{path}: columns {', '.join(names) or 'none'}; "
            f"expected path and any of {', '.join(COLUMNS[1:])}, each once"
        )


def _request(row: dict[str, str], path: Path, line: int) -> SceneRequest:
    if None in row:
        raise ManifestInvalid(
            f"{path}, line {line}: more values than columns; quote values that hold a comma"
        )
    value = {key.strip(): (text or "").strip() or None for key, text in row.items()}
    if any("\0" in (text or "") for text in value.values()):
        raise ManifestInvalid(f"{path}, line {line}: a NUL byte in it; expected text")
    if value["path"] is None:
        raise ManifestInvalid(f"{path}, line {line}: no path; expected the scene's file or address")
    time = value.get("time")
    undated = time is not None and time.lower() == UNDATED
    mask, item_mask = value.get("mask"), value.get("item_mask")
    if item_mask not in (None, NO_ITEM_MASK):
        raise ManifestInvalid(
            f"{path}, line {line}: item_mask {item_mask!r}; expected {NO_ITEM_MASK}, which leaves out the masks that a "
            "STAC item names, or nothing"
        )
    if value.get("mask_hides") and not mask:
        raise ManifestInvalid(f"{path}, line {line}: mask_hides names values of a mask and there is none")
    return SceneRequest(
        path=_beside(path, value["path"]),
        time=None if undated else _time(time, path, line),
        undated=undated,
        gsd_m=_gsd(value.get("gsd"), path, line),
        site=value.get("site"),
        mask=_beside(path, mask) if mask else None,
        mask_hides=_hides(value.get("mask_hides"), path, line),
        no_item_mask=item_mask == NO_ITEM_MASK,
        acquisition=value.get("acquisition"),
        time_source="manifest",
    )


def _beside(manifest: Path, name: str) -> str:
    return name if is_url(name) else str(manifest.parent / name)


def _time(text: str | None, path: Path, line: int) -> str | None:
    if text is None:
        return None
    try:
        parse_time(text)
    except BadTime as error:
        raise ManifestInvalid(f"{path}, line {line}: {error}, or {UNDATED}") from error
    return text


def _hides(text: str | None, path: Path, line: int) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        return tuple(sorted({int(value) for value in text.split(",")}))
    except ValueError as error:
        raise ManifestInvalid(
            f"{path}, line {line}: mask_hides {text!r}; expected whole numbers such as 3,8,9,10"
        ) from error


def _gsd(text: str | None, path: Path, line: int) -> float | None:
    if text is None:
        return None
    try:
        gsd_m = float(text)
    except ValueError:
        gsd_m = 0.0
    if not is_plausible_gsd(gsd_m):
        raise ManifestInvalid(f"{path}, line {line}: gsd {text!r}; expected metres per pixel, {GSD_RANGE}")
    return gsd_m


def expand(request: SceneRequest | str | Path) -> list[SceneRequest]:
    """The scenes that a request stands for: each item of a STAC collection or catalogue, else itself.

    What the request says of the scene goes with each of its items.

    Raises:
        SceneUnreadable: a JSON document that is no STAC, or a STAC collection without items.
        NetworkUnavailable: its address cannot be reached.
    """
    one = request if isinstance(request, SceneRequest) else SceneRequest(str(request))
    if not stac.is_document(one.path):
        return [one]
    return [replace(one, path=path) for path in stac.items(one.path)]
