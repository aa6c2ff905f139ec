"""What became of each box of a look: in which zones it lies, and whether it counts or why not."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from apronwatch.counting import plane_centres
from apronwatch.detections import Detections
from apronwatch.interchange import geojson
from apronwatch.interchange.counts_csv import inert
from apronwatch.interchange.tables import ATTRIBUTES, attributes, lonlat, short
from apronwatch.observation import Frame, laid, united_boxes
from apronwatch.report.chips import MOST
from apronwatch.run import Run
from apronwatch.sceneinfo import SceneInfo
from apronwatch.site import Site
from apronwatch.taxonomy import CLASSES
from apronwatch.zone import ALL_ZONES

BELOW_THRESHOLD = "below_threshold"
UNDER_MASK = "under_mask"
OUTSIDE_ZONES = "outside_zones"
NO_NUMBER = "no_number"
IN_ANOTHER_FRAME = "counted_in_another_frame"
WHY_NOT = {
    BELOW_THRESHOLD: "its score lies below the operating threshold of its class",
    UNDER_MASK: "its centre lies under the supplied mask",
    OUTSIDE_ZONES: "its centre lies in no zone of the site",
    NO_NUMBER: "of this class nothing can be said in this look",
    IN_ANOTHER_FRAME: "another frame of the look shows the same object, which counts there",
}
"""Why a box does not count; the first that applies."""


@dataclass(frozen=True, eq=False)
class Boxes:
    """The boxes of one frame.

    Attributes:
        run: with the detections, N of them.
        inside: (N,) bool for each zone and `*`: the centre lies in it, boundary included.
        why_not: N words of `WHY_NOT`, empty for a box that counts in the look's numbers.
    """

    run: Run
    inside: dict[str, NDArray[np.bool_]]
    why_not: tuple[str, ...]

    @property
    def counted(self) -> NDArray[np.bool_]:
        """(N,) whether the box counts in the look's numbers."""
        return np.array([not why for why in self.why_not], dtype=np.bool_)

    @property
    def pictured(self) -> NDArray[np.intp]:
        """The boxes that count, in the order of their chips: highest score first."""
        return _by_score(self.counted, self.run.detections.scores)


def boxes_of(frames: Sequence[Frame], site: Site) -> list[Boxes]:
    """The boxes of each frame of a look, in the order of the frames (that in which ground was given to them)."""
    left = _united(frames) if len(frames) > 1 else None
    several = zip(*laid(frames), strict=True) if len(frames) > 1 else ()
    hidden = {id(given): under.run.hidden for given, under in several}
    return [_boxes(frame, site, left, hidden.get(id(frame), frame.run.hidden)) for frame in frames]


def counted_objects(look: Sequence[Boxes], zone: str, class_name: str) -> Detections:
    """The objects that a number of a look counts."""
    chosen = CLASSES.index(class_name)
    return Detections.concatenate(
        [
            b.run.detections.select(b.counted & b.inside[zone] & (b.run.detections.classes == chosen))
            for b in look
        ]
    )


def _united(frames: Sequence[Frame]) -> Counter[bytes]:
    """How often each box counts: frames of one picture may hold the very same box."""
    counted: Counter[bytes] = Counter()
    for name in CLASSES:
        kept = united_boxes(frames, name)
        counted.update(_key(kept, k) for k in range(len(kept)))
    return counted


def _key(boxes: Detections, k: int) -> bytes:
    return b"".join((boxes.polygons[k].tobytes(), boxes.scores[k].tobytes(), boxes.classes[k].tobytes()))


def _boxes(frame: Frame, site: Site, left: Counter[bytes] | None, hidden: NDArray[np.bool_]) -> Boxes:
    run = frame.run
    if not len(run.detections):  # of a failed run not even the plane is known
        nothing = np.zeros(0, dtype=np.bool_)
        return Boxes(run, dict.fromkeys((*(z.id for z in site.zones), ALL_ZONES), nothing), ())
    centres = shapely.points(plane_centres(run.detections))
    zones = site.zones_in_plane(run.detections.crs, run.scene.gsd_m)
    inside = {zone: shapely.intersects(ground, centres) for zone, ground in zones.items()}
    numbered = {c.class_name for c in frame.counts if c.zone == ALL_ZONES and c.seen is not None}
    words = []
    for k in range(len(run.detections)):
        why = _why_not(run, k, bool(hidden[k]), bool(inside[ALL_ZONES][k]), numbered)
        if not why and left is not None:
            key = _key(run.detections, k)
            why = "" if left[key] else IN_ANOTHER_FRAME
            left[key] -= not why
        words.append(why)
    return Boxes(run, inside, tuple(words))


def _why_not(run: Run, k: int, hidden: bool, in_a_zone: bool, numbered: set[str]) -> str:
    name = CLASSES[run.detections.classes[k]]
    if run.detections.scores[k] < run.thresholds.get(name, np.inf):
        return BELOW_THRESHOLD
    if hidden:
        return UNDER_MASK
    if not in_a_zone:
        return OUTSIDE_ZONES
    return "" if name in numbered else NO_NUMBER


def to_geojson(boxes: Boxes, info: SceneInfo) -> bytes:
    """The GeoJSON of `detect --out`, each feature with what became of it."""
    collection = json.loads(geojson.encode(boxes.run.detections, info, boxes.run.model))
    for feature, fate in zip(collection["features"], fates(boxes), strict=True):
        feature["properties"] |= fate
    return json.dumps(collection, allow_nan=False, ensure_ascii=False, indent=1).encode()


def to_csv(boxes: Boxes) -> bytes:
    """One row a box: attributes, centre, and what became of it (UTF-8, RFC 4180)."""
    found = boxes.run.detections
    columns = {name: values.tolist() for name, values in attributes(found).items()}
    columns["score"] = [short(score) for score in found.scores]
    centres = found.centres if found.crs is None else lonlat(found.centres[:, None], found.crs)[:, 0]
    axes, digits = (("x_px", "y_px"), 2) if found.crs is None else (("longitude", "latitude"), 7)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header(axes))
    for k, fate in enumerate(fates(boxes)):
        row = cells({name: columns[name][k] for name in ATTRIBUTES} | fate)
        row |= dict(zip(axes, map(str, centres[k].round(digits).tolist()), strict=True))
        writer.writerow([row[name] for name in header(axes)])
    return text.getvalue().encode()


def header(axes: tuple[str, str]) -> list[str]:
    """The columns of `boxes.csv`, with centres along these axes."""
    return ["id", *ATTRIBUTES, *axes, "zones", "counted", "why_not", "chip"]


def cells(properties: Mapping[str, Any]) -> dict[str, str]:
    """The cells of a box, its centre apart, from its properties in `boxes.geojson`."""
    told = {**properties, "zones": ";".join(properties["zones"])}
    return {name: _cell(told[name]) for name in ("id", *ATTRIBUTES, "zones", "counted", "why_not", "chip")}


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(inert(str(value).lower() if isinstance(value, bool) else value))


def _by_score(counted: NDArray[np.bool_], scores: NDArray[np.float32]) -> NDArray[np.intp]:
    index = np.flatnonzero(counted)
    return index[np.argsort(-scores[index], kind="stable")]


def chips(counted: NDArray[np.bool_], scores: NDArray[np.float32]) -> dict[int, str]:
    """The chip of each box that counts, `1-12` for the twelfth on the first sheet, by its place among all boxes."""
    return {int(k): f"{n // MOST + 1}-{n % MOST + 1}" for n, k in enumerate(_by_score(counted, scores))}


def fates(boxes: Boxes) -> list[dict[str, Any]]:
    """What became of each box, as it is written."""
    shown = chips(boxes.counted, boxes.run.detections.scores)
    return [
        {
            "id": k + 1,
            "zones": [zone for zone, there in boxes.inside.items() if zone != ALL_ZONES and there[k]],
            "counted": not why,
            "why_not": why or None,
            "chip": shown.get(k),
        }
        for k, why in enumerate(boxes.why_not)
    ]
